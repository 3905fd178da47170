/* SPDX-License-Identifier: MPL-2.0 */
/* hostile -- mount option test_hostile: SIGUSR1 has the serving worker do what one that was taken over could do to the memory
 * it shares with its keeper and its successors, and SIGUSR2 has it flood its keeper. */
#ifndef PXEFS_HOSTILE_H
#define PXEFS_HOSTILE_H

#include "catalog/catalog.h"
#include "takeover/journal.h"

/* In the process that serves, from here on; both are borrowed for ever, and the catalog may come later. */
void hostile_arm(struct journal *j);
void hostile_set_catalog(struct catalog *c);

#endif
