/* SPDX-License-Identifier: MPL-2.0 */
/* fuzz_blobs -- what catalog.db keeps of an archive, as hostile bytes: the packed index, a statebox, and a decoder's
 * state.  (The packed layout: fuzz_layout.)
 *
 * The first byte says what the rest is.  An index that is taken has sorted places, packs to the same bytes, and a source
 * that opens with it gives bytes or an error.  A box gets the check sum it should have, so that what is behind it is
 * reached; a state that is taken decodes to anything or an error, inside its buffer.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "archive/gzip.h"
#include "archive/statebox.h"
#include "base/cleanup.h"
#include "base/digest.h"
#include "fuzz.h"

#define SEED UINT64_C(0x123456789)

/* deflate of "aaaa...": any input does that is not void. */
static const unsigned char some[] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0x4b, 0x4c, 0x1c, 0x05, 0xa3, 0x60,
        0x14, 0x0c, 0x77, 0, 0, 0xb4, 0x97, 0xa9, 0x64, 0x2c, 1, 0, 0 };

static void read_by(struct gzindex *x)
{
        int fd = fuzz_file(some, sizeof some);
        struct source_env env = { .kind = &inflate_zlib };
        struct chunkcache *cache = NULL;
        struct source *src = NULL;
        static char got[4096];
        struct identity id;

        FUZZ_CHECK(identity_of_fd(fd, &id) == 0);
        FUZZ_CHECK(chunkcache_new(2 * (size_t)x->chunk_bytes, x->chunk_bytes, 1, 0, &cache, NULL) == 0);
        env.cache = cache;
        FUZZ_CHECK(source_open_gzip(fd, &id, x, 1, &env, &src, NULL) == 0);
        for (size_t i = 0; i < x->n_chunks && i < 8; i++) {
                uint64_t off = (uint64_t)i * x->chunk_bytes;
                size_t len = x->raw_bytes - off < sizeof got ? (size_t)(x->raw_bytes - off) : sizeof got;
                ssize_t n = source_pread(src, got, len, off);

                FUZZ_CHECK(n == (ssize_t)len || n < 0);
        }
        source_close(src);
        chunkcache_free(cache);
}

static void an_index(const uint8_t *p, size_t len)
{
        AUTO_BUF struct buf b = BUF_INIT;
        struct gzindex *x = NULL;
        int r = gzindex_unpack(p, len, &x);

        FUZZ_CHECK(r == 0 || r == -EBADMSG);
        if (r < 0)
                return;
        gzindex_pack(x, &b);
        FUZZ_CHECK(b.len == len && memcmp(b.data, p, len) == 0);
        for (size_t i = 1; i < x->n_chunks; i++)
                FUZZ_CHECK(x->places[i - 1].off_tgz <= x->places[i].off_tgz);
        read_by(x);
}

static void a_box(const uint8_t *p, size_t len)
{
        AUTO_BUF struct buf box = BUF_INIT, state = BUF_INIT, again = BUF_INIT;
        uint64_t sum[2];
        uint32_t raw_len;

        (void)statebox_unpack(
                SEED, p, len, &again); /* libFuzzer sees what is compared, and has guessed the sum */
        if (len < 24)
                return;
        buf_add(&box, p, len);
        memcpy(&raw_len, box.data + 4, sizeof raw_len);
        FUZZ_CHECK(digest_short(SEED ^ raw_len, box.data + 24, box.len - 24, sum) == 0);
        memcpy(box.data + 8, sum, sizeof sum);
        if (statebox_unpack(SEED, box.data, box.len, &state) < 0)
                return;
        FUZZ_CHECK(state.len == raw_len);
        FUZZ_CHECK(statebox_unpack(SEED + 1, box.data, box.len, &again) == -EBADMSG);
}

static void a_state(const struct inflate_kind *kind, const uint8_t *p, size_t len)
{
        static unsigned char out[8192];
        struct inflate *z = kind->begin();

        FUZZ_CHECK(z);
        if (kind->resume(z, p, len, NULL) == 0) {
                struct inflate_io io = {
                        .in = some + 10, .in_len = sizeof some - 10, .out = out, .out_len = sizeof out
                };
                int r = kind->run(z, &io);

                FUZZ_CHECK(r == INFLATE_MORE || r == INFLATE_END || r == -EBADMSG);
                FUZZ_CHECK(io.out >= out && io.out <= out + sizeof out && io.in_len <= sizeof some - 10);
        }
        kind->end(z);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        if (size == 0)
                return 0;
        switch (data[0] % 3) {
        case 0:
                an_index(data + 1, size - 1);
                break;
        case 1:
                a_box(data + 1, size - 1);
                break;
        default:
                a_state(&inflate_zlib, data + 1, size - 1);
                break;
        }
        return 0;
}
