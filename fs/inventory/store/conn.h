/* SPDX-License-Identifier: MPL-2.0 */
/* conn -- a connection to the inventory that can do nothing but read, and its statements.
 *
 * Threads: one at a time; pool.h lends connections. */
#ifndef PXEFS_INVENTORY_STORE_CONN_H
#define PXEFS_INVENTORY_STORE_CONN_H

#include <sqlite3.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "inventory/store/bounds.h"

/* Each query of schema/queries/inventory.sql: the enum is Q_<name>, the text inventory_q_<name>. */
#define POOL_QUERIES(X)                                                                                      \
        X(begin)                                                                                             \
        X(end)                                                                                               \
        X(version)                                                                                           \
        X(data_version)                                                                                      \
        X(journal_mode)                                                                                      \
        X(host_by_mac)                                                                                       \
        X(host)                                                                                              \
        X(chain)                                                                                             \
        X(profile)                                                                                           \
        X(channel)                                                                                           \
        X(host_properties)                                                                                   \
        X(profile_properties) X(profile_settings) X(profile_items) X(host_modules) X(profile_modules) X(host_answers) X(profile_answers) X(host_answers_v1) X(profile_answers_v1) X(host_nics) X(host_network) X(profile_network) X(host_routes) X(profile_routes) X(host_twins) X(host_name) X(changed) X(mac_by_name) X(mac_by_name_v1) X(mac_by_ip) X(mac_by_uuid)                 \
                X(channel_by_name) X(list_macs) X(list_names) X(list_ips) X(list_uuids) X(list_channels)     \
                        X(count_hosts) X(count_nics)

enum query {
#define POOL_ENUM(name) Q_##name,
        POOL_QUERIES(POOL_ENUM)
#undef POOL_ENUM
                QUERIES
};

/* A question is asked in the quick lane first.  One that does not end there (-ETIME) may be asked once more in the long
 * one, which has room for few, so that the connections are never all theirs. */
enum pool_lane {
        POOL_QUICK,
        POOL_LONG,
        POOL_LANES,
};

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

/* Opens the read transaction of a borrowed connection, and ends it. */
int conn_begin(struct conn *c, const char *path, struct err *err);
bool conn_end(struct conn *c);

/* The statement, reset and without parameters.  Owned by the connection; reset it when done (AUTO_STMT). */
int conn_query(struct conn *c, enum query q, sqlite3_stmt **ret, struct err *err);

/* 1: a row; 0: no more; a negative errno. */
int conn_step(struct conn *c, sqlite3_stmt *s, struct err *err);

/* The version the schema has, as read in this transaction. */
int conn_schema_version(const struct conn *c);

/* One text cell.  *ret stays valid until the statement is stepped or reset.  0; -ENOMEM; -ENODATA if it is
 * NULL; -EILSEQ if it is no text in UTF-8, or has control characters, or more than @max_bytes: rows may have been
 * written with checks off. */
int conn_text(sqlite3_stmt *s, int col, size_t max_bytes, const char **ret);

static inline void stmt_resetp(sqlite3_stmt **s)
{
        sqlite3_reset(*s); /* NULL is fine */
}
#define AUTO_STMT AUTO_CLEAN(stmt_resetp)

#endif
