/* SPDX-License-Identifier: MPL-2.0 */
/* catalog: over restarts, losses and caches in trouble. */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "catalogworld.h"

/* ---- over a restart -------------------------------------------------------------------------- */

static void a_second_open_decodes_nothing(void **state)
{
        struct world *w = *state;
        uint64_t a, b;

        put_platform(w, "a.tgz", "platform-" STAMP, STAMP, true, 60);
        put_platform(w, "b.tar", "platform-" STAMP2, STAMP2, false, 60);
        scratch_put(w->bfd, "bad.tgz", "x", 1, 60);
        scan(w);
        a = catalog_view_by_name(w->v, STAMP)->object;
        b = catalog_view_by_name(w->v, STAMP2)->object;
        restart(w);
        scan_as(w, false); /* one look: would read at most one archive, and say "more" */
        assert_int_equal(w->v->n_builds, 2);
        assert_false(w->more);
        assert_int_equal(catalog_view_by_name(w->v, STAMP)->object, a);
        assert_int_equal(catalog_view_by_name(w->v, STAMP2)->object, b);
        assert_state(w, "bad.tgz", ARCHIVE_REFUSED, "neither a tar");
        assert_int_equal(w->v->serial, 2); /* the empty view, and this one: nothing was "indexing" */
        assert_reads(catalog_view_by_name(w->v, STAMP), RAMDISK, "ramdisk of " STAMP "\n");
}

static void a_lost_or_damaged_catalog_gives_the_same_numbers(void **state)
{
        static const char *const losses[] = { "gone", "damaged", "other" };
        struct world *w = *state;

        put_platform(w, "a.tgz", "platform-" STAMP, STAMP, true, 60);
        put_platform(w, "b.tar", "platform-" STAMP2, STAMP2, false, 60);
        scan(w);
        for (size_t i = 0; i < 3; i++) {
                uint64_t a = catalog_view_by_name(w->v, STAMP)->object,
                         b = catalog_view_by_name(w->v, STAMP2)->object;
                uint32_t unix_entry = w->v->builds[0]->tree->unix_entry;
                int fd;

                close_catalog(w);
                if (strcmp(losses[i], "gone") == 0) {
                        assert_int_equal(unlinkat(w->cfd, "catalog.db", 0), 0);
                } else {
                        fd = openat(w->cfd, "catalog.db", O_RDWR);
                        if (strcmp(losses[i], "damaged") == 0)
                                assert_int_equal(pwrite(fd, "nonsense", 8, 0), 8);
                        else
                                assert_int_equal(pwrite(fd, "\0\0\0\x63", 4, 60), 4); /* user_version 99 */
                        close(fd);
                }
                open_catalog(w);
                scan(w);
                assert_int_equal(w->v->n_builds, 2);
                assert_int_equal(catalog_view_by_name(w->v, STAMP)->object, a);
                assert_int_equal(catalog_view_by_name(w->v, STAMP2)->object, b);
                assert_int_equal(w->v->builds[0]->tree->unix_entry, unix_entry);
                assert_reads(catalog_view_by_name(w->v, STAMP), RAMDISK, "ramdisk of " STAMP "\n");
                assert_int_equal(spool_files(w), 0);
        }
        assert_non_null(strstr(logged.data, "thrown away"));
}

/* Page by page: whatever holds noise costs reading the archives again at most, at this opening and at the next. */
static void noise_on_any_page_costs_a_scan(void **state)
{
        enum { PAGE = 4096 };
        static unsigned char good[256 * PAGE], noise[PAGE];
        struct world *w = *state;
        unsigned seed = 1, pages;
        ssize_t size;
        int fd;

        put_platform(w, "a.tgz", "platform-" STAMP, STAMP, true, 60);
        put_platform(w, "b.tar", "platform-" STAMP2, STAMP2, false, 60);
        scratch_put(w->bfd, "bad.tgz", "x", 1, 60);
        scan(w);
        close_catalog(w);
        fd = openat(w->cfd, "catalog.db", O_RDONLY);
        size = read(fd, good, sizeof good);
        close(fd);
        assert_true(size > 8 * PAGE && (size_t)size < sizeof good);
        pages = (unsigned)(size / PAGE);
        for (unsigned page = 0; page < pages; page++) {
                for (size_t i = 0; i < PAGE; i++)
                        noise[i] = (unsigned char)((seed = seed * 1103515245 + 12345) >> 16);
                (void)unlinkat(w->cfd, "catalog.db-wal", 0);
                (void)unlinkat(w->cfd, "catalog.db-shm", 0);
                (void)unlinkat(w->cfd, "catalog.db", 0);
                fd = openat(w->cfd, "catalog.db", O_RDWR | O_CREAT, 0600);
                assert_int_equal(write(fd, good, (size_t)size), size);
                assert_int_equal(pwrite(fd, noise, PAGE, (off_t)page * PAGE), PAGE);
                close(fd);
                for (int opening = 0; opening < 2; opening++) {
                        open_catalog(w);
                        scan(w);
                        assert_int_equal(w->v->n_builds, 2);
                        assert_state(w, "bad.tgz", ARCHIVE_REFUSED, "neither a tar");
                        assert_reads(catalog_view_by_name(w->v, STAMP), RAMDISK, "ramdisk of " STAMP "\n");
                        assert_reads(catalog_view_by_name(w->v, STAMP2), RAMDISK, "ramdisk of " STAMP2 "\n");
                        close_catalog(w);
                }
        }
        open_catalog(w);
}

static void old_spool_files_are_swept(void **state)
{
        struct world *w = *state;

        put_platform(w, "a.tgz", "platform-" STAMP, STAMP, true, 60);
        close_catalog(w);
        close(openat(w->cfd, "spool/0123456789.raw", O_RDWR | O_CREAT, 0600));
        close(openat(w->cfd, "spool/stray", O_RDWR | O_CREAT, 0600));
        open_catalog(w);
        scan(w);
        assert_int_equal(w->v->n_builds, 1);
        assert_int_equal(spool_files(w), 0);
}

/* A library update: what the old one saved is not shown to the new one. */
static void checkpoints_of_another_decoder_are_made_anew(void **state)
{
        struct world *w = *state;
        uint64_t object;

        put_platform(w, "a.tgz", "platform-" STAMP, STAMP, true, 60);
        scan(w);
        object = w->v->builds[0]->object;
        close_catalog(w);
        assert_int_equal(sql(w, "UPDATE archive SET decoder = decoder || '1'"), SQLITE_OK);
        open_catalog(w);
        scan_as(w, false);
        assert_int_equal(w->v->n_builds, 1);
        assert_int_equal(w->v->builds[0]->object, object);
        assert_true(w->v->serial > 2); /* it was read */
        assert_reads(w->v->builds[0], RAMDISK, "ramdisk of " STAMP "\n");
}

/* Without its sums a tar is not served, and with wrong ones neither: it is read again. */
static void a_row_whose_sums_were_tampered_with_is_read_anew(void **state)
{
        static const char *const how[] = {
                "UPDATE archive SET blocksums = zeroblob(length(blocksums))",
                "UPDATE archive SET blocksums = substr(blocksums, 1, length(blocksums) - 4)",
                "UPDATE archive SET blocksums = x'', decoder = NULL",
                "UPDATE archive SET gzindex = blocksums, blocksums = NULL",
        };
        struct world *w = *state;

        put_platform(w, "b.tar", "platform-" STAMP2, STAMP2, false, 60);
        scan(w);
        for (size_t i = 0; i < sizeof how / sizeof how[0]; i++) {
                close_catalog(w);
                assert_int_equal(sql(w, how[i]), SQLITE_OK);
                open_catalog(w);
                scan_as(w, false);
                assert_int_equal(w->v->n_builds, 1);
                assert_true(w->v->serial > 2); /* it was read */
                assert_reads(w->v->builds[0], RAMDISK, "ramdisk of " STAMP2 "\n");
        }
        assert_true(sql(w, "UPDATE archive SET blocksums = NULL") != SQLITE_OK);
}

static void colliding_numbers_are_salted_apart(void **state)
{
        struct world *w = *state;

        close_catalog(w);
        w->opts.object_bits = 3; /* seven numbers for six builds */
        open_catalog(w);
        for (int i = 0; i < 6; i++) {
                char file[32], top[64], stamp[32];

                (void)snprintf(stamp, sizeof stamp, "2024010%dT000000Z", i + 1);
                (void)snprintf(file, sizeof file, "%d.tar", i);
                (void)snprintf(top, sizeof top, "platform-%s", stamp);
                put_platform(w, file, top, stamp, i % 2, 60 + i);
        }
        for (int again = 0; again < 2; again++) {
                scan(w);
                assert_int_equal(w->v->n_builds, 6);
                for (size_t i = 0; i < 6; i++) {
                        char want[64];

                        (void)snprintf(want, sizeof want, "ramdisk of %s\n", w->v->builds[i]->name);
                        assert_in_range(w->v->builds[i]->object, 1, 7);
                        assert_ptr_equal(
                                catalog_view_by_object(w->v, w->v->builds[i]->object), w->v->builds[i]);
                        assert_reads(w->v->builds[i], RAMDISK, want);
                }
                restart(w);
        }
}

static void a_second_daemon_on_one_cache_is_refused(void **state)
{
        struct world *w = *state;
        struct catalog *c = NULL;
        struct err err = { "" };

        assert_int_equal(catalog_open(&w->opts, &c, &err), -EBUSY);
        assert_non_null(strstr(err.text, "cache="));
}

static void pxectl_sees_what_the_daemon_shows(void **state)
{
        struct world *w = *state;
        struct catalog_view *v = NULL;
        struct err err = { "" };
        int empty;
        char path[64];

        put_platform(w, "a.tgz", "platform-" STAMP, STAMP, true, 60);
        put_platform(w, "b.tgz", "platform-debug-" STAMP2, STAMP2, true, 60);
        scratch_put(w->bfd, "bad.iso", "", 0, 60);
        scan(w);
        for (int running = 1; running >= 0; running--) {
                assert_int_equal(catalog_peek(w->cfd, &v, &err), 0);
                assert_int_equal(v->n_builds, 0);
                assert_int_equal(v->list.n, 2);
                assert_string_equal(v->list.v[0].name, "debug-" STAMP2);
                assert_true(v->list.v[1].release && v->list.v[1].has_hash);
                assert_int_equal(v->n_archives, 3);
                assert_string_equal(v->archives[1].file, "b.tgz");
                assert_int_equal(v->archives[2].state, ARCHIVE_REFUSED);
                assert_non_null(strstr(v->archives[2].reason, "empty"));
                catalog_view_unref(v);
                if (running)
                        close_catalog(w);
        }
        open_catalog(w);
        empty = scratch_open(path);
        assert_int_equal(catalog_peek(empty, &v, &err), -ENOENT);
        scratch_close(path, empty);
}

/* ---- a cache directory in trouble ------------------------------------------------------------ */

/* sysfs takes no file, not even from root. */
static void a_cache_that_cannot_be_written_is_said_and_builds_are_served(void **state)
{
        struct world *w = *state;
        int sys = open("/sys/kernel", O_RDONLY | O_DIRECTORY);

        if (sys < 0)
                skip();
        put_platform(w, "a.tgz", "platform-" STAMP, STAMP, true, 60);
        put_platform(w, "b.tar", "platform-" STAMP2, STAMP2, false, 60);
        close_catalog(w);
        w->opts.cache_dirfd = sys;
        open_catalog(w);
        assert_non_null(strstr(logged.data, "forgotten at the end"));
        scan(w);
        assert_state(w, "a.tgz", ARCHIVE_READY, NULL);
        assert_state(w, "b.tar", ARCHIVE_READY, NULL);
        assert_reads(w->v->builds[1], RAMDISK, "ramdisk of " STAMP "\n");
        assert_reads(w->v->builds[0], RAMDISK, "ramdisk of " STAMP2 "\n");
        close(sys);
}

static void a_directory_that_cannot_be_read_keeps_the_last_view(void **state)
{
        struct world *w = *state;
        struct err err = { "" };
        int fd = open("/dev/null", O_RDONLY), saved;

        put_platform(w, "a.tgz", "platform-" STAMP, STAMP, true, 60);
        scan(w);
        saved = dup(w->bfd);
        assert_true(fd >= 0 && saved >= 0);
        assert_int_equal(dup2(fd, w->bfd), w->bfd);
        assert_true(catalog_scan(w->c, true, &w->more, &w->poll_ms, &err) < 0);
        assert_non_null(strstr(err.text, "builds directory"));
        assert_int_equal(dup2(saved, w->bfd), w->bfd);
        close(saved);
        close(fd);
        catalog_view_unref(w->v);
        w->v = catalog_view_get(w->c);
        assert_int_equal(w->v->n_builds, 1);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                T(a_second_open_decodes_nothing),
                T(a_lost_or_damaged_catalog_gives_the_same_numbers),
                T(noise_on_any_page_costs_a_scan),
                T(old_spool_files_are_swept),
                T(checkpoints_of_another_decoder_are_made_anew),
                T(a_row_whose_sums_were_tampered_with_is_read_anew),
                T(colliding_numbers_are_salted_apart),
                T(a_second_daemon_on_one_cache_is_refused),
                T(pxectl_sees_what_the_daemon_shows),
                T(a_cache_that_cannot_be_written_is_said_and_builds_are_served),
                T(a_directory_that_cannot_be_read_keeps_the_last_view),
        };

        (void)setlocale(LC_CTYPE, "C.UTF-8");
        return cmocka_run_group_tests(tests, NULL, NULL);
}
