/* SPDX-License-Identifier: MPL-2.0 */
/* buildlist -- what renderers need to know about the builds there are. */
#ifndef PXEFS_PLATFORM_BUILDLIST_H
#define PXEFS_PLATFORM_BUILDLIST_H

#include <stdbool.h>
#include <stddef.h>

struct build_info {
        const char *name; /* "20241010T000000Z" or "<branch>-<stamp>" */
        bool release;     /* may become `latest` */
        bool has_hash;    /* boot_archive.hash is there */
};

/* Newest stamp first; builds of one stamp: the release first, then by name.  Borrowed by the renderers. */
struct build_list {
        const struct build_info *v;
        size_t n;
        const char *const *isos; /* names of files in /iso, by the name of the archive */
        size_t n_isos;
};

#endif
