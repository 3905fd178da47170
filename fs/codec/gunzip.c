/* SPDX-License-Identifier: MPL-2.0 */
/* gunzip -- decode and verify, since nobody else does.
 *
 * libarchive 3.6.2 compares neither CRC32 nor ISIZE (a flipped byte in a stored block reads as fine), so the
 * gzip layer is ours.  zlib's own gzip mode (windowBits 15 + 16) reads the header (RFC 1952, section 2.3),
 * checks the header's CRC16 where there is one, and at the end of each member CRC32 and ISIZE; it reports
 * Z_STREAM_END only when both agree.
 *
 * What follows a member: another member (RFC 1952, section 2.2: pigz -i, bgzip, cat a.gz b.gz), or zeros to
 * the end of the file (tape blocks).  Anything else is refused: whoever appended it did not mean a platform
 * image.
 *
 * Limits: none on the output; the caller counts.  Memory: two chunks and zlib's window.
 * Locks: none; one thread at a time.
 */
#include "codec/gunzip.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/cleanup.h"

#define CHUNK_BYTES (256u * 1024)

enum where {
        IN_MEMBER,    /* header, data or trailer */
        AFTER_MEMBER, /* a member just ended: another, zeros, or the end */
        IN_PADDING,   /* zeros only from here */
};

struct gunzip {
        int fd;           /* borrowed */
        uint64_t off_tgz; /* of the next byte to read from the file */
        bool at_eof;
        bool inflating;
        enum where where;
        z_stream z;
        unsigned char in[CHUNK_BYTES], out[CHUNK_BYTES];
};

static void gunzip_freep(struct gunzip **g)
{
        gunzip_free(*g);
}

int gunzip_new(int fd, struct gunzip **ret, struct err *err)
{
        AUTO_CLEAN(gunzip_freep) struct gunzip *g = malloc(sizeof *g);

        if (!g)
                return err_set(err, -ENOMEM, "out of memory");
        memset(g, 0, offsetof(struct gunzip, in));
        g->fd = fd;
        if (inflateInit2(&g->z, 15 + 16) != Z_OK)
                return err_set(err, -ENOMEM, "out of memory");
        g->inflating = true;
        *ret = take_ptr(&g);
        return 0;
}

void gunzip_free(struct gunzip *g)
{
        if (!g)
                return;
        if (g->inflating)
                (void)inflateEnd(&g->z);
        free(g);
}

/* Where in the file the next undecoded byte is. */
static unsigned long long off_now(const struct gunzip *g)
{
        return g->off_tgz - g->z.avail_in;
}

uint64_t gunzip_off_tgz(const struct gunzip *g)
{
        return off_now(g);
}

/* Makes avail_in more than 0, or sets at_eof. */
static int fill(struct gunzip *g, struct err *err)
{
        ssize_t n;

        if (g->z.avail_in > 0 || g->at_eof)
                return 0;
        do
                n = pread(g->fd, g->in, sizeof g->in, (off_t)g->off_tgz);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return err_sys(err, -errno, "read at byte %llu", (unsigned long long)g->off_tgz);
        g->at_eof = n == 0;
        g->off_tgz += (uint64_t)n;
        g->z.next_in = g->in;
        g->z.avail_in = (unsigned)n;
        return 0;
}

/* Steps over what stands between two members, or starts the next one.  0 or -EBADMSG. */
static int between_members(struct gunzip *g, struct err *err)
{
        unsigned char c = *g->z.next_in;

        if (g->where == AFTER_MEMBER && c == 0x1f) {
                if (inflateReset(&g->z) != Z_OK)
                        return err_set(err, -EBADMSG, "zlib cannot go on");
                g->where = IN_MEMBER;
                return 0;
        }
        while (g->z.avail_in > 0 && *g->z.next_in == 0) {
                g->z.next_in++;
                g->z.avail_in--;
        }
        g->where = IN_PADDING;
        if (g->z.avail_in > 0)
                return err_set(err, -EBADMSG,
                        "byte %llu: something that is not gzip follows the gzip data; copy the archive again",
                        off_now(g));
        return 0;
}

static int zlib_error(const struct gunzip *g, int zr, struct err *err)
{
        static const struct {
                const char *zlib, *reason;
        } table[] = {
                { "incorrect data check", "gzip CRC32 does not match" },
                { "incorrect length check", "gzip length (ISIZE) does not match" },
                { "header crc mismatch", "gzip header CRC does not match" },
                { "incorrect header check", "no gzip header where one should be" },
        };
        const char *msg = g->z.msg ? g->z.msg : "damaged";

        if (zr == Z_MEM_ERROR)
                return err_set(err, -ENOMEM, "out of memory");
        for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
                if (strcmp(msg, table[i].zlib) == 0)
                        msg = table[i].reason;
        return err_set(
                err, -EBADMSG, "byte %llu: %s: the data is damaged; copy the archive again", off_now(g), msg);
}

ssize_t gunzip_next(struct gunzip *g, const void **ret_data, struct err *err)
{
        g->z.next_out = g->out;
        g->z.avail_out = sizeof g->out;
        while (g->z.avail_out > 0) {
                int r = fill(g, err);

                if (r < 0)
                        return r;
                if (g->at_eof && g->where == IN_MEMBER)
                        return err_set(err, -EBADMSG,
                                "byte %llu: the gzip data ends too early: the archive is not complete",
                                off_now(g));
                if (g->at_eof)
                        break;
                if (g->where != IN_MEMBER) {
                        r = between_members(g, err);
                        if (r < 0)
                                return r;
                        continue;
                }
                r = inflate(&g->z, Z_NO_FLUSH);
                if (r == Z_STREAM_END)
                        g->where = AFTER_MEMBER;
                else if (r != Z_OK)
                        return zlib_error(g, r, err);
        }
        *ret_data = g->out;
        return (ssize_t)(sizeof g->out - g->z.avail_out);
}
