/* SPDX-License-Identifier: MPL-2.0 */
/* chunkcache: made once for all readers, never more memory than allowed, the right bytes whoever asks when. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "archive/chunkcache.h"
#include "archive/gate.h"
#include "base/atwork.h"

#define CHUNK   16384u
#define PART    4096u
#define STEP    1024u
#define N       64u /* chunks of a stream */
#define SIZE    (N * CHUNK - 100)
#define JOB     1024u
#define ARCHIVE 77u /* whose stream it is */

/* A stream whose byte at any place can be told; what was done to make it is counted. */
struct maker {
        unsigned salt;
        atomic_uint begun[N], made_of[N], made, jobs, jobs_max;
        atomic_bool running[N];
        atomic_int fail; /* the next steps give this; 0: none */
        bool gate;       /* steps wait until it is opened */
        atomic_bool open;
        struct gate *storage; /* steps wait for it, if they do; NULL: for none */
};

struct job {
        uint64_t at;
};

static unsigned char byte_at(const struct maker *m, uint64_t off)
{
        return (unsigned char)((off * 2654435761u >> 13) + m->salt);
}

static int begin(void *ctx, uint64_t off, void **ret)
{
        struct maker *m = ctx;
        struct job *j = malloc(sizeof *j);
        unsigned jobs = atomic_fetch_add(&m->jobs, 1) + 1;

        if (jobs > atomic_load(&m->jobs_max))
                atomic_store(&m->jobs_max, jobs);
        j->at = off;
        atomic_fetch_add(&m->begun[off / CHUNK], 1);
        *ret = j;
        return 0;
}

static int64_t step(void *ctx, void *job, unsigned char *to)
{
        struct maker *m = ctx;
        struct job *j = job;
        uint64_t left = SIZE - j->at, chunk = j->at / CHUNK;
        size_t n = left < STEP ? (size_t)left : STEP;

        if (atomic_exchange(&m->running[chunk], true))
                abort(); /* two at one chunk */
        if (atwork_get().archive != ARCHIVE)
                abort(); /* a crash here would blame nobody */
        if (m->gate && !atomic_load(&m->open)) {
                int place = gate_enter(m->storage);

                while (!atomic_load(&m->open))
                        (void)sched_yield();
                gate_leave(m->storage, place, true);
        }
        for (size_t i = 0; i < n; i++)
                to[i] = byte_at(m, j->at + i);
        j->at += n;
        atomic_fetch_add(&m->made, n);
        atomic_fetch_add(&m->made_of[chunk], n);
        atomic_store(&m->running[chunk], false);
        if (atomic_load(&m->fail))
                return atomic_load(&m->fail) > 0 ? 0 : atomic_load(&m->fail);
        return (int64_t)n;
}

static void end(void *ctx, void *job)
{
        struct maker *m = ctx;

        atomic_fetch_sub(&m->jobs, 1);
        free(job);
}

static const struct chunk_maker maker = { begin, step, end, false };

static struct chunkcache *cache_of(size_t slots, unsigned threads)
{
        struct chunkcache *c = NULL;

        assert_int_equal(chunkcache_new(slots * (CHUNK + JOB), CHUNK, JOB, threads, &c, NULL), 0);
        return c;
}

/* False if a byte is wrong. */
static bool read_checks(struct chunk_client *cl, const struct maker *m, uint64_t off, size_t len)
{
        const unsigned char *p;
        struct chunk *ch;
        bool right = true;

        if (chunkcache_get(cl, off, len, &ch, &p) < 0)
                return false;
        for (size_t i = 0; i < len; i++)
                right &= p[i] == byte_at(m, off + i);
        chunk_put(ch);
        return right;
}

struct reader {
        pthread_t thread;
        struct chunk_client *cl;
        const struct maker *m;
        uint64_t from, to;
        unsigned seed; /* 0: sequential */
        bool right;
};

static void *reader_main(void *arg)
{
        struct reader *r = arg;

        r->right = true;
        if (!r->seed) {
                for (uint64_t off = r->from; off < r->to && r->right; off += 512)
                        r->right = read_checks(r->cl, r->m, off, r->to - off < 512 ? r->to - off : 512);
                return NULL;
        }
        for (unsigned i = 0; i < 800 && r->right; i++) {
                uint64_t off;
                size_t len, left;

                r->seed = r->seed * 1664525 + 1013904223;
                off = (r->seed >> 4) % SIZE;
                left = CHUNK - off % CHUNK;
                left = left < SIZE - off ? left : SIZE - off;
                len = 1 + (r->seed >> 9) % 3000;
                r->right = read_checks(r->cl, r->m, off, len < left ? len : left);
        }
        return NULL;
}

static void run_readers(struct reader *v, size_t n)
{
        for (size_t i = 0; i < n; i++)
                assert_int_equal(pthread_create(&v[i].thread, NULL, reader_main, &v[i]), 0);
        for (size_t i = 0; i < n; i++)
                assert_int_equal(pthread_join(v[i].thread, NULL), 0);
        for (size_t i = 0; i < n; i++)
                assert_true(v[i].right);
}

static void sixteen_readers_make_one_chunk_once(void **state)
{
        struct chunkcache *c = cache_of(8, 2);
        static struct maker m = { .gate = true };
        struct chunk_client *cl = chunkcache_join(c, &maker, &m, SIZE, PART, ARCHIVE, NULL);
        struct reader v[16];

        (void)state;
        for (size_t i = 0; i < 16; i++) {
                v[i] = (struct reader) { .cl = cl, .m = &m, .to = CHUNK };
                assert_int_equal(pthread_create(&v[i].thread, NULL, reader_main, &v[i]), 0);
        }
        while (atomic_load(&m.begun[0]) == 0)
                (void)sched_yield();
        atomic_store(&m.open, true);
        for (size_t i = 0; i < 16; i++)
                (void)pthread_join(v[i].thread, NULL);
        assert_int_equal(atomic_load(&m.begun[0]), 1);
        chunkcache_leave(cl);
        chunkcache_free(c);
}

static void a_stream_read_in_order_is_made_once(void **state)
{
        (void)state;
        for (unsigned threads = 0; threads <= 3; threads++) {
                struct chunkcache *c = cache_of(8, threads);
                struct maker m = { .salt = threads };
                struct chunk_client *cl = chunkcache_join(c, &maker, &m, SIZE, PART, ARCHIVE, NULL);
                struct reader r = { .cl = cl, .m = &m, .to = SIZE };

                run_readers(&r, 1);
                for (unsigned i = 0; i < N; i++)
                        assert_int_equal(atomic_load(&m.begun[i]), 1);
                chunkcache_leave(cl);
                assert_int_equal(atomic_load(&m.jobs), 0);
                chunkcache_free(c);
        }
}

/* Readers of three streams, in order and at random, over fewer slots than threads. */
static void memory_is_bounded_and_nobody_waits_for_ever(void **state)
{
        (void)state;
        for (size_t slots = 2; slots <= 9; slots += 7) {
                struct chunkcache *c = cache_of(slots, 2);
                static struct maker m[3];
                struct chunk_client *cl[3];
                struct reader v[16];
                struct chunkcache_stats st;

                for (unsigned i = 0; i < 3; i++) {
                        m[i].salt = i + 1;
                        cl[i] = chunkcache_join(c, &maker, &m[i], SIZE, PART, ARCHIVE, NULL);
                }
                for (unsigned i = 0; i < 16; i++)
                        v[i] = (struct reader) { .cl = cl[i % 3],
                                .m = &m[i % 3],
                                .seed = i % 2 ? i : 0,
                                .from = i * 512 * 10,
                                .to = SIZE };
                run_readers(v, 16);
                chunkcache_stats(c, &st);
                assert_int_equal(st.limit_bytes, slots * (CHUNK + JOB));
                assert_true(st.held_bytes <= st.limit_bytes);
                for (unsigned i = 0; i < 3; i++) {
                        assert_true(atomic_load(&m[i].jobs_max) <= slots);
                        chunkcache_leave(cl[i]);
                        assert_int_equal(atomic_load(&m[i].jobs), 0);
                }
                chunkcache_free(c);
        }
}

static void a_random_read_makes_no_more_than_it_needs(void **state)
{
        struct chunkcache *c = cache_of(4, 0);
        struct maker m = { .salt = 9 };
        struct chunk_client *cl = chunkcache_join(c, &maker, &m, SIZE, PART, ARCHIVE, NULL);

        (void)state;
        assert_true(read_checks(cl, &m, 5 * CHUNK + 2 * PART + 10, 100));
        assert_int_equal(atomic_load(&m.made), STEP);
        assert_int_equal(atomic_load(&m.jobs), 1); /* left half made */
        assert_true(read_checks(cl, &m, 5 * CHUNK + 2 * PART + STEP, 1));
        assert_int_equal(atomic_load(&m.begun[5]), 1); /* gone on with */
        assert_true(read_checks(cl, &m, 5 * CHUNK + PART - 1, 1));
        assert_int_equal(atomic_load(&m.begun[5]), 2); /* from that part's beginning */
        assert_int_equal(atomic_load(&m.made), 2 * STEP + PART);
        assert_int_equal(atomic_load(&m.jobs), 1);
        assert_true(read_checks(cl, &m, SIZE - 1, 1));
        chunkcache_leave(cl);
        assert_int_equal(atomic_load(&m.jobs), 0);
        chunkcache_free(c);
}

/* Whatever was there before a chunk is read whole, no byte of it is made again. */
static void what_random_reads_made_is_not_made_again(void **state)
{
        (void)state;
        for (unsigned pattern = 0; pattern < 16; pattern++) {
                struct chunkcache *c = cache_of(4, pattern % 2 * 2);
                struct maker m = { .salt = pattern };
                struct chunk_client *cl = chunkcache_join(c, &maker, &m, SIZE, PART, ARCHIVE, NULL);

                for (unsigned part = 0; part < CHUNK / PART; part++)
                        if (pattern >> part & 1)
                                assert_true(read_checks(cl, &m, CHUNK + part * PART + part * STEP, 1));
                for (unsigned off = 0; off < CHUNK; off += 512)
                        assert_true(read_checks(cl, &m, CHUNK + off, 512));
                assert_true(read_checks(cl, &m, CHUNK, CHUNK));
                chunkcache_leave(cl); /* ends what is read ahead */
                assert_int_equal(atomic_load(&m.made_of[1]), CHUNK);
                chunkcache_free(c);
        }
}

static void a_failure_is_for_who_met_it(void **state)
{
        struct chunkcache *c = cache_of(4, 2);
        struct maker m = { .salt = 9 };
        struct chunk_client *cl = chunkcache_join(c, &maker, &m, SIZE, PART, ARCHIVE, NULL);
        const unsigned char *p;
        struct chunk *ch;

        (void)state;
        assert_true(read_checks(cl, &m, 0, 100));
        atomic_store(&m.fail, -EIO);
        for (unsigned i = 0; i < 20; i++)
                assert_int_equal(chunkcache_get(cl, i * CHUNK + 5000, 100, &ch, &p), -EIO);
        atomic_store(&m.fail, 1); /* a maker that makes nothing */
        assert_int_equal(chunkcache_get(cl, 9 * CHUNK + 5000, 100, &ch, &p), -EIO);
        atomic_store(&m.fail, 0);
        assert_true(read_checks(cl, &m, 0, 100));
        for (unsigned i = 0; i < 20; i++)
                assert_true(read_checks(cl, &m, i * CHUNK + 5000, 100));
        chunkcache_leave(cl);
        assert_int_equal(atomic_load(&m.jobs), 0);
        chunkcache_free(c);
}

static void what_is_held_stays(void **state)
{
        struct chunkcache *c = cache_of(3, 2);
        struct maker m = { .salt = 3 };
        struct chunk_client *cl = chunkcache_join(c, &maker, &m, SIZE, PART, ARCHIVE, NULL);
        const unsigned char *p;
        struct chunk *ch;

        (void)state;
        assert_int_equal(chunkcache_get(cl, 100, 1000, &ch, &p), 0);
        for (unsigned i = 1; i < N; i++)
                assert_true(read_checks(cl, &m, i * CHUNK, 1000));
        for (unsigned i = 0; i < 1000; i++)
                assert_int_equal(p[i], byte_at(&m, 100 + i));
        chunk_put(ch);
        chunkcache_leave(cl);
        chunkcache_free(c);
}

static void *read_first(void *arg)
{
        struct reader *r = arg;

        r->right = read_checks(r->cl, r->m, 0, 1000);
        return NULL;
}

/* Who needs what a hanging thread is to make, or would hang itself, is told; what is there is given, and nothing of it is
 * lost to those that are told. */
static void a_storage_that_hangs_costs_nothing_that_is_there(void **state)
{
        struct gates *gates = gates_new(10, NULL, NULL);
        struct gate *g = gate_of(gates, 1);
        struct chunkcache *c = cache_of(3, 0);
        static struct maker m = { .salt = 9 };
        struct chunk_client *cl = chunkcache_join(c, &maker, &m, SIZE, PART, ARCHIVE, g);
        struct reader r = { .cl = cl, .m = &m };
        const unsigned char *p;
        struct chunk *ch;
        unsigned made;

        (void)state;
        m.storage = g;
        assert_true(read_checks(cl, &m, 5 * CHUNK, 1000));
        assert_true(read_checks(cl, &m, 7 * CHUNK, CHUNK));
        m.gate = true;
        assert_int_equal(pthread_create(&r.thread, NULL, read_first, &r), 0);
        while (gate_oldest_ms(g) == 0)
                (void)sched_yield();
        assert_int_equal(
                chunkcache_get(cl, 0, 100, &ch, &p), -EIO); /* of the chunk that is being made: in a while */
        assert_true(gate_is_stalled(g));
        made = atomic_load(&m.made);
        for (unsigned i = 10; i < 30; i++) /* others: at once */
                assert_int_equal(chunkcache_get(cl, i * CHUNK, 100, &ch, &p), -EIO);
        assert_int_equal(
                chunkcache_get(cl, 5 * CHUNK + 2 * PART, 100, &ch, &p), -EIO); /* one that is not whole */
        assert_true(read_checks(cl, &m, 5 * CHUNK, 1000));
        assert_true(read_checks(cl, &m, 7 * CHUNK, CHUNK));
        assert_int_equal(atomic_load(&m.made), made);
        atomic_store(&m.open, true);
        assert_int_equal(pthread_join(r.thread, NULL), 0);
        assert_true(r.right);
        for (unsigned i = 0; i < 30; i++)
                assert_true(read_checks(cl, &m, i * CHUNK, CHUNK));
        chunkcache_leave(cl);
        chunkcache_free(c);
        gates_free(gates);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(sixteen_readers_make_one_chunk_once),
                cmocka_unit_test(a_stream_read_in_order_is_made_once),
                cmocka_unit_test(memory_is_bounded_and_nobody_waits_for_ever),
                cmocka_unit_test(a_random_read_makes_no_more_than_it_needs),
                cmocka_unit_test(what_random_reads_made_is_not_made_again),
                cmocka_unit_test(a_failure_is_for_who_met_it),
                cmocka_unit_test(what_is_held_stays),
                cmocka_unit_test(a_storage_that_hangs_costs_nothing_that_is_there),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
