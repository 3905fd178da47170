/* SPDX-License-Identifier: MPL-2.0 */
/* filter_bzip2 -- one bzip2 stream by libbz2.
 *
 * Each block carries a CRC32 of its content, and the stream's end one of all blocks' CRCs (bzip2's decompress.c):
 * libbz2 compares both and says BZ_STREAM_END only then.  There is no written specification.
 *
 * Locks: none.  Limits: libbz2 needs 3.7 MiB at most.
 */
#include <bzlib.h>
#include <limits.h>

#include "codec/filter_impl.h"

struct bzip2 {
        bz_stream z;
        bool begun;
};

static void bzip2_end(void *state)
{
        struct bzip2 *s = state;

        if (s->begun)
                (void)BZ2_bzDecompressEnd(&s->z);
        s->begun = false;
}

static enum filter_step bzip2_begin(void *state)
{
        struct bzip2 *s = state;

        bzip2_end(s);
        s->z = (bz_stream) { 0 };
        s->begun = BZ2_bzDecompressInit(&s->z, 0, 0) == BZ_OK;
        return s->begun ? STEP_MORE : STEP_MEMORY;
}

static enum filter_step bzip2_step(void *state, struct filter_io *io, const char **ret_why)
{
        struct bzip2 *s = state;
        unsigned in = io->in_len < UINT_MAX ? (unsigned)io->in_len : UINT_MAX;
        unsigned out = io->out_len < UINT_MAX ? (unsigned)io->out_len : UINT_MAX;
        int r;

        s->z.next_in = (char *)(uintptr_t)io->in; /* not written to: the interface is older than const */
        s->z.avail_in = in;
        s->z.next_out = (char *)io->out;
        s->z.avail_out = out;
        r = BZ2_bzDecompress(&s->z);
        io->in += in - s->z.avail_in;
        io->in_len -= in - s->z.avail_in;
        io->out += out - s->z.avail_out;
        io->out_len -= out - s->z.avail_out;
        switch (r) {
        case BZ_OK:
                return STEP_MORE;
        case BZ_STREAM_END:
                return STEP_END;
        case BZ_MEM_ERROR:
                return STEP_MEMORY;
        default:
                *ret_why = "a CRC32 or the structure of the bzip2 data is wrong";
                return STEP_BAD;
        }
}

const struct filter_codec filter_codec_bzip2 = { "bzip2", sizeof(struct bzip2), bzip2_begin, bzip2_step,
        bzip2_end, "BZh", 3, NULL, 1 };
