/* SPDX-License-Identifier: MPL-2.0 */
/* scratch -- a place for decoded archives that pxectl looks at once: check and verify. */
#ifndef PXEFS_TOOLS_SCRATCH_H
#define PXEFS_TOOLS_SCRATCH_H

#include <limits.h>

#include "build/catalog.h"
#include "build/filedigest.h"
#include "build/indexer.h"

struct scratch {
        char path[PATH_MAX];
        int dirfd; /* owned */
};

/* Makes a directory of mode 0700 in $TMPDIR or /var/tmp.  CTL_OK, or what ctl_fail said. */
int scratch_make(struct scratch *ret);

/* Reads the archive @fd whole, as the daemon does; see indexer_read.  Its spool file, if it has one, has no name any
 * more when this returns, and goes with indexed_fini. */
int scratch_index(const struct scratch *s, int fd, struct indexed *ret, struct err *err);

void scratch_remove(struct scratch *s);

#endif
