/* SPDX-License-Identifier: MPL-2.0 */
/* requests -- counts the kernel's requests: of which kind, how long each took, and with what error it was answered.
 *
 * Written by mount/ops.c, two relaxed additions a request; read for metrics.  Thread-safe, never blocks.
 */
#ifndef PXEFS_NAMESPACE_REQUESTS_H
#define PXEFS_NAMESPACE_REQUESTS_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "render/status/facts.h"

struct requests {
        /* Each kind on cache lines of its own: threads that look up do not disturb those that read. */
        struct {
                _Alignas(64) atomic_uint_fast64_t bucket[REQUEST_BUCKETS + 1];
                atomic_uint_fast64_t ns;
        } op[REQUEST_OPS];
        _Alignas(64) atomic_uint_fast64_t errors[REQUEST_ERRORS];
};

/* One that is being answered: begun with requests_begin, counted by requests_end. */
struct request_timer {
        struct requests *requests; /* borrowed; NULL: nothing is counted */
        enum request_op op;
        int error; /* 0 or a negative errno: what it was answered with */
        uint64_t begun_ns;
};

struct request_timer requests_begin(struct requests *q, enum request_op op);
void requests_end(const struct request_timer *t);
#define AUTO_TIMED AUTO_CLEAN(requests_end)

void requests_read(const struct requests *q, struct facts_requests *ret); /* @q NULL: not known */

#endif
