/* SPDX-License-Identifier: MPL-2.0 */
/* tar_pax -- the records of a pax header ("27 path=a/long/name\n"), those that say what a member is.
 *
 * Part of the second opinion on a tar's headers (tar_headers.h), so it is strict: a record that GNU tar, libarchive and
 * others could read in two ways is an error, not a guess.
 */
#ifndef PXEFS_ARCHIVE_TAR_PAX_H
#define PXEFS_ARCHIVE_TAR_PAX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "archive/member.h"

struct tar_pax {
        char *path, *link, *sparse_name; /* owned; NULL: not said */
        bool has_size, has_real, has_mtime, has_blocks, has_version;
        uint64_t size;         /* bytes stored in the archive */
        uint64_t real;         /* GNU.sparse.realsize or .size: bytes of a sparse file, holes included */
        uint64_t blocks;       /* GNU.sparse.numblocks: regions in the map */
        uint64_t major, minor; /* GNU.sparse.major, .minor; 0.0 where not said */
        int64_t mtime_sec;     /* rounded down, as GNU tar does with a negative fraction */
        struct extent *map;    /* owned; off_raw is 0 */
        size_t n_map, cap_map;
        bool in_region; /* an offset was said, its length not yet */
};

/* Reads the records in the @len bytes at @text, which are changed, into @p.
 *
 * global       a header for all members that follow ('g'): only the time is taken from one, and what would give all of
 *              them one name, size or link is an error
 * max_regions  more in @p: -E2BIG
 *
 * Returns 0, -ENOMEM, or -EBADMSG or -E2BIG with *ret_why (static).  End @p with tar_pax_fini in every case. */
int tar_pax_read(
        struct tar_pax *p, char *text, size_t len, bool global, size_t max_regions, const char **ret_why);
void tar_pax_fini(struct tar_pax *p); /* leaves it empty */

/* Adds a region to the map. 0, -ENOMEM or -E2BIG. */
int tar_pax_add_region(struct tar_pax *p, uint64_t off_member, uint64_t len_bytes, size_t max_regions);

/* A decimal number of digits only, up to INT64_MAX, that ends the text @s.  false: it is none. */
bool tar_pax_number(const char *s, uint64_t *ret);

#endif
