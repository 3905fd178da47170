/* SPDX-License-Identifier: MPL-2.0 */
/* load -- from rows to a plan; see load.h.  The chain of profiles is followed in chain.c,
 * properties and settings are gathered in layers.c.
 *
 * The host's row gives its profile; the closure table gives the profiles to ask, nearest first (the "chain");
 * properties, settings and the build are taken from the nearest layer that has a row.  Each row is looked at
 * with suspicion: it may have been written with checks off, or by another schema.
 *
 * Invariants
 *   1. A row that cannot be used costs itself, never the plan: it is named in plan.problems.
 *   2. A row that asks for a build is never answered with another one: an unusable name stays in plan.build
 * as a name no build has, and renderers then boot nothing by themselves.
 *   3. An unusable property hides what it would have overridden: what the operator meant to change does not
 * come back.  An unusable setting is passed over, for the script needs one.
 *   4. Nothing here recurses or follows pointers without a bound: CHAIN_MAX profiles, PROBLEMS_MAX lines.
 *
 * Locks: none; the connection is the caller's.
 */
#include "inventory/plan/load_impl.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "inventory/plan/address.h"
#include "inventory/plan/mac.h"

#define PROBLEMS_MAX 40

int load_no_memory(struct load *l)
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
        free(l->cut);
}

int load_problem(struct load *l, const char *fmt, ...)
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
                return load_no_memory(l);
        v = reallocarray(p->problems, p->n_problems + 1, sizeof *v);
        if (!v) {
                free(line);
                return load_no_memory(l);
        }
        p->problems = v;
        v[p->n_problems++] = line;
        return 0;
}

int load_cell(struct load *l, sqlite3_stmt *s, int col, const char *table, int64_t row, char **ret)
{
        const char *t;
        int r = conn_text(s, col, LOAD_TEXT_MAX, &t);

        if (r == -ENODATA)
                return 0;
        if (r == -EILSEQ)
                return load_problem(l, "%s %lld: %s is no plain line of text and was passed over", table,
                        (long long)row, sqlite3_column_name(s, col));
        if (r < 0)
                return load_no_memory(l);
        *ret = strdup(t);
        return *ret ? 0 : load_no_memory(l);
}

int load_build_cell(struct load *l, sqlite3_stmt *s, int col, const char *table, int64_t row, char **ret)
{
        int r = load_cell(l, s, col, table, row, ret);

        if (r == 0 && !*ret && sqlite3_column_type(s, col) != SQLITE_NULL) {
                *ret = strdup("unreadable-name");
                r = *ret ? 0 : load_no_memory(l);
        }
        return r;
}

int load_reference(struct load *l, sqlite3_stmt *s, int col, const char *table, int64_t row, int64_t *ret)
{
        int type = sqlite3_column_type(s, col);

        *ret = type == SQLITE_INTEGER ? sqlite3_column_int64(s, col) : type == SQLITE_NULL ? 0 : UNREADABLE;
        if (*ret != UNREADABLE)
                return 0;
        return load_problem(l, "%s %lld: %s is no number, as an id is: UPDATE it", table, (long long)row,
                sqlite3_column_name(s, col));
}

/* ---- the build ---- */

__attribute__((format(printf, 3, 4))) static int set_build(
        struct load *l, const char *build, const char *fmt, ...)
{
        va_list ap;
        int n;

        if (build && !(l->p->build = strdup(build)))
                return load_no_memory(l);
        va_start(ap, fmt);
        n = vasprintf(&l->p->build_why, fmt, ap);
        va_end(ap);
        if (n < 0)
                l->p->build_why = NULL;
        return n < 0 ? load_no_memory(l) : 0;
}

/* A channel that has no row: nothing may be booted in its place (invariant 2). */
static int no_channel(struct load *l, int64_t channel, const struct link *from)
{
        char name[48];
        int r;

        if (channel == UNREADABLE) /* a problem already */
                return set_build(l, "unreadable-channel", "a channel that is no number");
        r = load_problem(l, "channel %lld does not exist, and %s%s asks for it: UPDATE it",
                (long long)channel, from ? "profile " : "this host", from ? from->name : "");

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
        l->channel = channel;
        sqlite3_bind_int64(s, 1, channel);
        sqlite3_bind_int64(s, 2, l->p->host_id);
        r = conn_step(l->c, s, l->err);
        if (r < 0)
                return r;
        if (r == 0)
                return no_channel(l, channel, from);
        r = load_cell(l, s, 0, "channel", channel, &name);
        if (r == 0)
                r = load_build_cell(l, s, 1, "channel", channel, &build);
        if (r == 0)
                r = load_build_cell(l, s, 2, "channel", channel, &canary);
        if (r < 0)
                return r;
        in_canary = canary && sqlite3_column_int64(s, 4) < sqlite3_column_int64(s, 3);
        return set_build(l, in_canary ? canary : build, "%schannel %s, from %s%s",
                in_canary ? "canary of " : "", name ? name : "without a name", from ? "profile " : "the host",
                from ? from->name : "");
}

/* host.build > host.channel > the nearest profile that has either > latest; the view host_build says the
 * same. */
static int load_build(struct load *l, const char *host_build, int64_t host_channel)
{
        if (l->rival)
                return set_build(l, "two-hosts-have-this-mac", "the MAC, which two hosts have");
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

/* ---- when ---- */

/* Rows may have been written with checks off: what is no time counts as not known. */
static int load_changed(struct load *l)
{
        AUTO_STMT sqlite3_stmt *s = NULL;
        int r;

        if (conn_schema_version(l->c) < 2)
                return 0; /* version 1 keeps no times */
        r = conn_query(l->c, Q_changed, &s, l->err);
        if (r < 0)
                return r;
        sqlite3_bind_int64(s, 1, l->p->host_id);
        sqlite3_bind_int64(s, 2, l->n_chain ? l->chain[0].id : ROOT_PROFILE);
        sqlite3_bind_int64(s, 3, l->channel);
        r = conn_step(l->c, s, l->err);
        if (r > 0 && sqlite3_column_type(s, 0) == SQLITE_INTEGER && sqlite3_column_int64(s, 0) > 0)
                l->p->changed_sec = sqlite3_column_int64(s, 0);
        return r < 0 ? r : 0;
}

/* ---- a plan ---- */

static int host_name(struct load *l, sqlite3_stmt *s)
{
        int r = load_cell(l, s, 0, "host", l->p->host_id, &l->p->hostname);

        if (r == 0 && !l->p->hostname &&
                asprintf(&l->p->hostname, "host-%lld", (long long)l->p->host_id) < 0) {
                l->p->hostname = NULL;
                r = load_no_memory(l);
        }
        return r;
}

static int host_mac(struct load *l, sqlite3_stmt *s)
{
        const char *text;
        uint64_t mac;
        int r = conn_text(s, 8, LOAD_TEXT_MAX, &text);

        memcpy(l->p->home, l->p->mac, sizeof l->p->mac);
        if (r == -ENODATA)
                return 0; /* no NIC */
        if (r == -ENOMEM)
                return load_no_memory(l);
        if (r < 0 || mac_parse(text, &mac, NULL) < 0)
                return l->p->mac[0] ? 0
                                    : load_problem(l, "host %s: the MAC of its first NIC is unusable",
                                              l->p->hostname);
        mac_format(mac, l->p->home);
        if (!l->p->mac[0])
                memcpy(l->p->mac, l->p->home, sizeof l->p->mac);
        return 0;
}

static int host_enabled(struct load *l, sqlite3_stmt *s)
{
        int64_t enabled = sqlite3_column_int64(s, 6);

        if (sqlite3_column_type(s, 6) != SQLITE_INTEGER || (enabled != 0 && enabled != 1))
                return load_problem(l, "host %lld: enabled is neither 0 nor 1, and was taken for 1",
                        (long long)l->p->host_id);
        if (!enabled)
                l->p->kind = PLAN_DISABLED;
        return 0;
}

/* The columns of the host's row.  *ret_build is the caller's. */
static int host_columns(struct load *l, sqlite3_stmt *s, char **ret_build)
{
        struct plan *p = l->p;
        int r = host_name(l, s);

        if (r == 0)
                r = load_cell(l, s, 1, "host", p->host_id, &p->uuid);
        if (r == 0 && p->uuid && uuid_is_nobodys(p->uuid))
                r = load_problem(l,
                        "host %lld: uuid %s is what boards carry whose maker set none, and no name is made of it: UPDATE "
                        "host SET uuid = NULL WHERE id = %lld",
                        (long long)p->host_id, p->uuid, (long long)p->host_id);
        if (r == 0)
                r = load_build_cell(l, s, 3, "host", p->host_id, ret_build);
        if (r == 0)
                r = load_cell(l, s, 5, "host", p->host_id, &p->comment);
        if (r == 0)
                r = load_cell(l, s, 7, "the NIC of host", p->host_id, &p->ip);
        if (r == 0)
                r = host_mac(l, s);
        return r == 0 ? host_enabled(l, s) : r;
}

/* Host, profile and rivals, as numbers. */
static int host_references(struct load *l, sqlite3_stmt *s, int64_t *ret_profile, int64_t *ret_channel)
{
        int64_t id = l->p->host_id;
        int r = load_reference(l, s, 4, "host", id, ret_channel);

        *ret_profile = sqlite3_column_int64(s, 2);
        if (r == 0 && sqlite3_column_type(s, 2) != SQLITE_INTEGER) {
                *ret_profile = ROOT_PROFILE;
                r = load_problem(
                        l, "host %lld: profile is no number, default stands in: UPDATE it", (long long)id);
        }
        if (r == 0 && l->rival)
                r = load_problem(l,
                        "the MAC %s is of two hosts, %lld and %lld, and nothing is booted: DELETE FROM nic "
                        "WHERE "
                        "mac = '%s' AND host = ...",
                        l->p->mac, (long long)id, (long long)l->rival, l->p->mac);
        return r;
}

static int fill_host(struct load *l, int64_t id)
{
        AUTO_STMT sqlite3_stmt *s = NULL;
        AUTO_FREE char *build = NULL;
        int64_t profile = ROOT_PROFILE, channel = 0;
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
        r = host_columns(l, s, &build);
        if (r == 0)
                r = host_references(l, s, &profile, &channel);
        if (r == 0)
                r = load_chain(l, profile);
        if (r == 0)
                r = load_build(l, build, channel);
        if (r == 0)
                r = load_layers(l);
        if (r == 0)
                r = load_twins(l);
        if (r == 0)
                r = load_modules(l);
        return r < 0 ? r : load_items(l);
}

static int fill_unknown(struct load *l)
{
        int r = load_chain(l, ROOT_PROFILE);

        l->p->kind = PLAN_UNKNOWN;
        if (r == 0)
                r = load_build(l, NULL, 0);
        if (r == 0)
                r = load_layers(l);
        return r < 0 ? r : load_items(l);
}

static int load_plan(struct conn *c, int64_t id, uint64_t mac, int64_t rival, bool known, struct plan **ret,
        struct err *err)
{
        AUTO_CLEAN(load_fini) struct load l = { .c = c, .err = err, .rival = rival };
        int r;

        l.p = calloc(1, sizeof *l.p);
        if (!l.p)
                return load_no_memory(&l);
        if (mac)
                mac_format(mac, l.p->mac);
        r = known ? fill_host(&l, id) : fill_unknown(&l);
        if (r == 0)
                r = load_changed(&l);
        if (r < 0)
                return r;
        *ret = take_ptr(&l.p);
        return 0;
}

int load_host(struct conn *c, int64_t id, uint64_t mac, int64_t rival, struct plan **ret, struct err *err)
{
        return load_plan(c, id, mac, rival, true, ret, err);
}

int load_unknown(struct conn *c, uint64_t mac, struct plan **ret, struct err *err)
{
        return load_plan(c, 0, mac, 0, false, ret, err);
}
