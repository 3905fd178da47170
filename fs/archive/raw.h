/* SPDX-License-Identifier: MPL-2.0 */
/* raw -- a file that is the stream itself (tar, ISO), pulled from its beginning.  source_open_raw reads it
 * later. */
#ifndef PXEFS_ARCHIVE_RAW_H
#define PXEFS_ARCHIVE_RAW_H

#include <stdbool.h>
#include <stdint.h>

#include "archive/blocksums.h"
#include "codec/feed.h"

struct raw_feed;

/* Starts reading @fd (borrowed until raw_feed_end; used with pread only).
 *
 * known  NULL, or what its blocks must be; borrowed for the call
 *
 * Returns 0, -ENOMEM, -EFBIG for a file of more than BLOCKSUMS_MAX blocks, -ESTALE if it is of another length than
 * @known, or the negative errno of fstat. */
int raw_feed_begin(int fd, const struct blocksums *known, struct raw_feed **ret, struct err *err);

/* The stream, with seek.  Its end is where the file ended at raw_feed_begin; -ESTALE there, or at any read
 * that finds the file shorter, if the file changed since; -EIO if it did not, and what was read before or known
 * is something else now. */
struct feed raw_feed(struct raw_feed *f);

/* True if there are blocks that were not read so far; *ret_off_raw is where the first begins. */
bool raw_feed_unread(struct raw_feed *f, uint64_t *ret_off_raw);

/* The sums of all blocks; the caller owns them, and the feed can only be ended.  NULL while some were not read. */
struct blocksums *raw_feed_take_sums(struct raw_feed *f);

/* Where it is in the file, in bytes. */
uint64_t raw_feed_off(const struct raw_feed *f);

void raw_feed_end(struct raw_feed *f); /* NULL is fine */

static inline void raw_feed_endp(struct raw_feed **f)
{
        raw_feed_end(*f);
}

#endif
