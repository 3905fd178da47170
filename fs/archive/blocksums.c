/* SPDX-License-Identifier: MPL-2.0 */
/* blocksums -- the sums as a value: made piece by piece, packed, unpacked, believed or not.
 *
 * A CRC-32 misses one damage of 2^32 at random, and no burst of up to 32 bits: it is against rot, not against somebody who
 * writes to the disk and means it.
 *
 * Locks: none.  Limits: BLOCKSUMS_MAX.
 */
#include "archive/blocksums.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "codec/inflate.h"

#define MAGIC   0x53425850u /* "PXBS" */
#define VERSION 1u

struct head {
        uint32_t magic, version;
        uint64_t raw_bytes;
        uint32_t block_bytes, spare;
};

static size_t blocks_of(uint64_t raw_bytes, uint32_t block_bytes)
{
        return raw_bytes ? (size_t)((raw_bytes - 1) / block_bytes + 1) : 0;
}

int blocksums_new(uint64_t raw_bytes, uint32_t block_bytes, struct blocksums **ret)
{
        AUTO_CLEAN(blocksums_freep) struct blocksums *x = calloc(1, sizeof *x);

        if (!x)
                return -ENOMEM;
        if (raw_bytes && (raw_bytes - 1) / block_bytes >= BLOCKSUMS_MAX)
                return -EFBIG;
        x->raw_bytes = raw_bytes;
        x->block_bytes = block_bytes;
        x->n_blocks = blocks_of(raw_bytes, block_bytes);
        x->cap = x->n_blocks ? x->n_blocks : 16;
        x->crcs = calloc(x->cap, sizeof *x->crcs);
        if (!x->crcs)
                return -ENOMEM;
        *ret = take_ptr(&x);
        return 0;
}

void blocksums_free(struct blocksums *x)
{
        if (!x)
                return;
        free(x->crcs);
        free(x);
}

uint32_t blocksums_crc(const void *p, size_t len)
{
        return INFLATE_BEST->crc32(0, p, len);
}

static int begin_block(struct blocksums *x)
{
        uint32_t *crcs;

        if (x->n_blocks == BLOCKSUMS_MAX)
                return -EFBIG;
        if (x->n_blocks == x->cap) {
                crcs = reallocarray(x->crcs, x->cap * 2, sizeof *crcs);
                if (!crcs)
                        return -ENOMEM;
                x->crcs = crcs;
                x->cap *= 2;
        }
        x->crcs[x->n_blocks++] = 0;
        return 0;
}

int blocksums_add(struct blocksums *x, const void *p, size_t len)
{
        const unsigned char *from = p;

        while (len > 0) {
                size_t room = x->block_bytes - (size_t)(x->raw_bytes % x->block_bytes);
                size_t n = len < room ? len : room;
                uint32_t *crc;
                int r = room == x->block_bytes ? begin_block(x) : 0;

                if (r < 0)
                        return r;
                crc = &x->crcs[x->n_blocks - 1];
                *crc = INFLATE_BEST->crc32(*crc, from, n);
                x->raw_bytes += n;
                from += n;
                len -= n;
        }
        return 0;
}

size_t blocksums_len(const struct blocksums *x, size_t n)
{
        uint64_t left = x->raw_bytes - (uint64_t)n * x->block_bytes;

        return left < x->block_bytes ? (size_t)left : x->block_bytes;
}

bool blocksums_agree(const struct blocksums *x, size_t n, const void *p)
{
        return blocksums_crc(p, blocksums_len(x, n)) == x->crcs[n];
}

void blocksums_pack(const struct blocksums *x, struct buf *b)
{
        struct head h = { MAGIC, VERSION, x->raw_bytes, x->block_bytes, 0 };

        buf_add(b, &h, sizeof h);
        buf_add(b, x->crcs, x->n_blocks * sizeof *x->crcs);
}

int blocksums_unpack(const void *p, size_t len, struct blocksums **ret)
{
        struct blocksums *x = NULL;
        struct head h;
        int r;

        if (len < sizeof h)
                return -EBADMSG;
        memcpy(&h, p, sizeof h);
        if (h.magic != MAGIC || h.version != VERSION || h.spare != 0 || h.raw_bytes == 0 ||
                h.block_bytes == 0 || h.block_bytes > BLOCKSUMS_BYTES ||
                (h.raw_bytes - 1) / h.block_bytes >= BLOCKSUMS_MAX ||
                len - sizeof h != blocks_of(h.raw_bytes, h.block_bytes) * sizeof *x->crcs)
                return -EBADMSG;
        r = blocksums_new(h.raw_bytes, h.block_bytes, &x);
        if (r < 0)
                return r;
        memcpy(x->crcs, (const char *)p + sizeof h, x->n_blocks * sizeof *x->crcs);
        *ret = x;
        return 0;
}
