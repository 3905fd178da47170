/* SPDX-License-Identifier: MPL-2.0 */
/* policy -- see policy.h.
 *
 *   DOWN --start--> STARTING --serves--> SERVING
 *    ^                 | ends, or too slow   | ends, or no heartbeat
 *    +-----------------+---------------------+
 *
 * A worker that was serving and is killed from outside is replaced at once, however often: that costs a reader a
 * hundredth of a second, and waiting would cost it more.  So is one that was killed before it served, after a breath.  A worker that fails by itself before it has served for a
 * second is replaced at once the first time, then ever later; two seconds apart at most.
 *
 * There is one rule for giving up: no worker served for POLICY_HEALTHY_MS, whatever kept it from that.
 *
 * A request that waits for a storage (a disk, or a server that plays one) gets EIO, and its worker lives: the next one would
 * wait in the same way, without a cache and without the archives, which it could not open.
 *
 * No reader is blocked for more than 30 s: a request in a slot gets EIO after POLICY_PATIENCE_MS (asked once a second);
 * one that no worker takes waits for the end of POLICY_HEALTHY_MS at most, when the connection is closed.
 */
#include "takeover/policy.h"

static int64_t least(int64_t a, int64_t b)
{
        return a < b ? a : b;
}

void policy_init(struct policy *p, int64_t now_ms)
{
        *p = (struct policy) {
                .phase = POLICY_DOWN, .since_ms = now_ms, .healthy_ms = now_ms, .start_ms = now_ms
        };
}

void policy_started(struct policy *p, int64_t now_ms)
{
        p->phase = POLICY_STARTING;
        p->since_ms = now_ms;
}

void policy_serves(struct policy *p, int64_t now_ms)
{
        p->phase = POLICY_SERVING;
        p->since_ms = now_ms;
        p->healthy_ms = now_ms;
}

void policy_ended(struct policy *p, int64_t now_ms, enum policy_end how)
{
        bool served = p->phase == POLICY_SERVING;
        bool fast = how == POLICY_FAILED && (!served || now_ms - p->since_ms < POLICY_FAST_MS);

        if (served)
                p->healthy_ms = now_ms;
        p->phase = POLICY_DOWN;
        p->since_ms = now_ms;
        p->start_ms = now_ms;
        if (fast)
                p->fast++;
        else if (served)
                p->fast = 0;
        else /* killed from outside before it served: that says nothing about the next one */
                p->start_ms += POLICY_KILLED_MS;
        if (fast && p->fast > 1)
                p->start_ms += least((int64_t)POLICY_BACKOFF_MS << (p->fast - 2 < 16 ? p->fast - 2 : 16),
                        POLICY_BACKOFF_MAX);
}

void policy_forgive(struct policy *p, int64_t ms)
{
        p->since_ms += ms;
        p->healthy_ms += ms;
        p->start_ms += ms;
}

enum policy_verdict policy_next(
        const struct policy *p, int64_t now_ms, int64_t heartbeat_ms, int64_t *ret_wait_ms)
{
        int64_t despair_ms = p->healthy_ms + POLICY_HEALTHY_MS;

        *ret_wait_ms = 0;
        switch (p->phase) {
        case POLICY_DOWN:
                if (now_ms >= despair_ms)
                        return POLICY_DESPAIR;
                if (now_ms >= p->start_ms)
                        return POLICY_START;
                *ret_wait_ms = least(p->start_ms, despair_ms) - now_ms;
                return POLICY_WAIT;
        case POLICY_STARTING:
                if (now_ms >= despair_ms)
                        return POLICY_DESPAIR;
                if (now_ms - p->since_ms >= POLICY_START_MS)
                        return POLICY_KILL;
                *ret_wait_ms = least(p->since_ms + POLICY_START_MS, despair_ms) - now_ms;
                return POLICY_WAIT;
        case POLICY_SERVING:
                break;
        }
        /* Killed it was long ago: a thread of it waits where no signal reaches it, and its place is not free. */
        if (now_ms - heartbeat_ms >= POLICY_HEALTHY_MS)
                return POLICY_DESPAIR;
        if (now_ms - heartbeat_ms >= POLICY_HANG_MS)
                return POLICY_KILL;
        *ret_wait_ms = heartbeat_ms + POLICY_HANG_MS - now_ms;
        return POLICY_WAIT;
}

static int64_t greatest(int64_t a, int64_t b)
{
        return a > b ? a : b;
}

bool policy_condemns(unsigned crashes, unsigned hangs)
{
        return crashes >= POLICY_STRIKES || hangs >= POLICY_STRIKES;
}

enum policy_request_verdict policy_judge(const struct policy_request *r, int64_t now_ms)
{
        /* A worker that is at it after its archive was condemned does not read it: it knows. */
        if (policy_condemns(r->crashes, r->hangs) || (r->archive_condemned && r->started_ms == 0))
                return REQUEST_CONDEMN;
        if (r->started_ms != 0 && now_ms - greatest(r->started_ms, r->waited_ms) >= POLICY_HANG_MS)
                return REQUEST_HANGS;
        if (r->taken_ms != 0 && now_ms - r->taken_ms >= POLICY_PATIENCE_MS)
                return REQUEST_REFUSE;
        return REQUEST_LEAVE;
}
