/* SPDX-License-Identifier: MPL-2.0 */
/* tar_headers -- a second opinion on a tar: what its headers say each member is, to be compared with what libarchive says.
 *
 * libarchive reads the formats (members.h).  Where it reads a header otherwise than GNU tar does, an operator who unpacks
 * the archive by hand gets other bytes than a machine that boots from it.  So the same stream is read here as well, by a
 * reader of tar headers only, which follows GNU tar and knows no leniency; and both must agree on each member's name,
 * kind, size, link target and on where in the stream its bytes are.  If they do not, the archive is refused.
 *
 * Threads: one at a time.
 */
#ifndef PXEFS_ARCHIVE_TAR_HEADERS_H
#define PXEFS_ARCHIVE_TAR_HEADERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "archive/member.h"
#include "base/err.h"

struct tar_headers;

struct tar_headers *tar_headers_new(void);    /* NULL if memory is short */
void tar_headers_free(struct tar_headers *t); /* NULL is fine */

/* Takes the next @len bytes of the stream.  What they show to be wrong is told by tar_headers_agree, when libarchive has
 * come as far.  Returns 0, -ENOMEM, or -E2BIG for sparse maps of more than 2^18 regions in one archive, so that
 * libarchive is not given them at all: it keeps 48 bytes for each, out of 4 bytes of archive that compress well. */
int tar_headers_push(struct tar_headers *t, const void *data, size_t len, struct err *err);

/* Compares the next member of the headers with libarchive's @m, whose bytes are in the extents at @v.  On success
 * m->mtime_sec is what GNU tar makes of it.  Returns 0, -EBADMSG with the reason, or -ENOMEM. */
int tar_headers_agree(struct tar_headers *t, struct member *m, const struct extent *v, struct err *err);

/* Call it when libarchive has failed: what the headers know about the next member, as a better reason.  false: nothing. */
bool tar_headers_explain(const struct tar_headers *t, struct err *err);

/* Call it when libarchive has come to the end of the archive: so must the headers.  0 or -EBADMSG. */
int tar_headers_end(struct tar_headers *t, struct err *err);

/* For tests and fuzzing: takes the next member as the headers have it; false: there is none yet.  Its @name and @link are owned by
 * the caller, who frees *ret_extents too (m->first_extent is 0).  *ret_trouble: NULL, or why there is none. */
bool tar_headers_take(
        struct tar_headers *t, struct member *ret, struct extent **ret_extents, const char **ret_trouble);

#endif
