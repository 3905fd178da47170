/* SPDX-License-Identifier: MPL-2.0 */
/* The table of system calls: what it must not hold, what it must, and that the kernel keeps to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/calls.h"

static const struct call_row *row_of(const char *name)
{
        size_t n;
        const struct call_row *rows = calls_policy(&n);

        for (size_t i = 0; i < n; i++)
                if (rows[i].who == CALL_ALL && strcmp(rows[i].name, name) == 0)
                        return &rows[i];
        return NULL;
}

/* Who stands by may fork, follow the keeper into its end, give these up, and have readers whom it takes the rest from: nothing
 * else beside. */
static void who_stands_by_may_do_some_things_more(void **state)
{
        static const char *const more[] = { "clone", "prctl", "seccomp", "recvmsg", "socketpair", "wait4", "landlock_create_ruleset",
                "landlock_add_rule", "landlock_restrict_self" };
        size_t n, found = 0;
        const struct call_row *rows = calls_policy(&n);

        (void)state;
        for (size_t i = 0; i < n; i++) {
                if (rows[i].who != CALL_STANDBY)
                        continue;
                assert_true(found < sizeof more / sizeof more[0]);
                assert_string_equal(rows[i].name, more[found++]);
        }
        assert_int_equal(found, sizeof more / sizeof more[0]);
}

static void families_that_lead_out_have_no_row(void **state)
{
        static const char *const refused[] = {
                /* programs, processes */
                "execve",
                "execveat",
                "fork",
                "vfork",
                "clone3",
                "ptrace",
                "process_vm_readv",
                "process_vm_writev",
                "process_madvise",
                "pidfd_open",
                "pidfd_getfd",
                "pidfd_send_signal",
                "kcmp",
                "tkill",
                "rt_sigqueueinfo",
                "rt_tgsigqueueinfo",
                "wait4",
                "waitid",
                "unshare",
                "setns",
                "personality",
                /* sockets */
                "socket",
                "socketpair",
                "connect",
                "bind",
                "listen",
                "accept",
                "accept4",
                "setsockopt",
                "sendmsg",
                "sendmmsg",
                "recvmsg",
                "recvmmsg",
                "shutdown",
                /* the file system's shape */
                "mount",
                "umount2",
                "pivot_root",
                "chroot",
                "open_tree",
                "move_mount",
                "fsopen",
                "fsconfig",
                "fsmount",
                "fspick",
                "mount_setattr",
                "swapon",
                "swapoff",
                "quotactl",
                "name_to_handle_at",
                "open_by_handle_at",
                "mknod",
                "mknodat",
                "symlink",
                "symlinkat",
                "chmod",
                "fchmodat",
                "chown",
                "fchown",
                "lchown",
                "fchownat",
                "setxattr",
                "lsetxattr",
                "fsetxattr",
                "truncate",
                "chdir",
                "fchdir",
                "fanotify_init",
                /* ids, capabilities, keys */
                "setuid",
                "setgid",
                "setreuid",
                "setregid",
                "setresuid",
                "setresgid",
                "setgroups",
                "setfsuid",
                "setfsgid",
                "capset",
                "keyctl",
                "add_key",
                "request_key",
                "seccomp",
                /* the kernel */
                "bpf",
                "perf_event_open",
                "init_module",
                "finit_module",
                "delete_module",
                "kexec_load",
                "kexec_file_load",
                "reboot",
                "syslog",
                "sethostname",
                "setdomainname",
                "iopl",
                "ioperm",
                "modify_ldt",
                "userfaultfd",
                "io_uring_setup",
                "io_uring_enter",
                "io_uring_register",
                "io_setup",
                "io_submit",
                "settimeofday",
                "clock_settime",
                "adjtimex",
                "clock_adjtime",
                "acct",
                "vhangup",
                "lookup_dcookie",
                "nfsservctl",
                "move_pages",
                "migrate_pages",
                "mbind",
                "set_mempolicy",
                "shmget",
                "msgget",
                "semget",
                "mq_open",
        };

        (void)state;
        for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
                if (row_of(refused[i]))
                        fail_msg("%s has a row", refused[i]);
}

static void what_could_be_misused_is_allowed_in_part(void **state)
{
        static const char *const in_part[] = { "mmap", "mprotect", "clone", "prctl", "ioctl", "kill",
                "tgkill", "prlimit64", "fcntl", "flock", "sendto" };

        (void)state;
        for (size_t i = 0; i < sizeof in_part / sizeof in_part[0]; i++) {
                assert_non_null(row_of(in_part[i]));
                assert_int_not_equal(row_of(in_part[i])->test, CALL_ANY);
        }
}

static void each_name_stands_once_unless_its_rows_differ(void **state)
{
        size_t n;
        const struct call_row *rows = calls_policy(&n);

        (void)state;
        for (size_t i = 0; i < n; i++)
                for (size_t k = i + 1; k < n; k++)
                        if (rows[k].who != CALL_SANITIZER && rows[i].who == rows[k].who &&
                                strcmp(rows[i].name, rows[k].name) == 0 &&
                                (rows[i].test == CALL_ANY || rows[k].test == CALL_ANY ||
                                        rows[i].value == rows[k].value))
                                fail_msg("%s stands twice", rows[i].name);
}

/* What the tests below try inside: bits of the answer. */
static void *end_at_once(void *arg)
{
        return arg;
}

static bool refused(long r)
{
        return r < 0 && errno == EPERM;
}

/* A connected pair, as the worker has to its keeper; made before the filter is. */
static int ends[2];

/* sendmsg(2) of our standard input to whatever stands at a path, or to the other end. */
static long send_descriptor(const char *path)
{
        struct sockaddr_un to = { .sun_family = AF_UNIX };
        union {
                char room[CMSG_SPACE(sizeof(int))];
                struct cmsghdr align;
        } control = { .align = { .cmsg_len = CMSG_LEN(sizeof(int)),
                              .cmsg_level = SOL_SOCKET,
                              .cmsg_type = SCM_RIGHTS } };
        struct iovec iov = { (char[]) { "x" }, 1 };
        struct msghdr m = {
                .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
        };

        memset(CMSG_DATA(&control.align), 0, sizeof(int));
        if (path) {
                (void)snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
                m.msg_name = &to;
                m.msg_namelen = sizeof to;
        }
        return sendmsg(ends[0], &m, MSG_DONTWAIT);
}

/* No descriptor leaves this process or comes in, by a name or to whom it is connected; bytes do. */
static bool descriptors_stay(void)
{
        struct sockaddr_un to = { .sun_family = AF_UNIX, .sun_path = "/nobody" };
        struct iovec iov = { (char[2]) { 0 }, 2 };
        struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

        return refused(send_descriptor("/nobody")) && refused(send_descriptor(NULL)) &&
               refused(sendto(ends[0], "x", 1, MSG_DONTWAIT, (struct sockaddr *)&to, sizeof to)) &&
               send(ends[0], "x", 1, MSG_DONTWAIT) == 1 && refused(recvmsg(ends[1], &m, MSG_DONTWAIT));
}

/* What the keeper and successors share with us stays as it is. */
static bool flags_stay(void)
{
        return refused(fcntl(ends[0], F_SETFL, O_NONBLOCK)) && refused(fcntl(ends[0], F_SETOWN, getppid())) &&
               refused(fcntl(ends[0], F_SETSIG, SIGKILL)) && refused(shutdown(ends[0], SHUT_RDWR)) &&
               refused(flock(STDIN_FILENO, LOCK_UN)) && fcntl(ends[0], F_GETFD) >= 0 &&
               close(fcntl(ends[0], F_DUPFD_CLOEXEC, 0)) == 0;
}

/* Returns the number of the first thing that is not as it should be. */
static int look_around(void)
{
        char path[64], byte = 0;
        pthread_t t;
        void *p;
        int fd, step = 1;

        /* what we live on */
        if (pthread_create(&t, NULL, end_at_once, NULL) != 0 || pthread_join(t, NULL) != 0)
                return step;
        step++;
        fd = eventfd(0, EFD_CLOEXEC);
        if (fd < 0 || close(fd) < 0)
                return step;
        step++;
        (void)snprintf(path, sizeof path, "/proc/%d/status", (int)getpid());
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || read(fd, &byte, 1) != 1 || close(fd) < 0)
                return step;
        step++;
        p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED || mprotect(p, 4096, PROT_READ) < 0)
                return step;
        step++;
        if (prctl(PR_SET_NAME, "in") < 0 || setpriority(PRIO_PROCESS, 0, 5) < 0 || kill(getpid(), 0) < 0)
                return step;
        step++;
        /* what we do without */
        if (!refused(socket(AF_INET, SOCK_STREAM, 0)) || !refused(socket(AF_UNIX, SOCK_DGRAM, 0)))
                return step;
        step++;
        if (!refused(setuid(0)) || !refused(syscall(SYS_setresuid, 0, 0, 0)))
                return step;
        step++;
        if (!refused(syscall(SYS_bpf, 0, NULL, 0)) || !refused(syscall(SYS_io_uring_setup, 1, NULL)))
                return step;
        step++;
        if (!refused(syscall(SYS_unshare, CLONE_NEWUSER)) || !refused(chdir("/")))
                return step;
        step++;
        if (!descriptors_stay())
                return step;
        step++;
        if (!flags_stay())
                return step;
        if (calls_relaxed())
                return 0;
        step++;
        if (!refused(kill(getppid(), 0)) || !refused(syscall(SYS_tgkill, getppid(), getppid(), 0)))
                return step;
        step++;
        if (!refused(fork()) || !refused(ptrace(PTRACE_TRACEME, 0, NULL, NULL)))
                return step;
        step++;
        if (!refused(mprotect(p, 4096, PROT_READ | PROT_EXEC)) || !refused(prctl(PR_SET_DUMPABLE, 1)))
                return step;
        step++;
        return syscall(SYS_clone3, NULL, 0) < 0 && errno == ENOSYS ? 0 : step;
}

/* A child that ends with 7; how it ended cannot be waited for inside (wait4 has no row), only told by a pipe. */
static bool can_fork(void)
{
        char byte = 0;
        int pipe_ends[2];
        pid_t pid;

        if (pipe(pipe_ends) < 0)
                return false;
        pid = fork();
        if (pid == 0) {
                (void)!write(pipe_ends[1], "7", 1);
                _exit(0);
        }
        close(pipe_ends[1]);
        (void)!read(pipe_ends[0], &byte, 1);
        close(pipe_ends[0]);
        return pid > 0 && byte == '7';
}

static int stand_by(void)
{
        struct err err;
        int step = 1;

        if (!can_fork())
                return step;
        step++;
        if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || kill(getpid(), 0) < 0)
                return step;
        step++;
        if (!refused(socket(AF_INET, SOCK_STREAM, 0)) || !refused(setuid(0)))
                return step;
        step++;
        if (!calls_relaxed() &&
                (!refused(syscall(SYS_clone, SIGCHLD | CLONE_NEWUSER, 0, 0, 0, 0)) ||
                        !refused(execve("/bin/true", (char *[]) { NULL }, (char *[]) { NULL }))))
                return step;
        step++;
        if (calls_narrow(&err) < 0)
                return step;
        step++;
        if (!refused(syscall(SYS_seccomp, 0, 0, NULL)))
                return step;
        step++;
        if (!calls_relaxed() && (can_fork() || !refused(prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0))))
                return step;
        return 0;
}

static int serve(void)
{
        struct err err;

        return calls_narrow(&err) < 0 ? 103 : look_around();
}

/* The successor's process id is its own: what it may signal is what it is when it serves. */
static int succeed(void)
{
        struct err err;
        int step = 1;

        if (calls_narrow(&err) < 0)
                return step;
        step++;
        if (kill(getpid(), 0) < 0)
                return step;
        step++;
        return calls_relaxed() || refused(kill(getppid(), 0)) ? 0 : step;
}

static int stand_by_and_be_succeeded(void)
{
        char byte = 100;
        int pipe_ends[2];

        if (pipe(pipe_ends) < 0)
                return 101;
        if (fork() == 0) {
                byte = (char)succeed();
                (void)!write(pipe_ends[1], &byte, 1);
                _exit(0);
        }
        close(pipe_ends[1]);
        (void)!read(pipe_ends[0], &byte, 1);
        close(pipe_ends[0]);
        return byte;
}

static int inside(int (*fn)(void))
{
        int status;
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0) {
                struct err err;
                unsigned n = 0;

                if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
                        socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends) < 0)
                        _exit(100);
                if (send_descriptor("/nobody") >= 0 || errno != ENOENT || send_descriptor(NULL) != 1)
                        _exit(104); /* what is refused inside can be done here */
                if (calls_enter(&n, &err) < 0)
                        _exit(101);
                _exit(n > 50 ? fn() : 102);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        return WEXITSTATUS(status);
}

static void the_kernel_keeps_to_the_table(void **state)
{
        (void)state;
#ifdef HAVE_SECCOMP
        assert_int_equal(inside(serve), 0);
        assert_int_equal(inside(stand_by), 0);
        assert_int_equal(inside(stand_by_and_be_succeeded), 0);
#else
        struct err err;
        unsigned n = 7;

        assert_int_equal(calls_enter(&n, &err), -ENOSYS);
        assert_string_equal(err.text, "this pxefs was built without libseccomp");
        assert_int_equal(n, 7);
        assert_int_equal(calls_narrow(&err), -ENOSYS);
        (void)inside;
        (void)serve;
        (void)stand_by;
        (void)stand_by_and_be_succeeded;
#endif
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(who_stands_by_may_do_some_things_more),
                cmocka_unit_test(families_that_lead_out_have_no_row),
                cmocka_unit_test(what_could_be_misused_is_allowed_in_part),
                cmocka_unit_test(each_name_stands_once_unless_its_rows_differ),
                cmocka_unit_test(the_kernel_keeps_to_the_table),
        };

        return cmocka_run_group_tests_name("calls", tests, NULL, NULL);
}
