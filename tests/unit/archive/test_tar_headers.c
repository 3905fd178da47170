/* SPDX-License-Identifier: MPL-2.0 */
/* tar_headers: what GNU tar and libarchive read alike is served; where they differ the archive is refused, member and
 * reason named.  Each row is a form that was met or found by tests/tardiff, with what GNU tar 1.34 makes of it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "archive/members.h"
#include "archive/raw.h"
#include "archive/tar_headers.h"
#include "base/cleanup.h"
#include "tarmaker.h"

static const struct members_limits limits = { 300000, UINT64_C(1) << 40, 65535, 1 << 20, 1 << 24 };

static int read_members(const struct buf *t, struct members **ret, struct err *err)
{
        AUTO_CLEAN(raw_feed_endp) struct raw_feed *f = NULL;
        AUTO_CLOSE int fd = mem_file(t->data, t->len);
        struct feed feed;

        assert_int_equal(raw_feed_begin(fd, NULL, &f, NULL), 0);
        feed = raw_feed(f);
        return members_read(&feed, &limits, NULL, NULL, ret, err);
}

static struct members *must_read(const struct buf *t)
{
        struct members *m = NULL;
        struct err err = { "" };

        if (read_members(t, &m, &err) < 0)
                fail_msg("refused: %s", err.text);
        return m;
}

/* ---- one header, changed ----------------------------------------------------------------------- */

/* Content of 14 bytes under the name "f", with a header of GNU tar's; the last header of @t can be changed after that. */
static char *add_gnu(struct buf *t, char type)
{
        size_t at = t->len;
        char *h;

        tar_add(t, &(struct tar_member) { .name = "f", .type = type, .data = "hello, world!\n", .len = 14 });
        h = t->data + at;
        memcpy(h + 257, "ustar  ", 8);
        return h;
}

static void put(char *h, size_t off, const char *text)
{
        memcpy(h + off, text, strlen(text));
        tar_checksum(h);
}

static void field_realsize(struct buf *t)
{
        put(add_gnu(t, '0'), 483, "00000004200"); /* counts in type 'S' only; so written by an Eye-Fi card */
}

static void field_realsize_of_blanks(struct buf *t)
{
        put(add_gnu(t, '0'), 475, "                         ");
}

static void a_link_to_nothing(struct buf *t)
{
        tar_file(t, "f", "x");
        tar_link(t, '2', "f", "");
}

static void sparse_without_map(struct buf *t)
{
        put(add_gnu(t, 'S'), 483, "00000000016");
}

static void sparse_in_ustar(struct buf *t)
{
        char *h = add_gnu(t, 'S');

        memcpy(h + 257, "ustar\00000", 8);
        tar_checksum(h);
}

static void sparse_map(char *h, const char *cells)
{
        for (size_t i = 0; *cells; i++, cells += 8) {
                (void)snprintf(h + 386 + 12 * i, 12, "0000%.7s", cells);
        }
        tar_checksum(h);
}

static void sparse_stored_short(struct buf *t)
{
        char *h = add_gnu(t, 'S');

        put(h, 483, "00000002000");
        sparse_map(h, "0000000 0002000 ");
}

static void sparse_stored_long(struct buf *t)
{
        char *h = add_gnu(t, 'S');

        put(h, 483, "00000000010");
        sparse_map(h, "0000000 0000010 ");
}

static void sparse_odd_region(struct buf *t)
{
        char *h = add_gnu(t, 'S');

        put(h, 483, "00000001016");
        sparse_map(h, "0000000 0000007 0001007 0000007 ");
}

static void sparse_ends_before_the_file(struct buf *t)
{
        char *h = add_gnu(t, 'S');

        put(h, 483, "00000004200");
        sparse_map(h, "0000000 0000016 ");
}

static void sparse_hole_cuts_content(struct buf *t)
{
        char *h = add_gnu(t, 'S');

        put(h, 483, "00000000016");
        sparse_map(h, "0000000 0000016 0000003 0000000 ");
}

static void sparse_map_goes_on_behind_its_end(struct buf *t)
{
        char *h = add_gnu(t, 'S');

        put(h, 483, "00000000016");
        sparse_map(h, "0000000 0000016 ");
        h[482] = 1;
        tar_checksum(h);
}

static void size_is_no_number(struct buf *t)
{
        put(add_gnu(t, '0'), 124, "0000000014x ");
}

static void size_in_base_64(struct buf *t)
{
        put(add_gnu(t, '0'), 124, "+O         ");
}

static void size_behind_a_nul(struct buf *t)
{
        char *h = add_gnu(t, '0');

        h[124] = '\0'; /* GNU tar steps over it; libarchive takes it for the end: 0 */
        tar_checksum(h);
}

static void continued_from_another_volume(struct buf *t)
{
        put(add_gnu(t, 'M'), 0, "f");
}

static void label_with_content(struct buf *t)
{
        put(add_gnu(t, 'V'), 0, "f");
        tar_file(t, "after", "x");
}

static void attributes_of_another(struct buf *t)
{
        tar_add(t, &(struct tar_member) { .name = "g", .type = 'A', .data = "1000001", .len = 7 });
        tar_file(t, "f", "x");
}

static void directory_with_content(struct buf *t)
{
        put(add_gnu(t, '0'), 0, "f/");
}

static void magic_by_halves(struct buf *t)
{
        char *h = add_gnu(t, '0');

        memcpy(h + 257, "ustarX00", 8); /* a prefix for libarchive, none for GNU tar */
        put(h, 345, "elsewhere");
}

static void long_name_behind_its_size(struct buf *t)
{
        size_t at = t->len;

        tar_add(t, &(struct tar_member) { .name = "././@LongLink", .type = 'L', .data = "longer", .len = 7 });
        put(t->data + at, 124, "00000000004");
        tar_file(t, "f", "x");
}

static void long_link_twice(struct buf *t)
{
        tar_add(t, &(struct tar_member) { .name = "././@LongLink", .type = 'L', .data = "f", .len = 2 });
        tar_pax(t, "path", "f-too", 5);
        tar_add(t, &(struct tar_member) { .name = "././@LongLink", .type = 'L', .data = "g", .len = 2 });
        tar_file(t, "h", "x");
}

static void a_hard_link_with_content(struct buf *t)
{
        tar_file(t, "g", "x");
        tar_pax(t, "comment", "this makes libarchive think of pax", 34);
        tar_add(t, &(struct tar_member) { .name = "f", .type = '1', .link = "g", .data = "hello", .len = 5 });
}

static void headers_disagree_or_mislead(void **state)
{
        static const struct {
                void (*add)(struct buf *t);
                const char *why;
        } table[] = {
                { field_realsize, "f: it has fields of a sparse file in its header, and is none" },
                { field_realsize_of_blanks, "f: it has fields of a sparse file in its header, and is none" },
                { a_link_to_nothing, "f: it is a symbolic link to nothing at all" },
                { sparse_without_map, "f: its sparse map ends elsewhere than the file" },
                { sparse_in_ustar, "f: it is sparse in another form" },
                { sparse_stored_short, "f: its sparse map does not account for the bytes that are stored" },
                { sparse_stored_long, "f: its sparse map does not account for the bytes that are stored" },
                { sparse_odd_region, "f: a region of its sparse map is no multiple of 512" },
                { sparse_ends_before_the_file, "f: its sparse map ends elsewhere" },
                { sparse_hole_cuts_content, "out of order" },
                { sparse_map_goes_on_behind_its_end, "f: its sparse map is malformed" },
                { size_is_no_number, "a size in a header is no number" },
                { size_in_base_64, "a size in a header is no number" },
                { size_behind_a_nul, "f: 14 bytes or 0: the archive can be read in two ways" },
                { continued_from_another_volume, "it goes on from another volume" },
                { label_with_content, "a volume label has content" },
                { attributes_of_another, "attributes of Solaris" },
                { directory_with_content, "it is no file, and has a file's content" },
                { magic_by_halves, "by its header it is called f: the archive can be read in two ways" },
                { long_name_behind_its_size, "a long name goes on behind its size" },
                { long_link_twice, "by its header it is called f-too" },
                { a_hard_link_with_content, "f: a hard link with content" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
                AUTO_BUF struct buf t = BUF_INIT;
                struct members *m = NULL;
                struct err err = { "" };
                int r;

                tar_file(&t, "before", "x");
                table[i].add(&t);
                tar_end(&t);
                r = read_members(&t, &m, &err);
                if (r != -EBADMSG || !strstr(err.text, table[i].why))
                        fail_msg("row %zu: %d \"%s\" does not speak of \"%s\"", i, r, err.text, table[i].why);
        }
}

/* ---- pax ---------------------------------------------------------------------------------------- */

/* A pax header of type @type with the records "key=value;key=value". */
static void add_records(struct buf *t, char type, const char *records)
{
        AUTO_BUF struct buf out = BUF_INIT;
        size_t at = t->len;

        for (const char *p = records; *p;) {
                size_t n = strcspn(p, ";"), total = n + 3;

                while ((size_t)snprintf(NULL, 0, "%zu", total) + n + 2 != total)
                        total = (size_t)snprintf(NULL, 0, "%zu", total) + n + 2;
                buf_printf(&out, "%zu %.*s\n", total, (int)n, p);
                p += n + (p[n] == ';');
        }
        tar_add(t, &(struct tar_member) {
                           .name = "PaxHeaders/f", .type = type, .data = out.data, .len = out.len });
        assert_true(t->len > at);
}

static void pax_records_that_two_readers_take_in_two_ways(void **state)
{
        static const struct {
                char type;
                const char *records, *why;
        } table[] = {
                { 'x', "SCHILY.realsize=900", "f: 14 bytes or 900" },
                { 'x', "GNU.sparse.realsize=900",
                        "f: it has the real size of a sparse file, and no sparse map" },
                { 'x', "GNU.sparse.size=3", "f: it has the real size of a sparse file, and no sparse map" },
                { 'x', "SUN.holesdata= 0 5 14", "SUN.holesdata" },
                { 'x', "GNU.sparse.realsize=14;GNU.sparse.numblocks=2;GNU.sparse.map=0,14",
                        "map is malformed" },
                { 'x', "GNU.sparse.realsize=14;GNU.sparse.numblocks=1;GNU.sparse.map=0,14,5", "" },
                { 'x', "GNU.sparse.realsize=14;GNU.sparse.offset=1;GNU.sparse.offset=2", "malformed" },
                { 'x', "GNU.sparse.major=2;GNU.sparse.minor=0;GNU.sparse.realsize=14", "unknown version" },
                { 'x', "path=", "f: by its header it is called : the archive can be read in two ways" },
                { 'x', "size=", "malformed" },
                { 'x', "size=-1", "malformed" },
                { 'x', "size= 14", "malformed" },
                { 'x', "size=99999999999999999999", "malformed" },
                { 'x', "mtime=yesterday", "malformed" },
                { 'g', "path=g", "gives all members one name" },
                { 'g', "linkpath=g", "gives all members one name" },
                { 'g', "size=3", "gives all members one name" },
                { 'g', "GNU.sparse.size=3", "gives all members one name" },
                { 'g', "GNU.volume.filename=f", "gives all members one name" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
                AUTO_BUF struct buf t = BUF_INIT;
                struct members *m = NULL;
                struct err err = { "" };
                int r;

                add_records(&t, table[i].type, table[i].records);
                tar_file(&t, "f", "hello, world!\n");
                tar_end(&t);
                r = read_members(&t, &m, &err);
                if (r != -EBADMSG || !strstr(err.text, table[i].why))
                        fail_msg("%s: %d \"%s\" does not speak of \"%s\"", table[i].records, r, err.text,
                                table[i].why);
        }
}

static void malformed_and_repeated_pax_headers_are_refused(void **state)
{
        static const char *const bad[] = { "x", "5 a=b\n", "7 a=b\nx", "6 a b\n", "6 =ab\n", "06a=b\n",
                "6 a=b ", "99 a=b\n", "-6 a=b\n", " 6 a=b\n" };

        (void)state;
        for (size_t i = 0; i <= sizeof bad / sizeof bad[0]; i++) {
                AUTO_BUF struct buf t = BUF_INIT;
                struct members *m = NULL;
                struct err err = { "" };

                if (i < sizeof bad / sizeof bad[0]) {
                        tar_add(&t, &(struct tar_member) { .name = "PaxHeaders/f",
                                            .type = 'x',
                                            .data = bad[i],
                                            .len = strlen(bad[i]) });
                } else {
                        tar_pax(&t, "comment", "one", 3);
                        tar_pax(&t, "comment", "two", 3);
                }
                tar_file(&t, "f", "x");
                tar_end(&t);
                if (read_members(&t, &m, &err) != -EBADMSG || !strstr(err.text, "pax header"))
                        fail_msg("row %zu: \"%s\"", i, err.text);
        }
}

static void times_are_those_of_gnu_tar(void **state)
{
        static const struct {
                const char *global, *own;
                int64_t want;
        } table[] = {
                { NULL, NULL, 1704067200 },
                { NULL, "mtime=12.9", 12 },
                { NULL, "mtime=-1.25", -2 }, /* libarchive: -1 */
                { NULL, "mtime=-1.0", -1 },
                { "mtime=5", NULL, 5 }, /* libarchive does not look into global headers */
                { "mtime=5", "mtime=6", 6 },
                { "comment=0123456789abcdef", NULL, 1704067200 },
        };

        (void)state;
        for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
                AUTO_BUF struct buf t = BUF_INIT;
                AUTO_CLEAN(members_freep) struct members *m = NULL;

                if (table[i].global)
                        add_records(&t, 'g', table[i].global);
                if (table[i].own)
                        add_records(&t, 'x', table[i].own);
                tar_file(&t, "f", "x");
                tar_end(&t);
                m = must_read(&t);
                assert_int_equal(m->n, 1);
                assert_int_equal(m->v[0].mtime_sec, table[i].want);
        }
}

static void a_later_global_header_replaces_the_first(void **state)
{
        AUTO_BUF struct buf t = BUF_INIT;
        AUTO_CLEAN(members_freep) struct members *m = NULL;

        (void)state;
        add_records(&t, 'g', "mtime=5");
        tar_file(&t, "f", "x");
        add_records(&t, 'g', "comment=nothing");
        tar_file(&t, "g", "x");
        tar_end(&t);
        m = must_read(&t);
        assert_int_equal(m->v[0].mtime_sec, 5);
        assert_int_equal(m->v[1].mtime_sec, 1704067200);
}

/* ---- what both read alike ----------------------------------------------------------------------- */

static void attributes_and_labels_are_no_members(void **state)
{
        AUTO_BUF struct buf t = BUF_INIT;
        AUTO_CLEAN(members_freep) struct members *m = NULL;
        size_t at;

        (void)state;
        at = t.len;
        tar_add(&t, &(struct tar_member) { .name = "label", .type = 'V' });
        memcpy(t.data + at + 257, "ustar  ", 8);
        tar_checksum(t.data + at);
        tar_add(&t, &(struct tar_member) { .name = "f",
                            .type = 'A',
                            .data = "1000003\0user::rw-,group::r--,other:r--",
                            .len = 39 });
        tar_file(&t, "f", "x");
        tar_end(&t);
        m = must_read(&t);
        assert_int_equal(m->n, 1);
        assert_string_equal(m->v[0].name, "f");
}

static void sizes_of_what_has_no_content_do_not_count(void **state)
{
        static const char types[] = "12356";
        AUTO_BUF struct buf t = BUF_INIT;
        AUTO_CLEAN(members_freep) struct members *m = NULL;

        (void)state;
        for (const char *type = types; *type; type++) {
                size_t at = t.len;

                tar_add(&t,
                        &(struct tar_member) { .name = "n", .type = *type, .link = "f", .size_bytes = 700 });
                memcpy(t.data + at + 257, "ustar  ", 8);
                tar_checksum(t.data + at);
        }
        tar_file(&t, "f", "x");
        tar_end(&t);
        m = must_read(&t);
        assert_int_equal(m->n, sizeof types);
        assert_string_equal(m->v[sizeof types - 1].name, "f");
}

/* Four bytes of text each, which compress to nothing. */
static void too_many_regions_are_refused_before_libarchive_has_them(void **state)
{
        AUTO_BUF struct buf map = BUF_INIT, t = BUF_INIT;
        struct members *m = NULL;
        struct err err = { "" };
        unsigned n = 1u << 17;

        (void)state;
        buf_printf(&map, "%u\n", n);
        for (unsigned i = 0; i < n; i++)
                buf_puts(&map, "0\n0\n");
        buf_add(&map, (char[512]) { 0 }, 512 - map.len % 512);
        for (int i = 0; i < 3; i++) {
                if (i == 2) {
                        m = must_read(&t);
                        members_free(m);
                        m = NULL;
                }
                add_records(&t, 'x',
                        "GNU.sparse.major=1;GNU.sparse.minor=0;GNU.sparse.name=f;GNU.sparse.realsize=0");
                tar_add(&t, &(struct tar_member) {
                                    .name = "GNUSparseFile.0/f", .data = map.data, .len = map.len });
        }
        tar_end(&t);
        assert_int_equal(read_members(&t, &m, &err), -E2BIG);
        assert_non_null(strstr(err.text, "more than 262144 regions"));
}

/* Found by the comparison itself: a second member hides in what libarchive takes for the first one's content. */
static void a_member_that_only_one_reader_sees_is_refused(void **state)
{
        AUTO_BUF struct buf inner = BUF_INIT, t = BUF_INIT;
        struct members *m = NULL;
        struct err err = { "" };

        (void)state;
        tar_file(&inner, "hidden", "x");
        tar_pax(&t, "size", "0", 1); /* for both: nothing is stored, so what follows is a header */
        tar_add(&t, &(struct tar_member) { .name = "f", .data = inner.data, .len = inner.len });
        tar_end(&t);
        m = must_read(&t);
        assert_int_equal(m->n, 2);
        members_free(m);
        m = NULL;
        buf_fini(&t);
        t = (struct buf)BUF_INIT;
        tar_pax(&t, "size", "1024", 4);
        tar_add(&t, &(struct tar_member) { .name = "f", .type = '5', .data = inner.data, .len = inner.len });
        tar_end(&t);
        assert_int_equal(read_members(&t, &m, &err), -EBADMSG);
        assert_non_null(strstr(err.text, "no file, and has a file's content"));
}

static void every_cut_of_the_stream_gives_the_same(void **state)
{
        static const char content[516] = "2\n512\n4\n1000\n0\n"; /* the map, a block; then four bytes */
        AUTO_BUF struct buf t = BUF_INIT;

        (void)state;
        add_records(&t, 'g', "mtime=5");
        add_records(
                &t, 'x', "GNU.sparse.major=1;GNU.sparse.minor=0;GNU.sparse.name=s;GNU.sparse.realsize=1000");
        tar_add(&t,
                &(struct tar_member) { .name = "GNUSparseFile.0/s", .data = content, .len = sizeof content });
        tar_file(&t, "f", "hello");
        tar_end(&t);
        for (size_t step = 1; step < 2000; step += step < 20 ? 1 : 97) {
                struct tar_headers *h = tar_headers_new();
                AUTO_FREE struct extent *v = NULL;
                const char *trouble = NULL;
                struct member m;

                for (size_t i = 0; i < t.len; i += step)
                        assert_int_equal(
                                tar_headers_push(h, t.data + i, t.len - i < step ? t.len - i : step, NULL),
                                0);
                assert_true(tar_headers_take(h, &m, &v, &trouble));
                assert_null(trouble);
                assert_string_equal(m.name, "s");
                assert_int_equal(m.size_bytes, 1000);
                assert_int_equal(m.mtime_sec, 5);
                assert_int_equal(m.n_extents, 1);
                assert_int_equal(v[0].off_member, 512);
                assert_int_equal(v[0].off_raw, 512 * 6);
                free(m.name);
                free(m.link);
                tar_headers_free(h); /* with "f" in it */
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(headers_disagree_or_mislead),
                cmocka_unit_test(pax_records_that_two_readers_take_in_two_ways),
                cmocka_unit_test(malformed_and_repeated_pax_headers_are_refused),
                cmocka_unit_test(times_are_those_of_gnu_tar),
                cmocka_unit_test(a_later_global_header_replaces_the_first),
                cmocka_unit_test(attributes_and_labels_are_no_members),
                cmocka_unit_test(sizes_of_what_has_no_content_do_not_count),
                cmocka_unit_test(too_many_regions_are_refused_before_libarchive_has_them),
                cmocka_unit_test(a_member_that_only_one_reader_sees_is_refused),
                cmocka_unit_test(every_cut_of_the_stream_gives_the_same),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
