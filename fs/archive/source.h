/* SPDX-License-Identifier: MPL-2.0 */
/* source -- read an archive's decompressed stream at any offset, from many threads.
 *
 * Offsets here are off_raw: positions in the stream after decompression, the one the tar or ISO structure
 * lives in.  Kinds: checked (the file is the stream: checked.h), gzip (decoded on demand from checkpoints: gzip.h) and
 * spool (decoded once into a file of the cache directory, which is then read as a checked one).  These give no byte that
 * was not verified.  And raw, for tools and tests: the file as it lies there.
 */
#ifndef PXEFS_ARCHIVE_SOURCE_H
#define PXEFS_ARCHIVE_SOURCE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "archive/identity.h"
#include "base/err.h"

struct source;

enum source_trouble {
        SOURCE_ROTTEN,  /* what was read is not what was verified, and the file's identity is what it was */
        SOURCE_CHANGED, /* somebody wrote to the file: its length is another, or these bytes are */
        SOURCE_LOST,    /* gzip: a checkpoint cannot be had; reads go on, more slowly */
};

struct buf;
struct chunkcache;
struct gates;
struct inflate_kind;

/* What all sources of a process share that give verified bytes only; outlives them. */
struct source_env {
        struct chunkcache *cache;        /* borrowed; its chunks hold at least one of a gzip index's */
        const struct inflate_kind *kind; /* for gzip */
        /* For gzip: adds the statebox of chunk @n of archive @object to @ret; 0 or a negative errno.  Any thread. */
        int (*load)(void *ctx, uint64_t object, uint64_t n, struct buf *ret);
        /* Told once for each kind of trouble of each source, from any thread. */
        void (*report)(void *ctx, uint64_t object, enum source_trouble what, const char *why);
        void *ctx;
        struct gates *gates; /* borrowed; that reads of archives pass (gate.h); NULL: none */
};

/* The file @fd (a tar or an ISO) is the stream itself, and its bytes are given as they are: its identity is compared after
 * each read, and nothing else.  Whoever serves uses source_open_checked.
 *
 * fd    borrowed on error, owned by the source on success; used with pread only
 * want  the identity the archive had when it was verified
 * ret   receives the source; the caller closes it with source_close
 *
 * Returns 0, -ESTALE if the file is no longer the one in @want, -ENOMEM or the negative errno of fstat.
 */
int source_open_raw(int fd, const struct identity *want, struct source **ret, struct err *err);

/* Reads @len bytes at @off_raw into @buf.
 *
 * Returns @len, or fewer only where the stream ends; -ESTALE if the file under it is of another length than when it was
 * verified, or somebody wrote to it and these bytes are other ones now (no byte of another file is ever returned), -EIO if
 * its bytes are not those that were verified though nobody wrote to it, or its storage does not answer (gate.h), or the
 * negative errno of pread.  Thread-safe; blocks for the disk.
 */
ssize_t source_pread(struct source *s, void *buf, size_t len, uint64_t off_raw);

/* Bytes that somebody else owns, until loan_end. */
struct loan {
        const void *data;
        size_t len;
        void (*put)(void *held); /* NULL: nothing is held */
        void *held;
};

static inline void loan_end(struct loan *l)
{
        if (l->put)
                l->put(l->held);
        l->put = NULL;
}

/* Lends the @len bytes at @off_raw, all inside the stream, without a copy.
 *
 * Returns 0: end the loan soon, and borrow nothing else before; -EOPNOTSUPP: not here, use source_pread; or the
 * errors of source_pread.  Thread-safe; may block. */
int source_borrow(struct source *s, size_t len, uint64_t off_raw, struct loan *ret);

/* 0 if the file under it may still be the one that was verified: it has its length.  -ESTALE, or the negative errno of
 * fstat. */
int source_still(struct source *s);

/* The file's times are those of @now from now on, and its bytes were found to be those that were verified: what differs
 * later differs because the disk rotted.  Kinds that compare bytes only. */
void source_touched(struct source *s, const struct identity *now);

/* Bytes in the whole stream. */
uint64_t source_size_bytes(const struct source *s);

/* @s may be NULL.  No other thread may be using it. */
void source_close(struct source *s);

#endif
