/* SPDX-License-Identifier: MPL-2.0 */
/* catalogstate -- the decoder's states at the checkpoints of gzip archives, by far the most of catalog.db.
 *
 * Put with their archive's verdict in one transaction (catalogrow.c), loaded one by one by whatever thread reads, and
 * dropped when neither a verdict nor a reader needs them.  statebox.h seals each, so they need no checksum here.
 *
 * Locks: SQLite's own.  Limits: none.
 */
#include <errno.h>

#include "base/buf.h"
#include "catalog/catalogdb_impl.h"
#include "catalog_sql.h"

static uint64_t state_id(uint64_t object, uint64_t n)
{
        return object << 20 | n;
}

/* The first checkpoint has no state, and some are left out. */
int catalogdb_put_states(struct catalogdb *db, const struct catalog_row *row, struct err *err)
{
        AUTO_STMT sqlite3_stmt *st = NULL;
        int r = catalogdb_prepare(db, catalog_q_state_put, &st, err);

        for (size_t n = 1; r == 0 && n < row->n_states; n++) {
                int rc = sqlite3_reset(st);

                if (row->states[n].len == 0)
                        continue;
                catalogdb_bind_num(st, 1, state_id(row->object, n), &rc);
                if (rc == SQLITE_OK)
                        rc = sqlite3_bind_blob64(
                                st, 2, row->states[n].data, row->states[n].len, SQLITE_STATIC);
                r = rc == SQLITE_OK ? catalogdb_step_once(db, st, err) : catalogdb_error(db->db, rc, err);
        }
        return r;
}

int catalogdb_load_state(struct catalogdb *db, uint64_t object, uint64_t n, struct buf *ret)
{
        AUTO_STMT sqlite3_stmt *st = NULL;
        int rc = sqlite3_prepare_v2(db->reader ? db->reader : db->db, catalog_q_state, -1, &st, NULL);

        catalogdb_bind_num(st, 1, state_id(object, n), &rc);
        if (rc == SQLITE_OK)
                rc = sqlite3_step(st);
        if (rc != SQLITE_ROW)
                return rc == SQLITE_DONE ? -ENOENT : catalogdb_noticed(db, catalogdb_errno(rc));
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
                return catalogdb_noticed(db, catalogdb_error(db->db, rc, err));
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
