/* SPDX-License-Identifier: MPL-2.0 */
/* variant -- other ways to boot the host's own build: serial consoles, the kernel debugger, rescue. */
#ifndef PXEFS_RENDER_VARIANT_H
#define PXEFS_RENDER_VARIANT_H

#include "render/bootargs.h"

#define N_VARIANTS          5
#define VARIANT_MAX_CHANGES 3

struct variant {
        const char *label, *key, *text; /* of the menu's item */
        struct bootargs_change changes[VARIANT_MAX_CHANGES];
        size_t n_changes;             /* see variant_n_changes */
        const char *property, *value; /* left out where the host has this already */
};

extern const struct variant variants[N_VARIANTS];

/* Whether the variant differs from what the host does anyway. */
bool variant_is_wanted(const struct plan *p, const struct variant *v);

/* How many of v->changes hold for this plan. */
size_t variant_n_changes(const struct plan *p, const struct variant *v);

#endif
