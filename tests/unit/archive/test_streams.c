/* SPDX-License-Identifier: MPL-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "archive/streams.h"

#define KIB UINT64_C(1024)
#define MIB (KIB * KIB)

static const char build_a, build_b; /* only their addresses count */

/* What is asked for one after the other, and which reader it is taken for: the row of the request he began with. */
static void requests_that_follow_each_other_are_one_readers(void **state)
{
        static const struct {
                const void *of;
                uint64_t off;
                size_t len, first;
        } rows[] = {
                { &build_a, 0, 128 * KIB, 0 },
                { &build_a, 128 * KIB, 512 * KIB, 0 },
                { &build_a, 1152 * KIB, 512 * KIB, 0 }, /* the second one overtook the first */
                { &build_a, 640 * KIB, 512 * KIB, 0 },
                { &build_b, 1664 * KIB, 512 * KIB, 4 }, /* the same place of another build */
                { &build_a, 100 * MIB, 4 * KIB, 5 },    /* far away */
                { &build_a, 101 * MIB + 4 * KIB, 4 * KIB, 5 },
                { &build_a, 99 * MIB, 4 * KIB, 7 }, /* before it, by more than requests overtake each other */
                { &build_a, 1664 * KIB, 4 * KIB, 0 },
                { &build_a, UINT64_MAX - 4 * KIB, 4 * KIB, 9 },
        };
        struct streams s = { 0 };
        const struct stream *got[sizeof rows / sizeof rows[0]];

        (void)state;
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                got[i] = streams_note(&s, rows[i].of, rows[i].off, rows[i].len, (int64_t)i + 1);
                if (got[i] != got[rows[i].first])
                        fail_msg("request %zu is not taken for the reader of request %zu", i, rows[i].first);
                for (size_t k = 0; k < i; k++)
                        if (rows[k].first != rows[i].first && got[k] == got[i])
                                fail_msg("requests %zu and %zu are taken for one reader", k, i);
        }
        assert_int_equal(got[0]->next, 1668 * KIB); /* that it was overtaken does not lead it back */
}

static void who_reads_on_counts_as_long_as_he_does(void **state)
{
        struct streams s = { 0 };

        (void)state;
        assert_int_equal(streams_active(&s, 1), 0);
        assert_false(stream_is_steady(streams_note(&s, &build_a, 0, 127 * KIB, 1000)));
        assert_int_equal(streams_active(&s, 1000), 0);
        assert_true(stream_is_steady(streams_note(&s, &build_a, 127 * KIB, 1 * KIB, 1000)));
        assert_true(stream_is_steady(streams_note(&s, &build_b, 0, 512 * KIB, 1100)));
        assert_int_equal(streams_active(&s, 1250), 2);
        assert_int_equal(streams_active(&s, 1251), 1);
        assert_int_equal(streams_active(&s, 1351), 0);
        (void)streams_note(&s, &build_a, 128 * KIB, 4 * KIB, 5000); /* he was only slow */
        assert_int_equal(streams_active(&s, 5000), 1);
        streams_forget(&s, &build_a);
        assert_int_equal(streams_active(&s, 5000), 0);
}

/* One more than there is room for takes the place of who was silent longest, not of anybody who goes on. */
static void the_one_who_was_silent_longest_is_forgotten(void **state)
{
        struct streams s = { 0 };
        const struct stream *v[STREAMS_MAX], *more;

        (void)state;
        for (size_t i = 0; i < STREAMS_MAX; i++)
                v[i] = streams_note(&s, &build_a, i * 10 * MIB, 512 * KIB, (int64_t)i + 1);
        (void)streams_note(&s, &build_a, 512 * KIB, 4 * KIB, 100); /* the first goes on */
        more = streams_note(&s, &build_b, 0, 4 * KIB, 101);
        assert_ptr_equal(more, v[1]);
        assert_ptr_equal(streams_note(&s, &build_a, 516 * KIB, 4 * KIB, 102), v[0]);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(requests_that_follow_each_other_are_one_readers),
                cmocka_unit_test(who_reads_on_counts_as_long_as_he_does),
                cmocka_unit_test(the_one_who_was_silent_longest_is_forgotten),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
