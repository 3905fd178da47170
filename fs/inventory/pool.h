/* SPDX-License-Identifier: MPL-2.0 */
/* pool -- a few read-only connections to one inventory file.
 *
 * A connection is borrowed for one call, inside one read transaction.  Threads: pool_get and pool_put from
 * any; a borrowed connection belongs to its borrower.
 */
#ifndef PXEFS_INVENTORY_POOL_H
#define PXEFS_INVENTORY_POOL_H

#include <sqlite3.h>
#include <stdbool.h>

#include "base/sanitizer.h"
#include "base/cleanup.h"
#include "base/err.h"

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

#define POOL_MAX       8          /* connections; more callers wait */
#define POOL_LONG_MAX  2          /* of them that the long lane may have */
/* Of processor time a question has; one of 100 000 hosts takes some 0.2, with a sanitizer many times that. */
#define POOL_QUICK_MS  (WITH_SANITIZER ? 400 : 10)
#define POOL_LONG_MS   500        /* in the long lane */
#define SCHEMA_VERSION 2          /* PRAGMA user_version of schema/inventory.sql */
#define SCHEMA_TEXT    "2"        /* the same */
#define SCHEMA_OLDEST  1          /* the oldest that is served; what it has not is taken for absent */
#define SCHEMA_APP_ID  0x70786673 /* PRAGMA application_id: "pxfs" */

struct pool;
struct conn;

/* path NULL: an empty inventory in memory.  @is_copy as in conn_open.  Opens nothing yet.  0 or -ENOMEM. */
int pool_new(const char *path, bool is_copy, struct pool **ret, struct err *err);
void pool_free(struct pool *p);

/* A question is asked in the quick lane first.  One that does not end there (-ETIME) may be asked once more in the long
 * one, which has room for few, so that the connections are never all theirs. */
enum pool_lane {
        POOL_QUICK,
        POOL_LONG,
        POOL_LANES,
};

/* Borrows a connection to the file that stands at the path now, with a read transaction open.  Waits for
 * locks for @busy_ms at most, and for a connection for a bounded time: then -EBUSY. */
int pool_get(struct pool *p, enum pool_lane lane, unsigned busy_ms, struct conn **ret, struct err *err);

/* Ends the transaction and gives the connection back, by the thread that borrowed it.  result is what was found out: a
 * failure of the database itself closes the connection, so that the next call starts anew.  Returns @result, or -EAGAIN if
 * what was read cannot be trusted: the file changed under a connection without locks. */
int pool_put(struct pool *p, struct conn *c, int result);

/* For who keeps one connection for long, outside of transactions: borrows it, asks now and then whether its
 * file still stands at the path, and gives it back. */
int pool_borrow(struct pool *p, unsigned busy_ms, struct conn **ret, struct err *err);
bool pool_is_current(struct pool *p, const struct conn *c);
void pool_give_back(struct pool *p, struct conn *c);

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

/* 0 for SQLITE_OK, ROW, DONE; else a negative errno: -EFBIG and -ETIME where a bound was met (bounds.h). */
int errno_from_sqlite(int rc);

static inline void stmt_resetp(sqlite3_stmt **s)
{
        sqlite3_reset(*s); /* NULL is fine */
}
#define AUTO_STMT AUTO_CLEAN(stmt_resetp)

#endif
