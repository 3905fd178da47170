/* SPDX-License-Identifier: MPL-2.0 */
/* put -- several strings in one call: PUT(out, "item ", label, "\n").  Cheaper than buf_printf, which formats
 * twice, and a menu is mostly such lines. */
#ifndef PXEFS_BASE_PUT_H
#define PXEFS_BASE_PUT_H

#include "base/buf.h"

static inline void put_strings(struct buf *out, size_t n, const char *const *v)
{
        for (size_t i = 0; i < n; i++)
                buf_puts(out, v[i]);
}

#define PUT(out, ...)                                                                                        \
        put_strings((out), sizeof((const char *const[]) { __VA_ARGS__ }) / sizeof(const char *),             \
                (const char *const[]) { __VA_ARGS__ })

#endif
