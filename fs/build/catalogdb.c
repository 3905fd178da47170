/* SPDX-License-Identifier: MPL-2.0 */
/* catalogdb -- rows in, rows out; the statements are in schema/queries/catalog.sql.
 *
 * The catalog may be lost at any time, so nothing in it is worth a repair: a file that SQLite cannot read,
 * or of another version, is removed and made anew; a row whose checksum does not agree is not there.  WAL
 * with synchronous=NORMAL keeps it whole over a crash, and lets pxectl read while the daemon writes; the
 * last verdicts may be lost with the power, which costs reading those archives again.
 *
 * Where the directory cannot be written the file is opened as immutable (WAL needs its sidecars otherwise),
 * and what is learned is forgotten at the end.
 *
 * Readers load checkpoint states while the scanning thread writes, over the same connection: an empty catalog in memory
 * has no second one.  SQLite lets them take turns (SQLITE_OPEN_FULLMUTEX), statement by statement.
 *
 * Locks: SQLite's own.  Limits: none.
 */
#include "build/catalogdb_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/digest.h"
#include "catalog_sql.h"

#define CHECKSUM_BYTES 16

/* ---- small things ---------------------------------------------------------------------------- */

/* Not the inventory's table: here a file that cannot be opened or written is a cache that is not there or read-only, and
 * catalogdb_open goes on without it. */
static int errno_from_sqlite(int rc)
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
                err, errno_from_sqlite(rc), "catalog.db: %s", db ? sqlite3_errmsg(db) : sqlite3_errstr(rc));
}

int catalogdb_prepare(struct catalogdb *db, const char *sql, sqlite3_stmt **ret, struct err *err)
{
        int rc = sqlite3_prepare_v2(db->db, sql, -1, ret, NULL);

        return rc == SQLITE_OK ? 0 : catalogdb_error(db->db, rc, err);
}

int catalogdb_run(struct catalogdb *db, const char *sql, struct err *err)
{
        int rc = sqlite3_exec(db->db, sql, NULL, NULL, NULL);

        return rc == SQLITE_OK ? 0 : catalogdb_error(db->db, rc, err);
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

static void bind_blob(sqlite3_stmt *st, int i, const void *p, size_t len, int *rc)
{
        if (*rc == SQLITE_OK)
                *rc = p ? sqlite3_bind_blob64(st, i, p, len, SQLITE_STATIC) : sqlite3_bind_null(st, i);
}

static void bind_identity(sqlite3_stmt *st, int i, const struct identity *id, int *rc)
{
        catalogdb_bind_num(st, i, id->dev, rc);
        catalogdb_bind_num(st, i + 1, id->ino, rc);
        catalogdb_bind_num(st, i + 2, id->size_bytes, rc);
        catalogdb_bind_num(st, i + 3, (uint64_t)id->mtime_ns, rc);
        catalogdb_bind_num(st, i + 4, (uint64_t)id->ctime_ns, rc);
}

static struct identity column_identity(sqlite3_stmt *st, int i)
{
        return (struct identity) { (uint64_t)sqlite3_column_int64(st, i),
                (uint64_t)sqlite3_column_int64(st, i + 1), (uint64_t)sqlite3_column_int64(st, i + 2),
                sqlite3_column_int64(st, i + 3), sqlite3_column_int64(st, i + 4) };
}

static const char *column_string(sqlite3_stmt *st, int i)
{
        return (const char *)sqlite3_column_text(st, i);
}

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
                        "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; BEGIN IMMEDIATE;", NULL, NULL,
                        NULL);
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
                return catalogdb_run(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;", err);
        return 0;
}

static int try_open(struct catalogdb *db, int dirfd, struct err *err)
{
        int rc = catalogdb_open_at(dirfd, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, "", &db->db);

        return rc == SQLITE_OK ? set_up(db, err) : catalogdb_error(NULL, rc, err);
}

void catalogdb_close_file(struct catalogdb *db)
{
        (void)sqlite3_close(db->db);
        db->db = NULL;
}

/* Reads what is there, or works in memory: the daemon must come up with a broken cache directory too. */
static int open_read_only(struct catalogdb *db, int dirfd, struct err *err)
{
        int rc, r;

        db->read_only = true;
        if (catalogdb_open_at(dirfd, SQLITE_OPEN_READONLY, "?immutable=1", &db->db) == SQLITE_OK &&
                set_up(db, NULL) == 0)
                return 0;
        catalogdb_close_file(db);
        db->read_only = false;
        rc = sqlite3_open_v2(":memory:", &db->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX, NULL);
        r = rc == SQLITE_OK ? set_up(db, err) : catalogdb_error(db->db, rc, err);
        return r;
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

int catalogdb_open(int dirfd, struct catalogdb **ret, struct err *ret_note, struct err *err)
{
        static const char *const files[] = { CATALOG_DB_NAME, CATALOG_DB_NAME "-wal",
                CATALOG_DB_NAME "-shm" };
        AUTO_CLEAN(catalogdb_closep) struct catalogdb *db = calloc(1, sizeof *db);
        struct err why = { "" };
        int r;

        if (!db)
                return err_set(err, -ENOMEM, "out of memory");
        ret_note->text[0] = '\0';
        r = can_write(dirfd) ? try_open(db, dirfd, &why) : -EROFS;
        if (r == -EBADMSG) {
                catalogdb_close_file(db);
                (void)err_set(ret_note, 0, "%s: thrown away; all archives are read anew", why.text);
                for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
                        (void)unlinkat(dirfd, files[i], 0);
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
        *ret = take_ptr(&db);
        return 0;
}

void catalogdb_close(struct catalogdb *db)
{
        if (!db)
                return;
        catalogdb_close_file(db);
        free(db);
}

/* ---- rows ------------------------------------------------------------------------------------ */

static void sum_text(struct buf *b, const char *s)
{
        buf_puts(b, s ? "+" : "-"); /* NULL is not "" */
        buf_add(b, s ? s : "", s ? strlen(s) + 1 : 1);
}

/* The checksum over everything a row says. */
static int checksum(const struct catalog_row *w, uint64_t ret[2])
{
        AUTO_BUF struct buf b = BUF_INIT;
        const uint64_t nums[] = { w->id.dev, w->id.ino, w->id.size_bytes, (uint64_t)w->id.mtime_ns,
                (uint64_t)w->id.ctime_ns, w->ready, w->salt, w->object, (uint64_t)w->format, w->raw_bytes,
                w->hash_checked, w->spooled, w->spool_id.dev, w->spool_id.ino, w->spool_id.size_bytes,
                (uint64_t)w->spool_id.mtime_ns, (uint64_t)w->spool_id.ctime_ns };

        buf_add(&b, nums, sizeof nums);
        sum_text(&b, w->file);
        sum_text(&b, w->reason);
        sum_text(&b, w->sha256);
        sum_text(&b, w->md5);
        if (w->layout)
                buf_add(&b, w->layout, w->layout_bytes);
        sum_text(&b, w->decoder);
        if (w->gzindex)
                buf_add(&b, w->gzindex, w->gzindex_bytes);
        if (buf_error(&b) < 0)
                return -ENOMEM;
        return digest_short(CATALOG_SCHEMA_VERSION, b.data, b.len, ret);
}

/* What stands in the columns, in the order of the query `known`.  False if it makes no sense. */
static bool read_row(sqlite3_stmt *st, struct catalog_row *ret)
{
        const char *verdict = column_string(st, 6), *format = column_string(st, 10);
        struct catalog_row w = { .id = column_identity(st, 0),
                .file = column_string(st, 5),
                .reason = column_string(st, 7),
                .salt = (uint64_t)sqlite3_column_int64(st, 8),
                .object = (uint64_t)sqlite3_column_int64(st, 9),
                .raw_bytes = (uint64_t)sqlite3_column_int64(st, 11),
                .hash_checked = sqlite3_column_int(st, 12) };
        uint64_t sum[2];

        if (!verdict || !w.file)
                return false;
        w.ready = strcmp(verdict, "ready") == 0;
        w.format = format && strcmp(format, "iso") == 0 ? FORMAT_ISO : FORMAT_TAR;
        w.spooled = sqlite3_column_type(st, 13) != SQLITE_NULL;
        if (w.spooled)
                w.spool_id = column_identity(st, 13);
        w.layout = sqlite3_column_blob(st, 18);
        w.layout_bytes = (size_t)sqlite3_column_bytes(st, 18);
        w.decoder = column_string(st, 19);
        w.gzindex = sqlite3_column_blob(st, 20);
        w.gzindex_bytes = (size_t)sqlite3_column_bytes(st, 20);
        w.sha256 = column_string(st, 22);
        w.md5 = column_string(st, 23);
        if (w.ready != (w.layout != NULL) || w.ready != (w.object != 0))
                return false;
        if (sqlite3_column_bytes(st, 21) != CHECKSUM_BYTES || checksum(&w, sum) < 0 ||
                memcmp(sqlite3_column_blob(st, 21), sum, CHECKSUM_BYTES) != 0)
                return false;
        *ret = w;
        return true;
}

int catalogdb_each(
        struct catalogdb *db, int (*fn)(void *ctx, const struct catalog_row *row), void *ctx, struct err *err)
{
        AUTO_STMT sqlite3_stmt *st = NULL;
        int r = catalogdb_prepare(db, catalog_q_known, &st, err), rc;

        if (r < 0)
                return r;
        while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
                struct catalog_row row;

                if (!read_row(st, &row))
                        continue;
                r = fn(ctx, &row);
                if (r < 0)
                        return r;
        }
        return rc == SQLITE_DONE ? 0 : catalogdb_error(db->db, rc, err);
}

static int bind_row(struct catalogdb *db, sqlite3_stmt *st, const struct catalog_row *w, const uint64_t *sum,
        struct err *err)
{
        int rc = SQLITE_OK;

        bind_identity(st, 1, &w->id, &rc);
        catalogdb_bind_text(st, 6, w->file, &rc);
        catalogdb_bind_text(st, 7, w->ready ? "ready" : "refused", &rc);
        catalogdb_bind_text(st, 8, w->reason, &rc);
        catalogdb_bind_num(st, 9, w->salt, &rc);
        if (w->ready) { /* what is not bound is NULL */
                catalogdb_bind_num(st, 10, w->object, &rc);
                catalogdb_bind_text(st, 11, w->format == FORMAT_ISO ? "iso" : "tar", &rc);
        }
        catalogdb_bind_num(st, 12, w->raw_bytes, &rc);
        catalogdb_bind_num(st, 13, w->hash_checked, &rc);
        if (w->spooled)
                bind_identity(st, 14, &w->spool_id, &rc);
        bind_blob(st, 19, w->layout, w->layout_bytes, &rc);
        catalogdb_bind_text(st, 20, w->decoder, &rc);
        bind_blob(st, 21, w->gzindex, w->gzindex_bytes, &rc);
        bind_blob(st, 22, sum, CHECKSUM_BYTES, &rc);
        catalogdb_bind_text(st, 23, w->sha256, &rc);
        catalogdb_bind_text(st, 24, w->md5, &rc);
        return rc == SQLITE_OK ? 0 : catalogdb_error(db->db, rc, err);
}

int catalogdb_step_once(struct catalogdb *db, sqlite3_stmt *st, struct err *err)
{
        int rc = sqlite3_step(st);

        return rc == SQLITE_DONE ? 0 : catalogdb_error(db->db, rc, err);
}

static int put_row(struct catalogdb *db, const struct catalog_row *row, struct err *err)
{
        AUTO_STMT sqlite3_stmt *st = NULL;
        uint64_t sum[2];
        int r;

        if (checksum(row, sum) < 0)
                return err_set(err, -ENOMEM, "out of memory");
        r = catalogdb_prepare(db, catalog_q_put, &st, err);
        if (r == 0)
                r = bind_row(db, st, row, sum, err);
        return r == 0 ? catalogdb_step_once(db, st, err) : r;
}

static uint64_t state_id(uint64_t object, uint64_t n)
{
        return object << 20 | n;
}

/* The first checkpoint has no state. */
static int put_states(struct catalogdb *db, const struct catalog_row *row, struct err *err)
{
        AUTO_STMT sqlite3_stmt *st = NULL;
        int r = catalogdb_prepare(db, catalog_q_state_put, &st, err);

        for (size_t n = 1; r == 0 && n < row->n_states; n++) {
                int rc = sqlite3_reset(st);

                catalogdb_bind_num(st, 1, state_id(row->object, n), &rc);
                bind_blob(st, 2, row->states[n].data, row->states[n].len, &rc);
                r = rc == SQLITE_OK ? catalogdb_step_once(db, st, err) : catalogdb_error(db->db, rc, err);
        }
        return r;
}

int catalogdb_end(struct catalogdb *db, int r, struct err *err)
{
        if (r == 0)
                r = catalogdb_run(db, catalog_q_commit, err);
        if (r < 0)
                (void)catalogdb_run(db, catalog_q_rollback, NULL);
        return r;
}

int catalogdb_put(struct catalogdb *db, const struct catalog_row *row, struct err *err)
{
        int r;

        if (db->read_only)
                return 0;
        r = catalogdb_run(db, catalog_q_begin, err);
        if (r < 0)
                return r;
        r = put_row(db, row, err);
        if (r == 0 && row->states)
                r = put_states(db, row, err);
        return catalogdb_end(db, r, err);
}

bool catalogdb_keeps(const struct catalogdb *db)
{
        return !db->read_only;
}

int catalogdb_load_state(struct catalogdb *db, uint64_t object, uint64_t n, struct buf *ret)
{
        AUTO_STMT sqlite3_stmt *st = NULL;
        int rc = SQLITE_OK, r = catalogdb_prepare(db, catalog_q_state, &st, NULL);

        if (r < 0)
                return r;
        catalogdb_bind_num(st, 1, state_id(object, n), &rc);
        if (rc == SQLITE_OK)
                rc = sqlite3_step(st);
        if (rc != SQLITE_ROW)
                return rc == SQLITE_DONE ? -ENOENT : errno_from_sqlite(rc);
        buf_add(ret, sqlite3_column_blob(st, 0), (size_t)sqlite3_column_bytes(st, 0));
        return buf_error(ret);
}

static int drop_states(struct catalogdb *db, uint64_t object, struct err *err)
{
        AUTO_STMT sqlite3_stmt *st = NULL;
        int rc = SQLITE_OK, r = catalogdb_prepare(db, catalog_q_state_drop, &st, err);

        if (r < 0)
                return r;
        catalogdb_bind_num(st, 1, state_id(object, 0), &rc);
        catalogdb_bind_num(st, 2, state_id(object + 1, 0) - 1, &rc);
        return rc == SQLITE_OK ? catalogdb_step_once(db, st, err) : catalogdb_error(db->db, rc, err);
}

/* The object of the first state from @object's on; 0: there is none. */
static int next_states(struct catalogdb *db, uint64_t *object, struct err *err)
{
        AUTO_STMT sqlite3_stmt *st = NULL;
        int rc = SQLITE_OK, r = catalogdb_prepare(db, catalog_q_state_next, &st, err);

        if (r < 0)
                return r;
        catalogdb_bind_num(st, 1, state_id(*object, 0), &rc);
        if (rc == SQLITE_OK)
                rc = sqlite3_step(st);
        if (rc != SQLITE_ROW && rc != SQLITE_DONE)
                return catalogdb_error(db->db, rc, err);
        *object = rc == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(st, 0) >> 20 : 0;
        return 0;
}

int catalogdb_sweep_states(struct catalogdb *db, bool (*keep)(const void *ctx, uint64_t object),
        const void *ctx, struct err *err)
{
        uint64_t object = 1;
        int r = 0;

        while (!db->read_only && (r = next_states(db, &object, err)) == 0 && object) {
                if (!keep(ctx, object))
                        r = drop_states(db, object, err);
                if (r < 0)
                        break;
                object++;
        }
        return r;
}

int catalogdb_drop(struct catalogdb *db, const struct identity *id, struct err *err)
{
        AUTO_STMT sqlite3_stmt *st = NULL;
        int r, rc = SQLITE_OK;

        if (db->read_only)
                return 0;
        r = catalogdb_prepare(db, catalog_q_drop, &st, err);
        if (r < 0)
                return r;
        bind_identity(st, 1, id, &rc);
        return rc == SQLITE_OK ? catalogdb_step_once(db, st, err) : catalogdb_error(db->db, rc, err);
}
