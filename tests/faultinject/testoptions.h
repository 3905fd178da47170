/* SPDX-License-Identifier: MPL-2.0 */
/* testoptions -- the mount options test_..., which only the programs of this directory have.
 *
 * They are taken out of the command line before the program's own options_parse sees it, and put back when the keeper makes
 * the worker's.
 */
#ifndef PXEFS_TESTOPTIONS_H
#define PXEFS_TESTOPTIONS_H

#include <stdbool.h>

#include "daemon/options.h"

struct test_options {
        bool no_sandbox, no_landlock,
                no_seccomp;   /* these are left out; no_sandbox: root's rights stay, too */
        bool no_replay;       /* a successor forgets what is unanswered */
        bool hostile;                             /* SIGUSR1 takes the worker over (hostile.h) */
        char *probe;          /* a directory outside: what a taken-over worker could do is tried (probe.h) */
        char *crash;          /* what the worker crashes at (poison.h) */
        unsigned object_bits; /* of an archive's hash in its node ids; 0: as the product */
        unsigned hash_bits;   /* of a text's */
        unsigned pages;       /* of a request at most; 0: libfuse's */
        unsigned threads;     /* that serve; 0: libfuse's */
};

extern struct test_options test_options;
extern const struct options *real_options; /* the others; NULL before options_parse */

#endif
