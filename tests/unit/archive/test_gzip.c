/* SPDX-License-Identifier: MPL-2.0 */
/* gzip source: each read gives the bytes that were verified, or an error; never others. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "archive/gzip.h"
#include "base/cleanup.h"
#include "fault.h"
#include "tarmaker.h"

#define CHUNK (32u * 1024) /* the window; blocks of deflate are longer */
#define MARK  (8u * 1024)
#define OBJ   UINT64_C(5)

/* ---- a disk at its worst: what pread gives to the objects linked in ------------------------------ */

static atomic_int reads_left; /* this one fails; 0: none */
static atomic_bool read_failed;
static atomic_llong flip_bit = -1; /* of the file: read wrongly */

ssize_t __real_pread(int fd, void *p, size_t n, off_t off);
ssize_t __wrap_pread(int fd, void *p, size_t n, off_t off);
ssize_t __wrap_pread64(int fd, void *p, size_t n, off_t off);

ssize_t __wrap_pread(int fd, void *p, size_t n, off_t off)
{
        long long bit = atomic_load(&flip_bit);
        ssize_t got;

        if (atomic_load(&reads_left) > 0 && atomic_fetch_sub(&reads_left, 1) == 1) {
                atomic_store(&read_failed, true);
                errno = EIO;
                return -1;
        }
        got = __real_pread(fd, p, n, off);
        if (bit >= 0 && bit / 8 >= off && bit / 8 < off + got) {
                unsigned char *b = (unsigned char *)p + (bit / 8 - off);

                *b = (unsigned char)(*b ^ 1u << bit % 8);
        }
        return got;
}

ssize_t __wrap_pread64(int fd, void *p, size_t n, off_t off)
{
        return __wrap_pread(fd, p, n, off);
}

/* ---- a source -------------------------------------------------------------------------------- */

static uint32_t seed = 1;

static uint32_t draw(void)
{
        return (seed = seed * 1664525 + 1013904223) >> 8;
}

static char text[12 * CHUNK + 777];

static void fill(void)
{
        for (size_t i = 0; i < sizeof text; i++)
                text[i] = (char)(i / 9000 % 3 == 0 ? draw() : i / 9000 % 3 == 1 ? 'a' + draw() % 8 : 0);
}

struct world {
        struct chunkcache *cache;
        struct source_env env;
        struct gzindex *kept; /* where states are loaded from, when they are "stored" */
        bool lose;            /* they cannot be */
        atomic_uint reports[3];
        int fd; /* the file; the source has a duplicate */
        size_t gz_bytes;
        struct identity id;
        struct source *src;
};

static int load(void *ctx, uint64_t object, uint64_t n, struct buf *ret)
{
        const struct world *w = ctx;

        assert_int_equal(object, OBJ);
        if (w->lose)
                return -ENOENT;
        buf_add(ret, w->kept->states[n].data, w->kept->states[n].len);
        return buf_error(ret);
}

static void report(void *ctx, uint64_t object, enum source_trouble what, const char *why)
{
        struct world *w = ctx;

        (void)object;
        (void)why;
        atomic_fetch_add(&w->reports[what], 1);
}

static struct gzindex *make_index(int fd, const struct inflate_kind *kind)
{
        AUTO_CLEAN(gzindexer_endp) struct gzindexer *w = NULL;
        struct feed feed;
        const void *p;
        ssize_t n;

        assert_int_equal(
                gzindexer_begin(fd, kind, (struct gzlayout) { CHUNK, MARK, 0 }, 1 << 30, OBJ, &w, NULL), 0);
        feed = gzindexer_feed(w);
        while ((n = feed.next(feed.ctx, &p, NULL)) > 0)
                ;
        assert_int_equal(n, 0);
        return gzindexer_take(w);
}

/* Several members, so that boundaries lie inside chunks. */
static void open_world(struct world *w, const struct inflate_kind *kind, size_t slots, unsigned threads)
{
        AUTO_BUF struct buf gz = BUF_INIT;

        *w = (struct world) { .fd = -1 };
        fill();
        gz_add(&gz, text, 3 * CHUNK + 1000, 6);
        gz_add(&gz, text + 3 * CHUNK + 1000, 2000, 0);
        gz_add(&gz, text + 3 * CHUNK + 3000, sizeof text - 3 * CHUNK - 3000, 1);
        w->fd = mem_file(gz.data, gz.len);
        w->gz_bytes = gz.len;
        assert_int_equal(identity_of_fd(w->fd, &w->id), 0);
        w->kept = make_index(w->fd, kind);
        assert_int_equal(chunkcache_new(slots * (CHUNK + 1000), CHUNK, 1000, threads, &w->cache, NULL), 0);
        w->env = (struct source_env) { w->cache, kind, load, report, w, NULL };
        assert_int_equal(
                source_open_gzip(dup(w->fd), &w->id, make_index(w->fd, kind), OBJ, &w->env, &w->src, NULL),
                0);
}

static void close_world(struct world *w)
{
        source_close(w->src);
        chunkcache_free(w->cache);
        gzindex_free(w->kept);
        close(w->fd);
}

/* The bytes, or the error. */
static ssize_t read_checked(struct source *s, uint64_t off, size_t len)
{
        AUTO_FREE char *got = malloc(len);
        ssize_t n = source_pread(s, got, len, off);

        if (n > 0 && memcmp(got, text + off, (size_t)n) != 0)
                fail_msg("wrong bytes in %zu at %llu", len, (unsigned long long)off);
        return n;
}

#ifdef HAVE_ISAL
static const struct inflate_kind *const kinds[] = { &inflate_zlib, &inflate_isal };
#else
static const struct inflate_kind *const kinds[] = { &inflate_zlib };
#endif
#define N_KINDS (sizeof kinds / sizeof kinds[0])

/* ---- the tests ------------------------------------------------------------------------------- */

static void reads_any_range_from_memory_and_from_the_store(void **state)
{
        (void)state;
        for (size_t k = 0; k < N_KINDS; k++)
                for (int stored = 0; stored <= 1; stored++) {
                        struct world w;

                        open_world(&w, kinds[k], 3, 0);
                        if (stored)
                                source_gzip_stored(w.src);
                        assert_true((source_gzip_index(w.src)->states == NULL) == stored);
                        assert_int_equal(source_size_bytes(w.src), sizeof text);
                        for (unsigned i = 0; i < 300; i++) {
                                uint64_t off = draw() % (sizeof text + 10);
                                size_t len = 1 + draw() % (i % 10 ? 5000 : 3 * CHUNK);
                                size_t want = off >= sizeof text        ? 0
                                              : len < sizeof text - off ? len
                                                                        : sizeof text - off;
                                struct loan loan;

                                assert_int_equal(read_checked(w.src, off, len), want);
                                if (want == len && source_borrow(w.src, len, off, &loan) == 0) {
                                        assert_int_equal(loan.len, len);
                                        assert_memory_equal(loan.data, text + off, len);
                                        loan_end(&loan);
                                }
                        }
                        assert_int_equal(
                                w.reports[SOURCE_ROTTEN] + w.reports[SOURCE_CHANGED] + w.reports[SOURCE_LOST],
                                0);
                        close_world(&w);
                }
}

static void a_lost_checkpoint_is_gone_round(void **state)
{
        struct world w;

        (void)state;
        open_world(&w, INFLATE_BEST, 3, 0);
        source_gzip_stored(w.src);
        w.lose = true;
        assert_int_equal(read_checked(w.src, 9 * CHUNK + 25000, 100), 100);
        assert_int_equal(w.reports[SOURCE_LOST], 1);
        w.lose = false;
        w.kept->states[5].data[30] ^= 1;
        assert_int_equal(read_checked(w.src, 5 * CHUNK + 25000, 100), 100);
        w.kept->states[5].data[30] ^= 1;
        close_world(&w);
}

/* A bit of the file that reads wrongly after it was indexed: each read is right or -EIO, and that is reported. */
static void a_bit_flipped_later_is_never_served(void **state)
{
        unsigned bad = 0;

        (void)state;
        for (size_t k = 0; k < N_KINDS; k++) {
                struct world w;

                open_world(&w, kinds[k], 2, 0);
                for (unsigned i = 0; i < 300; i++) {
                        uint64_t off = draw() % (sizeof text - 5000);
                        ssize_t n;

                        atomic_store(&flip_bit, (long long)((draw() << 10 ^ draw()) % (w.gz_bytes * 8)));
                        for (size_t j = 0; j < 4; j++, off = (off + 2 * CHUNK) % (sizeof text - 5000)) {
                                n = read_checked(w.src, off, 5000);
                                assert_true(n == 5000 || n == -EIO);
                                bad += n < 0;
                        }
                        n = read_checked(w.src, 0, sizeof text);
                        assert_true(n == sizeof text || n == -EIO);
                        bad += n < 0;
                }
                atomic_store(&flip_bit, -1);
                assert_int_equal(read_checked(w.src, 0, sizeof text), sizeof text);
                assert_int_equal(w.reports[SOURCE_ROTTEN], 1); /* once, however often it was met */
                close_world(&w);
        }
        assert_true(bad > 300);
}

static void touch_and_chmod_end_no_reading(void **state)
{
        const struct timespec now[2] = { { .tv_nsec = UTIME_NOW }, { .tv_nsec = UTIME_NOW } };
        struct world w;

        (void)state;
        open_world(&w, INFLATE_BEST, 2, 0);
        assert_int_equal(read_checked(w.src, 0, 100), 100);
        usleep(20000); /* the clock of ctime ticks in jiffies */
        assert_int_equal(fchmod(w.fd, 0600), 0);
        assert_int_equal(futimens(w.fd, now), 0);
        assert_int_equal(identity_still(w.fd, &w.id), -ESTALE);
        assert_int_equal(source_still(w.src), 0);
        assert_int_equal(read_checked(w.src, 0, sizeof text), sizeof text);
        assert_int_equal(w.reports[SOURCE_CHANGED] + w.reports[SOURCE_ROTTEN], 0);
        close_world(&w);
}

static void what_was_written_to_is_stale_where_it_changed(void **state)
{
        const off_t last = (off_t)sizeof text;
        struct world w;

        (void)state;
        open_world(&w, INFLATE_BEST, 2, 0);
        usleep(20000); /* the clock of ctime ticks in jiffies */
        assert_int_equal(pwrite(w.fd, "xxxxxxxx", 8, 5000), 8); /* of the first chunk */
        assert_int_equal(read_checked(w.src, (uint64_t)last - 100, 100), 100);
        assert_int_equal(w.reports[SOURCE_CHANGED], 0);
        assert_int_equal(read_checked(w.src, 0, CHUNK), -ESTALE);
        assert_int_equal(w.reports[SOURCE_CHANGED], 1);
        assert_int_equal(w.reports[SOURCE_ROTTEN], 0);
        close_world(&w);
}

static void a_file_of_another_length_is_stale(void **state)
{
        static const char *const how[] = { "cut", "grow" };

        (void)state;
        for (size_t i = 0; i < 2; i++) {
                struct world w;

                open_world(&w, INFLATE_BEST, 2, 0);
                assert_int_equal(source_still(w.src), 0);
                assert_int_equal(read_checked(w.src, 0, 100), 100);
                assert_int_equal(ftruncate(w.fd, i == 0 ? 20000 : 2000000), 0);
                assert_int_equal(source_still(w.src), -ESTALE);
                if (read_checked(w.src, 9 * CHUNK, 100) != -ESTALE)
                        fail_msg("%s", how[i]);
                assert_int_equal(w.reports[SOURCE_CHANGED], 1);
                assert_int_equal(w.reports[SOURCE_ROTTEN], 0);
                close_world(&w);
        }
}

static void survives_every_failed_read(void **state)
{
        struct world w;
        int nth = 0;

        (void)state;
        open_world(&w, INFLATE_BEST, 2, 0);
        do {
                ssize_t n;

                atomic_store(&read_failed, false);
                atomic_store(&reads_left, ++nth);
                n = read_checked(w.src, 0, sizeof text);
                atomic_store(&reads_left, 0);
                assert_true(n == (atomic_load(&read_failed) ? -EIO : (ssize_t)sizeof text));
        } while (atomic_load(&read_failed));
        assert_true(nth > 12);
        assert_int_equal(read_checked(w.src, 0, sizeof text), sizeof text);
        close_world(&w);
}

static void survives_every_failed_allocation(void **state)
{
        (void)state;
        for (size_t k = 0; k < N_KINDS; k++) {
                struct world w;
                unsigned nth = 0;
                bool fired;

                open_world(&w, kinds[k], 2, 0);
                do {
                        ssize_t n;
                        char got[64];

                        fault_arm(++nth);
                        n = source_pread(w.src, got, sizeof got, 3 * CHUNK + nth % 2 * 4 * CHUNK);
                        fired = fault_fired();
                        fault_arm(0);
                        assert_true(n == (fired ? -ENOMEM : (ssize_t)sizeof got));
                } while (fired);
                do {
                        struct gzindexer *x = NULL;
                        const void *p;
                        struct feed feed;
                        int r;

                        fault_arm(++nth - 1 > 50 ? nth - 50 : nth);
                        r = gzindexer_begin(
                                w.fd, kinds[k], (struct gzlayout) { CHUNK, MARK, 0 }, 1 << 30, OBJ, &x, NULL);
                        fired = fault_fired();
                        fault_arm(0);
                        assert_true(r == 0 || (fired && r == -ENOMEM));
                        if (r == 0) {
                                feed = gzindexer_feed(x);
                                assert_true(feed.next(feed.ctx, &p, NULL) > 0);
                        }
                        gzindexer_end(x); /* also in the middle */
                } while (fired);
                close_world(&w);
        }
}

/* ---- many -------------------------------------------------------------------------------------- */

struct reader {
        pthread_t thread;
        struct source *src;
        unsigned seed;
        bool right;
};

static void *reader_main(void *arg)
{
        struct reader *r = arg;
        static _Thread_local char got[20000];

        r->right = true;
        for (unsigned i = 0; i < 60 && r->right; i++) {
                uint64_t off;
                ssize_t n;

                r->seed = r->seed * 1664525 + 1013904223;
                off = (r->seed >> 8) % (sizeof text - sizeof got);
                n = source_pread(r->src, got, sizeof got, off);
                r->right = n == sizeof got && memcmp(got, text + off, sizeof got) == 0;
        }
        for (uint64_t off = 0; off < sizeof text && r->right; off += sizeof got) {
                ssize_t n = source_pread(r->src, got, sizeof got, off);

                r->right = n > 0 && memcmp(got, text + off, (size_t)n) == 0;
        }
        return NULL;
}

static void sixteen_threads_read_right(void **state)
{
        struct reader v[16];
        struct world w;

        (void)state;
        open_world(&w, INFLATE_BEST, 4, 2);
        source_gzip_stored(w.src);
        for (unsigned i = 0; i < 16; i++) {
                v[i] = (struct reader) { .src = w.src, .seed = i };
                assert_int_equal(pthread_create(&v[i].thread, NULL, reader_main, &v[i]), 0);
        }
        for (unsigned i = 0; i < 16; i++) {
                (void)pthread_join(v[i].thread, NULL);
                assert_true(v[i].right);
        }
        close_world(&w);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(reads_any_range_from_memory_and_from_the_store),
                cmocka_unit_test(a_lost_checkpoint_is_gone_round),
                cmocka_unit_test(a_bit_flipped_later_is_never_served),
                cmocka_unit_test(touch_and_chmod_end_no_reading),
                cmocka_unit_test(what_was_written_to_is_stale_where_it_changed),
                cmocka_unit_test(a_file_of_another_length_is_stale),
                cmocka_unit_test(survives_every_failed_read),
                cmocka_unit_test(survives_every_failed_allocation),
                cmocka_unit_test(sixteen_threads_read_right),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
