/* SPDX-License-Identifier: MPL-2.0 */
/* A reason is one line, names the object, and needs no memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "fault.h"

static void setting_a_reason_returns_its_code(void **state)
{
        struct err err = { "" };

        (void)state;
        assert_int_equal(err_set(&err, -EBADMSG, "build %s: %d files", "X", 3), -EBADMSG);
        assert_string_equal(err.text, "build X: 3 files");
        assert_int_equal(err_sys(&err, -ENOENT, "open %s", "/x"), -ENOENT);
        assert_string_equal(err.text, "open /x: No such file or directory");
        assert_int_equal(err_prefix(&err, -ENOENT, "inventory"), -ENOENT);
        assert_string_equal(err.text, "inventory: open /x: No such file or directory");
}

static void nobody_has_to_want_the_reason(void **state)
{
        (void)state;
        assert_int_equal(err_set(NULL, -EIO, "x"), -EIO);
        assert_int_equal(err_sys(NULL, -EIO, "x"), -EIO);
        assert_int_equal(err_prefix(NULL, -EIO, "x"), -EIO);
}

static void a_reason_is_one_line_whatever_names_are_in_it(void **state)
{
        struct err err = { "" };

        (void)state;
        (void)err_set(&err, -EINVAL, "member %s", "a\nb\x1b[2J\x7f\t");
        assert_string_equal(err.text, "member a?b?[2J??");
        (void)err_sys(&err, -EINVAL, "member %s", "a\rb");
        assert_string_equal(err.text, "member a?b: Invalid argument");
        (void)err_prefix(&err, -EINVAL, "x\ny");
        assert_string_equal(err.text, "x?y: member a?b: Invalid argument");
        (void)err_set(&err, -EINVAL, "m\xc3\xbcller");
        assert_string_equal(err.text, "m\xc3\xbcller");
        (void)err_set(&err, -EINVAL, "%s", "a\xc2\x9b" "2Jb\x9b" "2Jc\xc2\xa0" "d\xc3");
        assert_string_equal(err.text, "a??2Jb?2Jc\xc2\xa0" "d?");
}

static void a_long_reason_is_cut_and_still_a_string(void **state)
{
        struct err err = { "" };
        char name[2000];

        (void)state;
        memset(name, 'n', sizeof name - 1);
        name[sizeof name - 1] = '\0';
        (void)err_set(&err, -EINVAL, "%s", name);
        assert_int_equal(strlen(err.text), sizeof err.text - 1);
        (void)err_sys(&err, -EINVAL, "%s", name);
        assert_int_equal(strlen(err.text), sizeof err.text - 1);
        (void)err_prefix(&err, -EINVAL, "%s", name);
        assert_int_equal(strlen(err.text), sizeof err.text - 1);
        (void)err_set(&err, -EINVAL, "short");
        (void)err_prefix(&err, -EINVAL, "%.760s", name);
        assert_int_equal(strlen(err.text), sizeof err.text - 1);
        assert_non_null(strstr(err.text, "n: shor"));
}

static void a_reason_needs_no_memory(void **state)
{
        struct err err = { "" };

        (void)state;
        fault_arm(1);
        (void)err_set(&err, -ENOMEM, "host %s: %s", "db1", "out of memory");
        (void)err_prefix(&err, -ENOMEM, "menu");
        assert_false(fault_fired());
        fault_arm(0);
        assert_string_equal(err.text, "menu: host db1: out of memory");
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(setting_a_reason_returns_its_code),
                cmocka_unit_test(nobody_has_to_want_the_reason),
                cmocka_unit_test(a_reason_is_one_line_whatever_names_are_in_it),
                cmocka_unit_test(a_long_reason_is_cut_and_still_a_string),
                cmocka_unit_test(a_reason_needs_no_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
