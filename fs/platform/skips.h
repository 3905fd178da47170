/* SPDX-License-Identifier: MPL-2.0 */
/* skips -- the members left out of a build: how many, and the first few by name. */
#ifndef PXEFS_PLATFORM_SKIPS_H
#define PXEFS_PLATFORM_SKIPS_H

#include <stdint.h>

#include "base/buf.h"

#define SKIPS_NAMED 3 /* more are only counted: a hostile archive may bring a million */

struct skips {
        uint32_t n;
        struct buf why; /* "a/b: a device; c: ..." */
};

/* Notes that @name was left out; control characters in it become '?', a long one is cut. */
void skips_add(struct skips *s, const char *name, const char *why);

#endif
