/* SPDX-License-Identifier: MPL-2.0 */
/* gunzip: what is accepted, and the longer list of what is refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "codec/gunzip.h"
#include "tarmaker.h"

/* Decodes @len bytes at @data: 0 and the output, or the error. */
static int decode(const void *data, size_t len, struct buf *out, struct err *err)
{
        AUTO_CLOSE int fd = mem_file(data, len);
        struct gunzip *g = NULL;
        const void *p;
        ssize_t n;

        assert_int_equal(gunzip_new(fd, &g, err), 0);
        while ((n = gunzip_next(g, &p, err)) > 0)
                buf_add(out, p, (size_t)n);
        if (n == 0)
                assert_int_equal(gunzip_next(g, &p, err), 0); /* the end stays the end */
        gunzip_free(g);
        return (int)n;
}

static void assert_gives(const struct buf *gz, const char *want, size_t len)
{
        AUTO_BUF struct buf out = BUF_INIT;
        struct err err = { "" };

        assert_int_equal(decode(gz->data, gz->len, &out, &err), 0);
        assert_int_equal(out.len, len);
        assert_memory_equal(out.data ? out.data : "", want, len);
}

static void assert_refused(const void *data, size_t len, const char *why)
{
        AUTO_BUF struct buf out = BUF_INIT;
        struct err err = { "" };

        assert_int_equal(decode(data, len, &out, &err), -EBADMSG);
        if (!strstr(err.text, why))
                fail_msg("\"%s\" does not speak of \"%s\"", err.text, why);
}

static const char text[] = "a platform image, a platform image, a platform image and 0123456789abcdef";

static void decodes_a_member(void **state)
{
        (void)state;
        for (int level = 0; level <= 9; level++) {
                AUTO_BUF struct buf gz = BUF_INIT;

                gz_add(&gz, text, sizeof text, level);
                assert_gives(&gz, text, sizeof text);
        }
}

static void decodes_more_than_one_chunk(void **state)
{
        static char big[3 * 256 * 1024 + 17];
        uint32_t x = 1;

        (void)state;
        for (size_t i = 0; i < sizeof big; i++)
                big[i] = (char)((x = x * 1664525 + 1013904223) >> 24);
        for (int level = 0; level <= 1; level++) {
                AUTO_BUF struct buf gz = BUF_INIT;

                gz_add(&gz, big, sizeof big, level);
                assert_gives(&gz, big, sizeof big);
        }
}

static void accepts_several_members(void **state)
{
        AUTO_BUF struct buf gz = BUF_INIT;

        (void)state;
        gz_add(&gz, text, 10, 6);
        gz_add(&gz, "", 0, 6); /* as bgzip ends its files */
        gz_add(&gz, text + 10, sizeof text - 10, 0);
        assert_gives(&gz, text, sizeof text);
}

static void accepts_zero_padding(void **state)
{
        static const char zeros[512 * 1024];

        (void)state;
        for (size_t n = 1; n <= sizeof zeros; n = n * 4 + 3) {
                AUTO_BUF struct buf gz = BUF_INIT;

                gz_add(&gz, text, sizeof text, 6);
                buf_add(&gz, zeros, n);
                assert_gives(&gz, text, sizeof text);
        }
}

static void refuses_what_follows_and_is_no_gzip(void **state)
{
        static const struct {
                const char *tail;
                size_t len;
        } tails[] = { { "x", 1 }, { "\0\0\0x", 4 }, { "\x1f", 1 }, { "\x1f\x8b", 2 }, { "\x1f\x8b\x08", 3 },
                { "\x1f\x8b\x07\0", 4 }, { "\0\x1f\x8b\x08", 4 }, { "<html>", 6 } };

        (void)state;
        for (size_t i = 0; i < sizeof tails / sizeof tails[0]; i++) {
                AUTO_BUF struct buf gz = BUF_INIT;

                gz_add(&gz, text, sizeof text, 6);
                buf_add(&gz, tails[i].tail, tails[i].len);
                assert_refused(gz.data, gz.len, "byte ");
        }
}

static void refuses_a_member_behind_zeros(void **state)
{
        AUTO_BUF struct buf gz = BUF_INIT;

        (void)state;
        gz_add(&gz, text, sizeof text, 6);
        buf_add(&gz, "\0\0", 2);
        gz_add(&gz, text, sizeof text, 6);
        assert_refused(gz.data, gz.len, "follows the gzip data");
}

static void refuses_a_file_cut_at_any_byte(void **state)
{
        AUTO_BUF struct buf gz = BUF_INIT;

        (void)state;
        gz_add(&gz, text, sizeof text, 6);
        for (size_t n = 0; n < gz.len; n++)
                assert_refused(gz.data, n, "too early");
}

static void refuses_a_second_member_cut_at_any_byte(void **state)
{
        AUTO_BUF struct buf gz = BUF_INIT;
        size_t first;

        (void)state;
        gz_add(&gz, text, sizeof text, 6);
        first = gz.len;
        gz_add(&gz, text, sizeof text, 6);
        for (size_t n = first + 1; n < gz.len; n++)
                assert_refused(gz.data, n, "too early");
}

static void refuses_a_wrong_crc_and_a_wrong_length(void **state)
{
        (void)state;
        for (size_t from_end = 1; from_end <= 8; from_end++) {
                AUTO_BUF struct buf gz = BUF_INIT;

                gz_add(&gz, text, sizeof text, 0);
                gz.data[gz.len - from_end] ^= 1;
                assert_refused(gz.data, gz.len, from_end > 4 ? "CRC32" : "ISIZE");
        }
}

static void refuses_a_wrong_crc_in_any_member(void **state)
{
        AUTO_BUF struct buf gz = BUF_INIT;
        size_t first;

        (void)state;
        gz_add(&gz, text, sizeof text, 6);
        first = gz.len;
        gz_add(&gz, text, sizeof text, 6);
        gz.data[first - 6] ^= 0x10;
        assert_refused(gz.data, gz.len, "CRC32");
}

/* The header's fields that decode to the same bytes (MTIME, XFL, OS) may flip, and the bits that fill up
 * a stored block's first byte; nothing else. */
static void never_gives_wrong_bytes_for_a_flipped_bit(void **state)
{
        AUTO_BUF struct buf gz = BUF_INIT;

        (void)state;
        gz_add(&gz, text, sizeof text, 0);
        for (size_t bit = 0; bit < gz.len * 8; bit++) {
                AUTO_BUF struct buf out = BUF_INIT;
                struct err err = { "" };
                int r;

                gz.data[bit / 8] ^= (char)(1 << (bit % 8));
                r = decode(gz.data, gz.len, &out, &err);
                if (r == 0) {
                        assert_in_range(bit / 8, 3, 10);
                        assert_int_equal(out.len, sizeof text);
                        assert_memory_equal(out.data, text, sizeof text);
                } else {
                        assert_int_equal(r, -EBADMSG);
                        assert_true(err.text[0]);
                }
                gz.data[bit / 8] ^= (char)(1 << (bit % 8));
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(decodes_a_member),
                cmocka_unit_test(decodes_more_than_one_chunk),
                cmocka_unit_test(accepts_several_members),
                cmocka_unit_test(accepts_zero_padding),
                cmocka_unit_test(refuses_what_follows_and_is_no_gzip),
                cmocka_unit_test(refuses_a_member_behind_zeros),
                cmocka_unit_test(refuses_a_file_cut_at_any_byte),
                cmocka_unit_test(refuses_a_second_member_cut_at_any_byte),
                cmocka_unit_test(refuses_a_wrong_crc_and_a_wrong_length),
                cmocka_unit_test(refuses_a_wrong_crc_in_any_member),
                cmocka_unit_test(never_gives_wrong_bytes_for_a_flipped_bit),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
