/* SPDX-License-Identifier: MPL-2.0 */
/* names -- the fixed part of the namespace as one table. */
#ifndef PXEFS_NAMESPACE_NAMES_H
#define PXEFS_NAMESPACE_NAMES_H

#include <stdbool.h>

#include "namespace/node.h"
#include "namespace/text.h"

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

/* NULL if there is none. */
const struct fixed_name *fixed_name_find(unsigned parent, const char *name);

#endif
