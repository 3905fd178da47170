/* SPDX-License-Identifier: MPL-2.0 */
/* keeper -- the process that mounts, starts the worker, and outlives it.
 *
 * It keeps the right to mount and to unmount, parses nothing, opens no database and never touches the mount
 * path.  The worker gives its rights up before it opens an archive or the inventory.
 */
#ifndef PXEFS_MOUNT_KEEPER_H
#define PXEFS_MOUNT_KEEPER_H

#include "mount/mountpoint.h"

struct keeper_role {
        /* The worker: serves the descriptor @fuse_fd (owned), writes one byte to @ready_fd (owned) when the
         * mount answers, and returns the exit status of its process. */
        int (*worker)(void *ctx, int fuse_fd, int ready_fd);
        /* In the keeper, when the worker said so. */
        void (*on_ready)(void *ctx);
        void *ctx;
};

/* Mounts on @m, runs the worker in a child process until it ends or SIGTERM, SIGINT or SIGHUP arrives
 * (which is handed on as SIGTERM), and unmounts.  Returns the worker's exit status, or 1 with the reason in
 * @err if it could not be started or died by a signal.  Call it before any thread is started. */
int keeper_run(struct mountpoint *m, const struct keeper_role *role, struct err *err);

#endif
