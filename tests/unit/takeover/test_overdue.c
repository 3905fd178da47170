/* SPDX-License-Identifier: MPL-2.0 */
/* What the keeper makes of requests that do not get on; the kernel's end of /dev/fuse is a pipe, which takes each answer, or
 * one that takes none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <linux/fuse.h>
#include <string.h>
#include <unistd.h>

#include "takeover/overdue.h"
#include "takeover/policy.h"

static struct journal *k, *a;
static struct journal_counters counters;
static struct overdue o;
static struct child self; /* a worker whose threads wait for no disk */
static int asked[2];      /* a pipe: somebody waits for each answer */
static int nobody;        /* not to be written to: the kernel knows of no such request */

static int setup(void **state)
{
        (void)state;
        counters = (struct journal_counters) { .restarts = 0 };
        self = (struct child) { .pid = getpid(), .control_fd = -1 };
        nobody = open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (nobody < 0 || pipe2(asked, O_CLOEXEC | O_NONBLOCK) < 0 || journal_create(65536, &k, NULL) < 0 ||
                journal_open(journal_fd(k), JOURNAL_VERSION, &a, NULL) < 0)
                return -1;
        o = (struct overdue) { .journal = k, .counters = &counters, .fuse_fd = asked[1] };
        (void)overdue_look(&o, &self, 1000);
        return 0;
}

static int teardown(void **state)
{
        (void)state;
        journal_close(a);
        journal_close(k);
        close(asked[0]);
        close(asked[1]);
        close(nobody);
        return 0;
}

/* A READ of @archive that a worker says it began at @claim_ms, in a slot of its own. */
static struct journal_slot *begin(uint64_t unique, uint64_t archive, int64_t claim_ms)
{
        struct journal_slot *s = journal_claim(a);
        struct fuse_in_header h = {
                .len = sizeof h, .opcode = FUSE_READ, .unique = unique, .nodeid = archive
        };

        memcpy(journal_arm(s), &h, sizeof h);
        journal_taken(s, claim_ms, archive);
        return s;
}

/* A successor takes over what is unanswered, and does not get on either. */
static void succeed(int64_t now_ms)
{
        struct fuse_in_header h;
        struct journal_slot *s;
        size_t len;

        journal_worker_ended(k, now_ms);
        journal_close(a);
        assert_int_equal(journal_open(journal_fd(k), JOURNAL_VERSION, &a, NULL), 0);
        while ((s = journal_claim(a)) && journal_unanswered(s, &h, sizeof h, &len))
                journal_taken(s, now_ms, h.nodeid);
}

static unsigned answers(void)
{
        struct fuse_out_header out;
        unsigned n = 0;

        while (read(asked[0], &out, sizeof out) == sizeof out)
                n++;
        return n;
}

static void a_request_that_hangs_twice_condemns_its_archive(void **state)
{
        (void)state;
        (void)begin(7, 42, 1000);
        assert_false(overdue_look(&o, &self, 1500));
        assert_false(overdue_look(&o, &self, 10900));
        assert_true(overdue_look(&o, &self, 11000));
        assert_true(overdue_look(&o, &self, 11050)); /* it takes its time to die */
        assert_false(journal_is_condemned(&counters, 42));
        assert_int_equal(answers(), 0);
        succeed(11100);
        assert_false(overdue_look(&o, &self, 20000));
        assert_true(overdue_look(&o, &self, 21100));
        assert_true(journal_is_condemned(&counters, 42));
        assert_int_equal(answers(), 1);
        assert_int_equal(counters.poisoned, 1);
        succeed(21200); /* and is not executed a third time */
        assert_false(overdue_look(&o, &self, 40000));
        assert_int_equal(answers(), 0);
}

/* It was told after 20 s already; that it hangs a second time is found out a moment later. */
static void patience_that_ends_before_the_second_hang_spares_nobody(void **state)
{
        (void)state;
        (void)begin(7, 42, 1000);
        assert_true(overdue_look(&o, &self, 11500));
        succeed(12000);
        assert_false(overdue_look(&o, &self, 12000));
        assert_false(overdue_look(&o, &self, 21000));
        assert_int_equal(answers(), 1);
        assert_false(journal_is_condemned(&counters, 42));
        assert_true(overdue_look(&o, &self, 22000));
        assert_true(journal_is_condemned(&counters, 42));
        assert_int_equal(answers(), 0);
}

/* The worker says that it has been at it for ever: that costs nobody the time it would take. */
static void a_claim_kills_nobody_before_its_time(void **state)
{
        (void)state;
        (void)begin(7, 42, 1);
        assert_false(overdue_look(&o, &self, 2000));
        assert_false(overdue_look(&o, &self, 11900));
        assert_true(overdue_look(&o, &self, 12000));
}

/* By two workers that were both taken over. */
static void a_request_that_nobody_asked_blames_nobody(void **state)
{
        (void)state;
        o.fuse_fd = nobody;
        (void)begin(7, 42, 1000);
        (void)begin(8, 43, 1000);
        for (int64_t now = 12000; now < 100000; now += 12000) {
                (void)overdue_look(&o, &self, now);
                (void)overdue_look(&o, &self, now + 11000);
                succeed(now + 11500);
        }
        assert_false(journal_is_condemned(&counters, 42));
        assert_false(journal_is_condemned(&counters, 43));
        for (size_t i = 0; i < JOURNAL_BLAMED; i++)
                assert_int_equal(counters.blamed[i].archive, 0);
}

/* Requests of clients, with other archives written into them. */
static void one_end_of_a_worker_blames_one_archive(void **state)
{
        unsigned condemned = 0;

        (void)state;
        for (uint64_t i = 0; i < 20; i++)
                (void)begin(100 + i, 40 + i, 1000);
        assert_true(overdue_look(&o, &self, 11000));
        succeed(11100);
        assert_true(overdue_look(&o, &self, 21200));
        for (uint64_t i = 0; i < 20; i++)
                condemned += journal_is_condemned(&counters, 40 + i);
        assert_int_equal(condemned, 1);
        assert_int_equal(answers(), 20);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(
                        a_request_that_hangs_twice_condemns_its_archive, setup, teardown),
                cmocka_unit_test_setup_teardown(
                        patience_that_ends_before_the_second_hang_spares_nobody, setup, teardown),
                cmocka_unit_test_setup_teardown(a_claim_kills_nobody_before_its_time, setup, teardown),
                cmocka_unit_test_setup_teardown(a_request_that_nobody_asked_blames_nobody, setup, teardown),
                cmocka_unit_test_setup_teardown(one_end_of_a_worker_blames_one_archive, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
