/* SPDX-License-Identifier: MPL-2.0 */
/* trouble -- why the inventory cannot be read, and the command that mends it. */
#ifndef PXEFS_INVENTORY_STORE_TROUBLE_H
#define PXEFS_INVENTORY_STORE_TROUBLE_H

#include "base/err.h"

/* Says what stands in the way of reading the database at @path, after SQLite (or, with @sqlite_says "",
 * stat) has failed with the result code @rc.  Looks at the file, its sidecars and the directories above it
 * as the calling process may.  Returns the negative errno. */
int trouble_explain(const char *path, int rc, const char *sqlite_says, struct err *err);

#endif
