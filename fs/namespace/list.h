/* SPDX-License-Identifier: MPL-2.0 */
/* list -- directory listings of the namespace. */
#ifndef PXEFS_NAMESPACE_LIST_H
#define PXEFS_NAMESPACE_LIST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "namespace/place.h"

/* Lists @dir from key @after on, ascending, until @add returns false.  Keys identify names, not positions,
 * so a listing goes on rightly under edits and in another process. They are at least PLACE_FIRST_KEY and
 * below 2^63. */
#define PLACE_FIRST_KEY UINT64_C(3)
typedef bool place_list_fn(void *ctx, const char *name, uint64_t node, mode_t type, uint64_t key);
int place_list(const struct places *p, const struct node *dir, uint64_t after, place_list_fn *add, void *ctx);

#endif
