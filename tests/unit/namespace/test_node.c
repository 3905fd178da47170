/* SPDX-License-Identifier: MPL-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "namespace/node.h"

static const uint64_t sample[] = { 0, 1, 2, 0x7f, 0xff, 0xffff, 0xfffff, 0xffffff, 0xffffffff, 0xffffffffff,
        0xffffffffffff, 0x123456789abc };
#define N (sizeof sample / sizeof sample[0])

static void every_id_decodes_to_what_it_was_made_from(void **state)
{
        (void)state;
        for (size_t i = 0; i < N; i++) {
                struct node n;
                uint64_t s = sample[i];

                assert_true(node_decode(node_entry(s & 0xffffffffff, 5), &n));
                assert_int_equal(n.kind, NODE_ENTRY);
                assert_int_equal(n.object, s & 0xffffffffff);
                assert_int_equal(n.detail, 5);
                assert_true(node_decode(node_iso(s & 0xffffffffff), &n));
                assert_int_equal(n.kind, NODE_ISO);
                assert_int_equal(n.object, s & 0xffffffffff);
                assert_true(node_decode(node_text(TEXT_WHY, s & 0xfffff, 0xdeadbeef), &n));
                assert_int_equal(n.kind, NODE_TEXT);
                assert_int_equal(n.what, TEXT_WHY);
                assert_int_equal(n.object, s & 0xfffff);
                assert_int_equal(n.detail, 0xdeadbeef);
                assert_true(node_decode(node_hostdir(s, HOSTDIR_MODULES), &n));
                assert_int_equal(n.kind, NODE_HOSTDIR);
                assert_int_equal(n.what, HOSTDIR_MODULES);
                assert_int_equal(n.object, s);
                assert_true(node_decode(node_link(LINK_BUILD, s), &n));
                assert_int_equal(n.what, LINK_BUILD);
                assert_int_equal(n.object, s);
                assert_true(node_decode(node_overlaydir(true, s), &n));
                assert_int_equal(n.what, 1);
                assert_int_equal(n.object, s);
        }
}

static void the_root_is_the_number_fuse_gives_it(void **state)
{
        (void)state;
        assert_int_equal(node_fixed(PLACE_ROOT), 1);
}

static void hosts_with_a_huge_id_share_one_number(void **state)
{
        struct node n;

        (void)state;
        assert_true(node_decode(node_text(TEXT_MENU, UINT64_C(1) << 40, 7), &n));
        assert_int_equal(n.object, NODE_HOST_MAX);
}

static void numbers_no_node_has_are_refused(void **state)
{
        static const uint64_t bad[] = { 0, 0x100, UINT64_MAX, UINT64_C(8) << 60,
                UINT64_C(7) << 60 | UINT64_C(1) << 40, UINT64_C(0xf) << 60,
                UINT64_C(3) << 60 | (uint64_t)HOSTDIRS << 48, UINT64_C(3) << 60 | UINT64_C(1) << 59,
                UINT64_C(4) << 60 | UINT64_C(1) << 48 };
        struct node n;

        (void)state;
        for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
                assert_false(node_decode(bad[i], &n));
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_id_decodes_to_what_it_was_made_from),
                cmocka_unit_test(the_root_is_the_number_fuse_gives_it),
                cmocka_unit_test(hosts_with_a_huge_id_share_one_number),
                cmocka_unit_test(numbers_no_node_has_are_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
