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
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "catalog/catalogstats.h"
#include "render/status/progress.h"

struct watch {
        struct watch_options opts;
        pthread_t thread;
        int stop_fd;          /* eventfd; readable: stop */
        int inotify_fd;       /* -1: polling only */
        struct err complaint; /* "" while the directory can be read */
        bool blind;           /* poll(2) failed the last time */
        bool waiting;         /* for all that was there at the first look */
        bool ready;           /* on_ready was called */
        int64_t look_ms;      /* monotonic: look at the directory then, at the latest */
        struct catalog_todo todo;
};

#define PATH_MS 1000
#define BLIND_MS 250
#define DRAW_MS  250 /* four times a second is as much as anybody reads */

static void complain(struct watch *w, int r, const struct err *err)
{
        const char *now = r < 0 ? err->text : "";

        if (strcmp(w->complaint.text, now) == 0)
                return;
        catalog_note_trouble(w->opts.catalog, now);
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
                log_warn("builds directory %s: no inotify (%s): changes are found by looking every %.1f s; "
                         "sysctl fs.inotify may be too low",
                        w->opts.builds_dir, strerror(errno), w->opts.poll_ms / 1000.0);
}

/* Another directory may have taken the path: `mv builds old; mkdir builds`, or a mount that came late. */
static void follow_path(struct watch *w)
{
        struct stat by_path, by_fd;
        int fd;

        if (path_opener_open(
                    w->opts.opener, -1, w->opts.builds_dir, PATH_WALK_STAT, PATH_MS, NULL, &by_path) < 0 ||
                fstat(w->opts.builds_fd, &by_fd) < 0)
                return; /* not there now, or in our own mount: the old one goes on */
        if (by_path.st_dev == by_fd.st_dev && by_path.st_ino == by_fd.st_ino)
                return;
        if (path_opener_open(w->opts.opener, -1, w->opts.builds_dir, O_RDONLY | O_DIRECTORY, PATH_MS, &fd,
                    &by_path) < 0)
                return; /* it may not be read; or the sandbox keeps us out, and another worker comes (renew.h) */
        if (dup3(fd, w->opts.builds_fd, O_CLOEXEC) >= 0) {
                log_info("builds directory %s: it was replaced; the new one is read", w->opts.builds_dir);
                watch_directory(w);
        }
        close(fd);
}

/* What is being read, on the terminal. */
static void draw(const struct watch *w)
{
        AUTO_BUF struct buf line = BUF_INIT;
        struct catalog_progress p;
        struct winsize size;

        if (!w->opts.show_progress)
                return;
        if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
                size.ws_col = 80;
        catalog_progress(w->opts.catalog, &p);
        if (render_progress(&p, size.ws_col - 1u, &line) == 0)
                log_status(line.len ? line.data : NULL);
}

/* Looks at the directory, or only goes on with reading. */
static void go_on(struct watch *w, bool look)
{
        struct err err = { "" };
        int r = 0;

        w->todo = (struct catalog_todo) { .poll_ms = -1 };
        if (look) {
                follow_path(w);
                w->look_ms = clock_ms() + w->opts.poll_ms;
                r = catalog_look(w->opts.catalog, &err);
        }
        if (r == 0)
                r = catalog_step(w->opts.catalog, w->waiting, &w->todo, &err);
        if (w->todo.poll_ms >= 0 && w->look_ms > clock_ms() + w->todo.poll_ms) /* has it changed once more? */
                w->look_ms = clock_ms() + w->todo.poll_ms;
        if (look || r < 0)
                complain(w, r, &err);
        /* Where everything is to be read first: until nothing is left, or nothing can be. */
        if (!w->ready && (!w->waiting || r < 0 || (!w->todo.busy && !w->todo.more && !w->todo.awaits))) {
                if (w->waiting)
                        w->look_ms = 0; /* at once: notifications were thrown away meanwhile */
                w->ready = true;
                w->waiting = false;
                if (w->opts.on_ready)
                        w->opts.on_ready(w->opts.on_ready_ctx);
        }
        draw(w);
}

/* Until something is to be done by the clock. */
static int timeout_ms(const struct watch *w)
{
        bool drawing = w->todo.busy && w->opts.show_progress;
        int64_t ms = w->look_ms - clock_ms();

        if (w->todo.more)
                return 0;
        if (w->waiting) { /* what is being read wakes us when it is done */
                int wait_ms = w->todo.awaits ? w->todo.poll_ms : -1;

                return drawing && (wait_ms < 0 || wait_ms > DRAW_MS) ? DRAW_MS : wait_ms;
        }
        if (drawing && ms > DRAW_MS)
                ms = DRAW_MS;
        return ms < 0 ? 0 : (int)ms;
}

/* The kernel is short of memory, or something else is wrong with poll(2) that passes: this thread is the only one that looks at
 * the builds directory, so it goes on by the clock.  False: it shall end. */
static bool go_on_blind(struct watch *w, int error)
{
        eventfd_t told;

        if (!w->blind)
                log_warn("builds directory %s: waiting for changes failed (%s): it is looked at all the same",
                        w->opts.builds_dir, strerror(error));
        w->blind = true;
        (void)nanosleep(&(struct timespec) { .tv_nsec = BLIND_MS * 1000000 }, NULL);
        return eventfd_read(w->stop_fd, &told) < 0;
}

static void *run(void *arg)
{
        struct watch *w = arg;
        _Alignas(struct inotify_event) char events[16 * (sizeof(struct inotify_event) + NAME_MAX + 1)];
        bool look = true;

        for (;;) {
                struct pollfd fds[] = { { .fd = w->stop_fd, .events = POLLIN },
                        { .fd = w->inotify_fd, .events = POLLIN },
                        { .fd = catalog_wake_fd(w->opts.catalog), .events = POLLIN } };
                int n;

                go_on(w, look);
                n = poll(fds, 3, timeout_ms(w));
                if (n < 0 && errno != EINTR && !go_on_blind(w, errno))
                        break;
                if (n >= 0)
                        w->blind = false;
                if (fds[0].revents)
                        break;
                if (fds[1].revents) /* what they say does not matter: the next look tells */
                        while (read(w->inotify_fd, events, sizeof events) > 0)
                                ;
                /* While all that stood there at the start is awaited, what comes meanwhile waits too: a file that
                 * grows would keep us for as long as it grows. */
                look = !w->waiting && (fds[1].revents || fds[2].revents || clock_ms() >= w->look_ms);
        }
        if (w->opts.show_progress)
                log_status(NULL);
        return NULL;
}

int watch_start(const struct watch_options *opts, struct watch **ret, struct err *err)
{
        struct watch *w = calloc(1, sizeof *w);
        int r;

        if (!w)
                return -ENOMEM;
        w->opts = *opts;
        w->waiting = opts->wait_for_all;
        w->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
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
