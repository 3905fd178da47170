/* SPDX-License-Identifier: MPL-2.0 */
/* source_impl -- what every kind of source begins with.  For the files of this folder only. */
#ifndef PXEFS_ARCHIVE_SOURCE_IMPL_H
#define PXEFS_ARCHIVE_SOURCE_IMPL_H

#include <stdatomic.h>

#include "archive/source.h"

struct chunk_client;
struct gate;

struct source_kind {
        /* As source_pread; @off_raw + @len is inside the stream and @len is not 0. */
        ssize_t (*pread)(struct source *s, void *buf, size_t len, uint64_t off_raw);
        /* As source_borrow; NULL: this kind has nothing to lend. */
        int (*borrow)(struct source *s, size_t len, uint64_t off_raw, struct loan *ret);
        /* As source_still. */
        int (*still)(struct source *s);
        /* As source_touched; NULL: the identity is all this kind has. */
        void (*touched)(struct source *s, const struct identity *now);
        void (*close)(struct source *s);
};

/* The identity a file is verified under; its times may move while others read them: each is whole, and one that goes with
 * the other's predecessor is only taken for a change that a reader then meets once more. */
struct verified_as {
        struct identity id; /* the times are in: */
        _Atomic int64_t mtime_ns, ctime_ns;
};

static inline void verified_as_set(struct verified_as *v, const struct identity *id)
{
        atomic_store_explicit(&v->mtime_ns, id->mtime_ns, memory_order_relaxed);
        atomic_store_explicit(&v->ctime_ns, id->ctime_ns, memory_order_relaxed);
}

static inline struct identity verified_as_get(const struct verified_as *v)
{
        struct identity id = v->id;

        id.mtime_ns = atomic_load_explicit(&v->mtime_ns, memory_order_relaxed);
        id.ctime_ns = atomic_load_explicit(&v->ctime_ns, memory_order_relaxed);
        return id;
}

struct source {
        const struct source_kind *kind;
        uint64_t size_bytes;
};

/* ---- for the kinds over the chunk cache (chunked.c) ---- */

ssize_t chunked_pread(struct chunk_client *cl, void *buf, size_t len, uint64_t off_raw);

/* Only of one chunk: who holds one must not wait for another (chunkcache.c, invariant 4). */
int chunked_borrow(struct chunk_client *cl, size_t len, uint64_t off_raw, struct loan *ret);

/* Tells @env, unless *@reported, a bit for each enum source_trouble, says that it was told. */
void source_report(const struct source_env *env, uint64_t object, atomic_uint *reported,
        enum source_trouble what, const char *why);

/* Reads on over interruptions and pieces, each through @gate: the bytes read, fewer than @len at the file's end; or a
 * negative errno. */
ssize_t source_read_file(struct gate *gate, int fd, void *buf, size_t len, uint64_t off);

#endif
