/* SPDX-License-Identifier: MPL-2.0 */
/* seen: bounded, written now and then, read back whatever the file holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "namespace/seen.h"

#define A UINT64_C(0x020820abcd01)

struct lab {
        char dir[40];
        int fd;
        struct seen_machine v[SEEN_MAX];
};

static int set_up(void **state)
{
        struct lab *lab = calloc(1, sizeof *lab);

        (void)snprintf(lab->dir, sizeof lab->dir, "/tmp/pxefs-seen-XXXXXX");
        assert_non_null(mkdtemp(lab->dir));
        lab->fd = open(lab->dir, O_RDONLY | O_DIRECTORY);
        *state = lab;
        return 0;
}

static int tear_down(void **state)
{
        struct lab *lab = *state;

        (void)unlinkat(lab->fd, "seen", 0);
        (void)unlinkat(lab->fd, "seen", AT_REMOVEDIR);
        assert_int_equal(unlinkat(lab->fd, "seen.new", 0), -1); /* nothing is left half-way */
        close(lab->fd);
        assert_int_equal(rmdir(lab->dir), 0);
        free(lab);
        return 0;
}

static struct seen *open_seen(const struct lab *lab)
{
        struct seen *s = NULL;
        struct err err = { "" };

        if (seen_open(lab->fd, 1, &s, &err) < 0)
                fail_msg("%s", err.text);
        return s;
}

static void put_file(const struct lab *lab, const char *text)
{
        int fd = openat(lab->fd, "seen", O_WRONLY | O_CREAT | O_TRUNC, 0600);

        assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
        close(fd);
}

static void what_is_seen_is_counted_and_survives_a_restart(void **state)
{
        struct lab *lab = *state;
        time_t start = time(NULL);

        assert_int_equal(seen_read(lab->fd, lab->v), -ENOENT);
        for (int run = 1; run <= 2; run++) {
                struct seen *s = open_seen(lab);

                for (int i = 0; i < 5; i++)
                        seen_note(s, A);
                seen_note(s, 0); /* no machine */
                seen_close(s);
                assert_int_equal(seen_read(lab->fd, lab->v), 1);
                assert_int_equal(lab->v[0].mac, A);
                assert_int_equal(lab->v[0].count, 5 * run);
                assert_true(lab->v[0].first_sec >= start && lab->v[0].last_sec >= lab->v[0].first_sec);
        }
        seen_note(NULL, A);
}

static void the_thread_writes_without_being_closed_and_nothing_while_nobody_asks(void **state)
{
        struct lab *lab = *state;
        struct seen *s = open_seen(lab);
        int n = -ENOENT;

        assert_int_equal(faccessat(lab->fd, "seen", F_OK, 0), -1);
        seen_note(s, A);
        for (int i = 0; i < 5000 && n != 1; i++) {
                (void)nanosleep(&(struct timespec) { .tv_nsec = 1000000 }, NULL);
                n = seen_read(lab->fd, lab->v);
        }
        assert_int_equal(n, 1);
        seen_close(s);
}

static void the_one_that_was_silent_longest_makes_room(void **state)
{
        struct lab *lab = *state;
        struct seen *s;

        put_file(lab, "02-08-20-ab-cd-01 100 200 7\n02-08-20-ab-cd-02 100 150 9\n");
        s = open_seen(lab);
        for (uint64_t i = 0; i < SEEN_MAX - 1; i++)
                seen_note(s, UINT64_C(0x020820000000) + i + 1);
        seen_close(s);
        assert_int_equal(seen_read(lab->fd, lab->v), SEEN_MAX);
        assert_int_equal(lab->v[SEEN_MAX - 1].mac, A); /* the other one went */
        assert_int_equal(lab->v[SEEN_MAX - 1].count, 7);
}

static void lines_that_are_none_are_passed_over(void **state)
{
        static const char *const bad[] = {
                "",
                "\n\n\n",
                "no machine\n",
                "02-08-20-ab-cd-01 1 2\n",
                "02:08:20:ab:cd:01 1 2 3\n",
                "01-00-5e-00-00-01 1 2 3\n",
                "00-00-00-00-00-00 1 2 3\n",
                "02-08-20-ab-cd-01-02-03 1 2 3\n",
                "02-08-20-ab-cd-01 x 2 3\n",
                "02-08-20-ab-cd-01 1 2 3", /* cut off */
        };
        struct lab *lab = *state;

        for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
                put_file(lab, bad[i]);
                if (seen_read(lab->fd, lab->v) != 0)
                        fail_msg("taken: %s", bad[i]);
        }
        put_file(lab, "garbage\n02-08-20-ab-cd-01 1 2 3\n\xff\xfe\n02-08-20-ab-cd-02 1 9 3\n");
        assert_int_equal(seen_read(lab->fd, lab->v), 2);
        assert_int_equal(lab->v[1].mac, A); /* newest first */
        assert_int_equal(unlinkat(lab->fd, "seen", 0), 0);
        assert_int_equal(mkdirat(lab->fd, "seen", 0700), 0); /* cannot be read nor written: nothing happens */
        struct seen *s = open_seen(lab);

        seen_note(s, A);
        seen_close(s);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(what_is_seen_is_counted_and_survives_a_restart, set_up, tear_down),
                cmocka_unit_test_setup_teardown(the_thread_writes_without_being_closed_and_nothing_while_nobody_asks, set_up, tear_down),
                cmocka_unit_test_setup_teardown(the_one_that_was_silent_longest_makes_room, set_up, tear_down),
                cmocka_unit_test_setup_teardown(lines_that_are_none_are_passed_over, set_up, tear_down),
        };

        return cmocka_run_group_tests_name("seen", tests, NULL, NULL);
}
