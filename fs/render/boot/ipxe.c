/* SPDX-License-Identifier: MPL-2.0 */
/* ipxe -- the scripts that iPXE runs: the dispatcher and one machine's menu.
 *
 * Every script follows the documentation's menu and works with iPXE of 2019 (Debian's 1.0.0+git-20190125):
 * only commands and options of that version.  What varies between entries is in four variables, set where an
 * entry begins; one section at the end does the booting:
 *
 *         smartos-base    what stands before /smartos in URLs
 *         smartos-build   the build's name
 *         smartos-hash    yes: boot_archive.hash goes with it
 *         smartos-files   yes: the machine's boot modules go with it (there only if it has any)
 *         smartos-sums    yes: their hashes, too, as modules; words: behind the modules themselves (likewise)
 *         smartos-args    words after the kernel's URL
 *
 * A variable is filled before its line is split into words, and handed over after that (token.c), so its
 * words reach the kernel one blank apart and can become no command.
 *
 * Invariants (the unit tests run every script through a reference interpreter)
 *   1. A line is one of our constant lines, or a constant start of a line and text that token.h let pass.
 *   2. A failing command never ends the script by accident: each that can fail is followed by ||
 *      (process_script in src/image/script.c stops at the first failure, and a stopped script falls through
 *      to the next boot device).
 *   3. Nothing is booted that was not asked for: a missing build, a line that does not fit, a disabled or
 *      unknown machine lead to a message.
 *   4. imgfree stands before each kernel and each chain menu.ipxe: every image that is registered becomes a
 *      module of the next boot (multiboot_add_modules in src/arch/x86/image/multiboot.c), a leftover of a
 *      failed attempt too; and chain takes an image of that name before it fetches one (imgacquire in
 *      src/usr/imgmgmt.c), such as an error page that was fetched in its place.  The running script itself is
 *      not in that list.
 *   5. A machine that waits asks again by itself, so that mending the row is enough.
 *
 * chain --replace: the new script takes the place of the old one (image_replace, image_exec in
 * src/core/image.c).  A failure of the command then means that the script could not be had, never that it ran
 * and failed; and the new script's exit leaves iPXE, as the person at the menu expects, with no need for "&&
 * exit" behind chain.  --autofree drops the image when it ends.  Nothing grows however often a machine asks
 * again, since image_exec() ends in a tail call (tried: 3500 times in a row).
 *
 * Leaving for the local disk: under EFI, exit 1 returns to the firmware, which tries its next boot option;
 * after a plain exit it would open its setup screen (UEFI 2.x, 3.1.1: an option that returns EFI_SUCCESS is
 * not followed by another; tried with OVMF).  Under BIOS many machines ask the network again when iPXE exits,
 * so the first disk is booted from here (sanboot without a root path does just that:
 * src/hci/commands/sanboot_cmd.c); exit only if it has no boot sector.
 */
#include "base/put.h"
#include "render/boot/items.h"
#include "render/boot/lines.h"
#include "render/boot/offer.h"
#include "render/boot/render.h"
#include "render/boot/variant.h"

#define KEYED_OTHERS 9 /* other builds that one key starts, 1 to 9: the newest */

/* No MAC of the plan is printed in a script but where boot modules stand (plan.home): all NICs of a host share one text, and all strangers another. */
static const char this_machine[] = "machine ${mac:hexhyp}";
static const char why_path[] = "hosts/${mac:hexhyp}/why";

static const char whoever[] = "${mac:hexhyp}";
static const char dispatcher_head[] =
        "#!ipxe\n"
        "# pxefs: every machine's own script, by the MAC of the NIC it booted from.\n"
        "# This one boots nothing itself: a lost packet must not look like another machine.\n"
        ":retry\n";
/* Only in /autoexec.ipxe, which iPXE under UEFI fetches with the firmware's means and may run before it has opened a card
 * of its own (src/interface/efi/efi_autoexec.c, since 2022).  Nothing can be fetched then: ipv4_route in src/net/ipv4.c
 * skips closed cards.
 *
 * "Is a card open?" is ${netX/mac}: netX is the card that was opened last, and while there is none it has no settings
 * (netdev_redirect in src/net/netdev_settings.c, fetch_setting in src/core/settings.c).  An open one has been configured,
 * by what ran the script (netboot in src/usr/autoboot.c), by us, or, since 2026, with the firmware's lease or address
 * (NETDEV_AUTO_OPEN in src/core/cachedhcp.c and src/interface/efi/efi_path.c): then DHCP is not run again.  It cannot be
 * ${ip}: iPXE since 2021 takes over the firmware's lease (src/interface/efi/efi_cachedhcp.c), so that an address is there
 * and the card closed.  Nor ${netX/ip6}: each card has its link-local one, open or not (ipv6_register_settings in
 * src/net/ipv6.c), while ${netX/ip} would run DHCP again on a card that has IPv6 only.
 *
 * Of several cards the one with the firmware's lease is opened, with that lease, as iPXE itself does it since 2026; dhcp
 * would ask each in turn and take the first that anybody answers.  Without a lease (loaded by HTTP, or over IPv6) dhcp is
 * right: it ends at the first card that IPv4 or IPv6 configured, and closes those it could not (ifconf_payload in
 * src/hci/commands/ifmgmt_cmd.c).  Either way one card is open, and ${mac} is its: netX stands before net0
 * among the settings (it is registered first), and is passed over while no card is open.
 *
 * Every command is in iPXE of 2019.  "a && goto b ||" succeeds if a fails: what stands behind the last || is an empty
 * command (src/core/exec.c, execv and system). */
static const char autoexec_open[] =
        "# While no card is open: the one with the firmware's lease, or else any by DHCP.\n"
        "isset ${netX/mac} && goto chain ||\n"
        "set card:int32 0\n"
        ":card\n"
        "isset ${net${card}/mac} || goto dhcp\n"
        "isset ${net${card}/ip} && goto open ||\n"
        "inc card || goto dhcp\n"
        "goto card\n"
        ":open\n"
        "ifopen net${card} && goto chain || goto failed\n"
        ":dhcp\n"
        "dhcp || goto failed\n"
        ":chain\n";
/* See the first comment, chain --replace.  The other form that works, should a loader want it:
 * "chain --autofree <url> && exit || goto failed". */
static const char dispatcher_chain[] = "chain --replace --autofree ";
/* Behind the MAC, once to be fetched and once to be shown. */
static const char dispatcher_file[] = "/menu.ipxe ||\n"
                                      ":failed\n"
                                      "imgfree\n"
                                      "echo The boot script of machine ";
static const char dispatcher_tail[] =
        " could not be had (the error is above).\n"
        "prompt --timeout 3000 Asking again in 3 seconds. Press a key for the iPXE shell. || goto retry\n"
        "echo Type exit to ask again.\n"
        "shell ||\n"
        "goto retry\n";

static const char section_exit[] = "\n:exit\n"
                                   "iseq ${platform} efi && exit 1 ||\n"
                                   "sanboot --no-describe --drive 0x80 ||\n"
                                   "echo The first disk could not be booted: back to the BIOS.\n"
                                   "exit\n";

/* What only UEFI needs to be told: upstream's iPXE has no multiboot there and says "Exec format error" (2e008081,
 * tried with OVMF).  Nothing in a script tells whether this one has Triton's multiboot2, so it is tried all the same.
 * The setting loader=triton says that it has, and takes these lines away. */
static const char uefi_note[] = "iseq ${platform} efi && item --gap -- ! UEFI: only Triton's iPXE can start "
                                "SmartOS; key u loads its snponly.efi "
                                "||\n";
static const char uefi_item[] =
        "iseq ${platform} efi && item --key u triton Load Triton's iPXE (snponly.efi) ||\n";
static const char uefi_boot[] = "iseq ${platform} efi && echo Under UEFI this needs Triton's iPXE "
                                "(multiboot2). Any other cannot start it and "
                                "ends in an error here. ||\n";
static const char section_triton[] =
        "\n:triton\n"
        "imgfree\n"
        "chain --autofree ${smartos-base}/snponly.efi ||\n"
        "imgfree\n"
        "echo No snponly.efi took over: put Triton's into a static= directory of the boot server.\n"
        "goto pause\n";

/* For entries of the operator's own, and ISOs. */
static const char section_item_failed[] = "\n:item-failed\n"
                                          "imgfree\n"
                                          "set menu-note This entry failed.\n"
                                          "echo ${menu-note} The error is above.\n"
                                          "goto pause\n";
/* Over HTTP only: a TFTP file has no blocks to be asked for (iPXE src/net/tcp/httpblock.c; there is no such thing for
 * TFTP). */
static const char section_sanboot[] = "\n:sanboot\n"
                                      "set menu-note\n"
                                      "imgfree\n"
                                      "echo Booting ${smartos-iso} as a CD (HTTP only)\n"
                                      "sanboot --no-describe ${smartos-base}/iso/${smartos-iso} ||\n"
                                      "goto item-failed\n";

static const char section_boot_head[] = "imgfree\n"
                                        "echo Booting SmartOS ${smartos-build}\n";
static const char section_boot_kernel[] =
        "kernel ${smartos-base}/smartos/${smartos-build}/platform/i86pc/kernel/amd64/unix ${smartos-args}"
        " || goto failed\n";
static const char section_boot_module[] =
        "module ${smartos-base}/smartos/${smartos-build}/platform/i86pc/amd64/boot_archive"
        " type=rootfs name=ramdisk || goto failed\n"
        "iseq ${smartos-hash} yes || goto ";
static const char section_boot_hash[] =
        "\nmodule ${smartos-base}/smartos/${smartos-build}/platform/i86pc/amd64/boot_archive.hash"
        " type=hash name=ramdisk || goto failed\n";
static const char section_boot_initrd[] =
        "initrd ${smartos-base}/smartos/${smartos-build}/platform/i86pc/amd64/boot_archive";
/* A module's name in a script holds its digest, so that it cannot be had any more once the row was changed: only a new
 * script helps, also where nobody would choose an entry again. */
static const char section_stale[] =
        "\n:stale\n"
        "imgfree\n"
        "echo A boot module could not be had (the error is above). The script is asked for again.\n"
        "sleep 3 ||\n"
        "goto retry\n";

/* What a machine without a menu does when it cannot go on; @retry is the URL of its own script. */
static const char section_wait[] = "\n:wait\n"
                                   "prompt --timeout 10000 Asking again in 10 seconds. Press a key for the "
                                   "iPXE shell. && goto shell ||\n"
                                   ":retry\n"
                                   "imgfree\n"
                                   "chain --replace --autofree menu.ipxe || goto wait\n"
                                   "\n:shell\n"
                                   "echo Type exit to ask again.\n"
                                   "shell ||\n"
                                   "goto retry\n";

static const char section_menu_failed[] =
        "\n:failed\n"
        "imgfree\n"
        "set menu-note Booting ${smartos-build} failed; nothing was started.\n"
        "echo ${menu-note} The error is above.\n"
        ":pause\n"
        "prompt --timeout 10000 The menu comes in 10 seconds, or at any key. && goto menu ||\n"
        "# Fetched anew, as the inventory may have changed; not after the shell, where somebody is at work.\n"
        "iseq ${menu-timeout} 0 && goto menu ||\n"
        "\n:retry\n"
        "imgfree\n"
        "chain --replace --autofree menu.ipxe || goto menu\n";

static const char section_menu_tools[] =
        "\n:shell\n"
        "echo Type exit to get back to the menu. The machine then waits for you.\n"
        "shell ||\n"
        "set menu-timeout 0\n"
        "goto menu\n"
        "\n:reboot\n"
        "reboot ||\n"
        "goto menu\n";

static void put_set(struct buf *out, const char *name, const char *value)
{
        PUT(out, "set ", name, *value ? " " : "", value, "\n");
}

static const char *const sums_words[] = {
        [SUMS_NONE] = "no", [SUMS_MODULES] = "yes", [SUMS_WORDS] = "words"
};

/* The lines with which an entry begins.  @label "": named after its build. */
static void put_build(struct buf *out, const struct offer *o, const char *label, const struct build_info *b,
        const struct offer_entry *e)
{
        PUT(out, "\n:", label, label[0] ? "" : "build-", label[0] ? "" : b->name, "\n");
        if (e->hash_dropped)
                buf_puts(
                        out, "# boot_archive.hash is left out: the line would be too long for the loader.\n");
        if (e->sums == SUMS_WORDS)
                buf_puts(out, "# The hashes of boot modules stand behind them: as modules there is no room "
                              "for them in the "
                              "loader.\n");
        if (e->sums_dropped)
                buf_puts(out, "# The hashes of boot modules are left out: there is no room for them in the "
                              "loader.\n");
        put_set(out, "smartos-build", b->name);
        put_set(out, "smartos-hash", e->hash ? "yes" : "no");
        if (o->n_files) {
                put_set(out, "smartos-files", e->files ? "yes" : "no");
                put_set(out, "smartos-sums", sums_words[e->sums]);
        }
}

static void put_args(struct buf *out, const struct offer_entry *e)
{
        put_set(out, "smartos-args", e->args.len ? e->args.data : "");
}

/* An entry that boots nothing: what is wrong, on the screen, then @next. */
static void put_cannot(struct buf *out, const struct offer *o, const struct offer_entry *e, const char *next)
{
        if (e->used_bytes > o->limits->bytes) {
                buf_puts(out, "echo This entry needs ");
                lines_put_number(out, e->used_bytes);
                PUT(out, " bytes of boot line, ", o->limits->loader, " holds ");
                lines_put_number(out, o->limits->bytes);
                buf_puts(out, ".\necho It would cut the rest without a word, so nothing was booted.\n");
        } else {
                PUT(out, "echo The boot line cannot be given to iPXE: ", e->cannot,
                        ".\necho Nothing was booted.\n");
        }
        buf_puts(out, "echo What to do: ");
        buf_puts(out, why_path);
        PUT(out, " on the boot server.\n", next);
}

static bool is_stock(const struct offer *o)
{
        return o->plan->loader != LOADER_TRITON;
}

static void put_file(struct buf *out, const char *path, const char *words)
{
        PUT(out, "module ${smartos-base}/", path, " ", words, " || goto stale\n");
}

/* The machine's boot modules, behind what every entry loads. */
static void put_files(struct buf *out, const struct offer *o)
{
        buf_puts(out, "iseq ${smartos-files} yes || goto start\n"
                      "iseq ${smartos-sums} words && goto words ||\n");
        for (size_t i = 0; i < o->n_files; i++)
                put_file(out, o->files[i].path, o->files[i].words);
        buf_puts(out, "iseq ${smartos-sums} yes || goto start\n");
        for (size_t i = 0; i < o->n_files; i++)
                put_file(out, o->files[i].hash_path, o->files[i].hash_words);
        buf_puts(out, "goto start\n:words\n");
        for (size_t i = 0; i < o->n_files; i++)
                put_file(out, o->files[i].path, o->files[i].hashed_words);
}

static void put_boot(struct buf *out, const struct offer *o)
{
        const char *next = o->n_files ? "files" : "start";
        bool initrd = o->plan->boot_form == FORM_INITRD;

        PUT(out, section_boot_head, is_stock(o) ? uefi_boot : "", section_boot_kernel);
        if (initrd)
                PUT(out, section_boot_initrd, o->n_files ? " type=rootfs name=ramdisk" : "",
                        " || goto failed\n");
        else
                PUT(out, section_boot_module, next, section_boot_hash, ":", next, "\n");
        if (o->n_files)
                put_files(out, o);
        PUT(out, o->n_files ? ":start\n" : "", "boot ||\n");
}

/* ---- scripts without a menu ---------------------------------------------------------------------------- */

static void render_local(const struct offer *o, struct buf *out)
{
        buf_puts(out, "echo ");
        if (o->plan->kind == PLAN_DISABLED) {
                lines_put_who(out, o, this_machine);
                buf_puts(out, " (${mac:hexhyp}) is disabled in the inventory");
        } else {
                buf_puts(out, "Machine ${mac:hexhyp} is not in the inventory");
        }
        PUT(out, ": leaving for the local disk.\nsleep 3 ||\n", section_exit);
}

static void render_deny(struct buf *out)
{
        PUT(out, "echo\necho Machine ${mac:hexhyp} is not in the inventory of the boot server.\n",
                "echo Nothing is booted. Add its MAC there, and this machine goes on by itself.\n",
                section_wait);
}

static int render_minimal(const struct offer *o, struct buf *out)
{
        AUTO_OFFER_ENTRY struct offer_entry e = OFFER_ENTRY_INIT;
        int r = offer_entry_init(o, NULL, &e);

        if (r < 0)
                return r;
        lines_put_refused(out, o, "echo ");
        if (!o->build) {
                buf_puts(out, "echo ");
                lines_put_missing(out, o);
                PUT(out, ".\necho Nothing was booted.\n", section_wait);
                return 0;
        }
        offer_entry_fit(o, o->build, &e);
        if (e.cannot) {
                put_cannot(out, o, &e, section_wait + 1);
                return 0;
        }
        put_set(out, "smartos-base", o->base.data ? o->base.data : "");
        put_build(out, o, "smartos", o->build, &e);
        put_args(out, &e);
        put_boot(out, o);
        PUT(out, "\n:failed\nimgfree\necho Booting ${smartos-build} failed; nothing was started.\n",
                section_wait + 1, o->n_files ? section_stale : "");
        return 0;
}

/* ---- the menu ------------------------------------------------------------------------------------------ */

static void put_item(struct buf *out, const char *label, const char *key, const char *text)
{
        PUT(out, "item ", key ? "--key " : "", key ? key : "", key ? " " : "", label, " ", text, "\n");
}

static void put_gap(struct buf *out, const char *text)
{
        PUT(out, "item --gap -- ", text, "\n");
}

static void put_menu_head(struct buf *out, const struct offer *o)
{
        put_set(out, "smartos-base", o->base.data ? o->base.data : "");
        buf_puts(out, "set menu-timeout ");
        lines_put_number(out, o->build ? o->timeout_ms : 30000);
        buf_puts(out, "\n\n######## MAIN MENU ###################\n:menu\nmenu -- ");
        lines_put_title(out, o);
        buf_puts(out, "\nitem\nitem --gap -- This is ");
        lines_put_who(out, o, this_machine);
        if (o->plan->kind == PLAN_UNKNOWN)
                buf_puts(out, ", which is not in the inventory");
        buf_puts(out, "\nisset ${menu-note} && item --gap -- ! ${menu-note} ||\n");
        lines_put_refused(out, o, "item --gap -- ! ");
        if (is_stock(o))
                buf_puts(out, uefi_note);
}

static void put_menu_systems(struct buf *out, const struct offer *o)
{
        put_gap(out, "------------------------- Operating systems ------------------------------");
        if (o->build) {
                PUT(out, "item smartos Boot SmartOS (", o->build->name, ")\n");
        } else {
                buf_puts(out, "item --gap -- ! ");
                lines_put_missing(out, o);
                buf_puts(out, "\n");
                put_item(out, "retry", NULL, "Ask again");
        }
        for (size_t i = 0; i < o->n_others; i++) {
                char key[] = { (char)('1' + i), '\0' };
                bool has_key = i < KEYED_OTHERS;

                PUT(out, "item ", has_key ? "--key " : "", has_key ? key : "", has_key ? " build-" : "build-",
                        o->others[i]->name, " Boot SmartOS (", o->others[i]->name, has_key ? ") - key " : ")",
                        has_key ? key : "", "\n");
        }
        if (o->n_left_out) {
                buf_puts(out, "item --gap -- and ");
                lines_put_number(out, o->n_left_out);
                buf_puts(out, o->n_left_out == 1 ? " older build\n" : " older builds\n");
        }
}

static void put_own_items(struct buf *out, const struct offer *o)
{
        if (o->n_items || o->n_isos)
                put_gap(out, "---------------------------- Other systems -------------------------------");
        for (size_t i = 0; i < o->n_items; i++) {
                PUT(out, "item item-", o->items[i]->key, " ");
                lines_put_display(out, o->items[i]->label);
                buf_puts(out, "\n");
        }
        for (size_t i = 0; i < o->n_isos; i++)
                PUT(out, "item iso-", o->isos[i], " Boot ", o->isos[i], " as a CD (sanboot, HTTP only)\n");
}

static void put_own_sections(struct buf *out, const struct offer *o)
{
        for (size_t i = 0; i < o->n_items; i++)
                items_put_section(o->items[i], out);
        for (size_t i = 0; i < o->n_isos; i++)
                PUT(out, "\n:iso-", o->isos[i], "\nset smartos-iso ", o->isos[i], "\ngoto sanboot\n");
        PUT(out, o->n_isos ? section_sanboot : "", o->n_items || o->n_isos ? section_item_failed : "",
                is_stock(o) ? section_triton : "");
}

static void put_menu_items(struct buf *out, const struct offer *o)
{
        put_menu_head(out, o);
        put_menu_systems(out, o);
        if (o->build) {
                put_gap(out, "------------------------------ Variants ----------------------------------");
                for (size_t i = 0; i < N_VARIANTS; i++)
                        if (variant_is_wanted(o->plan, &variants[i]))
                                put_item(out, variants[i].label, variants[i].key, variants[i].text);
        }
        put_own_items(out, o);
        put_gap(out, "------------------------------ Utilities ---------------------------------");
        put_item(out, "shell", "s", "Enter iPXE shell");
        put_item(out, "reboot", "r", "Reboot");
        if (is_stock(o))
                buf_puts(out, uefi_item);
        buf_puts(out, "item\n");
        put_item(out, "exit", "x", "Exit (boot local disk)");
        PUT(out, "choose --default ", o->build ? "smartos" : "retry",
                " --timeout ${menu-timeout} target && goto ${target} || goto shell\n");
}

/* Other builds, then the host's own, which falls through to the arguments they share. */
static int put_builds(struct buf *out, const struct offer *o, bool *ret_boots)
{
        AUTO_OFFER_ENTRY struct offer_entry e = OFFER_ENTRY_INIT;
        int r = offer_entry_init(o, NULL, &e);
        bool shared = false, own = false;

        if (r < 0)
                return r;
        for (size_t i = 0; i < o->n_others; i++) {
                const struct build_info *b = o->others[i];

                offer_entry_fit(o, b, &e);
                if (e.cannot) {
                        PUT(out, "\n:build-", b->name, "\n");
                        put_cannot(out, o, &e, "goto pause\n");
                        continue;
                }
                put_build(out, o, "", b, &e);
                buf_puts(out, "goto usual\n");
                shared = true;
        }
        if (o->build) {
                offer_entry_fit(o, o->build, &e);
                if (e.cannot) {
                        buf_puts(out, "\n:smartos\n");
                        put_cannot(out, o, &e, "goto pause\n");
                } else {
                        put_build(out, o, "smartos", o->build, &e);
                        own = shared = true;
                }
        }
        if (shared) {
                buf_puts(out, own ? ":usual\n" : "\n:usual\n");
                put_args(out, &e);
                buf_puts(out, "goto boot\n");
                *ret_boots = true;
        }
        return 0;
}

static int put_variants(struct buf *out, const struct offer *o, bool *ret_boots)
{
        for (size_t i = 0; i < N_VARIANTS && o->build; i++) {
                AUTO_OFFER_ENTRY struct offer_entry e = OFFER_ENTRY_INIT;
                int r;

                if (!variant_is_wanted(o->plan, &variants[i]))
                        continue;
                r = offer_entry_init(o, &variants[i], &e);
                if (r < 0)
                        return r;
                offer_entry_fit(o, o->build, &e);
                if (e.cannot) {
                        PUT(out, "\n:", variants[i].label, "\n");
                        put_cannot(out, o, &e, "goto pause\n");
                        continue;
                }
                put_build(out, o, variants[i].label, o->build, &e);
                put_args(out, &e);
                buf_puts(out, "goto boot\n");
                *ret_boots = true;
        }
        return 0;
}

static int render_menu(const struct offer *o, struct buf *out)
{
        bool boots = false;
        int r;

        put_menu_items(out, o);
        buf_puts(out, "\n######## UTILITY ITEMS ###############");
        PUT(out, section_menu_tools, section_exit, "\n######## MENU ITEMS ##################");
        r = put_builds(out, o, &boots);
        if (r == 0)
                r = put_variants(out, o, &boots);
        if (r < 0)
                return r;
        put_own_sections(out, o);
        if (boots) {
                buf_puts(out, "\n:boot\nset menu-note\n");
                put_boot(out, o);
        }
        PUT(out, section_menu_failed, boots && o->n_files ? section_stale : "");
        return 0;
}

int render_ipxe(const struct plan *p, const struct build_list *builds, const char *latest, struct buf *out)
{
        AUTO_OFFER struct offer o;
        int r = offer_init(&o, DIALECT_IPXE, p, builds, latest);

        if (r < 0)
                return r;
        buf_puts(out, "#!ipxe\n");
        lines_put_header(out, &o);
        if (o.kind == OFFER_LOCAL)
                render_local(&o, out);
        else if (o.kind == OFFER_DENY)
                render_deny(out);
        else
                r = p->menu_style == MENU_MINIMAL ? render_minimal(&o, out) : render_menu(&o, out);
        return r < 0 ? r : buf_error(out);
}

/* @before: lines that make it possible to fetch anything. */
static int put_dispatcher(const char *before, const char *mac, const char *base_url, struct buf *out)
{
        const char *why;

        PUT(out, dispatcher_head, before, dispatcher_chain);
        if (offer_put_base(base_url, out, &why) > 0)
                buf_puts(out, "/");
        PUT(out, "hosts/", mac, dispatcher_file, mac, dispatcher_tail);
        return buf_error(out);
}

int render_dispatcher_for(const char *mac, const char *base_url, struct buf *out)
{
        return put_dispatcher("", mac, base_url, out);
}

int render_dispatcher(const char *base_url, struct buf *out)
{
        return put_dispatcher("", whoever, base_url, out);
}

int render_autoexec(const char *base_url, struct buf *out)
{
        return put_dispatcher(autoexec_open, whoever, base_url, out);
}
