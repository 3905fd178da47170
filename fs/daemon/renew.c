/* SPDX-License-Identifier: MPL-2.0 */
/* renew -- see renew.h.
 *
 * A thread of its own: a stat(2) of a directory on a server that is gone may take for ever, and neither the heartbeat nor
 * the scan of archives shall wait for it.
 *
 * Invariant: a worker ends for this once at most in HOLD_MS of its life, so that a directory that somebody replaces in a
 * loop costs takeovers now and then, not all the time.  Readers that end again and again cost fewer: builds are served
 * without them.
 * Lock: r->lock, for stop.
 */
#include "daemon/renew.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "catalog/reader.h"

#define LOOK_MS         1000
#define HOLD_MS         2000
#define HOLD_READERS_MS 10000

struct renew {
        const struct confinement *places;
        struct path_opener *opener;
        const struct readers *readers;
        int64_t begin_ms;
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

static bool is_due(const struct renew *r)
{
        int64_t age_ms = clock_ms() - r->begin_ms;
        const char *path;

        if (age_ms > HOLD_MS && confine_replaced(r->places, r->opener, LOOK_MS, &path)) {
                log_info("%s: it was replaced, or can be reached only now: the next worker takes it", path);
                return true;
        }
        if (age_ms > HOLD_READERS_MS && !readers_are_there(r->readers)) {
                log_warn(
                        "the process that starts readers of archives has ended: the next worker has another");
                return true;
        }
        return false;
}

static void *run(void *arg)
{
        struct renew *r = arg;

        while (wait_a_while(r))
                if (is_due(r)) {
                        (void)kill(getpid(), SIGTERM);
                        break;
                }
        return NULL;
}

struct renew *renew_start(
        const struct confinement *c, struct path_opener *opener, const struct readers *readers)
{
        struct renew *r = calloc(1, sizeof *r);
        pthread_condattr_t attr;
        sigset_t all, old;
        int e;

        if (!r)
                return NULL;
        r->places = c;
        r->opener = opener;
        r->readers = readers;
        r->begin_ms = clock_ms();
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
