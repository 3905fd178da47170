/* SPDX-License-Identifier: MPL-2.0 */
/* Thousands of random plans, legal and hostile.  For each, by the reference interpreter and the reference
 * kernel parser:
 *
 *   1. the script passes ref_ipxe_check: known commands, every label there, nothing but lines of ours;
 *   2. whatever a person or the network does, it ends in an outcome that its plan allows, and boots only what
 *   was asked;
 *   3. each property of the plan reaches the kernel once, with its very value, or is among the refusals; and
 *      nothing else reaches it but what is documented as implied;
 *   4. what boots was not cut by the loader;
 *   5. rendering again gives the same bytes; the explanation holds no secret;
 *   6. PXELINUX' configuration and both forms of menu.lst pass their references, boot only what was asked, and give
 *      the kernel the same words and modules as iPXE's script for each entry, but for what a loader cannot carry.
 *   7. the kernel's loader, its early console and its flags read the line as it was meant, and no value holds what SmartOS'
 *      own scripts would run;
 *   8. boot modules: each of a plan reaches every entry of every loader but rescue, once, or is among the refusals; so
 *      does its hash, as a module or behind the module itself, or the hashes of all are left out; none of what a module
 *      holds is in any text.
 *
 * The seed is printed; PXEFS_TEST_SEED and PXEFS_TEST_PLANS try others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fixture.h"
#include "ref_fakebop.h"
#include "ref_grub.h"
#include "ref_ipxe.h"
#include "ref_pxelinux.h"
#include "render/boot/offer.h"
#include "render/boot/render.h"
#include "render/boot/token.h"

#define URL       "http://10.99.99.250/hosts/02-08-20-ab-cd-01/menu.ipxe"
#define TEXT_SIZE 256
#define SECRET    "hunter2"

static uint64_t rng;

static unsigned draw(unsigned n)
{
        rng ^= rng << 13;
        rng ^= rng >> 7;
        rng ^= rng << 17;
        return (unsigned)((rng >> 20) % n);
}

static bool chance(unsigned percent)
{
        return draw(100) < percent;
}

/* What a stranger or an attacker would put together. */
static const char *const pieces[] = { "a", "b9", "zone", "true", "0", ",", ",", " ", " ", "=", "'", "\"", "#",
        " #", "|", "||", " || ", "&&", " && ", ";", " ; ", "shell", "goto menu", "exit", "$", "${", "}",
        "${mac:hexhyp}", "${smartos-args}", "\\", "\n", "\r", "\t", "\v", "\n:menu\n", "\nshell\n", ":", "-",
        "--", "---", " --- ", "-B", " -B x=y", "/platform/", "../", "\x1b[2J", "\xc3\xa4", "\xc2\x85", "\xff",
        "%20", "$5$salt$hash", "115200,8,n,1,-", "menu-note", "(", ")", "item", "{", "?", "smartos=true",
        "multiboot", "`id`", "$(id)", "\"; id; \"", "'; id; '" };

static const char *const legal_values[] = { "true", "false", "text", "ttya", "ttyb", "ttyc", "graphics",
        "a b c", "a,b,c", "", "'", "\"", "it's", "say \"hi\"", "a,'b'", "a,\"b\"", "115200,8,n,1,-",
        "9600,8,n,1,-", "x=y=z", "a;b", "a#b", "C:\\x", "$1$x$y", "02:08:20:ab:cd:01", "10.0.0.1",
        "m\xc3\xbcller", "$ISADIR", "a$ZFS-BOOTFS", "$", "x,console=ttya", "zones,data", "x -B y=z", "1", "-",
        "--", "see-multiboot2", "$HOME" };

static const char *const legal_names[] = { "smartos", "root_shadow", "console", "ttya-mode", "ttyb-mode",
        "hostname", "noimport", "standalone", "admin_nic", "etherstub", "zpools", "a.b", "A",
        "acpi-user-options", "rabbitmq", "-v", "-kd", "-k", "-s", "-m", "-r", "-i", "-kB", "whoami" };

static void random_text(char out[TEXT_SIZE])
{
        size_t len = 0;

        for (unsigned n = draw(6); n-- > 0;) {
                const char *p = pieces[draw(sizeof pieces / sizeof pieces[0])];

                if (len + strlen(p) + 1 >= TEXT_SIZE)
                        break;
                memcpy(out + len, p, strlen(p));
                len += strlen(p);
        }
        out[len] = '\0';
}

#define MAX_TEXTS 256
static char texts[MAX_TEXTS][TEXT_SIZE];
static unsigned n_texts;

static char *text(unsigned percent_hostile, const char *legal)
{
        char *t = texts[n_texts++ % MAX_TEXTS];

        if (chance(percent_hostile))
                random_text(t);
        else
                (void)snprintf(t, TEXT_SIZE, "%s", legal);
        return t;
}

static void random_properties(struct fixture *f, unsigned hostile)
{
        f->plan.n_properties = 0;
        for (unsigned n = draw(chance(10) ? 40 : 9); n-- > 0;) {
                const char *name =
                        text(hostile / 4, legal_names[draw(sizeof legal_names / sizeof legal_names[0])]);
                const char *value = text(hostile,
                        name[0] == '-' ? (chance(50) ? "" : "milestone=none")
                                       : legal_values[draw(sizeof legal_values / sizeof legal_values[0])]);
                bool secret = chance(20);

                if (secret && !strchr(name, '-') && strlen(value) + sizeof SECRET < TEXT_SIZE) {
                        char *t = texts[n_texts++ % MAX_TEXTS];

                        (void)snprintf(t, TEXT_SIZE, "%s" SECRET, value);
                        value = t;
                }
                fixture_property(f, name, value, text(hostile, "profile rack7"), secret);
        }
}

static void random_modules(struct fixture *f, unsigned hostile)
{
        static const char *const legal[] = { "answers.json", "etc/system", "etc/ppt_aliases",
                "networking.json", "kernel/drv/ixgbe.conf", "a", "a.b-c_d", "0123456789abcdef" };

        for (unsigned n = chance(50) ? 0 : draw(chance(10) ? 20 : 4); n-- > 0;) {
                char *name = text(hostile / 2, legal[draw(sizeof legal / sizeof legal[0])]);
                bool twice = false;

                for (size_t i = 0; i < f->plan.n_modules; i++)
                        twice = twice || strcmp(f->modules[i].name, name) == 0;
                if (!twice)
                        fixture_module(f, name, text(hostile, "profile rack7"), chance(30));
        }
        if (hostile && chance(10))
                (void)snprintf(f->plan.home, sizeof f->plan.home, "%.17s",
                        pieces[draw(sizeof pieces / sizeof pieces[0])]);
        if (hostile && f->plan.n_modules && chance(10))
                (void)snprintf(f->modules[0].id, sizeof f->modules[0].id, "%.16s",
                        pieces[draw(sizeof pieces / sizeof pieces[0])]);
}

static void random_plan(struct fixture *f)
{
        static const char *const bases[] = { "http://${next-server}", "http://10.0.0.1:80/a/b/",
                "tftp://10.0.0.1", "http://10.0.0.1/platform/x", "https://[2001:db8::1]/p" };
        unsigned hostile = chance(67) ? 0 : 60;

        fixture_host(f);
        n_texts = 0;
        fixture_builds(f, draw(chance(10) ? 45 : 4), chance(80));
        for (size_t i = 0; i < f->builds.n; i++)
                f->info[i].name = text(hostile / 3, f->names[i]);
        random_properties(f, hostile);
        random_modules(f, hostile);
        f->latest = f->builds.n && chance(90) ? f->info[0].name : NULL;
        f->plan.kind = chance(80) ? PLAN_HOST : chance(70) ? PLAN_UNKNOWN : PLAN_DISABLED;
        f->plan.unknown_policy = (enum unknown_policy)draw(4);
        f->plan.hostname = chance(90) ? text(hostile, "db1.example.com") : NULL;
        f->plan.profile = chance(90) ? text(hostile, "rack7") : NULL;
        f->plan.comment = chance(50) ? text(hostile, "a comment") : NULL;
        f->plan.build = chance(60) ? NULL
                                   : text(hostile, f->builds.n && chance(80)
                                                           ? f->info[draw((unsigned)f->builds.n)].name
                                                           : "20200101T000000Z");
        f->plan.build_why = chance(95) ? text(hostile, "host.build") : NULL;
        f->plan.base_url = chance(60) ? NULL : text(hostile / 2, bases[draw(sizeof bases / sizeof bases[0])]);
        f->plan.menu_title = chance(95) ? text(hostile, "SmartOS network boot") : NULL;
        f->plan.menu_timeout_ms = chance(50) ? draw(40000) : (unsigned)rng;
        f->plan.menu_style = chance(70) ? MENU_FULL : MENU_MINIMAL;
        f->plan.boot_form = chance(80) ? FORM_MODULE : FORM_INITRD;
        f->plan.grub_form = chance(50) ? GRUB_PLAIN : GRUB_TRITON;
        f->plan.loader = chance(70) ? LOADER_STOCK : LOADER_TRITON;
        if (hostile && chance(20))
                (void)snprintf(f->plan.mac, sizeof f->plan.mac, "%.17s",
                        pieces[draw(sizeof pieces / sizeof pieces[0])]);
        if (chance(20))
                fixture_unset(f, "hostname", "host db1");
}

static struct ref_ipxe random_machine(const struct fixture *f)
{
        static const char *const fails[] = { NULL, NULL, NULL, "unix", "boot_archive", "boot", "10.",
                "menu.ipxe" };

        return (struct ref_ipxe) { .url = URL,
                .mac = "02-08-20-ab-cd-01",
                .server = "10.99.99.250",
                .platform = chance(50) ? "efi" : "pcbios",
                .failing = fails[draw(8)],
                .key_pressed = chance(50),
                .leave_shell = chance(50),
                .no_disk = chance(50),
                .max_cmdline = f->plan.loader == LOADER_TRITON ? 4096 : 512,
                .max_modules = f->plan.loader == LOADER_TRITON ? 16 : 8 };
}

/* "property <name> (": how a refusal begins. */
static bool is_refused(const struct offer *o, const char *name)
{
        AUTO_BUF struct buf start = BUF_INIT;
        const char *lines = o->refused.lines.data;

        buf_puts(&start, name[0] == '-' ? "flag " : "property ");
        (void)token_put_display(&start, name, 80);
        buf_puts(&start, " (");
        return lines && strstr(lines, start.data);
}

static void check_kernel_line(const struct fixture *f, const struct offer *o, const char *line)
{
        struct fakebop k;
        size_t expected = 0;

        fakebop_parse(line, &k);
        assert_false(k.overrun);
        assert_true(strncmp(k.whoami, "/platform/i86pc/kernel/amd64/unix", 34) == 0);
        assert_null(strstr(line, "multiboot"));
        assert_true(fakebop_reads_all_flags(&k));
        assert_true(fakebop_early_console_agrees(&k));
        for (size_t i = 0; i < k.n; i++) /* SmartOS' own scripts hand them to a shell */
                assert_true(!strpbrk(k.props[i].value, "'\"`") && !strstr(k.props[i].value, "$("));
        for (size_t i = 0; i < f->plan.n_properties; i++) {
                const struct plan_property *p = &f->plan.properties[i];
                const char *got = fakebop_value(&k, p->name);
                bool twice = false;

                for (size_t j = 0; j < i; j++)
                        twice = twice || strcmp(f->plan.properties[j].name, p->name) == 0;
                if (p->name[0] == '-') {
                        assert_true(is_refused(o, p->name) || fakebop_has_flag(&k, p->name));
                        continue;
                }
                if (got && !twice) {
                        expected++;
                        assert_int_equal(fakebop_count(&k, p->name), 1);
                }
                if (!(twice || is_refused(o, p->name)) && (!got || strcmp(got, p->value) != 0))
                        print_message("%s = '%s', but '%s' in: %s\n", p->name, p->value,
                                got ? got : "nothing", line);
                assert_true((got && strcmp(got, p->value) == 0) || is_refused(o, p->name));
        }
        for (size_t i = 0; i < k.n; i++) {
                const char *name = k.props[i].name;
                bool implied = !bootargs_value(&f->plan, name);

                if (!implied)
                        continue;
                expected++;
                if (strcmp(name, "hostname") == 0) {
                        assert_string_equal(k.props[i].value, f->plan.hostname);
                } else {
                        assert_true(strncmp(name, "tty", 3) == 0 && strcmp(name + 4, "-mode") == 0);
                        assert_int_equal(strncmp(fakebop_value(&k, "console"), name, 4), 0);
                }
        }
        assert_int_equal(expected, k.n);
        fakebop_fini(&k);
}

/* How often a line with these words behind the URL is among @lines; the URL holds the module's id.  @hash: that hash behind
 * them, or NULL. */
static unsigned count_lines(
        char *const *lines, size_t n, const char *id, const char *type, const char *name, const char *hash)
{
        AUTO_BUF struct buf end = BUF_INIT;
        unsigned found = 0;

        buf_printf(&end, "/hosts/02-08-20-ab-cd-01/m/%s%s type=%s name=%s%s%s", id,
                strcmp(type, "hash") == 0 ? ".hash" : "", type, name, hash ? " hash=" : "", hash ? hash : "");
        for (size_t i = 0; i < n; i++) {
                size_t len = strlen(lines[i]);

                /* iPXE's URL has a server in front, PXELINUX' path not even a slash */
                found += (len >= end.len && strcmp(lines[i] + len - end.len, end.data) == 0) ||
                         strcmp(lines[i], end.data + 1) == 0;
        }
        return found;
}

static unsigned files_seen, files_refused, sums_seen, sums_behind, sums_left_out;

/* Rule 7.  @n lines that a loader gives to the kernel as modules. */
static void check_modules(
        const struct fixture *f, const struct offer *o, char *const *lines, size_t n, bool rescue)
{
        unsigned sums = 0, behind = 0, files = 0, others = 0;

        for (size_t i = 0; i < f->plan.n_modules; i++) {
                const struct plan_module *m = &f->modules[i];
                AUTO_BUF struct buf start = BUF_INIT;
                unsigned hashed = count_lines(lines, n, m->id, "file", m->name, m->sha1);
                unsigned file = hashed + count_lines(lines, n, m->id, "file", m->name, NULL);

                buf_puts(&start, "module ");
                (void)token_put_display(&start, m->name, 80);
                buf_puts(&start, " (");
                if (o->refused.lines.data && strstr(o->refused.lines.data, start.data)) {
                        assert_int_equal(file, 0);
                        files_refused++;
                        continue;
                }
                assert_int_equal(file, rescue ? 0 : 1);
                files += file;
                behind += hashed;
                sums += count_lines(lines, n, m->id, "hash", m->name, NULL);
        }
        if (sums && sums != files)
                for (size_t i = 0; i < n; i++)
                        print_message("%s\n", lines[i]);
        assert_true((sums == 0 || sums == files) && (behind == 0 || behind == files) &&
                    (sums == 0 || behind == 0));
        for (size_t i = 0; i < n; i++)
                others += strstr(lines[i], "/m/") == NULL;
        assert_int_equal(n, others + files + sums);
        assert_true(others == 1 || others == 2); /* boot_archive, and its hash */
        /* untyped modules pair up by their places: only one, or one and its hash, may be */
        if (f->plan.boot_form == FORM_MODULE || o->n_files)
                assert_non_null(strstr(lines[0], " type=rootfs name=ramdisk"));
        if (files && others == 1 && o->build && o->build->has_hash && f->plan.boot_form == FORM_MODULE)
                assert_int_equal(sums, 0); /* the order in which hashes are left out */
        files_seen += files;
        sums_seen += sums;
        sums_behind += behind;
        sums_left_out += files && !sums && !behind;
}

static unsigned outcomes[REF_ENDLESS + 1], kernel_lines, refusals;

static void run_once(const struct fixture *f, const struct offer *o, const struct buf *script,
        const char *choice, bool own)
{
        struct ref_ipxe x = random_machine(f);

        x.choice = choice;
        ref_ipxe_run(&x, script->data, script->len);
        if (x.errors.len || x.outcome == REF_FELL_OFF)
                print_message("%s\nchoice %s: outcome %d %s\n", script->data, choice, (int)x.outcome,
                        x.errors.data ? x.errors.data : "");
        assert_int_equal(x.errors.len, 0);
        assert_int_not_equal(x.outcome, REF_FELL_OFF);
        if (x.outcome == REF_ENDLESS)
                assert_true(x.leave_shell || x.failing);
        if (x.outcome == REF_BOOTED) {
                assert_true(f->plan.kind == PLAN_HOST ||
                            (f->plan.kind == PLAN_UNKNOWN && f->plan.unknown_policy == UNKNOWN_MENU));
                assert_true(x.cmdline_bytes <= x.max_cmdline);
                if (own) {
                        assert_non_null(o->build);
                        assert_non_null(strstr(x.kernel_line, o->build->name));
                        check_kernel_line(f, o, x.kernel_line);
                        check_modules(f, o, x.module_lines, x.n_modules, false);
                        kernel_lines++;
                }
        }
        outcomes[x.outcome]++;
        ref_ipxe_fini(&x);
}

/* Each item of the menu, and no answer at all. */
static void run_all(const struct fixture *f, const struct offer *o, const struct buf *script)
{
        const char *line = script->data;

        run_once(f, o, script, NULL, f->plan.menu_style == MENU_MINIMAL);
        while ((line = strstr(line, "\nitem "))) {
                char label[300];

                line += strlen("\nitem ");
                if (strncmp(line, "--gap", 5) == 0)
                        continue;
                if (strncmp(line, "--key ", 6) == 0)
                        line += 8;
                if (sscanf(line, "%299s", label) == 1 && chance(strncmp(label, "build-", 6) == 0 ? 15 : 60))
                        run_once(f, o, script, label, strcmp(label, "smartos") == 0);
        }
}

/* ---- the same for other loaders ---- */

static unsigned compared[DIALECT_GRUB_DOLLAR + 1];

/* From the build's directory on, which is what every loader has in common. */
static const char *below_smartos(const char *line)
{
        const char *s = strstr(line, "smartos/");

        assert_non_null(s);
        return s;
}

/* A module's line, from where every loader has it in common. */
static const char *below_root(const char *line)
{
        const char *s = strstr(line, "hosts/");

        return s ? s : below_smartos(line);
}

/* What iPXE boots for @label, or nothing if it refuses. */
static bool boot_ipxe(
        const struct fixture *f, const struct buf *script, const char *label, struct ref_ipxe *x)
{
        *x = (struct ref_ipxe) { .url = URL,
                .mac = "02-08-20-ab-cd-01",
                .server = "10.99.99.250",
                .platform = "pcbios",
                .choice = f->plan.menu_style == MENU_MINIMAL ? NULL : label,
                .max_cmdline = f->plan.loader == LOADER_TRITON ? 4096 : 512,
                .max_modules = f->plan.loader == LOADER_TRITON ? 16 : 8 };
        ref_ipxe_run(x, script->data, script->len);
        return x->outcome == REF_BOOTED;
}

/* The hash may stand behind a module for one loader and be a module for another. */
static bool is_same_module(const char *a, const char *b)
{
        const char *hash_a = strstr(a, " hash="), *hash_b = strstr(b, " hash=");
        size_t len_a = hash_a ? (size_t)(hash_a - a) : strlen(a),
               len_b = hash_b ? (size_t)(hash_b - b) : strlen(b);

        return len_a == len_b && memcmp(a, b, len_a) == 0;
}

/* @b is what another loader boots for the entry that iPXE knows as @label. */
static void compare_entry(const struct fixture *f, const struct offer *o, const struct offer *ipxe,
        const struct buf *script, const char *label, bool own, const struct ref_boot *b)
{
        struct ref_ipxe x;

        assert_int_equal(b->how, REF_BOOT_KERNEL);
        assert_non_null(strstr(b->kernel_line, own ? o->build->name : "/platform/"));
        if (strcmp(label, "smartos") == 0)
                check_kernel_line(f, o, b->kernel_line);
        check_modules(f, o, b->module_lines, b->n_modules, strcmp(label, "rescue") == 0);
        if (boot_ipxe(f, script, label, &x)) {
                size_t end = strlen(x.kernel_line);

                if (end && x.kernel_line[end - 1] == ' ')
                        x.kernel_line[end - 1] = '\0'; /* an empty variable is an argument, too */
                if (o->refused.n == ipxe->refused.n)
                        assert_string_equal(below_smartos(x.kernel_line), below_smartos(b->kernel_line));
                assert_true(b->n_modules >=
                            x.n_modules); /* iPXE's line is shorter: it may have left out the hash */
                check_modules(f, ipxe, x.module_lines, x.n_modules, strcmp(label, "rescue") == 0);
                for (size_t i = 0; i < x.n_modules; i++) {
                        bool found = false;

                        for (size_t k = 0; k < b->n_modules; k++)
                                found = found || is_same_module(below_root(x.module_lines[i]),
                                                         below_root(b->module_lines[k]));
                        assert_true(found);
                }
                if (f->plan.boot_form == FORM_MODULE && own && !o->n_files)
                        assert_int_equal(b->n_modules, o->build->has_hash && o->limits->bytes > 512 ? 2 : 1);
                compared[o->dialect]++;
        }
        ref_ipxe_fini(&x);
}

static bool may_boot(const struct fixture *f, const struct offer *o)
{
        return o->build && (f->plan.kind == PLAN_HOST ||
                                   (f->plan.kind == PLAN_UNKNOWN && f->plan.unknown_policy == UNKNOWN_MENU));
}

static void check_pxelinux(
        const struct fixture *f, const struct offer *ipxe, const struct buf *script, bool anybody)
{
        AUTO_OFFER struct offer o;
        AUTO_BUF struct buf text = BUF_INIT;
        struct ref_pxelinux x;
        struct ref_boot b;

        assert_int_equal(offer_init(&o, DIALECT_PXELINUX, &f->plan, &f->builds, f->latest), 0);
        assert_int_equal(render_pxelinux(&f->plan, &f->builds, f->latest, anybody, &text), 0);
        ref_pxelinux_read(&x, text.data, text.len);
        ref_pxelinux_boot(&x, NULL, &b);
        if (anybody || !may_boot(f, &o))
                assert_int_not_equal(b.how, REF_BOOT_KERNEL);
        if (b.how == REF_BOOT_KERNEL)
                compare_entry(f, &o, ipxe, script, "smartos", true, &b);
        ref_boot_fini(&b);
        for (size_t i = 0; i < x.n_labels; i++) {
                const char *name = x.labels[i].name;

                if (name[0] < 'a' || strcmp(name, "again") == 0 || strcmp(name, "exit") == 0)
                        continue;
                ref_pxelinux_boot(&x, name, &b);
                compare_entry(f, &o, ipxe, script, name, true, &b);
                ref_boot_fini(&b);
        }
        if (x.errors.len)
                print_message("%s%s", text.data, x.errors.data);
        assert_int_equal(x.errors.len, 0);
        ref_pxelinux_fini(&x);
}

/* The label of the entry with this title. */
static const char *label_of(const struct offer *o, const char *title)
{
        struct offer_item items[OFFER_MAX_ENTRIES];
        size_t n = offer_items(o, items);

        for (size_t i = 0; i < n; i++) {
                AUTO_BUF struct buf text = BUF_INIT;

                offer_put_text(&items[i], &text);
                if (items[i].label && strcmp(text.data, title) == 0)
                        return items[i].label;
        }
        return NULL;
}

static void check_grub(
        const struct fixture *f, const struct offer *ipxe, const struct buf *script, bool anybody)
{
        AUTO_OFFER struct offer o;
        AUTO_BUF struct buf text = BUF_INIT;
        struct ref_grub x;

        assert_int_equal(offer_init(&o, f->plan.grub_form == GRUB_TRITON ? DIALECT_GRUB_DOLLAR : DIALECT_GRUB,
                                 &f->plan, &f->builds, f->latest),
                0);
        assert_int_equal(render_grub(&f->plan, &f->builds, f->latest, anybody, &text), 0);
        ref_grub_read(&x, text.data, text.len);
        for (size_t i = 0; i < x.n_entries; i++) {
                const char *label = label_of(&o, x.entries[i].title);
                struct ref_boot b;

                ref_grub_boot(&x, i, &b);
                if ((int)i == x.default_entry && (anybody || !may_boot(f, &o)))
                        assert_int_not_equal(b.how, REF_BOOT_KERNEL);
                if (label && b.how == REF_BOOT_KERNEL)
                        compare_entry(f, &o, ipxe, script, label, true, &b);
                ref_boot_fini(&b);
        }
        if (x.errors.len)
                print_message("%s%s", text.data, x.errors.data);
        assert_int_equal(x.errors.len, 0);
        ref_grub_fini(&x);
}

static void check_why(const struct fixture *f)
{
        AUTO_BUF struct buf why = BUF_INIT;

        assert_int_equal(render_why(&f->plan, &f->builds, f->latest, &why), 0);
        assert_int_equal(strlen(why.data), why.len);
        for (size_t i = 0; i < why.len; i++)
                assert_true(
                        why.data[i] == '\n' || ((unsigned char)why.data[i] >= 0x20 && why.data[i] != 0x7f));
        assert_null(strstr(why.data, SECRET)); /* nor what a module holds */
        for (size_t i = 0; i < f->plan.n_modules; i++)
                if (f->modules[i].secret)
                        assert_null(strstr(why.data, f->modules[i].sha1));
}

static void random_plans_never_break_the_rules(void **state)
{
        uint64_t seed = getenv("PXEFS_TEST_SEED") ? strtoull(getenv("PXEFS_TEST_SEED"), NULL, 0) : 20241010;
        unsigned long n = getenv("PXEFS_TEST_PLANS") ? strtoul(getenv("PXEFS_TEST_PLANS"), NULL, 0) : 3000;

        (void)state;
        print_message("PXEFS_TEST_SEED=%llu PXEFS_TEST_PLANS=%lu\n", (unsigned long long)seed, n);
        rng = seed * 2654435761u + 1;
        for (unsigned long i = 0; i < n; i++) {
                struct fixture f;
                AUTO_OFFER struct offer o;
                AUTO_BUF struct buf script = BUF_INIT, again = BUF_INIT, errors = BUF_INIT;

                random_plan(&f);
                assert_int_equal(offer_init(&o, DIALECT_IPXE, &f.plan, &f.builds, f.latest), 0);
                assert_int_equal(render_ipxe(&f.plan, &f.builds, f.latest, &script), 0);
                assert_int_equal(render_ipxe(&f.plan, &f.builds, f.latest, &again), 0);
                assert_int_equal(script.len, again.len);
                assert_memory_equal(script.data, again.data, script.len);
                if (!ref_ipxe_check(script.data, script.len, &errors))
                        print_message("plan %lu: %s\n%s\n", i, errors.data, script.data);
                assert_int_equal(errors.len, 0);
                run_all(&f, &o, &script);
                check_pxelinux(&f, &o, &script, chance(30));
                check_grub(&f, &o, &script, chance(30));
                check_why(&f);
                refusals += o.refused.n > 0;
        }
        print_message("booted %u, menu %u, chained %u, exit %u, disk %u, shell %u; %u kernel lines compared; "
                      "%u plans with refusals\n",
                outcomes[REF_BOOTED], outcomes[REF_MENU], outcomes[REF_CHAINED], outcomes[REF_EXIT],
                outcomes[REF_SANBOOT], outcomes[REF_SHELL], kernel_lines, refusals);
        print_message("entries compared with iPXE's: PXELINUX %u, GRUB %u, GRUB with $ %u\n",
                compared[DIALECT_PXELINUX], compared[DIALECT_GRUB], compared[DIALECT_GRUB_DOLLAR]);
        print_message("boot modules: %u passed on, %u with their hash, %u with it behind them, %u entries "
                      "without hashes, %u "
                      "refused\n",
                files_seen, sums_seen, sums_behind, sums_left_out, files_refused);
        assert_true(files_seen > n && sums_seen > n && sums_behind > n / 50 && sums_left_out > n / 50 &&
                    files_refused > n / 20);
        assert_true(compared[DIALECT_PXELINUX] > n && compared[DIALECT_GRUB] > n / 2 &&
                    compared[DIALECT_GRUB_DOLLAR] > n / 2);
        assert_true(kernel_lines > n / 10 && refusals > n / 10); /* or the test has lost its teeth */
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(random_plans_never_break_the_rules),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
