/* SPDX-License-Identifier: MPL-2.0 */
/* session -- libfuse's loop over a descriptor that outlives it, with a journal of what is unanswered. */
#ifndef PXEFS_MOUNT_SESSION_H
#define PXEFS_MOUNT_SESSION_H

#include <stdbool.h>

#include "base/err.h"
#include "mount/ops.h"
#include "takeover/journal.h"

struct session;

struct session_options {
        struct ops *ops;         /* borrowed; what it points to may be filled in until session_loop */
        int fd;                  /* of a mounted /dev/fuse; the session's, closed on error too */
        struct journal *journal; /* borrowed */
        unsigned processors;     /* what a predecessor left is executed so many at a time at first */
        bool debug;              /* libfuse has every request logged */
};

/* Makes the session.  If the kernel's INIT was answered before, negotiates the same once more with libfuse alone.
 *
 * Returns 0, -EPROTO if this program would answer that INIT differently, or -EINVAL/-ENOMEM (libfuse says no more).
 */
int session_open(const struct session_options *opts, struct session **ret, struct err *err);

/* When the predecessor is gone and the keeper has written what it knows into the journal: whether the session has negotiated
 * by that.  A predecessor may have written another INIT there while this one stood by.  0, or -EPROTO. */
int session_check(const struct session *s, struct err *err);

/* How many threads session_loop will have serve at most. */
unsigned session_threads(bool single_thread, unsigned threads);

/* Serves: first what a predecessor left unanswered, then what comes.  Until the mount is gone, or SIGTERM, SIGINT or
 * SIGHUP arrives.
 *
 * threads  how many serve at once at most; 0: as many as libfuse finds right
 *
 * Returns 0, or a negative errno. */
int session_loop(struct session *s, bool single_thread, unsigned threads);

/* True if the loop ended because there is no mount any more. */
bool session_mount_gone(const struct session *s);
void session_close(struct session *s);

#endif
