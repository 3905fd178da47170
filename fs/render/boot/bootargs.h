/* SPDX-License-Identifier: MPL-2.0 */
/* bootargs -- from boot properties to the words after the kernel's name.  Pure; thread-safe.
 *
 * The result is "<flags> -B <name>=<value>,...": flags sorted by name, then properties sorted by name, each
 * name once. The same plan gives the same bytes.  Order has no meaning for the kernel, since no name comes
 * twice.
 *
 * A property that no loader can carry is left out with its reason; all others go on.
 */
#ifndef PXEFS_RENDER_BOOT_BOOTARGS_H
#define PXEFS_RENDER_BOOT_BOOTARGS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "inventory/plan/plan.h"
#include "render/boot/budget.h"

/* What was left out, one line each: "property <name> (<layer>) is refused: <why>. <way out>." */
struct refusals {
        struct buf lines; /* each ends with '\n' */
        size_t n;
};

#define REFUSALS_INIT                                                                                        \
        {                                                                                                    \
                BUF_INIT, 0                                                                                  \
        }

void refusals_fini(struct refusals *r);
#define AUTO_REFUSALS AUTO_CLEAN(refusals_fini)

/* Adds one line; the arguments are printed with what is not printable as '?'.  @refused may be NULL. */
void refusals_add(struct refusals *refused, const char *what, const char *name, const char *layer,
        const char *why, const char *way_out);

/* A difference between a menu entry and the host's own properties: a value that takes the place of any there
 * is, or NULL to leave the property out.  Names that start with '-' are flags, as in plans. */
struct bootargs_change {
        const char *name, *value;
};

#define BOOTARGS_MASK_SECRETS 1u /* <secret> in place of values marked secret: for why, never for a script */
#define BOOTARGS_FOR(dialect) ((unsigned)(dialect) << 8) /* leave out what this loader cannot carry */

/* Adds the words for the properties of @p, changed by @changes, to @out; nothing if there are none.
 *
 * Implied, unless the plan sets or unsets them: hostname, from the host's row; ttya-mode (ttyb-, ...)
 * "115200,8,n,1,-", where console is ttya (ttyb, ...).
 *
 * refused  receives what was left out, as far as the plan's own rows are concerned; may be NULL
 *
 * Returns 0 or -ENOMEM; then @out holds part of the text.
 */
int bootargs_make(const struct plan *p, const struct bootargs_change *changes, size_t n_changes,
        unsigned options, struct buf *out, struct refusals *refused);

/* Calls @add for each property that no row sets and bootargs_make adds all the same, with the reason.  0 or
 * -ENOMEM. */
typedef void bootargs_implied_fn(void *ctx, const char *name, const char *value, const char *why);
int bootargs_implied(const struct plan *p, bootargs_implied_fn *add, void *ctx);

/* Whether the value must not be shown.  root_shadow always is. */
bool bootargs_is_secret(const struct plan_property *q);

/* Adds @value as the kernel's -B grammar wants it, bare or quoted, or returns why that cannot be done. */
const char *bootargs_encode_value(const char *value, struct buf *out);

/* The effective value of property @name without any change, implied ones not counted; NULL if there is none.
 * */
const char *bootargs_value(const struct plan *p, const char *name);

/* The line settings of the console the plan gives, if it is a serial port: unit 0 for ttya, and the mode as the
 * kernel is told it ("115200,8,n,1,-").  False if the console is the screen. */
bool bootargs_serial(const struct plan *p, unsigned *ret_unit, const char **ret_mode);

/* dboot (illumos-gate usr/src/uts/i86pc/dboot/dboot_startkern.c, startup_kernel) stops the boot where this word stands
 * anywhere in the kernel's line, its URL included. */
#define BOOTARGS_STOPS_DBOOT "multiboot"
extern const char bootargs_why_dboot_stops[];

/* Why @value may not be the value of property @name although loaders and kernel carry it: SmartOS' own scripts would run a
 * part of it, or lose the properties of the machine for it.  NULL if nothing is wrong. */
const char *bootargs_refuse_property(const char *name, const char *value);

/* What SmartOS' own scripts make of @value, though loaders and kernel carry it; NULL if nothing is wrong. */
const char *bootargs_warn(const char *name, const char *value);

/* True if the plan's rows unset @name. */
bool bootargs_is_unset(const struct plan *p, const char *name);

#endif
