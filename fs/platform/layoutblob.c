/* SPDX-License-Identifier: MPL-2.0 */
/* layoutblob -- fixed records in native byte order: catalog.db never leaves its machine.
 *
 *   head | entries | extents | name\0 | skipped_why\0 | entry names, each with its \0
 *
 * A row's checksum (catalogrow.c) tells accidents.  What is checked here is what the rest of the program
 * relies on, so that even a wrong blob with a right checksum cannot make it read outside an array or outside
 * the stream.
 * A change of the records needs a new VERSION: an old blob then costs one more scan.
 *
 * Locks: none.
 */
#include "platform/layoutblob.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "platform/buildname.h"

#define MAGIC   0x4f4c5850u /* "PXLO" */
#define VERSION 2u

enum { L_RELEASE = 1, L_HAS_HASH = 2, L_SKIPPED_WHY = 4, L_IMAGE = 8 };
enum { E_DIR = 1, E_HIDDEN = 2 };

struct head {
        uint32_t magic, version;
        uint32_t n, unix_entry, boot_archive_entry, n_skipped, flags, zero;
        uint64_t n_extents, text_bytes;
};

struct packed_entry {
        uint64_t size_bytes;
        int64_t mtime_sec;
        uint64_t first_extent, n_extents;
        uint32_t parent, first_child, n_children, flags;
};

struct packed_extent {
        uint64_t off_member, off_raw, len_bytes;
};

void layout_pack(const struct layout *l, struct buf *b)
{
        size_t names = (size_t)(l->v[l->n - 1].name - l->names) + strlen(l->v[l->n - 1].name) + 1;
        size_t name = strlen(l->name) + 1, why = l->skipped_why ? strlen(l->skipped_why) + 1 : 0;
        struct head h = { MAGIC, VERSION, l->n, l->unix_entry, l->boot_archive_entry, l->n_skipped,
                (l->release ? L_RELEASE : 0u) | (l->has_hash ? L_HAS_HASH : 0u) |
                        (l->skipped_why ? L_SKIPPED_WHY : 0u) | (l->image ? L_IMAGE : 0u),
                0, l->n_extents, name + why + names };

        buf_add(b, &h, sizeof h);
        for (uint32_t i = 0; i < l->n; i++) {
                const struct layout_entry *e = &l->v[i];
                struct packed_entry p = { e->size_bytes, e->mtime_sec, e->first_extent, e->n_extents,
                        e->parent, e->first_child, e->n_children,
                        (e->is_dir ? E_DIR : 0u) | (e->hidden ? E_HIDDEN : 0u) };

                buf_add(b, &p, sizeof p);
        }
        for (size_t i = 0; i < l->n_extents; i++) {
                struct packed_extent p = { l->extents[i].off_member, l->extents[i].off_raw,
                        l->extents[i].len_bytes };

                buf_add(b, &p, sizeof p);
        }
        buf_add(b, l->name, name);
        if (why)
                buf_add(b, l->skipped_why, why);
        buf_add(b, l->names, names);
}

/* ---- reading --------------------------------------------------------------------------------- */

static bool head_fits(const struct head *h, size_t len)
{
        size_t left = len - sizeof *h;

        if (h->magic != MAGIC || h->version != VERSION || h->n == 0 || h->n > LAYOUT_MAX_ENTRIES)
                return false;
        if (left < h->n * sizeof(struct packed_entry))
                return false;
        left -= h->n * sizeof(struct packed_entry);
        if (h->n_extents > left / sizeof(struct packed_extent))
                return false;
        return h->text_bytes == left - h->n_extents * sizeof(struct packed_extent);
}

static bool extents_sound(const struct extent *v, size_t n, uint64_t size_bytes, uint64_t raw_bytes)
{
        uint64_t end = 0;

        for (size_t i = 0; i < n; i++) {
                if (v[i].off_member < end || v[i].off_member > size_bytes ||
                        v[i].len_bytes > size_bytes - v[i].off_member || v[i].len_bytes == 0 ||
                        v[i].off_raw > raw_bytes || v[i].len_bytes > raw_bytes - v[i].off_raw)
                        return false;
                end = v[i].off_member + v[i].len_bytes;
        }
        return true;
}

static bool entry_sound(const struct layout *l, uint32_t i, uint64_t raw_bytes)
{
        const struct layout_entry *e = &l->v[i];

        if (i > 0 && (e->parent >= i || !l->v[e->parent].is_dir || !*e->name || strchr(e->name, '/')))
                return false;
        if (i == 0 && (e->parent != 0 || !e->is_dir))
                return false;
        if (!e->is_dir)
                return e->n_children == 0 && e->first_extent <= l->n_extents &&
                       e->n_extents <= l->n_extents - e->first_extent &&
                       (e->n_extents == 0 || extents_sound(l->extents + e->first_extent, e->n_extents,
                                                     e->size_bytes, raw_bytes));
        if (e->n_children > 0 &&
                (e->first_child <= i || e->first_child > l->n || e->n_children > l->n - e->first_child))
                return false;
        for (uint32_t c = e->first_child; c < e->first_child + e->n_children; c++)
                if (l->v[c].parent != i ||
                        (c > e->first_child && strcmp(l->v[c - 1].name, l->v[c].name) >= 0))
                        return false;
        return e->size_bytes == 0 && e->n_extents == 0;
}

static bool is_file(const struct layout *l, uint32_t e)
{
        return e < l->n && !l->v[e].is_dir && l->v[e].size_bytes > 0;
}

static bool sound(const struct layout *l, uint64_t raw_bytes)
{
        for (uint32_t i = 0; i < l->n; i++)
                if (!entry_sound(l, i, raw_bytes))
                        return false;
        if (l->image)
                return !*l->name && !l->release && !l->has_hash && l->unix_entry == LAYOUT_NONE &&
                       l->boot_archive_entry == LAYOUT_NONE;
        return is_file(l, l->unix_entry) && is_file(l, l->boot_archive_entry) &&
               stamp_is_valid(buildname_stamp(l->name), strlen(buildname_stamp(l->name)));
}

/* The next string of the text, or NULL if it does not end. */
static const char *next_text(const char **p, size_t *left)
{
        const char *s = *p;
        size_t n = strnlen(s, *left);

        if (n == *left)
                return NULL;
        *p += n + 1;
        *left -= n + 1;
        return s;
}

static int copy_texts(struct layout *l, const struct head *h, const char *p, size_t left)
{
        const char *name = next_text(&p, &left);
        const char *why = h->flags & L_SKIPPED_WHY ? next_text(&p, &left) : NULL;

        if (!name || ((h->flags & L_SKIPPED_WHY) && !why) || left == 0)
                return -EBADMSG;
        l->name = strdup(name);
        l->skipped_why = why ? strdup(why) : NULL;
        l->names = malloc(left);
        if (!l->name || (why && !l->skipped_why) || !l->names)
                return -ENOMEM;
        memcpy(l->names, p, left);
        p = l->names;
        for (uint32_t i = 0; i < l->n; i++) {
                l->v[i].name = next_text(&p, &left);
                if (!l->v[i].name)
                        return -EBADMSG;
        }
        return left == 0 ? 0 : -EBADMSG;
}

static void copy_records(struct layout *l, const char *p)
{
        for (uint32_t i = 0; i < l->n; i++, p += sizeof(struct packed_entry)) {
                struct packed_entry e;

                memcpy(&e, p, sizeof e);
                l->v[i] = (struct layout_entry) { .parent = e.parent,
                        .first_child = e.first_child,
                        .n_children = e.n_children,
                        .is_dir = e.flags & E_DIR,
                        .hidden = e.flags & E_HIDDEN,
                        .mtime_sec = e.mtime_sec,
                        .size_bytes = e.size_bytes,
                        .first_extent = e.first_extent,
                        .n_extents = e.n_extents };
        }
        for (size_t i = 0; i < l->n_extents; i++, p += sizeof(struct packed_extent)) {
                struct packed_extent e;

                memcpy(&e, p, sizeof e);
                l->extents[i] = (struct extent) { e.off_member, e.off_raw, e.len_bytes };
        }
}

static void layout_freep(struct layout **l)
{
        layout_free(*l);
}

int layout_unpack(const void *p, size_t len, uint64_t raw_bytes, struct layout **ret)
{
        AUTO_CLEAN(layout_freep) struct layout *l = NULL;
        struct head h;
        size_t records;
        int r;

        if (len < sizeof h)
                return -EBADMSG;
        memcpy(&h, p, sizeof h);
        if (!head_fits(&h, len))
                return -EBADMSG;
        l = calloc(1, sizeof *l);
        if (!l)
                return -ENOMEM;
        l->v = calloc(h.n, sizeof *l->v);
        l->extents = h.n_extents ? calloc(h.n_extents, sizeof *l->extents) : NULL;
        if (!l->v || (h.n_extents && !l->extents))
                return -ENOMEM;
        l->n = h.n;
        l->n_extents = h.n_extents;
        l->unix_entry = h.unix_entry;
        l->boot_archive_entry = h.boot_archive_entry;
        l->n_skipped = h.n_skipped;
        l->release = h.flags & L_RELEASE;
        l->has_hash = h.flags & L_HAS_HASH;
        l->image = h.flags & L_IMAGE;
        copy_records(l, (const char *)p + sizeof h);
        records = sizeof h + h.n * sizeof(struct packed_entry) + h.n_extents * sizeof(struct packed_extent);
        r = copy_texts(l, &h, (const char *)p + records, len - records);
        if (r < 0)
                return r;
        if (!sound(l, raw_bytes))
                return -EBADMSG;
        *ret = take_ptr(&l);
        return 0;
}
