/* SPDX-License-Identifier: MPL-2.0 */
/* calls_policy -- the table of system calls the worker may make.
 *
 * Found with strace over all mount tests, and completed by kind: what glibc, libfuse, SQLite and libarchive may choose in
 * place of a call that was seen (readv for read, newer versions of the same).  A row more here costs little: what may be
 * opened is Landlock's to decide, and the dangerous calls are whole families that have no row at all: starting programs
 * and processes, sockets, mounts and namespaces, ids and capabilities, other processes' memory, keys, modules, bpf, perf,
 * io_uring, userfaultfd, file handles, setxattr, devices.
 *
 * Invariants
 *   1. No row lets who serves start a process: clone() must make a thread.  clone3() takes its flags from memory, where a
 *      filter cannot look; it is answered ENOSYS (calls_seccomp.c), and glibc then uses clone() (clone_internal.c, 2.34).
 *      Who stands by may call fork(), as glibc does it (sysdeps/unix/sysv/linux/arch-fork.h, 2.36).
 *   2. No memory becomes executable after start, so all libraries must be loaded before (sandbox.c, warm_up).
 *   3. Signals go to ourselves only.
 *   4. A descriptor that is open when the sandbox closes may be used, and stays here: nothing sends one (SCM_RIGHTS takes
 *      sendmsg, and a datagram socket reaches any name with it, connected or not: unix(7)), and the serving worker is sent none.
 *      What is sent goes to whom a socket is connected to: sendto() without an address.
 *   5. What an open file description shares with the keeper and with successors stays as it is: no fcntl row sets its flags
 *      (O_NONBLOCK on /dev/fuse would end each successor's loop) or its owner (F_SETOWN, F_SETSIG: a signal of choice to
 *      each process of our user), no row shuts down a socket, and flock(2) takes a lock, but gives none back.
 */
#include "sandbox/calls.h"

#include <asm/ioctls.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "base/sanitizer.h"

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41 /* names of anonymous maps: glibc 2.39 sets them */
#endif

#define ANY(call)                                                                                            \
        {                                                                                                    \
                call, CALL_ANY, 0, 0, CALL_ALL                                                               \
        }
#define EQUALS(call, n, v)                                                                                   \
        {                                                                                                    \
                call, CALL_EQUALS, n, v, CALL_ALL                                                            \
        }
#define SANITIZER(call)                                                                                      \
        {                                                                                                    \
                call, CALL_ANY, 0, 0, CALL_SANITIZER                                                         \
        }

/* clang-format off */
static const struct call_row policy[] = {
        /* memory; never executable */
        ANY("brk"), ANY("munmap"), ANY("mremap"), ANY("madvise"), ANY("membarrier"), ANY("msync"), ANY("memfd_create"),
        { "mmap", CALL_LACKS, 2, PROT_EXEC, CALL_ALL },
        { "mprotect", CALL_LACKS, 2, PROT_EXEC, CALL_ALL },
        /* threads */
        { "clone", CALL_HAS, 0, CLONE_THREAD | CLONE_VM | CLONE_SIGHAND, CALL_ALL },
        ANY("futex"), ANY("futex_waitv"), ANY("set_robust_list"), ANY("get_robust_list"), ANY("rseq"),
        ANY("set_tid_address"), ANY("exit"), ANY("exit_group"), ANY("gettid"), ANY("sched_yield"),
        ANY("sched_getaffinity"), ANY("sched_setaffinity"), ANY("sched_getparam"), ANY("sched_getscheduler"),
        ANY("sched_setscheduler"), ANY("sched_getattr"), ANY("sched_setattr"), ANY("sched_get_priority_max"),
        ANY("sched_get_priority_min"), ANY("getpriority"), ANY("setpriority"), ANY("ioprio_get"), ANY("ioprio_set"),
        ANY("getcpu"),
        EQUALS("prctl", 0, PR_SET_NAME), EQUALS("prctl", 0, PR_GET_NAME), EQUALS("prctl", 0, PR_SET_VMA),
        /* signals */
        ANY("rt_sigaction"), ANY("rt_sigprocmask"), ANY("rt_sigreturn"), ANY("rt_sigtimedwait"), ANY("rt_sigpending"),
        ANY("rt_sigsuspend"), ANY("sigaltstack"), ANY("signalfd4"), ANY("pause"), ANY("restart_syscall"),
        { "tgkill", CALL_SELF, 0, 0, CALL_ALL },
        { "kill", CALL_SELF, 0, 0, CALL_ALL },
        /* what is open */
        ANY("read"), ANY("readv"), ANY("pread64"), ANY("preadv"), ANY("preadv2"), ANY("write"), ANY("writev"),
        ANY("pwrite64"), ANY("pwritev"), ANY("pwritev2"), ANY("lseek"), ANY("close"), ANY("close_range"), ANY("dup"),
        ANY("dup2"), ANY("dup3"), EQUALS("flock", 1, LOCK_EX | LOCK_NB), ANY("fstat"), ANY("fstatfs"), ANY("fsync"),
        ANY("fdatasync"), ANY("sync_file_range"), ANY("ftruncate"), ANY("fallocate"), ANY("fadvise64"), ANY("readahead"),
        ANY("getdents64"), ANY("fchmod"), ANY("splice"), ANY("vmsplice"), ANY("tee"), ANY("pipe"), ANY("pipe2"),
        ANY("copy_file_range"), EQUALS("sendto", 4, 0), ANY("recvfrom"),
        EQUALS("fcntl", 1, F_DUPFD), EQUALS("fcntl", 1, F_DUPFD_CLOEXEC), EQUALS("fcntl", 1, F_GETFD),
        EQUALS("fcntl", 1, F_SETFD), EQUALS("fcntl", 1, F_GETFL), EQUALS("fcntl", 1, F_GETLK), EQUALS("fcntl", 1, F_SETLK),
        EQUALS("fcntl", 1, F_SETLKW),
        EQUALS("ioctl", 1, TCGETS), EQUALS("ioctl", 1, TIOCGWINSZ), EQUALS("ioctl", 1, FIONREAD),
        /* names: Landlock decides which */
        ANY("open"), ANY("openat"), ANY("stat"), ANY("lstat"), ANY("newfstatat"), ANY("statx"), ANY("statfs"),
        ANY("access"), ANY("faccessat"), ANY("faccessat2"), ANY("readlink"), ANY("readlinkat"), ANY("mkdir"),
        ANY("mkdirat"), ANY("rmdir"), ANY("unlink"), ANY("unlinkat"), ANY("link"), ANY("linkat"), ANY("rename"),
        ANY("renameat"), ANY("renameat2"), ANY("utimensat"), ANY("getcwd"), ANY("umask"),
        /* waiting */
        ANY("poll"), ANY("ppoll"), ANY("select"), ANY("pselect6"), ANY("epoll_create1"), ANY("epoll_ctl"),
        ANY("epoll_wait"), ANY("epoll_pwait"), ANY("epoll_pwait2"), ANY("eventfd2"), ANY("inotify_init1"),
        ANY("inotify_add_watch"), ANY("inotify_rm_watch"), ANY("timerfd_create"), ANY("timerfd_settime"),
        ANY("timerfd_gettime"), ANY("nanosleep"), ANY("clock_nanosleep"),
        /* time, limits, who we are */
        ANY("clock_gettime"), ANY("clock_getres"), ANY("gettimeofday"), ANY("time"), ANY("times"), ANY("getrusage"),
        ANY("getrlimit"), ANY("sysinfo"), ANY("uname"), ANY("getrandom"), ANY("getpid"), ANY("getppid"), ANY("getuid"),
        ANY("geteuid"), ANY("getgid"), ANY("getegid"), ANY("getresuid"), ANY("getresgid"), ANY("getgroups"),
        ANY("getpgrp"), ANY("getpgid"), ANY("getsid"), ANY("capget"),
        EQUALS("prlimit64", 0, 0),
        /* a successor by fork(), which ends with the keeper; and what takes this away again */
        { "clone", CALL_EQUALS, 0, CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD, CALL_STANDBY },
        { "prctl", CALL_EQUALS, 0, PR_SET_PDEATHSIG, CALL_STANDBY },
        { "seccomp", CALL_ANY, 0, 0, CALL_STANDBY },
        /* the socket for that successor (takeover/child.c) */
        { "recvmsg", CALL_ANY, 0, 0, CALL_STANDBY },
        /* and the process that starts readers of archives (catalog/reader.h), which these confine further */
        { "socketpair", CALL_ANY, 0, 0, CALL_STANDBY },
        { "wait4", CALL_ANY, 0, 0, CALL_STANDBY },
        { "landlock_create_ruleset", CALL_ANY, 0, 0, CALL_STANDBY },
        { "landlock_add_rule", CALL_ANY, 0, 0, CALL_STANDBY },
        { "landlock_restrict_self", CALL_ANY, 0, 0, CALL_STANDBY },
        /* LeakSanitizer stops our threads from a process of its own and reads their registers; the others' reports name
         * functions by running a symbolizer. */
        SANITIZER("clone"), SANITIZER("fork"), SANITIZER("vfork"), SANITIZER("ptrace"), SANITIZER("wait4"),
        SANITIZER("execve"), SANITIZER("prctl"), SANITIZER("mmap"), SANITIZER("mprotect"), SANITIZER("socketpair"),
        SANITIZER("kill"), SANITIZER("tgkill"), SANITIZER("process_vm_readv"), SANITIZER("personality"),
        SANITIZER("arch_prctl"), SANITIZER("ioctl"), SANITIZER("prlimit64"),
};
/* clang-format on */

/* mmap, mprotect and clone have conditions: calls_seccomp.c, reader_filter. */
static const char *const reader_policy[] = { "brk", "munmap", "mremap", "madvise", "futex", "set_robust_list",
        "rseq", "set_tid_address", "exit", "exit_group", "gettid", "getpid", "sched_yield",
        "sched_getaffinity", "getcpu", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack",
        "restart_syscall", "read", "readv", "pread64", "preadv", "write", "writev", "pwrite64", "pwritev",
        "lseek", "close", "fcntl", "fstat", "newfstatat", "fsync", "fdatasync", "sync_file_range",
        "ftruncate", "fallocate", "fadvise64", "readahead", "poll", "ppoll", "nanosleep", "clock_nanosleep",
        "clock_gettime", "clock_getres", "gettimeofday", "time", "getrandom", "getrusage", "prlimit64",
        "getrlimit", "setrlimit", NULL };

const char *const *calls_reader_policy(void)
{
        return reader_policy;
}

const struct call_row *calls_policy(size_t *ret_n)
{
        *ret_n = sizeof policy / sizeof policy[0];
        return policy;
}

bool calls_relaxed(void)
{
        return WITH_SANITIZER;
}
