/* SPDX-License-Identifier: MPL-2.0 */
/* fuzz_gzindex -- a gzip file indexed and then read in any order, with each decoder, against one straight decode by
 * zlib's own gzip reader.
 *
 * The first byte says what the rest is: a gzip file as it stands; or one raw deflate stream, which gets a header and the
 * trailer that zlib says belongs to it, so that the search does not die of check sums; or a list of pieces (see
 * add_pieces), from which a sound file is made: members, blocks of each kind, flushes, empty ones.
 *
 *   1. What zlib takes, we index, and each byte is the same, whichever checkpoint it is decoded from.
 *   2. What we refuse, we refuse with a reason, and always.
 *   3. The index comes back from its packed form; a statebox opens with its own seed and no other.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "archive/gzip.h"
#include "archive/statebox.h"
#include "base/cleanup.h"
#include "fuzz.h"

#define CHUNK   4096u
#define MARK    1024u
#define MAX_OUT (1u << 16)
#define OBJ     UINT64_C(9)

static const struct inflate_kind *const kinds[] = {
        &inflate_zlib,
#ifdef HAVE_ISAL
        &inflate_isal,
#endif
};

/* ---- the file ---------------------------------------------------------------------------------- */

static void put_le32(struct buf *b, uint32_t v)
{
        unsigned char c[4] = { (unsigned char)v, (unsigned char)(v >> 8), (unsigned char)(v >> 16),
                (unsigned char)(v >> 24) };

        buf_add(b, c, sizeof c);
}

/* Decodes what stands at @p; @bits as for inflateInit2.  *ret_used: of a stream that ended.  Adds to @out (NULL: counts). */
static int decode(const uint8_t *p, size_t len, int bits, struct buf *out, size_t *ret_used)
{
        static unsigned char some[65536];
        z_stream z = { .next_in = (unsigned char *)(uintptr_t)p, .avail_in = (unsigned)len };
        int r = inflateInit2(&z, bits);

        while (r == Z_OK && out->len <= MAX_OUT) {
                z.next_out = some;
                z.avail_out = sizeof some;
                r = inflate(&z, Z_NO_FLUSH);
                buf_add(out, some, sizeof some - z.avail_out);
        }
        *ret_used = len - z.avail_in;
        (void)inflateEnd(&z);
        return r == Z_STREAM_END ? 0 : -EBADMSG;
}

static void add_deflate(struct buf *gz, const uint8_t *p, size_t len)
{
        AUTO_BUF struct buf out = BUF_INIT;
        size_t used = len;

        buf_add(gz, "\x1f\x8b\x08\0\0\0\0\0\0\xff", 10);
        (void)decode(p, len, -15, &out, &used);
        buf_add(gz, p, used);
        put_le32(gz, (uint32_t)crc32_z(0, (unsigned char *)out.data, out.len));
        put_le32(gz, (uint32_t)out.len);
        buf_add(gz, p + used, len - used);
}

/* One member out of three bytes a piece: how it is compressed, what it is made of, how much. */
static void add_pieces(struct buf *gz, const uint8_t *p, size_t len)
{
        static const int levels[] = { 0, 1, 6, 9 },
                         strategies[] = { Z_DEFAULT_STRATEGY, Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE };
        static const int flushes[] = { Z_NO_FLUSH, Z_BLOCK, Z_SYNC_FLUSH, Z_FULL_FLUSH };
        static unsigned char in[16384], out[65536]; /* a piece is at most 16383 bytes */
        size_t total = 0;
        uint32_t rng = 1;
        z_stream z;

        for (bool open = false; len >= 3 || open; p += 3, len -= 3) {
                size_t n = len >= 3 ? (size_t)p[2] * 64 + (p[1] >> 2) : 0;
                bool last = len < 6 || (p[0] & 0x80);

                if (!open) {
                        memset(&z, 0, sizeof z);
                        FUZZ_CHECK(deflateInit2(&z, levels[p[0] & 3], Z_DEFLATED, 15 + 16, 8,
                                           strategies[p[0] >> 2 & 3]) == Z_OK);
                        open = true;
                }
                for (size_t i = 0; i < n; i++) {
                        rng = rng * 1664525 + 1013904223;
                        in[i] = (unsigned char)((p[1] & 3) == 0   ? rng >> 24
                                                : (p[1] & 3) == 1 ? 'a' + (rng >> 28)
                                                                  : p[1]);
                }
                z.next_in = in;
                z.avail_in = (unsigned)n;
                z.next_out = out;
                z.avail_out = sizeof out;
                FUZZ_CHECK(deflate(&z, last ? Z_FINISH : flushes[p[0] >> 4 & 3]) != Z_STREAM_ERROR &&
                           z.avail_in == 0);
                buf_add(gz, out, sizeof out - z.avail_out);
                total += n;
                if (last) {
                        (void)deflateEnd(&z);
                        open = false;
                }
                if (len < 6 || total > MAX_OUT / 2) {
                        if (open)
                                (void)deflateEnd(&z); /* cut short */
                        return;
                }
        }
}

/* All members, and zeros behind them: what a reader of gzip files gives. */
static int decode_all(const struct buf *gz, struct buf *out)
{
        size_t at = 0, used = 0;

        do {
                int r = decode((uint8_t *)gz->data + at, gz->len - at, 15 + 16, out, &used);

                if (r < 0)
                        return r;
                at += used;
        } while (at < gz->len && gz->data[at] == 0x1f);
        while (at < gz->len && gz->data[at] == 0)
                at++;
        return at == gz->len ? 0 : -EBADMSG;
}

/* ---- index and source -------------------------------------------------------------------------- */

static int index_of(int fd, const struct inflate_kind *kind, struct buf *out, struct gzindex **ret)
{
        AUTO_CLEAN(gzindexer_endp) struct gzindexer *w = NULL;
        struct err err = { "" };
        struct feed feed;
        const void *p;
        ssize_t n;

        FUZZ_CHECK(
                gzindexer_begin(fd, kind, (struct gzlayout) { CHUNK, MARK, 0 }, MAX_OUT, OBJ, &w, &err) == 0);
        feed = gzindexer_feed(w);
        while ((n = feed.next(feed.ctx, &p, &err)) > 0)
                buf_add(out, p, (size_t)n);
        FUZZ_CHECK(n == 0 || ((n == -EBADMSG || n == -EFBIG) && err.text[0] && !strchr(err.text, '\n')));
        *ret = gzindexer_take(w);
        FUZZ_CHECK((*ret != NULL) == (n == 0));
        return (int)n;
}

static void check_packed(const struct gzindex *x)
{
        AUTO_BUF struct buf a = BUF_INIT, b = BUF_INIT;
        struct gzindex *again = NULL;

        if (x->raw_bytes == 0)
                return;
        gzindex_pack(x, &a);
        FUZZ_CHECK(gzindex_unpack(a.data, a.len, &again) == 0 && again->raw_bytes == x->raw_bytes);
        gzindex_pack(again, &b);
        FUZZ_CHECK(a.len == b.len && memcmp(a.data, b.data, a.len) == 0);
        gzindex_free(again);
        for (size_t n = 1; n < x->n_chunks; n++) {
                AUTO_BUF struct buf state = BUF_INIT;
                const struct buf *box = &x->states[n];

                FUZZ_CHECK(statebox_unpack(gzindex_seed(OBJ, n), box->data, box->len, &state) == 0);
                FUZZ_CHECK(
                        statebox_unpack(gzindex_seed(OBJ, n + 1), box->data, box->len, &state) == -EBADMSG);
        }
}

/* Three places, the last chunk first, from a cache that holds two: chunks are entered and dropped in every order. */
static void check_reads(int fd, const struct inflate_kind *kind, struct gzindex *x, const struct buf *want)
{
        struct source_env env = { .kind = kind };
        struct chunkcache *cache = NULL;
        struct source *src = NULL;
        struct identity id;
        static char got[CHUNK + 1000]; /* over a border, but for the last */

        FUZZ_CHECK(identity_of_fd(fd, &id) == 0);
        FUZZ_CHECK(chunkcache_new(2 * CHUNK, CHUNK, 1, 0, &cache, NULL) == 0);
        env.cache = cache;
        FUZZ_CHECK(source_open_gzip(dup(fd), &id, x, OBJ, &env, &src, NULL) == 0);
        for (size_t i = 3; i-- > 0;) {
                size_t off = (x->n_chunks * (i + 1) - 1) / 3 * CHUNK + i % 2 * 777, len = want->len - off;

                if (off >= want->len)
                        continue;
                len = len < sizeof got ? len : sizeof got - i;
                FUZZ_CHECK(source_pread(src, got, len, off) == (ssize_t)len);
                FUZZ_CHECK(memcmp(got, want->data + off, len) == 0);
        }
        source_close(src);
        chunkcache_free(cache);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        AUTO_BUF struct buf gz = BUF_INIT, want = BUF_INIT;
        AUTO_CLOSE int fd = -1;
        int sound;

        if (size == 0)
                return 0;
        if (data[0] % 3 == 0)
                buf_add(&gz, data + 1, size - 1);
        else if (data[0] % 3 == 1)
                add_deflate(&gz, data + 1, size - 1);
        else
                add_pieces(&gz, data + 1, size - 1);
        if (gz.len == 0)
                return 0;
        sound = decode_all(&gz, &want);
        fd = fuzz_file((uint8_t *)gz.data, gz.len);
        for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
                AUTO_BUF struct buf out = BUF_INIT;
                struct gzindex *x = NULL;
                int r = index_of(fd, kinds[k], &out, &x);

                FUZZ_CHECK(r == 0 || sound < 0 || want.len > MAX_OUT);
                if (r < 0)
                        continue;
                if (sound == 0)
                        FUZZ_CHECK(out.len == want.len &&
                                   (out.len == 0 || memcmp(out.data, want.data, out.len) == 0));
                check_packed(x);
                if (x->raw_bytes > 0)
                        check_reads(fd, kinds[k], x, &out);
                else
                        gzindex_free(x);
        }
        return 0;
}
