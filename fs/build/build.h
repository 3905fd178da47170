/* SPDX-License-Identifier: MPL-2.0 */
/* build -- one verified platform image, ready to be served.  Immutable and reference-counted. */
#ifndef PXEFS_BUILD_BUILD_H
#define PXEFS_BUILD_BUILD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "archive/identity.h"
#include "archive/source.h"
#include "build/layout.h"

struct build {
        atomic_uint refs;
        char *archive;       /* owned; file name in the builds directory */
        struct identity id;  /* of the archive */
        uint64_t object;     /* 40 bits, not 0: the hash of @id in node ids */
        struct source *src;  /* owned */
        struct layout *tree; /* owned; its extents are in @src */
        bool release;        /* same as tree->release */
        const char *name;    /* tree->name */
};

struct build *build_ref(struct build *b);
void build_unref(struct build *b); /* NULL is fine */

#endif
