/* SPDX-License-Identifier: MPL-2.0 */
/* layout: the hostile table of docs/layout.md, one test a row, named there; and the mapping. */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "build/indexer.h"
#include "build/pathtree.h"
#include "tarmaker.h"

/* ---- one archive, judged as a daemon would --------------------------------------------------- */

struct verdict {
        int r;
        struct err err;
        struct indexed x;
        int fd;
};

/* A plain tar of @t. */
static struct verdict judge(const struct buf *t)
{
        struct verdict v = { .err = { "" }, .fd = mem_file(t->data, t->len) };
        struct identity id;

        assert_int_equal(identity_of_fd(v.fd, &id), 0);
        v.r = indexer_read(v.fd, &id, NULL, 0, -1, "", 0, &v.x, &v.err);
        return v;
}

static void done(struct verdict *v)
{
        indexed_fini(&v->x);
        close(v->fd);
}

static struct verdict must_serve(const struct buf *t)
{
        struct verdict v = judge(t);

        if (v.r < 0)
                fail_msg("refused: %s", v.err.text);
        return v;
}

static void assert_refuses(struct buf *t, const char *why)
{
        struct verdict v = judge(t);

        if (v.r != -EBADMSG)
                fail_msg("not refused (\"%s\"): %d", why, v.r);
        if (!strstr(v.err.text, why))
                fail_msg("\"%s\" does not speak of \"%s\"", v.err.text, why);
        done(&v);
}

static uint32_t entry(const struct verdict *v, const char *path)
{
        return layout_by_path(v->x.tree, path);
}

static void assert_text(const struct verdict *v, const char *path, const char *want)
{
        char b[512];
        uint32_t e = entry(v, path);
        ssize_t n;

        if (e == LAYOUT_NONE)
                fail_msg("no %s", path);
        n = layout_pread(v->x.tree, v->x.src, e, b, sizeof b, 0);
        assert_int_equal(n, strlen(want));
        assert_int_equal(v->x.tree->v[e].size_bytes, n);
        assert_memory_equal(b, want, strlen(want));
}

/* One platform with @more entries put in by a function; what is expected of it. */
typedef void add_fn(struct buf *t);

static struct verdict serve_with(add_fn *add)
{
        AUTO_BUF struct buf t = BUF_INIT;

        tar_platform(&t, TOP, STAMP);
        add(&t);
        tar_end(&t);
        return must_serve(&t);
}

static void refuse_with(add_fn *add, const char *why)
{
        AUTO_BUF struct buf t = BUF_INIT;

        tar_platform(&t, TOP, STAMP);
        add(&t);
        tar_end(&t);
        assert_refuses(&t, why);
}

/* @path is left out, and the reason says @why; everything else is there. */
static void skip_with(add_fn *add, const char *path, const char *why)
{
        struct verdict v = serve_with(add);

        if (path)
                assert_int_equal(entry(&v, path), LAYOUT_NONE);
        assert_true(v.x.tree->n_skipped > 0);
        if (!strstr(v.x.tree->skipped_why, why))
                fail_msg("\"%s\" does not speak of \"%s\"", v.x.tree->skipped_why, why);
        assert_text(&v, "platform/i86pc/kernel/amd64/unix", "unix");
        done(&v);
}

/* ---- the mapping ----------------------------------------------------------------------------- */

static void a_tarball_appears_below_platform(void **state)
{
        AUTO_BUF struct buf t = BUF_INIT;
        struct verdict v;
        uint32_t e;

        (void)state;
        tar_platform(&t, TOP, STAMP);
        tar_end(&t);
        v = must_serve(&t);
        assert_string_equal(v.x.tree->name, STAMP);
        assert_true(v.x.tree->release);
        assert_true(v.x.tree->has_hash);
        assert_true(v.x.hash_checked);
        assert_null(v.x.warning);
        assert_text(&v, "platform/i86pc/kernel/amd64/unix", "unix");
        assert_text(&v, "platform/i86pc/amd64/boot_archive", "ramdisk of " STAMP "\n");
        assert_text(&v, "platform/etc/version/platform", STAMP "\n");
        assert_int_equal(entry(&v, TOP), LAYOUT_NONE);
        assert_int_equal(entry(&v, "platform/i86pc/kernel/amd64/unix"), v.x.tree->unix_entry);
        assert_int_equal(entry(&v, "platform/i86pc/amd64/boot_archive"), v.x.tree->boot_archive_entry);
        e = entry(&v, "platform/root.password");
        assert_true(e != LAYOUT_NONE && v.x.tree->v[e].hidden);
        assert_int_equal(v.x.tree->v[v.x.tree->unix_entry].mtime_sec, 1704067200);
        assert_int_equal(entry(&v, ""), 0);
        assert_int_equal(layout_child(v.x.tree, 0, "platform"), 1);
        assert_int_equal(layout_child(v.x.tree, 0, "platfor"), LAYOUT_NONE);
        assert_int_equal(layout_child(v.x.tree, v.x.tree->unix_entry, "x"), LAYOUT_NONE);
        assert_int_equal(layout_pread(v.x.tree, v.x.src, 0, NULL, 0, 0), -EISDIR);
        assert_int_equal(layout_pread(v.x.tree, v.x.src, v.x.tree->n, NULL, 0, 0), -ESTALE);
        done(&v);
}

static void optional_files_may_be_missing(void **state)
{
        AUTO_BUF struct buf t = BUF_INIT;
        struct verdict v;

        (void)state;
        tar_minimum(&t, TOP);
        tar_end(&t);
        v = must_serve(&t);
        assert_false(v.x.tree->has_hash);
        assert_false(v.x.hash_checked);
        assert_text(&v, "platform/i86pc/amd64/boot_archive", "ramdisk");
        done(&v);
}

static void every_form_of_a_top_directory_gives_the_same_tree(void **state)
{
        static const char *const tops[] = { TOP, "./" TOP, "platform", "./platform", "././/platform/.",
                ("platform-debug-" STAMP) };

        (void)state;
        for (size_t i = 0; i < sizeof tops / sizeof tops[0]; i++) {
                AUTO_BUF struct buf t = BUF_INIT;
                struct verdict v;

                if (tops[i][0] == '.')
                        tar_dir(&t, "./");
                tar_platform(&t, tops[i], STAMP);
                tar_end(&t);
                v = must_serve(&t);
                assert_int_equal(v.x.tree->n, 15);
                assert_string_equal(v.x.tree->name, i == 5 ? "debug-" STAMP : STAMP);
                assert_int_equal(v.x.tree->release, i != 5);
                assert_null(v.x.warning);
                done(&v);
        }
}

static void a_loader_tree_beside_platform_is_shown_as_boot(void **state)
{
        AUTO_BUF struct buf t = BUF_INIT;
        struct verdict v;

        (void)state;
        tar_platform(&t, "platform", STAMP);
        tar_file(&t, "boot/loader.conf", "x=1");
        tar_file(&t, "etc/version/boot", STAMP "\n");
        tar_file(&t, "boot.catalog", "");
        tar_end(&t);
        v = must_serve(&t);
        assert_text(&v, "boot/loader.conf", "x=1");
        assert_int_equal(entry(&v, "etc"), LAYOUT_NONE);
        assert_int_equal(v.x.tree->n_skipped, 0);
        done(&v);
}

static la_ssize_t to_buf(struct archive *a, void *ctx, const void *p, size_t n)
{
        (void)a;
        buf_add(ctx, p, n);
        return (la_ssize_t)n;
}

static void iso_file(struct archive *a, const char *name, const char *text)
{
        struct archive_entry *e = archive_entry_new();

        archive_entry_set_pathname(e, name);
        archive_entry_set_filetype(e, AE_IFREG);
        archive_entry_set_perm(e, 0600);
        archive_entry_set_mtime(e, 1704067200, 0);
        archive_entry_set_size(e, (la_int64_t)strlen(text));
        assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
        assert_int_equal(archive_write_data(a, text, strlen(text)), strlen(text));
        archive_entry_free(e);
}

static void make_iso(struct buf *out, const char *boot_stamp)
{
        struct archive *a = archive_write_new();

        assert_int_equal(archive_write_set_format_iso9660(a), ARCHIVE_OK);
        assert_int_equal(archive_write_open(a, out, NULL, to_buf, NULL), ARCHIVE_OK);
        iso_file(a, "boot/loader64.efi", "loader");
        iso_file(a, "etc/version/boot", boot_stamp);
        iso_file(a, "platform/etc/version/platform", STAMP "\n");
        iso_file(a, "platform/i86pc/kernel/amd64/unix", "unix");
        iso_file(a, "platform/i86pc/amd64/boot_archive", "abc");
        iso_file(a, "platform/i86pc/amd64/boot_archive.hash", "a9993e364706816aba3e25717850c26c9cd0d89d\n");
        iso_file(a, "platform/root.password", "secret");
        assert_int_equal(archive_write_free(a), ARCHIVE_OK);
}

static void an_iso_appears_as_it_stands(void **state)
{
        AUTO_BUF struct buf iso = BUF_INIT;
        struct verdict v;

        (void)state;
        make_iso(&iso, STAMP "\n");
        v = must_serve(&iso);
        assert_int_equal(v.x.format, FORMAT_ISO);
        assert_string_equal(v.x.tree->name, STAMP);
        assert_true(v.x.tree->release && v.x.hash_checked);
        assert_text(&v, "boot/loader64.efi", "loader");
        assert_text(&v, "platform/i86pc/kernel/amd64/unix", "unix");
        assert_text(&v, "platform/i86pc/amd64/boot_archive", "abc");
        assert_true(v.x.tree->v[entry(&v, "platform/root.password")].hidden);
        assert_int_equal(v.x.tree->v[v.x.tree->unix_entry].mtime_sec, 1704067200);
        assert_int_equal(v.x.tree->n_skipped, 0);
        done(&v);
}

static void an_iso_with_a_loader_of_another_build_is_refused(void **state)
{
        AUTO_BUF struct buf iso = BUF_INIT;

        (void)state;
        make_iso(&iso, "20230101T000000Z\n");
        assert_refuses(&iso, "loader is of build 20230101T000000Z");
}

static void a_loader_of_another_build_is_refused(void **state)
{
        AUTO_BUF struct buf t = BUF_INIT;

        (void)state;
        tar_platform(&t, "platform", STAMP);
        tar_file(&t, "etc/version/boot", "20230101T000000Z\n");
        tar_end(&t);
        assert_refuses(&t, "loader is of build 20230101T000000Z");
}

static void what_is_no_platform_is_refused_with_the_way_out(void **state)
{
        static const struct {
                const char *name, *name2, *why;
        } table[] = {
                { "i86pc/kernel/amd64/unix", "i86pc/amd64/boot_archive", "pack it below one directory" },
                { TOP "/i86pc/kernel/amd64/unix", TOP "/x", "no i86pc/amd64/boot_archive" },
                { TOP "/i86pc/amd64/boot_archive", TOP "/x", "no i86pc/kernel/amd64/unix" },
                { "a/" TOP "/i86pc/kernel/amd64/unix", "a/" TOP "/i86pc/amd64/boot_archive", "too deep" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
                AUTO_BUF struct buf t = BUF_INIT;

                tar_file(&t, table[i].name, "x");
                tar_file(&t, table[i].name2, "x");
                tar_end(&t);
                assert_refuses(&t, table[i].why);
        }
}

/* All of it, as it is; by the rules that hold for a build. */
static void what_holds_no_platform_at_all_is_an_image(void **state)
{
        AUTO_BUF struct buf t = BUF_INIT;
        struct verdict v;

        (void)state;
        tar_file(&t, "./debian-installer/amd64/linux", "linux");
        tar_link(&t, '2', "pxelinux.0", "debian-installer/amd64/linux");
        tar_link(&t, '2', "out", "/etc/passwd");
        tar_file(&t, "x/root.password", "secret");
        tar_link(&t, '1', "also", "x/root.password");
        tar_file(&t, "boot_archive", "a name that means nothing here");
        tar_end(&t);
        v = must_serve(&t);
        assert_true(v.x.tree->image && !v.x.tree->release && !v.x.tree->has_hash);
        assert_string_equal(v.x.tree->name, "");
        assert_int_equal(v.x.tree->unix_entry, LAYOUT_NONE);
        assert_text(&v, "debian-installer/amd64/linux", "linux");
        assert_text(&v, "pxelinux.0", "linux");
        assert_int_equal(entry(&v, "out"), LAYOUT_NONE);
        assert_true(
                v.x.tree->v[entry(&v, "x/root.password")].hidden && v.x.tree->v[entry(&v, "also")].hidden);
        assert_false(v.x.tree->v[entry(&v, "pxelinux.0")].hidden);
        assert_int_equal(v.x.tree->n_skipped, 1);
        done(&v);
}

static void an_image_may_hold_nothing_but_empty_files(void **state)
{
        AUTO_BUF struct buf t = BUF_INIT;
        struct verdict v;

        (void)state;
        tar_file(&t, "empty", "");
        tar_end(&t);
        v = must_serve(&t);
        assert_text(&v, "empty", "");
        done(&v);
}

static void a_hostile_image_is_refused_like_a_build(void **state)
{
        static const char *const names[] = { "../x", "/etc/passwd", "a/../../b" };
        AUTO_BUF struct buf nothing = BUF_INIT;

        (void)state;
        for (size_t i = 0; i < 3; i++) {
                AUTO_BUF struct buf t = BUF_INIT;

                tar_file(&t, "memtest.bin", "x");
                tar_file(&t, names[i], "x");
                tar_end(&t);
                assert_refuses(&t, "");
        }
        tar_link(&nothing, '2', "out", "/etc/passwd");
        tar_end(&nothing);
        assert_refuses(&nothing, "nothing that can be shown");
}

static void two_platforms_in_one_archive_are_refused(void **state)
{
        AUTO_BUF struct buf t = BUF_INIT;

        (void)state;
        tar_platform(&t, TOP, STAMP);
        tar_platform(&t, "platform-20240202T000000Z", "20240202T000000Z");
        tar_end(&t);
        assert_refuses(&t, "more than one platform");
}

static void kernel_and_ramdisk_must_be_files_with_content(void **state)
{
        static const struct {
                char type;
                const char *link, *data, *why;
        } table[] = { { '0', NULL, "", "is empty" }, { '5', NULL, NULL, "not a regular file" },
                { '2', "../../x", NULL, "not in the archive" },
                { '3', NULL, NULL, "no i86pc/amd64/boot_archive" } };

        (void)state;
        for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
                AUTO_BUF struct buf t = BUF_INIT;

                tar_file(&t, TOP "/i86pc/kernel/amd64/unix", "unix");
                tar_add(&t, &(struct tar_member) { .name = TOP "/i86pc/amd64/boot_archive",
                                    .type = table[i].type,
                                    .link = table[i].link,
                                    .data = table[i].data });
                tar_end(&t);
                assert_refuses(&t, table[i].why);
        }
}

static void entry_numbers_do_not_depend_on_the_order_in_the_archive(void **state)
{
        static const char *const names[] = { TOP "/b", TOP "/a/z", TOP "/a/y", TOP "/c", TOP "/a-b",
                TOP "/aa" };
        AUTO_BUF struct buf one = BUF_INIT, two = BUF_INIT;
        struct verdict v, w;

        (void)state;
        tar_platform(&one, TOP, STAMP);
        for (size_t i = 0; i < 6; i++) {
                tar_file(&one, names[i], "x");
                tar_file(&two, names[5 - i], "x");
        }
        tar_platform(&two, TOP, STAMP);
        tar_end(&one);
        tar_end(&two);
        v = must_serve(&one);
        w = must_serve(&two);
        assert_int_equal(v.x.tree->n, w.x.tree->n);
        for (uint32_t i = 0; i < v.x.tree->n; i++) {
                const struct layout_entry *a = &v.x.tree->v[i], *b = &w.x.tree->v[i];

                assert_string_equal(a->name, b->name);
                assert_int_equal(a->parent, b->parent);
                assert_int_equal(a->first_child, b->first_child);
                if (i > 0)
                        assert_true(a->parent < i);
                for (uint32_t c = a->first_child + 1; c < a->first_child + a->n_children; c++)
                        assert_true(strcmp(v.x.tree->v[c - 1].name, v.x.tree->v[c].name) < 0);
        }
        done(&v);
        done(&w);
}

/* ---- the hostile table: names ---------------------------------------------------------------- */

static void add_dotdot(struct buf *t)
{
        tar_file(t, TOP "/a/../../../etc/passwd", "x");
}

static void add_dotdot_inside(struct buf *t)
{
        tar_file(t, TOP "/a/../b", "x");
}

static void add_dotdot_dir(struct buf *t)
{
        tar_dir(t, "../");
}

static void a_name_with_dotdot_refuses_the_build(void **state)
{
        (void)state;
        refuse_with(add_dotdot, "tries to leave");
        refuse_with(add_dotdot_inside, "tries to leave");
        refuse_with(add_dotdot_dir, "tries to leave");
}

static void add_absolute(struct buf *t)
{
        tar_file(t, "/etc/passwd", "x");
}

static void an_absolute_name_refuses_the_build(void **state)
{
        (void)state;
        refuse_with(add_absolute, "absolute name");
}

static void add_dots_and_slashes(struct buf *t)
{
        tar_file(t, "./" TOP "//./a/.//b", "ab");
        tar_dir(t, TOP "/c//");
        tar_dir(t, ".");
        tar_file(t, TOP "/...", "dots");
        tar_file(t, TOP "/..a", "dots too");
}

static void empty_and_dot_components_are_dropped(void **state)
{
        struct verdict v = serve_with(add_dots_and_slashes);

        (void)state;
        assert_text(&v, "platform/a/b", "ab");
        assert_true(v.x.tree->v[entry(&v, "platform/c")].is_dir);
        assert_text(&v, "platform/...", "dots");
        assert_text(&v, "platform/..a", "dots too");
        assert_null(v.x.warning);
        done(&v);
}

static void add_no_name(struct buf *t)
{
        tar_pax(t, "path", ".", 1);
        tar_file(t, "x", "x");
        tar_link(t, '2', ".", TOP);
}

static void an_entry_without_a_name_is_skipped(void **state)
{
        (void)state;
        skip_with(add_no_name, NULL, "no name");
}

static void add_nul(struct buf *t)
{
        tar_pax(t, "path", TOP "/a\0/../../b", sizeof TOP - 1 + 12);
        tar_file(t, "x", "nul");
}

static void a_name_ends_at_its_nul(void **state)
{
        struct verdict v = serve_with(add_nul);

        (void)state;
        assert_text(&v, "platform/a", "nul");
        done(&v);
}

static void add_control(struct buf *t)
{
        tar_file(t, TOP "/a\nb", "x");
        tar_file(t, TOP "/a\x7f", "x");
        tar_file(t, TOP "/\x1b[31m", "x");
        tar_file(t, TOP "/d\t/e", "x");
}

static void a_control_character_skips_the_entry(void **state)
{
        struct verdict v = serve_with(add_control);

        (void)state;
        assert_int_equal(v.x.tree->n_skipped, 4);
        assert_int_equal(v.x.tree->n, 15);
        for (const char *p = v.x.warning; *p; p++)
                assert_true((unsigned char)*p >= 0x20);
        assert_non_null(strstr(v.x.warning, "4 entries left out"));
        done(&v);
}

static void add_long(struct buf *t, size_t len)
{
        char name[sizeof TOP + 300];

        memcpy(name, TOP "/", sizeof TOP);
        memset(name + sizeof TOP, 'n', len);
        tar_pax(t, "path", name, sizeof TOP + len);
        tar_file(t, "x", "long");
}

static void add_255_and_256(struct buf *t)
{
        add_long(t, 255);
        add_long(t, 256);
}

static void a_name_of_more_than_255_bytes_is_skipped(void **state)
{
        struct verdict v = serve_with(add_255_and_256);
        char path[300] = "platform/";

        (void)state;
        memset(path + 9, 'n', 255);
        assert_text(&v, path, "long");
        path[9 + 255] = 'n';
        assert_int_equal(entry(&v, path), LAYOUT_NONE);
        assert_int_equal(v.x.tree->n_skipped, 1);
        done(&v);
}

static void add_depth(struct buf *t, unsigned depth)
{
        AUTO_BUF struct buf name = BUF_INIT;

        buf_puts(&name, TOP);
        for (unsigned i = 1; i < depth; i++)
                buf_puts(&name, "/d");
        tar_pax(t, "path", name.data, name.len);
        tar_file(t, "x", "deep");
}

static void add_64_deep(struct buf *t)
{
        add_depth(t, 64);
}

static void add_65_deep(struct buf *t)
{
        add_depth(t, 65);
}

static void more_than_64_directories_deep_is_skipped(void **state)
{
        struct verdict v = serve_with(add_64_deep);

        (void)state;
        assert_int_equal(v.x.tree->n_skipped, 0);
        done(&v);
        skip_with(add_65_deep, "platform/d", "64 directories");
}

static void add_a_name_of_a_megabyte(struct buf *t)
{
        AUTO_FREE char *name = malloc(1 << 20);

        assert_non_null(name);
        memset(name, '/', 1 << 20);
        memcpy(name, TOP, sizeof TOP - 1);
        name[(1 << 20) - 1] = 'x';
        tar_pax(t, "path", name, 1 << 20);
        tar_file(t, "x", "x");
}

static void a_name_of_more_than_64_kib_refuses_the_build(void **state)
{
        (void)state;
        refuse_with(add_a_name_of_a_megabyte, "");
}

static void add_non_ascii(struct buf *t)
{
        static const char nfc[] = TOP "/\xc3\xbc", nfd[] = TOP "/u\xcc\x88";

        tar_file(t, TOP "/latin-\xfc", "latin");
        tar_file(t, TOP "/\xe2\x98\x83", "snowman");
        tar_pax(t, "path", nfc, sizeof nfc - 1);
        tar_file(t, "x", "nfc");
        tar_pax(t, "path", nfd, sizeof nfd - 1);
        tar_file(t, "x", "nfd");
}

static void names_of_any_bytes_are_served_as_they_are(void **state)
{
        struct verdict v = serve_with(add_non_ascii);

        (void)state;
        assert_text(&v, "platform/latin-\xfc", "latin");
        assert_text(&v, "platform/\xe2\x98\x83", "snowman");
        assert_text(&v, "platform/\xc3\xbc", "nfc");
        assert_text(&v, "platform/u\xcc\x88", "nfd");
        done(&v);
}

static void add_cases(struct buf *t)
{
        tar_file(t, TOP "/Readme", "one");
        tar_file(t, TOP "/README", "two");
        tar_file(t, TOP "/I86PC/x", "three");
}

static void names_that_differ_in_case_are_two(void **state)
{
        struct verdict v = serve_with(add_cases);

        (void)state;
        assert_text(&v, "platform/Readme", "one");
        assert_text(&v, "platform/README", "two");
        assert_text(&v, "platform/I86PC/x", "three");
        done(&v);
}

static void add_outside(struct buf *t)
{
        tar_file(t, "stray", "x");
        tar_file(t, "other/f", "x");
}

static void what_stands_outside_the_platform_is_skipped(void **state)
{
        (void)state;
        skip_with(add_outside, "stray", "stray: outside the platform");
}

/* ---- the hostile table: kinds ---------------------------------------------------------------- */

static void add_special(struct buf *t)
{
        static const char types[] = "346";

        for (size_t i = 0; types[i]; i++) {
                char name[] = TOP "/dev0";

                name[sizeof name - 2] = types[i];
                tar_add(t, &(struct tar_member) { .name = name, .type = types[i] });
        }
}

static void devices_and_fifos_are_skipped(void **state)
{
        struct verdict v = serve_with(add_special);

        (void)state;
        assert_int_equal(v.x.tree->n_skipped, 3);
        assert_int_equal(entry(&v, "platform/dev3"), LAYOUT_NONE);
        done(&v);
}

static void add_setuid(struct buf *t)
{
        tar_add(t, &(struct tar_member) { .name = TOP "/su", .mode = 06777, .data = "su", .len = 2 });
}

static void setuid_is_served_without_its_mode(void **state)
{
        struct verdict v = serve_with(add_setuid);

        (void)state;
        assert_text(&v, "platform/su", "su"); /* a layout has no modes at all */
        assert_null(v.x.warning);
        done(&v);
}

/* ---- the hostile table: links ---------------------------------------------------------------- */

static void add_link_in(struct buf *t)
{
        tar_link(t, '2', TOP "/kernel", "i86pc/kernel/amd64/unix");
        tar_link(t, '2', TOP "/i86pc/up", "../i86pc/./kernel/amd64/unix");
        tar_link(t, '2', TOP "/outer", "../stray");
        tar_file(t, "stray", "outside, but in the archive");
        tar_link(t, '2', TOP "/c1", "c2");
        tar_link(t, '2', TOP "/c2", "c3");
        tar_link(t, '2', TOP "/c3", "kernel");
        tar_link(t, '2', TOP "/d", "i86pc/kernel");
        tar_link(t, '2', TOP "/through", "d/amd64/unix");
}

static void a_symlink_inside_is_shown_as_the_file_it_names(void **state)
{
        struct verdict v = serve_with(add_link_in);

        (void)state;
        assert_text(&v, "platform/kernel", "unix");
        assert_text(&v, "platform/i86pc/up", "unix");
        assert_text(&v, "platform/outer", "outside, but in the archive");
        done(&v);
}

static void a_chain_of_symlinks_is_followed(void **state)
{
        struct verdict v = serve_with(add_link_in);

        (void)state;
        assert_text(&v, "platform/c1", "unix");
        assert_text(&v, "platform/through", "unix");
        done(&v);
}

static void a_symlink_to_a_directory_is_skipped(void **state)
{
        (void)state;
        skip_with(add_link_in, "platform/d", "a link to a directory");
}

static void add_link_out(struct buf *t)
{
        tar_link(t, '2', TOP "/out", "../../etc/passwd");
}

static void add_link_absolute(struct buf *t)
{
        tar_link(t, '2', TOP "/abs", "/etc/passwd");
}

static void add_link_up_chain(struct buf *t)
{
        tar_link(t, '2', TOP "/up", "..");
        tar_link(t, '2', TOP "/upup", "up/..");
        tar_link(t, '2', TOP "/secret", "upup/etc/passwd");
}

static void a_symlink_that_leaves_the_archive_is_skipped(void **state)
{
        (void)state;
        skip_with(add_link_out, "platform/out", "leaves the archive");
        skip_with(add_link_absolute, "platform/abs", "leaves the archive");
        skip_with(add_link_up_chain, "platform/secret", "leaves the archive");
}

static void add_dangling(struct buf *t)
{
        tar_link(t, '2', TOP "/dangling", "nothing");
        tar_link(t, '2', TOP "/file", "root.password/x");
}

static void a_dangling_symlink_is_skipped(void **state)
{
        (void)state;
        skip_with(add_dangling, "platform/dangling", "not in the archive");
        skip_with(add_dangling, "platform/file", "no directory");
}

static void add_loop(struct buf *t)
{
        tar_link(t, '2', TOP "/l1", "l2");
        tar_link(t, '2', TOP "/l2", "l1");
        tar_link(t, '2', TOP "/self", "self/self");
}

static void a_loop_of_links_is_skipped(void **state)
{
        (void)state;
        skip_with(add_loop, "platform/l1", "circle");
        skip_with(add_loop, "platform/self", "circle");
}

static void add_through_link(struct buf *t)
{
        tar_link(t, '2', TOP "/d", "..");
        tar_file(t, TOP "/d/e", "x");
}

static void add_link_over_dir(struct buf *t)
{
        tar_file(t, TOP "/d/e", "x");
        tar_link(t, '2', TOP "/d", "..");
}

static void an_entry_behind_a_link_refuses_the_build(void **state)
{
        (void)state;
        refuse_with(add_through_link, "no directory");
        refuse_with(add_link_over_dir, "directory and something else");
}

static void add_password_link(struct buf *t)
{
        tar_link(t, '2', TOP "/hello", "root.password");
        tar_link(t, '1', TOP "/hello2", TOP "/root.password");
}

static void a_link_to_the_password_is_hidden_as_well(void **state)
{
        struct verdict v = serve_with(add_password_link);

        (void)state;
        assert_true(v.x.tree->v[entry(&v, "platform/hello")].hidden);
        assert_true(v.x.tree->v[entry(&v, "platform/hello2")].hidden);
        assert_false(v.x.tree->v[v.x.tree->unix_entry].hidden);
        done(&v);
}

static void add_hard(struct buf *t)
{
        tar_link(t, '1', TOP "/h1", "./" TOP "/i86pc/kernel/amd64/unix");
        tar_link(t, '1', TOP "/h2", TOP "/later"); /* forward */
        tar_file(t, TOP "/later", "later");
        tar_link(t, '1', TOP "/h3", TOP "/h2");
}

static void hard_links_backward_forward_and_chained_are_served(void **state)
{
        struct verdict v = serve_with(add_hard);

        (void)state;
        assert_text(&v, "platform/h1", "unix");
        assert_text(&v, "platform/h2", "later");
        assert_text(&v, "platform/h3", "later");
        done(&v);
}

static void the_kernel_may_be_a_link(void **state)
{
        AUTO_BUF struct buf t = BUF_INIT;
        struct verdict v;

        (void)state;
        tar_link(&t, '1', TOP "/i86pc/kernel/amd64/unix", TOP "/real");
        tar_file(&t, TOP "/real", "unix");
        tar_link(&t, '2', TOP "/i86pc/amd64/boot_archive", "../../ram");
        tar_file(&t, TOP "/ram", "abc");
        tar_file(&t, TOP "/i86pc/amd64/boot_archive.hash", "A9993E364706816ABA3E25717850C26C9CD0D89D\n");
        tar_end(&t);
        v = must_serve(&t);
        assert_text(&v, "platform/i86pc/kernel/amd64/unix", "unix");
        assert_true(v.x.hash_checked);
        done(&v);
}

static void add_hard_dangling(struct buf *t)
{
        tar_link(t, '1', TOP "/h", TOP "/nothing");
}

static void a_dangling_hard_link_is_skipped(void **state)
{
        (void)state;
        skip_with(add_hard_dangling, "platform/h", "not in the archive");
}

static void add_hard_out(struct buf *t)
{
        tar_link(t, '1', TOP "/h", "../etc/shadow");
}

static void add_hard_abs(struct buf *t)
{
        tar_link(t, '1', TOP "/h", "/etc/shadow");
}

static void a_hard_link_that_leaves_the_archive_refuses_the_build(void **state)
{
        (void)state;
        refuse_with(add_hard_out, "tries to leave");
        refuse_with(add_hard_abs, "tries to leave");
}

/* ---- the hostile table: twice ---------------------------------------------------------------- */

static void add_second_kernel(struct buf *t)
{
        tar_file(t, TOP "/i86pc/kernel/amd64/unix", "evil");
}

static void add_second_ramdisk(struct buf *t)
{
        tar_file(t, "./" TOP "/i86pc/amd64//boot_archive", "evil");
}

static void a_second_kernel_or_ramdisk_refuses_the_build(void **state)
{
        (void)state;
        refuse_with(add_second_kernel, "twice");
        refuse_with(add_second_ramdisk, "twice");
}

static void add_twice(struct buf *t)
{
        tar_file(t, TOP "/f", "first");
        tar_file(t, TOP "/f", "second");
        tar_dir(t, TOP "/i86pc"); /* a directory may come as often as it likes */
}

static void of_two_entries_of_a_name_the_last_counts(void **state)
{
        struct verdict v = serve_with(add_twice);

        (void)state;
        assert_text(&v, "platform/f", "second");
        assert_int_equal(v.x.tree->n_skipped, 1);
        assert_non_null(strstr(v.x.warning, "twice"));
        done(&v);
}

static void add_file_then_dir(struct buf *t)
{
        tar_file(t, TOP "/f", "file");
        tar_dir(t, TOP "/f");
}

static void add_dir_then_file(struct buf *t)
{
        tar_dir(t, TOP "/f");
        tar_file(t, TOP "/f", "file");
}

static void add_file_then_below(struct buf *t)
{
        tar_file(t, TOP "/f", "file");
        tar_file(t, TOP "/f/g", "file");
}

static void a_file_and_a_directory_of_one_name_refuse_the_build(void **state)
{
        (void)state;
        refuse_with(add_file_then_dir, "directory and something else");
        refuse_with(add_dir_then_file, "directory and something else");
        refuse_with(add_file_then_below, "no directory");
}

/* ---- the hostile table: sizes ---------------------------------------------------------------- */

/* GNU sparse 1.0: the map stands in front of the data. */
static void add_pax_hole(struct buf *t)
{
        static const char records[] =
                "22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n50 GNU.sparse.name=" TOP "/hole\n"
                "30 GNU.sparse.realsize=100000\n";
        static const char map[512] = "1\n100000\n0\n"; /* one run, of no bytes, at the end */

        tar_add(t, &(struct tar_member) {
                           .name = "PaxHeaders/x", .type = 'x', .data = records, .len = sizeof records - 1 });
        tar_add(t, &(struct tar_member) { .name = "GNUSparseFile.0/hole", .data = map, .len = sizeof map });
}

static void a_file_of_one_hole_is_zeros_to_its_size(void **state)
{
        struct verdict v = serve_with(add_pax_hole);
        uint32_t e = entry(&v, "platform/hole");
        char b[1000];

        (void)state;
        assert_true(e != LAYOUT_NONE);
        assert_int_equal(v.x.tree->v[e].size_bytes, 100000);
        for (uint64_t off = 0; off < 100000; off += sizeof b) {
                assert_int_equal(layout_pread(v.x.tree, v.x.src, e, b, sizeof b, off), sizeof b);
                for (size_t i = 0; i < sizeof b; i++)
                        assert_int_equal(b[i], 0);
        }
        done(&v);
}

static void add_huge(struct buf *t)
{
        tar_pax(t, "size", "9223372036854775807", 19);
        tar_file(t, TOP "/huge", "x");
}

static void a_size_beyond_64_gib_refuses_the_build(void **state)
{
        (void)state;
        refuse_with(add_huge, "");
}

static void more_than_a_million_entries_refuse_the_build(void **state)
{
        enum { N = LAYOUT_MAX_ENTRIES };
        struct member *v = calloc(N, sizeof *v);
        char *names = malloc((size_t)N * 8);
        struct members m = { .v = v, .n = N };
        struct skips skips = { 0, BUF_INIT };
        struct pathtree t;
        struct err err = { "" };

        (void)state;
        assert_true(v && names);
        for (uint32_t i = 0; i < N; i++) {
                (void)snprintf(names + 8 * i, 8, "%07u", i);
                v[i] = (struct member) { .name = names + 8 * i, .kind = MEMBER_FILE };
        }
        assert_int_equal(pathtree_init(&t, &m, &skips, &err), -EBADMSG);
        assert_non_null(strstr(err.text, "more than 1048576"));
        assert_int_equal(t.n, N); /* the root and all but the last */
        pathtree_fini(&t);
        free(names);
        free(v);
}

static void a_tar_without_its_end_is_served_with_a_warning(void **state)
{
        AUTO_BUF struct buf t = BUF_INIT;
        struct verdict v;

        (void)state;
        tar_platform(&t, TOP, STAMP);
        v = must_serve(&t);
        assert_true(v.x.unsure); /* a young file waits */
        assert_non_null(strstr(v.x.warning, "end-of-archive"));
        done(&v);
}

static void a_tar_cut_inside_an_entry_is_refused(void **state)
{
        AUTO_BUF struct buf t = BUF_INIT;

        (void)state;
        tar_platform(&t, TOP, STAMP);
        t.len -= 512;
        assert_refuses(&t, "");
}

static void a_second_tar_behind_the_first_is_ignored_with_a_warning(void **state)
{
        AUTO_BUF struct buf t = BUF_INIT;
        struct verdict v;

        (void)state;
        tar_platform(&t, TOP, STAMP);
        tar_end(&t);
        tar_platform(&t, TOP, STAMP); /* would be "twice" */
        tar_file(&t, "../../x", "x");
        tar_end(&t);
        v = must_serve(&t);
        assert_non_null(strstr(v.x.warning, "second"));
        done(&v);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_tarball_appears_below_platform),
                cmocka_unit_test(optional_files_may_be_missing),
                cmocka_unit_test(every_form_of_a_top_directory_gives_the_same_tree),
                cmocka_unit_test(a_loader_tree_beside_platform_is_shown_as_boot),
                cmocka_unit_test(an_iso_appears_as_it_stands),
                cmocka_unit_test(an_iso_with_a_loader_of_another_build_is_refused),
                cmocka_unit_test(a_loader_of_another_build_is_refused),
                cmocka_unit_test(what_is_no_platform_is_refused_with_the_way_out),
                cmocka_unit_test(what_holds_no_platform_at_all_is_an_image),
                cmocka_unit_test(an_image_may_hold_nothing_but_empty_files),
                cmocka_unit_test(a_hostile_image_is_refused_like_a_build),
                cmocka_unit_test(two_platforms_in_one_archive_are_refused),
                cmocka_unit_test(kernel_and_ramdisk_must_be_files_with_content),
                cmocka_unit_test(entry_numbers_do_not_depend_on_the_order_in_the_archive),
                cmocka_unit_test(a_name_with_dotdot_refuses_the_build),
                cmocka_unit_test(an_absolute_name_refuses_the_build),
                cmocka_unit_test(empty_and_dot_components_are_dropped),
                cmocka_unit_test(an_entry_without_a_name_is_skipped),
                cmocka_unit_test(a_name_ends_at_its_nul),
                cmocka_unit_test(a_control_character_skips_the_entry),
                cmocka_unit_test(a_name_of_more_than_255_bytes_is_skipped),
                cmocka_unit_test(more_than_64_directories_deep_is_skipped),
                cmocka_unit_test(a_name_of_more_than_64_kib_refuses_the_build),
                cmocka_unit_test(names_of_any_bytes_are_served_as_they_are),
                cmocka_unit_test(names_that_differ_in_case_are_two),
                cmocka_unit_test(what_stands_outside_the_platform_is_skipped),
                cmocka_unit_test(devices_and_fifos_are_skipped),
                cmocka_unit_test(setuid_is_served_without_its_mode),
                cmocka_unit_test(a_symlink_inside_is_shown_as_the_file_it_names),
                cmocka_unit_test(a_chain_of_symlinks_is_followed),
                cmocka_unit_test(a_symlink_to_a_directory_is_skipped),
                cmocka_unit_test(a_symlink_that_leaves_the_archive_is_skipped),
                cmocka_unit_test(a_dangling_symlink_is_skipped),
                cmocka_unit_test(a_loop_of_links_is_skipped),
                cmocka_unit_test(an_entry_behind_a_link_refuses_the_build),
                cmocka_unit_test(a_link_to_the_password_is_hidden_as_well),
                cmocka_unit_test(hard_links_backward_forward_and_chained_are_served),
                cmocka_unit_test(the_kernel_may_be_a_link),
                cmocka_unit_test(a_dangling_hard_link_is_skipped),
                cmocka_unit_test(a_hard_link_that_leaves_the_archive_refuses_the_build),
                cmocka_unit_test(a_second_kernel_or_ramdisk_refuses_the_build),
                cmocka_unit_test(of_two_entries_of_a_name_the_last_counts),
                cmocka_unit_test(a_file_and_a_directory_of_one_name_refuse_the_build),
                cmocka_unit_test(a_file_of_one_hole_is_zeros_to_its_size),
                cmocka_unit_test(a_size_beyond_64_gib_refuses_the_build),
                cmocka_unit_test(more_than_a_million_entries_refuse_the_build),
                cmocka_unit_test(a_tar_without_its_end_is_served_with_a_warning),
                cmocka_unit_test(a_tar_cut_inside_an_entry_is_refused),
                cmocka_unit_test(a_second_tar_behind_the_first_is_ignored_with_a_warning),
        };

        (void)setlocale(LC_CTYPE, "C.UTF-8");
        return cmocka_run_group_tests(tests, NULL, NULL);
}
