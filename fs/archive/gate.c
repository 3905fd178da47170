/* SPDX-License-Identifier: MPL-2.0 */
/* gate -- places, each with the time since when somebody is in it.
 *
 * Why both the age of the oldest call and that none came back: a call whose bytes are in the page cache comes back at once
 * from a storage that is gone, and one that takes long may be on a disk that has much to do.  The first can hide a stall only
 * until all the room is taken by calls that hang; then nobody goes in, and nothing comes back.
 *
 * A storage that gives up (an NFS mount with `soft`) has calls come back with an error now and then.  Such a one lets others
 * in, which find out for themselves; it is said to answer only when a call succeeded.
 *
 * Times are those during which the process ran (clock_running_ms): a container that is thawed has no stalled storage.
 *
 * Invariants
 *   1. A place is one thread's from the exchange of 0 for a time until it stores 0.
 *   2. Who waits for room has counted itself in `waiting` under the lock, before it looked for a place the last time: who
 *      leaves looks at it after the place is empty, so one of the two sees the other.
 * Locks: gates->mutex, for who finds no room, and wakes those; held for nothing else.
 * Limits: as in gate.h.
 */
#include "archive/gate.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/atwork.h"
#include "base/clock.h"

#define PLACES  (GATE_READERS + GATE_HELPERS)
#define NOTED   PLACES /* the place of who found none among the helpers' */
#define LOOK_MS 200    /* who waits looks again */

struct gate {
        struct gates *all;
        _Atomic uint64_t dev_1;           /* device + 1; 0: nobody's */
        _Atomic int64_t since_ms[PLACES]; /* 0: empty; the readers' first */
        _Atomic int64_t answered_ms;      /* when a call came back last */
        atomic_bool said;                 /* that it is stalled */
};

struct gates {
        unsigned readers;
        void (*say)(void *ctx, uint64_t dev, bool stalled);
        void *ctx;
        pthread_mutex_t mutex;
        pthread_cond_t room; /* somebody left */
        atomic_uint waiting;
        struct gate v[GATES_MAX];
};

struct gates *gates_new(unsigned readers, void (*say)(void *ctx, uint64_t dev, bool stalled), void *ctx)
{
        struct gates *g = calloc(1, sizeof *g);

        if (!g)
                return NULL;
        g->readers = readers;
        g->say = say;
        g->ctx = ctx;
        (void)pthread_mutex_init(&g->mutex, NULL);
        (void)clock_cond_init(&g->room);
        for (size_t i = 0; i < GATES_MAX; i++)
                g->v[i].all = g;
        return g;
}

void gates_free(struct gates *g)
{
        if (!g)
                return;
        (void)pthread_cond_destroy(&g->room);
        (void)pthread_mutex_destroy(&g->mutex);
        free(g);
}

struct gate *gate_of(struct gates *g, uint64_t dev)
{
        for (size_t i = 0; g && i < GATES_MAX; i++) {
                uint64_t nobody = 0;

                if (atomic_compare_exchange_strong(&g->v[i].dev_1, &nobody, dev + 1) || nobody == dev + 1 ||
                        i + 1 == GATES_MAX)
                        return &g->v[i];
        }
        return NULL;
}

/* ---- what there is to be seen ---------------------------------------------------------------- */

/* Readers that have been inside other gates than @g for a while: they may stay there. */
static unsigned kept_by_others(const struct gate *g, int64_t now_ms)
{
        unsigned n = 0;

        for (size_t i = 0; i < GATES_MAX; i++) {
                const struct gate *other = &g->all->v[i];

                if (other == g || atomic_load_explicit(&other->dev_1, memory_order_relaxed) == 0)
                        continue;
                for (size_t k = 0; k < GATE_READERS; k++) {
                        int64_t since = atomic_load_explicit(&other->since_ms[k], memory_order_relaxed);

                        n += since != 0 && now_ms - since >= LOOK_MS;
                }
        }
        return n;
}

/* How many readers may be inside @g: half of them, and never the last two, whatever others keep; but one at least. */
static unsigned room(const struct gate *g, int64_t now_ms)
{
        unsigned readers = g->all->readers, half = readers / 2, kept, left;

        if (readers == 0)
                return GATE_READERS;
        kept = kept_by_others(g, now_ms);
        left = readers > 2 + kept ? readers - 2 - kept : 0;
        half = half < left ? half : left;
        return half == 0 ? 1 : half < GATE_READERS ? half : GATE_READERS;
}

static int64_t oldest_ms(const struct gate *g, int64_t now_ms)
{
        int64_t oldest = now_ms;

        for (size_t i = 0; i < PLACES; i++) {
                int64_t since = atomic_load_explicit(&g->since_ms[i], memory_order_relaxed);

                if (since != 0 && since < oldest)
                        oldest = since;
        }
        return now_ms - oldest;
}

int64_t gate_oldest_ms(const struct gate *g)
{
        return g ? oldest_ms(g, clock_running_ms()) : 0;
}

static bool is_stalled(const struct gate *g, int64_t now_ms)
{
        return oldest_ms(g, now_ms) >= GATE_STALL_MS &&
               now_ms - atomic_load_explicit(&g->answered_ms, memory_order_relaxed) >= GATE_STALL_MS;
}

bool gate_is_stalled(const struct gate *g)
{
        return g && is_stalled(g, clock_running_ms());
}

static void say(struct gate *g, bool stalled)
{
        bool said = !stalled;

        if (atomic_compare_exchange_strong(&g->said, &said, stalled) && g->all->say)
                g->all->say(g->all->ctx, atomic_load(&g->dev_1) - 1, stalled);
}

void gate_tell(struct gate *g)
{
        if (gate_is_stalled(g))
                say(g, true);
}

bool gates_are_stalled(const struct gates *g)
{
        bool any = false;

        for (size_t i = 0; g && i < GATES_MAX; i++)
                any |= gate_is_stalled(&g->v[i]);
        return any;
}

/* ---- in and out ------------------------------------------------------------------------------ */

static bool reads_ahead(void)
{
        return atwork_get().what == ATWORK_AHEAD;
}

/* A place, or -1. */
static int take_place(struct gate *g, int64_t now_ms)
{
        bool helper = reads_ahead();
        unsigned from = helper ? GATE_READERS : 0, to = helper ? PLACES : room(g, now_ms);

        for (unsigned i = from; i < to; i++) {
                int64_t empty = 0;

                if (atomic_load_explicit(&g->since_ms[i], memory_order_relaxed) == 0 &&
                        atomic_compare_exchange_strong(&g->since_ms[i], &empty, now_ms))
                        return (int)i;
        }
        return helper ? NOTED : -1;
}

/* The same, after a while if there is none. */
static int await_place(struct gate *g)
{
        struct timespec until = clock_after(LOOK_MS);
        int place;

        (void)pthread_mutex_lock(&g->all->mutex);
        atomic_fetch_add(&g->all->waiting, 1);
        atomic_thread_fence(memory_order_seq_cst); /* invariant 2 */
        place = take_place(g, clock_running_ms());
        if (place < 0) {
                atwork_wait(true);
                (void)pthread_cond_timedwait(&g->all->room, &g->all->mutex, &until);
                atwork_wait(false);
        }
        atomic_fetch_sub(&g->all->waiting, 1);
        (void)pthread_mutex_unlock(&g->all->mutex);
        return place;
}

int gate_enter(struct gate *g)
{
        int place = -1;

        while (g && place < 0) {
                int64_t now_ms = clock_running_ms();

                if (is_stalled(g, now_ms)) {
                        say(g, true);
                        return -EIO;
                }
                place = take_place(g, now_ms);
                if (place < 0)
                        place = await_place(g);
        }
        atwork_wait(true);
        return place < 0 ? NOTED : place;
}

void gate_leave(struct gate *g, int place, bool answered)
{
        atwork_wait(false);
        if (!g)
                return;
        atomic_store(&g->answered_ms, clock_running_ms());
        if (place < PLACES)
                atomic_store(&g->since_ms[place], 0);
        if (answered && atomic_load_explicit(&g->said, memory_order_relaxed))
                say(g, false);
        if (atomic_load(&g->all->waiting) == 0)
                return;
        (void)pthread_mutex_lock(&g->all->mutex);
        (void)pthread_cond_broadcast(&g->all->room); /* of whichever gate: few wait, and seldom */
        (void)pthread_mutex_unlock(&g->all->mutex);
}

/* ---- the calls ------------------------------------------------------------------------------- */

ssize_t gate_pread(struct gate *g, int fd, void *buf, size_t len, uint64_t off)
{
        int place = gate_enter(g);
        ssize_t n;

        if (place < 0)
                return place;
        do
                n = pread(fd, buf, len, (off_t)off);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                n = -errno;
        gate_leave(g, place, n >= 0);
        return n;
}

static int still(
        struct gate *g, int fd, const struct identity *want, int (*ask)(int fd, const struct identity *want))
{
        int place = gate_enter(g), r;

        if (place < 0)
                return place;
        r = ask(fd, want);
        gate_leave(g, place, r == 0);
        return r;
}

int gate_still(struct gate *g, int fd, const struct identity *want)
{
        return still(g, fd, want, identity_still);
}

int gate_still_length(struct gate *g, int fd, const struct identity *want)
{
        return still(g, fd, want, identity_still_length);
}
