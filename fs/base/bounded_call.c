/* SPDX-License-Identifier: MPL-2.0 */
/* bounded_call -- a queue, threads that empty it, and a list of what they are at; see bounded_call.h.
 *
 * Invariants
 *   1. A call's argument belongs to the caller until bounded_call, then to the call; it goes back with a result, and is
 *      dropped once, by the thread that finds no waiter.
 *   2. A thread that nobody needs ends; KEEP_IDLE stay for the next call.
 *   3. The last one out frees the queue: a thread may be stuck when the owner is gone.
 * Lock: b->lock, never held while work or drop run.
 */
#include "base/bounded_call.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/clock.h"

#define KEEP_IDLE   4
#define STACK_BYTES (256u * 1024)

struct bounded_call {
        struct bounded_calls *owner;
        int (*work)(struct bounded_call *call, void *arg);
        void (*drop)(void *arg);
        void *arg;
        pthread_cond_t finished;
        int result;
        bool running, done, left; /* left: nobody waits for it any more */
        uint64_t dev;             /* of the filesystem it asks; 0: none yet */
        struct bounded_call *next;
};

struct bounded_calls {
        pthread_mutex_t lock; /* guards all below, and the calls */
        pthread_cond_t work, gone;
        struct bounded_call *queue, **queue_end;
        struct bounded_call *running;
        unsigned queued, idle, threads, at_work; /* of threads, at_work run a call */
        bool closed, owned;                      /* owned: bounded_calls_free has not ended */
};

struct bounded_calls *bounded_calls_new(void)
{
        struct bounded_calls *b = calloc(1, sizeof *b);

        if (!b)
                return NULL;
        (void)pthread_mutex_init(&b->lock, NULL);
        (void)pthread_cond_init(&b->work, NULL);
        (void)pthread_cond_init(&b->gone, NULL);
        b->queue_end = &b->queue;
        b->owned = true;
        return b;
}

/* Called with the lock, which is gone afterwards. */
static void unlock_and_free(struct bounded_calls *b)
{
        bool last = !b->owned && b->threads == 0;

        (void)pthread_mutex_unlock(&b->lock);
        if (!last)
                return;
        (void)pthread_cond_destroy(&b->work);
        (void)pthread_cond_destroy(&b->gone);
        (void)pthread_mutex_destroy(&b->lock);
        free(b);
}

void bounded_calls_free(struct bounded_calls *b)
{
        if (!b)
                return;
        (void)pthread_mutex_lock(&b->lock);
        b->closed = true;
        (void)pthread_cond_broadcast(&b->work);
        while (b->threads > b->at_work)
                (void)pthread_cond_wait(&b->gone, &b->lock);
        b->owned = false;
        unlock_and_free(b);
}

static void call_free(struct bounded_call *c)
{
        (void)pthread_cond_destroy(&c->finished);
        free(c);
}

static void call_drop(struct bounded_call *c)
{
        c->drop(c->arg);
        call_free(c);
}

static struct bounded_call *take_first(struct bounded_calls *b)
{
        struct bounded_call *c = b->queue;

        b->queue = c->next;
        if (!b->queue)
                b->queue_end = &b->queue;
        b->queued--;
        return c;
}

static void take_out(struct bounded_call **list, const struct bounded_call *c)
{
        while (*list != c)
                list = &(*list)->next;
        *list = c->next;
}

/* Called with the lock, and returns with it. */
static void run(struct bounded_calls *b, struct bounded_call *c)
{
        int r;

        c->next = b->running;
        b->running = c;
        c->running = true;
        b->at_work++;
        (void)pthread_mutex_unlock(&b->lock);
        r = c->work(c, c->arg);
        (void)pthread_mutex_lock(&b->lock);
        b->at_work--;
        take_out(&b->running, c);
        if (!c->left) {
                c->result = r;
                c->done = true;
                (void)pthread_cond_signal(&c->finished);
                return;
        }
        (void)pthread_mutex_unlock(&b->lock);
        call_drop(c);
        (void)pthread_mutex_lock(&b->lock);
}

static void *serve(void *arg)
{
        struct bounded_calls *b = arg;

        (void)pthread_mutex_lock(&b->lock);
        while (!b->closed) {
                if (b->queue) {
                        run(b, take_first(b));
                } else if (b->idle >= KEEP_IDLE) {
                        break;
                } else {
                        b->idle++;
                        (void)pthread_cond_wait(&b->work, &b->lock);
                        b->idle--;
                }
        }
        b->threads--;
        (void)pthread_cond_signal(&b->gone);
        unlock_and_free(b);
        return NULL;
}

/* One more thread, if those that wait for work are too few.  Called with the lock. */
static int have_threads(struct bounded_calls *b)
{
        pthread_attr_t attr;
        pthread_t thread;
        sigset_t all, old;
        int e;

        if (b->idle >= b->queued)
                return 0;
        if (b->threads >= BOUNDED_CALL_THREADS)
                return -EAGAIN;
        (void)pthread_attr_init(&attr);
        (void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
        (void)pthread_attr_setstacksize(&attr, STACK_BYTES);
        (void)sigfillset(&all); /* signals are the main thread's */
        (void)pthread_sigmask(SIG_BLOCK, &all, &old);
        e = pthread_create(&thread, &attr, serve, b);
        (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
        (void)pthread_attr_destroy(&attr);
        b->threads += e == 0;
        return e ? -EAGAIN : 0;
}

static void put_last(struct bounded_calls *b, struct bounded_call *c)
{
        *b->queue_end = c;
        b->queue_end = &c->next;
        b->queued++;
}

static void take_back(struct bounded_calls *b, const struct bounded_call *c)
{
        struct bounded_call **p = &b->queue;

        take_out(p, c);
        for (b->queue_end = &b->queue; *b->queue_end; b->queue_end = &(*b->queue_end)->next)
                ;
        b->queued--;
}

int bounded_call(struct bounded_calls *b, int (*work)(struct bounded_call *call, void *arg),
        void (*drop)(void *arg), void *arg, int timeout_ms, int *ret_taken)
{
        struct bounded_call *c = calloc(1, sizeof *c);
        struct timespec until = clock_after(timeout_ms);
        int r = 0;

        *ret_taken = 1;
        if (!c || clock_cond_init(&c->finished) != 0) {
                free(c);
                drop(arg);
                return -ENOMEM;
        }
        c->owner = b;
        c->work = work;
        c->drop = drop;
        c->arg = arg;
        (void)pthread_mutex_lock(&b->lock);
        put_last(b, c);
        r = have_threads(b);
        if (r < 0 && b->threads > 0) /* one of them may come back in time */
                r = 0;
        (void)pthread_cond_signal(&b->work);
        while (r == 0 && !c->done)
                r = -pthread_cond_timedwait(&c->finished, &b->lock, &until);
        if (c->done) {
                r = c->result;
                *ret_taken = 0;
                (void)pthread_mutex_unlock(&b->lock);
                call_free(c);
                return r;
        }
        if (c->running) {
                c->left = true;
                (void)pthread_mutex_unlock(&b->lock);
                return -ETIMEDOUT;
        }
        take_back(b, c);
        (void)pthread_mutex_unlock(&b->lock);
        call_drop(c);
        return r;
}

int bounded_call_asks(struct bounded_call *call, uint64_t dev)
{
        struct bounded_calls *b = call->owner;
        int r = 0;

        (void)pthread_mutex_lock(&b->lock);
        for (const struct bounded_call *c = b->running; c && r == 0; c = c->next)
                if (c != call && c->left && c->dev == dev)
                        r = -ETIMEDOUT;
        call->dev = dev;
        (void)pthread_mutex_unlock(&b->lock);
        return r;
}
