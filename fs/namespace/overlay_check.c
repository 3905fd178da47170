/* SPDX-License-Identifier: MPL-2.0 */
/* overlay_check -- see overlay_check.h.
 *
 * A look-up could tell, too; but then a name that nobody asks for is never told, and one that is mended is never taken back.
 *
 * Limits: MAX_DEPTH directories deep, MAX_NAMES names, MAX_ABSENT of them remembered: more are counted, and not logged.
 * Lock: c->lock, for stop and what was found; never held while anything is opened.
 */
#include "namespace/overlay_check.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"

#define FIRST_MS   500 /* workers that are killed one after the other say nothing */
#define LOOK_MS    5000
#define OPEN_MS    1000
#define MAX_DEPTH  4
#define MAX_NAMES  16384
#define MAX_ABSENT 64

struct absent {
        char *path; /* owned */
        int error;
};

struct absents {
        size_t n, found; /* kept, and counted */
        struct absent v[MAX_ABSENT];
};

struct overlay_check {
        const char *const *dirs;
        size_t n_dirs;
        struct path_opener *opener;
        void (*log)(int priority, const char *line);
        pthread_t thread;
        pthread_mutex_t lock;
        pthread_cond_t stopped;
        bool stop;           /* guarded by lock */
        struct absents last; /* written by the thread under the lock */
};

struct look {
        struct overlay_check *c;
        size_t names;
        struct absents found;
};

static void absents_fini(struct absents *l)
{
        for (size_t i = 0; i < l->n; i++)
                free(l->v[i].path);
        l->n = l->found = 0;
}

static const char *reason(int error)
{
        if (error == -EACCES)
                return "it leads to what may not be read: put the file here itself, chmod a+r what it leads "
                       "to, or mount with "
                       "-o links_to=DIRECTORY of that";
        return path_opener_strerror(error);
}

static bool is_stopped(struct overlay_check *c)
{
        bool r;

        (void)pthread_mutex_lock(&c->lock);
        r = c->stop;
        (void)pthread_mutex_unlock(&c->lock);
        return r;
}

static void note(struct look *l, const char *path, int error)
{
        char *copy = l->found.n < MAX_ABSENT ? strdup(path) : NULL;

        l->found.found++;
        if (copy)
                l->found.v[l->found.n++] = (struct absent) { copy, error };
}

/* A link to nothing, or not to a file, is not shown by design. */
static bool is_worth_telling(int r)
{
        return r == -EDEADLK || r == -ETIMEDOUT || r == -EAGAIN || r == -EACCES || r == -EIO || r == -ESTALE;
}

static void look_at(struct look *l, int dirfd, const char *path, const struct path_name *n)
{
        AUTO_CLOSE int fd = -1;
        struct stat st;
        int r = n->own ? -EDEADLK
                       : path_opener_open(l->c->opener, dirfd, n->name, O_RDONLY | O_NONBLOCK | O_NOCTTY,
                                 OPEN_MS, &fd, &st);

        if (is_worth_telling(r))
                note(l, path, r);
}

static void look_in(struct look *l, const char *dir, unsigned depth)
{
        struct path_names names = { NULL, 0 };
        AUTO_CLOSE int fd = -1;
        struct stat st;
        int r = path_opener_open(l->c->opener, -1, dir, O_RDONLY | O_DIRECTORY, OPEN_MS, &fd, &st);

        if (r == 0)
                r = path_opener_list(l->c->opener, fd, "", OPEN_MS, &names);
        if (is_worth_telling(r))
                note(l, dir, r);
        for (size_t i = 0; r == 0 && i < names.n && l->names++ < MAX_NAMES && !is_stopped(l->c); i++) {
                const struct path_name *n = &names.v[i];
                AUTO_BUF struct buf path = BUF_INIT;

                buf_printf(&path, "%s/%s", dir, n->name);
                if (buf_error(&path) < 0)
                        continue;
                if (n->own || n->type == S_IFLNK || n->type == 0)
                        look_at(l, fd, path.data, n);
                else if (n->type == S_IFDIR && n->readable && depth > 1)
                        look_in(l, path.data, depth - 1);
        }
        path_names_fini(&names);
}

static const struct absent *find(const struct absents *l, const char *path)
{
        for (size_t i = 0; i < l->n; i++)
                if (strcmp(l->v[i].path, path) == 0)
                        return &l->v[i];
        return NULL;
}

static void tell(const struct overlay_check *c, const struct absents *was, const struct absents *now)
{
        struct err line;

        for (size_t i = 0; i < now->n; i++) {
                const struct absent *a = &now->v[i], *b = find(was, a->path);

                if (b && b->error == a->error)
                        continue;
                (void)err_set(&line, 0, "%s is not shown: %s", a->path, reason(a->error));
                c->log(LOG_WARNING, line.text);
        }
        for (size_t i = 0; i < was->n; i++)
                if (!find(now, was->v[i].path)) {
                        (void)err_set(&line, 0, "%s is shown again, or gone", was->v[i].path);
                        c->log(LOG_INFO, line.text);
                }
}

static void look(struct overlay_check *c)
{
        struct look l = { .c = c };

        for (size_t i = 0; i < c->n_dirs; i++)
                look_in(&l, c->dirs[i], MAX_DEPTH);
        if (is_stopped(c)) { /* half a look tells nothing */
                absents_fini(&l.found);
                return;
        }
        tell(c, &c->last, &l.found);
        (void)pthread_mutex_lock(&c->lock);
        absents_fini(&c->last);
        c->last = l.found;
        (void)pthread_mutex_unlock(&c->lock);
}

/* False: the thread shall end. */
static bool wait_a_while(struct overlay_check *c, int ms)
{
        struct timespec until = clock_after(ms);
        bool stop;

        (void)pthread_mutex_lock(&c->lock);
        while (!c->stop && pthread_cond_timedwait(&c->stopped, &c->lock, &until) == 0)
                ;
        stop = c->stop;
        (void)pthread_mutex_unlock(&c->lock);
        return !stop;
}

static void *run(void *arg)
{
        struct overlay_check *c = arg;

        for (int ms = FIRST_MS; wait_a_while(c, ms); ms = LOOK_MS)
                look(c);
        return NULL;
}

struct overlay_check *overlay_check_start(const char *const *dirs, size_t n, struct path_opener *opener,
        void (*log)(int priority, const char *line))
{
        struct overlay_check *c = calloc(1, sizeof *c);
        sigset_t all, old;
        int e;

        if (!c)
                return NULL;
        c->dirs = dirs;
        c->n_dirs = n;
        c->opener = opener;
        c->log = log;
        (void)pthread_mutex_init(&c->lock, NULL);
        (void)clock_cond_init(&c->stopped);
        (void)sigfillset(&all); /* signals are the main thread's */
        (void)pthread_sigmask(SIG_BLOCK, &all, &old);
        e = pthread_create(&c->thread, NULL, run, c);
        (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
        if (e == 0)
                return c;
        (void)pthread_cond_destroy(&c->stopped);
        (void)pthread_mutex_destroy(&c->lock);
        free(c);
        return NULL;
}

void overlay_check_stop(struct overlay_check *c)
{
        if (!c)
                return;
        (void)pthread_mutex_lock(&c->lock);
        c->stop = true;
        (void)pthread_cond_signal(&c->stopped);
        (void)pthread_mutex_unlock(&c->lock);
        (void)pthread_join(c->thread, NULL);
        absents_fini(&c->last);
        (void)pthread_cond_destroy(&c->stopped);
        (void)pthread_mutex_destroy(&c->lock);
        free(c);
}

void overlay_check_get(struct overlay_check *c, struct overlay_absent *ret)
{
        (void)pthread_mutex_lock(&c->lock);
        ret->n = c->last.found;
        for (size_t i = 0; i < OVERLAY_CHECK_SHOWN; i++)
                if (i < c->last.n)
                        (void)err_set(&ret->v[i], 0, "%s: %s", c->last.v[i].path, reason(c->last.v[i].error));
                else
                        ret->v[i].text[0] = '\0';
        (void)pthread_mutex_unlock(&c->lock);
}
