/* SPDX-License-Identifier: MPL-2.0 */
/* progress -- see progress.h.  Pure: no clock, no terminal. */
#include "render/status/progress.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define GUESS_MS 1000

/* Seconds until all is read; -1: not to be guessed. */
static int64_t left_sec(const struct catalog_progress *p)
{
        uint64_t done = p->finished_bytes, left = p->waiting_bytes;

        for (size_t i = 0; i < p->n; i++) {
                done += p->v[i].done_bytes;
                left += p->v[i].total_bytes > p->v[i].done_bytes ? p->v[i].total_bytes - p->v[i].done_bytes
                                                                 : 0;
        }
        if (p->round_ms < GUESS_MS || done == 0)
                return -1;
        return (int64_t)((double)left / (double)done * (double)p->round_ms / 1000.0 + 0.5);
}

static void put_name(const char *name, size_t room, struct buf *out)
{
        size_t len = strlen(name), head;

        if (len <= room) {
                buf_puts(out, name);
                return;
        }
        room = room > 8 ? room - 3 : 5;
        head = room / 2;
        buf_add(out, name, head);
        buf_puts(out, "...");
        buf_puts(out, name + len - (room - head));
}

int render_progress(const struct catalog_progress *p, unsigned columns, struct buf *out)
{
        const struct catalog_reading *r = &p->v[0]; /* the one that began first */
        AUTO_BUF struct buf head = BUF_INIT, tail = BUF_INIT;
        int64_t left = left_sec(p);
        size_t taken;

        if (p->n == 0)
                return 0;
        buf_printf(&head, "reading %zu of %zu: ", p->finished + p->n, p->finished + p->n + p->waiting);
        buf_printf(&tail, " %u %%",
                r->total_bytes ? (unsigned)((double)r->done_bytes / (double)r->total_bytes * 100.0) : 0);
        if (p->n > 1)
                buf_printf(&tail, " and %zu more", p->n - 1);
        if (left >= 0)
                buf_printf(&tail, ", %" PRId64 " s left", left);
        taken = head.len + tail.len;
        if (buf_error(&head) < 0 || buf_error(&tail) < 0)
                return -ENOMEM;
        buf_add(out, head.data, head.len);
        put_name(r->file, columns > taken ? columns - taken : 0, out);
        buf_add(out, tail.data, tail.len);
        return buf_error(out);
}
