/* SPDX-License-Identifier: MPL-2.0 */
/* sparse -- which bytes of the history matter is found by decoding with another history and comparing.
 *
 * What a deflate decoder does depends on its input alone, never on the bytes it copies.  So a byte of output that was
 * copied from the history, at whatever remove, changes when the history does, and any other does not.  Each byte of the
 * history gets a label, another value than its own; the same input is decoded once with the history and once with the
 * labels.  Where the two outputs differ, the pair (real byte, label) was copied from the history: all bytes of the
 * history with this pair are kept.  There are 255 labels for each value, so mostly that is one byte; for frequent
 * values, and those are few and compress to nothing, a handful more.
 *
 * A distance is at most 32 KiB (RFC 1951, section 3.2.5): decoding so much beyond the history meets every reference into
 * it, and what comes later refers to what was decoded here.
 *
 * Then the sparse state itself is decoded from, and must give the same bytes.  That proves it for all that follows, by
 * the same argument; the reasoning above only decides how small it gets.
 *
 * Locks: none.  Limits: an input that gives less than 32 KiB of output for 1 MiB is not gone through.
 */
#include "archive/sparse.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

#define WINDOW_BYTES 32768u
#define KEPT_MAX     (2u * WINDOW_BYTES + 512)
#define IN_BYTES     (48u * 1024) /* 32 KiB that were not compressed, and a header */
#define IN_MAX       (1u << 20)

struct sparse {
        const struct inflate_kind *kind;
        struct inflate *z; /* owned */
        unsigned char was[WINDOW_BYTES + KEPT_MAX], label[WINDOW_BYTES];
        unsigned char got[WINDOW_BYTES + KEPT_MAX], other[WINDOW_BYTES + KEPT_MAX];
        bool copied[256][256]; /* [real byte][label] */
        unsigned char in[IN_BYTES];
};

struct sparse *sparse_new(const struct inflate_kind *kind)
{
        AUTO_CLEAN(sparse_freep) struct sparse *t = malloc(sizeof *t);

        if (!t)
                return NULL;
        t->kind = kind;
        t->z = kind->begin();
        return t->z ? take_ptr(&t) : NULL;
}

void sparse_free(struct sparse *t)
{
        if (t)
                t->kind->end(t->z);
        free(t);
}

/* Decodes at most @len bytes from @state on.  Their number, fewer only at the end of the deflate stream; a negative
 * errno, -EBADMSG also for what cannot be gone through. */
static ssize_t decode(struct sparse *t, int fd, uint64_t off_tgz, const struct buf *state, unsigned char *to,
        size_t len, uint64_t *ret_skip)
{
        struct inflate_io io = { .out = to, .out_len = len };
        size_t all = 0;
        int r = t->kind->resume(t->z, state->data, state->len, ret_skip);

        while (r == INFLATE_MORE && io.out_len > 0) {
                if (io.in_len == 0) {
                        ssize_t n = pread(fd, t->in, sizeof t->in, (off_t)(off_tgz + all));

                        if (n <= 0 || all > IN_MAX)
                                return n < 0 ? -errno : -EBADMSG;
                        all += (size_t)n;
                        io.in = t->in;
                        io.in_len = (size_t)n;
                }
                r = t->kind->run(t->z, &io);
        }
        return r < 0 ? r : (ssize_t)(len - io.out_len);
}

/* Gives each byte of t->was a label other than itself, and the bytes of one value as many labels as there are. */
static void make_labels(struct sparse *t, size_t n)
{
        unsigned count[256] = { 0 }, seen[256] = { 0 };

        for (size_t i = 0; i < n; i++)
                count[t->was[i]]++;
        for (size_t i = 0; i < n; i++) {
                unsigned v = t->was[i], each = (count[v] + 254) / 255;

                t->label[i] = (unsigned char)(v + 1 + seen[v]++ / each);
        }
}

static void note_copied(struct sparse *t, size_t len)
{
        memset(t->copied, 0, sizeof t->copied);
        for (size_t i = 0; i < len; i++)
                if (t->got[i] != t->other[i])
                        t->copied[t->got[i]][t->other[i]] = true;
}

int sparse_make(struct sparse *t, int fd, uint64_t off_tgz, struct buf *state,
        const struct inflate_saved *how, const unsigned char *real, size_t real_len)
{
        size_t n = how->history - how->kept, len = WINDOW_BYTES + how->kept;
        unsigned char *history = (unsigned char *)state->data + state->len - how->history;
        uint64_t skip;
        ssize_t got, other;

        if (how->kept > KEPT_MAX || n > WINDOW_BYTES)
                return 1;
        got = decode(t, fd, off_tgz, state, t->got, len, &skip);
        if (got < 0)
                return got == -EBADMSG ? 1 : (int)got;
        for (size_t i = skip; i < (size_t)got && i - skip < real_len; i++)
                if (t->got[i] != real[i - skip])
                        return -EBADMSG;
        memcpy(t->was, history, n);
        make_labels(t, n);
        memcpy(history, t->label, n);
        other = decode(t, fd, off_tgz, state, t->other, len, &skip);
        if (other == got) {
                note_copied(t, (size_t)got);
                for (size_t i = 0; i < n; i++)
                        history[i] = t->copied[t->was[i]][t->label[i]] ? t->was[i] : 0;
                other = decode(t, fd, off_tgz, state, t->other, len, &skip);
                if (other == got && memcmp(t->got, t->other, (size_t)got) == 0)
                        return 0;
        }
        memcpy(history, t->was, n);
        return other < 0 && other != -EBADMSG ? (int)other : 1;
}
