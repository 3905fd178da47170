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

enum call_who {
        CALL_ALL, /* who stands by, and who serves */
        CALL_STANDBY, /* only who stands by: it has read nothing of anybody's yet, and makes its successor by fork(2) */
        CALL_SANITIZER, /* what the sanitizers' own code needs; not in a build without them */
};

struct call_row {
        const char *name; /* several rows of one name: any of them allows */
        enum call_test test;
        unsigned arg;
        unsigned long value;
        enum call_who who;
};

const struct call_row *calls_policy(size_t *ret_n);

/* Binds all threads of the process, and what it forks, for good.  The process must have no_new_privs.  What a row CALL_STANDBY
 * allows it may still do, and CALL_SELF is not looked at yet: a successor has another process id.
 *
 * ret_n  receives the number of calls allowed to who serves
 *
 * Returns 0; -ENOSYS if the program was built without libseccomp or the kernel has no seccomp filters; or another negative
 * errno.  In each case but 0 nothing is restricted, and @err says why. */
int calls_enter(unsigned *ret_n, struct err *err);

/* After calls_enter, in the process that is to serve, while it has one thread: takes the rest away, so that the table holds.
 * 0 or a negative errno, and then nothing has changed. */
int calls_narrow(struct err *err);

/* For a process that reads one archive, and has all it needs open: no file is opened or named from here on, nothing is sent,
 * no process started, no memory shared.  After calls_enter or without it.  0; -ENOSYS as calls_enter; or another negative
 * errno. */
int calls_reader(void);

/* What it may still call: names, ending with NULL. */
const char *const *calls_reader_policy(void);

/* Whether this program carries a sanitizer, whose run time needs more than we do. */
bool calls_relaxed(void);

#endif
