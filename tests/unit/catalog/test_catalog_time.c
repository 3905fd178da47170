/* SPDX-License-Identifier: MPL-2.0 */
/* catalog: over changes of the directory. */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "catalogworld.h"

/* ---- files that come and go ------------------------------------------------------------------ */

static void a_fresh_file_is_left_alone_for_a_while(void **state)
{
        struct world *w = *state;

        put_platform(w, "a.tgz", "platform-" STAMP, STAMP, true, 0);
        scan_as(w, false);
        assert_state(w, "a.tgz", ARCHIVE_WAITING, NULL);
        assert_false(w->more);
        assert_in_range(w->poll_ms, 1, 1500);
        scan(w); /* "everything now" */
        assert_state(w, "a.tgz", ARCHIVE_READY, NULL);
}

static void a_new_archive_appears_within_five_seconds(void **state)
{
        struct world *w = *state;
        struct timespec begin, now;

        put_platform(w, "a.tgz", "platform-" STAMP, STAMP, true, 0);
        (void)clock_gettime(CLOCK_MONOTONIC, &begin);
        do {
                scan_as(w, false);
                if (w->poll_ms > 0)
                        (void)nanosleep(
                                &(struct timespec) { w->poll_ms / 1000, w->poll_ms % 1000 * 1000000L },
                                NULL); /* as told */
                (void)clock_gettime(CLOCK_MONOTONIC, &now);
        } while (w->v->n_builds == 0 && now.tv_sec - begin.tv_sec < 5);
        assert_int_equal(w->v->n_builds, 1);
}

static void a_young_refusal_waits_and_half_a_copy_is_never_served(void **state)
{
        struct world *w = *state;
        AUTO_BUF struct buf t = BUF_INIT, z = BUF_INIT;

        tar_platform(&t, "platform-" STAMP, STAMP);
        gz_add(&z, t.data, t.len, 6);
        for (size_t part = 1; part <= 4; part++) {
                scratch_put(w->bfd, "a.tgz", z.data, z.len * part / 5, 0);
                scratch_put(w->bfd, "b.tar", t.data, t.len * part / 5 / 512 * 512, 0);
                scan(w);
                assert_int_equal(w->v->n_builds, 0);
                assert_state(w, "a.tgz", ARCHIVE_WAITING, "still being copied");
                assert_int_equal(spool_files(w), 0);
        }
        scratch_put(w->bfd, "b.tar", t.data, t.len, 0); /* no end mark: might be half a copy */
        scan(w);
        assert_state(w, "b.tar", ARCHIVE_WAITING, "still being copied");
        assert_in_range(w->poll_ms, 1, 3000);
        tar_end(&t);
        scratch_put(w->bfd, "b.tar", t.data, t.len, 0);
        scan(w);
        assert_state(w, "b.tar", ARCHIVE_READY, NULL);
}

static void a_vanished_archive_retires(void **state)
{
        struct world *w = *state;
        const struct build *old;
        uint64_t object;

        put_platform(w, "a.tgz", "platform-" STAMP, STAMP, true, 60);
        put_platform(w, "b.tar", "platform-" STAMP2, STAMP2, false, 60);
        scan(w);
        object = catalog_view_by_name(w->v, STAMP)->object;
        assert_int_equal(unlinkat(w->bfd, "a.tgz", 0), 0);
        assert_int_equal(unlinkat(w->bfd, "b.tar", 0), 0);
        scan(w);
        assert_int_equal(w->v->n_builds, 0);
        assert_int_equal(w->v->n_archives, 0);
        assert_int_equal(w->v->n_retired, 2);
        assert_int_equal(spool_files(w), 0);
        old = catalog_view_by_object(w->v, object);
        assert_reads(old, RAMDISK, "ramdisk of " STAMP "\n");
        assert_non_null(strstr(logged.data, "a.tgz: gone"));
        restart(w);
        scan(w);
        assert_int_equal(w->v->n_retired, 0);
}

static void no_more_than_sixty_four_retire(void **state)
{
        struct world *w = *state;

        for (int i = 0; i < 70; i++) {
                put_platform(w, "a.tar", "platform-" STAMP, STAMP, false, 60 + i);
                scan(w);
                assert_int_equal(w->v->n_builds, 1);
        }
        assert_int_equal(w->v->n_retired, 64);
}

static void a_replaced_archive_is_another_object(void **state)
{
        struct world *w = *state;
        uint64_t object;

        put_platform(w, "a.tgz", "platform-" STAMP, STAMP, true, 60);
        scan(w);
        object = w->v->builds[0]->object;
        put_platform(w, "a.tgz", "platform-" STAMP2, STAMP2, true, 50);
        scan(w);
        assert_int_equal(w->v->n_builds, 1);
        assert_string_equal(w->v->builds[0]->name, STAMP2);
        assert_true(w->v->builds[0]->object != object);
        assert_reads(catalog_view_by_object(w->v, object), RAMDISK, "ramdisk of " STAMP "\n");
}

static void what_was_read_is_served_until_there_is_a_new_verdict(void **state)
{
        struct world *w = *state;
        uint64_t object;

        put_platform(w, "a.tgz", "platform-" STAMP, STAMP, true, 60);
        scan(w);
        object = w->v->builds[0]->object;
        scratch_put(w->bfd, "a.tgz", "\x1f\x8b\x08 half a copy", 15, 0); /* over it, and slowly */
        scan_as(w, false);
        assert_int_equal(w->v->n_builds, 1);
        assert_int_equal(w->v->builds[0]->object, object);
        assert_state(w, "a.tgz", ARCHIVE_WAITING, "what it held before is served meanwhile");
        scratch_put(w->bfd, "a.tgz", "<html>", 6, 60);
        scan(w);
        assert_int_equal(w->v->n_builds, 1);
        assert_int_equal(unlinkat(w->bfd, "a.tgz", 0), 0);
        scan(w);
        assert_int_equal(w->v->n_builds, 0);
}

static void an_unchanged_directory_publishes_nothing(void **state)
{
        struct world *w = *state;
        uint64_t serial;

        put_platform(w, "a.tgz", "platform-" STAMP, STAMP, true, 60);
        scan(w);
        serial = w->v->serial;
        for (int i = 0; i < 5; i++)
                scan(w);
        assert_int_equal(w->v->serial, serial);
}

static void without_wait_one_archive_at_a_time_newest_first(void **state)
{
        struct world *w = *state;

        put_platform(w, "a.tar", "platform-" STAMP, STAMP, false, 300);
        put_platform(w, "b.tar", "platform-" STAMP2, STAMP2, false, 100);
        put_platform(w, "c.tar", "platform-" STAMP3, STAMP3, false, 200);
        scan_as(w, false);
        assert_int_equal(w->v->n_builds, 1);
        assert_string_equal(w->v->builds[0]->name, STAMP2);
        assert_true(w->more);
        assert_state(w, "a.tar", ARCHIVE_WAITING, NULL);
        scan_as(w, false);
        assert_non_null(catalog_view_by_name(w->v, STAMP3));
        assert_true(w->more);
        scan_as(w, false);
        assert_int_equal(w->v->n_builds, 3);
        assert_false(w->more);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                T(a_fresh_file_is_left_alone_for_a_while),
                T(a_new_archive_appears_within_five_seconds),
                T(a_young_refusal_waits_and_half_a_copy_is_never_served),
                T(a_vanished_archive_retires),
                T(no_more_than_sixty_four_retire),
                T(a_replaced_archive_is_another_object),
                T(what_was_read_is_served_until_there_is_a_new_verdict),
                T(an_unchanged_directory_publishes_nothing),
                T(without_wait_one_archive_at_a_time_newest_first),
        };

        (void)setlocale(LC_CTYPE, "C.UTF-8");
        return cmocka_run_group_tests(tests, NULL, NULL);
}
