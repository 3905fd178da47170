/* SPDX-License-Identifier: MPL-2.0 */
/* variant -- other ways to boot the host's own build: serial consoles, the kernel debugger, rescue. */
#ifndef PXEFS_RENDER_BOOT_VARIANT_H
#define PXEFS_RENDER_BOOT_VARIANT_H

#include "render/boot/bootargs.h"

#define N_VARIANTS          5
#define VARIANT_MAX_CHANGES 3

struct variant {
        const char *label, *key, *text; /* of the menu's item */
        struct bootargs_change changes[VARIANT_MAX_CHANGES];
        size_t n_changes; /* see variant_changes */
        bool bare;        /* without the machine's boot modules: one of them may be what must be rescued */
        const char *property, *value; /* left out where the host has this already */
};

extern const struct variant variants[N_VARIANTS];

/* Whether the variant differs from what the host does anyway. */
bool variant_is_wanted(const struct plan *p, const struct variant *v);

/* The changes that hold for this plan: fills @ret and returns their number. */
size_t variant_changes(
        const struct plan *p, const struct variant *v, struct bootargs_change ret[VARIANT_MAX_CHANGES]);

#endif
