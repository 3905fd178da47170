/* SPDX-License-Identifier: MPL-2.0 */
/* crash -- see crash.h.
 *
 * Memory may be in any state when the handler runs.  It reads thread-local numbers, writes to memory that is shared and
 * was touched before, and makes calls that are async-signal-safe.
 *
 * Invariants
 *   1. The first thread that crashes is the one that is blamed; others wait for the end.
 *   2. The process ends by the signal that came, by its default action: what the keeper sees is true.
 * Locks: none.
 */
#include "takeover/crash.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <unistd.h>

#include "base/atwork.h"

static struct journal *journal;
static atomic_flag taken = ATOMIC_FLAG_INIT;

/* By what this process did: a fault (the kernel's codes are positive), or abort(), which sends it to itself. */
static bool is_own(const siginfo_t *info)
{
        return info->si_code > 0 || info->si_pid == getpid();
}

static void on_crash(int sig, siginfo_t *info, void *context)
{
        struct atwork at = atwork_get();

        (void)context;
        while (atomic_flag_test_and_set(&taken)) /* invariant 1 */
                (void)pause();
        if (is_own(info))
                journal_crashed(journal, getpid(), at.archive, at.place ? at.place - 1 : JOURNAL_SLOTS);
        /* The signal is blocked while we are here, and ends the process when we return. */
        (void)signal(sig, SIG_DFL);
        (void)raise(sig);
}

void crash_watch(struct journal *j)
{
        struct sigaction act = { .sa_sigaction = on_crash, .sa_flags = SA_SIGINFO | SA_ONSTACK };

        journal = j;
        (void)sigemptyset(&act.sa_mask);
        for (size_t i = 0; atwork_signals[i]; i++)
                (void)sigaction(atwork_signals[i], &act, NULL);
}
