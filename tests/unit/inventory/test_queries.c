/* SPDX-License-Identifier: MPL-2.0 */
/* queries: whatever is asked by a key is answered by an index, whatever statistics say; host, nic and property are never read
 * through for it. */
#include "lab.h"

#include "base/buf.h"

/* What may be read through: small tables, and results of inner queries. */
static const char *const small[] = { "k", "known_property", "known_setting", "channel", "actor", "e", "near", "CONSTANT",
        "host_property" /* its rows for one host, once they are found */ };

static bool is_small(const char *name)
{
        size_t len = strcspn(name, " -");

        for (size_t i = 0; i < sizeof small / sizeof small[0]; i++)
                if (len == strlen(small[i]) && memcmp(name, small[i], len) == 0)
                        return true;
        return strncmp(name, "(subquery", 9) == 0;
}

/* Checks one statement; @keyed: it asks by a key. */
static void explain(sqlite3 *db, const char *sql, bool keyed)
{
        char *text = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", sql);
        sqlite3_stmt *s = NULL;

        if (sqlite3_prepare_v2(db, text, -1, &s, NULL) != SQLITE_OK)
                fail_msg("%s: %s", sql, sqlite3_errmsg(db));
        while (sqlite3_step(s) == SQLITE_ROW) {
                const char *detail = (const char *)sqlite3_column_text(s, 3);

                if (keyed && strncmp(detail, "SCAN ", 5) == 0 && !is_small(detail + 5))
                        fail_msg("%s\n  is answered by: %s", sql, detail);
                if (keyed && strstr(detail, "AUTOMATIC"))
                        fail_msg("%s\n  makes an index each time: %s", sql, detail);
        }
        sqlite3_finalize(s);
        sqlite3_free(text);
}

static char *read_source(const char *name)
{
        const char *src = getenv("PXEFS_SRC");
        struct buf b = BUF_INIT;
        char path[500], part[4096];
        size_t n;
        FILE *f;

        (void)snprintf(path, sizeof path, "%s/%s", src ? src : ".", name);
        f = fopen(path, "r");
        if (!f)
                return NULL;
        while ((n = fread(part, 1, sizeof part, f)) > 0)
                buf_add(&b, part, n);
        (void)fclose(f);
        return buf_take(&b, NULL);
}

/* Explains every statement.  Returns how many there are. */
static int explain_all(sqlite3 *db)
{
        char *all = read_source("schema/queries/inventory.sql"), *first = read_source("schema/migrations/0001-version-1.sql");
        sqlite3 *v1 = NULL;
        int n = 0;

        if (!all)
                fail_msg("PXEFS_SRC does not lead to schema/queries/inventory.sql");
        assert_int_equal(sqlite3_open(":memory:", &v1), SQLITE_OK);
        lab_do(v1, first);
        free(first);
        for (char *q = strstr(all, "-- name: "), *next; q; q = next, n++) {
                char *body = strchr(q, '\n') + 1;
                bool of_v1 = strncmp(body - 4, "_v1", 3) == 0;

                next = strstr(body, "-- name: ");
                if (next)
                        next[-1] = '\0';
                if (strstr(body, "PRAGMA") || strstr(body, "BEGIN;") || strstr(body, "BEGIN IMMEDIATE") || strstr(body, "COMMIT"))
                        continue;
                explain(of_v1 ? v1 : db, body, strstr(body, "?1") != NULL);
        }
        free(all);
        sqlite3_close(v1);
        return n;
}

static void every_query_of_the_code_uses_an_index(void **state)
{
        sqlite3 *db = lab_open(":memory:");

        (void)state;
        assert_true(explain_all(db) > 35);
        sqlite3_close(db);
}

/* @n rows in every table that grows. */
static void fill(sqlite3 *db, int n)
{
        static const char rows[] =
                "INSERT INTO profile (name, parent) SELECT 'p' || max(id), 1 FROM profile;"
                "INSERT INTO channel (name) SELECT 'c' || count(*) FROM channel;"
                "INSERT INTO host (hostname, profile, uuid, channel) SELECT 'h' || max(id), max(id), printf('4c4c4544-0042-3010-8054-%012x',"
                " max(id)), (SELECT max(id) FROM channel) FROM profile;"
                "INSERT INTO nic (host, mac, ip) SELECT max(id), printf('02082000%04x', max(id)), printf('10.1.%d.%d', max(id) / 250, max(id) %"
                " 250 + 1) FROM host;"
                "INSERT INTO property (host, name, value) SELECT max(id), 'x', 'v' FROM host;"
                "INSERT INTO property (profile, name, value) SELECT max(id), 'x', 'v' FROM profile;"
                "INSERT INTO setting (profile, key, value) SELECT max(id), 'menu_timeout', '5' FROM profile;"
                "INSERT INTO menu_item (profile, key, label, body) SELECT max(id), 'k', 'l', 'echo' FROM profile;"
                "INSERT INTO module (host, name, content) SELECT max(id), 'm', 'c' FROM host;"
                "INSERT INTO module (profile, name, content) SELECT max(id), 'm', 'c' FROM profile;"
                "INSERT INTO answer (host, key, value) SELECT max(id), 'dns_search', 'example.com' FROM host;"
                "INSERT INTO network (host, dns_domain) SELECT max(id), 'example.com' FROM host;"
                "INSERT INTO route (host, destination, gateway) SELECT max(id), '10.9.0.0/16', '10.1.0.1' FROM host;";

        for (int i = 0; i < n; i++)
                lab_do(db, rows);
}

/* Taken when the inventory was small, and it grew: then a table that was read through for its one row is read through. */
static const int sizes[] = { 0, 1, 2, 3, 10, 300 };

static void no_statistics_change_a_plan(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
                sqlite3 *db = lab_open(":memory:");

                lab_do(db, "BEGIN");
                fill(db, sizes[i]);
                lab_do(db, "COMMIT; ANALYZE");
                (void)explain_all(db);
                sqlite3_close(db);
        }
}

static const char *const views[] = { "host_build", "host_property", "host_row_property", "host_setting", "host_boot", "host_answer",
        "host_answers", "host_network", "host_route", "host_networking" };
#define N_VIEWS (sizeof views / sizeof views[0])

static void the_views_are_quick_for_one_host(void **state)
{
        sqlite3 *db = lab_open(":memory:");
        char sql[200];

        (void)state;
        for (size_t i = 0; i < N_VIEWS; i++) {
                (void)snprintf(sql, sizeof sql, "SELECT * FROM %s WHERE host = 5", views[i]);
                explain(db, sql, true);
                (void)snprintf(sql, sizeof sql, "SELECT * FROM %s WHERE hostname = 'db1'", views[i]);
                explain(db, sql, true);
        }
        sqlite3_close(db);
}

/* Channels, profiles and settings, joined by their id: there are tens. */
static bool is_few(const char *detail)
{
        return strcmp(detail, "SCAN c LEFT-JOIN") == 0 || strcmp(detail, "SCAN g LEFT-JOIN") == 0 ||
               strcmp(detail, "SCAN s LEFT-JOIN") == 0;
}

/* A table that is read through once for each row of another one costs the square.  Of one SELECT's loops, which EXPLAIN lists as
 * children of one node, the first is the outer one; in a correlated subquery none is. */
static void explain_whole(sqlite3 *db, const char *sql)
{
        char *text = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", sql);
        static bool inner[1 << 16]; /* by the node's number: the next loop below it is not the outer one */
        sqlite3_stmt *s = NULL;

        memset(inner, 0, sizeof inner);
        if (sqlite3_prepare_v2(db, text, -1, &s, NULL) != SQLITE_OK)
                fail_msg("%s: %s", sql, sqlite3_errmsg(db));
        while (sqlite3_step(s) == SQLITE_ROW) {
                int id = sqlite3_column_int(s, 0), parent = sqlite3_column_int(s, 1);
                const char *detail = (const char *)sqlite3_column_text(s, 3);
                bool scans = strncmp(detail, "SCAN ", 5) == 0;

                assert_true(id < 1 << 16 && parent < 1 << 16);
                if (scans && inner[parent] && !is_small(detail + 5) && !is_few(detail))
                        fail_msg("%s\n  reads through for each row: %s", sql, detail);
                if (scans || strncmp(detail, "SEARCH ", 7) == 0)
                        inner[parent] = true;
                inner[id] = strncmp(detail, "CORRELATED ", 11) == 0;
        }
        sqlite3_finalize(s);
        sqlite3_free(text);
}

static void no_statistics_make_a_view_cost_the_square(void **state)
{
        char sql[200];

        (void)state;
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
                sqlite3 *db = lab_open(":memory:");

                lab_do(db, "BEGIN");
                fill(db, sizes[i]);
                lab_do(db, "COMMIT; ANALYZE");
                for (size_t k = 0; k < N_VIEWS; k++) {
                        (void)snprintf(sql, sizeof sql, "SELECT * FROM %s", views[k]);
                        explain_whole(db, sql);
                        (void)snprintf(sql, sizeof sql, "SELECT * FROM %s WHERE hostname = 'db1'", views[k]);
                        explain_whole(db, sql);
                }
                sqlite3_close(db);
        }
}

/* Statements in ```sql blocks of a document; lines of the shell (.mode) are passed over. */
static int explain_document(sqlite3 *db, char *text)
{
        struct buf sql = BUF_INIT;
        bool inside = false;
        int n = 0;

        for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
                if (strncmp(line, "```", 3) == 0) {
                        inside = strcmp(line, "```sql") == 0;
                        continue;
                }
                if (!inside || line[0] == '.')
                        continue;
                buf_printf(&sql, "%s\n", line);
                if (!sql.data || !sqlite3_complete(sql.data))
                        continue;
                if (!strstr(sql.data, "BEGIN") && !strstr(sql.data, "COMMIT") && !strstr(sql.data, "PRAGMA"))
                        explain(db, sql.data, strstr(sql.data, " = '") != NULL);
                buf_fini(&sql);
                sql = (struct buf)BUF_INIT;
                n++;
        }
        buf_fini(&sql);
        return n;
}

static void the_recipes_of_the_documents_use_an_index(void **state)
{
        static const char *const documents[] = { "README.md", "docs/operating.md" };
        sqlite3 *db = lab_open(":memory:");

        (void)state;
        for (size_t i = 0; i < sizeof documents / sizeof documents[0]; i++) {
                char *text = read_source(documents[i]);

                if (text)
                        print_message("%s: %d statements\n", documents[i], explain_document(db, text));
                free(text);
        }
        sqlite3_close(db);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_query_of_the_code_uses_an_index),
                cmocka_unit_test(no_statistics_change_a_plan),
                cmocka_unit_test(the_views_are_quick_for_one_host),
                cmocka_unit_test(no_statistics_make_a_view_cost_the_square),
                cmocka_unit_test(the_recipes_of_the_documents_use_an_index),
        };

        return cmocka_run_group_tests_name("queries", tests, NULL, NULL);
}
