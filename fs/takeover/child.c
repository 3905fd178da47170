/* SPDX-License-Identifier: MPL-2.0 */
/* child -- see child.h.
 *
 * Between fork and exec the child gives its rights up: no instruction of the worker, of its libraries or of the dynamic
 * linker runs as root.  The program is executed by descriptor, so that a worker that died is replaced by the same one
 * although a package update has put another in its place meanwhile; that one is taken when somebody asks (upgrade).
 *
 * Only async-signal-safe calls stand between fork and exec, since the keeper has another thread, which writes the log.
 */
#include "takeover/child.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/cleanup.h"

int child_open_binary(const char *path, struct err *err)
{
        int fd = open(path, O_PATH | O_CLOEXEC);

        return fd >= 0 ? fd : err_sys(err, -errno, "worker %s", path);
}

static void write_text(const char *path, int value)
{
        char text[16];
        int n = snprintf(text, sizeof text, "%d", value);
        int fd = open(path, O_WRONLY | O_CLOEXEC);

        if (fd < 0)
                return;
        (void)!write(fd, text, (size_t)n);
        close(fd);
}

static int give_up_rights(const struct child_plan *p)
{
        write_text("/proc/self/oom_score_adj", p->oom_score_adj);
        if (p->drop)
                caps_empty_bounding_set();
        if (p->drop && (setgroups(p->n_groups, p->groups) < 0 || setresgid(p->gid, p->gid, p->gid) < 0 ||
                               setresuid(p->uid, p->uid, p->uid) < 0))
                return -errno;
        if (p->drop && setuid(0) == 0)
                return -EPERM;
        return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

/* Above all CHILD_..._FD, and low: what is above ulimit -n cannot be had. */
#define ABOVE 16

/* Puts the descriptors where the worker looks for them, none in the place of -1; first above, so that none is overwritten. */
static int place_fds(const int *fds, size_t n, int first)
{
        int high[8];

        for (size_t i = 0; i < n; i++) {
                high[i] = fds[i] < 0 ? -1 : fcntl(fds[i], F_DUPFD_CLOEXEC, ABOVE);
                if (fds[i] >= 0 && high[i] < 0)
                        return -errno;
        }
        for (size_t i = 0; i < n; i++) {
                if (high[i] < 0)
                        (void)close(first + (int)i);
                else if (dup2(high[i], first + (int)i) < 0)
                        return -errno;
        }
        return 0;
}

static _Noreturn void become(const struct child_plan *p, int binary_fd, int control_fd, const sigset_t *mask)
{
        static char *const no_env[] = { NULL };
        const int fds[CHILD_FDS] = { p->fuse_fd, p->journal_fd, control_fd, p->log_fd, p->lock_fd };
        int binary = fcntl(binary_fd, F_DUPFD_CLOEXEC, ABOVE);
        int r = binary < 0 ? -errno : place_fds(fds, CHILD_FDS, CHILD_FUSE_FD);

        if (r == 0)
                r = give_up_rights(p);
        if (r == 0) {
                (void)sigprocmask(SIG_SETMASK, mask, NULL);
                (void)execveat(binary, "", p->argv, environ ? environ : no_env, AT_EMPTY_PATH);
                r = -errno;
        }
        child_say(
                CHILD_REASON, r == -EACCES ? "it may not be executed by the user it runs as" : strerror(-r));
        _exit(EXIT_FAILURE);
}

/* Of a child that was not waited for, so that no other process can have its number. */
static int open_pid(pid_t pid)
{
        return (int)syscall(SYS_pidfd_open, pid, 0); /* Linux 5.3 */
}

int child_start(const struct child_plan *plan, int binary_fd, const sigset_t *mask, struct child *ret,
        struct err *err)
{
        int ends[2];
        pid_t pid;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
                return err_sys(err, -errno, "start the worker: socketpair");
        pid = fork();
        if (pid == 0)
                become(plan, binary_fd, ends[1], mask);
        close(ends[1]);
        if (pid < 0) {
                close(ends[0]);
                return err_sys(err, -errno, "start the worker: fork");
        }
        *ret = (struct child) { .pid = pid, .pid_fd = open_pid(pid), .control_fd = ends[0] };
        return 0;
}

int child_adopt(struct err *err)
{
        return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0 ? err_sys(err, -errno, "adopt what workers fork")
                                                             : 0;
}

/* Two descriptors. */
union control {
        char room[CMSG_SPACE(2 * sizeof(int))];
        struct cmsghdr align;
};

/* Who sent the packet.  The kernel writes that first (net/core/scm.h, scm_recv), so no room is left for descriptors, which it
 * closes then: those of a worker are not taken in. */
union credentials {
        char room[CMSG_SPACE(sizeof(struct ucred))];
        struct cmsghdr align;
};

/* The process that sent it, by the kernel's word; 0 if it is none that we would be told the end of. */
static pid_t sender(struct msghdr *m)
{
        struct cmsghdr *c = CMSG_FIRSTHDR(m);
        struct ucred cred;
        siginfo_t info;

        if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_CREDENTIALS)
                return 0;
        memcpy(&cred, CMSG_DATA(c), sizeof cred);
        if (cred.pid <= 0 || waitid(P_PID, (id_t)cred.pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
                return 0;
        return cred.pid;
}

int child_hear(struct child *c)
{
        char packet[sizeof c->reason.text];
        union credentials from;
        struct iovec iov = { packet, sizeof packet - 1 };
        struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
        ssize_t n;

        if (c->pid == 0) {
                m.msg_control = &from;
                m.msg_controllen = sizeof from;
        }
        n = recvmsg(c->control_fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (n < 0)
                return errno == EAGAIN || errno == EINTR ? 0 : -1;
        if (n == 0)
                return -1;
        packet[n] = '\0';
        switch (packet[0]) {
        case CHILD_FITS:
                if (c->pid == 0)
                        c->pid = sender(&m);
                if (c->pid != 0 && c->pid_fd < 0)
                        c->pid_fd = open_pid(c->pid);
                break;
        case CHILD_REASON:
                (void)err_set(&c->reason, 0, "%s", packet + 1);
                break;
        default:
                break;
        }
        return packet[0];
}

/* The two ends; the keeper's tells who sends.  False: there is none, and nobody is asked for. */
static bool make_socket(int ends[2])
{
        int on = 1;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
                return false;
        (void)setsockopt(ends[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
        return true;
}

void child_go(const struct child *c, struct child *successor)
{
        char path[64], packet[3] = { CHILD_GO };
        AUTO_CLOSE int statm_fd = -1;
        int ends[2] = { -1, -1 }, fds[2];
        size_t n = 0;
        union control control = { .room = { 0 } };
        struct iovec iov = { packet, sizeof packet };
        struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

        (void)snprintf(path, sizeof path, "/proc/%d/statm", (int)c->pid);
        statm_fd = open(path, O_RDONLY | O_CLOEXEC);
        packet[1] = statm_fd >= 0;
        if (statm_fd >= 0)
                fds[n++] = statm_fd;
        packet[2] = successor && make_socket(ends);
        if (packet[2])
                fds[n++] = ends[1];
        if (n > 0) {
                m.msg_control = &control;
                m.msg_controllen = CMSG_SPACE(n * sizeof(int));
                control.align = (struct cmsghdr) { .cmsg_level = SOL_SOCKET,
                        .cmsg_type = SCM_RIGHTS,
                        .cmsg_len = CMSG_LEN(n * sizeof(int)) };
                memcpy(CMSG_DATA(&control.align), fds, n * sizeof(int));
        }
        /* If it is gone, so is the other end of the socket: that is heard. */
        (void)sendmsg(c->control_fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (ends[1] >= 0)
                close(ends[1]);
        if (ends[0] >= 0)
                *successor = (struct child) { .pid_fd = -1, .control_fd = ends[0] };
}

/* "tid (name) S ...", and a name may hold brackets. */
static bool in_state(int dirfd, const char *tid, char state)
{
        char path[300], text[128];
        const char *p;
        AUTO_CLOSE int fd = -1;
        ssize_t n;

        (void)snprintf(path, sizeof path, "%s/stat", tid);
        fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);
        n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
        if (n < 0)
                return false;
        text[n] = '\0';
        p = strrchr(text, ')');
        return p && p[1] == ' ' && p[2] == state;
}

/* Threads of which nothing is left but what somebody may wait for.  False if that cannot be seen. */
static bool are_all_zombies(const struct child *c)
{
        AUTO_CLOSEDIR DIR *dir = NULL;
        const struct dirent *e;
        char path[64];
        bool all, any = false;

        (void)snprintf(path, sizeof path, "/proc/%d/task", (int)c->pid);
        dir = opendir(path);
        all = !!dir;
        while (all && (e = readdir(dir)))
                if (e->d_name[0] != '.') {
                        any = true;
                        all = in_state(dirfd(dir), e->d_name, 'Z') || in_state(dirfd(dir), e->d_name, 'X');
                }
        return all && any;
}

/* The kernel makes the descriptor readable when the last thread is gone, also where a debugger is attached to the first (Linux
 * kernel/exit.c, do_notify_pidfd).  One that is attached to others, and does not wait for them, keeps those: the first is not
 * told of then (delay_group_leader), so threads are looked at.  A thread that is a zombie has let go of its descriptors
 * (do_exit: exit_files comes before exit_notify). */
bool child_is_dead(const struct child *c)
{
        struct pollfd fd = { .fd = c->pid_fd, .events = POLLIN };

        if (c->pid_fd >= 0 && poll(&fd, 1, 0) == 1)
                return true;
        return child_hung_up(c) && are_all_zombies(c);
}

bool child_waits_for_disk(const struct child *c, uint32_t tid)
{
        AUTO_CLOSEDIR DIR *dir = NULL;
        const struct dirent *e;
        char path[64];
        bool waits = false;

        (void)snprintf(path, sizeof path, "/proc/%d/task", (int)c->pid);
        dir = opendir(path);
        while (dir && !waits && (e = readdir(dir)))
                waits = e->d_name[0] != '.' && (tid == 0 || strtoul(e->d_name, NULL, 10) == tid) &&
                        in_state(dirfd(dir), e->d_name, 'D');
        return waits;
}

void child_fini(struct child *c)
{
        cleanup_close(&c->control_fd);
        cleanup_close(&c->pid_fd);
        *c = (struct child)CHILD_NONE;
}

void child_say(char letter, const char *reason)
{
        char packet[sizeof(((struct err *)0)->text)];
        size_t n = reason ? strnlen(reason, sizeof packet - 1) : 0;

        packet[0] = letter;
        if (n)
                memcpy(packet + 1, reason, n);
        (void)send(CHILD_CONTROL_FD, packet, n + 1, MSG_NOSIGNAL);
}

bool child_wait_go(int *ret_statm_fd, int *ret_successor_fd)
{
        char packet[3] = { 0 };
        union control control;
        struct iovec iov = { packet, sizeof packet };
        struct msghdr m;
        struct cmsghdr *c;
        int fds[2] = { -1, -1 };
        size_t n = 0;
        ssize_t len;

        do {
                m = (struct msghdr) { .msg_iov = &iov,
                        .msg_iovlen = 1,
                        .msg_control = &control,
                        .msg_controllen = sizeof control };
                len = recvmsg(CHILD_CONTROL_FD, &m, MSG_CMSG_CLOEXEC);
        } while (len < 0 && errno == EINTR);
        if (len < 1 || packet[0] != CHILD_GO)
                return false;
        c = CMSG_FIRSTHDR(&m);
        if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
                n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
                memcpy(fds, CMSG_DATA(c), (n < 2 ? n : 2) * sizeof(int));
        }
        if (n != (size_t)(packet[1] + packet[2])) { /* no descriptors left: not all could be had */
                cleanup_close(&fds[0]);
                cleanup_close(&fds[1]);
                fds[0] = fds[1] = -1;
        }
        *ret_statm_fd = packet[1] ? fds[0] : -1;
        *ret_successor_fd = packet[2] ? fds[packet[1] ? 1 : 0] : -1;
        return true;
}

/* In the process between: leaves its child to the keeper, and returns in that. */
static void fork_again(void)
{
        pid_t between = getpid(), pid = fork();

        if (pid != 0)
                _exit(EXIT_SUCCESS);
        while (getppid() == between)
                (void)usleep(100);
}

bool child_fork(int successor_fd)
{
        pid_t keeper = getppid(), pid;

        (void)signal(SIGCHLD, SIG_IGN); /* nobody waits for the one between */
        pid = fork();
        if (pid != 0) {
                close(successor_fd);
                return false;
        }
        fork_again();
        if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != keeper ||
                dup3(successor_fd, CHILD_CONTROL_FD, O_CLOEXEC) < 0)
                _exit(EXIT_FAILURE);
        close(successor_fd);
        child_say(CHILD_FITS, NULL);
        return true;
}
