/* SPDX-License-Identifier: MPL-2.0 */
/* identity -- what makes a file on disk the same file, byte for byte, as far as the kernel can tell.
 *
 * What was learned about an archive is kept under its identity, and node ids are derived from it, so an
 * archive that is replaced, appended to or touched is another object.
 */
#ifndef PXEFS_ARCHIVE_IDENTITY_H
#define PXEFS_ARCHIVE_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

struct identity {
        uint64_t dev, ino;
        uint64_t size_bytes;
        int64_t mtime_ns, ctime_ns; /* since the epoch */
};

struct identity identity_of(const struct stat *st);

/* 0 or the negative errno of fstat. */
int identity_of_fd(int fd, struct identity *ret);

bool identity_equal(const struct identity *a, const struct identity *b);

/* True if nothing but the device differs: a filesystem that came back under another number. */
bool identity_equal_elsewhere(const struct identity *a, const struct identity *b);

/* 0 if @fd is still the file @want; -ESTALE if not, or the negative errno of fstat.
 *
 * A ctime that differs is accepted where the file has lost its last name: unlink and rename-over change it, and
 * nobody finds such a file to write to. */
int identity_still(int fd, const struct identity *want);

/* The same, but both times may differ: chmod, chown, link and rename change the ctime, touch the mtime too, and none of them
 * a byte.  A write that leaves the length passes as well, so this is enough only where each byte is compared with what was
 * verified. */
int identity_still_length(int fd, const struct identity *want);

/* A number of @bits bits (1 to 60), never 0, that depends on all fields and on @salt.  Two identities may
 * collide:
 * the caller compares and takes the next salt.  Returns 0 or -ENOMEM. */
int identity_hash(const struct identity *id, uint64_t salt, unsigned bits, uint64_t *ret);

#endif
