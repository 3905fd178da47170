/* SPDX-License-Identifier: MPL-2.0 */
/* catalog: what was good and is so no more: damage met by readers, builds that end the process. */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "catalogworld.h"
#include "packer.h"

/* One stored block, so that a spoilt byte is met by the CRC alone. */
static void put_stored(const struct world *w, const char *file, int age_sec)
{
        AUTO_BUF struct buf t = BUF_INIT, z = BUF_INIT;

        tar_platform(&t, "platform-" STAMP, STAMP);
        tar_end(&t);
        gz_add(&z, t.data, t.len, 0);
        scratch_put(w->bfd, file, z.data, z.len, age_sec);
}

static void read_rotten(const struct build *b)
{
        char text[256];

        assert_int_equal(
                layout_pread(b->tree, b->src, layout_by_path(b->tree, RAMDISK), text, sizeof text, 0), -EIO);
}

/* a.tgz, verified, with nothing of it decoded in memory, is found rotten. */
static void quarantine(struct world *w)
{
        put_stored(w, "a.tgz", 60);
        put_platform(w, "b.tgz", "platform-" STAMP2, STAMP2, true, 60);
        scan(w);
        restart(w);
        scan(w);
        rot_from_now(1);
        read_rotten(catalog_view_by_name(w->v, STAMP));
}

static bool is_woken(const struct world *w)
{
        struct pollfd ready = { .fd = catalog_wake_fd(w->c), .events = POLLIN };

        return poll(&ready, 1, 0) == 1;
}

static void look(struct world *w)
{
        struct err err = { "" };

        assert_int_equal(catalog_look(w->c, &err), 0);
        catalog_view_unref(w->v);
        w->v = catalog_view_get(w->c);
}

/* The same identity and other bytes, as when a sector goes bad. */
static void a_build_that_rots_is_quarantined(void **state)
{
        struct world *w = *state;
        uint64_t object;

        quarantine(w);
        object = catalog_view_by_name(w->v, STAMP)->object;
        assert_true(is_woken(w));
        scan(w);
        rot_from_now(0);
        assert_false(is_woken(w));
        assert_state(w, "a.tgz", ARCHIVE_REFUSED, "is damaged now");
        assert_state(w, "a.tgz", ARCHIVE_REFUSED, "touch the file");
        assert_int_equal(w->v->n_builds, 1);
        assert_non_null(strstr(logged.data, "a.tgz: refused: it was good when it was verified"));
        assert_non_null(
                catalog_view_by_object(w->v, object)); /* retired: what is whole of it may be read on */
        assert_reads(catalog_view_by_name(w->v, STAMP2), RAMDISK, "ramdisk of " STAMP2 "\n");
        scan(w); /* and it is not read again by itself: the same bytes would come from the page cache */
        assert_state(w, "a.tgz", ARCHIVE_REFUSED, "is damaged now");
}

/* Streams without check sums of their own: a tar, and what the spool holds. */
static void a_tar_and_a_spool_that_rot_are_quarantined_too(void **state)
{
        struct world *w = *state;
        AUTO_BUF struct buf t = BUF_INIT, z = BUF_INIT;

        if (!pack_can(FILTER_BZIP2))
                skip();
        put_platform(w, "a.tar", "platform-" STAMP, STAMP, false, 60);
        tar_platform(&t, "platform-" STAMP2, STAMP2);
        tar_end(&t);
        pack_add(&z, FILTER_BZIP2, t.data, t.len, true);
        scratch_put(w->bfd, "b.tar.bz2", z.data, z.len, 60);
        scan(w);
        assert_int_equal(w->v->n_builds, 2);
        assert_int_equal(spool_files(w), 1);
        restart(w); /* with the sums from catalog.db, and nothing in memory */
        look(w);
        assert_int_equal(w->v->n_builds, 2);
        rot_from_now(1);
        read_rotten(catalog_view_by_name(w->v, STAMP));
        read_rotten(catalog_view_by_name(w->v, STAMP2));
        scan(w);
        rot_from_now(0);
        assert_int_equal(w->v->n_builds, 0);
        assert_int_equal(spool_files(w), 0);
        assert_state(w, "a.tar", ARCHIVE_REFUSED, "is damaged now: the archive: the ");
        assert_state(
                w, "b.tar.bz2", ARCHIVE_REFUSED, "is damaged now: its decoded copy in the cache directory: ");
        restart(w);
        scan(w);
        assert_state(w, "a.tar", ARCHIVE_READY, NULL);
        assert_reads(catalog_view_by_name(w->v, STAMP), RAMDISK, "ramdisk of " STAMP "\n");
        assert_reads(catalog_view_by_name(w->v, STAMP2), RAMDISK, "ramdisk of " STAMP2 "\n");
}

static void a_quarantine_outlives_a_restart_until_the_bytes_are_verified_anew(void **state)
{
        struct world *w = *state;

        quarantine(w);
        scan(w);
        for (int i = 0; i < 2; i++) {
                restart(w);
                look(w); /* before anything is read */
                assert_int_equal(w->v->n_builds, 1);
                assert_null(catalog_view_by_name(w->v, STAMP));
                assert_state(w, "a.tgz", ARCHIVE_REFUSED, "is damaged now");
                assert_state(w, "a.tgz", ARCHIVE_REFUSED, "it is read once more");
        }
        rot_from_now(0); /* the cable was changed */
        scan(w);
        assert_state(w, "a.tgz", ARCHIVE_READY, NULL);
        assert_reads(catalog_view_by_name(w->v, STAMP), RAMDISK, "ramdisk of " STAMP "\n");
        restart(w);
        look(w);
        assert_state(w, "a.tgz", ARCHIVE_READY, NULL);
}

static void what_is_still_rotten_after_a_restart_is_refused_for_good(void **state)
{
        struct world *w = *state;

        quarantine(w);
        scan(w);
        restart(w);
        scan(w);
        assert_state(w, "a.tgz", ARCHIVE_REFUSED, "it was good once, and is damaged: ");
        rot_from_now(0);
        restart(w);
        scan(w); /* there is a verdict: nobody reads it */
        assert_state(w, "a.tgz", ARCHIVE_REFUSED, "it was good once, and is damaged: ");
        put_stored(w, "a.tgz", 50); /* copied again */
        scan(w);
        assert_state(w, "a.tgz", ARCHIVE_READY, NULL);
}

static void a_quarantined_file_with_two_names_comes_back_under_both(void **state)
{
        struct world *w = *state;

        quarantine(w);
        assert_int_equal(symlinkat("a.tgz", w->bfd, "z.tgz"), 0);
        scan(w);
        assert_state(w, "z.tgz", ARCHIVE_REFUSED, "is damaged now");
        rot_from_now(0);
        restart(w);
        scan(w);
        assert_state(w, "a.tgz", ARCHIVE_READY, NULL);
        assert_state(w, "z.tgz", ARCHIVE_SHADOWED, "the same file");
}

/* New archives go first, and a new one need not wait for it. */
static void what_is_quarantined_is_read_after_all_others(void **state)
{
        struct world *w = *state;
        const char *ready;

        quarantine(w);
        scan(w);
        rot_from_now(0);
        close_catalog(w);
        logged.len = 0;
        put_platform(w, "0.tgz", "platform-" STAMP3, STAMP3, true, 5000);
        w->opts.jobs = 4;
        open_catalog(w);
        scan(w);
        assert_state(w, "a.tgz", ARCHIVE_READY, NULL);
        ready = strstr(logged.data, "0.tgz: ready");
        assert_non_null(ready);
        assert_non_null(strstr(ready, "a.tgz: ready"));
}

static struct identity identity_at(const struct world *w, const char *name)
{
        struct stat st;

        assert_int_equal(fstatat(w->bfd, name, &st, 0), 0);
        return identity_of(&st);
}

/* Nothing is kept, so that all is read anew by each; the number that it had is enough. */
static void a_condemned_file_is_known_by_its_number_alone(void **state)
{
        struct world *w = *state;
        struct catalog_condemned bad = { 0 };

        put_platform(w, "a.tgz", "platform-" STAMP, STAMP, true, 60);
        put_platform(w, "b.tgz", "platform-" STAMP2, STAMP2, true, 60);
        scan(w);
        bad.archive = w->v->builds[1]->object;
        assert_string_equal(w->v->builds[1]->archive, "a.tgz");
        close_catalog(w);
        assert_int_equal(unlinkat(w->cfd, "catalog.db", 0), 0);
        w->opts.condemned = &bad;
        w->opts.n_condemned = 1;
        open_catalog(w);
        hold(w, "a.tgz", 0);
        scan(w);
        assert_state(w, "a.tgz", ARCHIVE_REFUSED, "reading it crashed two workers");
        assert_state(w, "b.tgz", ARCHIVE_READY, NULL);
        let_go(w, "a.tgz");
}

/* It may have been slow, or its disk: after the next start it is read once more, and served if it is what it was. */
static void what_hung_is_tried_once_more_after_a_start(void **state)
{
        struct world *w = *state;
        struct catalog_condemned bad = { .hung = true };

        put_platform(w, "a.tgz", "platform-" STAMP, STAMP, true, 60);
        scan(w);
        bad.archive = w->v->builds[0]->object;
        w->opts.condemned = &bad;
        w->opts.n_condemned = 1;
        for (int i = 0; i < 2; i++) { /* as long as the row is there */
                restart(w);
                scan(w);
                assert_state(w, "a.tgz", ARCHIVE_REFUSED, "reading it hung two workers");
        }
        w->opts.n_condemned = 0;
        restart(w);
        scan(w);
        assert_state(w, "a.tgz", ARCHIVE_READY, NULL);
}

static void a_condemned_file_is_never_read(void **state)
{
        struct world *w = *state;
        struct catalog_condemned bad[2] = { 0 };
        struct identity id;

        put_platform(w, "a.tgz", "platform-" STAMP, STAMP, true, 60);
        put_platform(w, "b.tgz", "platform-" STAMP2, STAMP2, true, 60);
        put_platform(w, "c.tar", "platform-" STAMP3, STAMP3, false, 60);
        id = identity_at(w, "a.tgz");
        assert_int_equal(identity_hash(&id, 0, w->opts.object_bits, &bad[0].archive), 0); /* lost with catalog.db: salt 0 */
        w->opts.condemned = bad;
        w->opts.n_condemned = 1;
        restart(w);
        hold(w, "a.tgz", 0); /* a reading would never end */
        scan(w);
        assert_int_equal(read_to(w, "a.tgz"), 0);
        assert_state(w, "a.tgz", ARCHIVE_REFUSED, "reading it crashed two workers");
        assert_int_equal(w->v->n_builds, 2);
        bad[1].archive = w->v->builds[1]->object; /* one that is known and good: its own */
        assert_string_equal(w->v->builds[1]->archive, "c.tar");
        assert_false(catalog_has_condemned(w->c, bad[1].archive));
        w->opts.n_condemned = 2;
        restart(w);
        scan(w);
        assert_true(catalog_has_condemned(w->c, bad[1].archive));
        assert_state(w, "c.tar", ARCHIVE_REFUSED, "reading it crashed two workers");
        restart(w); /* and once more, as a refusal */
        scan(w);
        assert_state(w, "c.tar", ARCHIVE_REFUSED, "reading it crashed two workers");
        w->opts.n_condemned = 0; /* it is kept */
        restart(w);
        scan(w);
        assert_int_equal(w->v->n_builds, 1);
        assert_state(w, "a.tgz", ARCHIVE_REFUSED, "touch the file");
        let_go(w, "a.tgz");
        assert_int_equal(utimensat(w->bfd, "a.tgz", NULL, 0), 0);
        scan(w);
        assert_state(w, "a.tgz", ARCHIVE_READY, NULL);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                T(a_build_that_rots_is_quarantined),
                T(a_tar_and_a_spool_that_rot_are_quarantined_too),
                T(a_quarantine_outlives_a_restart_until_the_bytes_are_verified_anew),
                T(what_is_still_rotten_after_a_restart_is_refused_for_good),
                T(a_quarantined_file_with_two_names_comes_back_under_both),
                T(what_is_quarantined_is_read_after_all_others),
                T(a_condemned_file_is_never_read),
                T(a_condemned_file_is_known_by_its_number_alone),
                T(what_hung_is_tried_once_more_after_a_start),
        };

        (void)setlocale(LC_CTYPE, "C.UTF-8");
        return cmocka_run_group_tests(tests, NULL, NULL);
}
