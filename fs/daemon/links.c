/* SPDX-License-Identifier: MPL-2.0 */
/* links -- see links.h.
 *
 * The worker's sandbox is made of directories, so a link in one of them to a file elsewhere would be a name that cannot
 * be opened.  Debian's /usr/lib/ipxe/ipxe.efi is such a link, into /boot; so is a builds directory made of links into an
 * archive store.  What such a link leads to when pxefs starts may be read: the directory rather than the file, so that an
 * upgrade that replaces the file does not take it away.  A link made later to another place is refused with the way out,
 * -o links_to=.
 *
 * Whoever may upload builds is not who decides what the worker may read: only links are followed that root made, or that stand
 * where root alone can write, and so for each link on the way (base/path_walk.h).
 *
 * A link into the mount itself is not ours to refuse: it is not followed while serving, and told then (base/path_opener.h).
 *
 * Limits: 64 places in all (more: said in the log); plain files are looked at 4 directories deep; 16384 names; a second for
 * a link that leads to where nobody answers.
 * Locks: none; one thread.
 */
#include "daemon/links.h"

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
#include "base/path_opener.h"
#include "takeover/mountpoint.h"

#define MAX_PLACES 64
#define MAX_DEPTH  4
#define MAX_NAMES  16384
#define ANSWER_MS  1000

struct search {
        struct options *o;
        const char *builds_dir, *mountpoint;
        struct path_opener *opener; /* owned */
        unsigned names;             /* looked at */
        bool full;                  /* and said so */
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

/* The file's directory; of a file in / the file itself. */
static void cut_name(char *path)
{
        char *slash = strrchr(path, '/');

        if (slash != path)
                *slash = '\0';
}

/* Somebody else's link: where it would lead is not said by it, but by who follows it. */
static void tell_untrusted(const struct search *s, const char *link)
{
        AUTO_FREE char *path = NULL;
        struct stat st;

        if (path_opener_resolve(s->opener, link, false, ANSWER_MS, &path, &st) < 0 || !S_ISREG(st.st_mode) ||
                reached(s, path))
                return;
        cut_name(path);
        log_warn("%s leads out of its directory, and others than root may have made it: what is in %s is not "
                 "read; if it "
                 "may be, -o links_to=%s",
                link, path, path);
}

static int add_target(struct search *s, const char *link)
{
        AUTO_FREE char *path = NULL;
        struct stat st;
        int r = path_opener_resolve(s->opener, link, true, ANSWER_MS, &path, &st);

        if (r == -EPERM)
                tell_untrusted(s, link);
        if (r < 0 || !S_ISREG(st.st_mode) || reached(s, path))
                return r == -ENOMEM
                               ? r
                               : 0; /* leads nowhere, to what is not shown, or to what may be read anyway */
        if (s->o->n_links_to >= MAX_PLACES) {
                if (!s->full)
                        log_warn("links lead to more than %d directories; %s is not followed", MAX_PLACES,
                                link);
                s->full = true;
                return 0;
        }
        cut_name(path);
        log_info("%s is a link out of its directory: what is in %s may be read too", link, path);
        return options_add_link_place(s->o, path);
}

static int look_in(struct search *s, const char *dir, unsigned depth)
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
                if (S_ISLNK(st.st_mode))
                        r = add_target(s, path.data);
                else if (S_ISDIR(st.st_mode) && depth > 1)
                        r = look_in(s, path.data, depth - 1);
        }
        return r;
}

int links_find(struct options *o, const char *builds_dir, const char *mountpoint, struct err *err)
{
        struct search s = {
                .o = o, .builds_dir = builds_dir, .mountpoint = mountpoint, .opener = path_opener_new(0)
        };
        int r = s.opener ? look_in(&s, builds_dir, 1) : -ENOMEM;

        for (size_t i = 0; r == 0 && i < o->n_static_dirs; i++)
                r = look_in(&s, o->static_dirs[i], MAX_DEPTH);
        path_opener_free(s.opener); /* before a daemon is forked: threads stay behind */
        return r < 0 ? err_set(err, r, "out of memory") : 0;
}
