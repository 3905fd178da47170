/* SPDX-License-Identifier: MPL-2.0 */
/* err -- the reason of a failure, one line for a person.
 *
 * Functions return a negative errno for the machine and, through a struct err that the caller owns, one
 * line that names the object, what is wrong with it and, where there is one, the way out.  Library code
 * never logs.
 */
#ifndef PXEFS_BASE_ERR_H
#define PXEFS_BASE_ERR_H

#include <stdarg.h>

struct err {
        char text[768]; /* UTF-8 or raw bytes of a file name; no line break; cut if longer */
};

/* Sets the reason and returns @r, a negative errno.  @err may be NULL.  Control characters in the text (a
 * hostile archive's member names reach it) become '?'.  For a failed system call the format ends without ":
 * strerror": err_sys() adds it. */
__attribute__((format(printf, 3, 4))) int err_set(struct err *err, int r, const char *fmt, ...);

/* As err_set, and appends ": " and the text of errno @r (negative). */
__attribute__((format(printf, 3, 4))) int err_sys(struct err *err, int r, const char *fmt, ...);

/* Puts "@fmt: " before a reason that is already there; returns @r. */
__attribute__((format(printf, 3, 4))) int err_prefix(struct err *err, int r, const char *fmt, ...);

#endif
