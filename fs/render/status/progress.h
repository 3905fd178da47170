/* SPDX-License-Identifier: MPL-2.0 */
/* progress -- one line for a terminal: what is being read, and how long it will take. */
#ifndef PXEFS_RENDER_STATUS_PROGRESS_H
#define PXEFS_RENDER_STATUS_PROGRESS_H

#include "base/buf.h"
#include "catalog/catalog.h"

/* "reading 3 of 50: platform-20241010T000000Z.tgz 41 %, 12 s left", of at most @columns characters: a long file name
 * loses its middle.  Nothing if nothing is read.  The time is of all that is left, by the rate so far, and not guessed in
 * the first second.  Returns 0 or -ENOMEM. */
int render_progress(const struct catalog_progress *p, unsigned columns, struct buf *out);

#endif
