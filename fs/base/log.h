/* SPDX-License-Identifier: MPL-2.0 */
/* log -- one line an event, to stderr or to syslog.
 *
 * Only main.c and the parts that decide what happens next log (style: library code returns and never logs).
 * Never one line a request: a boot storm must not become a log storm.  Thread-safe.
 */
#ifndef PXEFS_BASE_LOG_H
#define PXEFS_BASE_LOG_H

#include <stdbool.h>

/* Connects to syslog now: a process that may not make sockets later can still log.  Sends nothing there yet. */
void log_prepare(void);

/* Sends what follows to syslog (facility daemon, with our pid) instead of stderr.  Call it once, when the
 * daemon leaves its terminal. */
void log_to_syslog(void);

/* Leaves the terminal for good: log_to_syslog, and stdin, stdout and stderr become /dev/null. */
void log_leave_terminal(void);

/* Keeps @text (no line break) as the last line of the terminal stderr is: log lines appear above it.  The same text
 * draws nothing; NULL takes it away.  Only where log_has_terminal(); one caller. */
void log_status(const char *text);

/* True if stderr is a terminal that can erase a line. */
bool log_has_terminal(void);

/* Shows log_debug lines too. */
void log_set_debug(bool on);

__attribute__((format(printf, 1, 2))) void log_debug(const char *fmt, ...);
__attribute__((format(printf, 1, 2))) void log_info(const char *fmt, ...);
__attribute__((format(printf, 1, 2))) void log_warn(const char *fmt, ...);
__attribute__((format(printf, 1, 2))) void log_error(const char *fmt, ...);

#endif
