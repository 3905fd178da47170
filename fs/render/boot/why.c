/* SPDX-License-Identifier: MPL-2.0 */
/* why -- hosts/<mac>/why: the script's reasons, for a person.
 *
 * It prints the same offer that ipxe.c prints for the loader (offer.h), so the two cannot disagree.  Layout:
 * sections that begin at the margin, lines below them that begin with two blanks, names in a column; grep
 * finds its way.
 *
 * Invariants
 *   1. No secret: neither a value marked so nor a line made with it.  Reasons never quote values
 *   (bootargs.c).
 *   2. Rows cannot forge lines: control characters become '?'.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/put.h"
#include "render/boot/offer.h"
#include "render/boot/render.h"
#include "render/boot/token.h"
#include "render/boot/variant.h"

#define NAME_COLUMN  18
#define VALUE_COLUMN 34

static void put_text(struct buf *out, const char *s)
{
        for (; s && *s; s++) {
                char c = (unsigned char)*s < 0x20 || *s == 0x7f ? '?' : *s;

                buf_add(out, &c, 1);
        }
}

/* @s, and blanks up to @width, at least one. */
static void put_column(struct buf *out, const char *s, size_t width)
{
        size_t start = out->len;

        put_text(out, s);
        do
                buf_puts(out, " ");
        while (!out->error && out->len - start < width);
}

static void put_field(struct buf *out, const char *name, const char *value)
{
        if (!value || !*value)
                return;
        buf_puts(out, "  ");
        put_column(out, name, NAME_COLUMN);
        put_text(out, value);
        buf_puts(out, "\n");
}

static void put_row(struct buf *out, const char *name, const char *value, const char *from)
{
        buf_puts(out, "  ");
        put_column(out, name, NAME_COLUMN);
        put_column(out, value, VALUE_COLUMN);
        PUT(out, "from ");
        put_text(out, from ? from : "nowhere");
        buf_puts(out, "\n");
}

static void put_implied(void *ctx, const char *name, const char *value, const char *why)
{
        put_row(ctx, name, value, why);
}

static void put_machine(struct buf *out, const struct offer *o)
{
        static const char *const policies[] = {
                [UNKNOWN_MENU] = "unknown; unknown_host=menu gives it the menu of profile default",
                [UNKNOWN_LOCAL] = "unknown; unknown_host=local sends it to its local disk",
                [UNKNOWN_DENY] = "unknown; unknown_host=deny boots nothing",
        };
        const struct plan *p = o->plan;
        char id[24];

        if (p->kind == PLAN_UNKNOWN) {
                PUT(out, "machine ", o->known_mac ? p->mac : "<any MAC that is not in the inventory>", "\n");
                put_field(out, "kind",
                        policies[p->unknown_policy <= UNKNOWN_DENY ? p->unknown_policy : UNKNOWN_DENY]);
        } else {
                buf_puts(out, "host ");
                put_text(out, p->hostname ? p->hostname : "(no name)");
                buf_puts(out, "\n");
                put_field(out, "kind",
                        p->kind == PLAN_DISABLED ? "disabled (host.enabled = 0): leaves for its local disk"
                                                 : "host of the inventory");
                (void)snprintf(id, sizeof id, "%" PRId64, p->host_id);
                put_field(out, "host.id", id);
        }
        put_field(out, "mac", o->known_mac ? p->mac : NULL);
        put_field(out, "ip", p->ip);
        put_field(out, "uuid", p->uuid);
        put_field(out, "profile", p->profile);
        put_field(out, "comment", p->comment);
}

static void put_build(struct buf *out, const struct offer *o)
{
        buf_puts(out, "\nbuild\n");
        put_row(out, "build", o->wanted ? o->wanted : "(none)", o->plan->build_why);
        if (!o->wanted)
                put_field(out, "missing",
                        "no release build is on this server yet; put a platform archive into the builds "
                        "directory");
        else if (!o->build && !token_is_build_name(o->wanted))
                put_field(out, "missing", "this cannot be a build's name: letters, digits and ._+- only");
        else if (!o->build)
                put_field(out, "missing",
                        "this build is not on this server, or failed its check (/.pxefs/status.json); "
                        "nothing else is booted in its place");
}

static int put_properties(struct buf *out, const struct offer *o)
{
        const struct plan *p = o->plan;
        int r;

        buf_puts(out, "\nproperties\n");
        for (size_t i = 0; i < p->n_properties; i++) {
                const struct plan_property *q = &p->properties[i];

                if (!bootargs_is_secret(q)) {
                        put_row(out, q->name, q->value, q->layer);
                        continue;
                }
                buf_puts(out, "  ");
                put_column(out, q->name, NAME_COLUMN);
                buf_puts(out, "set, from ");
                put_text(out, q->layer);
                buf_puts(out, "\n");
        }
        r = bootargs_implied(p, put_implied, out);
        for (size_t i = 0; i < p->n_unset; i++)
                put_row(out, p->unset[i].name, "(unset)", p->unset[i].layer);
        if (p->n_settings)
                buf_puts(out, "\nsettings\n");
        for (size_t i = 0; i < p->n_settings; i++)
                put_row(out, p->settings[i].key, p->settings[i].value, p->settings[i].layer);
        return r;
}

/* The URL as the client resolves it. */
static void put_url(struct buf *out, const struct offer *o, const char *path)
{
        bool relative = o->base.data && o->base.data[0] == '.';

        PUT(out,
                relative       ? "http://<server>"
                : o->base.data ? o->base.data
                               : "",
                "/smartos/", o->build->name, "/platform/i86pc/", path);
}

static void put_budget(
        struct buf *out, const struct offer *o, const struct offer_entry *e, enum loader_kind loader)
{
        const struct budget_limits *l = budget_limits(DIALECT_IPXE, loader);

        buf_puts(out, "  ");
        put_column(out, l->loader, NAME_COLUMN);
        buf_printf(out, "%zu of %zu bytes, %u of %u modules: %s%s\n", e->used_bytes, l->bytes, e->n_modules,
                l->modules,
                e->used_bytes > l->bytes    ? "does not fit, the loader would cut it"
                : e->n_modules > l->modules ? "does not fit, there are too many modules"
                                            : "fits",
                l == o->limits ? " (this machine's loader)" : "");
}

static void put_lines(
        struct buf *out, const struct offer *o, const struct offer_entry *e, const struct buf *masked)
{
        bool module = o->plan->boot_form != FORM_INITRD;

        buf_puts(out, "\nboot line (secrets masked)\n  kernel ");
        put_url(out, o, "kernel/amd64/unix");
        if (masked->len)
                PUT(out, " ", masked->data);
        PUT(out, "\n  ", module ? "module " : "initrd ");
        put_url(out, o, "amd64/boot_archive");
        PUT(out, module || o->n_files ? " type=rootfs name=ramdisk\n" : "\n");
        if (e->hash) {
                buf_puts(out, "  module ");
                put_url(out, o, "amd64/boot_archive.hash");
                buf_puts(out, " type=hash name=ramdisk\n");
        }
        if (e->hash_dropped)
                buf_printf(out, "  boot_archive.hash is left out: with it %zu bytes, %s holds %zu\n",
                        e->wanted_bytes, o->limits->loader, o->limits->bytes);
        else if (module && !o->build->has_hash)
                buf_puts(out, "  this build has no boot_archive.hash\n");
        if (e->sums_dropped || e->sums == SUMS_WORDS)
                buf_printf(out,
                        "  the hashes of boot modules %s: with all hashes as modules %zu bytes and %u "
                        "modules, "
                        "%s holds %zu and %u\n",
                        e->sums_dropped ? "are left out" : "stand behind the modules (hash=)",
                        e->wanted_bytes, e->wanted_modules, o->limits->loader, o->limits->bytes,
                        o->limits->modules);
}

/* The host's own entry for another loader, and what that one cannot carry. */
static int put_other_budget(struct buf *out, const struct offer *o, enum dialect dialect, const char *latest)
{
        AUTO_OFFER struct offer other;
        AUTO_OFFER_ENTRY struct offer_entry e = OFFER_ENTRY_INIT;
        int r = offer_init(&other, dialect, o->plan, o->builds, latest);

        if (r == 0)
                r = offer_entry_init(&other, NULL, &e);
        if (r < 0)
                return r;
        offer_entry_fit(&other, other.build, &e);
        buf_puts(out, "  ");
        put_column(out, other.limits->loader, NAME_COLUMN);
        buf_printf(out, "%zu of %zu bytes (%s), %u of %u modules: %s\n", e.used_bytes, other.limits->bytes,
                other.limits->count == BUDGET_LINE ? "longest line" : "the command", e.n_modules,
                other.limits->modules,
                e.cannot               ? "does not fit, it has no such entry"
                : e.hash_dropped       ? "fits without boot_archive.hash"
                : e.sums_dropped       ? "fits without the hashes of boot modules"
                : e.sums == SUMS_WORDS ? "fits, with the hashes of boot modules behind them"
                                       : "fits");
        for (size_t i = 0; i < o->plan->n_properties; i++) {
                const struct plan_property *q = &o->plan->properties[i];
                const char *why =
                        token_refuse_value(q->value) ? NULL : dialect_refuse_value(dialect, q->value);

                if (!why)
                        continue;
                buf_puts(out, "    left out there: ");
                put_text(out, q->name);
                PUT(out, ", ", why, "\n");
        }
        return 0;
}

/* What they hold is nobody's affair here; of a secret not even the digest. */
static void put_files(struct buf *out, const struct offer *o)
{
        if (o->n_files)
                buf_puts(out, "\nboot modules (below /system/boot of the machine; the rescue entry goes "
                              "without)\n");
        for (size_t i = 0; i < o->n_files; i++) {
                const struct plan_module *m = o->files[i].module;
                AUTO_BUF struct buf what = BUF_INIT;

                if (m->secret)
                        buf_puts(&what, "set, secret");
                else
                        buf_printf(&what, "%zu bytes, SHA-1 %.16s", m->len, m->sha1);
                put_row(out, m->name, what.data, m->layer);
                if (!out->error && what.error)
                        out->error = what.error;
        }
}

static void put_warnings(struct buf *out, const struct plan *p)
{
        bool any = false;

        for (size_t i = 0; i < p->n_properties; i++) {
                const char *warning = bootargs_warn(p->properties[i].name, p->properties[i].value);

                if (!warning)
                        continue;
                buf_puts(out, any ? "  " : "\nwarnings (what is passed on all the same)\n  ");
                put_column(out, p->properties[i].name, NAME_COLUMN);
                PUT(out, warning, "\n");
                any = true;
        }
}

static void put_items(struct buf *out, const struct offer *o)
{
        if (o->n_items)
                buf_puts(out, "\nmenu items of your own\n");
        for (size_t i = 0; i < o->n_items; i++)
                put_row(out, o->items[i]->key, o->items[i]->label, o->items[i]->layer);
}

static void put_way_out(struct buf *out, const struct offer *o, const struct offer_entry *e)
{
        if (!e->cannot)
                return;
        PUT(out, "  nothing is booted: ", e->cannot, "\n");
        if (e->used_bytes > o->limits->bytes)
                buf_puts(out, "  way out: fewer or shorter properties, a shorter base_url, or Triton's iPXE "
                              "and loader=triton\n");
}

/* The host's own entry in full, of the others only what cannot be booted. */
static int put_boot(struct buf *out, const struct offer *o, const char *latest)
{
        AUTO_OFFER_ENTRY struct offer_entry own = OFFER_ENTRY_INIT;
        AUTO_BUF struct buf masked = BUF_INIT;
        int r = offer_entry_init(o, NULL, &own);

        if (r == 0)
                r = bootargs_make(o->plan, NULL, 0, BOOTARGS_MASK_SECRETS, &masked, NULL);
        if (r < 0)
                return r;
        offer_entry_fit(o, o->build, &own);
        put_lines(out, o, &own, &masked);
        buf_puts(out, "\nbudget (iPXE: kernel line and module lines together, with their NULs)\n");
        put_budget(out, o, &own, LOADER_STOCK);
        put_budget(out, o, &own, LOADER_TRITON);
        r = put_other_budget(out, o, DIALECT_PXELINUX, latest);
        if (r == 0)
                r = put_other_budget(out, o,
                        o->plan->grub_form == GRUB_TRITON ? DIALECT_GRUB_DOLLAR : DIALECT_GRUB, latest);
        if (r < 0)
                return r;
        if (o->base.data && o->base.data[0] == '.')
                buf_puts(out, "  assumed: http://<IPv4 address>/ and neither port nor prefix; base_url makes "
                              "it exact\n");
        put_way_out(out, o, &own);
        for (size_t i = 0; i < N_VARIANTS && o->plan->menu_style != MENU_MINIMAL; i++) {
                AUTO_OFFER_ENTRY struct offer_entry e = OFFER_ENTRY_INIT;

                r = offer_entry_init(o, &variants[i], &e);
                if (r < 0)
                        return r;
                offer_entry_fit(o, o->build, &e);
                if (variant_is_wanted(o->plan, &variants[i]) && e.cannot)
                        buf_printf(out, "  entry %s: %zu of %zu bytes, boots nothing: %s\n",
                                variants[i].label, e.used_bytes, o->limits->bytes, e.cannot);
        }
        return 0;
}

static void put_trouble(struct buf *out, const struct offer *o)
{
        const char *line = o->refused.lines.data;

        if (o->refused.n)
                buf_puts(out, "\nrefused\n");
        while (line && *line) {
                size_t n = strcspn(line, "\n");

                buf_puts(out, "  ");
                buf_add(out, line, n + 1);
                line += n + 1;
        }
        if (o->plan->n_problems)
                buf_puts(out, "\nproblems\n");
        for (size_t i = 0; i < o->plan->n_problems; i++) {
                buf_puts(out, "  ");
                put_text(out, o->plan->problems[i]);
                buf_puts(out, "\n");
        }
        if (!o->refused.n && !o->plan->n_problems)
                buf_puts(out, "\nnothing was refused\n");
}

int render_why(const struct plan *p, const struct build_list *builds, const char *latest, struct buf *out)
{
        AUTO_OFFER struct offer o;
        bool boots = p->kind == PLAN_HOST || (p->kind == PLAN_UNKNOWN && p->unknown_policy == UNKNOWN_MENU);
        int r = offer_init(&o, DIALECT_IPXE, p, builds, latest);

        if (r < 0)
                return r;
        put_machine(out, &o);
        if (boots)
                put_build(out, &o);
        r = put_properties(out, &o);
        if (r == 0 && boots && o.build)
                r = put_boot(out, &o, latest);
        if (r < 0)
                return r;
        put_files(out, &o);
        put_items(out, &o);
        put_warnings(out, p);
        put_trouble(out, &o);
        return buf_error(out);
}
