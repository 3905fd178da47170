/* SPDX-License-Identifier: MPL-2.0 */
/* turnstile -- what a predecessor left unanswered is executed few at a time, before anything else.
 *
 * Ten requests at once on two processors are each five times as slow as two, and if this worker dies soon too, none of
 * them is done and the next one begins all of them again.  Seen with a worker killed every 100 ms on a machine with
 * three times the load it has processors for: 70 workers one after the other answered nothing, and each reader got EIO
 * after 20 s.  A few at a time, oldest first (journal_claim), some are answered in any life.
 *
 * A request that hangs must not hold up those that do not, so all this ends after a while, whatever happens.
 */
#ifndef PXEFS_TAKEOVER_TURNSTILE_H
#define PXEFS_TAKEOVER_TURNSTILE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct turnstile {
        pthread_mutex_t mutex;
        pthread_cond_t changed;
        unsigned at_once, inside; /* guarded by mutex */
        struct timespec until;    /* CLOCK_MONOTONIC */
        atomic_bool open;         /* for good */
};

/* @at_once  how many may be inside, at least 1
 * @for_ms   it is open at the latest so many milliseconds from now */
void turnstile_init(struct turnstile *t, unsigned at_once, int64_t for_ms);
void turnstile_fini(struct turnstile *t);

/* Waits for a place inside; true: the caller has one.  False: it is open, and nobody needs one.  A cancellation point. */
bool turnstile_enter(struct turnstile *t);

/* Gives the place back. */
void turnstile_leave(struct turnstile *t);

/* Gives the place back, for somebody who found nothing to do inside: then nobody who comes later will either.  Waits
 * until the last has left, which opens it.  A cancellation point. */
void turnstile_leave_last(struct turnstile *t);

#endif
