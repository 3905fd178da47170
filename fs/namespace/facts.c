/* SPDX-License-Identifier: MPL-2.0 */
/* facts -- one small function for each source; see facts.h.  Locks: none of its own. */
#include "namespace/facts.h"

#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static void add_catalog(const struct facts_sources *s, struct gathered *g)
{
        struct daemon_facts *f = &g->facts;

        catalog_stats(s->catalog, &g->stats);
        f->builds_trouble = g->stats.builds_trouble.text[0] ? g->stats.builds_trouble.text : NULL;
        f->cache_trouble = g->stats.cache_trouble;
        f->engine.rotten = g->stats.rotten;
        f->engine.chunks_begun = g->stats.chunks.begun;
        f->engine.chunk_hits = g->stats.chunks.hits;
        f->engine.decoded_bytes = g->stats.chunks.made_bytes;
        f->engine.cache_bytes = g->stats.chunks.held_bytes;
        f->engine.cache_limit_bytes = g->stats.chunks.limit_bytes;
        catalog_progress(s->catalog, &g->progress);
        f->queued = g->progress.waiting;
        for (size_t i = 0; i < g->progress.n && f->n_reading < FACTS_READING; i++) {
                const struct catalog_reading *r = &g->progress.v[i];

                f->reading[f->n_reading++] = (struct facts_reading) { .file = r->file,
                        .read_bytes = r->done_bytes,
                        .total_bytes = r->total_bytes,
                        .since_sec = r->since_sec };
        }
}

static void add_inventory(const struct facts_sources *s, struct gathered *g)
{
        struct facts_inventory *i = &g->facts.inventory;
        struct inventory_summary sum;
        int r = inventory_summary(s->inventory, &sum, &g->inventory_error);

        if (s->on_inventory)
                s->on_inventory(s->on_inventory_ctx, r, &g->inventory_error);
        inventory_health(s->inventory, &g->health);
        i->since_sec = g->health.since_sec;
        i->copy_sec = g->health.copy_sec;
        i->copy_trouble = g->health.copy_reason.text[0] ? g->health.copy_reason.text : NULL;
        if (r < 0) {
                i->state = FACTS_INVENTORY_NONE;
                i->reason = g->inventory_error.text;
                return;
        }
        i->state = g->health.from == INVENTORY_COPY ? FACTS_INVENTORY_COPY : FACTS_INVENTORY_LIVE;
        i->reason = g->health.from == INVENTORY_COPY ? g->health.reason.text : NULL;
        i->schema = (uint64_t)sum.schema_version;
        i->hosts = sum.hosts;
        i->nics = sum.nics;
}

static uint64_t in_us(const struct timeval *t)
{
        return (uint64_t)t->tv_sec * 1000000 + (uint64_t)t->tv_usec;
}

static void add_process(const struct facts_sources *s, struct facts_process *p)
{
        char text[64] = "";
        unsigned long long pages;
        struct rusage used;

        if (getrusage(RUSAGE_SELF, &used) == 0)
                p->cpu_us = in_us(&used.ru_utime) + in_us(&used.ru_stime);
        /* total and resident pages (proc(5)); the file is made anew for each read from its beginning */
        if (s->statm_fd >= 0 && pread(s->statm_fd, text, sizeof text - 1, 0) > 0 &&
                sscanf(text, "%*u %llu", &pages) == 1)
                p->resident_bytes = (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

void facts_gather(const struct facts_sources *s, struct gathered *ret)
{
        struct daemon_facts *f = &ret->facts;
        struct textring_stats ring;

        ret->view = catalog_view_get(s->catalog);
        ret->inventory_error.text[0] = '\0';
        daemon_facts_init(f, ret->view);
        f->version = s->version;
        f->running = true;
        f->now_sec = (int64_t)time(NULL);
        add_catalog(s, ret);
        add_inventory(s, ret);
        add_process(s, &f->process);
        requests_read(s->requests, &f->requests);
        textring_stats(s->ring, &ring);
        f->engine.ring_bytes = ring.held_bytes;
        f->engine.ring_limit_bytes = ring.limit_bytes;
        f->engine.ring_written_bytes = ring.written_bytes;
        if (s->fill)
                s->fill(s->fill_ctx, f, &ret->texts);
}

void facts_release(struct gathered *g)
{
        catalog_view_unref(g->view);
}
