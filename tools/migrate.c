/* SPDX-License-Identifier: MPL-2.0 */
/* migrate -- makes an inventory of schema 2 out of one of schema 1; see migrate.h.
 *
 * CHECKs cannot be altered in SQLite, so every table is made anew: ours are renamed to v1_*, the schema runs as it does for a
 * fresh inventory, and each row is inserted under its rules.  That the result is a fresh schema is thus true by construction,
 * and a developer who adds to schema 2 has nothing to do here, unless a column of schema 1 goes elsewhere.
 *
 * Invariants
 *   1. A row that is refused is named, and the migration goes on, so that all are named at once; nothing is committed then.
 *   2. What is not ours stays: own tables are not touched, own views, triggers and indexes are made again afterwards.
 *   3. Described properties and settings are those of schema 2, but for rows that the operator wrote or changed.
 */
#include "migrate.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "inventory/plan/address.h"
#include "inventory/store/bounds.h"
#include "inventory/store/schema_id.h"
#include "inventory_sql.h"
#include "inventory_v1_sql.h"

struct migration {
        sqlite3 *db;
        sqlite3 *v1; /* a fresh inventory of schema 1, to compare with; owned */
        migrate_refused_fn *refused;
        void *ctx;
        int n_refused;
        struct buf
                own; /* statements that make the operator's own views, triggers and indexes, NUL behind each */
        struct err *err;
};

static void finalizep(sqlite3_stmt **s)
{
        sqlite3_finalize(*s);
}
#define AUTO_FINALIZE AUTO_CLEAN(finalizep)

static int fail(struct migration *m, sqlite3 *db, const char *what)
{
        int r = errno_from_sqlite(sqlite3_errcode(db));

        return err_set(m->err, r < 0 ? r : -EIO, "%s: %s", what, sqlite3_errmsg(db));
}

static int run(struct migration *m, const char *sql)
{
        return sqlite3_exec(m->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : fail(m, m->db, "migration");
}

__attribute__((format(printf, 2, 3))) static void refuse(struct migration *m, const char *fmt, ...)
{
        char *line;
        va_list ap;

        m->n_refused++;
        va_start(ap, fmt);
        line = sqlite3_vmprintf(fmt, ap);
        va_end(ap);
        m->refused(m->ctx, line ? line : "(out of memory)");
        sqlite3_free(line);
}

static int prepare(struct migration *m, sqlite3 *db, const char *sql, sqlite3_stmt **ret)
{
        return sqlite3_prepare_v2(db, sql, -1, ret, NULL) == SQLITE_OK ? 0 : fail(m, db, sql);
}

/* Whether @db has the object: SQLite compares names without case. */
static bool has_object(sqlite3 *db, const char *type, const char *name)
{
        AUTO_FINALIZE sqlite3_stmt *s = NULL;

        return sqlite3_prepare_v2(db,
                       "SELECT 1 FROM sqlite_schema WHERE type = ?1 AND name = ?2 COLLATE NOCASE", -1, &s,
                       NULL) == SQLITE_OK &&
               sqlite3_bind_text(s, 1, type, -1, SQLITE_STATIC) == SQLITE_OK &&
               sqlite3_bind_text(s, 2, name, -1, SQLITE_STATIC) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW;
}

/* Drops every view, trigger and index, and remembers those that are not of schema 1.  Invariant 2. */
static int clear_objects(struct migration *m)
{
        AUTO_FINALIZE sqlite3_stmt *s = NULL;
        AUTO_BUF struct buf drop = BUF_INIT;
        int rc, r = prepare(m, m->db,
                        "SELECT type, name, sql FROM sqlite_schema WHERE type IN ('view', 'trigger', "
                        "'index') AND sql IS NOT NULL "
                        "ORDER BY rowid",
                        &s);

        while (r == 0 && (rc = sqlite3_step(s)) != SQLITE_DONE) {
                const char *type = (const char *)sqlite3_column_text(s, 0),
                           *name = (const char *)sqlite3_column_text(s, 1);
                char *line;

                if (rc != SQLITE_ROW)
                        return fail(m, m->db, "sqlite_schema");
                if (!has_object(m->v1, type, name))
                        buf_add(&m->own, (const char *)sqlite3_column_text(s, 2),
                                (size_t)sqlite3_column_bytes(s, 2) + 1);
                line = sqlite3_mprintf("DROP %s IF EXISTS \"%w\";\n", type, name);
                buf_puts(&drop, line ? line : "");
                sqlite3_free(line);
        }
        if (r == 0 && (buf_error(&drop) < 0 || buf_error(&m->own) < 0))
                return err_set(m->err, -ENOMEM, "out of memory");
        sqlite3_finalize(take_ptr(&s));
        return r < 0 || !drop.len ? r : run(m, drop.data);
}

/* Columns that schema 1 does not know.  Their values would be lost. */
static int look_for_own_columns(struct migration *m, const char *table)
{
        AUTO_FINALIZE sqlite3_stmt *s = NULL, *known = NULL;
        int r = prepare(m, m->db, "SELECT name FROM pragma_table_info(?1)", &s);

        if (r == 0)
                r = prepare(m, m->v1, "SELECT 1 FROM pragma_table_info(?1) WHERE name = ?2 COLLATE NOCASE",
                        &known);
        if (r < 0)
                return r;
        sqlite3_bind_text(s, 1, table, -1, SQLITE_STATIC);
        while (sqlite3_step(s) == SQLITE_ROW) {
                sqlite3_reset(known);
                sqlite3_bind_text(known, 1, table, -1, SQLITE_STATIC);
                sqlite3_bind_text(known, 2, (const char *)sqlite3_column_text(s, 0), -1, SQLITE_TRANSIENT);
                if (sqlite3_step(known) != SQLITE_ROW)
                        refuse(m,
                                "table %s: the column %s is your own: CREATE TABLE my_%s AS SELECT id, %s "
                                "FROM %s; ALTER TABLE %s "
                                "DROP COLUMN %s; and migrate then",
                                table, sqlite3_column_text(s, 0), table, sqlite3_column_text(s, 0), table,
                                table, sqlite3_column_text(s, 0));
        }
        return 0;
}

/* Our tables make room for the new ones. */
static int rename_tables(struct migration *m)
{
        AUTO_FINALIZE sqlite3_stmt *s = NULL;
        int r = prepare(m, m->v1,
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'", &s);

        while (r == 0 && sqlite3_step(s) == SQLITE_ROW) {
                const char *name = (const char *)sqlite3_column_text(s, 0);
                char *sql;

                if (!has_object(m->db, "table", name))
                        return err_set(m->err, -EBADMSG,
                                "the table %s is missing: this is no whole inventory of schema 1; put a copy "
                                "back",
                                name);
                r = look_for_own_columns(m, name);
                sql = sqlite3_mprintf("ALTER TABLE %s RENAME TO v1_%s", name, name);
                if (r == 0)
                        r = sql ? run(m, sql) : err_set(m->err, -ENOMEM, "out of memory");
                sqlite3_free(sql);
        }
        return r;
}

/* The schema without what stands around its transaction, which is the caller's. */
static int make_tables(struct migration *m)
{
        AUTO_FREE char *text = strdup(strstr(inventory_schema_sql, "\nBEGIN;") + strlen("\nBEGIN;"));
        char *end = text, *next;

        if (!text)
                return err_set(m->err, -ENOMEM, "out of memory");
        while ((next = strstr(end + 1, "\nCOMMIT;")))
                end = next;
        *end = '\0';
        return run(m, text);
}

/* ---- rows ---- */

/* What schema 2 said about the row that @select stands at, whose first column is its id, and what mends it. */
static void refuse_row(struct migration *m, const char *table, sqlite3_stmt *select, const char *name)
{
        const char *why = sqlite3_errmsg(m->db), *check = "CHECK constraint failed: ";
        char column[64] = "...";
        long long id = sqlite3_column_int64(select, 0);
        size_t n;

        if (strncmp(why, check, strlen(check)) == 0)
                why += strlen(check);
        n = strspn(why, "abcdefghijklmnopqrstuvwxyz_");
        if (n > 0 && n < sizeof column && why[n] == ':')
                (void)snprintf(column, sizeof column, "%.*s = ...", (int)n, why);
        refuse(m, "%s %lld%s%s%s: %s; UPDATE %s SET %s WHERE id = %lld, or DELETE it", table, id,
                name ? " (" : "", name ? name : "", name ? ")" : "", why, table, column, id);
}

/* So that the rows which hang on a refused one are judged too, and not refused for want of it.  Nothing of this is
 * committed. */
static void stand_in(struct migration *m, const char *table, long long id)
{
        bool is_host = strcmp(table, "host") == 0;
        char *sql;

        if (!is_host && strcmp(table, "profile") != 0 && strcmp(table, "channel") != 0)
                return;
        sql = sqlite3_mprintf("INSERT OR IGNORE INTO %s (id, %s) VALUES (%lld, 'refused-%lld')", table,
                is_host ? "hostname" : "name", id, id);
        (void)sqlite3_exec(m->db, sql, NULL, NULL, NULL);
        sqlite3_free(sql);
}

static bool is_constraint(int rc)
{
        return (rc & 0xff) == SQLITE_CONSTRAINT;
}

/* Binds column @i; an IPv6 address in the one spelling that schema 2 takes. */
static int bind_column(sqlite3_stmt *insert, sqlite3_stmt *select, int i)
{
        const char *text = (const char *)sqlite3_column_text(select, i);
        char ip[IP_TEXT_SIZE];

        if (text && strcmp(sqlite3_column_name(select, i), "ip") == 0 && strchr(text, ':') &&
                ip_canonical(text, ip) == 0)
                return sqlite3_bind_text(insert, i + 1, ip, -1, SQLITE_TRANSIENT);
        return sqlite3_bind_value(insert, i + 1, sqlite3_column_value(select, i));
}

/* Inserts each row of @from with @into, which has a parameter a column.  @from: id first; "name", if it has such a column or
 * one like it, tells people which row is meant. */
static int copy_rows(struct migration *m, const char *table, const char *from, const char *into)
{
        AUTO_FINALIZE sqlite3_stmt *select = NULL, *insert = NULL;
        int rc, r = prepare(m, m->db, from, &select);

        if (r == 0)
                r = prepare(m, m->db, into, &insert);
        while (r == 0 && (rc = sqlite3_step(select)) != SQLITE_DONE) {
                int n = sqlite3_column_count(select);

                if (rc != SQLITE_ROW)
                        return fail(m, m->db, table);
                for (int i = 0; i < n; i++)
                        if (bind_column(insert, select, i) != SQLITE_OK)
                                return fail(m, m->db, table);
                rc = sqlite3_step(insert);
                if (rc != SQLITE_DONE) {
                        const char *name = n > 1 && sqlite3_column_type(select, 1) == SQLITE_TEXT
                                                   ? (const char *)sqlite3_column_text(select, 1)
                                                   : NULL;

                        if (!is_constraint(sqlite3_errcode(m->db)))
                                return fail(m, m->db, table);
                        refuse_row(m, table, select, name);
                        stand_in(m, table, sqlite3_column_int64(select, 0));
                }
                sqlite3_reset(insert);
        }
        return r;
}

/* In the order in which they refer to each other.  A profile's parent may come later: the second line sets it. */
static const struct {
        const char *table, *from, *into;
} steps[] = {
        { "channel", "SELECT id, name, build, canary, canary_percent, comment FROM v1_channel ORDER BY id",
                "INSERT INTO channel (id, name, build, canary, canary_percent, comment) VALUES (?1, ?2, ?3, "
                "?4, ?5, ?6)" },
        { "profile",
                "SELECT id, name, iif(id = 1, NULL, 1), build, channel, comment FROM v1_profile ORDER BY id",
                "INSERT INTO profile (id, name, parent, build, channel, comment) VALUES (?1, ?2, ?3, ?4, ?5, "
                "?6) ON CONFLICT (id) DO "
                "UPDATE SET build = excluded.build, channel = excluded.channel, comment = excluded.comment" },
        { "profile", "SELECT id, name, parent FROM v1_profile WHERE parent <> 1 ORDER BY id",
                "UPDATE profile SET parent = ?3 WHERE id = ?1 AND name = ?2" },
        { "host",
                "SELECT id, hostname, uuid, serial, profile, build, channel, comment, enabled FROM v1_host "
                "ORDER BY id",
                "INSERT INTO host (id, hostname, uuid, serial, profile, build, channel, comment, enabled) "
                "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)" },
        { "nic",
                "SELECT id, mac, host, ip, netmask, gateway, vlan, mtu, nic_tag, nic_tags_provided, aggr "
                "FROM v1_nic ORDER BY id",
                "INSERT INTO nic (id, mac, host, ip, netmask, gateway, vlan, mtu, nic_tag, "
                "nic_tags_provided, aggr) "
                "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)" },
        { "setting", "SELECT id, key, profile, value FROM v1_setting ORDER BY id",
                "INSERT INTO setting (id, key, profile, value) VALUES (?1, ?2, ?3, ?4)" },
        { "property", "SELECT id, name, profile, host, value FROM v1_property ORDER BY id",
                "INSERT INTO property (id, name, profile, host, value) VALUES (?1, ?2, ?3, ?4, ?5)" },
        { "module", "SELECT id, name, profile, host, content, secret FROM v1_module ORDER BY id",
                "INSERT INTO module (id, name, profile, host, content, secret) VALUES (?1, ?2, ?3, ?4, ?5, "
                "?6)" },
        { "network",
                "SELECT id, profile, host, admin_tag, dns_domain, dns_resolver1, dns_resolver2, "
                "dns_resolver3, etherstubs, lacp_mode "
                "FROM v1_network ORDER BY id",
                "INSERT INTO network (id, profile, host, admin_tag, dns_domain, dns_resolver1, "
                "dns_resolver2, dns_resolver3, "
                "etherstubs, lacp_mode) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)" },
        { "route", "SELECT id, destination, profile, host, gateway FROM v1_route ORDER BY id",
                "INSERT INTO route (id, destination, profile, host, gateway) VALUES (?1, ?2, ?3, ?4, ?5)" },
        { "menu_item", "SELECT id, key, profile, label, body, position FROM v1_menu_item ORDER BY id",
                "INSERT INTO menu_item (id, key, profile, label, body, position) VALUES (?1, ?2, ?3, ?4, ?5, "
                "?6)" },
};

/* One row of an answer for each column that says something; 0 and '' took an inherited answer away, as NULL does now. */
static int copy_answers(struct migration *m)
{
        AUTO_FINALIZE sqlite3_stmt *s = NULL;
        int r = prepare(m, m->v1,
                "SELECT name FROM pragma_table_info('answer') WHERE name NOT IN ('id', 'profile', 'host')",
                &s);

        while (r == 0 && sqlite3_step(s) == SQLITE_ROW) {
                const char *column = (const char *)sqlite3_column_text(s, 0);
                const char *key = strcmp(column, "admin_mac") == 0 ? "admin_nic" : column;
                char *from = sqlite3_mprintf("SELECT id, '%s', profile, host, CASE WHEN %s = 1 AND "
                                             "typeof(%s) = 'integer' THEN 'true' "
                                             "WHEN %s IN (0, '') THEN NULL ELSE %s END FROM v1_answer WHERE "
                                             "%s IS NOT NULL ORDER BY id",
                        key, column, column, column, column, column);

                r = !from ? err_set(m->err, -ENOMEM, "out of memory")
                          : copy_rows(m, "answer", from,
                                    "INSERT INTO answer (key, profile, host, value) SELECT ?2, ?3, ?4, ?5 "
                                    "WHERE ?1 IS NOT NULL");
                sqlite3_free(from);
        }
        return r;
}

/* Invariant 3: what differs from a fresh schema 1. */
static int copy_known(struct migration *m, const char *table, const char *columns, const char *set, int n)
{
        AUTO_FINALIZE sqlite3_stmt *s = NULL, *fresh = NULL, *insert = NULL;
        char *sql = sqlite3_mprintf("SELECT %s FROM v1_%s", columns, table);
        int r = prepare(m, m->db, sql ? sql : "", &s);

        sqlite3_free(sql);
        sql = sqlite3_mprintf(
                "SELECT %s FROM %s WHERE (%s) IS (?1, ?2, ?3, ?4, ?5)", columns, table, columns);
        if (r == 0)
                r = prepare(m, m->v1, sql ? sql : "", &fresh);
        sqlite3_free(sql);
        sql = sqlite3_mprintf("INSERT INTO %s (%s) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET %s",
                table, columns, set);
        if (r == 0)
                r = prepare(m, m->db, sql ? sql : "", &insert);
        sqlite3_free(sql);
        while (r == 0 && sqlite3_step(s) == SQLITE_ROW) {
                for (int i = 0; i < n; i++) {
                        sqlite3_bind_value(fresh, i + 1, sqlite3_column_value(s, i));
                        sqlite3_bind_value(insert, i + 1, sqlite3_column_value(s, i));
                }
                if (sqlite3_step(fresh) != SQLITE_ROW && sqlite3_step(insert) != SQLITE_DONE)
                        refuse(m, "%s %s: %s; UPDATE or DELETE it", table, sqlite3_column_text(s, 0),
                                sqlite3_errmsg(m->db));
                sqlite3_reset(fresh);
                sqlite3_reset(insert);
        }
        return r;
}

static int copy_all(struct migration *m)
{
        /* What a fresh inventory begins with gives way to what this one has. */
        int r = run(m, "DELETE FROM property; DELETE FROM setting;");

        if (r == 0)
                r = copy_known(m, "known_setting", "key, type, choices, built_in, meaning",
                        "type = excluded.type, choices = excluded.choices, built_in = excluded.built_in, "
                        "meaning = excluded.meaning",
                        5);
        if (r == 0)
                r = copy_known(m, "known_property", "name, type, meaning, source, secret",
                        "type = excluded.type, meaning = excluded.meaning, source = excluded.source, secret "
                        "= excluded.secret",
                        5);
        for (size_t i = 0; i < sizeof steps / sizeof steps[0] && r == 0; i++)
                r = copy_rows(m, steps[i].table, steps[i].from, steps[i].into);
        if (r == 0)
                r = copy_answers(m);
        /* A value that was not kept can be written back by nobody: see the table change. */
        if (r == 0)
                r = run(m, "DELETE FROM change; DELETE FROM change_replaced;"
                           "INSERT INTO change (id, at, actor, tab, row, op, old, new) SELECT id, at, actor, "
                           "tab, row, op,"
                           " replace(old, 'value = ''(secret)''', 'value = <secret>'),"
                           " replace(new, 'value = ''(secret)''', 'value = <secret>') FROM v1_change;");
        return r;
}

static int drop_tables(struct migration *m)
{
        AUTO_FINALIZE sqlite3_stmt *s = NULL;
        AUTO_BUF struct buf drop = BUF_INIT;
        int r = prepare(m, m->v1,
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'", &s);

        while (r == 0 && sqlite3_step(s) == SQLITE_ROW)
                buf_printf(&drop, "DROP TABLE v1_%s;\n", (const char *)sqlite3_column_text(s, 0));
        if (buf_error(&drop) < 0)
                return err_set(m->err, -ENOMEM, "out of memory");
        return r < 0 ? r : run(m, drop.data);
}

/* Invariant 2. */
static void make_own_objects(struct migration *m)
{
        for (size_t at = 0; at < m->own.len; at += strlen(m->own.data + at) + 1)
                if (sqlite3_exec(m->db, m->own.data + at, NULL, NULL, NULL) != SQLITE_OK)
                        refuse(m, "your own %.60s...: %s; DROP it and make it again after the migration",
                                m->own.data + at, sqlite3_errmsg(m->db));
}

static void migration_fini(struct migration *m)
{
        sqlite3_close(m->v1);
        buf_fini(&m->own);
}

int migrate(sqlite3 *db, migrate_refused_fn *refused, void *ctx, struct err *err)
{
        AUTO_CLEAN(migration_fini)
        struct migration m = { .db = db, .refused = refused, .ctx = ctx, .own = BUF_INIT, .err = err };
        int r = 0;

        if (sqlite3_open(":memory:", &m.v1) != SQLITE_OK ||
                sqlite3_exec(m.v1, inventory_v1_schema_sql, NULL, NULL, NULL) != SQLITE_OK)
                return fail(&m, m.v1, "schema 1");
        r = clear_objects(&m);
        if (r == 0)
                r = rename_tables(&m);
        if (r == 0)
                r = make_tables(&m);
        if (r == 0)
                r = copy_all(&m);
        if (r == 0)
                r = drop_tables(&m);
        if (r < 0)
                return r;
        make_own_objects(&m);
        return m.n_refused;
}
