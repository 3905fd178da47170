/* SPDX-License-Identifier: MPL-2.0 */
/* utf8 -- what is text for a person and a terminal, and what is not.  No memory, no locks. */
#ifndef PXEFS_BASE_UTF8_H
#define PXEFS_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the UTF-8 sequence that the text @p begins with (RFC 3629, section 4: no surrogates, no overlong forms), 0
 * if it is none.  Stops at a NUL. */
size_t utf8_len(const unsigned char *p);

/* True if the text @p begins with a control character: C0, DEL, or C1 as UTF-8 (ECMA-48: U+009B is another ESC [). */
bool utf8_is_control(const unsigned char *p);

/* Makes one line of @text that drives no terminal: each byte of a control character, and each that is not of UTF-8 (a terminal
 * may take a bare 0x9b for ESC [), becomes '?'. */
void utf8_one_line(char *text);

#endif
