/* SPDX-License-Identifier: MPL-2.0 */
/* catalog: whichever call of SQLite to catalog.db fails, builds are served with the right bytes, and the next start is sound. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "catalogworld.h"
#include "iofault.h"
#include "tarmaker.h"

static void check_right(struct world *w, unsigned nth, const char *fired)
{
        const struct build *b = w->v ? catalog_view_by_name(w->v, STAMP) : NULL;

        if (!b)
                fail_msg("call %u (%s): the build is not served: %s", nth, fired ? fired : "none failed",
                        logged.data ? logged.data : "");
        assert_reads(b, RAMDISK, "ramdisk of " STAMP "\n");
}

/* @fresh: nothing is known, so all is written; else all is read back. */
static void fail_each(struct world *w, bool fresh, unsigned *ret_n)
{
        const char *fired;
        unsigned nth = 0;

        put_platform(w, "a.tgz", "platform-" STAMP, STAMP, true, 60);
        close_catalog(w);
        do {
                struct err err = { "" };
                int r;

                if (fresh) {
                        (void)unlinkat(w->cfd, "catalog.db", 0);
                        (void)unlinkat(w->cfd, "catalog.db-wal", 0);
                        (void)unlinkat(w->cfd, "catalog.db-shm", 0);
                }
                iofault_arm(++nth);
                r = catalog_open(&w->opts, &w->c, &err);
                if (r == 0)
                        scan(w);
                fired = iofault_fired();
                iofault_arm(0);
                if (r < 0 && (!fired || !err.text[0]))
                        fail_msg("call %u: %d '%s'", nth, r, err.text);
                if (r == 0) {
                        check_right(w, nth, fired);
                        close_catalog(w);
                }
                open_catalog(w);
                scan(w);
                check_right(w, nth, fired);
                close_catalog(w);
                assert_true(nth < 5000);
        } while (fired);
        *ret_n = nth - 1;
        open_catalog(w);
}

static void every_failed_call_of_a_first_start_is_survived(void **state)
{
        unsigned n;

        fail_each(*state, true, &n);
        assert_true(n > 20);
}

static void every_failed_call_of_a_second_start_is_survived(void **state)
{
        unsigned n;

        fail_each(*state, false, &n);
        assert_true(n > 5);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(
                        every_failed_call_of_a_first_start_is_survived, set_up, tear_down),
                cmocka_unit_test_setup_teardown(
                        every_failed_call_of_a_second_start_is_survived, set_up, tear_down),
        };

        return iofault_install() ? cmocka_run_group_tests_name("catalog_io", tests, NULL, NULL) : 1;
}
