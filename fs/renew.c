/* SPDX-License-Identifier: MPL-2.0 */
/* renew -- see renew.h.
 *
 * A thread of its own: a stat(2) of a directory on a server that is gone may take for ever, and neither the heartbeat nor
 * the scan of archives shall wait for it.
 *
 * Invariant: a worker ends for this once at most in HOLD_MS of its life, so that a directory that somebody replaces in a
 * loop costs takeovers now and then, not all the time.
 * Lock: r->lock, for stop.
 */
#include "renew.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

#define LOOK_MS 1000
#define HOLD_MS 2000

struct renew {
        const struct confinement *places;
        struct path_opener *opener;
        int64_t not_before_ms;
        pthread_t thread;
        pthread_mutex_t lock;
        pthread_cond_t stopped;
        bool stop; /* guarded by lock */
};

/* False: the thread shall end. */
static bool wait_a_while(struct renew *r)
{
        int64_t until_ms = clock_ms() + LOOK_MS;
        struct timespec until = { until_ms / 1000, until_ms % 1000 * 1000000 };
        bool stop;

        pthread_mutex_lock(&r->lock);
        while (!r->stop && pthread_cond_timedwait(&r->stopped, &r->lock, &until) == 0)
                ;
        stop = r->stop;
        pthread_mutex_unlock(&r->lock);
        return !stop;
}

static void *run(void *arg)
{
        struct renew *r = arg;
        const char *path;

        while (wait_a_while(r)) {
                if (clock_ms() < r->not_before_ms || !confine_replaced(r->places, r->opener, LOOK_MS, &path))
                        continue;
                log_info("%s: it was replaced, or can be reached only now: the next worker takes it", path);
                (void)kill(getpid(), SIGTERM);
                return NULL;
        }
        return NULL;
}

struct renew *renew_start(const struct confinement *c, struct path_opener *opener)
{
        struct renew *r = calloc(1, sizeof *r);
        pthread_condattr_t attr;
        sigset_t all, old;
        int e;

        if (!r)
                return NULL;
        r->places = c;
        r->opener = opener;
        r->not_before_ms = clock_ms() + HOLD_MS;
        (void)pthread_mutex_init(&r->lock, NULL);
        (void)pthread_condattr_init(&attr);
        (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
        (void)pthread_cond_init(&r->stopped, &attr);
        (void)pthread_condattr_destroy(&attr);
        (void)sigfillset(&all); /* signals are the main thread's */
        (void)pthread_sigmask(SIG_BLOCK, &all, &old);
        e = pthread_create(&r->thread, NULL, run, r);
        (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
        if (e == 0)
                return r;
        pthread_cond_destroy(&r->stopped);
        pthread_mutex_destroy(&r->lock);
        free(r);
        return NULL;
}

void renew_stop(struct renew *r)
{
        if (!r)
                return;
        pthread_mutex_lock(&r->lock);
        r->stop = true;
        pthread_cond_signal(&r->stopped);
        pthread_mutex_unlock(&r->lock);
        pthread_join(r->thread, NULL);
        pthread_cond_destroy(&r->stopped);
        pthread_mutex_destroy(&r->lock);
        free(r);
}
