/* SPDX-License-Identifier: MPL-2.0 */
/* clock -- milliseconds that no one sets: CLOCK_MONOTONIC, the same number in every process of a boot. */
#ifndef PXEFS_BASE_CLOCK_H
#define PXEFS_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline int64_t clock_ms(void)
{
        struct timespec ts;

        (void)clock_gettime(CLOCK_MONOTONIC, &ts);
        return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

#endif
