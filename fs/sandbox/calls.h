/* SPDX-License-Identifier: MPL-2.0 */
/* calls -- the other half of the sandbox: which system calls a process may still make (seccomp, by libseccomp). */
#ifndef PXEFS_SANDBOX_CALLS_H
#define PXEFS_SANDBOX_CALLS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* The policy, a row for each call.  A call that has no row is refused with EPERM. */
enum call_test {
        CALL_ANY,
        CALL_EQUALS, /* argument @arg is @value */
        CALL_HAS,    /* argument @arg has all bits of @value */
        CALL_LACKS,  /* argument @arg has no bit of @value */
        CALL_SELF,   /* argument @arg is our process id */
};

struct call_row {
        const char *name; /* several rows of one name: any of them allows */
        enum call_test test;
        unsigned arg;
        unsigned long value;
        bool sanitizer_only; /* what the sanitizers' own code needs; not in a build without them */
};

const struct call_row *calls_policy(size_t *ret_n);

/* Binds all threads of the process, for good.  The process must have no_new_privs.
 *
 * ret_n  receives the number of calls allowed
 *
 * Returns 0; -ENOSYS if the program was built without libseccomp or the kernel has no seccomp filters; or another negative
 * errno.  In each case but 0 nothing is restricted, and @err says why. */
int calls_enter(unsigned *ret_n, struct err *err);

/* Whether this program carries a sanitizer, whose run time needs more than we do. */
bool calls_relaxed(void);

#endif
