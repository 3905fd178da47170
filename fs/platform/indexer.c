/* SPDX-License-Identifier: MPL-2.0 */
/* indexer -- the one pass: gunzip, CRC, checkpoints (or spool), members and SHA-1 all see each chunk while it is in
 * the processor's cache.
 *
 * Invariants
 *   1. Success means: the whole stream was decoded and agreed with every check sum there is, while the
 *      file's identity stayed @id.
 *   2. A verdict (-EBADMSG) is about the bytes; trouble of the machine never becomes one.
 *   3. A source that has an env gives no byte but those of the pass: of what carries no check sums of its own the
 *      pass takes them (blocksums.h), of every block of the stream, needed or not.
 * Limits: below.  Locks: none; blocking for as long as decoding takes.
 */
#include "platform/indexer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive/checked.h"
#include "archive/raw.h"
#include "archive/spool.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "codec/filter.h"
#include "platform/filedigest.h"
#include "platform/skips.h"
#include "platform/verify.h"

static const struct members_limits limits = {
        .max_members = LAYOUT_MAX_ENTRIES - 1,
        .max_total_bytes = UINT64_C(64) << 30, /* holes count: a sparse file costs its maker nothing */
        .max_extents = LAYOUT_MAX_ENTRIES,     /* one for each file; a sparse one has more */
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

/* ---- the stream, with a look at what it comes from ------------------------------------------------ */

/* A feed that tells how far it is, and ends where it is stopped or the file becomes another: a copy that goes on, or a
 * file removed, need not be read to its end to be worth nothing.  An fstat for each 256 KiB is not seen beside decoding. */
struct watched {
        struct feed inner;
        const struct index_order *o;
        uint64_t (*at)(void *of); /* in the archive's file; NULL: it is not that what is read */
        void *of;
        uint64_t pulled; /* bytes, of a feed that can seek */
};

/* An ISO's tables are read out of order, a piece of a block at a time; none needs all its bytes so often. */
#define ROUNDS      8u
#define ROUND_BYTES (UINT64_C(128) << 20)

static ssize_t watched_next(void *ctx, const void **ret_data, struct err *err)
{
        struct watched *w = ctx;
        int r = reading_goes_on(w->o->reading, err);
        ssize_t n;

        if (r < 0)
                return r;
        n = w->inner.next(w->inner.ctx, ret_data, err);
        reading_stepped(w->o->reading);
        if (n > 0 && w->inner.seek) {
                w->pulled += (uint64_t)n;
                if (w->pulled / ROUNDS > w->inner.size_bytes + ROUND_BYTES)
                        return err_set(err, -EBADMSG,
                                "what it says of itself leads round in a circle: %llu bytes were read of its "
                                "%llu",
                                (unsigned long long)w->pulled, (unsigned long long)w->inner.size_bytes);
        }
        if (n > 0 && w->at) {
                r = unchanged(w->o->fd, w->o->id, err);
                if (r < 0)
                        return r;
        }
        if (w->at)
                reading_reached(w->o->reading, w->at(w->of));
        return n;
}

static int watched_seek(void *ctx, uint64_t off_raw, struct err *err)
{
        struct watched *w = ctx;

        return w->inner.seek(w->inner.ctx, off_raw, err);
}

static struct feed watched_feed(struct watched *w)
{
        return (struct feed) { w, watched_next, w->inner.seek ? watched_seek : NULL, w->inner.size_bytes };
}

static uint64_t at_raw(void *f)
{
        return raw_feed_off(f);
}

static uint64_t at_spool(void *w)
{
        return spool_off_file(w);
}

static uint64_t at_gzip(void *w)
{
        return gzindexer_off_tgz(w);
}

/* ---- one way for each kind of archive ------------------------------------------------------------- */

/* What the members left unread (an ISO's tables for other systems, its unused blocks) can be served too: whole, below
 * /iso. */
static int read_rest(struct raw_feed *f, const struct feed *feed, struct err *err)
{
        const void *data;
        uint64_t off;

        while (raw_feed_unread(f, &off)) {
                int r = feed->seek(feed->ctx, off, err);
                ssize_t n = r < 0 ? r : feed->next(feed->ctx, &data, err);

                if (n < 0)
                        return (int)n;
        }
        return 0;
}

static int open_raw(const struct index_order *o, struct raw_feed *f, struct indexed *x, struct err *err)
{
        AUTO_CLEAN(blocksums_freep) struct blocksums *sums = raw_feed_take_sums(f);
        AUTO_CLOSE int own = fcntl(o->fd, F_DUPFD_CLOEXEC, 0);
        int r;

        if (own < 0)
                return err_sys(err, -errno, "dup");
        r = o->env ? source_open_checked(own, o->id, sums, o->object, "the archive", o->env, &x->src, err)
                   : source_open_raw(own, o->id, &x->src, err);
        if (r < 0)
                return r;
        (void)take_fd(&own);
        if (o->env)
                (void)take_ptr(&sums);
        return 0;
}

static int read_raw(const struct index_order *o, struct verify *v, struct indexed *x, struct members **ret,
        struct err *err)
{
        AUTO_CLEAN(raw_feed_endp) struct raw_feed *f = NULL;
        struct feed feed;
        struct watched w;
        int r = raw_feed_begin(o->fd, NULL, &f, err);

        if (r < 0)
                return verdict(r);
        w = (struct watched) { .inner = raw_feed(f), .o = o, .at = at_raw, .of = f };
        feed = watched_feed(&w);
        r = members_read(&feed, &limits, verify_observe, v, ret, err);
        if (r == 0)
                r = read_rest(f, &feed, err);
        return r == 0 ? open_raw(o, f, x, err) : verdict(r);
}

/* What was decoded is on the disk: it is read from there. */
static int open_spooled(
        const struct index_order *o, struct spool_writer *w, struct indexed *x, struct err *err)
{
        AUTO_CLEAN(blocksums_freep) struct blocksums *sums = NULL;
        AUTO_CLOSE int own = fcntl(o->spool_fd, F_DUPFD_CLOEXEC, 0);
        struct identity id;
        int r = own < 0 ? err_sys(err, -errno, "dup") : spool_finish(w, &sums, err);

        if (r == 0)
                r = identity_of_fd(own, &id);
        if (r == 0)
                r = o->env ? source_open_checked(
                                     own, &id, sums, o->object, "its decoded copy", o->env, &x->src, err)
                           : source_open_raw(own, &id, &x->src, err);
        if (r < 0)
                return r;
        (void)take_fd(&own);
        if (o->env)
                (void)take_ptr(&sums);
        x->spooled = true;
        return 0;
}

/* A compressed ISO: its records are not in order, so the first pass only decodes. */
static int read_spooled_iso(const struct index_order *o, struct spool_writer *w, struct feed *feed,
        struct verify *v, struct indexed *x, struct members **ret, struct err *err)
{
        AUTO_CLEAN(raw_feed_endp) struct raw_feed *f = NULL;
        struct watched again;
        struct feed iso;
        const void *data;
        ssize_t n;
        int r;

        do
                n = feed->next(feed->ctx, &data, err);
        while (n > 0);
        if (n < 0)
                return (int)n;
        r = open_spooled(o, w, x, err);
        if (r == 0)
                r = raw_feed_begin(o->spool_fd, source_checked_sums(x->src), &f, err);
        if (r < 0)
                return r;
        again = (struct watched) { .inner = raw_feed(f), .o = o };
        iso = watched_feed(&again);
        return verdict(members_read(&iso, &limits, verify_observe, v, ret, err));
}

static int read_spooled(const struct index_order *o, struct verify *v, struct indexed *x,
        struct members **ret, struct err *err)
{
        AUTO_CLEAN(spool_closep) struct spool_writer *w = NULL;
        struct watched watched;
        struct feed feed;
        int r;

        if (o->spool_fd < 0)
                return err_set(err, -ESPIPE, "it waits for the spool");
        r = spool_begin(o->fd, o->spool_fd, o->spool_max, &w, err);
        if (r < 0)
                return r;
        watched = (struct watched) { .inner = spool_feed(w), .o = o, .at = at_spool, .of = w };
        feed = watched_feed(&watched);
        r = members_read(&feed, &limits, verify_observe, v, ret, err);
        if (r == -ESPIPE) {
                r = read_spooled_iso(o, w, &feed, v, x, ret, err);
        } else if (r == 0) {
                r = open_spooled(o, w, x, err);
        }
        x->unchecked = spool_warning(w);
        return verdict(r);
}

/* By checkpoints: nothing is written but what is needed to enter the stream anywhere. */
static int read_gzip(const struct index_order *o, struct verify *v, struct indexed *x, struct members **ret,
        struct err *err)
{
        AUTO_CLEAN(gzindexer_endp) struct gzindexer *w = NULL;
        AUTO_CLOSE int own = -1;
        struct gzindex *index;
        struct watched watched;
        struct feed feed;
        int r = gzindexer_begin(
                o->fd, o->env->kind, GZ_LAYOUT, limits.max_total_bytes * 2, o->object, &w, err);

        if (r < 0)
                return r;
        watched = (struct watched) { .inner = gzindexer_feed(w), .o = o, .at = at_gzip, .of = w };
        feed = watched_feed(&watched);
        r = members_read(&feed, &limits, verify_observe, v, ret, err);
        if (r < 0)
                return verdict(r);
        own = fcntl(o->fd, F_DUPFD_CLOEXEC, 0);
        if (own < 0)
                return err_sys(err, -errno, "dup");
        index = gzindexer_take(w);
        r = source_open_gzip(own, o->id, index, o->object, o->env, &x->src, err);
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

static int read_one(const struct index_order *o, struct indexed *x, struct err *err)
{
        AUTO_CLEAN(members_freep) struct members *m = NULL;
        AUTO_CLEAN(verify_freep) struct verify *v = verify_new();
        enum filter_kind kind = filter_of(o->fd);
        int r = unchanged(o->fd, o->id, err);

        if (r < 0)
                return r;
        if (!v)
                return err_set(err, -ENOMEM, "out of memory");
        if (o->env && kind == FILTER_GZIP) {
                r = read_gzip(o, v, x, &m, err);
                if (r ==
                        -ESPIPE) /* a compressed ISO: its records are not in order, so it is decoded to disk */
                        r = read_spooled(o, v, x, &m, err);
        } else if (kind != FILTER_NONE) {
                r = read_spooled(o, v, x, &m, err);
        } else {
                r = read_raw(o, v, x, &m, err);
        }
        if (r == 0)
                r = lay_out(m, v, x, err);
        return r == 0 || r == -EBADMSG
                       ? (unchanged(o->fd, o->id, NULL) < 0 ? unchanged(o->fd, o->id, err) : r)
                       : r;
}

int indexer_read(const struct index_order *o, struct indexed *ret, struct err *err)
{
        struct indexed x = { 0 };
        int r = read_one(o, &x, err);

        if (r == 0)
                *ret = x;
        else
                indexed_fini(&x);
        return r;
}

int indexed_digest(
        struct indexed *x, int fd, const struct identity *id, struct reading *reading, struct err *err)
{
        reading_reached(reading, (READING_PASSES - 1) * id->size_bytes);
        return filedigest(fd, id, DIGEST_SHA256, reading, x->sha256, err);
}

void indexed_fini(struct indexed *x)
{
        source_close(x->src);
        gzindex_free(x->index);
        blocksums_free(x->sums);
        layout_free(x->tree);
        free(x->warning);
        *x = (struct indexed) { 0 };
}
