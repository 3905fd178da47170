/* SPDX-License-Identifier: MPL-2.0 */
/* catalogdb -- opening catalog.db, or what can be had of it; the statements are in schema/queries/catalog.sql.
 *
 * The catalog may be lost at any time, so nothing in it is worth a repair: a file that SQLite cannot read,
 * or of another version, is removed and made anew, also when that is found out late, on whichever page (known_open.c;
 * catalogdb_noticed); a row whose checksum does not agree is not there (catalogrow.c).  WAL
 * with synchronous=NORMAL keeps it whole over a crash, and lets pxectl read while the daemon writes; the
 * last verdicts may be lost with the power, which costs reading those archives again.
 *
 * Where the directory cannot be written the file is opened as immutable (WAL needs its sidecars otherwise),
 * and what is learned is forgotten at the end.
 *
 * Readers load checkpoint states while the scanning thread writes, and over a connection of their own: a commit now and then
 * waits for the disk (the first into an empty WAL, and one that makes a checkpoint), and they must not.  An empty catalog in
 * memory has no second one; there SQLite lets them take turns (SQLITE_OPEN_FULLMUTEX), statement by statement.
 *
 * Locks: SQLite's own.  Limits: none.
 */
#include "catalog/catalogdb_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "catalog_sql.h"

/* ---- small things ---------------------------------------------------------------------------- */

/* Not the inventory's table: here a file that cannot be opened or written is a cache that is not there or read-only, and
 * catalogdb_open goes on without it. */
int catalogdb_errno(int rc)
{
        switch (rc & 0xff) {
        case SQLITE_OK:
        case SQLITE_ROW:
        case SQLITE_DONE:
                return 0;
        case SQLITE_NOMEM:
                return -ENOMEM;
        case SQLITE_FULL:
                return -ENOSPC;
        case SQLITE_READONLY:
                return -EROFS;
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
                return -EBUSY;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
        case SQLITE_SCHEMA:
        case SQLITE_MISMATCH:
        case SQLITE_ERROR: /* "no such table": not our catalog */
                return -EBADMSG;
        case SQLITE_CANTOPEN:
                return -ENOENT;
        default:
                return -EIO;
        }
}

int catalogdb_error(sqlite3 *db, int rc, struct err *err)
{
        return err_set(
                err, catalogdb_errno(rc), "catalog.db: %s", db ? sqlite3_errmsg(db) : sqlite3_errstr(rc));
}

int catalogdb_prepare(struct catalogdb *db, const char *sql, sqlite3_stmt **ret, struct err *err)
{
        int rc = sqlite3_prepare_v2(db->db, sql, -1, ret, NULL);

        return rc == SQLITE_OK ? 0 : catalogdb_error(db->db, rc, err);
}

int catalogdb_run(struct catalogdb *db, const char *sql, struct err *err)
{
        int rc = sqlite3_exec(db->db, sql, NULL, NULL, NULL);

        return rc == SQLITE_OK ? 0 : catalogdb_noticed(db, catalogdb_error(db->db, rc, err));
}

int catalogdb_noticed(struct catalogdb *db, int r)
{
        if (r == -EBADMSG && db->dirfd >= 0 && !db->read_only && !atomic_exchange(&db->damaged, true))
                catalogdb_discard(db->dirfd);
        return r;
}

int catalogdb_step_once(struct catalogdb *db, sqlite3_stmt *st, struct err *err)
{
        int rc = sqlite3_step(st);

        return rc == SQLITE_DONE ? 0 : catalogdb_noticed(db, catalogdb_error(db->db, rc, err));
}

int catalogdb_end(struct catalogdb *db, int r, struct err *err)
{
        if (r == 0)
                r = catalogdb_run(db, catalog_q_commit, err);
        if (r < 0)
                (void)catalogdb_run(db, catalog_q_rollback, NULL);
        return r;
}

void catalogdb_bind_num(sqlite3_stmt *st, int i, uint64_t v, int *rc)
{
        if (*rc == SQLITE_OK)
                *rc = sqlite3_bind_int64(st, i, (sqlite3_int64)v);
}

void catalogdb_bind_text(sqlite3_stmt *st, int i, const char *s, int *rc)
{
        if (*rc == SQLITE_OK)
                *rc = s ? sqlite3_bind_text(st, i, s, -1, SQLITE_STATIC) : sqlite3_bind_null(st, i);
}

/* In pages: who starts after a crash reads them all before anything else. */
#define CATALOG_SHORT_WAL "PRAGMA wal_autocheckpoint=100;"

/* ---- opening --------------------------------------------------------------------------------- */

/* SQLite has no openat: the directory is named through its descriptor. */
int catalogdb_open_at(int dirfd, int flags, const char *query, sqlite3 **ret)
{
        char uri[96];
        int rc;

        (void)snprintf(uri, sizeof uri, "file:/proc/self/fd/%d/" CATALOG_DB_NAME "%s", dirfd, query);
        rc = sqlite3_open_v2(uri, ret, flags | SQLITE_OPEN_URI | SQLITE_OPEN_FULLMUTEX, NULL);
        if (rc != SQLITE_OK) {
                (void)sqlite3_close(*ret);
                *ret = NULL;
        }
        return rc;
}

int catalogdb_version(struct catalogdb *db, int *ret, struct err *err)
{
        AUTO_STMT sqlite3_stmt *st = NULL;
        int r = catalogdb_prepare(db, catalog_q_version, &st, err), rc;

        if (r < 0)
                return r;
        rc = sqlite3_step(st);
        if (rc != SQLITE_ROW)
                return catalogdb_error(db->db, rc, err);
        *ret = sqlite3_column_int(st, 0);
        return 0;
}

static int set_up(struct catalogdb *db, struct err *err)
{
        int version = 0, rc, r;

        /* Writes are rare and from here only; what else opens the file only reads. */
        (void)sqlite3_busy_timeout(db->db, CATALOG_BUSY_MS);
        (void)sqlite3_db_config(db->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        (void)sqlite3_db_config(db->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
        r = catalogdb_version(db, &version, err);
        if (r < 0)
                return r;
        if (version == 0 && !db->read_only) {
                rc = sqlite3_exec(db->db,
                        "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;" CATALOG_SHORT_WAL
                        "BEGIN IMMEDIATE;",
                        NULL, NULL, NULL);
                if (rc == SQLITE_OK)
                        rc = sqlite3_exec(db->db, catalog_schema_sql, NULL, NULL, NULL);
                if (rc == SQLITE_OK)
                        rc = sqlite3_exec(db->db, "COMMIT", NULL, NULL, NULL);
                return rc == SQLITE_OK ? 0 : catalogdb_error(db->db, rc, err);
        }
        if (version != CATALOG_SCHEMA_VERSION)
                return err_set(err, -EBADMSG, "catalog.db: it is of version %d, this program's is %d",
                        version, CATALOG_SCHEMA_VERSION);
        if (!db->read_only)
                return catalogdb_run(
                        db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;" CATALOG_SHORT_WAL, err);
        return 0;
}

static int try_open(struct catalogdb *db, int dirfd, struct err *err)
{
        int rc = catalogdb_open_at(dirfd, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, "", &db->db);

        return rc == SQLITE_OK ? set_up(db, err) : catalogdb_error(NULL, rc, err);
}

/* If it cannot be had, readers take turns with the writer. */
static void open_reader(struct catalogdb *db, int dirfd)
{
        if (catalogdb_open_at(dirfd, SQLITE_OPEN_READWRITE, "", &db->reader) != SQLITE_OK)
                return;
        (void)sqlite3_busy_timeout(db->reader, CATALOG_BUSY_MS);
        (void)sqlite3_exec(db->reader, "PRAGMA query_only=ON; PRAGMA cache_size=-256;", NULL, NULL, NULL);
}

void catalogdb_close_file(struct catalogdb *db)
{
        (void)sqlite3_close(db->reader); /* first: the last one to close makes a checkpoint */
        db->reader = NULL;
        (void)sqlite3_close(db->db);
        db->db = NULL;
}

static int open_memory(struct catalogdb *db, struct err *err)
{
        int rc = sqlite3_open_v2(":memory:", &db->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX, NULL);

        db->read_only = false;
        db->in_memory = true;
        return rc == SQLITE_OK ? set_up(db, err) : catalogdb_error(db->db, rc, err);
}

/* Reads what is there, or works in memory: the daemon must come up with a broken cache directory too. */
static int open_read_only(struct catalogdb *db, int dirfd, struct err *err)
{
        db->read_only = true;
        if (catalogdb_open_at(dirfd, SQLITE_OPEN_READONLY, "?immutable=1", &db->db) == SQLITE_OK &&
                set_up(db, NULL) == 0)
                return 0;
        catalogdb_close_file(db);
        return open_memory(db, err);
}

/* True if the directory takes a new file. */
static bool can_write(int dirfd)
{
        AUTO_CLOSE int fd = openat(dirfd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

        return fd >= 0 || (errno != EROFS && errno != EACCES && errno != EPERM);
}

static void catalogdb_closep(struct catalogdb **db)
{
        catalogdb_close(*db);
}

static struct catalogdb *catalogdb_new(int dirfd)
{
        struct catalogdb *db = calloc(1, sizeof *db);

        if (db)
                db->dirfd = dirfd < 0 ? -1 : fcntl(dirfd, F_DUPFD_CLOEXEC, 0);
        return db;
}

void catalogdb_discard(int dirfd)
{
        static const char *const files[] = { CATALOG_DB_NAME, CATALOG_DB_NAME "-wal", CATALOG_DB_NAME "-shm" };

        for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
                (void)unlinkat(dirfd, files[i], 0);
}

int catalogdb_open_in_memory(struct catalogdb **ret, struct err *err)
{
        AUTO_CLEAN(catalogdb_closep) struct catalogdb *db = catalogdb_new(-1);
        int r = db ? open_memory(db, err) : err_set(err, -ENOMEM, "out of memory");

        if (r == 0)
                *ret = take_ptr(&db);
        return r;
}

int catalogdb_open(int dirfd, struct catalogdb **ret, struct err *ret_note, struct err *err)
{
        AUTO_CLEAN(catalogdb_closep) struct catalogdb *db = catalogdb_new(dirfd);
        struct err why = { "" };
        int r;

        if (!db)
                return err_set(err, -ENOMEM, "out of memory");
        ret_note->text[0] = '\0';
        r = can_write(dirfd) ? try_open(db, dirfd, &why) : -EROFS;
        if (r == -EBADMSG) {
                catalogdb_close_file(db);
                (void)err_set(ret_note, 0, "%s: thrown away; all archives are read anew", why.text);
                catalogdb_discard(dirfd);
                atomic_store(&db->damaged, false);
                r = try_open(db, dirfd, &why);
        }
        if (r == -EROFS || r == -ENOSPC || r == -ENOENT || r == -EIO) {
                catalogdb_close_file(db);
                if (!why.text[0])
                        (void)err_set(&why, 0,
                                "the cache directory cannot be written by user id %u (chown it, or choose "
                                "another)",
                                (unsigned)geteuid());
                (void)err_set(ret_note, 0,
                        "%s: known builds go on, what is found out now is forgotten at the end", why.text);
                r = open_read_only(db, dirfd, &why);
        }
        if (r < 0)
                return err_set(err, r, "%s", why.text);
        if (sqlite3_db_filename(db->db, NULL)[0] && !db->read_only)
                open_reader(db, dirfd);
        *ret = take_ptr(&db);
        return 0;
}

void catalogdb_close(struct catalogdb *db)
{
        if (!db)
                return;
        catalogdb_close_file(db);
        cleanup_close(&db->dirfd);
        free(db);
}

bool catalogdb_keeps(const struct catalogdb *db)
{
        return !db->read_only;
}

bool catalogdb_lasts(const struct catalogdb *db)
{
        return !db->read_only && !db->in_memory;
}
