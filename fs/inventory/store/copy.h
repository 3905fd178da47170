/* SPDX-License-Identifier: MPL-2.0 */
/* copy -- makes one good copy of the inventory, which stands in for it while it cannot be read. */
#ifndef PXEFS_INVENTORY_STORE_COPY_H
#define PXEFS_INVENTORY_STORE_COPY_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/err.h"

struct conn;

#define COPY_NAME_SIZE 32

/* The name that the copy of the inventory at @path has in a cache directory: one for each path, so that the copy of
 * another inventory never stands in.  0 or -ENOMEM. */
int copy_name(const char *path, char ret[COPY_NAME_SIZE]);

/* Copies what @c reads to @to: into "<to>.new", mode 0600, checked, on disk, and then in the place of what was
 * there.  A WAL database is copied as of one commit, without anybody waiting; one in rollback mode piece by
 * piece, with the lock given up between, and from the beginning when somebody commits.
 *
 * c     borrowed, outside any transaction, to @from
 * stop  ends it early when it becomes true
 *
 * Returns 0; -ECANCELED when stopped; -EBUSY if commits or locks never left time for it; -EBADMSG if the inventory
 * is damaged, -EFBIG if it holds a cell that no question can read (bounds.h), -ENOSPC, -EACCES...: with the reason.  What was there before stays then. */
int copy_make(struct conn *c, const char *from, const char *to, const atomic_bool *stop, struct err *err);

#endif
