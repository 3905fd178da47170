/* SPDX-License-Identifier: MPL-2.0 */
/* filter_zstd -- one zstd frame by libzstd.
 *
 * A frame may end in a 32 bit xxhash of its content (RFC 8878, section 3.1.1): libzstd compares it, and so does it with
 * the content size in the frame's header.  zstd(1) writes both, libarchive's bsdtar and others write no checksum: a
 * flipped bit in a literal then decodes to another byte and nothing tells (found so by flipping each bit of a small
 * frame: of 8560, 8093 went unnoticed).  Bit 2 of the frame header's descriptor says which it is: a frame without is
 * taken, with a warning.  A skippable frame (section 3.1.2; pzstd, and the seekable format) has no content.
 *
 * Locks: none.  Limits: FILTER_MEMORY_BYTES for the window, as libzstd's own limit of 2^27 bytes.
 */
#include <errno.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "codec/filter_impl.h"

#define WINDOW_LOG_MAX  27
#define DESCRIPTOR_OFF  4    /* of the Frame_Header_Descriptor, behind the magic */
#define DESCRIPTOR_HASH 0x04 /* Content_Checksum_flag */

struct zstd {
        ZSTD_DStream *z; /* owned */
        unsigned seen;   /* bytes of the frame's header, up to the descriptor */
        unsigned char magic0;
};

static enum filter_step zstd_begin(void *state)
{
        struct zstd *s = state;

        if (!s->z)
                s->z = ZSTD_createDStream();
        s->seen = 0;
        if (!s->z || ZSTD_isError(ZSTD_DCtx_reset(s->z, ZSTD_reset_session_only)) ||
                ZSTD_isError(ZSTD_DCtx_setParameter(s->z, ZSTD_d_windowLogMax, WINDOW_LOG_MAX)))
                return STEP_MEMORY;
        return STEP_MORE;
}

/* Looks at the frame's descriptor as it passes. */
static void look(struct zstd *s, struct filter_io *io)
{
        for (size_t i = 0; i < io->in_len && s->seen <= DESCRIPTOR_OFF; i++, s->seen++) {
                if (s->seen == 0)
                        s->magic0 = io->in[i];
                if (s->seen == DESCRIPTOR_OFF && s->magic0 == 0x28 && !(io->in[i] & DESCRIPTOR_HASH))
                        io->warning = "its zstd data carries no check sum (zstd --check makes one)";
        }
}

static enum filter_step zstd_step(void *state, struct filter_io *io, const char **ret_why)
{
        struct zstd *s = state;
        ZSTD_inBuffer in = { io->in, io->in_len, 0 };
        ZSTD_outBuffer out = { io->out, io->out_len, 0 };
        size_t r;

        look(s, io);
        r = ZSTD_decompressStream(s->z, &out, &in);
        io->in += in.pos;
        io->in_len -= in.pos;
        io->out += out.pos;
        io->out_len -= out.pos;
        if (!ZSTD_isError(r))
                return r == 0 ? STEP_END : STEP_MORE;
        switch ((int)ZSTD_getErrorCode(r)) {
        case ZSTD_error_memory_allocation:
                return STEP_MEMORY;
        case ZSTD_error_checksum_wrong:
        case ZSTD_error_corruption_detected: /* a raw dictionary has no number in the frame: it looks like damage */
                *ret_why = "its zstd data is damaged, or was compressed with a dictionary (zstd -D), which "
                           "is not read: copy "
                           "the archive again, or recompress it without";
                return STEP_REFUSE;
        case ZSTD_error_frameParameter_windowTooLarge:
                *ret_why = "its window needs more than 128 MiB of memory: recompress it without --long";
                return STEP_REFUSE;
        case ZSTD_error_dictionary_wrong:
                *ret_why = "it was compressed with a dictionary that is not here: recompress it without";
                return STEP_REFUSE;
        default:
                *ret_why = ZSTD_getErrorName(r);
        }
        return STEP_BAD;
}

static void zstd_end(void *state)
{
        struct zstd *s = state;

        (void)ZSTD_freeDStream(s->z);
}

const struct filter_codec filter_codec_zstd = { "zstd", sizeof(struct zstd), zstd_begin, zstd_step, zstd_end,
        "\x28\xb5\x2f\xfd", 4, "\x2a\x4d\x18", 0 };
