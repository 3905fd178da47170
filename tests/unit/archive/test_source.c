/* SPDX-License-Identifier: MPL-2.0 */
/* source, raw and identity: a file that is no longer the one that was verified gives no byte. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "archive/raw.h"
#include "archive/source.h"
#include "base/cleanup.h"
#include "tarmaker.h"

struct world {
        char path[64];
        int dirfd;
};

static int set_up(void **state)
{
        static struct world w;

        w.dirfd = scratch_open(w.path);
        *state = &w;
        return 0;
}

static int tear_down(void **state)
{
        struct world *w = *state;

        scratch_close(w->path, w->dirfd);
        return 0;
}

/* A file "f" with ten bytes, an hour old, opened as a source. */
static struct source *open_ten(const struct world *w)
{
        struct source *s = NULL;
        struct identity id;
        int fd;

        scratch_put(w->dirfd, "f", "0123456789", 10, 3600);
        fd = openat(w->dirfd, "f", O_RDONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        assert_int_equal(identity_of_fd(fd, &id), 0);
        assert_int_equal(source_open_raw(fd, &id, &s, NULL), 0);
        return s;
}

static void reads_are_cut_at_the_end_only(void **state)
{
        struct source *s = open_ten(*state);
        char b[32];

        assert_int_equal(source_size_bytes(s), 10);
        for (uint64_t off = 0; off <= 12; off++)
                for (size_t len = 0; len <= 12; len++) {
                        size_t want = off >= 10 ? 0 : len < 10 - off ? len : 10 - off;

                        assert_int_equal(source_pread(s, b, len, off), want);
                        assert_memory_equal(b, &"0123456789"[off < 10 ? off : 0], want);
                }
        assert_int_equal(source_pread(s, b, 5, UINT64_MAX), 0);
        assert_int_equal(source_pread(s, b, 5, INT64_MAX), 0);
        source_close(s);
}

static void an_overwritten_file_is_stale_even_with_its_old_time(void **state)
{
        const struct world *w = *state;
        struct source *s = open_ten(w);
        struct timespec t[2];
        struct stat st;
        AUTO_CLOSE int fd = openat(w->dirfd, "f", O_RDWR | O_CLOEXEC);
        char b[10];

        assert_int_equal(fstat(fd, &st), 0);
        t[0] = st.st_atim;
        t[1] = st.st_mtim;
        assert_int_equal(pwrite(fd, "x", 1, 3), 1);
        assert_int_equal(futimens(fd, t), 0);
        assert_int_equal(source_pread(s, b, 10, 0), -ESTALE);
        source_close(s);
}

static void a_file_cut_short_is_stale(void **state)
{
        const struct world *w = *state;
        struct source *s = open_ten(w);
        AUTO_CLOSE int fd = openat(w->dirfd, "f", O_RDWR | O_CLOEXEC);
        char b[10];

        assert_int_equal(ftruncate(fd, 5), 0);
        assert_int_equal(source_pread(s, b, 2, 0), -ESTALE);
        source_close(s);
}

static void a_removed_or_replaced_file_is_read_to_its_end(void **state)
{
        const struct world *w = *state;
        struct source *s = open_ten(w);
        char b[10];

        scratch_put(w->dirfd, "f", "another one", 11, 0);
        assert_int_equal(source_pread(s, b, 10, 0), 10);
        assert_memory_equal(b, "0123456789", 10);
        source_close(s);
        s = open_ten(w);
        assert_int_equal(unlinkat(w->dirfd, "f", 0), 0);
        assert_int_equal(source_pread(s, b, 10, 0), 10);
        source_close(s);
}

static void opening_wants_the_identity_that_was_verified(void **state)
{
        const struct world *w = *state;
        struct source *s = open_ten(w), *t = NULL;
        struct identity id, other;
        AUTO_CLOSE int fd = openat(w->dirfd, "f", O_RDONLY | O_CLOEXEC);

        source_close(s);
        assert_int_equal(identity_of_fd(fd, &id), 0);
        for (int field = 0; field < 5; field++) {
                other = id;
                *(field == 0 ? &other.dev : field == 1 ? &other.ino : &other.size_bytes) += field < 3;
                *(field == 3 ? &other.mtime_ns : &other.ctime_ns) += field >= 3;
                assert_false(identity_equal(&id, &other));
                assert_int_equal(source_open_raw(fd, &other, &t, NULL), -ESTALE);
                assert_null(t);
        }
}

static void the_hash_depends_on_every_field_the_salt_and_the_bits(void **state)
{
        const struct identity id = { 1, 2, 3, 4, 5 };
        struct identity ids[6] = { id, id, id, id, id, id };
        uint64_t h, first, salted;

        (void)state;
        ids[1].dev++;
        ids[2].ino++;
        ids[3].size_bytes++;
        ids[4].mtime_ns++;
        ids[5].ctime_ns++;
        assert_int_equal(identity_hash(&id, 0, 40, &first), 0);
        assert_true(first > 0 && first < UINT64_C(1) << 40);
        for (size_t i = 1; i < 6; i++) {
                assert_int_equal(identity_hash(&ids[i], 0, 40, &h), 0);
                assert_true(h != first);
        }
        assert_int_equal(identity_hash(&id, 1, 40, &salted), 0);
        assert_true(salted != first);
        for (uint64_t salt = 0; salt < 32; salt++) { /* never 0, whatever is left */
                assert_int_equal(identity_hash(&id, salt, 1, &h), 0);
                assert_int_equal(h, 1);
        }
}

static void a_feed_notices_that_its_file_changed(void **state)
{
        const struct world *w = *state;
        struct raw_feed *f = NULL;
        struct feed feed;
        const void *p;
        AUTO_CLOSE int fd = -1;

        scratch_put(w->dirfd, "f", "0123456789", 10, 3600);
        fd = openat(w->dirfd, "f", O_RDWR | O_CLOEXEC);
        assert_int_equal(raw_feed_begin(fd, NULL, &f, NULL), 0);
        feed = raw_feed(f);
        assert_int_equal(feed.size_bytes, 10);
        assert_int_equal(feed.next(feed.ctx, &p, NULL), 10);
        assert_int_equal(feed.seek(feed.ctx, 4, NULL), 0);
        assert_int_equal(feed.next(feed.ctx, &p, NULL), 6);
        assert_memory_equal(p, "456789", 6);
        assert_int_equal(feed.seek(feed.ctx, 11, NULL), -EBADMSG);
        assert_int_equal(feed.next(feed.ctx, &p, NULL), 0);
        assert_int_equal(pwrite(fd, "x", 1, 0), 1);
        assert_int_equal(feed.next(feed.ctx, &p, NULL), -ESTALE);
        raw_feed_end(f);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(reads_are_cut_at_the_end_only, set_up, tear_down),
                cmocka_unit_test_setup_teardown(
                        an_overwritten_file_is_stale_even_with_its_old_time, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_file_cut_short_is_stale, set_up, tear_down),
                cmocka_unit_test_setup_teardown(
                        a_removed_or_replaced_file_is_read_to_its_end, set_up, tear_down),
                cmocka_unit_test_setup_teardown(
                        opening_wants_the_identity_that_was_verified, set_up, tear_down),
                cmocka_unit_test(the_hash_depends_on_every_field_the_salt_and_the_bits),
                cmocka_unit_test_setup_teardown(a_feed_notices_that_its_file_changed, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
