/* SPDX-License-Identifier: MPL-2.0 */
/* catalogrow -- verdicts: rows of catalog.db in, rows out.
 *
 * Each row carries a checksum over all it says; one that does not agree is not there, and the archive is read again.
 *
 * Locks: SQLite's own.  Limits: none.
 */
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/digest.h"
#include "catalog/catalogdb_impl.h"
#include "catalog_sql.h"

#define CHECKSUM_BYTES 16

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
                (uint64_t)w->id.ctime_ns, w->ready, w->quarantined, w->salt, w->object, (uint64_t)w->format,
                w->raw_bytes, w->hash_checked, w->spooled, w->spool_id.dev, w->spool_id.ino,
                w->spool_id.size_bytes, (uint64_t)w->spool_id.mtime_ns, (uint64_t)w->spool_id.ctime_ns };

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
        sum_text(&b, w->blocksums ? "" : NULL);
        if (w->blocksums)
                buf_add(&b, w->blocksums, w->blocksums_bytes);
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
        w.quarantined = strcmp(verdict, "quarantined") == 0;
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
        w.blocksums = sqlite3_column_blob(st, 24);
        w.blocksums_bytes = (size_t)sqlite3_column_bytes(st, 24);
        if (w.ready != (w.layout != NULL) || w.ready != (w.object != 0) ||
                w.ready != ((w.gzindex != NULL) != (w.blocksums != NULL)) ||
                (w.decoder != NULL) != (w.gzindex != NULL))
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
        catalogdb_bind_text(st, 7, w->ready ? "ready" : w->quarantined ? "quarantined" : "refused", &rc);
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
        bind_blob(st, 25, w->blocksums, w->blocksums_bytes, &rc);
        return rc == SQLITE_OK ? 0 : catalogdb_error(db->db, rc, err);
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
                r = catalogdb_put_states(db, row, err);
        return catalogdb_end(db, r, err);
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

/* ---- times ----------------------------------------------------------------------------------- */

int catalogdb_get_times(struct catalogdb *db, struct catalog_times *ret, struct err *err)
{
        AUTO_STMT sqlite3_stmt *st = NULL;
        int r = catalogdb_prepare(db, catalog_q_times, &st, err), rc;

        *ret = (struct catalog_times) { .served_sec = 0 };
        if (r < 0)
                return r;
        rc = sqlite3_step(st);
        if (rc != SQLITE_ROW)
                return rc == SQLITE_DONE ? 0 : catalogdb_error(db->db, rc, err);
        if (sqlite3_column_bytes(st, 0) != CATALOG_SERVED_BYTES)
                return 0;
        memcpy(ret->served, sqlite3_column_blob(st, 0), CATALOG_SERVED_BYTES);
        ret->served_sec = sqlite3_column_int64(st, 1);
        ret->shown_sec = sqlite3_column_int64(st, 2);
        return 0;
}

int catalogdb_put_times(struct catalogdb *db, const struct catalog_times *times, struct err *err)
{
        AUTO_STMT sqlite3_stmt *st = NULL;
        int r, rc = SQLITE_OK;

        if (db->read_only)
                return 0;
        r = catalogdb_prepare(db, catalog_q_times_put, &st, err);
        if (r < 0)
                return r;
        bind_blob(st, 1, times->served, sizeof times->served, &rc);
        catalogdb_bind_num(st, 2, (uint64_t)times->served_sec, &rc);
        catalogdb_bind_num(st, 3, (uint64_t)times->shown_sec, &rc);
        return rc == SQLITE_OK ? catalogdb_step_once(db, st, err) : catalogdb_error(db->db, rc, err);
}
