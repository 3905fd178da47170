/* SPDX-License-Identifier: MPL-2.0 */
/* sums: what is a line and what is none; whom a file speaks of; changes of the file. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "build/sums.h"
#include "tarmaker.h"

#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B64 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define UP  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define A32 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void takes_what_sha256sum_writes_and_leaves_the_rest(void **state)
{
        static const struct {
                const char *text;
                enum sums_kind kind;
                const char *name; /* NULL: no line of it is taken */
                size_t n_bad;
        } table[] = {
                { A64 "  x.tgz\n", SUMS_SHA256, "x.tgz", 0 },
                { A64 " *x.tgz\n", SUMS_SHA256, "x.tgz", 0 },
                { A64 " x.tgz\n", SUMS_SHA256, "x.tgz", 0 },
                { UP "  x.tgz\n", SUMS_SHA256, "x.tgz", 0 },
                { A64 "  x.tgz\r\n", SUMS_SHA256, "x.tgz", 0 },
                { A64 "  x.tgz", SUMS_SHA256, "x.tgz", 0 }, /* no line feed at the end */
                { A64 "  two words.iso\n", SUMS_SHA256, "two words.iso", 0 },
                { A64 "   x.tgz\n", SUMS_SHA256, " x.tgz", 0 },
                { "\n# " A64 "  x.tgz\n\r\n", SUMS_SHA256, NULL, 0 },
                { A32 "  x.tgz\n", SUMS_MD5, "x.tgz", 0 },
                { A32 "  x.tgz\n", SUMS_SHA256, NULL, 1 },
                { A64 "  x.tgz\n", SUMS_MD5, NULL, 1 }, /* longer than its kind */
                { A64 "x.tgz\n", SUMS_SHA256, NULL, 1 },
                { A64 "\tx.tgz\n", SUMS_SHA256, NULL, 1 },
                { A64 "  \n", SUMS_SHA256, NULL, 1 },
                { A64 " *\n", SUMS_SHA256, NULL, 1 },
                { A64 " ", SUMS_SHA256, NULL, 1 },
                { A64, SUMS_SHA256, NULL, 1 },
                { "a", SUMS_SHA256, NULL, 1 },
                { "", SUMS_SHA256, NULL, 0 },
                { " " A64 "  x.tgz\n", SUMS_SHA256, NULL, 1 },
                { A64 "  ../x.tgz\n", SUMS_SHA256, NULL, 1 },
                { A64 "  ./x.tgz\n", SUMS_SHA256, NULL, 1 },
                { "\\" A64 "  x\\n.tgz\n", SUMS_SHA256, NULL, 1 }, /* coreutils' escaped names */
                { "SHA256 (x.tgz) = " A64 "\n", SUMS_SHA256, NULL, 1 },
                { "-----BEGIN PGP SIGNED MESSAGE-----\n\n" A64 "  x.tgz\n", SUMS_SHA256, "x.tgz", 1 },
                { "<html>\n<body>\n", SUMS_SHA256, NULL, 2 },
        };

        (void)state;
        for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
                struct sums s = { 0 };
                struct sums_file *f = &s.files[table[i].kind];
                enum sums_kind kind;

                assert_int_equal(sums_parse(table[i].text, strlen(table[i].text), table[i].kind, f), 0);
                if (f->n != (table[i].name != NULL) || f->n_bad != table[i].n_bad)
                        fail_msg("\"%s\": %zu taken, %zu left out", table[i].text, f->n, f->n_bad);
                if (table[i].name) {
                        assert_true(sums_find(&s, table[i].name, &kind));
                        assert_int_equal(kind, table[i].kind);
                        assert_int_equal(f->v[0].hex[0], 'a');
                        assert_int_equal(
                                sums_judge(&s, table[i].name, kind, kind == SUMS_MD5 ? A32 : A64, NULL), 0);
                }
                sums_fini(&s);
        }
}

static void names_with_a_nul_or_too_long_are_left_out(void **state)
{
        static const char nul[] = A64 "  x\0y.tgz\n";
        AUTO_BUF struct buf b = BUF_INIT;
        struct sums_file f = { 0 };

        (void)state;
        assert_int_equal(sums_parse(nul, sizeof nul - 1, SUMS_SHA256, &f), 0);
        buf_puts(&b, A64 "  ");
        for (int i = 0; i < 256; i++)
                buf_puts(&b, "x");
        assert_int_equal(sums_parse(b.data, b.len, SUMS_SHA256, &f), 0);
        assert_int_equal(f.n, 0);
        assert_int_equal(f.n_bad, 2);
        sums_file_fini(&f);
}

static void all_lines_of_a_name_must_match(void **state)
{
        static const char text[] = A64 "  x.tgz\n" B64 "  x.tgz\n" A64 "  y.tgz\n" A64 "  y.tgz\n";
        struct sums s = { 0 };
        struct err err = { "" };

        (void)state;
        assert_int_equal(sums_parse(text, sizeof text - 1, SUMS_SHA256, &s.files[SUMS_SHA256]), 0);
        assert_int_equal(sums_judge(&s, "x.tgz", SUMS_SHA256, A64, &err), -EBADMSG);
        assert_non_null(strstr(err.text, "its SHA-256 is " A64));
        assert_non_null(strstr(err.text, "line 2 of sha256sums.txt says " B64));
        assert_int_equal(sums_judge(&s, "x.tgz", SUMS_SHA256, B64, &err), -EBADMSG);
        assert_int_equal(sums_judge(&s, "y.tgz", SUMS_SHA256, A64, &err), 0);
        sums_fini(&s);
}

static void is_read_anew_only_when_it_changed(void **state)
{
        char path[64];
        int dirfd = scratch_open(path);
        struct sums s = { 0 };
        enum sums_kind kind;
        bool changed;

        (void)state;
        assert_int_equal(sums_refresh(&s, dirfd, NULL, &changed), 0);
        assert_false(changed);
        scratch_put(dirfd, "sha256sums.txt", A64 "  x.tgz\n", 72, 60);
        assert_int_equal(sums_refresh(&s, dirfd, NULL, &changed), 0);
        assert_true(changed && sums_find(&s, "x.tgz", &kind));
        assert_int_equal(sums_refresh(&s, dirfd, NULL, &changed), 0);
        assert_false(changed);
        assert_int_equal(unlinkat(dirfd, "sha256sums.txt", 0), 0);
        assert_int_equal(mkdirat(dirfd, "sha256sums.txt", 0700), 0);
        assert_int_equal(sums_refresh(&s, dirfd, NULL, &changed), 0);
        assert_true(changed && sums_find(&s, "x.tgz", &kind)); /* cannot be read: what was read stays */
        assert_int_equal(sums_refresh(&s, dirfd, NULL, &changed), 0);
        assert_false(changed);
        assert_int_equal(unlinkat(dirfd, "sha256sums.txt", AT_REMOVEDIR), 0);
        assert_int_equal(sums_refresh(&s, dirfd, NULL, &changed), 0);
        assert_true(changed && !sums_find(&s, "x.tgz", &kind));
        sums_fini(&s);
        scratch_close(path, dirfd);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(takes_what_sha256sum_writes_and_leaves_the_rest),
                cmocka_unit_test(names_with_a_nul_or_too_long_are_left_out),
                cmocka_unit_test(all_lines_of_a_name_must_match),
                cmocka_unit_test(is_read_anew_only_when_it_changed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
