/* SPDX-License-Identifier: MPL-2.0 */
/* confine -- the worker's sandbox: what of its command line it may still open, and the rest closed. */
#ifndef PXEFS_CONFINE_H
#define PXEFS_CONFINE_H

#include "options.h"

/* Closes the sandbox around the calling process (sandbox/sandbox.h): after its user was changed, before threads are started
 * and before anything is read that somebody else wrote.  Warns in one line if a part is not in force; the options
 * test_... leave parts out, or try out what can be done afterwards.
 *
 * ret_json   receives the report as a JSON object, for status.json; the caller frees it
 * ret_whole  receives whether every part is in force
 *
 * Returns 0 or a negative errno with the reason. */
int confine(const struct options *o, char **ret_json, bool *ret_whole, struct err *err);

#endif
