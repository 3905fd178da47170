/* SPDX-License-Identifier: MPL-2.0 */
/* watch -- a thread that keeps the catalog up to date with the builds directory, and shows how far that is.
 *
 * inotify is a hint: rsync renames, WinSCP links and unlinks, NFS says nothing.  A slow poll backs it up,
 * and the catalog alone decides when a file is whole.  A directory that is replaced, or mounted over, is
 * noticed by the poll: the descriptor is made to name the new one (dup3), so that all who have it go on there.
 */
#ifndef PXEFS_MOUNT_WATCH_H
#define PXEFS_MOUNT_WATCH_H

#include <stdbool.h>

#include "base/err.h"
#include "catalog/catalog.h"

struct watch;

struct watch_options {
        struct catalog *catalog;    /* borrowed */
        int builds_fd;              /* the descriptor the catalog reads it by; borrowed */
        struct path_opener *opener; /* borrowed; of builds_dir */
        const char *builds_dir;     /* for inotify and messages; borrowed */
        int poll_ms;                /* look at least so often */
        bool wait_for_all;          /* call on_ready only when each archive that is there was read once */
        bool show_progress; /* stderr is a terminal: a line there tells what is being read (log_status) */
        void (*on_ready)(void *ctx); /* called once, from the thread, after the first look; may be NULL */
        void *on_ready_ctx;
};

/* Starts the thread.  0 or a negative errno.  Without inotify (limit reached) it polls, and says so once. */
int watch_start(const struct watch_options *opts, struct watch **ret, struct err *err);

/* Stops and joins it, within some ms; what is being read is given up.  The catalog scans no more.  NULL is fine. */
void watch_stop(struct watch *w);

#endif
