/* SPDX-License-Identifier: MPL-2.0 */
/* mac -- one MAC address in all its spellings; see mac.h.
 *
 * What is read is what the CHECK on nic.mac in schema/inventory.sql lets pass: a test holds the two together.
 * Locks: none; pure, no allocation.
 */
#include "inventory/mac.h"

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

/* Six pairs with @sep between, or nothing between if it is NUL; then the end of the text. */
static int parse_pairs(const char *s, char sep, uint64_t *ret)
{
        uint64_t v = 0;

        for (int i = 0; i < 6; i++) {
                int hi, lo;

                if (i > 0 && sep && *s++ != sep)
                        return -EINVAL;
                hi = hex_digit(s[0]);
                if (hi < 0)
                        return -EINVAL;
                lo = hex_digit(s[1]);
                if (lo < 0)
                        return -EINVAL;
                v = v << 8 | (uint64_t)(hi << 4 | lo);
                s += 2;
        }
        if (*s)
                return -EINVAL;
        *ret = v;
        return 0;
}

int mac_parse(const char *text, uint64_t *ret, bool *ret_canonical)
{
        size_t len = strnlen(text, 21); /* "01-aa-bb-cc-dd-ee-ff" has 20 */
        char sep = len == 17 || len == 20 ? text[2] : '\0', canonical[MAC_TEXT_SIZE];
        uint64_t v;

        if (len != 12 && len != 14 && len != 17 && len != 20)
                return -EINVAL;
        if (sep && sep != '-' && sep != ':')
                return -EINVAL;
        if (len == 14 || len == 20) {
                if (text[0] != '0' || text[1] != '1')
                        return -EINVAL;
                text += len == 14 ? 2 : 3;
        }
        if (parse_pairs(text, sep, &v) < 0 || v == 0 || (v & GROUP_BIT))
                return -EINVAL;
        *ret = v;
        if (ret_canonical) {
                mac_format(v, canonical);
                *ret_canonical = len == 17 && strcmp(text, canonical) == 0;
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
