/* SPDX-License-Identifier: MPL-2.0 */
/* scratch -- a place for decoded archives that pxectl looks at once: check and verify. */
#ifndef PXEFS_TOOLS_SCRATCH_H
#define PXEFS_TOOLS_SCRATCH_H

#include <limits.h>

#include "catalog/catalog.h"
#include "platform/filedigest.h"
#include "platform/indexer.h"

struct readers;

struct scratch {
        char path[PATH_MAX];
        int dirfd;               /* owned */
        struct readers *readers; /* owned */
};

/* Makes a directory of mode 0700 in $TMPDIR or /var/tmp, and has processes that read archives.  CTL_OK, or what ctl_fail
 * said. */
int scratch_make(struct scratch *ret);

/* Reads the archive @path, which is open as @fd, whole, as the daemon does: by a process of its own, with the daemon's limits;
 * see readers_read.  @ret has no source unless it was decoded to the disk; that file has no name any more when this returns,
 * and goes with indexed_fini. */
int scratch_index(const struct scratch *s, const char *path, int fd, struct indexed *ret, struct err *err);

void scratch_remove(struct scratch *s);

#endif
