/* SPDX-License-Identifier: MPL-2.0 */
/* sniff -- says what a stream is that we do not read, and the way out. */
#ifndef PXEFS_ARCHIVE_SNIFF_H
#define PXEFS_ARCHIVE_SNIFF_H

#include <stdbool.h>
#include <stddef.h>

/* Looks at the first @len bytes of a stream, which was @decoded or is the file itself.  Returns the reason why it cannot
 * be a tar or ISO 9660 archive (static), or NULL if it may be one. */
const char *sniff_refuse(const void *data, size_t len, bool decoded);

#endif
