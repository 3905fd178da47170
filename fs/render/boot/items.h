/* SPDX-License-Identifier: MPL-2.0 */
/* items -- menu entries of the operator's own, in iPXE's language: what a body may hold, and how it is put into a script
 * so that it stays in its own section.  Pure; thread-safe. */
#ifndef PXEFS_RENDER_BOOT_ITEMS_H
#define PXEFS_RENDER_BOOT_ITEMS_H

#include "base/buf.h"
#include "inventory/plan/plan.h"

/* Why the item cannot stand in a menu, or NULL.  Its label is shown with '?' for what a screen cannot take, which is no
 * reason. */
const char *items_refuse(const struct plan_item *item);

/* Adds the section ":item-<key>" of an item that items_refuse let pass.  Where a line fails it goes to item-failed,
 * behind its last line to menu. */
void items_put_section(const struct plan_item *item, struct buf *out);

#endif
