/* SPDX-License-Identifier: MPL-2.0 */
/* iofault -- the n-th call of SQLite to its files fails, once; everything before and after it works.
 *
 * A VFS of SQLite that hands every call to the real one and counts those that can fail in the world: opening, reading,
 * writing, cutting, syncing, asking for the size, locking, deleting, and WAL's shared memory (mapping, locking).  What a
 * failing call does: SQLITE_IOERR_...; every other failing write is SQLITE_FULL and every other lock SQLITE_BUSY instead; opening is
 * SQLITE_CANTOPEN.  The real call is not made.
 *
 * The count belongs to the calling thread, so one that makes copies meanwhile is left alone.  Link dep_iofault and call
 * iofault_install() before the first connection is opened.
 */
#ifndef PXEFS_TESTS_IOFAULT_H
#define PXEFS_TESTS_IOFAULT_H

#include <stdbool.h>

/* Makes it the default VFS.  False: SQLite has none to stand before. */
bool iofault_install(void);

/* From now on the @nth call (1 is the very next) fails, once; 0 disarms.  Either way iofault_fired() is false anew. */
void iofault_arm(unsigned nth);

/* Calls @fn at each sync of a file, in the thread that makes it; NULL: no more. */
void iofault_at_sync(void (*fn)(void *ctx), void *ctx);

/* NULL, or the name of the call that has failed. */
const char *iofault_fired(void);

#endif
