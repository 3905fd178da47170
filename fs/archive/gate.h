/* SPDX-License-Identifier: MPL-2.0 */
/* gate -- a storage that does not answer costs the threads that wait for it, and those are never all there are.
 *
 * A call on an archive's file (pread, fstat) may not come back for hours: a server that is away, a disk at its end.  Nothing
 * ends it.  So whoever makes bytes for a reader passes a gate around each such call.  There is one for each filesystem, and
 * at most half of the threads that serve are inside at once; so the others answer what asks no storage.
 *
 * When a call has been inside for GATE_STALL_MS, and none has come back for as long, the storage is stalled: who comes then
 * gets -EIO at once, and who waits for room or for bytes that somebody inside is to make gets it too.  The calls inside stay,
 * and nobody else is sent in: when they come back, the storage is there again.  One that is slow, but of which a call comes
 * back now and then, is not stalled, however long each takes.
 *
 * Threads: all functions from any thread, but gates_new and gates_free.  A passage without trouble takes no lock and makes no
 * system call.
 */
#ifndef PXEFS_ARCHIVE_GATE_H
#define PXEFS_ARCHIVE_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "archive/identity.h"

#define GATE_STALL_MS 5000 /* more than a disk takes to spin up, mostly; and a boot loader still asks */
#define GATE_READERS  16   /* inside one gate at most, whatever is asked for */
#define GATE_HELPERS  16   /* threads that read ahead: so many are noted; further ones go in all the same */
#define GATES_MAX     8    /* filesystems told apart; further ones share the last gate */

struct gates;
struct gate;

/* readers  threads that serve, whose half is the bound; 0: GATE_READERS may be inside
 * say      told when the storage of device @dev (as in stat(2)) stops to answer, and when it answers again; from any
 *          thread, once each; may be NULL
 *
 * NULL if memory is short. */
struct gates *gates_new(unsigned readers, void (*say)(void *ctx, uint64_t dev, bool stalled), void *ctx);
void gates_free(struct gates *g); /* nobody is inside; NULL is fine */

/* The gate of the filesystem @dev; lives as long as @g.  NULL if @g is: such a gate is always open, and nothing is noted. */
struct gate *gate_of(struct gates *g, uint64_t dev);

/* True if one of them is stalled; they tell nobody. */
bool gates_are_stalled(const struct gates *g);
bool gate_is_stalled(const struct gate *g);
/* Has `say` called if it is, and that was not said. */
void gate_tell(struct gate *g);
/* How long the oldest call has been inside; 0: none is. */
int64_t gate_oldest_ms(const struct gate *g);

/* Goes in, when there is room.  The place, for gate_leave; or -EIO: the storage is stalled.
 *
 * A thread that reads ahead (ATWORK_AHEAD in base/atwork.h) takes none of the readers' room.  While it is inside, the
 * thread's request is marked as one that waits for a storage (atwork_wait). */
int gate_enter(struct gate *g);
/* @answered: the call did not fail. */
void gate_leave(struct gate *g, int place, bool answered);

/* pread(2) and identity.h through the gate: the same, with a negative errno for an error. */
ssize_t gate_pread(struct gate *g, int fd, void *buf, size_t len, uint64_t off);
int gate_still(struct gate *g, int fd, const struct identity *want);
int gate_still_length(struct gate *g, int fd, const struct identity *want);

#endif
