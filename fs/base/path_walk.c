/* SPDX-License-Identifier: MPL-2.0 */
/* path_walk -- see path_walk.h.
 *
 * What of this asks a filesystem, and which (Linux 6.1 to 6.18, fs/namei.c, fs/open.c, fs/fuse/dir.c; tried with a FUSE
 * mount whose daemon was stopped):
 *   openat(fd, name, O_PATH | O_NOFOLLOW)   the one of @fd, for the name.  If something is mounted there, the result is the
 *             root of that, which is not asked: it has no name to be looked up by, and O_PATH asks for no permission
 *   statx(fd, AT_EMPTY_PATH | AT_STATX_DONT_SYNC)   nobody: fuse_update_get_attr() takes what it has; the device number is
 *             the mounted filesystem's (generic_fillattr), for a bind mount that of what is bound
 *   openat(fd, "..")   nobody: it is the parent dentry, or the mount point's
 * O_DIRECTORY has an autofs mount what belongs there, which is wanted of each component but the last; the last is opened
 * once more for reading, and that does it too.
 *
 * Limits: 40 links, as the kernel has; MAX_PATH_BYTES of what is still to be walked.  Locks: none.
 */
#include "base/path_walk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"

#define MAX_LINKS      40
#define MAX_PATH_BYTES 8192

struct step {
        int at;       /* owned; where the walk is */
        uint64_t dev; /* of @at */
        char *rest;   /* owned; what is still to be walked from there */
        unsigned links;
};

static int dev_of(int fd, const char *name, int flags, uint64_t *ret_dev, mode_t *ret_type)
{
        struct statx sx;

        if (statx(fd, name, flags | AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_TYPE, &sx) < 0)
                return -errno;
        *ret_dev = makedev(sx.stx_dev_major, sx.stx_dev_minor);
        if (ret_type)
                *ret_type = sx.stx_mode & S_IFMT;
        return 0;
}

int path_walk_dev(int fd, uint64_t *ret_dev, mode_t *ret_type)
{
        return dev_of(fd, "", AT_EMPTY_PATH, ret_dev, ret_type);
}

int path_walk_dev_at(int dirfd, const char *name, uint64_t *ret_dev, mode_t *ret_type)
{
        return dev_of(dirfd, name, AT_SYMLINK_NOFOLLOW, ret_dev, ret_type);
}

static int asks(const struct path_walk *w, uint64_t dev, int fd)
{
        return w->asks ? w->asks(w->ctx, dev, fd) : 0;
}

/* Goes to @fd, which it owns then. */
static int go_to(const struct path_walk *w, struct step *s, int fd)
{
        uint64_t dev;
        int r = path_walk_dev(fd, &dev, NULL);

        if (r == 0 && w->own_dev && dev == w->own_dev)
                r = -EDEADLK;
        if (r < 0) {
                close(fd);
                return r;
        }
        if (s->at >= 0)
                close(s->at);
        s->at = fd;
        s->dev = dev;
        return 0;
}

static int start(const struct path_walk *w, struct step *s, int dirfd, const char *path)
{
        int fd = path[0] == '/' ? open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)
                                : fcntl(dirfd, F_DUPFD_CLOEXEC, 0);

        return fd < 0 ? -errno : go_to(w, s, fd);
}

/* Cuts the next component off; the last one is "." if the path ends in a slash. */
static char *next_component(struct step *s, char *ret_component, bool *ret_last)
{
        char *p = s->rest + strspn(s->rest, "/"), *end;
        size_t n = strcspn(p, "/");

        end = p + n + strspn(p + n, "/");
        *ret_last = *end == '\0';
        if (n == 0) {
                ret_component[0] = '.';
                n = 1;
        } else if (n <= NAME_MAX) {
                memcpy(ret_component, p, n);
        }
        ret_component[n <= NAME_MAX ? n : 0] = '\0';
        return end;
}

/* Nobody but root can have made it. */
static bool is_trusted(const struct step *s, int link_fd)
{
        struct stat link, dir;

        if (fstat(link_fd, &link) < 0 || fstat(s->at, &dir) < 0)
                return false;
        return link.st_uid == 0 || (dir.st_uid == 0 && !(dir.st_mode & (S_IWGRP | S_IWOTH)));
}

/* Puts the text of the link @fd before @rest; an absolute one goes on from the root. */
static int follow(const struct path_walk *w, struct step *s, int fd, const char *rest)
{
        char text[PATH_MAX], *now;
        ssize_t n = readlinkat(fd, "", text, sizeof text - 1);
        int r = 0;

        if (n >= 0 && w->trusted_links_only && !is_trusted(s, fd))
                return -EPERM;
        if (n < 0)
                return -errno;
        if (n == 0)
                return -ENOENT;
        text[n] = '\0';
        if (++s->links > MAX_LINKS)
                return -ELOOP;
        if ((size_t)n + strlen(rest) + 2 > MAX_PATH_BYTES)
                return -ENAMETOOLONG;
        if (asprintf(&now, "%s%s%s", text, rest[0] ? "/" : "", rest) < 0)
                return -ENOMEM;
        free(s->rest);
        s->rest = now;
        if (text[0] == '/')
                r = start(w, s, -1, "/");
        return r;
}

static int open_path(const struct step *s, const char *name, bool last)
{
        int fd = openat(s->at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC | (last ? 0 : O_DIRECTORY));

        if (fd < 0 && !last && (errno == ENOTDIR || errno == ELOOP)) /* a link, perhaps */
                fd = openat(s->at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

static int finish(const struct path_walk *w, const struct step *s, const char *name, int path_fd,
        uint64_t dev, int flags, int *ret_fd, struct stat *ret_st)
{
        AUTO_CLOSE int fd = -1;
        int r = asks(w, dev, path_fd);

        if (r < 0)
                return r;
        if (flags == PATH_WALK_STAT)
                return fstat(path_fd, ret_st) < 0 ? -errno : 0;
        fd = openat(s->at, name, flags | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || fstat(fd, ret_st) < 0)
                return -errno;
        *ret_fd = take_fd(&fd);
        return 0;
}

/* One component.  1: there are more. */
static int take_step(const struct path_walk *w, struct step *s, int flags, int *ret_fd, struct stat *ret_st)
{
        char name[NAME_MAX + 1];
        bool last;
        char *rest = next_component(s, name, &last);
        AUTO_CLOSE int fd = -1;
        uint64_t dev;
        mode_t type;
        int r;

        if (!name[0])
                return -ENAMETOOLONG;
        r = asks(w, s->dev, s->at);
        if (r < 0)
                return r;
        fd = open_path(s, name, last);
        if (fd < 0)
                return fd;
        r = path_walk_dev(fd, &dev, &type);
        if (r < 0)
                return r;
        if (w->own_dev && dev == w->own_dev)
                return -EDEADLK;
        if (type == S_IFLNK) {
                r = follow(w, s, fd, rest);
                return r < 0 ? r : 1;
        }
        if (last)
                return finish(w, s, name, fd, dev, flags, ret_fd, ret_st);
        memmove(s->rest, rest, strlen(rest) + 1);
        r = go_to(w, s, take_fd(&fd));
        return r < 0 ? r : 1;
}

int path_walk(
        const struct path_walk *w, int dirfd, const char *path, int flags, int *ret_fd, struct stat *ret_st)
{
        struct step s = { .at = -1, .rest = strdup(path) };
        int r = s.rest ? start(w, &s, dirfd, path) : -ENOMEM;

        do {
                if (r >= 0)
                        r = take_step(w, &s, flags, ret_fd, ret_st);
        } while (r == 1);
        if (r == 0 && w->linked_files_only && s.links > 0 && !S_ISREG(ret_st->st_mode)) {
                r = -EISDIR;
                if (flags != PATH_WALK_STAT)
                        close(*ret_fd);
        }
        if (s.at >= 0)
                close(s.at);
        free(s.rest);
        return r;
}
