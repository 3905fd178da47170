/* SPDX-License-Identifier: MPL-2.0 */
/* raw -- the file is the stream: a feed for the first pass, and a source that gives it as it lies there.
 *
 * The feed reads whole blocks and keeps their sums, by which they are known again when they are served (checked.c).  A
 * reader that seeks (libarchive, in an ISO) comes to some blocks twice and to others never: one that is read again must be
 * what it was, and who wants the sums reads the blocks left over before (raw_feed_unread).  So the sums are those of the
 * very bytes that the first pass saw.
 *
 * Invariants
 *   1. Bytes read by the source are returned only if the identity after the read is the one that was verified.
 *   2. A reader outlives the removal of its archive (identity_still).
 *   3. All that the feed ever gave of a block had the sum that raw_feed_take_sums gives for it.
 * mmap is not used: a file cut short under a mapping is a SIGBUS, under pread an error.
 * Locks: none; pread needs no shared offset.
 */
#include "archive/raw.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive/source_impl.h"
#include "base/cleanup.h"

/* ---- the source ------------------------------------------------------------------------------ */

struct raw {
        struct source base; /* first: a struct source is one of these */
        struct identity want;
        int fd; /* owned */
};

static ssize_t raw_pread(struct source *s, void *buf, size_t len, uint64_t off_raw)
{
        struct raw *raw = (struct raw *)s;
        ssize_t got = source_read_file(NULL, raw->fd, buf, len, off_raw);
        int r;

        if (got < 0)
                return got;
        r = identity_still(raw->fd, &raw->want);
        if (r < 0)
                return r;
        return got == (ssize_t)len ? got : -EIO;
}

static int raw_still(struct source *s)
{
        struct raw *raw = (struct raw *)s;

        return identity_still(raw->fd, &raw->want);
}

static void raw_close(struct source *s)
{
        struct raw *raw = (struct raw *)s;

        close(raw->fd);
        free(raw);
}

int source_open_raw(int fd, const struct identity *want, struct source **ret, struct err *err)
{
        static const struct source_kind kind = { raw_pread, NULL, raw_still, NULL, raw_close };
        struct raw *raw;
        int r = identity_still(fd, want);

        if (r == -ESTALE)
                return err_set(err, r, "the file is no longer the one that was verified");
        if (r < 0)
                return err_sys(err, r, "fstat");
        raw = calloc(1, sizeof *raw);
        if (!raw)
                return err_set(err, -ENOMEM, "out of memory");
        *raw = (struct raw) { { &kind, want->size_bytes }, *want, fd };
        *ret = &raw->base;
        return 0;
}

/* ---- the feed -------------------------------------------------------------------------------- */

struct raw_feed {
        int fd; /* borrowed */
        struct identity id;
        uint64_t off_raw;       /* of what comes next */
        struct blocksums *sums; /* owned */
        bool *seen;             /* owned; blocks whose sum is known */
        size_t n_unseen, first_unseen;
        size_t held; /* the block in buf; SIZE_MAX: none */
        unsigned char buf[BLOCKSUMS_BYTES];
};

static int check_unchanged(const struct raw_feed *f, struct err *err)
{
        struct identity now;
        int r = identity_of_fd(f->fd, &now);

        if (r < 0)
                return err_sys(err, r, "fstat");
        return identity_equal(&now, &f->id) ? 0 : err_set(err, -ESTALE, "the file changed while it was read");
}

/* Reads block @n into buf. */
static int take_block(struct raw_feed *f, size_t n, struct err *err)
{
        size_t len = blocksums_len(f->sums, n);
        unsigned long long off = (unsigned long long)n * f->sums->block_bytes;
        ssize_t got = source_read_file(NULL, f->fd, f->buf, len, off);
        int r;

        f->held = SIZE_MAX;
        if (got < 0)
                return err_sys(err, (int)got, "read at byte %llu", off);
        if ((size_t)got < len)
                return err_set(err, -ESTALE, "the file was cut short while it was read");
        if (!f->seen[n]) {
                f->sums->crcs[n] = blocksums_crc(f->buf, len);
                f->seen[n] = true;
                f->n_unseen--;
        } else if (!blocksums_agree(f->sums, n, f->buf)) {
                r = check_unchanged(f, err);
                return r < 0 ? r
                             : err_set(err, -EIO,
                                       "the %zu bytes at byte %llu are other ones each time they are read",
                                       len, off);
        }
        f->held = n;
        return 0;
}

static ssize_t feed_next(void *ctx, const void **ret_data, struct err *err)
{
        struct raw_feed *f = ctx;
        size_t n = (size_t)(f->off_raw / f->sums->block_bytes);
        size_t from = (size_t)(f->off_raw % f->sums->block_bytes), len;
        int r;

        if (f->off_raw == f->id.size_bytes)
                return check_unchanged(f, err);
        r = f->held == n ? 0 : take_block(f, n, err);
        if (r < 0)
                return r;
        len = blocksums_len(f->sums, n) - from;
        f->off_raw += len;
        *ret_data = f->buf + from;
        return (ssize_t)len;
}

static int feed_seek(void *ctx, uint64_t off_raw, struct err *err)
{
        struct raw_feed *f = ctx;

        if (off_raw > f->id.size_bytes)
                return err_set(
                        err, -EBADMSG, "it points to byte %llu, behind its end", (unsigned long long)off_raw);
        f->off_raw = off_raw;
        return 0;
}

int raw_feed_begin(int fd, const struct blocksums *known, struct raw_feed **ret, struct err *err)
{
        AUTO_CLEAN(raw_feed_endp) struct raw_feed *f = calloc(1, sizeof *f);
        int r;

        if (!f)
                return err_set(err, -ENOMEM, "out of memory");
        f->fd = fd;
        f->held = SIZE_MAX;
        r = identity_of_fd(fd, &f->id);
        if (r < 0)
                return err_sys(err, r, "fstat");
        if (known && known->raw_bytes != f->id.size_bytes)
                return err_set(err, -ESTALE, "the file is of another length than its check sums");
        r = blocksums_new(f->id.size_bytes, BLOCKSUMS_BYTES, &f->sums);
        if (r == -EFBIG)
                return err_set(err, r, "it is larger than %llu GiB",
                        (unsigned long long)BLOCKSUMS_BYTES * BLOCKSUMS_MAX >> 30);
        if (r == 0)
                f->seen = calloc(f->sums->n_blocks + 1, sizeof *f->seen);
        if (!f->seen)
                return err_set(err, -ENOMEM, "out of memory");
        f->n_unseen = f->sums->n_blocks;
        if (known && known->block_bytes == f->sums->block_bytes) {
                memcpy(f->sums->crcs, known->crcs, known->n_blocks * sizeof *known->crcs);
                memset(f->seen, true, known->n_blocks * sizeof *f->seen);
                f->n_unseen = 0;
        }
        *ret = take_ptr(&f);
        return 0;
}

struct feed raw_feed(struct raw_feed *f)
{
        return (struct feed) { f, feed_next, feed_seek, f->id.size_bytes };
}

uint64_t raw_feed_off(const struct raw_feed *f)
{
        return f->off_raw;
}

bool raw_feed_unread(struct raw_feed *f, uint64_t *ret_off_raw)
{
        if (f->n_unseen == 0)
                return false;
        while (f->seen[f->first_unseen])
                f->first_unseen++;
        *ret_off_raw = (uint64_t)f->first_unseen * f->sums->block_bytes;
        return true;
}

struct blocksums *raw_feed_take_sums(struct raw_feed *f)
{
        return f->n_unseen == 0 ? take_ptr(&f->sums) : NULL;
}

void raw_feed_end(struct raw_feed *f)
{
        if (!f)
                return;
        blocksums_free(f->sums);
        free(f->seen);
        free(f);
}
