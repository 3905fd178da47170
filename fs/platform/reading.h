/* SPDX-License-Identifier: MPL-2.0 */
/* reading -- how far the reading of an archive is, and a way to end it: what the reading thread shares with others.  It may lie in
 * memory shared with the process that reads (reader.h), which is not trusted: the numbers are only shown and compared.
 *
 * A file is read twice: decoded and verified, and once more for its SHA-256 (filedigest.c says why).
 */
#ifndef PXEFS_PLATFORM_READING_H
#define PXEFS_PLATFORM_READING_H

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define READING_PASSES 2u /* total: so many times the file's size */

struct reading {
        atomic_uint_fast64_t done_bytes; /* of both passes; only grows; written by the thread that reads */
        atomic_uint_fast64_t steps; /* pieces of the stream so far: one that does not grow gets nowhere */
        atomic_bool stop;           /* set by anybody: the reading ends with -ECANCELED within some ms */
};

/* @rd may be NULL in all. */
static inline void reading_reached(struct reading *rd, uint64_t bytes)
{
        if (rd && bytes > atomic_load_explicit(&rd->done_bytes, memory_order_relaxed))
                atomic_store_explicit(&rd->done_bytes, bytes, memory_order_relaxed);
}

static inline void reading_stepped(struct reading *rd)
{
        if (rd)
                atomic_fetch_add_explicit(&rd->steps, 1, memory_order_relaxed);
}

/* 0, or -ECANCELED. */
static inline int reading_goes_on(struct reading *rd, struct err *err)
{
        return rd && atomic_load(&rd->stop) ? err_set(err, -ECANCELED, "its reading was stopped") : 0;
}

#endif
