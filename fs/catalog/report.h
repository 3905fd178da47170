/* SPDX-License-Identifier: MPL-2.0 */
/* report -- what one process learned of an archive, on its way through a pipe to the one that serves it.
 *
 * Who reports has looked at hostile bytes and may be theirs by now.  So what is received is bounded, checked as catalog.db
 * is (layoutblob.h, gzindex.h, blocksums.h), and says no more than an archive's own bytes could: the file's SHA-256, by
 * which sums files are believed, is not part of it.
 *
 * Threads: each report is one thread's.
 */
#ifndef PXEFS_CATALOG_REPORT_H
#define PXEFS_CATALOG_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "archive/source.h"
#include "base/err.h"
#include "platform/indexer.h"

/* ---- the reader's side ---- */

/* Writes to the pipe @fd that reading ended with @r, @why, and, if that is 0, with @x.  0 or a negative errno.  Blocking. */
int report_send(int fd, int r, const struct err *why, const struct indexed *x);

/* ---- the worker's side ---- */

struct report;

/* @max_bytes: more is refused.  NULL if memory is short. */
struct report *report_new(size_t max_bytes);
void report_free(struct report *p); /* NULL is fine */

static inline void report_freep(struct report **p)
{
        report_free(*p);
}

/* Takes in what the non-blocking pipe @fd has.  0; -EBADMSG: that is no report, or too large a one; -ENOMEM; -EIO.  After an
 * error @p can only be freed. */
int report_take(struct report *p, int fd);

/* The end of it was taken in. */
bool report_is_whole(const struct report *p);

/* What a whole report says: returns the @r that was sent, with @err, and, if that is 0, fills @ret but for its source.
 * -EBADMSG and -ENOMEM also if what is in it makes no sense, or memory is short. */
int report_unpack(struct report *p, struct indexed *ret, struct err *err);

/* Gives @x its source, which reads the archive @fd (borrowed) of identity @id, or its decoded copy @spool_name in
 * @spool_dirfd.  0; -ESTALE if that is not what was read; or a negative errno. */
int report_open(struct indexed *x, int fd, const struct identity *id, uint64_t object,
        const struct source_env *env, int spool_dirfd, const char *spool_name, struct err *err);

#endif
