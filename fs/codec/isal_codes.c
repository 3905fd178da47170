/* SPDX-License-Identifier: MPL-2.0 */
/* isal_codes -- igzip's tables take 21 KiB, and some 2.5 KiB compressed; the lengths they are made of take 158 bytes.
 *
 * Reading: each table entry is indexed by the next bits of the input, so a code of n bits owns the 2^-n-th part of all
 * entries.  What part a symbol owns is counted, and that is its length.  Entries may hold up to three literals at once
 * (the first counts), and lengths are spread with their extra bits, one symbol for each length (2.30,
 * igzip/igzip_inflate.c, make_inflate_huff_code_lit_len and _dist; the numbers below are its).
 *
 * Loading: igzip's own code makes the tables, from the header of a dynamic block (RFC 1951, section 3.2.7) with these
 * lengths, written without any repeats.
 *
 * Nothing of this is promised by the library, so nothing is believed: who saves loads the codes into a second state and
 * compares all of the tables with isal_codes_same.
 *
 * Locks: none.
 */
#include "codec/isal_codes.h"

#include <string.h>

#define LONG_BITS  12 /* the lit/len table is indexed by so many, the distance table by SHORT_BITS */
#define SHORT_BITS 10
#define PARTS_LOG  21 /* parts are counted in units of 2^-21: the longest code with its extra bits */
#define N_EXPANDED 513
#define LAST_SYM   512 /* length 258: as symbol 284 with all extra bits, and as 285 */
#define BLOCK_END  256

/* Entries of the lit/len table. */
#define L_FLAG(e)    ((e) >> 25 & 1) /* symbols are in the long table */
#define L_COUNT(e)   ((e) >> 26 & 3)
#define L_MAX_LEN(e) ((e) >> 26)
#define L_BASE(e)    ((e)&0x1ffffff)
/* Of the distance table. */
#define S_FLAG(e) ((e) >> 10 & 1)
#define S_LEN(e)  ((e) >> 11)
#define S_BASE(e) ((e)&0x1ff)

/* The long table's part that entry @e leads to. */
struct span {
        size_t base, n;
        unsigned bits; /* all that index it */
};

static struct span span_of(uint32_t base, unsigned max_len, unsigned short_bits, size_t cap)
{
        size_t n = max_len > short_bits && max_len <= PARTS_LOG ? (size_t)1 << (max_len - short_bits) : 0;

        return base + n <= cap ? (struct span) { base, n, max_len } : (struct span) { 0 };
}

static struct span lit_span(const struct inflate_huff_code_large *t, uint32_t e)
{
        return span_of(L_BASE(e), L_MAX_LEN(e), LONG_BITS,
                sizeof t->long_code_lookup / sizeof t->long_code_lookup[0]);
}

static struct span dist_span(const struct inflate_huff_code_small *t, uint32_t e)
{
        return span_of(
                S_BASE(e), S_LEN(e), SHORT_BITS, sizeof t->long_code_lookup / sizeof t->long_code_lookup[0]);
}

/* ---- tables to lengths ----------------------------------------------------------------------- */

static void count_lit(const struct inflate_huff_code_large *t, uint32_t parts[N_EXPANDED])
{
        for (size_t i = 0; i < 1u << LONG_BITS; i++) {
                uint32_t e = t->short_code_lookup[i], sym = L_COUNT(e) > 1 ? e & 0xff : e & 0x3ff;
                struct span s;

                if (!L_FLAG(e)) {
                        if (L_COUNT(e) > 0 && sym < N_EXPANDED)
                                parts[sym] += 1u << (PARTS_LOG - LONG_BITS);
                        continue;
                }
                s = lit_span(t, e);
                for (size_t k = 0; k < s.n; k++) {
                        e = t->long_code_lookup[s.base + k];
                        if (e >> 10 != 0 && (e & 0x3ff) < N_EXPANDED)
                                parts[e & 0x3ff] += 1u << (PARTS_LOG - s.bits);
                }
        }
}

static void count_dist(const struct inflate_huff_code_small *t, uint32_t parts[32])
{
        for (size_t i = 0; i < 1u << SHORT_BITS; i++) {
                uint32_t e = t->short_code_lookup[i];
                struct span s;

                if (!S_FLAG(e)) {
                        if (S_LEN(e) > 0)
                                parts[e & 31] += 1u << (PARTS_LOG - SHORT_BITS);
                        continue;
                }
                s = dist_span(t, e);
                for (size_t k = 0; k < s.n; k++) {
                        e = t->long_code_lookup[s.base + k];
                        if (e >> 10 != 0)
                                parts[e & 31] += 1u << (PARTS_LOG - s.bits);
                }
        }
}

/* The length of a code that owns @parts; 0 if there is none; above 15 if no code does. */
static unsigned length_of(uint32_t parts)
{
        if (parts == 0)
                return 0;
        if (parts & (parts - 1))
                return 99;
        return PARTS_LOG - (unsigned)__builtin_ctz(parts);
}

/* RFC 1951, section 3.2.5. */
static unsigned extra_bits(unsigned len_sym)
{
        return len_sym < 8 || len_sym == 28 ? 0 : len_sym / 4 - 1;
}

static bool put(struct isal_codes *codes, unsigned i, unsigned len)
{
        codes->nibbles[i / 2] = (uint8_t)(codes->nibbles[i / 2] | (len & 15) << i % 2 * 4);
        return len <= 15;
}

bool isal_codes_read(const struct inflate_state *s, struct isal_codes *ret)
{
        uint32_t lit[N_EXPANDED] = { 0 }, dist[32] = { 0 };
        struct isal_codes codes = { { 0 } };
        unsigned at = BLOCK_END + 1;
        bool ok = true;

        count_lit(&s->lit_huff_code, lit);
        count_dist(&s->dist_huff_code, dist);
        for (unsigned i = 0; i <= BLOCK_END; i++)
                ok &= put(&codes, i, length_of(lit[i]));
        for (unsigned i = 0; i < 29; i++) {
                unsigned len = length_of(lit[at]), extra = extra_bits(i);

                if (len > extra)
                        len -= extra;
                if (i == 27 && len > 0 && len <= 15) /* the rest of the symbol they share is 285's */
                        lit[LAST_SYM] -= 1u << (PARTS_LOG - len - extra);
                ok &= put(&codes, BLOCK_END + 1 + i, len);
                at = i == 27 ? LAST_SYM : at + (1u << extra);
        }
        for (unsigned i = 0; i < ISAL_CODES_DIST; i++)
                ok &= put(&codes, ISAL_CODES_LIT + i, length_of(dist[i]));
        if (ok)
                *ret = codes;
        return ok;
}

/* ---- lengths to tables ----------------------------------------------------------------------- */

struct bits {
        uint8_t bytes[256];
        unsigned n;
};

static void add(struct bits *b, unsigned value, unsigned n)
{
        for (unsigned i = 0; i < n; i++, b->n++)
                b->bytes[b->n / 8] = (uint8_t)(b->bytes[b->n / 8] | (value >> i & 1) << b->n % 8);
}

/* RFC 1951, section 3.2.7.  The code length code: 0 to 15 take four bits each, so each is its own code; Huffman codes
 * begin with their highest bit. */
static void write_header(struct bits *b, const struct isal_codes *codes)
{
        add(b, 0, 1);                    /* not the last block */
        add(b, 2, 2);                    /* dynamic */
        add(b, ISAL_CODES_LIT - 257, 5); /* HLIT */
        add(b, ISAL_CODES_DIST - 1, 5);  /* HDIST */
        add(b, 19 - 4, 4);               /* HCLEN */
        for (unsigned i = 0; i < 19; i++)
                add(b, i < 3 ? 0 : 4, 3); /* 16, 17, 18: repeats, not used; the others in their order */
        for (unsigned i = 0; i < ISAL_CODES_LIT + ISAL_CODES_DIST; i++) {
                unsigned v = codes->nibbles[i / 2] >> i % 2 * 4 & 15;

                add(b, (v & 1) << 3 | (v & 2) << 1 | (v & 4) >> 1 | v >> 3, 4);
        }
}

bool isal_codes_load(struct inflate_state *s, const struct isal_codes *codes)
{
        struct bits b = { { 0 }, 0 };
        uint8_t out;
        int r;

        write_header(&b, codes);
        isal_inflate_init(s);
        s->next_in = b.bytes;
        s->avail_in = (b.n + 7) / 8;
        s->next_out = &out;
        s->avail_out = 0;
        r = isal_inflate(s); /* reads the header, and at most 7 bits of nothing */
        s->next_in = s->next_out = NULL;
        return r != ISAL_INVALID_BLOCK;
}

/* ---- comparing ------------------------------------------------------------------------------- */

bool isal_codes_same(const struct inflate_state *a, const struct inflate_state *b)
{
        const struct inflate_huff_code_large *al = &a->lit_huff_code, *bl = &b->lit_huff_code;
        const struct inflate_huff_code_small *as = &a->dist_huff_code, *bs = &b->dist_huff_code;

        if (memcmp(al->short_code_lookup, bl->short_code_lookup, sizeof al->short_code_lookup) != 0 ||
                memcmp(as->short_code_lookup, bs->short_code_lookup, sizeof as->short_code_lookup) != 0)
                return false;
        for (size_t i = 0; i < 1u << LONG_BITS; i++) {
                uint32_t e = al->short_code_lookup[i];
                struct span s = lit_span(al, e);

                if (L_FLAG(e) && (s.n == 0 || memcmp(al->long_code_lookup + s.base,
                                                      bl->long_code_lookup + s.base, s.n * 2) != 0))
                        return false;
        }
        for (size_t i = 0; i < 1u << SHORT_BITS; i++) {
                uint32_t e = as->short_code_lookup[i];
                struct span s = dist_span(as, e);

                if (S_FLAG(e) && (s.n == 0 || memcmp(as->long_code_lookup + s.base,
                                                      bs->long_code_lookup + s.base, s.n * 2) != 0))
                        return false;
        }
        return true;
}
