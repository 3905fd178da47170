/* SPDX-License-Identifier: MPL-2.0 */
/* Whole scripts and whole explanations, byte for byte: tests/golden/<plan>.ipxe, .pxelinux, .menu.lst and .why.  After a wanted
 * change
 *
 *         PXEFS_GOLDEN_WRITE=1 meson test --suite unit render-golden
 *
 * writes them anew; git diff then shows what the change does to a machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture.h"
#include "golden.h"
#include "ref_grub.h"
#include "ref_ipxe.h"
#include "ref_pxelinux.h"
#include "render/boot/render.h"

static void host_full(struct fixture *f)
{
        fixture_property(f, "-v", "", "host db1", false);
        fixture_setting(f, "menu_timeout", "30", "built in");
        fixture_setting(f, "menu_title", "SmartOS network boot", "built in");
        f->plan.ip = fixture_text("10.99.99.21");
        f->plan.uuid = fixture_text("4c4c4544-0042-3010-8054-b4c04f4e5331");
        f->plan.comment = fixture_text("rack 7, the one on top");
}

static void many_builds(struct fixture *f)
{
        fixture_builds(f, 50, true);
        f->plan.build = f->names[4];
        f->plan.build_why = fixture_text("channel stable, from profile rack7");
        f->info[6].name = "joyent-hvm-20240901T000000Z";
        f->info[6].release = false;
}

static void minimal(struct fixture *f)
{
        f->plan.menu_style = MENU_MINIMAL;
}

static void initrd(struct fixture *f)
{
        f->plan.boot_form = FORM_INITRD;
}

static void base_url(struct fixture *f)
{
        f->plan.base_url = fixture_text("http://${next-server}:8080/boot/");
        fixture_setting(f, "base_url", "http://${next-server}:8080/boot/", "profile rack7");
}

static void base_url_refused(struct fixture *f)
{
        f->plan.base_url = fixture_text("http://10.0.0.1/platform/x");
        fixture_setting(f, "base_url", "http://10.0.0.1/platform/x", "global");
}

static void missing_build(struct fixture *f)
{
        f->plan.build = fixture_text("20200101T000000Z");
        f->plan.build_why = fixture_text("host.build");
}

static void missing_build_minimal(struct fixture *f)
{
        missing_build(f);
        minimal(f);
}

static void no_builds(struct fixture *f)
{
        fixture_builds(f, 0, false);
}

static void disabled(struct fixture *f)
{
        f->plan.kind = PLAN_DISABLED;
}

static void unknown(struct fixture *f)
{
        f->plan.kind = PLAN_UNKNOWN;
        f->plan.hostname = NULL;
        f->plan.host_id = 0;
        f->plan.mac[0] = '\0';
        f->plan.profile = fixture_text("default");
}

static void unknown_menu(struct fixture *f)
{
        unknown(f);
}

static void unknown_local(struct fixture *f)
{
        unknown(f);
        f->plan.unknown_policy = UNKNOWN_LOCAL;
}

static void unknown_deny(struct fixture *f)
{
        unknown(f);
        f->plan.unknown_policy = UNKNOWN_DENY;
}

static void hash_dropped(struct fixture *f)
{
        fixture_property(
                f, "admin_nic", "02:08:20:ab:cd:01,02:08:20:ab:cd:02,02:08:20:ab:cd:03", "host db1", false);
        fixture_property(f, "etherstub", "stub0,stub1,stub2", "host db1", false);
        fixture_property(f, "override_uuid", "4c4c4544-0042-3010-8054-b4c04f4e5331", "host db1", false);
}

static void over_budget(struct fixture *f)
{
        hash_dropped(f);
        fixture_property(f, "zpools", "zones,backup,archive,scratch,and-one-more,and-yet-another-one",
                "host db1", false);
        fixture_property(f, "admin_gateway", "10.99.99.254", "host db1", false);
}

static void over_budget_triton(struct fixture *f)
{
        over_budget(f);
        f->plan.loader = LOADER_TRITON;
}

/* One's hash has room behind it only, with few properties; those of three have none; the documentation's form leaves room
 * for one as a module. */
static void module_of_one(struct fixture *f)
{
        f->plan.n_properties = 0;
        fixture_property(f, "override_uuid", "4c4c4544-0042-3010-8054-b4c04f4e5331", "host db1", false);
        fixture_module(f, "etc/system", "host db1", false);
}

static void modules_of_three(struct fixture *f)
{
        fixture_module(f, "etc/system", "host db1", false);
        fixture_module(f, "answers.json", "profile rack7", true);
        fixture_module(f, "networking.json", "host db1", false);
}

static void module_and_initrd(struct fixture *f)
{
        module_of_one(f);
        initrd(f);
}

static void serial(struct fixture *f)
{
        fixture_property(f, "console", "ttyb", "profile rack7", false);
        fixture_property(f, "-kd", "true", "host db1", false);
        fixture_unset(f, "noimport", "host db1");
        fixture_setting(f, "rescue_standalone", "1", "profile rack7");
        f->plan.rescue_standalone = true;
}

static void hostile(struct fixture *f)
{
        fixture_property(f, "evil", "x && shell", "host db1", false);
        fixture_property(f, "two\nlines", "y", "host db1", false);
        fixture_property(f, "-B", "a=b", "profile x\nshell", false);
        f->plan.hostname = fixture_text("db1\nshell");
        f->plan.profile = fixture_text("a && shell");
        f->plan.menu_title = fixture_text("${password} ; shell");
        f->plan.build_why = fixture_text("host.build\\");
        f->plan.comment = fixture_text("one\ntwo");
        f->problems[0] = fixture_text("property 9 of host 7: \x1b[31m no value");
        f->plan.n_problems = 1;
        f->info[1].name = "x || shell";
        f->info[2].name = "platform";
}

static void serial_triton(struct fixture *f)
{
        fixture_property(f, "console", "ttyb", "profile rack7", false);
        fixture_property(f, "ttyb-mode", "9600,7,e,2,-", "profile rack7", false);
        f->plan.grub_form = GRUB_TRITON;
}

static void rescue_literal(struct fixture *f)
{
        fixture_setting(f, "rescue_smartos", "1", "global");
        fixture_setting(f, "rescue_standalone", "1", "global");
        f->plan.rescue_smartos = f->plan.rescue_standalone = true;
}

static const struct {
        const char *name;
        void (*change)(struct fixture *f);
} plans[] = {
        { "host-full", host_full },
        { "host-many-builds", many_builds },
        { "host-minimal", minimal },
        { "host-initrd", initrd },
        { "host-base-url", base_url },
        { "host-base-url-refused", base_url_refused },
        { "host-serial", serial },
        { "host-serial-triton", serial_triton },
        { "host-rescue-literal", rescue_literal },
        { "host-hash-dropped", hash_dropped },
        { "host-module", module_of_one },
        { "host-module-initrd", module_and_initrd },
        { "host-modules", modules_of_three },
        { "host-over-budget", over_budget },
        { "host-over-budget-triton", over_budget_triton },
        { "host-missing-build", missing_build },
        { "host-missing-build-minimal", missing_build_minimal },
        { "host-no-builds", no_builds },
        { "host-disabled", disabled },
        { "host-hostile", hostile },
        { "unknown-menu", unknown_menu },
        { "unknown-local", unknown_local },
        { "unknown-deny", unknown_deny },
};

static void scripts_and_their_reasons_are_what_they_were(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof plans / sizeof plans[0]; i++) {
                struct fixture f;
                AUTO_BUF struct buf script = BUF_INIT, why = BUF_INIT, errors = BUF_INIT;

                fixture_host(&f);
                plans[i].change(&f);
                assert_int_equal(render_ipxe(&f.plan, &f.builds, f.latest, &script), 0);
                assert_int_equal(render_why(&f.plan, &f.builds, f.latest, &why), 0);
                if (!ref_ipxe_check(script.data, script.len, &errors))
                        print_message("%s: %s", plans[i].name, errors.data);
                assert_int_equal(errors.len, 0);
                golden_compare(plans[i].name, ".ipxe", &script);
                golden_compare(plans[i].name, ".why", &why);
        }
}

static void check_others(const char *name, const struct fixture *f, bool anybody)
{
        AUTO_BUF struct buf pxelinux = BUF_INIT, grub = BUF_INIT;
        struct ref_pxelinux x;
        struct ref_grub g;

        assert_int_equal(render_pxelinux(&f->plan, &f->builds, f->latest, anybody, &pxelinux), 0);
        assert_int_equal(render_grub(&f->plan, &f->builds, f->latest, anybody, &grub), 0);
        golden_compare(name, ".pxelinux", &pxelinux);
        golden_compare(name, ".menu.lst", &grub);
        ref_pxelinux_read(&x, pxelinux.data, pxelinux.len);
        ref_grub_read(&g, grub.data, grub.len);
        if (x.errors.len || g.errors.len)
                print_message("%s: %s%s", name, x.errors.len ? x.errors.data : "",
                        g.errors.len ? g.errors.data : "");
        assert_int_equal(x.errors.len, 0);
        assert_int_equal(g.errors.len, 0);
        ref_pxelinux_fini(&x);
        ref_grub_fini(&g);
}

static void configurations_of_other_loaders_are_what_they_were(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof plans / sizeof plans[0]; i++) {
                struct fixture f;

                fixture_host(&f);
                plans[i].change(&f);
                check_others(plans[i].name, &f, false);
                if (plans[i].change == unknown_menu)
                        check_others("default-menu", &f, true);
                if (plans[i].change == unknown_local)
                        check_others("default-local", &f, true);
        }
}

static void the_dispatcher_is_what_it_was(void **state)
{
        AUTO_BUF struct buf script = BUF_INIT, based = BUF_INIT, own = BUF_INIT, woken = BUF_INIT;

        (void)state;
        assert_int_equal(render_dispatcher(NULL, &script), 0);
        golden_compare("dispatcher", ".ipxe", &script);
        assert_int_equal(render_dispatcher("http://${next-server}/boot//", &based), 0);
        golden_compare("dispatcher-base-url", ".ipxe", &based);
        assert_int_equal(render_dispatcher_for("02-08-20-ab-cd-01", NULL, &own), 0);
        golden_compare("dispatcher-of-a-mac", ".ipxe", &own);
        assert_int_equal(render_autoexec(NULL, &woken), 0);
        golden_compare("autoexec", ".ipxe", &woken);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(scripts_and_their_reasons_are_what_they_were),
                cmocka_unit_test(configurations_of_other_loaders_are_what_they_were),
                cmocka_unit_test(the_dispatcher_is_what_it_was),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
