/* SPDX-License-Identifier: MPL-2.0 */
/* blocksums, checked source and raw feed: each read of a file without check sums of its own gives the bytes that were
 * verified, or an error; never others. */
#include <errno.h>
#include <fcntl.h>
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

#include "archive/checked.h"
#include "archive/chunkcache.h"
#include "archive/raw.h"
#include "base/cleanup.h"
#include "fault.h"
#include "tarmaker.h"

#define BLOCK 4096u
#define CHUNK (4 * BLOCK)
#define OBJ   UINT64_C(5)

/* ---- a disk at its worst: what pread gives to the objects linked in ------------------------------ */

static atomic_int reads_left; /* this one fails; 0: none */
static atomic_bool read_failed, short_reads;
static atomic_llong flip_bit = -1; /* of the file: read wrongly */
static atomic_uint reads;

ssize_t __real_pread(int fd, void *p, size_t n, off_t off);
ssize_t __wrap_pread(int fd, void *p, size_t n, off_t off);
ssize_t __wrap_pread64(int fd, void *p, size_t n, off_t off);

ssize_t __wrap_pread(int fd, void *p, size_t n, off_t off)
{
        long long bit = atomic_load(&flip_bit);
        ssize_t got;

        atomic_fetch_add(&reads, 1);
        if (atomic_load(&reads_left) > 0 && atomic_fetch_sub(&reads_left, 1) == 1) {
                atomic_store(&read_failed, true);
                errno = ETIMEDOUT;
                return -1;
        }
        got = __real_pread(fd, p, atomic_load(&short_reads) && n > 7 ? n / 2 : n, off);
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

static char text[9 * BLOCK + 777]; /* two whole chunks, one block, and a short one */

struct world {
        struct chunkcache *cache;
        struct source_env env;
        atomic_uint reports[3];
        int fd; /* the file; the source has a duplicate */
        struct identity id;
        struct source *src;
};

static void report(void *ctx, uint64_t object, enum source_trouble what, const char *why)
{
        struct world *w = ctx;

        atomic_fetch_add(&w->reports[what], object == OBJ && why[0]);
}

static struct blocksums *sums_of(const void *p, size_t len)
{
        struct blocksums *x = NULL;

        assert_int_equal(blocksums_new(0, BLOCK, &x), 0);
        assert_int_equal(blocksums_add(x, p, len), 0);
        return x;
}

static void open_world(struct world *w, size_t slots, unsigned threads)
{
        *w = (struct world) { .fd = -1 };
        for (size_t i = 0; i < sizeof text; i++)
                text[i] = (char)(i / 9000 % 3 == 0 ? draw() : 0);
        w->fd = mem_file(text, sizeof text);
        assert_int_equal(identity_of_fd(w->fd, &w->id), 0);
        assert_int_equal(chunkcache_new(slots * CHUNK, CHUNK, 0, threads, &w->cache, NULL), 0);
        w->env = (struct source_env) { .cache = w->cache, .report = report, .ctx = w };
        assert_int_equal(source_open_checked(dup(w->fd), &w->id, sums_of(text, sizeof text), OBJ, "the file",
                                 &w->env, &w->src, NULL),
                0);
}

static void close_world(struct world *w)
{
        source_close(w->src);
        chunkcache_free(w->cache);
        close(w->fd);
}

/* What source_pread says; what it gives is right. */
static ssize_t read_checked(struct source *s, uint64_t off, size_t len)
{
        static _Thread_local char got[sizeof text];
        ssize_t n = source_pread(s, got, len, off);

        if (n > 0)
                assert_memory_equal(got, text + off, (size_t)n);
        return n;
}

static unsigned all_reports(const struct world *w)
{
        return w->reports[SOURCE_ROTTEN] + w->reports[SOURCE_CHANGED] + w->reports[SOURCE_LOST];
}

static void reads_any_range(void **state)
{
        static const int around[] = { -2, -1, 0, 1, 2 };

        (void)state;
        for (int i = 0; i < 2; i++) {
                struct world w;

                open_world(&w, 2 + (size_t)i * 4, 0);
                atomic_store(&short_reads, i);
                assert_int_equal(source_size_bytes(w.src), sizeof text);
                for (uint64_t a = 0; a <= 10; a++)
                        for (uint64_t b = a; b <= 10; b++)
                                for (size_t k = 0; k < 25; k++) {
                                        int64_t from = (int64_t)(a * BLOCK) + around[k % 5];
                                        int64_t to = (int64_t)(b * BLOCK) + around[k / 5];
                                        int64_t end = to < (int64_t)sizeof text ? to : (int64_t)sizeof text;
                                        struct loan loan;

                                        if (from < 0 || to < from || to - from > (int64_t)sizeof text)
                                                continue;
                                        assert_int_equal(
                                                read_checked(w.src, (uint64_t)from, (size_t)(to - from)),
                                                end > from ? end - from : 0);
                                        if (to > from && to == end &&
                                                source_borrow(w.src, (size_t)(to - from), (uint64_t)from,
                                                        &loan) == 0) {
                                                assert_memory_equal(
                                                        loan.data, text + from, (size_t)(to - from));
                                                loan_end(&loan);
                                        }
                                }
                atomic_store(&short_reads, false);
                assert_int_equal(all_reports(&w), 0);
                close_world(&w);
        }
}

/* What the kernel asks for is less than a block: neighbours cost one reading together. */
static void each_block_is_read_once_for_neighbours(void **state)
{
        struct world w;

        (void)state;
        open_world(&w, 4, 0);
        atomic_store(&reads, 0);
        for (uint64_t off = 0; off < sizeof text; off += 512)
                assert_true(read_checked(w.src, off, 512) > 0);
        assert_int_equal(atomic_load(&reads), 10);
        close_world(&w);
}

static void a_flipped_bit_of_any_block_is_refused_and_reported_once(void **state)
{
        struct world w;

        (void)state;
        open_world(&w, 2, 0);
        for (size_t n = 0; n < 10; n++) {
                size_t begin = n * BLOCK, len = n < 9 ? BLOCK : 777;
                const size_t places[] = { begin, begin + len / 2, begin + len - 1 };

                for (size_t i = 0; i < 3; i++) {
                        /* Until nothing of that chunk is held. */
                        atomic_store(&flip_bit, -1);
                        (void)read_checked(w.src, (begin + CHUNK) % (2 * CHUNK), 1);
                        (void)read_checked(w.src, n < 8 ? 2 * CHUNK : 0, 1);
                        (void)read_checked(w.src, (begin / CHUNK + 1) % 3 * CHUNK, 1);
                        atomic_store(&flip_bit, (long long)places[i] * 8 + draw() % 8);
                        assert_int_equal(read_checked(w.src, begin, 1), -EIO);
                        assert_int_equal(read_checked(w.src, begin + len - 1, 1), -EIO);
                        assert_int_equal(read_checked(w.src, 0, sizeof text), -EIO);
                        if (n > 0) /* not its neighbours */
                                assert_int_equal(read_checked(w.src, begin - 1, 1), 1);
                        atomic_store(&flip_bit, -1);
                        assert_int_equal(read_checked(w.src, 0, sizeof text), sizeof text);
                }
        }
        assert_int_equal(w.reports[SOURCE_ROTTEN], 1);
        assert_int_equal(all_reports(&w), 1);
        close_world(&w);
}

static void touch_and_chmod_end_no_reading(void **state)
{
        const struct timespec now[2] = { { .tv_nsec = UTIME_NOW }, { .tv_nsec = UTIME_NOW } };
        struct world w;

        (void)state;
        open_world(&w, 2, 0);
        assert_int_equal(read_checked(w.src, 0, 100), 100);
        usleep(20000); /* the clock of ctime ticks in jiffies */
        assert_int_equal(fchmod(w.fd, 0600), 0);
        assert_int_equal(futimens(w.fd, now), 0);
        assert_int_equal(identity_still(w.fd, &w.id), -ESTALE);
        assert_int_equal(source_still(w.src), 0);
        assert_int_equal(read_checked(w.src, 0, sizeof text), sizeof text);
        assert_int_equal(all_reports(&w), 0);
        close_world(&w);
}

static void of_a_file_that_was_written_to_the_other_bytes_are_read_on(void **state)
{
        struct world w;

        (void)state;
        open_world(&w, 2, 0);
        usleep(20000); /* the clock of ctime ticks in jiffies */
        assert_int_equal(pwrite(w.fd, "x", 1, 5000), 1);
        assert_int_equal(read_checked(w.src, 9 * BLOCK, 100), 100);
        assert_int_equal(all_reports(&w), 0);
        assert_int_equal(read_checked(w.src, 5000, 100), -ESTALE);
        assert_int_equal(w.reports[SOURCE_CHANGED], 1);
        assert_int_equal(all_reports(&w), 1);
        close_world(&w);
}

static void a_file_of_another_length_is_stale(void **state)
{
        static const char *const how[] = { "cut", "grow" };

        (void)state;
        for (size_t i = 0; i < 2; i++) {
                struct world w;

                open_world(&w, 2, 0);
                assert_int_equal(source_still(w.src), 0);
                assert_int_equal(ftruncate(w.fd, i == 0 ? 20000 : 2000000), 0);
                assert_int_equal(source_still(w.src), -ESTALE);
                if (read_checked(w.src, 9 * BLOCK, 100) != -ESTALE)
                        fail_msg("%s", how[i]);
                assert_int_equal(w.reports[SOURCE_CHANGED], 1);
                assert_int_equal(all_reports(&w), 1);
                close_world(&w);
        }
}

static void opening_wants_the_file_and_its_sums(void **state)
{
        struct blocksums *sums = sums_of(text, sizeof text - 1);
        struct source *s = NULL;
        struct identity other;
        struct err err;
        struct world w;

        (void)state;
        open_world(&w, 2, 0);
        assert_int_equal(source_open_checked(w.fd, &w.id, sums, OBJ, "it", &w.env, &s, &err), -ESTALE);
        assert_int_equal(blocksums_add(sums, "x", 1), 0);
        other = w.id;
        other.mtime_ns++;
        assert_int_equal(source_open_checked(w.fd, &other, sums, OBJ, "it", &w.env, &s, &err), -ESTALE);
        for (unsigned nth = 1; nth <= 2; nth++) {
                fault_arm(nth);
                assert_int_equal(
                        source_open_checked(w.fd, &w.id, sums, OBJ, "it", &w.env, &s, &err), -ENOMEM);
                fault_arm(0);
        }
        assert_null(s);
        assert_null(source_checked_sums(s));
        assert_non_null(source_checked_sums(w.src));
        blocksums_free(sums);
        close_world(&w);
}

/* A disk's error is that read's, and says nothing about the bytes. */
static void survives_every_failed_read(void **state)
{
        struct world w;
        int nth = 0;

        (void)state;
        open_world(&w, 2, 0);
        do {
                ssize_t n;

                atomic_store(&read_failed, false);
                atomic_store(&reads_left, ++nth);
                n = read_checked(w.src, 0, sizeof text);
                atomic_store(&reads_left, 0);
                assert_true(n == (atomic_load(&read_failed) ? -ETIMEDOUT : (ssize_t)sizeof text));
                assert_int_equal(read_checked(w.src, 0, sizeof text), sizeof text);
        } while (atomic_load(&read_failed));
        assert_true(nth > 3);
        assert_int_equal(all_reports(&w), 0);
        close_world(&w);
}

static void survives_every_failed_allocation(void **state)
{
        struct world w;
        unsigned nth = 0;
        bool fired;

        (void)state;
        open_world(&w, 2, 0);
        do {
                ssize_t n;

                fault_arm(++nth);
                n = read_checked(w.src, nth % 3 * CHUNK, 100);
                fired = fault_fired();
                fault_arm(0);
                assert_true(n == (fired ? -ENOMEM : 100));
        } while (fired);
        assert_int_equal(read_checked(w.src, 0, sizeof text), sizeof text);
        close_world(&w);
}

/* ---- many -------------------------------------------------------------------------------------- */

struct reader {
        pthread_t thread;
        struct source *src;
        unsigned seed;
        bool may_fail, right;
};

static void *reader_main(void *arg)
{
        struct reader *r = arg;
        static _Thread_local char got[9000];

        r->right = true;
        for (unsigned i = 0; i < 300 && r->right; i++) {
                uint64_t off;
                ssize_t n;

                r->seed = r->seed * 1664525 + 1013904223;
                off = i % 2 ? (r->seed >> 8) % (sizeof text - sizeof got)
                            : i * 700 % (sizeof text - sizeof got);
                n = source_pread(r->src, got, sizeof got, off);
                r->right =
                        n == sizeof got ? memcmp(got, text + off, sizeof got) == 0 : r->may_fail && n == -EIO;
        }
        return NULL;
}

static void eight_threads_read_right_while_bits_flip(void **state)
{
        struct reader v[8];
        struct world w;

        (void)state;
        for (int flips = 0; flips < 2; flips++) {
                open_world(&w, 2, 2);
                for (unsigned i = 0; i < 8; i++) {
                        v[i] = (struct reader) { .src = w.src, .seed = i, .may_fail = flips };
                        assert_int_equal(pthread_create(&v[i].thread, NULL, reader_main, &v[i]), 0);
                }
                for (unsigned i = 0; flips && i < 200; i++) {
                        atomic_store(&flip_bit, draw() % (sizeof text * 8));
                        usleep(20);
                        atomic_store(&flip_bit, -1);
                }
                for (unsigned i = 0; i < 8; i++) {
                        (void)pthread_join(v[i].thread, NULL);
                        assert_true(v[i].right);
                }
                assert_int_equal(read_checked(w.src, 0, sizeof text), sizeof text);
                close_world(&w);
        }
}

/* ---- the sums as a value ----------------------------------------------------------------------- */

static void sums_are_the_same_in_whatever_pieces_they_come(void **state)
{
        struct blocksums *whole = sums_of(text, sizeof text);

        (void)state;
        assert_int_equal(whole->n_blocks, 10);
        assert_int_equal(blocksums_len(whole, 9), 777);
        assert_int_equal(
                blocksums_crc("123456789", 9), 0xcbf43926); /* RFC 1952's polynomial; the usual check value */
        for (size_t piece = 1; piece < 3 * BLOCK; piece = piece * 2 + 1) {
                struct blocksums *x = sums_of("", 0);

                for (size_t off = 0; off < sizeof text; off += piece)
                        assert_int_equal(blocksums_add(x, text + off,
                                                 piece < sizeof text - off ? piece : sizeof text - off),
                                0);
                assert_int_equal(x->raw_bytes, sizeof text);
                assert_int_equal(x->n_blocks, whole->n_blocks);
                assert_memory_equal(x->crcs, whole->crcs, 10 * sizeof *x->crcs);
                blocksums_free(x);
        }
        for (size_t n = 0; n < 10; n++) {
                assert_true(blocksums_agree(whole, n, text + n * BLOCK));
                text[n * BLOCK + 5] ^= 1;
                assert_false(blocksums_agree(whole, n, text + n * BLOCK));
                text[n * BLOCK + 5] ^= 1;
        }
        blocksums_free(whole);
}

static void packed_sums_come_back_or_are_refused(void **state)
{
        AUTO_BUF struct buf b = BUF_INIT;
        struct blocksums *x = sums_of(text, sizeof text), *y = NULL;

        (void)state;
        blocksums_pack(x, &b);
        assert_int_equal(blocksums_unpack(b.data, b.len, &y), 0);
        assert_int_equal(y->raw_bytes, sizeof text);
        assert_int_equal(y->block_bytes, BLOCK);
        assert_memory_equal(y->crcs, x->crcs, 10 * sizeof *x->crcs);
        blocksums_free(y);
        y = NULL;
        for (size_t len = 0; len < b.len; len++)
                assert_int_equal(blocksums_unpack(b.data, len, &y), -EBADMSG);
        for (size_t i = 0; i < 24; i++) /* each byte of the head */
                if (i < 8 || (i > 9 && i != 16)) { /* lengths that round alike are the row's checksum's to see */
                        b.data[i] ^= 0x55;
                        assert_int_equal(blocksums_unpack(b.data, b.len, &y), -EBADMSG);
                        b.data[i] ^= 0x55;
                }
        for (unsigned nth = 1; nth <= 2; nth++) {
                fault_arm(nth);
                assert_int_equal(blocksums_unpack(b.data, b.len, &y), -ENOMEM);
                fault_arm(0);
        }
        blocksums_free(x);
        x = sums_of("", 0); /* of nothing: no archive */
        b.len = 0;
        blocksums_pack(x, &b);
        assert_int_equal(blocksums_unpack(b.data, b.len, &y), -EBADMSG);
        assert_null(y);
        blocksums_free(x);
        x = NULL;
        assert_int_equal(blocksums_new((uint64_t)BLOCK * BLOCKSUMS_MAX + 1, BLOCK, &x), -EFBIG);
        assert_null(x);
}

/* ---- the first pass ---------------------------------------------------------------------------- */

#define FEED_BYTES (3 * BLOCKSUMS_BYTES + 1000)

static int feed_file(void)
{
        AUTO_BUF struct buf b = BUF_INIT;

        for (size_t i = 0; i < FEED_BYTES; i++)
                buf_add(&b, &text[i * 31 % sizeof text], 1);
        return mem_file(b.data, b.len);
}

static int seek_and_read(struct raw_feed *f, uint64_t off)
{
        struct feed feed = raw_feed(f);
        const void *p;
        int r = feed.seek(feed.ctx, off, NULL);
        ssize_t n = r < 0 ? r : feed.next(feed.ctx, &p, NULL);

        return n < 0 ? (int)n : 0;
}

static void a_feed_takes_the_sums_of_every_block_it_ever_gave(void **state)
{
        AUTO_CLOSE int fd = feed_file();
        struct raw_feed *f = NULL;
        struct blocksums *x;
        unsigned char got[1000];
        uint64_t off = 0;

        (void)state;
        assert_int_equal(raw_feed_begin(fd, NULL, &f, NULL), 0);
        assert_int_equal(
                seek_and_read(f, 2 * BLOCKSUMS_BYTES + 77), 0); /* as libarchive goes about in an ISO */
        assert_int_equal(seek_and_read(f, FEED_BYTES - 3), 0);
        assert_int_equal(seek_and_read(f, 2 * BLOCKSUMS_BYTES), 0);
        assert_null(raw_feed_take_sums(f));
        for (unsigned n = 0; n < 2; n++) {
                assert_true(raw_feed_unread(f, &off));
                assert_int_equal(off, n * BLOCKSUMS_BYTES);
                assert_int_equal(seek_and_read(f, off), 0);
        }
        assert_false(raw_feed_unread(f, &off));
        x = raw_feed_take_sums(f);
        assert_non_null(x);
        assert_int_equal(x->n_blocks, 4);
        assert_int_equal(__real_pread(fd, got, sizeof got, 3 * BLOCKSUMS_BYTES), sizeof got);
        assert_int_equal(x->crcs[3], blocksums_crc(got, sizeof got));
        raw_feed_end(f);
        assert_int_equal(raw_feed_begin(fd, x, &f, NULL), 0); /* of a file that is known */
        assert_int_equal(seek_and_read(f, 0), 0);
        atomic_store(&flip_bit, (long long)BLOCKSUMS_BYTES * 8 + 9);
        assert_int_equal(seek_and_read(f, BLOCKSUMS_BYTES), -EIO);
        atomic_store(&flip_bit, -1);
        raw_feed_end(f);
        x->raw_bytes++;
        assert_int_equal(raw_feed_begin(fd, x, &f, NULL), -ESTALE);
        blocksums_free(x);
}

static void a_block_that_reads_otherwise_the_second_time_ends_the_feed(void **state)
{
        AUTO_CLOSE int fd = feed_file();
        struct raw_feed *f = NULL;

        (void)state;
        assert_int_equal(raw_feed_begin(fd, NULL, &f, NULL), 0);
        assert_int_equal(seek_and_read(f, 0), 0);
        assert_int_equal(seek_and_read(f, BLOCKSUMS_BYTES), 0);
        atomic_store(&flip_bit, 12345);
        assert_int_equal(seek_and_read(f, 5000), -EIO);
        assert_int_equal(seek_and_read(f, 5000), -EIO); /* and nothing of it is kept */
        atomic_store(&flip_bit, -1);
        assert_int_equal(seek_and_read(f, 5000), 0);
        raw_feed_end(f);
}

static void a_file_without_end_is_refused_before_it_is_read(void **state)
{
        AUTO_CLOSE int fd = mem_file("x", 1);
        struct raw_feed *f = NULL;
        struct err err;

        (void)state;
        assert_int_equal(ftruncate(fd, (off_t)BLOCKSUMS_BYTES * BLOCKSUMS_MAX + 1), 0);
        assert_int_equal(raw_feed_begin(fd, NULL, &f, &err), -EFBIG);
        assert_non_null(strstr(err.text, "256 GiB"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(reads_any_range),
                cmocka_unit_test(each_block_is_read_once_for_neighbours),
                cmocka_unit_test(a_flipped_bit_of_any_block_is_refused_and_reported_once),
                cmocka_unit_test(touch_and_chmod_end_no_reading),
                cmocka_unit_test(of_a_file_that_was_written_to_the_other_bytes_are_read_on),
                cmocka_unit_test(a_file_of_another_length_is_stale),
                cmocka_unit_test(opening_wants_the_file_and_its_sums),
                cmocka_unit_test(survives_every_failed_read),
                cmocka_unit_test(survives_every_failed_allocation),
                cmocka_unit_test(eight_threads_read_right_while_bits_flip),
                cmocka_unit_test(sums_are_the_same_in_whatever_pieces_they_come),
                cmocka_unit_test(packed_sums_come_back_or_are_refused),
                cmocka_unit_test(a_feed_takes_the_sums_of_every_block_it_ever_gave),
                cmocka_unit_test(a_block_that_reads_otherwise_the_second_time_ends_the_feed),
                cmocka_unit_test(a_file_without_end_is_refused_before_it_is_read),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
