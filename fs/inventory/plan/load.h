/* SPDX-License-Identifier: MPL-2.0 */
/* load -- from rows to a plan, inside one read transaction. */
#ifndef PXEFS_INVENTORY_PLAN_LOAD_H
#define PXEFS_INVENTORY_PLAN_LOAD_H

#include <stdint.h>

#include "base/err.h"
#include "inventory/plan/plan.h"
#include "inventory/store/conn.h"

/* The plan of host @id, for its NIC @mac (0: the lowest there is).  @rival is another host that has a NIC with
 * this MAC, 0 if there is none: then the plan boots nothing by itself.  -ENOENT if there is no such row. */
int load_host(struct conn *c, int64_t id, uint64_t mac, int64_t rival, struct plan **ret, struct err *err);

/* The plan of a machine without a row. */
int load_unknown(struct conn *c, uint64_t mac, struct plan **ret, struct err *err);

#endif
