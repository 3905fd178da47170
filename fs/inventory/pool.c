/* SPDX-License-Identifier: MPL-2.0 */
/* pool -- connections to the inventory that can do nothing but read; see pool.h.
 *
 * conn.c opens a connection and ties it down.  Here connections are lent and taken back, and the file at
 * the path may be replaced, locked or gone at any time.
 *
 * Invariants
 *   1. A borrowed connection is of the file that stood at the path when it was borrowed: device and inode are
 *      compared (data_version does not see a rename).
 *   2. Closing never touches the sidecars: after a rename they are the new file's
 *      (sqlite.org/howtocorrupt.html, "unlinking or renaming a database file while in use").
 *   3. Every idle connection is outside any transaction, so it never holds back a checkpoint.
 *   4. A -wal that a replaced database has left behind is never read as part of the new one: SQLite would put
 *      its pages in.  While the old file is still open here, the -wal at the path is known to be its own by the
 *      inode, and its head with the random salts is remembered; until it is gone, the new file is refused.
 *
 * Locks: pool->lock, held for list operations only, never across SQLite.
 * Limits: POOL_MAX connections; each has 1 MiB of page cache.
 */
#include "inventory/conn.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>

struct pool {
        char *path; /* owned; NULL: in memory */
        pthread_mutex_t lock;
        pthread_cond_t freed;
        struct conn *idle;                   /* guarded by lock */
        unsigned n;                          /* guarded by lock: idle, borrowed and being opened */
        bool has_stale;                      /* guarded by lock, as the next */
        unsigned char stale[WAL_HEAD_BYTES]; /* head of a -wal whose database was replaced (invariant 4) */
        dev_t stale_dev;                     /* that database: put back, its -wal is its own again */
        ino_t stale_ino;
};

/* @c has a file open that is no longer at the path. */
static void remember_stale_wal(struct pool *p, const struct conn *c)
{
        unsigned char head[WAL_HEAD_BYTES];
        ino_t ino;

        if (!c->wal_ino || !conn_wal_head(p->path, &ino, head) || ino != c->wal_ino)
                return;
        pthread_mutex_lock(&p->lock);
        memcpy(p->stale, head, sizeof head);
        p->stale_dev = c->dev;
        p->stale_ino = c->ino;
        p->has_stale = true;
        pthread_mutex_unlock(&p->lock);
}

static int refuse_stale_wal(struct pool *p, struct err *err)
{
        unsigned char head[WAL_HEAD_BYTES];
        struct stat st;
        bool stale;
        ino_t ino;

        pthread_mutex_lock(&p->lock);
        stale = p->has_stale;
        pthread_mutex_unlock(&p->lock);
        if (!stale || !conn_wal_head(p->path, &ino, head))
                return 0;
        pthread_mutex_lock(&p->lock);
        stale = memcmp(p->stale, head, sizeof head) == 0 &&
                (stat(p->path, &st) < 0 || st.st_dev != p->stale_dev || st.st_ino != p->stale_ino);
        pthread_mutex_unlock(&p->lock);
        return stale ? err_set(err, -ESTALE,
                               "inventory %s was replaced, and the -wal file of the old one is still beside "
                               "it: end "
                               "every sqlite3 on it and write rm %s-wal %s-shm; next time sqlite3 %s "
                               "'.restore NEW'",
                               p->path, p->path, p->path, p->path)
                     : 0;
}

/* Takes an idle connection out; *ret_slot says that the caller may open one instead. */
static struct conn *take_idle(struct pool *p, bool *ret_slot)
{
        struct conn *c;

        *ret_slot = false;
        pthread_mutex_lock(&p->lock);
        while (!p->idle && p->n >= POOL_MAX)
                pthread_cond_wait(&p->freed, &p->lock);
        c = p->idle;
        if (c) {
                p->idle = c->next;
        } else {
                p->n++;
                *ret_slot = true;
        }
        pthread_mutex_unlock(&p->lock);
        return c;
}

/* Gives back the right to have a connection. */
static void drop_slot(struct pool *p)
{
        pthread_mutex_lock(&p->lock);
        p->n--;
        pthread_cond_signal(&p->freed);
        pthread_mutex_unlock(&p->lock);
}

static int take_current(struct pool *p, struct conn **ret, struct err *err)
{
        struct stat st = { 0 };
        struct conn *c;
        bool slot;
        int r;

        for (int tries = 0;; tries++) {
                c = take_idle(p, &slot);
                if (slot) {
                        r = p->path ? refuse_stale_wal(p, err) : 0;
                        if (r == 0)
                                r = conn_open(p->path, &c, err);
                        if (r < 0)
                                drop_slot(p);
                        if (r == -EAGAIN && tries < 3)
                                continue;
                        if (r < 0)
                                return r;
                        *ret = c;
                        return 0;
                }
                r = p->path && stat(p->path, &st) < 0 ? -errno : 0;
                if (r == 0 && c->dev == st.st_dev && c->ino == st.st_ino) {
                        *ret = c;
                        return 0;
                }
                if (r == 0 || r == -ENOENT) /* replaced, or on the way to it: mv old away, mv new here */
                        remember_stale_wal(p, c);
                conn_close(c);
                drop_slot(p);
                tries = 0;
        }
}

int pool_get(struct pool *p, struct conn **ret, struct err *err)
{
        struct conn *c = NULL;
        sqlite3_stmt *s;
        int r = take_current(p, &c, err);

        if (r < 0)
                return r;
        r = conn_query(c, Q_begin, &s, err);
        if (r == 0) {
                r = conn_step(c, s, err);
                sqlite3_reset(s);
        }
        if (r == 0)
                r = conn_query(c, Q_version, &s, err);
        if (r == 0) {
                r = conn_step(c, s, err);
                c->version = r > 0 ? sqlite3_column_int(s, 0) : 0;
                sqlite3_reset(s);
                r = r < 0 ? r : conn_check_version(c->version, p->path ? p->path : "in memory", err);
        }
        if (r < 0) {
                pool_put(p, c, r);
                return r;
        }
        *ret = c;
        return 0;
}

void pool_put(struct pool *p, struct conn *c, int result)
{
        sqlite3_stmt *s;

        if (result == 0 || result == -ENOENT)
                if (conn_query(c, Q_end, &s, NULL) == 0 && conn_step(c, s, NULL) == 0 &&
                        sqlite3_reset(s) == SQLITE_OK && sqlite3_get_autocommit(c->db)) {
                        pthread_mutex_lock(&p->lock);
                        c->next = p->idle;
                        p->idle = c;
                        pthread_cond_signal(&p->freed);
                        pthread_mutex_unlock(&p->lock);
                        return;
                }
        conn_close(c);
        drop_slot(p);
}

int pool_new(const char *path, struct pool **ret, struct err *err)
{
        struct pool *p = calloc(1, sizeof *p);
        struct conn *c;
        int r;

        if (p && path)
                p->path = strdup(path);
        if (!p || (path && !p->path)) {
                free(p);
                return err_set(err, -ENOMEM, "out of memory");
        }
        pthread_mutex_init(&p->lock, NULL);
        pthread_cond_init(&p->freed, NULL);
        r = pool_get(p, &c, err);
        if (r < 0) {
                pool_free(p);
                return r;
        }
        pool_put(p, c, 0);
        *ret = p;
        return 0;
}

void pool_free(struct pool *p)
{
        if (!p)
                return;
        while (p->idle) {
                struct conn *c = p->idle;

                p->idle = c->next;
                conn_close(c);
        }
        pthread_cond_destroy(&p->freed);
        pthread_mutex_destroy(&p->lock);
        free(p->path);
        free(p);
}
