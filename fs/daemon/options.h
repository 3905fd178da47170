/* SPDX-License-Identifier: MPL-2.0 */
/* options -- the command line of pxefs. */
#ifndef PXEFS_DAEMON_OPTIONS_H
#define PXEFS_DAEMON_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

#define NO_GROUP (-1)

struct options {
        char *builds_dir, *mountpoint; /* as given */
        char *inventory; /* NULL: the default path if it is there, else the schema's defaults alone */
        char *cache_dir;
        char **static_dirs; /* a list's count stands behind it (options.c, OPT_LIST) */
        size_t n_static_dirs;
        char **links_to; /* where links among builds and plain files may lead */
        size_t n_links_to;
        char *user;    /* whom the worker runs as; NULL: "pxefs" if there is such a user, else "nobody" */
        long uid, gid; /* owner and group shown of all files; gid may be NO_GROUP */
        uint64_t spool_max_bytes;
        uint64_t memory_bytes; /* bound of decoded chunks */
        int poll_ms;
        bool sums_required; /* sums=require */
        bool nolist, show_root_password, wait;
        bool foreground, debug, single_thread;
        bool help, version;
};

#define DEFAULT_INVENTORY "/var/lib/pxefs/inventory.db"
#define DEFAULT_CACHE_DIR "/var/cache/pxefs"

/* Reads the command line.  0, or -EINVAL with the reason (exit status 2).  Free with options_fini in both
 * cases. */
int options_parse(int argc, char **argv, struct options *ret, struct err *err);
void options_fini(struct options *o);

/* Adds a copy of @path to links_to.  0 or -ENOMEM. */
int options_add_link_place(struct options *o, const char *path);
/* The command line that options_parse reads as @o, for the worker: a NULL-terminated list, freed with
 * options_argv_free.  NULL if memory is short. */
char **options_argv(const struct options *o, const char *name);
void options_argv_free(char **argv);

extern const char options_help[]; /* 80 columns */

#endif
