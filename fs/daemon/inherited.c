/* SPDX-License-Identifier: MPL-2.0 */
/* inherited -- see inherited.h.
 *
 * Signals: dispositions survive execve(2) when they are "ignore".  With SIGCHLD ignored the kernel reaps a worker itself, and
 * the keeper never learns of its death (wait(2), NOTES).  With SIGPIPE at its default, a reader of stderr that goes away ends
 * who writes.  SIGUSR1 and the like are other daemons' housekeeping (logrotate's snippets), whose default is to end us.
 *
 * Limits: what may be raised without a right (soft to hard) is; a hard limit is somebody's decision, and is not overruled.
 *
 * Locks: none; one thread.
 */
#include "daemon/inherited.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define MIB (UINT64_C(1) << 20)

/* What the keeper and its workers create is for the service user, and for its group to read. */
#define OWN_UMASK 027

void inherited_descriptors(void)
{
        int fd;

        do
                fd = open("/dev/null", O_RDWR);
        while (fd >= 0 && fd <= STDERR_FILENO);
        if (fd < 0) {
                for (fd = 0; fd <= STDERR_FILENO; fd++)
                        if (fcntl(fd, F_GETFD) < 0)
                                _exit(EXIT_FAILURE); /* nor is there anywhere to say why */
                return;
        }
        (void)close_range(STDERR_FILENO + 1, ~0U, 0);
}

static void mend_signals(void)
{
        static const int nothing[] = { SIGPIPE, SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGIO, SIGPWR,
                SIGSTKFLT, SIGXFSZ, SIGXCPU, SIGTTIN, SIGTTOU };
        sigset_t none;

        for (int sig = 1; sig < SIGRTMIN; sig++)
                (void)signal(sig, SIG_DFL); /* KILL and STOP: EINVAL */
        for (int sig = SIGRTMIN; sig <= SIGRTMAX; sig++)
                (void)signal(sig, SIG_IGN);
        for (size_t i = 0; i < sizeof nothing / sizeof nothing[0]; i++)
                (void)signal(nothing[i], SIG_IGN);
        (void)sigemptyset(&none);
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Below these nothing works, or it ends in the middle of a boot. */
static const struct {
        int resource;
        const char *what;
        const char *shell, *unit; /* what raises it */
        uint64_t least;
} limits[] = {
        /* the catalog, and what is unpacked */
        { RLIMIT_FSIZE, "bytes in a file", "-f unlimited", "LimitFSIZE=infinity", 256 * MIB },
        { RLIMIT_AS, "bytes of address space", "-v unlimited", "LimitAS=infinity", 2048 * MIB },
        { RLIMIT_DATA, "bytes of memory", "-d unlimited", "LimitDATA=infinity", 512 * MIB },
        { RLIMIT_NPROC, "processes and threads of one user", "-u unlimited", "LimitNPROC=infinity", 256 },
        { RLIMIT_NOFILE, "open files", "-n 65536", "LimitNOFILE=65536", 32 },
        /* the keeper's own adds up for as long as the mount lives */
        { RLIMIT_CPU, "seconds of processor time", "-t unlimited", "LimitCPU=infinity", RLIM_INFINITY },
};

static int mend_limits(struct err *err)
{
        for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
                struct rlimit l;

                if (getrlimit((__rlimit_resource_t)limits[i].resource, &l) < 0 ||
                        l.rlim_cur >= limits[i].least)
                        continue;
                if (l.rlim_max < limits[i].least)
                        return err_set(err, -EAGAIN,
                                "no more than %llu %s are allowed here, which is too few: ulimit %s in the "
                                "shell that starts pxefs, or %s in its unit",
                                (unsigned long long)l.rlim_max, limits[i].what, limits[i].shell,
                                limits[i].unit);
                l.rlim_cur = l.rlim_max;
                (void)setrlimit((__rlimit_resource_t)limits[i].resource, &l);
        }
        return 0;
}

int inherited_mend(struct err *err)
{
        mend_signals();
        (void)umask(OWN_UMASK);
        if (access("/proc/self/mountinfo", R_OK) < 0)
                return err_sys(err, -errno,
                        "/proc is not there, and pxefs needs it: mount -t proc proc /proc: "
                        "/proc/self/mountinfo");
        return mend_limits(err);
}
