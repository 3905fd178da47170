/* SPDX-License-Identifier: MPL-2.0 */
/* text -- see text.h, and tree/node.h for the invariants it keeps.
 *
 * The script of a machine depends on its host alone, not on which of its NICs asks (the script itself uses
 * ${mac}), so the host's id in the node is enough to make it again; all unknown machines share one text.
 * `why` and boot.ipxe.01.. name the MAC, so one that fell out of the ring may be ESTALE, and the reader asks again.
 *
 * The texts of /.pxefs come from a snapshot (face.h) and have a ring of their own.  One that fell out of it is there
 * again if the snapshot still says the same.
 *
 * Locks: the rings', the face's, and complaint.lock for the last complaint; neither is held across a call to SQLite.
 */
#include "tree/text.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/log.h"
#include "inventory/mac.h"
#include "render/offer.h"
#include "render/render.h"
#include "tree/face.h"
#include "tree/textring.h"

#define MAX_SALTS 8

struct texts {
        struct texts_options opts;
        struct textring *ring;      /* borrowed; what machines ask for */
        struct textring *face_ring; /* borrowed; /.pxefs */
        struct face *face;          /* owned */
        struct {
                pthread_mutex_t lock;
                char last[sizeof(((struct err *)0)->text)]; /* "" while the inventory answers */
        } complaint;
};

static void on_inventory(void *ctx, int r, const struct err *err);

struct texts *texts_new(const struct texts_options *opts)
{
        struct texts *t = calloc(1, sizeof *t);

        if (!t)
                return NULL;
        t->opts = *opts;
        pthread_mutex_init(&t->complaint.lock, NULL);
        t->ring = opts->ring;
        t->face_ring = opts->face_ring;
        t->face = face_new(&(struct facts_sources) { .catalog = opts->catalog,
                .inventory = opts->inventory,
                .ring = t->ring,
                .requests = opts->requests,
                .version = opts->version,
                .fill = opts->fill,
                .fill_ctx = opts->fill_ctx,
                .statm_fd = opts->statm_fd,
                .on_inventory = on_inventory,
                .on_inventory_ctx = t });
        if (!t->face) {
                texts_free(t);
                return NULL;
        }
        return t;
}

void texts_free(struct texts *t)
{
        if (!t)
                return;
        face_free(t->face);
        pthread_mutex_destroy(&t->complaint.lock);
        free(t);
}

/* Logs a change of the inventory's state, not every request that meets it. */
static void complain(struct texts *t, int r, const struct err *err)
{
        const char *now = r < 0 ? err->text : "";

        pthread_mutex_lock(&t->complaint.lock);
        if (strcmp(t->complaint.last, now) != 0) {
                if (now[0])
                        log_error("inventory: %s", now);
                else
                        log_info("inventory: answers again");
                memcpy(t->complaint.last, now, strlen(now) + 1); /* same size as err->text */
                face_touch(t->face);
        }
        pthread_mutex_unlock(&t->complaint.lock);
}

static void on_inventory(void *ctx, int r, const struct err *err)
{
        complain(ctx, r, err);
}

static int render_host(enum text_kind what, struct plan *p, const struct catalog_view *v, struct buf *out)
{
        const char *isos[OFFER_MAX_ISOS];
        struct build_list list = v->list;
        const char *latest = v->latest ? v->latest->name : NULL;

        list.isos = isos;
        list.n_isos = v->n_isos < OFFER_MAX_ISOS ? v->n_isos : OFFER_MAX_ISOS;
        for (size_t i = 0; i < list.n_isos; i++)
                isos[i] = v->isos[i].name;
        switch (what) {
        case TEXT_MENU:
                return render_ipxe(p, &list, latest, out);
        case TEXT_WHY:
                return render_why(p, &list, latest, out);
        case TEXT_DISPATCHER:
                return render_dispatcher(p->base_url, out);
        case TEXT_PXELINUX:
        case TEXT_PXELINUX_ANY:
                return render_pxelinux(p, &list, latest, what == TEXT_PXELINUX_ANY, out);
        case TEXT_GRUB:
        case TEXT_GRUB_ANY:
                return render_grub(p, &list, latest, what == TEXT_GRUB_ANY, out);
        case TEXT_BOOT_IPXE: /* which MAC is known when it is looked up, or if it is the host's first */
                return p->mac[0] ? render_dispatcher_for(p->mac, p->base_url, out) : -ESTALE;
        case TEXT_STATUS:
        case TEXT_METRICS:
        case TEXT_INDEX:
                break;
        }
        return -ESTALE;
}

/* Gets the plan: of @mac, or, with mac 0, of host @host (0: machines nobody knows, and the dispatcher's
 * settings). */
static int get_plan(struct texts *t, uint64_t mac, uint64_t host, struct plan **ret)
{
        struct err err = { "" };
        int r;

        if (mac == 0 && host != 0) {
                r = inventory_plan_by_host(t->opts.inventory, (int64_t)host, ret, &err);
                if (r == -ENOENT) /* the host was deleted: no trouble of the inventory's */
                        return -ESTALE;
        } else {
                r = inventory_plan(t->opts.inventory, mac, ret, &err);
        }
        complain(t, r, &err);
        return r == -ENOENT ? -EIO : r; /* a lost database must not look like an absent script */
}

static bool is_anybodys(enum text_kind what)
{
        return what == TEXT_DISPATCHER || what == TEXT_PXELINUX_ANY || what == TEXT_GRUB_ANY;
}

static int render_boot_ipxe(uint64_t mac, struct buf *out)
{
        char text[MAC_TEXT_SIZE];

        mac_format(mac, text);
        return render_dispatcher_for(text, NULL, out);
}

/* Renders @what; *ret_host is the host whose text it is. */
static int make(struct texts *t, enum text_kind what, uint64_t mac, uint64_t host, struct buf *out,
        uint64_t *ret_host)
{
        AUTO_PLAN struct plan *p = NULL;
        struct catalog_view *v;
        int r;

        *ret_host = 0;
        if (face_has(what))
                return face_text(t->face, what, out);
        v = catalog_view_get(t->opts.catalog);
        r = get_plan(t, mac, host, &p);
        if (r == 0 && p->kind == PLAN_UNKNOWN &&
                (what == TEXT_MENU || what == TEXT_PXELINUX || what == TEXT_GRUB))
                seen_note(t->opts.seen, mac); /* 0 when the text is made again for a reader */
        if (r == 0 && p->host_id > 0 && !is_anybodys(what))
                *ret_host = p->host_id < NODE_HOST_MAX ? (uint64_t)p->host_id : NODE_HOST_MAX;
        if (r == 0)
                r = render_host(what, p, v, out);
        else if (what == TEXT_DISPATCHER) /* it keeps machines asking until the inventory answers */
                r = render_dispatcher(NULL, out);
        else if (what == TEXT_BOOT_IPXE && mac)
                r = render_boot_ipxe(mac, out);
        catalog_view_unref(v);
        return r < 0 ? r : buf_error(out);
}

static struct textring *ring_of(const struct texts *t, enum text_kind what)
{
        return face_has(what) ? t->face_ring : t->ring;
}

/* Id and generation of a text under a salt. */
static int identify(const struct texts *t, enum text_kind what, uint64_t host, uint64_t salt,
        const struct buf *text, uint64_t *ret_node, uint32_t *ret_generation)
{
        uint64_t h[2] = { 0 };
        int r = digest_short(salt, text->data ? text->data : "", text->len, h);

        if (r < 0)
                return r;
        *ret_node = node_text(what, host, (uint32_t)(h[0] & ((UINT64_C(1) << t->opts.hash_bits) - 1)));
        *ret_generation = (uint32_t)h[1];
        return 0;
}

/* Between 1973 and 2023, by the hash in the id; the nanoseconds carry the rest of it. */
static int64_t mtime_of(uint64_t node)
{
        uint64_t hash = node & UINT32_MAX;
        uint64_t sec = 100000000 + (hash * 1600000000 >> 32);

        return (int64_t)(sec * 1000000000 + hash % 1000000000);
}

/* Finds an id for the text that no other text in the ring has, and keeps it.  If MAX_SALTS of them are
 * taken, the last one is taken over: the other generation makes the kernel turn the old inode bad, so its
 * readers get EIO. */
static int promise(
        struct texts *t, enum text_kind what, uint64_t host, const struct buf *text, struct text_entry *ret)
{
        uint64_t node = 0;
        uint32_t generation = 0;
        int r;

        for (uint64_t salt = 0; salt < MAX_SALTS; salt++) {
                r = identify(t, what, host, salt, text, &node, &generation);
                if (r < 0)
                        return r;
                if (textring_peek(ring_of(t, what), node, text->data ? text->data : "", text->len) !=
                        TEXTRING_OTHER)
                        break;
        }
        r = textring_put(ring_of(t, what), node, text->data ? text->data : "", text->len);
        if (r < 0)
                return r;
        *ret = (struct text_entry) {
                .node = node, .generation = generation, .size_bytes = text->len, .mtime_ns = mtime_of(node)
        };
        return 0;
}

int text_lookup(struct texts *t, enum text_kind what, uint64_t mac, struct text_entry *ret)
{
        AUTO_BUF struct buf text = BUF_INIT;
        uint64_t host = 0;
        int r = make(t, what, mac, 0, &text, &host);

        return r < 0 ? r : promise(t, what, host, &text, ret);
}

/* Makes the text of a node again and keeps it, if it is the one the id names under any salt. */
static int derive(struct texts *t, const struct node *n)
{
        AUTO_BUF struct buf text = BUF_INIT;
        uint64_t host = 0, node = 0, want = node_encode(*n);
        uint32_t generation = 0;
        int r;

        if (n->object == NODE_HOST_MAX)
                return -ESTALE;
        r = make(t, (enum text_kind)n->what, 0, n->object, &text, &host);
        if (r < 0)
                return r;
        for (uint64_t salt = 0; salt < MAX_SALTS; salt++) {
                r = identify(t, (enum text_kind)n->what, host, salt, &text, &node, &generation);
                if (r < 0)
                        return r;
                if (node == want)
                        return textring_put(ring_of(t, (enum text_kind)n->what), node,
                                text.data ? text.data : "", text.len);
        }
        return -ESTALE;
}

int text_stat(struct texts *t, const struct node *n, struct text_entry *ret)
{
        struct textring *ring = ring_of(t, (enum text_kind)n->what);
        uint64_t node = node_encode(*n);
        int64_t size = textring_size(ring, node);

        if (size < 0) {
                int r = derive(t, n);

                if (r < 0)
                        return r;
                size = textring_size(ring, node);
        }
        if (size < 0)
                return -ESTALE;
        *ret = (struct text_entry) { .node = node, .size_bytes = (uint64_t)size, .mtime_ns = mtime_of(node) };
        return 0;
}

ssize_t text_read(struct texts *t, const struct node *n, void *buf, size_t len, uint64_t off)
{
        struct textring *ring = ring_of(t, (enum text_kind)n->what);
        uint64_t node = node_encode(*n);
        ssize_t got = textring_read(ring, node, buf, len, off);

        if (got >= 0)
                return got;
        got = derive(t, n);
        if (got < 0)
                return got;
        got = textring_read(ring, node, buf, len, off);
        return got < 0 ? -ESTALE : got;
}
