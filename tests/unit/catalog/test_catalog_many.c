/* SPDX-License-Identifier: MPL-2.0 */
/* catalog_many: what a look at many archives costs grows as their number does, not as its square.  Operations are counted, not
 * time: the linker leads every strcmp of the catalog through here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "catalogworld.h"

#define MANY 400

static unsigned long compared;

int __real_strcmp(const char *a, const char *b);
int __wrap_strcmp(const char *a, const char *b);

int __wrap_strcmp(const char *a, const char *b)
{
        compared++;
        return __real_strcmp(a, b);
}

static void a_look_at_many_builds_compares_each_with_a_few(void **state)
{
        struct world *w = *state;
        unsigned long before;

        for (int i = 0; i < MANY; i++) {
                char file[80], top[64], stamp[32];

                (void)snprintf(stamp, sizeof stamp, "2024%02d%02dT%02d0000Z", i / 240 + 1, i / 24 % 28 + 1, i % 24);
                (void)snprintf(top, sizeof top, "platform-%s", stamp);
                (void)snprintf(file, sizeof file, "%s.tar", top);
                put_platform(w, file, top, stamp, false, 600 + i);
        }
        scan(w);
        before = compared;
        scan(w); /* each name is found in the last look, each build among those served */
        print_message("%d builds, %lu comparisons of a second look\n", (int)w->v->n_builds, compared - before);
        assert_true(w->v->n_builds > MANY / 2);
        assert_true(compared - before > MANY);
        assert_true(compared - before < 60 * (unsigned long)MANY);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(a_look_at_many_builds_compares_each_with_a_few, set_up, tear_down),
        };

        return cmocka_run_group_tests_name("catalog_many", tests, NULL, NULL);
}
