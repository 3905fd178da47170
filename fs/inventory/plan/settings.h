/* SPDX-License-Identifier: MPL-2.0 */
/* settings -- the settings there are, what they may be, and what holds when nobody says anything.  The
 * table here and known_setting in schema/inventory.sql are the same; a test compares them. */
#ifndef PXEFS_INVENTORY_PLAN_SETTINGS_H
#define PXEFS_INVENTORY_PLAN_SETTINGS_H

#include <stddef.h>

#include "inventory/plan/plan.h"

struct setting_def {
        const char *key;
        const char *built_in;
        const char *choices; /* "a|b|c"; NULL: text; "0|999" with @is_number: lowest and highest */
        bool is_number;
};

extern const struct setting_def setting_defs[];
extern const size_t n_setting_defs;

/* NULL if @value may stand for this setting, else what is wrong with it.  base_url is not judged here: the
 * renderer refuses it with its own reason and goes on with relative references. */
const char *setting_refuse(const struct setting_def *def, const char *value);

/* Fills the parsed fields of @p from p->settings, whose values passed setting_refuse.  0 or -ENOMEM. */
int settings_apply(struct plan *p);

/* The value in p->settings; NULL if there is none. */
const char *setting_value(const struct plan *p, const char *key);

#endif
