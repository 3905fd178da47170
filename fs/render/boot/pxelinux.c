/* SPDX-License-Identifier: MPL-2.0 */
/* pxelinux -- the configuration PXELINUX reads, with mboot.c32 for the multiboot kernel.
 *
 * Written for PXELINUX 6.04; rules are from its sources (syslinux com32/elflink/ldlinux/readconfig.c, execute.c,
 * cli.c; com32/mboot/mboot.c; core/fs/pxe/pxe.c):
 *
 *   A line is a directive and its rest; leading blanks are skipped and unknown lines are ignored, so "#" is a
 *   comment.  There are no quotes, no escapes and no expansions: a value ends with its line.  say prints while the
 *   file is read, which is before any entry is chosen.  The words of append are split at blanks; mboot.c32 joins
 *   them with one blank again, up to each "---", where a module begins.  Its options stand before the kernel.
 *
 *   mboot.c32 loads an ELF64 kernel by its program headers, and illumos' dboot then misses its first page: -aout makes
 *   it load the whole file, as the kernel's multiboot header says (seen on a trial boot, with and without).
 *
 *   Paths are relative to where pxelinux.0 came from, so the tree works at any depth as long as pxelinux.0 was taken
 *   from its top.  mboot.c32 is where the documentation has it, below smartos/ (plain files are shown there and at the
 *   top); ldlinux.c32 and libcom32.c32 are asked for at the top.  base_url is not used: pxelinux.0 knows TFTP only
 *   (lpxelinux.0 also HTTP, but nothing tells which one reads this).
 *
 * Invariants (the unit tests read every configuration with a reference of those rules)
 *   1. A line is one of our constant lines, or a constant start of a line and text that token.h let pass.
 *   2. An entry that cannot be carried has no label, and the screen says why.
 *   3. What nobody asked for is not booted: without the host's build, or for a machine that is denied, the default
 *      loads pxelinux.0 anew, which asks for its configuration again.
 *   4. One text serves every NIC of a host, and one all unknown machines: no MAC in it but that of the host's first
 *      NIC, below which its boot modules are found.
 */
#include "base/put.h"
#include "render/boot/lines.h"
#include "render/boot/offer.h"
#include "render/boot/render.h"

#define LISTED_OTHERS 9      /* on a screen of 25 lines; the others have labels too */
#define WAIT_DECISEC  100    /* until a machine that boots nothing asks again */
#define MAX_SPEED     115200 /* PXELINUX divides this by the speed (readconfig.c, serial) */

/* The label of item @i of the menu: its own, or the number of the other build. */
static void put_label(struct buf *out, const struct offer_item *item, size_t other)
{
        if (item->label)
                buf_puts(out, item->label);
        else
                lines_put_number(out, other);
}

static void put_serial(struct buf *out, const struct offer *o)
{
        struct lines_serial s;

        if (lines_serial(o->plan, &s) && s.speed <= MAX_SPEED)
                buf_printf(out, "serial %u %lu\n", s.unit, s.speed);
}

static void put_say(struct buf *out, const struct offer_item *item, size_t other)
{
        size_t start;

        buf_puts(out, "say   ");
        start = out->len;
        put_label(out, item, other);
        do
                buf_puts(out, " ");
        while (!out->error && out->len - start < 9);
        offer_put_text(item, out);
        buf_puts(out, "\n");
}

/* One command: see budget.h for its length. */
static void put_entry(
        struct buf *out, const struct offer_item *item, size_t other, const struct offer_entry *e)
{
        buf_puts(out, "\nlabel ");
        put_label(out, item, other);
        PUT(out, "\n  kernel " OFFER_MBOOT "\n  append -aout smartos/", item->build->name, "/" OFFER_KERNEL,
                e->args.len ? " " : "", e->args.len ? e->args.data : "");
        for (unsigned i = 0; i < e->n_modules; i++) {
                buf_puts(out, " --- ");
                offer_put_module(item->build, &e->modules[i], out);
                PUT(out, e->modules[i].words[0] ? " " : "", e->modules[i].words);
        }
        buf_puts(out, "\n");
}

static void put_again(struct buf *out)
{
        buf_puts(out, "\nlabel again\n  kernel pxelinux.0\n");
}

static void put_local(struct buf *out)
{
        buf_puts(out, "\nlabel exit\n  localboot 0\n");
}

struct menu {
        struct buf says, labels;
        bool own; /* the host's build can be booted */
};

static void menu_fini(struct menu *m)
{
        buf_fini(&m->says);
        buf_fini(&m->labels);
}

static int make_item(const struct offer *o, const struct offer_item *item, size_t other, struct menu *m)
{
        AUTO_OFFER_ENTRY struct offer_entry e = OFFER_ENTRY_INIT;
        int r = offer_entry_init(o, item->variant, &e);

        if (r < 0)
                return r;
        offer_entry_fit(o, item->build, &e);
        if (e.cannot) {
                buf_puts(&m->says, "say ! ");
                put_label(&m->says, item, other);
                buf_printf(&m->says, " boots nothing: %s (%zu of %zu bytes)\n", e.cannot, e.used_bytes,
                        o->limits->bytes);
                return 0;
        }
        if (item->label || other <= LISTED_OTHERS)
                put_say(&m->says, item, other);
        put_entry(&m->labels, item, other, &e);
        m->own = m->own || (!item->variant && item->build == o->build);
        return 0;
}

static int make_menu(const struct offer *o, struct menu *m)
{
        struct offer_item items[OFFER_MAX_ENTRIES];
        bool minimal = o->plan->menu_style == MENU_MINIMAL;
        size_t n = offer_items(o, items), other = 0;
        int r = 0;

        for (size_t i = 0; i < n && r == 0; i++) {
                if (minimal && (items[i].variant || items[i].build != o->build))
                        continue;
                other += !items[i].label;
                r = make_item(o, &items[i], other, m);
        }
        if (other > LISTED_OTHERS)
                buf_printf(&m->says, "say   %d to %zu are older builds\n", LISTED_OTHERS + 1, other);
        return r < 0 ? r : buf_error(&m->says) < 0 ? buf_error(&m->says) : buf_error(&m->labels);
}

static int render_entries(const struct offer *o, bool anybody, struct buf *out)
{
        AUTO_CLEAN(menu_fini) struct menu m = { BUF_INIT, BUF_INIT, false };
        bool minimal = o->plan->menu_style == MENU_MINIMAL;
        int r = make_menu(o, &m);

        if (r < 0)
                return r;
        PUT(out, "default ", m.own && !anybody ? "smartos" : "again", "\n");
        if (minimal && m.own && !anybody)
                buf_puts(out, "prompt 0\n");
        else
                buf_printf(out, "prompt 1\ntimeout %u\n",
                        anybody   ? 0
                        : m.own   ? o->timeout_ms / 100
                        : minimal ? WAIT_DECISEC
                                  : 300);
        buf_puts(out, "say ");
        lines_put_title(out, o);
        buf_puts(out, "\nsay This is ");
        lines_put_who(out, o, "a machine");
        buf_puts(out, o->plan->kind == PLAN_UNKNOWN ? ", which is not in the inventory\n" : "\n");
        if (anybody)
                buf_puts(
                        out, "say Its own configuration could not be had, so nothing is booted by itself.\n");
        lines_put_refused(out, o, "say ! ");
        if (!o->build) {
                buf_puts(out, "say ! ");
                lines_put_missing(out, o);
                buf_puts(out, "; nothing is booted.\n");
        }
        PUT(out, m.says.data ? m.says.data : "", "say   again    Ask for the configuration again\n",
                "say   exit     Boot the local disk\n", m.labels.data ? m.labels.data : "");
        put_again(out);
        put_local(out);
        return 0;
}

/* pxelinux.cfg/default where the policy for machines that nobody entered is not the menu.  Who reads it may well be entered,
 * and have lost one packet: so it neither boots nor leaves for the disk by itself, and asks again. */
static void render_lost(struct buf *out)
{
        buf_printf(out,
                "default again\nprompt 1\ntimeout %d\nsay The configuration of this machine could not be "
                "had: nothing is "
                "booted by itself.\nsay   again    Ask for the configuration again\nsay   exit     Boot the "
                "local "
                "disk\n",
                WAIT_DECISEC);
        put_again(out);
        put_local(out);
}

int render_pxelinux(const struct plan *p, const struct build_list *builds, const char *latest, bool anybody,
        struct buf *out)
{
        AUTO_OFFER struct offer o;
        int r = offer_init(&o, DIALECT_PXELINUX, p, builds, latest);

        if (r < 0)
                return r;
        put_serial(out, &o); /* must come first (syslinux doc/syslinux.txt) */
        lines_put_header(out, &o);
        if (anybody && o.kind != OFFER_BOOT) {
                render_lost(out);
                return buf_error(out);
        }
        switch (o.kind) {
        case OFFER_LOCAL:
                PUT(out, "default exit\nprompt 0\nsay ",
                        p->kind == PLAN_DISABLED ? "This host is disabled in the inventory"
                                                 : "This machine is not in the inventory",
                        ": leaving for the local disk.\n");
                put_local(out);
                break;
        case OFFER_DENY:
                buf_printf(out,
                        "default again\nprompt 1\ntimeout %d\nsay This machine is not in the inventory of "
                        "the boot "
                        "server. Nothing is booted.\nsay Add its MAC there, and it goes on by itself.\n",
                        WAIT_DECISEC);
                put_again(out);
                put_local(out);
                break;
        case OFFER_BOOT:
                r = render_entries(&o, anybody, out);
                break;
        }
        return r < 0 ? r : buf_error(out);
}
