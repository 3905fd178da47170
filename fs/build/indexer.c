/* SPDX-License-Identifier: MPL-2.0 */
/* indexer -- the one pass: gunzip, CRC, checkpoints (or spool), members and SHA-1 all see each chunk while it is in
 * the processor's cache.
 *
 * Invariants
 *   1. Success means: the whole stream was decoded and agreed with every check sum there is, while the
 *      file's identity stayed @id.
 *   2. A verdict (-EBADMSG) is about the bytes; trouble of the machine never becomes one.
 * Limits: below.  Locks: none; blocking for as long as decoding takes.
 */
#include "build/indexer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive/filter.h"
#include "archive/raw.h"
#include "archive/spool.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "build/filedigest.h"
#include "build/skips.h"
#include "build/verify.h"

static const struct members_limits limits = {
        .max_members = LAYOUT_MAX_ENTRIES - 1,
        .max_total_bytes = UINT64_C(64) << 30, /* holes count: a sparse file costs its maker nothing */
        .max_name_bytes = 65535,
        .max_names_bytes = (size_t)128 << 20, /* a million names of 128 bytes */
};

static int unchanged(int fd, const struct identity *id, struct err *err)
{
        struct identity now;
        int r = identity_of_fd(fd, &now);

        if (r < 0)
                return err_sys(err, r, "fstat");
        return identity_equal(&now, id) ? 0 : err_set(err, -ESTALE, "it changed while it was read");
}

/* Over a limit of ours is a verdict too. */
static int verdict(int r)
{
        return r == -E2BIG || r == -EFBIG ? -EBADMSG : r;
}

static int read_raw(int fd, const struct identity *id, struct verify *v, struct indexed *x,
        struct members **ret, struct err *err)
{
        AUTO_CLEAN(raw_feed_endp) struct raw_feed *f = NULL;
        AUTO_CLOSE int own = -1;
        struct feed feed;
        int r = raw_feed_begin(fd, &f, err);

        if (r < 0)
                return r;
        feed = raw_feed(f);
        r = members_read(&feed, &limits, verify_observe, v, ret, err);
        if (r < 0)
                return verdict(r);
        own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
        if (own < 0)
                return err_sys(err, -errno, "dup");
        r = source_open_raw(own, id, &x->src, err);
        if (r == 0)
                (void)take_fd(&own);
        return r;
}

/* A compressed ISO: its records are not in order, so the first pass only decodes. */
static int read_spooled_iso(struct spool_writer *w, struct feed *feed, int dirfd, const char *name,
        struct verify *v, struct indexed *x, struct members **ret, struct err *err)
{
        AUTO_CLEAN(raw_feed_endp) struct raw_feed *f = NULL;
        AUTO_CLOSE int fd = -1;
        struct feed iso;
        const void *data;
        ssize_t n;
        int r;

        do
                n = feed->next(feed->ctx, &data, err);
        while (n > 0);
        if (n < 0)
                return (int)n;
        x->spooled = true;
        r = spool_commit(w, name, &x->spool_id, &x->src, err);
        if (r < 0)
                return r;
        fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0)
                return err_sys(err, -errno, "spool %s", name);
        r = raw_feed_begin(fd, &f, err);
        if (r < 0)
                return r;
        iso = raw_feed(f);
        return verdict(members_read(&iso, &limits, verify_observe, v, ret, err));
}

static int read_spooled(int fd, int dirfd, const char *name, uint64_t max, struct verify *v,
        struct indexed *x, struct members **ret, struct err *err)
{
        AUTO_CLEAN(spool_closep) struct spool_writer *w = NULL;
        struct feed feed;
        int r;

        if (dirfd < 0)
                return err_set(err, -EROFS,
                        "the cache directory cannot be written, and a compressed archive must be decoded "
                        "there");
        r = spool_begin(fd, dirfd, max, &w, err);
        if (r < 0)
                return r;
        feed = spool_feed(w);
        r = members_read(&feed, &limits, verify_observe, v, ret, err);
        if (r == -ESPIPE) {
                r = read_spooled_iso(w, &feed, dirfd, name, v, x, ret, err);
        } else if (r == 0) {
                x->spooled = true;
                r = spool_commit(w, name, &x->spool_id, &x->src, err);
        }
        x->unchecked = spool_warning(w);
        return verdict(r);
}

/* By checkpoints: nothing is written but what is needed to enter the stream anywhere. */
static int read_gzip(int fd, const struct identity *id, const struct gzip_env *gzip, uint64_t object,
        struct verify *v, struct indexed *x, struct members **ret, struct err *err)
{
        AUTO_CLEAN(gzindexer_endp) struct gzindexer *w = NULL;
        AUTO_CLOSE int own = -1;
        struct gzindex *index;
        struct feed feed;
        int r = gzindexer_begin(
                fd, gzip->kind, GZ_CHUNK_BYTES, GZ_MARK_BYTES, limits.max_total_bytes * 2, object, &w, err);

        if (r < 0)
                return r;
        feed = gzindexer_feed(w);
        r = members_read(&feed, &limits, verify_observe, v, ret, err);
        if (r < 0)
                return verdict(r);
        own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
        if (own < 0)
                return err_sys(err, -errno, "dup");
        index = gzindexer_take(w);
        r = source_open_gzip(own, id, index, object, gzip, &x->src, err);
        if (r < 0) {
                gzindex_free(index);
                return r;
        }
        (void)take_fd(&own);
        x->checkpoints = true;
        return 0;
}

static int add_warnings(struct indexed *x, const struct members *m, struct err *err)
{
        AUTO_BUF struct buf b = BUF_INIT;

        if (m->warning)
                buf_puts(&b, m->warning);
        if (x->unchecked)
                buf_printf(&b, "%s%s", b.len ? "; " : "", x->unchecked);
        if (x->tree->n_skipped)
                buf_printf(&b, "%s%u %s left out: %s%s", b.len ? "; " : "", x->tree->n_skipped,
                        x->tree->n_skipped == 1 ? "entry" : "entries", x->tree->skipped_why,
                        x->tree->n_skipped > SKIPS_NAMED ? "; ..." : "");
        if (b.len == 0 && buf_error(&b) == 0)
                return 0;
        x->warning = buf_take(&b, NULL);
        return x->warning ? 0 : err_set(err, -ENOMEM, "out of memory");
}

static int lay_out(const struct members *m, struct verify *v, struct indexed *x, struct err *err)
{
        int r = layout_make(m, x->src, &x->tree, err);

        if (r == 0)
                r = verify_finish(v, x->tree, x->src, &x->hash_checked, err);
        if (r == 0)
                r = add_warnings(x, m, err);
        x->format = m->format;
        x->unsure = m->warning != NULL;
        x->raw_bytes = source_size_bytes(x->src);
        return r;
}

static int read_one(int fd, const struct identity *id, const struct gzip_env *gzip, uint64_t object,
        int spool_dirfd, const char *spool_name, uint64_t spool_max, struct indexed *x, struct err *err)
{
        AUTO_CLEAN(members_freep) struct members *m = NULL;
        AUTO_CLEAN(verify_freep) struct verify *v = verify_new();
        int r = unchanged(fd, id, err);

        if (r < 0)
                return r;
        if (!v)
                return err_set(err, -ENOMEM, "out of memory");
        if (gzip && filter_of(fd) == FILTER_GZIP) {
                r = read_gzip(fd, id, gzip, object, v, x, &m, err);
                if (r ==
                        -ESPIPE) /* a compressed ISO: its records are not in order, so it is decoded to disk */
                        r = read_spooled(fd, spool_dirfd, spool_name, spool_max, v, x, &m, err);
        } else if (filter_of(fd) != FILTER_NONE) {
                r = read_spooled(fd, spool_dirfd, spool_name, spool_max, v, x, &m, err);
        } else {
                r = read_raw(fd, id, v, x, &m, err);
        }
        if (r == 0)
                r = lay_out(m, v, x, err);
        if (r == 0)
                r = filedigest(fd, id, DIGEST_SHA256, x->sha256, err);
        return r == 0 || r == -EBADMSG ? (unchanged(fd, id, NULL) < 0 ? unchanged(fd, id, err) : r) : r;
}

int indexer_read(int fd, const struct identity *id, const struct gzip_env *gzip, uint64_t object,
        int spool_dirfd, const char *spool_name, uint64_t spool_max, struct indexed *ret, struct err *err)
{
        struct indexed x = { 0 };
        int r = read_one(fd, id, gzip, object, spool_dirfd, spool_name, spool_max, &x, err);

        if (r == 0) {
                *ret = x;
                return 0;
        }
        if (x.src && x.spooled)
                (void)unlinkat(spool_dirfd, spool_name, 0);
        indexed_fini(&x);
        return r;
}

void indexed_fini(struct indexed *x)
{
        source_close(x->src);
        layout_free(x->tree);
        free(x->warning);
        *x = (struct indexed) { 0 };
}
