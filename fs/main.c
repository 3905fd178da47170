/* SPDX-License-Identifier: MPL-2.0 */
/* main -- pxefs: checks the command line, becomes a daemon, and runs the keeper.
 *
 * Exit status: 0 the mount is ready (or, with -f, ended in order), 1 it failed, 2 usage.  A daemon's
 * launcher waits until the mount answers, so that whoever comes next finds it; until then errors go to its
 * stderr.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <locale.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "inventory/copy.h"
#include "links.h"
#include "mount/keeper.h"
#include "mount/mountpoint.h"
#include "options.h"
#include "version.h"
#include "worker.h"

struct daemon {
        struct worker_plan plan;
        char *builds_dir, *cache_dir, *inventory; /* owned; absolute */
        int launcher_fd; /* -1 in the foreground: where to say that the mount is ready */
};

static int find_user(const struct options *o, struct worker_plan *p, struct err *err)
{
        const char *names[] = { o->user ? o->user : "pxefs", o->user ? NULL : "nobody" };
        const struct passwd *pw = NULL;

        for (size_t i = 0; i < 2 && names[i] && !pw; i++) {
                pw = getpwnam(names[i]);
                p->user = names[i];
        }
        if (!pw)
                return err_set(err, -ENOENT, "user %s does not exist: useradd --system %s, or -o user=NAME",
                        p->user, p->user);
        if (pw->pw_uid == 0)
                return err_set(err, -EPERM,
                        "-o user=%s: what parses archives must not be root; name another user", p->user);
        p->uid = pw->pw_uid;
        p->gid = pw->pw_gid;
        p->drop = geteuid() == 0 && !o->no_sandbox;
        return 0;
}

static int make_absolute(const char *path, const char *what, char **ret, struct err *err)
{
        *ret = realpath(path, NULL);
        if (*ret)
                return 0;
        if (errno == ENOENT)
                return err_set(err, -ENOENT, "%s %s does not exist", what, path);
        return err_sys(err, -errno, "%s %s", what, path);
}

static int make_all_absolute(char **paths, size_t n, const char *what, struct err *err)
{
        for (size_t i = 0; i < n; i++) {
                char *path;
                int r = make_absolute(paths[i], what, &path, err);

                if (r < 0)
                        return r;
                free(paths[i]);
                paths[i] = path;
        }
        return 0;
}

/* The cache directory is made if only its last component is missing, and belongs to whom the worker runs
 * as. */
static int prepare_cache(const struct options *o, struct daemon *d, struct err *err)
{
        if (mkdir(o->cache_dir, 0755) == 0) {
                if (d->plan.drop && chown(o->cache_dir, d->plan.uid, d->plan.gid) < 0)
                        return err_sys(
                                err, -errno, "cache directory %s: chown to %s", o->cache_dir, d->plan.user);
        } else if (errno != EEXIST) {
                return err_sys(err, -errno, "cache directory %s: cannot be made", o->cache_dir);
        }
        return make_absolute(o->cache_dir, "cache directory", &d->cache_dir, err);
}

/* Puts the directory of @base before @name, unless that is absolute. */
static int beside(const char *base, const char *name, char **ret)
{
        const char *slash = strrchr(base, '/');

        if (name[0] == '/' || !slash)
                *ret = strdup(name);
        else if (asprintf(ret, "%.*s/%s", (int)(slash - base), base, name) < 0)
                *ret = NULL;
        return *ret ? 0 : -ENOMEM;
}

/* Where a file that is not there would be: what realpath said when it was. */
static int path_of_missing(const char *path, int links, char **ret)
{
        AUTO_FREE char *dir = NULL;
        AUTO_FREE char *real = NULL;
        char target[PATH_MAX];
        ssize_t n = links > 0 ? readlink(path, target, sizeof target - 1) : -1;

        if (n > 0) {
                target[n] = '\0';
                if (beside(path, target, &dir) < 0)
                        return -ENOMEM;
                return path_of_missing(dir, links - 1, ret);
        }
        if (beside(path, ".", &dir) < 0)
                return -ENOMEM;
        real = realpath(dir, NULL);
        if (!real && path[0] != '/') /* nor is its directory there */
                real = realpath(".", NULL);
        else if (real && strrchr(path, '/'))
                path = strrchr(path, '/') + 1;
        if (asprintf(ret, "%s%s%s", real ? real : "", real ? "/" : "", path) < 0)
                *ret = NULL;
        return *ret ? 0 : -ENOMEM;
}

/* Whether the cache directory has a copy of the inventory at d->inventory. */
static bool has_copy(const struct daemon *d)
{
        AUTO_FREE char *copy = NULL;
        char name[COPY_NAME_SIZE];

        if (copy_name(d->inventory, name) < 0)
                return false;
        if (asprintf(&copy, "%s/%s", d->cache_dir, name) < 0)
                copy = NULL;
        return copy && access(copy, F_OK) == 0;
}

static int prepare_inventory(const struct options *o, struct daemon *d, struct err *err)
{
        const char *path = o->inventory ? o->inventory : DEFAULT_INVENTORY;
        int e;

        if (access(path, F_OK) == 0)
                return make_absolute(path, "inventory", &d->inventory, err);
        e = errno;
        if (path_of_missing(path, 8, &d->inventory) < 0)
                return err_set(err, -ENOMEM, "out of memory");
        if (has_copy(d)) /* it was there before: the worker says what it does then */
                return 0;
        free(d->inventory);
        d->inventory = NULL;
        if (o->inventory)
                return err_sys(err, -e, "inventory %s (pxectl -i %s init makes one)", path, path);
        log_info("no inventory (%s is not there): every host gets the default menu; pxectl init makes one",
                path);
        return 0;
}

/* Whoever serves a mount must not walk into it: nothing we read may lie below it, nor it below what we
 * read. */
static int check_paths(
        const struct options *o, const struct daemon *d, const struct mountpoint *m, struct err *err)
{
        if (path_is_below(m->path, d->builds_dir))
                return err_set(err, -EINVAL,
                        "mount point %s lies inside the builds directory %s: choose another", m->path,
                        d->builds_dir);
        if (path_is_below(d->builds_dir, m->path))
                return err_set(err, -EINVAL,
                        "builds directory %s lies below the mount point %s: it would be hidden",
                        d->builds_dir, m->path);
        if (path_is_below(d->cache_dir, m->path))
                return err_set(err, -EINVAL,
                        "cache directory %s lies below the mount point %s: it would be hidden", d->cache_dir,
                        m->path);
        if (d->inventory && path_is_below(d->inventory, m->path))
                return err_set(err, -EINVAL, "inventory %s lies below the mount point %s: it would be hidden",
                        d->inventory, m->path);
        for (size_t i = 0; i < o->n_static_dirs; i++)
                if (path_is_below(m->path, o->static_dirs[i]))
                        return err_set(err, -EINVAL,
                                "mount point %s lies inside the static directory %s: the mount would show "
                                "itself; "
                                "mount beside it",
                                m->path, o->static_dirs[i]);
        for (size_t i = 0; i < o->n_static_dirs; i++)
                if (path_is_below(o->static_dirs[i], m->path))
                        return err_set(err, -EINVAL,
                                "static directory %s lies below the mount point %s: it would be hidden",
                                o->static_dirs[i], m->path);
        for (size_t i = 0; i < o->n_links_to; i++)
                if (path_is_below(o->links_to[i], m->path))
                        return err_set(err, -EINVAL,
                                "links_to directory %s lies below the mount point %s: it would be hidden",
                                o->links_to[i], m->path);
        return 0;
}

static int prepare(struct options *o, struct daemon *d, struct mountpoint *m, struct err *err)
{
        int r = make_absolute(o->builds_dir, "builds directory", &d->builds_dir, err);

        if (r == 0)
                r = mountpoint_prepare(o->mountpoint, m, err);
        if (r == 0)
                r = find_user(o, &d->plan, err);
        if (r == 0)
                r = prepare_cache(o, d, err);
        if (r == 0)
                r = prepare_inventory(o, d, err);
        if (r == 0)
                r = make_all_absolute(o->static_dirs, o->n_static_dirs, "static directory", err);
        if (r == 0)
                r = make_all_absolute(o->links_to, o->n_links_to, "links_to directory", err);
        if (r == 0)
                r = check_paths(o, d, m, err);
        return r < 0 ? r : links_find(o, d->builds_dir, m->path, err);
}

/* Leaves the terminal: the launcher stays until a byte says that the mount is ready, and exits with what
 * became of it. */
static int leave(struct daemon *d, struct err *err)
{
        int ends[2];
        pid_t pid;
        char byte;

        if (pipe2(ends, O_CLOEXEC) < 0)
                return err_sys(err, -errno, "pipe");
        pid = fork();
        if (pid < 0)
                return err_sys(err, -errno, "fork");
        if (pid > 0) {
                close(ends[1]);
                /* Without the byte the pipe ends only when the keeper has: mount and processes are gone
                 * then. */
                _exit(read(ends[0], &byte, 1) == 1 ? EXIT_SUCCESS : EXIT_FAILURE);
        }
        close(ends[0]);
        (void)setsid();
        if (chdir("/") < 0)
                return err_sys(err, -errno, "chdir /");
        d->launcher_fd = ends[1];
        return 0;
}

static void on_ready(void *ctx)
{
        struct daemon *d = ctx;

        if (d->launcher_fd < 0) {
                log_info("ready");
                return;
        }
        log_leave_terminal();
        while (write(d->launcher_fd, "R", 1) < 0 && errno == EINTR)
                ;
        close(d->launcher_fd);
        d->launcher_fd = -1;
}

static int run_worker(void *ctx, int fuse_fd, int ready_fd)
{
        struct daemon *d = ctx;

        if (d->launcher_fd >= 0)
                close(d->launcher_fd);
        return worker_run(&d->plan, fuse_fd, ready_fd);
}

static int run(struct options *o)
{
        struct daemon d = { .launcher_fd = -1 };
        struct mountpoint m = { 0 };
        struct err err = { "" };
        int r = prepare(o, &d, &m, &err), status = EXIT_FAILURE;

        if (r == 0 && !o->foreground)
                r = leave(&d, &err);
        if (r == 0) {
                d.plan.opts = o;
                d.plan.builds_dir = d.builds_dir;
                d.plan.cache_dir = d.cache_dir;
                d.plan.inventory = d.inventory;
                d.plan.keeper = getpid();
                status = keeper_run(&m,
                        &(struct keeper_role) { .worker = run_worker, .on_ready = on_ready, .ctx = &d },
                        &err);
        }
        if (err.text[0])
                log_error("%s", err.text);
        else if (r < 0)
                log_error("%s", strerror(-r));
        mountpoint_fini(&m);
        free(d.builds_dir);
        free(d.cache_dir);
        free(d.inventory);
        return status;
}

int main(int argc, char **argv)
{
        struct options o;
        struct err err = { "" };
        int r = options_parse(argc, argv, &o, &err), status;

        (void)setlocale(LC_CTYPE, "C.UTF-8"); /* libarchive converts pax names by it */
        if (r < 0) {
                log_error("%s", err.text[0] ? err.text : strerror(-r));
                status = 2;
        } else if (o.help) {
                (void)fputs(options_help, stdout);
                status = EXIT_SUCCESS;
        } else if (o.version) {
                (void)printf("pxefs %s\n", PXEFS_VERSION);
                status = EXIT_SUCCESS;
        } else {
                log_set_debug(o.debug);
                status = run(&o);
        }
        options_fini(&o);
        return status;
}
