/* SPDX-License-Identifier: MPL-2.0 */
/* buildname -- which build this is, from what stands inside the archive. */
#ifndef PXEFS_PLATFORM_BUILDNAME_H
#define PXEFS_PLATFORM_BUILDNAME_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define STAMP_LEN     16  /* "20241010T000000Z" */
#define BUILDNAME_MAX 128 /* with NUL */

struct buildname {
        char text[BUILDNAME_MAX]; /* "<stamp>" or "<branch>-<stamp>" */
        bool release;
};

/* True if @s (@len bytes) is a date and time that can exist, written YYYYMMDDThhmmssZ. */
bool stamp_is_valid(const char *s, size_t len);

/* The stamp at the end of a build's name. */
const char *buildname_stamp(const char *name);

/* @top      the archive's top directory
 * @version  the first line of etc/version/platform, or NULL
 *
 * Returns 0, or -EBADMSG with the reason: neither says a stamp, or they say two. */
int buildname_make(const char *top, const char *version, struct buildname *ret, struct err *err);

#endif
