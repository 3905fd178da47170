/* SPDX-License-Identifier: MPL-2.0 */
/* lines -- pieces of text that every renderer for a loader needs; safe for each of them. */
#ifndef PXEFS_RENDER_BOOT_LINES_H
#define PXEFS_RENDER_BOOT_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "render/boot/offer.h"

#define LINES_MAX_DISPLAY 70 /* of 80 columns; iPXE's menu_ui.c keeps some */

void lines_put_number(struct buf *out, size_t n);

/* @text for the screen, or "(none)". */
void lines_put_display(struct buf *out, const char *text);

/* "host db1", or @stranger where no name may be shown. */
void lines_put_who(struct buf *out, const struct offer *o, const char *stranger);

/* Three comment lines: whose text this is, which build and why, where the reasons are. */
void lines_put_header(struct buf *out, const struct offer *o);

void lines_put_title(struct buf *out, const struct offer *o);

/* "Build x is not on the boot server", where the offer has no build. */
void lines_put_missing(struct buf *out, const struct offer *o);

/* How many values of the plan were refused, here or by the inventory. */
size_t lines_n_refused(const struct offer *o);

/* A line that begins with @start and says how many values were refused; nothing if none was. */
void lines_put_refused(struct buf *out, const struct offer *o, const char *start);

/* The serial port of the host's console, for the loader's own screen.  False if it is not on one, or its mode is none
 * that a loader knows. */
struct lines_serial {
        unsigned unit; /* 0: ttya, COM1 */
        unsigned long speed;
        char bits, parity, stop; /* '8' 'n' '1' */
};
bool lines_serial(const struct plan *p, struct lines_serial *ret);

#endif
