/* SPDX-License-Identifier: MPL-2.0 */
/* probe -- tries what a process taken over by a hostile archive would try.  Mount option test_probe. */
#ifndef PXEFS_PROBE_H
#define PXEFS_PROBE_H

#include <sys/types.h>

#include "base/buf.h"

struct probe_options {
        const char *builds_dir, *cache_dir; /* borrowed, as all */
        const char *static_dir;             /* NULL: none */
        const char *inventory;              /* NULL: none */
        const char *outside; /* a directory anybody may read and write, with a file "file" in it */
        pid_t keeper;
};

/* Before the sandbox is closed: makes what the worker might have got from the keeper. */
void probe_prepare(void);

/* Tries each in turn and adds a line: "NAME done", or "NAME EACCES".  What could be done is taken back.  Leaves no child. */
void probe(const struct probe_options *opts, struct buf *out);

#endif
