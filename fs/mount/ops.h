/* SPDX-License-Identifier: MPL-2.0 */
/* ops -- the FUSE callbacks; the only user of fuse_req_t.
 *
 * Each decodes the node id, asks the place, and answers exactly once.
 */
#ifndef PXEFS_MOUNT_OPS_H
#define PXEFS_MOUNT_OPS_H

#include <stdbool.h>

#include "tree/place.h"
#include "tree/requests.h"

struct ops {
        const struct places *places; /* borrowed */
        struct requests *requests;   /* borrowed; counts what is asked; NULL: nobody does */
        void (*on_init)(void *ctx);  /* called once, when the kernel's INIT is being answered; may be NULL */
        void *on_init_ctx;
};

struct ops_session;

/* Makes a libfuse session that serves @ops on the descriptor @fd of a mounted /dev/fuse.
 *
 * ops    borrowed; must outlive the session
 * fd     owned by the session on success
 * debug  libfuse prints every request to stderr
 *
 * Returns 0 or -EINVAL/-ENOMEM (libfuse says no more).
 */
int ops_session_open(const struct ops *ops, int fd, bool debug, struct ops_session **ret);

/* Serves until the mount is gone or SIGTERM, SIGINT or SIGHUP arrives.  Returns 0, or a negative errno. */
int ops_session_loop(struct ops_session *s, bool single_thread);
void ops_session_close(struct ops_session *s);

#endif
