/* SPDX-License-Identifier: MPL-2.0 */
/* watch -- see watch.h.  Locks: none; the thread owns everything but the stop descriptor. */
#include "mount/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"

struct watch {
        struct watch_options opts;
        pthread_t thread;
        int stop_fd;          /* eventfd; readable: stop */
        int inotify_fd;       /* -1: polling only */
        struct err complaint; /* "" while the directory can be read */
        bool cut_off;         /* another directory is at the path, and cannot be opened; said once */
};

static void complain(struct watch *w, int r, const struct err *err)
{
        const char *now = r < 0 ? err->text : "";

        if (strcmp(w->complaint.text, now) == 0)
                return;
        if (r < 0)
                log_error("builds directory %s: %s", w->opts.builds_dir, now);
        else
                log_info("builds directory %s: can be read again", w->opts.builds_dir);
        memcpy(w->complaint.text, now, strlen(now) + 1);
}

static void watch_directory(struct watch *w)
{
        if (w->inotify_fd < 0 || inotify_add_watch(w->inotify_fd, w->opts.builds_dir,
                                         IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM |
                                                 IN_MOVED_TO | IN_ATTRIB | IN_ONLYDIR) < 0)
                log_warn("builds directory %s: no inotify (%s): changes are found by looking every %.1f s",
                        w->opts.builds_dir, strerror(errno), w->opts.poll_ms / 1000.0);
}

/* The worker's sandbox is tied to the directory that was there when it started (sandbox/landlock.c, invariant 2). */
static void say_cut_off(struct watch *w)
{
        if (!w->cut_off)
                log_error("builds directory %s: it was replaced by another, which %s; the one from before is "
                          "read on: "
                          "restart pxefs to take the new one",
                        w->opts.builds_dir,
                        faccessat(AT_FDCWD, w->opts.builds_dir, R_OK, AT_EACCESS) == 0
                                ? "the sandbox of this process does not reach"
                                : "may not be read");
        w->cut_off = true;
}

/* Another directory may have taken the path: `mv builds old; mkdir builds`, or a mount that came late. */
static void follow_path(struct watch *w)
{
        struct stat by_path, by_fd;
        int fd;

        if (stat(w->opts.builds_dir, &by_path) < 0 || fstat(w->opts.builds_fd, &by_fd) < 0)
                return; /* not there now: the old one goes on */
        if (by_path.st_dev == by_fd.st_dev && by_path.st_ino == by_fd.st_ino) {
                w->cut_off = false;
                return;
        }
        fd = open(w->opts.builds_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0 && errno == EACCES)
                say_cut_off(w);
        if (fd < 0)
                return;
        if (dup3(fd, w->opts.builds_fd, O_CLOEXEC) >= 0) {
                log_info("builds directory %s: it was replaced; the new one is read", w->opts.builds_dir);
                watch_directory(w);
        }
        close(fd);
}

/* The first look brings back every build known from before; with wait_for_all, each archive is also read
 * once. */
static void first_look(struct watch *w)
{
        struct err err = { "" };
        bool more;
        int pending_ms;
        int r = w->opts.wait_for_all ? catalog_scan(w->opts.catalog, true, &more, &pending_ms, &err)
                                     : catalog_look(w->opts.catalog, &err);

        complain(w, r, &err);
        if (w->opts.on_ready)
                w->opts.on_ready(w->opts.on_ready_ctx);
}

/* Looks once and reads at most one archive; returns how long to wait for the next look. */
static int look(struct watch *w)
{
        struct err err = { "" };
        bool more = false;
        int pending_ms = -1;
        int r;

        follow_path(w);
        r = catalog_scan(w->opts.catalog, false, &more, &pending_ms, &err);

        complain(w, r, &err);
        if (more)
                return 0;
        return pending_ms >= 0 && pending_ms < w->opts.poll_ms ? pending_ms : w->opts.poll_ms;
}

static void *run(void *arg)
{
        struct watch *w = arg;
        _Alignas(struct inotify_event) char events[16 * (sizeof(struct inotify_event) + NAME_MAX + 1)];

        first_look(w);
        for (;;) {
                struct pollfd fds[] = { { .fd = w->stop_fd, .events = POLLIN },
                        { .fd = w->inotify_fd, .events = POLLIN },
                        { .fd = catalog_trouble_fd(w->opts.catalog), .events = POLLIN } };
                int timeout_ms = look(w);

                if (poll(fds, 3, timeout_ms) < 0 && errno != EINTR)
                        return NULL;
                if (fds[0].revents)
                        return NULL;
                if (fds[1].revents) /* what they say does not matter: the next look tells */
                        while (read(w->inotify_fd, events, sizeof events) > 0)
                                ;
        }
}

int watch_start(const struct watch_options *opts, struct watch **ret, struct err *err)
{
        struct watch *w = calloc(1, sizeof *w);
        int r;

        if (!w)
                return -ENOMEM;
        w->opts = *opts;
        w->stop_fd = eventfd(0, EFD_CLOEXEC);
        w->inotify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
        watch_directory(w);
        r = w->stop_fd < 0 ? -errno : -pthread_create(&w->thread, NULL, run, w);
        if (r < 0) {
                if (w->stop_fd >= 0)
                        close(w->stop_fd);
                if (w->inotify_fd >= 0)
                        close(w->inotify_fd);
                free(w);
                return err_sys(err, r, "start the thread that watches %s", opts->builds_dir);
        }
        *ret = w;
        return 0;
}

void watch_stop(struct watch *w)
{
        uint64_t one = 1;

        if (!w)
                return;
        catalog_stop(w->opts.catalog);
        while (write(w->stop_fd, &one, sizeof one) < 0 && errno == EINTR)
                ;
        pthread_join(w->thread, NULL);
        close(w->stop_fd);
        if (w->inotify_fd >= 0)
                close(w->inotify_fd);
        free(w);
}
