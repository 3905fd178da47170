/* SPDX-License-Identifier: MPL-2.0 */
/* What iPXE makes of lines, and that no text for the screen can become a command. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ref_ipxe.h"
#include "render/boot/token.h"

/* How iPXE splits: the reference must be right before it may judge. */
static const struct {
        const char *line;
        const char *words[6];
} splits[] = {
        { "", { NULL } },
        { "   ", { NULL } },
        { "a", { "a" } },
        { "a b", { "a", "b" } },
        { "  a\t b\r", { "a", "b" } },
        { "a 'b c' \"d\"", { "a", "'b", "c'", "\"d\"" } },
        { "a||b && c;d", { "a||b", "&&", "c;d" } },
        { "a\\ b", { "a\\", "b" } },
        { "#a b", { "#a", "b" } },
        { "a\vb\fc", { "a", "b", "c" } },
};

static void the_reference_splits_at_blanks_and_nothing_else(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof splits / sizeof splits[0]; i++) {
                char *words[8], *copy = NULL;
                size_t n = ref_ipxe_split(splits[i].line, words, 8, &copy);

                for (size_t k = 0; k < n; k++)
                        assert_string_equal(words[k], splits[i].words[k]);
                assert_null(splits[i].words[n]);
                free(copy);
        }
}

/* Small scripts whose end shows that the reference runs them as iPXE does. */
static const struct {
        const char *script;
        const char *screen;
        enum ref_outcome outcome;
        bool clean; /* no complaint */
} scripts[] = {
        { "#!ipxe\necho a  b\nexit\n", "a b\n", REF_EXIT, true },
        { "#!ipxe\necho a # b\nexit\n", "a\n", REF_EXIT, true },
        { "#!ipxe\necho a#b\nexit\n", "a#b\n", REF_EXIT, true },
        { "#!ipxe\necho a && echo b || echo c\nexit\n", "a\nb\n", REF_EXIT, true },
        { "#!ipxe\niseq a b && echo b || echo c\nexit\n", "c\n", REF_EXIT, true },
        { "#!ipxe\niseq a b ; echo c\nexit\n", "c\n", REF_EXIT, true },
        { "#!ipxe\niseq a b ||\nexit\n", "", REF_EXIT, true },
        { "#!ipxe\niseq a b\nexit\n", "", REF_FELL_OFF, false },
        { "#!ipxe\nset x || echo hacked\necho ${x}\nexit\n", "\n", REF_EXIT, true },
        { "#!ipxe\nset x a\nset y $\necho ${y}{x} b${x}b ${nope}.\nexit\n", "a bab .\n", REF_EXIT, true },
        { "#!ipxe\ngoto b\n:a\nexit\n  :b\necho b\ngoto a\n", "b\n", REF_EXIT, true },
        { "#!ipxe\necho a\\\nb\r\nexit\n", "ab\n", REF_EXIT, true },
        { "#!ipxe\niseq a a && exit ||\necho never\n", "", REF_EXIT, true },
        { "#!ipxe\necho end\n", "end\n", REF_FELL_OFF, true },
        { "#!ipxe\nnonsense\n", "", REF_FELL_OFF, false },
        { "#!ipxe\necho --bad x\n", "", REF_FELL_OFF, false },
        { "#!ipxe\necho x --bad\nexit\n", "x --bad\n", REF_EXIT, true },
        { "#!ipxe\nmenu -- --title\nitem --gap -- ---- a\nitem b B c\nchoose --default b --timeout 5 t\n",
                "--title\n---- a\nB c\n", REF_MENU, true },
        { "#!ipxe\n:a\ngoto a\n", "", REF_ENDLESS, true },
};

static void the_reference_runs_scripts_as_ipxe_does(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
                struct ref_ipxe x = {
                        .url = "http://h/menu.ipxe", .mac = "m", .server = "s", .platform = "pcbios"
                };

                ref_ipxe_run(&x, scripts[i].script, strlen(scripts[i].script));
                if (x.outcome != scripts[i].outcome ||
                        strcmp(x.screen.data ? x.screen.data : "", scripts[i].screen) != 0)
                        print_message("script %zu: outcome %d, screen '%s', %s\n", i, (int)x.outcome,
                                x.screen.data ? x.screen.data : "", x.errors.data ? x.errors.data : "");
                assert_int_equal(x.outcome, scripts[i].outcome);
                assert_string_equal(x.screen.data ? x.screen.data : "", scripts[i].screen);
                assert_int_equal(x.errors.len == 0, scripts[i].clean);
                ref_ipxe_fini(&x);
        }
}

static const char *const display[] = {
        "plain text",
        "",
        " ",
        "  two  blanks  ",
        "R&D rack #3; left | right",
        "&& shell",
        "|| shell",
        "a ; shell",
        "; shell",
        "a && shell",
        "# gone",
        "a # gone",
        "${mac}",
        "$${mac}",
        "${",
        "a\\",
        "\\",
        "a\nshell",
        "a\r\nshell",
        "\n:label",
        ":label",
        "-n",
        "--name x",
        "--",
        "\x1b[2J",
        "m\xc3\xbcller",
        "\xff\xfe",
        "a\tb",
        "a\v#b",
        "a\f&&",
        "\x7f",
        "---",
        "a\\\n",
        "1234567890123456789012345678901234567890123456789012345678901234567890 && shell",
        "123456789012345678901234567890123456789012345678901234567890123456789\\ tail",
};

static void text_for_the_screen_is_shown_and_runs_nothing(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof display / sizeof display[0]; i++) {
                struct ref_ipxe x = {
                        .url = "http://h/menu.ipxe", .mac = "MAC", .server = "s", .platform = "pcbios"
                };
                AUTO_BUF struct buf script = BUF_INIT, text = BUF_INIT;

                (void)token_put_display(&text, display[i], 70);
                assert_true(text.len > 0 && text.len <= 70);
                buf_puts(&script, "#!ipxe\nset mac MAC\n# ");
                buf_add(&script, text.data, text.len);
                buf_puts(&script, "\nmenu -- ");
                buf_add(&script, text.data, text.len);
                buf_puts(&script, "\nexit\n");
                assert_true(ref_ipxe_check(script.data, script.len, &x.errors));
                ref_ipxe_run(&x, script.data, script.len);
                assert_int_equal(x.outcome, REF_EXIT);
                assert_int_equal(x.errors.len, 0);
                assert_null(strstr(x.screen.data, "MAC"));
                ref_ipxe_fini(&x);
        }
}

static void harmless_text_is_shown_as_it_is(void **state)
{
        static const char *const texts[] = { "R&D rack 3#", "a|b;c", "$5$salt$", "it's \"here\"", "C:\\x y",
                "a&&b" };

        (void)state;
        for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
                AUTO_BUF struct buf text = BUF_INIT;

                assert_false(token_put_display(&text, texts[i], 70));
                assert_string_equal(text.data, texts[i]);
        }
}

static const struct {
        const char *name;
        bool host, build, mac;
} names[] = {
        { "db1", true, true, false },
        { "db1.example.com", true, true, false },
        { "a-b", true, true, false },
        { "20241010T000000Z", true, true, false },
        { "joyent_20241010-20241010T000000Z", false, true, false },
        { "a+b", false, true, false },
        { "platform", true, false, false },
        { "", false, false, false },
        { ".", false, false, false },
        { "..", false, false, false },
        { "a..b", false, true, false },
        { "a.", false, true, false },
        { "-a", false, false, false },
        { "a-", false, true, false },
        { "a-.b", false, true, false },
        { "a/b", false, false, false },
        { "a b", false, false, false },
        { "a\n", false, false, false },
        { "a${b}", false, false, false },
        { "a%20", false, false, false },
        { "\xc3\xa4", false, false, false },
        { "aa-bb-cc-dd-ee-ff", true, true, true },
        { "AA-bb-cc-dd-ee-ff", true, true, false },
        { "aa:bb:cc:dd:ee:ff", false, false, false },
        { "aa-bb-cc-dd-ee-f", true, true, false },
        { "aa-bb-cc-dd-ee-fff", true, true, false },
        { "a23456789012345678901234567890123456789012345678901234567890123", true, true, false },
        { "a234567890123456789012345678901234567890123456789012345678901234", false, true, false },
};

static void names_follow_their_rules(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
                if (token_is_hostname(names[i].name) != names[i].host ||
                        token_is_build_name(names[i].name) != names[i].build)
                        print_message("%s\n", names[i].name);
                assert_int_equal(token_is_hostname(names[i].name), names[i].host);
                assert_int_equal(token_is_build_name(names[i].name), names[i].build);
                assert_int_equal(token_is_mac(names[i].name), names[i].mac);
        }
}

static void a_line_has_at_most_64_words(void **state)
{
        char line[2 * 65 + 1];

        (void)state;
        memset(line, 'a', sizeof line);
        for (size_t i = 1; i < sizeof line; i += 2)
                line[i] = ' ';
        line[2 * 64 - 1] = '\0';
        assert_null(token_refuse_line(line));
        line[2 * 64 - 1] = ' ';
        line[2 * 65 - 1] = '\0';
        assert_non_null(token_refuse_line(line));
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_reference_splits_at_blanks_and_nothing_else),
                cmocka_unit_test(the_reference_runs_scripts_as_ipxe_does),
                cmocka_unit_test(text_for_the_screen_is_shown_and_runs_nothing),
                cmocka_unit_test(harmless_text_is_shown_as_it_is),
                cmocka_unit_test(names_follow_their_rules),
                cmocka_unit_test(a_line_has_at_most_64_words),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
