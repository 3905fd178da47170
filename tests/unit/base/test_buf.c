/* SPDX-License-Identifier: MPL-2.0 */
/* buf grows, keeps its first error, and speaks JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "fault.h"

static void an_empty_buf_holds_nothing_and_gives_an_empty_string(void **state)
{
        AUTO_BUF struct buf b = BUF_INIT;
        AUTO_FREE char *text = NULL;
        size_t len = 99;

        (void)state;
        assert_int_equal(buf_error(&b), 0);
        buf_add(&b, NULL, 0);
        text = buf_take(&b, &len);
        assert_string_equal(text, "");
        assert_int_equal(len, 0);
}

static void text_of_any_length_comes_out_as_it_went_in(void **state)
{
        (void)state;
        for (size_t n = 1; n < 5000; n = n * 3 + 1) {
                AUTO_BUF struct buf b = BUF_INIT;
                AUTO_FREE char *text = NULL;
                size_t len = 0;

                for (size_t i = 0; i < n; i++) {
                        char c = (char)('a' + i % 26);

                        buf_add(&b, &c, 1);
                        assert_int_equal(b.data[b.len], '\0');
                }
                buf_printf(&b, "%zu%s", n, "!");
                buf_puts(&b, "");
                text = buf_take(&b, &len);
                assert_int_equal(len, strlen(text));
                for (size_t i = 0; i < n; i++)
                        assert_int_equal(text[i], 'a' + i % 26);
                assert_int_equal(strtoul(text + n, NULL, 10), n);
                assert_null(b.data);
                assert_int_equal(b.len, 0);
        }
}

static void bytes_may_be_zero(void **state)
{
        AUTO_BUF struct buf b = BUF_INIT;

        (void)state;
        buf_add(&b, "a\0b", 3);
        assert_int_equal(b.len, 3);
        assert_memory_equal(b.data, "a\0b", 4);
}

static void printf_longer_than_what_is_left_is_whole(void **state)
{
        AUTO_BUF struct buf b = BUF_INIT;

        (void)state;
        for (int i = 0; i < 200; i++)
                buf_printf(&b, "%0*d,", i, 0);
        assert_int_equal(buf_error(&b), 0);
        assert_int_equal(b.len, strlen(b.data));
        assert_int_equal(b.len, 200 + 1 + 199 * 200 / 2); /* width 0 still prints one digit */
}

static void after_a_failure_nothing_more_is_added_and_take_gives_null(void **state)
{
        AUTO_BUF struct buf b = BUF_INIT;
        size_t len = 7;

        (void)state;
        buf_puts(&b, "kept");
        fault_arm(1);
        for (int i = 0; i < 400; i++)
                buf_puts(&b, "x");
        fault_arm(0);
        assert_int_equal(buf_error(&b), -ENOMEM);
        assert_true(b.len >= 4 && b.len < 404);
        assert_int_equal(strncmp(b.data, "kept", 4), 0);
        len = b.len;
        buf_puts(&b, "more");
        buf_printf(&b, "%d", 1);
        buf_json(&b, "x");
        assert_int_equal(b.len, len);
        assert_null(buf_take(&b, &len));
}

static void a_size_that_would_overflow_is_refused(void **state)
{
        AUTO_BUF struct buf b = BUF_INIT;

        (void)state;
        buf_add(&b, "x", SIZE_MAX / 2);
        assert_int_equal(buf_error(&b), -ENOMEM);
        assert_int_equal(b.len, 0);
}

static const struct {
        const char *text, *json;
} jsons[] = {
        { NULL, "null" }, { "", "\"\"" }, { "plain", "\"plain\"" }, { "a\"b\\c", "\"a\\\"b\\\\c\"" },
        { "a\nb\tc", "\"a\\u000ab\\u0009c\"" }, { "\x01\x1f\x7f", "\"\\u0001\\u001f\\u007f\"" },
        { "\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0", "\"\\u0080\\u009b\\u009f\xc2\xa0\"" }, /* C1; U+00A0 is none */
        { "/</script>", "\"/</script>\"" }, { "m\xc3\xbcller", "\"m\xc3\xbcller\"" },
        { "\xe2\x82\xac", "\"\xe2\x82\xac\"" }, { "\xf0\x9f\x98\x80", "\"\xf0\x9f\x98\x80\"" },
        { "\xf4\x8f\xbf\xbf", "\"\xf4\x8f\xbf\xbf\"" }, { "\xff", "\"\\ufffd\"" },
        { "\x80z", "\"\\ufffdz\"" }, { "\xc3", "\"\\ufffd\"" }, { "\xc3(", "\"\\ufffd(\"" },
        { "\xc0\xaf", "\"\\ufffd\\ufffd\"" },                       /* overlong */
        { "\xe0\x80\x80", "\"\\ufffd\\ufffd\\ufffd\"" },            /* overlong */
        { "\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"" },            /* a surrogate */
        { "\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"" }, /* beyond U+10FFFF */
        { "\xe2\x82", "\"\\ufffd\\ufffd\"" },                       /* cut */
        { "\xf0\x9f\x98", "\"\\ufffd\\ufffd\\ufffd\"" },            /* cut */
};

static void json_strings_are_valid_whatever_the_bytes(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof jsons / sizeof jsons[0]; i++) {
                AUTO_BUF struct buf b = BUF_INIT;

                buf_json(&b, jsons[i].text);
                assert_string_equal(b.data, jsons[i].json);
        }
}

static const struct {
        const char *text;
        size_t max;
        const char *html;
} htmls[] = {
        { "", 9, "" },
        { "plain", 9, "plain" },
        { "<a href=\"x\" b='y'>&amp;", 99, "&lt;a href=&quot;x&quot; b=&#39;y&#39;&gt;&amp;amp;" },
        { "a\nb\x1b\x7f\xc2\x85", 99,
                "a\xef\xbf\xbd"
                "b\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
        { "m\xc3\xbc\xff", 99, "m\xc3\xbc\xef\xbf\xbd" },
        { "abc", 3, "abc" },
        { "abcd", 3, "abc\xe2\x80\xa6" },
        { "ab\xc3\xbc", 3, "ab\xc3\xbc" }, /* never half a character */
        { "ab\xc3\xbc"
          "d",
                3, "ab\xc3\xbc\xe2\x80\xa6" },
};

static void html_holds_no_tag_that_was_not_ours(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof htmls / sizeof htmls[0]; i++) {
                AUTO_BUF struct buf b = BUF_INIT;

                buf_puts(&b, "");
                buf_html(&b, htmls[i].text, htmls[i].max);
                assert_string_equal(b.data, htmls[i].html);
        }
}

static void a_label_ends_where_it_should(void **state)
{
        static const char *const labels[][2] = {
                { "", "\"\"" },
                { "a.tgz", "\"a.tgz\"" },
                { "a\"} 1\nb\\", "\"a\\\"} 1\\nb\\\\\"" },
                { "\x1b[\xff", "\"\xef\xbf\xbd[\xef\xbf\xbd\"" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++) {
                AUTO_BUF struct buf b = BUF_INIT;

                buf_label(&b, labels[i][0]);
                assert_string_equal(b.data, labels[i][1]);
        }
}

static void survives_every_failed_allocation(void **state)
{
        unsigned nth = 0;
        bool fired;

        (void)state;
        do {
                AUTO_BUF struct buf b = BUF_INIT;
                AUTO_FREE char *text = NULL;

                fault_arm(++nth);
                for (int i = 0; i < 300; i++) {
                        buf_printf(&b, "line %d\n", i);
                        buf_json(&b, "a\n\"\xff");
                }
                text = buf_take(&b, NULL);
                fired = fault_fired();
                fault_arm(0);
                assert_int_equal(buf_error(&b), fired ? -ENOMEM : 0);
                assert_int_equal(text == NULL, fired);
        } while (fired);
        assert_true(nth > 5);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_empty_buf_holds_nothing_and_gives_an_empty_string),
                cmocka_unit_test(text_of_any_length_comes_out_as_it_went_in),
                cmocka_unit_test(bytes_may_be_zero),
                cmocka_unit_test(printf_longer_than_what_is_left_is_whole),
                cmocka_unit_test(after_a_failure_nothing_more_is_added_and_take_gives_null),
                cmocka_unit_test(a_size_that_would_overflow_is_refused),
                cmocka_unit_test(json_strings_are_valid_whatever_the_bytes),
                cmocka_unit_test(html_holds_no_tag_that_was_not_ours),
                cmocka_unit_test(a_label_ends_where_it_should),
                cmocka_unit_test(survives_every_failed_allocation),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
