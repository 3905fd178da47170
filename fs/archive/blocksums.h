/* SPDX-License-Identifier: MPL-2.0 */
/* blocksums -- a CRC-32 for each block of a stream that carries no check sums of its own: what a verified byte is told
 * from another by, later.
 *
 * Of a tar, an ISO, or what an archive was decoded to; 4 bytes for 256 KiB.  (A gzip stream has its own: gzindex.h.)
 */
#ifndef PXEFS_ARCHIVE_BLOCKSUMS_H
#define PXEFS_ARCHIVE_BLOCKSUMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define BLOCKSUMS_BYTES (256u * 1024) /* of a block: a random read costs one */
#define BLOCKSUMS_MAX   (1u << 20)    /* blocks of a stream: 256 GiB, and sums of 4 MiB */

struct blocksums {
        uint64_t raw_bytes; /* of the stream; the last block may be shorter */
        uint32_t block_bytes;
        size_t n_blocks;
        uint32_t *crcs; /* owned; of each block alone */
        size_t cap;     /* of crcs */
};

/* For a stream of @raw_bytes, all crcs 0; or for one that comes piece by piece, with 0.
 *
 * Returns 0, -ENOMEM, or -EFBIG for a stream of more than BLOCKSUMS_MAX blocks. */
int blocksums_new(uint64_t raw_bytes, uint32_t block_bytes, struct blocksums **ret);
void blocksums_free(struct blocksums *x); /* NULL is fine */

static inline void blocksums_freep(struct blocksums **x)
{
        blocksums_free(*x);
}

/* Takes in what comes next of a stream.  0, -ENOMEM or -EFBIG; @x is of no use then. */
int blocksums_add(struct blocksums *x, const void *p, size_t len);

/* Bytes of block @n. */
size_t blocksums_len(const struct blocksums *x, size_t n);

/* True if @p, of blocksums_len(@x, @n) bytes, is block @n. */
bool blocksums_agree(const struct blocksums *x, size_t n, const void *p);

/* The CRC-32 of RFC 1952, section 8. */
uint32_t blocksums_crc(const void *p, size_t len);

/* As bytes, and back.  unpack: 0, -EBADMSG (nothing in it is believed) or -ENOMEM. */
void blocksums_pack(const struct blocksums *x, struct buf *b);
int blocksums_unpack(const void *p, size_t len, struct blocksums **ret);

#endif
