/* SPDX-License-Identifier: MPL-2.0 */
/* offer -- rows in, checked data out; see offer.h.
 *
 * Invariants
 *   1. Nothing of a plan leaves here for a script unless an allow-list let it pass (token.h, and the tables
 *   below).
 *   2. A build that is asked for and not there is never replaced by another.
 *   3. A name stands once among the builds, so that each label of a script is there once.
 *   4. An entry whose cannot is NULL fits the loader, hash included or dropped.
 *
 * What stands in a boot line is the same for every loader, as far as it can carry it; how it is spelled, and what
 * that costs, is the table spelling[] here and the renderers' own.
 *
 * What is assumed about a script without base_url: the client took it from http://<IPv4 address>/hosts/...,
 * no port, no prefix; a tftp:// URL is as long.  A port or a prefix costs its length once for the kernel and
 * once for each module: write it as base_url, and it is counted.
 */
#include "offer.h"

#include <stdio.h>
#include <string.h>

#include "base/put.h"
#include "render/boot/items.h"
#include "render/boot/render.h"
#include "render/boot/token.h"

#define HASH_PATH OFFER_ARCHIVE ".hash"

/* Settings of iPXE that a base URL may hold, all of them an IPv4 address (ipxe src/net/udp/dhcp.c,
 * src/core/settings.c). */
static const char *const base_settings[] = { "${next-server}", "${dhcp-server}", "${netX/next-server}",
        "${net0/next-server}", "${proxydhcp/next-server}" };

static const char *const base_schemes[] = { "http://", "https://", "tftp://" };

static size_t base_setting(const char *s)
{
        for (size_t i = 0; i < sizeof base_settings / sizeof base_settings[0]; i++)
                if (strncmp(s, base_settings[i], strlen(base_settings[i])) == 0)
                        return strlen(base_settings[i]);
        return 0;
}

static size_t base_scheme(const char *s)
{
        for (size_t i = 0; i < sizeof base_schemes / sizeof base_schemes[0]; i++)
                if (strncmp(s, base_schemes[i], strlen(base_schemes[i])) == 0)
                        return strlen(base_schemes[i]);
        return 0;
}

/* Of these, iPXE writes ':' and '@' in a path as %XX when it formats the URL (src/core/uri.c). */
static bool is_url_byte(char c)
{
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
               strchr("._~/:+=,@[]-", c);
}

static const char *refuse_base(const char *url, size_t *ret_len, size_t *ret_resolved)
{
        size_t len = strlen(url), i = base_scheme(url), resolved = i;
        bool in_path = false;

        if (i == 0)
                return "it does not begin with http://, https:// or tftp://";
        if (len > 1024)
                return "it is longer than 1024 bytes";
        while (len > i && url[len - 1] == '/')
                len--;
        if (len == i || url[i] == '/')
                return "it names no server";
        while (i < len) {
                size_t n = base_setting(url + i);

                if (n == 0 && url[i] == '$')
                        return "of settings it may hold ${next-server}, ${dhcp-server} and the like only";
                if (n == 0 && !is_url_byte(url[i]))
                        return "it holds a byte other than letters, digits and ._~/:+=,@[]-";
                in_path = in_path || url[i] == '/';
                resolved += n ? BUDGET_SERVER_BYTES : in_path && strchr(":@", url[i]) ? 3 : 1;
                i += n ? n : 1;
        }
        for (const char *s = url; (s = strstr(s, "/platform")); s++)
                if (s[9] == '/' || s[9] == '\0')
                        return "it holds /platform/, where the kernel would cut its own path";
        if (strstr(url, BOOTARGS_STOPS_DBOOT))
                return bootargs_why_dboot_stops;
        *ret_len = len;
        *ret_resolved = resolved;
        return NULL;
}

size_t offer_put_base(const char *base_url, struct buf *out, const char **ret_why)
{
        size_t len = 0, resolved = 0;

        *ret_why = NULL;
        if (!base_url || !*base_url)
                return 0;
        *ret_why = refuse_base(base_url, &len, &resolved);
        if (*ret_why)
                return 0;
        buf_add(out, base_url, len);
        return resolved;
}

static const char *layer_of(const struct plan *p, const char *key)
{
        for (size_t i = 0; i < p->n_settings; i++)
                if (strcmp(p->settings[i].key, key) == 0)
                        return p->settings[i].layer;
        return NULL;
}

static void settle_base(struct offer *o)
{
        const char *why = NULL;

        o->base_bytes = offer_put_base(o->plan->base_url, &o->base, &why);
        if (why)
                refusals_add(&o->refused, "setting", "base_url", layer_of(o->plan, "base_url"), why,
                        "References are relative to the script instead; write one such as "
                        "http://10.0.0.1/boot");
        if (o->base_bytes == 0) {
                buf_add(&o->base, RENDER_UP_FROM_HOST, strlen(RENDER_UP_FROM_HOST) - 1);
                o->base_bytes = strlen("http://") + BUDGET_SERVER_BYTES;
        }
}

static void settle_build(struct offer *o, const char *latest)
{
        o->wanted = o->plan->build ? o->plan->build : latest;
        for (size_t i = 0; o->wanted && i < o->builds->n; i++)
                if (strcmp(o->builds->v[i].name, o->wanted) == 0 && token_is_build_name(o->wanted))
                        o->build = &o->builds->v[i];
}

static bool is_listed(const struct offer *o, const char *name)
{
        if (o->build && strcmp(o->build->name, name) == 0)
                return true;
        for (size_t i = 0; i < o->n_others; i++)
                if (strcmp(o->others[i]->name, name) == 0)
                        return true;
        return false;
}

/* A build whose name may not stand in a script is left out silently: its catalog says what is wrong with
 * it. */
static void settle_others(struct offer *o)
{
        for (size_t i = 0; i < o->builds->n; i++) {
                const struct build_info *b = &o->builds->v[i];

                if (!token_is_build_name(b->name) || is_listed(o, b->name))
                        continue;
                if (o->n_others < OFFER_MAX_OTHERS)
                        o->others[o->n_others++] = b;
                else
                        o->n_left_out++;
        }
}

static bool is_item(const struct offer *o, const char *key)
{
        for (size_t i = 0; i < o->n_items; i++)
                if (strcmp(o->items[i]->key, key) == 0)
                        return true;
        return false;
}

/* iPXE's language only: other loaders have none of these.  A name of an ISO that may not stand in a URL is left out
 * silently, as a build's is. */
static void settle_items(struct offer *o)
{
        for (size_t i = 0; i < o->plan->n_items; i++) {
                const struct plan_item *item = &o->plan->items[i];
                const char *why = o->n_items == OFFER_MAX_ITEMS ? "a menu has at most 64 of them"
                                  : is_item(o, item->key)       ? "its key comes twice"
                                                                : items_refuse(item);

                if (why)
                        refusals_add(&o->refused, "menu_item", item->key, item->layer, why,
                                "UPDATE menu_item, or DELETE the row");
                else
                        o->items[o->n_items++] = item;
        }
        for (size_t i = 0; o->plan->iso_menu && i < o->builds->n_isos && o->n_isos < OFFER_MAX_ISOS; i++)
                if (token_is_build_name(o->builds->isos[i]))
                        o->isos[o->n_isos++] = o->builds->isos[i];
}

static bool is_hex(const char *s, size_t n)
{
        return strlen(s) == n && strspn(s, "0123456789abcdef") == n;
}

/* Boot modules: what names them is made of a MAC, a digest and a name that is checked here again. */
static void settle_files(struct offer *o)
{
        for (size_t i = 0; i < o->plan->n_modules; i++) {
                const struct plan_module *m = &o->plan->modules[i];
                const char *why = plan_refuse_module_name(m->name);
                struct offer_file *f = &o->files[o->n_files];

                if (!why && (!is_hex(m->sha1, 40) || !is_hex(m->id, sizeof m->id - 1)))
                        why = "its digest could not be computed";
                if (!why && !token_is_mac(o->plan->home))
                        why = "this machine has no MAC address below which it could stand";
                if (!why && o->n_files == OFFER_MAX_FILES)
                        why = "a machine may have 16 of them";
                if (why) {
                        refusals_add(&o->refused, "module", m->name, m->layer, why,
                                "UPDATE module, or DELETE the row");
                        continue;
                }
                f->module = m;
                (void)snprintf(f->path, sizeof f->path, "hosts/%s/m/%s", o->plan->home, m->id);
                (void)snprintf(f->hash_path, sizeof f->hash_path, "hosts/%s/m/%s.hash", o->plan->home, m->id);
                (void)snprintf(f->words, sizeof f->words, "type=file name=%s", m->name);
                (void)snprintf(f->hash_words, sizeof f->hash_words, "type=hash name=%s", m->name);
                (void)snprintf(f->hashed_words, sizeof f->hashed_words, "type=file name=%s hash=%s", m->name,
                        m->sha1);
                o->n_files++;
        }
}

/* Texts that are shown changed rather than left out; why lists them all the same. */
static void settle_texts(struct offer *o)
{
        AUTO_BUF struct buf scratch = BUF_INIT;
        static const char why[] = "it holds what a screen or iPXE cannot take, or is longer than 70 bytes";
        static const char way_out[] = "It is shown with '?' there; write plain ASCII";

        if (o->plan->menu_title && token_put_display(&scratch, o->plan->menu_title, 70))
                refusals_add(
                        &o->refused, "setting", "menu_title", layer_of(o->plan, "menu_title"), why, way_out);
        if (o->plan->menu_timeout_ms > OFFER_MAX_TIMEOUT_MS)
                refusals_add(&o->refused, "setting", "menu_timeout", layer_of(o->plan, "menu_timeout"),
                        "iPXE has room for three digits of seconds", "999 s are used");
        if (!o->refused.lines.error && scratch.error)
                o->refused.lines.error = scratch.error;
}

static enum offer_kind kind_of(const struct plan *p)
{
        if (p->kind == PLAN_DISABLED)
                return OFFER_LOCAL;
        if (p->kind != PLAN_UNKNOWN)
                return OFFER_BOOT;
        return p->unknown_policy == UNKNOWN_MENU    ? OFFER_BOOT
               : p->unknown_policy == UNKNOWN_LOCAL ? OFFER_LOCAL
                                                    : OFFER_DENY; /* a row may hold any number */
}

int offer_init(struct offer *o, enum dialect dialect, const struct plan *p, const struct build_list *builds,
        const char *latest)
{
        AUTO_BUF struct buf words = BUF_INIT;
        int r;

        *o = (struct offer) { .dialect = dialect,
                .kind = kind_of(p),
                .plan = p,
                .builds = builds,
                .limits = budget_limits(dialect, p->loader),
                .base = BUF_INIT,
                .refused = REFUSALS_INIT };
        o->known_mac = token_is_mac(p->mac);
        o->timeout_ms = p->menu_timeout_ms < OFFER_MAX_TIMEOUT_MS ? p->menu_timeout_ms : OFFER_MAX_TIMEOUT_MS;
        settle_base(o);
        settle_build(o, latest);
        settle_others(o);
        settle_texts(o);
        settle_files(o);
        if (dialect == DIALECT_IPXE)
                settle_items(o);
        r = bootargs_make(p, NULL, 0, BOOTARGS_FOR(dialect), &words, &o->refused); /* for the refusals */
        if (r < 0)
                return r;
        r = buf_error(&o->base);
        return r < 0 ? r : buf_error(&o->refused.lines);
}

void offer_fini(struct offer *o)
{
        buf_fini(&o->base);
        refusals_fini(&o->refused);
}

size_t offer_items(const struct offer *o, struct offer_item ret[OFFER_MAX_ENTRIES])
{
        size_t n = 0;

        if (o->build)
                ret[n++] = (struct offer_item) { .label = "smartos", .build = o->build };
        for (size_t i = 0; i < o->n_others; i++)
                ret[n++] = (struct offer_item) { .build = o->others[i] };
        for (size_t i = 0; i < N_VARIANTS && o->build; i++)
                if (variant_is_wanted(o->plan, &variants[i]))
                        ret[n++] = (struct offer_item) { variants[i].label, variants[i].text, o->build,
                                &variants[i] };
        return n;
}

void offer_put_text(const struct offer_item *item, struct buf *out)
{
        if (item->text)
                buf_puts(out, item->text);
        else
                PUT(out, "Boot SmartOS (", item->build->name, ")");
}

int offer_entry_init(const struct offer *o, const struct variant *v, struct offer_entry *e)
{
        struct bootargs_change changes[VARIANT_MAX_CHANGES];
        size_t n = v ? variant_changes(o->plan, v, changes) : 0;

        *e = (struct offer_entry)OFFER_ENTRY_INIT;
        e->files = o->n_files > 0 && !(v && v->bare);
        return bootargs_make(o->plan, changes, n, BOOTARGS_FOR(o->dialect), &e->args, NULL);
}

void offer_entry_fini(struct offer_entry *e)
{
        buf_fini(&e->args);
}

/* What one line costs beside its path and words, and how the lines add up (budget.h, enum budget_count). */
static const struct {
        const char *kernel, *module; /* what stands in front */
        const char *prefix;          /* of the path; NULL: the base of URLs */
} spelling[] = {
        [DIALECT_IPXE] = { "", "", NULL },
        [DIALECT_PXELINUX] = { OFFER_MBOOT " -aout ", " --- ", "" },
        [DIALECT_GRUB] = { "kernel ", "module ", "/" },
        [DIALECT_GRUB_DOLLAR] = { "kernel$ ", "module$ ", "/" },
};

static size_t line_bytes(const struct offer *o, const struct build_info *b, const char *start,
        const struct offer_module *m, size_t words)
{
        const char *prefix = spelling[o->dialect].prefix;
        size_t url = (prefix ? strlen(prefix) : o->base_bytes + 1) +
                     (m->at_root ? 0 : strlen("smartos/") + strlen(b->name) + 1) + strlen(m->path);

        return strlen(start) + budget_line(url, words) - (o->limits->count == BUDGET_SUM ? 0 : 1);
}

static void count(const struct offer *o, struct offer_entry *e, size_t bytes)
{
        if (o->limits->count != BUDGET_LINE)
                e->used_bytes += bytes;
        else if (bytes > e->used_bytes)
                e->used_bytes = bytes;
}

static void add_module(
        const struct offer *o, const struct build_info *b, struct offer_entry *e, struct offer_module m)
{
        count(o, e, line_bytes(o, b, spelling[o->dialect].module, &m, strlen(m.words)));
        e->modules[e->n_modules++] = m;
}

/* All lines of the entry, with the hashes that e->hash and e->sums say.  Where there are boot modules boot_archive has its
 * type in every form: of two modules without one, dboot takes the second for the hash of the first (fixup_modules in
 * illumos-gate usr/src/uts/i86pc/dboot/dboot_startkern.c), of three none for the ramdisk. */
static void add_lines(const struct offer *o, const struct build_info *b, struct offer_entry *e)
{
        static const struct offer_module kernel = { OFFER_KERNEL, "", false },
                                         archive = { OFFER_ARCHIVE, "type=rootfs name=ramdisk", false },
                                         untyped = { OFFER_ARCHIVE, "", false },
                                         hash = { HASH_PATH, "type=hash name=ramdisk", false };

        e->n_modules = 0;
        e->used_bytes = line_bytes(o, b, spelling[o->dialect].kernel, &kernel, e->args.len);
        add_module(o, b, e, o->plan->boot_form != FORM_INITRD || o->n_files ? archive : untyped);
        if (e->hash)
                add_module(o, b, e, hash);
        for (size_t i = 0; e->files && i < o->n_files; i++)
                add_module(o, b, e,
                        (struct offer_module) { o->files[i].path,
                                e->sums == SUMS_WORDS ? o->files[i].hashed_words : o->files[i].words, true });
        for (size_t i = 0; e->sums == SUMS_MODULES && i < o->n_files; i++)
                add_module(o, b, e,
                        (struct offer_module) { o->files[i].hash_path, o->files[i].hash_words, true });
}

static bool fits(const struct offer *o, const struct offer_entry *e)
{
        return e->used_bytes <= o->limits->bytes && e->n_modules <= o->limits->modules;
}

/* The forms of an entry, the best first: the order of budget.h. */
static const struct {
        bool hash;
        enum offer_sums sums;
} forms[] = { { true, SUMS_MODULES }, { true, SUMS_WORDS }, { true, SUMS_NONE }, { false, SUMS_WORDS },
        { false, SUMS_NONE } };
#define N_FORMS (sizeof forms / sizeof forms[0])

void offer_entry_fit(const struct offer *o, const struct build_info *b, struct offer_entry *e)
{
        bool hash = o->plan->boot_form != FORM_INITRD && b->has_hash, sums = e->files && o->n_files > 0;

        for (size_t i = 0; i < N_FORMS; i++) {
                e->hash = hash && forms[i].hash;
                e->sums = sums ? forms[i].sums : SUMS_NONE;
                add_lines(o, b, e);
                if (i == 0) {
                        e->wanted_bytes = e->used_bytes;
                        e->wanted_modules = e->n_modules;
                }
                if (fits(o, e))
                        break;
        }
        e->hash_dropped = hash && !e->hash && fits(o, e);
        e->sums_dropped = sums && e->sums == SUMS_NONE && fits(o, e);
        e->cannot = NULL;
        if (e->used_bytes > o->limits->bytes)
                e->cannot = "the boot line is too long for the loader";
        else if (e->n_modules > o->limits->modules)
                e->cannot = "there are more modules than the loader takes";
        else if (strstr(b->name, BOOTARGS_STOPS_DBOOT))
                e->cannot = "the build's name holds the word multiboot, at which the kernel's loader stops";
        else if (e->args.len > 0)
                e->cannot = token_refuse_line(e->args.data);
}

void offer_put_module(const struct build_info *b, const struct offer_module *m, struct buf *out)
{
        if (!m->at_root)
                PUT(out, "smartos/", b->name, "/");
        buf_puts(out, m->path);
}
