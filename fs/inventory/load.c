/* SPDX-License-Identifier: MPL-2.0 */
/* load -- from rows to a plan; see load.h.
 *
 * The host's row gives its profile; the closure table gives the profiles to ask, nearest first (the "chain"); properties,
 * settings and the build are taken from the nearest layer that has a row.  Each row is looked at with suspicion: it may have
 * been written with checks off, or by another schema.
 *
 * Invariants
 *   1. A row that cannot be used costs itself, never the plan: it is named in plan.problems.
 *   2. A row that asks for a build is never answered with another one: an unusable name stays in plan.build as a
 *      name no build has, and renderers then boot nothing by themselves.
 *   3. An unusable property hides what it would have overridden: what the operator meant to change does not come
 *      back.  An unusable setting is passed over, for the script needs one.
 *   4. Nothing here recurses or follows pointers without a bound: CHAIN_MAX profiles, PROBLEMS_MAX lines.
 *
 * Locks: none; the connection is the caller's.
 */
#include "inventory/load.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "inventory/mac.h"
#include "inventory/settings.h"

#define CHAIN_MAX    64
#define PROBLEMS_MAX 40
#define TEXT_MAX     4096 /* bytes of any column that is read here; the schema allows 1000 */
#define ROOT_PROFILE 1

/* One profile a host inherits from. */
struct link {
        int64_t id;
        char *name;      /* owned; "profile <id>" is shown if it has none */
        int64_t parent;  /* 0: none */
        char *build;     /* owned; NULL if not given */
        int64_t channel; /* 0: none */
};

/* A property row that may take effect; the lowest rank does. */
struct candidate {
        struct plan_property p; /* owned; value NULL: this row unsets */
        size_t rank;            /* 0 host, 1.. position in the chain + 1 */
        const char *bad;        /* why the value is unusable; NULL if it is fine */
        int64_t row;            /* property.id */
};

struct load {
        struct conn *c;
        struct plan *p; /* owned until handed over */
        struct err *err;
        struct link chain[CHAIN_MAX]; /* nearest first */
        size_t n_chain;
        struct candidate *found; /* owned */
        size_t n_found, cap_found;
};

static int no_memory(struct load *l)
{
        return err_set(l->err, -ENOMEM, "out of memory");
}

static void load_fini(struct load *l)
{
        plan_free(l->p);
        for (size_t i = 0; i < l->n_chain; i++) {
                free(l->chain[i].name);
                free(l->chain[i].build);
        }
        for (size_t i = 0; i < l->n_found; i++) {
                free(l->found[i].p.name);
                free(l->found[i].p.value);
                free(l->found[i].p.layer);
        }
        free(l->found);
}

/* Notes a row that cannot be used. */
__attribute__((format(printf, 2, 3))) static int problem(struct load *l, const char *fmt, ...)
{
        struct plan *p = l->p;
        char **v, *line;
        va_list ap;
        int n;

        if (p->n_problems >= PROBLEMS_MAX)
                return 0;
        va_start(ap, fmt);
        n = vasprintf(&line, fmt, ap);
        va_end(ap);
        if (n < 0)
                return no_memory(l);
        v = reallocarray(p->problems, p->n_problems + 1, sizeof *v);
        if (!v) {
                free(line);
                return no_memory(l);
        }
        p->problems = v;
        v[p->n_problems++] = line;
        return 0;
}

/* Duplicates the text of a cell into *ret.  A NULL cell leaves it alone; an unusable one too, and is a problem. */
static int dup_cell(struct load *l, sqlite3_stmt *s, int col, const char *table, int64_t row, char **ret)
{
        const char *t;
        int r = conn_text(s, col, TEXT_MAX, &t);

        if (r == -ENODATA)
                return 0;
        if (r == -EILSEQ)
                return problem(l, "%s %lld: %s is no plain line of text and was passed over", table, (long long)row,
                        sqlite3_column_name(s, col));
        if (r < 0)
                return no_memory(l);
        *ret = strdup(t);
        return *ret ? 0 : no_memory(l);
}

/* As dup_cell for the name of a build: an unusable one becomes a name no build has (invariant 2). */
static int dup_build(struct load *l, sqlite3_stmt *s, int col, const char *table, int64_t row, char **ret)
{
        int r = dup_cell(l, s, col, table, row, ret);

        if (r == 0 && !*ret && sqlite3_column_type(s, col) != SQLITE_NULL) {
                *ret = strdup("unreadable-name");
                r = *ret ? 0 : no_memory(l);
        }
        return r;
}

/* ---- the chain of profiles ---- */

static int add_link(struct load *l, sqlite3_stmt *s)
{
        struct link *k = &l->chain[l->n_chain];
        int64_t id = sqlite3_column_int64(s, 0);
        int r;

        memset(k, 0, sizeof *k);
        k->id = id;
        l->n_chain++;
        r = dup_cell(l, s, 2, "profile", id, &k->name);
        if (r == 0 && !k->name && asprintf(&k->name, "%lld", (long long)id) < 0) {
                k->name = NULL;
                r = no_memory(l);
        }
        k->parent = sqlite3_column_int64(s, 3);
        if (r == 0)
                r = dup_build(l, s, 4, "profile", id, &k->build);
        k->channel = sqlite3_column_int64(s, 5);
        return r;
}

static void clear_chain(struct load *l)
{
        while (l->n_chain > 0) {
                l->n_chain--;
                free(l->chain[l->n_chain].name);
                free(l->chain[l->n_chain].build);
        }
}

/* Reads the closure of @profile.  1 if it agrees with the parents, 0 if it does not. */
static int chain_by_closure(struct load *l, int64_t profile)
{
        AUTO_STMT sqlite3_stmt *s = NULL;
        int64_t expect = profile;
        bool sound = true;
        int r = conn_query(l->c, Q_chain, &s, l->err);

        if (r < 0)
                return r;
        sqlite3_bind_int64(s, 1, profile);
        while ((r = conn_step(l->c, s, l->err)) > 0) {
                sound = sound && l->n_chain < CHAIN_MAX && sqlite3_column_int64(s, 0) == expect &&
                        sqlite3_column_int64(s, 1) == (int64_t)l->n_chain &&
                        sqlite3_column_type(s, 2) != SQLITE_NULL;
                if (!sound)
                        return 0;
                r = add_link(l, s);
                if (r < 0)
                        return r;
                expect = l->chain[l->n_chain - 1].parent;
        }
        if (r < 0)
                return r;
        return l->n_chain > 0 && expect == 0 && l->chain[l->n_chain - 1].id == ROOT_PROFILE;
}

static bool in_chain(const struct load *l, int64_t id)
{
        for (size_t i = 0; i < l->n_chain; i++)
                if (l->chain[i].id == id)
                        return true;
        return false;
}

/* Follows the parents one by one.  Ends in the root profile whatever the rows say. */
static int chain_by_parents(struct load *l, int64_t profile)
{
        for (int64_t id = profile; l->n_chain < CHAIN_MAX;) {
                AUTO_STMT sqlite3_stmt *s = NULL;
                int r = conn_query(l->c, Q_profile, &s, l->err);

                if (r < 0)
                        return r;
                sqlite3_bind_int64(s, 1, id);
                r = conn_step(l->c, s, l->err);
                if (r < 0)
                        return r;
                if (r > 0) {
                        r = add_link(l, s);
                        if (r < 0)
                                return r;
                        id = l->chain[l->n_chain - 1].parent;
                } else {
                        r = problem(l, "profile %lld does not exist, and is used by %s; default stands in: UPDATE it",
                                (long long)id, l->n_chain ? "another as its parent" : "this host");
                        if (r < 0 || id == ROOT_PROFILE)
                                return r;
                        id = 0;
                }
                if (id != 0 && in_chain(l, id)) {
                        r = problem(l, "profile %lld inherits from itself through its parents: UPDATE profile SET parent = 1 "
                                "WHERE id = %lld", (long long)id, (long long)id);
                        if (r < 0)
                                return r;
                        id = 0;
                }
                if (id == 0 && in_chain(l, ROOT_PROFILE))
                        return 0;
                if (id == 0)
                        id = ROOT_PROFILE;
        }
        return 0;
}

static int load_chain(struct load *l, int64_t profile)
{
        size_t before = l->p->n_problems;
        int r = chain_by_closure(l, profile);

        if (r == 0) {
                clear_chain(l);
                while (l->p->n_problems > before) /* the same rows are read again */
                        free(l->p->problems[--l->p->n_problems]);
                r = chain_by_parents(l, profile);
                if (r == 0 && in_chain(l, profile))
                        r = problem(l, "profile_closure does not hold what profile %lld inherits from, so the parents were "
                                "followed one by one: .schema profile_closure says how to rebuild it", (long long)profile);
        }
        if (r < 0 || l->n_chain == 0)
                return r;
        l->p->profile = strdup(l->chain[0].name);
        return l->p->profile ? 0 : no_memory(l);
}

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
        int r = conn_text(s, 1, TEXT_MAX, &name);

        if (r == -EILSEQ || r == -ENODATA)
                return problem(l, "property %lld: its name is no plain line of text; DELETE FROM property WHERE id = %lld",
                        (long long)row, (long long)row);
        if (r == 0)
                r = conn_text(s, 2, TEXT_MAX, &value);
        if (r == -EILSEQ) {
                bad = "its value is no plain line of text";
                r = 0;
        }
        if (r < 0 && r != -ENODATA)
                return no_memory(l);
        k = new_candidate(l);
        if (!k)
                return no_memory(l);
        k->rank = rank;
        k->row = row;
        k->bad = bad;
        /* Kept secret even if known_property was emptied. */
        k->p.secret = sqlite3_column_int(s, 3) != 0 || strcmp(name, "root_shadow") == 0;
        k->p.name = strdup(name);
        if (value)
                k->p.value = strdup(value);
        if (!k->p.name || (value && !k->p.value))
                return no_memory(l);
        if (rank == 0 ? asprintf(&k->p.layer, "host %s", l->p->hostname) < 0 :
                        asprintf(&k->p.layer, "profile %s", l->chain[rank - 1].name) < 0) {
                k->p.layer = NULL;
                return no_memory(l);
        }
        return 0;
}

static int add_properties(struct load *l, enum query q, int64_t owner, size_t rank)
{
        AUTO_STMT sqlite3_stmt *s = NULL;
        int r = conn_query(l->c, q, &s, l->err);

        if (r < 0)
                return r;
        sqlite3_bind_int64(s, 1, owner);
        while ((r = conn_step(l->c, s, l->err)) > 0) {
                r = add_property(l, s, rank);
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

/* What destroys data needs a word from the operator at the time of booting too, not only when the row was written. */
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
                return no_memory(l);
        for (size_t i = 0; i < l->n_found && r == 0; i++) {
                struct candidate *k = &l->found[i];
                const char *why = refuse_candidate(l, k);

                if (last && strcmp(k->p.name, last) == 0)
                        continue; /* a nearer layer has it */
                last = k->p.name;
                if (why) {
                        r = problem(l, "property %s (%s, property.id %lld) was left out: %s", k->p.name, k->p.layer,
                                (long long)k->row, why);
                } else if (!k->p.value) {
                        k->p.value = strdup("");
                        if (!k->p.value)
                                return no_memory(l);
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
        return s->value && s->layer ? 0 : no_memory(l);
}

static int add_setting(struct load *l, sqlite3_stmt *s, const struct link *from)
{
        long long row = sqlite3_column_int64(s, 0);
        const char *key, *value = NULL, *why = NULL;
        const struct setting_def *def;
        size_t i;
        int r = conn_text(s, 1, TEXT_MAX, &key);

        if (r == -ENOMEM)
                return no_memory(l);
        def = r == 0 ? def_by_key(key, &i) : NULL;
        if (!def)
                return problem(l, "setting %lld of profile %s has a key that is unknown here and was passed over", row,
                        from->name);
        if (l->p->settings[i].value)
                return 0; /* a nearer profile has it */
        r = conn_text(s, 2, TEXT_MAX, &value);
        if (r == -ENOMEM)
                return no_memory(l);
        if (r == -ENODATA)
                return set_setting(l, i, def->built_in, NULL);
        why = r < 0 ? "it is no plain line of text" : setting_refuse(def, value);
        if (why)
                return problem(l, "setting %s of profile %s (setting.id %lld) was passed over: %s%s%s", def->key, from->name,
                        row, why, def->choices ? " " : "", def->choices ? def->choices : "");
        return set_setting(l, i, value, from);
}

static int load_settings(struct load *l)
{
        struct plan *p = l->p;
        int r = 0;

        p->settings = calloc(n_setting_defs, sizeof *p->settings);
        if (!p->settings)
                return no_memory(l);
        p->n_settings = n_setting_defs;
        for (size_t i = 0; i < n_setting_defs; i++)
                if (!(p->settings[i].key = strdup(setting_defs[i].key)))
                        return no_memory(l);
        for (size_t i = 0; i < l->n_chain; i++) {
                AUTO_STMT sqlite3_stmt *s = NULL;

                r = conn_query(l->c, Q_profile_settings, &s, l->err);
                if (r < 0)
                        return r;
                sqlite3_bind_int64(s, 1, l->chain[i].id);
                while ((r = conn_step(l->c, s, l->err)) > 0) {
                        r = add_setting(l, s, &l->chain[i]);
                        if (r < 0)
                                return r;
                }
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < n_setting_defs && r == 0; i++)
                if (!p->settings[i].value)
                        r = set_setting(l, i, setting_defs[i].built_in, NULL);
        return r < 0 ? r : settings_apply(p) < 0 ? no_memory(l) : 0;
}

/* ---- the build ---- */

__attribute__((format(printf, 3, 4))) static int set_build(struct load *l, const char *build, const char *fmt, ...)
{
        va_list ap;
        int n;

        if (build && !(l->p->build = strdup(build)))
                return no_memory(l);
        va_start(ap, fmt);
        n = vasprintf(&l->p->build_why, fmt, ap);
        va_end(ap);
        if (n < 0)
                l->p->build_why = NULL;
        return n < 0 ? no_memory(l) : 0;
}

/* A channel that has no row: nothing may be booted in its place (invariant 2). */
static int no_channel(struct load *l, int64_t channel, const struct link *from)
{
        char name[48];
        int r = problem(l, "channel %lld does not exist, and %s%s asks for it: UPDATE it", (long long)channel,
                from ? "profile " : "this host", from ? from->name : "");

        if (r < 0)
                return r;
        (void)snprintf(name, sizeof name, "channel-%lld-is-missing", (long long)channel);
        return set_build(l, name, "channel %lld, which no row has", (long long)channel);
}

static int build_by_channel(struct load *l, int64_t channel, const struct link *from)
{
        AUTO_STMT sqlite3_stmt *s = NULL;
        AUTO_FREE char *name = NULL, *build = NULL, *canary = NULL;
        bool in_canary;
        int r = conn_query(l->c, Q_channel, &s, l->err);

        if (r < 0)
                return r;
        sqlite3_bind_int64(s, 1, channel);
        sqlite3_bind_int64(s, 2, l->p->host_id);
        r = conn_step(l->c, s, l->err);
        if (r < 0)
                return r;
        if (r == 0)
                return no_channel(l, channel, from);
        r = dup_cell(l, s, 0, "channel", channel, &name);
        if (r == 0)
                r = dup_build(l, s, 1, "channel", channel, &build);
        if (r == 0)
                r = dup_build(l, s, 2, "channel", channel, &canary);
        if (r < 0)
                return r;
        in_canary = canary && sqlite3_column_int64(s, 4) < sqlite3_column_int64(s, 3);
        return set_build(l, in_canary ? canary : build, "%schannel %s, from %s%s", in_canary ? "canary of " : "",
                name ? name : "without a name", from ? "profile " : "the host", from ? from->name : "");
}

/* host.build > host.channel > the nearest profile that has either > latest; the view host_build says the same. */
static int load_build(struct load *l, const char *host_build, int64_t host_channel)
{
        if (host_build)
                return set_build(l, host_build, "host.build");
        if (host_channel)
                return build_by_channel(l, host_channel, NULL);
        for (size_t i = 0; i < l->n_chain; i++) {
                if (l->chain[i].build)
                        return set_build(l, l->chain[i].build, "profile %s.build", l->chain[i].name);
                if (l->chain[i].channel)
                        return build_by_channel(l, l->chain[i].channel, &l->chain[i]);
        }
        return set_build(l, NULL, "latest (nothing else is set)");
}

/* ---- a plan ---- */

/* What @profile says, and the host's own properties if it has a row. */
static int load_layers(struct load *l)
{
        int r = load_settings(l);

        if (r == 0 && l->p->host_id)
                r = add_properties(l, Q_host_properties, l->p->host_id, 0);
        for (size_t i = 0; i < l->n_chain && r == 0; i++)
                r = add_properties(l, Q_profile_properties, l->chain[i].id, i + 1);
        return r < 0 ? r : settle_properties(l);
}

static int host_name(struct load *l, sqlite3_stmt *s)
{
        int r = dup_cell(l, s, 0, "host", l->p->host_id, &l->p->hostname);

        if (r == 0 && !l->p->hostname && asprintf(&l->p->hostname, "host-%lld", (long long)l->p->host_id) < 0) {
                l->p->hostname = NULL;
                r = no_memory(l);
        }
        return r;
}

static int host_mac(struct load *l, sqlite3_stmt *s)
{
        const char *text;
        uint64_t mac;
        int r = conn_text(s, 8, TEXT_MAX, &text);

        if (r == -ENODATA)
                return 0; /* no NIC */
        if (r == -ENOMEM)
                return no_memory(l);
        if (r < 0 || mac_parse(text, &mac, NULL) < 0)
                return problem(l, "host %s: the MAC of its first NIC is unusable", l->p->hostname);
        mac_format(mac, l->p->mac);
        return 0;
}

/* The columns of the host's row.  *ret_build is the caller's. */
static int host_columns(struct load *l, sqlite3_stmt *s, char **ret_build)
{
        struct plan *p = l->p;
        int r = host_name(l, s);

        if (r == 0)
                r = dup_cell(l, s, 1, "host", p->host_id, &p->uuid);
        if (r == 0)
                r = dup_build(l, s, 3, "host", p->host_id, ret_build);
        if (r == 0)
                r = dup_cell(l, s, 5, "host", p->host_id, &p->comment);
        if (r == 0)
                r = dup_cell(l, s, 7, "the NIC of host", p->host_id, &p->ip);
        if (r == 0 && !p->mac[0])
                r = host_mac(l, s);
        if (sqlite3_column_type(s, 6) == SQLITE_INTEGER && sqlite3_column_int64(s, 6) == 0)
                p->kind = PLAN_DISABLED;
        return r;
}

static int fill_host(struct load *l, int64_t id)
{
        AUTO_STMT sqlite3_stmt *s = NULL;
        AUTO_FREE char *build = NULL;
        int64_t profile, channel;
        int r = conn_query(l->c, Q_host, &s, l->err);

        if (r < 0)
                return r;
        sqlite3_bind_int64(s, 1, id);
        r = conn_step(l->c, s, l->err);
        if (r < 0)
                return r;
        if (r == 0)
                return err_set(l->err, -ENOENT, "no host has the id %lld", (long long)id);
        l->p->kind = PLAN_HOST;
        l->p->host_id = id;
        profile = sqlite3_column_int64(s, 2);
        channel = sqlite3_column_int64(s, 4);
        r = host_columns(l, s, &build);
        if (r == 0)
                r = load_chain(l, profile);
        if (r == 0)
                r = load_build(l, build, channel);
        return r < 0 ? r : load_layers(l);
}

static int fill_unknown(struct load *l)
{
        int r = load_chain(l, ROOT_PROFILE);

        l->p->kind = PLAN_UNKNOWN;
        if (r == 0)
                r = load_build(l, NULL, 0);
        return r < 0 ? r : load_layers(l);
}

static int load_plan(struct conn *c, int64_t id, uint64_t mac, bool known, struct plan **ret, struct err *err)
{
        AUTO_CLEAN(load_fini) struct load l = { .c = c, .err = err };
        int r;

        l.p = calloc(1, sizeof *l.p);
        if (!l.p)
                return no_memory(&l);
        if (mac)
                mac_format(mac, l.p->mac);
        r = known ? fill_host(&l, id) : fill_unknown(&l);
        if (r < 0)
                return r;
        *ret = take_ptr(&l.p);
        return 0;
}

int load_host(struct conn *c, int64_t id, uint64_t mac, struct plan **ret, struct err *err)
{
        return load_plan(c, id, mac, true, ret, err);
}

int load_unknown(struct conn *c, uint64_t mac, struct plan **ret, struct err *err)
{
        return load_plan(c, 0, mac, false, ret, err);
}
