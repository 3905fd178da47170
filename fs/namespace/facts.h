/* SPDX-License-Identifier: MPL-2.0 */
/* facts -- gathers what the daemon says about itself (render/status/facts.h) from those who know it; internal to tree/. */
#ifndef PXEFS_NAMESPACE_FACTS_H
#define PXEFS_NAMESPACE_FACTS_H

#include "base/err.h"
#include "catalog/catalogstats.h"
#include "inventory/inventory.h"
#include "namespace/overlay_check.h"
#include "namespace/requests.h"
#include "namespace/textring.h"
#include "render/status/facts.h"

/* Room for texts that @fill below makes; they live as long as the facts. */
struct facts_texts {
        struct err death, upgrade_refused;
        struct overlay_absent absent;
};

struct facts_sources {
        struct catalog *catalog; /* all borrowed */
        struct inventory *inventory;
        struct textring *ring;
        const struct requests *requests; /* NULL: nobody counts */
        const char *version;
        /* Adds what only the worker knows: processes, sandbox.  May be NULL. */
        void (*fill)(void *ctx, struct daemon_facts *f, struct facts_texts *texts);
        void *fill_ctx;
        /* Told how the inventory answered. */
        void (*on_inventory)(void *ctx, int r, const struct err *err);
        void *on_inventory_ctx;
        int statm_fd; /* /proc/self/statm, open; -1: none */
};

/* Facts, and what they borrow. */
struct gathered {
        struct daemon_facts facts;
        struct catalog_view *view; /* owned reference */
        struct catalog_stats stats;
        struct catalog_progress progress;
        struct inventory_health health;
        struct err inventory_error;
        struct facts_texts texts;
};

/* Blocks for SQLite.  End it with facts_release. */
void facts_gather(const struct facts_sources *s, struct gathered *ret);
void facts_release(struct gathered *g);

#endif
