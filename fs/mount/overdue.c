/* SPDX-License-Identifier: MPL-2.0 */
/* overdue -- see overdue.h.  What is to be done with a request is decided in mount/policy.h; here it is done.
 *
 * Locks: none; the keeper has one thread.
 */
#include "mount/overdue.h"

#include <errno.h>
#include <linux/fuse.h>
#include <unistd.h>

#include "base/log.h"
#include "mount/policy.h"

static void answer(struct overdue *o, unsigned i, const struct journal_request *r)
{
        struct fuse_out_header out = { .len = sizeof out, .error = -EIO, .unique = r->unique };

        journal_refused(o->journal, i, r->unique);
        (void)!write(o->fuse_fd, &out, sizeof out); /* ENOENT: it is answered already */
}

/* Twice, and it names an archive: then that hangs, unless it is the disk below it. */
static void blame_hang(struct overdue *o, const struct child *worker, const struct journal_request *r)
{
        if (r->hangs + 1 < POLICY_STRIKES || !r->archive || child_waits_for_disk(worker, 0))
                return;
        if (!journal_is_condemned(o->counters, r->archive) && journal_blame_hangs(o->counters, r->archive)) {
                log_error("archive %#llx is not read any more: a request for it hung %d workers",
                        (unsigned long long)r->archive, POLICY_STRIKES);
                journal_put_counters(o->journal, o->counters);
        }
}

/* It waited too long, or its archive is to blame. */
static void refuse(struct overdue *o, unsigned i, const struct journal_request *r, int64_t now_ms)
{
        if (r->refused)
                return;
        o->counters->poisoned +=
                policy_condemns(r->crashes, r->hangs) || journal_is_condemned(o->counters, r->archive);
        journal_put_counters(o->journal, o->counters);
        log_error("a request (operation %u, node %#llx) is answered with an error: waited %lld s, %u "
                  "workers died meanwhile, %u of it",
                r->opcode, (unsigned long long)r->node,
                (long long)(r->taken_ms ? now_ms - r->taken_ms : 0) / 1000, r->deaths, r->crashes + r->hangs);
        answer(o, i, r);
}

/* If request @r, which does not get on, waits for a storage: who asked gets an error now.  That the storage is slow is said
 * once, until it was not for a while.  What the worker says of itself buys it nothing but its life. */
static bool waits_for_storage(struct overdue *o, const struct child *worker, unsigned i,
        const struct journal_request *r, int64_t now_ms)
{
        if (!r->waits && !(r->thread && child_waits_for_disk(worker, r->thread)))
                return false;
        if (o->waits_ms == 0 || now_ms - o->waits_ms >= 3 * POLICY_HANG_MS)
                log_warn("a request (operation %u, node %#llx) waits for a storage since %lld s: it is "
                         "answered with an error, as others will be, and the worker goes on",
                        r->opcode, (unsigned long long)r->node, (long long)(now_ms - r->started_ms) / 1000);
        o->waits[i].unique = r->unique;
        o->waits[i].seen_ms = now_ms;
        o->waits_ms = now_ms;
        if (!r->refused)
                answer(o, i, r);
        return true;
}

/* The worker is to be killed for request @r. */
static bool hangs(struct overdue *o, const struct child *worker, unsigned i, const struct journal_request *r,
        int64_t now_ms)
{
        if (!worker || !worker->pid || waits_for_storage(o, worker, i, r, now_ms))
                return false;
        journal_count_hang(o->journal, i);
        blame_hang(o, worker, r);
        log_warn("a request (operation %u, node %#llx) hangs since %lld s", r->opcode,
                (unsigned long long)r->node, (long long)(now_ms - r->started_ms) / 1000);
        return true;
}

bool overdue_look(struct overdue *o, const struct child *worker, int64_t now_ms)
{
        bool fatal = false;

        for (unsigned i = 0; i < JOURNAL_SLOTS; i++) {
                struct journal_request r;
                struct policy_request p;

                if (!journal_peek(o->journal, i, &r))
                        continue;
                p = (struct policy_request) { r.taken_ms, r.started_ms, r.crashes, r.hangs,
                        journal_is_condemned(o->counters, r.archive),
                        o->waits[i].unique == r.unique ? o->waits[i].seen_ms : 0 };
                switch (policy_judge(&p, now_ms)) {
                case REQUEST_LEAVE:
                        break;
                case REQUEST_HANGS:
                        fatal |= hangs(o, worker, i, &r, now_ms);
                        break;
                case REQUEST_REFUSE:
                case REQUEST_CONDEMN:
                        refuse(o, i, &r, now_ms);
                        break;
                }
        }
        return fatal;
}
