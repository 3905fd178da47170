/* SPDX-License-Identifier: MPL-2.0 */
/* layout: what of an archive appears where below /smartos/<build>, and what is no build. */
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

#include "layoutlab.h"

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
                { "A/I86PC/KERNEL/AMD64/UNIX", "A/I86PC/AMD64/BOOT_ARCHIVE", "in another case" },
                { TOP "/i86pc/kernel/amd64/unix.bak", TOP "/i86pc/amd64/Boot_Archive", "in another case" },
                { TOP "\\i86pc\\kernel\\amd64\\unix", "x", "have backslashes" },
                { "x", "a/b\\AMD64\\boot_archive", "have backslashes" },
                { "", TOP ".tgz", "nothing but " TOP ".tgz" },
                { "", "a/b/" TOP ".tar.xz", "nothing but " TOP ".tar.xz" },
                { "", "smartos-20240101T000000Z.iso", "nothing but smartos-20240101T000000Z.iso" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
                AUTO_BUF struct buf t = BUF_INIT;

                if (table[i].name[0])
                        tar_file(&t, table[i].name, "x");
                tar_file(&t, table[i].name2, "x");
                tar_end(&t);
                assert_refuses(&t, table[i].why);
        }
}

/* Names that resemble those of a platform, in archives that are images all the same. */
static void what_only_resembles_a_platform_is_an_image(void **state)
{
        static const char *const table[][2] = {
                { TOP ".tgz", TOP ".tgz.asc" }, /* a mirror's directory */
                { "boot_archive", "amd64/boot_archive" },
                { "i86pc/boot_archive", "x" },
                { "boot\\grub\\menu.lst", "amd64\\unix" },
                { "platform-notes.txt", NULL },
                { "netboot.tar", NULL },
        };

        (void)state;
        for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
                AUTO_BUF struct buf t = BUF_INIT;
                struct verdict v;

                tar_file(&t, table[i][0], "x");
                if (table[i][1])
                        tar_file(&t, table[i][1], "x");
                tar_end(&t);
                v = must_serve(&t);
                assert_true(v.x.tree->image);
                done(&v);
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
                { '3', NULL, NULL, "a device, FIFO or socket" } };

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
                cmocka_unit_test(what_only_resembles_a_platform_is_an_image),
                cmocka_unit_test(what_holds_no_platform_at_all_is_an_image),
                cmocka_unit_test(an_image_may_hold_nothing_but_empty_files),
                cmocka_unit_test(a_hostile_image_is_refused_like_a_build),
                cmocka_unit_test(two_platforms_in_one_archive_are_refused),
                cmocka_unit_test(kernel_and_ramdisk_must_be_files_with_content),
                cmocka_unit_test(entry_numbers_do_not_depend_on_the_order_in_the_archive),
        };

        (void)setlocale(LC_CTYPE, "C.UTF-8");
        return cmocka_run_group_tests(tests, NULL, NULL);
}
