/* SPDX-License-Identifier: MPL-2.0 */
/* readers -- the worker's side: asks for an archive to be read and waits for the report; see reader.h.
 *
 * Invariants
 *   1. Nothing that a reader says is more than a number that is compared, or a report that is checked (report.h).
 *   2. A slot is free again only when its reader was waited for, and all that it wrote is out of the pipe.
 * Locks: none.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "catalog/reader_impl.h"
#include "catalog/report.h"

#define LOOK_MS      100 /* at what the reader shares */
#define STOP_MS      500 /* for one that was asked to stop; then it is killed */
#define REPORT_SMALL (24u << 20)
#define REPORT_LARGE (96u << 20)

/* ---- beginning and end ---------------------------------------------------------------------------- */

static void slot_fini(struct reader_slot *s)
{
        cleanup_close(&s->control[0]);
        cleanup_close(&s->control[1]);
        cleanup_close(&s->pipe[0]);
        cleanup_close(&s->pipe[1]);
        if (s->reading)
                (void)munmap(s->reading, sizeof *s->reading);
}

static int slot_init(struct reader_slot *s, struct err *err)
{
        void *page;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s->control) < 0)
                return err_sys(err, -errno, "readers: socketpair");
        if (pipe2(s->pipe, O_CLOEXEC | O_NONBLOCK) < 0)
                return err_sys(err, -errno, "readers: pipe");
        page = mmap(NULL, sizeof *s->reading, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (page == MAP_FAILED)
                return err_sys(err, -errno, "readers: shared memory");
        s->reading = page;
        return 0;
}

static void readers_free(struct readers *r)
{
        if (!r)
                return;
        for (unsigned i = 0; r->slots && i < r->o.n; i++)
                slot_fini(&r->slots[i]);
        cleanup_close(&r->builds_fd);
        free(r->slots);
        free(r);
}

static void readers_freep(struct readers **r)
{
        readers_free(*r);
}

int readers_start(const struct readers_options *o, struct readers **ret, struct err *err)
{
        AUTO_CLEAN(readers_freep) struct readers *r = calloc(1, sizeof *r);
        pid_t pid;
        int e = 0;

        if (r)
                r->builds_fd = -1;
        if (r)
                r->slots = calloc(o->n, sizeof *r->slots);
        if (!r || !r->slots)
                return err_set(err, -ENOMEM, "out of memory");
        r->o = *o;
        r->builds_fd = open(o->builds_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
        for (unsigned i = 0; i < o->n; i++)
                r->slots[i] = (struct reader_slot) { .control = { -1, -1 }, .pipe = { -1, -1 } };
        for (unsigned i = 0; e == 0 && i < o->n; i++)
                e = slot_init(&r->slots[i], err);
        if (e < 0)
                return e;
        pid = fork();
        if (pid == 0)
                readers_host(r);
        cleanup_close(&r->builds_fd);
        /* Where none can be forked it is as if it had ended. */
        for (unsigned i = 0; i < o->n; i++) {
                close(take_fd(&r->slots[i].control[1]));
                close(take_fd(&r->slots[i].pipe[1]));
        }
        *ret = take_ptr(&r);
        return 0;
}

void readers_stop(struct readers *r)
{
        readers_free(r); /* it sees that nobody can ask, and ends; its readers with it */
}

unsigned readers_n(const struct readers *r)
{
        return r->o.n;
}

bool readers_are_there(const struct readers *r)
{
        struct pollfd fd = { .fd = r->slots[0].control[0] };

        return poll(&fd, 1, 0) <= 0 || !(fd.revents & (POLLHUP | POLLERR));
}

struct reading *readers_reading(struct readers *r, unsigned slot)
{
        return r->slots[slot].reading;
}

/* ---- one archive ---------------------------------------------------------------------------------- */

struct wait {
        struct reader_slot *s;
        struct report *report;
        const struct reader_ask *ask;
        uint64_t steps;    /* at the last look */
        int64_t step_ms;   /* when they were others */
        int64_t stop_ms;   /* 0, or: it was asked to stop, and is killed then */
        int report_error;  /* of taking in its report */
        bool killed, idle; /* by us; since it got nowhere */
        bool ended;
        struct reader_end end;
};

static int say(const struct reader_slot *s, const struct reader_packet *p)
{
        ssize_t n;

        do
                n = send(s->control[0], p, sizeof *p, MSG_NOSIGNAL);
        while (n < 0 && errno == EINTR);
        return n == (ssize_t)sizeof *p ? 0 : -ECHILD;
}

static int kill_it(struct wait *w)
{
        static const struct reader_packet order = { .what = READER_KILL };

        if (w->killed)
                return 0;
        w->killed = true;
        return say(w->s, &order);
}

/* What is to be done by the time. */
static int look(struct wait *w)
{
        int64_t now_ms = clock_ms();
        uint64_t steps = atomic_load_explicit(&w->s->reading->steps, memory_order_relaxed);

        if (steps != w->steps) {
                w->steps = steps;
                w->step_ms = now_ms;
        }
        if (w->stop_ms == 0 && atomic_load(&w->s->reading->stop))
                w->stop_ms = now_ms + STOP_MS;
        w->idle |= now_ms - w->step_ms > READER_IDLE_SEC * 1000;
        if (w->idle || w->report_error < 0 || (w->stop_ms && now_ms > w->stop_ms))
                return kill_it(w);
        return 0;
}

/* Takes in what it wrote; after an error, only out of the pipe. */
static void hear_report(struct wait *w)
{
        char chunk[4096];

        if (w->report_error == 0)
                w->report_error = report_take(w->report, w->s->pipe[0]);
        while (w->report_error < 0 && read(w->s->pipe[0], chunk, sizeof chunk) > 0)
                ;
}

/* 0, or -ECHILD: nobody is there any more. */
static int hear_end(struct wait *w)
{
        ssize_t n = recv(w->s->control[0], &w->end, sizeof w->end, MSG_DONTWAIT);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return 0;
        w->ended = n == (ssize_t)sizeof w->end;
        return w->ended ? 0 : -ECHILD;
}

static int wait_for_end(struct wait *w)
{
        while (!w->ended) {
                struct pollfd fds[] = { { .fd = w->s->control[0], .events = POLLIN },
                        { .fd = w->s->pipe[0], .events = POLLIN } };
                int r = 0;

                (void)poll(fds, 2, LOOK_MS);
                if (fds[1].revents)
                        hear_report(w);
                if (fds[0].revents)
                        r = hear_end(w);
                if (r == 0 && !w->ended)
                        r = look(w);
                if (r < 0)
                        return r;
        }
        hear_report(w); /* the rest: nobody writes any more */
        return 0;
}

/* It ended, and its report is not whole. */
static int say_end(const struct wait *w, struct err *err)
{
        int status = w->end.status;
        unsigned long long peak = w->end.peak_kib / 1024;
        unsigned may = w->ask->large ? READER_LARGE_MIB : READER_SMALL_MIB;

        if (w->idle)
                return err_set(err, -ETIMEDOUT,
                        "its reader waited %d s for it in vain: does the storage it lies on answer?",
                        READER_IDLE_SEC);
        if (w->report_error == -ENOMEM)
                return err_set(err, -EAGAIN, "out of memory");
        if (w->report_error < 0)
                return err_set(err, -EPROTO, "its reader said what makes no sense, or too much");
        if (WIFEXITED(status) && WEXITSTATUS(status) == READER_STUCK)
                return err_set(err, -EBADMSG,
                        "its reader used %d s of processor time without getting any further, and was ended: "
                        "what it "
                        "says of itself leads round in a circle, or it is made to waste time",
                        READER_IDLE_CPU_SEC);
        if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
                return err_set(err, -EPROTO,
                        "its reader was killed by the kernel after %llu MiB (is memory short? it may take "
                        "%u)",
                        peak, may);
        if (WIFSIGNALED(status))
                return err_set(err, -EPROTO, "its reader crashed (signal %d, %s) after %llu MiB",
                        WTERMSIG(status), strsignal(WTERMSIG(status)), peak);
        return err_set(err, -EPROTO, "a library ended its reader (status %d) after %llu MiB; it may take %u",
                WEXITSTATUS(status), peak, may);
}

static int result(struct wait *w, struct indexed *ret, struct err *err)
{
        int r;

        if (w->stop_ms && (w->killed || !report_is_whole(w->report)))
                return err_set(err, -ECANCELED, "its reading was stopped");
        if (w->report_error < 0 || w->killed || !report_is_whole(w->report))
                return say_end(w, err);
        r = report_unpack(w->report, ret, err);
        if (r == 0 && w->ask->spool[0] == '\0' && ret->spooled) {
                indexed_fini(ret);
                r = err_set(err, -EPROTO, "its reader said what makes no sense");
        }
        return r;
}

int readers_read(
        struct readers *r, unsigned slot, const struct reader_ask *ask, struct indexed *ret, struct err *err)
{
        AUTO_CLEAN(report_freep) struct report *report = report_new(ask->large ? REPORT_LARGE : REPORT_SMALL);
        struct wait w = { .s = &r->slots[slot], .report = report, .ask = ask, .step_ms = clock_ms() };
        const struct reader_packet order = { .what = READER_READ, .ask = *ask };
        int e;

        if (!report)
                return err_set(err, -EAGAIN, "out of memory");
        w.steps = atomic_load_explicit(&w.s->reading->steps, memory_order_relaxed);
        e = say(w.s, &order);
        if (e == 0)
                e = wait_for_end(&w);
        if (e < 0)
                return err_set(
                        err, e, "the process that starts readers has ended: the next worker has another");
        return result(&w, ret, err);
}
