/* SPDX-License-Identifier: MPL-2.0 */
/* layout: the hostile table of docs/layout.md, one test a row, named there: links, twos of a name, sizes. */
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
#include "platform/pathtree.h"

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
        tar_link(t, '1', TOP "/h2", TOP "/h1");
        tar_link(t, '2', TOP "/d/s", "f");
        tar_file(t, TOP "/d/f", "below d");
        tar_file(t, TOP "/f", "beside h3");
        tar_link(t, '1', TOP "/h3", TOP "/d/s"); /* the symbolic link itself, read from here */
}

static void hard_links_backward_chained_and_to_symlinks_are_served(void **state)
{
        struct verdict v = serve_with(add_hard);

        (void)state;
        assert_text(&v, "platform/h1", "unix");
        assert_text(&v, "platform/h2", "unix");
        assert_text(&v, "platform/d/s", "below d");
        assert_text(&v, "platform/h3", "beside h3");
        assert_int_equal(v.x.tree->n_skipped, 0);
        done(&v);
}

static void add_hard_forward(struct buf *t)
{
        tar_link(t, '1', TOP "/h", TOP "/later");
        tar_file(t, TOP "/later", "later");
}

static void a_hard_link_before_its_target_is_skipped(void **state)
{
        (void)state;
        skip_with(add_hard_forward, "platform/h", "before it");
}

/* tar -r adds a newer file of the same name: the link keeps what the name held when the link was made. */
static void add_hard_then_newer(struct buf *t)
{
        tar_file(t, TOP "/f", "old");
        tar_link(t, '1', TOP "/h", TOP "/f");
        tar_file(t, TOP "/f", "new");
}

static void a_hard_link_keeps_what_its_target_was(void **state)
{
        struct verdict v = serve_with(add_hard_then_newer);

        (void)state;
        assert_text(&v, "platform/f", "new");
        assert_text(&v, "platform/h", "old");
        done(&v);
}

/* tar cf x.tar p p/f: GNU tar writes the second p/f as a hard link to p/f. */
static void add_named_twice(struct buf *t)
{
        tar_file(t, TOP "/f", "f");
        tar_link(t, '1', TOP "/f", TOP "/f");
        tar_link(t, '1', "./" TOP "//f", TOP "/./f");
        tar_link(t, '1', TOP "/g", TOP "/f");
        tar_link(t, '1', TOP "/f", TOP "/g");
        tar_link(t, '2', TOP "/s", "f");
        tar_link(t, '1', TOP "/s", TOP "/s");
        tar_link(t, '1', TOP "/i86pc/kernel/amd64/unix", TOP "/i86pc/kernel/amd64/unix");
        tar_link(t, '1', TOP "/i86pc/amd64/boot_archive", TOP "/i86pc/amd64/boot_archive");
}

static void a_hard_link_to_its_own_name_changes_nothing(void **state)
{
        struct verdict v = serve_with(add_named_twice);

        (void)state;
        assert_text(&v, "platform/f", "f");
        assert_text(&v, "platform/g", "f");
        assert_text(&v, "platform/s", "f");
        assert_text(&v, "platform/i86pc/kernel/amd64/unix", "unix");
        assert_int_equal(v.x.tree->n_skipped, 0);
        assert_null(v.x.warning);
        done(&v);
}

static void add_hard_instead_of_ramdisk(struct buf *t)
{
        tar_link(t, '1', TOP "/i86pc/amd64/boot_archive", TOP "/i86pc/kernel/amd64/unix");
}

static void a_hard_link_over_the_ramdisk_refuses_the_build(void **state)
{
        (void)state;
        refuse_with(add_hard_instead_of_ramdisk, "twice");
}

static void add_hard_through_symlink(struct buf *t)
{
        tar_file(t, TOP "/d/f", "f");
        tar_link(t, '2', TOP "/e", "d");
        tar_link(t, '1', TOP "/h", TOP "/e/f");
}

static void add_hard_to_dir(struct buf *t)
{
        tar_link(t, '1', TOP "/h", TOP "/i86pc");
}

static void a_hard_link_to_or_through_what_it_cannot_refuses_the_build(void **state)
{
        (void)state;
        refuse_with(add_hard_through_symlink, "through a symbolic link");
        refuse_with(add_hard_to_dir, "a directory");
}

static void the_kernel_may_be_a_link(void **state)
{
        AUTO_BUF struct buf t = BUF_INIT;
        struct verdict v;

        (void)state;
        tar_file(&t, TOP "/real", "unix");
        tar_link(&t, '1', TOP "/i86pc/kernel/amd64/unix", TOP "/real");
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
                cmocka_unit_test(a_symlink_inside_is_shown_as_the_file_it_names),
                cmocka_unit_test(a_chain_of_symlinks_is_followed),
                cmocka_unit_test(a_symlink_to_a_directory_is_skipped),
                cmocka_unit_test(a_symlink_that_leaves_the_archive_is_skipped),
                cmocka_unit_test(a_dangling_symlink_is_skipped),
                cmocka_unit_test(a_loop_of_links_is_skipped),
                cmocka_unit_test(an_entry_behind_a_link_refuses_the_build),
                cmocka_unit_test(a_link_to_the_password_is_hidden_as_well),
                cmocka_unit_test(hard_links_backward_chained_and_to_symlinks_are_served),
                cmocka_unit_test(a_hard_link_before_its_target_is_skipped),
                cmocka_unit_test(a_hard_link_keeps_what_its_target_was),
                cmocka_unit_test(a_hard_link_to_its_own_name_changes_nothing),
                cmocka_unit_test(a_hard_link_over_the_ramdisk_refuses_the_build),
                cmocka_unit_test(a_hard_link_to_or_through_what_it_cannot_refuses_the_build),
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
