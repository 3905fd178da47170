/* SPDX-License-Identifier: MPL-2.0 */
/* standby -- asks the inventory, and its last good copy when that fails. */
#ifndef PXEFS_INVENTORY_STORE_STANDBY_H
#define PXEFS_INVENTORY_STORE_STANDBY_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/err.h"
#include "inventory/store/conn.h"

struct standby;

struct inventory_options {
        /* The database file; NULL for an empty inventory that holds the schema's defaults (every host is
         * unknown).  Borrowed until inventory_open returns, as copy_path. */
        const char *path;
        /* Where its last good copy is kept (copy_name() in copy.h gives the name); NULL: nowhere.  A thread
         * makes it: mode 0600, when nobody has committed for quiet_ms, or a commit has waited for every_ms, and not
         * more often than that. */
        const char *copy_path;
        void (*log)(int priority,
                const char *line);   /* changes of state, from that thread; NULL: nobody listens */
        unsigned quiet_ms, every_ms; /* 0: 2 s, 30 s */
        unsigned busy_ms;            /* how long one call waits for a lock when there is a copy; 0: 250 */
        /* Asks nothing at the start: whether file or copy can be read is found out by the first question, and by each
         * one after it.  inventory_open then fails for want of memory or threads only. */
        bool open_later;
};

/* Where answers come from. */
enum inventory_answers {
        INVENTORY_LIVE,
        INVENTORY_COPY, /* the file cannot be read */
        INVENTORY_NONE  /* neither can the copy, or there is none */
};

struct inventory_health {
        enum inventory_answers from; /* as of the last calls */
        time_t since_sec;            /* wall clock */
        struct err reason;           /* why not the file itself, with the way out; "" for INVENTORY_LIVE */
        const char *copy_path;       /* borrowed from the inventory; NULL: copies are not kept */
        time_t copy_sec;             /* when the copy was made, wall clock; 0: there is none */
        struct err copy_reason;      /* why the last attempt to make one failed; "" if it did not */
};

/* One line for people: "answering from the copy of <time>, because <reason>"; "" for INVENTORY_LIVE with nothing to
 * tell. */
void inventory_health_text(const struct inventory_health *h, struct err *ret);

/* Opens nothing yet; starts the copier if opts->copy_path is given. */
int standby_new(const struct inventory_options *opts, struct standby **ret, struct err *err);
void standby_free(struct standby *s);

/* One question, inside one read transaction.  0, -ENOENT and -ENOTUNIQ (answers: no such
 * row, more than one), -ENOMEM, or a
 * negative errno, which stands for a failure of the database.  May be asked a second time, from the
 * beginning, of the copy. */
typedef int standby_question(struct conn *c, void *ctx, struct err *err);

/* Asks the live inventory; if that fails, the copy; if that fails too, returns the first failure.  Any
 * thread.
 *
 * key  what is asked about, as a number: a question that took long is known by it; 0: it is not to be known */
int standby_ask(struct standby *s, uint64_t key, standby_question *q, void *ctx, struct err *err);

/* For inventory_health; any thread. */
unsigned standby_changes(const struct standby *s); /* see inventory_changes */
void standby_health(struct standby *s, struct inventory_health *ret);

#endif
