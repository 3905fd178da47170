/* SPDX-License-Identifier: MPL-2.0 */
/* source -- the calls every kind shares: cut the request at the end of the stream, hand it to the kind.
 *
 * Locks: none.
 */
#include "archive/source.h"

#include <errno.h>

#include "archive/source_impl.h"

ssize_t source_pread(struct source *s, void *buf, size_t len, uint64_t off_raw)
{
        if (off_raw >= s->size_bytes)
                return 0;
        if (len > s->size_bytes - off_raw)
                len = (size_t)(s->size_bytes - off_raw);
        return len ? s->kind->pread(s, buf, len, off_raw) : 0;
}

int source_borrow(struct source *s, size_t len, uint64_t off_raw, struct loan *ret)
{
        if (!s->kind->borrow || off_raw > s->size_bytes || len > s->size_bytes - off_raw || len == 0)
                return -EOPNOTSUPP;
        return s->kind->borrow(s, len, off_raw, ret);
}

void source_touched(struct source *s, const struct identity *now)
{
        if (s->kind->touched)
                s->kind->touched(s, now);
}

int source_still(struct source *s)
{
        return s->kind->still(s);
}

uint64_t source_size_bytes(const struct source *s)
{
        return s->size_bytes;
}

void source_close(struct source *s)
{
        if (s)
                s->kind->close(s);
}
