/* SPDX-License-Identifier: MPL-2.0 */
/* tarmaker -- archives made byte by byte, so that they can be wrong in any way; and files that leave nothing
 * behind. */
#ifndef PXEFS_TESTS_TARMAKER_H
#define PXEFS_TESTS_TARMAKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define STAMP "20240101T000000Z"
#define TOP   "platform-" STAMP

struct tar_member {
        const char *name;
        char type;         /* '0' file, '5' directory, ...; 0 is '0' */
        const char *link;  /* NULL: none */
        unsigned mode;     /* 0: 0644 */
        int64_t mtime_sec; /* 0: 1704067200 */
        const void *data;
        size_t len;
        uint64_t size_bytes; /* what the header says; 0: len */
};

/* Adds a ustar member: header, data, padding. */
void tar_add(struct buf *t, const struct tar_member *m);
void tar_file(struct buf *t, const char *name, const char *text);
void tar_dir(struct buf *t, const char *name);
void tar_link(struct buf *t, char type, const char *name, const char *to);
/* Adds a pax header with one record for the next member. */
void tar_pax(struct buf *t, const char *key, const void *value, size_t len);
/* Adds the two zero blocks. */
void tar_end(struct buf *t);
/* Sets the checksum of the header at @block. */
void tar_checksum(char *block);

/* Adds the seven members of a platform tarball below @top (without a '/'): kernel "unix", ramdisk "ramdisk
 * of <stamp>\n". */
void tar_platform(struct buf *t, const char *top, const char *stamp);
/* The two without which there is no build. */
void tar_minimum(struct buf *t, const char *top);

/* Adds one gzip member; level 0 stores. */
void gz_add(struct buf *out, const void *data, size_t len, int level);

/* A file in memory; the caller closes it. */
int mem_file(const void *data, size_t len);

/* A directory of its own in memory, or below $TMPDIR; removed with all it holds. */
int scratch_open(char path[64]);
void scratch_close(const char *path, int fd);
/* Writes a file into it (temporary name and rename), aged by @age_sec. */
void scratch_put(int dirfd, const char *name, const void *data, size_t len, int age_sec);

#endif
