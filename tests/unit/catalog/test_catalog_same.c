/* SPDX-License-Identifier: MPL-2.0 */
/* catalog: archives that are known, under another identity: touched, renamed, restored, on another device. */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "catalog/catalogdb.h"
#include "catalogworld.h"
#include "codec/filter.h"
#include "packer.h"

static const char *const files[] = { "a.tgz", "b.tar", "c.tar.bz2" };
static const char *const stamps[] = { STAMP, STAMP2, STAMP3 };
#define N_KINDS 3

static void put_kinds(struct world *w)
{
        AUTO_BUF struct buf t = BUF_INIT, z = BUF_INIT;

        put_platform(w, files[0], "platform-" STAMP, STAMP, true, 60);
        put_platform(w, files[1], "platform-" STAMP2, STAMP2, false, 60);
        tar_platform(&t, "platform-" STAMP3, STAMP3);
        tar_end(&t);
        pack_add(&z, FILTER_BZIP2, t.data, t.len, true);
        scratch_put(w->bfd, files[2], z.data, z.len, 60);
        scan(w);
        assert_int_equal(w->v->n_builds, N_KINDS);
}

static uint64_t number_of(const struct world *w, size_t i)
{
        const struct build *b = catalog_view_by_name(w->v, stamps[i]);

        return b ? b->object : 0;
}

static void assert_all_read(const struct world *w)
{
        for (size_t i = 0; i < N_KINDS; i++) {
                char want[64];

                (void)snprintf(want, sizeof want, "ramdisk of %s\n", stamps[i]);
                assert_non_null(catalog_view_by_name(w->v, stamps[i]));
                assert_reads(catalog_view_by_name(w->v, stamps[i]), RAMDISK, want);
        }
}

static void look(struct world *w)
{
        struct err err = { "" };

        assert_int_equal(catalog_look(w->c, &err), 0);
        catalog_view_unref(w->v);
        w->v = catalog_view_get(w->c);
}

static void do_chmod(const struct world *w, const char *file)
{
        assert_int_equal(fchmodat(w->bfd, file, 0600, 0), 0);
}

static void do_touch(const struct world *w, const char *file)
{
        assert_int_equal(utimensat(w->bfd, file, NULL, 0), 0);
}

static void do_rename_there_and_back(const struct world *w, const char *file)
{
        assert_int_equal(renameat(w->bfd, file, w->bfd, "elsewhere"), 0);
        assert_int_equal(renameat(w->bfd, "elsewhere", w->bfd, file), 0);
}

static void do_link(const struct world *w, const char *file)
{
        char other[64];

        (void)snprintf(other, sizeof other, "%s.part", file); /* a name that is passed over */
        assert_int_equal(linkat(w->bfd, file, w->bfd, other, 0), 0);
}

typedef void change_fn(const struct world *w, const char *file);
static change_fn *const changes[] = { do_chmod, do_touch, do_rename_there_and_back, do_link };
#define N_CHANGES (sizeof changes / sizeof changes[0])

/* At no moment is a build gone or another one, and in the end each has the number it had: what clients have open is it. */
static void no_change_of_times_moves_a_name(void **state)
{
        struct world *w = *state;
        uint64_t was[N_KINDS];

        if (!pack_can(FILTER_BZIP2))
                skip();
        put_kinds(w);
        for (size_t i = 0; i < N_KINDS; i++)
                was[i] = number_of(w, i);
        for (size_t k = 0; k < N_CHANGES; k++) {
                usleep(20000); /* the clock of ctime ticks in jiffies */
                for (size_t i = 0; i < N_KINDS; i++)
                        changes[k](w, files[i]);
                look(w);
                for (size_t i = 0; i < N_KINDS; i++) {
                        assert_int_equal(number_of(w, i), was[i]);
                        assert_state(w, files[i], ARCHIVE_WAITING, "what it held before is served meanwhile");
                }
                assert_string_equal(w->v->latest->name, STAMP2);
                assert_all_read(w);
                scan(w);
                for (size_t i = 0; i < N_KINDS; i++) {
                        assert_int_equal(number_of(w, i), was[i]);
                        assert_state(w, files[i], ARCHIVE_READY, NULL);
                }
                assert_int_equal(w->v->n_retired, 0);
                restart(w); /* and it is known under the identity it has now */
                look(w);
                for (size_t i = 0; i < N_KINDS; i++) {
                        assert_int_equal(number_of(w, i), was[i]);
                        assert_state(w, files[i], ARCHIVE_READY, NULL);
                }
                assert_all_read(w);
        }
}

static void what_was_touched_while_nobody_looked_is_served_at_once(void **state)
{
        struct world *w = *state;
        uint64_t was[N_KINDS];

        if (!pack_can(FILTER_BZIP2))
                skip();
        put_kinds(w);
        for (size_t i = 0; i < N_KINDS; i++)
                was[i] = number_of(w, i);
        for (size_t k = 0; k < N_CHANGES; k++) {
                close_catalog(w);
                usleep(20000);
                for (size_t i = 0; i < N_KINDS; i++)
                        changes[k](w, files[i]);
                open_catalog(w);
                look(w);
                assert_all_read(w);
                scan(w);
                for (size_t i = 0; i < N_KINDS; i++) {
                        assert_int_equal(number_of(w, i), was[i]);
                        assert_state(w, files[i], ARCHIVE_READY, NULL);
                }
        }
}

static void a_file_that_is_renamed_keeps_its_build(void **state)
{
        struct world *w = *state;
        uint64_t was;

        put_platform(w, "a.tgz", "platform-" STAMP, STAMP, true, 60);
        scan(w);
        was = number_of(w, 0);
        assert_int_equal(renameat(w->bfd, "a.tgz", w->bfd, "z.tgz"), 0);
        look(w);
        assert_int_equal(number_of(w, 0), was);
        scan(w);
        assert_int_equal(number_of(w, 0), was);
        assert_state(w, "z.tgz", ARCHIVE_READY, NULL);
        assert_int_equal(w->v->n_archives, 1);
        assert_int_equal(w->v->archives[0].served, was);
}

/* Its inode number is another one: it is read, and served from what is known until that is done. */
static void a_copy_that_is_moved_over_it_is_read_and_served(void **state)
{
        struct world *w = *state;
        struct timespec times[2] = { { .tv_sec = 1700000000 }, { .tv_sec = 1700000000 } };
        uint64_t was;

        put_platform(w, "a.tar", "platform-" STAMP, STAMP, false, 60);
        assert_int_equal(utimensat(w->bfd, "a.tar", times, 0), 0);
        scan(w);
        was = number_of(w, 0);
        close_catalog(w);
        put_platform(w, "copy", "platform-" STAMP, STAMP, false, 60);
        assert_int_equal(utimensat(w->bfd, "copy", times, 0), 0);
        assert_int_equal(renameat(w->bfd, "copy", w->bfd, "a.tar"), 0);
        open_catalog(w);
        look(w);
        assert_int_equal(number_of(w, 0), was);
        assert_reads(w->v->builds[0], RAMDISK, "ramdisk of " STAMP "\n");
        scan(w);
        assert_int_equal(number_of(w, 0), was); /* the same bytes */
        assert_state(w, "a.tar", ARCHIVE_READY, NULL);
}

/* Of the same length, with the times put back as far as anybody can: no byte of it is served before it was verified. */
static void other_bytes_of_the_same_length_are_never_served(void **state)
{
        struct world *w = *state;

        for (size_t running = 0; running < 2; running++) {
                AUTO_BUF struct buf t = BUF_INIT;
                struct stat st;
                char text[64];
                const struct build *b;
                int fd;

                put_platform(w, "a.tar", "platform-" STAMP, STAMP, false, 60);
                scan(w);
                if (!running)
                        close_catalog(w);
                usleep(20000);
                tar_platform(&t, "platform-" STAMP2, STAMP2);
                tar_end(&t);
                fd = openat(w->bfd, "a.tar", O_WRONLY);
                assert_int_equal(fstat(fd, &st), 0);
                assert_int_equal(st.st_size, t.len);
                assert_int_equal(pwrite(fd, t.data, t.len, 0), t.len);
                assert_int_equal(futimens(fd, (struct timespec[2]) { st.st_atim, st.st_mtim }), 0);
                close(fd);
                if (!running)
                        open_catalog(w);
                look(w);
                b = catalog_view_by_name(w->v, STAMP);
                assert_non_null(b);
                if (running) /* what was in memory of it may still be read, and is right */
                        assert_true(layout_pread(b->tree, b->src, layout_by_path(b->tree, RAMDISK), text,
                                            sizeof text, 0) >= -ESTALE);
                else
                        assert_int_equal(layout_pread(b->tree, b->src, layout_by_path(b->tree, RAMDISK), text,
                                                 sizeof text, 0),
                                -EIO);
                scan(w);
                assert_null(catalog_view_by_name(w->v, STAMP));
                assert_reads(catalog_view_by_name(w->v, STAMP2), RAMDISK, "ramdisk of " STAMP2 "\n");
                assert_int_equal(unlinkat(w->bfd, "a.tar", 0), 0);
                scan(w);
        }
}

/* ---- another device -------------------------------------------------------------------------- */

struct rows {
        struct catalogdb *db;
        unsigned n;
};

/* As if catalog.db had been written when the filesystems of archives and cache were another device. */
static int to_another_device(void *ctx, const struct catalog_row *row)
{
        struct rows *rows = ctx;
        struct catalog_row moved = *row;

        moved.id.dev ^= 0x700;
        if (row->spooled)
                moved.spool_id.dev ^= 0x700;
        rows->n++;
        return catalogdb_put(rows->db, &moved, NULL);
}

static void move_device(struct world *w)
{
        struct rows rows = { 0 };
        struct err note, err;

        close_catalog(w);
        assert_int_equal(catalogdb_open(w->cfd, &rows.db, &note, &err), 0);
        assert_int_equal(catalogdb_peek_each(w->cfd, to_another_device, &rows, &err), 0);
        catalogdb_close(rows.db);
        assert_int_equal(rows.n, N_KINDS);
        open_catalog(w);
}

static void on_another_device_all_is_known(void **state)
{
        struct world *w = *state;
        uint64_t was[N_KINDS];

        if (!pack_can(FILTER_BZIP2))
                skip();
        put_kinds(w);
        for (size_t i = 0; i < N_KINDS; i++)
                was[i] = number_of(w, i);
        for (size_t again = 0; again < 2; again++) {
                move_device(w);
                buf_fini(&logged);
                look(w);
                for (size_t i = 0; i < N_KINDS; i++) {
                        assert_int_equal(number_of(w, i), was[i]);
                        assert_state(w, files[i], ARCHIVE_READY, NULL);
                }
                assert_all_read(w);
                assert_non_null(strstr(logged.data, "3 builds are known from before"));
        }
        restart(w); /* the rows have the device it is on */
        look(w);
        assert_all_read(w);
}

/* A name is what a filesystem's copy keeps; a file of the same numbers under another one is only probably the same. */
static void on_another_device_under_another_name_it_is_verified(void **state)
{
        struct world *w = *state;
        uint64_t was;

        if (!pack_can(FILTER_BZIP2))
                skip();
        put_kinds(w);
        was = number_of(w, 0);
        assert_int_equal(renameat(w->bfd, "a.tgz", w->bfd, "z.tgz"), 0);
        move_device(w);
        look(w);
        assert_state(w, "z.tgz", ARCHIVE_WAITING, "what it held before is served meanwhile");
        scan(w);
        assert_state(w, "z.tgz", ARCHIVE_READY, NULL);
        assert_int_equal(number_of(w, 0), was);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                T(no_change_of_times_moves_a_name),
                T(what_was_touched_while_nobody_looked_is_served_at_once),
                T(a_file_that_is_renamed_keeps_its_build),
                T(a_copy_that_is_moved_over_it_is_read_and_served),
                T(other_bytes_of_the_same_length_are_never_served),
                T(on_another_device_all_is_known),
                T(on_another_device_under_another_name_it_is_verified),
        };

        (void)setlocale(LC_CTYPE, "C.UTF-8");
        return cmocka_run_group_tests(tests, NULL, NULL);
}
