/* SPDX-License-Identifier: MPL-2.0 */
/* keeper -- see keeper.h.
 *
 * One thread, one poll(2).  Facts come in as signals (SIGCHLD), packets of the worker, an error on /dev/fuse (the mount
 * is gone), and the time; takeover/policy.c says what follows from them.
 *
 * A second thread writes the log (base/log.h): whatever reads that may hang, and nothing here waits for it.
 *
 * Invariants
 *   1. The connection lives as long as this process holds /dev/fuse: a worker that dies ends nothing.  For the same reason
 *      whoever waits for an answer waits until this process gives one, or lets go: overdue_look() and give_up().
 *   2. A successor stands by while the worker serves: linked, and found to fit.  It is told to go on only when the one
 *      before it has ended: its descriptors are closed, and who executes what stands in its slots is one alone.  The first
 *      one is executed, and so is the one that stands by after a crash, since forks of one program share its addresses
 *      (SECURITY.md); the others are forked by the one that goes on (child.h).
 *   3. Nothing that a worker writes is used but as a number that is compared; what is logged of it is one line.
 *   4. In one turn a worker is listened to for PACKETS packets and LOG_TURN lines (READY_LINES, once), whatever it sends; a packet
 *      that no worker sends ends it.  All that happened is heard before anything is done because of the time.
 *   5. A line about a death is logged after its successor was told to go on (say).
 */
#include "takeover/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "takeover/journal.h"
#include "takeover/overdue.h"
#include "takeover/policy.h"

#define GRACE_MS       5000 /* a worker that was asked to end */
#define YIELD_MS       200  /* one whose successor waits: what it is at is executed again */
#define PROBE_MS       8000 /* a successor that does not say whether it fits */
#define SETTLE_MS      30   /* who waits is answered first, then another stands by */
#define STANDBY_MS     2000 /* until one that died while it stood by is replaced */
#define AWAIT_MS       50   /* one that is being forked; to execute one takes longer */
#define WORKER_NICE    (-5) /* three times the share of the processors: who waits for it waits in a boot */
#define STANDBY_NICE   15
#define CALM_MS        1000 /* between deaths of workers; less is a storm */
#define TICK_MS        1000
#define DYING_MS       20   /* between looks at one that has hung up */
#define HUNG_UP_MS     1000 /* it is killed then, if it lives on */
#define FROZEN_MS      3000 /* later than planned by this much: we did not run, and nor did the worker */
#define PACKETS        4    /* of a worker, in one turn */
#define LOG_TURN       32   /* lines of workers, in one turn */
#define READY_LINES    256  /* more of them, once; as many as the log's queue holds */
#define LOG_BURST      2000 /* lines of workers; a first look at many archives has one for each */
#define LOG_PER_SEC    100  /* beyond that: what one that was taken over writes shall fill no disk */
#define OOM_SCORE_ADJ  (-500)
#define READ_AHEAD_KIB 512 /* several requests on the way for one reader; docs/decisions/010 */

#define LATER      8
#define NOT_GET_ON "did not get on"

struct keeper {
        const struct keeper_options *opts;
        struct child_plan plan;
        struct mountpoint *m;
        struct journal *journal;   /* owned */
        int fuse_fd, signal_fd;    /* owned */
        int log_fds[2];            /* owned; ours, and the one that workers get */
        int64_t tell_ms;           /* not before, how many lines were lost */
        int64_t log_lines, log_ms; /* so many lines of workers are taken in now; when that was counted */
        sigset_t mask;             /* of signals, as a worker gets it */
        struct policy policy;
        struct child worker, next; /* next: it stands by, or is to be the worker's newer version */
        bool said[128];            /* by the worker: letters of child.h, each once */
        enum { UPGRADE_NONE, UPGRADE_PROBING, UPGRADE_YIELDING, UPGRADE_PROVING } upgrade;
        int binary_fd,
                new_binary_fd; /* owned; the program, whatever stands at its path now; -1 or its newer version */
        int64_t worker_kill_ms; /* 0, or: it was asked to end, and is killed then */
        int64_t hung_up_ms;     /* when the worker's end of the socket was found closed */
        int64_t next_kill_ms;
        bool next_is_standby;
        int64_t standby_ms; /* no next is started before */
        int64_t await_ms;   /* until then, one that is awaited is preferred to a new one */
        bool crashed;       /* the last one that ended did so by its own doing */
        int64_t death_ms;   /* when a worker ended last */
        bool storm;         /* and soon after the one before it */
        bool established;   /* a worker has served */
        bool ready;         /* and said that all is there */
        bool ending;
        const char *killed_for;           /* we killed the worker ourselves; NULL: we did not */
        struct journal_counters counters; /* the journal's are a copy of these (invariant 3) */
        struct overdue overdue;
        struct { /* to be logged at the end of the turn */
                void (*log)(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
                struct err line;
        } later[LATER];
        unsigned n_later;
        int status; /* exit status, when ended */
        bool over;
        struct err *err;
};

/* ---- log ---------------------------------------------------------------------------------------- */

/* Invariant 5.  @log is log_info, log_warn or log_error. */
__attribute__((format(printf, 3, 4))) static void say(
        struct keeper *k, void (*log)(const char *fmt, ...), const char *fmt, ...)
{
        char line[sizeof k->later->line.text];
        va_list ap;

        if (k->n_later == LATER)
                return; /* more than happens in a turn */
        va_start(ap, fmt);
        (void)vsnprintf(line, sizeof line, fmt, ap);
        va_end(ap);
        (void)err_set(&k->later[k->n_later].line, 0, "%s", line);
        k->later[k->n_later++].log = log;
}

static void say_all(struct keeper *k)
{
        for (unsigned i = 0; i < k->n_later; i++)
                k->later[i].log("%s", k->later[i].line.text);
        k->n_later = 0;
}

/* Invariant 4.  What is not taken in waits in the socket, and then the worker drops and counts its lines. */
static void forward_log(struct keeper *k, int64_t now_ms)
{
        int64_t more = (now_ms - k->log_ms) * LOG_PER_SEC / 1000;

        if (more > 0) {
                k->log_lines = k->log_lines + more < LOG_BURST ? k->log_lines + more : LOG_BURST;
                k->log_ms = now_ms;
        }
        if (k->opts->debug)
                k->log_lines = LOG_BURST;
        k->log_lines -=
                log_forward(k->log_fds[0], k->log_lines < LOG_TURN ? (unsigned)k->log_lines : LOG_TURN);
}

/* ---- counters ---------------------------------------------------------------------------------- */

static void tell_counters(struct keeper *k)
{
        journal_put_counters(k->journal, &k->counters);
}

/* A worker that ended with status 0 made room for another one: that is no death. */
static void count_death(struct keeper *k, int status)
{
        struct journal_counters *c = &k->counters;

        if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
                return;
        c->death_sec = (int64_t)time(NULL);
        journal_count_restart(c, c->death_sec);
        if (k->killed_for)
                (void)err_set(&c->death, 0, "it %s, and was killed", k->killed_for);
        else if (WIFSIGNALED(status))
                (void)err_set(&c->death, 0, "it died by signal %d (%s)", WTERMSIG(status),
                        strsignal(WTERMSIG(status)));
        else if (k->worker.reason.text[0])
                c->death = k->worker.reason;
        else
                (void)err_set(&c->death, 0, "it ended with status %d", WEXITSTATUS(status));
        tell_counters(k);
}

static void count_upgrade(struct keeper *k, const char *refusal)
{
        k->counters.upgrades += !refusal;
        k->counters.refusals += !!refusal;
        k->counters.upgrade_refused.text[0] = '\0';
        if (refusal)
                (void)err_set(&k->counters.upgrade_refused, 0, "%s", refusal);
        tell_counters(k);
}

/* ---- workers ----------------------------------------------------------------------------------- */

static void kill_child(const struct child *c, int sig)
{
        if (c->pid > 0)
                (void)kill(c->pid, sig);
}

/* By our own decision, not by somebody's signal. */
static void kill_worker(struct keeper *k, const char *why)
{
        if (!k->killed_for)
                say(k, log_warn, "the worker %s: it is killed", why);
        k->killed_for = why;
        kill_child(&k->worker, SIGKILL);
}

static int start_child(const struct keeper *k, int binary_fd, struct child *c, struct err *err)
{
        return child_start(&k->plan, binary_fd, &k->mask, c, err);
}

/* It may be told to go on: it fits, or is of the same program as the worker before it and will. */
static bool next_is_usable(const struct keeper *k)
{
        return k->next.pid && (k->upgrade == UPGRADE_NONE || k->upgrade == UPGRADE_YIELDING);
}

/* The worker before it died while that forked it: in a moment it is here, or is known not to come. */
static bool next_is_near(const struct keeper *k, int64_t now_ms)
{
        return child_is_awaited(&k->next) && now_ms < k->await_ms;
}

/* What makes itself ready to stand by takes no processor from who serves; unless workers die one after the other: one that
 * is not ready when it is needed costs readers more.  Only root may take that back. */
static void set_nice(const struct child *c, int above)
{
        if (c->pid && geteuid() == 0)
                (void)setpriority(PRIO_PROCESS, (id_t)c->pid, getpriority(PRIO_PROCESS, 0) + above);
}

/* Invariant 2: called when no worker runs. */
static void start_worker(struct keeper *k, int64_t now_ms)
{
        struct err err = { "" };

        journal_worker_starts(k->journal, now_ms);
        policy_started(&k->policy, now_ms);
        if (next_is_usable(k)) {
                k->worker = k->next;
                k->next = (struct child)CHILD_NONE;
                k->next_kill_ms = 0;
                if (k->upgrade == UPGRADE_YIELDING)
                        k->upgrade = UPGRADE_PROVING;
        } else if (start_child(k, k->binary_fd, &k->worker, &err) < 0) {
                say(k, log_error, "%s", err.text);
                policy_ended(&k->policy, now_ms, POLICY_FAILED);
                if (!k->established) { /* nobody waits for an answer yet: the launcher is told at once */
                        *k->err = err;
                        k->status = EXIT_FAILURE;
                        k->over = true;
                }
                return;
        }
        memset(k->said, 0, sizeof k->said);
        set_nice(&k->worker, WORKER_NICE);
        if (k->ready && !k->crashed && k->upgrade == UPGRADE_NONE && !child_exists(&k->next)) {
                child_go(&k->worker, &k->next);
                k->next_is_standby = true;
                k->await_ms = now_ms + AWAIT_MS;
        } else {
                child_go(&k->worker, NULL);
        }
}

static void start_standby(struct keeper *k, int64_t now_ms)
{
        struct err err = { "" };

        if (!k->ready || child_exists(&k->next) || k->policy.phase != POLICY_SERVING ||
                now_ms < k->standby_ms)
                return;
        k->standby_ms = now_ms + STANDBY_MS;
        k->next_is_standby = true;
        if (start_child(k, k->binary_fd, &k->next, &err) < 0)
                say(k, log_warn, "no successor stands by: %s", err.text);
        set_nice(&k->next, k->storm ? 0 : STANDBY_NICE);
}

static void give_up(struct keeper *k, const char *why)
{
        err_set(k->err, -EIO, "%s: the mount is ended, readers get an error%s%s", why,
                k->worker.reason.text[0] ? "; " : "", k->worker.reason.text);
        k->status = EXIT_FAILURE;
        k->over = true;
}

/* Ends the worker in order; the mount ends with it. */
static void begin_end(struct keeper *k, int64_t now_ms)
{
        if (k->ending)
                return;
        k->ending = true;
        journal_set_ending(k->journal);
        kill_child(&k->next, SIGKILL);
        kill_child(&k->worker, SIGTERM);
        k->worker_kill_ms = now_ms + GRACE_MS;
        k->over = !k->worker.pid;
}

static void say_ended(struct keeper *k, int status)
{
        unsigned waiting = 0;
        struct journal_request r;

        for (unsigned i = 0; i < JOURNAL_SLOTS; i++)
                waiting += journal_peek(k->journal, i, &r);
        if (WIFSIGNALED(status))
                say(k, log_warn, "the worker died by signal %d (%s); %u requests wait for its successor",
                        WTERMSIG(status), strsignal(WTERMSIG(status)), waiting);
        else if (k->worker.reason.text[0])
                say(k, log_error, "the worker ended: %s; %u requests wait for its successor",
                        k->worker.reason.text, waiting);
        else
                say(k, log_warn, "the worker ended with status %d; %u requests wait for its successor",
                        WEXITSTATUS(status), waiting);
}

/* A signal that says nothing about what the worker did. */
static bool is_order(int sig)
{
        return sig == SIGKILL || sig == SIGTERM || sig == SIGINT || sig == SIGHUP;
}

/* Counts what its last words blame.  True if the archive that is blamed will not end many more workers.
 * ret_request  whether it was at a request, which will not either: after the second time it is answered */
static bool take_last_words(struct keeper *k, int status, bool *ret_request)
{
        const struct journal_blamed *b = NULL;
        struct journal_crash crash;
        struct journal_request r;

        if (!WIFSIGNALED(status) || is_order(WTERMSIG(status)) ||
                !journal_last_words(k->journal, k->worker.pid, &crash))
                return false;
        if (crash.number < JOURNAL_SLOTS && journal_peek(k->journal, crash.number, &r)) {
                journal_count_crash(k->journal, crash.number, r.unique);
                *ret_request = r.crashes < POLICY_STRIKES;
                say(k, log_warn, "the worker crashed at a request (operation %u, node %#llx), %u of %d times",
                        r.opcode, (unsigned long long)r.node, r.crashes + 1, POLICY_STRIKES);
        }
        if (crash.archive)
                b = journal_blame_crash(&k->counters, crash.archive, clock_ms());
        if (!b)
                return false;
        say(k, log_warn, "the worker crashed while it read archive %#llx, %u of %d times%s",
                (unsigned long long)b->archive, b->crashes, POLICY_STRIKES,
                policy_condemns(b->crashes, b->hangs) ? ": it is not read any more"
                : b->spared ? ": others were blamed before, and it is read all the same"
                            : "");
        tell_counters(k);
        return b->crashes <= POLICY_STRIKES;
}

static void first_worker_failed(struct keeper *k, int status)
{
        k->over = true;
        k->status = WIFEXITED(status) && WEXITSTATUS(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
        if (k->worker.reason.text[0])
                err_set(k->err, -EIO, "%s", k->worker.reason.text);
        else if (WIFSIGNALED(status))
                err_set(k->err, -EIO, "the worker process died by signal %d (%s)", WTERMSIG(status),
                        strsignal(WTERMSIG(status)));
        else
                err_set(k->err, -EIO, "the worker process ended with status %d", WEXITSTATUS(status));
}

static void end_upgrade(struct keeper *k, const char *refusal)
{
        k->upgrade = UPGRADE_NONE;
        if (k->new_binary_fd >= 0)
                close(take_fd(&k->new_binary_fd));
        count_upgrade(k, refusal);
        if (refusal)
                say(k, log_error, "upgrade refused: %s", refusal);
        else
                say(k, log_info, "upgraded: worker %u is %s", journal_generation(k->journal), k->plan.path);
}

static void worker_ended(struct keeper *k, int status, int64_t now_ms)
{
        bool order, blamed, request = false;

        for (unsigned i = 0; i < 2 * PACKETS && child_hear(&k->worker) > 0; i++)
                ;
        /* A new program that crashes before it serves has shown something about itself. */
        blamed = k->upgrade != UPGRADE_PROVING && take_last_words(k, status, &request);
        if (k->established && !k->ending && k->upgrade != UPGRADE_YIELDING && k->upgrade != UPGRADE_PROVING)
                count_death(k, status);
        k->storm = k->death_ms && now_ms - k->death_ms < CALM_MS;
        k->death_ms = now_ms;
        order = k->worker_kill_ms || k->killed_for ||
                (WIFSIGNALED(status) ? is_order(WTERMSIG(status)) : WEXITSTATUS(status) == 0);
        k->crashed = !order;
        k->worker_kill_ms = 0;
        k->killed_for = NULL;
        journal_worker_ended(k->journal, now_ms);
        policy_ended(&k->policy, now_ms,
                order || blamed || (request && k->established) ? POLICY_KILLED : POLICY_FAILED);
        if (k->ending) {
                k->status = k->status ? k->status : WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_SUCCESS;
                k->over = true;
        } else if (!k->established && !blamed) {
                first_worker_failed(k, status);
        } else if (k->upgrade == UPGRADE_PROVING) {
                end_upgrade(k, k->worker.reason.text[0]
                                       ? k->worker.reason.text
                                       : "it died before it served; the one before it is back");
        } else if (k->upgrade != UPGRADE_YIELDING) {
                say_ended(k, status);
        }
        child_fini(&k->worker);
}

/* ---- upgrade ----------------------------------------------------------------------------------- */

static void probe(struct keeper *k)
{
        struct err err = { "" };

        k->next_is_standby = false;
        if (start_child(k, k->new_binary_fd, &k->next, &err) < 0)
                end_upgrade(k, err.text);
}

/* A standby makes room, and what stands at the path of the program now has to show that it fits. */
static void begin_upgrade(struct keeper *k, int64_t now_ms)
{
        struct err err = { "" };

        if (k->ending || !k->ready || k->upgrade != UPGRADE_NONE) {
                const char *why =
                        k->upgrade != UPGRADE_NONE ? "another one is on its way" : "the mount is not ready";

                count_upgrade(k, why);
                say(k, log_error, "upgrade refused: %s", why);
                return;
        }
        k->upgrade = UPGRADE_PROBING;
        k->new_binary_fd = child_open_binary(k->plan.path, &err);
        if (k->new_binary_fd < 0) {
                end_upgrade(k, err.text);
                return;
        }
        k->next_kill_ms = now_ms + PROBE_MS;
        if (k->next.pid) {
                kill_child(&k->next, SIGKILL); /* next_ended goes on */
        } else {
                child_fini(&k->next); /* one that is awaited finds nobody, and ends */
                probe(k);
        }
}

/* It said that it fits. */
static void replace_worker(struct keeper *k, int64_t now_ms)
{
        k->upgrade = UPGRADE_YIELDING;
        k->next_kill_ms = 0;
        if (k->worker.pid && !k->worker_kill_ms) {
                kill_child(&k->worker, SIGTERM);
                k->worker_kill_ms = now_ms + YIELD_MS;
        }
}

static void next_ended(struct keeper *k, int status, int64_t now_ms)
{
        struct err reason = { "" };
        bool standby;

        for (unsigned i = 0; i < 2 * PACKETS && child_hear(&k->next) > 0; i++)
                ;
        if (k->next.reason.text[0])
                reason = k->next.reason;
        else if (WIFSIGNALED(status))
                err_set(&reason, 0, "it died by signal %d (%s)", WTERMSIG(status),
                        strsignal(WTERMSIG(status)));
        else
                err_set(&reason, 0, "it ended with status %d", WEXITSTATUS(status));
        standby = k->next_is_standby;
        child_fini(&k->next);
        k->standby_ms = now_ms + STANDBY_MS;
        if (k->ending)
                return;
        if (standby && k->upgrade == UPGRADE_PROBING) {
                probe(k);
        } else if (standby) {
                say(k, log_info, "the successor that stood by ended: %s", reason.text);
        } else {
                k->next_kill_ms = 0;
                end_upgrade(k, reason.text);
        }
}

/* ---- events ------------------------------------------------------------------------------------ */

/* Every word is said once in a life (child.h); what is not heard in this turn is in the next one. */
static bool is_news(struct keeper *k, int letter)
{
        bool known = letter == CHILD_FITS || letter == CHILD_SERVES || letter == CHILD_READY ||
                     letter == CHILD_REASON;

        if (!known || k->said[letter] || (letter == CHILD_SERVES && k->policy.phase != POLICY_STARTING))
                return false;
        return k->said[letter] = true;
}

static void worker_serves(struct keeper *k, int64_t now_ms)
{
        if (k->established)
                say(k, log_info, "worker %u serves after %lld ms", journal_generation(k->journal),
                        (long long)(now_ms - k->policy.since_ms));
        k->established = true;
        journal_learn(k->journal);
        policy_serves(&k->policy, now_ms);
        k->standby_ms = now_ms + SETTLE_MS;
        if (k->upgrade == UPGRADE_PROVING) {
                close(k->binary_fd);
                k->binary_fd = take_fd(&k->new_binary_fd);
                end_upgrade(k, NULL);
        }
}

static void worker_is_ready(struct keeper *k)
{
        if (k->ready)
                return;
        k->ready = true;
        (void)log_forward(k->log_fds[0], READY_LINES); /* what was said before it is for who waits for us */
        journal_set_ready(k->journal);
        mountpoint_read_ahead(k->m, READ_AHEAD_KIB);
        k->opts->on_ready(k->opts->ctx);
}

/* Nothing more is heard of it. */
static void stop_listening(struct child *c)
{
        cleanup_close(&c->control_fd);
        c->control_fd = -1;
}

static void hear_worker(struct keeper *k, int64_t now_ms)
{
        int letter = 0;

        for (unsigned i = 0; i < PACKETS && (letter = child_hear(&k->worker)) > 0; i++) {
                if (!is_news(k, letter)) {
                        stop_listening(&k->worker);
                        k->hung_up_ms = now_ms;
                        kill_worker(k, "said what no worker says");
                        return;
                }
                if (letter == CHILD_SERVES)
                        worker_serves(k, now_ms);
                else if (letter == CHILD_READY)
                        worker_is_ready(k);
        }
        if (letter < 0) {
                stop_listening(&k->worker);
                k->hung_up_ms = now_ms;
        }
}

static void hear_next(struct keeper *k, int64_t now_ms)
{
        int letter = 0;

        for (unsigned i = 0; i < PACKETS && (letter = child_hear(&k->next)) > 0; i++) {
                if (letter == CHILD_FITS && k->upgrade == UPGRADE_PROBING && !k->next_is_standby)
                        replace_worker(k, now_ms);
                else if (letter != CHILD_FITS && letter != CHILD_REASON) /* it serves nothing yet */
                        kill_child(&k->next, SIGKILL);
        }
        if (letter < 0) {
                stop_listening(&k->next);
                if (!k->next.pid) /* it was awaited, and does not come */
                        k->standby_ms = now_ms;
        }
}

/* One that a debugger holds back is as good as waited for; of what it died nobody says. */
static bool has_ended(const struct child *c, int *ret_status)
{
        if (!c->pid || !child_is_dead(c))
                return false;
        if (waitpid(c->pid, ret_status, WNOHANG) != c->pid)
                *ret_status = SIGKILL;
        return true;
}

static void reap(struct keeper *k, int64_t now_ms)
{
        int status;
        pid_t pid;

        while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
                if (pid == k->worker.pid)
                        worker_ended(k, status, now_ms);
                else if (pid == k->next.pid)
                        next_ended(k, status, now_ms);
        }
        if (has_ended(&k->worker, &status))
                worker_ended(k, status, now_ms);
        if (has_ended(&k->next, &status))
                next_ended(k, status, now_ms);
}

static void take_signals(struct keeper *k, int64_t now_ms)
{
        struct signalfd_siginfo sig;

        while (read(k->signal_fd, &sig, sizeof sig) == sizeof sig) {
                if (sig.ssi_signo == SIGCHLD)
                        continue; /* reap() is next */
                else if (sig.ssi_signo == SIGHUP)
                        begin_upgrade(k, now_ms);
                else
                        begin_end(k, now_ms);
        }
}

/* What is due by the time; how long there is nothing to do. */
static int act(struct keeper *k, int64_t now_ms)
{
        int64_t wait_ms = TICK_MS, policy_ms;

        if (k->worker_kill_ms && now_ms >= k->worker_kill_ms)
                kill_child(&k->worker, SIGKILL);
        if (k->next_kill_ms && now_ms >= k->next_kill_ms)
                kill_child(&k->next, SIGKILL);
        if (k->worker_kill_ms && k->worker_kill_ms - now_ms < wait_ms)
                wait_ms = now_ms < k->worker_kill_ms ? k->worker_kill_ms - now_ms : YIELD_MS;
        if (child_hung_up(&k->worker) || child_hung_up(&k->next))
                wait_ms = wait_ms < DYING_MS ? wait_ms : DYING_MS;
        if (k->ending)
                return (int)wait_ms;
        if (child_hung_up(&k->worker) && now_ms - k->hung_up_ms >= HUNG_UP_MS)
                kill_worker(k, "closed its socket to the keeper");
        if (k->established && overdue_look(&k->overdue, k->worker_kill_ms ? NULL : &k->worker, now_ms))
                kill_worker(k, NOT_GET_ON);
        switch (policy_next(&k->policy, now_ms, journal_heartbeat(k->journal, now_ms), &policy_ms)) {
        case POLICY_WAIT:
                wait_ms = policy_ms < wait_ms ? policy_ms : wait_ms;
                break;
        case POLICY_START:
                if (next_is_near(k, now_ms))
                        return (int)(k->await_ms - now_ms);
                start_worker(k, now_ms);
                return 0;
        case POLICY_KILL:
                if (!k->established)
                        break; /* the launcher waits with us; a first look at a slow disk may take long */
                kill_worker(k, NOT_GET_ON);
                break;
        case POLICY_DESPAIR:
                if (k->established || !k->worker.pid)
                        give_up(k, "no worker could be had that serves");
                break;
        }
        start_standby(k, now_ms);
        if (k->ready && !child_exists(&k->next) && k->standby_ms > now_ms && k->standby_ms - now_ms < wait_ms)
                wait_ms = k->standby_ms - now_ms;
        return (int)wait_ms;
}

/* Nothing of us ran for @ms, a frozen container or a stopped process, so nobody is late. */
static void forgive(struct keeper *k, int64_t ms)
{
        int64_t *const times[] = { &k->worker_kill_ms, &k->next_kill_ms, &k->standby_ms, &k->await_ms,
                &k->hung_up_ms };

        journal_forgive(k->journal, ms);
        policy_forgive(&k->policy, ms);
        for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
                if (*times[i])
                        *times[i] += ms;
}

/* Puts down at most once a second what changes by itself. */
static void tell_lost(struct keeper *k, int64_t now_ms)
{
        uint64_t lost = log_lost();

        if (lost == k->counters.log_lost || now_ms < k->tell_ms)
                return;
        k->tell_ms = now_ms + TICK_MS;
        k->counters.log_lost = lost;
        tell_counters(k);
}

/* A turn: what happened, then what is to be done by the time, then the log.  A freeze may come at any point of it and is seen
 * at the next poll, since @planned_ms is counted from the time that the turn went by. */
static void loop(struct keeper *k)
{
        int64_t planned_ms = clock_ms();
        int timeout_ms = 0;
        bool gone = false;

        while (!k->over) {
                struct pollfd fds[] = { { .fd = k->signal_fd, .events = POLLIN },
                        { .fd = k->worker.control_fd, .events = POLLIN },
                        { .fd = k->next.control_fd, .events = POLLIN },
                        { .fd = k->worker.pid_fd, .events = POLLIN },
                        { .fd = k->next.pid_fd, .events = POLLIN }, { .fd = gone ? -1 : k->fuse_fd },
                        { .fd = k->log_lines > 0 ? k->log_fds[0] : -1, .events = POLLIN } };
                int64_t now_ms;

                (void)poll(fds, sizeof fds / sizeof fds[0], timeout_ms);
                now_ms = clock_ms();
                if (now_ms - planned_ms > FROZEN_MS)
                        forgive(k, now_ms - planned_ms);
                if (fds[1].revents)
                        hear_worker(k, now_ms);
                if (fds[2].revents)
                        hear_next(k, now_ms);
                if (fds[5].revents & (POLLERR | POLLHUP)) {
                        gone = true;
                        begin_end(k, now_ms);
                }
                if (fds[0].revents)
                        take_signals(k, now_ms);
                if (fds[0].revents || fds[3].revents || fds[4].revents || child_hung_up(&k->worker) ||
                        child_hung_up(&k->next))
                        reap(k, now_ms);
                timeout_ms = k->over ? 0 : act(k, now_ms);
                planned_ms = now_ms + timeout_ms;
                say_all(k);
                forward_log(k, now_ms);
                tell_lost(k, now_ms);
        }
}

/* ---- beginning and end ------------------------------------------------------------------------- */

/* When memory is short, the one that keeps the mount should be the last to go.  Returns what it was. */
static int lower_oom_score(void)
{
        FILE *f = fopen("/proc/self/oom_score_adj", "r+e");
        int before = 0;

        if (!f)
                return 0;
        if (fscanf(f, "%d", &before) == 1 && before > OOM_SCORE_ADJ) {
                rewind(f);
                (void)fprintf(f, "%d", OOM_SCORE_ADJ); /* not permitted: then not */
        }
        (void)fclose(f);
        return before;
}

static int set_up(struct keeper *k)
{
        sigset_t set;
        int r;

        sigemptyset(&set);
        for (size_t i = 0; i < 5; i++)
                sigaddset(&set, (int[]) { SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGCHLD }[i]);
        sigprocmask(SIG_BLOCK, &set, &k->mask);
        r = log_start(k->err); /* which the signals are kept from */
        if (r < 0)
                return r;
        r = log_make_socket(k->log_fds, k->err);
        if (r < 0)
                return r;
        k->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
        if (k->signal_fd < 0)
                return err_sys(k->err, -errno, "wait for signals");
        k->binary_fd = child_open_binary(k->plan.path, k->err);
        if (k->binary_fd < 0)
                return -1;
        r = child_adopt(k->err);
        if (r < 0)
                return r;
        r = journal_create(k->opts->ring_bytes, &k->journal, k->err);
        if (r < 0)
                return r;
        k->counters.mount_sec = (int64_t)time(NULL);
        tell_counters(k);
        k->plan.oom_score_adj = lower_oom_score();
        r = mountpoint_mount(k->m, &k->fuse_fd, k->err);
        if (r == 0)
                k->opts->on_mounted(k->opts->ctx);
        k->plan.fuse_fd = k->fuse_fd;
        k->plan.journal_fd = journal_fd(k->journal);
        k->plan.log_fd = k->log_fds[1];
        k->overdue =
                (struct overdue) { .journal = k->journal, .counters = &k->counters, .fuse_fd = k->fuse_fd };
        return r;
}

/* A connection that is gone says nothing about the mount point: the next pxefs may be mounted there already, with the same
 * device number.  Only what is dead is taken away then: a connection that somebody aborted. */
static void end_mount(struct keeper *k)
{
        struct pollfd fd = { .fd = k->fuse_fd };
        bool gone = poll(&fd, 1, 0) > 0; /* POLLERR: fs/fuse/dev.c, fuse_dev_poll */

        if (!gone)
                mountpoint_unmount(k->m);
        close(k->fuse_fd);
        if (gone && mountpoint_detach_dead(k->m)) {
                if (!k->err->text[0])
                        err_set(k->err, -ECONNABORTED, "the connection to the kernel was aborted");
                k->status = EXIT_FAILURE;
        }
}

int keeper_run(struct mountpoint *m, const struct keeper_options *opts, struct err *err)
{
        struct keeper k = { .opts = opts,
                .plan = opts->plan,
                .m = m,
                .fuse_fd = -1,
                .signal_fd = -1,
                .log_fds = { -1, -1 },
                .log_lines = LOG_BURST,
                .log_ms = clock_ms(),
                .binary_fd = -1,
                .new_binary_fd = -1,
                .worker = CHILD_NONE,
                .next = CHILD_NONE,
                .status = EXIT_SUCCESS,
                .err = err };

        policy_init(&k.policy, clock_ms());
        if (set_up(&k) < 0)
                k.status = EXIT_FAILURE;
        else
                loop(&k);
        kill_child(&k.worker, SIGKILL); /* that of a mount that is given up */
        kill_child(&k.next, SIGKILL);
        if (k.fuse_fd >= 0)
                end_mount(&k);
        child_fini(&k.worker);
        child_fini(&k.next);
        journal_close(k.journal);
        if (k.log_fds[0] >= 0)
                (void)log_forward(k.log_fds[0], LOG_TURN); /* what a worker said last */
        cleanup_close(&k.log_fds[0]);
        cleanup_close(&k.log_fds[1]);
        cleanup_close(&k.signal_fd);
        cleanup_close(&k.binary_fd);
        cleanup_close(&k.new_binary_fd);
        return k.status;
}
