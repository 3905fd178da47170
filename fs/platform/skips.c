/* SPDX-License-Identifier: MPL-2.0 */
/* skips -- see skips.h.  A failed allocation shows in buf_error(&s->why) when the layout is finished. */
#include "platform/skips.h"

#define CUT_BYTES 80

void skips_add(struct skips *s, const char *name, const char *why)
{
        char shown[CUT_BYTES + 1];
        size_t i = 0;

        if (s->n++ >= SKIPS_NAMED)
                return;
        for (; name[i] && i < CUT_BYTES; i++)
                shown[i] = (unsigned char)name[i] < 0x20 || name[i] == 0x7f ? '?' : name[i];
        shown[i] = '\0';
        buf_printf(&s->why, "%s%s%s: %s", s->why.len ? "; " : "", shown, name[i] ? "..." : "", why);
}
