/* SPDX-License-Identifier: MPL-2.0 */
/* mac -- one MAC address in all its spellings; see mac.h.
 *
 * What is read is what the CHECK on nic.mac in schema/inventory.sql lets pass: a test holds the two together.
 * Locks: none; pure, no allocation.
 */
#include "inventory/plan/mac.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define GROUP_BIT                                                                                            \
        (UINT64_C(1) << 40) /* the lowest bit of the first byte: multicast and broadcast (IEEE 802) */

static int hex_digit(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        if (c >= 'A' && c <= 'F')
                return c - 'A' + 10;
        return -1;
}

/* Six groups and the end of the text: with @sep between them of two digits each, or as illumos prints them, without any
 * leading zero; with nothing between, of two. */
static int parse_groups(const char *s, char sep, uint64_t *ret)
{
        bool is_short = false, has_zeros = false;
        uint64_t v = 0;

        for (int i = 0; i < 6; i++) {
                int hi, lo;

                if (i > 0 && sep && *s++ != sep)
                        return -EINVAL;
                hi = hex_digit(s[0]);
                lo = hi < 0 ? -1 : hex_digit(s[1]);
                if (hi < 0 || (!sep && lo < 0))
                        return -EINVAL;
                is_short = is_short || lo < 0;
                has_zeros = has_zeros || (hi == 0 && lo >= 0);
                v = v << 8 | (uint64_t)(lo < 0 ? hi : hi << 4 | lo);
                s += lo < 0 ? 1 : 2;
        }
        if (*s || (is_short && has_zeros)) /* some zeros, but not all: a digit was lost */
                return -EINVAL;
        *ret = v;
        return 0;
}

static size_t count(const char *s, char c)
{
        size_t n = 0;

        for (; *s; s++)
                n += *s == c;
        return n;
}

int mac_parse(const char *text, uint64_t *ret, bool *ret_canonical)
{
        size_t len = strnlen(text, 21); /* "01-aa-bb-cc-dd-ee-ff" has 20 */
        const char *at = text;
        char sep, plain[13], canonical[MAC_TEXT_SIZE];
        uint64_t v;

        if (len > 20)
                return -EINVAL;
        sep = strchr(text, ':') ? ':' : strchr(text, '-') ? '-' : '\0';
        if (len == 14 && text[4] == '.' && text[9] == '.') { /* 0208.20ab.cd01, as switches print it */
                (void)snprintf(plain, sizeof plain, "%.4s%.4s%.4s", text, text + 5, text + 10);
                at = plain;
        } else if (sep ? count(text, sep) == 6 : len == 14) {
                if (strncmp(text, "01", 2) != 0 || (sep && (text[2] != sep || len != 20)))
                        return -EINVAL;
                at += sep ? 3 : 2;
        }
        if (parse_groups(at, sep, &v) < 0 || v == 0 || (v & GROUP_BIT))
                return -EINVAL;
        *ret = v;
        if (ret_canonical) {
                mac_format(v, canonical);
                *ret_canonical = strcmp(text, canonical) == 0;
        }
        return 0;
}

void mac_format(uint64_t mac, char ret[MAC_TEXT_SIZE])
{
        static const char hex[] = "0123456789abcdef";

        for (int i = 0; i < 6; i++) {
                unsigned byte = (unsigned)(mac >> (40 - 8 * i)) & 0xff;

                ret[3 * i] = hex[byte >> 4];
                ret[3 * i + 1] = hex[byte & 15];
                ret[3 * i + 2] = i < 5 ? '-' : '\0';
        }
}
