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
 *   5. A question that takes long has at most POOL_LONG_MAX of the connections, for POOL_LONG_MS of processor time; two more may
 *      wait for their turn, and the next fail at once: neither connections nor the threads that serve are all theirs.
 *   6. Connections are lent in the order in which they were asked for.  Were they not, a thread that asks again at once would
 *      take the one it has just given back, and threads that ask for a bad host would starve one that asks for a good one.
 *
 * Locks: pool->lock, held for list operations only, never across SQLite.
 * Limits: POOL_MAX connections.  One of them has a large page cache and is lent first: it serves a storm that comes
 * one by one from memory, and eight of them would cost more than the rest of the daemon.  A commit empties it.
 * Not mapped into memory instead (mmap_size): a file cut short by somebody's cp would end the process with SIGBUS.
 */
#include "inventory/store/pool.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* For a connection: then all of them hang in a storage that does not answer.  With a sanitizer questions have more time. */
#define WAIT_MS     (WITH_SANITIZER ? 60000 : 2000)
#define LONG_QUEUE  2    /* callers that wait for the long lane */
#define LONG_WAIT_S 1

/* A caller that waits for a connection. */
struct waiter {
        pthread_cond_t turn;
        struct waiter *next;
};

struct pool {
        char *path;   /* owned; NULL: in memory */
        bool is_copy; /* as in conn_open */
        pthread_mutex_t lock;
        struct waiter *first;                /* guarded by lock, borrowed from the stacks of those that wait */
        pthread_cond_t long_freed;           /* a place in the long lane */
        unsigned n_long, n_queue;            /* guarded by lock: in the long lane; waiting for it */
        struct conn *idle;                   /* guarded by lock */
        unsigned n;                          /* guarded by lock: idle, borrowed and being opened */
        bool has_large;                      /* guarded by lock: one of them is */
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
        p->stale_dev = c->st.st_dev;
        p->stale_ino = c->st.st_ino;
        p->has_stale = true;
        pthread_mutex_unlock(&p->lock);
}

static int refuse_stale_wal(struct pool *p, struct err *err)
{
        unsigned char head[WAL_HEAD_BYTES], was[WAL_HEAD_BYTES];
        struct stat st;
        bool stale;
        dev_t was_dev;
        ino_t was_ino, ino;

        pthread_mutex_lock(&p->lock); /* for copies: the path's filesystem may not answer */
        stale = p->has_stale;
        memcpy(was, p->stale, sizeof was);
        was_dev = p->stale_dev;
        was_ino = p->stale_ino;
        pthread_mutex_unlock(&p->lock);
        if (!stale || !conn_wal_head(p->path, &ino, head))
                return 0;
        stale = memcmp(was, head, sizeof head) == 0 &&
                (stat(p->path, &st) < 0 || st.st_dev != was_dev || st.st_ino != was_ino);
        return stale ? err_set(err, -ESTALE,
                               "inventory %s was replaced, and the -wal file of the old one is still beside "
                               "it: end "
                               "every sqlite3 on it and write rm %s-wal %s-shm; next time sqlite3 %s "
                               "'.restore NEW'",
                               p->path, p->path, p->path, p->path)
                     : 0;
}

static struct timespec in_ms(unsigned ms)
{
        struct timespec ts;

        (void)clock_gettime(CLOCK_MONOTONIC, &ts);
        ts.tv_sec += ms / 1000;
        ts.tv_nsec += (long)(ms % 1000) * 1000000;
        if (ts.tv_nsec >= 1000000000) {
                ts.tv_nsec -= 1000000000;
                ts.tv_sec++;
        }
        return ts;
}

/* Invariant 5. */
static int enter_long_lane(struct pool *p, struct err *err)
{
        struct timespec until = in_ms(LONG_WAIT_S * 1000);
        int r = 0;

        pthread_mutex_lock(&p->lock);
        if (p->n_long >= POOL_LONG_MAX && p->n_queue >= LONG_QUEUE) {
                r = ETIMEDOUT;
        } else {
                p->n_queue++;
                while (r == 0 && p->n_long >= POOL_LONG_MAX)
                        r = pthread_cond_timedwait(&p->long_freed, &p->lock, &until);
                p->n_queue--;
                p->n_long += r == 0;
        }
        pthread_mutex_unlock(&p->lock);
        return r == 0 ? 0
                      : err_set(err, -ETIME,
                                "inventory: too many questions at once that take more than %d ms of "
                                "processor time: "
                                "is an index missing (pxectl doctor)?",
                                POOL_QUICK_MS);
}

static void leave_long_lane(struct pool *p)
{
        pthread_mutex_lock(&p->lock);
        p->n_long--;
        pthread_cond_signal(&p->long_freed);
        pthread_mutex_unlock(&p->lock);
}

static bool has_room(const struct pool *p)
{
        return p->idle || p->n < POOL_MAX;
}

static void wake_first(struct pool *p)
{
        if (p->first && has_room(p))
                pthread_cond_signal(&p->first->turn);
}

/* Invariant 6.  With the lock held, as after it. */
static int wait_for_turn(struct pool *p)
{
        struct waiter me = { .turn = PTHREAD_COND_INITIALIZER }, **at;
        struct timespec until = in_ms(WAIT_MS);
        int r = 0;

        for (at = &p->first; *at; at = &(*at)->next)
                ;
        *at = &me;
        while (r == 0 && (p->first != &me || !has_room(p)))
                r = pthread_cond_clockwait(&me.turn, &p->lock, CLOCK_MONOTONIC, &until);
        r = p->first == &me && has_room(p) ? 0 : -EBUSY;
        for (at = &p->first; *at != &me; at = &(*at)->next)
                ;
        *at = me.next;
        (void)pthread_cond_destroy(&me.turn);
        return r;
}

/* Takes an idle connection out; or none, and the caller may open one instead: a large one if *ret_large.  With
 * @keep the caller keeps it for long, and gets a small one if there can be one.  0, or -EBUSY. */
static int take_idle(struct pool *p, bool keep, struct conn **ret, bool *ret_large)
{
        struct conn *c = NULL;
        int r;

        pthread_mutex_lock(&p->lock);
        r = !p->first && has_room(p) ? 0 : wait_for_turn(p);
        if (r == 0)
                c = keep && p->n < POOL_MAX ? NULL : p->idle;
        if (c) {
                p->idle = c->next;
        } else if (r == 0) {
                p->n++;
                *ret_large = !keep && !p->has_large && !p->is_copy;
                p->has_large = p->has_large || *ret_large;
        }
        wake_first(p);
        pthread_mutex_unlock(&p->lock);
        *ret = c;
        return r;
}

/* Gives back the right to have a connection. */
static void drop_slot(struct pool *p, bool large)
{
        pthread_mutex_lock(&p->lock);
        p->n--;
        p->has_large = p->has_large && !large;
        wake_first(p);
        pthread_mutex_unlock(&p->lock);
}

static void close_one(struct pool *p, struct conn *c)
{
        bool large = c->large;

        conn_close(c);
        drop_slot(p, large);
}

/* The large one comes first. */
static void put_idle(struct pool *p, struct conn *c)
{
        pthread_mutex_lock(&p->lock);
        if (p->idle && p->idle->large) {
                c->next = p->idle->next;
                p->idle->next = c;
        } else {
                c->next = p->idle;
                p->idle = c;
        }
        wake_first(p);
        pthread_mutex_unlock(&p->lock);
}

/* @c is of a file that does not stand at the path any more, or has failed. */
static void drop(struct pool *p, struct conn *c)
{
        struct stat st;

        /* Replaced, or on the way to it: mv old away, mv new here. */
        if (p->path && (stat(p->path, &st) < 0 ? errno == ENOENT : !conn_is_current(c, p->path, &st)))
                remember_stale_wal(p, c);
        close_one(p, c);
}

static int open_new(struct pool *p, bool large, unsigned busy_ms, struct conn **ret, struct err *err)
{
        int r = -EAGAIN;

        for (int tries = 0; r == -EAGAIN && tries < 4; tries++) {
                r = p->path ? refuse_stale_wal(p, err) : 0;
                if (r == 0)
                        r = conn_open(p->path, p->is_copy, large, busy_ms, ret, err);
        }
        if (r < 0)
                drop_slot(p, large);
        return r;
}

bool pool_is_current(struct pool *p, const struct conn *c)
{
        struct stat st;

        return !p->path || (stat(p->path, &st) == 0 && conn_is_current(c, p->path, &st));
}

static int take(struct pool *p, bool keep, unsigned busy_ms, struct conn **ret, struct err *err)
{
        for (;;) {
                bool large = false;
                struct conn *c;

                if (take_idle(p, keep, &c, &large) < 0)
                        return err_set(err, -EBUSY,
                                "inventory %s: %d questions have waited for it for more than %d s: does its "
                                "filesystem "
                                "answer?",
                                p->path ? p->path : "in memory", POOL_MAX, WAIT_MS / 1000);
                if (!c)
                        return open_new(p, large, busy_ms, ret, err);
                if (pool_is_current(p, c)) {
                        conn_set_patience(c, busy_ms);
                        *ret = c;
                        return 0;
                }
                drop(p, c);
        }
}

int pool_borrow(struct pool *p, unsigned busy_ms, struct conn **ret, struct err *err)
{
        return take(p, true, busy_ms, ret, err);
}

void pool_give_back(struct pool *p, struct conn *c)
{
        if (pool_is_current(p, c))
                put_idle(p, c);
        else
                drop(p, c);
}

int pool_get(struct pool *p, enum pool_lane lane, unsigned busy_ms, struct conn **ret, struct err *err)
{
        struct conn *c = NULL;
        int r = lane == POOL_LONG ? enter_long_lane(p, err) : 0;

        if (r < 0)
                return r;
        r = take(p, false, busy_ms, &c, err);
        if (r < 0) {
                if (lane == POOL_LONG)
                        leave_long_lane(p);
                return r;
        }
        c->lane = lane;
        bounds_begin(&c->bounds, lane == POOL_LONG ? POOL_LONG_MS : POOL_QUICK_MS);
        r = conn_begin(c, p->path, err);
        if (r < 0)
                return pool_put(p, c, r);
        *ret = c;
        return 0;
}

/* Whether the database is as good as before: the answer was no, or a lock or a bound was met.  Another connection would
 * have to read the schema anew. */
static bool is_sound(int result)
{
        return result >= 0 || result == -ENOENT || result == -ENOTUNIQ || result == -EBUSY ||
               result == -EFBIG || result == -ETIME;
}

static int put(struct pool *p, struct conn *c, int result)
{
        if (!is_sound(result) || !conn_end(c)) {
                close_one(p, c);
                return result;
        }
        if (c->immutable && !p->is_copy && !pool_is_current(p, c)) {
                drop(p, c);
                return -EAGAIN;
        }
        put_idle(p, c);
        return result;
}

int pool_put(struct pool *p, struct conn *c, int result)
{
        bool was_long = c->lane == POOL_LONG;

        bounds_end(&c->bounds);
        c->lane = POOL_QUICK;
        result = put(p, c, result);
        if (was_long)
                leave_long_lane(p);
        return result;
}

int pool_new(const char *path, bool is_copy, struct pool **ret, struct err *err)
{
        struct pool *p = calloc(1, sizeof *p);
        pthread_condattr_t attr;

        if (p && path)
                p->path = strdup(path);
        if (!p || (path && !p->path)) {
                free(p);
                return err_set(err, -ENOMEM, "out of memory");
        }
        pthread_mutex_init(&p->lock, NULL);
        (void)pthread_condattr_init(&attr);
        (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
        pthread_cond_init(&p->long_freed, &attr);
        (void)pthread_condattr_destroy(&attr);
        p->is_copy = is_copy;
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
        pthread_cond_destroy(&p->long_freed);
        pthread_mutex_destroy(&p->lock);
        free(p->path);
        free(p);
}
