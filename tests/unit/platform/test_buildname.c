/* SPDX-License-Identifier: MPL-2.0 */
/* buildname: the table of docs/layout.md, and what gives no name. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "platform/buildname.h"

#define S "20240101T000000Z"

static void names_builds_by_what_stands_inside(void **state)
{
        static const struct {
                const char *top, *version, *name;
                bool release;
        } table[] = {
                { "platform-" S, NULL, S, true },
                { "platform-" S, S, S, true },
                { S, NULL, S, true },
                { "platform", S, S, true },
                { "platform", "debug-" S, "debug-" S, false },
                { "platform-debug-" S, S, "debug-" S, false },
                { "platform-debug-" S, NULL, "debug-" S, false },
                { "platform-release-20250724-" S, S, "release-20250724-" S, false },
                { "platform-20230101T000000Z-" S, S, "20230101T000000Z-" S, false },
                { "custom-" S, S, "custom-" S, false },
                { "custom", S, "custom-" S, false },
                { "platform-OS-1234_x.y+z", S, "OS-1234_x.y+z-" S, false },
                { "platform-" S, "debug-" S, S, true },
        };

        (void)state;
        for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
                struct buildname b;
                struct err err = { "" };

                if (buildname_make(table[i].top, table[i].version, &b, &err) < 0)
                        fail_msg("%s: %s", table[i].top, err.text);
                assert_string_equal(b.text, table[i].name);
                assert_int_equal(b.release, table[i].release);
                assert_string_equal(buildname_stamp(b.text), S);
        }
}

static void refuses_what_says_no_stamp_or_two(void **state)
{
        static const struct {
                const char *top, *version, *why;
        } table[] = {
                { "platform", NULL, "nothing inside says" },
                { "platform-", NULL, "nothing inside says" },
                { "platform-debug", NULL, "nothing inside says" },
                { "platform-20241301T000000Z", NULL, "nothing inside says" },
                { "platform-x" S, NULL, "nothing inside says" },
                { "platform--" S, S, "letters" },
                { "platform", "today", "no stamp" },
                { "platform", "2024-01-01", "no stamp" },
                { "platform", S "x", "no stamp" },
                { "platform", "x" S, "no stamp" },
                { "platform-" S, "20240102T000000Z", "says build" },
                { "platform-debug-" S, "20240102T000000Z", "says build" },
                { "platform-a b-" S, S, "letters" },
                { "platform-\xc3\xbc-" S, S, "letters" },
                { "platform-${x}-" S, S, "letters" },
                { "platform-.x-" S, S, "letters" },
                { "platform-a#b", S, "letters" },
        };
        char longest[200];

        (void)state;
        for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
                struct buildname b;
                struct err err = { "" };

                if (buildname_make(table[i].top, table[i].version, &b, &err) != -EBADMSG)
                        fail_msg("%s is accepted", table[i].top);
                if (!strstr(err.text, table[i].why))
                        fail_msg("\"%s\" does not speak of \"%s\"", err.text, table[i].why);
        }
        memset(longest, 'a', sizeof longest - 1);
        longest[sizeof longest - 1] = '\0';
        assert_int_equal(buildname_make(longest, S, &(struct buildname) { "", false }, NULL), -EBADMSG);
}

static void a_stamp_is_a_time_that_can_exist(void **state)
{
        static const struct {
                const char *s;
                bool valid;
        } table[] = {
                { S, true },
                { "20241231T235960Z", true },
                { "20240001T000000Z", false },
                { "20240132T000000Z", false },
                { "20240101T240000Z", false },
                { "20240101T006000Z", false },
                { "20240101T000061Z", false },
                { "20240101t000000Z", false },
                { "20240101T000000", false },
                { "20240101T000000ZZ", false },
                { "", false },
                { "2024010 T000000Z", false },
        };

        (void)state;
        for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
                assert_int_equal(stamp_is_valid(table[i].s, strlen(table[i].s)), table[i].valid);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(names_builds_by_what_stands_inside),
                cmocka_unit_test(refuses_what_says_no_stamp_or_two),
                cmocka_unit_test(a_stamp_is_a_time_that_can_exist),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
