/* SPDX-License-Identifier: MPL-2.0 */
/* ops -- the FUSE callbacks; the only user of fuse_req_t.
 *
 * Each decodes the node id, asks the place, and answers exactly once, in the thread it was called in.
 */
#ifndef PXEFS_MOUNT_OPS_H
#define PXEFS_MOUNT_OPS_H

#include <fuse_lowlevel.h>
#include <stdbool.h>

#include "namespace/place.h"
#include "namespace/requests.h"

struct session;

/* What libfuse hands to every callback. */
struct ops {
        const struct places *places; /* borrowed; set before the first request but INIT */
        struct requests *requests;   /* borrowed; counts what is asked; NULL: nobody does */
        void (*on_init)(void *ctx);  /* called once, when the kernel's INIT is being answered; may be NULL */
        void *on_init_ctx;
        unsigned request_pages;  /* of one read at most; 0: as many as libfuse allows */
        struct session *session; /* set by session_open */
};

extern const struct fuse_lowlevel_ops ops_table;

#endif
