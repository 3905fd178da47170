/* SPDX-License-Identifier: MPL-2.0 */
/* chunkcache -- a fixed number of slots, each a chunk: empty, in the making, or whole.
 *
 * The kernel's page cache is the real one.  This is what stands between a 128 KiB request of the kernel and the
 * megabytes that have to be decoded for it: it keeps what was decoded beyond a request until the next ones come
 * for it, and what several readers of a cold build want at once.  So it is small, and least recently used goes.
 *
 * A chunk is large, so that a job runs long and a request seldom lies in two; its parts are small, so that a random
 * read costs the way from the part's beginning to its bytes and not the whole chunk.  Each part is usable up to its
 * `ready` while the chunk is still being made.  A chunk left half made keeps its job, which is gone on with where it
 * stopped if that is where more is wanted.
 *
 * Reading ahead: what a steady reader (streams.h) will want next is queued, in the order of asking, so that many get on
 * alike.  How far ahead shrinks with their number: together they never take more than the slots.  What was made ahead
 * and not been asked for yet gives way only to a reader who waits.
 *
 * Invariants
 *   1. Bytes below a part's `ready` never change while the slot is that chunk; only who set `running` writes above.
 *   2. A slot is given to another chunk only when nobody holds it (refs) and nobody runs it.
 *   3. A chunk is in at most one slot: who looks for it and who makes a slot of it does both under the lock.
 *      A slot that failed is nobody's any more (`failed`), and is emptied when the last lets go.
 *   4. Who waits for a slot holds none; who runs one waits for nothing here.  So all waiting ends, unless the storage does
 *      not answer who runs one: then who waits gives up (gate.h).
 * Locks: cache->mutex, for all fields; never held while something is made.
 * Limits: STREAMS_MAX readers are told apart; further ones are served without reading ahead.
 */
#include "archive/chunkcache.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "archive/gate.h"
#include "archive/streams.h"
#include "base/atwork.h"
#include "base/cleanup.h"
#include "base/clock.h"

#define HUGE_BYTES (2u << 20)
#define AHEAD_NICE 5    /* more than the worker: a third of the processor where somebody waits for the rest */
#define LOOK_MS    200  /* who waits looks again */
#define SLOW_MS    1000 /* a call for somebody's bytes: who waits for them waits for the storage */

struct chunk {
        struct chunkcache *cache;
        struct chunk_client *client; /* NULL: empty */
        uint64_t n;
        size_t len;
        size_t ready[CHUNK_PARTS]; /* bytes of each part */
        size_t whole;              /* all parts before this one are whole */
        unsigned char *data;       /* owned; chunk_bytes, NULL until first used */
        void *job;                 /* owned while the chunk is not whole; made by the client's maker */
        size_t job_at;             /* where in the chunk it will go on */
        unsigned refs;             /* who holds it or waits for it */
        bool running;              /* somebody is making it */
        bool queued;               /* to be made whole by a thread */
        bool ahead;                /* nobody asked for it yet */
        bool spent;          /* by_kernel, and its last byte was given: memory that is warm, for the next */
        int failed;          /* negative errno of making it */
        uint64_t ticket;     /* order in the queue */
        uint64_t used;       /* order of use */
        size_t wanted;       /* the least place that somebody waits for the job to reach */
        pthread_cond_t grew; /* it was reached, or who made the chunk stopped */
};

struct chunk_client {
        struct chunkcache *cache;
        const struct chunk_maker *maker;
        void *ctx;
        uint64_t size_bytes;
        size_t chunk_bytes, part_bytes;
        uint64_t archive;  /* its number, for base/atwork.h */
        struct gate *gate; /* borrowed; NULL: none */
        bool leaving;
};

struct chunkcache {
        pthread_mutex_t mutex;
        pthread_cond_t work;  /* something is queued, or stop */
        pthread_cond_t freed; /* a slot may have become free */
        bool stop;
        struct chunk *slots; /* owned */
        size_t n_slots;
        size_t chunk_bytes, slot_bytes;
        uint64_t clock;
        uint64_t begun, made_bytes, hits;
        struct streams streams;
        pthread_t *threads; /* owned */
        unsigned n_threads;
};

/* ---- slots; all with the lock held ----------------------------------------------------------- */

static struct chunk *find(const struct chunk_client *cl, uint64_t n)
{
        struct chunkcache *c = cl->cache;

        for (size_t i = 0; i < c->n_slots; i++)
                if (c->slots[i].client == cl && c->slots[i].n == n && !c->slots[i].failed)
                        return &c->slots[i];
        return NULL;
}

static void empty(struct chunk *ch)
{
        if (ch->job)
                ch->client->maker->end(ch->client->ctx, ch->job);
        ch->job = NULL;
        ch->client = NULL;
        ch->queued = ch->ahead = ch->spent = false;
        ch->failed = 0;
}

/* A slot for another chunk, or NULL: one whose bytes were given, in order, to a kernel that keeps
 * them; an empty one; or the least recently used of those that may go. */
static struct chunk *spare(struct chunkcache *c, bool for_reader)
{
        struct chunk *best = NULL, *unused = NULL;

        for (size_t i = 0; i < c->n_slots; i++) {
                struct chunk *ch = &c->slots[i];

                if (ch->refs || ch->running)
                        continue;
                if (ch->spent)
                        return ch;
                if (!ch->client) {
                        unused = unused ? unused : ch;
                        continue;
                }
                if ((ch->ahead || ch->queued) && !for_reader)
                        continue;
                if (!best || best->ahead > ch->ahead || (best->ahead == ch->ahead && best->used > ch->used))
                        best = ch;
        }
        return unused ? unused : best;
}

size_t chunkcache_first(const struct chunk_client *cl, uint64_t off, size_t len)
{
        size_t left = cl->chunk_bytes - (size_t)(off % cl->chunk_bytes);

        return len < left ? len : left;
}

static size_t n_parts(const struct chunk *ch)
{
        return (ch->len - 1) / ch->client->part_bytes + 1;
}

static size_t part_len(const struct chunk *ch, size_t part)
{
        size_t left = ch->len - part * ch->client->part_bytes;

        return left < ch->client->part_bytes ? left : ch->client->part_bytes;
}

static bool is_whole(const struct chunk *ch)
{
        return ch->whole == n_parts(ch);
}

/* The first part with bytes of [@from, @to) that is not ready so far; CHUNK_PARTS if all is there. */
static size_t lacking(const struct chunk *ch, size_t from, size_t to)
{
        size_t bytes = ch->client->part_bytes;

        for (size_t part = from / bytes; part * bytes < to; part++) {
                size_t need = to - part * bytes;

                if (ch->ready[part] < (need < bytes ? need : bytes))
                        return part;
        }
        return CHUNK_PARTS;
}

static size_t len_of(const struct chunk_client *cl, uint64_t n)
{
        uint64_t left = cl->size_bytes - n * cl->chunk_bytes;

        return left < cl->chunk_bytes ? (size_t)left : cl->chunk_bytes;
}

/* Memory for a slot's bytes, once; in huge pages where the kernel has them: half the faults of a first use. */
static int give_memory(struct chunkcache *c, struct chunk *ch)
{
        if (ch->data)
                return 0;
        ch->data = aligned_alloc(
                c->chunk_bytes % HUGE_BYTES == 0 ? HUGE_BYTES : 4096, (c->chunk_bytes + 4095) / 4096 * 4096);
        if (!ch->data)
                return -ENOMEM;
        if (c->chunk_bytes % HUGE_BYTES == 0)
                (void)madvise(ch->data, c->chunk_bytes, MADV_HUGEPAGE);
        return 0;
}

static int settle(struct chunkcache *c, struct chunk *ch, struct chunk_client *cl, uint64_t n)
{
        if (give_memory(c, ch) < 0)
                return -ENOMEM;
        if (ch->client)
                empty(ch);
        ch->client = cl;
        ch->n = n;
        ch->len = len_of(cl, n);
        memset(ch->ready, 0, sizeof ch->ready);
        ch->whole = 0;
        ch->wanted = SIZE_MAX;
        ch->used = ++c->clock;
        return 0;
}

static void let_go(struct chunk *ch)
{
        struct chunkcache *c = ch->cache;

        if (--ch->refs > 0)
                return;
        if (ch->failed)
                empty(ch);
        (void)pthread_cond_broadcast(&c->freed);
}

/* ---- making ---------------------------------------------------------------------------------- */

/* Who waits looks again, and says what it waits for. */
static void wake(struct chunk *ch)
{
        if (ch->wanted == SIZE_MAX)
                return;
        ch->wanted = SIZE_MAX;
        (void)pthread_cond_broadcast(&ch->grew);
}

/* What a step gave: @made bytes of @part, or a negative errno. */
static void take_in(struct chunk *ch, size_t part, int64_t made)
{
        struct chunk_client *cl = ch->client;

        if (made <= 0 || (size_t)made > part_len(ch, part) - ch->ready[part]) {
                ch->failed = made < 0 ? (int)made : -EIO;
        } else {
                ch->ready[part] += (size_t)made;
                ch->job_at += (size_t)made;
                ch->cache->made_bytes += (uint64_t)made;
        }
        while (ch->whole < n_parts(ch) && ch->ready[ch->whole] == part_len(ch, ch->whole))
                ch->whole++;
        if (!ch->failed && !is_whole(ch))
                return;
        ch->queued = false;
        if (ch->job)
                cl->maker->end(cl->ctx, ch->job);
        ch->job = NULL;
}

/* One step of a part of @ch, which the caller holds; the lock is let go meanwhile. */
static void run_step(struct chunk *ch, size_t part, enum atwork_what what)
{
        struct chunkcache *c = ch->cache;
        struct chunk_client *cl = ch->client;
        size_t at = part * cl->part_bytes + ch->ready[part];
        void *job = ch->job;
        int64_t r = 0;
        bool marked;

        ch->running = true;
        if (job && ch->job_at != at) {
                cl->maker->end(cl->ctx, job);
                job = ch->job = NULL;
        }
        c->begun += !job;
        (void)pthread_mutex_unlock(&c->mutex);
        marked = atwork_begin(cl->archive, what);
        if (!job)
                r = cl->maker->begin(cl->ctx, ch->n * cl->chunk_bytes + at, &job);
        if (r == 0)
                r = cl->maker->step(cl->ctx, job, ch->data + at);
        atwork_end(marked);
        (void)pthread_mutex_lock(&c->mutex);
        ch->running = false;
        ch->job = job;
        ch->job_at = at;
        take_in(ch, part, r);
        if (ch->failed || ch->job_at >= ch->wanted)
                wake(ch);
}

static struct chunk *first_queued(struct chunkcache *c)
{
        struct chunk *best = NULL;

        for (size_t i = 0; i < c->n_slots; i++) {
                struct chunk *ch = &c->slots[i];

                if (ch->queued && !ch->running && (!best || ch->ticket < best->ticket))
                        best = ch;
        }
        return best;
}

static void *thread_main(void *arg)
{
        struct chunkcache *c = arg;

        /* Linux: of this thread.  Before what somebody waits for it gives way, above all just after a takeover. */
        (void)setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + AHEAD_NICE);
        (void)pthread_mutex_lock(&c->mutex);
        while (!c->stop) {
                struct chunk *ch = first_queued(c);

                if (!ch) {
                        (void)pthread_cond_wait(&c->work, &c->mutex);
                        continue;
                }
                ch->refs++;
                while (ch->queued && !ch->client->leaving && !c->stop && !gate_is_stalled(ch->client->gate))
                        run_step(ch, ch->whole, ATWORK_AHEAD);
                ch->queued = false;
                wake(ch);
                let_go(ch);
        }
        (void)pthread_mutex_unlock(&c->mutex);
        return NULL;
}

/* ---- reading ahead --------------------------------------------------------------------------- */

/* Queues chunk @n, if there is a slot for it.  False: no more. */
static bool queue(struct chunk_client *cl, uint64_t n)
{
        struct chunkcache *c = cl->cache;
        struct chunk *ch = find(cl, n);

        if (!ch) {
                ch = spare(c, false);
                if (!ch || settle(c, ch, cl, n) < 0)
                        return false;
                ch->ahead = true;
        }
        if (ch->queued || is_whole(ch))
                return true;
        ch->queued = true;
        ch->ticket = ++c->clock;
        (void)pthread_cond_signal(&c->work);
        return true;
}

static void plan(struct chunk_client *cl, const struct stream *s)
{
        struct chunkcache *c = cl->cache;
        unsigned active, depth;
        uint64_t n;

        if (c->n_threads == 0 || cl->maker->by_kernel || !stream_is_steady(s) || gate_is_stalled(cl->gate))
                return;
        active = streams_active(&c->streams, clock_ms());
        depth = (unsigned)(c->n_slots / (active ? active : 1));
        if (depth > c->n_threads + 2)
                depth = c->n_threads + 2;
        n = s->next / cl->chunk_bytes;
        /* With two slots each and less, readers make what they need themselves. */
        for (unsigned i = 0; depth > 1 && i < depth && (n + i) * cl->chunk_bytes < cl->size_bytes; i++)
                if (!queue(cl, n + i))
                        break;
}

/* ---- getting --------------------------------------------------------------------------------- */

/* Invariant 4: what is waited for may wait for a storage that does not answer, and then ours ends here. */
static void await(struct chunkcache *c, pthread_cond_t *what)
{
        struct timespec until = clock_after(LOOK_MS);

        (void)pthread_cond_timedwait(what, &c->mutex, &until);
}

static int await_slot(struct chunkcache *c, int64_t since_ms)
{
        if (clock_ms() - since_ms > CHUNK_PATIENCE_MS)
                return -EIO;
        await(c, &c->freed);
        return 0;
}

/* For the bytes before @to of @ch, which somebody else makes.  *at and *since_ms: how far that was, and since when. */
static int await_bytes(struct chunk *ch, size_t to, size_t *at, int64_t *since_ms)
{
        struct gate *gate = ch->client->gate;
        bool slow;

        if (*at != ch->job_at) {
                *at = ch->job_at;
                *since_ms = clock_ms();
        }
        /* The second: other calls come back, from the page cache or another disk, but ours may be one that hangs. */
        if (gate_is_stalled(gate) ||
                (clock_ms() - *since_ms >= CHUNK_PATIENCE_MS && gate_oldest_ms(gate) >= GATE_STALL_MS))
                return -EIO;
        if (to < ch->wanted)
                ch->wanted = to;
        slow = gate_oldest_ms(gate) > SLOW_MS;
        if (slow)
                atwork_wait(true);
        await(ch->cache, &ch->grew);
        if (slow)
                atwork_wait(false);
        return 0;
}

/* Makes @ch hold the bytes [@from, @to), or waits until it does; with the lock. */
static int fill(struct chunk *ch, size_t from, size_t to)
{
        size_t part, at = SIZE_MAX;
        int64_t since_ms = 0;
        int r = 0;

        while (r == 0 && !ch->failed && (part = lacking(ch, from, to)) < CHUNK_PARTS) {
                if (ch->running)
                        r = await_bytes(ch, to, &at, &since_ms);
                else if (gate_is_stalled(ch->client->gate)) /* what there is of it stays */
                        r = -EIO;
                else
                        run_step(ch, part, ATWORK_MAKE);
        }
        return r < 0 ? r : ch->failed;
}

/* The chunk's slot, held; with the lock. */
static int hold(struct chunk_client *cl, uint64_t n, struct chunk **ret)
{
        struct chunkcache *c = cl->cache;
        int64_t since_ms = clock_ms();
        struct chunk *ch;
        int r;

        while (!(ch = find(cl, n))) {
                if (gate_is_stalled(cl->gate)) /* nothing that is held gives way to what cannot be had */
                        return -EIO;
                ch = spare(c, true);
                r = ch ? settle(c, ch, cl, n) : await_slot(c, since_ms);
                if (r < 0)
                        return r;
        }
        ch->refs++;
        ch->ahead = false;
        ch->used = ++c->clock;
        *ret = ch;
        return 0;
}

int chunkcache_get(
        struct chunk_client *cl, uint64_t off, size_t len, struct chunk **ret, const unsigned char **ret_data)
{
        struct chunkcache *c = cl->cache;
        uint64_t n = off / cl->chunk_bytes;
        size_t from = (size_t)(off % cl->chunk_bytes);
        struct chunk *ch = NULL;
        int r;

        (void)pthread_mutex_lock(&c->mutex);
        r = hold(cl, n, &ch);
        if (r == 0) {
                c->hits += lacking(ch, from, from + len) == CHUNK_PARTS;
                plan(cl, streams_note(&c->streams, cl, off, len, clock_ms()));
                r = fill(ch, from, from + len);
                if (!ch->running)
                        wake(ch);
                if (ch->queued && !ch->running)
                        (void)pthread_cond_signal(&c->work);
                ch->spent |= r == 0 && cl->maker->by_kernel && from + len == ch->len;
                if (r < 0)
                        let_go(ch);
        }
        (void)pthread_mutex_unlock(&c->mutex);
        if (r < 0) {
                gate_tell(cl->gate);
                return r;
        }
        *ret = ch;
        *ret_data = ch->data + from;
        return 0;
}

void chunk_put(struct chunk *ch)
{
        struct chunkcache *c;

        if (!ch)
                return;
        c = ch->cache;
        (void)pthread_mutex_lock(&c->mutex);
        let_go(ch);
        (void)pthread_mutex_unlock(&c->mutex);
}

/* ---- coming and going ------------------------------------------------------------------------ */

struct chunk_client *chunkcache_join(struct chunkcache *c, const struct chunk_maker *maker, void *ctx,
        uint64_t size_bytes, size_t part_bytes, uint64_t archive, struct gate *gate)
{
        struct chunk_client *cl = calloc(1, sizeof *cl);
        size_t parts = c->chunk_bytes / part_bytes;

        parts = parts < CHUNK_PARTS ? parts : CHUNK_PARTS;
        if (cl)
                *cl = (struct chunk_client) { c, maker, ctx, size_bytes, parts * part_bytes, part_bytes,
                        archive, gate, false };
        return cl;
}

void chunkcache_leave(struct chunk_client *cl)
{
        struct chunkcache *c;

        if (!cl)
                return;
        c = cl->cache;
        (void)pthread_mutex_lock(&c->mutex);
        cl->leaving = true;
        for (size_t i = 0; i < c->n_slots; i++) {
                struct chunk *ch = &c->slots[i];

                while (ch->client == cl && ch->refs > 0)
                        (void)pthread_cond_wait(&c->freed, &c->mutex);
                if (ch->client == cl)
                        empty(ch);
        }
        streams_forget(&c->streams, cl);
        (void)pthread_cond_broadcast(&c->freed);
        (void)pthread_mutex_unlock(&c->mutex);
        free(cl);
}

static void chunkcache_freep(struct chunkcache **c)
{
        chunkcache_free(*c);
}

/* Signals are for the thread that waits for them. */
static int start_threads(struct chunkcache *c, unsigned n)
{
        sigset_t all, old;
        int r = 0;

        c->threads = calloc(n ? n : 1, sizeof *c->threads);
        if (!c->threads)
                return -ENOMEM;
        (void)sigfillset(&all);
        (void)pthread_sigmask(SIG_BLOCK, &all, &old);
        while (r == 0 && c->n_threads < n) {
                r = -pthread_create(&c->threads[c->n_threads], NULL, thread_main, c);
                (void)pthread_mutex_lock(&c->mutex); /* they read it */
                c->n_threads += r == 0;
                (void)pthread_mutex_unlock(&c->mutex);
        }
        (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
        return r;
}

int chunkcache_new(size_t memory_bytes, size_t chunk_bytes, size_t job_bytes, unsigned threads,
        struct chunkcache **ret, struct err *err)
{
        AUTO_CLEAN(chunkcache_freep) struct chunkcache *c = calloc(1, sizeof *c);
        int r;

        if (!c)
                return err_set(err, -ENOMEM, "out of memory");
        (void)pthread_mutex_init(&c->mutex, NULL);
        (void)pthread_cond_init(&c->work, NULL);
        (void)clock_cond_init(&c->freed);
        c->chunk_bytes = chunk_bytes;
        c->slot_bytes = chunk_bytes + job_bytes;
        c->n_slots = memory_bytes / c->slot_bytes;
        if (c->n_slots < 2)
                c->n_slots = 2;
        c->slots = calloc(c->n_slots, sizeof *c->slots);
        if (!c->slots)
                return err_set(err, -ENOMEM, "out of memory");
        for (size_t i = 0; i < c->n_slots; i++) {
                c->slots[i].cache = c;
                (void)clock_cond_init(&c->slots[i].grew);
        }
        r = start_threads(c, threads);
        if (r < 0)
                return err_sys(err, r, "start a thread for reading ahead");
        *ret = take_ptr(&c);
        return 0;
}

void chunkcache_free(struct chunkcache *c)
{
        if (!c)
                return;
        (void)pthread_mutex_lock(&c->mutex);
        c->stop = true;
        (void)pthread_cond_broadcast(&c->work);
        (void)pthread_mutex_unlock(&c->mutex);
        for (unsigned i = 0; i < c->n_threads; i++)
                (void)pthread_join(c->threads[i], NULL);
        for (size_t i = 0; c->slots && i < c->n_slots; i++) {
                free(c->slots[i].data);
                (void)pthread_cond_destroy(&c->slots[i].grew);
        }
        (void)pthread_cond_destroy(&c->freed);
        (void)pthread_cond_destroy(&c->work);
        (void)pthread_mutex_destroy(&c->mutex);
        free(c->threads);
        free(c->slots);
        free(c);
}

void chunkcache_stats(struct chunkcache *c, struct chunkcache_stats *ret)
{
        *ret = (struct chunkcache_stats) { .limit_bytes = c->n_slots * c->slot_bytes };
        (void)pthread_mutex_lock(&c->mutex);
        ret->begun = c->begun;
        ret->made_bytes = c->made_bytes;
        ret->hits = c->hits;
        for (size_t i = 0; i < c->n_slots; i++)
                ret->held_bytes += (c->slots[i].data ? c->chunk_bytes : 0) +
                                   (c->slots[i].job ? c->slot_bytes - c->chunk_bytes : 0);
        (void)pthread_mutex_unlock(&c->mutex);
}
