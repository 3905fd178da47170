/* SPDX-License-Identifier: MPL-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tree/textring.h"

static void a_text_is_read_back_from_any_offset(void **state)
{
        struct textring *r = textring_new(4096);
        char buf[16];

        (void)state;
        assert_non_null(r);
        assert_int_equal(textring_put(r, 42, "hello, host", 11), 0);
        assert_int_equal(textring_size(r, 42), 11);
        assert_int_equal(textring_read(r, 42, buf, sizeof buf, 0), 11);
        assert_memory_equal(buf, "hello, host", 11);
        assert_int_equal(textring_read(r, 42, buf, 4, 7), 4);
        assert_memory_equal(buf, "host", 4);
        assert_int_equal(textring_read(r, 42, buf, sizeof buf, 11), 0);
        assert_int_equal(textring_read(r, 42, buf, sizeof buf, UINT64_MAX), 0);
        textring_free(r);
}

static void what_was_never_put_is_absent(void **state)
{
        struct textring *r = textring_new(4096);
        char c;

        (void)state;
        assert_int_equal(textring_read(r, 1, &c, 1, 0), -ENOENT);
        assert_int_equal(textring_size(r, 0), -ENOENT);
        assert_int_equal(textring_peek(r, 7, "x", 1), TEXTRING_ABSENT);
        textring_free(r);
}

static void a_text_too_large_is_refused_and_harms_no_other(void **state)
{
        struct textring *r = textring_new(4096);
        char big[2048] = { 0 }, c;

        (void)state;
        assert_int_equal(textring_put(r, 1, "a", 1), 0);
        assert_int_equal(textring_put(r, 2, big, sizeof big), -EFBIG);
        assert_int_equal(textring_read(r, 1, &c, 1, 0), 1);
        assert_int_equal(textring_size(r, 2), -ENOENT);
        textring_free(r);
}

static void a_collision_is_seen_and_the_newer_text_counts(void **state)
{
        struct textring *r = textring_new(4096);
        char buf[4];

        (void)state;
        assert_int_equal(textring_put(r, 9, "old", 3), 0);
        assert_int_equal(textring_peek(r, 9, "old", 3), TEXTRING_SAME);
        assert_int_equal(textring_peek(r, 9, "new", 3), TEXTRING_OTHER);
        assert_int_equal(textring_put(r, 9, "newer", 5), 0);
        assert_int_equal(textring_read(r, 9, buf, 4, 0), 4);
        assert_memory_equal(buf, "newe", 4);
        textring_free(r);
}

/* Texts of random length turn a small ring many times; each read gives the text that was put last under its
 * id, or nothing. */
static void after_many_laps_a_text_is_whole_or_absent(void **state)
{
        enum { IDS = 64 };
        struct textring *r = textring_new(8192);
        char last[IDS][512];
        size_t len[IDS] = { 0 };
        unsigned found = 0, absent = 0;
        unsigned seed = 20261123;

        (void)state;
        for (unsigned i = 0; i < 50000; i++) {
                unsigned id = (unsigned)rand_r(&seed) % IDS;

                if (rand_r(&seed) % 2) {
                        len[id] = (size_t)rand_r(&seed) % 512;
                        memset(last[id], 'a' + (int)(i % 26), len[id]);
                        assert_int_equal(textring_put(r, id, last[id], len[id]), 0);
                        assert_int_equal(textring_size(r, id), len[id]);
                } else {
                        char buf[512];
                        ssize_t n = textring_read(r, id, buf, sizeof buf, 0);

                        if (n == -ENOENT) {
                                absent++;
                                continue;
                        }
                        found++;
                        assert_int_equal(n, len[id]);
                        assert_memory_equal(buf, last[id], len[id]);
                }
        }
        assert_true(found > 1000 && absent > 1000);
        textring_free(r);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_text_is_read_back_from_any_offset),
                cmocka_unit_test(what_was_never_put_is_absent),
                cmocka_unit_test(a_text_too_large_is_refused_and_harms_no_other),
                cmocka_unit_test(a_collision_is_seen_and_the_newer_text_counts),
                cmocka_unit_test(after_many_laps_a_text_is_whole_or_absent),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
