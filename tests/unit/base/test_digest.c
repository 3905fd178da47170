/* SPDX-License-Identifier: MPL-2.0 */
/* Digests of the standards' own examples (FIPS 180-4), in one piece and in many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/digest.h"
#include "fault.h"

static const struct {
        enum digest_kind kind;
        const char *text, *hex;
} known[] = {
        { DIGEST_SHA1, "", "da39a3ee5e6b4b0d3255bfef95601890afd80709" },
        { DIGEST_SHA1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d" },
        { DIGEST_SHA1, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "84983e441c3bd26ebaae4aa1f95129e5e54670f1" },
        { DIGEST_SHA256, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
        { DIGEST_SHA256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
        { DIGEST_SHA256, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
};

static void the_standards_examples_come_out(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
                for (size_t step = 1; step <= 64; step *= 4) {
                        AUTO_DIGEST struct digest *d = digest_new(known[i].kind);
                        char hex[DIGEST_MAX_HEX];
                        size_t len = strlen(known[i].text);

                        assert_non_null(d);
                        for (size_t at = 0; at < len; at += step)
                                assert_int_equal(
                                        digest_add(d, known[i].text + at, len - at < step ? len - at : step),
                                        0);
                        assert_int_equal(digest_hex(d, hex), 0);
                        assert_string_equal(hex, known[i].hex);
                }
}

static void a_million_letters_in_uneven_pieces(void **state)
{
        AUTO_DIGEST struct digest *d = digest_new(DIGEST_SHA1);
        char piece[977], hex[DIGEST_MAX_HEX];

        (void)state;
        memset(piece, 'a', sizeof piece);
        for (size_t left = 1000000; left > 0;) {
                size_t n = left < sizeof piece ? left : sizeof piece;

                assert_int_equal(digest_add(d, piece, n), 0);
                left -= n;
        }
        assert_int_equal(digest_hex(d, hex), 0);
        assert_string_equal(hex, "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
}

/* Node ids outlive the process that made them: the numbers must be the same in the next one, so they are
 * written here. */
static void a_short_hash_is_the_start_of_sha256_over_seed_and_bytes(void **state)
{
        static const char bytes[] = "\x08\x07\x06\x05\x04\x03\x02\x01"
                                    "abc"; /* the seed, little endian */
        AUTO_DIGEST struct digest *d = digest_new(DIGEST_SHA256);
        char hex[DIGEST_MAX_HEX];
        unsigned char md[16];
        uint64_t expected[2], got[2] = { 0, 0 };

        (void)state;
        assert_int_equal(digest_add(d, bytes, 11), 0);
        assert_int_equal(digest_hex(d, hex), 0);
        for (unsigned i = 0; i < 16; i++) {
                unsigned byte;

                assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
                md[i] = (unsigned char)byte;
        }
        memcpy(expected, md, 16);
        assert_int_equal(digest_short(0x0102030405060708, "abc", 3, got), 0);
        assert_int_equal(got[0], expected[0]);
        assert_int_equal(got[1], expected[1]);
}

static void seed_and_bytes_both_count(void **state)
{
        uint64_t a[2], b[2], c[2], d[2];

        (void)state;
        assert_int_equal(digest_short(0, "abc", 3, a), 0);
        assert_int_equal(digest_short(1, "abc", 3, b), 0);
        assert_int_equal(digest_short(0, "abd", 3, c), 0);
        assert_int_equal(digest_short(0, "abc", 3, d), 0);
        assert_memory_not_equal(a, b, sizeof a);
        assert_memory_not_equal(a, c, sizeof a);
        assert_memory_equal(a, d, sizeof a);
}

static void nothing_is_needed_to_free_nothing(void **state)
{
        (void)state;
        digest_free(NULL);
}

static void short_of_memory_is_told(void **state)
{
        uint64_t ret[2];
        struct digest *d;
        bool fired;

        (void)state;
        fault_arm(1);
        d = digest_new(DIGEST_SHA256);
        fired = fault_fired();
        fault_arm(0);
        assert_true(fired);
        assert_null(d);
        fault_arm(1);
        fired = digest_short(0, "abc", 3, ret) == -ENOMEM && fault_fired();
        fault_arm(0);
        assert_true(fired);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_standards_examples_come_out),
                cmocka_unit_test(a_million_letters_in_uneven_pieces),
                cmocka_unit_test(a_short_hash_is_the_start_of_sha256_over_seed_and_bytes),
                cmocka_unit_test(seed_and_bytes_both_count),
                cmocka_unit_test(nothing_is_needed_to_free_nothing),
                cmocka_unit_test(short_of_memory_is_told),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
