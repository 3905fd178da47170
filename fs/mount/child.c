/* SPDX-License-Identifier: MPL-2.0 */
/* child -- see child.h.
 *
 * Between fork and exec the child gives its rights up: no instruction of the worker, of its libraries or of the dynamic
 * linker runs as root.  The program is executed by descriptor, so that a worker that died is replaced by the same one
 * although a package update has put another in its place meanwhile; that one is taken when somebody asks (upgrade).
 *
 * Only async-signal-safe calls stand between fork and exec, although the keeper has one thread: it costs nothing.
 */
#include "mount/child.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
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

/* Puts the descriptors where the worker looks for them; first above, so that none is overwritten. */
static int place_fds(const int *fds, size_t n, int first)
{
        int high[8];

        for (size_t i = 0; i < n; i++) {
                high[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, ABOVE);
                if (high[i] < 0)
                        return -errno;
        }
        for (size_t i = 0; i < n; i++)
                if (dup2(high[i], first + (int)i) < 0)
                        return -errno;
        return 0;
}

static _Noreturn void become(const struct child_plan *p, int binary_fd, const int *fds, const sigset_t *mask)
{
        static char *const no_env[] = { NULL };
        int binary = fcntl(binary_fd, F_DUPFD_CLOEXEC, ABOVE);
        int r = binary < 0 ? -errno : place_fds(fds, 3, CHILD_FUSE_FD);

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

int child_start(const struct child_plan *plan, int binary_fd, int fuse_fd, int journal_fd,
        const sigset_t *mask, struct child *ret, struct err *err)
{
        int ends[2];
        pid_t pid;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
                return err_sys(err, -errno, "start the worker: socketpair");
        pid = fork();
        if (pid == 0)
                become(plan, binary_fd, (int[]) { fuse_fd, journal_fd, ends[1] }, mask);
        close(ends[1]);
        if (pid < 0) {
                close(ends[0]);
                return err_sys(err, -errno, "start the worker: fork");
        }
        *ret = (struct child) { .pid = pid, .control_fd = ends[0] };
        return 0;
}

int child_hear(struct child *c)
{
        char packet[sizeof c->reason.text];
        ssize_t n = recv(c->control_fd, packet, sizeof packet - 1, MSG_DONTWAIT);

        if (n < 0)
                return errno == EAGAIN || errno == EINTR ? 0 : -1;
        if (n == 0)
                return -1;
        packet[n] = '\0';
        switch (packet[0]) {
        case CHILD_FITS:
                c->fits = true;
                break;
        case CHILD_REASON:
                (void)err_set(&c->reason, 0, "%s", packet + 1);
                break;
        default:
                break;
        }
        return packet[0];
}

void child_go(const struct child *c)
{
        char go = CHILD_GO;

        (void)send(c->control_fd, &go, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
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

bool child_waits_for_disk(const struct child *c)
{
        AUTO_CLOSEDIR DIR *dir = NULL;
        const struct dirent *e;
        char path[64];
        bool waits = false;

        (void)snprintf(path, sizeof path, "/proc/%d/task", (int)c->pid);
        dir = opendir(path);
        while (dir && !waits && (e = readdir(dir)))
                waits = e->d_name[0] != '.' && in_state(dirfd(dir), e->d_name, 'D');
        return waits;
}

void child_fini(struct child *c)
{
        if (c->control_fd >= 0)
                close(c->control_fd);
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

bool child_wait_go(void)
{
        char letter;
        ssize_t n;

        do
                n = recv(CHILD_CONTROL_FD, &letter, 1, 0);
        while (n < 0 && errno == EINTR);
        return n == 1 && letter == CHILD_GO;
}
