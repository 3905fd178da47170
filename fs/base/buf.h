/* SPDX-License-Identifier: MPL-2.0 */
/* buf -- growing text, with one check at the end.
 *
 * Every function that adds is a no-op after the first failure, so that a renderer writes straight down and
 * asks buf_error() once.  data is always NUL-terminated when not NULL; len does not count that NUL.
 */
#ifndef PXEFS_BASE_BUF_H
#define PXEFS_BASE_BUF_H

#include <stddef.h>

#include "base/cleanup.h"

struct buf {
        char *data; /* owned; NULL while empty */
        size_t len; /* bytes */
        size_t cap; /* bytes allocated */
        int error;  /* 0, or the negative errno of the first failure */
};

#define BUF_INIT                                                                                             \
        {                                                                                                    \
                NULL, 0, 0, 0                                                                                \
        }
#define AUTO_BUF AUTO_CLEAN(buf_fini)

void buf_fini(struct buf *b);
void buf_add(struct buf *b, const void *p, size_t len);
void buf_puts(struct buf *b, const char *s);
__attribute__((format(printf, 2, 3))) void buf_printf(struct buf *b, const char *fmt, ...);

/* Adds @s as a JSON string with its quotes; NULL becomes null.  Bytes that are not UTF-8 become U+FFFD, so
 * the output is valid JSON whatever a file name holds. */
void buf_json(struct buf *b, const char *s);

/* Adds @s as text of an HTML page or of a quoted attribute, cut with an ellipsis after about @max bytes of it.  Bytes
 * that are not UTF-8, and control characters, become U+FFFD. */
void buf_html(struct buf *b, const char *s, size_t max);

/* Adds @s as the value of a label in Prometheus' text format, with its quotes; as buf_html for what
 * is not UTF-8, and for control characters other than line breaks. */
void buf_label(struct buf *b, const char *s);

/* 0 or -ENOMEM. */
int buf_error(const struct buf *b);

/* Hands the text (never NULL when buf_error is 0) and its length to the caller; @b is empty afterwards.
 * Returns NULL if there was an error or no memory. */
char *buf_take(struct buf *b, size_t *ret_len);

#endif
