/* SPDX-License-Identifier: MPL-2.0 */
/* path_opener -- opens names that may lead anywhere: not into the mount that we serve, and not for longer than asked for.
 *
 * path_walk.h keeps out of our own mount, bounded_call.h lets nobody wait for a filesystem that does not answer.
 *
 * Threads: all functions from any thread; opened in the process that serves, after any fork.
 */
#ifndef PXEFS_BASE_PATH_OPENER_H
#define PXEFS_BASE_PATH_OPENER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/path_walk.h"

struct path_opener;

/* @own_dev: as in path_walk.h.  NULL if memory is short. */
struct path_opener *path_opener_new(uint64_t own_dev);
void path_opener_free(struct path_opener *o); /* NULL is fine */

/* True if @dev is the filesystem that we serve. */
bool path_opener_is_own(const struct path_opener *o, uint64_t dev);

/* path_walk, within @timeout_ms: the same, or -ETIMEDOUT (no answer in time), or -EAGAIN (no thread for it).  What is
 * relative to @dirfd is a name of a directory that somebody may write to: a link there leads to a regular file, or it is
 * -EISDIR.
 *
 * Without an opener (NULL), or if @timeout_ms is negative, no thread is used, and it takes as long as it takes. */
int path_opener_open(struct path_opener *o, int dirfd, const char *path, int flags, int timeout_ms,
        int *ret_fd, struct stat *ret_st);

/* What is the matter, and the way out, for what these functions return: strerror(3) with better words for two of them. */
const char *path_opener_strerror(int r);

/* Opens a file for reading, reads up to @len bytes at @off, and then says what it is.
 *
 * ret_data  receives what was read; the caller frees it
 *
 * Returns how many bytes there were (fewer only at the end of the file), or as path_opener_open. */
ssize_t path_opener_read(struct path_opener *o, int dirfd, const char *path, size_t len, uint64_t off,
        int timeout_ms, char **ret_data, struct stat *ret_st);

/* As path_opener_open with PATH_WALK_STAT, of an absolute path; -EACCES if the effective user may not do @mode (R_OK, ...)
 * with it, as access(2) says, which knows nothing of the sandbox. */
int path_opener_access(
        struct path_opener *o, const char *path, int mode, int timeout_ms, struct stat *ret_st);

/* Where the absolute @path leads to, without links, as realpath(3).
 *
 * trusted   -EPERM if somebody other than root may have made one of the links on the way
 * ret_path  the caller frees it */
int path_opener_resolve(struct path_opener *o, const char *path, bool trusted, int timeout_ms,
        char **ret_path, struct stat *ret_st);

/* What stands in a directory. */
struct path_name {
        char *name; /* owned */
        mode_t type; /* S_IFREG, S_IFDIR: of the directory's own filesystem; S_IFLNK; 0: something is mounted there */
        bool own;      /* it is in our own mount: somebody mounted that there */
        bool readable; /* as access(2) says, which knows nothing of the sandbox; of S_IFREG and S_IFDIR */
};

struct path_names {
        struct path_name *v;
        size_t n;
};

/* Lists the directory @path, without names that begin with a dot or are of other types.  As
 * path_opener_open. */
int path_opener_list(
        struct path_opener *o, int dirfd, const char *path, int timeout_ms, struct path_names *ret);
void path_names_fini(struct path_names *l);

#endif
