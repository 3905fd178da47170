/* SPDX-License-Identifier: MPL-2.0 */
/* sniff: what is no archive gets the reason a person can act on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "archive/sniff.h"

static void says_what_it_is_and_the_way_out(void **state)
{
        static const struct {
                const char *data;
                size_t len;
                const char *says;
        } table[] = {
                { "", 0, "empty" },
                { "\xfd"
                  "7zXZ\0....",
                        10, "xz inside another" },
                { "\x28\xb5\x2f\xfd....", 8, "zstd inside another" },
                { "BZh91AY", 7, "bzip2 inside another" },
                { "\x04\x22\x4d\x18..", 6, "lz4" },
                { "\x1f\x8b\x08..", 5, "gzip inside another" },
                { "PK\x03\x04..", 6, "zip" },
                { "\x5d\0\0\x80\0\xff\xff\xff\xff\xff\xff\xff\xff", 13, "lzma (.lzma, not .xz)" },
                { "\x89LZO\0\r\n\x1a\n", 9, "lzop" },
                { "\x78\x9c..", 4, "zlib stream" },
                { "07070100000001", 14, "cpio archive" },
                { "070707000001000001", 18, "cpio archive" },
                { "\xc7\x71......................................", 40, "cpio archive" },
                { "7z\xbc\xaf\x27\x1c", 6, "7-Zip" },
                { "Rar!..", 6, "RAR" },
                { "hsqs", 4, "squashfs" },
                { "\x7f"
                  "ELF",
                        4, "ELF" },
                { "<!DOCTYPE html><html>", 21, "web page" },
                { "\r\n  <HTML><body>404", 19, "web page" },
                { "<?xml version=\"1.0\"?><Error>", 28, "web page" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
                const char *why = sniff_refuse(table[i].data, table[i].len, false);

                assert_non_null(why);
                if (!strstr(why, table[i].says))
                        fail_msg("\"%s\" does not speak of \"%s\"", why, table[i].says);
        }
}

static void what_is_not_read_names_what_is(void **state)
{
        (void)state;
        assert_string_equal(sniff_refuse("LZIP", 4, false),
                "it is compressed with lzip: this version reads .tar (also with gzip, xz, zstd or bzip2) and "
                ".iso: recompress it with gzip");
}

static void an_empty_file_is_told_from_one_that_holds_nothing(void **state)
{
        (void)state;
        assert_non_null(strstr(sniff_refuse("", 0, false), "the download has not begun"));
        assert_null(strstr(sniff_refuse("", 0, true), "download"));
        assert_non_null(strstr(sniff_refuse("", 0, true), "pack it again"));
}

/* First names of tars as they were before there was a mark. */
static void an_old_tar_may_begin_with_any_name(void **state)
{
        static const char *const names[] = { "]", "x^y", "07070", "070701", "070701-notes" };

        (void)state;
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
                char block[512] = { 0 };

                memcpy(block, names[i], strlen(names[i]));
                assert_null(sniff_refuse(block, sizeof block, false));
        }
}

static void lets_tar_and_iso_pass(void **state)
{
        static char data[40000];

        (void)state;
        assert_null(sniff_refuse("anything", 8, true)); /* an old tar has no mark: libarchive decides */
        data[510] = 0x55;
        data[511] = (char)0xaa;
        assert_non_null(sniff_refuse(data, sizeof data, false)); /* a disk image... */
        memcpy(data + 32769, "CD001", 5);
        assert_null(sniff_refuse(data, sizeof data, false)); /* ...but for a hybrid ISO */
        memset(data, 0, sizeof data);
        memcpy(data, "BZh9", 4); /* a member's name may look like anything */
        memcpy(data + 257, "ustar", 5);
        assert_null(sniff_refuse(data, sizeof data, false));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(says_what_it_is_and_the_way_out),
                cmocka_unit_test(what_is_not_read_names_what_is),
                cmocka_unit_test(an_empty_file_is_told_from_one_that_holds_nothing),
                cmocka_unit_test(an_old_tar_may_begin_with_any_name),
                cmocka_unit_test(lets_tar_and_iso_pass),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
