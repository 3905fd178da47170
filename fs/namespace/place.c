/* SPDX-License-Identifier: MPL-2.0 */
/* place -- lookup, stat, readlink and read.
 *
 * Names are resolved in a fixed order, so that no file of an archive or of the overlay can take the place
 * of one of ours: the fixed names, then builds, then channels, then the overlay.
 *
 * How long a name may be believed
 *   for ever   fixed directories, hosts/<mac> (its id is the MAC itself), other spellings, all below a build or image
 *   1 s        builds, `latest`, images, ISOs, and files of the overlay
 *   not at all whatever the inventory decides: a committed change is seen by the very next lookup
 * An absence is never remembered except below a build: a name may appear with the next commit or upload, and
 * the kernel would keep a negative entry for each name a client invents.
 */
#include "namespace/place.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "inventory/plan/mac.h"
#include "namespace/loaders.h"
#include "namespace/names.h"

#define BRIEF_SEC 1.0

struct places *places_new(const struct places_options *opts)
{
        struct places *p = calloc(1, sizeof *p);

        if (p)
                p->opts = *opts;
        return p;
}

void places_free(struct places *p)
{
        free(p);
}

/* ---- attributes ---- */

static void fill(const struct places *p, struct place_entry *ret, uint64_t node, mode_t mode, uint64_t size,
        int64_t mtime_ns)
{
        struct timespec t = { .tv_sec = mtime_ns / 1000000000, .tv_nsec = mtime_ns % 1000000000 };

        if (t.tv_nsec < 0) {
                t.tv_sec--;
                t.tv_nsec += 1000000000;
        }
        ret->node = node;
        ret->st = (struct stat) {
                .st_ino = node,
                .st_mode = mode,
                .st_nlink = 1, /* of directories too: find(1) takes 1 for "nobody counted" */
                .st_uid = p->opts.uid,
                .st_gid = p->opts.gid,
                .st_size = (off_t)size,
                .st_blocks = (blkcnt_t)((size + 511) / 512),
                .st_blksize = 4096,
                .st_atim = t,
                .st_mtim = t,
                .st_ctim = t,
        };
        ret->attr_sec = FOREVER_SEC;
}

/* A directory whose listing can change.  Its time is that of the last change of what is served; who goes by the time of a
 * directory knows that of a file in it no better. */
static int fill_dir(const struct places *p, struct place_entry *ret, uint64_t node)
{
        struct catalog_view *v = catalog_view_get(p->opts.catalog);

        fill(p, ret, node, S_IFDIR | 0555, 0, v->served_sec * 1000000000);
        catalog_view_unref(v);
        ret->attr_sec = 0;
        return 0;
}

static int fill_text(const struct places *p, struct place_entry *ret, const struct text_entry *t)
{
        fill(p, ret, t->node, S_IFREG | 0444, t->size_bytes, t->mtime_ns);
        ret->generation = t->generation;
        return 0;
}

static int fill_link(const struct places *p, struct place_entry *ret, uint64_t node)
{
        AUTO_FREE char *target = NULL;
        struct node n;
        int r;

        if (!node_decode(node, &n))
                return -ESTALE;
        r = place_readlink(p, &n, &target);
        if (r < 0)
                return r;
        fill(p, ret, node, S_IFLNK | 0777, strlen(target), 0);
        return 0;
}

static int fill_entry(const struct places *p, struct place_entry *ret, const struct build *b, uint32_t entry)
{
        const struct layout_entry *e;

        if (entry >= b->tree->n)
                return -ESTALE;
        e = &b->tree->v[entry];
        fill(p, ret, node_entry(b->object, entry), e->is_dir ? S_IFDIR | 0555 : S_IFREG | 0444, e->size_bytes,
                b->image ? e->mtime_sec * 1000000000 : b->mtime_ns);
        return 0;
}

static int fill_iso(const struct places *p, struct place_entry *ret, const struct build *b)
{
        if (!b->iso)
                return -ESTALE;
        fill(p, ret, node_iso(b->object), S_IFREG | 0444, source_size_bytes(b->src), b->mtime_ns);
        return 0;
}

static int fill_overlay(
        const struct places *p, struct place_entry *ret, bool below_smartos, const struct overlay_entry *o)
{
        if (o->is_dir) {
                (void)fill_dir(p, ret, node_overlaydir(below_smartos, o->hash));
        } else {
                fill(p, ret, node_overlay(o->hash), S_IFREG | 0444, o->size_bytes, o->mtime_ns);
        }
        return 0;
}

/* ---- lookup ---- */

static int lookup_build(const struct places *p, uint64_t object, struct place_entry *ret, bool as_link)
{
        struct catalog_view *v = catalog_view_get(p->opts.catalog);
        const struct build *b = catalog_view_by_object(v, object);
        int r = -ESTALE;

        if (b)
                r = as_link ? fill_link(p, ret, node_link(LINK_BUILD, object)) : fill_entry(p, ret, b, 0);
        catalog_view_unref(v);
        return r;
}

static int place_of_text(const struct places *p, enum text_kind what, uint64_t mac, struct place_entry *ret)
{
        struct text_entry t;
        int r = text_lookup(p->opts.texts, what, mac, &t);

        return r < 0 ? r : fill_text(p, ret, &t);
}

static int lookup_fixed(const struct places *p, const struct fixed_name *f, struct place_entry *ret)
{
        uint64_t latest = 0;

        if (f->needs_latest) {
                struct catalog_view *v = catalog_view_get(p->opts.catalog);

                latest = v->latest ? v->latest->object : 0;
                catalog_view_unref(v);
                if (!latest)
                        return -ENOENT;
        }
        switch (f->use) {
        case USE_DIR:
                ret->name_sec = FOREVER_SEC;
                return fill_dir(p, ret, node_fixed((enum fixed_place)f->argument));
        case USE_LINK:
                ret->name_sec = f->needs_latest ? BRIEF_SEC : FOREVER_SEC;
                return fill_link(p, ret, node_link((enum link_kind)f->argument, 0));
        case USE_LATEST:
                ret->name_sec = BRIEF_SEC;
                return lookup_build(p, latest, ret, true);
        case USE_TEXT:
                return place_of_text(p, (enum text_kind)f->argument, 0, ret);
        }
        return -ENOENT;
}

static int place_in_overlay(
        const struct places *p, bool below_smartos, uint64_t dir, const char *name, struct place_entry *ret)
{
        struct overlay_entry o;
        int r = overlay_lookup(p->opts.overlay, dir, name, &o);

        if (r < 0)
                return r;
        ret->name_sec = BRIEF_SEC;
        return fill_overlay(p, ret, below_smartos, &o);
}

static int lookup_channel(const struct places *p, const char *name, struct place_entry *ret)
{
        AUTO_FREE char *build = NULL;
        struct catalog_view *v;
        const struct build *b;
        int r = inventory_channel(p->opts.inventory, name, &build, NULL);

        if (r < 0)
                return r;
        v = catalog_view_get(p->opts.catalog);
        b = strcmp(build, "latest") == 0 ? v->latest : catalog_view_by_name(v, build);
        r = b ? fill_link(p, ret, node_link(LINK_BUILD, b->object)) : -ENOENT;
        catalog_view_unref(v);
        return r;
}

static int lookup_smartos(const struct places *p, const char *name, struct place_entry *ret)
{
        struct catalog_view *v = catalog_view_get(p->opts.catalog);
        const struct build *b = catalog_view_by_name(v, name);
        int r = -ENOENT;

        if (b) {
                ret->name_sec = BRIEF_SEC;
                r = fill_entry(p, ret, b, 0);
        }
        catalog_view_unref(v);
        /* A channel, or an inventory that does not answer: then the overlay may still have the name. */
        if (r == -ENOENT)
                r = lookup_channel(p, name, ret);
        if (r < 0)
                r = place_in_overlay(p, true, OVERLAY_TOP, name, ret);
        return r;
}

/* In /images and /iso. */
static int lookup_other(const struct places *p, unsigned place, const char *name, struct place_entry *ret)
{
        struct catalog_view *v = catalog_view_get(p->opts.catalog);
        const struct build *b = place == PLACE_ISO ? catalog_view_iso(v, name) : catalog_view_image(v, name);
        int r = -ENOENT;

        if (b) {
                ret->name_sec = BRIEF_SEC;
                r = place == PLACE_ISO ? fill_iso(p, ret, b) : fill_entry(p, ret, b, 0);
        }
        catalog_view_unref(v);
        return r;
}

static int lookup_hosts(const struct places *p, const char *name, struct place_entry *ret)
{
        uint64_t mac;
        bool canonical;

        if (mac_parse(name, &mac, &canonical) < 0)
                return -ENOENT;
        ret->name_sec = FOREVER_SEC;
        return canonical ? fill_dir(p, ret, node_hostdir(mac, HOSTDIR_TOP))
                         : fill_link(p, ret, node_link(LINK_SPELLING, mac));
}

static int lookup_host_file(
        const struct places *p, const struct node *dir, const char *name, struct place_entry *ret)
{
        uint64_t mac = dir->object;

        if (dir->what != HOSTDIR_TOP) {
                struct text_entry t;
                int r = text_lookup_module(p->opts.texts, mac, name, dir->what == HOSTDIR_M, &t);

                return r < 0 ? r : fill_text(p, ret, &t);
        }
        for (unsigned i = 0; i < n_host_subdirs; i++)
                if (strcmp(host_subdirs[i].name, name) == 0) {
                        ret->name_sec = FOREVER_SEC;
                        return fill_dir(p, ret, node_hostdir(mac, host_subdirs[i].which));
                }
        for (unsigned i = 0; i < n_host_names; i++)
                if (strcmp(host_names[i].name, name) == 0)
                        return place_of_text(p, host_names[i].what, mac, ret);
        return -ENOENT;
}

typedef int by_fn(struct inventory *inv, const char *key, uint64_t *ret_mac, struct err *err);

static int lookup_by(const struct places *p, by_fn *by, const char *key, struct place_entry *ret)
{
        uint64_t mac;
        int r = by(p->opts.inventory, key, &mac, NULL);

        if (r == -ENOTUNIQ)
                return -ENOENT;
        return r < 0 ? r : fill_link(p, ret, node_link(LINK_HOST, mac));
}

/* A file that a loader asks for by the machine's MAC, UUID or address; else the plain file that stands there. */
static int lookup_loader_file(const struct places *p, unsigned place, const char *name, struct place_entry *ret)
{
        struct loader_file f;
        uint64_t dir;
        int r = loader_find(p->opts.inventory, place, name, &f);

        if (r == 0)
                r = place_of_text(p, f.what, f.mac, ret);
        if (r == -ENOTUNIQ)
                return -ENOENT; /* two hosts: neither, and no plain file in their place */
        if (r != -ENOENT || !loader_place(place))
                return r;
        r = loader_overlay(p->opts.overlay, place, &dir);
        return r < 0 ? r : place_in_overlay(p, false, dir, name, ret);
}

static int lookup_fixed_place(
        const struct places *p, unsigned place, const char *name, struct place_entry *ret)
{
        const struct fixed_name *f = fixed_name_find(place, name);
        int r;

        if (f)
                return lookup_fixed(p, f, ret);
        switch (place) {
        case PLACE_ROOT:
                r = lookup_loader_file(p, place, name, ret);
                return r == -ENOENT ? place_in_overlay(p, false, OVERLAY_TOP, name, ret) : r;
        case PLACE_PXELINUX:
        case PLACE_BOOT:
        case PLACE_GRUB:
                return lookup_loader_file(p, place, name, ret);
        case PLACE_SMARTOS:
                return lookup_smartos(p, name, ret);
        case PLACE_IMAGES:
        case PLACE_ISO:
                return lookup_other(p, place, name, ret);
        case PLACE_HOSTS:
                return lookup_hosts(p, name, ret);
        case PLACE_BY_NAME:
                return lookup_by(p, inventory_mac_by_name, name, ret);
        case PLACE_BY_IP:
                return lookup_by(p, inventory_mac_by_ip, name, ret);
        case PLACE_BY_UUID:
                return lookup_by(p, inventory_mac_by_uuid, name, ret);
        default:
                return -ENOENT;
        }
}

static bool is_shown(const struct places *p, const struct layout_entry *e)
{
        return !e->hidden || p->opts.show_root_password;
}

static int lookup_entry(
        const struct places *p, const struct node *parent, const char *name, struct place_entry *ret)
{
        struct catalog_view *v = catalog_view_get(p->opts.catalog);
        const struct build *b = catalog_view_by_object(v, parent->object);
        int r = -ESTALE;

        if (b && parent->detail < b->tree->n) {
                uint32_t e = layout_child(b->tree, parent->detail, name);

                ret->name_sec = FOREVER_SEC;
                r = e == LAYOUT_NONE || !is_shown(p, &b->tree->v[e]) ? -ENOENT : fill_entry(p, ret, b, e);
        }
        catalog_view_unref(v);
        return r;
}

int place_lookup(const struct places *p, const struct node *parent, const char *name, struct place_entry *ret)
{
        *ret = (struct place_entry) { .name_sec = 0 };
        switch (parent->kind) {
        case NODE_FIXED:
                return lookup_fixed_place(p, parent->what, name, ret);
        case NODE_ENTRY:
                return lookup_entry(p, parent, name, ret);
        case NODE_HOSTDIR:
                return lookup_host_file(p, parent, name, ret);
        case NODE_OVERLAYDIR:
                return place_in_overlay(p, parent->what, parent->object, name, ret);
        case NODE_TEXT:
        case NODE_LINK:
        case NODE_OVERLAY:
        case NODE_ISO:
                break;
        }
        return -ENOTDIR;
}

/* ---- by node ---- */

static int stat_entry(const struct places *p, const struct node *n, struct place_entry *ret)
{
        struct catalog_view *v = catalog_view_get(p->opts.catalog);
        const struct build *b = catalog_view_by_object(v, n->object);
        int r = !b ? -ESTALE : n->kind == NODE_ISO ? fill_iso(p, ret, b) : fill_entry(p, ret, b, n->detail);

        catalog_view_unref(v);
        return r;
}

int place_stat(const struct places *p, const struct node *n, struct place_entry *ret)
{
        struct overlay_entry o;
        struct text_entry t;
        int r;

        *ret = (struct place_entry) { .name_sec = 0 };
        switch (n->kind) {
        case NODE_FIXED:
        case NODE_HOSTDIR:
                return fill_dir(p, ret, node_encode(*n));
        case NODE_ENTRY:
        case NODE_ISO:
                return stat_entry(p, n, ret);
        case NODE_TEXT:
                r = text_stat(p->opts.texts, n, &t);
                return r < 0 ? r : fill_text(p, ret, &t);
        case NODE_LINK:
                return fill_link(p, ret, node_encode(*n));
        case NODE_OVERLAY:
        case NODE_OVERLAYDIR:
                r = overlay_stat(p->opts.overlay, n->object, n->kind == NODE_OVERLAYDIR, &o);
                return r < 0 ? r : fill_overlay(p, ret, n->what, &o);
        }
        return -ESTALE;
}

static int build_name(const struct places *p, uint64_t object, char **ret)
{
        struct catalog_view *v = catalog_view_get(p->opts.catalog);
        const struct build *b = catalog_view_by_object(v, object);
        int r = -ESTALE;

        if (b) {
                *ret = strdup(b->name);
                r = *ret ? 0 : -ENOMEM;
        }
        catalog_view_unref(v);
        return r;
}

int place_readlink(const struct places *p, const struct node *n, char **ret)
{
        char mac[MAC_TEXT_SIZE];
        const char *fixed = NULL;

        if (n->kind != NODE_LINK)
                return -EINVAL;
        switch ((enum link_kind)n->what) {
        case LINK_SPELLING:
                mac_format(n->object, mac);
                fixed = mac;
                break;
        case LINK_HOST:
                mac_format(n->object, mac);
                return asprintf(ret, "../hosts/%s", mac) < 0 ? -ENOMEM : 0;
        case LINK_BUILD:
                return build_name(p, n->object, ret);
        case LINK_OS:
                fixed = "smartos";
                break;
        case LINK_PLATFORM:
                fixed = "smartos/latest/platform";
                break;
        case LINK_SMARTOS_PLATFORM:
                fixed = "latest/platform";
                break;
        }
        if (!fixed)
                return -ESTALE;
        *ret = strdup(fixed);
        return *ret ? 0 : -ENOMEM;
}

static ssize_t read_entry(const struct places *p, const struct node *n, void *buf, size_t len, uint64_t off)
{
        struct catalog_view *v = catalog_view_get(p->opts.catalog);
        const struct build *b = catalog_view_by_object(v, n->object);
        /* Whoever has a condemned archive open shall not take it for one that was replaced, and open it once more. */
        ssize_t r = !b && catalog_has_condemned(p->opts.catalog, n->object) ? -EIO : -ESTALE;

        if (b && n->kind == NODE_ISO)
                r = b->iso ? source_pread(b->src, buf, len, off) : -ESTALE;
        else if (b && n->detail < b->tree->n)
                r = b->tree->v[n->detail].is_dir ? -EISDIR
                                                 : layout_pread(b->tree, b->src, n->detail, buf, len, off);
        catalog_view_unref(v);
        return r;
}

int place_borrow(
        const struct places *p, const struct node *n, size_t len, uint64_t off, struct place_loan *ret)
{
        struct catalog_view *v;
        const struct build *b;
        int r = -EOPNOTSUPP; /* place_read says what is wrong */

        if (n->kind != NODE_ENTRY)
                return r;
        v = catalog_view_get(p->opts.catalog);
        b = catalog_view_by_object(v, n->object);
        if (b)
                r = layout_borrow(b->tree, b->src, n->detail, len, off, &ret->bytes);
        if (r == 0)
                ret->view = v;
        else
                catalog_view_unref(v);
        return r;
}

void place_loan_end(struct place_loan *l)
{
        loan_end(&l->bytes);
        catalog_view_unref(l->view);
}

ssize_t place_read(const struct places *p, const struct node *n, void *buf, size_t len, uint64_t off)
{
        switch (n->kind) {
        case NODE_ENTRY:
        case NODE_ISO:
                return read_entry(p, n, buf, len, off);
        case NODE_TEXT:
                return text_read(p->opts.texts, n, buf, len, off);
        case NODE_OVERLAY:
                return overlay_pread(p->opts.overlay, n->object, buf, len, off);
        case NODE_FIXED:
        case NODE_HOSTDIR:
        case NODE_OVERLAYDIR:
                return -EISDIR;
        case NODE_LINK:
                break;
        }
        return -EINVAL;
}
