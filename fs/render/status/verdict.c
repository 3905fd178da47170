/* SPDX-License-Identifier: MPL-2.0 */
/* verdict -- a table of rules, gravest first; each looks at the facts and names at most one problem.
 *
 * A problem is what keeps a machine from booting what it should, or soon may.  Not a problem: an archive that is being
 * copied or read, one that another of the same build stands in for, a warning about one that is served.
 *
 * Invariants
 *   1. A rule that needs a fact which is not known finds no problem.
 *   2. Healthy means: no rule found one.
 */
#include "render/status/verdict.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

__attribute__((format(printf, 3, 4))) static bool say(
        struct problem *p, const char *action, const char *what, ...)
{
        va_list ap;

        va_start(ap, what);
        (void)vsnprintf(p->what, sizeof p->what, what, ap);
        va_end(ap);
        for (unsigned char *c = (unsigned char *)p->what; *c; c++) /* a file's name may hold anything */
                if (*c < 0x20 || *c == 0x7f)
                        *c = '?';
        (void)snprintf(p->action, sizeof p->action, "%s", action);
        return true;
}

static size_t in_state(
        const struct daemon_facts *f, enum archive_state s, const struct archive_status **ret_first)
{
        size_t n = 0;

        *ret_first = NULL;
        for (size_t i = 0; i < f->catalog->n_archives; i++) {
                const struct archive_status *a = &f->catalog->archives[i];

                if (a->state == s && n++ == 0)
                        *ret_first = a;
        }
        return n;
}

static bool not_running(const struct daemon_facts *f, struct problem *p)
{
        return !f->running && say(p, "start it: pxefs BUILDS_DIR MOUNTPOINT", "pxefs is not running");
}

static bool inventory_none(const struct daemon_facts *f, struct problem *p)
{
        return f->inventory.state == FACTS_INVENTORY_NONE &&
               say(p, "do what the reason says, or put a copy back; machines that start wait for it",
                       "the inventory cannot be read, and no host's script can be had: %s",
                       f->inventory.reason ? f->inventory.reason : "no reason is known");
}

static bool builds_directory(const struct daemon_facts *f, struct problem *p)
{
        return f->builds_trouble && say(p, "give the daemon's user r-x on it, or mount it again",
                                            "the builds directory cannot be read: %s", f->builds_trouble);
}

static bool no_build(const struct daemon_facts *f, struct problem *p)
{
        const struct archive_status *first;
        size_t coming;

        if (f->catalog->list.n > 0 || in_state(f, ARCHIVE_READY, &first) > 0)
                return false;
        coming = in_state(f, ARCHIVE_INDEXING, &first);
        coming += in_state(f, ARCHIVE_WAITING, &first);
        if (coming)
                return say(p, "wait until they are read", "no build is served yet: %zu archive%s to be read",
                        coming, coming == 1 ? " is" : "s are");
        if (in_state(f, ARCHIVE_PASSED_OVER, &first) > 0)
                return say(p, "do what the reason says, or put a platform-*.tgz into the builds directory",
                        "no build is served, and %s is passed over: %s", first->file, first->reason ? first->reason : "");
        return say(p, "put a platform-*.tgz into the builds directory", "no build is served");
}

static bool restarts(const struct daemon_facts *f, struct problem *p)
{
        uint64_t n = f->process.restarts_last_hour;

        return n != FACT_UNKNOWN && n > 0 &&
               say(p, "look into the log for what it met: replace the archive if it names one, and report it",
                       "the worker was restarted %" PRIu64 " time%s in the last hour: %s", n,
                       n == 1 ? "" : "s", f->process.death ? f->process.death : "no reason is known");
}

static bool poisoned(const struct daemon_facts *f, struct problem *p)
{
        uint64_t n = f->process.poisoned;

        return n != FACT_UNKNOWN && n > 0 &&
               say(p, "replace the archive that the log names, and report it",
                       "%" PRIu64 " request%s killed the worker twice and %s answered with an error", n,
                       n == 1 ? "" : "s", n == 1 ? "was" : "were");
}

static bool inventory_copy(const struct daemon_facts *f, struct problem *p)
{
        char when[TIME_TEXT_SIZE] = "an unknown time";

        if (f->inventory.state != FACTS_INVENTORY_COPY)
                return false;
        if (f->inventory.copy_sec)
                format_time(f->inventory.copy_sec, when);
        return say(p, "do what the reason says; changes made since are not seen until then",
                "the inventory is answering from the copy of %s: %s", when,
                f->inventory.reason ? f->inventory.reason : "no reason is known");
}

static bool refused(const struct daemon_facts *f, struct problem *p)
{
        const struct archive_status *first;
        size_t other = in_state(f, ARCHIVE_PASSED_OVER, &first), all = f->catalog->n_archives - other;
        size_t n = in_state(f, ARCHIVE_REFUSED, &first);

        return n &&
               say(p,
                       n == 1 ? "wait if it is still being copied; otherwise copy it again, or remove it"
                              : "wait for those still being copied; otherwise copy them again, or remove them",
                       "%zu of %zu archive%s %s refused: %s%s: %s", n, all, all == 1 ? "" : "s", n == 1 ? "is" : "are", n == 1 ? "" : "first ",
                       first->file, first->reason ? first->reason : "no reason is known");
}

static bool no_room(const struct daemon_facts *f, struct problem *p)
{
        const struct archive_status *first = NULL;
        size_t n = 0;

        for (size_t i = 0; i < f->catalog->n_archives; i++)
                if (f->catalog->archives[i].needs_room && n++ == 0)
                        first = &f->catalog->archives[i];
        return n && say(p, "make room in the cache directory, or raise spool_max=: it is read then",
                            "%zu archive%s for room: %s%s: %s", n, n == 1 ? " waits" : "s wait",
                            n == 1 ? "" : "first ", first->file,
                            first->reason ? first->reason : "no reason is known");
}

/* An archive that would have been refused may be served. */
static bool sums(const struct daemon_facts *f, struct problem *p)
{
        return f->catalog->note &&
               say(p,
                       "mend the file (chmod a+r, its lines), or remove it; what it does not name is not "
                       "checked by it",
                       "what archives must be is not all understood: %s", f->catalog->note);
}

static bool absent(const struct daemon_facts *f, struct problem *p)
{
        const struct facts_absent *a = &f->absent;

        return a->n && say(p, "do what the reason says; status.json and the log name them all",
                               "%zu name%s in static= %s not shown: %s%s", a->n, a->n == 1 ? "" : "s",
                               a->n == 1 ? "is" : "are", a->n == 1 ? "" : "first ",
                               a->named[0] ? a->named[0] : "no reason is known");
}

static bool cache(const struct daemon_facts *f, struct problem *p)
{
        return f->cache_trouble &&
               say(p, "make room in it, or give it to the daemon's user; the log has the reason",
                       "the cache directory cannot be written: what is found out is lost at the next start");
}

static bool no_copy(const struct daemon_facts *f, struct problem *p)
{
        return f->inventory.state == FACTS_INVENTORY_LIVE && f->inventory.copy_trouble &&
               say(p, "make room in the cache directory, or give it to the daemon's user",
                       "no copy of the inventory is kept for bad times: %s", f->inventory.copy_trouble);
}

static bool (*const rules[])(const struct daemon_facts *f, struct problem *p) = { not_running, inventory_none,
        builds_directory, no_build, restarts, poisoned, inventory_copy, refused, no_room, sums, absent, cache,
        no_copy };

_Static_assert(sizeof rules / sizeof rules[0] <= MAX_PROBLEMS, "each rule has a place");

/* "all 3 builds are served", and what goes on beside it. */
static void good(const struct daemon_facts *f, struct verdict *v)
{
        const struct archive_status *first;
        size_t builds = f->catalog->list.n, ready = in_state(f, ARCHIVE_READY, &first),
               reading = in_state(f, ARCHIVE_INDEXING, &first);
        int n;

        if (builds == 0)
                n = snprintf(v->good, sizeof v->good, "no builds; %zu other archive%s served", ready,
                        ready == 1 ? " is" : "s are");
        else if (builds == 1)
                n = snprintf(v->good, sizeof v->good, "the only build is served");
        else
                n = snprintf(v->good, sizeof v->good, "all %zu builds are served", builds);
        if (reading && n > 0 && (size_t)n < sizeof v->good)
                (void)snprintf(v->good + n, sizeof v->good - (size_t)n, "; %zu more being read", reading);
}

void daemon_verdict(const struct daemon_facts *f, struct verdict *ret)
{
        ret->n_problems = 0;
        for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
                ret->n_problems += rules[i](f, &ret->problems[ret->n_problems]);
        ret->healthy = ret->n_problems == 0;
        good(f, ret);
}

void verdict_line(const struct verdict *v, struct buf *out)
{
        buf_puts(out, v->healthy ? v->good : v->problems[0].what);
        if (v->n_problems > 1)
                buf_printf(
                        out, " (and %zu more problem%s)", v->n_problems - 1, v->n_problems == 2 ? "" : "s");
}

const char *verdict_action(const struct verdict *v)
{
        return v->healthy ? NULL : v->problems[0].action;
}
