/* SPDX-License-Identifier: MPL-2.0 */
/* catalog: several archives read at once. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "catalogworld.h"
#include "packer.h"

static void with_jobs(struct world *w, unsigned jobs)
{
        w->opts.jobs = jobs;
        w->opts.memory_bytes = 1u << 30; /* or there would be fewer */
        restart(w);
}

static bool is_settled(const struct world *w, const void *file)
{
        enum archive_state s = status(w, file)->state;

        return s != ARCHIVE_INDEXING && s != ARCHIVE_WAITING;
}

static bool all_settled(const struct world *w, const void *arg)
{
        (void)arg;
        for (size_t i = 0; i < w->v->n_archives; i++)
                if (!is_settled(w, w->v->archives[i].file))
                        return false;
        return true;
}

/* More than a decoder reads at once; packing noise is what takes time. */
static size_t big_bytes(enum filter_kind kind)
{
        return kind == FILTER_NONE || kind == FILTER_GZIP ? 3 << 20 : 3 << 18;
}

static void put_big(const struct world *w, const char *file, const char *stamp, enum filter_kind kind)
{
        size_t len = big_bytes(kind);
        AUTO_FREE char *noise = malloc(len);
        AUTO_BUF struct buf t = BUF_INIT, z = BUF_INIT;
        char top[64];
        uint32_t x = 1;

        for (size_t i = 0; i < len; i++) {
                x = x * 1664525 + 1013904223;
                noise[i] = (char)(x >> 24);
        }
        (void)snprintf(top, sizeof top, "platform-%s", stamp);
        tar_platform(&t, top, stamp);
        (void)snprintf(top, sizeof top, "platform-%s/noise", stamp);
        tar_add(&t, &(struct tar_member) { .name = top, .data = noise, .len = len });
        tar_end(&t);
        if (kind == FILTER_GZIP)
                gz_add(&z, t.data, t.len, 0);
        else if (kind != FILTER_NONE)
                pack_add(&z, kind, t.data, t.len, true);
        scratch_put(w->bfd, file, z.len ? z.data : t.data, z.len ? z.len : t.len, 60);
}

/* What is served, and what is said about each, as one text. */
static char *outcome(const struct world *w)
{
        struct buf b = BUF_INIT;
        char *text;

        for (size_t i = 0; i < w->v->n_builds; i++)
                buf_printf(&b, "%s from %s, ", w->v->builds[i]->name, w->v->builds[i]->archive);
        for (size_t i = 0; i < w->v->n_archives; i++)
                buf_printf(&b, "%s %s %s, ", w->v->archives[i].file,
                        archive_state_name(w->v->archives[i].state),
                        w->v->archives[i].reason ? w->v->archives[i].reason : "");
        text = buf_take(&b, NULL);
        buf_fini(&b);
        return text;
}

static void whichever_ends_first_the_outcome_is_the_same(void **state)
{
        static const char *const files[] = { "a.tgz", "b.tgz", "c.tar" }; /* the first two are one build */
        static const unsigned orders[][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 }, { 1, 2, 0 }, { 2, 0, 1 },
                { 2, 1, 0 } };
        struct world *w = *state;
        AUTO_FREE char *first = NULL;

        put_platform(w, "a.tgz", "platform-" STAMP, STAMP, true, 60);
        put_platform(w, "b.tgz", "platform-" STAMP, STAMP, true, 50);
        put_platform(w, "c.tar", "platform-" STAMP2, STAMP2, false, 70);
        for (size_t i = 0; i < 6; i++) {
                AUTO_FREE char *now = NULL;

                close_catalog(w);
                (void)unlinkat(w->cfd, "catalog.db", 0);
                w->opts.jobs = 3;
                open_catalog(w);
                for (size_t k = 0; k < 3; k++)
                        hold(w, files[k], 0);
                scan_as(w, false);
                for (size_t k = 0; k < 3; k++)
                        assert_state(w, files[k], ARCHIVE_INDEXING, "it is being read");
                for (size_t k = 0; k < 3; k++) {
                        let_go(w, files[orders[i][k]]);
                        step_until(w, is_settled, files[orders[i][k]]);
                        for (size_t n = k + 1; n < 3; n++) /* it is served while the others go on */
                                assert_int_equal(status(w, files[orders[i][n]])->state, ARCHIVE_INDEXING);
                        assert_true(w->v->n_builds > 0);
                }
                now = outcome(w);
                if (!first)
                        first = strdup(now);
                assert_string_equal(now, first);
        }
        assert_non_null(strstr(first, STAMP " from a.tgz"));
}

/* The order in which they are said to be ready. */
static void assert_order(const char *const *files, size_t n)
{
        const char *at = logged.data;

        for (size_t i = 0; i < n; i++) {
                char line[64];

                (void)snprintf(line, sizeof line, "%s: ready", files[i]);
                at = at ? strstr(at, line) : NULL;
                if (!at)
                        fail_msg("%s is not in its place:\n%s", files[i], logged.data);
        }
}

static void the_newest_stamp_goes_first_whatever_the_times_say(void **state)
{
        static const char *const want[] = { "x-" STAMP2 ".tar", "a-" STAMP ".tar", "old.tar",
                "b-" STAMP3 ".tar" };
        struct world *w = *state;

        with_jobs(w, 1);
        put_platform(w, "b-" STAMP3 ".tar", "platform-" STAMP3, STAMP3, false, 10);
        put_platform(w, "a-" STAMP ".tar", "platform-" STAMP, STAMP, false, 300);
        put_platform(w, "x-" STAMP2 ".tar", "platform-" STAMP2, STAMP2, false, 200);
        put_platform(
                w, "old.tar", "platform-debug-" STAMP3, STAMP3, false, 94000000); /* by its mtime: 2023 */
        scan(w);
        assert_order(want, 4);
}

static void what_is_dropped_in_last_goes_before_what_waits(void **state)
{
        static const char *const want[] = { "x-" STAMP2 ".tar", "late-" STAMP3 ".tar", "a-" STAMP ".tar" };
        struct world *w = *state;

        with_jobs(w, 1);
        put_platform(w, "a-" STAMP ".tar", "platform-" STAMP, STAMP, false, 60);
        put_platform(w, "x-" STAMP2 ".tar", "platform-" STAMP2, STAMP2, false, 60);
        hold(w, "x-" STAMP2 ".tar", 0);
        scan_as(w, false);
        put_platform(w, "late-" STAMP3 ".tar", "platform-" STAMP3, STAMP3, false, 3600);
        scan_as(w, false);
        let_go(w, "x-" STAMP2 ".tar");
        step_until(w, all_settled, NULL);
        assert_order(want, 3);
}

static void one_bad_archive_among_ten_harms_no_other(void **state)
{
        struct world *w = *state;

        with_jobs(w, 4);
        for (int i = 0; i < 10; i++) {
                char file[32], top[64], stamp[32];

                (void)snprintf(stamp, sizeof stamp, "202401%02dT000000Z", i + 1);
                (void)snprintf(file, sizeof file, "%d.tgz", i);
                (void)snprintf(top, sizeof top, "platform-%s", stamp);
                put_platform(w, file, top, stamp, true, 60);
        }
        scratch_put(w->bfd, "5.tgz", "\x1f\x8b\x08\0\0\0\0\0\0\0 no deflate", 21, 60);
        scan(w);
        assert_int_equal(w->v->n_builds, 9);
        assert_int_equal(status(w, "5.tgz")->state, ARCHIVE_REFUSED);
        for (size_t i = 0; i < 9; i++) {
                char want[64];

                (void)snprintf(want, sizeof want, "ramdisk of %s\n", w->v->builds[i]->name);
                assert_reads(w->v->builds[i], RAMDISK, want);
        }
        restart(w);
        scan(w);
        assert_int_equal(w->v->n_builds, 9);
}

static void numbers_of_archives_read_at_once_do_not_collide(void **state)
{
        struct world *w = *state;

        w->opts.object_bits = 2; /* three numbers for three builds */
        with_jobs(w, 3);
        put_platform(w, "a.tar", "platform-" STAMP, STAMP, false, 60);
        put_platform(w, "b.tgz", "platform-" STAMP2, STAMP2, true, 60);
        put_platform(w, "c.tar", "platform-" STAMP3, STAMP3, false, 60);
        scan(w);
        assert_int_equal(w->v->n_builds, 3);
        for (size_t i = 0; i < 3; i++)
                assert_ptr_equal(catalog_view_by_object(w->v, w->v->builds[i]->object), w->v->builds[i]);
}

static void a_file_with_two_names_is_read_once(void **state)
{
        struct world *w = *state;

        with_jobs(w, 4);
        put_platform(w, "a.tgz", "platform-" STAMP, STAMP, true, 60);
        assert_int_equal(linkat(w->bfd, "a.tgz", w->bfd, "b.tgz", 0), 0);
        hold(w, "a.tgz", 0);
        scan_as(w, false);
        assert_int_equal(status(w, "a.tgz")->state, ARCHIVE_INDEXING);
        assert_int_equal(status(w, "b.tgz")->state, ARCHIVE_WAITING);
        let_go(w, "a.tgz");
        step_until(w, all_settled, NULL);
        assert_state(w, "b.tgz", ARCHIVE_SHADOWED, "the same file");
}

/* ---- ending early ---------------------------------------------------------------------------- */

static bool has_begun(const struct world *w, const void *file)
{
        return read_to(w, file) > 0;
}

static void a_stopped_reading_leaves_nothing(void **state)
{
        static const enum filter_kind kinds[] = { FILTER_NONE, FILTER_GZIP, FILTER_XZ };
        struct world *w = *state;

        for (size_t i = 0; i < 3; i++) {
                if (kinds[i] == FILTER_XZ && !pack_can(FILTER_XZ))
                        continue;
                with_jobs(w, 2);
                put_big(w, "a.tgz", STAMP, kinds[i]);
                hold(w, "a.tgz", 1 << 18);
                scan_as(w, false);
                step_until(w, has_begun, "a.tgz");
                catalog_stop(w->c);
                let_go(w, "a.tgz");
                close_catalog(w);
                assert_true(read_to(w, "a.tgz") < (off_t)big_bytes(kinds[i])); /* not to its end */
                assert_int_equal(spool_files(w), 0);
                open_catalog(w);
                assert_int_equal(sql(w, "CREATE TABLE empty AS SELECT 1 / (count(*) = 0) AS n FROM archive;"
                                        "DROP TABLE empty"),
                        0);
                scan(w);
                assert_state(w, "a.tgz", ARCHIVE_READY, NULL);
                assert_int_equal(unlinkat(w->bfd, "a.tgz", 0), 0);
                scan(w);
        }
}

static bool nothing_is_read(const struct world *w, const void *arg)
{
        struct catalog_progress p;

        (void)arg;
        catalog_progress(w->c, &p);
        return p.n == 0;
}

static void a_file_that_vanishes_is_not_read_to_its_end(void **state)
{
        struct world *w = *state;
        int fd;

        if (!pack_can(FILTER_XZ))
                skip();
        with_jobs(w, 2);
        put_big(w, "a.tar.xz", STAMP, FILTER_XZ);
        fd = openat(w->bfd, "a.tar.xz", O_RDONLY);
        hold(w, "a.tar.xz", 1 << 18);
        scan_as(w, false);
        step_until(w, has_begun, "a.tar.xz");
        assert_int_equal(linkat(w->bfd, "a.tar.xz", w->bfd, ".kept", 0), 0);
        assert_int_equal(unlinkat(w->bfd, "a.tar.xz", 0), 0);
        scan_as(w, false);
        assert_int_equal(w->v->n_archives, 0);
        let_go(w, ".kept");
        step_until(w, nothing_is_read, NULL);
        assert_true(read_to(w, ".kept") < (off_t)big_bytes(FILTER_XZ));
        assert_int_equal(spool_files(w), 0);
        assert_null(strstr(logged.data, "ready"));
        close(fd);
}

/* The new bytes are read when they have settled; what was read of the old ones is thrown away. */
static void a_file_that_changes_is_read_anew(void **state)
{
        struct world *w = *state;

        with_jobs(w, 2);
        put_big(w, "a.tgz", STAMP, FILTER_GZIP);
        hold(w, "a.tgz", 1 << 18);
        scan_as(w, false);
        step_until(w, has_begun, "a.tgz");
        let_go(w, NULL);
        put_platform(w, "a.tgz", "platform-" STAMP2, STAMP2, true, 60);
        scan(w);
        assert_int_equal(w->v->n_builds, 1);
        assert_string_equal(w->v->builds[0]->name, STAMP2);
}

/* ---- how far it is --------------------------------------------------------------------------- */

struct reached {
        const char *file;
        uint64_t bytes;
};

static bool has_reached(const struct world *w, const void *arg)
{
        const struct reached *want = arg;
        struct catalog_progress p;

        catalog_progress(w->c, &p);
        for (size_t i = 0; i < p.n; i++)
                if (strcmp(p.v[i].file, want->file) == 0 && p.v[i].done_bytes >= want->bytes)
                        return true;
        return false;
}

static void progress_grows_to_the_total(void **state)
{
        static const enum filter_kind kinds[] = { FILTER_NONE, FILTER_GZIP, FILTER_XZ };
        struct world *w = *state;
        struct catalog_progress p;

        for (size_t i = 0; i < 3; i++) {
                struct reached half = { "a.tar", 1 << 17 };
                uint64_t before;

                if (kinds[i] == FILTER_XZ && !pack_can(FILTER_XZ))
                        continue;
                with_jobs(w, 2);
                put_big(w, "a.tar", STAMP2, kinds[i]);
                put_platform(w, "b.tar", "platform-" STAMP, STAMP, true, 90);
                put_platform(w, "c.tar", "platform-" STAMP3, STAMP3, false, 120);
                hold(w, "a.tar", 1 << 19);
                hold(w, "b.tar", 0);
                scan_as(w, false);
                step_until(w, has_reached, &half);
                catalog_progress(w->c, &p);
                assert_int_equal(p.n, 2);
                assert_string_equal(p.v[0].file, "a.tar");
                assert_string_equal(p.v[1].file, "b.tar");
                assert_int_equal(p.v[0].total_bytes, 2 * status(w, "a.tar")->size_bytes);
                assert_in_range(p.v[0].done_bytes, half.bytes, p.v[0].total_bytes / 2);
                assert_int_equal(p.v[1].done_bytes, 0);
                assert_true(p.v[0].since_sec > 1700000000);
                assert_int_equal(p.waiting, 1);
                assert_int_equal(p.waiting_bytes, 2 * status(w, "c.tar")->size_bytes);
                assert_int_equal(p.finished, 0);
                before = p.v[0].total_bytes;
                let_go(w, "a.tar");
                step_until(w, is_settled, "a.tar");
                step_until(w, is_settled, "c.tar");
                catalog_progress(w->c, &p);
                assert_int_equal(p.finished, 2);
                assert_int_equal(p.finished_bytes, before + 2 * status(w, "c.tar")->size_bytes);
                assert_int_equal(p.waiting, 0);
                let_go(w, "b.tar");
                step_until(w, all_settled, NULL);
                catalog_progress(w->c, &p);
                assert_true(p.n == 0 && p.finished == 0 && p.round_ms == 0);
                for (const char *const *f = (const char *const[]) { "a.tar", "b.tar", "c.tar", NULL }; *f;
                        f++)
                        assert_int_equal(unlinkat(w->bfd, *f, 0), 0);
                scan(w);
        }
}

/* How many of our threads have that nice value. */
static unsigned threads_with_nice(int want)
{
        DIR *d = opendir("/proc/self/task");
        const struct dirent *e;
        unsigned n = 0;

        assert_non_null(d);
        while ((e = readdir(d))) {
                char path[300], text[512];
                const char *at;
                int fd, nice = 0;
                ssize_t len;

                (void)snprintf(path, sizeof path, "/proc/self/task/%s/stat", e->d_name);
                fd = open(path, O_RDONLY);
                len = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
                if (fd >= 0)
                        close(fd);
                if (len <= 0)
                        continue;
                text[len] = '\0';
                at = strrchr(text, ')'); /* proc(5): nice is field 19, the name in brackets is 2 */
                for (int i = 2; at && i < 19; i++)
                        at = strchr(at + 1, ' ');
                n += at && sscanf(at, " %d", &nice) == 1 && nice == want;
        }
        closedir(d);
        return n;
}

static void readers_of_archives_give_way_to_those_who_serve(void **state)
{
        struct world *w = *state;

        with_jobs(w, 2);
        put_big(w, "a.tgz", STAMP, FILTER_GZIP);
        hold(w, "a.tgz", 1 << 18);
        if (getpriority(PRIO_PROCESS, 0) >= 5)
                skip(); /* the whole test gives way */
        assert_int_equal(threads_with_nice(5), 0);
        scan_as(w, false);
        step_until(w, has_begun, "a.tgz");
        assert_int_equal(threads_with_nice(5), 2); /* and its decoder */
        let_go(w, "a.tgz");
        step_until(w, all_settled, NULL);
        assert_int_equal(threads_with_nice(5), 0);
}

/* The second one's decoder may take as much memory, and both would count the same room as theirs. */
static void one_at_a_time_is_decoded_into_the_spool(void **state)
{
        struct world *w = *state;

        if (!pack_can(FILTER_XZ) || !pack_can(FILTER_BZIP2))
                skip();
        with_jobs(w, 4);
        put_big(w, "x-" STAMP2 ".tar.xz", STAMP2, FILTER_XZ);
        put_big(w, "y-" STAMP ".tar.bz2", STAMP, FILTER_BZIP2);
        put_platform(w, "z-" STAMP3 ".tgz", "platform-" STAMP3, STAMP3, true, 60);
        hold(w, "x-" STAMP2 ".tar.xz", 0);
        scan_as(w, false);
        assert_int_equal(status(w, "x-" STAMP2 ".tar.xz")->state, ARCHIVE_INDEXING);
        assert_int_equal(status(w, "y-" STAMP ".tar.bz2")->state, ARCHIVE_WAITING);
        step_until(w, is_settled, "z-" STAMP3 ".tgz");
        assert_state(w, "z-" STAMP3 ".tgz", ARCHIVE_READY, NULL);
        let_go(w, "x-" STAMP2 ".tar.xz");
        step_until(w, all_settled, NULL);
        assert_int_equal(w->v->n_builds, 3);
        assert_int_equal(spool_files(w), 2);
}

static void memory_bounds_the_number_of_jobs(void **state)
{
        struct world *w = *state;
        struct catalog_progress p;

        with_jobs(w, 4);
        put_big(w, "a.tar", STAMP, FILTER_NONE);
        put_big(w, "b.tar", STAMP2, FILTER_NONE);
        put_big(w, "c.tar", STAMP3, FILTER_NONE);
        w->opts.memory_bytes = 2 * (16 << 20);
        restart(w);
        hold(w, "a.tar", 0);
        hold(w, "b.tar", 0);
        hold(w, "c.tar", 0);
        scan_as(w, false);
        catalog_progress(w->c, &p);
        assert_int_equal(p.n, 2);
        assert_int_equal(p.waiting, 1);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                T(whichever_ends_first_the_outcome_is_the_same),
                T(the_newest_stamp_goes_first_whatever_the_times_say),
                T(what_is_dropped_in_last_goes_before_what_waits),
                T(one_bad_archive_among_ten_harms_no_other),
                T(numbers_of_archives_read_at_once_do_not_collide),
                T(a_file_with_two_names_is_read_once),
                T(a_stopped_reading_leaves_nothing),
                T(a_file_that_vanishes_is_not_read_to_its_end),
                T(a_file_that_changes_is_read_anew),
                T(progress_grows_to_the_total),
                T(readers_of_archives_give_way_to_those_who_serve),
                T(one_at_a_time_is_decoded_into_the_spool),
                T(memory_bounds_the_number_of_jobs),
        };

        (void)setlocale(LC_CTYPE, "C.UTF-8");
        return cmocka_run_group_tests(tests, NULL, NULL);
}
