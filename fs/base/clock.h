/* SPDX-License-Identifier: MPL-2.0 */
/* clock -- milliseconds that no one sets: CLOCK_MONOTONIC, the same number in every process of a boot. */
#ifndef PXEFS_BASE_CLOCK_H
#define PXEFS_BASE_CLOCK_H

#include <pthread.h>
#include <stdint.h>
#include <time.h>

static inline int64_t clock_ms(void)
{
        struct timespec ts;

        (void)clock_gettime(CLOCK_MONOTONIC, &ts);
        return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* The same without the time that this process was frozen or stopped for, as far as somebody calls clock_tick() once a second:
 * what did not run was not slow.  Until then the same number. */
int64_t clock_running_ms(void);
void clock_tick(void);

/* In @ms from now, for pthread_cond_timedwait on a condition of clock_cond_init. */
static inline struct timespec clock_after(int64_t ms)
{
        int64_t until_ms = clock_ms() + ms;

        return (struct timespec) { until_ms / 1000, until_ms % 1000 * 1000000 };
}

/* A condition that may be waited for by this clock.  0 or an errno, as pthread_cond_init. */
static inline int clock_cond_init(pthread_cond_t *cond)
{
        pthread_condattr_t attr;
        int r;

        (void)pthread_condattr_init(&attr);
        (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
        r = pthread_cond_init(cond, &attr);
        (void)pthread_condattr_destroy(&attr);
        return r;
}

#endif
