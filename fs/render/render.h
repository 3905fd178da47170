/* SPDX-License-Identifier: MPL-2.0 */
/* render -- from a plan to the text a loader reads.  Pure: no file, no clock, no database; the same input gives the
 * same bytes, under a millisecond.  Thread-safe.
 */
#ifndef PXEFS_RENDER_RENDER_H
#define PXEFS_RENDER_RENDER_H

#include "base/buf.h"
#include "base/err.h"
#include "build/buildlist.h"
#include "inventory/plan.h"

/* Where the script stands in the tree: relative references begin with this. */
#define RENDER_UP_FROM_HOST "../../" /* hosts/<mac>/menu.ipxe */

/* The script of one machine: menu, minimal, local disk, or the unknown-host policy's.  A value that no loader can carry is left
 * out with its property, never the whole script: the menu says on screen that something was refused, and why (render_why)
 * says what.  A build that is not there gives a script that says so, offers the others, and boots nothing by itself.
 *
 * p, builds  borrowed
 * latest     name of the build `latest` stands for, or NULL if there is none
 * out        the text is added to it
 *
 * Returns 0 or -ENOMEM.
 */
int render_ipxe(const struct plan *p, const struct build_list *builds, const char *latest, struct buf *out);

/* The dispatcher, /menu.ipxe and /autoexec.ipxe: chains the host's own script, says so and retries when it
 * cannot be had, and never boots anything itself.  base_url NULL: relative.  Returns 0 or -ENOMEM. */
int render_dispatcher(const char *base_url, struct buf *out);

/* hosts/<mac>/why: each effective value with the layer that gave it, the build and its rule, the budget, and each
 * refusal with its reason.  Secrets only as "set, from <layer>".  Returns 0 or -ENOMEM. */
int render_why(const struct plan *p, const struct build_list *builds, const char *latest, struct buf *out);

#endif
