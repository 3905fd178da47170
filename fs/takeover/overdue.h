/* SPDX-License-Identifier: MPL-2.0 */
/* overdue -- requests that do not get on: the keeper answers them with an error, or has the worker killed for them. */
#ifndef PXEFS_TAKEOVER_OVERDUE_H
#define PXEFS_TAKEOVER_OVERDUE_H

#include <stdbool.h>
#include <stdint.h>

#include "takeover/child.h"
#include "takeover/journal.h"

struct overdue {
        struct journal *journal; /* borrowed, as the next */
        struct journal_counters
                *counters; /* the keeper's own; what is counted is put into the journal, too */
        int fuse_fd;       /* borrowed; where an error is answered to */
        /* Requests that were seen to wait for a storage, by slot; zeros at first. */
        struct {
                uint64_t unique;
                int64_t seen_ms;
        } waits[JOURNAL_SLOTS];
        int64_t waits_ms; /* when one of them was seen last */
        unsigned lines;   /* logged in this look */
};

/* Looks at all that is unanswered, and does what takeover/policy.h says of each.
 *
 * worker  that may be killed for them; NULL or without a process: none
 *
 * Returns true if it is to be killed: a request hangs, and not because a storage does not answer.  Does not block. */
bool overdue_look(struct overdue *o, const struct child *worker, int64_t now_ms);

#endif
