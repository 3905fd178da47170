/* SPDX-License-Identifier: MPL-2.0 */
/* links -- see links.h.
 *
 * The worker's sandbox is made of directories, so a link in one of them to a file elsewhere would be a name that cannot
 * be opened.  Debian's /usr/lib/ipxe/ipxe.efi is such a link, into /boot; so is a builds directory made of links into an
 * archive store.  What such a link leads to when pxefs starts may be read: the directory rather than the file, so that an
 * upgrade that replaces the file does not take it away.  Who writes such a link is the operator; the worker cannot write
 * there.  A link made later to another place is refused with the way out, -o links_to=.
 *
 * Limits: 64 places in all (more: said in the log); plain files are looked at 4 directories deep; 16384 names.
 * Locks: none; one thread.
 */
#include "links.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "mount/mountpoint.h"

#define MAX_PLACES 64
#define MAX_DEPTH  4
#define MAX_NAMES  16384

struct search {
        struct options *o;
        const char *builds_dir, *mountpoint;
        unsigned names; /* looked at */
        bool full;      /* and said so */
};

static bool reached(const struct search *s, const char *path)
{
        bool r = path_is_below(path, s->builds_dir) || path_is_below(path, s->mountpoint);

        for (size_t i = 0; !r && i < s->o->n_static_dirs; i++)
                r = path_is_below(path, s->o->static_dirs[i]);
        for (size_t i = 0; !r && i < s->o->n_links_to; i++)
                r = path_is_below(path, s->o->links_to[i]);
        return r;
}

/* Following such a link while serving would wait for ourselves, and nobody could end that (seen: `ls` of the mount). */
static int refuse_ourselves(const struct search *s, const char *link, const char *dir, struct err *err)
{
        char to[PATH_MAX];
        AUTO_BUF struct buf path = BUF_INIT;
        AUTO_FREE char *parent = NULL;
        ssize_t n = readlink(link, to, sizeof to - 1);
        char *slash;

        if (n < 0)
                return 0;
        to[n] = '\0';
        buf_printf(&path, "%s%s%s", to[0] == '/' ? "" : dir, to[0] == '/' ? "" : "/", to);
        slash = buf_error(&path) < 0 ? NULL : strrchr(path.data, '/');
        if (!slash)
                return -ENOMEM;
        if (!path_is_below(path.data, s->mountpoint)) {
                *slash = '\0';
                parent = realpath(path.len && path.data[0] ? path.data : "/", NULL);
                if (!parent || !path_is_below(parent, s->mountpoint))
                        return 0;
        }
        return err_set(err, -EINVAL,
                "%s is a link into the mount point %s: the mount would wait for itself; remove it", link,
                s->mountpoint);
}

static int add_target(struct search *s, const char *link)
{
        AUTO_FREE char *path = realpath(link, NULL);
        struct stat st;
        char *slash;

        if (!path || stat(path, &st) < 0 || !S_ISREG(st.st_mode) || reached(s, path))
                return 0; /* leads nowhere, to what is not shown, or to what may be read anyway */
        if (s->o->n_links_to >= MAX_PLACES) {
                if (!s->full)
                        log_warn("links lead to more than %d directories; %s is not followed", MAX_PLACES,
                                link);
                s->full = true;
                return 0;
        }
        slash = strrchr(path, '/');
        if (slash != path) /* of a file in / only the file itself */
                *slash = '\0';
        log_info("%s is a link out of its directory: what is in %s may be read too", link, path);
        return options_add_link_place(s->o, path);
}

static int look_in(struct search *s, const char *dir, unsigned depth, struct err *err)
{
        AUTO_CLOSEDIR DIR *d = opendir(dir);
        const struct dirent *de;
        int r = 0;

        while (d && r == 0 && (de = readdir(d)) && s->names++ < MAX_NAMES) {
                AUTO_BUF struct buf path = BUF_INIT;
                struct stat st;

                if (de->d_name[0] == '.' || fstatat(dirfd(d), de->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                        continue;
                buf_printf(&path, "%s/%s", dir, de->d_name);
                if (buf_error(&path) < 0)
                        return -ENOMEM;
                if (S_ISLNK(st.st_mode)) {
                        r = refuse_ourselves(s, path.data, dir, err);
                        if (r == 0)
                                r = add_target(s, path.data);
                } else if (S_ISDIR(st.st_mode) && depth > 1) {
                        r = look_in(s, path.data, depth - 1, err);
                }
        }
        return r;
}

int links_find(struct options *o, const char *builds_dir, const char *mountpoint, struct err *err)
{
        struct search s = { .o = o, .builds_dir = builds_dir, .mountpoint = mountpoint };
        int r = look_in(&s, builds_dir, 1, err);

        for (size_t i = 0; r == 0 && i < o->n_static_dirs; i++)
                r = look_in(&s, o->static_dirs[i], MAX_DEPTH, err);
        return r;
}
