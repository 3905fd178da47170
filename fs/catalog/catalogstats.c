/* SPDX-License-Identifier: MPL-2.0 */
/* catalogstats -- see catalogstats.h.  Locks: catalog.trouble_mutex, and the chunk cache's; not both at once. */
#include "catalog/catalogstats.h"

#include "archive/gate.h"
#include "catalog/catalog_impl.h"

void catalog_note_trouble(struct catalog *c, const char *why)
{
        (void)pthread_mutex_lock(&c->trouble_mutex);
        (void)err_set(&c->builds_trouble, 0, "%s", why);
        (void)pthread_mutex_unlock(&c->trouble_mutex);
}

void catalog_stats(struct catalog *c, struct catalog_stats *ret)
{
        (void)pthread_mutex_lock(&c->trouble_mutex);
        ret->rotten = c->rotten;
        ret->builds_trouble = c->builds_trouble;
        (void)pthread_mutex_unlock(&c->trouble_mutex);
        if (!ret->builds_trouble.text[0] && gates_are_stalled(c->gates))
                (void)err_set(&ret->builds_trouble, 0,
                        "its storage does not answer; what is cached is served, other reads fail");
        ret->cache_trouble = atomic_load(&c->db_trouble) || !catalogdb_lasts(c->set.db);
        chunkcache_stats(c->chunks, &ret->chunks);
}
