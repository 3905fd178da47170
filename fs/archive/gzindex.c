/* SPDX-License-Identifier: MPL-2.0 */
/* gzindex -- the index as a value: packed, unpacked, believed or not.  Made by gzindexer.c.
 *
 * Locks: none.  Limits: raw_bytes below 2^44, so that chunk numbers fit their 20 bits.
 */
#include "archive/gzindex.h"

#include <errno.h>
#include <string.h>

#define MAGIC      0x49475850u /* "PXGI" */
#define VERSION    2u          /* 2: sparse states, some left out */
#define MAX_CHUNKS (1u << 20)

struct head {
        uint32_t magic, version;
        uint64_t raw_bytes;
        uint32_t chunk_bytes, mark_bytes;
};

void gzindex_free(struct gzindex *x)
{
        if (!x)
                return;
        for (size_t i = 0; x->states && i < x->n_chunks; i++)
                buf_fini(&x->states[i]);
        free(x->states);
        free(x->places);
        free(x->crcs);
        free(x);
}

static void gzindex_freep(struct gzindex **x)
{
        gzindex_free(*x);
}

uint64_t gzindex_seed(uint64_t object, uint64_t n)
{
        return object << 20 | n;
}

void gzindex_pack(const struct gzindex *x, struct buf *b)
{
        struct head h = { MAGIC, VERSION, x->raw_bytes, x->chunk_bytes, x->mark_bytes };

        buf_add(b, &h, sizeof h);
        buf_add(b, x->places, x->n_chunks * sizeof *x->places);
        buf_add(b, x->crcs, x->n_marks * sizeof *x->crcs);
}

int gzindex_unpack(const void *p, size_t len, struct gzindex **ret)
{
        AUTO_CLEAN(gzindex_freep) struct gzindex *x = NULL;
        const char *from = p;
        struct head h;

        if (len < sizeof h)
                return -EBADMSG;
        memcpy(&h, p, sizeof h);
        from += sizeof h;
        if (h.magic != MAGIC || h.version != VERSION || h.raw_bytes == 0 || h.mark_bytes == 0 ||
                h.chunk_bytes == 0 || h.chunk_bytes > GZ_CHUNK_BYTES || h.chunk_bytes % h.mark_bytes != 0 ||
                (h.raw_bytes - 1) / h.chunk_bytes >= MAX_CHUNKS)
                return -EBADMSG;
        x = calloc(1, sizeof *x);
        if (!x)
                return -ENOMEM;
        x->raw_bytes = h.raw_bytes;
        x->chunk_bytes = h.chunk_bytes;
        x->mark_bytes = h.mark_bytes;
        x->n_chunks = (size_t)((h.raw_bytes - 1) / h.chunk_bytes + 1);
        x->n_marks = (size_t)((h.raw_bytes - 1) / h.mark_bytes + 1);
        if (len - sizeof h != x->n_chunks * sizeof *x->places + x->n_marks * sizeof *x->crcs)
                return -EBADMSG;
        x->places = malloc(x->n_chunks * sizeof *x->places);
        x->crcs = malloc(x->n_marks * sizeof *x->crcs);
        if (!x->places || !x->crcs)
                return -ENOMEM;
        memcpy(x->places, from, x->n_chunks * sizeof *x->places);
        memcpy(x->crcs, from + x->n_chunks * sizeof *x->places, x->n_marks * sizeof *x->crcs);
        for (size_t i = 1; i < x->n_chunks; i++)
                if (x->places[i].off_tgz < x->places[i - 1].off_tgz)
                        return -EBADMSG;
        *ret = take_ptr(&x);
        return 0;
}
