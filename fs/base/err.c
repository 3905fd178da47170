/* SPDX-License-Identifier: MPL-2.0 */
/* err -- one line for a person; see err.h.  No allocation: a reason must be given when memory is short too. */
#include "err.h"

#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

int err_set(struct err *err, int r, const char *fmt, ...)
{
        va_list ap;

        if (!err)
                return r;
        va_start(ap, fmt);
        (void)vsnprintf(err->text, sizeof err->text, fmt, ap);
        va_end(ap);
        utf8_one_line(err->text);
        return r;
}

int err_sys(struct err *err, int r, const char *fmt, ...)
{
        va_list ap;
        size_t n;

        if (!err)
                return r;
        va_start(ap, fmt);
        (void)vsnprintf(err->text, sizeof err->text, fmt, ap);
        va_end(ap);
        n = strlen(err->text);
        (void)snprintf(err->text + n, sizeof err->text - n, ": %s", strerror(-r));
        utf8_one_line(err->text);
        return r;
}

int err_prefix(struct err *err, int r, const char *fmt, ...)
{
        char old[sizeof err->text];
        va_list ap;
        size_t n;

        if (!err)
                return r;
        memcpy(old, err->text, sizeof old);
        va_start(ap, fmt);
        (void)vsnprintf(err->text, sizeof err->text, fmt, ap);
        va_end(ap);
        n = strlen(err->text);
        (void)snprintf(err->text + n, sizeof err->text - n, ": %s", old);
        utf8_one_line(err->text);
        return r;
}
