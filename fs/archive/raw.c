/* SPDX-License-Identifier: MPL-2.0 */
/* raw -- the file is the stream: a source over it, and a feed for the first pass.
 *
 * Nothing in a tar or an ISO tells a verified byte from another, so the file itself must prove that it is
 * still the one that was verified: its identity is compared after each read (0.3 us), before the bytes are
 * handed on.
 *
 * Invariants
 *   1. Bytes read are returned only if the identity after the read is the one that was verified.
 *   2. A reader outlives the removal of its archive (identity_still).
 * mmap is not used: a file cut short under a mapping is a SIGBUS, under pread an error.
 * Locks: none; pread needs no shared offset.
 */
#include "archive/raw.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "archive/source_impl.h"
#include "base/cleanup.h"

#define CHUNK_BYTES (256u * 1024)

/* ---- the source ------------------------------------------------------------------------------ */

struct raw {
        struct source base; /* first: a struct source is one of these */
        struct identity want;
        int fd; /* owned */
};

static ssize_t raw_pread(struct source *s, void *buf, size_t len, uint64_t off_raw)
{
        struct raw *raw = (struct raw *)s;
        size_t done = 0;
        int r;

        while (done < len) {
                ssize_t n = pread(raw->fd, (char *)buf + done, len - done, (off_t)(off_raw + done));

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                done += (size_t)n;
        }
        r = identity_still(raw->fd, &raw->want);
        if (r < 0)
                return r;
        return done == len ? (ssize_t)len : -EIO;
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
        static const struct source_kind kind = { raw_pread, NULL, raw_still, raw_close };
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
        uint64_t off_raw; /* of the next chunk */
        unsigned char buf[CHUNK_BYTES];
};

static ssize_t feed_next(void *ctx, const void **ret_data, struct err *err)
{
        struct raw_feed *f = ctx;
        uint64_t left = f->id.size_bytes - f->off_raw;
        ssize_t n;

        if (left == 0) {
                struct identity now;
                int r = identity_of_fd(f->fd, &now);

                if (r < 0)
                        return err_sys(err, r, "fstat");
                return identity_equal(&now, &f->id)
                               ? 0
                               : err_set(err, -ESTALE, "the file changed while it was read");
        }
        do
                n = pread(f->fd, f->buf, left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES, (off_t)f->off_raw);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return err_sys(err, -errno, "read at byte %llu", (unsigned long long)f->off_raw);
        if (n == 0)
                return err_set(err, -ESTALE, "the file was cut short while it was read");
        f->off_raw += (uint64_t)n;
        *ret_data = f->buf;
        return n;
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

int raw_feed_begin(int fd, struct raw_feed **ret, struct err *err)
{
        AUTO_CLEAN(raw_feed_endp) struct raw_feed *f = malloc(sizeof *f);
        int r;

        if (!f)
                return err_set(err, -ENOMEM, "out of memory");
        f->fd = fd;
        f->off_raw = 0;
        r = identity_of_fd(fd, &f->id);
        if (r < 0)
                return err_sys(err, r, "fstat");
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

void raw_feed_end(struct raw_feed *f)
{
        free(f);
}
