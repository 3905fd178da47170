/* SPDX-License-Identifier: MPL-2.0 */
/* conn -- one connection, tied down; shared by pool.c, conn.c and copy.c only. */
#ifndef PXEFS_INVENTORY_CONN_H
#define PXEFS_INVENTORY_CONN_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "inventory/bounds.h"
#include "inventory/pool.h"

#define WAL_HEAD_BYTES 32 /* with two random salts (sqlite.org/fileformat2.html, 4.1) */

#define SMALL_KIB 1024 /* the upper pages of all trees */
#define LARGE_KIB                                                                                            \
        16384 /* nearly all of 100 000 hosts: a lookup costs two thirds, with 0.3 preads in place of 5.6 */

struct conn {
        sqlite3 *db;
        sqlite3_stmt *stmt[QUERIES]; /* prepared when first used */
        struct stat st;              /* of the file it has open; zeros for memory */
        bool large;
        bool immutable; /* opened without locks: what SQLite cannot notice is compared (conn_is_current) */
        ino_t wal_ino;  /* of the -wal file it has open; 0: none */
        int version;    /* user_version in this transaction */
        struct bounds bounds;
        enum pool_lane lane; /* in which it was lent */
        struct conn *next;   /* in pool->idle */
};

/* Opens the file, or an empty inventory in memory for NULL.
 *
 * is_copy  it is our own, complete and never changed in place: neither locks nor sidecars are needed
 * large    its page cache holds LARGE_KIB rather than SMALL_KIB
 * busy_ms  how long SQLite may wait for a lock, here and until conn_set_patience
 *
 * -EAGAIN if it was replaced meanwhile; else see inventory_open. */
int conn_open(
        const char *path, bool is_copy, bool large, unsigned busy_ms, struct conn **ret, struct err *err);
void conn_close(struct conn *c);

void conn_set_patience(struct conn *c, unsigned busy_ms);

/* Whether the connection's file is what stands at the path, of which @st tells. */
bool conn_is_current(const struct conn *c, const char *path, const struct stat *st);

/* Whether the query is one for the version that the connection's file has. */
bool conn_asks(const struct conn *c, enum query q);

/* The first bytes of the file's -wal.  False if it has not that many; *ret_ino is 0 if there is none. */
bool conn_wal_head(const char *path, ino_t *ret_ino, unsigned char head[WAL_HEAD_BYTES]);

#endif
