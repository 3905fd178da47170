/* SPDX-License-Identifier: MPL-2.0 */
/* landlock -- the file half of the sandbox: which directories a process may still open, and how.
 *
 * The kernel's Landlock (5.13 and later) binds a process, for good, to the trees named here.  What it does not know yet
 * (an older ABI) stays allowed; what is in force is reported.
 */
#ifndef PXEFS_SANDBOX_LANDLOCK_H
#define PXEFS_SANDBOX_LANDLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/* What a place is to the worker.  Each allows what stands before it for directories, too. */
enum landlock_use {
        LANDLOCK_READ,     /* builds, plain files: open and list */
        LANDLOCK_DATABASE, /* an SQLite WAL database's directory: and make, write and remove files */
        LANDLOCK_CACHE,    /* the cache directory: and make directories, rename between them */
        LANDLOCK_DEVICE,   /* /dev/null: read and write this one file */
};

struct landlock_place {
        const char *path; /* a directory and all below it, or one file; borrowed */
        enum landlock_use use;
        /* Set by landlock_enter: what stood at the path when the process was bound to it; false: nothing that could be
         * opened, whatever stood there a moment before or after. */
        bool bound;
        dev_t dev;
        ino_t ino;
};

/* What a kernel of ABI @abi is asked to control: file rights, TCP (bind, connect), and scopes (abstract unix sockets,
 * signals to processes outside).  All 0 for @abi < 1.  Pure. */
struct landlock_handled {
        uint64_t fs, net, scoped;
};
struct landlock_handled landlock_handled(int abi);

/* The file rights @use gives under ABI @abi, to a directory's tree or to a single file.  Pure. */
uint64_t landlock_rights(enum landlock_use use, bool is_dir, int abi);

/* Ties the calling thread, and what it starts, to @places; /proc, /etc and all else cannot be opened then.  A place that
 * cannot be opened now is left out: opening it later fails, and says which.  To be called before threads are started.
 * The process must have no_new_privs.
 *
 * ret_abi  receives the kernel's ABI, 1 or more
 *
 * Returns 0; -ENOSYS or -EOPNOTSUPP if this kernel has it not or not switched on; or another negative errno.  In each case
 * but 0 nothing is restricted, and @err says why.  What was open before stays usable.
 */
int landlock_enter(struct landlock_place *places, size_t n, int *ret_abi, struct err *err);

#endif
