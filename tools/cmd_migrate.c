/* SPDX-License-Identifier: MPL-2.0 */
/* cmd_migrate -- pxectl migrate: an inventory of the schema that this pxefs has, with a copy of what it was beside it. */
#include "ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "inventory/store/schema_id.h"
#include "migrate.h"

const char migrate_usage[] =
        "usage: pxectl [-i INVENTORY] migrate [-n]\n"
        "Makes the inventory one of this pxefs' schema, in one transaction: the daemon\n"
        "serves the old rows until it is done, and the new ones from then on. What it\n"
        "was is kept beside it as INVENTORY.v1-DATE. Rows that the new rules refuse are\n"
        "all named, with what mends them, and nothing is changed then.\n"
        "What was loaded from a .dump gets its two PRAGMAs and WAL back.\n"
        "  -n  tries it on a copy in memory and says what would be refused\n"
        "The old rows come back with\n"
        "  sqlite3 INVENTORY '.restore INVENTORY.v1-DATE'\n";

static void say_refused(void *ctx, const char *line)
{
        (void)ctx;
        (void)ctl_fail(0, "%s", line);
}

static int number(sqlite3 *db, const char *sql)
{
        sqlite3_stmt *s = NULL;
        int n = 0;

        if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW)
                n = sqlite3_column_int(s, 0);
        sqlite3_finalize(s);
        return n;
}

/* All pages of @from into @to. */
static int copy_database(struct ctl *c, sqlite3 *from, sqlite3 *to, const char *about)
{
        sqlite3_backup *b = sqlite3_backup_init(to, "main", from, "main");
        int rc = b ? sqlite3_backup_step(b, -1) : SQLITE_ERROR;

        if (b)
                (void)sqlite3_backup_finish(b);
        return rc == SQLITE_DONE
                       ? CTL_OK
                       : ctl_fail(CTL_FAILED, "%s: copying %s: %s", about, c->inventory, sqlite3_errmsg(to));
}

/* The file for the copy, with the owner and mode of the inventory: it holds the same secrets. */
static int make_copy_file(struct ctl *c, const char *path)
{
        AUTO_CLOSE int fd = -1;
        struct stat st;

        if (stat(c->inventory, &st) < 0)
                return ctl_fail(CTL_FAILED, "inventory %s: %s", c->inventory, strerror(errno));
        fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0 || (fchown(fd, st.st_uid, st.st_gid) < 0 && geteuid() == 0) ||
                fchmod(fd, st.st_mode & 0660) < 0)
                return ctl_fail(CTL_FAILED, "%s: %s: no copy, no migration", path, strerror(errno));
        return CTL_OK;
}

/* A connection of its own reads what is committed, while ours holds the lock: nothing comes between copy and migration. */
static int keep_copy(struct ctl *c, char *path, size_t size)
{
        sqlite3 *from = NULL, *to = NULL;
        time_t now = time(NULL);
        char date[32] = "";
        struct tm tm;
        int code;

        if (gmtime_r(&now, &tm))
                (void)strftime(date, sizeof date, "%Y%m%dT%H%M%SZ", &tm);
        (void)snprintf(path, size, "%s.v1-%s", c->inventory, date);
        code = make_copy_file(c, path);
        if (code != CTL_OK)
                return code;
        if (sqlite3_open_v2(c->inventory, &from, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK ||
                sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
                code = ctl_fail(
                        CTL_FAILED, "%s: %s: no copy, no migration", path, sqlite3_errmsg(to ? to : from));
        else
                code = copy_database(c, from, to, path);
        sqlite3_close(from);
        sqlite3_close(to);
        if (code != CTL_OK)
                (void)unlink(path);
        return code;
}

/* Migrates @db and ends the transaction.  @copy: where the rows as they were are. */
static int migrate_and_commit(struct ctl *c, sqlite3 *db, bool dry, const char *copy)
{
        struct err err = { "" };
        int n = migrate(db, say_refused, NULL, &err);

        if (n == 0 && sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK) {
                if (c->json)
                        printf("{\"changed\": %d}\n", !dry);
                else if (dry)
                        printf("inventory %s can be migrated from schema 1 to %d\n", c->inventory,
                                SCHEMA_VERSION);
                else
                        printf("inventory %s is of schema %d; what it was is %s\n", c->inventory,
                                SCHEMA_VERSION, copy);
                return CTL_OK;
        }
        if (n == 0)
                (void)err_set(&err, 0, "COMMIT: %s", sqlite3_errmsg(db));
        (void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
        if (copy)
                (void)unlink(copy); /* the inventory is what it was */
        if (n > 0)
                return ctl_fail(CTL_FAILED,
                        "inventory %s stays as it is: mend what is named above (%d), and try again: pxectl "
                        "migrate -n",
                        c->inventory, n);
        return ctl_fail(CTL_FAILED, "inventory %s stays as it is: %s", c->inventory, err.text);
}

static int migrate_in_memory(struct ctl *c)
{
        sqlite3 *db = NULL;
        int code =
                sqlite3_open(":memory:", &db) == SQLITE_OK ? copy_database(c, c->db, db, "-n") : CTL_FAILED;

        if (code == CTL_OK &&
                sqlite3_exec(db, "PRAGMA legacy_alter_table = 1; BEGIN", NULL, NULL, NULL) != SQLITE_OK)
                code = ctl_fail(CTL_FAILED, "-n: %s", sqlite3_errmsg(db));
        if (code == CTL_OK)
                code = migrate_and_commit(c, db, true, NULL);
        sqlite3_close(db);
        return code;
}

static int migrate_in_place(struct ctl *c)
{
        char copy[4200];
        int code;

        if (sqlite3_exec(c->db, "PRAGMA legacy_alter_table = 1; PRAGMA foreign_keys = 0; BEGIN IMMEDIATE",
                    NULL, NULL, NULL) != SQLITE_OK)
                return ctl_sql_error(c, c->inventory);
        if (number(c->db, "PRAGMA user_version") != 1)
                return ctl_fail(CTL_FAILED, "inventory %s: somebody else migrates it", c->inventory);
        code = keep_copy(c, copy, sizeof copy);
        return code == CTL_OK ? migrate_and_commit(c, c->db, false, copy) : code;
}

/* What a .dump loses.  Which schema it is, the tables tell. */
static int put_identity_back(struct ctl *c, bool dry, int *version)
{
        char sql[200];

        if (*version == 0 && number(c->db, "PRAGMA application_id") == 0)
                *version =
                        number(c->db,
                                "SELECT count(*) FROM pragma_table_info('host') WHERE name = 'changed_at'")
                                ? 2
                        : number(c->db, "SELECT count(*) FROM sqlite_schema WHERE name = 'profile_closure'")
                                ? 1
                                : 0;
        if (*version == 0)
                return ctl_fail(CTL_FAILED, "%s is no inventory of pxefs: make one with pxectl -i FILE init",
                        c->inventory);
        if (dry)
                return CTL_OK;
        (void)snprintf(sql, sizeof sql,
                "BEGIN IMMEDIATE; PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT",
                SCHEMA_APP_ID, *version);
        if (sqlite3_exec(c->db, sql, NULL, NULL, NULL) != SQLITE_OK ||
                sqlite3_exec(c->db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL) != SQLITE_OK)
                return ctl_sql_error(c, c->inventory);
        return CTL_OK;
}

int cmd_migrate(struct ctl *c, int argc, char **argv)
{
        bool dry = false;
        int version, code;

        for (int i = 0; i < argc; i++) {
                if (strcmp(argv[i], "-n") != 0)
                        return ctl_fail(CTL_USAGE, "migrate takes -n only: pxectl migrate --help");
                dry = true;
        }
        code = ctl_open_any(c);
        if (code != CTL_OK)
                return code;
        version = number(c->db, "PRAGMA user_version");
        if (version > SCHEMA_VERSION)
                return ctl_fail(CTL_FAILED,
                        "inventory %s is of schema %d, and this pxefs knows %d: install the newer pxefs",
                        c->inventory, version, SCHEMA_VERSION);
        code = put_identity_back(c, dry, &version);
        if (code != CTL_OK)
                return code;
        if (version == SCHEMA_VERSION) {
                if (c->json)
                        printf("{\"changed\": 0}\n");
                else
                        printf("inventory %s is of schema %d already\n", c->inventory, version);
                return CTL_OK;
        }
        return dry ? migrate_in_memory(c) : migrate_in_place(c);
}
