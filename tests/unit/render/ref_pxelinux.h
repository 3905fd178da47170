/* SPDX-License-Identifier: MPL-2.0 */
/* ref_pxelinux -- reads a configuration as PXELINUX 6.04 does and starts mboot.c32 as it would; written from its
 * rules for the tests, not from our renderer.
 *
 * Knows the directives our configurations may use and no other: anything else is an error of the configuration, even
 * where PXELINUX would pass over it.
 */
#ifndef PXEFS_TESTS_REF_PXELINUX_H
#define PXEFS_TESTS_REF_PXELINUX_H

#include <stdbool.h>

#include "base/buf.h"
#include "ref_boot.h"

#define REF_PXELINUX_LABELS 64

struct ref_pxelinux_label {
        char *name, *kernel, *append; /* owned */
        bool local;                   /* localboot instead of kernel */
};

struct ref_pxelinux {
        struct ref_pxelinux_label labels[REF_PXELINUX_LABELS];
        size_t n_labels;
        char *default_label; /* owned */
        int prompt, timeout_decisec;
        struct buf screen; /* say */
        struct buf errors; /* what is wrong with the configuration, a line each */
};

void ref_pxelinux_read(struct ref_pxelinux *x, const char *text, size_t len);
void ref_pxelinux_fini(struct ref_pxelinux *x);

/* What happens when @label is typed, or, with NULL, when nobody types anything. */
void ref_pxelinux_boot(struct ref_pxelinux *x, const char *label, struct ref_boot *ret);

#endif
