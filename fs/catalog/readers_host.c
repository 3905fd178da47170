/* SPDX-License-Identifier: MPL-2.0 */
/* readers_host -- the process that starts readers, and waits for them; see reader.h.
 *
 * One thread and one poll(2).  It opens nothing and reads nothing of an archive: a storage that does not answer keeps a
 * reader waiting, not the others.  What it has of the builds directory is a name (O_PATH), which stays right when the directory
 * is moved.
 *
 * Invariant: a slot that was asked is answered with exactly one packet, when its reader was waited for.
 * Locks: none.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "catalog/reader_impl.h"

static int by_number(const void *a, const void *b)
{
        const int *x = a, *y = b;

        return (*x > *y) - (*x < *y);
}

void reader_close_others(int *keep, size_t n)
{
        unsigned from = 3;

        qsort(keep, n, sizeof *keep, by_number);
        for (size_t i = 0; i < n; i++) {
                if (keep[i] < 3)
                        continue;
                if ((unsigned)keep[i] > from)
                        (void)close_range(from, (unsigned)keep[i] - 1, 0);
                from = (unsigned)keep[i] + 1;
        }
        (void)close_range(from, ~0u, 0);
}

/* A library that ends a reader says so there; and what is opened next must not become stderr. */
static void silence(void)
{
        int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

        for (int i = 0; fd >= 0 && i <= 2; i++)
                (void)dup2(fd, i);
        if (fd > 2)
                close(fd);
}

static void let_go(struct readers *r)
{
        int *keep = calloc(2 * r->o.n + 1, sizeof *keep);
        size_t n = 0;

        if (!keep)
                _exit(EXIT_FAILURE);
        for (unsigned i = 0; i < r->o.n; i++) {
                keep[n++] = r->slots[i].control[1];
                keep[n++] = r->slots[i].pipe[1];
                r->slots[i].control[0] = r->slots[i].pipe[0] = -1;
        }
        if (r->builds_fd >= 0)
                keep[n++] = r->builds_fd;
        silence();
        reader_close_others(keep, n);
        free(keep);
}

static int take_signals(void)
{
        sigset_t set;

        (void)sigfillset(&set);
        (void)sigprocmask(SIG_SETMASK, &set, NULL);
        (void)signal(SIGCHLD, SIG_DFL);
        (void)sigemptyset(&set);
        (void)sigaddset(&set, SIGCHLD);
        return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void answer(const struct reader_slot *s, const struct reader_end *end)
{
        (void)send(s->control[1], end, sizeof *end, MSG_NOSIGNAL);
}

static void begin(struct readers *r, struct reader_slot *s, struct reader_packet *p)
{
        const struct reader_end none = { .status = EXIT_FAILURE << 8 };

        p->ask.file[sizeof p->ask.file - 1] = '\0';
        p->ask.spool[sizeof p->ask.spool - 1] = '\0';
        s->pid = fork();
        if (s->pid == 0)
                reader_main(r, s, &p->ask);
        if (s->pid < 0) {
                s->pid = 0;
                answer(s, &none);
        }
}

/* False: nobody can ask any more. */
static bool hear(struct readers *r, struct reader_slot *s)
{
        static struct reader_packet p; /* not on the stack: it is large */
        ssize_t n = recv(s->control[1], &p, sizeof p, MSG_DONTWAIT);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return true;
        if (n != (ssize_t)sizeof p)
                return false;
        if (p.what == READER_READ && s->pid == 0)
                begin(r, s, &p);
        else if (p.what == READER_KILL && s->pid > 0)
                (void)kill(s->pid, SIGKILL);
        return true;
}

static void reap(struct readers *r, int signal_fd)
{
        struct signalfd_siginfo info;
        struct reader_end end = { 0 };
        struct rusage usage;
        pid_t pid;

        while (read(signal_fd, &info, sizeof info) == sizeof info)
                ;
        while ((pid = wait4(-1, &end.status, WNOHANG, &usage)) > 0)
                for (unsigned i = 0; i < r->o.n; i++)
                        if (r->slots[i].pid == pid) {
                                r->slots[i].pid = 0;
                                end.peak_kib = (uint64_t)usage.ru_maxrss;
                                answer(&r->slots[i], &end);
                        }
}

_Noreturn void readers_host(struct readers *r)
{
        pid_t parent = getppid();
        struct pollfd *fds = calloc(r->o.n + 1, sizeof *fds);
        bool asked = true;

        (void)prctl(PR_SET_NAME, "pxefs-readers", 0, 0, 0);
        if (!fds || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != parent)
                _exit(EXIT_FAILURE);
        if (r->o.leave)
                r->o.leave(r->o.ctx);
        let_go(r);
        for (unsigned i = 0; i < r->o.n; i++)
                fds[i] = (struct pollfd) { .fd = r->slots[i].control[1], .events = POLLIN };
        fds[r->o.n] = (struct pollfd) { .fd = take_signals(), .events = POLLIN };
        if (fds[r->o.n].fd < 0)
                _exit(EXIT_FAILURE);
        while (asked) {
                if (poll(fds, r->o.n + 1, -1) < 0 && errno != EINTR)
                        break;
                reap(r, fds[r->o.n].fd);
                for (unsigned i = 0; asked && i < r->o.n; i++)
                        if (fds[i].revents)
                                asked = hear(r, &r->slots[i]);
        }
        _exit(EXIT_SUCCESS); /* its readers are killed for it: reader.c */
}
