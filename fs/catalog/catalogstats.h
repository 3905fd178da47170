/* SPDX-License-Identifier: MPL-2.0 */
/* catalogstats -- what the catalog knows beside its view: counters and lasting troubles, for status. */
#ifndef PXEFS_CATALOG_CATALOGSTATS_H
#define PXEFS_CATALOG_CATALOGSTATS_H

#include "archive/chunkcache.h"
#include "catalog/catalog.h"

struct catalog_stats {
        struct chunkcache_stats chunks;
        uint64_t rotten;           /* archives that readers found damaged since the start */
        bool cache_trouble;        /* something could not be written to the cache directory */
        struct err builds_trouble; /* "" while the builds directory, and the archives in it, can be read */
};

/* Why the builds directory cannot be read, "" if it can: told by who watches it. */
void catalog_note_trouble(struct catalog *c, const char *why);

/* Both from any thread; they block for copies only. */
void catalog_stats(struct catalog *c, struct catalog_stats *ret);

#endif
