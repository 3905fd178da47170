/* SPDX-License-Identifier: MPL-2.0 */
/* clock -- see clock.h: the time that a process runs.
 *
 * A tick that comes later than it can on a busy machine came after a freeze, and what is beyond that does not count.
 * Locks: running.lock, for both numbers at once.
 */
#include "base/clock.h"

#define LATE_MS 3000

static struct {
        pthread_mutex_t lock;
        int64_t tick_ms;   /* the last one; 0: none yet */
        int64_t frozen_ms; /* so far */
} running = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* Of the time since the last tick. */
static int64_t frozen_since(int64_t now_ms)
{
        int64_t late_ms = running.tick_ms ? now_ms - running.tick_ms - LATE_MS : 0;

        return late_ms > 0 ? late_ms : 0;
}

int64_t clock_running_ms(void)
{
        int64_t now_ms;

        (void)pthread_mutex_lock(&running.lock);
        now_ms = clock_ms();
        now_ms -= running.frozen_ms + frozen_since(now_ms);
        (void)pthread_mutex_unlock(&running.lock);
        return now_ms;
}

void clock_tick(void)
{
        int64_t now_ms;

        (void)pthread_mutex_lock(&running.lock);
        now_ms = clock_ms();
        running.frozen_ms += frozen_since(now_ms);
        running.tick_ms = now_ms;
        (void)pthread_mutex_unlock(&running.lock);
}
