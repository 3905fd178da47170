/* SPDX-License-Identifier: MPL-2.0 */
/* Which rights each use of a place gives under each version of the kernel's interface. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "sandbox/landlock.h"

enum {
        EXECUTE = 1 << 0,
        WRITE_FILE = 1 << 1,
        READ_FILE = 1 << 2,
        READ_DIR = 1 << 3,
        REMOVE_FILE = 1 << 5,
        MAKE_CHAR = 1 << 6,
        MAKE_DIR = 1 << 7,
        MAKE_REG = 1 << 8,
        MAKE_SOCK = 1 << 9,
        MAKE_FIFO = 1 << 10,
        MAKE_BLOCK = 1 << 11,
        MAKE_SYM = 1 << 12,
        REFER = 1 << 13,
        TRUNCATE = 1 << 14,
        IOCTL_DEV = 1 << 15,
};

static void a_newer_kernel_is_asked_for_more_never_for_less(void **state)
{
        static const struct landlock_handled want[] = {
                { 0, 0, 0 }, { 0x1fff, 0, 0 }, { 0x3fff, 0, 0 }, { 0x7fff, 0, 0 }, { 0x7fff, 3, 0 },
                { 0xffff, 3, 0 }, { 0xffff, 3, 3 }, { 0xffff, 3, 3 }, /* 7: what is logged, no new right */
        };

        (void)state;
        for (int abi = 0; abi < (int)(sizeof want / sizeof want[0]); abi++) {
                struct landlock_handled h = landlock_handled(abi);

                assert_int_equal(h.fs, want[abi].fs);
                assert_int_equal(h.net, want[abi].net);
                assert_int_equal(h.scoped, want[abi].scoped);
        }
        assert_int_equal(landlock_handled(1000).fs, 0xffff);
        assert_int_equal(landlock_handled(-1).fs, 0);
}

static void no_rule_gives_a_right_the_kernel_does_not_know(void **state)
{
        (void)state;
        for (int abi = 0; abi <= 7; abi++)
                for (enum landlock_use use = LANDLOCK_READ; use <= LANDLOCK_DEVICE; use++) {
                        assert_int_equal(landlock_rights(use, true, abi) & ~landlock_handled(abi).fs, 0);
                        /* the kernel refuses (EINVAL) a directory's right on a file */
                        assert_int_equal(
                                landlock_rights(use, false, abi) &
                                        ~(uint64_t)(EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV),
                                0);
                }
}

static void nobody_may_run_a_program_or_make_a_device_a_socket_or_a_link(void **state)
{
        (void)state;
        for (enum landlock_use use = LANDLOCK_READ; use <= LANDLOCK_DEVICE; use++)
                assert_int_equal(
                        landlock_rights(use, true, 7) & (EXECUTE | MAKE_CHAR | MAKE_SOCK | MAKE_FIFO |
                                                                MAKE_BLOCK | MAKE_SYM | IOCTL_DEV),
                        0);
}

static void builds_are_read_and_never_written(void **state)
{
        (void)state;
        for (int abi = 1; abi <= 7; abi++)
                assert_int_equal(landlock_rights(LANDLOCK_READ, true, abi), READ_FILE | READ_DIR);
        assert_int_equal(landlock_rights(LANDLOCK_READ, false, 7), READ_FILE);
}

static void wal_needs_its_files_made_grown_cut_and_removed(void **state)
{
        uint64_t all = READ_FILE | READ_DIR | WRITE_FILE | MAKE_REG | REMOVE_FILE;

        (void)state;
        assert_int_equal(landlock_rights(LANDLOCK_DATABASE, true, 2), all);
        assert_int_equal(landlock_rights(LANDLOCK_DATABASE, true, 3), all | TRUNCATE);
        assert_int_equal(landlock_rights(LANDLOCK_CACHE, true, 3) & (all | TRUNCATE | MAKE_DIR | REFER),
                all | TRUNCATE | MAKE_DIR | REFER);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_newer_kernel_is_asked_for_more_never_for_less),
                cmocka_unit_test(no_rule_gives_a_right_the_kernel_does_not_know),
                cmocka_unit_test(nobody_may_run_a_program_or_make_a_device_a_socket_or_a_link),
                cmocka_unit_test(builds_are_read_and_never_written),
                cmocka_unit_test(wal_needs_its_files_made_grown_cut_and_removed),
        };

        return cmocka_run_group_tests_name("landlock", tests, NULL, NULL);
}
