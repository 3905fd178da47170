/* SPDX-License-Identifier: MPL-2.0 */
/* sandbox -- what the process that reads hostile archives gives up, and a report of what is really in force.
 *
 * Three steps: the first needs root's rights, the second comes when they are gone, the third when nobody is to be forked any
 * more:
 *
 *      caps_empty_bounding_set();    (base/caps.h, in the keeper's child)
 *      setresuid(...);
 *      sandbox_enter(&options, &report, &err);
 *      ... stands by, and forks who stands by next
 *      sandbox_narrow(&report);
 *      ... only now threads, archives, databases
 */
#ifndef PXEFS_SANDBOX_SANDBOX_H
#define PXEFS_SANDBOX_SANDBOX_H

#include "base/buf.h"
#include "base/err.h"
#include "sandbox/landlock.h"

struct sandbox_options {
        struct landlock_place *places; /* what may still be opened, and receives what was there; borrowed */
        size_t n_places;
};

struct sandbox_report {
        int landlock_abi;        /* 0: not in force, and landlock_why says why */
        struct err landlock_why; /* "" if in force */
        unsigned calls;          /* system calls allowed; 0: no filter, and seccomp_why says why */
        struct err seccomp_why;
        bool wide; /* what only who stands by may do could not be taken away; seccomp_why says why */
        bool no_new_privs;
        bool no_capabilities; /* none effective, permitted, inheritable, ambient, or in the bounding set */
        bool relaxed;         /* a sanitizer's build: more calls, and /proc */
};

/* Closes the sandbox around the calling process, for good: empty capability sets, no_new_privs, no core dump and no
 * ptrace by others of our user, Landlock, seccomp.  One thread, or -EBUSY.
 *
 * What the kernel, the container or the build lacks is left out and told in the report.  Returns a negative errno if anything
 * else fails: then nothing hostile may be read.
 */
int sandbox_enter(const struct sandbox_options *opts, struct sandbox_report *ret, struct err *err);

/* In the process that is to serve, after sandbox_enter: takes away what only who stands by may do (sandbox/calls.h).  If that
 * fails the report says so (`wide`).  One thread. */
void sandbox_narrow(struct sandbox_report *r);

/* In a process that reads one archive, when all it needs is open: it can open no file and start nothing from here on, and what
 * it writes goes to what is open.  What the kernel or the build lacks is left out.
 *
 * entered  it was forked after sandbox_enter; else its capabilities are given up too, and sandbox_prepare_reader was called
 *
 * Returns 0 or a negative errno: then nothing hostile may be read.  One thread. */
int sandbox_lock_reader(bool entered);

/* Loads what libraries would load later, in a process that forks readers and did not enter the sandbox. */
void sandbox_prepare_reader(void);

/* Whether every part is in force as the design has it (a relaxed build is not). */
bool sandbox_is_whole(const struct sandbox_report *r);

/* One line for the log: "Landlock ABI 7, 160 system calls, no capabilities, no_new_privs". */
void sandbox_report_text(const struct sandbox_report *r, struct buf *out);

/* The same as a JSON object, for status.json. */
void sandbox_report_json(const struct sandbox_report *r, struct buf *out);

#endif
