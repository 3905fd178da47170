/* SPDX-License-Identifier: MPL-2.0 */
/* utf8 -- see utf8.h. */
#include "base/utf8.h"

size_t utf8_len(const unsigned char *p)
{
        static const struct {
                unsigned char lo, hi;   /* first byte */
                unsigned char lo2, hi2; /* second byte */
                size_t len;
        } forms[] = {
                { 0x01, 0x7f, 0, 0, 1 },
                { 0xc2, 0xdf, 0x80, 0xbf, 2 },
                { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
                { 0xe1, 0xec, 0x80, 0xbf, 3 },
                { 0xed, 0xed, 0x80, 0x9f, 3 },
                { 0xee, 0xef, 0x80, 0xbf, 3 },
                { 0xf0, 0xf0, 0x90, 0xbf, 4 },
                { 0xf1, 0xf3, 0x80, 0xbf, 4 },
                { 0xf4, 0xf4, 0x80, 0x8f, 4 },
        };

        for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
                if (*p < forms[i].lo || *p > forms[i].hi)
                        continue;
                if (forms[i].len > 1 && (p[1] < forms[i].lo2 || p[1] > forms[i].hi2))
                        return 0;
                for (size_t k = 2; k < forms[i].len; k++)
                        if (p[k] < 0x80 || p[k] > 0xbf)
                                return 0;
                return forms[i].len;
        }
        return 0;
}

bool utf8_is_control(const unsigned char *p)
{
        return *p < 0x20 || *p == 0x7f || (p[0] == 0xc2 && p[1] < 0xa0);
}

void utf8_one_line(char *text)
{
        unsigned char *p = (unsigned char *)text;

        while (*p) {
                size_t n = utf8_len(p);

                if (n > 0 && !utf8_is_control(p)) {
                        p += n;
                        continue;
                }
                for (size_t end = n ? n : 1; end > 0; end--)
                        *p++ = '?';
        }
}
