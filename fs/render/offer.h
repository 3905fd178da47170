/* SPDX-License-Identifier: MPL-2.0 */
/* offer -- what one machine can be offered: a plan and the builds there are, checked.
 *
 * Rows become data here that may be printed: the base of URLs, the host's build, the boot words of each entry
 * with their cost, and everything that was refused.  ipxe.c prints it for a loader, why.c for a person, so
 * that the two cannot disagree.  Pure; borrows the plan and the builds.
 */
#ifndef PXEFS_RENDER_OFFER_H
#define PXEFS_RENDER_OFFER_H

#include <stdbool.h>

#include "base/buf.h"
#include "build/buildlist.h"
#include "inventory/plan.h"
#include "render/bootargs.h"
#include "render/budget.h"

#define OFFER_MAX_OTHERS     30     /* other builds in the menu; the rest is counted */
#define OFFER_MAX_TIMEOUT_MS 999000 /* iPXE src/hci/tui/menu_ui.c has room for three digits of seconds */

struct offer {
        const struct plan *plan;
        const struct build_list *builds;
        const struct budget_limits *limits;
        const char *wanted; /* name of the build that the plan asks for, or NULL: no release build yet */
        const struct build_info *build;                    /* that build; NULL if it is not there */
        const struct build_info *others[OFFER_MAX_OTHERS]; /* the rest, newest first, each name once */
        size_t n_others;
        size_t n_left_out; /* good builds beyond those */
        bool known_mac;    /* plan->mac may be printed */
        struct buf base;   /* what stands before "/smartos/..." in URLs: "../.." or the base URL */
        size_t base_bytes; /* its length when the client has resolved it */
        unsigned timeout_ms;
        struct refusals refused; /* everything that was left out */
};

/* One way to boot one build. */
struct offer_entry {
        struct buf args;   /* words after the kernel's URL; may be empty */
        bool hash;         /* boot_archive.hash goes with it */
        bool hash_dropped; /* the build has a hash, but it did not fit */
        size_t used_bytes; /* what it costs, with the hash if @hash */
        size_t hash_bytes; /* what the hash's line costs or would cost */
        unsigned n_modules;
        const char *cannot; /* NULL, or why nothing may be booted */
};

/* Fills *@o; offer_fini in any case.  Returns 0 or -ENOMEM. */
int offer_init(struct offer *o, const struct plan *p, const struct build_list *builds, const char *latest);
void offer_fini(struct offer *o);
#define AUTO_OFFER AUTO_CLEAN(offer_fini)

/* Makes the boot words of an entry: the host's own with @changes.  Returns 0 or -ENOMEM. */
int offer_entry_init(const struct offer *o, const struct bootargs_change *changes, size_t n_changes,
        struct offer_entry *e);
void offer_entry_fini(struct offer_entry *e);
#define OFFER_ENTRY_INIT                                                                                     \
        {                                                                                                    \
                .args = BUF_INIT                                                                             \
        }
#define AUTO_OFFER_ENTRY AUTO_CLEAN(offer_entry_fini)

/* Computes the rest of @e for build @b.  The hash is dropped first; if it is still too long, e->cannot says
 * so. */
void offer_entry_fit(const struct offer *o, const struct build_info *b, struct offer_entry *e);

/* The base of URLs for a base_url of the inventory.  Adds the text to @out and returns its resolved length; 0
 * if it is NULL or, with *@ret_why set, refused. */
size_t offer_put_base(const char *base_url, struct buf *out, const char **ret_why);

#endif
