/* SPDX-License-Identifier: MPL-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "namespace/textring.h"

static void a_text_is_read_back_from_any_offset(void **state)
{
        struct textring *r = textring_new(4096);
        char buf[16];

        (void)state;
        assert_non_null(r);
        assert_int_equal(textring_put(r, 42, "hello, host", 11), 0);
        assert_int_equal(textring_size(r, 42), 11);
        assert_int_equal(textring_read(r, 42, buf, sizeof buf, 0), 11);
        assert_memory_equal(buf, "hello, host", 11);
        assert_int_equal(textring_read(r, 42, buf, 4, 7), 4);
        assert_memory_equal(buf, "host", 4);
        assert_int_equal(textring_read(r, 42, buf, sizeof buf, 11), 0);
        assert_int_equal(textring_read(r, 42, buf, sizeof buf, UINT64_MAX), 0);
        textring_free(r);
}

static void what_was_never_put_is_absent(void **state)
{
        struct textring *r = textring_new(4096);
        char c;

        (void)state;
        assert_int_equal(textring_read(r, 1, &c, 1, 0), -ENOENT);
        assert_int_equal(textring_size(r, 0), -ENOENT);
        assert_int_equal(textring_peek(r, 7, "x", 1), TEXTRING_ABSENT);
        textring_free(r);
}

static void a_text_too_large_is_refused_and_harms_no_other(void **state)
{
        struct textring *r = textring_new(4096);
        char big[2048] = { 0 }, c;

        (void)state;
        assert_int_equal(textring_put(r, 1, "a", 1), 0);
        assert_int_equal(textring_put(r, 2, big, sizeof big), -EFBIG);
        assert_int_equal(textring_read(r, 1, &c, 1, 0), 1);
        assert_int_equal(textring_size(r, 2), -ENOENT);
        textring_free(r);
}

static void a_collision_is_seen_and_the_newer_text_counts(void **state)
{
        struct textring *r = textring_new(4096);
        char buf[4];

        (void)state;
        assert_int_equal(textring_put(r, 9, "old", 3), 0);
        assert_int_equal(textring_peek(r, 9, "old", 3), TEXTRING_SAME);
        assert_int_equal(textring_peek(r, 9, "new", 3), TEXTRING_OTHER);
        assert_int_equal(textring_put(r, 9, "newer", 5), 0);
        assert_int_equal(textring_read(r, 9, buf, 4, 0), 4);
        assert_memory_equal(buf, "newe", 4);
        textring_free(r);
}

/* Texts of random length turn a small ring many times; each read gives the text that was put last under its
 * id, or nothing. */
static void after_many_laps_a_text_is_whole_or_absent(void **state)
{
        enum { IDS = 64 };
        struct textring *r = textring_new(8192);
        char last[IDS][512];
        size_t len[IDS] = { 0 };
        unsigned found = 0, absent = 0;
        unsigned seed = 20261123;

        (void)state;
        for (unsigned i = 0; i < 50000; i++) {
                unsigned id = (unsigned)rand_r(&seed) % IDS;

                if (rand_r(&seed) % 2) {
                        len[id] = (size_t)rand_r(&seed) % 512;
                        memset(last[id], 'a' + (int)(i % 26), len[id]);
                        assert_int_equal(textring_put(r, id, last[id], len[id]), 0);
                        assert_int_equal(textring_size(r, id), len[id]);
                } else {
                        char buf[512];
                        ssize_t n = textring_read(r, id, buf, sizeof buf, 0);

                        if (n == -ENOENT) {
                                absent++;
                                continue;
                        }
                        found++;
                        assert_int_equal(n, len[id]);
                        assert_memory_equal(buf, last[id], len[id]);
                }
        }
        assert_true(found > 1000 && absent > 1000);
        textring_free(r);
}

/* ---- memory that outlives the process ---- */

#define SHARED_BYTES (76u << 10) /* the index takes 64 KiB of it */

static void another_process_finds_what_was_put(void **state)
{
        void *mem = aligned_alloc(4096, SHARED_BYTES);
        struct textring *a, *b;
        char buf[16];

        (void)state;
        memset(mem, 0, SHARED_BYTES);
        a = textring_attach(mem, SHARED_BYTES);
        assert_int_equal(textring_put(a, 42, "hello, host", 11), 0);
        textring_free(a);
        b = textring_attach(mem, SHARED_BYTES);
        assert_int_equal(textring_read(b, 42, buf, sizeof buf, 0), 11);
        assert_memory_equal(buf, "hello, host", 11);
        textring_free(b);
        free(mem);
}

/* Whatever a worker that was taken over has left there: no crash, no endless chain. */
static void damaged_memory_is_survived(void **state)
{
        unsigned char *mem = aligned_alloc(4096, SHARED_BYTES);
        unsigned seed = 20261123;
        char buf[512];

        (void)state;
        for (unsigned round = 0; round < 50; round++) {
                struct textring *r;

                memset(mem, 0, SHARED_BYTES);
                r = textring_attach(mem, SHARED_BYTES);
                for (uint64_t id = 1; id < 40; id++)
                        assert_int_equal(textring_put(r, id, buf, 300), 0);
                textring_free(r);
                for (unsigned n = 0; n < 200; n++) /* behind magic and size, which attach checks */
                        mem[16 + (size_t)rand_r(&seed) % (SHARED_BYTES - 16)] = (unsigned char)rand_r(&seed);
                r = textring_attach(mem, SHARED_BYTES);
                assert_non_null(r);
                for (uint64_t id = 1; id < 40; id++)
                        (void)textring_read(r, id, buf, sizeof buf, 0);
                assert_int_equal(textring_put(r, 7, "x", 1), 0);
                (void)textring_read(r, 7, buf, sizeof buf, 0);
                textring_free(r);
        }
        free(mem);
}

enum { OLD = 40, NEW = 3, TEXT = 300 };

static void text_of(uint64_t id, char *buf)
{
        for (size_t i = 0; i < TEXT; i++)
                buf[i] = (char)('a' + (id * 7 + i) % 26);
}

static bool is_there(struct textring *r, uint64_t id)
{
        char want[TEXT], got[TEXT + 1];
        ssize_t n = textring_read(r, id, got, sizeof got, 0);

        if (n == -ENOENT)
                return false;
        text_of(id, want);
        assert_int_equal(n, TEXT); /* whole */
        assert_memory_equal(got, want, TEXT);
        return true;
}

static void put_new(struct textring *r)
{
        char buf[TEXT];

        for (uint64_t id = OLD + 1; id <= OLD + NEW; id++) {
                text_of(id, buf);
                (void)textring_put(r, id, buf, TEXT);
        }
}

/* The process is stopped after each single instruction of textring_put; what another one finds there is checked. */
static void a_kill_at_any_instruction_leaves_whole_texts(void **state)
{
        void *mem = mmap(NULL, SHARED_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        void *copy = aligned_alloc(4096, SHARED_BYTES);
        struct textring *r = textring_attach(mem, SHARED_BYTES), *after;
        bool stays[OLD + 1];
        unsigned steps = 0, gone = 0, seen = 0;
        char buf[TEXT];
        int status;
        pid_t pid;

        (void)state;
        for (uint64_t id = 1; id <= OLD; id++) {
                text_of(id, buf);
                assert_int_equal(textring_put(r, id, buf, TEXT), 0);
        }
        memcpy(copy, mem, SHARED_BYTES); /* where it ends */
        after = textring_attach(copy, SHARED_BYTES);
        put_new(after);
        for (uint64_t id = 1; id <= OLD; id++) {
                stays[id] = is_there(after, id);
                gone += !stays[id];
        }
        textring_free(after);
        assert_true(gone > 0 && gone < OLD);

        pid = fork();
        if (pid == 0) {
                if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
                        _exit(77);
                (void)raise(SIGSTOP);
                put_new(r);
                _exit(0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (!WIFSTOPPED(status) || ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) < 0) {
                (void)kill(pid, SIGKILL);
                skip(); /* no right to */
        }
        while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)) {
                steps++;
                for (uint64_t id = 1; id <= OLD; id++)
                        assert_true(is_there(r, id) || !stays[id]);
                seen = 0;
                for (uint64_t id = OLD + 1; id <= OLD + NEW; id++)
                        seen += is_there(r, id);
                if (steps % 32 == 0) { /* a successor goes on from here */
                        memcpy(copy, mem, SHARED_BYTES);
                        after = textring_attach(copy, SHARED_BYTES);
                        text_of(1000, buf);
                        assert_int_equal(textring_put(after, 1000, buf, TEXT), 0);
                        assert_true(is_there(after, 1000));
                        for (uint64_t id = 1; id <= OLD + NEW; id++)
                                (void)is_there(after, id);
                        textring_free(after);
                }
                if (ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) < 0)
                        break;
        }
        assert_true(steps > 200 && seen == NEW);
        textring_free(r);
        (void)munmap(mem, SHARED_BYTES);
        free(copy);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_text_is_read_back_from_any_offset),
                cmocka_unit_test(what_was_never_put_is_absent),
                cmocka_unit_test(a_text_too_large_is_refused_and_harms_no_other),
                cmocka_unit_test(a_collision_is_seen_and_the_newer_text_counts),
                cmocka_unit_test(after_many_laps_a_text_is_whole_or_absent),
                cmocka_unit_test(another_process_finds_what_was_put),
                cmocka_unit_test(damaged_memory_is_survived),
                cmocka_unit_test(a_kill_at_any_instruction_leaves_whole_texts),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
