/* SPDX-License-Identifier: MPL-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <linux/fuse.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "takeover/journal.h"
#include "takeover/policy.h"

static struct journal *keeper(void)
{
        struct journal *j = NULL;

        assert_int_equal(journal_create(65536, &j, NULL), 0);
        return j;
}

/* A worker of the same journal: another mapping. */
static struct journal *worker(struct journal *k)
{
        struct journal *j = NULL;

        assert_int_equal(journal_open(journal_fd(k), JOURNAL_VERSION, &j, NULL), 0);
        return j;
}

/* What the kernel does: writes a request into a slot. */
static void arrive(struct journal_slot *s, uint64_t unique)
{
        struct fuse_in_header h = {
                .len = sizeof h, .opcode = FUSE_READLINK, .unique = unique, .nodeid = unique + 1
        };

        memcpy(journal_arm(s), &h, sizeof h);
}

/* A slot with request 7, which names @archive, and is at work since 1000 ms. */
static struct journal_slot *taken(struct journal *a, uint64_t archive)
{
        struct journal_slot *s = journal_claim(a);

        arrive(s, 7);
        journal_taken(s, 1000, archive);
        return s;
}

static unsigned n_waiting(const struct journal *j, struct journal_request *ret)
{
        unsigned n = 0;

        for (unsigned i = 0; i < JOURNAL_SLOTS; i++) {
                struct journal_request r;

                if (journal_peek(j, i, &r)) {
                        *ret = r;
                        n++;
                }
        }
        return n;
}

static void what_is_unanswered_is_the_successors(void **state)
{
        struct journal *k = keeper(), *a = worker(k), *b = worker(k);
        struct journal_slot *s = journal_claim(a), *t = journal_claim(a), *u;
        struct journal_request r = { 0 };
        struct fuse_in_header h;
        size_t len;

        (void)state;
        assert_true(s && t && s != t);
        arrive(s, 7);
        journal_taken(s, 1000, 0);
        arrive(t, 8);
        assert_true(journal_answered(t, 8));
        assert_false(journal_answered(s, 8)); /* not its own */
        journal_look(k, 1050);
        assert_int_equal(n_waiting(k, &r), 1);
        assert_true(
                r.unique == 7 && r.node == 8 && r.taken_ms == 1000 && r.started_ms == 1000 && r.deaths == 0);

        journal_worker_ended(k, 1100); /* killed */
        assert_int_equal(n_waiting(k, &r), 1);
        assert_true(r.deaths == 1 && r.taken_ms == 1000 && r.started_ms == 0);
        u = journal_claim(b);
        assert_true(journal_unanswered(u, &h, sizeof h, &len) && len == sizeof h && h.unique == 7);
        journal_taken(u, 1200, 0);
        journal_look(k, 1250);
        assert_int_equal(n_waiting(k, &r), 1);
        assert_true(r.taken_ms == 1000 && r.started_ms == 1200);
        journal_answered(u, 7);
        assert_int_equal(n_waiting(k, &r), 0);
        assert_false(journal_unanswered(u, &h, sizeof h, &len));
        journal_close(b);
        journal_close(a);
        journal_close(k);
}

static void a_thread_says_whether_it_waits_for_a_storage(void **state)
{
        struct journal *k = keeper(), *a = worker(k);
        struct journal_slot *s = taken(a, 0);
        struct journal_request r = { 0 };

        (void)state;
        assert_int_equal(n_waiting(k, &r), 1);
        assert_true(!r.waits && r.thread == (uint32_t)gettid());
        atomic_store(journal_waits(s), 1);
        assert_int_equal(n_waiting(k, &r), 1);
        assert_true(r.waits);
        journal_worker_ended(k, 1100); /* killed: nobody waits now */
        assert_int_equal(n_waiting(k, &r), 1);
        assert_true(!r.waits && r.thread == 0);
        atomic_store(journal_waits(s), 1);
        (void)journal_arm(s);
        arrive(s, 8);
        assert_int_equal(n_waiting(k, &r), 1);
        assert_true(r.unique == 8 && !r.waits);
        journal_close(a);
        journal_close(k);
}

static void killed_at_once_after_the_kernel_wrote_it_a_request_is_kept(void **state)
{
        struct journal *k = keeper(), *a = worker(k);
        struct journal_request r = { 0 };

        (void)state;
        arrive(journal_claim(a), 7);
        journal_worker_ended(k, 500);
        assert_int_equal(n_waiting(k, &r), 1);
        assert_true(r.taken_ms == 500 && r.deaths == 1); /* it was not noted: it counts from here */
        journal_close(a);
        journal_close(k);
}

static void what_the_keeper_answered_is_not_executed_again(void **state)
{
        struct journal *k = keeper(), *a = worker(k);
        struct journal_slot *s = journal_claim(a);
        struct journal_request r = { 0 };

        (void)state;
        arrive(s, 7);
        journal_refused(k, journal_slot_number(a, s), 7, true);
        assert_int_equal(n_waiting(k, &r), 1); /* a worker is still at it, and may hang */
        assert_true(r.refused);
        journal_worker_ended(k, 500);
        assert_int_equal(n_waiting(k, &r), 0);
        arrive(s, 9); /* the next one in that slot is another matter */
        assert_int_equal(n_waiting(k, &r), 1);
        assert_false(r.refused);
        journal_worker_ended(k, 600);
        journal_refused(k, journal_slot_number(a, s), 9, true); /* nobody is at it */
        assert_int_equal(n_waiting(k, &r), 0);
        journal_close(a);
        journal_close(k);
}

static void slots_are_given_back_and_never_shared(void **state)
{
        struct journal *k = keeper(), *a = worker(k);
        struct journal_slot *v[JOURNAL_SLOTS];

        (void)state;
        for (int round = 0; round < 3; round++) {
                for (unsigned i = 0; i < JOURNAL_SLOTS; i++) {
                        v[i] = journal_claim(a);
                        assert_non_null(v[i]);
                        for (unsigned n = 0; n < i; n++)
                                assert_ptr_not_equal(v[i], v[n]);
                }
                assert_null(journal_claim(a));
                for (unsigned i = 0; i < JOURNAL_SLOTS; i++)
                        journal_release(a, v[i]);
        }
        journal_close(a);
        journal_close(k);
}

static void a_thread_that_ends_with_a_request_leaves_it_to_another(void **state)
{
        struct journal *k = keeper(), *a = worker(k);
        struct journal_slot *s = journal_claim(a), *t = journal_claim(a);
        size_t len;

        (void)state;
        assert_false(journal_has_orphans(a));
        arrive(s, 7);
        journal_release(a, s);
        assert_true(journal_has_orphans(a));
        journal_release(a, t);
        assert_ptr_equal(journal_claim(a), s);
        assert_true(journal_unanswered(s, (char[8]) { 0 }, 8, &len) && len == 8);
        journal_close(a);
        journal_close(k);
}

static void who_waited_longest_is_served_first(void **state)
{
        static const int64_t taken[] = { 300, 100, 200 };
        static const uint64_t want[] = { 2, 3, 1 };
        struct journal *k = keeper(), *a = worker(k), *b = worker(k);
        struct fuse_in_header h;
        size_t len;

        (void)state;
        for (uint64_t i = 0; i < 3; i++) {
                struct journal_slot *s = journal_claim(a);

                arrive(s, i + 1);
                journal_taken(s, taken[i], 0);
        }
        journal_worker_ended(k, 1000);
        for (int i = 0; i < 3; i++) {
                assert_true(journal_unanswered(journal_claim(b), &h, sizeof h, &len));
                assert_int_equal(h.unique, want[i]);
        }
        assert_false(journal_unanswered(journal_claim(b), &h, sizeof h, &len));
        journal_close(b);
        journal_close(a);
        journal_close(k);
}

static void a_freeze_is_nobodys_fault(void **state)
{
        struct journal *k = keeper(), *a = worker(k);
        struct journal_request r = { 0 };

        (void)state;
        (void)taken(a, 0);
        journal_beat(a, 1000);
        journal_look(k, 1000);
        assert_int_equal(journal_heartbeat(k, 1000), 1000);
        journal_forgive(k, 60000);
        journal_look(k, 61100);
        assert_int_equal(n_waiting(k, &r), 1);
        assert_true(r.taken_ms == 61000 && r.started_ms == 61000);
        assert_int_equal(journal_heartbeat(k, 61100), 61000);
        journal_close(a);
        journal_close(k);
}

static void another_version_or_shape_is_refused_with_a_reason(void **state)
{
        struct journal *k = keeper(), *j = NULL;
        int other = memfd_create("other", MFD_CLOEXEC);
        struct err err = { "" };

        (void)state;
        assert_int_equal(journal_open(journal_fd(k), JOURNAL_VERSION + 1, &j, &err), -EPROTO);
        assert_non_null(strstr(err.text, "version"));
        assert_int_equal(journal_open(other, JOURNAL_VERSION, &j, &err), -EPROTO); /* empty */
        assert_int_equal(ftruncate(other, 8 << 20), 0);
        assert_int_equal(journal_open(other, JOURNAL_VERSION, &j, &err), -EPROTO); /* zeros */
        assert_int_equal(journal_open(-1, JOURNAL_VERSION, &j, &err), -EPROTO);
        assert_null(j);
        close(other);
        journal_close(k);
}

static void a_worker_cannot_cut_it_short(void **state)
{
        struct journal *k = keeper();

        (void)state;
        assert_int_equal(ftruncate(journal_fd(k), 4096), -1);
        assert_int_equal(errno, EPERM);
        journal_close(k);
}

static void what_the_keeper_counts_is_read_whole_and_cut_to_its_room(void **state)
{
        struct journal *k = keeper(), *w = worker(k);
        struct journal_counters c = { .mount_sec = 5, .restarts = 3, .poisoned = 1 }, got;

        (void)state;
        assert_true(journal_get_counters(w, &got)); /* before the keeper wrote any */
        assert_int_equal(got.restarts, 0);
        memset(c.death.text, 'x', sizeof c.death.text);
        journal_put_counters(k, &c);
        assert_true(journal_get_counters(w, &got));
        assert_int_equal(got.mount_sec, 5);
        assert_int_equal(got.restarts, 3);
        assert_int_equal(strlen(got.death.text), sizeof got.death.text - 1);
        assert_string_equal(got.upgrade_refused.text, "");
        assert_false(journal_had_inventory(k));
        journal_set_inventory(w);
        assert_true(journal_had_inventory(k));
        journal_close(w);
        journal_close(k);
}

static void the_last_hour_is_sixty_minutes(void **state)
{
        struct journal_counters c = { .restarts = 0 };
        int64_t t = INT64_C(60) * 30000000;

        (void)state;
        assert_int_equal(journal_restarts_last_hour(&c, t), 0);
        for (int i = 0; i < 1000; i++)
                journal_count_restart(&c, t + i % 60);
        journal_count_restart(&c, t + 60);
        assert_int_equal(journal_restarts_last_hour(&c, t + 60), 1001);
        assert_int_equal(journal_restarts_last_hour(&c, t + 59 * 60 + 59), 1001);
        assert_int_equal(journal_restarts_last_hour(&c, t + 60 * 60), 1);
        assert_int_equal(journal_restarts_last_hour(&c, t + 61 * 60), 0);
        assert_int_equal(journal_restarts_last_hour(&c, t - 3600), 0); /* the clock was set back */
        journal_count_restart(&c, t + 60 * 60); /* takes the place of the first minute */
        assert_int_equal(journal_restarts_last_hour(&c, t + 60 * 60), 2);
        assert_int_equal(c.restarts, 1002);
}

static void who_crashed_is_said_once_and_to_its_keeper_only(void **state)
{
        struct journal *k = keeper(), *a = worker(k);
        struct journal_crash c = { 0, 0 };

        (void)state;
        assert_false(journal_last_words(k, 4711, &c));
        assert_false(journal_last_words(k, 0, &c)); /* there is no worker */
        journal_crashed(a, 4711, 77, 3);
        assert_false(journal_last_words(k, 4712, &c)); /* another one's */
        assert_true(journal_last_words(k, 4711, &c));
        assert_true(c.archive == 77 && c.number == 3);
        journal_worker_starts(k, 1000); /* a process may get the same number again */
        assert_false(journal_last_words(k, 4711, &c));
        journal_close(a);
        journal_close(k);
}

static void a_request_says_which_archive_it_names(void **state)
{
        struct journal *k = keeper(), *a = worker(k);
        struct journal_slot *s = taken(a, 42);
        struct journal_request r = { 0 };

        (void)state;
        journal_count_crash(k, journal_slot_number(a, s), 7);
        journal_count_crash(k, JOURNAL_SLOTS, 7); /* whatever a worker says */
        journal_worker_ended(k, 1100);
        assert_int_equal(n_waiting(k, &r), 1);
        assert_true(r.archive == 42 && r.crashes == 1);
        arrive(s, 8);
        assert_int_equal(n_waiting(k, &r), 1);
        assert_true(r.archive == 0 && r.crashes == 0);
        journal_close(a);
        journal_close(k);
}

static void an_archive_is_condemned_by_its_own_crashes(void **state)
{
        struct journal_counters c = { .restarts = 0 };

        (void)state;
        assert_false(journal_is_condemned(&c, 0)); /* an empty row is none */
        assert_int_equal(journal_blame_crash(&c, 1, 5)->crashes, 1);
        assert_int_equal(journal_blame_crash(&c, 2, 5)->crashes, 1);
        assert_false(journal_is_condemned(&c, 1));
        assert_false(journal_is_condemned(&c, 2));
        assert_int_equal(journal_blame_crash(&c, 1, 5)->crashes, 2);
        assert_true(journal_is_condemned(&c, 1));
        assert_false(journal_is_condemned(&c, 2));
        assert_false(journal_is_condemned(&c, 3));
        assert_non_null(journal_blame_hangs(&c, 3, 5)); /* that was counted by the request */
        assert_true(journal_is_condemned(&c, 3));
}

static void the_table_of_the_blamed_is_bounded_and_forgets_no_condemned(void **state)
{
        struct journal_counters c = { .restarts = 0 };
        int64_t now = 0; /* hours, so that each may be condemned */

        (void)state;
        for (uint64_t i = 1; i <= 10; i++) {
                assert_non_null(journal_blame_crash(&c, i, now += JOURNAL_CONDEMN_MS));
                assert_non_null(journal_blame_crash(&c, i, now += JOURNAL_CONDEMN_MS));
        }
        for (uint64_t i = 1000; i < 2000; i++) /* one each: the oldest goes */
                assert_int_equal(journal_blame_crash(&c, i, now += JOURNAL_CONDEMN_MS)->crashes, 1);
        assert_int_equal(
                journal_blame_crash(&c, 2000 - (JOURNAL_BLAMED - 10), now += JOURNAL_CONDEMN_MS)->crashes, 2);
        assert_int_equal(
                journal_blame_crash(&c, 1999 - (JOURNAL_BLAMED - 10), now += JOURNAL_CONDEMN_MS)->crashes, 1);
        for (uint64_t i = 1; i <= 10; i++)
                assert_true(journal_is_condemned(&c, i));
        for (uint64_t i = 3000; i < 3200; i++) {
                (void)journal_blame_crash(&c, i, now += JOURNAL_CONDEMN_MS);
                (void)journal_blame_crash(&c, i, now += JOURNAL_CONDEMN_MS);
        }
        assert_null(journal_blame_crash(&c, 5000, now += JOURNAL_CONDEMN_MS)); /* full of condemned ones */
        assert_null(journal_blame_hangs(&c, 5000, now += JOURNAL_CONDEMN_MS));
        assert_int_equal(journal_blame_crash(&c, 1, now += JOURNAL_CONDEMN_MS)->crashes, 3);
        for (uint64_t i = 1; i <= 10; i++)
                assert_true(journal_is_condemned(&c, i));
}

static void init_and_its_reply_are_kept_if_they_fit(void **state)
{
        struct journal *k = keeper(), *a = worker(k);
        char buf[JOURNAL_INIT_BYTES], big[JOURNAL_INIT_BYTES + 1] = { 0 };

        (void)state;
        assert_int_equal(journal_init(a, buf), 0);
        journal_save_init(a, "init", 4);
        journal_save_init_reply(a, "reply", 5);
        assert_int_equal(journal_init(k, buf), 4);
        assert_memory_equal(buf, "init", 4);
        assert_int_equal(journal_init_reply(k, buf), 5);
        journal_save_init(a, big, sizeof big);
        assert_int_equal(journal_init(k, buf), 4);
        journal_close(a);
        journal_close(k);
}

static void a_workers_claim_counts_if_it_could_be_true(void **state)
{
        static const int64_t claims[][2] = { { 5500, 5500 }, { 5000, 5000 }, { 6000, 6000 }, { 4999, 6000 },
                { 1, 6000 }, { 6001, 6000 }, { INT64_MAX, 6000 }, { INT64_MIN, 6000 }, { -1, 6000 } };
        struct journal *k = keeper(), *a = worker(k);
        struct journal_slot *s = journal_claim(a);
        struct journal_request r = { 0 };
        int64_t now = 0;

        (void)state;
        for (size_t i = 0; i < sizeof claims / sizeof claims[0]; i++) {
                now = (int64_t)i * 10000;
                arrive(s, 10 + i);
                journal_look(k, now + 5000); /* it is there, and nobody is at it */
                assert_int_equal(n_waiting(k, &r), 1);
                assert_true(r.taken_ms == 0 && r.started_ms == 0);
                journal_taken(
                        s, claims[i][0] > 0 && claims[i][0] < 7000 ? claims[i][0] + now : claims[i][0], 0);
                journal_look(k, now + 6000);
                assert_int_equal(n_waiting(k, &r), 1);
                assert_int_equal(r.taken_ms, claims[i][1] + now);
                assert_int_equal(r.started_ms, claims[i][1] + now);
        }
        /* What is known is not changed by what it says later; and a heartbeat is a sign, not a time. */
        journal_taken(s, 1, 0);
        journal_look(k, now + 9000);
        assert_int_equal(n_waiting(k, &r), 1);
        assert_int_equal(r.started_ms, now + 6000);
        journal_beat(a, INT64_MAX);
        assert_int_equal(journal_heartbeat(k, 100), 100);
        assert_int_equal(journal_heartbeat(k, 200), 100);
        journal_beat(a, INT64_MIN);
        assert_int_equal(journal_heartbeat(k, 300), 300);
        journal_close(a);
        journal_close(k);
}

static void a_strike_is_the_requests_and_not_the_slots(void **state)
{
        struct journal *k = keeper(), *a = worker(k);
        struct journal_slot *s = taken(a, 0);
        unsigned i = journal_slot_number(a, s);
        struct journal_request r = { 0 };

        (void)state;
        journal_look(k, 1000);
        assert_true(journal_peek(k, i, &r) && r.unique == 7);
        arrive(s, 8); /* between the keeper's look and its count */
        journal_count_hang(k, i, r.unique);
        journal_refused(k, i, r.unique, true);
        assert_int_equal(n_waiting(k, &r), 1);
        assert_true(r.unique == 8 && r.hangs == 0 && !r.refused);
        journal_close(a);
        journal_close(k);
}

/* Everything before the slots, as a worker can. */
static void spoil(struct journal *k, unsigned char with)
{
        unsigned char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, journal_fd(k), 0);

        assert_ptr_not_equal(p, MAP_FAILED);
        memset(p, with, 4096);
        (void)munmap(p, 4096);
}

static void what_a_worker_spoils_in_the_head_ends_with_it(void **state)
{
        struct journal_counters c = { .restarts = 3 }, got;
        struct journal *k = keeper(), *a = worker(k), *b = NULL;
        char buf[JOURNAL_INIT_BYTES];

        (void)state;
        journal_worker_starts(k, 1000);
        journal_save_init(a, "init", 4);
        journal_set_inventory(a);
        journal_learn(k);
        journal_save_init_reply(a, "reply", 5);
        journal_set_ready(k);
        assert_non_null(journal_blame_crash(&c, 5, 1000));
        journal_put_counters(k, &c);
        journal_look(k, 2000);
        for (unsigned with = 0; with < 256; with += 85) {
                spoil(k, (unsigned char)with);
                if (with)
                        assert_int_equal(journal_open(journal_fd(k), JOURNAL_VERSION, &b, NULL), -EPROTO);
                journal_look(k, 3000);
                journal_worker_ended(k, 3000);
                journal_worker_starts(k, 3000);
                b = worker(k);
                assert_int_equal(journal_generation(b), journal_generation(k));
                assert_true(journal_is_ready(b) && !journal_is_ending(b) && journal_had_inventory(b));
                assert_int_equal(journal_init(b, buf), 4);
                assert_memory_equal(buf, "init", 4);
                assert_int_equal(journal_init_reply(b, buf), 5);
                assert_memory_equal(buf, "reply", 5);
                assert_true(journal_get_counters(b, &got));
                assert_memory_equal(&got, &c, sizeof c);
                journal_close(b);
                b = NULL;
        }
        assert_int_equal(journal_generation(k), 5);
        journal_set_ending(k);
        spoil(k, 0);
        journal_worker_starts(k, 4000);
        b = worker(k);
        assert_true(journal_is_ending(b));
        journal_close(b);
        journal_close(a);
        journal_close(k);
}

static void few_are_condemned_in_an_hour(void **state)
{
        struct journal_counters c = { .restarts = 0 };
        const struct journal_blamed *b;

        (void)state;
        for (uint64_t i = 1; i <= JOURNAL_CONDEMN_MAX; i++) {
                (void)journal_blame_crash(&c, i, 1000);
                assert_true(policy_condemns(journal_blame_crash(&c, i, 1000)->crashes, 0));
        }
        b = journal_blame_crash(&c, 50, 2000);
        assert_int_equal(b->crashes, 1);
        assert_int_equal(journal_blame_crash(&c, 50, 2000)->crashes, 1);
        assert_int_equal(b->spared, 1);
        assert_int_equal(journal_blame_hangs(&c, 51, 2000)->hangs, 0);
        assert_false(journal_is_condemned(&c, 50) || journal_is_condemned(&c, 51));
        assert_int_equal(journal_blame_crash(&c, 1, 2000)->crashes, 3); /* it is already */
        assert_int_equal(journal_blame_crash(&c, 50, 1000 + JOURNAL_CONDEMN_MS)->crashes, 2);
        assert_true(journal_is_condemned(&c, 50));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_unanswered_is_the_successors),
                cmocka_unit_test(killed_at_once_after_the_kernel_wrote_it_a_request_is_kept),
                cmocka_unit_test(what_the_keeper_answered_is_not_executed_again),
                cmocka_unit_test(slots_are_given_back_and_never_shared),
                cmocka_unit_test(a_thread_that_ends_with_a_request_leaves_it_to_another),
                cmocka_unit_test(who_waited_longest_is_served_first),
                cmocka_unit_test(a_freeze_is_nobodys_fault),
                cmocka_unit_test(a_thread_says_whether_it_waits_for_a_storage),
                cmocka_unit_test(a_workers_claim_counts_if_it_could_be_true),
                cmocka_unit_test(a_strike_is_the_requests_and_not_the_slots),
                cmocka_unit_test(what_a_worker_spoils_in_the_head_ends_with_it),
                cmocka_unit_test(few_are_condemned_in_an_hour),
                cmocka_unit_test(another_version_or_shape_is_refused_with_a_reason),
                cmocka_unit_test(a_worker_cannot_cut_it_short),
                cmocka_unit_test(who_crashed_is_said_once_and_to_its_keeper_only),
                cmocka_unit_test(a_request_says_which_archive_it_names),
                cmocka_unit_test(an_archive_is_condemned_by_its_own_crashes),
                cmocka_unit_test(the_table_of_the_blamed_is_bounded_and_forgets_no_condemned),
                cmocka_unit_test(init_and_its_reply_are_kept_if_they_fit),
                cmocka_unit_test(what_the_keeper_counts_is_read_whole_and_cut_to_its_room),
                cmocka_unit_test(the_last_hour_is_sixty_minutes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
