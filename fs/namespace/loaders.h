/* SPDX-License-Identifier: MPL-2.0 */
/* loaders -- the names that PXELINUX, pxegrub and Triton's booter ask for, and whose file is meant by each. */
#ifndef PXEFS_NAMESPACE_LOADERS_H
#define PXEFS_NAMESPACE_LOADERS_H

#include <stdbool.h>
#include <stdint.h>

#include "inventory/inventory.h"
#include "namespace/overlay.h"
#include "namespace/text.h"

#define LOADER_NAME_SIZE 32 /* "menu.lst.01AABBCCDDEEFF" */

struct loader_file {
        enum text_kind what;
        uint64_t mac;
};

/* Whether names of @place (enum fixed_place) may say whose file is meant. */
bool loader_place(unsigned place);

/* Whose file, and which, is called @name in @place.  0; -ENOENT: none is; -ENOTUNIQ: two hosts' is; or the inventory's
 * errno. */
int loader_find(struct inventory *inv, unsigned place, const char *name, struct loader_file *ret);

/* How the listing of @place names the host with this MAC; "" if it does not. */
void loader_name(unsigned place, uint64_t mac, char ret[LOADER_NAME_SIZE]);

/* The directory of plain files that is merged into @place.  -ENOENT if there is none. */
int loader_overlay(struct overlay *o, unsigned place, uint64_t *ret_hash);

#endif
