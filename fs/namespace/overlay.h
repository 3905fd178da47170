/* SPDX-License-Identifier: MPL-2.0 */
/* overlay -- plain directories of the operator's shown in the tree: undionly.kpxe, ipxe.efi, pxelinux.0,
 * mboot.c32, ...
 *
 * Several directories are merged, the first that has a name wins. Names the daemon makes itself win over
 * all of them. The operator's own symbolic links to files are followed (Debian's /usr/lib/syslinux has
 * them); links to directories, devices and names that begin with a dot are not shown.  Files are read with
 * the daemon's own, unprivileged, rights.
 *
 * A link may lead into our own mount, or to a file server that is away (base/path_opener.h).  The first is absent.  For the
 * second nobody waits longer than OVERLAY_MS: it is left out of listings, and a request for it gets -EIO.  So does one
 * for any name while a whole directory does not answer, as that one may have it.
 *
 * A file's id depends on its path and its identity on disk, so a replaced file is another node, and the old
 * one is ESTALE (namespace/node.h, invariant 1).  Thread-safe; blocks for the disk, some seconds at most.
 */
#ifndef PXEFS_NAMESPACE_OVERLAY_H
#define PXEFS_NAMESPACE_OVERLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/path_opener.h"

struct overlay;

#define OVERLAY_MS 3000 /* that a look-up or listing waits for what does not answer */

/* Opens the directories @dirs (absolute paths; borrowed).
 *
 * opener  borrowed; NULL: nothing bounds what a look-up takes
 * later   one that cannot be had now is no error: it is tried again whenever something is looked up
 *
 * 0, or a negative errno and which of them cannot be read. */
int overlay_open(const char *const *dirs, size_t n, struct path_opener *opener, bool later,
        struct overlay **ret, struct err *err);
void overlay_close(struct overlay *o);

#define OVERLAY_TOP 0 /* the directory hash of the overlay's own top */

struct overlay_entry {
        uint64_t hash; /* of a directory: 59 bits, never 0; of a file: 60 bits */
        bool is_dir;
        uint64_t size_bytes;
        int64_t mtime_ns;
};

/* Finds @name in directory @dir.  0, -ENOENT, -ESTALE if @dir is not known, -EIO if that cannot be said now, or another
 * negative errno. */
int overlay_lookup(struct overlay *o, uint64_t dir, const char *name, struct overlay_entry *ret);

/* What overlay_lookup said of a file or directory, by its hash.  -ESTALE if it is no longer that file. */
int overlay_stat(struct overlay *o, uint64_t hash, bool is_dir, struct overlay_entry *ret);

/* Reads a file; as source_pread.  -EIO if its storage does not answer. */
ssize_t overlay_pread(struct overlay *o, uint64_t hash, void *buf, size_t len, uint64_t off);

/* Calls @add for names of directory @dir with a key greater than @after, in ascending order of key (a hash
 * of the name, so a listing goes on where it was under edits), until it returns false.  Keys are below
 * 2^62. */
typedef bool overlay_list_fn(void *ctx, uint64_t key, const char *name, bool is_dir);
int overlay_list(struct overlay *o, uint64_t dir, uint64_t after, overlay_list_fn *add, void *ctx);

#endif
