/* SPDX-License-Identifier: MPL-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/atwork.h"
#include "takeover/crash.h"

static int *volatile nowhere;

__attribute__((no_sanitize("undefined"))) static void fault(void) /* it would end by SIGABRT */
{
        *nowhere = 1;
}

/* Until the stack is used up. */
static int recurse(volatile char *above)
{
        volatile char here[4096];

        here[0] = above ? above[0] : 'x';
        return here[0] == 'y' ? 0 : recurse(here) + here[0];
}

static void overflow(void)
{
        (void)recurse(NULL);
}

static void quiet(void)
{
        (void)raise(SIGTERM);
}

static void from_outside(void)
{
        pid_t pid = getpid();

        if (fork() == 0) {
                (void)kill(pid, SIGSEGV);
                _exit(0);
        }
        for (;;)
                (void)pause();
}

static void *crash_here(void *arg)
{
        void (*const *how)(void) = arg;

        atwork_place(6);
        (void)atwork_begin(77, ATWORK_AHEAD);
        (*how)();
        return NULL;
}

/* A process that ends by @how in a thread of its own, which blocks all signals as the engine's do.  Its status. */
static int die(struct journal *j, void (*how)(void), bool threaded, pid_t *ret_pid)
{
        int status;
        pid_t pid = fork();

        if (pid == 0) {
                struct rlimit none = { 0, 0 };
                pthread_t t;
                sigset_t all;

                (void)setrlimit(RLIMIT_CORE, &none);
                crash_watch(j);
                if (!threaded)
                        (void)crash_here(&how);
                (void)sigfillset(&all);
                (void)pthread_sigmask(SIG_BLOCK, &all, NULL);
                (void)pthread_create(&t, NULL, crash_here, &how);
                (void)pthread_join(t, NULL);
                _exit(3);
        }
        assert_true(pid > 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        *ret_pid = pid;
        return status;
}

static void who_crashes_says_what_it_was_at_and_dies_of_the_same(void **state)
{
        static const struct {
                const char *name;
                void (*how)(void);
                bool threaded, words;
                int sig;
        } v[] = {
                { "a fault", fault, false, true, SIGSEGV },
                { "a fault in a thread that blocks signals", fault, true, true, SIGSEGV },
                { "abort", abort, true, true, SIGABRT },
                { "the stack is used up", overflow, true, true, SIGSEGV },
                { "an order", quiet, false, false, SIGTERM },
                { "a signal that another process sent", from_outside, false, false, SIGSEGV },
        };
        struct journal *j = NULL;

        (void)state;
        assert_int_equal(journal_create(65536, &j, NULL), 0);
        for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
                struct journal_crash c = { 0, 0 };
                pid_t pid = 0;
                int status;
                bool words;

                journal_worker_starts(j, 1000);
                status = die(j, v[i].how, v[i].threaded, &pid);
                words = journal_last_words(j, pid, &c);
                if (!WIFSIGNALED(status) || WTERMSIG(status) != v[i].sig)
                        fail_msg("%s: status %#x", v[i].name, (unsigned)status);
                if (words != v[i].words || (words && (c.archive != 77 || c.number != 5)))
                        fail_msg("%s: words %d, archive %llu, slot %u", v[i].name, words,
                                (unsigned long long)c.archive, c.number);
        }
        journal_close(j);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(who_crashes_says_what_it_was_at_and_dies_of_the_same),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
