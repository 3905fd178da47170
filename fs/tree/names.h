/* SPDX-License-Identifier: MPL-2.0 */
/* names -- the fixed part of the namespace as one table; internal to tree/. */
#ifndef PXEFS_TREE_NAMES_H
#define PXEFS_TREE_NAMES_H

#include "tree/place.h"

#define LOADER_NAME_SIZE 32 /* "menu.lst.01AABBCCDDEEFF" */

struct places {
        struct places_options opts;
};

enum name_use {
        USE_DIR,    /* argument: enum fixed_place */
        USE_LINK,   /* argument: enum link_kind with no argument of its own */
        USE_LATEST, /* link to the newest release build; absent while there is none */
        USE_TEXT,   /* argument: enum text_kind */
};

/* First match. Listings follow the order; a name's key is its row number, so rows are only ever added at
 * the end. */
struct fixed_name {
        enum fixed_place parent;
        const char *name;
        enum name_use use;
        unsigned argument;
        bool needs_latest; /* absent while there is no release build, rather than dangling */
        bool unlisted;     /* found, but not in listings */
};

extern const struct fixed_name fixed_names[];
extern const unsigned n_fixed_names;

/* Names of each host directory. */
struct host_name {
        const char *name;
        enum text_kind what;
};
extern const struct host_name host_names[];
extern const unsigned n_host_names;

/* Directories of each host directory. */
struct host_subdir {
        const char *name;
        enum host_dir which;
        bool listed;
};
extern const struct host_subdir host_subdirs[];
extern const unsigned n_host_subdirs;

/* The names PXELINUX, pxegrub and Triton's booter ask for, which say whose file is meant (loaders.c). */

/* Whether names of @place may say so. */
bool loader_place(unsigned place);

/* Finds the file @name of @place, or of the plain files that stand there too.  -ENOENT if it is neither. */
int loader_lookup(const struct places *p, unsigned place, const char *name, struct place_entry *ret);

/* How the listing of @place names the host with this MAC; "" if it does not. */
void loader_name(unsigned place, uint64_t mac, char ret[LOADER_NAME_SIZE]);

/* The directory of plain files that is merged into @place.  -ENOENT if there is none. */
int loader_overlay(const struct places *p, unsigned place, uint64_t *ret_hash);

/* Used by loaders.c (place.c). */
int place_of_text(const struct places *p, enum text_kind what, uint64_t mac, struct place_entry *ret);
int place_in_overlay(
        const struct places *p, bool below_smartos, uint64_t dir, const char *name, struct place_entry *ret);

/* NULL if there is none. */
const struct fixed_name *fixed_name_find(unsigned parent, const char *name);

#endif
