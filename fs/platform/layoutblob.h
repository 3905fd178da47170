/* SPDX-License-Identifier: MPL-2.0 */
/* layoutblob -- a layout as one run of bytes, for catalog.db. */
#ifndef PXEFS_PLATFORM_LAYOUTBLOB_H
#define PXEFS_PLATFORM_LAYOUTBLOB_H

#include "base/buf.h"
#include "platform/layout.h"

/* Adds @l to @b.  Failure shows in buf_error(b). */
void layout_pack(const struct layout *l, struct buf *b);

/* The layout packed in the @len bytes at @p (any alignment).  Everything is checked, so that no byte of a
 * damaged catalog is trusted: indexes, order, extents inside @raw_bytes.  Returns 0, -EBADMSG or -ENOMEM. */
int layout_unpack(const void *p, size_t len, uint64_t raw_bytes, struct layout **ret);

#endif
