/* SPDX-License-Identifier: MPL-2.0 */
/* token -- what may stand in a line of an iPXE script.  Pure; thread-safe.
 *
 * iPXE has no quoting and no escapes, so text is either harmless as it is or it is refused.  A reason is a
 * phrase that follows "is refused: "; it never repeats the value, which may be a secret.
 */
#ifndef PXEFS_RENDER_BOOT_TOKEN_H
#define PXEFS_RENDER_BOOT_TOKEN_H

#include <stdbool.h>

#include "base/buf.h"

/* Words in one line that iPXE is asked to run; see token.c, limits. */
#define TOKEN_MAX_WORDS 64

/* Why no loader can carry @value in a boot line, or NULL if each can.  The rules of iPXE, and "---", which
 * separates modules for PXELINUX' mboot.c32. */
const char *token_refuse_value(const char *value);

/* Why @line, without its newline, would not reach its command as it stands, or NULL.  For the words after a
 * command name; expansions that the renderer wrote itself (${mac:hexhyp}) must not be in it. */
const char *token_refuse_line(const char *line);

/* Adds @text for the screen or a comment: at most @max bytes, only printable ASCII, and nothing that iPXE
 * acts on.  What is not fit for that becomes '?'.  Returns true if anything was changed. */
bool token_put_display(struct buf *out, const char *text, size_t max);

/* RFC 1123: letters, digits, '-' and '.', labels of 1 to 63, 253 in all. */
bool token_is_hostname(const char *s);

/* One path component that survives URLs, iPXE, mboot.c32 and the kernel: letters, digits and "._+-", starting
 * with a letter or digit, and not "platform" (the kernel cuts its own path at the first "/platform/":
 * illumos-gate usr/src/uts/i86pc/os/fakebop.c, build_boot_properties). */
bool token_is_build_name(const char *s);

/* "aa-bb-cc-dd-ee-ff", as iPXE prints ${mac:hexhyp}. */
bool token_is_mac(const char *s);

#endif
