/* SPDX-License-Identifier: MPL-2.0 */
/* pool -- a few read-only connections to one inventory file.
 *
 * A connection is borrowed for one call, inside one read transaction.  Threads: pool_get and pool_put from
 * any; a borrowed connection belongs to its borrower.
 */
#ifndef PXEFS_INVENTORY_STORE_POOL_H
#define PXEFS_INVENTORY_STORE_POOL_H

#include <sqlite3.h>
#include <stdbool.h>

#include "base/err.h"
#include "base/sanitizer.h"
#include "inventory/store/conn.h"

#define POOL_MAX      8 /* connections; more callers wait */
#define POOL_LONG_MAX 2 /* of them that the long lane may have */
/* Of processor time a question has; one of 100 000 hosts takes some 0.2, with a sanitizer many times that. */
#define POOL_QUICK_MS (WITH_SANITIZER ? 400 : 10)
#define POOL_LONG_MS  500 /* in the long lane */

struct pool;

/* path NULL: an empty inventory in memory.  @is_copy as in conn_open.  Opens nothing yet.  0 or -ENOMEM. */
int pool_new(const char *path, bool is_copy, struct pool **ret, struct err *err);
void pool_free(struct pool *p);

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

#endif
