/* SPDX-License-Identifier: MPL-2.0 */
/* Few at a time, and not for ever. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/clock.h"
#include "takeover/turnstile.h"

#define LONG_MS 60000 /* longer than any of these tests: the time does not open it */

struct crowd {
        struct turnstile t;
        atomic_int work; /* how much there is to do inside */
        atomic_int inside, most;
        atomic_int outside;    /* who found the work done, and was let through */
        atomic_bool too_early; /* somebody was, while another was inside */
};

static void *one_of_many(void *arg)
{
        struct crowd *c = arg;

        while (turnstile_enter(&c->t)) {
                int inside = atomic_fetch_add(&c->inside, 1) + 1, most = atomic_load(&c->most);

                while (inside > most && !atomic_compare_exchange_weak(&c->most, &most, inside))
                        ;
                sched_yield();
                bool found = atomic_fetch_sub(&c->work, 1) > 0;

                atomic_fetch_sub(&c->inside, 1);
                if (found) {
                        turnstile_leave(&c->t);
                } else {
                        turnstile_leave_last(&c->t);
                        break;
                }
        }
        if (atomic_load(&c->inside) > 0)
                atomic_store(&c->too_early, true);
        atomic_fetch_add(&c->outside, 1);
        return NULL;
}

static void so_many_are_inside_and_the_rest_waits_for_them(void **state)
{
        (void)state;
        for (unsigned at_once = 0; at_once <= 3; at_once++) {
                struct crowd c = { .work = 500 };
                pthread_t threads[10];

                turnstile_init(&c.t, at_once, LONG_MS);
                for (size_t i = 0; i < 10; i++)
                        assert_int_equal(pthread_create(&threads[i], NULL, one_of_many, &c), 0);
                for (size_t i = 0; i < 10; i++)
                        assert_int_equal(pthread_join(threads[i], NULL), 0);
                assert_in_range(c.most, 1, at_once ? at_once : 1);
                assert_int_equal(c.outside, 10);
                assert_true(c.work <= 0);
                assert_false(c.too_early);
                assert_false(turnstile_enter(&c.t)); /* open, for good */
                turnstile_fini(&c.t);
        }
}

/* Somebody inside hangs: the others go on after the time, and not before. */
static void whoever_hangs_inside_holds_nobody_up_for_long(void **state)
{
        struct turnstile t;
        int64_t begin_ms = clock_ms();

        (void)state;
        turnstile_init(&t, 1, 50);
        assert_true(turnstile_enter(&t));
        assert_false(turnstile_enter(&t));
        assert_true(clock_ms() - begin_ms >= 49);
        turnstile_leave(&t);
        assert_false(turnstile_enter(&t));
        turnstile_fini(&t);
}

static void *wait_inside(void *arg)
{
        (void)turnstile_enter(arg);
        return NULL;
}

/* libfuse ends its threads by pthread_cancel where they wait for a request: the lock must not be left behind. */
static void a_thread_that_is_cancelled_leaves_no_lock(void **state)
{
        struct turnstile t;
        pthread_t thread;

        (void)state;
        turnstile_init(&t, 1, LONG_MS);
        assert_true(turnstile_enter(&t));
        assert_int_equal(pthread_create(&thread, NULL, wait_inside, &t), 0);
        assert_int_equal(pthread_cancel(thread), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
        turnstile_leave(&t);
        assert_true(turnstile_enter(&t));
        turnstile_leave_last(&t);
        assert_false(turnstile_enter(&t));
        turnstile_fini(&t);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(so_many_are_inside_and_the_rest_waits_for_them),
                cmocka_unit_test(whoever_hangs_inside_holds_nobody_up_for_long),
                cmocka_unit_test(a_thread_that_is_cancelled_leaves_no_lock),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
