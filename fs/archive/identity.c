/* SPDX-License-Identifier: MPL-2.0 */
/* identity -- see identity.h.
 *
 * Device, inode, size, mtime and ctime: the first four are what rsync and make go by; ctime is the one a
 * user cannot set, so an overwrite that restores the old mtime (cp -p, touch -r) still shows.
 *
 * Locks: none; all functions are pure but for fstat.
 */
#include "archive/identity.h"

#include <errno.h>

#include "base/digest.h"

static int64_t ns_of(const struct timespec *ts)
{
        return (int64_t)ts->tv_sec * 1000000000 + ts->tv_nsec;
}

struct identity identity_of(const struct stat *st)
{
        return (struct identity) {
                .dev = (uint64_t)st->st_dev,
                .ino = (uint64_t)st->st_ino,
                .size_bytes = (uint64_t)st->st_size,
                .mtime_ns = ns_of(&st->st_mtim),
                .ctime_ns = ns_of(&st->st_ctim),
        };
}

int identity_of_fd(int fd, struct identity *ret)
{
        struct stat st;

        if (fstat(fd, &st) < 0)
                return -errno;
        *ret = identity_of(&st);
        return 0;
}

bool identity_equal_elsewhere(const struct identity *a, const struct identity *b)
{
        return a->ino == b->ino && a->size_bytes == b->size_bytes && a->mtime_ns == b->mtime_ns &&
               a->ctime_ns == b->ctime_ns;
}

bool identity_equal(const struct identity *a, const struct identity *b)
{
        return a->dev == b->dev && identity_equal_elsewhere(a, b);
}

static int still(int fd, const struct identity *want, bool any_time)
{
        struct identity now;
        struct stat st;

        if (fstat(fd, &st) < 0)
                return -errno;
        now = identity_of(&st);
        if (any_time || st.st_nlink == 0)
                now.ctime_ns = want->ctime_ns;
        if (any_time)
                now.mtime_ns = want->mtime_ns;
        return identity_equal(&now, want) ? 0 : -ESTALE;
}

int identity_still(int fd, const struct identity *want)
{
        return still(fd, want, false);
}

int identity_still_length(int fd, const struct identity *want)
{
        return still(fd, want, true);
}

int identity_hash(const struct identity *id, uint64_t salt, unsigned bits, uint64_t *ret)
{
        const uint64_t fields[] = { id->dev, id->ino, id->size_bytes, (uint64_t)id->mtime_ns,
                (uint64_t)id->ctime_ns };
        const uint64_t mask = (UINT64_C(1) << bits) - 1;
        uint64_t h[2];
        int r = digest_short(salt, fields, sizeof fields, h);

        if (r < 0)
                return r;
        h[0] &= mask;
        *ret = h[0] ? h[0] : 1;
        return 0;
}
