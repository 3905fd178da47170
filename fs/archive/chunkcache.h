/* SPDX-License-Identifier: MPL-2.0 */
/* chunkcache -- decoded chunks of all builds: bounded, made once, borrowed without a copy.
 *
 * A client is a stream that is cut into chunks, and those into parts.  Each part can be made from its beginning on, step
 * by step, and a job that made one goes on into the next at no cost.  Who needs bytes of a chunk makes those parts as
 * far as it needs, unless somebody is at that chunk already; then it waits for them.  A reader that goes on from chunk
 * to chunk is noticed, and a few threads of the cache's own make what it will want next.
 *
 * Thread-safe, but for _new, _free, _join and _leave of one object.
 */
#ifndef PXEFS_ARCHIVE_CHUNKCACHE_H
#define PXEFS_ARCHIVE_CHUNKCACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct chunkcache;
struct chunk_client;
struct gate;
struct chunk;

/* How a client's chunks are made.  Calls for different chunks come from several threads at once, calls for one
 * chunk from one at a time. */
struct chunk_maker {
        /* Prepares to make the stream from @off on, which lies in a part's beginning or where a step ended.  0, or a
         * negative errno. */
        int (*begin)(void *ctx, uint64_t off, void **ret_job);
        /* Makes some more of it, to @to, where the rest of the part has room, and may scribble there.  Returns how many
         * bytes (at least one, at most to the end of the part; verified), or a negative errno. */
        int64_t (*step)(void *ctx, void *job, unsigned char *to);
        /* No more is wanted of the job.  Must be quick: it is called with the cache's lock held. */
        void (*end)(void *ctx, void *job);
        /* Making is little more than reading a file in order: the kernel reads ahead, better than threads in several places
         * of it, so the cache does not. */
        bool by_kernel;
};

/* memory_bytes  bound of chunks and of what is needed to make them; at least two chunks are kept
 * chunk_bytes   of the largest chunk
 * job_bytes     memory that one job takes
 * threads       how many to start for reading ahead; 0: nothing is read ahead
 *
 * Call it after any fork.  Returns 0, -ENOMEM or the negative errno of starting a thread. */
int chunkcache_new(size_t memory_bytes, size_t chunk_bytes, size_t job_bytes, unsigned threads,
        struct chunkcache **ret, struct err *err);
void chunkcache_free(struct chunkcache *c); /* ends the threads; all clients must have left; NULL is fine */

/* Takes in a stream of @size_bytes in parts of @part_bytes, as many to a chunk as the cache's chunk_bytes hold, but
 * CHUNK_PARTS at most; the last part may be shorter.  @maker and @ctx are borrowed until chunkcache_leave.  @archive is its
 * number, whoever makes chunks of it (base/atwork.h).  @gate is that which making them passes (gate.h; NULL: none).  NULL if
 * memory is short. */
#define CHUNK_PARTS 16
struct chunk_client *chunkcache_join(struct chunkcache *c, const struct chunk_maker *maker, void *ctx,
        uint64_t size_bytes, size_t part_bytes, uint64_t archive, struct gate *gate);
/* Drops its chunks; waits for threads that are making one.  No chunk of it may be held, nobody may be getting
 * one. */
void chunkcache_leave(struct chunk_client *cl);

/* How much of [@off, @off + @len) lies in the first chunk. */
size_t chunkcache_first(const struct chunk_client *cl, uint64_t off, size_t len);

/* Holds the chunk with the bytes [@off, @off + @len) of the stream, all inside one chunk and the stream.
 *
 * Returns 0: *ret_data is their first, and they stay until chunk_put(*ret); or the negative errno of making
 * them; -EIO: the storage does not answer, and they are not here; or -ENOMEM.  May block for other readers to let go of
 * chunks, CHUNK_PATIENCE_MS at most: hold one at a time.
 */
#define CHUNK_PATIENCE_MS 8000
int chunkcache_get(struct chunk_client *cl, uint64_t off, size_t len, struct chunk **ret,
        const unsigned char **ret_data);
void chunk_put(struct chunk *ch); /* NULL is fine */

struct chunkcache_stats {
        uint64_t begun;      /* jobs begun */
        uint64_t made_bytes; /* by all of them */
        uint64_t hits;       /* calls of chunkcache_get that found all their bytes here */
        size_t held_bytes;   /* memory for chunks now */
        size_t limit_bytes;  /* its bound */
};
void chunkcache_stats(struct chunkcache *c, struct chunkcache_stats *ret);

#endif
