/* SPDX-License-Identifier: MPL-2.0 */
/* atwork -- see atwork.h.
 *
 * Kept in thread-local storage of the program itself, which is there before a thread runs its first instruction: the
 * handler's look at it allocates nothing (a shared library's might, glibc's __tls_get_addr).
 *
 * The stack for the handler lies there too: it costs no call to free, and no memory until it is used, as nobody touches
 * its pages.
 */
#include "base/atwork.h"

#include <signal.h>
#include <stddef.h>

/* What a handler needs is some hundred bytes; what the kernel saves of the processor is 3 KiB with AVX-512, 11 with AMX
 * (getauxval(AT_MINSIGSTKSZ)). */
#define STACK_BYTES 32768

static _Thread_local volatile struct atwork mark;
static _Thread_local bool is_ready;
static _Thread_local _Atomic uint32_t *waits;
static _Thread_local _Alignas(16) unsigned char stack[STACK_BYTES];

const int atwork_signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, 0 };

struct atwork atwork_get(void)
{
        return (struct atwork) { .archive = mark.archive, .place = mark.place, .what = mark.what };
}

void atwork_place(uint32_t place)
{
        mark.place = place;
}

static void make_ready(void)
{
        stack_t ss = { .ss_sp = stack, .ss_size = sizeof stack }, has;
        sigset_t set;

        is_ready = true;
        (void)sigemptyset(&set);
        for (size_t i = 0; atwork_signals[i]; i++)
                (void)sigaddset(&set, atwork_signals[i]);
        (void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
        if (sigaltstack(NULL, &has) == 0 && has.ss_flags & SS_DISABLE) /* a sanitizer has its own */
                (void)sigaltstack(&ss, NULL);
}

bool atwork_begin(uint64_t archive, enum atwork_what what)
{
        bool first = archive != 0 && mark.archive == 0;

        if (!is_ready)
                make_ready();
        if (first) {
                mark.archive = archive;
                mark.what = what;
        }
        return first;
}

void atwork_end(bool begun)
{
        if (begun) {
                mark.archive = 0;
                mark.what = ATWORK_REQUEST;
        }
}

void atwork_say_waits(_Atomic uint32_t *to)
{
        waits = to;
}

void atwork_wait(bool begins)
{
        if (waits)
                atomic_store_explicit(waits, begins, memory_order_relaxed);
}
