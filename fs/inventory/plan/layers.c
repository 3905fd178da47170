/* SPDX-License-Identifier: MPL-2.0 */
/* layers -- what the host and its profiles say, the nearest first: properties and settings; see load_impl.h.
 *
 * The rows of all layers are read and sorted: a host has a few dozen.  load.c's invariants 1 and 3 are kept
 * here.  A layer may have ROWS_MAX of each; of one that has more the first by name are read.  Those that are passed over
 * hide what they may have overridden: of farther layers only names before the cut count.
 */
#include "inventory/plan/load_impl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "inventory/plan/settings.h"

#define ROWS_MAX 256 /* a kernel's line holds 4096 bytes.  The queries have LIMIT 257 */

/* ---- properties ---- */

static struct candidate *new_candidate(struct load *l)
{
        if (l->n_found == l->cap_found) {
                size_t cap = l->cap_found ? 2 * l->cap_found : 16;
                struct candidate *v = reallocarray(l->found, cap, sizeof *v);

                if (!v)
                        return NULL;
                l->found = v;
                l->cap_found = cap;
        }
        memset(&l->found[l->n_found], 0, sizeof l->found[0]);
        return &l->found[l->n_found++];
}

static int add_property(struct load *l, sqlite3_stmt *s, size_t rank)
{
        int64_t row = sqlite3_column_int64(s, 0);
        const char *name, *value = NULL, *bad = NULL;
        struct candidate *k;
        int r = conn_text(s, 1, LOAD_TEXT_MAX, &name);

        if (r == -EILSEQ || r == -ENODATA)
                return load_problem(l,
                        "property %lld: its name is no plain line of text; DELETE FROM property WHERE id = "
                        "%lld",
                        (long long)row, (long long)row);
        if (r == 0)
                r = conn_text(s, 2, LOAD_TEXT_MAX, &value);
        if (r == -EILSEQ) {
                bad = "its value is no plain line of text";
                r = 0;
        }
        if (r < 0 && r != -ENODATA)
                return load_no_memory(l);
        if (l->cut && strcmp(name, l->cut) > 0)
                return 0;
        k = new_candidate(l);
        if (!k)
                return load_no_memory(l);
        k->rank = rank;
        k->row = row;
        k->bad = bad;
        /* Kept secret even if known_property was emptied. */
        k->p.secret = sqlite3_column_int(s, 3) != 0 || strcmp(name, "root_shadow") == 0;
        k->p.name = strdup(name);
        if (value)
                k->p.value = strdup(value);
        if (!k->p.name || (value && !k->p.value))
                return load_no_memory(l);
        if (rank == 0 ? asprintf(&k->p.layer, "host %s", l->p->hostname) < 0
                      : asprintf(&k->p.layer, "profile %s", l->chain[rank - 1].name) < 0) {
                k->p.layer = NULL;
                return load_no_memory(l);
        }
        return 0;
}

/* Row ROWS_MAX + 1 of a layer: it and what follows is passed over, here and in the layers to come. */
static int cut_properties(struct load *l, sqlite3_stmt *s, size_t rank)
{
        const char *name;
        int r = conn_text(s, 1, LOAD_TEXT_MAX, &name);
        char *last = NULL;

        if (r == -ENOMEM)
                return load_no_memory(l);
        /* The last that was read: everything before it was read, too. */
        for (size_t i = l->n_found; i-- > 0 && l->found[i].rank == rank && !last;)
                last = l->found[i].p.name;
        if (!l->cut || (last && strcmp(last, l->cut) < 0)) {
                free(l->cut);
                l->cut = strdup(last ? last : "");
                if (!l->cut)
                        return load_no_memory(l);
        }
        return load_problem(l,
                "property %lld (%s) of %s %s and those after it were passed over: a host or a profile may "
                "have %d; "
                "DELETE some",
                (long long)sqlite3_column_int64(s, 0), r == 0 ? name : "unreadable",
                rank ? "profile" : "host", rank ? l->chain[rank - 1].name : l->p->hostname, ROWS_MAX);
}

static int add_properties(struct load *l, enum query q, int64_t owner, size_t rank)
{
        AUTO_STMT sqlite3_stmt *s = NULL;
        unsigned n = 0;
        int r = conn_query(l->c, q, &s, l->err);

        if (r < 0)
                return r;
        sqlite3_bind_int64(s, 1, owner);
        while ((r = conn_step(l->c, s, l->err)) > 0) {
                r = ++n > ROWS_MAX ? cut_properties(l, s, rank) : add_property(l, s, rank);
                if (r < 0)
                        return r;
        }
        return r;
}

static int by_name_and_rank(const void *a, const void *b)
{
        const struct candidate *x = a, *y = b;
        int d = strcmp(x->p.name, y->p.name);

        if (d != 0)
                return d;
        return x->rank != y->rank ? (x->rank < y->rank ? -1 : 1) : (x->row > y->row) - (x->row < y->row);
}

/* What destroys data needs a word from the operator at the time of booting too, not only when the row was
 * written. */
static const char *refuse_candidate(const struct load *l, const struct candidate *k)
{
        const char *allow = setting_value(l->p, "allow_destructive");

        if (k->bad)
                return k->bad;
        if (strcmp(k->p.name, "destroy_zpools") == 0 && k->p.value && !(allow && strcmp(allow, "1") == 0))
                return "it destroys data, and the setting allow_destructive is 0";
        return NULL;
}

/* Sorts what was found into properties and unset; needs the settings. */
static int settle_properties(struct load *l)
{
        struct plan *p = l->p;
        const char *last = NULL;
        int r = 0;

        if (l->n_found == 0)
                return 0;
        qsort(l->found, l->n_found, sizeof l->found[0], by_name_and_rank);
        p->properties = calloc(l->n_found, sizeof *p->properties);
        p->unset = calloc(l->n_found, sizeof *p->unset);
        if (!p->properties || !p->unset)
                return load_no_memory(l);
        for (size_t i = 0; i < l->n_found && r == 0; i++) {
                struct candidate *k = &l->found[i];
                const char *why = refuse_candidate(l, k);

                if (last && strcmp(k->p.name, last) == 0)
                        continue; /* a nearer layer has it */
                if (i + 1 < l->n_found && k[1].rank == k->rank && strcmp(k[1].p.name, k->p.name) == 0)
                        why = "there is more than one row of this name here; DELETE one";
                last = k->p.name;
                if (why) {
                        r = load_problem(l, "property %s (%s, property.id %lld) was left out: %s", k->p.name,
                                k->p.layer, (long long)k->row, why);
                } else if (!k->p.value) {
                        k->p.value = strdup("");
                        if (!k->p.value)
                                return load_no_memory(l);
                        p->unset[p->n_unset++] = k->p;
                        memset(&k->p, 0, sizeof k->p);
                } else {
                        p->properties[p->n_properties++] = k->p;
                        memset(&k->p, 0, sizeof k->p);
                }
        }
        return r;
}

/* ---- settings ---- */

static const struct setting_def *def_by_key(const char *key, size_t *ret_i)
{
        for (size_t i = 0; i < n_setting_defs; i++)
                if (strcmp(setting_defs[i].key, key) == 0) {
                        *ret_i = i;
                        return &setting_defs[i];
                }
        return NULL;
}

static int set_setting(struct load *l, size_t i, const char *value, const struct link *from)
{
        struct plan_setting *s = &l->p->settings[i];

        s->value = strdup(value);
        if (!from)
                s->layer = strdup("built in");
        else if (from->id == ROOT_PROFILE)
                s->layer = strdup("global");
        else if (asprintf(&s->layer, "profile %s", from->name) < 0)
                s->layer = NULL;
        return s->value && s->layer ? 0 : load_no_memory(l);
}

static int add_setting(struct load *l, sqlite3_stmt *s, const struct link *from)
{
        long long row = sqlite3_column_int64(s, 0);
        const char *key, *value = NULL, *why = NULL;
        const struct setting_def *def;
        size_t i;
        int r = conn_text(s, 1, LOAD_TEXT_MAX, &key);

        if (r == -ENOMEM)
                return load_no_memory(l);
        def = r == 0 ? def_by_key(key, &i) : NULL;
        if (!def)
                return load_problem(l,
                        "setting %lld of profile %s has a key that is unknown here and was passed over", row,
                        from->name);
        if (l->p->settings[i].value)
                return 0; /* a nearer profile has it */
        r = conn_text(s, 2, LOAD_TEXT_MAX, &value);
        if (r == -ENOMEM)
                return load_no_memory(l);
        if (r == -ENODATA)
                return set_setting(l, i, def->built_in, NULL);
        why = r < 0 ? "it is no plain line of text" : setting_refuse(def, value);
        if (why)
                return load_problem(l, "setting %s of profile %s (setting.id %lld) was passed over: %s%s%s",
                        def->key, from->name, row, why, def->choices ? " " : "",
                        def->choices ? def->choices : "");
        return set_setting(l, i, value, from);
}

static int cut_settings(struct load *l, const struct link *from)
{
        return load_problem(l,
                "profile %s has more than %d settings, and those after the first by key were passed over: "
                "DELETE some",
                from->name, ROWS_MAX);
}

/* The rows of one profile.  *ret_full: there are more than are read, and what farther profiles say counts no more: the built
 * in values stand, which let nothing be destroyed. */
static int add_settings(struct load *l, const struct link *from, bool *ret_full)
{
        AUTO_STMT sqlite3_stmt *s = NULL;
        unsigned n = 0;
        int r = conn_query(l->c, Q_profile_settings, &s, l->err);

        if (r < 0)
                return r;
        sqlite3_bind_int64(s, 1, from->id);
        while ((r = conn_step(l->c, s, l->err)) > 0) {
                *ret_full = ++n > ROWS_MAX;
                r = *ret_full ? cut_settings(l, from) : add_setting(l, s, from);
                if (r < 0)
                        return r;
        }
        return r;
}

static int load_settings(struct load *l)
{
        struct plan *p = l->p;
        bool full = false;
        int r = 0;

        p->settings = calloc(n_setting_defs, sizeof *p->settings);
        if (!p->settings)
                return load_no_memory(l);
        p->n_settings = n_setting_defs;
        for (size_t i = 0; i < n_setting_defs; i++)
                if (!(p->settings[i].key = strdup(setting_defs[i].key)))
                        return load_no_memory(l);
        for (size_t i = 0; i < l->n_chain && !full; i++) {
                r = add_settings(l, &l->chain[i], &full);
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < n_setting_defs && r == 0; i++)
                if (!p->settings[i].value)
                        r = set_setting(l, i, setting_defs[i].built_in, NULL);
        return r < 0 ? r : settings_apply(p) < 0 ? load_no_memory(l) : 0;
}

/* What @profile says, and the host's own properties if it has a row. */
int load_layers(struct load *l)
{
        int r = load_settings(l);

        if (r == 0 && l->p->host_id)
                r = add_properties(l, Q_host_properties, l->p->host_id, 0);
        for (size_t i = 0; i < l->n_chain && r == 0; i++)
                r = add_properties(l, Q_profile_properties, l->chain[i].id, i + 1);
        return r < 0 ? r : settle_properties(l);
}
