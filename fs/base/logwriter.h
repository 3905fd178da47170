/* SPDX-License-Identifier: MPL-2.0 */
/* logwriter -- writes lines to where the log is read: stderr, with a status line below them, or syslog.  A write waits
 * for the program at the other end, so only a thread that nobody waits for calls it (log.c). */
#ifndef PXEFS_BASE_LOGWRITER_H
#define PXEFS_BASE_LOGWRITER_H

#include <stdbool.h>
#include <time.h>

/* True if stderr is a terminal that can erase a line. */
bool logwriter_has_terminal(void);

/* One line to stderr, above @status ("": none).  False: nobody takes it. */
bool logwriter_stderr(const char *line, const char *status);

/* Draws @status in the place of the one before. */
void logwriter_draw(const char *status);

/* One line to syslog, that happened at @when.  False: nobody takes it, also after a second attempt to connect. */
bool logwriter_syslog(int priority, time_t when, const char *line);

#endif
