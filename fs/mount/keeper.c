/* SPDX-License-Identifier: MPL-2.0 */
/* keeper -- see keeper.h.
 *
 * The keeper closes its copy of the descriptor when the worker runs: a worker that dies then ends the
 * connection, and readers get an error instead of hanging.  The worker is told by the kernel when the
 * keeper dies (PR_SET_PDEATHSIG, set by the worker after it changed its user, which clears it).
 */
#include "mount/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define GRACE_MS 5000
/* Several requests on the way for one reader, so that no processor waits for another; docs/decisions/010. */
#define READ_AHEAD_KIB 512

/* Hands signals on until the worker ends; a worker that does not is killed.  Returns its wait status. */
static int attend(
        pid_t worker, int signal_fd, int ready_fd, const struct mountpoint *m, const struct keeper_role *role)
{
        bool asked_to_end = false;

        for (;;) {
                struct pollfd fds[] = { { .fd = signal_fd, .events = POLLIN },
                        { .fd = ready_fd, .events = POLLIN } };
                struct signalfd_siginfo sig;
                int status;
                char byte;

                int n = poll(fds, 2, asked_to_end ? GRACE_MS : -1);

                if (n < 0)
                        continue; /* EINTR: a stop and a continue */
                if (n == 0) {     /* what it knows is safe on disk: nothing is lost */
                        (void)kill(worker, SIGKILL);
                        continue;
                }
                if (fds[1].revents) {
                        if (read(ready_fd, &byte, 1) == 1) {
                                mountpoint_read_ahead(m, READ_AHEAD_KIB);
                                role->on_ready(role->ctx);
                        }
                        ready_fd = -1; /* said, or the worker is gone: SIGCHLD tells */
                }
                if (!fds[0].revents || read(signal_fd, &sig, sizeof sig) != sizeof sig)
                        continue;
                if (sig.ssi_signo != SIGCHLD) {
                        asked_to_end = true;
                        (void)kill(worker, SIGTERM);
                } else if (waitpid(worker, &status, WNOHANG) == worker) {
                        return status;
                }
        }
}

/* Starts the worker; the parent gets its pid and the end of the pipe that says it is ready. */
static pid_t start(const struct keeper_role *role, int fuse_fd, int *ret_ready_fd, const sigset_t *mask)
{
        int ends[2];
        pid_t pid;

        if (pipe2(ends, O_CLOEXEC) < 0)
                return -1;
        pid = fork();
        if (pid == 0) {
                close(ends[0]);
                sigprocmask(SIG_SETMASK, mask, NULL);
                _exit(role->worker(role->ctx, fuse_fd, ends[1]));
        }
        close(ends[1]);
        if (pid < 0)
                close(ends[0]);
        *ret_ready_fd = ends[0];
        return pid;
}

int keeper_run(struct mountpoint *m, const struct keeper_role *role, struct err *err)
{
        int fuse_fd = -1, ready_fd = -1, signal_fd, status;
        sigset_t set, old;
        pid_t pid;

        sigemptyset(&set);
        sigaddset(&set, SIGTERM);
        sigaddset(&set, SIGINT);
        sigaddset(&set, SIGHUP);
        sigaddset(&set, SIGCHLD);
        sigprocmask(SIG_BLOCK, &set, &old);
        signal_fd = signalfd(-1, &set, SFD_CLOEXEC);
        if (signal_fd < 0) {
                err_sys(err, -errno, "wait for signals");
                return EXIT_FAILURE;
        }
        if (mountpoint_mount(m, &fuse_fd, err) < 0) {
                close(signal_fd);
                return EXIT_FAILURE;
        }
        pid = start(role, fuse_fd, &ready_fd, &old);
        if (pid < 0)
                err_sys(err, -errno, "start the worker process");
        close(fuse_fd);
        status = pid < 0 ? 0 : attend(pid, signal_fd, ready_fd, m, role);
        mountpoint_unmount(m);
        close(signal_fd);
        if (pid < 0)
                return EXIT_FAILURE;
        close(ready_fd);
        if (WIFEXITED(status))
                return WEXITSTATUS(status);
        err_set(err, -EIO, "the worker process died by signal %d (%s)", WTERMSIG(status),
                strsignal(WTERMSIG(status)));
        return EXIT_FAILURE;
}
