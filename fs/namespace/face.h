/* SPDX-License-Identifier: MPL-2.0 */
/* face -- the texts of /.pxefs: made at most once a second, and at once when something happened; internal to tree/.
 *
 * Their counters change with each request, also with the one that asks for them.  A text of its own for each lookup
 * would cost a pass over the inventory each time, and push out of the ring what was promised to machines.  So all lookups
 * within a second get one snapshot, all three texts of which say the same.  A change of the catalog or of the inventory's
 * health is seen by the next lookup all the same; a count of hosts may be a second old.
 *
 * Thread-safe.  Blocks for SQLite when it makes a snapshot; meanwhile others get the one before.
 */
#ifndef PXEFS_NAMESPACE_FACE_H
#define PXEFS_NAMESPACE_FACE_H

#include <stdbool.h>

#include "base/buf.h"
#include "namespace/facts.h"
#include "namespace/node.h"

struct face;

struct face *face_new(const struct facts_sources *s); /* NULL if memory is short */
void face_free(struct face *f);                       /* NULL is fine */

bool face_has(enum text_kind what); /* is it one of its texts? */

/* Adds the text to @out, and says when it was made, seconds since the epoch.  0 or -ENOMEM. */
int face_text(struct face *f, enum text_kind what, struct buf *out, int64_t *ret_made_sec);

/* Something happened that the texts tell: the next lookup makes them anew.  From any thread, also from on_inventory. */
void face_touch(struct face *f);

#endif
