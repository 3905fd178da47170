/* SPDX-License-Identifier: MPL-2.0 */
/* statebox -- codec | length | checksum | compressed bytes.
 *
 * A state is 32 KiB of the stream and, mostly, 21 KiB of tables.  The tables shrink to a few KiB under any
 * compressor; the stream's bytes were compressed well in the archive and shrink less.  zstd's level 3 where the
 * library is there, zlib's level 1 else.
 *
 * Limits: STATE_MAX bytes a state, so that a damaged length asks for no memory.
 * Locks: none.
 */
#include "archive/statebox.h"

#include <errno.h>
#include <string.h>
#include <zlib.h>
#ifdef HAVE_ZSTD
#include <zstd.h>
#endif

#include "base/digest.h"

#define STATE_MAX  (256u * 1024)
#define ZSTD_LEVEL 3
#define ZLIB_LEVEL 1

enum codec { CODEC_ZLIB = 1, CODEC_ZSTD = 2 };

struct head {
        uint32_t codec;
        uint32_t raw_len;
        uint64_t sum[2]; /* of the compressed bytes */
};

static size_t bound(size_t len)
{
#ifdef HAVE_ZSTD
        return ZSTD_compressBound(len);
#else
        return compressBound(len);
#endif
}

/* Returns the compressed length, 0 if it failed. */
static size_t squeeze(const void *p, size_t len, void *to, size_t cap, uint32_t *ret_codec)
{
#ifdef HAVE_ZSTD
        size_t n = ZSTD_compress(to, cap, p, len, ZSTD_LEVEL);

        *ret_codec = CODEC_ZSTD;
        return ZSTD_isError(n) ? 0 : n;
#else
        uLongf n = cap;

        *ret_codec = CODEC_ZLIB;
        return compress2(to, &n, p, len, ZLIB_LEVEL) == Z_OK ? n : 0;
#endif
}

void statebox_pack(uint64_t seed, const void *p, size_t len, struct buf *out)
{
        size_t cap = bound(len), n;
        AUTO_FREE char *to = malloc(cap);
        struct head h = { .raw_len = (uint32_t)len };

        n = to && len <= STATE_MAX ? squeeze(p, len, to, cap, &h.codec) : 0;
        if (n == 0 || digest_short(seed ^ len, to, n, h.sum) < 0) {
                out->error = -ENOMEM;
                return;
        }
        buf_add(out, &h, sizeof h);
        buf_add(out, to, n);
}

static int expand(const struct head *h, const void *p, size_t len, char *to)
{
        if (h->codec == CODEC_ZLIB) {
                uLongf n = h->raw_len;

                return uncompress((Bytef *)to, &n, p, len) == Z_OK && n == h->raw_len ? 0 : -EBADMSG;
        }
#ifdef HAVE_ZSTD
        if (h->codec == CODEC_ZSTD)
                return ZSTD_decompress(to, h->raw_len, p, len) == h->raw_len ? 0 : -EBADMSG;
#endif
        return -EBADMSG;
}

int statebox_unpack(uint64_t seed, const void *box, size_t len, struct buf *out)
{
        AUTO_FREE char *to = NULL;
        struct head h;
        uint64_t sum[2];
        int r;

        if (len < sizeof h)
                return -EBADMSG;
        memcpy(&h, box, sizeof h);
        if (h.raw_len > STATE_MAX)
                return -EBADMSG;
        if (digest_short(seed ^ h.raw_len, (const char *)box + sizeof h, len - sizeof h, sum) < 0)
                return -ENOMEM;
        if (memcmp(sum, h.sum, sizeof sum) != 0)
                return -EBADMSG;
        to = malloc(h.raw_len + 1u);
        if (!to)
                return -ENOMEM;
        r = expand(&h, (const char *)box + sizeof h, len - sizeof h, to);
        if (r < 0)
                return r;
        buf_add(out, to, h.raw_len);
        return buf_error(out);
}
