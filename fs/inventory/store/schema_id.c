/* SPDX-License-Identifier: MPL-2.0 */
/* schema_id -- application_id and user_version, and what it means if they are not there; see schema_id.h. */
#include "inventory/store/schema_id.h"

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "inventory/store/bounds.h"

int schema_id_path(const char *path, struct err *err)
{
        char target[PATH_MAX];
        struct stat st;
        ssize_t n;

        if (lstat(path, &st) < 0 || !S_ISLNK(st.st_mode))
                return 0;
        n = readlink(path, target, sizeof target - 1);
        target[n < 0 ? 0 : n] = '\0';
        return err_set(err, -ELOOP,
                "inventory %s is a symbolic link to %s: name the file itself, so that everybody means the "
                "same one when the "
                "link is changed",
                path, target);
}

static int number(sqlite3 *db, const char *sql, int *ret)
{
        sqlite3_stmt *s = NULL;
        int rc = sqlite3_prepare_v2(db, sql, -1, &s, NULL);

        if (rc == SQLITE_OK) {
                rc = sqlite3_step(s);
                if (rc == SQLITE_ROW)
                        *ret = sqlite3_column_int(s, 0);
        }
        sqlite3_finalize(s);
        return rc == SQLITE_ROW ? 0 : rc == SQLITE_DONE ? -EBADMSG : errno_from_sqlite(rc);
}

int schema_id_version(int version, const char *path, struct err *err)
{
        if (version > SCHEMA_VERSION)
                return err_set(err, -EBADMSG,
                        "inventory %s: its schema has version %d and this pxefs knows %d: install the newer "
                        "pxefs, or put "
                        "back a copy from before the migration",
                        path, version, SCHEMA_VERSION);
        if (version < SCHEMA_OLDEST)
                return err_set(err, -EBADMSG,
                        "inventory %s: PRAGMA user_version is %d, as after a .dump: if it is whole, write "
                        "pxectl -i %s migrate, "
                        "which also sets application_id and WAL again",
                        path, version, path);
        return 0;
}

int schema_id(sqlite3 *db, const char *path, int *ret_version, struct err *err)
{
        int app = 0, r = number(db, "PRAGMA application_id", &app);

        if (r == 0)
                r = number(db, "PRAGMA user_version", ret_version);
        if (r < 0)
                return r;
        if ((app != SCHEMA_APP_ID && app != 0) ||
                (app == 0 && *ret_version != 0 && *ret_version > SCHEMA_VERSION))
                return err_set(err, -EBADMSG,
                        "%s is an SQLite database, but no inventory of pxefs (application_id 0x%x): make one "
                        "with pxectl -i "
                        "FILE init",
                        path, (unsigned)app);
        if (app == 0 && *ret_version == 0)
                return err_set(err, -EBADMSG,
                        "%s is an SQLite database, but no inventory of pxefs: make one with pxectl -i FILE "
                        "init; one that was "
                        "loaded from a .dump has lost PRAGMA application_id and PRAGMA user_version, which "
                        "pxectl -i FILE "
                        "migrate puts back",
                        path);
        return schema_id_version(*ret_version, path, err);
}
