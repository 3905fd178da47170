/* SPDX-License-Identifier: MPL-2.0 */
/* gzip -- a source whose bytes are decoded on demand, chunk by chunk, from checkpoints.
 *
 * The file is not trusted to be still what was verified.  Whatever is decoded is compared, mark by mark, with the
 * running CRC32 that the verified pass saw there, and the file's identity is compared after each mark was read.
 * Only then the bytes count as there (chunkcache.c, ready).  Times that differ are no change of the bytes: `chmod -R a+r
 * builds` and `touch` must end no transfer, and the CRCs stand for the bytes.  So a sector that rots, or a file written over
 * in place, is an error for the read that meets it, and is reported, once, as in checked.c; no wrong byte is handed out, and
 * what was decoded before stays right.
 *
 * A checkpoint that was left out, or cannot be loaded (catalog.db damaged), makes the chunk begin further back: at the next
 * checkpoint that can, in the worst case at the file's beginning.
 *
 * Invariants
 *   1. A byte is given only if its mark's CRC32 agreed and the file had the verified length after it was read.
 *   2. The file is only ever read by pread: cut short, it is an error and no SIGBUS.
 * Locks: states_lock, for index->states; never held while something is decoded.  It is taken inside nothing.
 */
#include "archive/gzip.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive/gate.h"
#include "archive/source_impl.h"
#include "archive/statebox.h"
#include "base/cleanup.h"

struct gzip {
        struct source base; /* first: a struct source is one of these */
        int fd;             /* owned */
        struct gate *gate;  /* of its filesystem */
        struct verified_as want;
        uint64_t object;
        const struct source_env *env; /* borrowed */
        struct gzindex *index;        /* owned */
        pthread_mutex_t states_lock;
        struct chunk_client *client; /* owned */
        atomic_uint reported;        /* a bit for each enum source_trouble */
};

/* One chunk in the making. */
struct job {
        struct gzstream *stream; /* owned */
        uint64_t at;             /* off_raw the stream is at */
        uint64_t begin;          /* off_raw of the first byte that is wanted */
};

static void report(struct gzip *z, enum source_trouble what, const char *why)
{
        source_report(z->env, z->object, &z->reported, what, why);
}

/* ---- beginning a chunk ----------------------------------------------------------------------- */

/* The statebox of chunk @n, from memory or from where it is kept. */
static int load_box(struct gzip *z, uint64_t n, struct buf *box)
{
        bool here = false;

        (void)pthread_mutex_lock(&z->states_lock);
        if (z->index->states) {
                here = true;
                buf_add(box, z->index->states[n].data, z->index->states[n].len);
        }
        (void)pthread_mutex_unlock(&z->states_lock);
        if (here)
                return buf_error(box);
        return z->env->load ? z->env->load(z->env->ctx, z->object, n, box) : -ENOENT;
}

/* Moves the stream to the beginning of chunk @n. */
static int enter(struct gzip *z, struct gzstream *stream, uint64_t n)
{
        AUTO_BUF struct buf box = BUF_INIT, state = BUF_INIT;
        int r;

        if (n == 0) {
                gzstream_rewind(stream, z->fd);
                return 0;
        }
        if (z->index->places[n].where == GZPLACE_NONE)
                return -ENOENT;
        r = load_box(z, n, &box);
        if (r == 0)
                r = statebox_unpack(gzindex_seed(z->object, n), box.data, box.len, &state);
        if (r == 0)
                r = gzstream_resume(stream, z->fd, &z->index->places[n], state.data, state.len);
        return r;
}

/* The same, or to an earlier one that can be had: *n.  @ret_lost: a checkpoint that should be there could not. */
static int enter_before(struct gzip *z, struct gzstream *stream, uint64_t *n, bool *ret_lost)
{
        int r;

        while ((r = enter(z, stream, *n)) < 0 && r != -ENOMEM) {
                *ret_lost |= z->index->places[*n].where != GZPLACE_NONE;
                --*n;
        }
        return r;
}

/* Asks for the chunk's compressed bytes: two threads that read one file in two places confuse the kernel's own
 * reading ahead.  A filesystem may well wait here. */
static int will_need(const struct gzip *z, uint64_t n)
{
        int place = gate_enter(z->gate);
        const struct gzindex *x = z->index;
        uint64_t from = x->places[n].off_tgz;
        uint64_t to = n + 1 < x->n_chunks ? x->places[n + 1].off_tgz : z->want.id.size_bytes;

        if (place < 0)
                return place;
        (void)posix_fadvise(z->fd, (off_t)from, (off_t)(to - from), POSIX_FADV_WILLNEED);
        gate_leave(z->gate, place, false); /* it need not have asked the storage */
        return 0;
}

static ssize_t read_through_gate(void *gate, int fd, void *buf, size_t len, uint64_t off)
{
        return gate_pread(gate, fd, buf, len, off);
}

static int begin_at(void *ctx, uint64_t off_raw, void **ret_job)
{
        struct gzip *z = ctx;
        uint64_t n = off_raw / z->index->chunk_bytes;
        struct job *job = calloc(1, sizeof *job);
        uint64_t from = n;
        bool lost = false;
        int r;

        if (!job)
                return -ENOMEM;
        job->begin = off_raw;
        job->stream = gzstream_new(z->env->kind, z->fd, read_through_gate, z->gate, 0);
        if (!job->stream) {
                free(job);
                return -ENOMEM;
        }
        r = will_need(z, n);
        if (r == 0)
                r = enter_before(z, job->stream, &from, &lost);
        if (r < 0) {
                gzstream_free(job->stream);
                free(job);
                return r;
        }
        if (lost)
                report(z, SOURCE_LOST, "a checkpoint cannot be read from catalog.db");
        job->at = from * z->index->chunk_bytes;
        *ret_job = job;
        return 0;
}

static void end_job(void *ctx, void *p)
{
        struct job *job = p;

        (void)ctx;
        gzstream_free(job->stream);
        free(job);
}

/* ---- decoding and checking ------------------------------------------------------------------- */

/* What was decoded is not what was verified: somebody wrote to the file, or it rotted. */
static int not_verified(struct gzip *z, const char *why)
{
        const struct identity strict = verified_as_get(&z->want);
        int r = gate_still(z->gate, z->fd, &strict);

        if (r == -ESTALE)
                report(z, SOURCE_CHANGED, "the file changed after it was verified");
        else if (r == 0)
                report(z, SOURCE_ROTTEN, why);
        return r < 0 ? r : -EIO;
}

/* Decodes the mark the stream is at.  0, or a negative errno. */
static int decode_mark(struct gzip *z, struct job *job, unsigned char *to)
{
        const struct gzindex *x = z->index;
        uint64_t left = x->raw_bytes - job->at;
        size_t len = left < x->mark_bytes ? (size_t)left : x->mark_bytes;
        struct err why = { "" };
        ssize_t n = gzstream_read(job->stream, to, len, &why);
        int r;

        if (n == -ENOMEM || (n < 0 && n != -EBADMSG))
                return (int)n;
        r = gate_still_length(z->gate, z->fd, &z->want.id);
        if (r == -ESTALE)
                report(z, SOURCE_CHANGED, "the file changed after it was verified");
        if (r < 0)
                return r;
        if (n == (ssize_t)len && gzstream_crc(job->stream) != x->crcs[job->at / x->mark_bytes]) {
                (void)err_set(&why, 0,
                        "byte %llu of the stream: its CRC32 is not the one that was verified: the data is "
                        "damaged; "
                        "copy the archive again",
                        (unsigned long long)job->at);
                n = -EBADMSG;
        }
        if (n != (ssize_t)len)
                return not_verified(z, n < 0 ? why.text : "the gzip data ends too early");
        job->at += len;
        return 0;
}

static int64_t step(void *ctx, void *p, unsigned char *to)
{
        struct gzip *z = ctx;
        struct job *job = p;
        uint64_t had;
        int r;

        do {
                had = job->at;
                r = decode_mark(z, job, to);
        } while (r == 0 && had < job->begin); /* entered further back: decoded for nothing */
        return r < 0 ? r : (int64_t)(job->at - had);
}

/* ---- the source ------------------------------------------------------------------------------ */

static ssize_t gzip_pread(struct source *s, void *buf, size_t len, uint64_t off_raw)
{
        return chunked_pread(((struct gzip *)s)->client, buf, len, off_raw);
}

static int gzip_borrow(struct source *s, size_t len, uint64_t off_raw, struct loan *ret)
{
        return chunked_borrow(((struct gzip *)s)->client, len, off_raw, ret);
}

static int gzip_still(struct source *s)
{
        struct gzip *z = (struct gzip *)s;

        return identity_still_length(z->fd, &z->want.id);
}

static void gzip_touched(struct source *s, const struct identity *now)
{
        verified_as_set(&((struct gzip *)s)->want, now);
}

static void gzip_close(struct source *s)
{
        struct gzip *z = (struct gzip *)s;

        chunkcache_leave(z->client);
        gzindex_free(z->index);
        (void)pthread_mutex_destroy(&z->states_lock);
        close(z->fd);
        free(z);
}

static const struct source_kind gzip_kind = { .pread = gzip_pread,
        .borrow = gzip_borrow,
        .still = gzip_still,
        .touched = gzip_touched,
        .close = gzip_close };

int source_open_gzip(int fd, const struct identity *want, struct gzindex *index, uint64_t object,
        const struct source_env *env, struct source **ret, struct err *err)
{
        static const struct chunk_maker maker = { begin_at, step, end_job, false };
        int r = identity_still(fd, want);
        struct gzip *z;

        if (r == -ESTALE)
                return err_set(err, r, "the file is no longer the one that was verified");
        if (r < 0)
                return err_sys(err, r, "fstat");
        z = calloc(1, sizeof *z);
        if (!z)
                return err_set(err, -ENOMEM, "out of memory");
        z->gate = gate_of(env->gates, want->dev);
        z->client =
                chunkcache_join(env->cache, &maker, z, index->raw_bytes, index->chunk_bytes, object, z->gate);
        if (!z->client) {
                free(z);
                return err_set(err, -ENOMEM, "out of memory");
        }
        (void)pthread_mutex_init(&z->states_lock, NULL);
        z->base = (struct source) { &gzip_kind, index->raw_bytes };
        z->fd = fd;
        z->want.id = *want;
        verified_as_set(&z->want, want);
        z->object = object;
        z->env = env;
        z->index = index;
        *ret = &z->base;
        return 0;
}

const struct gzindex *source_gzip_index(const struct source *s)
{
        return s && s->kind == &gzip_kind ? ((const struct gzip *)s)->index : NULL;
}

void source_gzip_stored(struct source *s)
{
        struct gzip *z = (struct gzip *)s;
        struct buf *states;

        if (!source_gzip_index(s))
                return;
        (void)pthread_mutex_lock(&z->states_lock);
        states = z->index->states;
        z->index->states = NULL;
        (void)pthread_mutex_unlock(&z->states_lock);
        for (size_t i = 0; states && i < z->index->n_chunks; i++)
                buf_fini(&states[i]);
        free(states);
}
