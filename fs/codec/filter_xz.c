/* SPDX-License-Identifier: MPL-2.0 */
/* filter_xz -- one .xz stream by liblzma.
 *
 * A stream carries a check of each block (none, CRC32, CRC64 or SHA-256), and CRC32s of its header, index and footer
 * (The .xz File Format 1.1.0, sections 2.1.1 and 3.4); liblzma compares them all and says LZMA_STREAM_END only then.
 * The index holds the sizes of all blocks, so a block cannot go missing unseen either.  A check this liblzma does not
 * know (LZMA_UNSUPPORTED_CHECK), and none, is worth a warning: then only sizes and structure were checked.
 *
 * Streams are decoded one by one and not with LZMA_CONCATENATED, so that filter.c has one rule for what stands between
 * them.  Locks: none.  Limits: FILTER_MEMORY_BYTES for the dictionary.
 */
#include <lzma.h>

#include "codec/filter_impl.h"

static enum filter_step xz_begin(void *state)
{
        lzma_stream *z = state;

        /* On a stream that was used before, liblzma takes its memory over. */
        return lzma_stream_decoder(
                       z, FILTER_MEMORY_BYTES, LZMA_TELL_NO_CHECK | LZMA_TELL_UNSUPPORTED_CHECK) == LZMA_OK
                       ? STEP_MORE
                       : STEP_MEMORY;
}

static enum filter_step xz_step(void *state, struct filter_io *io, const char **ret_why)
{
        lzma_stream *z = state;
        lzma_ret r;

        z->next_in = io->in;
        z->avail_in = io->in_len;
        z->next_out = io->out;
        z->avail_out = io->out_len;
        r = lzma_code(z, LZMA_RUN);
        io->in = z->next_in;
        io->in_len = z->avail_in;
        io->out = z->next_out;
        io->out_len = z->avail_out;
        switch ((int)r) { /* the library may know more */
        case LZMA_NO_CHECK:
                io->warning = "its xz data carries no check sums (xz --check=crc64 makes them)";
                return STEP_MORE;
        case LZMA_UNSUPPORTED_CHECK:
                io->warning = "its xz data carries check sums of a kind that liblzma does not know";
                return STEP_MORE;
        case LZMA_OK:
        case LZMA_GET_CHECK:
        case LZMA_BUF_ERROR: /* no input, or no room: filter.c sees to both */
                return STEP_MORE;
        case LZMA_STREAM_END:
                return STEP_END;
        case LZMA_MEM_ERROR:
                return STEP_MEMORY;
        case LZMA_MEMLIMIT_ERROR:
                *ret_why =
                        "its dictionary needs more than 256 MiB of memory: recompress it with xz -9 at most";
                return STEP_REFUSE;
        case LZMA_OPTIONS_ERROR:
                *ret_why = "it uses what liblzma does not know";
                return STEP_REFUSE;
        default:
                *ret_why = "a check sum or the structure of the xz data is wrong";
                return STEP_BAD;
        }
}

static void xz_end(void *state)
{
        lzma_end(state);
}

const struct filter_codec filter_codec_xz = { "xz", sizeof(lzma_stream), xz_begin, xz_step, xz_end,
        "\xfd"
        "7zXZ\0",
        6, NULL, 4 }; /* stream padding: section 2.2 */
