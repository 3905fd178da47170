/* SPDX-License-Identifier: MPL-2.0 */
/* catalog: what is offered, what is not and why. */
#include <fcntl.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "catalogworld.h"
#include "packer.h"

/* ---- what is offered ------------------------------------------------------------------------- */

static void offers_good_archives_newest_first(void **state)
{
        struct world *w = *state;

        put_platform(w, "a.tgz", "platform-" STAMP, STAMP, true, 60);
        put_platform(w, "b.tar", "platform-" STAMP2, STAMP2, false, 90);
        put_platform(w, "c.tgz", "platform-debug-" STAMP2, STAMP2, true, 80);
        scan(w);
        assert_int_equal(w->v->n_builds, 3);
        assert_string_equal(w->v->list.v[0].name, STAMP2);
        assert_string_equal(w->v->list.v[1].name, "debug-" STAMP2);
        assert_string_equal(w->v->list.v[2].name, STAMP);
        assert_true(w->v->list.v[0].release && !w->v->list.v[1].release && w->v->list.v[0].has_hash);
        assert_ptr_equal(w->v->latest, w->v->builds[0]);
        assert_reads(catalog_view_by_name(w->v, STAMP), RAMDISK, "ramdisk of " STAMP "\n");
        assert_reads(catalog_view_by_name(w->v, STAMP2), RAMDISK, "ramdisk of " STAMP2 "\n");
        assert_null(catalog_view_by_name(w->v, "20200101T000000Z"));
        for (size_t i = 0; i < 3; i++)
                assert_ptr_equal(catalog_view_by_object(w->v, w->v->builds[i]->object), w->v->builds[i]);
        assert_null(catalog_view_by_object(w->v, 1));
        assert_state(w, "a.tgz", ARCHIVE_READY, NULL);
        assert_false(w->more);
        assert_int_equal(w->poll_ms, -1);
}

static void a_branch_build_is_never_the_latest(void **state)
{
        struct world *w = *state;

        put_platform(w, "c.tgz", "platform-debug-" STAMP2, STAMP2, true, 80);
        scan(w);
        assert_int_equal(w->v->n_builds, 1);
        assert_null(w->v->latest);
}

static void a_refused_archive_hides_no_good_one(void **state)
{
        struct world *w = *state;
        AUTO_BUF struct buf t = BUF_INIT;

        put_platform(w, "good.tgz", "platform-" STAMP, STAMP, true, 60);
        tar_platform(&t, "platform-" STAMP, STAMP);
        tar_file(&t, "../x", "evil twin");
        tar_end(&t);
        scratch_put(w->bfd, "evil.tar", t.data, t.len, 60);
        scratch_put(w->bfd, "empty.tgz", "", 0, 60);
        scratch_put(w->bfd, "error.iso", "<html>404", 9, 60);
        scratch_put(w->bfd, "platform.tar.xz",
                "\xfd"
                "7zXZ\0",
                6, 60);
        scratch_put(w->bfd, "platform.tar.lz", "LZIP", 4, 60);
        scratch_put(w->bfd, "README", "not looked at", 13, 60);
        scratch_put(w->bfd, "sha256sums.txt", "", 0, 60);
        scan(w);
        assert_int_equal(w->v->n_builds, 1);
        assert_int_equal(w->v->n_archives, 6);
        assert_state(w, "evil.tar", ARCHIVE_REFUSED, "tries to leave");
        assert_state(w, "empty.tgz", ARCHIVE_REFUSED, "empty");
        assert_state(w, "error.iso", ARCHIVE_REFUSED, "web page");
        assert_state(
                w, "platform.tar.xz", ARCHIVE_REFUSED, pack_can(FILTER_XZ) ? "too early" : "built without");
        assert_state(w, "platform.tar.lz", ARCHIVE_REFUSED, "recompress it with gzip");
        assert_non_null(strstr(logged.data, "evil.tar: refused: "));
        assert_int_equal(spool_files(w), 0);
}

/* Any filter goes through the spool: decoded once, and known after a restart. */
static void other_compressions_are_served_too(void **state)
{
        static const struct {
                const char *file;
                enum filter_kind kind;
        } table[] = { { "a.tar.xz", FILTER_XZ }, { "a.tar.zst", FILTER_ZSTD },
                { "a.tar.bz2", FILTER_BZIP2 } };
        struct world *w = *state;

        for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
                AUTO_BUF struct buf t = BUF_INIT, z = BUF_INIT;
                struct stat before, after;
                char path[32];

                if (!pack_can(table[i].kind))
                        continue;
                tar_platform(&t, "platform-" STAMP, STAMP);
                tar_end(&t);
                pack_add(&z, table[i].kind, t.data, t.len, true);
                scratch_put(w->bfd, table[i].file, z.data, z.len, 60);
                scan(w);
                assert_state(w, table[i].file, ARCHIVE_READY, NULL);
                assert_reads(w->v->builds[0], RAMDISK, "ramdisk of " STAMP "\n");
                (void)snprintf(
                        path, sizeof path, "spool/%010llx.raw", (unsigned long long)w->v->builds[0]->object);
                assert_int_equal(fstatat(w->cfd, path, &before, 0), 0);
                restart(w);
                scan(w);
                assert_reads(w->v->builds[0], RAMDISK, "ramdisk of " STAMP "\n");
                assert_int_equal(fstatat(w->cfd, path, &after, 0), 0);
                assert_int_equal(before.st_ino, after.st_ino);
                assert_int_equal(unlinkat(w->bfd, table[i].file, 0), 0);
                scan(w);
                z.data[z.len / 2] ^= 0x20;
                scratch_put(w->bfd, table[i].file, z.data, z.len, 60);
                scan(w);
                assert_state(w, table[i].file, ARCHIVE_REFUSED, "");
                assert_int_equal(spool_files(w), 0);
                assert_int_equal(unlinkat(w->bfd, table[i].file, 0), 0);
        }
}

static void a_bomb_in_any_compression_stops_at_spool_max(void **state)
{
        static const enum filter_kind kinds[] = { FILTER_XZ, FILTER_ZSTD, FILTER_BZIP2 };
        struct world *w = *state;
        AUTO_FREE char *zeros = calloc(1, 4 << 20);
        AUTO_BUF struct buf t = BUF_INIT;

        tar_platform(&t, "platform-" STAMP, STAMP);
        tar_end(&t);
        buf_add(&t, zeros, 4 << 20);
        w->opts.spool_max_bytes = 1 << 20;
        restart(w);
        for (size_t i = 0; i < 3; i++) {
                AUTO_BUF struct buf z = BUF_INIT;

                if (!pack_can(kinds[i]))
                        continue;
                pack_add(&z, kinds[i], t.data, t.len, true);
                scratch_put(w->bfd, "bomb.tar.xz", z.data, z.len, 60); /* the suffix decides nothing */
                scan(w);
                assert_int_equal(spool_files(w), 0);
                assert_state(w, "bomb.tar.xz", ARCHIVE_REFUSED, "spool_max=");
                assert_int_equal(unlinkat(w->bfd, "bomb.tar.xz", 0), 0);
                scan(w);
        }
}

static void a_damaged_tgz_is_refused_and_leaves_no_spool_file(void **state)
{
        struct world *w = *state;
        AUTO_BUF struct buf t = BUF_INIT, z = BUF_INIT;

        tar_platform(&t, "platform-" STAMP, STAMP);
        tar_end(&t);
        gz_add(&z, t.data, t.len, 0);
        scratch_put(w->bfd, "short.tgz", z.data, z.len - 4, 60);
        z.data[z.len / 2] ^= 0x20;
        scratch_put(w->bfd, "flipped.tgz", z.data, z.len, 60);
        scan(w);
        assert_int_equal(w->v->n_builds, 0);
        assert_state(w, "short.tgz", ARCHIVE_REFUSED, "not complete");
        assert_state(w, "flipped.tgz", ARCHIVE_REFUSED, "");
        assert_int_equal(spool_files(w), 0);
}

static void put_image(const struct world *w, const char *file, const char *text)
{
        AUTO_BUF struct buf t = BUF_INIT, z = BUF_INIT;

        tar_file(&t, "linux", text);
        tar_end(&t);
        gz_add(&z, t.data, t.len, 6);
        scratch_put(w->bfd, file, z.data, z.len, 60);
}

static void images_are_in_no_list_of_builds(void **state)
{
        struct world *w = *state;

        put_image(w, "netboot.tar.gz", "one");
        put_image(w, "netboot.tgz", "two");
        put_image(w, STAMP2 ".tgz", "named like a build, and a newer one");
        put_platform(w, "a.tgz", "platform-" STAMP, STAMP, true, 60);
        for (int i = 0; i < 2; i++) { /* and so after a restart */
                scan(w);
                assert_int_equal(w->v->n_builds, 1);
                assert_int_equal(w->v->list.n, 1);
                assert_string_equal(w->v->latest->name, STAMP);
                assert_int_equal(w->v->n_images, 2);
                assert_int_equal(w->v->n_isos, 0);
                assert_null(catalog_view_by_name(w->v, "netboot"));
                assert_reads(catalog_view_image(w->v, "netboot"), "linux", "one");
                assert_state(w, "netboot.tgz", ARCHIVE_SHADOWED, "is image netboot too");
                assert_string_equal(status(w, STAMP2 ".tgz")->build, STAMP2);
                assert_true(status(w, STAMP2 ".tgz")->image);
                assert_ptr_equal(catalog_view_by_object(w->v, w->v->images[0]->object), w->v->images[0]);
                restart(w);
        }
        scan(w);
        assert_int_equal(unlinkat(w->bfd, "netboot.tar.gz", 0), 0);
        scan(w);
        assert_reads(catalog_view_image(w->v, "netboot"), "linux", "two");
        assert_int_equal(w->v->n_retired, 1);
}

static void names_of_images_and_isos_come_from_the_file(void **state)
{
        static const struct {
                const char *file, *image, *iso;
        } table[] = { { "netboot.tar.gz", "netboot", "netboot.iso" }, { "x.TGZ", "x", "x.iso" },
                { "memtest86+.iso", "memtest86+", "memtest86+.iso" },
                { "d-12.5.iso.xz", "d-12.5", "d-12.5.iso" },
                { "platform-latest", "platform-latest", "platform-latest.iso" },
                { "a.tar.tar", "a.tar", "a.tar.iso" } };

        (void)state;
        for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
                AUTO_FREE char *image = build_name_of_file(table[i].file),
                               *iso = build_name_of_iso(table[i].file);

                assert_string_equal(image, table[i].image);
                assert_string_equal(iso, table[i].iso);
        }
}

/* ---- two archives of one build --------------------------------------------------------------- */

static void put_unhashed(const struct world *w, const char *file)
{
        AUTO_BUF struct buf t = BUF_INIT;

        tar_minimum(&t, "platform-" STAMP);
        tar_end(&t);
        scratch_put(w->bfd, file, t.data, t.len, 60);
}

static void of_two_the_one_with_a_checked_hash_wins(void **state)
{
        struct world *w = *state;

        put_unhashed(w, "a.tar");
        put_platform(w, "b.tgz", "platform-" STAMP, STAMP, true, 90);
        scan(w);
        assert_int_equal(w->v->n_builds, 1);
        assert_string_equal(w->v->builds[0]->archive, "b.tgz");
        assert_state(w, "a.tar", ARCHIVE_SHADOWED, "b.tgz is served: its boot_archive.hash was checked");
        assert_non_null(strstr(status(w, "a.tar")->reason, "a.tar"));
}

static void else_the_first_name_wins_and_the_other_takes_over(void **state)
{
        struct world *w = *state;
        uint64_t object;

        put_platform(w, "b.tgz", "platform-" STAMP, STAMP, true, 60);
        put_platform(w, "a.tgz", "platform-" STAMP, STAMP, true, 90);
        scan(w);
        assert_string_equal(w->v->builds[0]->archive, "a.tgz");
        assert_state(w, "b.tgz", ARCHIVE_SHADOWED, "a.tgz is served: its name is first");
        object = w->v->builds[0]->object;
        assert_int_equal(unlinkat(w->bfd, "a.tgz", 0), 0);
        scan(w);
        assert_int_equal(w->v->n_builds, 1);
        assert_string_equal(w->v->builds[0]->archive, "b.tgz");
        assert_reads(catalog_view_by_object(w->v, object), RAMDISK,
                "ramdisk of " STAMP "\n"); /* open readers finish */
}

static void two_names_of_one_file_are_one_archive(void **state)
{
        struct world *w = *state;

        put_platform(w, "platform-" STAMP ".tgz", "platform-" STAMP, STAMP, true, 60);
        assert_int_equal(linkat(w->bfd, "platform-" STAMP ".tgz", w->bfd, "platform-latest.tgz", 0), 0);
        assert_int_equal(symlinkat("platform-latest.tgz", w->bfd, "z.tgz"), 0);
        assert_int_equal(symlinkat("nowhere.tgz", w->bfd, "dangling.tgz"), 0);
        scan(w);
        assert_int_equal(w->v->n_builds, 1);
        assert_int_equal(w->v->n_archives, 4);
        assert_state(w, "dangling.tgz", ARCHIVE_REFUSED, "cannot be looked at");
        assert_state(w, "platform-latest.tgz", ARCHIVE_SHADOWED, "the same file");
        assert_int_equal(spool_files(w), 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                T(offers_good_archives_newest_first),
                T(a_branch_build_is_never_the_latest),
                T(a_refused_archive_hides_no_good_one),
                T(other_compressions_are_served_too),
                T(a_bomb_in_any_compression_stops_at_spool_max),
                T(a_damaged_tgz_is_refused_and_leaves_no_spool_file),
                T(images_are_in_no_list_of_builds),
                cmocka_unit_test(names_of_images_and_isos_come_from_the_file),
                T(of_two_the_one_with_a_checked_hash_wins),
                T(else_the_first_name_wins_and_the_other_takes_over),
                T(two_names_of_one_file_are_one_archive),
        };

        (void)setlocale(LC_CTYPE, "C.UTF-8");
        return cmocka_run_group_tests(tests, NULL, NULL);
}
