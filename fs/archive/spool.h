/* SPDX-License-Identifier: MPL-2.0 */
/* spool -- a compressed archive decoded once, verified while it is decoded, kept in the cache directory.
 *
 * A spool file is <cache>/spool/<object in hex>.raw.  While it is written it has no name (O_TMPFILE), so a
 * crash leaves nothing behind; where the filesystem has no such files it is called ".tmp-...", which the
 * catalog sweeps when it opens.
 * It is synced before it gets its name.
 */
#ifndef PXEFS_ARCHIVE_SPOOL_H
#define PXEFS_ARCHIVE_SPOOL_H

#include <stdbool.h>

#include "archive/blocksums.h"
#include "archive/feed.h"
#include "archive/source.h"

struct spool_writer;

/* Starts decoding the file @fd, compressed in any way filter.h knows (borrowed until spool_close) into the directory @dirfd.
 *
 * max_bytes  more output than this ends the feed with -EDQUOT (a bomb, or a cache that would overflow)
 *
 * spool_feed() then yields the stream; it verifies all the check sums there are (gunzip.h, filter.h), accepts
 * several streams one after another, and refuses anything that follows and does not belong to them, a truncated stream,
 * and a stream whose file changed meanwhile.
 */
int spool_begin(int fd, int dirfd, uint64_t max_bytes, struct spool_writer **ret, struct err *err);
struct feed spool_feed(struct spool_writer *w);

/* How much of the archive was used so far, in bytes. */
uint64_t spool_off_file(const struct spool_writer *w);

/* See filter_warning. */
const char *spool_warning(const struct spool_writer *w);

/* After the feed reached its end: syncs the file and gives it @name in the directory (replacing an older
 * one).  Returns the identity of the new file in *ret_id, and the sums of what was written to it, which the caller
 * owns. */
int spool_commit(struct spool_writer *w, const char *name, struct identity *ret_id,
        struct blocksums **ret_sums, struct err *err);

/* Ends the writer, committed or not; @w may be NULL. */
void spool_close(struct spool_writer *w);

static inline void spool_closep(struct spool_writer **w)
{
        spool_close(*w);
}

/* How a spool file is read: see source_open_checked. */
struct spool_check {
        struct blocksums *sums; /* owned by the source on success */
        uint64_t object;
        const struct source_env *env;
};

/* Opens a spool file made earlier.  @check NULL: it is read as it lies there, for tools.  -ENOENT, -ESTALE if it is not
 * the file @want names, or the other errors of source_open_checked. */
int spool_open(int dirfd, const char *name, const struct identity *want, const struct spool_check *check,
        struct source **ret, struct err *err);

#endif
