/* SPDX-License-Identifier: MPL-2.0 */
/* standby -- asks the inventory, and its last good copy when that fails. */
#ifndef PXEFS_INVENTORY_STANDBY_H
#define PXEFS_INVENTORY_STANDBY_H

#include "inventory/inventory.h"
#include "inventory/pool.h"

struct standby;

/* Opens nothing yet; starts the copier if opts->copy_path is given. */
int standby_new(const struct inventory_options *opts, struct standby **ret, struct err *err);
void standby_free(struct standby *s);

/* One question, inside one read transaction.  0, -ENOENT and -ENOTUNIQ (answers: no such
 * row, more than one), -ENOMEM, or a
 * negative errno, which stands for a failure of the database.  May be asked a second time, from the
 * beginning, of the copy. */
typedef int standby_question(struct conn *c, void *ctx, struct err *err);

/* Asks the live inventory; if that fails, the copy; if that fails too, returns the first failure.  Any
 * thread.
 *
 * key  what is asked about, as a number: a question that took long is known by it; 0: it is not to be known */
int standby_ask(struct standby *s, uint64_t key, standby_question *q, void *ctx, struct err *err);

/* For inventory_health; any thread. */
unsigned standby_changes(const struct standby *s); /* see inventory_changes */
void standby_health(struct standby *s, struct inventory_health *ret);

#endif
