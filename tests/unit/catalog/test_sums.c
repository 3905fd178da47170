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

#include "catalog/sums.h"
#include "tarmaker.h"

#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B64 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define UP  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define A32 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

#define A40  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A128 A64 A64

static void each_form_is_taken_and_the_rest_is_told(void **state)
{
        static const struct {
                const char *text;
                const char *name; /* NULL: no line of it is taken */
                enum sums_kind kind;
                size_t n_bad, n_other;
        } table[] = {
                /* sha256sum, md5sum */
                { A64 "  x.tgz\n", "x.tgz", SUMS_SHA256, 0, 0 },
                { A64 " *x.tgz\n", "x.tgz", SUMS_SHA256, 0, 0 },
                { A64 " x.tgz\n", "x.tgz", SUMS_SHA256, 0, 0 },
                { UP "  x.tgz\n", "x.tgz", SUMS_SHA256, 0, 0 },
                { A64 "  x.tgz\r\n", "x.tgz", SUMS_SHA256, 0, 0 },
                { A64 "  x.tgz", "x.tgz", SUMS_SHA256, 0, 0 }, /* no line feed at the end */
                { A64 "  two words.iso\n", "two words.iso", SUMS_SHA256, 0, 0 },
                { A64 "   x.tgz\n", " x.tgz", SUMS_SHA256, 0, 0 },
                { A32 "  x.tgz\n", "x.tgz", SUMS_MD5, 0, 0 },
                { A64 "  ./x.tgz\n", "x.tgz", SUMS_SHA256, 0, 0 },
                { A64 "  ../x.tgz\n", "x.tgz", SUMS_SHA256, 0, 0 },
                { A64 " */srv/builds/x.tgz\n", "x.tgz", SUMS_SHA256, 0, 0 },
                { "\\" A64 "  x\\n.tgz\n", "x\n.tgz", SUMS_SHA256, 0, 0 },
                { "\\" A64 "  dir\\n/x.tgz\n", "x.tgz", SUMS_SHA256, 0, 0 },
                { "\\" A64 "  x\\\\y.tgz\n", "x\\y.tgz", SUMS_SHA256, 0, 0 },
                { "\\" A32 " *./x\\r.tgz\n", "x\r.tgz", SUMS_MD5, 0, 0 },
                /* --tag, BSD, openssl dgst */
                { "SHA256 (x.tgz) = " A64 "\n", "x.tgz", SUMS_SHA256, 0, 0 },
                { "SHA256 (x (1).tgz) = " A64 "\n", "x (1).tgz", SUMS_SHA256, 0, 0 },
                { "MD5 (./x.tgz) = " A32 "\n", "x.tgz", SUMS_MD5, 0, 0 },
                { "\\SHA256 (x\\n.tgz) = " A64 "\n", "x\n.tgz", SUMS_SHA256, 0, 0 },
                { "SHA256(x.tgz)= " A64 "\n", "x.tgz", SUMS_SHA256, 0, 0 },
                { "SHA2-256(/srv/x.tgz)= " A64 "\n", "x.tgz", SUMS_SHA256, 0, 0 },
                { "MD5(x.tgz)= " A32 "\r\n", "x.tgz", SUMS_MD5, 0, 0 },
                /* Get-FileHash */
                { "\r\nAlgorithm       Hash        Path\r\n---------       ----        ----\r\n"
                  "SHA256          " UP "       C:\\b\\x.tgz\r\n\r\n",
                        "x.tgz", SUMS_SHA256, 0, 0 },
                { "Algorithm : SHA256\r\nHash      : " UP "\r\nPath      : C:\\b\\x.tgz\r\n", "x.tgz",
                        SUMS_SHA256, 0, 0 },
                { "\"Algorithm\",\"Hash\",\"Path\"\r\n\"SHA256\",\"" UP "\",\"C:\\b\\x.tgz\"\r\n", "x.tgz",
                        SUMS_SHA256, 0, 0 },
                /* what stands around lines */
                { "\n# " A64 "  x.tgz\n\r\n", NULL, 0, 0, 0 },
                { "\xef\xbb\xbf" A64 "  x.tgz\n", "x.tgz", SUMS_SHA256, 0, 0 },
                { "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n" A64
                  "  x.tgz\n-----BEGIN PGP SIGNATURE-----\n\niQIz\n"
                  "-----END PGP SIGNATURE-----\n",
                        "x.tgz", SUMS_SHA256, 0, 0 },
                { "", NULL, 0, 0, 0 },
                /* another algorithm */
                { A40 "  x.tgz\n", NULL, 0, 0, 1 }, { A128 "  x.tgz\n", NULL, 0, 0, 1 },
                { "SHA512 (x.tgz) = " A128 "\n", NULL, 0, 0, 1 }, { "SHA1(x.tgz)= " A40 "\n", NULL, 0, 0, 1 },
                { "SHA3-256(x.tgz)= " A64 "\n", NULL, 0, 0, 1 },
                { "BLAKE2b (x.tgz) = " A128 "\n", NULL, 0, 0, 1 },
                { "SHA512  " A128 "  C:\\b\\x.tgz\n", NULL, 0, 0, 1 },
                { "\"SHA1\",\"" A40 "\",\"x.tgz\"\n", NULL, 0, 0, 1 },
                { "Algorithm : SHA1\nHash : " A40 "\nPath : x.tgz\n", NULL, 0, 0, 1 },
                /* no lines */
                { A64 "x.tgz\n", NULL, 0, 1, 0 }, { A64 "\tx.tgz\n", NULL, 0, 1, 0 },
                { A64 "  \n", NULL, 0, 1, 0 }, { A64 " *\n", NULL, 0, 1, 0 }, { A64 " ", NULL, 0, 1, 0 },
                { A64 "\n", NULL, 0, 1, 0 }, { A64 "a  x.tgz\n", NULL, 0, 1, 0 }, /* 65 digits */
                { "aaaaaaaa  x.tgz\n", NULL, 0, 1, 0 }, { "a", NULL, 0, 1, 0 },
                { " " A64 "  x.tgz\n", NULL, 0, 1, 0 }, { A64 "  /srv/builds/\n", NULL, 0, 1, 0 },
                { "g" A64 "  x.tgz\n", NULL, 0, 1, 0 }, { "SHA256 (x.tgz) = \n", NULL, 0, 1, 0 },
                { "SHA256 (x.tgz) " A64 "\n", NULL, 0, 1, 0 }, { "SHA256 () = " A64 "\n", NULL, 0, 1, 0 },
                { "(x.tgz) = " A64 "\n", NULL, 0, 1, 0 }, { "SHA256 x.tgz = " A64 "\n", NULL, 0, 1, 0 },
                { "SHA256 )x.tgz( = " A64 "\n", NULL, 0, 1, 0 },
                { "SHA256 (x.tgz) = " A64 "z\n", NULL, 0, 1, 0 },
                { "SHA256  " UP "  C:\\b\\platfo...\n", NULL, 0, 1, 0 }, /* cut */
                { "SHA256  " UP "\n", NULL, 0, 1, 0 }, { "SHA256  xyz  C:\\b\\x.tgz\n", NULL, 0, 1, 0 },
                { "\"SHA256\",\"" UP "\"\n", NULL, 0, 1, 0 },
                { "\"SHA256\",\"" UP "\",\"x.tgz\n", NULL, 0, 1, 0 },
                { "\"SHA256\",\"" UP "\",\"x.tgz\",\"more\"\n", NULL, 0, 1, 0 },
                { "Path : x.tgz\n", NULL, 0, 1, 0 },
                { "Hash : " UP "\n", NULL, 0, 1, 0 }, /* a list that ends early */
                { "Hash : xyz\nPath : x.tgz\n", NULL, 0, 2, 0 }, { "Algorithm : ROT13\n", NULL, 0, 1, 0 },
                { "<html>\n<body>\n", NULL, 0, 2, 0 },
                { "-----BEGIN PGP SIGNATURE-----\n" A64 "  x.tgz\n", NULL, 0, 1, 0 }, /* it never ends */
        };

        (void)state;
        for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
                struct sums s = { 0 };
                struct sums_file *f = &s.files[0];
                enum sums_kind kind;

                assert_int_equal(sums_parse(table[i].text, strlen(table[i].text), f), 0);
                if (f->n != (table[i].name != NULL) || f->n_bad != table[i].n_bad ||
                        f->n_other != table[i].n_other)
                        fail_msg("\"%s\": %zu taken, %zu left out, %zu other", table[i].text, f->n, f->n_bad,
                                f->n_other);
                if (table[i].name) {
                        assert_true(sums_find(&s, table[i].name, &kind));
                        assert_int_equal(kind, table[i].kind);
                        assert_int_equal(f->v[0].hex[0], 'a');
                        assert_int_equal(
                                sums_judge(&s, table[i].name, kind, kind == SUMS_MD5 ? A32 : A64, NULL), 0);
                        assert_int_equal(sums_judge(&s, table[i].name, kind, "b", NULL), -EBADMSG);
                }
                sums_fini(&s);
        }
}

static void utf16_is_read_in_both_orders(void **state)
{
        static const char text[] = "Algorithm : SHA256\r\nHash : " UP "\r\nPath : C:\\b\\x.tgz\r\n";

        (void)state;
        for (int big = 0; big < 2; big++) {
                struct sums s = { 0 };
                enum sums_kind kind;
                AUTO_BUF struct buf b = BUF_INIT;

                buf_add(&b, big ? "\xfe\xff" : "\xff\xfe", 2);
                for (const char *p = text; *p; p++) {
                        char pair[2] = { big ? '\0' : *p, big ? *p : '\0' };

                        buf_add(&b, pair, 2);
                }
                buf_add(&b, "\x20", 1); /* half a character at the end */
                assert_int_equal(sums_parse(b.data, b.len, &s.files[0]), 0);
                assert_int_equal(s.files[0].n_bad, 0);
                assert_true(sums_find(&s, "x.tgz", &kind));
                sums_fini(&s);
        }
}

static void lines_may_end_in_nul(void **state)
{
        static const char text[] = A64 "  x.tgz\0" B64 "  y\n.tgz"; /* sha256sum -z escapes nothing */
        struct sums s = { 0 };
        enum sums_kind kind;

        (void)state;
        assert_int_equal(sums_parse(text, sizeof text, &s.files[0]), 0);
        assert_int_equal(s.files[0].n, 2);
        assert_int_equal(s.files[0].n_bad, 0);
        assert_true(sums_find(&s, "x.tgz", &kind) && sums_find(&s, "y\n.tgz", &kind));
        sums_fini(&s);
}

static void a_name_that_is_too_long_is_left_out(void **state)
{
        AUTO_BUF struct buf b = BUF_INIT;
        struct sums_file f = { 0 };

        (void)state;
        buf_puts(&b, A64 "  ");
        for (int i = 0; i < 256; i++)
                buf_puts(&b, "x");
        assert_int_equal(sums_parse(b.data, b.len, &f), 0);
        assert_int_equal(f.n, 0);
        assert_int_equal(f.n_bad, 1);
        sums_file_fini(&f);
}

static void all_lines_of_a_name_must_match(void **state)
{
        static const char text[] = A64 "  x.tgz\n" B64 "  x.tgz\n" A64 "  y.tgz\n" A64 "  y.tgz\n";
        static const char other[] = "SHA256 (y.tgz) = " B64 "\n";
        struct sums s = { 0 };
        struct err err = { "" };

        (void)state;
        assert_int_equal(sums_parse(text, sizeof text - 1, &s.files[0]), 0);
        assert_int_equal(sums_judge(&s, "x.tgz", SUMS_SHA256, A64, &err), -EBADMSG);
        assert_non_null(strstr(err.text, "its SHA-256 is " A64));
        assert_non_null(strstr(err.text, "line 2 of sha256sums.txt says " B64));
        assert_int_equal(sums_judge(&s, "x.tgz", SUMS_SHA256, B64, &err), -EBADMSG);
        assert_int_equal(sums_judge(&s, "y.tgz", SUMS_SHA256, A64, &err), 0);
        assert_int_equal(sums_parse(other, sizeof other - 1, &s.files[1]), 0); /* and in all files */
        assert_int_equal(sums_judge(&s, "y.tgz", SUMS_SHA256, A64, &err), -EBADMSG);
        assert_non_null(strstr(err.text, "line 1 of SHA256SUMS says " B64));
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
        assert_int_equal(sums_refresh(&s, dirfd, NULL, NULL, 0, true, &changed), 0);
        assert_false(changed);
        scratch_put(dirfd, "SHA256SUMS", A64 "  x.tgz\n", 72, 60);
        assert_int_equal(sums_refresh(&s, dirfd, NULL, NULL, 0, true, &changed), 0);
        assert_true(changed && sums_find(&s, "x.tgz", &kind));
        assert_int_equal(sums_refresh(&s, dirfd, NULL, NULL, 0, true, &changed), 0);
        assert_false(changed);
        assert_int_equal(s.wait_ms, -1);
        assert_int_equal(unlinkat(dirfd, "SHA256SUMS", 0), 0);
        assert_int_equal(mkdirat(dirfd, "SHA256SUMS", 0700), 0);
        assert_int_equal(sums_refresh(&s, dirfd, NULL, NULL, 0, true, &changed), 0);
        assert_true(changed && sums_find(&s, "x.tgz", &kind)); /* cannot be read: what was read stays */
        assert_int_equal(sums_refresh(&s, dirfd, NULL, NULL, 0, true, &changed), 0);
        assert_false(changed);
        assert_int_equal(unlinkat(dirfd, "SHA256SUMS", AT_REMOVEDIR), 0);
        assert_int_equal(sums_refresh(&s, dirfd, NULL, NULL, 0, true, &changed), 0);
        assert_true(changed && !sums_find(&s, "x.tgz", &kind));
        sums_fini(&s);
        scratch_close(path, dirfd);
}

/* `sha256sum * >sha256sums.txt` empties the file, and then works for minutes. */
static void what_was_just_written_is_not_believed_yet(void **state)
{
        char path[64];
        int dirfd = scratch_open(path);
        struct sums s = { 0 };
        enum sums_kind kind;
        bool changed;
        AUTO_BUF struct buf b = BUF_INIT;

        (void)state;
        /* The first one: said, and not read. */
        scratch_put(dirfd, "sha256sums.txt", A64 "  x.tgz\n", 72, 0);
        assert_int_equal(sums_refresh(&s, dirfd, NULL, NULL, 0, true, &changed), 0);
        assert_true(changed && !sums_find(&s, "x.tgz", &kind));
        assert_true(s.wait_ms > 0 && s.wait_ms <= 2000);
        sums_complain(&s, &b);
        assert_non_null(strstr(b.data, "sha256sums.txt: it is being written"));
        /* Settled. */
        scratch_put(dirfd, "sha256sums.txt", A64 "  x.tgz\n" A64 "  y.tgz\n", 144, 60);
        assert_int_equal(sums_refresh(&s, dirfd, NULL, NULL, 0, true, &changed), 0);
        assert_true(changed && sums_find(&s, "y.tgz", &kind));
        /* Emptied, or cut short: what it said counts, and that waits longest. */
        scratch_put(dirfd, "sha256sums.txt", "", 0, 0);
        assert_int_equal(sums_refresh(&s, dirfd, NULL, NULL, 0, true, &changed), 0);
        assert_true(!changed && sums_find(&s, "x.tgz", &kind));
        assert_true(s.wait_ms > 2000);
        scratch_put(dirfd, "sha256sums.txt", A64 "  x.tgz\n", 72, 5);
        assert_int_equal(sums_refresh(&s, dirfd, NULL, NULL, 0, true, &changed), 0);
        assert_true(!changed && sums_find(&s, "y.tgz", &kind));
        /* Longer, and left alone for as long: believed. */
        scratch_put(dirfd, "sha256sums.txt", A64 "  x.tgz\n" A64 "  y.tgz\n" A64 "  z.tgz\n", 216, 5);
        assert_int_equal(sums_refresh(&s, dirfd, NULL, NULL, 0, true, &changed), 0);
        assert_true(changed && sums_find(&s, "z.tgz", &kind));
        /* Shorter, and old enough. */
        scratch_put(dirfd, "sha256sums.txt", A64 "  x.tgz\n", 72, 60);
        assert_int_equal(sums_refresh(&s, dirfd, NULL, NULL, 0, true, &changed), 0);
        assert_true(changed && !sums_find(&s, "z.tgz", &kind) && s.wait_ms == -1);
        /* Who asks once takes what is there. */
        scratch_put(dirfd, "sha256sums.txt", A64 "  w.tgz\n", 72, 0);
        assert_int_equal(sums_refresh(&s, dirfd, NULL, NULL, 0, false, &changed), 0);
        assert_true(changed && sums_find(&s, "w.tgz", &kind));
        sums_fini(&s);
        scratch_close(path, dirfd);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_form_is_taken_and_the_rest_is_told),
                cmocka_unit_test(utf16_is_read_in_both_orders),
                cmocka_unit_test(lines_may_end_in_nul),
                cmocka_unit_test(a_name_that_is_too_long_is_left_out),
                cmocka_unit_test(what_was_just_written_is_not_believed_yet),
                cmocka_unit_test(all_lines_of_a_name_must_match),
                cmocka_unit_test(is_read_anew_only_when_it_changed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
