/* SPDX-License-Identifier: MPL-2.0 */
/* copier -- see copier.h.
 *
 * The thread keeps one connection, whose data_version changes when somebody commits.  A copy is due when it has changed
 * since the last copy and has been still for a while; a stream of commits that is never still gets its copy too.  A file
 * that cannot be read is not copied, and waits.
 *
 * Invariants
 *   1. A commit that the copy does not hold is noticed: data_version is read before the copy begins, and compared
 *      after.
 *   2. Between two looks the connection is outside any transaction: it holds back neither a checkpoint nor a writer.
 *
 * Locks: copier->lock, for stop alone.
 */
#include "inventory/store/copier.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/resource.h>
#include <time.h>

#include "base/clock.h"

#include "inventory/store/copy.h"

#define LOOKS_IN_QUIET 4
#define NICENESS       10
#define BACKOFF_MAX    20 /* times every_ms, when copies fail */

struct copier {
        struct copier_options opts;
        pthread_t thread;
        pthread_mutex_t lock;
        pthread_cond_t stopped;
        atomic_bool stop; /* written under lock; the copy under way reads it without */

        /* The thread's own. */
        struct conn *c;        /* borrowed from opts.live; NULL: the inventory cannot be read */
        int64_t version;       /* data_version when it was last looked at */
        int64_t changed_ms;    /* when it was last seen to change */
        int64_t waiting_ms;    /* when the oldest commit without a copy was seen; 0: there is none */
        int64_t not_before_ms; /* the next copy */
        unsigned failures;     /* in a row */
};

static int read_version(struct copier *w, int64_t *ret)
{
        AUTO_STMT sqlite3_stmt *s = NULL;
        int r = conn_query(w->c, Q_data_version, &s, NULL);

        if (r == 0)
                r = conn_step(w->c, s, NULL);
        if (r > 0)
                *ret = sqlite3_column_int64(s, 0);
        return r < 0 ? r : 0;
}

static void note_change(struct copier *w, int64_t version, int64_t now)
{
        w->version = version;
        w->changed_ms = now;
        if (!w->waiting_ms)
                w->waiting_ms = now;
}

/* Notes a commit, or another file.  False if the inventory cannot be read now. */
static bool look(struct copier *w, int64_t now)
{
        int64_t version = 0;
        bool fresh = false;
        int r;

        if (w->c && !pool_is_current(w->opts.live, w->c)) {
                pool_give_back(w->opts.live, w->c);
                w->c = NULL;
        }
        if (!w->c) {
                if (pool_borrow(w->opts.live, 0, &w->c, NULL) < 0)
                        return false;
                fresh = true;
        }
        r = read_version(w, &version);
        if (r < 0 && r != -EBUSY) {
                (void)pool_put(w->opts.live, w->c, r);
                w->c = NULL;
        }
        if (fresh || (r == 0 && version != w->version))
                note_change(w, r == 0 ? version : -1, now);
        return r == 0;
}

static bool is_due(const struct copier *w, int64_t now)
{
        return w->waiting_ms && now >= w->not_before_ms &&
               (now - w->changed_ms >= w->opts.quiet_ms || now - w->waiting_ms >= w->opts.every_ms);
}

static void make_copy(struct copier *w)
{
        struct err err = { "" };
        int r = copy_make(w->c, w->opts.from, w->opts.to, &w->stop, &err);

        if (r == -ECANCELED)
                return;
        w->failures = r == 0 ? 0 : w->failures + (w->failures < BACKOFF_MAX);
        w->not_before_ms = clock_ms() + (int64_t)w->opts.every_ms * (w->failures ? w->failures : 1);
        if (r == 0)
                w->waiting_ms = 0;
        w->opts.made(w->opts.ctx, r, &err);
}

/* False: the thread shall end. */
static bool wait_a_while(struct copier *w)
{
        struct timespec until;
        bool stop;

        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += (long)(w->opts.quiet_ms % (1000 * LOOKS_IN_QUIET)) * (1000000 / LOOKS_IN_QUIET);
        until.tv_sec += w->opts.quiet_ms / (1000 * LOOKS_IN_QUIET) + until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_mutex_lock(&w->lock);
        while (!atomic_load(&w->stop) && pthread_cond_timedwait(&w->stopped, &w->lock, &until) == 0)
                ;
        stop = atomic_load(&w->stop);
        pthread_mutex_unlock(&w->lock);
        return !stop;
}

static void *thread_main(void *arg)
{
        struct copier *w = arg;

        (void)setpriority(PRIO_PROCESS, 0, NICENESS); /* Linux: of this thread */
        do {
                int64_t now = clock_ms();

                if (look(w, now) && is_due(w, now))
                        make_copy(w);
                w->opts.tick(w->opts.ctx);
        } while (wait_a_while(w));
        if (w->c)
                pool_give_back(w->opts.live, w->c);
        return NULL;
}

static void copier_free(struct copier *w)
{
        pthread_cond_destroy(&w->stopped);
        pthread_mutex_destroy(&w->lock);
        free(w);
}

int copier_start(const struct copier_options *opts, struct copier **ret, struct err *err)
{
        struct copier *w = calloc(1, sizeof *w);
        pthread_condattr_t attr;
        sigset_t all, old;
        int r;

        if (!w)
                return err_set(err, -ENOMEM, "out of memory");
        w->opts = *opts;
        (void)pthread_mutex_init(&w->lock, NULL);
        (void)pthread_condattr_init(&attr);
        (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
        (void)pthread_cond_init(&w->stopped, &attr);
        (void)pthread_condattr_destroy(&attr);
        /* Signals are the main thread's. */
        (void)sigfillset(&all);
        (void)pthread_sigmask(SIG_BLOCK, &all, &old);
        r = -pthread_create(&w->thread, NULL, thread_main, w);
        (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
        if (r < 0) {
                copier_free(w);
                return err_sys(err, r, "a thread for copies of the inventory");
        }
        *ret = w;
        return 0;
}

void copier_stop(struct copier *w)
{
        if (!w)
                return;
        pthread_mutex_lock(&w->lock);
        atomic_store(&w->stop, true);
        pthread_cond_signal(&w->stopped);
        pthread_mutex_unlock(&w->lock);
        (void)pthread_join(w->thread, NULL);
        copier_free(w);
}
