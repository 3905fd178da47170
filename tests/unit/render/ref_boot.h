/* SPDX-License-Identifier: MPL-2.0 */
/* ref_boot -- what a kernel is started with: the multiboot command line and module strings. */
#ifndef PXEFS_TESTS_REF_BOOT_H
#define PXEFS_TESTS_REF_BOOT_H

#include <stddef.h>

#define REF_BOOT_MODULES 40

enum ref_boot_how {
        REF_BOOT_FAILS,  /* the loader refuses, or shows something and waits */
        REF_BOOT_KERNEL, /* see the lines */
        REF_BOOT_LOCAL,  /* the local disk */
        REF_BOOT_AGAIN   /* asks for its configuration again */
};

struct ref_boot {
        enum ref_boot_how how;
        char *kernel_line;                    /* owned */
        char *module_lines[REF_BOOT_MODULES]; /* owned */
        size_t n_modules;
};

void ref_boot_fini(struct ref_boot *b);

#endif
