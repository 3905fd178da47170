/* SPDX-License-Identifier: MPL-2.0 */
/* chain -- the profiles a host inherits from, nearest first; see load_impl.h.
 *
 * One query of the closure table finds them.  That table is kept by triggers, and triggers can be switched
 * off: so what it says is compared with the parents on the way, and where they disagree the parents are
 * followed one by one.
 *
 * Invariants
 *   1. The chain ends: CHAIN_MAX links, and no profile twice.
 *   2. Its last link is the root profile if that has a row, whatever else is missing: a host never loses the
 * defaults.
 */
#include "inventory/plan/load_impl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int add_link(struct load *l, sqlite3_stmt *s)
{
        struct link *k = &l->chain[l->n_chain];
        int64_t id = sqlite3_column_int64(s, 0);
        int r;

        memset(k, 0, sizeof *k);
        k->id = id;
        l->n_chain++;
        r = load_cell(l, s, 2, "profile", id, &k->name);
        if (r == 0 && !k->name && asprintf(&k->name, "%lld", (long long)id) < 0) {
                k->name = NULL;
                r = load_no_memory(l);
        }
        k->parent = sqlite3_column_int64(s, 3);
        if (r == 0)
                r = load_build_cell(l, s, 4, "profile", id, &k->build);
        return r == 0 ? load_reference(l, s, 5, "profile", id, &k->channel) : r;
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
                        r = load_problem(l,
                                "profile %lld does not exist, and is used by %s; default stands in: UPDATE "
                                "it",
                                (long long)id, l->n_chain ? "another as its parent" : "this host");
                        if (r < 0 || id == ROOT_PROFILE)
                                return r;
                        id = 0;
                }
                if (id != 0 && in_chain(l, id)) {
                        r = load_problem(l,
                                "profile %lld inherits from itself through its parents: UPDATE profile SET "
                                "parent = 1 "
                                "WHERE id = %lld",
                                (long long)id, (long long)id);
                        if (r < 0)
                                return r;
                        id = 0;
                }
                if (id != 0 && id != ROOT_PROFILE && l->n_chain == CHAIN_MAX - 1) {
                        r = load_problem(l,
                                "%d profiles in a row, and profile %lld would be the next: the rest was left "
                                "out, up "
                                "to default",
                                CHAIN_MAX - 1, (long long)id);
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

int load_chain(struct load *l, int64_t profile)
{
        size_t before = l->p->n_problems;
        int r = chain_by_closure(l, profile);

        if (r == 0) {
                clear_chain(l);
                while (l->p->n_problems > before) /* the same rows are read again */
                        free(l->p->problems[--l->p->n_problems]);
                r = chain_by_parents(l, profile);
                if (r == 0 && in_chain(l, profile))
                        r = load_problem(l,
                                "profile_closure does not hold what profile %lld inherits from, so the "
                                "parents were "
                                "followed one by one: .schema profile_closure says how to rebuild it",
                                (long long)profile);
        }
        if (r < 0 || l->n_chain == 0)
                return r;
        l->p->profile = strdup(l->chain[0].name);
        return l->p->profile ? 0 : load_no_memory(l);
}
