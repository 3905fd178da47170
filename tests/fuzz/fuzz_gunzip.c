/* SPDX-License-Identifier: MPL-2.0 */
/* fuzz_gunzip -- any bytes, decoded by what they begin with (gzip, xz, zstd, bzip2; gzip if by nothing): an end, or one
 * of the promised errors with a reason; decoded twice, the same comes out; where zlib decodes, so do we. */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/digest.h"
#include "codec/filter.h"
#include "fuzz.h"

#define MAX_OUT (4u << 20) /* a bomb is the spool's business */

static int decode(int fd, enum filter_kind kind, char hex[DIGEST_MAX_HEX])
{
        AUTO_DIGEST struct digest *d = digest_new(DIGEST_SHA256);
        struct err err = { "" };
        struct filter *f = NULL;
        size_t total = 0;
        const void *p;
        ssize_t n;
        int r = filter_new(fd, kind, &f, &err);

        FUZZ_CHECK(d && (r == 0 || (r == -EBADMSG && err.text[0])));
        if (r < 0) /* built without that library */
                return digest_hex(d, hex) < 0 ? -ENOMEM : r;
        while ((n = filter_next(f, &p, &err)) > 0 && (total += (size_t)n) < MAX_OUT)
                FUZZ_CHECK(digest_add(d, p, (size_t)n) == 0);
        FUZZ_CHECK(n >= 0 || ((n == -EBADMSG || n == -ENOMEM) && err.text[0] && !strchr(err.text, '\n')));
        FUZZ_CHECK(digest_hex(d, hex) == 0);
        filter_free(f);
        return n < 0 ? (int)n : 0;
}

/* A single member that zlib finds sound, to its last byte. */
static int zlib_likes(const uint8_t *data, size_t size)
{
        static unsigned char out[65536];
        z_stream z = { .next_in = (unsigned char *)(uintptr_t)data, .avail_in = (unsigned)size };
        size_t total = 0;
        int r = inflateInit2(&z, 15 + 16);

        while (r == Z_OK && total < MAX_OUT) {
                z.next_out = out;
                z.avail_out = sizeof out;
                r = inflate(&z, Z_NO_FLUSH);
                total += sizeof out - z.avail_out;
        }
        (void)inflateEnd(&z);
        return r == Z_STREAM_END && z.avail_in == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        char a[DIGEST_MAX_HEX], b[DIGEST_MAX_HEX];
        enum filter_kind kind = filter_of_bytes(data, size);
        int fd, r;

        if (kind == FILTER_NONE)
                kind = FILTER_GZIP;
        fd = fuzz_file(data, size);
        r = decode(fd, kind, a);
        FUZZ_CHECK(decode(fd, kind, b) == r && strcmp(a, b) == 0);
        if (kind == FILTER_GZIP && zlib_likes(data, size))
                FUZZ_CHECK(r == 0);
        close(fd);
        return 0;
}
