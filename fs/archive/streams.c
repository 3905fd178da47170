/* SPDX-License-Identifier: MPL-2.0 */
/* streams -- see streams.h.  A table that is searched from end to end: 64 rows for each request of half a megabyte. */
#include "archive/streams.h"

#define NEAR_BYTES   (1u << 20)    /* requests of one reader reach us out of order, but not by more */
#define STEADY_BYTES (128u * 1024) /* after so much in a row a reader counts as sequential */
#define ACTIVE_MS    250           /* one that was silent this long shares nothing with the others */

static bool is_near(const struct stream *s, uint64_t off)
{
        return off + NEAR_BYTES >= s->next && off <= s->next + NEAR_BYTES;
}

const struct stream *streams_note(struct streams *s, const void *of, uint64_t off, size_t len, int64_t now_ms)
{
        struct stream *oldest = &s->v[0];

        for (size_t i = 0; i < STREAMS_MAX; i++) {
                struct stream *one = &s->v[i];

                if (one->of == of && is_near(one, off)) {
                        one->bytes += len;
                        if (off + len > one->next)
                                one->next = off + len;
                        one->seen_ms = now_ms;
                        return one;
                }
                if (one->seen_ms < oldest->seen_ms)
                        oldest = one;
        }
        *oldest = (struct stream) { of, off + len, len, now_ms };
        return oldest;
}

bool stream_is_steady(const struct stream *s)
{
        return s->bytes >= STEADY_BYTES;
}

unsigned streams_active(const struct streams *s, int64_t now_ms)
{
        unsigned n = 0;

        for (size_t i = 0; i < STREAMS_MAX; i++)
                n += stream_is_steady(&s->v[i]) && s->v[i].seen_ms >= now_ms - ACTIVE_MS;
        return n;
}

void streams_forget(struct streams *s, const void *of)
{
        for (size_t i = 0; i < STREAMS_MAX; i++)
                if (s->v[i].of == of)
                        s->v[i] = (struct stream) { 0 };
}
