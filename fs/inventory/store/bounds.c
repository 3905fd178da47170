/* SPDX-License-Identifier: MPL-2.0 */
/* bounds -- see bounds.h.
 *
 * Size.  SQLITE_LIMIT_LENGTH refuses a cell when a statement asks for it, but not when a search meets it on its way:
 * sqlite3BtreeIndexMoveto() loads the whole key of each index cell that it compares, however long the overflow chain
 * (sqlite/src/btree.c), so one MAC of 300 MB costs every host whose search passes its page.  That key is one allocation,
 * so the allocator is where it can be refused.  sqlite3_hard_heap_limit64() would be of the whole process: as long as
 * one question holds much, the catalog could not keep a verdict.  Hence a bound of a single allocation, of those
 * threads alone that ask the inventory.
 *
 * Time.  The thread's processor time, not the clock's: under load a question takes longer and is no worse for it.
 *
 * Locks: none; what a thread asks is the thread's.
 */
#include "inventory/store/bounds.h"

#include <errno.h>
#include <time.h>

#define STEPS 250 /* of SQLite's virtual machine, between two looks at the time: some 10 us */

static sqlite3_mem_methods below; /* written before main */
static bool installed;
static _Thread_local bool asking, met;

static bool refuses(int bytes)
{
        if (!asking || bytes <= BOUNDS_ALLOC_BYTES)
                return false;
        met = true;
        return true;
}

static void *bounded_malloc(int bytes)
{
        return refuses(bytes) ? NULL : below.xMalloc(bytes);
}

static void *bounded_realloc(void *p, int bytes)
{
        return refuses(bytes) ? NULL : below.xRealloc(p, bytes);
}

/* SQLite takes an allocator only before its first use in the process. */
__attribute__((constructor)) static void install(void)
{
        sqlite3_mem_methods mine;

        if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &below) != SQLITE_OK)
                return;
        mine = below;
        mine.xMalloc = bounded_malloc;
        mine.xRealloc = bounded_realloc;
        installed = sqlite3_config(SQLITE_CONFIG_MALLOC, &mine) == SQLITE_OK;
}

static int64_t cpu_ns(void)
{
        struct timespec ts;

        (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
        return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static int is_over(void *ctx)
{
        const struct bounds *b = ctx;

        return b->until_ns && cpu_ns() > b->until_ns;
}

int bounds_apply(sqlite3 *db, struct bounds *b)
{
        if (!installed)
                return SQLITE_MISUSE;
        (void)sqlite3_limit(db, SQLITE_LIMIT_LENGTH, BOUNDS_CELL_BYTES);
        sqlite3_progress_handler(db, STEPS, is_over, b);
        return SQLITE_OK;
}

void bounds_begin(struct bounds *b, unsigned cpu_ms)
{
        b->cpu_ms = cpu_ms;
        b->until_ns = cpu_ns() + (int64_t)cpu_ms * 1000000;
        asking = true;
        met = false;
}

void bounds_end(struct bounds *b)
{
        b->until_ns = 0;
        asking = false;
}

bool bounds_were_met(void)
{
        return met;
}

int errno_from_sqlite(int rc)
{
        switch (rc & 0xff) {
        case SQLITE_OK:
        case SQLITE_ROW:
        case SQLITE_DONE:
                return 0;
        case SQLITE_NOMEM:
                return -ENOMEM;
        case SQLITE_TOOBIG:
                return -EFBIG;
        case SQLITE_INTERRUPT:
                return -ETIME;
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
        case SQLITE_PROTOCOL:
                return -EBUSY;
        case SQLITE_PERM:
        case SQLITE_READONLY:
        case SQLITE_CANTOPEN:
        case SQLITE_AUTH:
                return -EACCES;
        case SQLITE_FULL:
                return -ENOSPC;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
        case SQLITE_ERROR: /* a table or column is missing: not our schema */
        case SQLITE_SCHEMA:
                return -EBADMSG;
        default:
                return -EIO;
        }
}
