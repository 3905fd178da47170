/* SPDX-License-Identifier: MPL-2.0 */
/* inflate_isal -- ISA-L's igzip, twice as quick as zlib.
 *
 * Its struct inflate_state is plain data: the tables are arrays in it, history is in tmp_out_buffer, and the
 * only pointers are next_in and next_out.  So a copy of the fields goes on where the original was.  That is
 * nowhere promised; it was found so in 2.30 (igzip/igzip_inflate.c, isal_inflate) and is tested here at every
 * checkpoint, and the name below makes states of another version or size void.
 *
 * Saved is only what the state in question needs: inside a coded block the code lengths that its tables are made of
 * (isal_codes.h; the tables themselves where that does not give the same ones), of tmp_in_buffer what is valid, of
 * tmp_out_buffer what is still to be given out and the 32 KiB that can be referred to.
 *
 * The gzip framing is not igzip's business here (ISAL_DEFLATE): the check sums are gzstream.c's.
 * Limits: its counters have 32 bits; total_out may wrap, nobody reads it.
 * Locks: none.
 */
#include "codec/inflate.h"

#include <errno.h>
#include <dlfcn.h>
#include <isa-l.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "codec/isal_codes.h"

#define WINDOW_BYTES 32768

enum tables { TABLES_NONE, TABLES_CODES, TABLES_WHOLE };

struct inflate {
        struct inflate_state s;
        struct inflate_state *other; /* owned; made at the first save: to try codes with */
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
        int32_t tables; /* enum tables: which follow */
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
        (void)snprintf(name_text, sizeof name_text, "isal 2 %d.%d.%d %.64s %zu", ISAL_MAJOR_VERSION,
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
        if (z)
                free(z->other);
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

/* The codes of the block @z is in, and whether its tables are really made of them. */
static bool codes_of(struct inflate *z, struct isal_codes *ret)
{
        if (!z->other)
                z->other = calloc(1, sizeof *z->other);
        return z->other && isal_codes_read(&z->s, ret) && isal_codes_load(z->other, ret) &&
               isal_codes_same(&z->s, z->other);
}

static void isal_save(struct inflate *z, struct buf *b, struct inflate_saved *ret)
{
        const struct inflate_state *s = &z->s;
        int32_t kept = s->tmp_out_valid - s->tmp_out_processed;
        int32_t history = s->tmp_out_valid < WINDOW_BYTES ? s->tmp_out_valid : WINDOW_BYTES;
        struct isal_codes codes;
        struct saved v;

        history = kept > history ? kept : history;
        v = (struct saved) { s->read_in, s->read_in_length, (int32_t)s->block_state, s->dict_length,
                s->bfinal, s->hist_bits, s->type0_block_len, s->write_overflow_lits, s->write_overflow_len,
                s->copy_overflow_length, s->copy_overflow_distance, history, history - kept, s->tmp_in_size,
                s->wrapper_flag, TABLES_NONE };
        if (s->block_state == ISAL_BLOCK_CODED)
                v.tables = codes_of(z, &codes) ? TABLES_CODES : TABLES_WHOLE;
        buf_add(b, &v, sizeof v);
        buf_add(b, s->tmp_in_buffer, (size_t)s->tmp_in_size);
        if (v.tables == TABLES_CODES)
                buf_add(b, &codes, sizeof codes);
        if (v.tables == TABLES_WHOLE) {
                buf_add(b, &s->lit_huff_code, sizeof s->lit_huff_code);
                buf_add(b, &s->dist_huff_code, sizeof s->dist_huff_code);
        }
        buf_add(b, s->tmp_out_buffer + s->tmp_out_valid - history, (size_t)history);
        *ret = (struct inflate_saved) { .back = 0, .history = (size_t)history, .kept = (size_t)kept };
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

/* The tables of the block that @v is in, from @p. */
static bool take_tables(struct inflate_state *s, const struct saved *v, const char **p, size_t *left)
{
        struct isal_codes codes;

        if (v->tables == TABLES_CODES)
                return take(&codes, sizeof codes, p, left) && isal_codes_load(s, &codes);
        if (v->tables == TABLES_WHOLE)
                return take(&s->lit_huff_code, sizeof s->lit_huff_code, p, left) &&
                       take(&s->dist_huff_code, sizeof s->dist_huff_code, p, left);
        return v->block_state != ISAL_BLOCK_CODED;
}

static int isal_resume(struct inflate *z, const void *data, size_t len, uint64_t *ret_skip)
{
        struct inflate_state *s = &z->s;
        const char *p = data, *tmp_in;
        struct saved v;

        if (ret_skip)
                *ret_skip = 0;
        if (!take(&v, sizeof v, &p, &len) || !sound(s, &v) || (size_t)v.tmp_in_size > len)
                return -EBADMSG;
        tmp_in = p;
        p += v.tmp_in_size;
        len -= (size_t)v.tmp_in_size;
        isal_reset(z);
        if (!take_tables(s, &v, &p, &len)) /* may run the decoder, so it comes before the other fields */
                return -EBADMSG;
        isal_reset(z);
        memcpy(s->tmp_in_buffer, tmp_in, (size_t)v.tmp_in_size);
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
        if (!take(s->tmp_out_buffer, (size_t)v.tmp_out_valid, &p, &len))
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
