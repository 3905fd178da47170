/* SPDX-License-Identifier: MPL-2.0 */
/* bounds -- what one question to the inventory may cost: the size of a cell, and processor time.
 *
 * Anybody who may write to the file may write any row, with all CHECKs off.  A question that would go beyond
 * a bound fails by itself; the connection stays usable.
 */
#ifndef PXEFS_INVENTORY_STORE_BOUNDS_H
#define PXEFS_INVENTORY_STORE_BOUNDS_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

/* Of one cell, and of one row of an index with it.  The schema lets in 64 KiB (module.content). */
#define BOUNDS_CELL_BYTES  (1 << 20)
#define BOUNDS_ALLOC_BYTES (2 << 20)

/* The time of one question; owned by the connection, which must not move. */
struct bounds {
        int64_t until_ns; /* of the thread's processor time; 0: no question is being asked */
        unsigned cpu_ms;  /* what it was given */
};

/* Puts the bounds on a connection that was just opened, before anything is asked.  An SQLite error code; SQLITE_MISUSE if
 * the process has used SQLite in a way that makes them impossible. */
int bounds_apply(sqlite3 *db, struct bounds *b);

/* A question of this thread begins, and ends.  In between no allocation of SQLite for this thread is larger than
 * BOUNDS_ALLOC_BYTES, and a statement ends with SQLITE_INTERRUPT once the thread has worked for @cpu_ms. */
void bounds_begin(struct bounds *b, unsigned cpu_ms);
void bounds_end(struct bounds *b);

/* Whether SQLite was refused memory for this thread's question because of its bound: what is behind SQLITE_NOMEM then. */
bool bounds_were_met(void);

/* 0 for SQLITE_OK, ROW, DONE; else a negative errno: -EFBIG and -ETIME where a bound was met. */
int errno_from_sqlite(int rc);

#endif
