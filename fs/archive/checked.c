/* SPDX-License-Identifier: MPL-2.0 */
/* checked -- blocks of a file, read whole, compared, and kept for the requests that come for the rest of them.
 *
 * Nothing in a tar or an ISO tells a verified byte from another.  The identity of the file tells when somebody wrote to it
 * through the filesystem; a sector that rots, or a disk that gives other bytes, shows in nothing but the bytes.  So each
 * block is read into memory of ours, where nobody writes any more, and its CRC-32 is compared with the one that the
 * verified pass saw (blocksums.h).  The kernel asks for less than a block: the chunk cache keeps it for the neighbours,
 * has one thread make what several want, and reads ahead.
 *
 * Invariants
 *   1. A byte is given only if its block's CRC-32 agreed and the file had the verified length after it was read.  Its times
 *      do not count: `touch` and `chmod` change no byte, and must end no transfer.
 *   2. The file is only ever read by pread: cut short, it is an error and no SIGBUS.
 *   3. A read error of the disk is that read's only; other bytes are reported, once: as a changed file (-ESTALE) if its
 *      identity is another one, else as a rotten one (-EIO).
 *   4. A reader outlives the removal of its archive (identity_still).
 * Locks: none.
 */
#include "archive/checked.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "archive/chunkcache.h"
#include "archive/gate.h"
#include "archive/source_impl.h"

struct checked {
        struct source base; /* first: a struct source is one of these */
        int fd;             /* owned */
        struct gate *gate;  /* of its filesystem */
        struct verified_as want;
        struct blocksums *sums; /* owned */
        uint64_t object;
        const char *what;             /* static */
        const struct source_env *env; /* borrowed */
        struct chunk_client *client;  /* owned */
        atomic_uint reported;
};

/* One chunk in the making. */
struct job {
        uint64_t off; /* of the next block */
};

static int begin_at(void *ctx, uint64_t off, void **ret_job)
{
        struct job *job = malloc(sizeof *job);

        (void)ctx;
        if (!job)
                return -ENOMEM;
        job->off = off; /* a block's beginning: parts are blocks, and so are steps */
        *ret_job = job;
        return 0;
}

static void end_job(void *ctx, void *job)
{
        (void)ctx;
        free(job);
}

static void report(struct checked *c, enum source_trouble what, const char *why)
{
        source_report(c->env, c->object, &c->reported, what, why);
}

static int64_t step(void *ctx, void *p, unsigned char *to)
{
        struct checked *c = ctx;
        struct job *job = p;
        size_t n = (size_t)(job->off / c->sums->block_bytes), len = blocksums_len(c->sums, n);
        ssize_t got = source_read_file(c->gate, c->fd, to, len, job->off);
        const struct identity strict = verified_as_get(&c->want);
        bool agrees;
        struct err why;
        int r;

        if (got < 0)
                return got;
        agrees = (size_t)got == len && blocksums_agree(c->sums, n, to);
        r = agrees ? gate_still_length(c->gate, c->fd, &c->want.id) : gate_still(c->gate, c->fd, &strict);
        if (r == -ESTALE)
                report(c, SOURCE_CHANGED, "the file changed after it was verified");
        if (r < 0)
                return r;
        if ((size_t)got < len)
                return -EIO;
        if (!agrees) {
                (void)err_set(&why, 0,
                        "%s: the %zu bytes from byte %llu on are not those that were verified (CRC32): the "
                        "disk, "
                        "or whatever wrote to it below the filesystem",
                        c->what, len, (unsigned long long)job->off);
                report(c, SOURCE_ROTTEN, why.text);
                return -EIO;
        }
        job->off += len;
        return (int64_t)len;
}

/* ---- the source ------------------------------------------------------------------------------ */

static ssize_t checked_pread(struct source *s, void *buf, size_t len, uint64_t off_raw)
{
        return chunked_pread(((struct checked *)s)->client, buf, len, off_raw);
}

static int checked_borrow(struct source *s, size_t len, uint64_t off_raw, struct loan *ret)
{
        return chunked_borrow(((struct checked *)s)->client, len, off_raw, ret);
}

static int checked_still(struct source *s)
{
        struct checked *c = (struct checked *)s;

        return identity_still_length(c->fd, &c->want.id);
}

static void checked_touched(struct source *s, const struct identity *now)
{
        verified_as_set(&((struct checked *)s)->want, now);
}

static void checked_close(struct source *s)
{
        struct checked *c = (struct checked *)s;

        chunkcache_leave(c->client);
        blocksums_free(c->sums);
        close(c->fd);
        free(c);
}

static const struct source_kind checked_kind = { .pread = checked_pread,
        .borrow = checked_borrow,
        .still = checked_still,
        .touched = checked_touched,
        .close = checked_close };

int source_open_checked(int fd, const struct identity *want, struct blocksums *sums, uint64_t object,
        const char *what, const struct source_env *env, struct source **ret, struct err *err)
{
        static const struct chunk_maker maker = { begin_at, step, end_job, true };
        int r = identity_still(fd, want);
        struct checked *c;

        if (r == -ESTALE)
                return err_set(err, r, "the file is no longer the one that was verified");
        if (r < 0)
                return err_sys(err, r, "fstat");
        if (sums->raw_bytes != want->size_bytes)
                return err_set(err, -ESTALE, "the file is of another length than its check sums");
        c = calloc(1, sizeof *c);
        if (!c)
                return err_set(err, -ENOMEM, "out of memory");
        c->gate = gate_of(env->gates, want->dev);
        c->client =
                chunkcache_join(env->cache, &maker, c, sums->raw_bytes, sums->block_bytes, object, c->gate);
        if (!c->client) {
                free(c);
                return err_set(err, -ENOMEM, "out of memory");
        }
        c->base = (struct source) { &checked_kind, sums->raw_bytes };
        c->fd = fd;
        c->want.id = *want;
        verified_as_set(&c->want, want);
        c->sums = sums;
        c->object = object;
        c->what = what;
        c->env = env;
        *ret = &c->base;
        return 0;
}

const struct blocksums *source_checked_sums(const struct source *s)
{
        return s && s->kind == &checked_kind ? ((const struct checked *)s)->sums : NULL;
}
