/* SPDX-License-Identifier: MPL-2.0 */
/* bounded_call -- runs a function that may block for ever in another thread, and waits for it only so long.
 *
 * A look-up on a filesystem whose server is away does not come back, and nothing ends it.  Who must answer somebody else
 * lets a thread of this module make it, and goes on without the result when the time is over; the thread stays where it
 * is, and cleans up when it comes back.
 *
 * The work says which filesystem it is about to ask (bounded_call_asks).  While a call that was given up is still inside a
 * filesystem, the next caller for the same one gets -ETIMEDOUT at once: only the first few wait for it.
 *
 * Threads: all functions from any thread.  They are made when they are needed, so after any fork.
 */
#ifndef PXEFS_BASE_BOUNDED_CALL_H
#define PXEFS_BASE_BOUNDED_CALL_H

#include <stdint.h>

struct bounded_calls;
struct bounded_call;

#define BOUNDED_CALL_THREADS 64 /* at most, those that do not come back included */

/* NULL if memory is short.  Free it when no call waits any more; then all its threads are gone but those that do not come
 * back, which keep what they need. */
struct bounded_calls *bounded_calls_new(void);
void bounded_calls_free(struct bounded_calls *b); /* NULL is fine */

/* Runs @work(call, arg) in a thread and waits @timeout_ms for it.
 *
 * drop   frees @arg and what the work left in it; called by the thread if nobody waits any more
 *
 * Returns what the work returned (0 or a negative errno): @arg is the caller's again.  Or, with @arg taken away:
 * -ETIMEDOUT, if it takes longer; -EAGAIN, if no thread can be had; -ENOMEM. */
int bounded_call(struct bounded_calls *b, int (*work)(struct bounded_call *call, void *arg),
        void (*drop)(void *arg), void *arg, int timeout_ms, int *ret_taken);

/* For the work, before each call that filesystem @dev (as in stat(2)) answers: 0, or -ETIMEDOUT if that one is known not to
 * answer; the work then returns this. */
int bounded_call_asks(struct bounded_call *call, uint64_t dev);

#endif
