/* SPDX-License-Identifier: MPL-2.0 */
/* path_walk -- opens what a path leads to, step by step, without asking the one filesystem that this process serves.
 *
 * A process that answers for a mount and asks for a name in it waits for itself.  The kernel follows links, bind mounts and
 * `..` on its own, so each step is taken here: a component is opened with O_PATH and O_NOFOLLOW, and the filesystem it is on
 * is known before that filesystem is asked anything.  A link's text is walked in the same way.
 */
#ifndef PXEFS_BASE_PATH_WALK_H
#define PXEFS_BASE_PATH_WALK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

struct path_walk {
        uint64_t own_dev; /* of the filesystem that is not to be asked, as in stat(2); 0: there is none */
        bool trusted_links_only; /* a link that is not root's, in a directory where others may write, is -EPERM */
        bool linked_files_only; /* a link leads to a regular file, or it is -EISDIR */
        /* Called before filesystem @dev is asked; @fd (O_PATH will be all it is) is on it.  Not 0 ends the walk with it.  May be
         * NULL. */
        int (*asks)(void *ctx, uint64_t dev, int fd);
        void *ctx;
};

#define PATH_WALK_STAT (-1) /* in place of open(2)'s flags: nothing is opened */

/* Opens @path, relative to the directory @dirfd if it does not begin with '/'; links are followed, the last one too.
 *
 * flags    of open(2), without those that make or write; O_NOFOLLOW and O_CLOEXEC are added.  Or PATH_WALK_STAT
 * ret_fd   receives the descriptor, the caller closes it; NULL with PATH_WALK_STAT
 * ret_st   receives what fstat(2) says of it
 *
 * Returns 0, -EDEADLK if it leads into @own_dev, what @asks returned, -ELOOP after 40 links, or the negative errno of
 * openat, readlinkat or fstat.  Blocks as long as the filesystems on the way do. */
int path_walk(
        const struct path_walk *w, int dirfd, const char *path, int flags, int *ret_fd, struct stat *ret_st);

/* The filesystem @fd is on (O_PATH will do), without asking it.  0 or a negative errno. */
int path_walk_dev(int fd, uint64_t *ret_dev, mode_t *ret_type);

/* The same of @name in @dirfd, not followed if it is a link.  Asks the filesystem of @dirfd alone. */
int path_walk_dev_at(int dirfd, const char *name, uint64_t *ret_dev, mode_t *ret_type);

#endif
