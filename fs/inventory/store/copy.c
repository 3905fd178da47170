/* SPDX-License-Identifier: MPL-2.0 */
/* copy -- see copy.h.
 *
 * SQLite's own backup copies pages, so the copy is the same database: it is read by the same SQL, and can be put back
 * with sqlite3's .restore.
 *
 * Invariants
 *   1. What stands at @to was checked: all its pages hang together (quick_check), and a reader of this version takes it:
 *      its schema version is known, and every query can be prepared.
 *      Rows that break a rule of the schema are no reason to refuse: they harm their own host only, live or copied.  A cell
 *      above BOUNDS_CELL_BYTES is one: who meets it in the file is answered from the copy before (bounds.c).
 *   2. What stands at @to is on disk: the file and its name are synced, in this order.
 *   3. Nobody else can read it: it holds root_shadow hashes.
 *   4. A writer in rollback mode waits for one piece at most.
 *
 * Locks: none; one thread.
 */
#include "inventory/store/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/buf.h"
#include "base/digest.h"
#include "inventory/store/conn.h"

#define PIECE_PAGES  64    /* 256 KiB: some 0.1 ms under a lock, in rollback mode */
#define PAUSE_MS     2     /* between pieces, in rollback mode */
#define ATTEMPTS_MAX 2000  /* pieces that a lock or a commit may spoil: four seconds of pauses */
#define CHECK_STEPS  10000 /* SQLite's virtual instructions between two looks at stop */

int copy_name(const char *path, char ret[COPY_NAME_SIZE])
{
        uint64_t h[2];
        int r = digest_short(0, path, strlen(path), h);

        if (r == 0)
                (void)snprintf(ret, COPY_NAME_SIZE, "inventory-%08" PRIx32 ".db", (uint32_t)h[0]);
        return r;
}

static void pause_a_moment(void)
{
        (void)nanosleep(&(struct timespec) { .tv_nsec = PAUSE_MS * 1000000L }, NULL);
}

static void db_closep(sqlite3 **db)
{
        (void)sqlite3_close(*db);
}

static void conn_closep(struct conn **c)
{
        conn_close(*c);
}

static void sqlite_freep(char **s)
{
        sqlite3_free(*s);
}

static void finalizep(sqlite3_stmt **s)
{
        (void)sqlite3_finalize(*s);
}

/* Whether SQLite keeps a snapshot for a reader while others write. */
static int has_snapshots(struct conn *c, bool *ret, struct err *err)
{
        AUTO_STMT sqlite3_stmt *s = NULL;
        const char *mode;
        int r = conn_query(c, Q_journal_mode, &s, err);

        if (r == 0)
                r = conn_step(c, s, err);
        if (r <= 0)
                return r < 0 ? r : err_set(err, -EIO, "PRAGMA journal_mode gave nothing");
        mode = (const char *)sqlite3_column_text(s, 0);
        *ret = mode && strcmp(mode, "wal") == 0;
        return 0;
}

static int fail(sqlite3 *db, int rc, const char *file, struct err *err)
{
        int r = errno_from_sqlite(rc);

        return err_set(err, r < 0 ? r : -EIO, "%s: %s", file, sqlite3_errmsg(db));
}

static int copy_pages(struct conn *c, sqlite3 *to, bool snapshot, const char *file, const atomic_bool *stop,
        struct err *err)
{
        sqlite3_backup *b = sqlite3_backup_init(to, "main", c->db, "main");
        int rc, spoilt = 0, most = -1;

        if (!b)
                return fail(to, sqlite3_errcode(to), file, err);
        do {
                rc = sqlite3_backup_step(b, PIECE_PAGES);
                /* Somebody's lock, or a commit: then SQLite begins again by itself. */
                if (rc == SQLITE_BUSY || rc == SQLITE_LOCKED || sqlite3_backup_remaining(b) > most)
                        spoilt += !snapshot;
                most = sqlite3_backup_remaining(b);
                if (!snapshot && rc != SQLITE_DONE)
                        pause_a_moment();
        } while ((rc == SQLITE_OK || rc == SQLITE_BUSY || rc == SQLITE_LOCKED) && spoilt < ATTEMPTS_MAX &&
                 !atomic_load(stop));
        (void)sqlite3_backup_finish(b);
        if (rc == SQLITE_DONE)
                return 0;
        if (atomic_load(stop))
                return -ECANCELED;
        if (rc == SQLITE_OK || rc == SQLITE_BUSY || rc == SQLITE_LOCKED)
                return err_set(err, -EBUSY, "%s: others kept writing or held a lock", file);
        return fail(to, rc, file, err);
}

/* ---- cells that no question can read --------------------------------------------------------- */

static int large_cell(const char *table, int64_t after, const char *file, struct err *err)
{
        return err_set(err, -EFBIG,
                "%s: a cell of table %s is larger than %d MiB, in the first row after rowid %lld: look with "
                "SELECT rowid "
                "FROM \"%s\" WHERE rowid > %lld LIMIT 1, and DELETE it",
                file, table, BOUNDS_CELL_BYTES >> 20, (long long)after, table, (long long)after);
}

/* Reads every cell of the table; SQLite stops at one that is too large (SQLITE_LIMIT_LENGTH). */
static int refuse_large_cells_of(
        sqlite3 *db, const char *table, const char *file, const atomic_bool *stop, struct err *err)
{
        AUTO_CLEAN(finalizep) sqlite3_stmt *s = NULL;
        AUTO_CLEAN(sqlite_freep) char *sql = sqlite3_mprintf("SELECT rowid, * FROM \"%w\"", table);
        int64_t last = 0;
        int rc;

        if (!sql)
                return err_set(err, -ENOMEM, "out of memory");
        rc = sqlite3_prepare_v2(db, sql, -1, &s, NULL);
        if (rc == SQLITE_ERROR) /* WITHOUT ROWID: keys, which are numbers in all tables of ours */
                return 0;
        while (rc == SQLITE_OK && (rc = sqlite3_step(s)) == SQLITE_ROW) {
                last = sqlite3_column_int64(s, 0);
                rc = atomic_load(stop) ? SQLITE_INTERRUPT : SQLITE_OK;
        }
        if (rc == SQLITE_TOOBIG)
                return large_cell(table, last, file, err);
        if (atomic_load(stop))
                return -ECANCELED;
        /* What is damaged is named by quick_check. */
        return rc == SQLITE_DONE || errno_from_sqlite(rc) == -EBADMSG ? 0 : fail(db, rc, file, err);
}

/* Invariant 1. */
static int refuse_large_cells(sqlite3 *db, const char *file, const atomic_bool *stop, struct err *err)
{
        AUTO_CLEAN(finalizep) sqlite3_stmt *s = NULL;
        int r = 0, rc = sqlite3_prepare_v2(db,
                           "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0"
                           " AND name NOT GLOB 'sqlite_*'",
                           -1, &s, NULL);

        while (r == 0 && rc == SQLITE_OK && (rc = sqlite3_step(s)) == SQLITE_ROW) {
                const char *table = (const char *)sqlite3_column_text(s, 0);

                r = table ? refuse_large_cells_of(db, table, file, stop, err) : 0;
                rc = SQLITE_OK;
        }
        return r < 0 || rc == SQLITE_DONE || errno_from_sqlite(rc) == -EBADMSG ? r : fail(db, rc, file, err);
}

/* Looks before hundreds of megabytes are written for nothing.  By a connection of its own: one that met a damaged page cannot
 * end its transaction any more.  It may not checkpoint when it is closed: for that SQLite asks for the exclusive lock
 * (sqlite3WalClose in wal.c), and another connection that opens the file in that moment is told that it is locked.  What else
 * is wrong with the file, or becomes of it meanwhile, is for the copying itself to say, and for check(). */
static int look_first(const char *from, const atomic_bool *stop, struct err *err)
{
        AUTO_CLEAN(conn_closep) struct conn *c = NULL;
        struct err why = { "" };
        int r = conn_open(from, false, false, 0, &c, &why);

        if (r == 0) {
                (void)sqlite3_db_config(c->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
                r = refuse_large_cells(c->db, from, stop, &why);
        }
        return r == -EFBIG || r == -ECANCELED ? err_set(err, r, "%s", why.text) : 0;
}

/* ---- making one ------------------------------------------------------------------------------ */

/* Fills the empty file @file. */
static int fill(struct conn *c, const char *from, const char *file, const atomic_bool *stop, struct err *err)
{
        AUTO_CLEAN(db_closep) sqlite3 *to = NULL;
        bool snapshot = false;
        int rc = sqlite3_open_v2(file, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL), r;

        if (rc == SQLITE_OK) /* a copy that does not become whole is thrown away, and synced if it does */
                rc = sqlite3_exec(
                        to, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF", NULL, NULL, NULL);
        if (rc != SQLITE_OK)
                return fail(to, rc, file, err);
        r = has_snapshots(c, &snapshot, err);
        if (r == 0 && snapshot) /* without, a writer would wait for it */
                r = look_first(from, stop, err);
        if (r == 0 && snapshot)
                r = conn_begin(c, from, err);
        if (r == 0)
                r = copy_pages(c, to, snapshot, file, stop, err);
        if (snapshot && !sqlite3_get_autocommit(c->db) && !conn_end(c) && r == 0)
                r = err_set(err, -EIO, "inventory %s: the read transaction does not end", from);
        return r;
}

static int is_stopped(void *ctx)
{
        return atomic_load((const atomic_bool *)ctx);
}

/* Invariant 1. */
static int check(const char *file, const atomic_bool *stop, struct err *err)
{
        AUTO_CLEAN(conn_closep) struct conn *c = NULL;
        AUTO_CLEAN(finalizep) sqlite3_stmt *s = NULL;
        int rc, r = conn_open(file, true, false, 0, &c, err);

        if (r < 0)
                return r;
        for (int q = 0; q < QUERIES && r == 0; q++) { /* no table is missing */
                sqlite3_stmt *unused;

                if (conn_asks(c, (enum query)q))
                        r = conn_query(c, (enum query)q, &unused, err);
        }
        if (r == 0)
                r = refuse_large_cells(c->db, file, stop, err);
        if (r < 0)
                return r;
        (void)sqlite3_set_authorizer(c->db, NULL, NULL); /* it knows no quick_check */
        sqlite3_progress_handler(c->db, CHECK_STEPS, is_stopped, (void *)(uintptr_t)stop);
        rc = sqlite3_exec(c->db, "PRAGMA ignore_check_constraints = 1", NULL, NULL, NULL);
        if (rc == SQLITE_OK)
                rc = sqlite3_prepare_v2(c->db, "PRAGMA quick_check", -1, &s, NULL);
        while (rc == SQLITE_OK && (rc = sqlite3_step(s)) == SQLITE_ROW) {
                const char *line = (const char *)sqlite3_column_text(s, 0);

                if (line && strncmp(line, "*** in database", 15) == 0) /* not about a row */
                        return err_set(err, -EBADMSG, "PRAGMA quick_check: %s", line);
                rc = SQLITE_OK;
        }
        if (atomic_load(stop))
                return -ECANCELED;
        return rc == SQLITE_DONE ? 0 : fail(c->db, rc, file, err);
}

static int sync_directory(const char *file)
{
        AUTO_FREE char *dir = strdup(file);
        AUTO_CLOSE int fd = -1;
        char *slash = dir ? strrchr(dir, '/') : NULL;

        if (!dir)
                return -ENOMEM;
        if (slash)
                slash[slash == dir] = '\0';
        fd = open(slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

/* A new empty file that only we can read. */
static int create(const char *file, struct err *err)
{
        int fd;

        (void)unlink(file); /* of an attempt that a power failure ended */
        fd = open(file, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
                return err_sys(err, -errno, "%s", file);
        close(fd);
        return 0;
}

static int sync_file(const char *file)
{
        AUTO_CLOSE int fd = open(file, O_RDONLY | O_CLOEXEC);

        return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

int copy_make(struct conn *c, const char *from, const char *to, const atomic_bool *stop, struct err *err)
{
        AUTO_BUF struct buf file = BUF_INIT;
        int r;

        buf_printf(&file, "%s.new", to);
        if (buf_error(&file) < 0)
                return err_set(err, -ENOMEM, "out of memory");
        r = create(file.data, err);
        if (r < 0)
                return r;
        r = fill(c, from, file.data, stop, err);
        if (r == 0)
                r = check(file.data, stop, err);
        if (r == 0 && (r = sync_file(file.data)) < 0)
                err_sys(err, r, "%s", file.data);
        if (r == 0 && rename(file.data, to) < 0)
                r = err_sys(err, -errno, "rename %s", file.data);
        if (r < 0) {
                (void)unlink(file.data);
                return r;
        }
        (void)sync_directory(to); /* a name that is lost in a crash leaves the copy before it */
        return 0;
}
