/* SPDX-License-Identifier: MPL-2.0 */
/* The sandbox as a whole, around a child: what is named can be used, what is not cannot, and the report is true. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/calls.h"
#include "base/caps.h"
#include "sandbox/sandbox.h"

/* A kernel or a build that lacks one of them. */
static bool no_landlock, no_seccomp;
static bool broken; /* what there is fails */
__typeof__(landlock_enter) __real_landlock_enter, __wrap_landlock_enter;
__typeof__(calls_enter) __real_calls_enter, __wrap_calls_enter;

int __wrap_landlock_enter(struct landlock_place *places, size_t n, int *ret_abi, struct err *err)
{
        if (no_landlock || broken)
                return err_set(err, no_landlock ? -ENOSYS : -ENOMEM, no_landlock ? "none here" : "none left");
        return __real_landlock_enter(places, n, ret_abi, err);
}

int __wrap_calls_enter(unsigned *ret_n, struct err *err)
{
        if (no_seccomp || broken)
                return err_set(err, no_seccomp ? -ENOSYS : -ENOMEM, no_seccomp ? "none here" : "none left");
        return __real_calls_enter(ret_n, err);
}

static char dir[] = "/tmp/pxefs-sandbox.XXXXXX";

static int setup(void **state)
{
        (void)state;
        if (!mkdtemp(dir) || chdir(dir) < 0 || mkdir("builds", 0755) < 0 || mkdir("cache", 0755) < 0 ||
                mkdir("db", 0755) < 0 || mkdir("else", 0755) < 0)
                return -1;
        close(open("builds/a", O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
        close(open("else/a", O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
        return 0;
}

static int teardown(void **state)
{
        static const char *const files[] = { "builds/a", "else/a", "cache/a", "cache/sub/a", "db/a",
                "moved/a" };
        static const char *const dirs[] = { "cache/sub", "builds", "cache", "db", "else", "moved" };

        (void)state;
        for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
                (void)unlink(files[i]);
        for (size_t i = 0; i < sizeof dirs / sizeof dirs[0]; i++)
                (void)rmdir(dirs[i]);
        return rmdir(dir);
}

/* Runs @fn in a child; its answer. */
static int in_child(int (*fn)(void))
{
        int status;
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0)
                _exit(fn());
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        return WEXITSTATUS(status);
}

static struct landlock_place places[] = { { .path = "builds", .use = LANDLOCK_READ },
        { .path = "cache", .use = LANDLOCK_CACHE }, { .path = "db", .use = LANDLOCK_DATABASE },
        { .path = "not-there", .use = LANDLOCK_READ } };

static int enter(struct sandbox_report *rep)
{
        struct err err;

        caps_empty_bounding_set();
        return sandbox_enter(&(struct sandbox_options) { .places = places, .n_places = 4 }, rep, &err);
}

static int try(const char *path, int flags)
{
        int fd = open(path, flags | O_CLOEXEC, 0600);

        if (fd < 0)
                return -errno;
        close(fd);
        return 0;
}

/* What it was bound to is told by what was opened for the rule: a directory that is moved away and back a moment before
 * is bound or not, and nobody who looks at its path afterwards can tell. */
static bool bound_as_told(const struct landlock_place *p)
{
        struct stat st;

        return stat(p->path, &st) == 0 ? p->bound && p->dev == st.st_dev && p->ino == st.st_ino : !p->bound;
}

static int use_places(void)
{
        struct sandbox_report rep;

        if (enter(&rep) < 0)
                return 1;
        if (rep.landlock_abi == 0)
                return 77;
        if (try("builds/a", O_RDONLY) != 0 || try("builds", O_RDONLY | O_DIRECTORY) != 0)
                return 2;
        if (try("builds/a", O_RDWR) != -EACCES || try("builds/b", O_RDWR | O_CREAT) != -EACCES ||
                unlink("builds/a") == 0)
                return 3;
        if (try("cache/a", O_RDWR | O_CREAT) != 0 || mkdir("cache/sub", 0700) < 0 ||
                rename("cache/a", "cache/sub/a") < 0)
                return rep.landlock_abi < 2 ? 0 : 4;
        if (try("db/a", O_RDWR | O_CREAT) != 0 || unlink("db/a") < 0 || mkdir("db/sub", 0700) == 0)
                return 5;
        if (try("else/a", O_RDONLY) != -EACCES || try("else", O_RDONLY | O_DIRECTORY) != -EACCES)
                return 6;
        if (try("/etc/passwd", O_RDONLY) != -EACCES || try("/", O_RDONLY | O_DIRECTORY) != -EACCES ||
                try("not-there", O_RDONLY) != -ENOENT)
                return 7;
        for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
                if (!bound_as_told(&places[i]))
                        return 9;
        return try("/dev/null", O_RDWR) == 0 && try("/dev/urandom", O_RDONLY) == 0 ? 0 : 8;
}

static void what_is_named_can_be_used_and_nothing_else_opened(void **state)
{
        int r = in_child(use_places);

        (void)state;
        if (r == 77)
                skip();
        assert_int_equal(r, 0);
}

static int to_child[2], to_parent[2];

static int follow_a_move(void)
{
        struct sandbox_report rep;
        char byte;

        if (enter(&rep) < 0)
                return 1;
        if (write(to_parent[1], "", 1) != 1 || read(to_child[0], &byte, 1) != 1)
                return 2;
        if (rep.landlock_abi == 0)
                return 77;
        return try("builds/a", O_RDONLY) == -EACCES && try("moved/a", O_RDONLY) == 0 ? 0 : 3;
}

static void a_directory_moved_to_a_named_path_is_not_reached(void **state)
{
        int status;
        char byte;
        pid_t pid;

        (void)state;
        assert_int_equal(pipe2(to_child, O_CLOEXEC), 0);
        assert_int_equal(pipe2(to_parent, O_CLOEXEC), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
                _exit(follow_a_move());
        close(to_parent[1]);
        assert_int_equal(read(to_parent[0], &byte, 1), 1);
        assert_int_equal(rename("builds", "moved"), 0);
        assert_int_equal(rename("else", "builds"), 0);
        assert_int_equal(write(to_child[1], "", 1), 1);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(rename("builds", "else"), 0);
        assert_int_equal(rename("moved", "builds"), 0);
        assert_true(WIFEXITED(status));
        if (WEXITSTATUS(status) == 77)
                skip();
        assert_int_equal(WEXITSTATUS(status), 0);
}

static void the_report_is_true(void **state)
{
        struct sandbox_report rep = {
                .landlock_abi = 7, .calls = 160, .no_new_privs = true, .no_capabilities = true
        };
        struct buf text = BUF_INIT;

        (void)state;
        assert_true(sandbox_is_whole(&rep));
        sandbox_report_text(&rep, &text);
        assert_string_equal(text.data, "Landlock ABI 7, 160 system calls, no capabilities, no_new_privs");
        buf_fini(&text);
        sandbox_report_json(&rep, &text);
        assert_string_equal(text.data,
                "{\"landlock_abi\": 7, \"landlock_missing\": null, \"system_calls\": 160, "
                "\"seccomp_missing\": null, "
                "\"no_new_privs\": true, \"no_capabilities\": true, \"relaxed\": false}");
        buf_fini(&text);

        rep = (struct sandbox_report) { .no_new_privs = true };
        (void)err_set(&rep.landlock_why, 0, "a \"kernel\" from before");
        (void)err_set(&rep.seccomp_why, 0, "not built");
        assert_false(sandbox_is_whole(&rep));
        sandbox_report_text(&rep, &text);
        assert_string_equal(text.data, "no Landlock (a \"kernel\" from before), no filter of system calls "
                                       "(not built), capabilities can be "
                                       "regained, no_new_privs");
        buf_fini(&text);
        sandbox_report_json(&rep, &text);
        assert_non_null(strstr(text.data, "\"landlock_missing\": \"a \\\"kernel\\\" from before\""));
        buf_fini(&text);
}

static void any_part_that_is_missing_is_not_whole(void **state)
{
        const struct sandbox_report whole = {
                .landlock_abi = 1, .calls = 1, .no_new_privs = true, .no_capabilities = true
        };
        struct sandbox_report r = whole;

        (void)state;
        assert_true(sandbox_is_whole(&r));
        r.landlock_abi = 0;
        assert_false(sandbox_is_whole(&r));
        r = whole;
        r.calls = 0;
        assert_false(sandbox_is_whole(&r));
        r = whole;
        r.no_new_privs = false;
        assert_false(sandbox_is_whole(&r));
        r = whole;
        r.no_capabilities = false;
        assert_false(sandbox_is_whole(&r));
        r = whole;
        r.relaxed = true;
        assert_false(sandbox_is_whole(&r));
}

static int with_neither(void)
{
        struct sandbox_report rep;
        struct err err;

        no_landlock = no_seccomp = true; /* of this child */
        if (sandbox_enter(&(struct sandbox_options) { 0 }, &rep, &err) < 0)
                return 1;
        if (rep.landlock_abi || rep.calls || !rep.landlock_why.text[0] || !rep.seccomp_why.text[0] ||
                !rep.no_new_privs)
                return 2;
        return try("/etc/passwd", O_RDONLY) == 0 && prctl(PR_GET_DUMPABLE) == 0 ? 0 : 3;
}

static void what_is_missing_is_told_and_the_rest_holds(void **state)
{
        (void)state;
        assert_int_equal(in_child(with_neither), 0);
}

static int with_many_places(void)
{
        struct landlock_place many[300];
        struct sandbox_report rep;
        struct err err;

        for (size_t i = 0; i < sizeof many / sizeof many[0]; i++)
                many[i] = (struct landlock_place) { .path = "builds", .use = LANDLOCK_READ };
        if (sandbox_enter(&(struct sandbox_options) { .places = many, .n_places = 300 }, &rep, &err) < 0)
                return 1;
        if (rep.landlock_abi == 0)
                return 77;
        return try("builds/a", O_RDONLY) == 0 && try("else/a", O_RDONLY) == -EACCES && many[299].bound ? 0
                                                                                                       : 2;
}

/* However many there are, none of it is left out for that. */
static void any_number_of_places_is_kept_to(void **state)
{
        int r = in_child(with_many_places);

        (void)state;
        if (r == 77)
                skip();
        assert_int_equal(r, 0);
}

/* Neither kernel nor build lacks it, and it fails all the same. */
static int with_a_failure(void)
{
        struct sandbox_report rep = { .calls = 7 };
        struct err err = { "" };

        broken = true;
        if (sandbox_enter(&(struct sandbox_options) { 0 }, &rep, &err) != -ENOMEM ||
                !strstr(err.text, "none left"))
                return 1;
        no_landlock = true; /* then it is the other one that fails */
        return sandbox_enter(&(struct sandbox_options) { 0 }, &rep, &err) == -ENOMEM && rep.calls == 7 ? 0
                                                                                                       : 2;
}

static void what_fails_is_not_taken_for_what_is_missing(void **state)
{
        (void)state;
        assert_int_equal(in_child(with_a_failure), 0);
}

static int as_root(void)
{
        struct sandbox_report rep;

        if (geteuid() != 0)
                return 77;
        if (enter(&rep) < 0 || !rep.no_capabilities)
                return 1;
        return chown("builds/a", 1, 1) < 0 && errno == EPERM ? 0 : 2;
}

static void root_without_capabilities_is_nobody_special(void **state)
{
        int r = in_child(as_root);

        (void)state;
        if (r == 77)
                skip();
        assert_int_equal(r, 0);
}

static int bounding_set_left(void)
{
        struct sandbox_report rep;
        struct err err;

        if (prctl(PR_CAPBSET_READ, 0, 0, 0, 0) != 1)
                return 77;
        no_landlock = no_seccomp = true; /* of this child */
        if (sandbox_enter(&(struct sandbox_options) { 0 }, &rep, &err) < 0)
                return 1;
        return rep.no_capabilities ? 2 : 0;
}

static void a_full_bounding_set_is_not_called_no_capabilities(void **state)
{
        int r = in_child(bounding_set_left);

        (void)state;
        if (r == 77)
                skip();
        assert_int_equal(r, 0);
}

static void *wait_for_end(void *arg)
{
        char byte;

        return read(*(int *)arg, &byte, 1) < 0 ? arg : NULL;
}

static int with_a_thread(void)
{
        struct sandbox_report rep = { .calls = 7 };
        struct err err;
        pthread_t t;
        int ends[2], r;

        if (pipe2(ends, O_CLOEXEC) < 0 || pthread_create(&t, NULL, wait_for_end, &ends[0]) != 0)
                return 1;
        r = sandbox_enter(&(struct sandbox_options) { 0 }, &rep, &err);
        close(ends[1]);
        (void)pthread_join(t, NULL);
        return r == -EBUSY && rep.calls == 7 && strstr(err.text, "before threads") ? 0 : 2;
}

static void a_second_thread_is_refused(void **state)
{
        (void)state;
        assert_int_equal(in_child(with_a_thread), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_report_is_true),
                cmocka_unit_test(any_part_that_is_missing_is_not_whole),
                cmocka_unit_test(what_is_named_can_be_used_and_nothing_else_opened),
                cmocka_unit_test(a_directory_moved_to_a_named_path_is_not_reached),
                cmocka_unit_test(what_is_missing_is_told_and_the_rest_holds),
                cmocka_unit_test(any_number_of_places_is_kept_to),
                cmocka_unit_test(what_fails_is_not_taken_for_what_is_missing),
                cmocka_unit_test(root_without_capabilities_is_nobody_special),
                cmocka_unit_test(a_full_bounding_set_is_not_called_no_capabilities),
                cmocka_unit_test(a_second_thread_is_refused),
        };

        return cmocka_run_group_tests_name("sandbox", tests, setup, teardown);
}
