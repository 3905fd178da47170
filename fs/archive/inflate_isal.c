/* SPDX-License-Identifier: MPL-2.0 */
/* inflate_isal -- ISA-L's igzip, twice as quick as zlib.
 *
 * Its struct inflate_state is plain data: the tables are arrays in it, history is in tmp_out_buffer, and the
 * only pointers are next_in and next_out.  So a copy of the fields goes on where the original was.  That is
 * nowhere promised; it was found so in 2.30 (igzip/igzip_inflate.c, isal_inflate) and is tested here at every
 * checkpoint, and the name below makes states of another version or size void.
 *
 * Saved is only what the state in question needs: the Huffman tables inside a coded block, of tmp_in_buffer
 * and tmp_out_buffer what is valid.
 *
 * The gzip framing is not igzip's business here (ISAL_DEFLATE): the check sums are gzstream.c's.
 * Limits: its counters have 32 bits; total_out may wrap, nobody reads it.
 * Locks: none.
 */
#include "archive/inflate.h"

#include <errno.h>
#include <dlfcn.h>
#include <isa-l.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

struct inflate {
        struct inflate_state s;
};

/* The fields that are always saved. */
struct saved {
        uint64_t read_in;
        int32_t read_in_length;
        int32_t block_state;
        uint32_t dict_length, bfinal, hist_bits;
        int32_t type0_block_len; /* the union's; count and dict_id are the same bytes */
        int32_t write_overflow_lits, write_overflow_len, copy_overflow_length, copy_overflow_distance;
        int32_t tmp_out_valid, tmp_out_processed;
        int32_t tmp_in_size, wrapper_flag;
};

/* What the library says of itself is in its header only; the one that is loaded may be newer.  Its file is called
 * after its version (libisal.so.2.0.30). */
static char name_text[160];

static void make_name(void)
{
        AUTO_FREE char *path = NULL;
        const char *file = NULL;
        Dl_info info;

        if (dladdr((void *)(uintptr_t)isal_inflate, &info) != 0 && info.dli_fname)
                path = realpath(info.dli_fname, NULL);
        if (path)
                file = strrchr(path, '/');
        (void)snprintf(name_text, sizeof name_text, "isal %d.%d.%d %.64s %zu", ISAL_MAJOR_VERSION,
                ISAL_MINOR_VERSION, ISAL_PATCH_VERSION, file ? file + 1 : "-", sizeof(struct inflate_state));
}

static const char *isal_name(void)
{
        static pthread_once_t once = PTHREAD_ONCE_INIT;

        (void)pthread_once(&once, make_name);
        return name_text;
}

static void isal_reset(struct inflate *z)
{
        isal_inflate_init(&z->s);
        z->s.crc_flag = ISAL_DEFLATE;
}

static struct inflate *isal_begin(void)
{
        struct inflate *z = calloc(1, sizeof *z);

        if (z)
                isal_reset(z);
        return z;
}

static void isal_end(struct inflate *z)
{
        free(z);
}

static int isal_run(struct inflate *z, struct inflate_io *io)
{
        struct inflate_state *s = &z->s;
        uint8_t *in;
        int r;

        memcpy(&in, &io->in, sizeof in); /* igzip only reads it, but its field is not const */
        s->next_in = in;
        s->avail_in = (uint32_t)io->in_len;
        s->next_out = io->out;
        s->avail_out = (uint32_t)io->out_len;
        r = isal_inflate(s);
        /* After an error the counts mean nothing: at an invalid distance 2.30 leaves avail_in at -1. */
        if (r < 0 || s->avail_in > io->in_len || s->avail_out > io->out_len)
                return -EBADMSG;
        io->in += io->in_len - s->avail_in;
        io->in_len = s->avail_in;
        io->out += io->out_len - s->avail_out;
        io->out_len = s->avail_out;
        if (s->block_state != ISAL_BLOCK_FINISH)
                return INFLATE_MORE;
        /* Whole bytes that stand in the bit buffer already belong to what follows the stream. */
        io->unread = (size_t)s->read_in_length / 8;
        return INFLATE_END;
}

static bool needs_tables(int32_t block_state)
{
        return block_state == ISAL_BLOCK_CODED;
}

static void isal_save(struct inflate *z, struct buf *b, size_t *ret_back)
{
        const struct inflate_state *s = &z->s;
        struct saved v = { s->read_in, s->read_in_length, (int32_t)s->block_state, s->dict_length, s->bfinal,
                s->hist_bits, s->type0_block_len, s->write_overflow_lits, s->write_overflow_len,
                s->copy_overflow_length, s->copy_overflow_distance, s->tmp_out_valid, s->tmp_out_processed,
                s->tmp_in_size, s->wrapper_flag };

        *ret_back = 0;
        buf_add(b, &v, sizeof v);
        buf_add(b, s->tmp_in_buffer, (size_t)s->tmp_in_size);
        buf_add(b, s->tmp_out_buffer, (size_t)s->tmp_out_valid);
        if (needs_tables(v.block_state)) {
                buf_add(b, &s->lit_huff_code, sizeof s->lit_huff_code);
                buf_add(b, &s->dist_huff_code, sizeof s->dist_huff_code);
        }
}

/* The counts lie in their arrays, so that even a wrong state with a right checksum writes nowhere else. */
static bool sound(const struct inflate_state *s, const struct saved *v)
{
        return v->read_in_length >= 0 && v->read_in_length <= 64 && v->block_state >= ISAL_BLOCK_NEW_HDR &&
               v->block_state <= ISAL_BLOCK_FINISH && v->tmp_in_size >= 0 &&
               (size_t)v->tmp_in_size <= sizeof s->tmp_in_buffer && v->tmp_out_valid >= 0 &&
               (size_t)v->tmp_out_valid <= sizeof s->tmp_out_buffer && v->tmp_out_processed >= 0 &&
               v->tmp_out_processed <= v->tmp_out_valid && v->write_overflow_len >= 0 &&
               v->write_overflow_len <= 4 && v->copy_overflow_length >= 0 && v->copy_overflow_length <= 258 &&
               v->copy_overflow_distance >= 0 && v->copy_overflow_distance <= 32768;
}

static bool take(void *to, size_t n, const char **p, size_t *left)
{
        if (n > *left)
                return false;
        memcpy(to, *p, n);
        *p += n;
        *left -= n;
        return true;
}

static int isal_resume(struct inflate *z, const void *data, size_t len)
{
        struct inflate_state *s = &z->s;
        const char *p = data;
        struct saved v;

        if (!take(&v, sizeof v, &p, &len) || !sound(s, &v))
                return -EBADMSG;
        isal_reset(z);
        s->read_in = v.read_in;
        s->read_in_length = v.read_in_length;
        s->block_state = (enum isal_block_state)v.block_state;
        s->dict_length = v.dict_length;
        s->bfinal = v.bfinal;
        s->hist_bits = v.hist_bits;
        s->type0_block_len = v.type0_block_len;
        s->write_overflow_lits = v.write_overflow_lits;
        s->write_overflow_len = v.write_overflow_len;
        s->copy_overflow_length = v.copy_overflow_length;
        s->copy_overflow_distance = v.copy_overflow_distance;
        s->tmp_out_valid = v.tmp_out_valid;
        s->tmp_out_processed = v.tmp_out_processed;
        s->tmp_in_size = (int16_t)v.tmp_in_size;
        s->wrapper_flag = (int16_t)v.wrapper_flag;
        if (!take(s->tmp_in_buffer, (size_t)v.tmp_in_size, &p, &len) ||
                !take(s->tmp_out_buffer, (size_t)v.tmp_out_valid, &p, &len))
                return -EBADMSG;
        if (needs_tables(v.block_state) &&
                (!take(&s->lit_huff_code, sizeof s->lit_huff_code, &p, &len) ||
                        !take(&s->dist_huff_code, sizeof s->dist_huff_code, &p, &len)))
                return -EBADMSG;
        return len == 0 ? 0 : -EBADMSG;
}

static uint32_t isal_crc32(uint32_t crc, const void *p, size_t len)
{
        return crc32_gzip_refl(crc, p, len);
}

const struct inflate_kind inflate_isal = {
        .name = isal_name,
        .begin = isal_begin,
        .reset = isal_reset,
        .end = isal_end,
        .run = isal_run,
        .save = isal_save,
        .resume = isal_resume,
        .crc32 = isal_crc32,
};
