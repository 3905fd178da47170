/* SPDX-License-Identifier: MPL-2.0 */
/* overlay_check -- names in static= that are absent because of where they lead: found by looking every few seconds, so that
 * somebody is told before a machine asks for one.
 *
 * Told are links, and what is mounted on a name, that lead into our own mount, to what does not answer, or to a place that may
 * not be read; and whole directories that cannot be listed.  Not told: a link to nothing or to a directory, which is not shown
 * by design.
 */
#ifndef PXEFS_NAMESPACE_OVERLAY_CHECK_H
#define PXEFS_NAMESPACE_OVERLAY_CHECK_H

#include <stddef.h>

#include "base/err.h"
#include "base/path_opener.h"

struct overlay_check;

#define OVERLAY_CHECK_SHOWN 8

struct overlay_absent {
        size_t n;                          /* names that are absent; more than are shown, perhaps */
        struct err v[OVERLAY_CHECK_SHOWN]; /* "/srv/tftp/boot.ipxe: it leads ..." */
};

/* Starts the thread that looks.
 *
 * dirs, opener  as of overlay_open; borrowed
 * log           told of a name that becomes absent (4, LOG_WARNING) or comes back (6, LOG_INFO)
 *
 * NULL if memory is short or no thread can be had. */
struct overlay_check *overlay_check_start(const char *const *dirs, size_t n, struct path_opener *opener,
        void (*log)(int priority, const char *line));
/* Stops and joins it, within a second or two.  NULL is fine. */
void overlay_check_stop(struct overlay_check *c);

/* What the last look found; from any thread. */
void overlay_check_get(struct overlay_check *c, struct overlay_absent *ret);

#endif
