/* SPDX-License-Identifier: MPL-2.0 */
/* text -- see text.h, and namespace/node.h for the invariants it keeps.
 *
 * The script of a machine depends on its host alone, not on which of its NICs asks (the script itself uses
 * ${mac}), so the host's id in the node is enough to make it again; all unknown machines share one text.
 * `why` and boot.ipxe.01.. name the MAC, so one that fell out of the ring may be ESTALE, and the reader asks again.
 *
 * The texts of /.pxefs come from a snapshot (face.h) and have a ring of their own.  One that fell out of it is there
 * again if the snapshot still says the same.
 *
 * A boot module and its hash are found by the host's rows.  What hosts/<mac>/m/ names follows from the content alone, so
 * that a script, the module and the hash that it asks for are of one content or not there, whatever was committed between
 * the three; in hosts/<mac>/modules/ a name means what the rows say when it is looked up.
 *
 * Locks: the rings', the face's, and complaint.lock for the last complaint; neither is held across a call to SQLite.
 */
#include "namespace/text.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/log.h"
#include "inventory/plan/mac.h"
#include "namespace/face.h"
#include "namespace/file_times.h"
#include "namespace/textring.h"
#include "render/boot/offer.h"
#include "render/boot/render.h"

#define MAX_SALTS    8
#define MODULE_SLASH '+' /* in modules/, for '/' in a module's name, which cannot hold it */
#define MODULE_HASH  ".hash"
#define TIME_BYTES   ((ssize_t)sizeof(int64_t)) /* in the ring, before each text */

struct texts {
        struct texts_options opts;
        struct textring *ring;      /* borrowed; what machines ask for */
        struct textring *face_ring; /* borrowed; /.pxefs */
        struct face *face;          /* owned */
        struct file_times *times;   /* owned */
        struct {
                pthread_mutex_t lock;
                char last[sizeof(((struct err *)0)->text)]; /* "" while the inventory answers */
        } complaint;
};

static void on_inventory(void *ctx, int r, const struct err *err);

static textring_check_fn is_named_so;

struct texts *texts_new(const struct texts_options *opts)
{
        struct texts *t = calloc(1, sizeof *t);

        if (!t)
                return NULL;
        t->opts = *opts;
        pthread_mutex_init(&t->complaint.lock, NULL);
        t->ring = opts->ring;
        t->face_ring = opts->face_ring;
        textring_set_check(t->ring, is_named_so, t);
        textring_set_check(t->face_ring, is_named_so, t);
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
        t->times = file_times_new(opts->times_mem);
        if (!t->face || !t->times) {
                texts_free(t);
                return NULL;
        }
        file_times_set_floor(t->times, catalog_shown_sec(opts->catalog));
        return t;
}

void texts_free(struct texts *t)
{
        if (!t)
                return;
        face_free(t->face);
        file_times_free(t->times);
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
        const char *latest = v->latest ? v->latest->name : NULL;

        switch (what) {
        case TEXT_MENU:
                return render_ipxe(p, &v->list, latest, out);
        case TEXT_WHY:
                return render_why(p, &v->list, latest, out);
        case TEXT_DISPATCHER:
                return render_dispatcher(p->base_url, out);
        case TEXT_AUTOEXEC:
                return render_autoexec(p->base_url, out);
        case TEXT_PXELINUX:
        case TEXT_PXELINUX_ANY:
                return render_pxelinux(p, &v->list, latest, what == TEXT_PXELINUX_ANY, out);
        case TEXT_GRUB:
        case TEXT_GRUB_ANY:
                return render_grub(p, &v->list, latest, what == TEXT_GRUB_ANY, out);
        case TEXT_BOOT_IPXE: /* which MAC is known when it is looked up, or if it is the host's first */
                return p->mac[0] ? render_dispatcher_for(p->mac, p->base_url, out) : -ESTALE;
        case TEXT_MODULE: /* has a name of its own: text_lookup_module */
        case TEXT_MODULE_HASH:
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

static uint64_t host_number(const struct plan *p)
{
        return p->host_id < NODE_HOST_MAX ? (uint64_t)p->host_id : NODE_HOST_MAX;
}

static bool is_anybodys(enum text_kind what)
{
        return what == TEXT_DISPATCHER || what == TEXT_AUTOEXEC || what == TEXT_PXELINUX_ANY ||
               what == TEXT_GRUB_ANY;
}

static int render_boot_ipxe(uint64_t mac, struct buf *out)
{
        char text[MAC_TEXT_SIZE];

        mac_format(mac, text);
        return render_dispatcher_for(text, NULL, out);
}

/* ---- whose, and since when ---- */

/* A text that was made, before it is promised. */
struct made {
        struct buf *text; /* borrowed */
        uint64_t host;    /* whose it is; 0: of machines nobody knows, or of all */
        struct file_text file;
};

static int64_t later(int64_t a, int64_t b)
{
        return a > b ? a : b;
}

/* What @m's time goes by, but for the text: @who tells names of one kind and host apart. */
static int name_it(const struct texts *t, enum text_kind what, const char *who, int64_t changed_sec,
        const struct catalog_view *v, struct made *m)
{
        AUTO_BUF struct buf name = BUF_INIT;
        uint64_t h[2];
        int r;

        buf_printf(&name, "%u %llu %s", (unsigned)what, (unsigned long long)m->host, who);
        r = buf_error(&name);
        if (r == 0)
                r = digest_short(0, name.data, name.len, h);
        if (r < 0)
                return r;
        m->file.name = h[0] | 1;
        m->file.base_sec = later(changed_sec, later(v->served_sec, t->opts.program_sec));
        return 0;
}

/* The names of a machine that nobody entered: as many as a client cares to invent.  Where one text is shown under all of them
 * it is remembered; what names the machine goes by its base alone. */
static int name_for(const struct texts *t, enum text_kind what, const struct plan *p,
        const struct catalog_view *v, struct made *m)
{
        bool known = p && p->host_id > 0;
        int r = name_it(t, what, known && m->host ? p->mac : "", p ? p->changed_sec : 0, v, m);

        if (!known && (what == TEXT_WHY || what == TEXT_BOOT_IPXE))
                m->file.name = 0;
        return r;
}

static int make_face(struct texts *t, enum text_kind what, struct made *m)
{
        int r = face_text(t->face, what, m->text, &m->file.base_sec);

        m->file.name = (uint64_t)what + 1;
        m->file.holds = true; /* a lasting state is one text */
        return r;
}

/* ---- making, and promising ---- */

/* Renders @what into m->text, and fills in the rest of @m. */
static int make(struct texts *t, enum text_kind what, uint64_t mac, uint64_t host, struct made *m)
{
        AUTO_PLAN struct plan *p = NULL;
        struct buf *out = m->text;
        struct catalog_view *v;
        int r;

        if (face_has(what))
                return make_face(t, what, m);
        v = catalog_view_get(t->opts.catalog);
        r = get_plan(t, mac, host, &p);
        if (r == 0 && p->kind == PLAN_UNKNOWN &&
                (what == TEXT_MENU || what == TEXT_PXELINUX || what == TEXT_GRUB))
                seen_note(t->opts.seen, mac); /* 0 when the text is made again for a reader */
        if (r == 0 && p->host_id > 0 && !is_anybodys(what))
                m->host = host_number(p);
        if (r == 0)
                r = render_host(what, p, v, out);
        else if (what == TEXT_DISPATCHER) /* it keeps machines asking until the inventory answers */
                r = render_dispatcher(NULL, out);
        else if (what == TEXT_AUTOEXEC) /* likewise */
                r = render_autoexec(NULL, out);
        else if (what == TEXT_BOOT_IPXE && mac)
                r = render_boot_ipxe(mac, out);
        if (r == 0)
                r = name_for(t, what, p, v, m);
        catalog_view_unref(v);
        return r < 0 ? r : buf_error(out);
}

static struct textring *ring_of(const struct texts *t, enum text_kind what)
{
        return face_has(what) ? t->face_ring : t->ring;
}

/* Id and generation of a text under a salt. */
static int identify(const struct texts *t, enum text_kind what, uint64_t host, uint64_t salt,
        const void *text, size_t len, uint64_t *ret_node, uint32_t *ret_generation)
{
        uint64_t h[2] = { 0 };
        int r = digest_short(salt, text, len, h);

        if (r < 0)
                return r;
        *ret_node = node_text(what, host, (uint32_t)(h[0] & ((UINT64_C(1) << t->opts.hash_bits) - 1)));
        *ret_generation = (uint32_t)h[1];
        return 0;
}

/* What stands in the ring, and what the id is a hash of: the time, then the bytes.  The same text at another time is another
 * file. */
static int record_of(int64_t mtime_ns, const struct buf *text, struct buf *ret)
{
        buf_add(ret, &mtime_ns, sizeof mtime_ns);
        buf_add(ret, text->data ? text->data : "", text->len);
        return buf_error(ret);
}

static int hash_text(struct made *m)
{
        uint64_t h[2];
        int r = digest_short(0, m->text->data ? m->text->data : "", m->text->len, h);

        m->file.hash = h[0];
        return r;
}

/* The time of @m, which is remembered.  A text of the daemon's own has its snapshot's, also after a
 * restart. */
static int64_t time_of(struct texts *t, enum text_kind what, const struct made *m)
{
        int64_t floor_sec, ns = file_times_show(t->times, &m->file, (int64_t)time(NULL), &floor_sec);

        if (floor_sec && !face_has(what))
                catalog_note_shown(t->opts.catalog, floor_sec);
        return ns;
}

/* Finds an id for the text that no other text in the ring has, and keeps it.  If MAX_SALTS of them are
 * taken, the last one is taken over: the other generation makes the kernel turn the old inode bad, so its
 * readers get EIO. */
static int promise(struct texts *t, enum text_kind what, struct made *m, struct text_entry *ret)
{
        AUTO_BUF struct buf record = BUF_INIT;
        uint64_t node = 0;
        uint32_t generation = 0;
        int64_t mtime_ns;
        int r = hash_text(m);

        if (r < 0)
                return r;
        mtime_ns = time_of(t, what, m);
        r = record_of(mtime_ns, m->text, &record);
        if (r < 0)
                return r;
        for (uint64_t salt = 0; salt < MAX_SALTS; salt++) {
                r = identify(t, what, m->host, salt, record.data, record.len, &node, &generation);
                if (r < 0)
                        return r;
                if (textring_peek(ring_of(t, what), node, record.data, record.len) != TEXTRING_OTHER)
                        break;
        }
        r = textring_put(ring_of(t, what), node, record.data, record.len);
        if (r < 0)
                return r;
        *ret = (struct text_entry) {
                .node = node, .generation = generation, .size_bytes = m->text->len, .mtime_ns = mtime_ns
        };
        return 0;
}

int text_lookup(struct texts *t, enum text_kind what, uint64_t mac, struct text_entry *ret)
{
        AUTO_BUF struct buf text = BUF_INIT;
        struct made m = { .text = &text };
        int r = make(t, what, mac, 0, &m);

        return r < 0 ? r : promise(t, what, &m, ret);
}

/* ---- boot modules ---- */

static int module_text(const struct plan_module *m, enum text_kind what, struct buf *out)
{
        if (what == TEXT_MODULE)
                buf_add(out, m->content, m->len);
        else
                buf_printf(out, "%s\n", m->sha1);
        return buf_error(out);
}

static bool same_but_slashes(const char *name, const char *file, size_t len)
{
        for (size_t i = 0; i < len; i++)
                if (!name[i] || file[i] != (name[i] == '/' ? MODULE_SLASH : name[i]))
                        return false;
        return name[len] == '\0';
}

static const struct plan_module *find_module(
        const struct plan *p, const char *file, size_t len, bool by_content)
{
        for (size_t i = 0; i < p->n_modules; i++) {
                const struct plan_module *m = &p->modules[i];

                if (by_content ? strlen(m->id) == len && memcmp(m->id, file, len) == 0
                               : same_but_slashes(m->name, file, len))
                        return m;
        }
        return NULL;
}

/* The module, or its hash, as a text that is called by the module's name, whichever of its two names led here. */
static int make_module(struct texts *t, const struct plan *p, const struct plan_module *m,
        enum text_kind what, struct made *made)
{
        struct catalog_view *v = catalog_view_get(t->opts.catalog);
        int r = module_text(m, what, made->text);

        made->host = host_number(p);
        if (r == 0)
                r = name_it(t, what, m->name, p->changed_sec, v, made);
        catalog_view_unref(v);
        return r;
}

int text_lookup_module(
        struct texts *t, uint64_t mac, const char *name, bool by_content, struct text_entry *ret)
{
        AUTO_PLAN struct plan *p = NULL;
        AUTO_BUF struct buf text = BUF_INIT;
        struct made made = { .text = &text };
        size_t len = strlen(name), suffix = strlen(MODULE_HASH);
        bool hash = len > suffix && strcmp(name + len - suffix, MODULE_HASH) == 0;
        enum text_kind what = hash ? TEXT_MODULE_HASH : TEXT_MODULE;
        const struct plan_module *m;
        int r = get_plan(t, mac, 0, &p);

        if (r < 0)
                return r;
        m = find_module(p, name, len - (hash ? suffix : 0), by_content);
        if (!m)
                return -ENOENT;
        r = make_module(t, p, m, what, &made);
        return r < 0 ? r : promise(t, what, &made, ret);
}

/* Under which salt a record of the ring has the id @want.  0, -ESTALE: under none, or -ENOMEM. */
static int find_salt(const struct texts *t, uint64_t want, const void *record, size_t len)
{
        uint64_t node = 0;
        uint32_t generation = 0;
        struct node n;

        if (!node_decode(want, &n) || n.kind != NODE_TEXT)
                return -ESTALE;
        for (uint64_t salt = 0; salt < MAX_SALTS; salt++) {
                int r = identify(t, (enum text_kind)n.what, n.object, salt, record, len, &node, &generation);

                if (r < 0 || node == want)
                        return r;
        }
        return -ESTALE;
}

/* For what a predecessor put into the ring (textring_set_check). */
static bool is_named_so(void *ctx, uint64_t id, const void *record, size_t len)
{
        return find_salt(ctx, id, record, len) == 0;
}

/* Whether @m's text, at the time it was shown with last, is what @n names; then it is kept again. */
static int promise_again(struct texts *t, const struct node *n, struct made *m)
{
        AUTO_BUF struct buf record = BUF_INIT;
        uint64_t node = node_encode(*n);
        int64_t mtime_ns;
        int r = hash_text(m);

        if (r < 0)
                return r;
        if (!file_times_shown(t->times, &m->file, (int64_t)time(NULL), &mtime_ns))
                return -ESTALE;
        r = record_of(mtime_ns, m->text, &record);
        if (r == 0)
                r = find_salt(t, node, record.data, record.len);
        return r < 0 ? r : textring_put(ring_of(t, (enum text_kind)n->what), node, record.data, record.len);
}

/* One of the host's modules has these bytes, or none has them any more. */
static int derive_module(struct texts *t, const struct node *n)
{
        AUTO_PLAN struct plan *p = NULL;
        int r = get_plan(t, 0, n->object, &p);

        for (size_t i = 0; r == 0 && i < p->n_modules; i++) {
                AUTO_BUF struct buf text = BUF_INIT;
                struct made made = { .text = &text };
                int s = make_module(t, p, &p->modules[i], (enum text_kind)n->what, &made);

                if (s == 0)
                        s = promise_again(t, n, &made);
                if (s != -ESTALE)
                        return s;
        }
        return r < 0 ? r : -ESTALE;
}

struct listed {
        uint64_t key;
        char name[PLAN_MODULE_NAME_MAX + sizeof MODULE_HASH];
};

static int by_key(const void *a, const void *b)
{
        const struct listed *x = a, *y = b;

        return (x->key > y->key) - (x->key < y->key);
}

/* The file's name in modules/, and a key of 48 bits; two names with one key are one in a million million. */
static int put_listed(const struct plan_module *m, const char *suffix, struct listed *ret)
{
        uint64_t h[2];
        int r;

        (void)snprintf(ret->name, sizeof ret->name, "%s%s", m->name, suffix);
        for (char *s = ret->name; *s; s++)
                if (*s == '/')
                        *s = MODULE_SLASH;
        r = digest_short(0, ret->name, strlen(ret->name), h);
        ret->key = (h[0] >> 16) + 1;
        return r;
}

int text_list_modules(struct texts *t, uint64_t mac, uint64_t after, text_list_fn *add, void *ctx)
{
        AUTO_PLAN struct plan *p = NULL;
        struct listed v[2 * PLAN_MODULES_MAX];
        size_t n = 0;
        int r = get_plan(t, mac, 0, &p);

        for (size_t i = 0; r == 0 && i < p->n_modules; i++) {
                if (p->modules[i].secret)
                        continue;
                r = put_listed(&p->modules[i], "", &v[n++]);
                if (r == 0)
                        r = put_listed(&p->modules[i], MODULE_HASH, &v[n++]);
        }
        if (r < 0)
                return r;
        qsort(v, n, sizeof v[0], by_key);
        for (size_t i = 0; i < n; i++)
                if (v[i].key > after && !add(ctx, v[i].key, v[i].name))
                        break;
        return 0;
}

/* Makes the text of a node again and keeps it, if it is the one the id names under any salt. */
static int derive(struct texts *t, const struct node *n)
{
        AUTO_BUF struct buf text = BUF_INIT;
        struct made m = { .text = &text };
        int r;

        if (n->object == NODE_HOST_MAX)
                return -ESTALE;
        if (n->what == TEXT_MODULE || n->what == TEXT_MODULE_HASH)
                return derive_module(t, n);
        r = make(t, (enum text_kind)n->what, 0, n->object, &m);
        if (r < 0)
                return r;
        return m.host == n->object ? promise_again(t, n, &m) : -ESTALE;
}

int text_stat(struct texts *t, const struct node *n, struct text_entry *ret)
{
        struct textring *ring = ring_of(t, (enum text_kind)n->what);
        uint64_t node = node_encode(*n);
        int64_t size = textring_size(ring, node), mtime_ns;

        if (size < 0) {
                int r = derive(t, n);

                if (r < 0)
                        return r;
                size = textring_size(ring, node);
        }
        if (size < TIME_BYTES || textring_read(ring, node, &mtime_ns, TIME_BYTES, 0) != TIME_BYTES)
                return -ESTALE;
        *ret = (struct text_entry) {
                .node = node, .size_bytes = (uint64_t)(size - TIME_BYTES), .mtime_ns = mtime_ns
        };
        return 0;
}

ssize_t text_read(struct texts *t, const struct node *n, void *buf, size_t len, uint64_t off)
{
        struct textring *ring = ring_of(t, (enum text_kind)n->what);
        uint64_t node = node_encode(*n);
        ssize_t got = textring_read(ring, node, buf, len, off + TIME_BYTES);

        if (got >= 0)
                return got;
        got = derive(t, n);
        if (got < 0)
                return got;
        got = textring_read(ring, node, buf, len, off + TIME_BYTES);
        return got < 0 ? -ESTALE : got;
}
