/* SPDX-License-Identifier: MPL-2.0 */
/* inherited -- what the process that started pxefs left behind: descriptors, signals, umask, limits.  What would break the
 * keeper or a worker later is put right, or is a reason not to start. */
#ifndef PXEFS_DAEMON_INHERITED_H
#define PXEFS_DAEMON_INHERITED_H

#include "base/err.h"

/* Opens /dev/null for each of stdin, stdout and stderr that is closed: before anything else, since the next descriptor that is
 * opened would be taken for one of them.  Ends the process if that cannot be.  Closes all others: a worker would have them, and
 * a process that waits for the end of such a pipe would wait for as long as the mount lives. */
void inherited_descriptors(void);

/* Puts the rest right.  Returns 0, or a negative errno with the limit that is too low and the way out. */
int inherited_mend(struct err *err);

#endif
