/* SPDX-License-Identifier: MPL-2.0 */
/* clock: time that a process was stopped for does not count. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

#define STOPPED_MS 3600

/* In a process of its own: the way it found out to be wrong. */
static int be_stopped(void)
{
        int64_t wall = clock_ms(), ran = clock_running_ms();

        if (ran != clock_ms() && ran != wall) /* nobody ticks yet */
                return 1;
        clock_tick();
        wall = clock_ms();
        ran = clock_running_ms();
        (void)raise(SIGSTOP);
        if (clock_ms() - wall < STOPPED_MS)
                return 2;
        if (clock_running_ms() - ran >= STOPPED_MS - 400)
                return 3;
        clock_tick(); /* and it stays so when the tick that was late has come */
        if (clock_running_ms() - ran >= STOPPED_MS - 400 || clock_running_ms() < ran)
                return 4;
        return 0;
}

static void what_a_process_was_stopped_for_does_not_count(void **state)
{
        int status;
        pid_t pid = fork();

        (void)state;
        if (pid == 0)
                _exit(be_stopped());
        assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
        assert_true(WIFSTOPPED(status));
        (void)usleep((STOPPED_MS + 50) * 1000);
        assert_int_equal(kill(pid, SIGCONT), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_a_process_was_stopped_for_does_not_count),
        };

        return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
