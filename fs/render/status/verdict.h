/* SPDX-License-Identifier: MPL-2.0 */
/* verdict -- is all well, and if not, what is to be done: one line, as `zpool status -x` gives.
 *
 * The same for status.json, index.html, the metric pxefs_healthy and pxectl status.  Pure.
 */
#ifndef PXEFS_RENDER_STATUS_VERDICT_H
#define PXEFS_RENDER_STATUS_VERDICT_H

#include "base/buf.h"
#include "render/status/facts.h"

struct problem {
        char what[1024];  /* one line: the object and what is wrong with it; cut if longer */
        char action[256]; /* what to do */
};

#define MAX_PROBLEMS 13 /* one for each rule in verdict.c */

struct verdict {
        bool healthy;                          /* there is no problem */
        char good[160];                        /* what there is to say if it is */
        struct problem problems[MAX_PROBLEMS]; /* gravest first */
        size_t n_problems;
};

void daemon_verdict(const struct daemon_facts *f, struct verdict *ret);

/* The line without the action: "all 3 builds are served"; "1 of 12 archives is refused: a.tgz: ..."; with further
 * problems counted at its end. */
void verdict_line(const struct verdict *v, struct buf *out);

/* What to do about the gravest problem; NULL if there is none. */
const char *verdict_action(const struct verdict *v);

#endif
