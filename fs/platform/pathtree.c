/* SPDX-License-Identifier: MPL-2.0 */
/* pathtree -- every name of the archive put into one tree, hostile or not; see pathtree.h and docs/layout.md.
 *
 * Nothing is ever unpacked, so a name cannot reach outside by itself; but one that tries to was made by
 * somebody who meant to, and such an archive is refused as a whole.  A symbolic link is different: a decent
 * archiver makes one that points out of its tree, so it is only left out.
 *
 * Invariants
 *   1. A node has children only if it is a directory, and a name is either a directory or not: an archive
 *      that says both (also: a link with entries behind it) is refused.
 *   2. No component is empty, ".", "..", longer than 255 bytes, or holds a control character; no path is
 *      deeper than 64.
 *   3. Resolving ends: at most PATH_MAX_HOPS links, each step inside the tree.
 *   4. What is found does not depend on the hash seed: it only spreads (parent, name) over the slots.
 *   5. A hard link is settled where it stands in the archive, as link(2) would when unpacking: it is another name of
 *      what its target was then.  If the target is replaced later, the link keeps the old content (tar -r and -u write
 *      such archives); a target that comes later was not there (GNU tar: "Cannot hard link to", and no file); a link to
 *      a symbolic link is that symbolic link, read from the new name's directory; and one that changes nothing, like
 *      the link to itself that GNU tar writes for a file named twice on its command line, is no second entry.
 * Limits: PATHTREE_MAX.  Locks: none; immutable after pathtree_init.
 */
#include "platform/pathtree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* ---- the hash -------------------------------------------------------------------------------- */

/* FNV-1a from a secret start: names that fall into one slot cannot be prepared. */
static uint32_t slot_of(const struct pathtree *t, uint32_t parent, const char *name, size_t len)
{
        uint64_t h = (t->seed ^ parent) * UINT64_C(0x9e3779b97f4a7c15);

        for (size_t i = 0; i < len; i++)
                h = (h ^ (unsigned char)name[i]) * UINT64_C(0x100000001b3);
        return (uint32_t)((h ^ (h >> 32)) & (t->n_slots - 1));
}

static void put_slot(struct pathtree *t, uint32_t node)
{
        const struct pathnode *p = &t->v[node];
        uint32_t s = slot_of(t, p->parent, p->name, p->len);

        while (t->slots[s])
                s = (s + 1) & (t->n_slots - 1);
        t->slots[s] = node + 1;
}

uint32_t pathtree_child(const struct pathtree *t, uint32_t dir, const char *name, size_t len)
{
        uint32_t s = slot_of(t, dir, name, len);

        for (; t->slots[s]; s = (s + 1) & (t->n_slots - 1)) {
                const struct pathnode *p = &t->v[t->slots[s] - 1];

                if (p->parent == dir && p->len == len && memcmp(p->name, name, len) == 0)
                        return t->slots[s] - 1;
        }
        return PATHTREE_NONE;
}

static int grow(struct pathtree *t)
{
        uint32_t cap = t->cap ? t->cap * 2 : 64, *slots;
        struct pathnode *v;

        while (cap < t->m->n && cap < PATHTREE_MAX)
                cap *= 2;
        v = reallocarray(t->v, cap, sizeof *v);
        if (!v)
                return -ENOMEM;
        t->v = v;
        slots = calloc((size_t)cap * 2, sizeof *slots);
        if (!slots)
                return -ENOMEM;
        free(t->slots);
        t->slots = slots;
        t->cap = cap;
        t->n_slots = cap * 2;
        for (uint32_t i = 0; i < t->n; i++)
                put_slot(t, i);
        return 0;
}

/* ---- names ----------------------------------------------------------------------------------- */

struct comp {
        const char *p;
        uint32_t len;
};

/* The next component at *@p, stepping over "/" and ".": len 0 at the end. */
static struct comp next_comp(const char **p)
{
        for (;;) {
                struct comp c;

                while (**p == '/')
                        (*p)++;
                c = (struct comp) { *p, (uint32_t)strcspn(*p, "/") };
                *p += c.len;
                if (!(c.len == 1 && c.p[0] == '.'))
                        return c;
        }
}

static bool is_dotdot(struct comp c)
{
        return c.len == 2 && c.p[0] == '.' && c.p[1] == '.';
}

/* A name that would leave the directory it is unpacked in, if one did. */
static const char *leaves(const char *name)
{
        const char *p = name;
        struct comp c;

        if (name[0] == '/')
                return "an absolute name";
        while ((c = next_comp(&p)).len)
                if (is_dotdot(c))
                        return "a name with \"..\"";
        return NULL;
}

/* A name that cannot be shown, though it does no harm. */
static const char *unfit(const char *name)
{
        const char *p = name;
        unsigned depth = 0;
        struct comp c;

        for (const char *q = name; *q; q++)
                if ((unsigned char)*q < 0x20 || *q == 0x7f)
                        return "a control character in its name";
        while ((c = next_comp(&p)).len) {
                if (c.len > PATH_MAX_NAME)
                        return "a name of more than 255 bytes";
                if (++depth > PATH_MAX_DEPTH)
                        return "more than 64 directories deep";
        }
        return NULL;
}

/* ---- building -------------------------------------------------------------------------------- */

static int add_node(struct pathtree *t, uint32_t parent, struct comp c, uint32_t *ret, struct err *err)
{
        struct pathnode *p;

        if (t->n >= PATHTREE_MAX)
                return err_set(err, -EBADMSG, "it holds more than %u names", PATHTREE_MAX);
        if (t->n == t->cap && grow(t) < 0)
                return err_set(err, -ENOMEM, "out of memory");
        p = &t->v[t->n];
        *p = (struct pathnode) { .name = c.p,
                .len = c.len,
                .parent = parent,
                .first_child = PATHTREE_NONE,
                .next_sibling = PATHTREE_NONE,
                .named_by = PATHTREE_NONE,
                .member = PATHTREE_NONE,
                .is_dir = true };
        if (t->n != PATHTREE_ROOT) {
                p->next_sibling = t->v[parent].first_child;
                t->v[parent].first_child = t->n;
        }
        put_slot(t, t->n);
        *ret = t->n++;
        return 0;
}

/* Invariant 5: the member whose content hard link @m has, PATHTREE_NONE if there is none at this place of the archive.
 * @ret_why: NULL, or why the link is left out. */
static int hard_link_source(const struct pathtree *t, const struct member *m, uint32_t *ret,
        const char **ret_why, struct err *err)
{
        const char *p = m->link;
        uint32_t at = PATHTREE_ROOT;
        struct comp c;

        *ret = PATHTREE_NONE;
        *ret_why = NULL;
        while (at != PATHTREE_NONE && (c = next_comp(&p)).len) {
                const struct member *on_way = pathtree_member(t, at);

                if (!t->v[at].is_dir && on_way && on_way->kind == MEMBER_SYMLINK)
                        return err_set(err, -EBADMSG,
                                "%s: a hard link to %s, which leads through a symbolic link", m->name,
                                m->link);
                at = t->v[at].is_dir ? pathtree_child(t, at, c.p, c.len) : PATHTREE_NONE;
        }
        if (at == PATHTREE_NONE)
                *ret_why = "a hard link to a name that is not in the archive before it";
        else if (t->v[at].is_dir)
                return err_set(err, -EBADMSG, "%s: a hard link to %s, a directory", m->name, m->link);
        else
                *ret = t->v[at].member;
        return 0;
}

/* Hangs member @i, whose content is that of member @content, at node @at, which may be there already. */
static int settle(struct pathtree *t, uint32_t at, bool is_new, uint32_t i, uint32_t content,
        struct skips *skips, struct err *err)
{
        const struct member *m = &t->m->v[i];
        struct pathnode *p = &t->v[at];
        bool is_dir = m->kind == MEMBER_DIR;

        if (!is_new && p->is_dir != is_dir)
                return err_set(
                        err, -EBADMSG, "%s: it is a directory and something else in one archive", m->name);
        if (!is_new && m->kind == MEMBER_HARDLINK && p->member == content)
                return 0; /* it has this content already */
        if (!is_new && !is_dir) {
                p->twice = true;
                skips_add(skips, m->name, "stands twice, the last one counts");
        }
        p->is_dir = is_dir;
        p->named_by = i;
        p->member = content;
        return 0;
}

static int add_member(struct pathtree *t, uint32_t i, struct skips *skips, struct err *err)
{
        const struct member *m = &t->m->v[i];
        const char *p = m->name, *why = leaves(m->name);
        uint32_t at = PATHTREE_ROOT, content = i;
        struct comp c = next_comp(&p);
        bool is_new = false;
        int r;

        if (why)
                return err_set(
                        err, -EBADMSG, "%s: %s: the archive tries to leave its directory", m->name, why);
        if (m->kind == MEMBER_HARDLINK && (why = leaves(m->link)))
                return err_set(err, -EBADMSG,
                        "%s: a hard link to %s (%s): the archive tries to leave its directory", m->name,
                        m->link, why);
        why = unfit(m->name);
        if (why) {
                skips_add(skips, m->name, why);
                return 0;
        }
        if (c.len == 0 && m->kind != MEMBER_DIR) {
                skips_add(skips, m->name, "no name");
                return 0;
        }
        if (m->kind == MEMBER_HARDLINK) {
                r = hard_link_source(t, m, &content, &why, err);
                if (r < 0)
                        return r;
                if (why) {
                        skips_add(skips, m->name, why);
                        return 0;
                }
        }
        while (c.len) {
                uint32_t child = pathtree_child(t, at, c.p, c.len);

                if (!t->v[at].is_dir)
                        return err_set(
                                err, -EBADMSG, "%s: it goes through a name that is no directory", m->name);
                is_new = child == PATHTREE_NONE;
                if (is_new) {
                        r = add_node(t, at, c, &child, err);
                        if (r < 0)
                                return r;
                }
                at = child;
                c = next_comp(&p);
        }
        return settle(t, at, is_new, i, content, skips, err);
}

int pathtree_init(struct pathtree *t, const struct members *m, struct skips *skips, struct err *err)
{
        uint32_t root;
        int r;

        *t = (struct pathtree) { .m = m };
        if (getrandom(&t->seed, sizeof t->seed, GRND_NONBLOCK) < 0)
                t->seed = (uint64_t)(uintptr_t)m; /* too early in the boot: better than none */
        r = add_node(t, PATHTREE_ROOT, (struct comp) { "", 0 }, &root, err);
        for (size_t i = 0; r == 0 && i < m->n; i++)
                r = add_member(t, (uint32_t)i, skips, err);
        return r;
}

void pathtree_fini(struct pathtree *t)
{
        free(t->v);
        free(t->slots);
}

/* ---- looking --------------------------------------------------------------------------------- */

const struct member *pathtree_member(const struct pathtree *t, uint32_t node)
{
        return t->v[node].member == PATHTREE_NONE ? NULL : &t->m->v[t->v[node].member];
}

const char *pathtree_full_name(const struct pathtree *t, uint32_t node)
{
        return t->v[node].named_by == PATHTREE_NONE ? NULL : t->m->v[t->v[node].named_by].name;
}

uint32_t pathtree_walk(const struct pathtree *t, uint32_t dir, const char *path)
{
        struct comp c;

        while (dir != PATHTREE_NONE && (c = next_comp(&path)).len)
                dir = t->v[dir].is_dir ? pathtree_child(t, dir, c.p, c.len) : PATHTREE_NONE;
        return dir;
}

static uint32_t resolve(struct pathtree *t, uint32_t node, unsigned *hops, const char **ret_why);

/* The node of @path as seen from @dir, its links followed. */
static uint32_t follow(
        struct pathtree *t, uint32_t dir, const char *path, unsigned *hops, const char **ret_why)
{
        struct comp c;

        while ((c = next_comp(&path)).len) {
                if (++t->steps > PATHTREE_MAX_STEPS) {
                        *ret_why = "its links take too long to follow";
                        return PATHTREE_NONE;
                }
                if (!t->v[dir].is_dir) {
                        *ret_why = "a link through something that is no directory";
                        return PATHTREE_NONE;
                }
                if (is_dotdot(c)) {
                        if (dir == PATHTREE_ROOT) {
                                *ret_why = "a link that leaves the archive";
                                return PATHTREE_NONE;
                        }
                        dir = t->v[dir].parent;
                        continue;
                }
                dir = pathtree_child(t, dir, c.p, c.len);
                if (dir == PATHTREE_NONE) {
                        *ret_why = "a link to a name that is not in the archive";
                        return PATHTREE_NONE;
                }
                dir = resolve(t, dir, hops, ret_why);
                if (dir == PATHTREE_NONE)
                        return PATHTREE_NONE;
        }
        return dir;
}

/* Recursion is bounded by PATH_MAX_HOPS: each level follows one more link. */
static uint32_t resolve(struct pathtree *t, uint32_t node, unsigned *hops, const char **ret_why)
{
        const struct member *m = pathtree_member(t, node);

        if (!t->v[node].is_dir && m->kind == MEMBER_SPECIAL) {
                *ret_why = "a device, FIFO or socket";
                return PATHTREE_NONE;
        }
        if (t->v[node].is_dir || m->kind != MEMBER_SYMLINK)
                return node;
        if (++*hops > PATH_MAX_HOPS) {
                *ret_why = "a link that leads round in a circle, or through more than 40 others";
                return PATHTREE_NONE;
        }
        if (m->link[0] == '/' || m->link[0] == '\0') {
                *ret_why = m->link[0] ? "a link that leaves the archive" : "an empty link";
                return PATHTREE_NONE;
        }
        return follow(t, t->v[node].parent, m->link, hops, ret_why);
}

uint32_t pathtree_resolve(struct pathtree *t, uint32_t node, const char **ret_why)
{
        unsigned hops = 0;

        return resolve(t, node, &hops, ret_why);
}
