/* SPDX-License-Identifier: MPL-2.0 */
/* budget -- how many bytes of boot line a loader holds, and how many an entry needs.  Pure.
 *
 * iPXE copies the kernel's URL and arguments, and each module's URL and arguments, one after the other into
 * one array of fixed size.  Stock iPXE cuts what does not fit without a word: the last modules lose their
 * type=, then their names (seen on a trial boot).  So an entry that does not fit must not be booted.
 */
#ifndef PXEFS_RENDER_BUDGET_H
#define PXEFS_RENDER_BUDGET_H

#include <stddef.h>

#include "inventory/plan.h"

/* Length assumed for an IPv4 address that only the client knows: "255.255.255.255". */
#define BUDGET_SERVER_BYTES 15

struct budget_limits {
        const char *loader; /* for a person */
        size_t bytes;       /* kernel line and all module lines, with their NULs */
        unsigned modules;
};

const struct budget_limits *budget_limits(enum loader_kind loader);

/* What one line takes: URL, and if there are arguments a blank and the arguments, and the NUL. */
size_t budget_line(size_t url_bytes, size_t args_bytes);

#endif
