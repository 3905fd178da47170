/* SPDX-License-Identifier: MPL-2.0 */
/* render -- from a plan to the text a loader reads.  Pure: no file, no clock, no database; the same input
 * gives the same bytes, under a millisecond.  Thread-safe.
 */
#ifndef PXEFS_RENDER_BOOT_RENDER_H
#define PXEFS_RENDER_BOOT_RENDER_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "inventory/plan/plan.h"
#include "platform/buildlist.h"

/* Where the script stands in the tree: relative references begin with this. */
#define RENDER_UP_FROM_HOST "../../" /* hosts/<mac>/menu.ipxe */

/* The script of one machine: menu, minimal, local disk, or the unknown-host policy's.
 *
 * A value that no loader can carry is left out with its property, never the whole script: the menu says on
 * screen that something was refused, and render_why says what.  A build that is not there gives a script that
 * says so, offers the others, and boots nothing by itself.  So does an entry whose boot line does not fit the
 * loader (after boot_archive.hash was left out to make it fit).
 *
 * Without base_url, references are relative, and the length of a boot line is computed as if the client had
 * the script from http://<15 bytes of address>/hosts/...: no port, no prefix.  A port or a prefix takes its
 * length once for the kernel and once for each module; written as base_url, it is counted.
 *
 * p, builds  borrowed
 * latest     name of the build `latest` stands for, or NULL if there is none
 * out        the text is added to it: 4 KiB for a menu with few builds, 8 KiB with 30
 *
 * Returns 0 or -ENOMEM.
 */
int render_ipxe(const struct plan *p, const struct build_list *builds, const char *latest, struct buf *out);

/* PXELINUX' configuration (pxelinux.cfg/01-<mac>, ...) and pxegrub's menu.lst, of the same machine: the same
 * entries, properties, flags and modules as far as the loader can carry them; what it cannot is left out and
 * listed by render_why.
 *
 * anybody  the text any machine may be given whose own could not be had (pxelinux.cfg/default, menu.lst): it boots
 *          no build by itself, whatever the policy for unknown machines says
 *
 * Other arguments and results as render_ipxe. */
int render_pxelinux(const struct plan *p, const struct build_list *builds, const char *latest, bool anybody,
        struct buf *out);
int render_grub(const struct plan *p, const struct build_list *builds, const char *latest, bool anybody,
        struct buf *out);

/* The dispatcher, /menu.ipxe: chains the host's own script, says so and asks again when it cannot be had, and never
 * boots anything itself.  It stands at the root of the tree.  base_url NULL, empty or not usable: relative.  Returns 0
 * or -ENOMEM. */
int render_dispatcher(const char *base_url, struct buf *out);

/* /autoexec.ipxe: the same, but opens a network card first if none is open. */
int render_autoexec(const char *base_url, struct buf *out);

/* /boot.ipxe.01<MAC12>: the same for the machine with this MAC ("aa-bb-cc-dd-ee-ff"), whoever asks. */
int render_dispatcher_for(const char *mac, const char *base_url, struct buf *out);

/* hosts/<mac>/why: each effective value with the layer that gave it, the build and its rule, the budget, and
 * each refusal with its reason.  Secrets only as "set, from <layer>".  Returns 0 or -ENOMEM. */
int render_why(const struct plan *p, const struct build_list *builds, const char *latest, struct buf *out);

#endif
