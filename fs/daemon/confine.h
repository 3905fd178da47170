/* SPDX-License-Identifier: MPL-2.0 */
/* confine -- the worker's sandbox: what of its command line it may still open, and the rest closed. */
#ifndef PXEFS_DAEMON_CONFINE_H
#define PXEFS_DAEMON_CONFINE_H

#include "base/path_opener.h"
#include "daemon/options.h"

/* Which directories the sandbox leaves open, as they were when it was closed. */
struct confinement;

/* -EPERM with the reason if this process is root, or can become it. */
int confine_check_user(struct err *err);

/* Closes the sandbox around the calling process and what it forks (sandbox/sandbox.h): after its user was changed, before
 * threads are started and before anything is read that somebody else wrote.
 *
 * opener  asks no question of our own mount, whatever stands at those paths now; used without threads
 * ret     receives what confine_narrow and confine_replaced need; the caller frees it
 *
 * Returns 0 or a negative errno with the reason. */
int confine(const struct options *o, struct path_opener *opener, struct confinement **ret, struct err *err);

/* In the process that is to serve, before it starts a thread: takes the rest away.  Warns in one line if a part is not in
 * force.
 *
 * ret_json   receives the report as a JSON object, for status.json; the caller frees it
 * ret_whole  receives whether every part is in force
 *
 * Returns 0 or -ENOMEM. */
int confine_narrow(struct confinement *c, char **ret_json, bool *ret_whole, struct err *err);
void confinement_free(struct confinement *c);

/* True if another directory stands at the path of one, or one that could not be reached then can be now: the sandbox keeps
 * this process out of it.  False always if files are not confined.  One that does not answer in @timeout_ms, or is in our own
 * mount now, is passed over.
 *
 * ret_path  receives which; borrowed from @c */
bool confine_replaced(
        const struct confinement *c, struct path_opener *opener, int timeout_ms, const char **ret_path);

#endif
