/* SPDX-License-Identifier: MPL-2.0 */
/* standby -- the live inventory, and its last good copy for every failure of it; see standby.h.
 *
 * There is no "mode": each question goes to the live file first, so that the first one after it was mended is answered by
 * it, and the copy never speaks while the live file can be read.  That is cheap for every failure but one, a lock:
 * there, one question a second waits for it, and the others only try.
 *
 * What is remembered of failures (bad, reason) is for people, and for that waiting.
 *
 * Invariants
 *   1. An answer is of one file and one transaction: after a failure the question is asked anew.
 *   2. Without a copy nothing is gained by giving up early: then each question waits for a lock PATIENT times as long.
 *   3. A failure that not every question meets (a damaged page) is remembered for PARTIAL_MS after it was last met.
 *   4. What is said to the log is said by the copier's thread, once a change, and not twice in SAY_EVERY_MS.
 *   5. A question that took long is asked in the long lane at once (pool.h) for SLOW_MS: a client that asks it again and again holds
 *      no connection that others wait for.
 *
 * Locks: standby->lock, never across SQLite or the log.
 */
#include "inventory/store/standby.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

#include "inventory/store/copier.h"
#include "inventory/store/pool.h"

#define QUIET_MS 2000
#define EVERY_MS 30000
#define PATIENT  8 /* times busy_ms, for a lock without a copy: 2 s */
#define BUSY_MS                                                                                              \
        250 /* with one: a commit in rollback mode takes some 10 ms, a boot loader waits for seconds */
#define RETRY_MS     1000 /* between two that wait for a lock that is known to be held */
#define PARTIAL_MS   60000
#define SAY_EVERY_MS 10000
#define TRIES        3 /* of a file that changes under a connection without locks (pool_put) */

#define SLOW_MS   10000
#define SLOW_BITS 6

struct slow {
        _Atomic uint64_t key; /* of a question; 0: none */
        _Atomic int64_t until_ms;
};

struct standby {
        struct slow slow[1 << SLOW_BITS];
        char *path, *copy_path; /* owned; NULL: in memory; no copies */
        struct pool *live, *copy;
        struct copier *copier; /* NULL without copies */
        unsigned busy_ms;
        void (*log)(int priority, const char *line);

        atomic_bool bad;      /* written under lock; read without it by who has nothing to report */
        atomic_uint changes;  /* of bad */
        atomic_bool has_copy; /* one can be opened, as far as is known */

        pthread_mutex_t lock;
        /* guarded by lock */
        struct err reason;      /* of the last failure */
        time_t since_sec;       /* of bad, wall clock */
        int64_t bad_until_ms;   /* invariant 3 */
        int64_t patient_at_ms;  /* when the next question may wait for a lock */
        struct err copy_reason; /* why the last copy could not be made; "": it could */

        /* the copier thread's */
        bool said_bad;
        int64_t said_ms; /* 0: nothing was said yet */
        struct err said_copy_reason;
};

/* ---- what is remembered ---- */

static void note_good(struct standby *s)
{
        if (!atomic_load_explicit(&s->bad, memory_order_relaxed))
                return;
        pthread_mutex_lock(&s->lock);
        if (atomic_load(&s->bad) && clock_ms() >= s->bad_until_ms) {
                atomic_store(&s->bad, false);
                atomic_fetch_add(&s->changes, 1);
                s->since_sec = time(NULL);
                s->patient_at_ms = 0;
        }
        pthread_mutex_unlock(&s->lock);
}

static void note_bad(struct standby *s, bool partial, const struct err *reason)
{
        pthread_mutex_lock(&s->lock);
        if (!atomic_load(&s->bad)) {
                atomic_store(&s->bad, true);
                atomic_fetch_add(&s->changes, 1);
                s->since_sec = time(NULL);
                s->patient_at_ms = clock_ms() + RETRY_MS;
        }
        s->bad_until_ms = partial ? clock_ms() + PARTIAL_MS : 0;
        s->reason = *reason;
        pthread_mutex_unlock(&s->lock);
}

/* How long the next question may wait for a lock. */
static unsigned patience(struct standby *s)
{
        unsigned ms = s->busy_ms;
        int64_t now;

        if (!atomic_load_explicit(&s->has_copy, memory_order_relaxed))
                return PATIENT * ms;
        if (!atomic_load_explicit(&s->bad, memory_order_relaxed))
                return ms;
        now = clock_ms();
        pthread_mutex_lock(&s->lock);
        if (now < s->patient_at_ms)
                ms = 0;
        else
                s->patient_at_ms = now + RETRY_MS;
        pthread_mutex_unlock(&s->lock);
        return ms;
}

/* ---- what took long ---- */

static struct slow *slow_place(struct standby *s, uint64_t key)
{
        return &s->slow[(key * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - SLOW_BITS)];
}

/* Invariant 5.  Two keys of one place only take each other's, and are found out anew. */
static bool is_slow(struct standby *s, uint64_t key)
{
        struct slow *p = slow_place(s, key);

        return key && atomic_load_explicit(&p->key, memory_order_relaxed) == key &&
               clock_ms() < atomic_load_explicit(&p->until_ms, memory_order_relaxed);
}

static void note_slow(struct standby *s, uint64_t key)
{
        struct slow *p = slow_place(s, key);

        atomic_store_explicit(&p->key, key, memory_order_relaxed);
        atomic_store_explicit(&p->until_ms, clock_ms() + SLOW_MS, memory_order_relaxed);
}

/* ---- asking ---- */

/* *ret_failed: the database failed, rather than had no such row. */
static int ask_pool(struct standby *s, struct pool *p, unsigned busy_ms, uint64_t key, standby_question *q,
        void *ctx, bool *ret_failed, bool *ret_partial, struct err *err)
{
        enum pool_lane lane = is_slow(s, key) ? POOL_LONG : POOL_QUICK;
        int r = -EAGAIN;

        *ret_partial = false;
        *ret_failed = true;
        for (int tries = 0; r == -EAGAIN && tries < TRIES; tries++) {
                struct conn *c;

                r = pool_get(p, lane, busy_ms, &c, err);
                if (r < 0) {
                        *ret_partial = r == -ETIME; /* others are asked in the quick lane */
                        continue;
                }
                r = pool_put(p, c, q(c, ctx, err));
                *ret_failed = r < 0 && r != -ENOENT && r != -ENOTUNIQ && r != -ENOMEM;
                *ret_partial = *ret_failed;
                if (r == -ETIME && lane == POOL_QUICK) {
                        note_slow(s, key);
                        lane = POOL_LONG;
                        r = -EAGAIN;
                        continue;
                }
                if (r == -EAGAIN)
                        (void)err_set(err, r,
                                "the inventory changes on a read-only filesystem faster than it is read");
        }
        return r;
}

/* Nobody who reads a file has to know what a bound of ours is. */
static int for_callers(int r)
{
        return r == -EFBIG || r == -ETIME ? -EIO : r;
}

int standby_ask(struct standby *s, uint64_t key, standby_question *q, void *ctx, struct err *err)
{
        struct err live = { "" }, copy = { "" };
        bool failed, partial;
        int r = ask_pool(s, s->live, patience(s), key, q, ctx, &failed, &partial, &live), r_copy;

        if (r == -ENOMEM) /* tells nothing of the file */
                failed = false;
        else if (failed)
                note_bad(s, partial, &live);
        else
                note_good(s);
        if (!failed || !s->copy) {
                if (r < 0 && err)
                        *err = live;
                return for_callers(r);
        }
        r_copy = ask_pool(s, s->copy, 0, key, q, ctx, &failed, &partial, &copy);
        atomic_store(&s->has_copy, !failed);
        if (failed)
                r_copy = r;
        if (r_copy < 0 && err)
                *err = failed ? live : copy;
        return for_callers(r_copy);
}

unsigned standby_changes(const struct standby *s)
{
        return atomic_load_explicit(&s->changes, memory_order_acquire);
}

void standby_health(struct standby *s, struct inventory_health *ret)
{
        struct stat st;

        *ret = (struct inventory_health) { .from = INVENTORY_LIVE, .copy_path = s->copy_path };
        if (s->copy_path && stat(s->copy_path, &st) == 0)
                ret->copy_sec = st.st_mtim.tv_sec;
        pthread_mutex_lock(&s->lock);
        if (atomic_load(&s->bad)) {
                ret->from = atomic_load(&s->has_copy) ? INVENTORY_COPY : INVENTORY_NONE;
                ret->reason = s->reason;
        }
        ret->since_sec = s->since_sec;
        ret->copy_reason = s->copy_reason;
        pthread_mutex_unlock(&s->lock);
}

/* ---- the copier's thread ---- */

static void made(void *ctx, int r, const struct err *err)
{
        struct standby *s = ctx;

        pthread_mutex_lock(&s->lock);
        if (r < 0)
                s->copy_reason = *err;
        else
                s->copy_reason.text[0] = '\0';
        pthread_mutex_unlock(&s->lock);
        if (r == 0)
                atomic_store(&s->has_copy, true);
}

__attribute__((format(printf, 3, 4))) static void say(struct standby *s, int priority, const char *fmt, ...)
{
        char line[2 * sizeof(((struct err *)0)->text)];
        va_list ap;

        va_start(ap, fmt);
        (void)vsnprintf(line, sizeof line, fmt, ap);
        va_end(ap);
        if (s->log)
                s->log(priority, line);
}

void inventory_health_text(const struct inventory_health *h, struct err *ret)
{
        char when[32] = "an unknown time";
        struct tm tm;

        ret->text[0] = '\0';
        if (h->from == INVENTORY_LIVE)
                return;
        if (h->copy_sec && gmtime_r(&h->copy_sec, &tm))
                (void)strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &tm);
        if (h->from == INVENTORY_COPY)
                (void)err_set(ret, 0, "answering from the copy of %s, because %s", when, h->reason.text);
        else
                *ret = h->reason;
}

/* Invariant 4. */
static void tick(void *ctx)
{
        struct standby *s = ctx;
        int64_t now = clock_ms();
        struct inventory_health h;
        struct err text;

        standby_health(s, &h);
        if ((h.from == INVENTORY_COPY) != s->said_bad && (!s->said_ms || now - s->said_ms >= SAY_EVERY_MS)) {
                s->said_bad = h.from == INVENTORY_COPY;
                s->said_ms = now;
                inventory_health_text(&h, &text);
                say(s, s->said_bad ? LOG_WARNING : LOG_INFO, "inventory: %s", text.text);
        }
        if (strcmp(h.copy_reason.text, s->said_copy_reason.text) != 0) {
                s->said_copy_reason = h.copy_reason;
                if (h.copy_reason.text[0])
                        say(s, LOG_WARNING, "inventory: no new copy can be made: %s", h.copy_reason.text);
                else
                        say(s, LOG_INFO, "inventory: copies are made again");
        }
}

/* ---- life ---- */

static int no_question(struct conn *c, void *ctx, struct err *err)
{
        (void)c, (void)ctx, (void)err;
        return 0;
}

static int dup_or_null(const char *text, char **ret)
{
        *ret = text ? strdup(text) : NULL;
        return text && !*ret ? -ENOMEM : 0;
}

/* Opening it reads its whole schema, some milliseconds: who opens later believes in a file, until it is asked. */
static void look_for_copy(struct standby *s, bool open_later)
{
        struct conn *c;

        if (!s->copy)
                return;
        if (open_later) {
                atomic_store(&s->has_copy, access(s->copy_path, R_OK) == 0);
        } else if (pool_get(s->copy, POOL_QUICK, 0, &c, NULL) == 0) {
                (void)pool_put(s->copy, c, 0);
                atomic_store(&s->has_copy, true);
        }
}

/* Whether any question can be answered; what is said is said before anybody relies on it. */
static int ask_first(struct standby *s, struct err *err)
{
        int r = standby_ask(s, 0, no_question, NULL, err);

        if (r == 0)
                tick(s);
        return r;
}

static int start_copier(struct standby *s, const struct inventory_options *opts, struct err *err)
{
        return copier_start(&(struct copier_options) { .live = s->live,
                                    .from = s->path,
                                    .to = s->copy_path,
                                    .quiet_ms = opts->quiet_ms ? opts->quiet_ms : QUIET_MS,
                                    .every_ms = opts->every_ms ? opts->every_ms : EVERY_MS,
                                    .made = made,
                                    .tick = tick,
                                    .ctx = s },
                &s->copier, err);
}

int standby_new(const struct inventory_options *opts, struct standby **ret, struct err *err)
{
        struct standby *s = calloc(1, sizeof *s);
        int r;

        if (!s)
                return err_set(err, -ENOMEM, "out of memory");
        (void)pthread_mutex_init(&s->lock, NULL);
        s->busy_ms = opts->busy_ms ? opts->busy_ms : BUSY_MS;
        s->log = opts->log;
        s->since_sec = time(NULL);
        r = dup_or_null(opts->path, &s->path);
        if (r == 0)
                r = dup_or_null(opts->path ? opts->copy_path : NULL, &s->copy_path);
        if (r < 0)
                err_set(err, r, "out of memory");
        if (r == 0)
                r = pool_new(s->path, false, &s->live, err);
        if (r == 0 && s->copy_path)
                r = pool_new(s->copy_path, true, &s->copy, err);
        if (r == 0)
                look_for_copy(s, opts->open_later);
        if (r == 0 && !opts->open_later)
                r = ask_first(s, err);
        if (r == 0 && s->copy_path)
                r = start_copier(s, opts, err);
        if (r < 0) {
                standby_free(s);
                return r;
        }
        *ret = s;
        return 0;
}

void standby_free(struct standby *s)
{
        if (!s)
                return;
        copier_stop(s->copier);
        pool_free(s->live);
        pool_free(s->copy);
        pthread_mutex_destroy(&s->lock);
        free(s->path);
        free(s->copy_path);
        free(s);
}
