/* SPDX-License-Identifier: MPL-2.0 */
/* isal_codes -- the Huffman codes of a deflate block in 158 bytes, from igzip's tables and back.  Pure; thread-safe. */
#ifndef PXEFS_CODEC_ISAL_CODES_H
#define PXEFS_CODEC_ISAL_CODES_H

#include <isa-l.h>
#include <stdbool.h>
#include <stdint.h>

#define ISAL_CODES_LIT  286
#define ISAL_CODES_DIST 30

/* Code lengths (RFC 1951, section 3.2.2), four bits each: of the literals and lengths, then of the distances. */
struct isal_codes {
        uint8_t nibbles[(ISAL_CODES_LIT + ISAL_CODES_DIST) / 2];
};

/* The codes of the tables in @s.  False if they are not the tables of any dynamic block. */
bool isal_codes_read(const struct inflate_state *s, struct isal_codes *ret);

/* Gives @s the tables of these codes; its other fields are anything afterwards.  False if there are none. */
bool isal_codes_load(struct inflate_state *s, const struct isal_codes *codes);

/* Whether both decode alike. */
bool isal_codes_same(const struct inflate_state *a, const struct inflate_state *b);

#endif
