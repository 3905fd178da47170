/* SPDX-License-Identifier: MPL-2.0 */
/* overdue -- see overdue.h.  What is to be done with a request is decided in takeover/policy.h; here it is done.
 *
 * Locks: none; the keeper has one thread.
 */
#include "takeover/overdue.h"

#include <errno.h>
#include <linux/fuse.h>
#include <unistd.h>

#include "base/log.h"
#include "takeover/policy.h"

#define LINES 4 /* in one look: a worker that was taken over may invent 64 requests each second */

/* Whether one more may be logged. */
static bool may_say(struct overdue *o)
{
        return o->lines++ < LINES;
}

/* True if the kernel had it: somebody waited for this answer.  If not, it is answered already, or was never asked (Linux
 * fs/fuse/dev.c, fuse_dev_do_write: ENOENT). */
static bool answer(struct overdue *o, unsigned i, const struct journal_request *r)
{
        struct fuse_out_header out = { .len = sizeof out, .error = -EIO, .unique = r->unique };
        bool asked = write(o->fuse_fd, &out, sizeof out) == sizeof out;

        journal_refused(o->journal, i, r->unique, asked);
        return asked;
}

/* It names an archive: then that hangs, unless it is the disk below it. */
static void blame_hang(
        struct overdue *o, const struct child *worker, const struct journal_request *r, int64_t now_ms)
{
        const struct journal_blamed *b;

        if (!r->archive || child_waits_for_disk(worker, 0) || journal_is_condemned(o->counters, r->archive))
                return;
        b = journal_blame_hangs(o->counters, r->archive, now_ms);
        if (!b)
                return;
        if (policy_condemns(b->crashes, b->hangs))
                log_error("archive %#llx is not read any more: a request for it hung %d workers",
                        (unsigned long long)r->archive, POLICY_STRIKES);
        else
                log_error("archive %#llx is still read although a request for it hung %d workers: %d others "
                          "were blamed within an hour, and it may be another one's doing",
                        (unsigned long long)r->archive, POLICY_STRIKES, JOURNAL_CONDEMN_MAX);
        journal_put_counters(o->journal, o->counters);
}

/* It waited too long, or its archive is to blame.  True if somebody waited for it. */
static bool refuse(struct overdue *o, unsigned i, const struct journal_request *r, int64_t now_ms)
{
        if (r->refused)
                return r->asked;
        o->counters->poisoned +=
                policy_condemns(r->crashes, r->hangs) || journal_is_condemned(o->counters, r->archive);
        journal_put_counters(o->journal, o->counters);
        if (may_say(o))
                log_error("a request (operation %u, node %#llx) is answered with an error: waited %lld s, %u "
                          "workers died meanwhile, %u of it",
                        r->opcode, (unsigned long long)r->node,
                        (long long)(r->taken_ms ? now_ms - r->taken_ms : 0) / 1000, r->deaths,
                        r->crashes + r->hangs);
        return answer(o, i, r);
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
                (void)answer(o, i, r);
        return true;
}

/* The worker is to be killed for request @r.  One end of a worker blames one archive at most, and none for a request that
 * nobody asked: a worker that was taken over may invent them. */
static bool hangs(struct overdue *o, const struct child *worker, unsigned i, struct journal_request *r,
        bool may_blame, int64_t now_ms)
{
        if (!worker || !worker->pid || waits_for_storage(o, worker, i, r, now_ms))
                return false;
        if (!journal_count_hang(o->journal, i, r->unique))
                return true; /* it is being killed */
        r->hangs++;
        if (policy_condemns(r->crashes, r->hangs) && refuse(o, i, r, now_ms) && may_blame)
                blame_hang(o, worker, r, now_ms);
        if (may_say(o))
                log_warn("a request (operation %u, node %#llx) hangs since %lld s", r->opcode,
                        (unsigned long long)r->node, (long long)(now_ms - r->started_ms) / 1000);
        return true;
}

bool overdue_look(struct overdue *o, const struct child *worker, int64_t now_ms)
{
        bool fatal = false;

        o->lines = 0;
        journal_look(o->journal, now_ms);
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
                        fatal |= hangs(o, worker, i, &r, !fatal, now_ms);
                        break;
                case REQUEST_REFUSE:
                case REQUEST_CONDEMN:
                        (void)refuse(o, i, &r, now_ms);
                        break;
                }
        }
        if (o->lines > LINES)
                log_warn("and so %u more", o->lines - LINES);
        return fatal;
}
