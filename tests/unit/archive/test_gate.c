/* SPDX-License-Identifier: MPL-2.0 */
/* gate: a storage that hangs holds so many threads and no more, the others are told, and a slow one is not taken for it. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "archive/gate.h"
#include "base/atwork.h"
#include "base/clock.h"

/* ---- the clock ------------------------------------------------------------------------------- */

static _Atomic int64_t shift_ms;

int __real_clock_gettime(clockid_t id, struct timespec *ts);
int __wrap_clock_gettime(clockid_t id, struct timespec *ts);

int __wrap_clock_gettime(clockid_t id, struct timespec *ts)
{
        int r = __real_clock_gettime(id, ts);

        ts->tv_sec += (time_t)(atomic_load(&shift_ms) / 1000);
        ts->tv_nsec += atomic_load(&shift_ms) % 1000 * 1000000;
        if (ts->tv_nsec >= 1000000000) {
                ts->tv_nsec -= 1000000000;
                ts->tv_sec++;
        }
        return r;
}

static void pass_ms(int64_t ms)
{
        atomic_fetch_add(&shift_ms, ms);
}

/* ---- what is said ---------------------------------------------------------------------------- */

struct told {
        unsigned stalls, ends;
        uint64_t dev;
};

static void say(void *ctx, uint64_t dev, bool stalled)
{
        struct told *t = ctx;

        t->stalls += stalled;
        t->ends += !stalled;
        t->dev = dev;
}

static void one_that_hangs_stalls_the_storage_and_its_return_ends_that(void **state)
{
        struct told told = { 0 };
        struct gates *all = gates_new(10, say, &told);
        struct gate *g = gate_of(all, 7), *other = gate_of(all, 8);
        struct identity id = { 0 };
        int hangs, quick;
        char c;

        (void)state;
        assert_int_equal(gate_oldest_ms(g), 0);
        hangs = gate_enter(g);
        assert_true(hangs >= 0);
        pass_ms(GATE_STALL_MS - 500);
        assert_false(gate_is_stalled(g));
        quick = gate_enter(g);
        assert_true(quick >= 0 && quick != hangs);
        gate_leave(g, quick, true);
        pass_ms(GATE_STALL_MS - 500); /* one came back since: it is slow */
        assert_true(gate_oldest_ms(g) >= GATE_STALL_MS);
        assert_false(gate_is_stalled(g));
        pass_ms(500);
        assert_true(gate_is_stalled(g));
        assert_true(gates_are_stalled(all));
        assert_int_equal(told.stalls, 0); /* who looks tells nobody */
        for (int i = 0; i < 3; i++) {
                assert_int_equal(gate_enter(g), -EIO);
                assert_int_equal(gate_pread(g, STDIN_FILENO, &c, 1, 0), -EIO);
                assert_int_equal(gate_still(g, STDIN_FILENO, &id), -EIO);
                assert_int_equal(gate_still_length(g, STDIN_FILENO, &id), -EIO);
                gate_tell(g);
        }
        assert_true(told.stalls == 1 && told.ends == 0 && told.dev == 7);
        assert_false(gate_is_stalled(other));
        quick = gate_enter(other);
        assert_true(quick >= 0);
        gate_leave(other, quick, true);
        assert_int_equal(told.ends, 0);
        gate_leave(g, hangs, true);
        assert_true(told.stalls == 1 && told.ends == 1);
        assert_false(gate_is_stalled(g));
        assert_int_equal(gate_oldest_ms(g), 0);
        quick = gate_enter(g);
        assert_true(quick >= 0);
        gate_leave(g, quick, true);
        assert_true(told.stalls == 1 && told.ends == 1);
        gates_free(all);
}

/* An NFS server that is away, with the option soft: errors now and then.  Each lets others find out, and says nothing. */
static void one_that_gives_up_with_an_error_ends_no_stall(void **state)
{
        struct told told = { 0 };
        struct gates *all = gates_new(10, say, &told);
        struct gate *g = gate_of(all, 7);
        int place;

        (void)state;
        for (int i = 0; i < 3; i++) {
                place = gate_enter(g);
                assert_true(place >= 0);
                pass_ms(GATE_STALL_MS);
                assert_int_equal(gate_enter(g), -EIO);
                gate_leave(g, place, false);
        }
        assert_true(told.stalls == 1 && told.ends == 0);
        place = gate_enter(g);
        gate_leave(g, place, true);
        assert_true(told.stalls == 1 && told.ends == 1);
        gates_free(all);
}

static void who_reads_ahead_is_refused_too_and_takes_no_room(void **state)
{
        struct gates *all = gates_new(2, NULL, NULL);
        struct gate *g = gate_of(all, 7);
        int v[GATE_HELPERS + 5], reader;
        bool marked = atwork_begin(1, ATWORK_AHEAD);

        (void)state;
        for (size_t i = 0; i < GATE_HELPERS + 5; i++) {
                v[i] = gate_enter(g);
                assert_true(v[i] >= 0);
        }
        atwork_end(marked);
        reader = gate_enter(g); /* the only place */
        assert_true(reader >= 0);
        gate_leave(g, reader, true);
        pass_ms(GATE_STALL_MS);
        assert_int_equal(gate_enter(g), -EIO);
        marked = atwork_begin(1, ATWORK_AHEAD);
        assert_int_equal(gate_enter(g), -EIO);
        atwork_end(marked);
        for (size_t i = 0; i < GATE_HELPERS + 5; i++)
                gate_leave(g, v[i], true);
        assert_int_equal(gate_oldest_ms(g), 0);
        gates_free(all);
}

static void the_request_says_that_it_waits(void **state)
{
        struct gates *all = gates_new(4, NULL, NULL);
        struct gate *v[] = { gate_of(all, 7), NULL };
        _Atomic uint32_t waits = 0;

        (void)state;
        atwork_say_waits(&waits);
        for (size_t i = 0; i < 2; i++) {
                int place = gate_enter(v[i]);

                assert_int_equal(waits, 1);
                gate_leave(v[i], place, true);
                assert_int_equal(waits, 0);
        }
        (void)gate_enter(v[0]);
        pass_ms(GATE_STALL_MS);
        atomic_store(&waits, 0);
        assert_int_equal(gate_enter(v[0]), -EIO);
        assert_int_equal(waits, 0);
        atwork_say_waits(NULL);
        gates_free(all);
}

static void each_filesystem_has_its_gate(void **state)
{
        struct gates *all = gates_new(10, NULL, NULL);
        struct gate *first = gate_of(all, 0), *last;

        (void)state;
        assert_null(gate_of(NULL, 1));
        for (uint64_t dev = 0; dev < GATES_MAX; dev++)
                for (uint64_t before = 0; before < dev; before++)
                        assert_ptr_not_equal(gate_of(all, dev), gate_of(all, before));
        assert_ptr_equal(gate_of(all, 0), first);
        last = gate_of(all, GATES_MAX - 1);
        assert_ptr_equal(gate_of(all, 100), last); /* there is none left */
        assert_ptr_equal(gate_of(all, 101), last);
        assert_ptr_equal(gate_of(all, UINT64_MAX - 1), last);
        gates_free(all);
}

static void calls_give_what_they_gave(void **state)
{
        struct gates *all = gates_new(10, NULL, NULL);
        struct gate *v[] = { gate_of(all, 7), NULL };
        int fd = memfd_create("file", MFD_CLOEXEC);
        struct identity id, other;
        char got[8];

        (void)state;
        assert_int_equal(write(fd, "0123456789", 10), 10);
        assert_int_equal(identity_of_fd(fd, &id), 0);
        other = id;
        other.size_bytes++;
        for (size_t i = 0; i < 2; i++) {
                assert_int_equal(gate_pread(v[i], fd, got, 4, 3), 4);
                assert_memory_equal(got, "3456", 4);
                assert_int_equal(gate_pread(v[i], fd, got, 4, 8), 2);
                assert_int_equal(gate_pread(v[i], fd, got, 4, 10), 0);
                assert_int_equal(gate_pread(v[i], -1, got, 4, 0), -EBADF);
                assert_int_equal(gate_still(v[i], fd, &id), 0);
                assert_int_equal(gate_still(v[i], fd, &other), -ESTALE);
                assert_int_equal(gate_still(v[i], -1, &id), -EBADF);
                assert_int_equal(gate_still_length(v[i], fd, &id), 0);
                assert_int_equal(gate_still_length(v[i], fd, &other), -ESTALE);
        }
        assert_int_equal(gate_oldest_ms(v[0]), 0);
        close(fd);
        gates_free(all);
}

/* ---- many threads, and the real clock -------------------------------------------------------- */

struct crowd {
        struct gate *g;
        atomic_uint inside, refused;
        atomic_bool open;
};

static void *reader(void *arg)
{
        struct crowd *c = arg;
        int place = gate_enter(c->g);

        if (place < 0) {
                atomic_fetch_add(&c->refused, 1);
                return NULL;
        }
        atomic_fetch_add(&c->inside, 1);
        while (!atomic_load(&c->open))
                (void)usleep(1000);
        gate_leave(c->g, place, true);
        return NULL;
}

#define CROWD 24

static void start(struct crowd *c, pthread_t v[CROWD])
{
        for (size_t i = 0; i < CROWD; i++)
                assert_int_equal(pthread_create(&v[i], NULL, reader, c), 0);
}

static void join(const pthread_t v[CROWD])
{
        for (size_t i = 0; i < CROWD; i++)
                assert_int_equal(pthread_join(v[i], NULL), 0);
}

static void so_many_are_inside_and_the_others_come_when_they_leave(void **state)
{
        /* @elsewhere: readers that have been inside another gate for a while */
        static const struct {
                unsigned readers, elsewhere, room;
        } v[] = { { 0, 0, GATE_READERS }, { 1, 0, 1 }, { 2, 0, 1 }, { 3, 0, 1 }, { 4, 0, 2 }, { 10, 0, 5 },
                { 10, 3, 5 }, { 10, 4, 4 }, { 10, 5, 3 }, { 4, 2, 1 }, { 2, 1, 1 },
                { 200, 0, GATE_READERS } };

        (void)state;
        atomic_store(&shift_ms, 0); /* pthread_cond_timedwait has the real clock */
        for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
                struct gates *all = gates_new(v[i].readers, NULL, NULL);
                struct crowd c = { .g = gate_of(all, 1) };
                pthread_t threads[CROWD];

                int away[GATE_READERS];

                for (unsigned n = 0; n < v[i].elsewhere; n++) {
                        away[n] = gate_enter(gate_of(all, 2));
                        assert_true(away[n] >= 0);
                }
                if (v[i].elsewhere)
                        (void)usleep(300000);
                start(&c, threads);
                for (int n = 0; n < 1000 && atomic_load(&c.inside) < v[i].room; n++)
                        (void)usleep(1000);
                (void)usleep(30000); /* one more would have come */
                assert_int_equal(atomic_load(&c.inside), v[i].room);
                atomic_store(&c.open, true);
                join(threads);
                assert_int_equal(atomic_load(&c.inside), CROWD);
                assert_int_equal(atomic_load(&c.refused), 0);
                for (unsigned n = 0; n < v[i].elsewhere; n++)
                        gate_leave(gate_of(all, 2), away[n], true);
                gates_free(all);
        }
}

static void who_waits_for_room_is_told_when_it_stalls(void **state)
{
        struct told told = { 0 };
        struct gates *all = gates_new(10, say, &told);
        struct crowd c = { .g = gate_of(all, 1) };
        pthread_t threads[CROWD];
        int64_t begun;

        (void)state;
        atomic_store(&shift_ms, 0);
        begun = clock_ms();
        start(&c, threads);
        while (atomic_load(&c.refused) < CROWD - 5)
                (void)usleep(1000);
        assert_true(clock_ms() - begun >= GATE_STALL_MS);
        assert_int_equal(atomic_load(&c.inside), 5);
        assert_int_equal(told.stalls, 1);
        atomic_store(&c.open, true);
        join(threads);
        assert_true(told.stalls == 1 && told.ends == 1);
        gates_free(all);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(one_that_hangs_stalls_the_storage_and_its_return_ends_that),
                cmocka_unit_test(one_that_gives_up_with_an_error_ends_no_stall),
                cmocka_unit_test(who_reads_ahead_is_refused_too_and_takes_no_room),
                cmocka_unit_test(the_request_says_that_it_waits),
                cmocka_unit_test(each_filesystem_has_its_gate),
                cmocka_unit_test(calls_give_what_they_gave),
                cmocka_unit_test(so_many_are_inside_and_the_others_come_when_they_leave),
                cmocka_unit_test(who_waits_for_room_is_told_when_it_stalls),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
