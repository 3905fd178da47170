/* SPDX-License-Identifier: MPL-2.0 */
/* inventory -- the operator's desired state, read live from SQLite.
 *
 * Every call reads inside one read transaction and sees one committed state.  Nothing is cached between
 * calls but connections and prepared statements, so a committed change is seen by the next call.  The
 * daemon never changes a row: its connections are query_only, and an authorizer denies everything but
 * reading.
 *
 * Whenever the file cannot be read (locked, damaged, gone, replaced, of a newer schema), the call is answered
 * from the last good copy, if there is one; as soon as it can be read, by the file again.
 *
 * Threads: all functions may be called from any thread at once (each call borrows one of a few connections).
 * They block for SQLite: microseconds as a rule; for a lock 250 ms at most, or 2 s if there is no copy; 2 s for a connection
 * when all of them hang.
 *
 * A question is bounded: the rows of a layer (256 properties or settings, 64 of all else; what is passed over is told in
 * the plan), a cell (1 MiB), processor time (10 ms; 500 ms for two at a time).  One that meets a bound counts as a
 * failure of the file for that question: the copy answers it, or else it is -EIO with the reason.
 */
#ifndef PXEFS_INVENTORY_INVENTORY_H
#define PXEFS_INVENTORY_INVENTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "inventory/plan/plan.h"
#include "inventory/store/standby.h"

struct inventory;

/* Opens the inventory; if it cannot be read, its copy.
 *
 * A file that was replaced by rename is noticed at the next call (its device and inode are compared).  While
 * the old file's -wal still stands beside the new one, the new one counts as unreadable (-ESTALE): SQLite
 * would mix the two.  Returns 0; -ENOENT, -EACCES, -EBUSY, -EBADMSG (not an inventory, or of a newer schema) with a
 * reason and the command that mends it.
 */
int inventory_open(const struct inventory_options *opts, struct inventory **ret, struct err *err);
void inventory_close(struct inventory *inv);

/* The plan of the machine with this MAC.  A MAC no row has gives a plan of kind PLAN_UNKNOWN, not an error.
 * 0, -ENOMEM, or a negative errno with the reason. */
int inventory_plan(struct inventory *inv, uint64_t mac, struct plan **ret, struct err *err);

/* The same by host.id; -ENOENT if there is none. */
int inventory_plan_by_host(struct inventory *inv, int64_t host_id, struct plan **ret, struct err *err);

/* MAC of the host's NIC with the lowest id, found by name, IP or UUID (exact text, case folded for names
 * and UUIDs). 0; -ENOENT if none fits; -ENOTUNIQ if (IP, UUID) more than one does. */
int inventory_mac_by_name(struct inventory *inv, const char *hostname, uint64_t *ret_mac, struct err *err);
int inventory_mac_by_ip(struct inventory *inv, const char *ip, uint64_t *ret_mac, struct err *err);
int inventory_mac_by_uuid(struct inventory *inv, const char *uuid, uint64_t *ret_mac, struct err *err);

/* What a channel's row says: the build's name in *ret (the caller frees it), without any canary; "latest"
 * if it names no build. The text is a valid name of one path component, but a build of that name may not be
 * there.  -ENOENT if there is no such channel. */
int inventory_channel(struct inventory *inv, const char *channel, char **ret_build, struct err *err);

/* Listing, stable under edits: calls @add for rows with a key greater than @after, in ascending order,
 * until it returns false.  The key is the MAC as a number for NICs and IPs, host.id for names and
 * UUIDs, channel.id for channels. */
typedef bool inventory_list_fn(void *ctx, uint64_t key, const char *name);
int inventory_list_macs(
        struct inventory *inv, uint64_t after, inventory_list_fn *add, void *ctx, struct err *err);
int inventory_list_names(
        struct inventory *inv, uint64_t after, inventory_list_fn *add, void *ctx, struct err *err);
int inventory_list_ips(
        struct inventory *inv, uint64_t after, inventory_list_fn *add, void *ctx, struct err *err);
int inventory_list_uuids(
        struct inventory *inv, uint64_t after, inventory_list_fn *add, void *ctx, struct err *err);
int inventory_list_channels(
        struct inventory *inv, uint64_t after, inventory_list_fn *add, void *ctx, struct err *err);

/* For status: counts of hosts and NICs, and schema version. */
struct inventory_summary {
        uint64_t hosts, nics;
        int schema_version;
};
int inventory_summary(struct inventory *inv, struct inventory_summary *ret, struct err *err);

/* How often it became unreadable, or readable again.  Costs nothing. */
unsigned inventory_changes(const struct inventory *inv);

void inventory_health(struct inventory *inv, struct inventory_health *ret);

#endif
