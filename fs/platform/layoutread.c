/* SPDX-License-Identifier: MPL-2.0 */
/* layoutread -- a layout that is made: look a name up, read a file's bytes.  See layout.h; layout.c makes it.
 *
 * Children stand consecutive and sorted (layout.c, invariant 1), so a name is found by halving.
 * Locks: none; a layout is immutable.
 */
#include "platform/layout.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void layout_free(struct layout *l)
{
        if (!l)
                return;
        free(l->v);
        free(l->extents);
        free(l->name);
        free(l->skipped_why);
        free(l->names);
        free(l);
}

static uint32_t child_n(const struct layout *l, uint32_t dir, const char *name, size_t len)
{
        uint32_t lo, hi;

        if (dir >= l->n || !l->v[dir].is_dir)
                return LAYOUT_NONE;
        lo = l->v[dir].first_child;
        hi = lo + l->v[dir].n_children;
        while (lo < hi) {
                uint32_t mid = lo + (hi - lo) / 2;
                const char *at = l->v[mid].name;
                int c = strncmp(at, name, len);

                if (c == 0 && at[len] == '\0')
                        return mid;
                if (c < 0)
                        lo = mid + 1;
                else
                        hi = mid;
        }
        return LAYOUT_NONE;
}

uint32_t layout_child(const struct layout *l, uint32_t dir, const char *name)
{
        return child_n(l, dir, name, strlen(name));
}

uint32_t layout_by_path(const struct layout *l, const char *path)
{
        uint32_t at = 0;

        while (*path && at != LAYOUT_NONE) {
                size_t len = strcspn(path, "/");

                at = child_n(l, at, path, len);
                path += len;
                while (*path == '/')
                        path++;
        }
        return at;
}

ssize_t layout_pread(const struct layout *l, struct source *src, uint32_t entry, void *buf, size_t len,
        uint64_t off_member)
{
        const struct layout_entry *e;

        if (entry >= l->n)
                return -ESTALE;
        e = &l->v[entry];
        if (e->is_dir)
                return -EISDIR;
        return extents_pread(e->n_extents ? l->extents + e->first_extent : NULL, e->n_extents, e->size_bytes,
                src, buf, len, off_member);
}

int layout_borrow(const struct layout *l, struct source *src, uint32_t entry, size_t len, uint64_t off_member,
        struct loan *ret)
{
        const struct layout_entry *e;

        if (entry >= l->n || l->v[entry].is_dir)
                return -EOPNOTSUPP; /* layout_pread says why */
        e = &l->v[entry];
        return extents_borrow(
                l->extents + e->first_extent, e->n_extents, e->size_bytes, src, len, off_member, ret);
}
