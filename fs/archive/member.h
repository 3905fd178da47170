/* SPDX-License-Identifier: MPL-2.0 */
/* member -- one member of an archive: its name, kind and attributes, and where its bytes stand in the stream. */
#ifndef PXEFS_ARCHIVE_MEMBER_H
#define PXEFS_ARCHIVE_MEMBER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum member_kind {
        MEMBER_FILE,
        MEMBER_DIR,
        MEMBER_SYMLINK,  /* link: the target as archived */
        MEMBER_HARDLINK, /* link: the name of another member of this archive, or of this one */
        MEMBER_SPECIAL,  /* device, FIFO, socket */
};

/* One run of a file's bytes in the stream.  What no extent covers is a hole: zeros (sparse files). */
struct extent {
        uint64_t off_member; /* in the file */
        uint64_t off_raw;    /* in the stream */
        uint64_t len_bytes;
};

struct member {
        char *name; /* owned; bytes as archived, never NULL */
        char *link; /* owned; NULL unless a link */
        enum member_kind kind;
        mode_t mode;         /* permission bits as archived, setuid and the like included */
        int64_t mtime_sec;   /* since the epoch; may be negative */
        uint64_t size_bytes; /* 0 unless a file */
        size_t first_extent; /* in members.extents */
        size_t n_extents;
};

#endif
