/* SPDX-License-Identifier: MPL-2.0 */
/* members -- what one archive holds: every entry's name, kind, attributes, and where its bytes are in the
 * stream.
 *
 * libarchive reads the formats (tar in all its dialects, ISO 9660 with Rock Ridge) and nothing else:
 * decompression and its checks happen below, in the feed.  Names are given exactly as archived, hostile or
 * not; build/layout decides what becomes of them.
 */
#ifndef PXEFS_ARCHIVE_MEMBERS_H
#define PXEFS_ARCHIVE_MEMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "archive/member.h"
#include "archive/source.h"
#include "codec/feed.h"

enum archive_format { FORMAT_TAR, FORMAT_ISO };

struct members {
        enum archive_format format;
        struct member *v; /* in archive order */
        size_t n;
        struct extent *extents; /* of one member: ascending, not overlapping, inside its size */
        size_t n_extents;
        char *warning; /* owned; NULL, or something the operator should know ("no end-of-archive blocks") */
};

struct members_limits {
        size_t max_members;       /* more: refused */
        uint64_t max_total_bytes; /* sum of member sizes: more is refused, before they are read */
        size_t max_name_bytes;    /* a longer name or link target: refused */
        size_t max_extents;       /* of all members together: more is refused */
        size_t max_names_bytes;   /* of all names and link targets together: they are kept in memory */
};

/* Sees every byte of every file once, in stream order: digests are computed on the way.  @index is the
 * member's number; what is skipped between two calls is a hole, zeros.  Called with @data NULL, @len 0 and
 * @off_member = the file's size once at the end of each file.  A negative return ends the reading with it. */
typedef int members_observe_fn(void *ctx, size_t index, const struct member *m, uint64_t off_member,
        const void *data, size_t len, struct err *err);

/* Reads the whole feed, also what follows the archive's end mark, and returns the members.
 *
 * feed     pulled to its end (its own verdict about the data is part of this function's)
 * limits   see above
 * observe  may be NULL
 * ret      receives the members; the caller frees them with members_free
 *
 * Returns 0; -ESPIPE for an ISO in a feed without seek, before anything was observed; -EBADMSG for a damaged or unknown format (an empty file and an HTML error page get a reason
 * that says so), -E2BIG over a limit, -ENOMEM, or the feed's error.  Blocking for as long as decoding takes.
 */
int members_read(const struct feed *feed, const struct members_limits *limits, members_observe_fn *observe,
        void *observe_ctx, struct members **ret, struct err *err);

void members_free(struct members *m);

/* Reads @len bytes at @off_member of a file whose bytes are in the @n extents at @v of @src, holes as zeros.
 *  Returns the bytes read, fewer than @len only at @size_bytes, -EIO if the stream ends before an extent
 * does, or the error of source_pread.  Thread-safe. */
ssize_t extents_pread(const struct extent *v, size_t n, uint64_t size_bytes, struct source *src, void *buf,
        size_t len, uint64_t off_member);

/* The same bytes lent by the source, if they are in one piece: @len bytes at @off_member.  0, or -EOPNOTSUPP: use
 * extents_pread; or its errors. */
int extents_borrow(const struct extent *v, size_t n, uint64_t size_bytes, struct source *src, size_t len,
        uint64_t off_member, struct loan *ret);

static inline void members_freep(struct members **m)
{
        members_free(*m);
}

#endif
