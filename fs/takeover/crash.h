/* SPDX-License-Identifier: MPL-2.0 */
/* crash -- a worker that dies by its own doing writes into the journal what it was at work on. */
#ifndef PXEFS_TAKEOVER_CRASH_H
#define PXEFS_TAKEOVER_CRASH_H

#include "takeover/journal.h"

/* From here on: a thread that crashes (atwork_signals) has its mark (base/atwork.h) written into @j, borrowed for ever, as
 * this process's last words.  Then the signal does what it does without us: the process ends by it, with a core where one
 * may be written.  A signal that another process sent says nothing and is passed on.
 *
 * For the worker that has the journal to itself; once in a process. */
void crash_watch(struct journal *j);

#endif
