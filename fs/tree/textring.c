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
 *   1. Every record in the window [head - size, head) is whole.
 *   2. The newest record of an id is the one that counts; textring_put never leaves two of one id reachable
 *      in the wrong order, because chains run from new to old.
 * There are no pointers in the block, so that it can live in memory that outlives the process.
 * Lock: one mutex, innermost, held for copies of a few kilobytes.
 */
#include "tree/textring.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 8192u /* power of two; about one text each in 16 MiB */
#define NOWHERE 0     /* position 0 is never used: head starts at one lap */

struct record {
        uint64_t id;
        uint64_t pos;  /* its own position */
        uint64_t prev; /* position of the next older one in its bucket, or NOWHERE */
        uint64_t len;  /* bytes of text that follow */
};

struct textring {
        pthread_mutex_t lock;
        uint64_t size; /* bytes of block, a multiple of 16 */
        uint64_t head;
        uint64_t bucket[BUCKETS];
        _Alignas(16) unsigned char block[];
};

struct textring *textring_new(size_t size_bytes)
{
        size_t size = size_bytes / 16 * 16;
        struct textring *r = calloc(1, sizeof *r + size);

        if (!r)
                return NULL;
        pthread_mutex_init(&r->lock, NULL);
        r->size = size;
        r->head = size;
        return r;
}

void textring_free(struct textring *r)
{
        if (!r)
                return;
        pthread_mutex_destroy(&r->lock);
        free(r);
}

static uint64_t *bucket_of(struct textring *r, uint64_t id)
{
        return &r->bucket[(id ^ id >> 32) * UINT64_C(0x9e3779b97f4a7c15) >> 32 & (BUCKETS - 1)];
}

static void *at(struct textring *r, uint64_t pos)
{
        return r->block + pos % r->size;
}

/* The newest record of @id, or NULL.  Called with the lock held. */
static struct record *find(struct textring *r, uint64_t id)
{
        uint64_t pos = *bucket_of(r, id);

        while (pos != NOWHERE && pos + r->size >= r->head) {
                struct record *rec = at(r, pos);

                if (rec->id == id)
                        return rec;
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
        uint64_t room = room_for(len), left;
        struct record *rec;

        if (len > r->size / 4)
                return -EFBIG;
        pthread_mutex_lock(&r->lock);
        rec = find(r, id);
        /* Still there and in the newer half: nothing to do, and a boot storm does not turn the ring. */
        if (rec && rec->len == len && memcmp(rec + 1, text, len) == 0 && rec->pos + r->size / 2 >= r->head) {
                pthread_mutex_unlock(&r->lock);
                return 0;
        }
        left = r->size - r->head % r->size;
        if (left < room)
                r->head += left;
        rec = at(r, r->head);
        *rec = (struct record) { .id = id, .pos = r->head, .prev = *bucket_of(r, id), .len = len };
        memcpy(rec + 1, text, len);
        *bucket_of(r, id) = r->head;
        r->head += room;
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
        ret->written_bytes = r->head - r->size; /* head starts at one lap */
        ret->limit_bytes = r->size;
        pthread_mutex_unlock(&r->lock);
        ret->held_bytes = ret->written_bytes < ret->limit_bytes ? ret->written_bytes : ret->limit_bytes;
}
