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
 * Then the sparse state itself is decoded from, and must give what really follows.  That proves it for all that comes
 * later, by the same argument; the reasoning above only decides how small it gets.
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
        uint64_t in_off;       /* of @in in the file */
        size_t in_len;
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

/* Input at @off to t->in, if it is not there yet.  Its length or a negative errno. */
static ssize_t fetch(struct sparse *t, int fd, uint64_t off)
{
        ssize_t n;

        if (t->in_len > 0 && t->in_off == off)
                return (ssize_t)t->in_len;
        n = pread(fd, t->in, sizeof t->in, (off_t)off);
        t->in_off = off;
        t->in_len = n > 0 ? (size_t)n : 0;
        return n < 0 ? -errno : n;
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
                        ssize_t n = fetch(t, fd, off_tgz + all);

                        if (n <= 0 || all > IN_MAX)
                                return n < 0 ? n : -EBADMSG;
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
        unsigned count[256] = { 0 }, left[256] = { 0 };
        unsigned char label[256] = { 0 };

        for (size_t i = 0; i < n; i++)
                count[t->was[i]]++;
        for (size_t i = 0; i < n; i++) {
                unsigned v = t->was[i];

                if (left[v] == 0) { /* the next label, for its share of them */
                        left[v] = (count[v] + 254) / 255;
                        label[v]++;
                }
                left[v]--;
                t->label[i] = (unsigned char)(v + label[v]);
        }
}

/* Notes the pairs in which @real and t->other differ. */
static void note_copied(struct sparse *t, const unsigned char *real, size_t len)
{
        memset(t->copied, 0, sizeof t->copied);
        for (size_t i = 0; i < len; i++) {
                if (i % 16 == 0 && i + 16 <= len && memcmp(real + i, t->other + i, 16) == 0)
                        i += 15; /* most is alike */
                else if (real[i] != t->other[i])
                        t->copied[real[i]][t->other[i]] = true;
        }
}

/* What the whole state decodes to, from the history's end on: @real itself, where that is long enough, else t->got.
 * Returns its length, or as decode(); -EILSEQ: it is not what really follows. */
static ssize_t decode_whole(struct sparse *t, int fd, uint64_t off_tgz, const struct buf *state,
        const struct inflate_saved *how, const unsigned char *real, size_t real_len, bool sure)
{
        size_t len = WINDOW_BYTES + how->kept;
        uint64_t skip;
        ssize_t got;

        if (!sure && how->skip == 0 && real_len >= len) {
                memcpy(t->got, real, len);
                return (ssize_t)len;
        }
        got = decode(t, fd, off_tgz, state, t->got, len, &skip);
        for (ssize_t i = (ssize_t)how->skip; i < got && (size_t)i - how->skip < real_len; i++)
                if (t->got[i] != real[(size_t)i - how->skip])
                        return -EILSEQ;
        return got;
}

/* Tries it; 0, or what sparse_make says of a state it left. */
static int try_sparse(struct sparse *t, int fd, uint64_t off_tgz, struct buf *state, unsigned char *history,
        size_t n, size_t len, size_t got)
{
        uint64_t skip;
        ssize_t other, again;

        make_labels(t, n);
        memcpy(history, t->label, n);
        other = decode(t, fd, off_tgz, state, t->other, len, &skip);
        if (other < 0 || (size_t)other > got)
                return other < 0 && other != -EBADMSG ? (int)other : 1;
        note_copied(t, t->got, (size_t)other);
        for (size_t i = 0; i < n; i++)
                history[i] = t->copied[t->was[i]][t->label[i]] ? t->was[i] : 0;
        again = decode(t, fd, off_tgz, state, t->other, len, &skip);
        if (again < 0 && again != -EBADMSG)
                return (int)again;
        return again == other && memcmp(t->got, t->other, (size_t)again) == 0 ? 0 : 1;
}

int sparse_make(struct sparse *t, int fd, uint64_t off_tgz, struct buf *state,
        const struct inflate_saved *how, const unsigned char *real, size_t real_len)
{
        size_t n = how->history - how->kept;
        unsigned char *history = (unsigned char *)state->data + state->len - how->history;
        ssize_t got;
        int r;

        if (how->kept > KEPT_MAX || n > WINDOW_BYTES)
                return 1;
        t->in_len = 0; /* the file may have changed */
        got = decode_whole(t, fd, off_tgz, state, how, real, real_len, false);
        if (got >= 0) {
                memcpy(t->was, history, n);
                r = try_sparse(t, fd, off_tgz, state, history, n, WINDOW_BYTES + how->kept, (size_t)got);
                if (r == 0)
                        return 0;
                memcpy(history, t->was, n);
                if (r < 0)
                        return r;
                got = decode_whole(t, fd, off_tgz, state, how, real, real_len, true);
        }
        return got >= 0 || got == -EBADMSG ? 1 : got == -EILSEQ ? -EBADMSG : (int)got;
}
