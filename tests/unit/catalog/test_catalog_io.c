/* SPDX-License-Identifier: MPL-2.0 */
/* catalog: whichever call of SQLite to catalog.db fails, builds are served with the right bytes, and the next start is sound. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "base/buf.h"
#include "catalog/catalogdb.h"
#include "catalogworld.h"
#include "iofault.h"
#include "tarmaker.h"

static void check_right(struct world *w, unsigned nth, const char *fired)
{
        const struct build *b = w->v ? catalog_view_by_name(w->v, STAMP) : NULL;

        if (!b)
                fail_msg("call %u (%s): the build is not served: %s", nth, fired ? fired : "none failed",
                        logged.data ? logged.data : "");
        assert_reads(b, RAMDISK, "ramdisk of " STAMP "\n");
}

/* @fresh: nothing is known, so all is written; else all is read back. */
static void fail_each(struct world *w, bool fresh, unsigned *ret_n)
{
        const char *fired;
        unsigned nth = 0;

        put_platform(w, "a.tgz", "platform-" STAMP, STAMP, true, 60);
        close_catalog(w);
        do {
                struct err err = { "" };
                int r;

                if (fresh) {
                        (void)unlinkat(w->cfd, "catalog.db", 0);
                        (void)unlinkat(w->cfd, "catalog.db-wal", 0);
                        (void)unlinkat(w->cfd, "catalog.db-shm", 0);
                }
                iofault_arm(++nth);
                r = catalog_open(&w->opts, &w->c, &err);
                if (r == 0)
                        scan(w);
                fired = iofault_fired();
                iofault_arm(0);
                if (r < 0 && (!fired || !err.text[0]))
                        fail_msg("call %u: %d '%s'", nth, r, err.text);
                if (r == 0) {
                        check_right(w, nth, fired);
                        close_catalog(w);
                }
                open_catalog(w);
                scan(w);
                check_right(w, nth, fired);
                close_catalog(w);
                assert_true(nth < 5000);
        } while (fired);
        *ret_n = nth - 1;
        open_catalog(w);
}

static void every_failed_call_of_a_first_start_is_survived(void **state)
{
        unsigned n;

        fail_each(*state, true, &n);
        assert_true(n > 20);
}

static void every_failed_call_of_a_second_start_is_survived(void **state)
{
        unsigned n;

        fail_each(*state, false, &n);
        assert_true(n > 5);
}

static void count(void *ctx)
{
        (*(unsigned *)ctx)++;
}

static void a_start_with_known_builds_never_waits_for_the_disk(void **state)
{
        struct world *w = *state;
        struct err err = { "" };
        unsigned syncs = 0;

        put_platform(w, "a.tgz", "platform-" STAMP, STAMP, true, 60);
        scan(w);
        close_catalog(w);
        iofault_at_sync(count, &syncs);
        assert_int_equal(catalog_open(&w->opts, &w->c, &err), 0);
        assert_int_equal(catalog_look(w->c, &err), 0);
        w->v = catalog_view_get(w->c);
        check_right(w, 0, NULL);
        catalog_view_unref(w->v);
        w->v = NULL;
        assert_int_equal(syncs, 0);
        scan(w); /* writes down what is served */
        iofault_at_sync(NULL, NULL);
        assert_true(syncs > 0);
}

/* Loads a state in a thread of its own while the commit of another one is at its sync. */
struct meanwhile {
        struct catalogdb *db;
        int r; /* of the load; 1: it did not come back */
};

static void *load(void *arg)
{
        struct meanwhile *m = arg;
        AUTO_BUF struct buf b = BUF_INIT;

        m->r = catalogdb_load_state(m->db, 1, 1, &b);
        return NULL;
}

static void load_meanwhile(void *ctx)
{
        struct meanwhile *m = ctx;
        struct timespec until;
        pthread_t t;

        iofault_at_sync(NULL, NULL);
        m->r = 1;
        if (pthread_create(&t, NULL, load, m) != 0)
                return;
        (void)clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += 5;
        if (pthread_timedjoin_np(t, NULL, &until) != 0)
                (void)pthread_detach(t);
}

static void a_checkpoint_is_loaded_while_a_commit_waits_for_the_disk(void **state)
{
        struct world *w = *state;
        static struct meanwhile m; /* outlives a thread that hangs */
        char file[] = "a.tgz";
        struct archive_status a = { .file = file, .state = ARCHIVE_REFUSED };
        struct catalog_view v = { .archives = &a, .n_archives = 1 };
        struct err note, err = { "" };

        close_catalog(w);
        assert_int_equal(catalogdb_open(w->cfd, &m.db, &note, &err), 0);
        m.r = 2;
        iofault_at_sync(load_meanwhile, &m);
        assert_int_equal(catalogdb_list(m.db, &v, &err), 0);
        iofault_at_sync(NULL, NULL);
        assert_int_equal(m.r, -ENOENT); /* it came back, with the truth */
        catalogdb_close(m.db);
        open_catalog(w);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(
                        every_failed_call_of_a_first_start_is_survived, set_up, tear_down),
                cmocka_unit_test_setup_teardown(
                        every_failed_call_of_a_second_start_is_survived, set_up, tear_down),
                cmocka_unit_test_setup_teardown(
                        a_start_with_known_builds_never_waits_for_the_disk, set_up, tear_down),
                cmocka_unit_test_setup_teardown(
                        a_checkpoint_is_loaded_while_a_commit_waits_for_the_disk, set_up, tear_down),
        };

        return iofault_install() ? cmocka_run_group_tests_name("catalog_io", tests, NULL, NULL) : 1;
}
