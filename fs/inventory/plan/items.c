/* SPDX-License-Identifier: MPL-2.0 */
/* items -- rows of menu_item, the nearest profile first, and rows of other hosts that say the same; see load_impl.h.
 *
 * Of one key the nearest profile's row counts; one without a body takes an inherited item away.  What a body may hold
 * is its renderer's affair: here it is only text without NUL and of bounded length.
 */
#include "inventory/plan/load_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BODY_MAX  16384 /* bytes; the schema allows 8000 */
#define ITEMS_MAX 64    /* of one machine; beyond is a problem, not a menu.  The query has LIMIT 65 */
#define TWINS_MAX 10

struct found {
        struct plan_item item; /* owned */
        int64_t position;
};

struct found_items {
        struct found v[ITEMS_MAX];
        size_t n;
};

static void item_fini(struct plan_item *i)
{
        free(i->key);
        free(i->label);
        free(i->body);
        free(i->layer);
}

static void found_fini(struct found_items *f)
{
        for (size_t i = 0; i < f->n; i++)
                item_fini(&f->v[i].item);
}

/* Text of several lines: conn_text refuses line breaks.  0; -ENODATA if NULL; -EILSEQ; -ENOMEM. */
static int cell_of_lines(sqlite3_stmt *s, int col, char **ret)
{
        const char *t;
        int type = sqlite3_column_type(s, col), n;

        if (type == SQLITE_NULL)
                return -ENODATA;
        if (type != SQLITE_TEXT)
                return -EILSEQ;
        t = (const char *)sqlite3_column_text(s, col);
        n = sqlite3_column_bytes(s, col);
        if (!t)
                return -ENOMEM;
        if (n > BODY_MAX || strlen(t) != (size_t)n)
                return -EILSEQ;
        *ret = strdup(t);
        return *ret ? 0 : -ENOMEM;
}

static bool is_found(const struct found_items *f, const char *key)
{
        for (size_t i = 0; i < f->n; i++)
                if (strcmp(f->v[i].item.key, key) == 0)
                        return true;
        return false;
}

static int add_item(struct load *l, sqlite3_stmt *s, const struct link *from, struct found_items *f)
{
        long long row = sqlite3_column_int64(s, 0);
        struct found *k = &f->v[f->n];
        const char *key, *label;
        int r = conn_text(s, 1, LOAD_TEXT_MAX, &key);

        if (r == -EILSEQ || r == -ENODATA)
                return load_problem(l,
                        "menu_item %lld: its key is no plain line of text; DELETE FROM menu_item WHERE id = "
                        "%lld",
                        row, row);
        if (r < 0)
                return load_no_memory(l);
        if (is_found(f, key))
                return 0; /* a nearer profile has it */
        if (f->n == ITEMS_MAX)
                return load_problem(l, "menu_item %lld (%s) was passed over: a menu has at most %d of them",
                        row, key, ITEMS_MAX);
        memset(k, 0, sizeof *k);
        k->position = sqlite3_column_int64(s, 4);
        f->n++;
        k->item.key = strdup(key);
        if (!k->item.key || asprintf(&k->item.layer, "profile %s", from->name) < 0) {
                k->item.layer = NULL;
                return load_no_memory(l);
        }
        r = conn_text(s, 2, LOAD_TEXT_MAX, &label);
        if (r == 0 && !(k->item.label = strdup(label)))
                r = -ENOMEM;
        if (r == 0)
                r = cell_of_lines(s, 3, &k->item.body);
        if (r == -EILSEQ)
                r = load_problem(l,
                        "menu_item %s (%s, menu_item.id %lld) was passed over: its label or body is no plain "
                        "text",
                        k->item.key, k->item.layer, row);
        return r == -ENOMEM ? load_no_memory(l) : r == -ENODATA ? 0 : r;
}

static int by_position(const void *a, const void *b)
{
        const struct found *x = a, *y = b;

        if (x->position != y->position)
                return x->position < y->position ? -1 : 1;
        return strcmp(x->item.key, y->item.key);
}

/* The rows of one profile.  *ret_full: there are more than are read, so what farther profiles have counts no more: one that
 * was not read here may be meant to change it. */
static int add_items(struct load *l, const struct link *from, struct found_items *f, bool *ret_full)
{
        AUTO_STMT sqlite3_stmt *s = NULL;
        unsigned n = 0;
        int r = conn_query(l->c, Q_profile_items, &s, l->err);

        if (r < 0)
                return r;
        sqlite3_bind_int64(s, 1, from->id);
        while ((r = conn_step(l->c, s, l->err)) > 0) {
                if (++n > ITEMS_MAX)
                        *ret_full = true;
                r = add_item(l, s, from, f);
                if (r < 0)
                        return r;
        }
        return r;
}

int load_items(struct load *l)
{
        AUTO_CLEAN(found_fini) struct found_items f = { .n = 0 };
        bool full = false;

        for (size_t i = 0; i < l->n_chain && !full; i++) {
                int r = add_items(l, &l->chain[i], &f, &full);

                if (r < 0)
                        return r;
        }
        if (f.n == 0)
                return 0;
        l->p->items = calloc(f.n, sizeof l->p->items[0]);
        if (!l->p->items)
                return load_no_memory(l);
        qsort(f.v, f.n, sizeof f.v[0], by_position);
        for (size_t i = 0; i < f.n; i++)
                if (f.v[i].item.label && f.v[i].item.body) {
                        l->p->items[l->p->n_items++] = f.v[i].item;
                        memset(&f.v[i].item, 0, sizeof f.v[i].item);
                }
        return 0;
}

/* Hostname of @host into *ret, the caller's; NULL if it has none that can be shown. */
static int name_of(struct load *l, int64_t host, char **ret)
{
        AUTO_STMT sqlite3_stmt *s = NULL;
        const char *name;
        int r = conn_query(l->c, Q_host_name, &s, l->err);

        if (r < 0)
                return r;
        sqlite3_bind_int64(s, 1, host);
        r = conn_step(l->c, s, l->err);
        if (r <= 0 || conn_text(s, 0, LOAD_TEXT_MAX, &name) < 0)
                return r < 0 ? r : 0;
        *ret = strdup(name);
        return *ret ? 0 : load_no_memory(l);
}

static int add_twin(struct load *l, const char *what, const char *value, int64_t host)
{
        AUTO_FREE char *other = NULL;
        int r = name_of(l, host, &other);

        if (r < 0)
                return r;
        return load_problem(l,
                "%s %s is also that of host %s: /by-%s and PXELINUX' name made of it lead to neither; change "
                "one of "
                "the two rows",
                what, value, other ? other : "(no name)", what);
}

int load_twins(struct load *l)
{
        AUTO_STMT sqlite3_stmt *s = NULL;
        unsigned n = 0;
        int r = conn_query(l->c, Q_host_twins, &s, l->err);

        if (r < 0)
                return r;
        sqlite3_bind_int64(s, 1, l->p->host_id);
        while ((r = conn_step(l->c, s, l->err)) > 0 && n < TWINS_MAX) {
                const char *what, *value;

                if (sqlite3_column_type(s, 2) == SQLITE_NULL || conn_text(s, 0, LOAD_TEXT_MAX, &what) < 0 ||
                        conn_text(s, 1, LOAD_TEXT_MAX, &value) < 0)
                        continue;
                r = add_twin(l, what, value, sqlite3_column_int64(s, 2));
                if (r < 0)
                        return r;
                n++;
        }
        return r < 0 ? r : 0;
}
