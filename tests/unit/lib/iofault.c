/* SPDX-License-Identifier: MPL-2.0 */
/* iofault -- see iofault.h.
 *
 * A file of ours is this header and behind it the real VFS's file, whose methods are asked for with its own pointer.
 * Methods of version 2 (shared memory) are there if the real file has them; mapping pages (version 3) is left out, so that
 * every read is one of the counted ones.
 *
 * Locks: none; the counters are the thread's own.
 */
#include "iofault.h"

#include <sqlite3.h>
#include <stddef.h>
#include <string.h>

struct file {
        sqlite3_file base;
        sqlite3_io_methods methods; /* of this file: version 1 or 2 as the real one */
        sqlite3_file *real;         /* in the same memory, behind this */
};

static _Thread_local unsigned countdown; /* 0: disarmed or spent */
static _Thread_local unsigned failures;
static _Thread_local const char *fired;

void iofault_arm(unsigned nth)
{
        fired = NULL;
        countdown = nth;
}

const char *iofault_fired(void)
{
        return fired;
}

/* @rc, or every other time @other, if this is the call to fail; else 0. */
static int fails(const char *name, int rc, int other)
{
        if (countdown == 0 || --countdown > 0)
                return SQLITE_OK;
        fired = name;
        return failures++ % 2 ? rc : other;
}

static sqlite3_file *real(sqlite3_file *f)
{
        return ((struct file *)f)->real;
}

static int x_close(sqlite3_file *f)
{
        return real(f)->pMethods ? real(f)->pMethods->xClose(real(f)) : SQLITE_OK;
}

static int x_read(sqlite3_file *f, void *buf, int n, sqlite3_int64 at)
{
        int rc = fails("read", SQLITE_IOERR_READ, SQLITE_IOERR_READ);

        return rc ? rc : real(f)->pMethods->xRead(real(f), buf, n, at);
}

static int x_write(sqlite3_file *f, const void *buf, int n, sqlite3_int64 at)
{
        int rc = fails("write", SQLITE_IOERR_WRITE, SQLITE_FULL);

        return rc ? rc : real(f)->pMethods->xWrite(real(f), buf, n, at);
}

static int x_truncate(sqlite3_file *f, sqlite3_int64 size)
{
        int rc = fails("truncate", SQLITE_IOERR_TRUNCATE, SQLITE_IOERR_TRUNCATE);

        return rc ? rc : real(f)->pMethods->xTruncate(real(f), size);
}

static void (*at_sync)(void *ctx);
static void *at_sync_ctx;

void iofault_at_sync(void (*fn)(void *ctx), void *ctx)
{
        at_sync = fn;
        at_sync_ctx = ctx;
}

static int x_sync(sqlite3_file *f, int flags)
{
        int rc = fails("sync", SQLITE_IOERR_FSYNC, SQLITE_IOERR_FSYNC);

        if (at_sync)
                at_sync(at_sync_ctx);
        return rc ? rc : real(f)->pMethods->xSync(real(f), flags);
}

static int x_size(sqlite3_file *f, sqlite3_int64 *ret)
{
        int rc = fails("size", SQLITE_IOERR_FSTAT, SQLITE_IOERR_FSTAT);

        return rc ? rc : real(f)->pMethods->xFileSize(real(f), ret);
}

static int x_lock(sqlite3_file *f, int level)
{
        int rc = fails("lock", SQLITE_IOERR_LOCK, SQLITE_BUSY);

        return rc ? rc : real(f)->pMethods->xLock(real(f), level);
}

static int x_unlock(sqlite3_file *f, int level)
{
        return real(f)->pMethods->xUnlock(real(f), level);
}

static int x_reserved(sqlite3_file *f, int *ret)
{
        int rc = fails("look at a lock", SQLITE_IOERR_CHECKRESERVEDLOCK, SQLITE_IOERR_CHECKRESERVEDLOCK);

        return rc ? rc : real(f)->pMethods->xCheckReservedLock(real(f), ret);
}

static int x_control(sqlite3_file *f, int op, void *arg)
{
        return real(f)->pMethods->xFileControl(real(f), op, arg);
}

static int x_sector(sqlite3_file *f)
{
        return real(f)->pMethods->xSectorSize(real(f));
}

static int x_traits(sqlite3_file *f)
{
        return real(f)->pMethods->xDeviceCharacteristics(real(f));
}

static int x_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **ret)
{
        int rc = fails("map shared memory", SQLITE_IOERR_SHMMAP, SQLITE_IOERR_SHMMAP);

        if (rc)
                *ret = NULL;
        return rc ? rc : real(f)->pMethods->xShmMap(real(f), page, size, extend, ret);
}

static int x_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
        int rc = flags & SQLITE_SHM_UNLOCK ? 0
                                           : fails("lock shared memory", SQLITE_IOERR_SHMLOCK, SQLITE_BUSY);

        return rc ? rc : real(f)->pMethods->xShmLock(real(f), offset, n, flags);
}

static void x_shm_barrier(sqlite3_file *f)
{
        real(f)->pMethods->xShmBarrier(real(f));
}

static int x_shm_unmap(sqlite3_file *f, int remove)
{
        return real(f)->pMethods->xShmUnmap(real(f), remove);
}

static sqlite3_vfs *under(sqlite3_vfs *v)
{
        return v->pAppData;
}

static int x_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *ret_flags)
{
        struct file *file = (struct file *)f;
        int rc = fails("open", SQLITE_CANTOPEN, SQLITE_CANTOPEN);

        f->pMethods = NULL;
        if (rc)
                return rc;
        file->real = (sqlite3_file *)(file + 1);
        rc = under(v)->xOpen(under(v), name, file->real, flags, ret_flags);
        if (!file->real->pMethods)
                return rc;
        file->methods = (sqlite3_io_methods) { .iVersion = file->real->pMethods->iVersion > 1 ? 2 : 1,
                .xClose = x_close,
                .xRead = x_read,
                .xWrite = x_write,
                .xTruncate = x_truncate,
                .xSync = x_sync,
                .xFileSize = x_size,
                .xLock = x_lock,
                .xUnlock = x_unlock,
                .xCheckReservedLock = x_reserved,
                .xFileControl = x_control,
                .xSectorSize = x_sector,
                .xDeviceCharacteristics = x_traits,
                .xShmMap = x_shm_map,
                .xShmLock = x_shm_lock,
                .xShmBarrier = x_shm_barrier,
                .xShmUnmap = x_shm_unmap };
        f->pMethods = &file->methods;
        return rc;
}

static int x_delete(sqlite3_vfs *v, const char *name, int sync)
{
        int rc = fails("delete", SQLITE_IOERR_DELETE, SQLITE_IOERR_DELETE);

        return rc ? rc : under(v)->xDelete(under(v), name, sync);
}

static int x_access(sqlite3_vfs *v, const char *name, int flags, int *ret)
{
        int rc = fails("access", SQLITE_IOERR_ACCESS, SQLITE_IOERR_ACCESS);

        return rc ? rc : under(v)->xAccess(under(v), name, flags, ret);
}

bool iofault_install(void)
{
        static sqlite3_vfs mine;
        sqlite3_vfs *was = sqlite3_vfs_find(NULL);

        if (!was)
                return false;
        mine = *was; /* what is not replaced works on the VFS it is given, or on nothing of it */
        mine.zName = "iofault";
        mine.pAppData = was;
        mine.pNext = NULL;
        mine.szOsFile = (int)sizeof(struct file) + was->szOsFile;
        mine.xOpen = x_open;
        mine.xDelete = x_delete;
        mine.xAccess = x_access;
        return sqlite3_vfs_register(&mine, 1) == SQLITE_OK;
}
