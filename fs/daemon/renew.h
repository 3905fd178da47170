/* SPDX-License-Identifier: MPL-2.0 */
/* renew -- a worker ends when the directories its sandbox is bound to are no longer the ones that stand there, or what it was
 * given and may not make again is gone.
 *
 * Landlock ties it to inodes (sandbox/landlock.c, invariant 2): after `mv builds old; mkdir builds`, or when a directory that
 * could not be reached at the start can be now, it would go on without.  Its successor is bound to what stands there then,
 * and clients notice nothing (takeover/keeper.h).  Likewise when the process that starts readers of archives has ended: its
 * successor forks another.
 */
#ifndef PXEFS_DAEMON_RENEW_H
#define PXEFS_DAEMON_RENEW_H

#include "daemon/confine.h"

struct renew;

struct readers;

/* Starts a thread that looks once a second; when a place of @c was replaced, or @readers are gone, it logs that, and ends the
 * process in order by SIGTERM.  All are borrowed.  NULL if no thread can be had. */
struct renew *renew_start(
        const struct confinement *c, struct path_opener *opener, const struct readers *readers);

/* Stops and joins it.  NULL is fine. */
void renew_stop(struct renew *r);

#endif
