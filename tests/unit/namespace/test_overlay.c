/* SPDX-License-Identifier: MPL-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "namespace/overlay.h"

struct fixture {
        char top[64];
        char a[80], b[80];
        struct overlay *o;
};

static void put(const char *dir, const char *name, const char *text)
{
        char path[256];
        FILE *f;

        assert_true(snprintf(path, sizeof path, "%s/%s", dir, name) < (int)sizeof path);
        f = fopen(path, "we");
        assert_non_null(f);
        assert_true(fputs(text, f) >= 0);
        assert_int_equal(fclose(f), 0);
}

static int setup(void **state)
{
        struct fixture *x = calloc(1, sizeof *x);
        const char *dirs[2];

        if (!x)
                return -1;
        *state = x;
        strcpy(x->top, "/tmp/pxefs-overlay-XXXXXX");
        if (!mkdtemp(x->top))
                return -1;
        (void)snprintf(x->a, sizeof x->a, "%s/a", x->top);
        (void)snprintf(x->b, sizeof x->b, "%s/b", x->top);
        if (mkdir(x->a, 0755) < 0 || mkdir(x->b, 0755) < 0)
                return -1;
        dirs[0] = x->a;
        dirs[1] = x->b;
        return overlay_open(dirs, 2, NULL, false, &x->o, NULL);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
        (void)st;
        (void)type;
        (void)ftw;
        return remove(path);
}

static int teardown(void **state)
{
        struct fixture *x = *state;

        overlay_close(x->o);
        (void)nftw(x->top, remove_one, 8, FTW_DEPTH | FTW_PHYS);
        free(x);
        return 0;
}

static void reads_as(struct overlay *o, uint64_t hash, const char *text)
{
        char buf[64];

        assert_int_equal(overlay_pread(o, hash, buf, sizeof buf, 0), strlen(text));
        assert_memory_equal(buf, text, strlen(text));
}

static void the_first_directory_that_has_a_name_wins(void **state)
{
        struct fixture *x = *state;
        struct overlay_entry e;

        put(x->a, "undionly.kpxe", "first");
        put(x->b, "undionly.kpxe", "second");
        put(x->b, "only", "b");
        assert_int_equal(overlay_lookup(x->o, OVERLAY_TOP, "undionly.kpxe", &e), 0);
        assert_int_equal(e.size_bytes, 5);
        reads_as(x->o, e.hash, "first");
        assert_int_equal(overlay_lookup(x->o, OVERLAY_TOP, "only", &e), 0);
        reads_as(x->o, e.hash, "b");
}

static void a_replaced_file_is_another_node_and_the_old_one_is_stale(void **state)
{
        struct fixture *x = *state;
        struct overlay_entry old, now;
        char buf[8];

        put(x->a, "f", "aaaa");
        assert_int_equal(overlay_lookup(x->o, OVERLAY_TOP, "f", &old), 0);
        put(x->a, "f.new", "bbbb");
        {
                char from[128], to[128];

                (void)snprintf(from, sizeof from, "%s/f.new", x->a);
                (void)snprintf(to, sizeof to, "%s/f", x->a);
                assert_int_equal(rename(from, to), 0);
        }
        assert_int_equal(overlay_pread(x->o, old.hash, buf, 4, 0), -ESTALE);
        assert_int_equal(overlay_lookup(x->o, OVERLAY_TOP, "f", &now), 0);
        assert_int_not_equal(now.hash, old.hash);
        assert_int_equal(overlay_pread(x->o, old.hash, buf, 4, 0), -ESTALE);
        reads_as(x->o, now.hash, "bbbb");
}

/* A worker that took over is asked by the ids that its predecessor gave. */
static void what_another_process_gave_out_is_found_again(void **state)
{
        struct fixture *x = *state;
        const char *dirs[] = { x->a, x->b };
        struct overlay_entry shown, dir, below, gone, e;
        struct overlay *successor;
        char path[128], buf[8];

        (void)snprintf(path, sizeof path, "%s/sub", x->b);
        assert_int_equal(mkdir(path, 0755), 0);
        put(x->b, "sub/below", "deep");
        put(x->b, "f", "hidden by the first");
        put(x->a, "f", "shown");
        put(x->a, "g", "old");
        assert_int_equal(overlay_lookup(x->o, OVERLAY_TOP, "f", &shown), 0);
        assert_int_equal(overlay_lookup(x->o, OVERLAY_TOP, "sub", &dir), 0);
        assert_int_equal(overlay_lookup(x->o, dir.hash, "below", &below), 0);
        assert_int_equal(overlay_lookup(x->o, OVERLAY_TOP, "g", &gone), 0);
        put(x->a, "g", "another size");

        assert_int_equal(overlay_open(dirs, 2, NULL, false, &successor, NULL), 0);
        reads_as(successor, below.hash, "deep");
        reads_as(successor, shown.hash, "shown");
        assert_int_equal(overlay_stat(successor, shown.hash, false, &e), 0);
        assert_int_equal(e.size_bytes, 5);
        assert_int_equal(overlay_lookup(successor, dir.hash, "below", &e), 0);
        assert_true(e.hash == below.hash);
        assert_int_equal(overlay_pread(successor, gone.hash, buf, 4, 0), -ESTALE);
        overlay_close(successor);
}

static void links_to_files_are_followed_and_others_are_not_shown(void **state)
{
        struct fixture *x = *state;
        struct overlay_entry e;
        char name[128];

        put(x->b, "real", "real");
        (void)snprintf(name, sizeof name, "%s/link", x->a);
        assert_int_equal(symlink("../b/real", name), 0);
        (void)snprintf(name, sizeof name, "%s/dirlink", x->a);
        assert_int_equal(symlink("../b", name), 0);
        (void)snprintf(name, sizeof name, "%s/null", x->a);
        assert_int_equal(symlink("/dev/null", name), 0);
        (void)snprintf(name, sizeof name, "%s/fifo", x->a);
        assert_int_equal(mkfifo(name, 0644), 0);
        put(x->a, ".hidden", "no");
        assert_int_equal(overlay_lookup(x->o, OVERLAY_TOP, "link", &e), 0);
        reads_as(x->o, e.hash, "real");
        assert_int_equal(overlay_lookup(x->o, OVERLAY_TOP, "dirlink", &e), -ENOENT);
        assert_int_equal(overlay_lookup(x->o, OVERLAY_TOP, "null", &e), -ENOENT);
        assert_int_equal(overlay_lookup(x->o, OVERLAY_TOP, "fifo", &e), -ENOENT);
        assert_int_equal(overlay_lookup(x->o, OVERLAY_TOP, ".hidden", &e), -ENOENT);
        assert_int_equal(overlay_lookup(x->o, OVERLAY_TOP, "..", &e), -ENOENT);
        assert_int_equal(overlay_lookup(x->o, OVERLAY_TOP, "../b/real", &e), -ENOENT);
        assert_int_equal(overlay_lookup(x->o, 12345, "link", &e), -ESTALE);
}

struct count {
        unsigned n, stop_at;
        uint64_t last;
};

static bool count_name(void *ctx, uint64_t key, const char *name, bool is_dir)
{
        struct count *c = ctx;

        (void)name;
        (void)is_dir;
        assert_true(key > c->last);
        c->last = key;
        return ++c->n != c->stop_at;
}

static void a_listing_goes_on_where_it_stopped(void **state)
{
        struct fixture *x = *state;
        struct count c = { .stop_at = 0 };
        char name[16];

        for (unsigned i = 0; i < 50; i++) {
                (void)snprintf(name, sizeof name, "f%u", i);
                put(i % 2 ? x->a : x->b, name, "x");
        }
        put(x->a, "f0", "in both"); /* listed once */
        for (unsigned round = 1; round < 20; round++) {
                c.stop_at = c.n + 7;
                assert_int_equal(overlay_list(x->o, OVERLAY_TOP, c.last, count_name, &c), 0);
        }
        assert_int_equal(c.n, 50);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(the_first_directory_that_has_a_name_wins, setup, teardown),
                cmocka_unit_test_setup_teardown(
                        a_replaced_file_is_another_node_and_the_old_one_is_stale, setup, teardown),
                cmocka_unit_test_setup_teardown(
                        links_to_files_are_followed_and_others_are_not_shown, setup, teardown),
                cmocka_unit_test_setup_teardown(
                        what_another_process_gave_out_is_found_again, setup, teardown),
                cmocka_unit_test_setup_teardown(a_listing_goes_on_where_it_stopped, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
