/* SPDX-License-Identifier: MPL-2.0 */
/* keeper -- the process that mounts, and outlives the worker.
 *
 * It keeps the right to mount and to unmount, /dev/fuse and the journal; starts the worker, and another one when it
 * dies, hangs, or is to be replaced by a newer program.  It parses nothing, opens no database and never touches the
 * mount path.  What to do when is decided in takeover/policy.h.
 */
#ifndef PXEFS_TAKEOVER_KEEPER_H
#define PXEFS_TAKEOVER_KEEPER_H

#include "takeover/child.h"
#include "takeover/mountpoint.h"

struct keeper_options {
        struct child_plan
                plan;      /* of the worker; oom_score_adj and the descriptors but lock_fd are filled in */
        size_t ring_bytes; /* of the text ring */
        bool debug;        /* what workers log is not limited */
        void (*on_mounted)(void *ctx); /* called once: the mountpoint says of which device it is */
        void (*on_ready)(void *ctx);   /* called once, when the first worker says so */
        void *ctx;
};

/* Mounts on @m and keeps a worker until the mount is gone or SIGTERM or SIGINT arrives; then ends the worker in order,
 * and unmounts.  SIGHUP replaces the worker by what stands at its path now.
 *
 * Returns the exit status: 0, or 1 with the reason in @err: the first worker could not be started, or there was no
 * healthy worker to be had.  Call it in a process with one thread; it starts that of the log (base/log.h). */
int keeper_run(struct mountpoint *m, const struct keeper_options *opts, struct err *err);

#endif
