/* SPDX-License-Identifier: MPL-2.0 */
/* layout -- the archive's tree laid out as the tree below /smartos/<build>.
 *
 * First the archive's own names become one tree (pathtree.c), then what the mapping table takes over is
 * numbered breadth first, each directory's children sorted: so children are consecutive, look-ups are binary
 * searches, and the numbers follow from the names alone.
 *
 * An archive without a platform in it (a distribution's netboot.tar.gz, memtest, boot-<stamp>.tgz) is an image: all of
 * it is taken over as it is, by the same rules about names and links.
 *
 * Invariants
 *   1. Entry numbers, order and content depend only on the archive's bytes.
 *   2. parent < entry (but for 0), so that a path to the root always ends.
 *   3. An entry is a directory or a file with extents: links are already followed.
 * Limits: LAYOUT_MAX_ENTRIES.  Locks: none; immutable when made.
 */
#include "platform/layout.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "platform/buildname.h"
#include "platform/pathtree.h"

_Static_assert(PATHTREE_MAX <= LAYOUT_MAX_ENTRIES, "each name of an archive has an entry's number");

#define UNIX         "i86pc/kernel/amd64/unix"
#define BOOT_ARCHIVE "i86pc/amd64/boot_archive"

/* What of the archive's root appears at the build's root.  TOP is the directory that holds the kernel:
 * platform-<stamp>/ of a tarball, platform/ of an ISO.  The kernel looks for itself behind the first
 * "/platform/" of its path (illumos-gate usr/src/uts/i86pc/os/fakebop.c), so that is what TOP must be
 * called. */
static const struct {
        const char *in_archive; /* NULL: TOP */
        const char *in_tree;    /* NULL: known, left out without a word */
} mapping[] = {
        { NULL, "platform" }, { "boot", "boot" }, /* loader, of an ISO */
        { "etc", NULL },                          /* etc/version/boot of an ISO */
        { "boot.catalog", NULL },                 /* El Torito, of an ISO */
};

/* Files that are there but shown only on request; in an image, whatever is called so, wherever it stands. */
static const char *const hidden[] = { "platform/root.password" }; /* the rescue password, in clear */

/* Where an entry comes from. */
struct origin {
        uint32_t node;   /* links followed; the root's is the archive's root */
        size_t name_off; /* in names: the text moves while it grows */
};

struct maker {
        const struct members *m;
        struct source *src;
        struct err *err;
        struct pathtree t;
        struct skips skips;
        uint32_t top;     /* node */
        struct layout *l; /* owned until done */
        uint32_t cap;
        struct origin *from; /* owned; one for each entry */
        struct buf names;
        int64_t mtime_sec; /* of directories that the archive does not name */
};

static int no_memory(struct err *err)
{
        return err_set(err, -ENOMEM, "out of memory");
}

/* ---- what it is ------------------------------------------------------------------------------ */

static bool is_called(const struct pathnode *p, const char *name)
{
        return strlen(name) == p->len && memcmp(p->name, name, p->len) == 0;
}

static bool is_called_nearly(const struct pathnode *p, const char *name)
{
        return strlen(name) == p->len && strncasecmp(p->name, name, p->len) == 0;
}

/* .../i86pc/amd64/boot_archive, as @called says. */
static bool is_ramdisk(const struct pathtree *t, uint32_t node,
        bool (*called)(const struct pathnode *p, const char *name))
{
        const struct pathnode *p = &t->v[node], *up = &t->v[p->parent];

        return node != PATHTREE_ROOT && p->parent != PATHTREE_ROOT && called(p, "boot_archive") &&
               called(up, "amd64") && up->parent != PATHTREE_ROOT && called(&t->v[up->parent], "i86pc");
}

static bool ends_in(const struct pathnode *p, const char *suffix)
{
        size_t n = strlen(suffix);

        return p->len > n && strncasecmp(p->name + p->len - n, suffix, n) == 0;
}

/* What is the only file of the archive, or PATHTREE_NONE. */
static uint32_t only_file(const struct pathtree *t)
{
        uint32_t found = PATHTREE_NONE;

        for (uint32_t i = 1; i < t->n; i++)
                if (!t->v[i].is_dir) {
                        if (found != PATHTREE_NONE)
                                return PATHTREE_NONE;
                        found = i;
                }
        return found;
}

/* A build, or a CD of one, as it is downloaded. */
static bool is_download(const struct pathnode *p)
{
        static const char *const starts[] = { "platform-", "smartos-" };
        static const char *const ends[] = { ".tgz", ".tar", ".tar.gz", ".tar.xz", ".tar.zst", ".tar.bz2", ".iso" };
        bool starts_so = false, ends_so = false;

        for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++)
                starts_so |= p->len > strlen(starts[i]) && memcmp(p->name, starts[i], strlen(starts[i])) == 0;
        for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
                ends_so |= ends_in(p, ends[i]);
        return starts_so && ends_so;
}

/* Of an archive without a platform: whether somebody meant one, and packed it so that no loader finds it.  An image of it would
 * be served, and the build missed. */
static int refuse_near_miss(struct maker *k)
{
        uint32_t only = only_file(&k->t);

        for (uint32_t c = 1; c < k->t.n; c++) {
                const struct pathnode *p = &k->t.v[c];

                if (is_ramdisk(&k->t, c, is_called))
                        return err_set(k->err, -EBADMSG,
                                "its platform stands too deep: pack it below one directory platform-<stamp>/ "
                                "at the top");
                if (is_ramdisk(&k->t, c, is_called_nearly))
                        return err_set(k->err, -EBADMSG,
                                "its platform's names are in another case: i86pc/amd64/boot_archive is how "
                                "they are written; pack it as it was downloaded");
                if (ends_in(p, "\\amd64\\boot_archive") || ends_in(p, "\\amd64\\unix"))
                        return err_set(k->err, -EBADMSG,
                                "its platform's names have backslashes between directories (%.*s): pack it "
                                "with a tar that writes slashes",
                                (int)(p->len < 100 ? p->len : 100), p->name);
        }
        if (only != PATHTREE_NONE && is_download(&k->t.v[only]))
                return err_set(k->err, -EBADMSG,
                        "it holds nothing but %.*s: take that out of it, and put it into the builds directory",
                        (int)(k->t.v[only].len < 100 ? k->t.v[only].len : 100), k->t.v[only].name);
        return 0;
}

/* The directory at the archive's root that holds a kernel or a ramdisk; without one it is an image. */
static int find_top(struct maker *k)
{
        k->top = PATHTREE_NONE;
        for (uint32_t c = k->t.v[PATHTREE_ROOT].first_child; c != PATHTREE_NONE; c = k->t.v[c].next_sibling) {
                if (pathtree_walk(&k->t, c, UNIX) == PATHTREE_NONE &&
                        pathtree_walk(&k->t, c, BOOT_ARCHIVE) == PATHTREE_NONE)
                        continue;
                if (k->top != PATHTREE_NONE)
                        return err_set(k->err, -EBADMSG,
                                "it holds more than one platform: more than one directory with an i86pc/");
                k->top = c;
        }
        if (k->top != PATHTREE_NONE)
                return 0;
        if (pathtree_walk(&k->t, PATHTREE_ROOT, UNIX) != PATHTREE_NONE)
                return err_set(k->err, -EBADMSG,
                        "i86pc/ stands at its top: pack it below one directory platform-<stamp>/");
        k->l->image = true;
        return refuse_near_miss(k);
}

/* The two files without which nothing boots. */
static int check_required(struct maker *k, const char *path)
{
        uint32_t node = pathtree_walk(&k->t, k->top, path);
        const struct member *m;
        const char *why = NULL;

        if (node == PATHTREE_NONE)
                return err_set(k->err, -EBADMSG, "no %s in it", path);
        if (k->t.v[node].twice)
                return err_set(k->err, -EBADMSG, "%s stands in it twice: which one is meant?", path);
        node = pathtree_resolve(&k->t, node, &why);
        if (node == PATHTREE_NONE)
                return err_set(k->err, -EBADMSG, "%s: %s", path, why);
        m = pathtree_member(&k->t, node);
        if (!m || m->kind != MEMBER_FILE)
                return err_set(k->err, -EBADMSG, "%s is not a regular file", path);
        if (m->size_bytes == 0)
                return err_set(k->err, -EBADMSG, "%s is empty", path);
        k->mtime_sec = m->mtime_sec;
        return 0;
}

/* The first line of a small file of the archive; *ret stays "" if it is not there. */
static int read_line(struct maker *k, uint32_t dir, const char *path, char *ret, size_t size)
{
        uint32_t node = pathtree_walk(&k->t, dir, path);
        const struct member *m;
        const char *why;
        ssize_t n;

        ret[0] = '\0';
        if (node != PATHTREE_NONE)
                node = pathtree_resolve(&k->t, node, &why);
        m = node == PATHTREE_NONE ? NULL : pathtree_member(&k->t, node);
        if (!m || m->kind != MEMBER_FILE)
                return 0;
        n = extents_pread(m->n_extents ? k->m->extents + m->first_extent : NULL, m->n_extents, m->size_bytes,
                k->src, ret, size - 1, 0);
        if (n < 0)
                return err_sys(k->err, (int)n, "%s", path);
        ret[n] = '\0';
        ret[strcspn(ret, " \t\r\n")] = '\0';
        return 0;
}

static int name_it(struct maker *k)
{
        char version[BUILDNAME_MAX], boot[BUILDNAME_MAX];
        const struct pathnode *top = &k->t.v[k->top];
        AUTO_FREE char *top_name = strndup(top->name, top->len);
        struct buildname name;
        int r;

        if (!top_name)
                return no_memory(k->err);
        r = read_line(k, k->top, "etc/version/platform", version, sizeof version);
        if (r < 0)
                return r;
        r = read_line(k, PATHTREE_ROOT, "etc/version/boot", boot, sizeof boot);
        if (r < 0)
                return r;
        if (boot[0] && version[0] && strcmp(boot, version) != 0)
                return err_set(k->err, -EBADMSG,
                        "its loader is of build %s (etc/version/boot), its platform of build %s", boot,
                        version);
        r = buildname_make(top_name, version[0] ? version : NULL, &name, k->err);
        if (r < 0)
                return r;
        k->l->release = name.release;
        k->l->name = strdup(name.text);
        return k->l->name ? 0 : no_memory(k->err);
}

/* ---- numbering ------------------------------------------------------------------------------- */

/* One child on its way into the tree. */
struct item {
        const char *name;
        uint32_t len;
        uint32_t node; /* links followed */
};

static int by_name(const void *a, const void *b)
{
        const struct item *x = a, *y = b;
        uint32_t n = x->len < y->len ? x->len : y->len;
        int c = memcmp(x->name, y->name, n); /* as strcmp: bytes, unsigned */

        return c ? c : (x->len > y->len) - (x->len < y->len);
}

static void skip_node(struct maker *k, uint32_t node, const char *why)
{
        const char *whole = pathtree_full_name(&k->t, node);
        char name[PATH_MAX_NAME + 1];

        (void)snprintf(name, sizeof name, "%.*s", (int)k->t.v[node].len, k->t.v[node].name);
        skips_add(&k->skips, whole ? whole : name, why);
}

/* What becomes of @node: a file or directory, or PATHTREE_NONE if it is left out. */
static uint32_t judge(struct maker *k, uint32_t node)
{
        const char *why = NULL;
        uint32_t to = pathtree_resolve(&k->t, node, &why);

        if (to == PATHTREE_NONE)
                skip_node(k, node, why);
        else if (to != node && k->t.v[to].is_dir) {
                skip_node(k, node, "a link to a directory");
                to = PATHTREE_NONE;
        }
        return to;
}

static int add_entry(struct maker *k, uint32_t parent, const struct item *it)
{
        const struct member *m = pathtree_member(&k->t, it->node);
        struct layout *l = k->l;
        struct layout_entry *e;

        if (l->n == LAYOUT_MAX_ENTRIES)
                return err_set(k->err, -EBADMSG, "it holds more than %u names", LAYOUT_MAX_ENTRIES);
        if (l->n == k->cap) {
                uint32_t cap = k->cap ? k->cap * 2 : 32;
                struct layout_entry *v = reallocarray(l->v, cap, sizeof *v);
                struct origin *from;

                if (!v)
                        return no_memory(k->err);
                l->v = v;
                from = reallocarray(k->from, cap, sizeof *from);
                if (!from)
                        return no_memory(k->err);
                k->from = from;
                k->cap = cap;
        }
        e = &l->v[l->n];
        k->from[l->n++] = (struct origin) { it->node, k->names.len };
        *e = (struct layout_entry) { .parent = parent,
                .is_dir = k->t.v[it->node].is_dir,
                .mtime_sec = m ? m->mtime_sec : k->mtime_sec };
        buf_add(&k->names, it->name, it->len);
        buf_add(&k->names, "", 1);
        if (!e->is_dir && m) {
                e->size_bytes = m->size_bytes;
                e->first_extent = m->first_extent;
                e->n_extents = m->n_extents;
        }
        return buf_error(&k->names) < 0 ? no_memory(k->err) : 0;
}

static size_t count_children(const struct pathtree *t, uint32_t dir)
{
        size_t n = 0;

        for (uint32_t c = t->v[dir].first_child; c != PATHTREE_NONE; c = t->v[c].next_sibling)
                n++;
        return n;
}

/* Archive order for reports: siblings hang newest first. */
static int add_children(struct maker *k, uint32_t entry)
{
        uint32_t dir = k->from[entry].node;
        size_t n = count_children(&k->t, dir), n_items = 0, i = n;
        AUTO_FREE struct item *items = calloc(n ? n : 1, sizeof *items);
        int r = 0;

        if (!items)
                return no_memory(k->err);
        for (uint32_t c = k->t.v[dir].first_child; c != PATHTREE_NONE; c = k->t.v[c].next_sibling)
                items[--i].node = c;
        for (i = 0; i < n; i++) {
                uint32_t node = items[i].node, to = judge(k, node);

                if (to != PATHTREE_NONE)
                        items[n_items++] = (struct item) { k->t.v[node].name, k->t.v[node].len, to };
        }
        qsort(items, n_items, sizeof *items, by_name);
        k->l->v[entry].first_child = k->l->n;
        k->l->v[entry].n_children = (uint32_t)n_items;
        for (i = 0; r == 0 && i < n_items; i++)
                r = add_entry(k, entry, &items[i]);
        return r;
}

/* The entry a child of the archive's root becomes, or NULL; *ret_known if it is left out without a word. */
static const char *mapped(const struct maker *k, uint32_t node, bool *ret_known)
{
        const struct pathnode *p = &k->t.v[node];

        *ret_known = false;
        for (size_t i = 0; i < sizeof mapping / sizeof mapping[0]; i++) {
                const char *in = mapping[i].in_archive;

                if (in ? !is_called(p, in) || node == k->top : node != k->top)
                        continue;
                *ret_known = true;
                return mapping[i].in_tree && p->is_dir ? mapping[i].in_tree : NULL;
        }
        return NULL;
}

static int add_root(struct maker *k)
{
        struct item items[sizeof mapping / sizeof mapping[0]];
        size_t n = 0;
        int r = add_entry(k, 0, &(struct item) { "", 0, PATHTREE_ROOT });

        if (r < 0)
                return r;
        k->l->v[0].mtime_sec =
                pathtree_member(&k->t, k->top) ? pathtree_member(&k->t, k->top)->mtime_sec : k->mtime_sec;
        for (uint32_t c = k->t.v[PATHTREE_ROOT].first_child; c != PATHTREE_NONE; c = k->t.v[c].next_sibling) {
                bool known;
                const char *name = mapped(k, c, &known);

                if (name)
                        items[n++] = (struct item) { name, (uint32_t)strlen(name), c };
                else if (!known)
                        skip_node(k, c, "outside the platform directory");
        }
        qsort(items, n, sizeof *items, by_name);
        k->l->v[0].first_child = 1;
        k->l->v[0].n_children = (uint32_t)n;
        for (size_t i = 0; r == 0 && i < n; i++)
                r = add_entry(k, 0, &items[i]);
        return r;
}

/* Of an image, all that stands at the archive's root. */
static int add_image_root(struct maker *k)
{
        const struct member *root = pathtree_member(&k->t, PATHTREE_ROOT);
        int r;

        for (size_t i = 0; i < k->m->n; i++) /* what no member dates is as old as the newest */
                if (i == 0 || k->m->v[i].mtime_sec > k->mtime_sec)
                        k->mtime_sec = k->m->v[i].mtime_sec;
        r = add_entry(k, 0, &(struct item) { "", 0, PATHTREE_ROOT });
        if (r < 0)
                return r;
        k->l->v[0].mtime_sec = root ? root->mtime_sec : k->mtime_sec;
        r = add_children(k, 0);
        if (r == 0 && k->l->n == 1)
                return err_set(k->err, -EBADMSG, "it holds nothing that can be shown");
        return r;
}

/* Breadth first: the layout itself is the queue. */
static int add_all(struct maker *k)
{
        int r = k->l->image ? add_image_root(k) : add_root(k);

        for (uint32_t i = 1; r == 0 && i < k->l->n; i++)
                if (k->l->v[i].is_dir)
                        r = add_children(k, i);
        return r;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static int take_extents(struct maker *k)
{
        struct layout *l = k->l;

        if (k->m->n_extents == 0)
                return 0;
        l->extents = reallocarray(NULL, k->m->n_extents, sizeof *l->extents);
        if (!l->extents)
                return no_memory(k->err);
        memcpy(l->extents, k->m->extents, k->m->n_extents * sizeof *l->extents);
        l->n_extents = k->m->n_extents;
        return 0;
}

static bool is_hidden(const struct layout *l, uint32_t entry)
{
        for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++)
                if (strcmp(l->v[entry].name, strrchr(hidden[i], '/') + 1) == 0 &&
                        (l->image || entry == layout_by_path(l, hidden[i])))
                        return true;
        return false;
}

/* Hides what is to be, and every other name of the same bytes.  Linear: a hostile image may hold a million of them. */
static int hide(struct maker *k)
{
        struct layout *l = k->l;
        AUTO_FREE bool *marks = calloc(l->n_extents + 1, sizeof *marks); /* by first extent */

        if (!marks)
                return no_memory(k->err);
        for (uint32_t i = 1; i < l->n; i++)
                if (is_hidden(l, i)) {
                        l->v[i].hidden = true;
                        marks[l->v[i].first_extent] |= l->v[i].n_extents > 0;
                }
        for (uint32_t i = 1; i < l->n; i++)
                l->v[i].hidden |= !l->v[i].is_dir && l->v[i].n_extents > 0 && marks[l->v[i].first_extent];
        return 0;
}

static int finish(struct maker *k)
{
        struct layout *l = k->l;
        uint32_t hash;

        l->names = buf_take(&k->names, NULL);
        if (!l->names || buf_error(&k->skips.why) < 0)
                return no_memory(k->err);
        for (uint32_t i = 0; i < l->n; i++)
                l->v[i].name = l->names + k->from[i].name_off;
        l->n_skipped = k->skips.n;
        if (l->n_skipped) {
                l->skipped_why = buf_take(&k->skips.why, NULL);
                if (!l->skipped_why)
                        return no_memory(k->err);
        }
        if (hide(k) < 0)
                return -ENOMEM;
        l->unix_entry = l->boot_archive_entry = LAYOUT_NONE;
        if (l->image)
                return 0;
        hash = layout_by_path(l, "platform/" BOOT_ARCHIVE ".hash");
        l->has_hash = hash != LAYOUT_NONE && !l->v[hash].is_dir;
        l->unix_entry = layout_by_path(l, "platform/" UNIX);
        l->boot_archive_entry = layout_by_path(l, "platform/" BOOT_ARCHIVE);
        return 0;
}

static int check_build(struct maker *k)
{
        int r = check_required(k, BOOT_ARCHIVE);

        if (r == 0)
                r = check_required(k, UNIX);
        return r == 0 ? name_it(k) : r;
}

/* It is called after its file, which is not known here. */
static int name_image(struct maker *k)
{
        k->l->name = strdup("");
        return k->l->name ? 0 : no_memory(k->err);
}

static int make(struct maker *k)
{
        int r = pathtree_init(&k->t, k->m, &k->skips, k->err);

        if (r == 0)
                r = find_top(k);
        if (r == 0)
                r = k->l->image ? name_image(k) : check_build(k);
        if (r == 0)
                r = add_all(k);
        if (r == 0)
                r = take_extents(k);
        if (r == 0)
                r = finish(k);
        return r;
}

int layout_make(const struct members *m, struct source *src, struct layout **ret, struct err *err)
{
        struct maker k = { .m = m, .src = src, .err = err };
        int r;

        k.l = calloc(1, sizeof *k.l);
        if (!k.l)
                return no_memory(err);
        r = make(&k);
        pathtree_fini(&k.t);
        buf_fini(&k.skips.why);
        buf_fini(&k.names);
        free(k.from);
        if (r < 0)
                layout_free(k.l);
        else
                *ret = k.l;
        return r;
}
