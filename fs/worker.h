/* SPDX-License-Identifier: MPL-2.0 */
/* worker -- the process that serves: gives its rights up, opens everything, answers the kernel. */
#ifndef PXEFS_WORKER_H
#define PXEFS_WORKER_H

#include "options.h"

struct worker_plan {
        const struct options *opts; /* all borrowed */
        const char *builds_dir;     /* absolute */
        const char *cache_dir;
        const char *inventory; /* NULL: none */
        const char *user;      /* name, for messages */
        uid_t uid;             /* whom to run as */
        gid_t gid;
        pid_t keeper; /* whose worker it is: it ends with it */
        bool drop;    /* we are root: change to uid and gid first */
};

/* Serves the descriptor until the mount is gone or a signal asks to end; logs what goes wrong.  Writes a
 * byte to @ready_fd when the mount answers.  Owns both descriptors.  Returns the exit status. */
int worker_run(const struct worker_plan *plan, int fuse_fd, int ready_fd);

#endif
