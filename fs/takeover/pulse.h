/* SPDX-License-Identifier: MPL-2.0 */
/* pulse -- a thread that says once a second that the process is alive, and ends it when its keeper is gone. */
#ifndef PXEFS_TAKEOVER_PULSE_H
#define PXEFS_TAKEOVER_PULSE_H

#include "takeover/journal.h"

struct pulse;

/* Starts the thread; @control_fd is the socket to the keeper.  Both are borrowed.  NULL if it cannot be. */
struct pulse *pulse_start(struct journal *j, int control_fd);
void pulse_stop(struct pulse *p); /* NULL is fine */

#endif
