/* SPDX-License-Identifier: MPL-2.0 */
/* ref_grub -- reads a menu.lst as illumos' GRUB 0.97 does and runs its entries; written from its rules for the tests,
 * not from our renderer.  Commands our menus do not use are errors, even where GRUB would pass over them. */
#ifndef PXEFS_TESTS_REF_GRUB_H
#define PXEFS_TESTS_REF_GRUB_H

#include <stdbool.h>

#include "base/buf.h"
#include "ref_boot.h"

#define REF_GRUB_ENTRIES  64
#define REF_GRUB_COMMANDS 40

struct ref_grub_entry {
        char *title;                       /* owned */
        char *commands[REF_GRUB_COMMANDS]; /* owned */
        size_t n_commands;
};

struct ref_grub {
        struct ref_grub_entry entries[REF_GRUB_ENTRIES];
        size_t n_entries;
        int default_entry, timeout_sec; /* timeout -1: waits */
        char variable[16], value[220];  /* the one there is */
        struct buf errors;
};

void ref_grub_read(struct ref_grub *x, const char *text, size_t len);
void ref_grub_fini(struct ref_grub *x);

/* What entry @i does. */
void ref_grub_boot(struct ref_grub *x, size_t i, struct ref_boot *ret);

#endif
