/* SPDX-License-Identifier: MPL-2.0 */
/* mounted -- a pxefs mount from outside, which may be dead or hang. */
#ifndef PXEFS_TOOLS_MOUNTED_H
#define PXEFS_TOOLS_MOUNTED_H

#include "base/buf.h"

#define MOUNTED_LIMIT_MS 5000

/* The path's real name, without a look at the last component, which may be a dead mount.  The caller frees it; NULL if
 * there is none. */
char *mounted_name(const char *path);

/* Finds the pxefs at @path, or, with NULL, the only one.  Returns how many there are; *ret, which the caller frees, is
 * one of them. */
unsigned mounted_find(const char *path, char **ret);

/* Adds what stands in the file @path to @ret.  0; -ETIMEDOUT if that takes longer than MOUNTED_LIMIT_MS; or a negative
 * errno. */
int mounted_read(const char *path, struct buf *ret);

#endif
