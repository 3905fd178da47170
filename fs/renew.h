/* SPDX-License-Identifier: MPL-2.0 */
/* renew -- a worker ends when the directories its sandbox is bound to are no longer the ones that stand there.
 *
 * Landlock ties it to inodes (sandbox/landlock.c, invariant 2): after `mv builds old; mkdir builds`, or when a directory that
 * could not be reached at the start can be now, it would go on without.  Its successor is bound to what stands there then,
 * and clients notice nothing (mount/keeper.h).
 */
#ifndef PXEFS_RENEW_H
#define PXEFS_RENEW_H

#include "confine.h"

struct renew;

/* Starts a thread that looks once a second; when a place of @c was replaced it logs which, and ends the process in order by
 * SIGTERM.  Both are borrowed.  NULL if no thread can be had. */
struct renew *renew_start(const struct confinement *c, struct path_opener *opener);

/* Stops and joins it.  NULL is fine. */
void renew_stop(struct renew *r);

#endif
