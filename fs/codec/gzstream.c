/* SPDX-License-Identifier: MPL-2.0 */
/* gzstream -- see gzstream.h.
 *
 * libarchive 3.6.2 compares neither CRC32 nor ISIZE, so the gzip layer is ours.
 *
 * Invariants
 *   1. A member's trailer is looked at only when more output is wanted: after gzstream_read returned all that
 *      was asked for, the CRC is that of the member the last byte belongs to.
 *   2. The end is reported after every check there is: CRC32, ISIZE, nothing but zeros behind.
 * Limits: none on the output; ISIZE is the length modulo 2^32 (RFC 1952, section 2.3.1).
 * Locks: none.
 */
#include "codec/gzstream.h"

#include <errno.h>
#include <unistd.h>
#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"

#define IN_BYTES (128u * 1024)

/* RFC 1952, section 2.3.1. */
enum { FHCRC = 2, FEXTRA = 4, FNAME = 8, FCOMMENT = 16, FRESERVED = 0xe0 };

/* Kept in catalogs: a change of the numbers needs a new version there. */
enum where {
        AT_HEADER,  /* a member begins */
        IN_DATA,    /* deflate */
        AT_TRAILER, /* CRC32 and ISIZE come */
        AT_GAP,     /* another member, zeros, or the end */
        AT_END,
};

struct gzstream {
        const struct inflate_kind *kind;
        struct inflate *z; /* owned */
        int fd;            /* borrowed */
        gzstream_pread_fn *read;
        void *ctx; /* borrowed; of @read */
        enum where where;
        bool eof;        /* of the file */
        uint64_t off_in; /* in the file, of the byte after in[in_len - 1] */
        size_t in_pos, in_len;
        uint32_t crc; /* of the member so far */
        uint64_t member_bytes;
        uint32_t last_crc; /* the same when the last byte was given; an empty member may have begun since */
        size_t low;        /* of data there must be more at hand before it is decoded */
        size_t in_cap;     /* bytes in @in */
        unsigned char in[];
};

static ssize_t read_plainly(void *ctx, int fd, void *buf, size_t len, uint64_t off)
{
        ssize_t n;

        (void)ctx;
        do
                n = pread(fd, buf, len, (off_t)off);
        while (n < 0 && errno == EINTR);
        return n < 0 ? -errno : n;
}

struct gzstream *gzstream_new(
        const struct inflate_kind *kind, int fd, gzstream_pread_fn *read, void *ctx, size_t whole_bytes)
{
        /* Deflate makes nothing longer but by the heads of stored blocks. */
        size_t low = whole_bytes ? whole_bytes + whole_bytes / 64 + 4096 : 0, cap = IN_BYTES + 2 * low;
        struct gzstream *g = malloc(sizeof *g + cap);

        if (!g)
                return NULL;
        g->kind = kind;
        g->read = read ? read : read_plainly;
        g->ctx = ctx;
        g->low = low;
        g->in_cap = cap;
        g->z = kind->begin();
        if (!g->z) {
                free(g);
                return NULL;
        }
        gzstream_rewind(g, fd);
        return g;
}

void gzstream_free(struct gzstream *g)
{
        if (!g)
                return;
        g->kind->end(g->z);
        free(g);
}

static void go_to(struct gzstream *g, int fd, uint64_t off_tgz)
{
        g->fd = fd;
        g->off_in = off_tgz;
        g->in_pos = g->in_len = 0;
        g->eof = false;
}

void gzstream_rewind(struct gzstream *g, int fd)
{
        go_to(g, fd, 0);
        g->where = AT_HEADER;
        g->crc = g->last_crc = 0;
        g->member_bytes = 0;
}

int gzstream_resume(struct gzstream *g, int fd, const struct gzplace *at, const void *state, size_t len)
{
        go_to(g, fd, at->off_tgz);
        g->where = (enum where)at->where;
        g->crc = at->crc;
        g->member_bytes = at->member_bytes;
        if (at->where > AT_END)
                return -EBADMSG;
        return g->where == IN_DATA ? g->kind->resume(g->z, state, len, NULL) : len == 0 ? 0 : -EBADMSG;
}

/* Where in the file the next byte is. */
static uint64_t off_now(const struct gzstream *g)
{
        return g->off_in - (g->in_len - g->in_pos);
}

uint64_t gzstream_off_tgz(const struct gzstream *g)
{
        return off_now(g);
}

static int bad(const struct gzstream *g, const char *what, struct err *err)
{
        return err_set(err, -EBADMSG, "byte %llu: %s: the data is damaged; copy the archive again",
                (unsigned long long)off_now(g), what);
}

static int too_short(const struct gzstream *g, struct err *err)
{
        return err_set(err, -EBADMSG, "byte %llu: the gzip data ends too early: the archive is not complete",
                (unsigned long long)off_now(g));
}

/* Makes more than @low bytes available, or sets eof. */
static int fill_to(struct gzstream *g, size_t low, struct err *err)
{
        ssize_t n;

        if (g->in_len - g->in_pos > low || g->eof)
                return 0;
        memmove(g->in, g->in + g->in_pos, g->in_len - g->in_pos);
        g->in_len -= g->in_pos;
        g->in_pos = 0;
        while (g->in_len <= low && !g->eof) {
                n = g->read(g->ctx, g->fd, g->in + g->in_len, g->in_cap - g->in_len, g->off_in);
                if (n < 0)
                        return err_sys(err, (int)n, "read at byte %llu", (unsigned long long)g->off_in);
                g->eof = n == 0;
                g->off_in += (uint64_t)n;
                g->in_len += (size_t)n;
        }
        return 0;
}

/* Makes one byte at least available, unless that was the last. */
static int fill(struct gzstream *g, struct err *err)
{
        return fill_to(g, 0, err);
}

static bool used_up(const struct gzstream *g)
{
        return g->eof && g->in_pos == g->in_len;
}

/* ---- header and trailer ---------------------------------------------------------------------- */

/* The next @n bytes, to @to. */
static int take(struct gzstream *g, unsigned char *to, size_t n, struct err *err)
{
        for (size_t i = 0; i < n; i++) {
                int r = fill(g, err);

                if (r < 0)
                        return r;
                if (used_up(g))
                        return too_short(g, err);
                to[i] = g->in[g->in_pos++];
        }
        return 0;
}

/* The same, within a header: its bytes are summed up for FHCRC. */
static int take_header(struct gzstream *g, uint32_t *sum, unsigned char *to, size_t n, struct err *err)
{
        int r = take(g, to, n, err);

        *sum = g->kind->crc32(*sum, to, n);
        return r;
}

static int skip_string(struct gzstream *g, uint32_t *sum, struct err *err)
{
        unsigned char c;
        int r;

        do
                r = take_header(g, sum, &c, 1, err);
        while (r == 0 && c != 0);
        return r;
}

static int skip_extra(struct gzstream *g, uint32_t *sum, struct err *err)
{
        unsigned char h[2], c;
        int r = take_header(g, sum, h, 2, err);

        for (unsigned n = r == 0 ? h[0] + 256u * h[1] : 0; r == 0 && n > 0; n--)
                r = take_header(g, sum, &c, 1, err);
        return r;
}

/* RFC 1952, section 2.3. */
static int read_header(struct gzstream *g, struct err *err)
{
        unsigned char h[10], c[2];
        uint32_t sum = 0;
        int r = take_header(g, &sum, h, sizeof h, err);

        if (r < 0)
                return r;
        if (h[0] != 0x1f || h[1] != 0x8b)
                return bad(g, "no gzip header where one should be", err);
        if (h[2] != 8)
                return bad(g, "unknown compression method", err);
        if (h[3] & FRESERVED)
                return bad(g, "unknown header flags set", err);
        if (h[3] & FEXTRA)
                r = skip_extra(g, &sum, err);
        if (r == 0 && (h[3] & FNAME))
                r = skip_string(g, &sum, err);
        if (r == 0 && (h[3] & FCOMMENT))
                r = skip_string(g, &sum, err);
        if (r == 0 && (h[3] & FHCRC)) {
                r = take(g, c, 2, err);
                if (r == 0 && (sum & 0xffff) != c[0] + 256u * c[1])
                        return bad(g, "gzip header CRC does not match", err);
        }
        if (r < 0)
                return r;
        g->kind->reset(g->z);
        g->crc = 0;
        g->member_bytes = 0;
        g->where = IN_DATA;
        return 0;
}

static uint32_t le32(const unsigned char *p)
{
        return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static int read_trailer(struct gzstream *g, struct err *err)
{
        unsigned char t[8];
        int r = take(g, t, sizeof t, err);

        if (r < 0)
                return r;
        if (le32(t) != g->crc)
                return bad(g, "gzip CRC32 does not match", err);
        if (le32(t + 4) != (uint32_t)g->member_bytes)
                return bad(g, "gzip length (ISIZE) does not match", err);
        g->where = AT_GAP;
        return 0;
}

/* Another member follows, or zeros to the end. */
static int read_gap(struct gzstream *g, struct err *err)
{
        int r = fill(g, err);

        if (r < 0)
                return r;
        if (!used_up(g) && g->in[g->in_pos] == 0x1f) {
                g->where = AT_HEADER;
                return 0;
        }
        while (!used_up(g)) {
                if (g->in[g->in_pos] != 0)
                        return err_set(err, -EBADMSG,
                                "byte %llu: something that is not gzip follows the gzip data; copy the "
                                "archive "
                                "again",
                                (unsigned long long)off_now(g));
                g->in_pos++;
                r = fill(g, err);
                if (r < 0)
                        return r;
        }
        g->where = AT_END;
        return 0;
}

/* ---- data ------------------------------------------------------------------------------------ */

/* Decodes at most @len bytes of the member; *ret_done says how many. */
static int read_data(struct gzstream *g, unsigned char *buf, size_t len, size_t *ret_done, struct err *err)
{
        struct inflate_io io;
        size_t had;
        int r = fill_to(g, g->low, err);

        if (r < 0)
                return r;
        had = g->in_len - g->in_pos;
        io = (struct inflate_io) {
                .in = g->in + g->in_pos, .in_len = g->in_len - g->in_pos, .out = buf, .out_len = len
        };
        r = g->kind->run(g->z, &io);
        if (r == -ENOMEM)
                return err_set(err, r, "out of memory");
        if (r < 0)
                return bad(g, "not deflate data", err);
        g->in_pos = g->in_len - io.in_len;
        *ret_done = len - io.out_len;
        g->crc = g->kind->crc32(g->crc, buf, *ret_done);
        g->member_bytes += *ret_done;
        if (*ret_done > 0)
                g->last_crc = g->crc;
        if (r == INFLATE_END) {
                if (io.unread <= g->in_pos)
                        g->in_pos -= io.unread;
                else
                        go_to(g, g->fd, off_now(g) - io.unread);
                g->where = AT_TRAILER;
        } else if (*ret_done == 0 && io.in_len == had) {
                return used_up(g) ? too_short(g, err) : bad(g, "not deflate data", err);
        }
        return 0;
}

ssize_t gzstream_read(struct gzstream *g, void *buf, size_t len, struct err *err)
{
        size_t done = 0;

        while (done < len && g->where != AT_END) {
                size_t n = 0;
                int r = 0;

                switch (g->where) {
                case AT_HEADER:
                        r = read_header(g, err);
                        break;
                case IN_DATA:
                        r = read_data(g, (unsigned char *)buf + done, len - done, &n, err);
                        break;
                case AT_TRAILER:
                        r = read_trailer(g, err);
                        break;
                case AT_GAP:
                        r = read_gap(g, err);
                        break;
                case AT_END:
                        break;
                }
                if (r < 0)
                        return r;
                done += n;
        }
        return (ssize_t)done;
}

void gzstream_save(struct gzstream *g, struct gzplace *ret, struct buf *state, struct inflate_saved *ret_how)
{
        *ret_how = (struct inflate_saved) { 0 };
        if (g->where == IN_DATA) /* else the member ended with the last byte asked for */
                g->kind->save(g->z, state, ret_how);
        *ret = (struct gzplace) { off_now(g) - ret_how->back, g->member_bytes, g->crc, g->where };
}

uint32_t gzstream_crc(const struct gzstream *g)
{
        return g->last_crc;
}
