/* SPDX-License-Identifier: MPL-2.0 */
/* copier -- one thread that keeps the copy of the inventory young. */
#ifndef PXEFS_INVENTORY_STORE_COPIER_H
#define PXEFS_INVENTORY_STORE_COPIER_H

#include "base/err.h"
#include "inventory/store/pool.h"

struct copier;

struct copier_options {
        struct pool *live; /* borrowed, as the paths and ctx */
        const char *from, *to;
        unsigned quiet_ms; /* a copy is made when nobody has committed for so long, */
        unsigned every_ms; /* or a commit has waited for so long; and never more often than this */
        /* Called by the thread: after each attempt, @r as of copy_make; and now and then, four times in
         * quiet_ms. */
        void (*made)(void *ctx, int r, const struct err *err);
        void (*tick)(void *ctx);
        void *ctx;
};

/* 0, -ENOMEM, or what pthread_create says. */
int copier_start(const struct copier_options *opts, struct copier **ret, struct err *err);

/* Ends a copy under way, and the thread. */
void copier_stop(struct copier *c);

#endif
