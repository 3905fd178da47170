/* SPDX-License-Identifier: MPL-2.0 */
/* layout: the hostile table of docs/layout.md, one test a row, named there: names and kinds of entries. */
#include <errno.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "layoutlab.h"

/* ---- the hostile table: names ---------------------------------------------------------------- */

static void add_dotdot(struct buf *t)
{
        tar_file(t, TOP "/a/../../../etc/passwd", "x");
}

static void add_dotdot_inside(struct buf *t)
{
        tar_file(t, TOP "/a/../b", "x");
}

static void add_dotdot_dir(struct buf *t)
{
        tar_dir(t, "../");
}

static void a_name_with_dotdot_refuses_the_build(void **state)
{
        (void)state;
        refuse_with(add_dotdot, "tries to leave");
        refuse_with(add_dotdot_inside, "tries to leave");
        refuse_with(add_dotdot_dir, "tries to leave");
}

static void add_absolute(struct buf *t)
{
        tar_file(t, "/etc/passwd", "x");
}

static void an_absolute_name_refuses_the_build(void **state)
{
        (void)state;
        refuse_with(add_absolute, "absolute name");
}

static void add_dots_and_slashes(struct buf *t)
{
        tar_file(t, "./" TOP "//./a/.//b", "ab");
        tar_dir(t, TOP "/c//");
        tar_dir(t, ".");
        tar_file(t, TOP "/...", "dots");
        tar_file(t, TOP "/..a", "dots too");
}

static void empty_and_dot_components_are_dropped(void **state)
{
        struct verdict v = serve_with(add_dots_and_slashes);

        (void)state;
        assert_text(&v, "platform/a/b", "ab");
        assert_true(v.x.tree->v[entry(&v, "platform/c")].is_dir);
        assert_text(&v, "platform/...", "dots");
        assert_text(&v, "platform/..a", "dots too");
        assert_null(v.x.warning);
        done(&v);
}

static void add_no_name(struct buf *t)
{
        tar_pax(t, "path", ".", 1);
        tar_file(t, "x", "x");
        tar_link(t, '2', ".", TOP);
}

static void an_entry_without_a_name_is_skipped(void **state)
{
        (void)state;
        skip_with(add_no_name, NULL, "no name");
}

static void add_nul(struct buf *t)
{
        tar_pax(t, "path", TOP "/a\0/../../b", sizeof TOP - 1 + 12);
        tar_file(t, "x", "nul");
}

static void a_name_ends_at_its_nul(void **state)
{
        struct verdict v = serve_with(add_nul);

        (void)state;
        assert_text(&v, "platform/a", "nul");
        done(&v);
}

static void add_control(struct buf *t)
{
        tar_file(t, TOP "/a\nb", "x");
        tar_file(t, TOP "/a\x7f", "x");
        tar_file(t, TOP "/\x1b[31m", "x");
        tar_file(t, TOP "/d\t/e", "x");
}

static void a_control_character_skips_the_entry(void **state)
{
        struct verdict v = serve_with(add_control);

        (void)state;
        assert_int_equal(v.x.tree->n_skipped, 4);
        assert_int_equal(v.x.tree->n, 15);
        for (const char *p = v.x.warning; *p; p++)
                assert_true((unsigned char)*p >= 0x20);
        assert_non_null(strstr(v.x.warning, "4 entries left out"));
        done(&v);
}

static void add_long(struct buf *t, size_t len)
{
        char name[sizeof TOP + 300];

        memcpy(name, TOP "/", sizeof TOP);
        memset(name + sizeof TOP, 'n', len);
        tar_pax(t, "path", name, sizeof TOP + len);
        tar_file(t, "x", "long");
}

static void add_255_and_256(struct buf *t)
{
        add_long(t, 255);
        add_long(t, 256);
}

static void a_name_of_more_than_255_bytes_is_skipped(void **state)
{
        struct verdict v = serve_with(add_255_and_256);
        char path[300] = "platform/";

        (void)state;
        memset(path + 9, 'n', 255);
        assert_text(&v, path, "long");
        path[9 + 255] = 'n';
        assert_int_equal(entry(&v, path), LAYOUT_NONE);
        assert_int_equal(v.x.tree->n_skipped, 1);
        done(&v);
}

static void add_depth(struct buf *t, unsigned depth)
{
        AUTO_BUF struct buf name = BUF_INIT;

        buf_puts(&name, TOP);
        for (unsigned i = 1; i < depth; i++)
                buf_puts(&name, "/d");
        tar_pax(t, "path", name.data, name.len);
        tar_file(t, "x", "deep");
}

static void add_64_deep(struct buf *t)
{
        add_depth(t, 64);
}

static void add_65_deep(struct buf *t)
{
        add_depth(t, 65);
}

static void more_than_64_directories_deep_is_skipped(void **state)
{
        struct verdict v = serve_with(add_64_deep);

        (void)state;
        assert_int_equal(v.x.tree->n_skipped, 0);
        done(&v);
        skip_with(add_65_deep, "platform/d", "64 directories");
}

static void add_a_name_of_a_megabyte(struct buf *t)
{
        AUTO_FREE char *name = malloc(1 << 20);

        assert_non_null(name);
        memset(name, '/', 1 << 20);
        memcpy(name, TOP, sizeof TOP - 1);
        name[(1 << 20) - 1] = 'x';
        tar_pax(t, "path", name, 1 << 20);
        tar_file(t, "x", "x");
}

static void a_name_of_more_than_64_kib_refuses_the_build(void **state)
{
        (void)state;
        refuse_with(add_a_name_of_a_megabyte, "");
}

static void add_non_ascii(struct buf *t)
{
        static const char nfc[] = TOP "/\xc3\xbc", nfd[] = TOP "/u\xcc\x88";

        tar_file(t, TOP "/latin-\xfc", "latin");
        tar_file(t, TOP "/\xe2\x98\x83", "snowman");
        tar_pax(t, "path", nfc, sizeof nfc - 1);
        tar_file(t, "x", "nfc");
        tar_pax(t, "path", nfd, sizeof nfd - 1);
        tar_file(t, "x", "nfd");
}

static void names_of_any_bytes_are_served_as_they_are(void **state)
{
        struct verdict v = serve_with(add_non_ascii);

        (void)state;
        assert_text(&v, "platform/latin-\xfc", "latin");
        assert_text(&v, "platform/\xe2\x98\x83", "snowman");
        assert_text(&v, "platform/\xc3\xbc", "nfc");
        assert_text(&v, "platform/u\xcc\x88", "nfd");
        done(&v);
}

static void add_cases(struct buf *t)
{
        tar_file(t, TOP "/Readme", "one");
        tar_file(t, TOP "/README", "two");
        tar_file(t, TOP "/I86PC/x", "three");
}

static void names_that_differ_in_case_are_two(void **state)
{
        struct verdict v = serve_with(add_cases);

        (void)state;
        assert_text(&v, "platform/Readme", "one");
        assert_text(&v, "platform/README", "two");
        assert_text(&v, "platform/I86PC/x", "three");
        done(&v);
}

static void add_outside(struct buf *t)
{
        tar_file(t, "stray", "x");
        tar_file(t, "other/f", "x");
}

static void what_stands_outside_the_platform_is_skipped(void **state)
{
        (void)state;
        skip_with(add_outside, "stray", "stray: outside the platform");
}

/* ---- the hostile table: kinds ---------------------------------------------------------------- */

static void add_special(struct buf *t)
{
        static const char types[] = "346";

        for (size_t i = 0; types[i]; i++) {
                char name[] = TOP "/dev0";

                name[sizeof name - 2] = types[i];
                tar_add(t, &(struct tar_member) { .name = name, .type = types[i] });
        }
}

static void add_special_over_a_file(struct buf *t)
{
        tar_file(t, TOP "/f", "file");
        tar_add(t, &(struct tar_member) { .name = TOP "/f", .type = '6' });
}

static void devices_and_fifos_are_skipped(void **state)
{
        struct verdict v = serve_with(add_special);

        (void)state;
        skip_with(add_special_over_a_file, "platform/f", "twice");
        assert_int_equal(v.x.tree->n_skipped, 3);
        assert_int_equal(entry(&v, "platform/dev3"), LAYOUT_NONE);
        done(&v);
}

static void add_setuid(struct buf *t)
{
        tar_add(t, &(struct tar_member) { .name = TOP "/su", .mode = 06777, .data = "su", .len = 2 });
}

static void setuid_is_served_without_its_mode(void **state)
{
        struct verdict v = serve_with(add_setuid);

        (void)state;
        assert_text(&v, "platform/su", "su"); /* a layout has no modes at all */
        assert_null(v.x.warning);
        done(&v);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_name_with_dotdot_refuses_the_build),
                cmocka_unit_test(an_absolute_name_refuses_the_build),
                cmocka_unit_test(empty_and_dot_components_are_dropped),
                cmocka_unit_test(an_entry_without_a_name_is_skipped),
                cmocka_unit_test(a_name_ends_at_its_nul),
                cmocka_unit_test(a_control_character_skips_the_entry),
                cmocka_unit_test(a_name_of_more_than_255_bytes_is_skipped),
                cmocka_unit_test(more_than_64_directories_deep_is_skipped),
                cmocka_unit_test(a_name_of_more_than_64_kib_refuses_the_build),
                cmocka_unit_test(names_of_any_bytes_are_served_as_they_are),
                cmocka_unit_test(names_that_differ_in_case_are_two),
                cmocka_unit_test(what_stands_outside_the_platform_is_skipped),
                cmocka_unit_test(devices_and_fifos_are_skipped),
                cmocka_unit_test(setuid_is_served_without_its_mode),
        };

        (void)setlocale(LC_CTYPE, "C.UTF-8");
        return cmocka_run_group_tests(tests, NULL, NULL);
}
