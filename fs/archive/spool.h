/* SPDX-License-Identifier: MPL-2.0 */
/* spool -- a compressed archive decoded once, verified while it is decoded, kept in the cache directory.
 *
 * A spool file is <cache>/spool/<object in hex>.raw.  While it is written it is called ".tmp-...", which the catalog sweeps
 * when it opens.  It is synced before it gets its name.
 *
 * Two halves, which may be two processes: the owner of the directory makes the file and names it (struct spool_file), the decoder
 * has only the open file (struct spool_writer).
 */
#ifndef PXEFS_ARCHIVE_SPOOL_H
#define PXEFS_ARCHIVE_SPOOL_H

#include <stdbool.h>

#include "archive/blocksums.h"
#include "archive/source.h"
#include "codec/feed.h"

/* ---- the file ---- */

struct spool_file {
        int dirfd;    /* borrowed */
        int fd;       /* owned; -1: there is none */
        char tmp[64]; /* its name in dirfd, or "" once it has the final one */
};

#define SPOOL_FILE_NONE                                                                                      \
        {                                                                                                    \
                .dirfd = -1, .fd = -1                                                                        \
        }

/* Makes an empty one, to be written to.  0 or a negative errno; end it with spool_drop. */
int spool_make(int dirfd, struct spool_file *ret, struct err *err);

/* Syncs it and gives it @name in the directory, in place of an older one.  Returns the identity of the file in *ret_id. */
int spool_commit(struct spool_file *f, const char *name, struct identity *ret_id, struct err *err);

/* Closes it, and removes it if it has no final name.  Nothing happens to one that is none. */
void spool_drop(struct spool_file *f);

/* ---- what goes into it ---- */

struct spool_writer;

/* Starts decoding the file @fd, compressed in any way filter.h knows, into the empty file @spool_fd (both borrowed until
 * spool_close).
 *
 * max_bytes  more output than this ends the feed with -EDQUOT (a bomb, or a cache that would overflow); zeros count too,
 *            although blocks of them are holes in the file
 *
 * spool_feed() then yields the stream; it verifies all the check sums there are (gunzip.h, filter.h), accepts
 * several streams one after another, and refuses anything that follows and does not belong to them, a truncated stream,
 * and a stream whose file changed meanwhile.
 */
int spool_begin(int fd, int spool_fd, uint64_t max_bytes, struct spool_writer **ret, struct err *err);
struct feed spool_feed(struct spool_writer *w);

/* How much of the archive was used so far, in bytes. */
uint64_t spool_off_file(const struct spool_writer *w);

/* See filter_warning. */
const char *spool_warning(const struct spool_writer *w);

/* After the feed reached its end: syncs the file, and gives the sums of what was written to it, which the caller owns. */
int spool_finish(struct spool_writer *w, struct blocksums **ret_sums, struct err *err);

/* Ends the writer, finished or not; @w may be NULL. */
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
