/* SPDX-License-Identifier: MPL-2.0 */
/* gzindexer -- the one pass over a new gzip file: decode, verify, note checkpoints, hand the bytes on.
 *
 * Decoding takes 0.6 s for a platform image on one core; what is done with the bytes (libarchive, SHA-1) takes
 * half of that.  So a thread decodes ahead, through a ring of blocks of one mark each, and the pass takes as long
 * as the decoding.  Checkpoints are saved by the thread, and made small by the reader (sparse.h), who has the time.
 *
 * Invariants
 *   1. A block in the ring belongs to the thread while it is counted empty, to the reader while it is counted
 *      full; the one the reader was given last is counted empty only at its next call.
 *   2. The end is handed on only after every check of the stream was made and the file had not changed.
 *   3. After an error the blocks before it are still handed on, then the error, for ever.
 *   4. A state is kept only if it decodes to what followed it, and a sparse one if it was proven to.
 *   5. What is kept stays below layout.box_bytes a chunk on average: what would go beyond is left out, and its chunk
 *      is entered further back.
 * Locks: w->mutex for the ring's counts and the verdict; the index is the thread's until the verdict is in, but its
 * states are the reader's.
 * Limits: memory for the states, below 1 % of the stream, until they are kept elsewhere.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "archive/gzindex.h"
#include "archive/identity.h"
#include "archive/sparse.h"
#include "archive/statebox.h"

#define N_BLOCKS    24u
#define AHEAD_BOXES 8 /* so many may be spent in advance: a small archive keeps all of its checkpoints */

/* The state of the checkpoint that a block begins with, as the decoder left it. */
struct door {
        bool here;
        size_t n; /* the chunk's number */
        uint64_t off_tgz;
        struct buf state; /* owned */
        struct inflate_saved how;
};

struct gzindexer {
        int fd; /* borrowed */
        struct identity id;
        uint64_t max_bytes, object;
        uint32_t box_bytes;
        struct gzstream *stream; /* owned */
        struct gzindex *index;   /* owned */
        size_t cap_chunks, cap_marks;

        struct sparse *sparse; /* owned; the reader's, as the next four */
        struct buf *boxes;     /* owned; by chunk number; the index's states to be */
        size_t n_boxes, cap_boxes;
        int64_t credit; /* bytes that boxes may still take */

        pthread_t thread;
        bool started;
        pthread_mutex_t mutex; /* guards what follows */
        pthread_cond_t changed;
        uint64_t made, given; /* blocks so far */
        uint64_t off_tgz;     /* read so far */
        bool holding;         /* the reader has the block given - 1 */
        bool stop;
        bool done; /* the verdict is in: */
        int verdict;
        struct err why;

        size_t len[N_BLOCKS];
        struct door doors[N_BLOCKS];
        unsigned char *blocks; /* owned; N_BLOCKS of mark_bytes */
};

/* ---- the index grows ------------------------------------------------------------------------- */

static int add_mark(struct gzindexer *w)
{
        struct gzindex *x = w->index;

        if (x->n_marks == w->cap_marks) {
                size_t cap = w->cap_marks ? w->cap_marks * 2 : 256;
                uint32_t *v = reallocarray(x->crcs, cap, sizeof *v);

                if (!v)
                        return -ENOMEM;
                x->crcs = v;
                w->cap_marks = cap;
        }
        x->crcs[x->n_marks++] = gzstream_crc(w->stream);
        return 0;
}

/* The chunk that begins where the stream is, with block @i. */
static int add_chunk(struct gzindexer *w, uint64_t i)
{
        struct gzindex *x = w->index;
        struct door *d = &w->doors[i % N_BLOCKS];
        size_t n = x->n_chunks;

        if (n == w->cap_chunks) {
                size_t cap = w->cap_chunks ? w->cap_chunks * 2 : 64;
                struct gzplace *v = reallocarray(x->places, cap, sizeof *v);

                if (!v)
                        return -ENOMEM;
                x->places = v;
                w->cap_chunks = cap;
        }
        x->places[n] = (struct gzplace) { 0 };
        d->state.len = 0;
        if (n > 0)
                gzstream_save(w->stream, &x->places[n], &d->state, &d->how);
        d->here = true;
        d->n = n;
        d->off_tgz = x->places[n].off_tgz;
        x->n_chunks++;
        return buf_error(&d->state);
}

/* ---- the states, by the reader --------------------------------------------------------------- */

static struct buf *new_box(struct gzindexer *w)
{
        if (w->n_boxes == w->cap_boxes) {
                size_t cap = w->cap_boxes ? w->cap_boxes * 2 : 64;
                struct buf *v = reallocarray(w->boxes, cap, sizeof *v);

                if (!v)
                        return NULL;
                w->boxes = v;
                w->cap_boxes = cap;
        }
        w->boxes[w->n_boxes] = (struct buf)BUF_INIT;
        return &w->boxes[w->n_boxes++];
}

/* Puts the state at @d, which the @len bytes at @data follow, into its box, or leaves it out. */
static int box_up(struct gzindexer *w, struct door *d, const unsigned char *data, size_t len)
{
        struct buf *box = new_box(w);
        int r = 0;

        if (!box)
                return -ENOMEM;
        if (d->n == 0)
                return 0;
        w->credit += w->box_bytes;
        if (d->how.history > 0)
                r = sparse_make(w->sparse, w->fd, d->off_tgz, &d->state, &d->how, data, len);
        if (r < 0)
                return 0; /* the pass itself tells what is wrong with the file */
        statebox_pack(gzindex_seed(w->object, d->n), d->state.data, d->state.len, box);
        if (w->box_bytes && w->credit < (int64_t)box->len)
                buf_fini(box);
        else
                w->credit -= (int64_t)box->len;
        return buf_error(box);
}

/* ---- the thread ------------------------------------------------------------------------------ */

static unsigned char *block(const struct gzindexer *w, uint64_t i)
{
        return w->blocks + (size_t)(i % N_BLOCKS) * w->index->mark_bytes;
}

static int at_end(struct gzindexer *w, struct err *err)
{
        struct identity now;
        int r = identity_of_fd(w->fd, &now);

        if (r < 0)
                return err_sys(err, r, "fstat");
        return identity_equal(&now, &w->id) ? 0 : err_set(err, -ESTALE, "the file changed while it was read");
}

/* Decodes block @i.  Its length, 0 at the end, or a negative errno. */
static ssize_t make_block(struct gzindexer *w, uint64_t i, struct err *err)
{
        struct gzindex *x = w->index;
        struct err why = { "" };
        ssize_t n;

        w->doors[i % N_BLOCKS].here = false;
        if (x->raw_bytes % x->chunk_bytes == 0 && add_chunk(w, i) < 0)
                return err_set(err, -ENOMEM, "out of memory");
        n = gzstream_read(w->stream, block(w, i), x->mark_bytes, &why);
        if (n < 0)
                return at_end(w, err) == -ESTALE ? -ESTALE : err_set(err, (int)n, "%s", why.text);
        if (n == 0) {
                if (x->raw_bytes % x->chunk_bytes == 0)
                        x->n_chunks--; /* there is no such chunk */
                return at_end(w, err);
        }
        x->raw_bytes += (uint64_t)n;
        if (x->raw_bytes > w->max_bytes)
                return err_set(err, -EFBIG, "decoded it is longer than %llu MiB, which no image is",
                        (unsigned long long)(w->max_bytes >> 20));
        return add_mark(w) < 0 ? err_set(err, -ENOMEM, "out of memory") : n;
}

static void *thread_main(void *arg)
{
        struct gzindexer *w = arg;

        (void)pthread_mutex_lock(&w->mutex);
        while (!w->stop && !w->done) {
                struct err why = { "" };
                uint64_t i = w->made;
                ssize_t n;

                if (w->made - w->given + w->holding >= N_BLOCKS) {
                        (void)pthread_cond_wait(&w->changed, &w->mutex);
                        continue;
                }
                (void)pthread_mutex_unlock(&w->mutex);
                n = make_block(w, i, &why);
                (void)pthread_mutex_lock(&w->mutex);
                w->off_tgz = gzstream_off_tgz(w->stream);
                if (n > 0) {
                        w->len[i % N_BLOCKS] = (size_t)n;
                        w->made++;
                } else {
                        w->done = true;
                        w->verdict = (int)n;
                        w->why = why;
                }
                (void)pthread_cond_signal(&w->changed);
        }
        (void)pthread_mutex_unlock(&w->mutex);
        return NULL;
}

/* ---- the reader ------------------------------------------------------------------------------ */

/* Nothing more is handed on but this error. */
static void fail(struct gzindexer *w, int r, const char *why)
{
        (void)pthread_mutex_lock(&w->mutex);
        w->stop = w->done = true;
        w->given = w->made;
        w->verdict = err_set(&w->why, r, "%s", why);
        (void)pthread_mutex_unlock(&w->mutex);
}

static ssize_t feed_next(void *ctx, const void **ret_data, struct err *err)
{
        struct gzindexer *w = ctx;
        struct door *d;
        ssize_t n;

        (void)pthread_mutex_lock(&w->mutex);
        if (w->holding) {
                w->holding = false;
                (void)pthread_cond_signal(&w->changed);
        }
        while (w->given == w->made && !w->done)
                (void)pthread_cond_wait(&w->changed, &w->mutex);
        if (w->given < w->made) {
                *ret_data = block(w, w->given);
                n = (ssize_t)w->len[w->given % N_BLOCKS];
                w->given++;
                w->holding = true;
        } else {
                n = w->verdict < 0 ? err_set(err, w->verdict, "%s", w->why.text) : 0;
        }
        (void)pthread_mutex_unlock(&w->mutex);
        d = n > 0 ? &w->doors[(w->given - 1) % N_BLOCKS] : NULL;
        if (d && d->here && box_up(w, d, *ret_data, (size_t)n) < 0) {
                n = err_set(err, -ENOMEM, "out of memory");
                fail(w, (int)n, "out of memory");
        }
        return n;
}

struct feed gzindexer_feed(struct gzindexer *w)
{
        return (struct feed) { w, feed_next, NULL, 0 };
}

uint64_t gzindexer_off_tgz(struct gzindexer *w)
{
        uint64_t off;

        (void)pthread_mutex_lock(&w->mutex);
        off = w->off_tgz;
        (void)pthread_mutex_unlock(&w->mutex);
        return off;
}

struct gzindex *gzindexer_take(struct gzindexer *w)
{
        struct gzindex *x;

        (void)pthread_mutex_lock(&w->mutex);
        x = w->done && w->verdict == 0 && w->given == w->made ? w->index : NULL;
        if (x)
                w->index = NULL;
        (void)pthread_mutex_unlock(&w->mutex);
        if (!x)
                return NULL;
        for (size_t n = 1; n < x->n_chunks; n++)
                if (w->boxes[n].len == 0)
                        x->places[n].where = GZPLACE_NONE;
        x->states = take_ptr(&w->boxes);
        w->n_boxes = 0;
        return x;
}

static int start(struct gzindexer *w)
{
        sigset_t all, old;
        int r;

        (void)sigfillset(&all);
        (void)pthread_sigmask(SIG_BLOCK, &all, &old);
        r = -pthread_create(&w->thread, NULL, thread_main, w);
        (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
        w->started = r == 0;
        return r;
}

int gzindexer_begin(int fd, const struct inflate_kind *kind, struct gzlayout layout, uint64_t max_bytes,
        uint64_t object, struct gzindexer **ret, struct err *err)
{
        AUTO_CLEAN(gzindexer_endp) struct gzindexer *w = calloc(1, sizeof *w);
        int r;

        if (!w)
                return err_set(err, -ENOMEM, "out of memory");
        (void)pthread_mutex_init(&w->mutex, NULL);
        (void)pthread_cond_init(&w->changed, NULL);
        w->fd = fd;
        w->max_bytes = max_bytes;
        w->object = object;
        r = identity_of_fd(fd, &w->id);
        if (r < 0)
                return err_sys(err, r, "fstat");
        w->stream = gzstream_new(kind, fd, NULL, NULL, layout.mark_bytes);
        w->sparse = sparse_new(kind);
        w->index = calloc(1, sizeof *w->index);
        w->blocks = malloc((size_t)N_BLOCKS * layout.mark_bytes);
        if (!w->stream || !w->sparse || !w->index || !w->blocks)
                return err_set(err, -ENOMEM, "out of memory");
        w->index->chunk_bytes = layout.chunk_bytes;
        w->index->mark_bytes = layout.mark_bytes;
        w->box_bytes = layout.box_bytes;
        w->credit = (int64_t)layout.box_bytes * AHEAD_BOXES;
        (void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
        r = start(w);
        if (r < 0)
                return err_sys(err, r, "start a thread for decoding");
        *ret = take_ptr(&w);
        return 0;
}

void gzindexer_end(struct gzindexer *w)
{
        if (!w)
                return;
        if (w->started) {
                (void)pthread_mutex_lock(&w->mutex);
                w->stop = true;
                (void)pthread_cond_signal(&w->changed);
                (void)pthread_mutex_unlock(&w->mutex);
                (void)pthread_join(w->thread, NULL);
        }
        for (size_t i = 0; i < N_BLOCKS; i++)
                buf_fini(&w->doors[i].state);
        for (size_t i = 0; i < w->n_boxes; i++)
                buf_fini(&w->boxes[i]);
        free(w->boxes);
        sparse_free(w->sparse);
        gzstream_free(w->stream);
        gzindex_free(w->index);
        free(w->blocks);
        (void)pthread_cond_destroy(&w->changed);
        (void)pthread_mutex_destroy(&w->mutex);
        free(w);
}
