/* SPDX-License-Identifier: MPL-2.0 */
/* lines -- see lines.h. */
#include "lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/put.h"
#include "render/boot/token.h"

#define IPXE_MAC "${mac:hexhyp}" /* which iPXE fills in on the screen; in a comment it stands for itself */

void lines_put_number(struct buf *out, size_t n)
{
        char digits[24];

        (void)snprintf(digits, sizeof digits, "%zu", n);
        buf_puts(out, digits);
}

void lines_put_display(struct buf *out, const char *text)
{
        (void)token_put_display(out, text ? text : "(none)", LINES_MAX_DISPLAY);
}

void lines_put_who(struct buf *out, const struct offer *o, const char *stranger)
{
        const char *name = o->plan->hostname;

        if (o->plan->kind == PLAN_UNKNOWN || !name || !token_is_hostname(name))
                buf_puts(out, stranger);
        else
                PUT(out, "host ", name);
}

/* No MAC of the plan is printed in a text for a loader: all NICs of a host share one, and all strangers another. */
static void put_why_path(struct buf *out, const struct offer *o)
{
        PUT(out, "hosts/", o->dialect == DIALECT_IPXE ? IPXE_MAC : "<its MAC>", "/why");
}

void lines_put_header(struct buf *out, const struct offer *o)
{
        const struct plan *p = o->plan;

        buf_puts(out, "# pxefs: ");
        lines_put_who(
                out, o, o->dialect == DIALECT_IPXE ? "machine " IPXE_MAC : "a machine nobody has entered");
        if (p->profile) {
                buf_puts(out, ", profile ");
                lines_put_display(out, p->profile);
        }
        buf_puts(out, ".\n# Build: ");
        lines_put_display(out, o->wanted);
        buf_puts(out, ", by ");
        lines_put_display(out, p->build_why);
        buf_puts(out, ".\n# Where each value comes from, and what was refused: ");
        put_why_path(out, o);
        buf_puts(out, "\n\n");
}

void lines_put_title(struct buf *out, const struct offer *o)
{
        lines_put_display(out,
                o->plan->menu_title && *o->plan->menu_title ? o->plan->menu_title : "SmartOS network boot");
}

void lines_put_missing(struct buf *out, const struct offer *o)
{
        if (o->wanted) {
                buf_puts(out, "Build ");
                lines_put_display(out, o->wanted);
                buf_puts(out, " is not on the boot server");
        } else {
                buf_puts(out, "The boot server has no release build yet");
        }
}

size_t lines_n_refused(const struct offer *o)
{
        return o->refused.n + o->plan->n_problems;
}

void lines_put_refused(struct buf *out, const struct offer *o, const char *start)
{
        size_t n = lines_n_refused(o);

        if (n == 0)
                return;
        buf_puts(out, start);
        lines_put_number(out, n);
        buf_puts(out, n == 1 ? " value was refused: " : " values were refused: ");
        put_why_path(out, o);
        buf_puts(out, "\n");
}

bool lines_serial(const struct plan *p, struct lines_serial *ret)
{
        struct lines_serial s;
        const char *mode;
        char *end;

        if (!bootargs_serial(p, &s.unit, &mode) || mode[0] < '1' || mode[0] > '9')
                return false;
        s.speed = strtoul(mode, &end, 10);
        if (end - mode > 7 || strlen(end) != 8 || end[0] != ',' || end[2] != ',' || end[4] != ',' ||
                !strchr("5678", end[1]) || !strchr("neo", end[3]) || !strchr("12", end[5]))
                return false;
        s.bits = end[1];
        s.parity = end[3];
        s.stop = end[5];
        *ret = s;
        return true;
}
