/* SPDX-License-Identifier: MPL-2.0 */
/* list -- directory listings, from a key on.
 *
 * The keys of one directory are ranges, in this order, so that one number says where a listing is:
 *
 *   3 ...            fixed names, by their row in the table; in a build, children by entry number; in hosts/
 *                    and the by- directories the inventory's own keys; in hosts/<mac>/modules hashes of the names
 *   LOADERS ...      the hosts' files in pxelinux.cfg/ and boot/grub/, by MAC
 *   CHANNELS ...     channels, by their id
 *   BUILDS ...       builds, images and ISOs, by their object
 *   OVERLAY ...      files of the overlay, by a hash of their name
 *
 * Names that an earlier range has are left out of a later one, as lookup would never find them.
 */
#include "namespace/list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "namespace/loaders.h"
#include "namespace/names.h"

#define LOADERS      (UINT64_C(1) << 49)
#define HOST_SUBDIRS UINT64_C(1000) /* in hosts/<mac>, behind its files */
#define CHANNELS     (UINT64_C(1) << 50)
#define BUILDS       (UINT64_C(1) << 51)
#define OVERLAY      (UINT64_C(1) << 62)
#define UNKNOWN_INO  UINT64_C(0xffffffff) /* as libfuse's FUSE_UNKNOWN_INO: known only once it is looked up */

struct listing {
        const struct places *p;
        const struct node *dir;
        uint64_t base; /* of the range being listed */
        bool below_smartos;
        const struct catalog_view *view; /* where builds matter */
        place_list_fn *add;
        void *ctx;
        bool full;
};

static bool give(struct listing *l, const char *name, uint64_t node, mode_t type, uint64_t key)
{
        l->full = !l->add(l->ctx, name, node, type, key);
        return !l->full;
}

static uint64_t after_in(uint64_t after, uint64_t base)
{
        return after > base ? after - base : 0;
}

static void list_fixed(struct listing *l, uint64_t after)
{
        static const mode_t types[] = {
                [USE_DIR] = S_IFDIR, [USE_LINK] = S_IFLNK, [USE_LATEST] = S_IFLNK, [USE_TEXT] = S_IFREG
        };

        for (unsigned i = 0; i < n_fixed_names && !l->full; i++) {
                const struct fixed_name *f = &fixed_names[i];
                uint64_t key = i + PLACE_FIRST_KEY;

                if (f->parent != l->dir->what || key <= after || f->unlisted ||
                        (f->needs_latest && !l->view->latest))
                        continue;
                (void)give(l, f->name,
                        f->use == USE_DIR ? node_fixed((enum fixed_place)f->argument) : UNKNOWN_INO,
                        types[f->use], key);
        }
}

struct channel {
        uint64_t key;
        char *name; /* owned */
};

struct channels {
        struct channel *v;
        size_t n;
        int error;
};

static void channels_fini(struct channels *c)
{
        for (size_t i = 0; i < c->n; i++)
                free(c->v[i].name);
        free(c->v);
}

static bool collect_channel(void *ctx, uint64_t key, const char *name)
{
        struct channels *c = ctx;
        struct channel *v = reallocarray(c->v, c->n + 1, sizeof *v);

        c->error = -ENOMEM;
        if (!v)
                return false;
        c->v = v;
        v[c->n] = (struct channel) { key, strdup(name) };
        if (!v[c->n].name)
                return false;
        c->n++;
        c->error = 0;
        return true;
}

/* Channels that lead to a build.  They are collected first: asking for a channel's build inside the listing
 * would want a second connection to the inventory while the first is held. */
static int list_channels(struct listing *l, uint64_t after)
{
        AUTO_CLEAN(channels_fini) struct channels c = { 0 };
        struct inventory *inv = l->p->opts.inventory;

        (void)inventory_list_channels(inv, after_in(after, CHANNELS), collect_channel, &c, NULL);
        for (size_t i = 0; i < c.n && !l->full; i++) {
                AUTO_FREE char *build = NULL;

                if (fixed_name_find(PLACE_SMARTOS, c.v[i].name) ||
                        catalog_view_by_name(l->view, c.v[i].name) ||
                        inventory_channel(inv, c.v[i].name, &build, NULL) < 0)
                        continue;
                if (strcmp(build, "latest") == 0 ? l->view->latest != NULL
                                                 : catalog_view_by_name(l->view, build) != NULL)
                        (void)give(l, c.v[i].name, UNKNOWN_INO, S_IFLNK, CHANNELS + c.v[i].key);
        }
        return c.error;
}

/* A name that stands for an archive. */
struct item {
        const char *name;
        uint64_t object, node;
        mode_t type;
};

static int compare_object(const void *a, const void *b)
{
        const struct item *x = a, *y = b;

        return (x->object > y->object) - (x->object < y->object);
}

static void give_items(struct listing *l, struct item *v, size_t n, uint64_t after)
{
        qsort(v, n, sizeof *v, compare_object);
        for (size_t i = 0; i < n && !l->full; i++)
                if (BUILDS + v[i].object > after)
                        (void)give(l, v[i].name, v[i].node, v[i].type, BUILDS + v[i].object);
}

static int list_dirs(struct listing *l, struct build *const *builds, size_t n, uint64_t after)
{
        AUTO_FREE struct item *v = calloc(n + 1, sizeof *v);

        if (!v)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++)
                v[i] = (struct item) { builds[i]->name, builds[i]->object, node_entry(builds[i]->object, 0),
                        S_IFDIR };
        give_items(l, v, n, after);
        return 0;
}

static int list_isos(struct listing *l, uint64_t after)
{
        size_t n = l->view->n_isos;
        AUTO_FREE struct item *v = calloc(n + 1, sizeof *v);

        if (!v)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                const struct iso_file *f = &l->view->isos[i];

                v[i] = (struct item) { f->name, f->build->object, node_iso(f->build->object), S_IFREG };
        }
        give_items(l, v, n, after);
        return 0;
}

static bool add_overlay(void *ctx, uint64_t key, const char *name, bool is_dir)
{
        struct listing *l = ctx;

        if (l->dir->kind == NODE_FIXED && fixed_name_find(l->dir->what, name))
                return true;
        if (l->below_smartos && l->dir->kind == NODE_FIXED && catalog_view_by_name(l->view, name))
                return true;
        return give(l, name, UNKNOWN_INO, is_dir ? S_IFDIR : S_IFREG, l->base + key);
}

static int list_overlay(struct listing *l, uint64_t dir, uint64_t after)
{
        l->base = OVERLAY;
        return l->full ? 0 : overlay_list(l->p->opts.overlay, dir, after_in(after, OVERLAY), add_overlay, l);
}

/* An inventory that does not answer takes its names away, not the builds'. */
static int list_top(struct listing *l, uint64_t after)
{
        int r = 0;

        list_fixed(l, after);
        if (l->below_smartos && !l->full && after < BUILDS)
                r = list_channels(l, after);
        if (r == 0 && l->below_smartos && !l->full)
                r = list_dirs(l, l->view->builds, l->view->n_builds, after);
        return r < 0 ? r : list_overlay(l, OVERLAY_TOP, after);
}

static bool add_mac(void *ctx, uint64_t key, const char *name)
{
        return give(ctx, name, node_hostdir(key, HOSTDIR_TOP), S_IFDIR, key + PLACE_FIRST_KEY);
}

static bool add_link(void *ctx, uint64_t key, const char *name)
{
        return give(ctx, name, UNKNOWN_INO, S_IFLNK, key + PLACE_FIRST_KEY);
}

/* Rows that cannot be read are an error of the directory, not an empty one. */
static int list_inventory(struct listing *l, uint64_t after)
{
        struct inventory *inv = l->p->opts.inventory;
        uint64_t from = after_in(after, PLACE_FIRST_KEY);
        int r = 0;

        if (l->p->opts.nolist)
                return 0;
        switch (l->dir->what) {
        case PLACE_HOSTS:
                r = inventory_list_macs(inv, from, add_mac, l, NULL);
                break;
        case PLACE_BY_NAME:
                r = inventory_list_names(inv, from, add_link, l, NULL);
                break;
        case PLACE_BY_IP:
                r = inventory_list_ips(inv, from, add_link, l, NULL);
                break;
        case PLACE_BY_UUID:
                r = inventory_list_uuids(inv, from, add_link, l, NULL);
                break;
        default:
                break;
        }
        return r < 0 && r != -ENOMEM ? -EIO : r;
}

static bool add_loader_file(void *ctx, uint64_t key, const char *name)
{
        struct listing *l = ctx;
        char text[LOADER_NAME_SIZE];

        (void)name;
        loader_name(l->dir->what, key, text);
        return give(l, text, UNKNOWN_INO, S_IFREG, LOADERS + key);
}

/* Fixed names, the known hosts' files, plain files. */
static int list_loader_place(struct listing *l, uint64_t after)
{
        char text[LOADER_NAME_SIZE];
        uint64_t dir;
        int r = 0;

        list_fixed(l, after);
        loader_name(l->dir->what, 1, text);
        if (text[0] && !l->full && !l->p->opts.nolist && after < CHANNELS)
                r = inventory_list_macs(
                        l->p->opts.inventory, after_in(after, LOADERS), add_loader_file, l, NULL);
        if (r < 0)
                return r == -ENOMEM ? r : -EIO;
        r = loader_overlay(l->p->opts.overlay, l->dir->what, &dir);
        return r < 0 ? (r == -ENOENT ? 0 : r) : list_overlay(l, dir, after);
}

static int list_fixed_place(struct listing *l, uint64_t after)
{
        switch (l->dir->what) {
        case PLACE_ROOT:
                return list_top(l, after);
        case PLACE_SMARTOS:
                l->below_smartos = true;
                return list_top(l, after);
        case PLACE_DAEMON:
                list_fixed(l, after);
                return 0;
        case PLACE_PXELINUX:
        case PLACE_BOOT:
        case PLACE_GRUB:
                return list_loader_place(l, after);
        case PLACE_IMAGES:
                return list_dirs(l, l->view->images, l->view->n_images, after);
        case PLACE_ISO:
                return list_isos(l, after);
        default:
                return list_inventory(l, after);
        }
}

static int list_build(struct listing *l, uint64_t after)
{
        const struct build *b = catalog_view_by_object(l->view, l->dir->object);
        uint64_t next = after >= PLACE_FIRST_KEY ? after - PLACE_FIRST_KEY + 1 : 0;
        const struct layout_entry *d;

        if (!b || l->dir->detail >= b->tree->n)
                return -ESTALE;
        d = &b->tree->v[l->dir->detail];
        if (!d->is_dir)
                return -ENOTDIR;
        for (uint64_t i = next > d->first_child ? next : d->first_child;
                i < d->first_child + d->n_children && !l->full; i++) {
                const struct layout_entry *e = &b->tree->v[i];

                if (e->hidden && !l->p->opts.show_root_password)
                        continue;
                (void)give(l, e->name, node_entry(b->object, (uint32_t)i), e->is_dir ? S_IFDIR : S_IFREG,
                        i + PLACE_FIRST_KEY);
        }
        return 0;
}

static bool add_module(void *ctx, uint64_t key, const char *name)
{
        return give(ctx, name, UNKNOWN_INO, S_IFREG, key + PLACE_FIRST_KEY);
}

static int list_host(struct listing *l, uint64_t after)
{
        const struct node *dir = l->dir;

        if (dir->what == HOSTDIR_MODULES && !l->p->opts.nolist)
                return text_list_modules(
                        l->p->opts.texts, dir->object, after_in(after, PLACE_FIRST_KEY), add_module, l);
        if (dir->what != HOSTDIR_TOP)
                return 0;
        for (unsigned i = 0; i < n_host_names && !l->full; i++)
                if (i + PLACE_FIRST_KEY > after)
                        (void)give(l, host_names[i].name, UNKNOWN_INO, S_IFREG, i + PLACE_FIRST_KEY);
        for (unsigned i = 0; i < n_host_subdirs && !l->full; i++)
                if (host_subdirs[i].listed && HOST_SUBDIRS + i > after)
                        (void)give(l, host_subdirs[i].name, node_hostdir(dir->object, host_subdirs[i].which),
                                S_IFDIR, HOST_SUBDIRS + i);
        return 0;
}

int place_list(const struct places *p, const struct node *dir, uint64_t after, place_list_fn *add, void *ctx)
{
        struct catalog_view *v = catalog_view_get(p->opts.catalog);
        struct listing l = { .p = p, .dir = dir, .view = v, .add = add, .ctx = ctx };
        int r = -ENOTDIR;

        switch (dir->kind) {
        case NODE_FIXED:
                r = list_fixed_place(&l, after);
                break;
        case NODE_ENTRY:
                r = list_build(&l, after);
                break;
        case NODE_HOSTDIR:
                r = list_host(&l, after);
                break;
        case NODE_OVERLAYDIR:
                r = list_overlay(&l, dir->object, after);
                break;
        case NODE_TEXT:
        case NODE_LINK:
        case NODE_OVERLAY:
        case NODE_ISO:
                break;
        }
        catalog_view_unref(v);
        return r;
}
