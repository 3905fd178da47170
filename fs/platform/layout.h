/* SPDX-License-Identifier: MPL-2.0 */
/* layout -- from an archive's members to the tree a loader needs.
 *
 * platform-<stamp>/X becomes platform/X, because the kernel cuts its own path at the first "/platform/" and
 * looks for the rest inside the boot archive (illumos-gate usr/src/uts/i86pc/os/fakebop.c); an ISO's
 * platform/ and boot/ stay.
 * Every hostile or odd case has one row in docs/layout.md with its verdict: REFUSE (the build), SKIP (the
 * entry, counted and reported) or SERVE.  The result is immutable; all look-ups are thread-safe.
 *
 * Entry numbers: 0 is the build's own directory, /smartos/<build>.  They depend only on the archive's
 * content, so they are the same after catalog.db was lost.
 */
#ifndef PXEFS_PLATFORM_LAYOUT_H
#define PXEFS_PLATFORM_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "archive/members.h"
#include "archive/source.h"

#define LAYOUT_MAX_ENTRIES (1u << 20) /* a node id has 20 bits for the entry */
#define LAYOUT_NONE        UINT32_MAX

struct layout_entry {
        const char *name;     /* one path component; owned by the layout */
        uint32_t parent;      /* entry number; the root's is itself */
        uint32_t first_child; /* children of a directory are consecutive entries, sorted by strcmp */
        uint32_t n_children;
        bool is_dir;
        bool hidden; /* there, but not shown unless asked for: root.password */
        int64_t mtime_sec;
        uint64_t size_bytes; /* 0 for directories */
        size_t first_extent; /* in layout.extents */
        size_t n_extents;
};

struct layout {
        struct layout_entry *v;
        uint32_t n;
        struct extent *extents;
        size_t n_extents;
        char *name;    /* "20241010T000000Z", or "<branch>-<stamp>": the directory below /smartos */
        bool release;  /* no branch: may become `latest` */
        bool image;    /* no SmartOS build: the archive's tree as it is; name is "" */
        bool has_hash; /* i86pc/amd64/boot_archive.hash is there */
        uint32_t unix_entry, boot_archive_entry; /* LAYOUT_NONE in an image */
        uint32_t n_skipped;                      /* members left out */
        char *skipped_why; /* owned; NULL, or the first few: "a/../../b: leaves the archive; ..." */
        char *names;       /* owned: where the entries' names are */
};

/* Makes the tree: of a platform image as a loader needs it, of any other archive as it is.
 *
 * m      borrowed
 * src    reads the same stream; for etc/version/platform only
 * ret    receives the layout; the caller frees it with layout_free
 *
 * Returns 0, -EBADMSG with the reason if the build must be refused, -ENOMEM, or the error of reading @src.
 */
int layout_make(const struct members *m, struct source *src, struct layout **ret, struct err *err);
void layout_free(struct layout *l);

/* The child @name of directory @dir, or LAYOUT_NONE.  Binary search. */
uint32_t layout_child(const struct layout *l, uint32_t dir, const char *name);

/* The entry of a path below the build ("platform/i86pc/kernel/amd64/unix"), or LAYOUT_NONE. */
uint32_t layout_by_path(const struct layout *l, const char *path);

/* Reads @len bytes of file @entry at @off_member, holes as zeros.  Returns the bytes read: fewer than @len
 * only at the end of the file; or a negative errno (see source_pread).  Thread-safe. */
ssize_t layout_pread(const struct layout *l, struct source *src, uint32_t entry, void *buf, size_t len,
        uint64_t off_member);

/* The same without a copy, where the source has them in one piece.  0; -EOPNOTSUPP: use layout_pread; or a negative
 * errno.  End the loan while @src still lives.  Thread-safe. */
int layout_borrow(const struct layout *l, struct source *src, uint32_t entry, size_t len, uint64_t off_member,
        struct loan *ret);

#endif
