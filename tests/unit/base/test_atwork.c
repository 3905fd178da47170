/* SPDX-License-Identifier: MPL-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <signal.h>

#include "base/atwork.h"

static void who_gave_the_order_is_to_blame_for_what_it_takes(void **state)
{
        bool outer, inner;

        (void)state;
        assert_false(atwork_begin(0, ATWORK_REQUEST)); /* of no archive */
        assert_int_equal(atwork_get().archive, 0);
        inner = atwork_begin(5, ATWORK_MAKE);
        assert_true(inner);
        assert_int_equal(atwork_get().archive, 5);
        atwork_end(inner);
        assert_int_equal(atwork_get().archive, 0);

        outer = atwork_begin(7, ATWORK_REQUEST);
        inner = atwork_begin(8, ATWORK_MAKE);
        assert_true(outer && !inner);
        assert_int_equal(atwork_get().archive, 7);
        atwork_end(inner);
        assert_int_equal(atwork_get().archive, 7);
        atwork_end(outer);
        assert_int_equal(atwork_get().archive, 0);
}

static void the_place_stays_until_it_is_set_again(void **state)
{
        (void)state;
        atwork_place(3);
        atwork_end(atwork_begin(7, ATWORK_REQUEST));
        assert_int_equal(atwork_get().place, 3);
        atwork_place(0);
        assert_int_equal(atwork_get().place, 0);
}

static void *other_thread(void *arg)
{
        struct atwork *ret = arg;

        ret[0] = atwork_get();
        (void)atwork_begin(9, ATWORK_AHEAD);
        ret[1] = atwork_get();
        return NULL;
}

static void each_thread_has_its_own(void **state)
{
        struct atwork got[2] = { { .archive = 1, .place = 1 }, { .archive = 1, .place = 1 } };
        pthread_t t;

        (void)state;
        atwork_place(4);
        (void)atwork_begin(7, ATWORK_REQUEST);
        assert_int_equal(pthread_create(&t, NULL, other_thread, got), 0);
        assert_int_equal(pthread_join(t, NULL), 0);
        assert_true(got[0].archive == 0 && got[0].place == 0);
        assert_true(got[1].archive == 9);
        assert_int_equal(atwork_get().archive, 7);
        atwork_end(true);
        atwork_place(0);
}

static void *deaf_thread(void *arg)
{
        sigset_t *ret = arg;
        stack_t has;

        (void)atwork_begin(9, ATWORK_MAKE);
        (void)pthread_sigmask(SIG_SETMASK, NULL, ret);
        (void)sigaltstack(NULL, &has);
        return has.ss_flags & SS_DISABLE ? NULL : arg;
}

/* As the engine's threads are started: signals are the main thread's, and a fault while it is blocked ends the process
 * without a word. */
static void a_thread_that_blocks_all_signals_lets_the_fatal_ones_through(void **state)
{
        sigset_t all, old, got;
        void *with_stack = NULL;
        pthread_t t;

        (void)state;
        (void)sigfillset(&all);
        (void)pthread_sigmask(SIG_BLOCK, &all, &old);
        assert_int_equal(pthread_create(&t, NULL, deaf_thread, &got), 0);
        (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
        assert_int_equal(pthread_join(t, &with_stack), 0);
        assert_non_null(with_stack);
        for (size_t i = 0; atwork_signals[i]; i++)
                assert_int_equal(sigismember(&got, atwork_signals[i]), 0);
        assert_int_equal(sigismember(&got, SIGTERM), 1);
        assert_int_equal(sigismember(&got, SIGCHLD), 1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(who_gave_the_order_is_to_blame_for_what_it_takes),
                cmocka_unit_test(the_place_stays_until_it_is_set_again),
                cmocka_unit_test(each_thread_has_its_own),
                cmocka_unit_test(a_thread_that_blocks_all_signals_lets_the_fatal_ones_through),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
