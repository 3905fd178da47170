/* SPDX-License-Identifier: MPL-2.0 */
/* source_impl -- what every kind of source begins with.  For the files of this folder only. */
#ifndef PXEFS_ARCHIVE_SOURCE_IMPL_H
#define PXEFS_ARCHIVE_SOURCE_IMPL_H

#include "archive/source.h"

struct source_kind {
        /* As source_pread; @off_raw + @len is inside the stream and @len is not 0. */
        ssize_t (*pread)(struct source *s, void *buf, size_t len, uint64_t off_raw);
        /* As source_borrow; NULL: this kind has nothing to lend. */
        int (*borrow)(struct source *s, size_t len, uint64_t off_raw, struct loan *ret);
        /* As source_still. */
        int (*still)(struct source *s);
        void (*close)(struct source *s);
};

struct source {
        const struct source_kind *kind;
        uint64_t size_bytes;
};

#endif
