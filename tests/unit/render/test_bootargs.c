/* SPDX-License-Identifier: MPL-2.0 */
/* What the -B encoder writes, what it refuses, and that the kernel's own rules read the same value back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fixture.h"
#include "ref_fakebop.h"
#include "render/boot/bootargs.h"

static const struct {
        const char *value, *written;
} accepted[] = {
        { "true", "true" },
        { "", "''" },
        { "115200,8,n,1,-", "\"115200,8,n,1,-\"" },
        { FIXTURE_HASH, FIXTURE_HASH },
        { "$2a$rounds=5,x$y", "\"$2a$rounds=5,x$y\"" },
        { "a b", "\"a b\"" },
        { "a=b", "a=b" },
        { "a'b", "a'b" },
        { "a\"b", "a\"b" },
        { "a'b\"c", "a'b\"c" },
        { "a,'b'", "\"a,'b'\"" },
        { "a,\"b\"", "'a,\"b\"'" },
        { "'", "\"'\"" },
        { "\"", "'\"'" },
        { "'a'", "\"'a'\"" },
        { "\"a\"", "'\"a\"'" },
        { "'a", "\"'a\"" },
        { "a'", "a'" },
        { "#a", "\"#a\"" },
        { "a#b", "a#b" },
        { "a||b", "a||b" },
        { "a;b", "a;b" },
        { "a; b", "\"a; b\"" },
        { "--- a", NULL },
        { "a\\b", "a\\b" },
        { "a$b{c}", "a$b{c}" },
        { "}", "}" },
        { ",", "\",\"" },
        { "=", "=" },
        { "-B x=y", "\"-B x=y\"" },
        { "x -B y=z", "\"x -B y=z\"" },
        { "m\xc3\xbcller", "m\xc3\xbcller" },
};

static const struct {
        const char *value, *reason; /* a part of it */
} refused[] = {
        { " a", "begins or ends with a blank" },
        { "a ", "begins or ends with a blank" },
        { " ", "begins or ends with a blank" },
        { "a  b", "two blanks" },
        { "a\tb", "control" },
        { "a\nb", "control" },
        { "a\rb", "control" },
        { "a\vb", "control" },
        { "a\fb", "control" },
        { "\x01", "control" },
        { "\x7f", "control" },
        { "a\xc2\x85z", "control" },
        { "${mac}", "${" },
        { "a${b", "${" },
        { "$${", "${" },
        { "a #b", "'#'" },
        { "a #", "'#'" },
        { "#", "'#'" },
        { "||", "||" },
        { "a || b", "||" },
        { "&&", "&&" },
        { "a && b", "&&" },
        { ";", "word ;" },
        { "a ; b", "word ;" },
        { "---", "---" },
        { "a --- b", "---" },
        { "a\\", "ends with" },
        { "\\", "ends with" },
        { "a,'\"", "both kinds" },
        { "a '\"", "both kinds" },
        { "'a\"", "both kinds" },
        { "\"'", "both kinds" },
};

/* "#a": a value's first word follows "name=", yet a value that begins with '#' is refused like any such word.
 * */
static bool word_rule(const char *value)
{
        return value[0] == '#' || strncmp(value, "--- ", 4) == 0;
}

static void accepted_values_are_written_bare_where_safe_and_quoted_else(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof accepted / sizeof accepted[0]; i++) {
                AUTO_BUF struct buf out = BUF_INIT;
                const char *why = bootargs_encode_value(accepted[i].value, &out);

                if (word_rule(accepted[i].value)) {
                        assert_non_null(why);
                        continue;
                }
                if (why)
                        print_message("%s: %s\n", accepted[i].value, why);
                assert_null(why);
                assert_string_equal(out.data, accepted[i].written);
        }
}

static void what_is_written_is_what_the_kernel_reads(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof accepted / sizeof accepted[0]; i++) {
                AUTO_BUF struct buf line = BUF_INIT;
                struct fakebop k;

                if (word_rule(accepted[i].value))
                        continue;
                buf_puts(&line, "http://10.0.0.1/smartos/X/platform/i86pc/kernel/amd64/unix -v -B a=1,x=");
                assert_null(bootargs_encode_value(accepted[i].value, &line));
                buf_puts(&line, ",z=2");
                fakebop_parse(line.data, &k);
                assert_string_equal(fakebop_value(&k, "a"), "1");
                assert_string_equal(fakebop_value(&k, "x"), accepted[i].value);
                assert_string_equal(fakebop_value(&k, "z"), "2");
                assert_int_equal(k.n, 3);
                fakebop_fini(&k);
        }
}

static void refused_values_name_the_rule_and_write_nothing(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
                AUTO_BUF struct buf out = BUF_INIT;
                const char *why = bootargs_encode_value(refused[i].value, &out);

                if (!why || !strstr(why, refused[i].reason))
                        print_message("'%s': %s\n", refused[i].value, why ? why : "accepted");
                assert_non_null(why);
                assert_non_null(strstr(why, refused[i].reason));
                assert_int_equal(out.len, 0);
        }
}

static void a_value_longer_than_the_kernels_page_is_refused(void **state)
{
        char value[4097];
        AUTO_BUF struct buf out = BUF_INIT;

        (void)state;
        memset(value, 'a', sizeof value);
        value[4096] = '\0';
        assert_non_null(bootargs_encode_value(value, &out));
        value[4095] = '\0';
        assert_null(bootargs_encode_value(value, &out));
}

#define NAME_OF_49 "a234567890123456789012345678901234567890123456789"

static const struct {
        const char *name, *value;
        bool good;
} names[] = {
        { "smartos", "true", true },
        { "ttya-mode", "x", true },
        { "a.b_c-d9", "x", true },
        { "A", "x", true },
        { "-kd", "", true },
        { "-v", "true", true },
        { "-vm", "milestone=none", true },
        { "-mverbose", "", true }, /* the word in the flag's own */
        { "-O", "x", true },
        { NAME_OF_49, "x", true },
        { "-m", "milestone=none", true },
        { "-i", "/sbin/init", true },
        { "", "x", false },
        { "9a", "x", false },
        { "_a", "x", false },
        { ".a", "x", false },
        { "a b", "x", false },
        { "a=b", "x", false },
        { "a,b", "x", false },
        { "a'", "x", false },
        { "a\nshell", "x", false },
        { "a${b}", "x", false },
        { "\xc3\xa4", "x", false },
        { "-", "", false },
        { "--", "", false },
        { NAME_OF_49 "x", "x", false },
        { "-a", "foo", false }, /* it takes none: the kernel would read no flag behind foo */
        { "-zz", "x", false },
        { "-mv", "x", false },
        { "-m", "", false }, /* it would take the next flag for its word */
        { "-i", "true", false },
        { "-xB", "", false },
        { "-kB", "", false },
        { "-m", "a`b", false },
        { "-m", "$(x)", false },
        { "-m", "multiboot", false },
        { "note", "see-multiboot2", false },
        { "multiboot", "x", false },
        { "note", "it's", false },
        { "note", "say \"hi\"", false },
        { "note", "`id`", false },
        { "note", "a$(id)", false },
        { "note", "a$HOME", true }, /* told of, no more */
        { "note", "$[1]", true },
        { "root_shadow", "$6$rounds=5000$a$b", false },
        { "root_shadow2", "a=b", true },
        { "-B", "x=y", false },
        { "-Bx", "", false },
        { "-k d", "", false },
        { "-k1", "", false },
        { "-m", "a b", false },
        { "-m", "-B", false },
        { "-m", "-v", false },
        { "-m", "a,b", false },
        { "-m", "'a'", false },
        { "-m", "||", false },
        { "-m", "#x", false },
        { "-m", "x\\", false },
        { "-v", "false", false },
        { "-m", "a\nb", false },
        { "-m", "${x}", false },
};

static void names_are_letters_and_flags_are_a_hyphen_and_letters(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
                struct fixture f;
                AUTO_BUF struct buf out = BUF_INIT;
                AUTO_REFUSALS struct refusals refusals = REFUSALS_INIT;

                fixture_host(&f);
                f.plan.n_properties = 0;
                f.plan.hostname = NULL;
                fixture_property(&f, names[i].name, names[i].value, "host db1", false);
                assert_int_equal(bootargs_make(&f.plan, NULL, 0, 0, &out, &refusals), 0);
                if ((refusals.n == 0) != names[i].good)
                        print_message("'%s' '%s': %s\n", names[i].name, names[i].value,
                                refusals.n ? refusals.lines.data : "accepted");
                assert_int_equal(refusals.n, names[i].good ? 0 : 1);
                assert_int_equal(out.len > 0, names[i].good);
        }
}

static void check_args(
        struct fixture *f, const struct bootargs_change *changes, size_t n, const char *expected)
{
        AUTO_BUF struct buf out = BUF_INIT;

        assert_int_equal(bootargs_make(&f->plan, changes, n, 0, &out, NULL), 0);
        assert_string_equal(out.data ? out.data : "", expected);
}

static void flags_come_first_then_properties_by_name(void **state)
{
        struct fixture f;

        (void)state;
        fixture_host(&f);
        f.plan.n_properties = 0;
        fixture_property(&f, "smartos", "true", "a", false);
        fixture_property(&f, "-v", "true", "a", false);
        fixture_property(&f, "console", "text", "a", false);
        fixture_property(&f, "-m", "milestone=none", "a", false);
        fixture_property(&f, "-kd", "", "a", false);
        check_args(&f, NULL, 0, "-kd -m milestone=none -v -B console=text,hostname=db1,smartos=true");
}

static void a_plan_without_properties_gives_no_words(void **state)
{
        struct fixture f;

        (void)state;
        fixture_host(&f);
        f.plan.n_properties = 0;
        f.plan.hostname = NULL;
        check_args(&f, NULL, 0, "");
        fixture_property(&f, "-v", "", "a", false);
        check_args(&f, NULL, 0, "-v");
}

static void a_serial_console_implies_its_mode_unless_a_row_says_otherwise(void **state)
{
        struct fixture f;

        (void)state;
        fixture_host(&f);
        f.plan.n_properties = 0;
        f.plan.hostname = NULL;
        fixture_property(&f, "console", "ttyb", "a", false);
        check_args(&f, NULL, 0, "-B console=ttyb,ttyb-mode=\"115200,8,n,1,-\"");
        fixture_property(&f, "ttyb-mode", "9600,8,n,1,-", "a", false);
        check_args(&f, NULL, 0, "-B console=ttyb,ttyb-mode=\"9600,8,n,1,-\"");
        f.plan.n_properties = 1;
        fixture_unset(&f, "ttyb-mode", "host db1");
        check_args(&f, NULL, 0, "-B console=ttyb");
        f.properties[0].value = fixture_text("text");
        check_args(&f, NULL, 0, "-B console=text");
}

static void the_hosts_name_is_given_unless_a_row_says_otherwise(void **state)
{
        struct fixture f;

        (void)state;
        fixture_host(&f);
        f.plan.n_properties = 0;
        check_args(&f, NULL, 0, "-B hostname=db1");
        fixture_property(&f, "hostname", "other", "a", false);
        check_args(&f, NULL, 0, "-B hostname=other");
        f.plan.n_properties = 0;
        fixture_unset(&f, "hostname", "host db1");
        check_args(&f, NULL, 0, "");
        f.plan.n_unset = 0;
        f.plan.hostname = fixture_text("x,smartos=false");
        check_args(&f, NULL, 0, "");
        f.plan.hostname = fixture_text("multiboot1"); /* dboot would stop at it */
        check_args(&f, NULL, 0, "");
}

static void a_change_replaces_adds_or_takes_away(void **state)
{
        static const struct bootargs_change rescue[] = { { "noimport", "true" }, { "smartos", NULL },
                { "-kd", "" } };
        struct fixture f;

        (void)state;
        fixture_host(&f);
        f.plan.hostname = NULL;
        fixture_property(&f, "noimport", "false", "a", false);
        check_args(&f, rescue, 3, "-kd -B noimport=true,root_shadow=" FIXTURE_HASH);
}

static void a_name_given_twice_is_refused_the_second_time(void **state)
{
        struct fixture f;
        AUTO_BUF struct buf out = BUF_INIT;
        AUTO_REFUSALS struct refusals refusals = REFUSALS_INIT;

        (void)state;
        fixture_host(&f);
        f.plan.n_properties = 0;
        f.plan.hostname = NULL;
        fixture_property(&f, "a", "1", "host db1", false);
        fixture_property(&f, "a", "2", "host db1", false);
        assert_int_equal(bootargs_make(&f.plan, NULL, 0, 0, &out, &refusals), 0);
        assert_string_equal(out.data, "-B a=1");
        assert_int_equal(refusals.n, 1);
        assert_non_null(strstr(refusals.lines.data, "comes twice"));
}

static void a_refused_property_leaves_the_others_alone(void **state)
{
        struct fixture f;
        AUTO_BUF struct buf out = BUF_INIT;
        AUTO_REFUSALS struct refusals refusals = REFUSALS_INIT;

        (void)state;
        fixture_host(&f);
        f.plan.n_properties = 0;
        fixture_property(&f, "a", "x && shell", "host db1", false);
        fixture_property(&f, "b", "2", "host db1", false);
        fixture_property(&f, "-m", "a b", "profile rack7", false);
        assert_int_equal(bootargs_make(&f.plan, NULL, 0, 0, &out, &refusals), 0);
        assert_string_equal(out.data, "-B b=2,hostname=db1");
        assert_int_equal(refusals.n, 2);
        assert_non_null(
                strstr(refusals.lines.data, "property a (host db1) is refused: it holds the word &&"));
        assert_non_null(strstr(refusals.lines.data, "flag -m (profile rack7) is refused: "));
}

static void a_secret_is_masked_for_people_and_never_in_a_reason(void **state)
{
        struct fixture f;
        AUTO_BUF struct buf out = BUF_INIT;
        AUTO_REFUSALS struct refusals refusals = REFUSALS_INIT;

        (void)state;
        fixture_host(&f);
        f.plan.hostname = NULL;
        f.properties[0].secret = false; /* root_shadow is one whatever the row says */
        fixture_property(&f, "rabbitmq", "hunter2,'\"", "a", true);
        fixture_property(&f, "-m", "hunter2", "a", true);
        assert_int_equal(bootargs_make(&f.plan, NULL, 0, BOOTARGS_MASK_SECRETS, &out, &refusals), 0);
        assert_string_equal(out.data, "-m <secret> -B root_shadow=<secret>,smartos=true");
        assert_int_equal(refusals.n, 1);
        assert_null(strstr(refusals.lines.data, "hunter2"));
}

/* Rows that only a database with its triggers off can hold. */
static void what_the_kernel_makes_or_what_destroys_is_left_out(void **state)
{
        static const struct {
                const char *name;
                bool allow, passed;
        } t[] = {
                { "destroy_zpools", false, false },
                { "destroy_zpools", true, true },
                { "input-device", true, false },
                { "output-device", false, false },
                { "bootpath", false, false },
                { "ramdisk_start", false, false },
                { "ramdisk_end", false, false },
                { "module-size-0", false, false },
                { "modules", false, true },
                { "bootpath2", false, true },
                { "destroy_zpools2", false, true },
                { "boot-args", false, false },
                { "boot-file", false, false },
                { "bootargs", false, false },
                { "impl-arch-name", false, false },
                { "mfg-name", false, false },
                { "stdout", false, false },
                { "whoami", false, false },
                { "whoami2", false, true },
        };

        (void)state;
        for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
                struct fixture f;
                AUTO_BUF struct buf out = BUF_INIT;
                AUTO_REFUSALS struct refusals left_out = REFUSALS_INIT;

                fixture_host(&f);
                fixture_property(&f, t[i].name, "true", "host db1", false);
                f.plan.allow_destructive = t[i].allow;
                assert_int_equal(bootargs_make(&f.plan, NULL, 0, 0, &out, &left_out), 0);
                assert_int_equal(strstr(out.data, t[i].name) != NULL, t[i].passed);
                assert_int_equal(left_out.n, !t[i].passed);
        }
}

static void what_smartos_scripts_break_is_told(void **state)
{
        static const struct {
                const char *name, *value, *warning; /* a part; NULL: none */
        } t[] = {
                { "smartos", "true", NULL }, { "root_shadow", FIXTURE_HASH, NULL },
                { "ttya-mode", "115200,8,n,1,-", NULL }, { "acpi-user-options", "0x2", NULL },
                { "x86-max-ncpus", "4", NULL }, { "-m", "milestone=none", NULL },
                { "a", "b=c", "lose what follows" }, { "a", "b c", "split" }, { "a", "b$c", "BOOT_" },
                { "a", "b\\c", "JSON" }, { "a", "*", "file names" }, { "a", "b?", "file names" },
                { "a", "b;c", NULL }, /* within quotes in both */
                { "a", "b|c&(d)<e>", NULL }, { "a.b", "x", "BOOT_ variable" },
                { "a-b", "x", NULL }, /* BOOT_a_b */
        };

        (void)state;
        for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
                const char *w = bootargs_warn(t[i].name, t[i].value);

                if (!w != !t[i].warning)
                        print_message("%s=%s: %s\n", t[i].name, t[i].value, w ? w : "no warning");
                assert_int_equal(!w, !t[i].warning);
                if (w)
                        assert_non_null(strstr(w, t[i].warning));
        }
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(accepted_values_are_written_bare_where_safe_and_quoted_else),
                cmocka_unit_test(what_is_written_is_what_the_kernel_reads),
                cmocka_unit_test(refused_values_name_the_rule_and_write_nothing),
                cmocka_unit_test(a_value_longer_than_the_kernels_page_is_refused),
                cmocka_unit_test(names_are_letters_and_flags_are_a_hyphen_and_letters),
                cmocka_unit_test(flags_come_first_then_properties_by_name),
                cmocka_unit_test(a_plan_without_properties_gives_no_words),
                cmocka_unit_test(a_serial_console_implies_its_mode_unless_a_row_says_otherwise),
                cmocka_unit_test(the_hosts_name_is_given_unless_a_row_says_otherwise),
                cmocka_unit_test(a_change_replaces_adds_or_takes_away),
                cmocka_unit_test(a_name_given_twice_is_refused_the_second_time),
                cmocka_unit_test(a_refused_property_leaves_the_others_alone),
                cmocka_unit_test(what_the_kernel_makes_or_what_destroys_is_left_out),
                cmocka_unit_test(what_smartos_scripts_break_is_told),
                cmocka_unit_test(a_secret_is_masked_for_people_and_never_in_a_reason),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
