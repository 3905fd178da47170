/* SPDX-License-Identifier: MPL-2.0 */
/* migrate -- makes an inventory of schema 2 out of one of schema 1. */
#ifndef PXECTL_MIGRATE_H
#define PXECTL_MIGRATE_H

#include <sqlite3.h>

#include "base/err.h"

/* Called for each row, table or statement of the operator's that schema 2 does not take: which, why, and what mends it. */
typedef void migrate_refused_fn(void *ctx, const char *line);

/* Migrates inside the transaction that is open on @db; the caller commits, or rolls back to what was there.
 *
 * All rows are carried over one by one under the rules of schema 2, with their ids; so are tables, views, triggers and
 * indexes that the operator has added.  The change log is kept as it is, and gets no rows from this.
 *
 * Returns how much was refused: with anything but 0 the transaction must be rolled back; or a negative errno with the
 * reason.  foreign_keys must be off, as they are by default.
 */
int migrate(sqlite3 *db, migrate_refused_fn *refused, void *ctx, struct err *err);

#endif
