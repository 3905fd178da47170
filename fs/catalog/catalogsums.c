/* SPDX-License-Identifier: MPL-2.0 */
/* catalogsums -- catalog.db: sums files as they were last read; see catalogdb.h. */
#include <errno.h>

#include "catalog/catalogdb.h"
#include "catalog/catalogdb_impl.h"
#include "catalog_sql.h"

int catalogdb_put_sums(struct catalogdb *db, const char *name, const struct identity *id, const char *text,
        size_t len, struct err *err)
{
        const uint64_t numbers[] = { id->dev, id->ino, id->size_bytes, (uint64_t)id->mtime_ns,
                (uint64_t)id->ctime_ns };
        AUTO_STMT sqlite3_stmt *st = NULL;
        int rc = SQLITE_OK, r;

        if (!catalogdb_keeps(db))
                return 0;
        r = catalogdb_prepare(db, catalog_q_sums_put, &st, err);
        if (r < 0)
                return r;
        catalogdb_bind_text(st, 1, name, &rc);
        for (int i = 0; i < (int)(sizeof numbers / sizeof numbers[0]); i++)
                catalogdb_bind_num(st, 2 + i, numbers[i], &rc);
        if (rc == SQLITE_OK)
                rc = len ? sqlite3_bind_blob64(st, 7, text, len, SQLITE_STATIC)
                         : sqlite3_bind_zeroblob(st, 7, 0);
        return rc == SQLITE_OK ? catalogdb_step_once(db, st, err) : catalogdb_error(db->db, rc, err);
}

int catalogdb_drop_sums(struct catalogdb *db, const char *name, struct err *err)
{
        AUTO_STMT sqlite3_stmt *st = NULL;
        int rc = SQLITE_OK, r;

        if (!catalogdb_keeps(db))
                return 0;
        r = catalogdb_prepare(db, catalog_q_sums_drop, &st, err);
        if (r < 0)
                return r;
        catalogdb_bind_text(st, 1, name, &rc);
        return rc == SQLITE_OK ? catalogdb_step_once(db, st, err) : catalogdb_error(db->db, rc, err);
}

int catalogdb_each_sums(struct catalogdb *db,
        int (*each)(void *ctx, const char *name, const struct identity *id, const char *text, size_t len),
        void *ctx, struct err *err)
{
        AUTO_STMT sqlite3_stmt *st = NULL;
        int r = catalogdb_prepare(db, catalog_q_sums, &st, err), rc = SQLITE_DONE;

        while (r == 0 && (rc = sqlite3_step(st)) == SQLITE_ROW) {
                struct identity id = { .dev = (uint64_t)sqlite3_column_int64(st, 1),
                        .ino = (uint64_t)sqlite3_column_int64(st, 2),
                        .size_bytes = (uint64_t)sqlite3_column_int64(st, 3),
                        .mtime_ns = sqlite3_column_int64(st, 4),
                        .ctime_ns = sqlite3_column_int64(st, 5) };
                const char *name = (const char *)sqlite3_column_text(st, 0);
                const char *text = sqlite3_column_blob(st, 6);

                if (name)
                        r = each(ctx, name, &id, text ? text : "", (size_t)sqlite3_column_bytes(st, 6));
        }
        return r < 0 || rc == SQLITE_DONE || rc == SQLITE_ROW ? r : catalogdb_error(db->db, rc, err);
}
