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
 * What is assumed about a script without base_url: the client took it from http://<IPv4 address>/hosts/...,
 * no port, no prefix; a tftp:// URL is as long.  A port or a prefix costs its length once for the kernel and
 * once for each module: write it as base_url, and it is counted.
 */
#include "offer.h"

#include <string.h>

#include "render/put.h"
#include "render/render.h"
#include "render/token.h"

#define KERNEL_PATH  "platform/i86pc/kernel/amd64/unix"
#define ARCHIVE_PATH "platform/i86pc/amd64/boot_archive"
#define HASH_PATH    ARCHIVE_PATH ".hash"

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

int offer_init(struct offer *o, const struct plan *p, const struct build_list *builds, const char *latest)
{
        AUTO_BUF struct buf words = BUF_INIT;
        int r;

        *o = (struct offer) { .plan = p,
                .builds = builds,
                .limits = budget_limits(p->loader),
                .base = BUF_INIT,
                .refused = REFUSALS_INIT };
        o->known_mac = token_is_mac(p->mac);
        o->timeout_ms = p->menu_timeout_ms < OFFER_MAX_TIMEOUT_MS ? p->menu_timeout_ms : OFFER_MAX_TIMEOUT_MS;
        settle_base(o);
        settle_build(o, latest);
        settle_others(o);
        settle_texts(o);
        r = bootargs_make(p, NULL, 0, 0, &words, &o->refused); /* for the refusals */
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

int offer_entry_init(
        const struct offer *o, const struct bootargs_change *changes, size_t n_changes, struct offer_entry *e)
{
        *e = (struct offer_entry)OFFER_ENTRY_INIT;
        return bootargs_make(o->plan, changes, n_changes, 0, &e->args, NULL);
}

void offer_entry_fini(struct offer_entry *e)
{
        buf_fini(&e->args);
}

static size_t url_bytes(const struct offer *o, const struct build_info *b, const char *path)
{
        return o->base_bytes + strlen("/smartos/") + strlen(b->name) + 1 + strlen(path);
}

void offer_entry_fit(const struct offer *o, const struct build_info *b, struct offer_entry *e)
{
        bool module = o->plan->boot_form != FORM_INITRD;

        e->hash_bytes = budget_line(url_bytes(o, b, HASH_PATH), strlen("type=hash name=ramdisk"));
        e->used_bytes =
                budget_line(url_bytes(o, b, KERNEL_PATH), e->args.len) +
                budget_line(url_bytes(o, b, ARCHIVE_PATH), module ? strlen("type=rootfs name=ramdisk") : 0);
        e->n_modules = 1;
        e->hash = module && b->has_hash && e->used_bytes + e->hash_bytes <= o->limits->bytes;
        e->hash_dropped = module && b->has_hash && !e->hash && e->used_bytes <= o->limits->bytes;
        if (e->hash) {
                e->used_bytes += e->hash_bytes;
                e->n_modules++;
        }
        e->cannot = NULL;
        if (e->used_bytes > o->limits->bytes)
                e->cannot = "the boot line is too long for the loader";
        else if (e->args.len > 0)
                e->cannot = token_refuse_line(e->args.data);
}
