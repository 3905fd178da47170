/* SPDX-License-Identifier: MPL-2.0 */
/* cachelock -- one pxefs for one cache directory: the lock on it, and who holds it.
 *
 * The keeper takes it once and hands the descriptor to each worker.  A lock of flock(2) belongs to the open file, so it is
 * there until the last of these processes is gone, and no other pxefs gets it while a worker is replaced.
 */
#ifndef PXEFS_DAEMON_CACHELOCK_H
#define PXEFS_DAEMON_CACHELOCK_H

#include "base/err.h"
#include "takeover/child.h"
#include "takeover/mountpoint.h"

/* Locks @cache_dir, as the user of @plan; *ret_fd is the caller's, or -1 if no lock can be made in a directory that cannot be
 * written (nor does the worker write there).
 *
 * One that is ending is waited for, some seconds: its mount is gone, or its keeper is.  Any other is told at once.  Returns 0,
 * -EBUSY with the process that has the lock, where its mount is, and the way out, or another negative errno. */
int cachelock_take(const char *cache_dir, const struct child_plan *plan, int *ret_fd, struct err *err);

/* Puts down where the holder's mount is, for the next one that cannot have the lock.  @fd may be -1. */
void cachelock_tell_mount(int fd, const struct mountpoint *m);

#endif
