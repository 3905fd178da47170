/* SPDX-License-Identifier: MPL-2.0 */
/* filter: xz, zstd and bzip2 give the bytes that went in, or an error; what is between and behind streams has rules. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#if PXEFS_HAVE_ZSTD
#include <zstd.h>
#endif

#include "packer.h"
#include "tarmaker.h"

static const enum filter_kind kinds[] = { FILTER_XZ, FILTER_ZSTD, FILTER_BZIP2 };
#define N_KINDS (sizeof kinds / sizeof kinds[0])

/* Noise with some sense in it, so that blocks of all kinds come up. */
static void fill(struct buf *b, size_t len)
{
        uint32_t x = 1;

        while (b->len < len) {
                x = x * 1664525 + 1013904223;
                buf_printf(b, x >> 30 ? "%08x" : "the same again and again ", x);
        }
        b->len = len;
}

/* Decodes all of @z; 0, with what came out in @out, or the error. */
static int decode(enum filter_kind kind, const struct buf *z, struct buf *out, const char **ret_warning,
        struct err *err)
{
        AUTO_CLOSE int fd = mem_file(z->data, z->len);
        struct filter *f = NULL;
        const void *p;
        ssize_t n;
        int r = filter_new(fd, kind, &f, err);

        if (r < 0)
                return r;
        while ((n = filter_next(f, &p, err)) > 0)
                buf_add(out, p, (size_t)n);
        if (ret_warning)
                *ret_warning = filter_warning(f);
        filter_free(f);
        return (int)n;
}

static bool is_same(const struct buf *a, const struct buf *b)
{
        return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

static void gives_what_went_in(void **state)
{
        static const size_t sizes[] = { 0, 1, 262143, 262144, 262145,
                700000 }; /* the last: seven bzip2 blocks, two xz windows */

        (void)state;
        for (size_t k = 0; k < N_KINDS; k++)
                for (size_t i = 0; i < sizeof sizes / sizeof sizes[0] && pack_can(kinds[k]); i++) {
                        AUTO_BUF struct buf in = BUF_INIT, z = BUF_INIT, out = BUF_INIT;
                        const char *warning;
                        int fd;

                        fill(&in, sizes[i]);
                        pack_add(&z, kinds[k], in.len ? in.data : "", in.len, true);
                        assert_int_equal(filter_of_bytes(z.data, z.len), kinds[k]);
                        fd = mem_file(z.data, z.len);
                        assert_int_equal(filter_of(fd), kinds[k]);
                        close(fd);
                        assert_int_equal(decode(kinds[k], &z, &out, &warning, NULL), 0);
                        assert_true(is_same(&in, &out));
                        assert_null(warning);
                }
}

static void several_streams_are_one(void **state)
{
        (void)state;
        for (size_t k = 0; k < N_KINDS; k++) {
                AUTO_BUF struct buf in = BUF_INIT, z = BUF_INIT, out = BUF_INIT;

                if (!pack_can(kinds[k]))
                        continue;
                fill(&in, 900000);
                for (size_t off = 0; off < in.len; off += 300000)
                        pack_add(&z, kinds[k], in.data + off, 300000, true);
                pack_add(&z, kinds[k], "", 0, true);
                if (kinds[k] == FILTER_ZSTD)
                        buf_add(&z, "\x5f\x2a\x4d\x18\4\0\0\0skip", 12); /* RFC 8878, section 3.1.2 */
                assert_int_equal(decode(kinds[k], &z, &out, NULL, NULL), 0);
                assert_true(is_same(&in, &out));
        }
}

static void what_follows_has_rules(void **state)
{
        static const struct {
                enum filter_kind kind;
                const char *tail;
                size_t len;
                bool fine;
        } table[] = {
                { FILTER_XZ, "\0\0\0\0", 4, true }, /* stream padding */
                { FILTER_XZ, "\0\0\0\0\0\0\0\0", 8, true },
                { FILTER_XZ, "\0\0\0", 3, false },
                { FILTER_XZ, "x", 1, false },
                { FILTER_XZ, "\0\0\0\0x", 5, false },
                { FILTER_XZ, "\xfd", 1, false },
                { FILTER_XZ, "\x28\xb5\x2f\xfd\x20\0\1\0\0", 9, false },
                { FILTER_ZSTD, "\0", 1, false },
                { FILTER_ZSTD, "\x28\xb5", 2, false },
                { FILTER_ZSTD, "\x5f\x2a\x4d\x18\4\0\0\0sk", 10, false },
                { FILTER_ZSTD, "garbage and more", 16, false },
                { FILTER_BZIP2, "\0\0\0", 3, true },
                { FILTER_BZIP2, "garbage and more", 16, false },
                { FILTER_BZIP2, "BZ", 2, false },
                { FILTER_BZIP2, "BZh", 3, false },
                { FILTER_BZIP2, "\0BZh9", 5, false },
        };

        (void)state;
        for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
                AUTO_BUF struct buf z = BUF_INIT, out = BUF_INIT;
                struct err err = { "" };
                int r;

                if (!pack_can(table[i].kind))
                        continue;
                pack_add(&z, table[i].kind, "content", 7, true);
                buf_add(&z, table[i].tail, table[i].len);
                r = decode(table[i].kind, &z, &out, NULL, &err);
                if (r != (table[i].fine ? 0 : -EBADMSG))
                        fail_msg("row %zu: %d %s", i, r, err.text);
                assert_true(r == 0 || err.text[0]);
        }
}

static void a_file_cut_at_any_byte_is_refused(void **state)
{
        (void)state;
        for (size_t k = 0; k < N_KINDS; k++) {
                AUTO_BUF struct buf in = BUF_INIT, z = BUF_INIT;
                size_t whole;

                if (!pack_can(kinds[k]))
                        continue;
                fill(&in, 1000);
                pack_add(&z, kinds[k], in.data, in.len, true);
                for (whole = z.len; z.len-- > 10;) {
                        AUTO_BUF struct buf out = BUF_INIT;
                        struct err err = { "" };

                        if (decode(kinds[k], &z, &out, NULL, &err) != -EBADMSG)
                                fail_msg("%s cut at %zu of %zu: not refused", filter_name(kinds[k]), z.len,
                                        whole);
                        if (!strstr(err.text, "too early"))
                                fail_msg("cut at %zu: %s", z.len, err.text);
                }
        }
}

/* Also in the header of the second stream, where libarchive 3.6.2 takes a damaged bzip2 for the end. */
static void a_flipped_bit_never_gives_other_bytes(void **state)
{
        (void)state;
        for (size_t k = 0; k < N_KINDS; k++) {
                AUTO_BUF struct buf in = BUF_INIT, z = BUF_INIT;
                unsigned same = 0;

                if (!pack_can(kinds[k]))
                        continue;
                fill(&in, 400);
                pack_add(&z, kinds[k], in.data, 200, true);
                pack_add(&z, kinds[k], in.data + 200, 200, true);
                for (size_t bit = 0; bit < z.len * 8; bit++) {
                        AUTO_BUF struct buf out = BUF_INIT;
                        struct err err = { "" };
                        int r;

                        z.data[bit / 8] ^= (char)(1 << bit % 8);
                        r = decode(kinds[k], &z, &out, NULL, &err);
                        z.data[bit / 8] ^= (char)(1 << bit % 8);
                        if (r == 0 && !is_same(&in, &out))
                                fail_msg("%s: bit %zu: other bytes", filter_name(kinds[k]), bit);
                        assert_true(r == 0 || r == -EBADMSG);
                        same += r == 0;
                }
                assert_true(same < 40); /* reserved bits, and padding behind the last code */
        }
}

/* With a dictionary that has a number, the frame says so; a raw one leaves no trace, and decoding without it looks like
 * damage. */
static void a_zstd_dictionary_is_named_as_a_way_out(void **state)
{
#if PXEFS_HAVE_ZSTD
        AUTO_BUF struct buf in = BUF_INIT, out = BUF_INIT, z = BUF_INIT;
        ZSTD_CCtx *c = ZSTD_createCCtx();
        static char packed[70000];
        struct err err = { "" };
        size_t n;

        fill(&in, 30000);
        assert_false(ZSTD_isError(ZSTD_CCtx_loadDictionary(c, in.data, in.len)));
        n = ZSTD_compress2(c, packed, sizeof packed, in.data, in.len);
        assert_false(ZSTD_isError(n));
        (void)ZSTD_freeCCtx(c);
        buf_add(&z, packed, n);
        assert_int_equal(decode(FILTER_ZSTD, &z, &out, NULL, &err), -EBADMSG);
        assert_non_null(strstr(err.text, "compressed with a dictionary"));
        assert_non_null(strstr(err.text, "recompress it without"));
#endif
        (void)state;
}

static void what_carries_no_check_sum_is_told(void **state)
{
        static const enum filter_kind two[] = { FILTER_XZ, FILTER_ZSTD };

        (void)state;
        for (size_t k = 0; k < 2; k++) {
                AUTO_BUF struct buf z = BUF_INIT, out = BUF_INIT;
                const char *warning = NULL;

                if (!pack_can(two[k]))
                        continue;
                pack_add(&z, two[k], "a", 1, true);
                pack_add(&z, two[k], "b", 1, false); /* one of several is enough */
                assert_int_equal(decode(two[k], &z, &out, &warning, NULL), 0);
                assert_int_equal(out.len, 2);
                assert_non_null(strstr(warning, "no check sum"));
        }
}

static void a_name_in_a_tar_is_no_filter(void **state)
{
        (void)state;
        assert_int_equal(filter_of_bytes("BZh9.txt\0\0\0\0", 12), FILTER_NONE);
        assert_int_equal(filter_of_bytes("BZh9", 4), FILTER_NONE);
        assert_int_equal(filter_of_bytes("", 0), FILTER_NONE);
        assert_int_equal(filter_of_bytes("\x1f\x8b\7", 3), FILTER_NONE);
        assert_int_equal(filter_of_bytes("\x1f\x8b\x08", 3), FILTER_GZIP);
        assert_int_equal(filter_of_bytes("\x50\x2a\x4d\x18", 4), FILTER_ZSTD); /* pzstd */
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(gives_what_went_in),
                cmocka_unit_test(several_streams_are_one),
                cmocka_unit_test(what_follows_has_rules),
                cmocka_unit_test(a_file_cut_at_any_byte_is_refused),
                cmocka_unit_test(a_flipped_bit_never_gives_other_bytes),
                cmocka_unit_test(a_zstd_dictionary_is_named_as_a_way_out),
                cmocka_unit_test(what_carries_no_check_sum_is_told),
                cmocka_unit_test(a_name_in_a_tar_is_no_filter),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
