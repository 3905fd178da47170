/* SPDX-License-Identifier: MPL-2.0 */
/* child: what the keeper takes from a worker's socket, and what it does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "takeover/child.h"

static unsigned open_files(void)
{
        AUTO_CLOSEDIR DIR *d = opendir("/proc/self/fd");
        unsigned n = 0;

        assert_non_null(d);
        while (readdir(d))
                n++;
        return n;
}

/* As a worker could: @letter, with @n descriptors. */
static void send_with(int fd, char letter, unsigned n)
{
        union {
                char room[CMSG_SPACE(10 * sizeof(int))];
                struct cmsghdr head;
        } control = { .room = { 0 } };
        struct iovec iov = { &letter, 1 };
        struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
        int fds[10];

        for (unsigned i = 0; i < 10; i++)
                fds[i] = STDIN_FILENO;
        if (n > 0) {
                m.msg_control = &control;
                m.msg_controllen = CMSG_SPACE(n * sizeof(int));
                control.head = (struct cmsghdr) { .cmsg_level = SOL_SOCKET,
                        .cmsg_type = SCM_RIGHTS,
                        .cmsg_len = CMSG_LEN(n * sizeof(int)) };
                memcpy(CMSG_DATA(&control.head), fds, n * sizeof(int));
        }
        if (sendmsg(fd, &m, 0) != 1)
                _exit(1);
}

static void pair(int ends[2])
{
        int on = 1;

        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
        assert_int_equal(setsockopt(ends[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof on), 0);
}

static void descriptors_of_a_worker_are_not_taken_in(void **state)
{
        struct child known = { .pid = 1, .pid_fd = -1 }, awaited = CHILD_NONE;
        int a[2], b[2];
        unsigned before;

        (void)state;
        pair(a);
        pair(b);
        known.control_fd = a[0];
        awaited.control_fd = b[0];
        before = open_files();
        for (unsigned i = 1; i <= 10; i++) {
                send_with(a[1], CHILD_SERVES, i);
                assert_int_equal(child_hear(&known), CHILD_SERVES);
                send_with(b[1], CHILD_SERVES, i);
                assert_int_equal(child_hear(&awaited), CHILD_SERVES);
                send_with(b[1], CHILD_FITS, i);
                assert_int_equal(child_hear(&awaited), CHILD_FITS);
        }
        assert_int_equal(open_files(), before);
        assert_int_equal(awaited.pid, 0); /* we ourselves are no child of ours */
        close(a[1]);
        close(b[1]);
        assert_int_equal(child_hear(&known), -1);
        child_fini(&known);
        child_fini(&awaited);
}

static void one_that_is_awaited_is_known_by_the_kernels_word(void **state)
{
        struct child c = CHILD_NONE;
        int ends[2], status;
        pid_t pid;

        (void)state;
        pair(ends);
        c.control_fd = ends[0];
        assert_true(child_is_awaited(&c));
        assert_int_equal(child_hear(&c), 0);
        pid = fork();
        if (pid == 0) {
                send_with(ends[1], CHILD_FITS, 3);
                _exit(0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(child_hear(&c), CHILD_FITS); /* gone, and waited for: its number may be anybody's */
        assert_int_equal(c.pid, 0);
        pid = fork();
        if (pid == 0) {
                send_with(ends[1], CHILD_FITS, 0);
                (void)pause();
        }
        while (child_hear(&c) == 0)
                (void)usleep(1000);
        assert_int_equal(c.pid, pid);
        assert_true(c.pid_fd >= 0);
        assert_false(child_is_dead(&c));
        assert_false(child_is_awaited(&c));
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(child_is_dead(&c));
        close(ends[1]);
        child_fini(&c);
        assert_false(child_exists(&c));
}

/* child_go and child_wait_go, between two processes; the answer is the step that failed. */
static int be_told(bool with_successor)
{
        int statm_fd, successor_fd;
        char text[64];

        if (!child_wait_go(&statm_fd, &successor_fd))
                return 1;
        if (statm_fd < 0 || read(statm_fd, text, sizeof text) <= 0)
                return 2;
        if ((successor_fd >= 0) != with_successor)
                return 3;
        if (!with_successor)
                return 0;
        return dup2(successor_fd, CHILD_CONTROL_FD) < 0 ? 4 : (child_say(CHILD_FITS, NULL), 0);
}

static void go_brings_what_the_packet_says(void **state)
{
        (void)state;
        for (int with = 0; with < 2; with++) {
                struct child c = CHILD_NONE, successor = CHILD_NONE;
                int ends[2], status;

                pair(ends);
                c.control_fd = ends[0];
                c.pid = fork();
                if (c.pid == 0) {
                        if (dup2(ends[1], CHILD_CONTROL_FD) < 0)
                                _exit(9);
                        _exit(be_told(with));
                }
                close(ends[1]);
                child_go(&c, with ? &successor : NULL);
                assert_int_equal(waitpid(c.pid, &status, 0), c.pid);
                assert_true(WIFEXITED(status));
                assert_int_equal(WEXITSTATUS(status), 0);
                assert_int_equal(child_is_awaited(&successor), with);
                if (with) {
                        assert_int_equal(child_hear(&successor), CHILD_FITS);
                        assert_int_equal(successor.pid, 0); /* it has ended, and cannot be relied on */
                        assert_int_equal(child_hear(&successor), -1);
                }
                child_fini(&successor);
                child_fini(&c);
        }
}

static void one_that_is_gone_leaves_nobody_awaited_for_long(void **state)
{
        struct child c = { .pid = 1, .pid_fd = -1 }, successor = CHILD_NONE;
        int ends[2];

        (void)state;
        pair(ends);
        c.control_fd = ends[0];
        close(ends[1]);
        child_go(&c, &successor);
        assert_true(!child_exists(&successor) || child_hear(&successor) == -1);
        child_fini(&successor);
        child_fini(&c);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(descriptors_of_a_worker_are_not_taken_in),
                cmocka_unit_test(one_that_is_awaited_is_known_by_the_kernels_word),
                cmocka_unit_test(go_brings_what_the_packet_says),
                cmocka_unit_test(one_that_is_gone_leaves_nobody_awaited_for_long),
        };

        return cmocka_run_group_tests_name("child", tests, NULL, NULL);
}
