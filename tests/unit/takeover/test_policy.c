/* SPDX-License-Identifier: MPL-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "takeover/policy.h"

/* One thing that happens, at a time, and what is wanted then. */
struct step {
        int64_t at_ms;
        enum { ASK, STARTED, SERVES, KILLED, FAILED, BEAT } what;
        enum policy_verdict want; /* ASK */
        int64_t wait_ms;          /* ASK, POLICY_WAIT */
};

static void play(const char *name, const struct step *v, size_t n)
{
        struct policy p;
        int64_t beat_ms = 0;

        policy_init(&p, 0);
        for (size_t i = 0; i < n; i++) {
                int64_t wait_ms;
                enum policy_verdict got;

                switch (v[i].what) {
                case STARTED:
                        policy_started(&p, v[i].at_ms);
                        continue;
                case SERVES:
                        policy_serves(&p, v[i].at_ms);
                        beat_ms = v[i].at_ms;
                        continue;
                case KILLED:
                        policy_ended(&p, v[i].at_ms, POLICY_KILLED);
                        continue;
                case FAILED:
                        policy_ended(&p, v[i].at_ms, POLICY_FAILED);
                        continue;
                case BEAT:
                        beat_ms = v[i].at_ms;
                        continue;
                case ASK:
                        break;
                }
                got = policy_next(&p, v[i].at_ms, beat_ms, &wait_ms);
                if (got != v[i].want || (got == POLICY_WAIT && wait_ms != v[i].wait_ms))
                        fail_msg("%s, step %zu: %d (wait %lld), not %d (%lld)", name, i, got,
                                (long long)wait_ms, v[i].want, (long long)v[i].wait_ms);
        }
}
#define PLAY(name, ...)                                                                                      \
        do {                                                                                                 \
                static const struct step steps_[] = { __VA_ARGS__ };                                         \
                play(name, steps_, sizeof steps_ / sizeof steps_[0]);                                        \
        } while (0)

static void a_worker_that_is_killed_while_it_serves_is_replaced_at_once_however_often(void **state)
{
        struct policy p;
        int64_t wait_ms, now = 0;

        (void)state;
        policy_init(&p, now);
        for (int i = 0; i < 1000; i++, now += 100) {
                assert_int_equal(policy_next(&p, now, now, &wait_ms), POLICY_START);
                policy_started(&p, now);
                policy_serves(&p, now + 20);
                policy_ended(&p, now + 100, POLICY_KILLED);
        }
}

static void failures_at_once_after_start_are_tried_ever_later_until_25_s_are_over(void **state)
{
        static const int64_t wait[] = { 0, 50, 100, 200, 400, 800, 1600, 2000, 2000 };
        struct policy p;
        int64_t wait_ms, now = 0;

        (void)state;
        policy_init(&p, now);
        for (size_t i = 0; i < sizeof wait / sizeof wait[0]; i++) {
                policy_started(&p, now);
                policy_ended(&p, now, POLICY_FAILED);
                if (wait[i]) {
                        assert_int_equal(policy_next(&p, now, now, &wait_ms), POLICY_WAIT);
                        assert_int_equal(wait_ms, wait[i]);
                        now += wait[i] - 1;
                        assert_int_equal(policy_next(&p, now, now, &wait_ms), POLICY_WAIT);
                        now++;
                }
                assert_int_equal(policy_next(&p, now, now, &wait_ms), POLICY_START);
        }
        policy_started(&p, POLICY_HEALTHY_MS - 500);
        policy_ended(&p, POLICY_HEALTHY_MS - 500, POLICY_FAILED);
        assert_int_equal(policy_next(&p, POLICY_HEALTHY_MS - 500, 0, &wait_ms), POLICY_WAIT);
        assert_int_equal(wait_ms, 500);
        assert_int_equal(policy_next(&p, POLICY_HEALTHY_MS, 0, &wait_ms), POLICY_DESPAIR);
}

/* Frozen at each moment of a takeover, for longer than anything may take: what comes next is what would have come. */
static void a_freeze_is_nobodys_fault(void **state)
{
        static const int64_t frozen_ms = 10 * POLICY_HEALTHY_MS;

        (void)state;
        for (int phase = POLICY_DOWN; phase <= POLICY_SERVING; phase++) {
                struct policy p;
                int64_t now = 1000, before_ms, after_ms;
                enum policy_verdict before, after;

                policy_init(&p, 0);
                policy_started(&p, now);
                if (phase == POLICY_SERVING)
                        policy_serves(&p, now + 10);
                if (phase == POLICY_DOWN)
                        policy_ended(&p, now + 10, POLICY_KILLED);
                now += 15;
                before = policy_next(&p, now, now, &before_ms);
                policy_forgive(&p, frozen_ms);
                now += frozen_ms;
                after = policy_next(&p, now, now, &after_ms);
                assert_int_equal(after, before);
                assert_int_equal(after_ms, before_ms);
        }
}

static void other_lives_of_a_worker(void **state)
{
        (void)state;
        PLAY("the first is started at once", { 0, ASK, POLICY_START, 0 });
        PLAY("a start may take its time, and not more", { 0, STARTED, 0, 0 },
                { 0, ASK, POLICY_WAIT, POLICY_START_MS }, { POLICY_START_MS - 1, ASK, POLICY_WAIT, 1 },
                { POLICY_START_MS, ASK, POLICY_KILL, 0 });
        PLAY("a crash soon after serving counts as a failed start", { 0, STARTED, 0, 0 },
                { 10, SERVES, 0, 0 }, { 20, FAILED, 0, 0 }, { 20, ASK, POLICY_START, 0 },
                { 20, STARTED, 0, 0 }, { 30, SERVES, 0, 0 }, { 40, FAILED, 0, 0 },
                { 40, ASK, POLICY_WAIT, 50 });
        PLAY("a crash after a while does not", { 0, STARTED, 0, 0 }, { 10, SERVES, 0, 0 },
                { 20, FAILED, 0, 0 }, { 20, STARTED, 0, 0 }, { 30, SERVES, 0, 0 }, { 1030, FAILED, 0, 0 },
                { 1030, ASK, POLICY_START, 0 }, { 1030, STARTED, 0, 0 }, { 1040, FAILED, 0, 0 },
                { 1040, ASK, POLICY_START, 0 });
        PLAY("killed before it serves: after a breath, and never given up for that", { 0, STARTED, 0, 0 },
                { 5, KILLED, 0, 0 }, { 5, ASK, POLICY_WAIT, POLICY_KILLED_MS },
                { 5 + POLICY_KILLED_MS, ASK, POLICY_START, 0 });
        PLAY("without a heartbeat it is killed", { 0, STARTED, 0, 0 }, { 0, SERVES, 0, 0 },
                { 5000, BEAT, 0, 0 }, { 14999, ASK, POLICY_WAIT, 1 }, { 15000, ASK, POLICY_KILL, 0 });
        PLAY("killed, and it does not end: despair", { 0, STARTED, 0, 0 }, { 0, SERVES, 0, 0 },
                { 5000, BEAT, 0, 0 }, { 29999, ASK, POLICY_KILL, 0 }, { 30000, ASK, POLICY_DESPAIR, 0 });
        PLAY("25 s without one that serves: despair, also while another starts", { 0, STARTED, 0, 0 },
                { 0, SERVES, 0, 0 }, { 1000, KILLED, 0, 0 }, { 1000, STARTED, 0, 0 }, { 1100, KILLED, 0, 0 },
                { 20000, STARTED, 0, 0 }, { 25999, ASK, POLICY_WAIT, 1 }, { 26000, ASK, POLICY_DESPAIR, 0 },
                { 26000, KILLED, 0, 0 }, { 26000, ASK, POLICY_DESPAIR, 0 });
}

static void each_request_gets_what_it_deserves(void **state)
{
        static const struct {
                const char *name;
                struct policy_request r;
                int64_t now_ms;
                enum policy_request_verdict want;
        } v[] = {
                { "just taken", { 1000, 1000, 0, 0, false, 0 }, 1000, REQUEST_LEAVE },
                { "at work for less than 10 s", { 1000, 1000, 0, 0, false, 0 }, 10999, REQUEST_LEAVE },
                { "at work for 10 s", { 1000, 1000, 0, 0, false, 0 }, 11000, REQUEST_HANGS },
                { "hung once, begun anew", { 1000, 11000, 0, 1, false, 0 }, 12000, REQUEST_LEAVE },
                { "hung twice", { 1000, 0, 0, 2, false, 0 }, 21000, REQUEST_CONDEMN },
                { "its worker crashed once", { 1000, 0, 1, 0, false, 0 }, 1100, REQUEST_LEAVE },
                { "two workers crashed on it", { 1000, 0, 2, 0, false, 0 }, 1100, REQUEST_CONDEMN },
                { "one of each", { 1000, 0, 1, 1, false, 0 }, 12000, REQUEST_LEAVE },
                { "waits 20 s, across workers", { 1000, 20500, 0, 0, false, 0 }, 21000, REQUEST_REFUSE },
                { "waits 20 s, and nobody works", { 1000, 0, 0, 0, false, 0 }, 21000, REQUEST_REFUSE },
                { "waits less", { 1000, 0, 0, 0, false, 0 }, 20999, REQUEST_LEAVE },
                { "its archive was condemned while it waited", { 1000, 0, 0, 0, true, 0 }, 1100,
                        REQUEST_CONDEMN },
                { "its archive is condemned, and a worker that knows answers", { 1000, 1050, 0, 0, true, 0 },
                        1100, REQUEST_LEAVE },
                { "its archive is condemned, and it hangs all the same", { 1000, 1000, 0, 0, true, 0 }, 11000,
                        REQUEST_HANGS },
                { "seen to wait for a storage 9 s ago", { 1000, 1000, 0, 0, false, 11000 }, 20000,
                        REQUEST_LEAVE },
                { "and 10 s ago: it is looked at again", { 1000, 1000, 0, 0, false, 11000 }, 21000,
                        REQUEST_HANGS },
                { "never noted when", { 0, 0, 0, 0, false, 0 }, 100000, REQUEST_LEAVE },
        };

        (void)state;
        for (size_t i = 0; i < sizeof v / sizeof v[0]; i++)
                if (policy_judge(&v[i].r, v[i].now_ms) != v[i].want)
                        fail_msg("%s: %d, not %d", v[i].name, policy_judge(&v[i].r, v[i].now_ms), v[i].want);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_worker_that_is_killed_while_it_serves_is_replaced_at_once_however_often),
                cmocka_unit_test(failures_at_once_after_start_are_tried_ever_later_until_25_s_are_over),
                cmocka_unit_test(a_freeze_is_nobodys_fault),
                cmocka_unit_test(other_lives_of_a_worker),
                cmocka_unit_test(each_request_gets_what_it_deserves),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
