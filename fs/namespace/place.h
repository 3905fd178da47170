/* SPDX-License-Identifier: MPL-2.0 */
/* place -- the namespace: lookup, stat, list and read for each kind of place.
 *
 * Names are recognised on lookup, in every spelling loaders use; listings show one of each.  What a name
 * leads to and for how long the kernel may believe it is decided here, by design "immutable inodes, mutable
 * names" (docs/architecture.md).  Thread-safe; may block for SQLite and the disk.  All functions return 0
 * or a negative errno.
 */
#ifndef PXEFS_NAMESPACE_PLACE_H
#define PXEFS_NAMESPACE_PLACE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "catalog/catalog.h"
#include "inventory/inventory.h"
#include "namespace/node.h"
#include "namespace/overlay.h"
#include "namespace/text.h"

#define FOREVER_SEC 1e9

struct places_options {
        struct catalog *catalog; /* all borrowed */
        struct inventory *inventory;
        struct overlay *overlay;
        struct texts *texts;
        uid_t uid; /* owner shown of everything */
        gid_t gid; /* (gid_t)-1: none, so that nothing can be opened for writing, however the mount was remounted */
        bool nolist; /* hosts/, by-name/, by-ip/ and by-uuid/ list nothing; look-ups work */
        bool show_root_password;
};

struct places {
        struct places_options opts;
};

struct places *places_new(const struct places_options *opts); /* NULL if memory is short */
void places_free(struct places *p);

struct place_entry {
        uint64_t node;
        uint32_t generation;
        struct stat st;
        double attr_sec; /* how long the kernel may keep st; 0 for a directory whose listing can change */
        double name_sec; /* lookup: how long the name leads here */
};

/* Finds @name in directory @parent.  -ENOENT if it is not there; then ret->name_sec says how long that
 * holds (0: ask again). */
int place_lookup(
        const struct places *p, const struct node *parent, const char *name, struct place_entry *ret);
int place_stat(const struct places *p, const struct node *n, struct place_entry *ret);

/* Target of a link; the caller frees it. */
int place_readlink(const struct places *p, const struct node *n, char **ret);

/* Fewer than @len bytes only at the end of the file. */
ssize_t place_read(const struct places *p, const struct node *n, void *buf, size_t len, uint64_t off);

/* As place_read, without a copy, where that can be had: 0 and *ret, to be ended with place_loan_end when the bytes were
 * used; -EOPNOTSUPP: use place_read; or a negative errno. */
struct place_loan {
        struct loan bytes;
        struct catalog_view *view; /* keeps the build */
};
int place_borrow(
        const struct places *p, const struct node *n, size_t len, uint64_t off, struct place_loan *ret);
void place_loan_end(struct place_loan *l);

#endif
