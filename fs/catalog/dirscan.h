/* SPDX-License-Identifier: MPL-2.0 */
/* dirscan -- the files of a builds directory that may be archives. */
#ifndef PXEFS_CATALOG_DIRSCAN_H
#define PXEFS_CATALOG_DIRSCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "archive/identity.h"
#include "base/err.h"
#include "base/path_opener.h"

struct dirscan_file {
        char *name;         /* owned */
        struct identity id; /* zeros if error is set */
        int error; /* 0, or the negative errno of looking at it: its own trouble, nobody else's.  -EDEADLK: it leads into
                      our own mount; -ETIMEDOUT: what it leads to does not answer; -ENOTSUP: it was not looked at */
        const char *passed_over; /* with -ENOTSUP: why; static */
};

struct dirscan {
        struct dirscan_file *v; /* by name */
        size_t n;
        char **sums; /* owned, sorted: names of sums files for one archive each (sums.h) that stand beside one of these */
        size_t n_sums;
};

/* True if a file of that name is looked at. */
bool dirscan_wants(const char *name);

/* Of a name that is not: what keeps it from being an archive, if somebody may believe that it is one, and the way out; static.
 * NULL: it needs no word. */
const char *dirscan_passed_over(const char *name);

/* Reads the directory @dirfd (borrowed).  Symbolic links are followed: an operator may keep the archives elsewhere.
 *
 * opener      follows them; borrowed; NULL: wherever they lead
 * timeout_ms  for one of them
 *
 * Returns 0, or a negative errno and the reason if the directory cannot be read to its end. */
int dirscan_read(int dirfd, struct path_opener *opener, int timeout_ms, struct dirscan *ret, struct err *err);

/* What dirscan_read says of the one name @name: 0 or a negative errno. */
int dirscan_look(int dirfd, const char *name, struct path_opener *opener, int timeout_ms, struct stat *ret);
void dirscan_fini(struct dirscan *d);

/* For who makes one by hand: a file with what stat(2) said, or the negative errno of it; sorted at the end.  0 or
 * -ENOMEM. */
int dirscan_add(struct dirscan *d, const char *name, const struct stat *st, int error, struct err *err);
void dirscan_sort(struct dirscan *d);

#endif
