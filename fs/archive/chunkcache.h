/* SPDX-License-Identifier: MPL-2.0 */
/* chunkcache -- decoded chunks of all builds: bounded, made once, borrowed without a copy.
 *
 * A client is a stream that is cut into numbered chunks, each of which can be made from its beginning on, step
 * by step.  Who needs bytes of a chunk makes it as far as it needs, unless somebody is at it already; then it
 * waits for them.  A reader that goes on from chunk to chunk is noticed, and a few threads of the cache's own
 * make what it will want next.
 *
 * Thread-safe, but for _new, _free, _join and _leave of one object.
 */
#ifndef PXEFS_ARCHIVE_CHUNKCACHE_H
#define PXEFS_ARCHIVE_CHUNKCACHE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct chunkcache;
struct chunk_client;
struct chunk;

/* How a client's chunks are made.  Calls for different chunks come from several threads at once, calls for one
 * chunk from one at a time. */
struct chunk_maker {
        /* Prepares to make chunk @n.  0, or a negative errno. */
        int (*begin)(void *ctx, uint64_t n, void **ret_job);
        /* Makes some more of it, in place: @data has @done bytes.  Returns how many there are then (more than
         * @done, at most the chunk's length; verified), or a negative errno. */
        int64_t (*step)(void *ctx, void *job, unsigned char *data, size_t done);
        /* The chunk is whole, or given up.  Must be quick: it is called with the cache's lock held. */
        void (*end)(void *ctx, void *job);
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

/* Takes in a stream of @size_bytes, in chunks of @chunk_bytes (not more than the cache's); the last may be
 * shorter.  @maker and @ctx are borrowed until chunkcache_leave.  NULL if memory is short. */
struct chunk_client *chunkcache_join(struct chunkcache *c, const struct chunk_maker *maker, void *ctx,
        uint64_t size_bytes, size_t chunk_bytes);
/* Drops its chunks; waits for threads that are making one.  No chunk of it may be held, nobody may be getting
 * one. */
void chunkcache_leave(struct chunk_client *cl);

/* Holds the chunk with the bytes [@off, @off + @len) of the stream, all inside one chunk and the stream.
 *
 * Returns 0: *ret_data is their first, and they stay until chunk_put(*ret); or the negative errno of making
 * them, or -ENOMEM.  May block for other readers to let go of chunks: hold one at a time.
 */
int chunkcache_get(struct chunk_client *cl, uint64_t off, size_t len, struct chunk **ret,
        const unsigned char **ret_data);
void chunk_put(struct chunk *ch); /* NULL is fine */

struct chunkcache_stats {
        uint64_t begun;     /* chunks begun to be made */
        size_t held_bytes;  /* memory for chunks now */
        size_t limit_bytes; /* its bound */
};
void chunkcache_stats(struct chunkcache *c, struct chunkcache_stats *ret);

#endif
