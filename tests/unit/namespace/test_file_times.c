/* SPDX-License-Identifier: MPL-2.0 */
/* file_times: never backwards, another time for another text, not far ahead; and what outlives the process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "namespace/file_times.h"

#define NOW    INT64_C(1800000000)
#define NS     INT64_C(1000000000)
#define NAME   77
#define MINUTE 60

static uint64_t _Alignas(16) memory[FILE_TIMES_BYTES / 8];

static struct file_times *fresh(void)
{
        struct file_times *t;

        memset(memory, 0, sizeof memory);
        t = file_times_new(memory);
        assert_non_null(t);
        return t;
}

static int64_t show(struct file_times *t, uint64_t name, uint64_t hash, int64_t base_sec, int64_t now_sec)
{
        struct file_text f = { .name = name, .hash = hash, .base_sec = base_sec };
        int64_t floor_sec;

        return file_times_show(t, &f, now_sec, &floor_sec);
}

static void a_time_is_that_of_the_change(void **state)
{
        struct file_times *t = fresh();

        (void)state;
        assert_int_equal(show(t, NAME, 1, NOW - 500, NOW), (NOW - 500) * NS);
        assert_int_equal(show(t, NAME, 1, NOW - 500, NOW + 9), (NOW - 500) * NS);
        assert_int_equal(show(t, NAME, 2, NOW + 10, NOW + 15), (NOW + 10) * NS);
        assert_int_equal(
                show(t, NAME, 2, NOW + 12, NOW + 15), (NOW + 12) * NS); /* on each server, asked or not */
        assert_int_equal(show(t, NAME + 1, 2, NOW + 12, NOW + 15), (NOW + 12) * NS);
        file_times_free(t);
}

static void what_no_change_explains_is_of_now(void **state)
{
        struct file_times *t = fresh();
        struct file_text f = { .name = NAME, .hash = 2, .base_sec = NOW - 500 };
        int64_t floor_sec;

        (void)state;
        assert_int_equal(show(t, NAME, 1, NOW - 500, NOW - 100), (NOW - 500) * NS);
        assert_int_equal(file_times_show(t, &f, NOW, &floor_sec), NOW * NS);
        assert_int_equal(floor_sec, NOW);
        assert_int_equal(file_times_show(t, &f, NOW + 1, &floor_sec), NOW * NS);
        assert_int_equal(floor_sec, 0); /* it is kept already */
        /* A process that remembers nothing but the floor. */
        file_times_free(t);
        t = fresh();
        file_times_set_floor(t, NOW);
        assert_int_equal(show(t, NAME, 2, NOW - 500, NOW + 30), NOW * NS);
        file_times_free(t);
}

static void two_texts_of_one_second_have_two_seconds(void **state)
{
        struct file_times *t = fresh();

        (void)state;
        assert_int_equal(show(t, NAME, 1, NOW, NOW), NOW * NS);
        assert_int_equal(show(t, NAME, 2, NOW, NOW), (NOW + 1) * NS);
        assert_int_equal(show(t, NAME, 1, NOW, NOW), (NOW + 2) * NS); /* and back */
        assert_int_equal(show(t, NAME, 1, NOW, NOW + 5), (NOW + 2) * NS);
        file_times_free(t);
}

/* Any sequence of changes, restarts and steps of the clock by seconds. */
static void times_never_fall_and_texts_never_share_one(void **state)
{
        struct file_times *t = fresh();
        int64_t now = NOW, latest = NOW, base = NOW, last[4] = { 0 };
        uint64_t hash[4] = { 0 }, x = 12345;

        (void)state;
        for (int i = 0; i < 200000; i++) {
                size_t k;
                uint64_t h;
                int64_t ns;

                x = x * UINT64_C(6364136223846793005) + 1442695040888963407;
                k = x >> 62;
                now += (x >> 40) % 64 == 0 ? (int64_t)(x >> 33) % 5 - 1 : 0;
                latest = now > latest ? now : latest;
                if ((x >> 50) % 3 == 0)
                        base = now + (int64_t)(x >> 20) % 3 - 1; /* another server's clock */
                if ((x >> 36) % 1000 == 0) {                     /* another worker, with the same memory */
                        file_times_free(t);
                        t = file_times_new(memory);
                }
                h = (x >> 45) % 5;
                ns = show(t, 1000 + k, h, base, now);
                assert_true(ns >= last[k]);
                assert_true(last[k] == 0 || h == hash[k] || ns > last[k]);
                assert_true(ns / NS <= latest + FILE_TIMES_AHEAD_SEC);
                last[k] = ns;
                hash[k] = h;
        }
        file_times_free(t);
}

/* The documented bound: whole seconds while there are some, and no more than so far ahead. */
static void a_burst_stays_within_seconds(void **state)
{
        struct file_times *t = fresh();
        int64_t last = 0;

        (void)state;
        for (uint64_t h = 1; h <= 500; h++) {
                int64_t ns = show(t, NAME, h, NOW, NOW);

                assert_true(ns > last && ns / NS <= NOW + FILE_TIMES_AHEAD_SEC);
                last = ns;
        }
        /* and it catches up */
        assert_int_equal(show(t, NAME, 501, NOW, NOW + 30), (NOW + 30) * NS);
        file_times_free(t);
}

static void a_clock_that_was_set_back_moves_no_time_back(void **state)
{
        struct file_times *t = fresh();
        int64_t then = NOW + 10 * 365 * 24 * 60 * MINUTE;

        (void)state;
        assert_int_equal(show(t, NAME, 1, then, then), then * NS);
        assert_int_equal(show(t, NAME, 1, NOW, NOW), then * NS);
        assert_int_equal(show(t, NAME, 2, NOW, NOW), (then + 1) * NS);
        assert_int_equal(show(t, NAME, 3, NOW, NOW), (then + 2) * NS);
        assert_int_equal(show(t, NAME + 1, 3, NOW, NOW), NOW * NS); /* its own business */
        file_times_free(t);
}

/* Written by a server whose clock is ahead. */
static void a_change_in_the_future_counts_as_now(void **state)
{
        struct file_times *t = fresh();

        (void)state;
        assert_int_equal(show(t, NAME, 1, NOW + 100, NOW), NOW * NS);
        assert_int_equal(show(t, NAME, 1, NOW + 100, NOW + 50), NOW * NS); /* not another file each second */
        assert_int_equal(show(t, NAME, 1, NOW + 100, NOW + 200), (NOW + 100) * NS);
        file_times_free(t);
}

static void entries_that_make_no_sense_are_not_there(void **state)
{
        struct file_times *t = fresh();
        struct file_text f = { .name = NAME, .hash = 2, .base_sec = NOW - 9 };
        int64_t ns;

        (void)state;
        (void)show(t, NAME, 1, NOW, NOW);
        assert_false(file_times_shown(t, &f, NOW, &ns)); /* another text was shown since */
        for (size_t i = 0; i < sizeof memory / 8; i++)
                if (memory[i])
                        memory[i] ^= 1;
        assert_true(file_times_shown(t, &f, NOW, &ns));
        assert_int_equal(ns, (NOW - 9) * NS);
        assert_int_equal(show(t, NAME, 2, NOW - 9, NOW), (NOW - 9) * NS);
        for (size_t i = 0; i < sizeof memory / 8; i++) /* what a hostile worker may leave */
                memory[i] = UINT64_MAX;
        assert_int_equal(show(t, NAME, 2, NOW - 9, NOW), (NOW - 9) * NS);
        file_times_free(t);
}

static void of_too_many_names_the_oldest_is_forgotten(void **state)
{
        struct file_times *t = fresh();
        unsigned kept = 0;
        int64_t ns;

        (void)state;
        for (uint64_t n = 1; n <= 300000; n++)
                (void)show(t, n, n, NOW + (int64_t)n, NOW + (int64_t)n);
        for (uint64_t n = 1; n <= 300000; n++) {
                struct file_text f = { .name = n, .hash = n, .base_sec = 1 };

                if (file_times_shown(t, &f, NOW, &ns) && ns == (NOW + (int64_t)n) * NS) {
                        assert_true(n > 300000 - 65536);
                        kept++;
                }
        }
        assert_int_equal(kept, 65536);
        file_times_free(t);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_time_is_that_of_the_change),
                cmocka_unit_test(what_no_change_explains_is_of_now),
                cmocka_unit_test(two_texts_of_one_second_have_two_seconds),
                cmocka_unit_test(times_never_fall_and_texts_never_share_one),
                cmocka_unit_test(a_burst_stays_within_seconds),
                cmocka_unit_test(a_clock_that_was_set_back_moves_no_time_back),
                cmocka_unit_test(a_change_in_the_future_counts_as_now),
                cmocka_unit_test(entries_that_make_no_sense_are_not_there),
                cmocka_unit_test(of_too_many_names_the_oldest_is_forgotten),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
