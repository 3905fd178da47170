/* SPDX-License-Identifier: MPL-2.0 */
/* gzindex -- where a gzip file can be entered, and what must come out there.
 *
 * The decompressed stream is cut into chunks; a checkpoint at the beginning of each is all that is needed to
 * decode it alone.  Within a chunk there are marks: the running CRC32 of the gzip member at this place, by which
 * decoded bytes are known to be the ones that were verified when the index was made.
 *
 * The index proper is small (32 bytes a chunk) and stays in memory.  The decoder states, 2-5 KiB a chunk, are kept in a database as soon as there is one (gzindex_take_states), and fetched when they are needed.
 */
#ifndef PXEFS_ARCHIVE_GZINDEX_H
#define PXEFS_ARCHIVE_GZINDEX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "codec/feed.h"
#include "codec/gzstream.h"

#define GZ_CHUNK_BYTES (512u * 1024)          /* a random read decodes half of it for nothing, */
#define GZ_MARK_BYTES  (64u * 1024)           /* and half of this */
#define GZ_BOX_BYTES   (GZ_CHUNK_BYTES / 125) /* 0.8 % of the stream; what SQLite adds keeps it below 1 % */

/* How a stream is cut, and how much may be kept of it. */
struct gzlayout {
        uint32_t chunk_bytes; /* a multiple of mark_bytes */
        uint32_t mark_bytes;
        uint32_t
                box_bytes; /* for a chunk's state, on average: what goes beyond is left out.  0: nothing is */
};
#define GZ_LAYOUT                                                                                            \
        (struct gzlayout)                                                                                    \
        {                                                                                                    \
                GZ_CHUNK_BYTES, GZ_MARK_BYTES, GZ_BOX_BYTES                                                  \
        }

struct gzindex {
        uint64_t raw_bytes;   /* of the whole stream */
        uint32_t chunk_bytes; /* a multiple of mark_bytes */
        uint32_t mark_bytes;
        size_t n_chunks, n_marks;
        struct gzplace *places; /* owned; of the n_chunks beginnings; the first is that of the file */
        uint32_t *crcs;         /* owned; at the end of each mark */
        struct buf *states;     /* owned; NULL, or a statebox for each chunk (empty: none, and no place) */
};

void gzindex_free(struct gzindex *x); /* NULL is fine */

/* The index without its states as bytes, and back.  unpack: 0, -EBADMSG (nothing in it is believed) or
 * -ENOMEM. */
void gzindex_pack(const struct gzindex *x, struct buf *b);
int gzindex_unpack(const void *p, size_t len, struct gzindex **ret);

/* What the statebox of chunk @n of archive @object is sealed with. */
uint64_t gzindex_seed(uint64_t object, uint64_t n);

/* ---- making one ---- */

struct gzindexer;

/* Starts decoding the gzip file @fd (borrowed until gzindexer_end) in a thread of its own.
 *
 * kind         decoder
 * max_bytes    more output than this ends the feed with -EFBIG (a bomb)
 * object       number of the archive, for the states' seals
 *
 * gzindexer_feed() then yields the stream: gunzip's promises (gzstream.h), and -ESTALE at the end of a file that
 * changed meanwhile.
 */
int gzindexer_begin(int fd, const struct inflate_kind *kind, struct gzlayout layout, uint64_t max_bytes,
        uint64_t object, struct gzindexer **ret, struct err *err);
struct feed gzindexer_feed(struct gzindexer *w);

/* How much of the file was read so far, in bytes.  Any thread. */
uint64_t gzindexer_off_tgz(struct gzindexer *w);

/* After the feed reached its end: the index, with its states.  The caller frees it. */
struct gzindex *gzindexer_take(struct gzindexer *w);
void gzindexer_end(struct gzindexer *w); /* NULL is fine */

static inline void gzindexer_endp(struct gzindexer **w)
{
        gzindexer_end(*w);
}

#endif
