/* SPDX-License-Identifier: MPL-2.0 */
/* Menu entries of the operator's own: each stays in its section, whatever its body does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fault.h"
#include "fixture.h"
#include "ref_ipxe.h"
#include "render/boot/items.h"
#include "render/boot/render.h"

#define URL "http://10.99.99.250/hosts/02-08-20-ab-cd-01/menu.ipxe"

static const struct ref_ipxe machine = {
        .url = URL, .mac = "02-08-20-ab-cd-01", .server = "10.99.99.250", .platform = "pcbios"
};

static struct plan_item item_of(const char *key, const char *body)
{
        return (struct plan_item) { fixture_text(key), fixture_text("A label"), fixture_text(body),
                fixture_text("profile default") };
}

static const struct {
        const char *key, *body;
        const char *why; /* a part of the reason; NULL: taken */
} bodies[] = {
        { "memtest", "chain memtest.efi", NULL },
        { "a", "kernel x\ninitrd y\nboot\n", NULL },
        { "a-b_9", "\n\n  # only one command\n\tboot", NULL },
        { "deb", "kernel linux a=b \\\n  c=d\nboot", NULL },
        { "deb", ":item-deb-again\nprompt x && goto item-deb-again ||\n", NULL },
        { "u", "echo m\xc3\xbcller ${mac:hexhyp}", NULL },
        { "", "boot", "its key" },
        { "A", "boot", "its key" },
        { "9", "boot", "its key" },
        { "a b", "boot", "its key" },
        { "a\nshell", "boot", "its key" },
        { "abcdefghijabcdefghijabcdefghijx", "boot", "its key" },
        { "a", "", "no command" },
        { "a", "\n \n\t\n", "no command" },
        { "a", "# nothing\n", "no command" },
        { "a", "boot\rshell", "control character" },
        { "a", "boot\x1b[2J", "control character" },
        { "a", "boot\x7f", "control character" },
        { "a", "boot \\", "ends with \\" },
        { "a", "boot \\\n\n", "ends with \\" },
        { "a", ":menu\nboot", "does not begin with item-" },
        { "a", "boot\n   :smartos", "does not begin with item-" },
        { "a", "boot\n\t:item-b-x", "does not begin with item-" },
        { "a", ":item-a\nboot", "does not begin with item-" },
        { "a", ":item-a-x y\nboot", "other bytes" },
        { "a", ":item-a-X\nboot", "other bytes" },
};

static void a_body_is_taken_or_refused_with_a_reason(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
                struct plan_item item = item_of(bodies[i].key, bodies[i].body);
                const char *why = items_refuse(&item);

                if (!why != !bodies[i].why || (why && !strstr(why, bodies[i].why)))
                        print_message("%s: %s: %s\n", bodies[i].key, bodies[i].body, why ? why : "taken");
                assert_int_equal(!why, !bodies[i].why);
                if (why)
                        assert_non_null(strstr(why, bodies[i].why));
        }
}

static void run(struct fixture *f, struct ref_ipxe *x)
{
        AUTO_BUF struct buf script = BUF_INIT;

        assert_int_equal(render_ipxe(&f->plan, &f->builds, f->latest, &script), 0);
        ref_ipxe_check(script.data, script.len, &x->errors);
        ref_ipxe_run(x, script.data, script.len);
        if (x->errors.len)
                print_message("%s%s", script.data, x->errors.data);
        assert_int_equal(x->errors.len, 0);
}

static bool shows(const struct ref_ipxe *x, const char *text)
{
        return x->screen.data && strstr(x->screen.data, text);
}

/* What happens when item-a with this body is chosen; key_pressed, so that a pause leads to the menu. */
static const struct {
        const char *body, *failing;
        enum ref_outcome outcome;
        bool failed; /* says so */
} behaviours[] = {
        { "kernel vmlinuz quiet\ninitrd initrd.gz\nboot", NULL, REF_BOOTED, false },
        { "kernel vmlinuz # a comment\nboot", NULL, REF_BOOTED, false },
        { "kernel vmlinuz\ninitrd initrd.gz\nboot", "initrd.gz", REF_MENU, true },
        { "kernel vmlinuz # a comment\nboot", "vmlinuz", REF_MENU, true },
        { "kernel vmlinuz || kernel other\nboot", "vmlinuz", REF_BOOTED, false },
        { "kernel vmlinuz ||\nkernel other\nboot", "vmlinuz", REF_BOOTED, false },
        { "kernel \\\n  vmlinuz\nboot", "vmlinuz", REF_MENU, true },
        { "echo nothing more", NULL, REF_MENU, false },
        { "goto item-a-x\nboot\n:item-a-x\nexit 1", NULL, REF_EXIT, false },
        { "isset ${nothing} && boot", NULL, REF_MENU, true },
};

static void a_body_boots_or_leads_back_to_the_menu(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof behaviours / sizeof behaviours[0]; i++) {
                struct plan_item items[2] = { item_of("a", behaviours[i].body), item_of("b", "exit 7") };
                struct fixture f;
                struct ref_ipxe x = machine;

                fixture_host(&f);
                f.plan.items = items;
                f.plan.n_items = 2;
                x.choice = "item-a";
                x.failing = behaviours[i].failing;
                x.key_pressed = true;
                x.leftover = true;
                run(&f, &x);
                if (x.outcome != behaviours[i].outcome)
                        print_message("%s\n", behaviours[i].body);
                assert_int_equal(x.outcome, behaviours[i].outcome);
                assert_int_equal(shows(&x, "This entry failed"), behaviours[i].failed);
                ref_ipxe_fini(&x);
        }
}

static void refused_and_repeated_items_are_not_in_the_menu(void **state)
{
        struct plan_item items[4] = { item_of("good", "exit 1"), item_of("bad", ":menu\nshell"),
                item_of("good", "exit 2"), item_of("odd", "exit 3") };
        struct fixture f;
        struct ref_ipxe x = machine;
        AUTO_BUF struct buf why = BUF_INIT;

        (void)state;
        items[3].label = fixture_text("${x} || shell");
        fixture_host(&f);
        f.plan.items = items;
        f.plan.n_items = 4;
        run(&f, &x);
        assert_true(shows(&x, "A label") && shows(&x, "?{x} ?| shell") && shows(&x, "2 values were refused"));
        ref_ipxe_fini(&x);
        assert_int_equal(render_why(&f.plan, &f.builds, f.latest, &why), 0);
        assert_non_null(strstr(why.data, "menu_item bad (profile default) is refused: a label in its body"));
        assert_non_null(strstr(why.data, "menu_item good (profile default) is refused: its key comes twice"));
}

static void isos_stand_in_the_menu_if_they_are_wanted(void **state)
{
        static const char *const isos[] = { "smartos-20241010T000000Z.iso", "a b.iso", "x\nshell.iso" };

        (void)state;
        for (int wanted = 0; wanted < 2; wanted++)
                for (int fails = 0; fails <= wanted; fails++) {
                        struct fixture f;
                        struct ref_ipxe x = machine;

                        fixture_host(&f);
                        f.builds.isos = isos;
                        f.builds.n_isos = 3;
                        f.plan.iso_menu = wanted;
                        x.choice = wanted ? "iso-smartos-20241010T000000Z.iso" : NULL;
                        x.failing = fails ? ".iso" : NULL;
                        x.key_pressed = true;
                        run(&f, &x);
                        assert_int_equal(x.outcome, wanted && !fails ? REF_SANBOOT : REF_MENU);
                        if (wanted && !fails)
                                assert_string_equal(
                                        x.chained, "http://10.99.99.250/iso/smartos-20241010T000000Z.iso");
                        assert_int_equal(shows(&x, ".iso as a CD"), wanted);
                        assert_false(shows(&x, "a b.iso"));
                        ref_ipxe_fini(&x);
                }
}

static void uefi_is_told_which_ipxe_it_needs(void **state)
{
        (void)state;
        for (int efi = 0; efi < 2; efi++)
                for (int triton = 0; triton < 2; triton++) {
                        struct fixture f;
                        struct ref_ipxe x = machine, y = machine;

                        fixture_host(&f);
                        f.plan.loader = triton ? LOADER_TRITON : LOADER_STOCK;
                        x.platform = y.platform = efi ? "efi" : "pcbios";
                        x.choice = "smartos";
                        run(&f, &x);
                        assert_int_equal(shows(&x, "! UEFI: only Triton's iPXE"), efi && !triton);
                        assert_int_equal(shows(&x, "Under UEFI this needs Triton's iPXE"), efi && !triton);
                        assert_int_equal(x.outcome, REF_BOOTED); /* it may be Triton's, after all */
                        ref_ipxe_fini(&x);
                        if (!efi || triton)
                                continue;
                        y.choice = "triton";
                        run(&f, &y);
                        assert_int_equal(y.outcome, REF_CHAINED);
                        assert_string_equal(y.chained, "http://10.99.99.250/snponly.efi");
                        ref_ipxe_fini(&y);
                        y = machine;
                        y.platform = "efi";
                        y.choice = "triton";
                        y.failing = "snponly.efi";
                        y.key_pressed = true;
                        run(&f, &y);
                        assert_int_equal(y.outcome, REF_MENU);
                        assert_true(shows(&y, "put Triton's into a static= directory"));
                        ref_ipxe_fini(&y);
                }
}

static int render_one(unsigned which, const struct fixture *f, struct buf *out)
{
        switch (which) {
        case 0:
                return render_ipxe(&f->plan, &f->builds, f->latest, out);
        case 1:
                return render_pxelinux(&f->plan, &f->builds, f->latest, false, out);
        case 2:
                return render_grub(&f->plan, &f->builds, f->latest, true, out);
        default:
                return render_why(&f->plan, &f->builds, f->latest, out);
        }
}

static void survives_every_failed_allocation(void **state)
{
        struct plan_item items[2] = { item_of("a", "kernel x \\\n y\nboot"), item_of("b", ":menu") };

        (void)state;
        for (unsigned which = 0; which < 4; which++) {
                unsigned nth = 0;
                bool fired;

                do {
                        struct fixture f;
                        AUTO_BUF struct buf out = BUF_INIT;
                        int r;

                        fixture_host(&f);
                        fixture_property(&f, "console", "ttyb", "host db1", false);
                        fixture_property(&f, "odd", "m\xc3\xbcller=*", "host db1", false);
                        f.plan.items = items;
                        f.plan.n_items = 2;
                        f.plan.grub_form = GRUB_TRITON;
                        fault_arm(++nth);
                        r = render_one(which, &f, &out);
                        fired = fault_fired();
                        fault_arm(0);
                        assert_int_equal(r, fired ? -ENOMEM : 0);
                } while (fired);
                assert_true(nth > 1);
        }
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_body_is_taken_or_refused_with_a_reason),
                cmocka_unit_test(a_body_boots_or_leads_back_to_the_menu),
                cmocka_unit_test(refused_and_repeated_items_are_not_in_the_menu),
                cmocka_unit_test(isos_stand_in_the_menu_if_they_are_wanted),
                cmocka_unit_test(uefi_is_told_which_ipxe_it_needs),
                cmocka_unit_test(survives_every_failed_allocation),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
