/* SPDX-License-Identifier: MPL-2.0 */
/* load_impl -- a plan in the making: shared by load.c and what it calls: chain.c, layers.c, items.c, modules.c, networking.c. */
#ifndef PXEFS_INVENTORY_PLAN_LOAD_IMPL_H
#define PXEFS_INVENTORY_PLAN_LOAD_IMPL_H

#include "base/buf.h"
#include "inventory/plan/load.h"

#define CHAIN_MAX    64
#define ROOT_PROFILE 1

/* One profile a host inherits from. */
struct link {
        int64_t id;
        char *name;      /* owned; "profile <id>" is shown if it has none */
        int64_t parent;  /* 0: none */
        char *build;     /* owned; NULL if not given */
        int64_t channel; /* 0: none; UNREADABLE */
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
        int64_t rival;                /* another host with this MAC; 0: none */
        int64_t channel;              /* the one that was asked for a build; 0: none */
        struct link chain[CHAIN_MAX]; /* nearest first */
        size_t n_chain;
        struct candidate *found; /* owned */
        size_t n_found, cap_found;
        char *cut; /* owned; beyond this name a layer's properties were not read (layers.c); NULL: all were */
};

/* Each returns 0 or a negative errno, with the reason in l->err. */

int load_no_memory(struct load *l);

/* Notes a row that cannot be used. */
__attribute__((format(printf, 2, 3))) int load_problem(struct load *l, const char *fmt, ...);

/* Reads a text of at most LOAD_TEXT_MAX bytes (the schema allows 1000); see conn_text. */
#define LOAD_TEXT_MAX 4096

/* Duplicates the text of a cell into *ret.  A NULL cell leaves it alone; an unusable one too, and is a
 * problem. */
int load_cell(struct load *l, sqlite3_stmt *s, int col, const char *table, int64_t row, char **ret);

/* As load_cell for the name of a build: an unusable one becomes a name no build has (load.c, invariant 2). */
int load_build_cell(struct load *l, sqlite3_stmt *s, int col, const char *table, int64_t row, char **ret);

/* A reference to another row: 0 if it is NULL, UNREADABLE (and a problem) if it is no number. */
#define UNREADABLE (-1)
int load_reference(struct load *l, sqlite3_stmt *s, int col, const char *table, int64_t row, int64_t *ret);

/* Fills l->chain and l->p->profile (chain.c). */
int load_chain(struct load *l, int64_t profile);

/* Fills settings, properties and unset of l->p, from the host's own rows and the chain (layers.c). */
int load_layers(struct load *l);

/* Fills items of l->p from the chain (items.c). */
int load_items(struct load *l);

/* Fills modules of l->p, from the host's own rows and the chain (modules.c). */
int load_modules(struct load *l);

/* Adds the host's networking.json to @out, or nothing if it has none (networking.c). */
int load_networking(struct load *l, struct buf *out);

/* Notes which names of the host are another's too (items.c). */
int load_twins(struct load *l);

#endif
