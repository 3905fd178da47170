/* SPDX-License-Identifier: MPL-2.0 */
/* turnstile -- see turnstile.h.
 *
 * Invariants
 *   1. Once open, it stays open, and nobody waits here.
 *   2. Whoever waits is woken by each who leaves, and by the time.
 * Locks: mutex; nothing is done under it but counting.  A thread that is cancelled while it waits lets go of it.
 */
#include "takeover/turnstile.h"

#include <errno.h>
#include <time.h>

void turnstile_init(struct turnstile *t, unsigned at_once, int64_t for_ms)
{
        pthread_condattr_t attr;

        *t = (struct turnstile) { .at_once = at_once ? at_once : 1 };
        (void)pthread_mutex_init(&t->mutex, NULL);
        (void)pthread_condattr_init(&attr);
        (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
        (void)pthread_cond_init(&t->changed, &attr);
        (void)pthread_condattr_destroy(&attr);
        (void)clock_gettime(CLOCK_MONOTONIC, &t->until);
        t->until.tv_sec += for_ms / 1000;
        t->until.tv_nsec += for_ms % 1000 * 1000000;
        t->until.tv_sec += t->until.tv_nsec / 1000000000;
        t->until.tv_nsec %= 1000000000;
}

void turnstile_fini(struct turnstile *t)
{
        (void)pthread_cond_destroy(&t->changed);
        (void)pthread_mutex_destroy(&t->mutex);
}

static void open_it(struct turnstile *t)
{
        atomic_store(&t->open, true);
        (void)pthread_cond_broadcast(&t->changed);
}

static void unlock(void *mutex)
{
        (void)pthread_mutex_unlock(mutex);
}

/* With the lock: until at most @most are inside, or it is open. */
static void wait_until(struct turnstile *t, unsigned most)
{
        while (!atomic_load(&t->open) && t->inside > most)
                if (pthread_cond_timedwait(&t->changed, &t->mutex, &t->until) == ETIMEDOUT)
                        open_it(t);
}

bool turnstile_enter(struct turnstile *t)
{
        bool entered;

        if (atomic_load(&t->open))
                return false;
        (void)pthread_mutex_lock(&t->mutex);
        pthread_cleanup_push(unlock, &t->mutex);
        wait_until(t, t->at_once - 1);
        entered = !atomic_load(&t->open);
        t->inside += entered;
        pthread_cleanup_pop(1);
        return entered;
}

void turnstile_leave(struct turnstile *t)
{
        (void)pthread_mutex_lock(&t->mutex);
        t->inside--;
        (void)pthread_cond_broadcast(&t->changed);
        (void)pthread_mutex_unlock(&t->mutex);
}

void turnstile_leave_last(struct turnstile *t)
{
        (void)pthread_mutex_lock(&t->mutex);
        pthread_cleanup_push(unlock, &t->mutex);
        t->inside--;
        (void)pthread_cond_broadcast(&t->changed);
        wait_until(t, 0);
        open_it(t);
        pthread_cleanup_pop(1);
}
