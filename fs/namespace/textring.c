/* SPDX-License-Identifier: MPL-2.0 */
/* textring -- a log of texts in one flat block.
 *
 * Records are appended at `head`, a position that only grows; a record at position p lies at p modulo the
 * size and never crosses the end of the block (the rest of a lap is skipped).  What is older than head -
 * size has been overwritten. Each bucket of the index holds the position of its newest record; a record
 * holds the position of the one before it in the same bucket.  A position below the window is simply the
 * end of the chain, so overwriting needs no bookkeeping.
 *
 * Invariants
 *   1. Every record that a bucket leads to in the window [head - size, head) is whole, at every instruction: a put takes
 *      its space by moving head, which retires what was there; then writes the record; then enters it in its bucket.  A
 *      process killed in between loses the text it was putting, and space until the head comes round again.
 *   2. The newest record of an id is the one that counts; textring_put never leaves two of one id reachable
 *      in the wrong order, because chains run from new to old.
 *   3. What stands in the block is not believed: positions are checked before they are followed, chains are followed so far
 *      and no further, and a text that this process has not put there itself is one only if the check says so (find).
 * There are no pointers in the block, so that it can live in memory that outlives the process; one process at a time.
 * Lock: one mutex, in the process, innermost, held for copies of a few kilobytes.
 */
#include "namespace/textring.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS  8192u                        /* power of two; about one text each in 16 MiB */
#define NOWHERE  0                            /* position 0 is never used: head starts at one lap */
#define MAX_HOPS 4096                         /* in a chain; 16 MiB of the shortest texts make 64 */
#define MAGIC    UINT64_C(0x31676e6972747870) /* "pxtring1" */

struct record {
        uint64_t id;
        uint64_t pos;  /* its own position */
        uint64_t prev; /* position of the next older one in its bucket, or NOWHERE */
        uint64_t len;  /* bytes of text that follow */
};

struct shared {
        uint64_t magic; /* written last */
        uint64_t size;  /* bytes of block, a multiple of 16 */
        _Atomic uint64_t head;
        _Atomic uint64_t bucket[BUCKETS];
        _Alignas(16) unsigned char block[];
};

struct textring {
        pthread_mutex_t lock;
        struct shared *mem;       /* borrowed, or owned */
        uint64_t size;            /* as mem->size was when it was checked */
        uint64_t own_pos;         /* what stands before was put there by another process */
        textring_check_fn *check; /* NULL: all is believed */
        void *check_ctx;
        bool owned;
};

struct textring *textring_attach(void *mem, size_t bytes)
{
        struct textring *r;
        struct shared *m = mem;
        uint64_t size;

        if (bytes < sizeof *m + 64)
                return NULL;
        r = calloc(1, sizeof *r);
        if (!r)
                return NULL;
        size = (bytes - sizeof *m) / 16 * 16;
        pthread_mutex_init(&r->lock, NULL);
        r->mem = m;
        r->size = size;
        /* So far no head comes: a larger one would soon wrap round. */
        if (m->magic == MAGIC && m->size == size && m->head >= size && m->head % 16 == 0 &&
                m->head <= UINT64_MAX / 2) {
                r->own_pos = m->head;
                return r;
        }
        m->magic = 0; /* new, or damaged: empty */
        atomic_thread_fence(memory_order_seq_cst);
        m->size = size;
        atomic_store(&m->head, size);
        for (size_t i = 0; i < BUCKETS; i++)
                atomic_store(&m->bucket[i], NOWHERE);
        atomic_thread_fence(memory_order_seq_cst);
        m->magic = MAGIC;
        return r;
}

struct textring *textring_new(size_t size_bytes)
{
        size_t bytes = sizeof(struct shared) + size_bytes / 16 * 16;
        void *mem = aligned_alloc(16, bytes);
        struct textring *r = NULL;

        if (mem) {
                ((struct shared *)mem)->magic = 0;
                r = textring_attach(mem, bytes);
        }
        if (r)
                r->owned = true;
        else
                free(mem);
        return r;
}

void textring_free(struct textring *r)
{
        if (!r)
                return;
        pthread_mutex_destroy(&r->lock);
        if (r->owned)
                free(r->mem);
        free(r);
}

static _Atomic uint64_t *bucket_of(struct textring *r, uint64_t id)
{
        return &r->mem->bucket[(id ^ id >> 32) * UINT64_C(0x9e3779b97f4a7c15) >> 32 & (BUCKETS - 1)];
}

static void *at(struct textring *r, uint64_t pos)
{
        return r->mem->block + pos % r->size;
}

void textring_set_check(struct textring *r, textring_check_fn *check, void *ctx)
{
        r->check = check;
        r->check_ctx = ctx;
}

static bool is_true(const struct textring *r, const struct record *rec)
{
        return rec->pos >= r->own_pos || !r->check || r->check(r->check_ctx, rec->id, rec + 1, rec->len);
}

/* The newest record of @id, or NULL.  Called with the lock held. */
static struct record *find(struct textring *r, uint64_t id)
{
        uint64_t pos = *bucket_of(r, id), head = r->mem->head;

        for (unsigned hops = 0; hops < MAX_HOPS && pos != NOWHERE && pos + r->size >= head; hops++) {
                struct record *rec = at(r, pos);
                uint64_t room = r->size - pos % r->size;

                if (pos >= head || pos % 16 != 0 || room < sizeof *rec || rec->pos != pos ||
                        rec->prev >= pos || rec->len > room - sizeof *rec)
                        return NULL; /* invariant 3 */
                if (rec->id == id)
                        return is_true(r, rec) ? rec : NULL;
                pos = rec->prev;
        }
        return NULL;
}

static uint64_t room_for(size_t len)
{
        return (sizeof(struct record) + len + 15) / 16 * 16;
}

enum textring_state textring_peek(struct textring *r, uint64_t id, const void *text, size_t len)
{
        enum textring_state s = TEXTRING_ABSENT;
        struct record *rec;

        pthread_mutex_lock(&r->lock);
        rec = find(r, id);
        if (rec)
                s = rec->len == len && memcmp(rec + 1, text, len) == 0 ? TEXTRING_SAME : TEXTRING_OTHER;
        pthread_mutex_unlock(&r->lock);
        return s;
}

int textring_put(struct textring *r, uint64_t id, const void *text, size_t len)
{
        uint64_t room = room_for(len), left, pos;
        struct record *rec;

        if (len > r->size / 4)
                return -EFBIG;
        pthread_mutex_lock(&r->lock);
        rec = find(r, id);
        /* Still there and in the newer half: nothing to do, and a boot storm does not turn the ring. */
        if (rec && rec->len == len && memcmp(rec + 1, text, len) == 0 &&
                rec->pos + r->size / 2 >= r->mem->head) {
                pthread_mutex_unlock(&r->lock);
                return 0;
        }
        pos = r->mem->head;
        left = r->size - pos % r->size;
        if (left < room)
                pos += left;
        /* Invariant 1: the order of these three.  The fences are for the compiler: who looks next is another process, after
         * this one has ended. */
        atomic_store(&r->mem->head, pos + room);
        atomic_thread_fence(memory_order_seq_cst);
        rec = at(r, pos);
        *rec = (struct record) { .id = id, .pos = pos, .prev = *bucket_of(r, id), .len = len };
        memcpy(rec + 1, text, len);
        atomic_thread_fence(memory_order_seq_cst);
        atomic_store(bucket_of(r, id), pos);
        pthread_mutex_unlock(&r->lock);
        return 0;
}

ssize_t textring_read(struct textring *r, uint64_t id, void *buf, size_t len, uint64_t off)
{
        ssize_t n = -ENOENT;
        struct record *rec;

        pthread_mutex_lock(&r->lock);
        rec = find(r, id);
        if (rec) {
                n = 0;
                if (off < rec->len) {
                        n = (ssize_t)(len < rec->len - off ? len : rec->len - off);
                        memcpy(buf, (unsigned char *)(rec + 1) + off, (size_t)n);
                }
        }
        pthread_mutex_unlock(&r->lock);
        return n;
}

int64_t textring_size(struct textring *r, uint64_t id)
{
        int64_t n = -ENOENT;
        struct record *rec;

        pthread_mutex_lock(&r->lock);
        rec = find(r, id);
        if (rec)
                n = (int64_t)rec->len;
        pthread_mutex_unlock(&r->lock);
        return n;
}

void textring_stats(struct textring *r, struct textring_stats *ret)
{
        pthread_mutex_lock(&r->lock);
        ret->written_bytes = r->mem->head - r->size; /* head starts at one lap */
        ret->limit_bytes = r->size;
        pthread_mutex_unlock(&r->lock);
        ret->held_bytes = ret->written_bytes < ret->limit_bytes ? ret->written_bytes : ret->limit_bytes;
}
