/* SPDX-License-Identifier: MPL-2.0 */
/* budget -- how many bytes of boot line a loader holds, and how many an entry needs.  Pure.
 *
 * iPXE copies the kernel's URL and arguments, and each module's URL and arguments, one after the other into
 * one array of fixed size.  Stock iPXE cuts what does not fit without a word: the last modules lose their
 * type=, then their names (seen on a trial boot).  PXELINUX refuses a command that is too long, and GRUB cuts
 * each line of its menu.  So an entry that does not fit must not be booted.
 *
 * What is done to make an entry fit, in this order: the hashes of the machine's own boot modules move into the modules'
 * own words, all of them; they are left out; boot_archive.hash is left out, with the others as words if there is room then,
 * else without (the machine boots the same, unchecked).  Nothing else is optional: without its other modules or a property
 * it would be another machine.
 */
#ifndef PXEFS_RENDER_BOOT_BUDGET_H
#define PXEFS_RENDER_BOOT_BUDGET_H

#include <stddef.h>

#include "inventory/plan/plan.h"

/* Length assumed for an IPv4 address that only the client knows: "255.255.255.255". */
#define BUDGET_SERVER_BYTES 15

/* Who reads the text.  One encoder serves them all (bootargs.h, offer.h); what differs is here and in
 * dialect_refuse_value. */
enum dialect {
        DIALECT_IPXE,
        DIALECT_PXELINUX,   /* and mboot.c32 */
        DIALECT_GRUB,       /* GRUB 0.97 as pxegrub: kernel, module */
        DIALECT_GRUB_DOLLAR /* illumos' and Triton's: kernel$, module$, which expand variables */
};

enum budget_count {
        BUDGET_SUM,     /* all lines in one array, each with its NUL: iPXE */
        BUDGET_COMMAND, /* one command with everything in it: PXELINUX */
        BUDGET_LINE     /* each line by itself: GRUB */
};

struct budget_limits {
        const char *loader; /* for a person */
        size_t bytes;       /* see count */
        unsigned modules;
        enum budget_count count;
};

/* @loader matters to DIALECT_IPXE only. */
const struct budget_limits *budget_limits(enum dialect dialect, enum loader_kind loader);

/* Why @value cannot be carried by this loader, though each other rule (token.h) lets it pass; NULL if it can. */
const char *dialect_refuse_value(enum dialect dialect, const char *value);

/* What one line takes: URL, and if there are arguments a blank and the arguments, and the NUL. */
size_t budget_line(size_t url_bytes, size_t args_bytes);

#endif
