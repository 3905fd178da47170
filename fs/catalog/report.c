/* SPDX-License-Identifier: MPL-2.0 */
/* report -- see report.h.
 *
 * A stream of frames, each a kind and a length, in any order, the end last.  Every part but a checkpoint's state stands once.
 *
 * Invariants
 *   1. All bytes taken in count against the bound, before there is room made for them.
 *   2. A part that is missing, stands twice, or belongs to another kind of archive makes the whole no report.
 * Locks: none.
 */
#include "catalog/report.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive/checked.h"
#include "archive/gzip.h"
#include "archive/spool.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "platform/layoutblob.h"

#define CHUNK_BYTES (64u * 1024)
#define MAX_STATES  (1u << 20)
#define MAX_WARNING 65536u

enum part { PART_WARNING, PART_LAYOUT, PART_GZINDEX, PART_SUMS, PART_END, N_PARTS, PART_STATE = N_PARTS };

struct frame {
        uint32_t part, len;
};

/* The payload of PART_END. */
struct verdict {
        int32_t r;
        uint8_t format, spooled, checkpoints, hash_checked, unsure;
        uint64_t raw_bytes;
        struct err why;
};

struct report {
        size_t left; /* bytes that may still come */
        struct buf parts[N_PARTS];
        bool has[N_PARTS];
        struct buf *states; /* owned; n_states */
        size_t n_states, cap_states;
        /* The frame that is being taken in. */
        struct frame frame;
        size_t head_len, body_len; /* bytes of it so far */
};

/* ---- the reader's side -------------------------------------------------------------------------- */

static int write_all(int fd, const void *data, size_t len)
{
        const char *p = data;

        while (len > 0) {
                ssize_t n = write(fd, p, len);

                if (n < 0 && errno == EAGAIN)
                        (void)poll(&(struct pollfd) { .fd = fd, .events = POLLOUT }, 1, -1);
                else if (n < 0 && errno != EINTR)
                        return -errno;
                if (n > 0) {
                        p += n;
                        len -= (size_t)n;
                }
        }
        return 0;
}

static int put(int fd, enum part part, const void *p, size_t len)
{
        struct frame f = { part, (uint32_t)len };
        int r = len > UINT32_MAX ? -EFBIG : write_all(fd, &f, sizeof f);

        return r == 0 ? write_all(fd, p, len) : r;
}

static int put_buf(int fd, enum part part, const struct buf *b)
{
        return buf_error(b) < 0 ? buf_error(b) : put(fd, part, b->data, b->len);
}

static int put_gzindex(int fd, const struct gzindex *x)
{
        AUTO_BUF struct buf b = BUF_INIT;
        int r;

        gzindex_pack(x, &b);
        r = put_buf(fd, PART_GZINDEX, &b);
        for (size_t i = 0; r == 0 && i < x->n_chunks; i++)
                r = put_buf(fd, PART_STATE, &x->states[i]);
        return r;
}

static int put_sums(int fd, const struct blocksums *x)
{
        AUTO_BUF struct buf b = BUF_INIT;

        blocksums_pack(x, &b);
        return put_buf(fd, PART_SUMS, &b);
}

static int put_layout(int fd, const struct layout *l)
{
        AUTO_BUF struct buf b = BUF_INIT;

        layout_pack(l, &b);
        return put_buf(fd, PART_LAYOUT, &b);
}

int report_send(int fd, int r, const struct err *why, const struct indexed *x)
{
        struct verdict v = { .r = r, .why = *why };
        int e = 0;

        if (r == 0) {
                v.format = (uint8_t)x->format;
                v.spooled = x->spooled;
                v.checkpoints = x->checkpoints;
                v.hash_checked = x->hash_checked;
                v.unsure = x->unsure;
                v.raw_bytes = x->raw_bytes;
                if (x->warning)
                        e = put(fd, PART_WARNING, x->warning, strnlen(x->warning, MAX_WARNING - 1));
                if (e == 0)
                        e = put_layout(fd, x->tree);
                if (e == 0)
                        e = x->checkpoints ? put_gzindex(fd, source_gzip_index(x->src))
                                           : put_sums(fd, source_checked_sums(x->src));
        }
        return e == 0 ? put(fd, PART_END, &v, sizeof v) : e;
}

/* ---- the worker's side ---------------------------------------------------------------------------- */

struct report *report_new(size_t max_bytes)
{
        struct report *p = calloc(1, sizeof *p);

        if (p)
                p->left = max_bytes;
        return p;
}

void report_free(struct report *p)
{
        if (!p)
                return;
        for (size_t i = 0; i < N_PARTS; i++)
                buf_fini(&p->parts[i]);
        for (size_t i = 0; i < p->n_states; i++)
                buf_fini(&p->states[i]);
        free(p->states);
        free(p);
}

bool report_is_whole(const struct report *p)
{
        return p->has[PART_END] && p->head_len == 0;
}

static int new_state(struct report *p)
{
        if (p->n_states == p->cap_states) {
                size_t cap = p->cap_states ? p->cap_states * 2 : 64;
                struct buf *v = p->n_states < MAX_STATES ? reallocarray(p->states, cap, sizeof *v) : NULL;

                if (!v)
                        return p->n_states < MAX_STATES ? -ENOMEM : -EBADMSG;
                p->states = v;
                p->cap_states = cap;
        }
        p->states[p->n_states++] = (struct buf)BUF_INIT;
        return 0;
}

/* The head of a frame is there. */
static int begin_frame(struct report *p)
{
        if (p->frame.part > PART_STATE || p->has[PART_END] || p->frame.len > p->left)
                return -EBADMSG;
        if (p->frame.part == PART_STATE)
                return new_state(p);
        if (p->has[p->frame.part])
                return -EBADMSG;
        p->has[p->frame.part] = true;
        return 0;
}

/* Takes in some of the @len bytes at @data; how many, or a negative errno. */
static ssize_t take_some(struct report *p, const char *data, size_t len)
{
        struct buf *b;
        size_t n;
        int r;

        if (p->head_len < sizeof p->frame) {
                n = sizeof p->frame - p->head_len < len ? sizeof p->frame - p->head_len : len;
                memcpy((char *)&p->frame + p->head_len, data, n);
                p->head_len += n;
                r = p->head_len == sizeof p->frame ? begin_frame(p) : 0;
                if (r < 0)
                        return r;
        } else {
                n = p->frame.len - p->body_len < len ? p->frame.len - p->body_len : len;
                b = p->frame.part == PART_STATE ? &p->states[p->n_states - 1] : &p->parts[p->frame.part];
                buf_add(b, data, n);
                if (buf_error(b) < 0)
                        return buf_error(b);
                p->body_len += n;
        }
        if (p->head_len == sizeof p->frame && p->body_len == p->frame.len)
                p->head_len = p->body_len = 0;
        return (ssize_t)n;
}

int report_take(struct report *p, int fd)
{
        char chunk[CHUNK_BYTES];

        for (;;) {
                ssize_t n = read(fd, chunk, sizeof chunk);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return errno == EAGAIN ? 0 : -EIO;
                if (n == 0)
                        return 0;
                if ((size_t)n > p->left)
                        return -EBADMSG;
                p->left -= (size_t)n;
                for (ssize_t done = 0, k; done < n; done += k) {
                        k = take_some(p, chunk + done, (size_t)(n - done));
                        if (k < 0)
                                return (int)k;
                }
        }
}

/* ---- what it says --------------------------------------------------------------------------------- */

static int no_sense(struct err *err)
{
        return err_set(err, -EBADMSG, "what its reader says of it makes no sense");
}

static int unpack_gzindex(struct report *p, struct indexed *x)
{
        const struct buf *b = &p->parts[PART_GZINDEX];
        int r = gzindex_unpack(b->data, b->len, &x->index);

        if (r < 0)
                return r;
        if (x->index->raw_bytes != x->raw_bytes || x->index->n_chunks != p->n_states)
                return -EBADMSG;
        x->index->states = take_ptr(&p->states);
        p->n_states = 0;
        return 0;
}

static int unpack_sums(const struct report *p, struct indexed *x)
{
        const struct buf *b = &p->parts[PART_SUMS];
        int r = blocksums_unpack(b->data, b->len, &x->sums);

        return r == 0 && x->sums->raw_bytes != x->raw_bytes ? -EBADMSG : r;
}

static int unpack_parts(struct report *p, const struct verdict *v, struct indexed *x)
{
        const struct buf *tree = &p->parts[PART_LAYOUT], *warning = &p->parts[PART_WARNING];
        int r;

        if (v->format > FORMAT_ISO || v->spooled > 1 || v->checkpoints > 1 || v->hash_checked > 1 ||
                v->unsure > 1 || (v->spooled && v->checkpoints) || !p->has[PART_LAYOUT] ||
                p->has[PART_GZINDEX] != v->checkpoints || p->has[PART_SUMS] == v->checkpoints ||
                (p->n_states && !v->checkpoints) || warning->len > MAX_WARNING)
                return -EBADMSG;
        x->format = (enum archive_format)v->format;
        x->spooled = v->spooled;
        x->checkpoints = v->checkpoints;
        x->hash_checked = v->hash_checked;
        x->unsure = v->unsure;
        x->raw_bytes = v->raw_bytes;
        r = layout_unpack(tree->data, tree->len, x->raw_bytes, &x->tree);
        if (r == 0)
                r = x->checkpoints ? unpack_gzindex(p, x) : unpack_sums(p, x);
        if (r == 0 && p->has[PART_WARNING]) {
                x->warning = strndup(warning->data ? warning->data : "", warning->len);
                r = x->warning ? 0 : -ENOMEM;
        }
        return r;
}

int report_unpack(struct report *p, struct indexed *ret, struct err *err)
{
        struct indexed x = { 0 };
        struct verdict v;
        int r;

        if (!report_is_whole(p) || p->parts[PART_END].len != sizeof v)
                return no_sense(err);
        memcpy(&v, p->parts[PART_END].data, sizeof v);
        v.why.text[sizeof v.why.text - 1] = '\0';
        if (v.r > 0 || v.r < -4095)
                return no_sense(err);
        if (v.r < 0)
                return err_set(err, v.r, "%s", v.why.text);
        r = unpack_parts(p, &v, &x);
        if (r == 0) {
                *ret = x;
                return 0;
        }
        indexed_fini(&x);
        return r == -ENOMEM ? err_set(err, r, "out of memory") : no_sense(err);
}

static int open_archive(struct indexed *x, int fd, const struct identity *id, uint64_t object,
        const struct source_env *env, struct err *err)
{
        AUTO_CLOSE int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
        int r;

        if (own < 0)
                return err_sys(err, -errno, "dup");
        r = x->checkpoints ? source_open_gzip(own, id, x->index, object, env, &x->src, err)
                           : source_open_checked(own, id, x->sums, object, "the archive", env, &x->src, err);
        if (r == 0)
                (void)take_fd(&own);
        return r;
}

int report_open(struct indexed *x, int fd, const struct identity *id, uint64_t object,
        const struct source_env *env, int spool_dirfd, const char *spool_name, struct err *err)
{
        int r = x->spooled ? spool_open(spool_dirfd, spool_name, &x->spool_id,
                                     &(struct spool_check) { x->sums, object, env }, &x->src, err)
                           : open_archive(x, fd, id, object, env, err);

        if (r < 0)
                return r;
        if (x->checkpoints)
                x->index = NULL; /* the source's */
        else
                x->sums = NULL;
        return 0;
}
