/* SPDX-License-Identifier: MPL-2.0 */
/* spool: what is in the file is what was verified; nothing is left behind; a full disk is a reason, not a
 * crash. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "archive/spool.h"
#include "base/cleanup.h"
#include "tarmaker.h"

/* ---- a filesystem at its worst --------------------------------------------------------------- */

static int writes_left = -1; /* then the disk is full; -1: never */

ssize_t __real_pwrite(int fd, const void *p, size_t n, off_t off);
ssize_t __wrap_pwrite(int fd, const void *p, size_t n, off_t off);
ssize_t __wrap_pwrite64(int fd, const void *p, size_t n, off_t off);

ssize_t __wrap_pwrite(int fd, const void *p, size_t n, off_t off)
{
        if (writes_left == 0) {
                errno = ENOSPC;
                return -1;
        }
        if (writes_left > 0)
                writes_left--;
        return __real_pwrite(fd, p, n > 7 ? n / 2 : n, off); /* and never all at once */
}

ssize_t __wrap_pwrite64(int fd, const void *p, size_t n, off_t off)
{
        return __wrap_pwrite(fd, p, n, off);
}

/* ---- the tests ------------------------------------------------------------------------------- */

struct world {
        char path[64];
        int dirfd;
};

static int set_up(void **state)
{
        static struct world w;

        w.dirfd = scratch_open(w.path);
        writes_left = -1;
        *state = &w;
        return 0;
}

static int tear_down(void **state)
{
        struct world *w = *state;

        scratch_close(w->path, w->dirfd);
        return 0;
}

static unsigned files_in(const struct world *w)
{
        DIR *d = fdopendir(openat(w->dirfd, ".", O_RDONLY | O_DIRECTORY));
        const struct dirent *e;
        unsigned n = 0;

        assert_non_null(d);
        while ((e = readdir(d)))
                n += e->d_name[0] != '.' || e->d_name[1] == 't'; /* ".tmp-..." counts */
        closedir(d);
        return n;
}

static const char text[] = "bytes that were verified";

/* Spools the gzip file @fd as "s"; the first error. */
static int spool(const struct world *w, int fd, uint64_t max, struct identity *id, struct source **src,
        struct err *err)
{
        AUTO_CLEAN(spool_closep) struct spool_writer *sw = NULL;
        AUTO_CLEAN(blocksums_freep) struct blocksums *sums = NULL;
        AUTO_CLEAN(spool_drop) struct spool_file file = SPOOL_FILE_NONE;
        struct feed feed;
        const void *p;
        ssize_t n;
        int r = spool_make(w->dirfd, &file, err);

        if (r == 0)
                r = spool_begin(fd, file.fd, max, &sw, err);
        if (r < 0)
                return r;
        feed = spool_feed(sw);
        while ((n = feed.next(feed.ctx, &p, err)) > 0)
                ;
        if (n < 0)
                return (int)n;
        r = spool_finish(sw, &sums, err);
        if (r == 0)
                r = spool_commit(&file, "s", id, err);
        if (r < 0)
                return r;
        assert_int_equal(sums->raw_bytes, sizeof text);
        assert_int_equal(sums->crcs[0], blocksums_crc(text, sizeof text));
        return spool_open(w->dirfd, "s", id, NULL, src, err);
}

static int gz_file(int level)
{
        AUTO_BUF struct buf gz = BUF_INIT;

        gz_add(&gz, text, sizeof text, level);
        return mem_file(gz.data, gz.len);
}

static void keeps_what_it_decoded(void **state)
{
        const struct world *w = *state;
        AUTO_CLOSE int fd = gz_file(6);
        struct source *s = NULL, *again = NULL;
        struct identity id;
        char b[64];

        assert_int_equal(spool(w, fd, 1 << 20, &id, &s, NULL), 0);
        assert_int_equal(files_in(w), 1);
        assert_int_equal(source_pread(s, b, sizeof b, 0), sizeof text);
        assert_memory_equal(b, text, sizeof text);
        assert_int_equal(spool_open(w->dirfd, "s", &id, NULL, &again, NULL), 0);
        assert_int_equal(source_pread(again, b, sizeof b, 0), sizeof text);
        source_close(again);
        assert_int_equal(unlinkat(w->dirfd, "s", 0), 0); /* the archive is gone: open readers finish */
        assert_int_equal(source_pread(s, b, sizeof b, 0), sizeof text);
        source_close(s);
}

static void replaces_an_older_file_of_the_name(void **state)
{
        const struct world *w = *state;
        AUTO_CLOSE int fd = gz_file(6);
        struct source *a = NULL, *b = NULL, *c = NULL;
        struct identity ida, idb;

        assert_int_equal(spool(w, fd, 1 << 20, &ida, &a, NULL), 0);
        assert_int_equal(spool(w, fd, 1 << 20, &idb, &b, NULL), 0);
        assert_int_equal(files_in(w), 1);
        assert_int_equal(spool_open(w->dirfd, "s", &ida, NULL, &c, NULL), -ESTALE);
        assert_int_equal(spool_open(w->dirfd, "nothing", &ida, NULL, &c, NULL), -ENOENT);
        source_close(a);
        source_close(b);
}

static void leaves_nothing_behind_after_any_failure(void **state)
{
        const struct world *w = *state;
        struct err err = { "" };
        struct identity id;
        struct source *s = NULL;
        AUTO_CLOSE int fd = gz_file(6);

        assert_int_equal(spool(w, fd, sizeof text - 1, &id, &s, &err), -EDQUOT);
        assert_non_null(strstr(err.text, "spool_max="));
        assert_int_equal(spool(w, fd, sizeof text, &id, &s, &err), 0); /* the bound itself fits */
        source_close(s);
        assert_int_equal(unlinkat(w->dirfd, "s", 0), 0);
        writes_left = 1;
        assert_int_equal(spool(w, fd, 1 << 20, &id, &s, &err), -ENOSPC);
        assert_non_null(strstr(err.text, "cache directory"));
        writes_left = -1;
        assert_int_equal(pwrite(fd, "x", 1, 15), 1); /* damage */
        assert_int_equal(spool(w, fd, 1 << 20, &id, &s, &err), -EBADMSG);
        assert_int_equal(files_in(w), 0);
}

static void a_bomb_stops_at_the_bound(void **state)
{
        static char zeros[8 << 20];
        const struct world *w = *state;
        AUTO_BUF struct buf gz = BUF_INIT;
        AUTO_CLOSE int fd = -1;
        struct err err = { "" };
        struct identity id;
        struct source *s = NULL;

        gz_add(&gz, zeros, sizeof zeros, 9); /* 1:1000 */
        assert_true(gz.len < sizeof zeros / 900);
        fd = mem_file(gz.data, gz.len);
        assert_int_equal(spool(w, fd, 1 << 20, &id, &s, &err), -EDQUOT);
        assert_int_equal(files_in(w), 0);
}

/* Spools what @fd holds, which must decode to the @len bytes of @want, and returns what that takes on the disk, in bytes. */
static uint64_t spool_and_compare(const struct world *w, int fd, const char *want, size_t len)
{
        static char got[1 << 20];
        AUTO_CLEAN(spool_closep) struct spool_writer *sw = NULL;
        AUTO_CLEAN(blocksums_freep) struct blocksums *sums = NULL;
        AUTO_CLEAN(spool_drop) struct spool_file file = SPOOL_FILE_NONE;
        struct feed feed;
        struct stat st;
        const void *p;
        ssize_t n;

        assert_int_equal(spool_make(w->dirfd, &file, NULL), 0);
        assert_int_equal(spool_begin(fd, file.fd, len, &sw, NULL), 0);
        feed = spool_feed(sw);
        while ((n = feed.next(feed.ctx, &p, NULL)) > 0)
                ;
        assert_int_equal(n, 0);
        assert_int_equal(spool_finish(sw, &sums, NULL), 0);
        assert_int_equal(fstat(file.fd, &st), 0);
        assert_int_equal(st.st_size, len);
        assert_int_equal(sums->raw_bytes, len);
        assert_true(len <= sizeof got);
        assert_int_equal(pread(file.fd, got, len, 0), len);
        assert_memory_equal(got, want, len);
        return (uint64_t)st.st_blocks * 512;
}

static void zeros_take_no_room_wherever_they_are(void **state)
{
        static char raw[(1 << 20) - 77];
        static const size_t places[] = { 0, 1, 4095, 4096, 4097, 65535, 300000, sizeof raw - 1 };
        const struct world *w = *state;
        uint64_t on_disk;

        for (size_t i = 0; i <= sizeof places / sizeof *places;
                i++) { /* the first time there are but zeros */
                AUTO_BUF struct buf gz = BUF_INIT;
                AUTO_CLOSE int fd = -1;

                if (i > 0)
                        raw[places[i - 1]] = 'x';
                gz_add(&gz, raw, sizeof raw, 9);
                fd = mem_file(gz.data, gz.len);
                on_disk = spool_and_compare(w, fd, raw, sizeof raw);
                assert_true(on_disk < sizeof raw / 4);
        }
}

static void a_file_that_changes_while_it_is_read_is_stale(void **state)
{
        const struct world *w = *state;
        AUTO_CLEAN(spool_closep) struct spool_writer *sw = NULL;
        AUTO_CLEAN(blocksums_freep) struct blocksums *sums = NULL;
        struct spool_file file;
        AUTO_CLOSE int fd = gz_file(6);
        struct feed feed;
        const void *p;

        assert_int_equal(spool_make(w->dirfd, &file, NULL), 0);
        assert_int_equal(spool_begin(fd, file.fd, 1 << 20, &sw, NULL), 0);
        feed = spool_feed(sw);
        assert_int_equal(feed.next(feed.ctx, &p, NULL), sizeof text);
        assert_int_equal(__real_pwrite(fd, "\0", 1, 4000), 1); /* zero padding: still sound gzip */
        assert_int_equal(feed.next(feed.ctx, &p, NULL), -ESTALE);
        assert_int_equal(spool_finish(sw, &sums, NULL), -EINVAL);
        spool_drop(&file);
        assert_int_equal(files_in(w), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(keeps_what_it_decoded, set_up, tear_down),
                cmocka_unit_test_setup_teardown(replaces_an_older_file_of_the_name, set_up, tear_down),
                cmocka_unit_test_setup_teardown(leaves_nothing_behind_after_any_failure, set_up, tear_down),
                cmocka_unit_test_setup_teardown(zeros_take_no_room_wherever_they_are, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_bomb_stops_at_the_bound, set_up, tear_down),
                cmocka_unit_test_setup_teardown(
                        a_file_that_changes_while_it_is_read_is_stale, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
