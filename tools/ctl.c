/* SPDX-License-Identifier: MPL-2.0 */
/* ctl -- one transaction a command, one line an error; see ctl.h.
 *
 * The schema does the judging: nothing that a user types is checked here a second time, its sentences are
 * shown without SQLite's words around them.  One thread.
 */
#include "ctl.h"

#include <ctype.h>
#include <errno.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "inventory/store/schema_id.h"
#include "inventory_sql.h"

#define BUSY_MS 5000

int ctl_fail(int code, const char *fmt, ...)
{
        struct err e;
        char text[512];
        va_list ap;

        va_start(ap, fmt);
        (void)vsnprintf(text, sizeof text, fmt, ap);
        va_end(ap);
        err_set(&e, 0, "%s", text); /* control characters become '?' */
        fprintf(stderr, "pxectl: %s\n", e.text);
        return code;
}

bool ctl_option(int argc, char **argv, int *i, const char *name, const char **ret)
{
        size_t n = strlen(name);

        if (strncmp(argv[*i], name, n) != 0 || (argv[*i][n] && argv[*i][n] != '='))
                return false;
        if (argv[*i][n] == '=')
                *ret = argv[*i] + n + 1;
        else
                *ret = *i + 1 < argc ? argv[++*i] : NULL;
        return true;
}

bool ctl_split(char *word, char **ret_value)
{
        char *eq = strchr(word, '=');

        if (!eq || eq == word)
                return false;
        *eq = '\0';
        *ret_value = eq + 1;
        return true;
}

/* What SQLite puts around a sentence of the schema. */
static const struct {
        const char *before;
        bool quoted; /* the sentence stands in '...' */
} noise[] = {
        { "CHECK constraint failed: ", false },
        { "UNIQUE constraint failed: index ", true },
        { "JSON path error near ", true }, /* two of schema 1 */
        { "bad JSON path: ", true },
};

int ctl_sql_error(struct ctl *c, const char *about)
{
        const char *m = sqlite3_errmsg(c->db);
        char text[512];
        bool quoted = false;
        size_t n = 0;

        if ((sqlite3_errcode(c->db) & 0xff) == SQLITE_READONLY)
                return ctl_fail(CTL_FAILED,
                        "%s: %s may not be written by you: run pxectl as root or as its owner", about,
                        c->inventory);
        for (size_t i = 0; i < sizeof noise / sizeof noise[0]; i++)
                if (strncmp(m, noise[i].before, strlen(noise[i].before)) == 0) {
                        m += strlen(noise[i].before);
                        quoted = noise[i].quoted && *m == '\'';
                        m += quoted;
                        break;
                }
        for (; *m && n + 1 < sizeof text; m++) {
                if (quoted && *m == '\'' && *++m == '\0')
                        break;
                text[n++] = *m;
        }
        text[n] = '\0';
        /* Our own sentences begin with the column or key, and so may what this is about. */
        if (strncmp(text, about, strlen(about)) == 0 && text[strlen(about)] == ':')
                about = NULL;
        return ctl_fail(CTL_FAILED, "%s%s%s", about ? about : "", about ? ": " : "", text);
}

int ctl_open_any(struct ctl *c)
{
        struct stat st;
        struct err err;

        if (schema_id_path(c->inventory, &err) < 0)
                return ctl_fail(CTL_FAILED, "%s", err.text);
        if (stat(c->inventory, &st) < 0)
                return ctl_fail(CTL_FAILED, "inventory %s: %s%s", c->inventory, strerror(errno),
                        errno == ENOENT   ? ": make it with pxectl init, or name another with -i"
                        : errno == EACCES ? ": ask as root, or name another with -i"
                                          : "");
        if (sqlite3_open_v2(c->inventory, &c->db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
                return ctl_sql_error(c, c->inventory);
        sqlite3_busy_timeout(c->db, BUSY_MS);
        return CTL_OK;
}

int ctl_open(struct ctl *c)
{
        int version = 0, r, code = ctl_open_any(c);
        struct err err = { "" };

        if (code != CTL_OK)
                return code;
        r = schema_id(c->db, c->inventory, &version, &err);
        if (r < 0 && !err.text[0])
                return ctl_sql_error(c, c->inventory);
        return r < 0 ? ctl_fail(CTL_FAILED, "%s", err.text) : CTL_OK;
}

static int bind_blob(sqlite3_stmt *s, int i, const struct buf *b)
{
        if (!b)
                return sqlite3_bind_null(s, i);
        return sqlite3_bind_blob64(s, i, b->data ? b->data : "", b->len, SQLITE_TRANSIENT);
}

static int bind(sqlite3_stmt *s, const char *types, va_list ap)
{
        int rc = SQLITE_OK;

        for (int i = 0; types[i] && rc == SQLITE_OK; i++) {
                if (types[i] == 's')
                        rc = sqlite3_bind_text(s, i + 1, va_arg(ap, const char *), -1, SQLITE_TRANSIENT);
                else if (types[i] == 'b')
                        rc = bind_blob(s, i + 1, va_arg(ap, const struct buf *));
                else
                        rc = sqlite3_bind_int64(s, i + 1, va_arg(ap, int64_t));
        }
        return rc;
}

static int prepare(
        struct ctl *c, sqlite3_stmt **ret, const char *about, const char *sql, const char *types, va_list ap)
{
        if (sqlite3_prepare_v2(c->db, sql, -1, ret, NULL) == SQLITE_OK && bind(*ret, types, ap) == SQLITE_OK)
                return CTL_OK;
        sqlite3_finalize(*ret);
        *ret = NULL;
        return ctl_sql_error(c, about);
}

int ctl_prepare(struct ctl *c, sqlite3_stmt **ret, const char *about, const char *sql, const char *types, ...)
{
        va_list ap;
        int code;

        va_start(ap, types);
        code = prepare(c, ret, about, sql, types, ap);
        va_end(ap);
        return code;
}

int ctl_run(struct ctl *c, const char *sql, const char *about, const char *types, ...)
{
        sqlite3_stmt *s = NULL;
        va_list ap;
        int code, rc;

        va_start(ap, types);
        code = prepare(c, &s, about, sql, types, ap);
        va_end(ap);
        if (code != CTL_OK)
                return code;
        do
                rc = sqlite3_step(s);
        while (rc == SQLITE_ROW);
        if (rc != SQLITE_DONE)
                code = ctl_sql_error(c, about);
        else if (!sqlite3_stmt_readonly(s))
                c->changed += sqlite3_changes(c->db);
        sqlite3_finalize(s);
        return code;
}

/* Who is noted in the change log: whoever became root by sudo, else the user; NULL if that is no plain name.
 */
static const char *actor(void)
{
        const char *names[] = { getenv("SUDO_USER"), getenv("USER"), NULL };
        const struct passwd *pw = getpwuid(getuid());

        names[2] = pw ? pw->pw_name : NULL;
        for (size_t i = 0; i < 3; i++) {
                const char *s = names[i];

                if (s && *s && strlen(s) <= 100) {
                        while (*s && (unsigned char)*s > ' ' && *s != 0x7f)
                                s++;
                        if (*s == '\0')
                                return names[i];
                }
        }
        return NULL;
}

int ctl_begin(struct ctl *c)
{
        int code = ctl_open(c);

        if (code == CTL_OK)
                code = ctl_run(c, inventory_q_ctl_begin, c->inventory, "");
        if (code == CTL_OK)
                code = ctl_run(c, inventory_q_ctl_actor, c->inventory, "s", actor());
        c->changed = 0;
        return code;
}

int ctl_commit(struct ctl *c)
{
        int64_t changed = c->changed;
        int code = ctl_run(c, inventory_q_ctl_actor, c->inventory, "s", (const char *)NULL);

        if (code == CTL_OK)
                code = ctl_run(c, inventory_q_ctl_commit, c->inventory, "");
        if (code == CTL_OK && c->json)
                printf("{\"changed\": %lld}\n", (long long)changed);
        return code;
}

int ctl_find(
        struct ctl *c, const char *sql, const char *what, const char *name, const char *way_out, int64_t *ret)
{
        sqlite3_stmt *s = NULL;
        int rc, code = ctl_prepare(c, &s, what, sql, "s", name);

        if (code != CTL_OK)
                return code;
        rc = sqlite3_step(s);
        if (rc == SQLITE_ROW)
                *ret = sqlite3_column_int64(s, 0);
        else if (rc == SQLITE_DONE)
                code = ctl_fail(CTL_NOT_FOUND, "%s %s does not exist: %s", what, name, way_out);
        else
                code = ctl_sql_error(c, what);
        sqlite3_finalize(s);
        return code;
}

int ctl_find_profile(struct ctl *c, const char *name, int64_t *ret)
{
        return ctl_find(c, inventory_q_ctl_profile_id, "profile", name,
                "pxectl profile list shows those there are", ret);
}

int ctl_find_host(struct ctl *c, const char *name, int64_t *ret)
{
        return ctl_find(
                c, inventory_q_ctl_host_id, "host", name, "pxectl host list shows those there are", ret);
}

int ctl_write(const struct buf *b)
{
        if (buf_error(b) < 0)
                return ctl_fail(CTL_FAILED, "out of memory");
        if ((b->len && fwrite(b->data, 1, b->len, stdout) != b->len) || fflush(stdout) != 0)
                return ctl_fail(CTL_FAILED, "standard output: %s", strerror(errno));
        return CTL_OK;
}

/* ---- rows as a table or as JSON ---- */

#define COLUMNS_MAX 16

static void json_row(struct buf *b, sqlite3_stmt *s)
{
        int n = sqlite3_column_count(s), order[COLUMNS_MAX];

        for (int i = 0; i < n; i++) { /* sorted by name */
                int j = i;

                for (; j > 0 && strcmp(sqlite3_column_name(s, order[j - 1]), sqlite3_column_name(s, i)) > 0;
                        j--)
                        order[j] = order[j - 1];
                order[j] = i;
        }
        for (int i = 0; i < n; i++) {
                buf_puts(b, i ? ", " : "{");
                buf_json(b, sqlite3_column_name(s, order[i]));
                buf_puts(b, ": ");
                if (sqlite3_column_type(s, order[i]) == SQLITE_INTEGER)
                        buf_printf(b, "%lld", (long long)sqlite3_column_int64(s, order[i]));
                else
                        buf_json(b, (const char *)sqlite3_column_text(s, order[i]));
        }
        buf_puts(b, "}");
}

static const char *cell(sqlite3_stmt *s, int i)
{
        const char *t = (const char *)sqlite3_column_text(s, i);

        return t && *t ? t : "-";
}

static void table_head(struct buf *b, sqlite3_stmt *s, const int *width)
{
        for (int i = 0; i < sqlite3_column_count(s); i++) {
                const char *name = sqlite3_column_name(s, i);

                for (const char *p = name; *p; p++)
                        buf_printf(b, "%c", toupper((unsigned char)*p));
                if (i + 1 < sqlite3_column_count(s))
                        buf_printf(b, "%*s", width[i] - (int)strlen(name) + 2, "");
        }
        buf_puts(b, "\n");
}

/* Characters, not bytes: continuation bytes of UTF-8 count for nothing. */
static int width_of(const char *t)
{
        int n = 0;

        for (; *t; t++)
                n += ((unsigned char)*t & 0xc0) != 0x80;
        return n;
}

/* A row may have been written with checks off: a control character (C0, DEL, C1) would act on the terminal. */
static void put_cell(struct buf *b, const char *text, int width)
{
        const unsigned char *t = (const unsigned char *)text;
        int n = width_of(text);

        for (; *t; t++) {
                bool c1 = t[0] == 0xc2 && t[1] >= 0x80 && t[1] < 0xa0;

                if (*t < 0x20 || *t == 0x7f || c1)
                        buf_puts(b, "?");
                else
                        buf_add(b, (const char *)t, 1);
                t += c1;
        }
        if (width > n)
                buf_printf(b, "%*s", width - n, "");
}

static int print_table(struct ctl *c, sqlite3_stmt *s)
{
        AUTO_BUF struct buf b = BUF_INIT;
        int n = sqlite3_column_count(s), width[COLUMNS_MAX], rc;

        for (int i = 0; i < n; i++)
                width[i] = (int)strlen(sqlite3_column_name(s, i));
        while ((rc = sqlite3_step(s)) == SQLITE_ROW)
                for (int i = 0; i < n; i++)
                        if (width_of(cell(s, i)) > width[i])
                                width[i] = width_of(cell(s, i));
        sqlite3_reset(s);
        if (rc == SQLITE_DONE)
                table_head(&b, s, width);
        if (rc == SQLITE_DONE)
                while ((rc = sqlite3_step(s)) == SQLITE_ROW)
                        for (int i = 0; i < n; i++) {
                                put_cell(&b, cell(s, i), i + 1 < n ? width[i] : 0);
                                buf_puts(&b, i + 1 < n ? "  " : "\n");
                        }
        return rc == SQLITE_DONE ? ctl_write(&b) : ctl_sql_error(c, c->inventory);
}

static int print_json(struct ctl *c, sqlite3_stmt *s, const char *title)
{
        AUTO_BUF struct buf b = BUF_INIT;
        const char *sep = "";
        int rc;

        buf_printf(&b, "{\"%s\": [", title);
        while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
                buf_puts(&b, sep);
                json_row(&b, s);
                sep = ",\n  ";
        }
        buf_puts(&b, "]}\n");
        return rc == SQLITE_DONE ? ctl_write(&b) : ctl_sql_error(c, c->inventory);
}

int ctl_print_rows(struct ctl *c, sqlite3_stmt *s, const char *title)
{
        int code = c->json ? print_json(c, s, title) : print_table(c, s);

        sqlite3_finalize(s);
        return code;
}
