/* SPDX-License-Identifier: MPL-2.0 */
/* build -- one verified archive, ready to be served.  Immutable and reference-counted. */
#ifndef PXEFS_PLATFORM_BUILD_H
#define PXEFS_PLATFORM_BUILD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "archive/identity.h"
#include "archive/source.h"
#include "platform/layout.h"

struct build {
        atomic_uint refs;
        char *archive;       /* owned; file name in the builds directory */
        struct identity id;  /* of the archive */
        uint64_t object;     /* 40 bits, not 0: the hash of @id in node ids */
        struct source *src;  /* owned */
        struct layout *tree; /* owned; its extents are in @src */
        bool release;        /* same as tree->release */
        bool image;          /* same as tree->image */
        bool iso;            /* the stream is an ISO: /iso shows it whole */
        const char *name;    /* tree->name, or image_name */
        char *image_name;    /* owned; of an image: its file's name without suffix */
        int64_t mtime_ns;    /* of all its files, unless it is an image; and of the whole ISO */
};

/* Gives @b its time, after its names are set; @sha256: hex, of the archive.
 *
 * A build is known by its stamp, so that is its time; but two of one stamp, or two that were packed with `tar --mtime`, must
 * not look alike to a cache that compares size and Last-Modified of `latest/...`.  So up to 18 hours are taken off,
 * by the digest: never added, as a time in the future is none.  Equal archives have equal times everywhere, whatever
 * the times of their files are.  Of an image the time of the newest member stands for the stamp. */
void build_set_time(struct build *b, const char *sha256);

/* Gives @b its names, after tree and archive are set.  0 or -ENOMEM. */
int build_set_name(struct build *b, bool iso);

/* @file without the suffix of an archive ("netboot.tar.gz": "netboot"); the caller frees it.  NULL: no memory. */
char *build_name_of_file(const char *file);

/* The name below /iso: @file without a compression's suffix, ending in ".iso". */
char *build_name_of_iso(const char *file);

struct build *build_ref(struct build *b);
void build_unref(struct build *b); /* NULL is fine */

#endif
