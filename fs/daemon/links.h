/* SPDX-License-Identifier: MPL-2.0 */
/* links -- where the symbolic links lead that an operator put among builds and plain files. */
#ifndef PXEFS_DAEMON_LINKS_H
#define PXEFS_DAEMON_LINKS_H

#include "daemon/options.h"

/* Adds to o->links_to the directories of the files that links in @builds_dir (absolute) and in o->static_dirs lead to, if
 * they lie elsewhere; says so in the log.  To be called before there is anything on @mountpoint (absolute).
 *
 * One that leads below @mountpoint, to where nobody answers, or that somebody other than root may have made, is passed over;
 * the last of these is told.  0 or -ENOMEM. */
int links_find(struct options *o, const char *builds_dir, const char *mountpoint, struct err *err);

#endif
