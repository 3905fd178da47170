/* SPDX-License-Identifier: MPL-2.0 */
/* grub -- menu.lst for pxegrub: GRUB 0.97 as illumos had it, and Triton serves it.
 *
 * Rules from illumos-gate usr/src/grub/grub-0.97/stage2:
 *
 *   get_line_from_config (stage2.c): a '#' as a line's first character makes a comment, leading blanks are dropped, a
 *   '\' in front of the line's end joins the next line, and what is beyond 1500 bytes is dropped.  In an entry, kernel
 *   takes the rest of its line as it is (kernel_func, builtins.c): no quotes, no escapes, no expansions.  kernel$ and
 *   module$ expand ${name}, $ISADIR and $ZFS-BOOTFS first (expand.c); that is what dialect_refuse_value guards.
 *   An entry without a command is none.
 *
 *   Paths begin with '/': the root is pxegrub's TFTP root, so the tree must be at the root of the TFTP server.
 *
 * The form `triton` has the lines sdc-booter writes (lib/menulst.js): the console's name in a variable, that is edited
 * in one place.  It stands for the very text, so both forms carry the same properties.
 *
 * Invariants: as pxelinux.c.  A machine that must not boot restarts after a while, which asks again: GRUB cannot load
 * itself anew, and its menu has no name that fits every machine.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/put.h"
#include "render/boot/lines.h"
#include "render/boot/offer.h"
#include "render/boot/render.h"

#define WAIT_SEC       60  /* until a machine that boots nothing restarts */
#define MAX_VARIABLE   219 /* bytes of a variable's value (expand.c, v_value) */
#define CONSOLE_PREFIX "console="

static const char local_commands[] = "  rootnoverify (hd0)\n  chainloader +1\n";

/* The console's value if it can stand in a variable, else NULL. */
static const char *console_variable(const struct offer *o)
{
        const char *console = bootargs_value(o->plan, "console");

        return o->dialect == DIALECT_GRUB_DOLLAR && console && strlen(console) <= MAX_VARIABLE &&
                               console[0] && console[strspn(console, "abcdefghijklmnopqrstuvwxyz")] == '\0'
                       ? console
                       : NULL;
}

static void put_terminal(struct buf *out, const struct offer *o)
{
        bool triton = o->dialect == DIALECT_GRUB_DOLLAR;
        const char *console = console_variable(o);
        struct lines_serial s;

        if (triton)
                buf_puts(out, "min_mem64 1024\n");
        if (console)
                PUT(out, "variable os_console ", console, "\n");
        if (!lines_serial(o->plan, &s))
                return;
        buf_printf(out, "serial --unit=%u --speed=%lu --word=%c --parity=%s --stop=%c\n", s.unit, s.speed,
                s.bits,
                s.parity == 'n'   ? "no"
                : s.parity == 'e' ? "even"
                                  : "odd",
                s.stop);
        buf_puts(out, triton ? "terminal composite\n" : "terminal --timeout=5 serial console\n");
}

/* The words, with the console's name replaced by the variable that holds it.  Where the text happens to stand inside
 * another value, the expansion gives that value back. */
static void put_args(struct buf *out, const struct offer *o, const struct offer_entry *e)
{
        const char *console = console_variable(o), *args = e->args.len ? e->args.data : "";
        size_t n = console ? strlen(console) : 0;

        for (const char *s = args; console && (s = strstr(s, CONSOLE_PREFIX)); s++) {
                const char *end = s + strlen(CONSOLE_PREFIX) + n;

                if (s == args || !strchr(" ,", s[-1]) || strncmp(end - n, console, n) != 0 ||
                        !strchr(" ,", *end))
                        continue;
                buf_add(out, args, (size_t)(end - n - args));
                PUT(out, "${os_console}", end);
                return;
        }
        buf_puts(out, args);
}

static void put_title(struct buf *out, const char *text)
{
        PUT(out, "\ntitle ", text, "\n");
}

static int put_item(struct buf *out, const struct offer *o, const struct offer_item *item)
{
        const char *dollar = o->dialect == DIALECT_GRUB_DOLLAR ? "$" : "";
        AUTO_OFFER_ENTRY struct offer_entry e = OFFER_ENTRY_INIT;
        int r = offer_entry_init(o, item->variant, &e);

        if (r < 0)
                return r;
        offer_entry_fit(o, item->build, &e);
        buf_puts(out, "\ntitle ");
        offer_put_text(item, out);
        if (e.cannot) {
                buf_printf(out, "\n  pause Nothing is booted: %s (%zu of %zu bytes)\n", e.cannot,
                        e.used_bytes, o->limits->bytes);
                return 0;
        }
        PUT(out, "\n  kernel", dollar, " /smartos/", item->build->name, "/" OFFER_KERNEL,
                e.args.len ? " " : "");
        put_args(out, o, &e);
        buf_puts(out, "\n");
        for (unsigned i = 0; i < e.n_modules; i++) {
                PUT(out, "  module", dollar, " /");
                offer_put_module(item->build, &e.modules[i], out);
                PUT(out, e.modules[i].words[0] ? " " : "", e.modules[i].words, "\n");
        }
        return 0;
}

static void put_reboot(struct buf *out)
{
        put_title(out, "Restart and ask again");
        buf_puts(out, "  reboot\n");
}

static void put_local(struct buf *out)
{
        put_title(out, "Boot the local disk");
        buf_puts(out, local_commands);
}

/* An entry that only says something; chosen, it says it again. */
static void put_note(struct buf *out, const struct offer *o)
{
        buf_puts(out, "\ntitle ! ");
        if (!o->build)
                lines_put_missing(out, o);
        else
                buf_puts(out, "The menu of this machine could not be had");
        buf_puts(out, "\n  pause Nothing was booted.\n");
}

static int render_entries(const struct offer *o, bool anybody, struct buf *out)
{
        struct offer_item items[OFFER_MAX_ENTRIES];
        size_t n = offer_items(o, items);
        bool minimal = o->plan->menu_style == MENU_MINIMAL, waits = anybody || !o->build;
        int r = 0;

        /* The default is the number of an entry: see the order below. */
        buf_printf(out, "default %d\n", (lines_n_refused(o) ? 1 : 0) + (waits ? 1 : 0));
        if (!anybody && (minimal || o->timeout_ms || !o->build))
                buf_printf(out, "timeout %u\n", !o->build ? WAIT_SEC : minimal ? 0 : o->timeout_ms / 1000);
        put_terminal(out, o);
        if (lines_n_refused(o)) {
                lines_put_refused(out, o, "\ntitle ! ");
                buf_puts(out, "  pause Nothing was booted.\n");
        }
        if (waits) {
                put_note(out, o);
                put_reboot(out);
        }
        for (size_t i = 0; i < n && r == 0; i++)
                if (!minimal || (!items[i].variant && items[i].build == o->build))
                        r = put_item(out, o, &items[i]);
        put_local(out);
        if (!waits)
                put_reboot(out);
        return r;
}

/* menu.lst where the policy for machines that nobody entered is not the menu: see render_lost in pxelinux.c. */
static void render_lost(struct buf *out)
{
        buf_printf(out, "default 0\ntimeout %d\n", WAIT_SEC);
        put_title(out, "! The menu of this machine could not be had: restart and ask again");
        buf_puts(out, "  reboot\n");
        put_local(out);
}

int render_grub(const struct plan *p, const struct build_list *builds, const char *latest, bool anybody,
        struct buf *out)
{
        AUTO_OFFER struct offer o;
        int r = offer_init(
                &o, p->grub_form == GRUB_TRITON ? DIALECT_GRUB_DOLLAR : DIALECT_GRUB, p, builds, latest);

        if (r < 0)
                return r;
        lines_put_header(out, &o);
        if (anybody && o.kind != OFFER_BOOT) {
                render_lost(out);
                return buf_error(out);
        }
        switch (o.kind) {
        case OFFER_LOCAL:
                buf_puts(out, "default 0\ntimeout 3\n");
                put_local(out);
                break;
        case OFFER_DENY:
                buf_printf(out, "default 0\ntimeout %d\n", WAIT_SEC);
                put_title(out, "This machine is not in the inventory: nothing is booted");
                buf_puts(out, "  reboot\n");
                put_local(out);
                break;
        case OFFER_BOOT:
                r = render_entries(&o, anybody, out);
                break;
        }
        return r < 0 ? r : buf_error(out);
}
