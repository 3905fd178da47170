/* SPDX-License-Identifier: MPL-2.0 */
/* checked -- the source over a file that is the stream itself (a tar, an ISO, a spool file), each block of which is
 * compared with what was verified before a byte of it is given. */
#ifndef PXEFS_ARCHIVE_CHECKED_H
#define PXEFS_ARCHIVE_CHECKED_H

#include "archive/blocksums.h"
#include "archive/source.h"

/* @fd     borrowed on error, owned by the source on success; used with pread only
 * want    the identity the file had when it was verified
 * sums    owned by the source on success; their blocks are at most the env's cache's chunks
 * object  number of the archive, for reports
 * what    static; names the file in a report's reason: "the archive"
 *
 * Returns 0, -ESTALE if the file is no longer the one in @want, or of another length than @sums, -ENOMEM or the
 * negative errno of fstat.
 *
 * A read that meets other bytes is -EIO, and is reported as SOURCE_ROTTEN. */
int source_open_checked(int fd, const struct identity *want, struct blocksums *sums, uint64_t object,
        const char *what, const struct source_env *env, struct source **ret, struct err *err);

/* The sums, borrowed; NULL if @s is no such source. */
const struct blocksums *source_checked_sums(const struct source *s);

#endif
