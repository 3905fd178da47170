/* SPDX-License-Identifier: MPL-2.0 */
/* What a machine does with its script: each is run by the reference interpreter (ref_ipxe.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fault.h"
#include "fixture.h"
#include "ref_fakebop.h"
#include "ref_ipxe.h"
#include "render/boot/render.h"

#define URL  "http://10.99.99.250/hosts/02-08-20-ab-cd-01/menu.ipxe"
#define ROOT "http://10.99.99.250/smartos/"

static const struct ref_ipxe machine = {
        .url = URL, .mac = "02-08-20-ab-cd-01", .server = "10.99.99.250", .platform = "pcbios"
};

/* Renders and runs; the caller has set what the person and the network do, and frees @x. */
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

static void the_default_boots_the_hosts_build_with_its_hash(void **state)
{
        struct fixture f;
        struct ref_ipxe x = machine;
        struct fakebop k;

        (void)state;
        fixture_host(&f);
        x.choice = "smartos";
        run(&f, &x);
        assert_int_equal(x.outcome, REF_BOOTED);
        assert_string_equal(x.chosen_default, "smartos");
        assert_string_equal(x.timeout, "30000");
        assert_string_equal(x.kernel_line, ROOT "20241010T000000Z/platform/i86pc/kernel/amd64/unix"
                                                " -B hostname=db1,root_shadow=" FIXTURE_HASH ",smartos=true");
        assert_int_equal(x.n_modules, 2);
        assert_string_equal(x.module_lines[0],
                ROOT "20241010T000000Z/platform/i86pc/amd64/boot_archive type=rootfs name=ramdisk");
        assert_string_equal(x.module_lines[1],
                ROOT "20241010T000000Z/platform/i86pc/amd64/boot_archive.hash type=hash name=ramdisk");
        fakebop_parse(x.kernel_line, &k);
        assert_string_equal(k.whoami, "/platform/i86pc/kernel/amd64/unix");
        assert_string_equal(fakebop_value(&k, "root_shadow"), FIXTURE_HASH);
        fakebop_fini(&k);
        ref_ipxe_fini(&x);
}

static void a_build_without_hash_and_the_documentations_form_have_one_module(void **state)
{
        (void)state;
        for (int initrd = 0; initrd < 2; initrd++) {
                struct fixture f;
                struct ref_ipxe x = machine;

                fixture_host(&f);
                fixture_builds(&f, 3, initrd);
                f.plan.boot_form = initrd ? FORM_INITRD : FORM_MODULE;
                x.choice = "smartos";
                run(&f, &x);
                assert_int_equal(x.outcome, REF_BOOTED);
                assert_int_equal(x.n_modules, 1);
                assert_string_equal(
                        x.module_lines[0], initrd ? ROOT "20241010T000000Z/platform/i86pc/amd64/boot_archive"
                                                  : ROOT "20241010T000000Z/platform/i86pc/amd64/boot_archive "
                                                         "type=rootfs name=ramdisk");
                ref_ipxe_fini(&x);
        }
}

static void an_image_that_was_left_over_never_becomes_a_module(void **state)
{
        (void)state;
        for (int minimal = 0; minimal < 2; minimal++) {
                struct fixture f;
                struct ref_ipxe x = machine;

                fixture_host(&f);
                f.plan.menu_style = minimal ? MENU_MINIMAL : MENU_FULL;
                x.choice = "smartos";
                x.leftover = true;
                run(&f, &x);
                assert_int_equal(x.outcome, REF_BOOTED);
                assert_int_equal(x.n_modules, 2);
                assert_non_null(strstr(x.module_lines[0], "type=rootfs"));
                ref_ipxe_fini(&x);
        }
}

static void another_build_boots_with_the_hosts_own_words(void **state)
{
        struct fixture f;
        struct ref_ipxe x = machine;
        char label[64];

        (void)state;
        fixture_host(&f);
        (void)snprintf(label, sizeof label, "build-%s", f.names[2]);
        x.choice = label;
        run(&f, &x);
        assert_int_equal(x.outcome, REF_BOOTED);
        assert_non_null(strstr(x.kernel_line, f.names[2]));
        assert_non_null(strstr(x.kernel_line, "smartos=true"));
        assert_non_null(strstr(x.module_lines[1], f.names[2]));
        ref_ipxe_fini(&x);
}

static const struct {
        const char *label, *property, *value, *flag;
} variants_do[] = {
        { "ttya", "console", "ttya", NULL },
        { "ttya", "ttya-mode", "115200,8,n,1,-", NULL },
        { "ttyb", "ttyb-mode", "115200,8,n,1,-", NULL },
        { "ttyb", "smartos", "true", NULL },
        { "kmdb", "smartos", "true", "-kd" },
        { "rescue", "noimport", "true", NULL },
        { "rescue", "smartos", NULL, NULL },
        { "rescue", "root_shadow", FIXTURE_HASH, NULL },
        { "rescue", "standalone", NULL, NULL },
};

static void variants_change_what_they_say_and_nothing_else(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof variants_do / sizeof variants_do[0]; i++) {
                struct fixture f;
                struct ref_ipxe x = machine;
                struct fakebop k;

                fixture_host(&f);
                x.choice = variants_do[i].label;
                run(&f, &x);
                assert_int_equal(x.outcome, REF_BOOTED);
                fakebop_parse(x.kernel_line, &k);
                if (variants_do[i].value)
                        assert_string_equal(fakebop_value(&k, variants_do[i].property), variants_do[i].value);
                else
                        assert_null(fakebop_value(&k, variants_do[i].property));
                if (variants_do[i].flag)
                        assert_true(fakebop_has_flag(&k, variants_do[i].flag));
                assert_string_equal(fakebop_value(&k, "hostname"), "db1");
                fakebop_fini(&k);
                ref_ipxe_fini(&x);
        }
}

static void rescue_is_standalone_by_setting(void **state)
{
        struct fixture f;
        struct ref_ipxe x = machine;

        (void)state;
        fixture_host(&f);
        f.plan.rescue_standalone = true;
        x.choice = "rescue";
        run(&f, &x);
        assert_non_null(strstr(x.kernel_line, "standalone=true"));
        ref_ipxe_fini(&x);
}

static void leaving_the_shell_disarms_the_timeout(void **state)
{
        struct fixture f;
        struct ref_ipxe x = machine;

        (void)state;
        fixture_host(&f);
        x.choice = "shell";
        x.leave_shell = true;
        run(&f, &x);
        assert_int_equal(x.outcome, REF_MENU);
        assert_string_equal(x.timeout, "0");
        ref_ipxe_fini(&x);
}

static const struct {
        const char *failing;
        bool key;
        enum ref_outcome outcome;
} failures[] = {
        { "/unix", true, REF_MENU }, { "/unix", false, REF_CHAINED }, { "/boot_archive", true, REF_MENU },
        { "/boot_archive", false, REF_CHAINED }, { "boot_archive.hash", true, REF_MENU },
        { "boot", true, REF_MENU }, { "boot", false, REF_CHAINED },
        { "10.99.99.250", false, REF_MENU }, /* the server is gone: nothing can be had */
};

static void a_failed_boot_leaves_no_image_and_returns_to_the_menu_with_a_message(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
                struct fixture f;
                struct ref_ipxe x = machine;

                fixture_host(&f);
                x.choice = "smartos";
                x.failing = failures[i].failing;
                x.key_pressed = failures[i].key;
                run(&f, &x);
                assert_int_equal(x.outcome, failures[i].outcome);
                assert_true(shows(
                        &x, "Booting 20241010T000000Z failed; nothing was started. The error is above."));
                if (x.outcome == REF_CHAINED)
                        assert_string_equal(x.chained, URL);
                else
                        assert_true(shows(&x, "! Booting 20241010T000000Z failed")); /* in the menu, too */
                ref_ipxe_fini(&x);
        }
}

static const struct {
        const char *platform;
        bool no_disk;
        enum ref_outcome outcome;
        int exit_code;
} exits[] = {
        { "pcbios", false, REF_SANBOOT, 0 }, { "pcbios", true, REF_EXIT, 0 },
        { "efi", false, REF_EXIT, 1 }, /* 0 would open the firmware's setup screen */
};

static void exit_starts_the_local_disk_under_bios_and_efi(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof exits / sizeof exits[0]; i++)
                for (int way = 0; way < 3; way++) {
                        struct fixture f;
                        struct ref_ipxe x = machine;

                        fixture_host(&f);
                        x.platform = exits[i].platform;
                        x.no_disk = exits[i].no_disk;
                        x.choice = "exit";
                        if (way == 1)
                                f.plan.kind = PLAN_DISABLED;
                        if (way == 2) {
                                f.plan.kind = PLAN_UNKNOWN;
                                f.plan.unknown_policy = UNKNOWN_LOCAL;
                        }
                        run(&f, &x);
                        assert_int_equal(x.outcome, exits[i].outcome);
                        assert_int_equal(x.exit_code, exits[i].exit_code);
                        assert_int_equal(way > 0, shows(&x, "leaving for the local disk"));
                        ref_ipxe_fini(&x);
                }
}

static void reboot_reboots(void **state)
{
        struct fixture f;
        struct ref_ipxe x = machine;

        (void)state;
        fixture_host(&f);
        x.choice = "reboot";
        run(&f, &x);
        assert_int_equal(x.outcome, REF_REBOOT);
        ref_ipxe_fini(&x);
}

static void a_missing_build_is_named_and_nothing_boots_by_itself(void **state)
{
        struct fixture f;
        struct ref_ipxe x = machine;

        (void)state;
        fixture_host(&f);
        f.plan.build = fixture_text("20200101T000000Z");
        run(&f, &x);
        assert_int_equal(x.outcome, REF_MENU);
        assert_true(shows(&x, "Build 20200101T000000Z is not on the boot server"));
        assert_true(shows(&x, "Boot SmartOS (20241010T000000Z)"));
        assert_string_equal(x.chosen_default, "retry");
        ref_ipxe_fini(&x);

        x = machine;
        x.choice = "retry"; /* what the timeout does */
        run(&f, &x);
        assert_int_equal(x.outcome, REF_CHAINED);
        assert_string_equal(x.chained, URL);
        ref_ipxe_fini(&x);

        x = machine;
        x.choice = "build-20241010T000000Z"; /* a person may */
        run(&f, &x);
        assert_int_equal(x.outcome, REF_BOOTED);
        ref_ipxe_fini(&x);
}

static void a_name_that_comes_twice_is_offered_once(void **state)
{
        struct fixture f;
        struct ref_ipxe x = machine;

        (void)state;
        fixture_host(&f);
        f.info[1].name = f.names[0]; /* the default's */
        f.info[2].name = "twice-20230101T000000Z";
        f.info[3] = f.info[2];
        f.builds.n = 4;
        run(&f, &x); /* the check of labels is in there */
        assert_int_equal(x.outcome, REF_MENU);
        ref_ipxe_fini(&x);
}

/* Nothing that waits for a person may boot anything, whatever the person does not do. */
static void no_builds(struct fixture *f)
{
        fixture_builds(f, 0, false);
        f->plan.menu_style = MENU_MINIMAL;
}

static void missing(struct fixture *f)
{
        f->plan.build = fixture_text("20200101T000000Z");
        f->plan.menu_style = MENU_MINIMAL;
}

static void denied(struct fixture *f)
{
        f->plan.kind = PLAN_UNKNOWN;
        f->plan.unknown_policy = UNKNOWN_DENY;
}

static void odd_policy(struct fixture *f)
{
        f->plan.kind = PLAN_UNKNOWN;
        f->plan.unknown_policy = (enum unknown_policy)77;
}

static void too_long(struct fixture *f)
{
        static char value[600];

        memset(value, 'x', sizeof value - 1);
        fixture_property(f, "zz", value, "host db1", false);
        f->plan.menu_style = MENU_MINIMAL;
}

static void (*const waiting[])(struct fixture *f) = { no_builds, missing, denied, odd_policy, too_long };

static void who_cannot_boot_is_told_why_and_asks_again(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof waiting / sizeof waiting[0]; i++)
                for (int key = 0; key < 2; key++) {
                        struct fixture f;
                        struct ref_ipxe x = machine;

                        fixture_host(&f);
                        waiting[i](&f);
                        x.key_pressed = key;
                        run(&f, &x);
                        assert_int_equal(x.outcome, key ? REF_SHELL : REF_CHAINED);
                        assert_true(shows(&x, "othing is booted") || shows(&x, "othing was booted"));
                        ref_ipxe_fini(&x);
                }
}

static void an_unknown_machine_sees_its_mac(void **state)
{
        static const enum unknown_policy policies[] = { UNKNOWN_MENU, UNKNOWN_LOCAL, UNKNOWN_DENY };

        (void)state;
        for (size_t i = 0; i < 3; i++) {
                struct fixture f;
                struct ref_ipxe x = machine;

                fixture_host(&f);
                f.plan.kind = PLAN_UNKNOWN;
                f.plan.unknown_policy = policies[i];
                f.plan.mac[0] = '\0';
                f.plan.hostname = NULL;
                run(&f, &x);
                assert_true(shows(&x, "achine 02-08-20-ab-cd-01"));
                assert_true(shows(&x, "not in the inventory"));
                ref_ipxe_fini(&x);
        }
}

static void minimal_boots_at_once_and_offers_a_shell_when_it_fails(void **state)
{
        (void)state;
        for (int fails = 0; fails < 3; fails++) {
                static const enum ref_outcome outcomes[] = { REF_BOOTED, REF_CHAINED, REF_SHELL };
                struct fixture f;
                struct ref_ipxe x = machine;

                fixture_host(&f);
                f.plan.menu_style = MENU_MINIMAL;
                x.failing = fails ? "boot_archive" : NULL;
                x.key_pressed = fails == 2;
                run(&f, &x);
                assert_int_equal(x.outcome, outcomes[fails]);
                assert_true(shows(&x, "Booting SmartOS 20241010T000000Z"));
                ref_ipxe_fini(&x);
        }
}

/* The budget is a prediction of what iPXE does: they must agree to the byte. */
static void the_budget_is_exact_at_its_edge(void **state)
{
        static const enum loader_kind loaders[] = { LOADER_STOCK, LOADER_TRITON };
        static char value[4200];
        unsigned seen = 0;

        (void)state;
        for (size_t l = 0; l < 2; l++) {
                size_t limit = loaders[l] == LOADER_STOCK ? 512 : 4096;

                for (size_t n = limit - 490; n < limit; n++) {
                        struct fixture f;
                        struct ref_ipxe x = machine;

                        memset(value, 'x', n);
                        value[n] = '\0';
                        fixture_host(&f);
                        f.plan.n_properties = 0;
                        f.plan.loader = loaders[l];
                        f.plan.base_url = fixture_text("http://10.99.99.250");
                        fixture_property(&f, "zz", value, "host db1", false);
                        x.choice = "smartos";
                        x.max_cmdline = limit;
                        x.max_modules = limit == 512 ? 8 : 16;
                        run(&f, &x);
                        if (x.outcome != REF_BOOTED) {
                                assert_true(shows(&x, "bytes of boot line"));
                                seen |= 4;
                                ref_ipxe_fini(&x);
                                break;
                        }
                        assert_true(x.cmdline_bytes <= limit);
                        if (x.n_modules == 2) {
                                seen |= 1;
                        } else if (!(seen & 2)) { /* with the hash it would not have fitted, by one byte */
                                assert_int_equal(
                                        x.cmdline_bytes +
                                                strlen(ROOT "20241010T000000Z/platform/i86pc/amd64/"
                                                            "boot_archive.hash type=hash name=ramdisk") +
                                                1,
                                        limit + 1);
                                seen |= 2;
                        }
                        ref_ipxe_fini(&x);
                }
                assert_int_equal(seen, 7);
                seen = 0;
        }
}

static const struct {
        const char *base_url;
        const char *root; /* as the client resolves it; NULL: refused, relative instead */
} bases[] = {
        { "http://10.0.0.1", "http://10.0.0.1/smartos/" },
        { "http://10.0.0.1/", "http://10.0.0.1/smartos/" },
        { "http://10.0.0.1/a/b///", "http://10.0.0.1/a/b/smartos/" },
        { "https://boot.example.com:8443/x", "https://boot.example.com:8443/x/smartos/" },
        { "tftp://${next-server}", "tftp://10.99.99.250/smartos/" },
        { "http://${next-server}/boot", "http://10.99.99.250/boot/smartos/" },
        { "http://[2001:db8::1]/x", "http://[2001:db8::1]/x/smartos/" },
        { "http://10.0.0.1/platforms", "http://10.0.0.1/platforms/smartos/" },
        { "", ROOT },
        { "http://", NULL },
        { "http:///x", NULL },
        { "ftp://10.0.0.1", NULL },
        { "/x", NULL },
        { "10.0.0.1", NULL },
        { "http://10.0.0.1/platform", NULL },
        { "http://10.0.0.1/platform/", NULL },
        { "http://10.0.0.1/x/platform/y", NULL },
        { "http://10.0.0.1/a b", NULL },
        { "http://10.0.0.1/a\nshell", NULL },
        { "http://10.0.0.1/ || shell", NULL },
        { "http://${password}/", NULL },
        { "http://${next-server", NULL },
        { "http://10.0.0.1/$x", NULL },
        { "http://10.0.0.1/?a", NULL },
        { "http://10.0.0.1/#a", NULL },
        { "http://10.0.0.1/a\\", NULL },
        { "http://10.0.0.1/%70latform/", NULL },
        { "-x", NULL },
};

static void a_base_url_stands_before_smartos_or_is_refused(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof bases / sizeof bases[0]; i++) {
                struct fixture f;
                struct ref_ipxe x = machine;
                AUTO_BUF struct buf why = BUF_INIT;
                const char *root = bases[i].root ? bases[i].root : ROOT;

                fixture_host(&f);
                f.plan.base_url = fixture_text(bases[i].base_url);
                x.choice = "smartos";
                run(&f, &x);
                assert_int_equal(x.outcome, REF_BOOTED);
                if (strncmp(x.kernel_line, root, strlen(root)) != 0)
                        print_message("%s: %s\n", bases[i].base_url, x.kernel_line);
                assert_int_equal(strncmp(x.kernel_line, root, strlen(root)), 0);
                assert_int_equal(render_why(&f.plan, &f.builds, f.latest, &why), 0);
                assert_int_equal(
                        strstr(why.data, "setting base_url is refused") != NULL, bases[i].root == NULL);
                ref_ipxe_fini(&x);
        }
}

static const struct {
        const char *url, *failing, *chained;
        bool key;
        enum ref_outcome outcome;
} dispatches[] = {
        { "http://10.99.99.250/menu.ipxe", NULL, "http://10.99.99.250/hosts/02-08-20-ab-cd-01/menu.ipxe",
                false, REF_CHAINED },
        { "tftp://10.99.99.250/a/b/autoexec.ipxe", NULL,
                "tftp://10.99.99.250/a/b/hosts/02-08-20-ab-cd-01/menu.ipxe", false, REF_CHAINED },
        { "http://10.99.99.250/menu.ipxe", "hosts", NULL, true, REF_SHELL },
        { "http://10.99.99.250/menu.ipxe", "hosts", NULL, false, REF_ENDLESS },
};

static void the_dispatcher_chains_the_hosts_script_or_says_what_failed_and_asks_again(void **state)
{
        AUTO_BUF struct buf script = BUF_INIT;

        (void)state;
        assert_int_equal(render_dispatcher(NULL, &script), 0);
        for (size_t i = 0; i < sizeof dispatches / sizeof dispatches[0]; i++) {
                struct ref_ipxe x = machine;

                x.url = dispatches[i].url;
                x.failing = dispatches[i].failing;
                x.key_pressed = dispatches[i].key;
                assert_true(ref_ipxe_check(script.data, script.len, &x.errors));
                ref_ipxe_run(&x, script.data, script.len);
                assert_int_equal(x.errors.len, 0);
                assert_int_equal(x.outcome, dispatches[i].outcome);
                if (dispatches[i].chained)
                        assert_string_equal(x.chained, dispatches[i].chained);
                else
                        assert_true(shows(&x, "machine 02-08-20-ab-cd-01 could not be had"));
                ref_ipxe_fini(&x);
        }
}

/* The cards of a machine when /autoexec.ipxe begins.  The first has another network's DHCP server, which must not be
 * asked where the firmware came by the second. */
#define OFFICE .mac = "02-08-20-ab-cd-99", .answered = true
#define DEAD   .mac = "02-08-20-ab-cd-99"
#define PLAIN  .mac = "02-08-20-ab-cd-01", .answered = true
#define LEASED PLAIN, .ip = "10.99.99.211"
static const struct {
        const char *what;
        size_t n_cards;
        struct ref_card cards[REF_MAX_CARDS];
        int open;
        unsigned n_dhcp;
        enum ref_outcome outcome;
} wakings[] = {
        { "run by iPXE after DHCP", 1, { { LEASED } }, 0, 0, REF_CHAINED },
        { "an open card of several", 2, { { OFFICE }, { LEASED } }, 1, 0, REF_CHAINED },
        { "an open card with IPv6 only", 2, { { OFFICE }, { PLAIN } }, 1, 0, REF_CHAINED },
        { "the firmware's lease", 1, { { LEASED } }, -1, 0, REF_CHAINED },
        { "the firmware's lease on the second card", 2, { { OFFICE }, { LEASED } }, -1, 0, REF_CHAINED },
        { "on the third", 3, { { OFFICE }, { DEAD }, { LEASED } }, -1, 0, REF_CHAINED },
        { "no lease", 1, { { PLAIN } }, -1, 1, REF_CHAINED },
        { "no lease, and an answer on the second card", 2, { { DEAD }, { PLAIN } }, -1, 2, REF_CHAINED },
        { "no lease and no answer", 1, { { DEAD } }, -1, 1, REF_SHELL },
        { "a lease on a card that does not open, never another card", 2,
                { { OFFICE }, { LEASED, .broken = true } }, -1, 0, REF_SHELL },
};

static void autoexec_opens_a_card_if_none_is_open_and_chains_the_hosts_script(void **state)
{
        AUTO_BUF struct buf script = BUF_INIT;

        (void)state;
        assert_int_equal(render_autoexec(NULL, &script), 0);
        for (size_t i = 0; i < sizeof wakings / sizeof wakings[0]; i++) {
                struct ref_ipxe x = machine;

                print_message("%s\n", wakings[i].what);
                x.url = "tftp://10.99.99.250/autoexec.ipxe";
                x.key_pressed = true;
                x.n_cards = wakings[i].n_cards;
                memcpy(x.cards, wakings[i].cards, sizeof x.cards);
                x.open = wakings[i].open;
                assert_true(ref_ipxe_check(script.data, script.len, &x.errors));
                ref_ipxe_run(&x, script.data, script.len);
                assert_int_equal(x.errors.len, 0);
                assert_int_equal(x.outcome, wakings[i].outcome);
                assert_int_equal(x.n_dhcp, wakings[i].n_dhcp);
                if (x.outcome == REF_CHAINED)
                        assert_string_equal(
                                x.chained, "tftp://10.99.99.250/hosts/02-08-20-ab-cd-01/menu.ipxe");
                else
                        assert_true(shows(&x, "could not be had"));
                ref_ipxe_fini(&x);
        }
}

static void autoexec_asks_dhcp_again_until_it_is_answered(void **state)
{
        AUTO_BUF struct buf script = BUF_INIT;
        struct ref_ipxe x = machine;

        (void)state;
        assert_int_equal(render_autoexec(NULL, &script), 0);
        x.url = "tftp://10.99.99.250/autoexec.ipxe";
        x.n_cards = 2;
        x.cards[0] = x.cards[1] = (struct ref_card) { DEAD };
        x.open = -1;
        ref_ipxe_run(&x, script.data, script.len);
        assert_int_equal(x.outcome, REF_ENDLESS);
        assert_true(x.n_dhcp > 4);
        ref_ipxe_fini(&x);
}

static int render_one(unsigned which, const struct fixture *f, struct buf *out)
{
        switch (which) {
        case 0:
                return render_ipxe(&f->plan, &f->builds, f->latest, out);
        case 1:
                return render_why(&f->plan, &f->builds, f->latest, out);
        case 2:
                return render_autoexec("http://${next-server}/x", out);
        default:
                return render_dispatcher("http://${next-server}/x", out);
        }
}

static void survives_every_failed_allocation(void **state)
{
        (void)state;
        for (unsigned which = 0; which < 4; which++)
                for (unsigned style = 0; style < 3; style++) {
                        unsigned nth = 0;
                        bool fired;

                        do {
                                struct fixture f;
                                AUTO_BUF struct buf out = BUF_INIT;
                                int r;

                                fixture_host(&f);
                                fixture_builds(&f, 40, true);
                                fixture_property(&f, "bad", "a && b", "host db1", false);
                                f.plan.menu_style = style == 1 ? MENU_MINIMAL : MENU_FULL;
                                f.plan.menu_title = style == 2 ? fixture_text("a\n") : f.plan.menu_title;
                                f.plan.base_url = style == 2 ? fixture_text("bad") : NULL;
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
                cmocka_unit_test(the_default_boots_the_hosts_build_with_its_hash),
                cmocka_unit_test(a_build_without_hash_and_the_documentations_form_have_one_module),
                cmocka_unit_test(an_image_that_was_left_over_never_becomes_a_module),
                cmocka_unit_test(another_build_boots_with_the_hosts_own_words),
                cmocka_unit_test(variants_change_what_they_say_and_nothing_else),
                cmocka_unit_test(rescue_is_standalone_by_setting),
                cmocka_unit_test(leaving_the_shell_disarms_the_timeout),
                cmocka_unit_test(a_failed_boot_leaves_no_image_and_returns_to_the_menu_with_a_message),
                cmocka_unit_test(exit_starts_the_local_disk_under_bios_and_efi),
                cmocka_unit_test(reboot_reboots),
                cmocka_unit_test(a_missing_build_is_named_and_nothing_boots_by_itself),
                cmocka_unit_test(a_name_that_comes_twice_is_offered_once),
                cmocka_unit_test(who_cannot_boot_is_told_why_and_asks_again),
                cmocka_unit_test(an_unknown_machine_sees_its_mac),
                cmocka_unit_test(minimal_boots_at_once_and_offers_a_shell_when_it_fails),
                cmocka_unit_test(the_budget_is_exact_at_its_edge),
                cmocka_unit_test(a_base_url_stands_before_smartos_or_is_refused),
                cmocka_unit_test(the_dispatcher_chains_the_hosts_script_or_says_what_failed_and_asks_again),
                cmocka_unit_test(autoexec_opens_a_card_if_none_is_open_and_chains_the_hosts_script),
                cmocka_unit_test(autoexec_asks_dhcp_again_until_it_is_answered),
                cmocka_unit_test(survives_every_failed_allocation),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
