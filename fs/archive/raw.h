/* SPDX-License-Identifier: MPL-2.0 */
/* raw -- a file that is the stream itself (tar, ISO), pulled from its beginning.  source_open_raw reads it
 * later. */
#ifndef PXEFS_ARCHIVE_RAW_H
#define PXEFS_ARCHIVE_RAW_H

#include "archive/feed.h"

struct raw_feed;

/* Starts reading @fd (borrowed until raw_feed_end; used with pread only).  Returns 0, -ENOMEM or the
 * negative errno of fstat. */
int raw_feed_begin(int fd, struct raw_feed **ret, struct err *err);

/* The stream, with seek.  Its end is where the file ended at raw_feed_begin; -ESTALE there, or at any read
 * that finds the file shorter, if the file changed since. */
struct feed raw_feed(struct raw_feed *f);

/* Where it is in the file, in bytes. */
uint64_t raw_feed_off(const struct raw_feed *f);

void raw_feed_end(struct raw_feed *f); /* NULL is fine */

static inline void raw_feed_endp(struct raw_feed **f)
{
        raw_feed_end(*f);
}

#endif
