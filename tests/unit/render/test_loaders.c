/* SPDX-License-Identifier: MPL-2.0 */
/* What PXELINUX and pxegrub start: each configuration is read by its reference (ref_pxelinux.h, ref_grub.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fixture.h"
#include "ref_fakebop.h"
#include "ref_grub.h"
#include "ref_pxelinux.h"
#include "render/boot/render.h"

#define BUILD "20241010T000000Z"

static void pxelinux(
        struct fixture *f, bool anybody, const char *label, struct ref_pxelinux *x, struct ref_boot *b)
{
        AUTO_BUF struct buf text = BUF_INIT;

        assert_int_equal(render_pxelinux(&f->plan, &f->builds, f->latest, anybody, &text), 0);
        ref_pxelinux_read(x, text.data, text.len);
        ref_pxelinux_boot(x, label, b);
        if (x->errors.len)
                print_message("%s%s", text.data, x->errors.data);
        assert_int_equal(x->errors.len, 0);
}

static void grub(struct fixture *f, bool anybody, struct ref_grub *x, struct ref_boot *b)
{
        AUTO_BUF struct buf text = BUF_INIT;

        assert_int_equal(render_grub(&f->plan, &f->builds, f->latest, anybody, &text), 0);
        ref_grub_read(x, text.data, text.len);
        if (x->errors.len)
                print_message("%s%s", text.data, x->errors.data);
        assert_int_equal(x->errors.len, 0);
        ref_grub_boot(x, (size_t)x->default_entry, b);
}

static void the_default_boots_the_hosts_build(void **state)
{
        struct fixture f;
        struct ref_pxelinux x;
        struct ref_grub g;
        struct ref_boot b;

        (void)state;
        fixture_host(&f);
        pxelinux(&f, false, NULL, &x, &b);
        assert_string_equal(b.kernel_line,
                "smartos/" BUILD "/platform/i86pc/kernel/amd64/unix -B hostname=db1,root_shadow=" FIXTURE_HASH
                ",smartos=true");
        assert_int_equal(b.n_modules, 2);
        assert_string_equal(b.module_lines[0],
                "smartos/" BUILD "/platform/i86pc/amd64/boot_archive type=rootfs name=ramdisk");
        assert_string_equal(b.module_lines[1],
                "smartos/" BUILD "/platform/i86pc/amd64/boot_archive.hash type=hash name=ramdisk");
        assert_int_equal(x.timeout_decisec, 300);
        ref_boot_fini(&b);
        ref_pxelinux_fini(&x);

        grub(&f, false, &g, &b);
        assert_string_equal(b.kernel_line,
                "/smartos/" BUILD
                "/platform/i86pc/kernel/amd64/unix -B hostname=db1,root_shadow=" FIXTURE_HASH
                ",smartos=true");
        assert_int_equal(b.n_modules, 2);
        assert_int_equal(g.timeout_sec, 30);
        ref_boot_fini(&b);
        ref_grub_fini(&g);
}

/* Who must not boot by itself, and how each loader is told. */
static const struct {
        enum plan_kind kind;
        enum unknown_policy policy;
        bool missing, anybody;
        enum ref_boot_how how;
} waiting[] = {
        { PLAN_HOST, UNKNOWN_MENU, true, false, REF_BOOT_AGAIN },
        { PLAN_HOST, UNKNOWN_MENU, false, true, REF_BOOT_AGAIN },
        { PLAN_DISABLED, UNKNOWN_MENU, false, false, REF_BOOT_LOCAL },
        { PLAN_UNKNOWN, UNKNOWN_MENU, false, true, REF_BOOT_AGAIN },
        { PLAN_UNKNOWN, UNKNOWN_LOCAL, false, false, REF_BOOT_LOCAL },
        { PLAN_UNKNOWN, UNKNOWN_LOCAL, false, true, REF_BOOT_AGAIN },
        { PLAN_UNKNOWN, UNKNOWN_DENY, false, false, REF_BOOT_AGAIN },
        { PLAN_UNKNOWN, UNKNOWN_DENY, false, true, REF_BOOT_AGAIN },
        { PLAN_UNKNOWN, (enum unknown_policy)77, false, false, REF_BOOT_AGAIN },
};

static void who_must_not_boot_leaves_or_asks_again(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof waiting / sizeof waiting[0]; i++) {
                struct fixture f;
                struct ref_pxelinux x;
                struct ref_grub g;
                struct ref_boot b;

                fixture_host(&f);
                f.plan.kind = waiting[i].kind;
                f.plan.unknown_policy = waiting[i].policy;
                if (waiting[i].missing)
                        f.plan.build = fixture_text("20200101T000000Z");
                pxelinux(&f, waiting[i].anybody, NULL, &x, &b);
                assert_int_equal(b.how, waiting[i].how);
                ref_boot_fini(&b);
                ref_pxelinux_fini(&x);
                grub(&f, waiting[i].anybody, &g, &b);
                assert_int_equal(b.how, waiting[i].how);
                ref_boot_fini(&b);
                ref_grub_fini(&g);
        }
}

static void the_budget_of_a_command_is_exact_at_its_edge(void **state)
{
        static char value[3000];
        bool dropped = false, refused = false;

        (void)state;
        for (size_t n = 1500; n < 2000 && !refused; n++) {
                struct fixture f;
                struct ref_pxelinux x;
                struct ref_boot b;

                memset(value, 'x', n);
                value[n] = '\0';
                fixture_host(&f);
                f.plan.n_properties = 0;
                f.plan.menu_style = MENU_MINIMAL;
                fixture_property(&f, "zz", value, "host db1", false);
                pxelinux(&f, false, NULL, &x, &b); /* the reference complains of 2048 bytes */
                refused = b.how != REF_BOOT_KERNEL;
                dropped = dropped || (!refused && b.n_modules == 1);
                if (refused)
                        assert_non_null(
                                strstr(x.screen.data, "smartos boots nothing: the boot line is too long"));
                ref_boot_fini(&b);
                ref_pxelinux_fini(&x);
        }
        assert_true(dropped && refused);
}

static void a_line_of_grub_is_exact_at_its_edge(void **state)
{
        static char value[2000];
        size_t booted = 0, refused = 0;

        (void)state;
        for (size_t n = 1300; n < 1500; n++) {
                struct fixture f;
                struct ref_grub g;
                struct ref_boot b;

                memset(value, 'x', n);
                value[n] = '\0';
                fixture_host(&f);
                f.plan.n_properties = 0;
                fixture_property(&f, "zz", value, "host db1", false);
                grub(&f, false, &g, &b); /* the reference complains of a line that is cut */
                booted += b.how == REF_BOOT_KERNEL;
                refused += b.how == REF_BOOT_FAILS;
                assert_true(b.how == REF_BOOT_FAILS || strlen(b.kernel_line) + strlen("kernel ") <= 1500);
                assert_true(b.how == REF_BOOT_KERNEL || n + strlen("kernel ") > 1300);
                ref_boot_fini(&b);
                ref_grub_fini(&g);
        }
        assert_true(booted > 50 && refused > 50);
}

/* What only one of them cannot carry is left out there, with its reason, and nowhere else. */
static const struct {
        const char *value;
        bool pxelinux, plain, dollar; /* carried */
} carried[] = {
        { "plain", true, true, true },
        { FIXTURE_HASH, true, true, true },
        { "m\xc3\xbcller", false, true, true },
        { "nbsp\xc2\xa0", false, true, true },
        { "$ISADIR", true, true, false },
        { "a$ZFS-BOOTFS", true, true, false },
        { "$", true, true, true },
        { "console=ttya", true, true, true },
        { "x,console=ttya y", true, true, true },
        { "C:\\x", true, true, true },
        { "#not a comment", false, false, false }, /* iPXE's rule holds for all */
        { "a --- b", false, false, false },
};

static void a_value_is_carried_whole_or_left_out(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof carried / sizeof carried[0]; i++)
                for (int loader = 0; loader < 3; loader++) {
                        bool want = loader == 0   ? carried[i].pxelinux
                                    : loader == 1 ? carried[i].plain
                                                  : carried[i].dollar;
                        struct fixture f;
                        struct ref_pxelinux x = { .n_labels = 0 };
                        struct ref_grub g = { .n_entries = 0 };
                        struct ref_boot b;
                        struct fakebop k;

                        fixture_host(&f);
                        fixture_property(&f, "aa", carried[i].value, "host db1", false);
                        fixture_property(&f, "console", "ttya", "host db1", false);
                        f.plan.grub_form = loader == 2 ? GRUB_TRITON : GRUB_PLAIN;
                        if (loader == 0)
                                pxelinux(&f, false, NULL, &x, &b);
                        else
                                grub(&f, false, &g, &b);
                        assert_int_equal(b.how, REF_BOOT_KERNEL);
                        fakebop_parse(b.kernel_line, &k);
                        if (want)
                                assert_string_equal(fakebop_value(&k, "aa"), carried[i].value);
                        else
                                assert_null(fakebop_value(&k, "aa"));
                        assert_string_equal(fakebop_value(&k, "console"), "ttya");
                        assert_string_equal(fakebop_value(&k, "ttya-mode"), "115200,8,n,1,-");
                        fakebop_fini(&k);
                        ref_boot_fini(&b);
                        ref_pxelinux_fini(&x);
                        ref_grub_fini(&g);
                }
}

static void rescue_takes_the_documentations_form_by_setting(void **state)
{
        (void)state;
        for (int literal = 0; literal < 2; literal++) {
                struct fixture f;
                struct ref_pxelinux x;
                struct ref_boot b;

                fixture_host(&f);
                f.plan.rescue_smartos = f.plan.rescue_standalone = literal;
                pxelinux(&f, false, "rescue", &x, &b);
                assert_non_null(strstr(b.kernel_line, "noimport=true,root_shadow=" FIXTURE_HASH));
                assert_int_equal(strstr(b.kernel_line, "smartos=true") != NULL, literal);
                assert_int_equal(strstr(b.kernel_line, "standalone=true") != NULL, literal);
                ref_boot_fini(&b);
                ref_pxelinux_fini(&x);
        }
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_default_boots_the_hosts_build),
                cmocka_unit_test(who_must_not_boot_leaves_or_asks_again),
                cmocka_unit_test(the_budget_of_a_command_is_exact_at_its_edge),
                cmocka_unit_test(a_line_of_grub_is_exact_at_its_edge),
                cmocka_unit_test(a_value_is_carried_whole_or_left_out),
                cmocka_unit_test(rescue_takes_the_documentations_form_by_setting),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
