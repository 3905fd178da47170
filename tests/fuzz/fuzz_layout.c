/* SPDX-License-Identifier: MPL-2.0 */
/* fuzz_layout -- a list of members out of the input's bytes, laid out: whatever they are called and wherever they point,
 * the tree is a tree, sorted, inside the stream, findable, and comes back from its packed form; or the archive is
 * refused with a reason.  The input also goes to layout_unpack as it is.
 *
 * Input: records "kind flags name\n", links "name\tlink\n".  A record with flag 1 has one byte of content.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"
#include "platform/layout.h"
#include "platform/layoutblob.h"

#define MAX_MEMBERS 512u
#define STREAM      "20240101T000000Z\n" /* what any file with content holds: a stamp, for etc/version/platform */

static struct member members[MAX_MEMBERS];
static struct extent extents[MAX_MEMBERS];

static size_t parse(char *p)
{
        static const enum member_kind kinds[] = { MEMBER_FILE, MEMBER_DIR, MEMBER_SYMLINK, MEMBER_HARDLINK,
                MEMBER_SPECIAL };
        size_t n = 0;

        for (char *next; *p && n < MAX_MEMBERS; p = next, n++) {
                struct member *m = &members[n];
                unsigned char kind = (unsigned char)p[0], flags = kind ? (unsigned char)p[1] : 0;
                char *tab;

                next = p + strcspn(p, "\n");
                if (*next)
                        *next++ = '\0';
                if (!flags || strlen(p) < 2)
                        return n;
                *m = (struct member) {
                        .name = p + 2, .kind = kinds[kind % 5], .mtime_sec = flags, .first_extent = n
                };
                extents[n] = (struct extent) { 0, flags % 3, strlen(STREAM) - flags % 3 };
                if (m->kind == MEMBER_FILE && flags & 1) {
                        m->size_bytes = extents[n].len_bytes;
                        m->n_extents = 1;
                }
                tab = strchr(m->name, '\t');
                if (m->kind == MEMBER_SYMLINK || m->kind == MEMBER_HARDLINK)
                        m->link = tab ? tab + 1 : m->name;
                if (tab)
                        *tab = '\0';
        }
        return n;
}

static void check(const struct layout *l, uint64_t raw_bytes)
{
        FUZZ_CHECK(l->n > 0 && l->v[0].is_dir && l->v[0].parent == 0 && l->name);
        for (uint32_t i = 1; i < l->n; i++) {
                const struct layout_entry *e = &l->v[i], *up = &l->v[e->parent];

                FUZZ_CHECK(e->parent < i && up->is_dir && i >= up->first_child &&
                           i < up->first_child + up->n_children);
                FUZZ_CHECK(*e->name && !strchr(e->name, '/') && strlen(e->name) <= 255);
                FUZZ_CHECK(strcmp(e->name, ".") != 0 && strcmp(e->name, "..") != 0);
                FUZZ_CHECK(layout_child(l, e->parent, e->name) == i);
                for (size_t k = 0; !e->is_dir && k < e->n_extents; k++)
                        FUZZ_CHECK(l->extents[e->first_extent + k].off_raw +
                                           l->extents[e->first_extent + k].len_bytes <=
                                   raw_bytes);
                if (strcmp(e->name, "root.password") == 0 &&
                        (l->image || layout_by_path(l, "platform/root.password") == i))
                        FUZZ_CHECK(e->hidden);
        }
}

static void round_trip(const struct layout *l, uint64_t raw_bytes)
{
        AUTO_BUF struct buf a = BUF_INIT, b = BUF_INIT;
        struct layout *again = NULL;

        layout_pack(l, &a);
        FUZZ_CHECK(layout_unpack(a.data, a.len, raw_bytes, &again) == 0);
        check(again, raw_bytes);
        layout_pack(again, &b);
        FUZZ_CHECK(a.len == b.len && memcmp(a.data, b.data, a.len) == 0);
        layout_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        AUTO_FREE char *text = malloc(size + 1);
        struct members m = { .format = FORMAT_TAR, .v = members, .extents = extents };
        struct source *src = NULL;
        struct layout *l = NULL;
        struct err err = { "" };
        struct identity id;
        int fd = fuzz_file((const uint8_t *)STREAM, strlen(STREAM)), r;

        FUZZ_CHECK(text && identity_of_fd(fd, &id) == 0 && source_open_raw(fd, &id, &src, NULL) == 0);
        memcpy(text, data, size);
        text[size] = '\0';
        m.n = m.n_extents = parse(text);
        r = layout_make(&m, src, &l, &err);
        FUZZ_CHECK(r == 0 || (r == -EBADMSG && err.text[0]));
        if (r == 0) {
                check(l, strlen(STREAM));
                round_trip(l, strlen(STREAM));
                layout_free(l);
        }
        l = NULL;
        if (layout_unpack(data, size, 1000, &l) == 0) {
                FUZZ_CHECK(l->n > 0);
                layout_free(l);
        }
        source_close(src);
        return 0;
}
