/* SPDX-License-Identifier: MPL-2.0 */
/* buf -- growing text; see buf.h. */
#include "buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

void buf_fini(struct buf *b)
{
        free(b->data);
        *b = (struct buf)BUF_INIT;
}

static int reserve(struct buf *b, size_t more)
{
        size_t cap = b->cap ? b->cap : 256;
        char *p;

        if (b->error)
                return b->error;
        if (more > SIZE_MAX / 4 - b->len)
                return b->error = -ENOMEM;
        while (cap < b->len + more + 1)
                cap *= 2;
        if (cap == b->cap)
                return 0;
        p = realloc(b->data, cap);
        if (!p)
                return b->error = -ENOMEM;
        b->data = p;
        b->cap = cap;
        return 0;
}

void buf_add(struct buf *b, const void *p, size_t len)
{
        if (reserve(b, len) < 0)
                return;
        if (len)
                memcpy(b->data + b->len, p, len);
        b->len += len;
        b->data[b->len] = '\0';
}

void buf_puts(struct buf *b, const char *s)
{
        buf_add(b, s, strlen(s));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
        va_list ap;
        int n;

        va_start(ap, fmt);
        n = vsnprintf(NULL, 0, fmt, ap);
        va_end(ap);
        if (n < 0) {
                if (!b->error)
                        b->error = -EINVAL;
                return;
        }
        if (reserve(b, (size_t)n) < 0)
                return;
        va_start(ap, fmt);
        (void)vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
        va_end(ap);
        b->len += (size_t)n;
}

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* Gives @put each character of @s, up to @max bytes of it; bytes that are not UTF-8 as U+FFFD.  Returns whether that was
 * all. */
static bool each_character(struct buf *b, const char *s, size_t max,
        void (*put)(struct buf *b, const unsigned char *p, size_t n))
{
        const unsigned char *p = (const unsigned char *)s, *end = p;

        while (*end && (size_t)(end - p) < max)
                end++;
        while (p < end) {
                size_t n = utf8_len(p);

                put(b, n ? p : (const unsigned char *)REPLACEMENT, n ? n : sizeof REPLACEMENT - 1);
                p += n ? n : 1;
        }
        return *p == '\0';
}

static void put_json(struct buf *b, const unsigned char *p, size_t n)
{
        if (*p == '"' || *p == '\\')
                buf_printf(b, "\\%c", *p);
        else if (utf8_is_control(p))
                buf_printf(b, "\\u%04x", p[n - 1]); /* of C1, U+0080 to U+009F, the second byte is the number */
        else if (n == sizeof REPLACEMENT - 1 && memcmp(p, REPLACEMENT, n) == 0)
                buf_puts(b, "\\ufffd");
        else
                buf_add(b, p, n);
}

void buf_json(struct buf *b, const char *s)
{
        if (!s) {
                buf_puts(b, "null");
                return;
        }
        buf_puts(b, "\"");
        (void)each_character(b, s, SIZE_MAX, put_json);
        buf_puts(b, "\"");
}

static void put_html(struct buf *b, const unsigned char *p, size_t n)
{
        static const struct {
                unsigned char c;
                const char *entity;
        } entities[] = { { '&', "&amp;" }, { '<', "&lt;" }, { '>', "&gt;" }, { '"', "&quot;" },
                { '\'', "&#39;" } };

        for (size_t i = 0; i < sizeof entities / sizeof entities[0]; i++)
                if (*p == entities[i].c) {
                        buf_puts(b, entities[i].entity);
                        return;
                }
        if (utf8_is_control(p)) /* HTML has no way to write them */
                buf_puts(b, REPLACEMENT);
        else
                buf_add(b, p, n);
}

void buf_html(struct buf *b, const char *s, size_t max)
{
        if (!each_character(b, s, max, put_html))
                buf_puts(b, "\xe2\x80\xa6"); /* an ellipsis */
}

/* The text format escapes these three and nothing else (Prometheus, "exposition formats"). */
static void put_label(struct buf *b, const unsigned char *p, size_t n)
{
        if (*p == '"' || *p == '\\')
                buf_printf(b, "\\%c", *p);
        else if (*p == '\n')
                buf_puts(b, "\\n");
        else if (utf8_is_control(p)) /* allowed, but somebody may look at it on a terminal */
                buf_puts(b, REPLACEMENT);
        else
                buf_add(b, p, n);
}

void buf_label(struct buf *b, const char *s)
{
        buf_puts(b, "\"");
        (void)each_character(b, s, SIZE_MAX, put_label);
        buf_puts(b, "\"");
}

int buf_error(const struct buf *b)
{
        return b->error;
}

char *buf_take(struct buf *b, size_t *ret_len)
{
        char *p;

        if (reserve(b, 0) < 0)
                return NULL;
        b->data[b->len] = '\0';
        p = b->data;
        if (ret_len)
                *ret_len = b->len;
        *b = (struct buf)BUF_INIT;
        return p;
}
