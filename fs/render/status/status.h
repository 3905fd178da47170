/* SPDX-License-Identifier: MPL-2.0 */
/* status -- what the daemon says about itself, in three forms: for programs, for Prometheus, for a browser.
 *
 * All are pure: facts in (facts.h), text out.  None holds a secret or a host's data.  status.json and index.html say
 * nothing that changes without an event (no counter, no age), so that a lasting state is one text, which a conditional
 * GET need not fetch twice; counters are in metrics.
 */
#ifndef PXEFS_RENDER_STATUS_STATUS_H
#define PXEFS_RENDER_STATUS_STATUS_H

#include "base/buf.h"
#include "render/status/facts.h"

/* In status.json, of each list: there may be any number of archives, and each change makes a new text of it, beside which menus
 * that are being read must find room.  What needs attention is listed first; *_total says how many there are, and pxectl
 * builds lists them all. */
#define STATUS_LISTED       500
#define STATUS_LISTED_BYTES (256u << 10)

/* Each returns 0 or -ENOMEM. */
int render_status(const struct daemon_facts *f, struct buf *out); /* /.pxefs/status.json */
int render_metrics(
        const struct daemon_facts *f, struct buf *out); /* /.pxefs/metrics: Prometheus text format 0.0.4 */
int render_index(const struct daemon_facts *f, struct buf *out); /* /.pxefs/index.html: at most 64 KiB */

#endif
