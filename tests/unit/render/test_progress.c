/* SPDX-License-Identifier: MPL-2.0 */
/* progress: one line for a terminal. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fault.h"
#include "render/status/progress.h"

static const struct catalog_progress two = { .n = 2,
        .v = { { "platform-20241010T000000Z.tgz", 41, 100, 0 }, { "b.tgz", 9, 100, 0 } },
        .waiting = 47,
        .waiting_bytes = 4700,
        .finished = 1,
        .finished_bytes = 50,
        .round_ms = 2000 };

static void the_line_says_what_is_read_and_how_long_it_will_take(void **state)
{
        static const struct {
                size_t n, finished, waiting;
                uint64_t done, total, waiting_bytes;
                int64_t round_ms;
                unsigned columns;
                const char *want;
        } table[] = {
                { 1, 2, 47, 41, 100, 0, 500, 80, "reading 3 of 50: platform-20241010T000000Z.tgz 41 %" },
                { 1, 0, 0, 25, 100, 0, 4000, 80,
                        "reading 1 of 1: platform-20241010T000000Z.tgz 25 %, 12 s left" },
                { 1, 0, 1, 25, 100, 100, 4000, 80,
                        "reading 1 of 2: platform-20241010T000000Z.tgz 25 %, 28 s left" },
                { 1, 0, 0, 0, 100, 0, 4000, 80, "reading 1 of 1: platform-20241010T000000Z.tgz 0 %" },
                { 1, 0, 0, 0, 0, 0, 4000, 80, "reading 1 of 1: platform-20241010T000000Z.tgz 0 %" },
                { 1, 0, 0, 100, 100, 0, 4000, 80,
                        "reading 1 of 1: platform-20241010T000000Z.tgz 100 %, 0 s left" },
                { 2, 0, 0, 41, 100, 0, 500, 80,
                        "reading 2 of 2: platform-20241010T000000Z.tgz 41 % and 1 more" },
                { 1, 0, 0, 41, 100, 0, 500, 40, "reading 1 of 1: platform...000Z.tgz 41 %" },
                { 1, 0, 0, 41, 100, 0, 500, 5, "reading 1 of 1: pl...tgz 41 %" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
                struct catalog_progress p = two;
                AUTO_BUF struct buf b = BUF_INIT;

                p.n = table[i].n;
                p.finished = table[i].finished;
                p.finished_bytes = 0;
                p.waiting = table[i].waiting;
                p.waiting_bytes = table[i].waiting_bytes;
                p.v[0].done_bytes = table[i].done;
                p.v[0].total_bytes = table[i].total;
                p.round_ms = table[i].round_ms;
                assert_int_equal(render_progress(&p, table[i].columns, &b), 0);
                assert_string_equal(b.data, table[i].want);
        }
}

static void where_nothing_is_read_there_is_no_line(void **state)
{
        AUTO_BUF struct buf b = BUF_INIT;

        (void)state;
        assert_int_equal(render_progress(&(struct catalog_progress) { .waiting = 3 }, 80, &b), 0);
        assert_int_equal(b.len, 0);
}

static void survives_every_failed_allocation(void **state)
{
        unsigned nth = 0;
        bool fired;

        (void)state;
        do {
                AUTO_BUF struct buf b = BUF_INIT;

                fault_arm(++nth);
                int r = render_progress(&two, 80, &b);
                fired = fault_fired();
                fault_arm(0);
                assert_int_equal(r, fired ? -ENOMEM : 0);
        } while (fired);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_line_says_what_is_read_and_how_long_it_will_take),
                cmocka_unit_test(where_nothing_is_read_there_is_no_line),
                cmocka_unit_test(survives_every_failed_allocation),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
