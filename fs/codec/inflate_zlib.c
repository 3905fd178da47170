/* SPDX-License-Identifier: MPL-2.0 */
/* inflate_zlib -- zlib, where igzip is not to be had.
 *
 * zlib's state cannot be taken out in the middle of a block.  At the end of one it is small (RFC 1951, section
 * 3.2.3: blocks begin at any bit): the last 32 KiB of output, and the bits of the last byte that are not used
 * yet.  So the decoder stops at each block's end (Z_BLOCK) and notes the two; save() gives the last such place
 * and how much was decoded since, and a resumed decoder decodes that much for nothing first.  As in zlib's
 * examples/zran.c.
 *
 * Limits: a stream of one huge block is decoded from its start each time.
 * Locks: none.
 */
#include "codec/inflate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#define WINDOW_BYTES 32768u

/* The end of the last block. */
struct place {
        uint64_t since_out; /* bytes of output after it */
        uint32_t window_len;
        uint8_t bits;      /* of last_byte, not used yet; 0 to 7 */
        uint8_t last_byte; /* the one before the input goes on */
        uint8_t zero[2];
};

struct inflate {
        z_stream z;
        struct place place;
        uint64_t since_in; /* bytes of input taken after the place */
        uint64_t skip;     /* bytes of output still to be decoded for nothing */
        uint8_t last_byte; /* of the input, so far */
        unsigned char window[WINDOW_BYTES];
        unsigned char nothing[WINDOW_BYTES]; /* where skipped output goes */
};

static const char *zlib_name(void)
{
        return "zlib 2"; /* what is saved is deflate's, not zlib's: any version can read it */
}

static void zlib_reset(struct inflate *z)
{
        (void)inflateReset2(&z->z, -15);
        z->place = (struct place) { 0 };
        z->since_in = z->skip = 0;
}

static struct inflate *zlib_begin(void)
{
        struct inflate *z = calloc(1, sizeof *z);

        if (z && inflateInit2(&z->z, -15) != Z_OK) {
                free(z);
                return NULL;
        }
        return z;
}

static void zlib_end(struct inflate *z)
{
        if (!z)
                return;
        (void)inflateEnd(&z->z);
        free(z);
}

/* After inflate() stopped: is this the end of a block, and not of the last one? */
static void note_place(struct inflate *z)
{
        int type = z->z.data_type;
        uInt len = 0;

        if (!(type & 128) || (type & 64))
                return;
        if (inflateGetDictionary(&z->z, z->window, &len) != Z_OK)
                return;
        z->place =
                (struct place) { .window_len = len, .bits = (uint8_t)(type & 7), .last_byte = z->last_byte };
        z->since_in = 0;
}

/* One inflate(), at most to the end of a block. */
static int step(struct inflate *z, struct inflate_io *io)
{
        unsigned char *in;
        size_t took, gave;
        int zr;

        memcpy(&in, &io->in, sizeof in); /* next_in is const only if zlib was told so */
        z->z.next_in = in;
        z->z.avail_in = (uInt)io->in_len;
        z->z.next_out = z->skip ? z->nothing : io->out;
        z->z.avail_out = (uInt)(!z->skip                      ? io->out_len
                                : z->skip < sizeof z->nothing ? z->skip
                                                              : sizeof z->nothing);
        gave = z->z.avail_out;
        zr = inflate(&z->z, Z_BLOCK);
        took = io->in_len - z->z.avail_in;
        gave -= z->z.avail_out;
        io->in += took;
        io->in_len -= took;
        if (took)
                z->last_byte = io->in[-1];
        z->since_in += took;
        z->place.since_out += gave;
        if (z->skip) {
                z->skip -= gave;
        } else {
                io->out += gave;
                io->out_len -= gave;
        }
        return zr;
}

static int zlib_run(struct inflate *z, struct inflate_io *io)
{
        for (;;) {
                int zr = step(z, io);

                if (zr == Z_STREAM_END) {
                        io->unread = 0;
                        return z->skip ? -EBADMSG : INFLATE_END;
                }
                if (zr == Z_MEM_ERROR)
                        return -ENOMEM;
                if (zr != Z_OK && zr != Z_BUF_ERROR)
                        return -EBADMSG;
                note_place(z);
                if (!z->skip && io->out_len == 0)
                        return INFLATE_MORE;
                if (io->in_len == 0 && zr == Z_BUF_ERROR)
                        return INFLATE_MORE;
        }
}

static void zlib_save(struct inflate *z, struct buf *b, struct inflate_saved *ret)
{
        *ret = (struct inflate_saved) {
                .back = (size_t)z->since_in, .history = z->place.window_len, .skip = z->place.since_out
        };
        buf_add(b, &z->place, sizeof z->place);
        buf_add(b, z->window, z->place.window_len);
}

static int zlib_resume(struct inflate *z, const void *p, size_t len, uint64_t *ret_skip)
{
        struct place place;

        if (len < sizeof place)
                return -EBADMSG;
        memcpy(&place, p, sizeof place);
        if (place.window_len > WINDOW_BYTES || len != sizeof place + place.window_len || place.bits > 7)
                return -EBADMSG;
        zlib_reset(z);
        if (ret_skip)
                *ret_skip = place.since_out;
        else
                z->skip = place.since_out;
        z->place = place;
        z->place.since_out = 0;
        z->last_byte = place.last_byte;
        memcpy(z->window, (const char *)p + sizeof place, place.window_len);
        if (place.bits && inflatePrime(&z->z, place.bits, place.last_byte >> (8 - place.bits)) != Z_OK)
                return -EBADMSG;
        if (place.window_len && inflateSetDictionary(&z->z, z->window, place.window_len) != Z_OK)
                return -EBADMSG;
        return 0;
}

static uint32_t zlib_crc32(uint32_t crc, const void *p, size_t len)
{
        return (uint32_t)crc32_z(crc, p, len);
}

const struct inflate_kind inflate_zlib = {
        .name = zlib_name,
        .begin = zlib_begin,
        .reset = zlib_reset,
        .end = zlib_end,
        .run = zlib_run,
        .save = zlib_save,
        .resume = zlib_resume,
        .crc32 = zlib_crc32,
};
