/* SPDX-License-Identifier: MPL-2.0 */
/* main -- pxefs: checks the command line, becomes a daemon, and runs the keeper.
 *
 * This program links neither libarchive nor SQLite nor libfuse: what parses is pxefs-worker, which the keeper executes
 * with the command line as it was understood here (options_argv), paths absolute.
 *
 * Exit status: 0 the mount is ready (or, with -f, ended in order), 1 it failed, 2 usage.  A daemon's
 * launcher waits until the mount answers, so that whoever comes next finds it; until then errors go to its
 * stderr.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "daemon/cachelock.h"
#include "daemon/inherited.h"
#include "daemon/links.h"
#include "daemon/options.h"
#include "takeover/keeper.h"
#include "takeover/mountpoint.h"
#include "version.h"

/* Texts that were promised: 16 MiB of machines', 4 of the daemon's own, and 2 of their times (worker.c divides it). */
#define RING_BYTES (22u << 20)
#define MAX_GROUPS 256

struct daemon {
        struct keeper_options keeper;
        char *worker; /* owned; path of the program */
        char **argv;  /* owned; its command line */
        gid_t groups[MAX_GROUPS];
        int launcher_fd; /* -1 in the foreground: where to say that the mount is ready */
        const struct mountpoint *mountpoint;
};

/* Looked up once: a worker that is started in a hurry asks no directory service. */
static int find_user(struct options *o, struct daemon *d, struct err *err)
{
        const char *names[] = { o->user ? o->user : "pxefs", o->user ? NULL : "nobody" }, *name = NULL;
        struct child_plan *p = &d->keeper.plan;
        const struct passwd *pw = NULL;
        int n = MAX_GROUPS;

        for (size_t i = 0; i < 2 && names[i] && !pw; i++) {
                pw = getpwnam(names[i]);
                name = names[i];
        }
        if (!pw)
                return err_set(err, -ENOENT, "user %s does not exist: useradd --system %s, or -o user=NAME",
                        name, name);
        if (pw->pw_uid == 0)
                return err_set(err, -EPERM,
                        "-o user=%s: what parses archives must not be root; name another user", name);
        p->uid = pw->pw_uid;
        p->gid = pw->pw_gid;
        p->drop = geteuid() == 0;
        if (getgrouplist(name, pw->pw_gid, d->groups, &n) < 0)
                return err_set(err, -E2BIG, "user %s is in more than %d groups: name another user", name,
                        MAX_GROUPS);
        p->groups = d->groups;
        p->n_groups = (size_t)n;
        if (!o->user)
                o->user = strdup(name);
        return o->user ? 0 : -ENOMEM;
}

/* The worker stands beside us (a build tree, an archive unpacked somewhere), or where it is installed. */
static int find_worker(struct daemon *d, struct err *err)
{
        AUTO_FREE char *self = realpath("/proc/self/exe", NULL);
        char *slash = self ? strrchr(self, '/') : NULL;

        if (slash) {
                *slash = '\0';
                if (asprintf(&d->worker, "%s/pxefs-worker", self) < 0)
                        return -ENOMEM;
                if (access(d->worker, X_OK) == 0)
                        return 0;
                free(d->worker);
        }
        d->worker = strdup(PXEFS_LIBEXECDIR "/pxefs-worker");
        if (!d->worker)
                return -ENOMEM;
        if (access(d->worker, X_OK) == 0)
                return 0;
        return err_sys(err, -errno,
                "program pxefs-worker is not beside pxefs (ninja -C build makes all), nor is it installed as "
                "%s",
                d->worker);
}

/* Puts the absolute path in the place of what was given. */
static int make_absolute(char **path, const char *what, struct err *err)
{
        char *absolute = realpath(*path, NULL);

        if (!absolute && errno == ENOENT)
                return err_set(err, -ENOENT, "%s %s does not exist: mkdir -p %s, if that is the name", what,
                        *path, *path);
        if (!absolute)
                return err_sys(err, -errno, "%s %s", what, *path);
        free(*path);
        *path = absolute;
        return 0;
}

static int make_all_absolute(char **paths, size_t n, const char *what, struct err *err)
{
        int r = 0;

        for (size_t i = 0; i < n && r == 0; i++)
                r = make_absolute(&paths[i], what, err);
        return r;
}

/* The cache directory is made if only its last component is missing, and belongs to whom the worker runs
 * as. */
static int prepare_cache(struct options *o, const struct daemon *d, struct err *err)
{
        const struct child_plan *p = &d->keeper.plan;

        if (mkdir(o->cache_dir, 0755) == 0) {
                if (p->drop && chown(o->cache_dir, p->uid, p->gid) < 0)
                        return err_sys(err, -errno, "cache directory %s: chown to %s", o->cache_dir, o->user);
        } else if (errno == ENOENT) {
                return err_set(err, -ENOENT,
                        "cache directory %s: the directory for it does not exist: mkdir -p %s, then chown %s "
                        "%s",
                        o->cache_dir, o->cache_dir, o->user, o->cache_dir);
        } else if (errno != EEXIST) {
                return err_sys(err, -errno, "cache directory %s: cannot be made%s", o->cache_dir,
                        geteuid() == 0 ? "" : " by who is not root (-o cache= names another)");
        }
        return make_absolute(&o->cache_dir, "cache directory", err);
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
static int path_of_missing(const char *path, char **ret)
{
        AUTO_FREE char *dir = NULL;
        AUTO_FREE char *real = NULL;

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

/* Whether there is one, or a copy of it, is the worker's to say. */
static int prepare_inventory(struct options *o, struct err *err)
{
        char *path = NULL;
        struct stat st;
        int r;

        if (!o->inventory)
                o->inventory = strdup(DEFAULT_INVENTORY);
        if (!o->inventory)
                return -ENOMEM;
        if (lstat(o->inventory, &st) == 0 && S_ISLNK(st.st_mode)) /* pxectl and the worker refuse it too: inventory/store/schema_id.h */
                return err_set(err, -ELOOP,
                        "inventory %s is a symbolic link: name the file itself, so that everybody means the same one when "
                        "the link is changed",
                        o->inventory);
        if (access(o->inventory, F_OK) == 0)
                return make_absolute(&o->inventory, "inventory", err);
        r = path_of_missing(o->inventory, &path);
        if (r < 0)
                return r;
        free(o->inventory);
        o->inventory = path;
        return 0;
}

/* Whoever serves a mount must not walk into it: nothing we read may lie below it, nor it below what we
 * read. */
static int check_paths(const struct options *o, const struct mountpoint *m, struct err *err)
{
        if (path_is_below(m->path, o->builds_dir))
                return err_set(err, -EINVAL,
                        "mount point %s lies inside the builds directory %s: choose another", m->path,
                        o->builds_dir);
        if (path_is_below(o->builds_dir, m->path))
                return err_set(err, -EINVAL,
                        "builds directory %s lies below the mount point %s: it would be hidden",
                        o->builds_dir, m->path);
        if (path_is_below(o->cache_dir, m->path))
                return err_set(err, -EINVAL,
                        "cache directory %s lies below the mount point %s: it would be hidden", o->cache_dir,
                        m->path);
        if (o->inventory && path_is_below(o->inventory, m->path))
                return err_set(err, -EINVAL, "inventory %s lies below the mount point %s: it would be hidden",
                        o->inventory, m->path);
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
        int r = make_absolute(&o->builds_dir, "builds directory", err);

        if (r == 0)
                r = mountpoint_prepare(o->mountpoint, m, err);
        if (r == 0)
                r = find_user(o, d, err);
        if (r == 0)
                r = find_worker(d, err);
        if (r == 0)
                r = prepare_cache(o, d, err);
        if (r == 0)
                r = prepare_inventory(o, err);
        if (r == 0)
                r = make_all_absolute(o->static_dirs, o->n_static_dirs, "static directory", err);
        if (r == 0)
                r = make_all_absolute(o->links_to, o->n_links_to, "links_to directory", err);
        if (r == 0)
                r = check_paths(o, m, err);
        if (r == 0)
                r = links_find(o, o->builds_dir, m->path, err);
        if (r < 0)
                return r;
        free(o->mountpoint);
        o->mountpoint = strdup(m->path);
        d->argv = o->mountpoint ? options_argv(o, "pxefs-worker") : NULL;
        return d->argv ? 0 : -ENOMEM;
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

static void on_mounted(void *ctx)
{
        const struct daemon *d = ctx;

        cachelock_tell_mount(d->keeper.plan.lock_fd, d->mountpoint);
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

static int run(struct options *o)
{
        struct mountpoint m = { .gone_fd = -1 };
        struct daemon d = { .launcher_fd = -1, .mountpoint = &m, .keeper.plan.lock_fd = -1 };
        struct err err = { "" };
        int r = inherited_mend(&err), status = EXIT_FAILURE;

        if (r == 0)
                r = prepare(o, &d, &m, &err);
        if (r == 0 && !o->foreground)
                r = leave(&d, &err);
        if (r == 0) /* not before: the lock is told by the process that took it */
                r = cachelock_take(o->cache_dir, &d.keeper.plan, &d.keeper.plan.lock_fd, &err);
        if (r == 0) {
                d.keeper.plan.path = d.worker;
                d.keeper.plan.argv = d.argv;
                d.keeper.ring_bytes = RING_BYTES;
                d.keeper.debug = o->debug;
                d.keeper.on_mounted = on_mounted;
                d.keeper.on_ready = on_ready;
                d.keeper.ctx = &d;
                status = keeper_run(&m, &d.keeper, &err);
        }
        if (err.text[0])
                log_error("%s", err.text);
        else if (r < 0)
                log_error("%s", strerror(-r));
        log_flush(1000);
        cleanup_close(&d.keeper.plan.lock_fd);
        mountpoint_fini(&m);
        options_argv_free(d.argv);
        free(d.worker);
        return status;
}

int main(int argc, char **argv)
{
        struct options o;
        struct err err = { "" };
        int r, status;

        inherited_descriptors();
        r = options_parse(argc, argv, &o, &err);
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
