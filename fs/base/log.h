/* SPDX-License-Identifier: MPL-2.0 */
/* log -- writes one line an event to stderr or to syslog.  A thread that logs never waits for the program that reads the log.
 *
 * Only main.c and the parts that decide what happens next log (style: library code returns and never logs).
 * Never one line a request: a boot storm must not become a log storm.  Thread-safe.
 *
 * A line goes one of three ways:
 *   launcher  straight to stderr, until log_start
 *   keeper    into a queue; a thread of its own, which may wait as long as it likes, writes to stderr or to syslog
 *   worker    as a packet to the keeper (log_to_keeper), which alone speaks to syslog: the worker's sandbox would not let it
 *             connect to a syslog that was restarted
 *
 * A line that finds no room, or nobody who takes it, is dropped and counted; the next one that is written says how many were.
 */
#ifndef PXEFS_BASE_LOG_H
#define PXEFS_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define LOG_LINE_BYTES 1024 /* what is longer is cut */

/* Starts the thread that writes; from here on no call of this module blocks.  0 or a negative errno.  Not before a fork that
 * shall log too. */
int log_start(struct err *err);

/* Waits until all that was logged is written, for @ms at most. */
void log_flush(int ms);

/* Leaves the terminal for good: what follows goes to syslog (facility daemon, with our pid), and stdin, stdout and stderr
 * become /dev/null. */
void log_leave_terminal(void);

/* Keeps @text (no line break) as the last line of the terminal stderr is: log lines appear above it.  The same text
 * draws nothing; NULL takes it away.  Only where log_has_terminal(); one caller. */
void log_status(const char *text);

/* True if stderr is a terminal that can erase a line; after log_to_keeper: if it was one then. */
bool log_has_terminal(void);

/* Shows log_debug lines too. */
void log_set_debug(bool on);

/* Lines that were dropped since the start; in a worker, those that its keeper does not know of yet. */
uint64_t log_lost(void);

/* ---- between a worker and its keeper ---- */

/* Makes the socket: ends[0] for log_forward, ends[1] for log_to_keeper of every worker.  0 or a negative errno. */
int log_make_socket(int ends[2], struct err *err);

/* From here on lines go to the keeper by the socket @fd (borrowed), and stdin, stdout and stderr become /dev/null: a library
 * that prints could wait there.  With @keep_stderr that one stays (a sanitizer's report). */
void log_to_keeper(int fd, bool keep_stderr);

/* The keeper: logs what workers sent, at most @max packets.  Returns how many there were.  What they hold is cut, and becomes
 * one line; a worker may lie in it, as in all it says. */
unsigned log_forward(int fd, unsigned max);

__attribute__((format(printf, 1, 2))) void log_debug(const char *fmt, ...);
__attribute__((format(printf, 1, 2))) void log_info(const char *fmt, ...);
__attribute__((format(printf, 1, 2))) void log_warn(const char *fmt, ...);
__attribute__((format(printf, 1, 2))) void log_error(const char *fmt, ...);

#endif
