/* SPDX-License-Identifier: MPL-2.0 */
/* plan -- the memory of a plan; load.c fills it.  Every pointer in it is owned; half-built ones are
 * fine. */
#include "inventory/plan/plan.h"

#include <stdlib.h>

static void free_properties(struct plan_property *v, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                free(v[i].name);
                free(v[i].value);
                free(v[i].layer);
        }
        free(v);
}

void plan_free(struct plan *p)
{
        if (!p)
                return;
        free(p->hostname);
        free(p->ip);
        free(p->uuid);
        free(p->profile);
        free(p->comment);
        free(p->build);
        free(p->build_why);
        free_properties(p->properties, p->n_properties);
        free_properties(p->unset, p->n_unset);
        for (size_t i = 0; i < p->n_settings; i++) {
                free(p->settings[i].key);
                free(p->settings[i].value);
                free(p->settings[i].layer);
        }
        free(p->settings);
        for (size_t i = 0; i < p->n_items; i++) {
                free(p->items[i].key);
                free(p->items[i].label);
                free(p->items[i].body);
                free(p->items[i].layer);
        }
        free(p->items);
        for (size_t i = 0; i < p->n_modules; i++) {
                free(p->modules[i].name);
                free(p->modules[i].content);
                free(p->modules[i].layer);
        }
        free(p->modules);
        free(p->base_url);
        free(p->menu_title);
        for (size_t i = 0; i < p->n_problems; i++)
                free(p->problems[i]);
        free(p->problems);
        free(p);
}
