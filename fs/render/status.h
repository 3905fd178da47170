/* SPDX-License-Identifier: MPL-2.0 */
/* status -- /.pxefs/status.json: what is served, what is not and why.  Holds no secret and no host's data. */
#ifndef PXEFS_RENDER_STATUS_H
#define PXEFS_RENDER_STATUS_H

#include "base/buf.h"
#include "build/catalog.h"
#include "inventory/inventory.h"

/* v                borrowed
 * inventory        borrowed; NULL if it cannot be read, then
 * inventory_error  says why
 * sandbox          what confines the daemon, a JSON object; NULL: null
 *
 * Returns 0 or -ENOMEM. */
int render_status(const struct catalog_view *v, const struct inventory_summary *inventory,
        const char *inventory_error, const char *version, const char *sandbox, struct buf *out);

#endif
