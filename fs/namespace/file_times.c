/* SPDX-License-Identifier: MPL-2.0 */
/* file_times -- see file_times.h.
 *
 * A table of buckets of four entries.  Each carries a check over its own fields: a process killed while it writes one leaves
 * an entry that is not there, and the floor, which was raised before, still keeps its name from going backwards.
 *
 * Invariants
 *   1. Of one name in the table times never fall, and rise whenever the text is another one.
 *   2. A time is at most FILE_TIMES_AHEAD_SEC ahead of the clock, unless the clock was set back.
 * A worker that was taken over may write any time here.  It changes what a client sees as Last-Modified, and no byte.
 * Lock: one mutex, in the process, innermost.
 */
#include "namespace/file_times.h"

#include <pthread.h>
#include <stdlib.h>

#define NS_PER_SEC   INT64_C(1000000000)
#define WAYS         4
#define SET_BACK_SEC 60
#define CHECK        UINT64_C(0x9e3779b97f4a7c15)

struct entry {
        uint64_t name, hash;
        int64_t mtime_ns;
        uint64_t check; /* 0 only in an entry that was never written */
};

#define ENTRIES (FILE_TIMES_BYTES / sizeof(struct entry))

struct file_times {
        pthread_mutex_t lock;
        struct entry *v; /* borrowed, or owned */
        void *own;       /* owned; NULL: borrowed */
        int64_t floor_sec;
};

struct file_times *file_times_new(void *mem)
{
        struct file_times *t = calloc(1, sizeof *t);

        if (!t)
                return NULL;
        t->own = mem ? NULL : calloc(1, FILE_TIMES_BYTES);
        t->v = mem ? mem : t->own;
        if (!t->v) {
                free(t);
                return NULL;
        }
        (void)pthread_mutex_init(&t->lock, NULL);
        return t;
}

void file_times_free(struct file_times *t)
{
        if (!t)
                return;
        (void)pthread_mutex_destroy(&t->lock);
        free(t->own);
        free(t);
}

void file_times_set_floor(struct file_times *t, int64_t sec)
{
        (void)pthread_mutex_lock(&t->lock);
        t->floor_sec = sec;
        (void)pthread_mutex_unlock(&t->lock);
}

static uint64_t check_of(const struct entry *e)
{
        uint64_t x = (e->name ^ CHECK) * CHECK;

        x = (x ^ e->hash ^ x >> 29) * CHECK;
        return (x ^ (uint64_t)e->mtime_ns ^ x >> 31) * CHECK | 1;
}

static bool is_whole(const struct entry *e)
{
        return e->check == check_of(e);
}

/* The bucket of @name. */
static struct entry *bucket(const struct file_times *t, uint64_t name)
{
        return &t->v[name % (ENTRIES / WAYS) * WAYS];
}

static struct entry *find(const struct file_times *t, uint64_t name)
{
        struct entry *b = bucket(t, name);

        for (size_t i = 0; name && i < WAYS; i++)
                if (b[i].name == name && is_whole(&b[i]))
                        return &b[i];
        return NULL;
}

/* Where a new name goes: nobody's place, or that of the oldest time. */
static struct entry *place_for(const struct file_times *t, uint64_t name)
{
        struct entry *b = bucket(t, name), *oldest = b;

        for (size_t i = 0; i < WAYS; i++) {
                if (!is_whole(&b[i]))
                        return &b[i];
                if (b[i].mtime_ns < oldest->mtime_ns)
                        oldest = &b[i];
        }
        return oldest;
}

/* What @e shows when the text is another one and its base explains nothing. */
static int64_t after(const struct entry *e, int64_t now_sec)
{
        int64_t last_sec = e->mtime_ns / NS_PER_SEC;
        int64_t sec = last_sec < now_sec ? now_sec : last_sec + 1;

        if (sec > now_sec + FILE_TIMES_AHEAD_SEC && last_sec <= now_sec + SET_BACK_SEC)
                return e->mtime_ns + 1; /* a second holds a thousand million of them */
        return sec * NS_PER_SEC;
}

/* The time of @f, after what is remembered: @e, or NULL. */
static int64_t time_of(
        const struct file_times *t, const struct entry *e, const struct file_text *f, int64_t now_sec)
{
        bool ahead = f->base_sec > now_sec, holds = f->holds || ahead;
        int64_t base = ahead ? now_sec : f->base_sec;

        if (!e)
                return (base > t->floor_sec ? base : t->floor_sec) * NS_PER_SEC;
        if (e->hash == f->hash) /* of a base that lies ahead nothing is known but that */
                return !holds && base * NS_PER_SEC > e->mtime_ns ? base * NS_PER_SEC : e->mtime_ns;
        return base > e->mtime_ns / NS_PER_SEC ? base * NS_PER_SEC : after(e, now_sec);
}

int64_t file_times_show(struct file_times *t, const struct file_text *f, int64_t now_sec, int64_t *ret_floor)
{
        struct entry *e;
        int64_t ns, sec;

        *ret_floor = 0;
        (void)pthread_mutex_lock(&t->lock);
        e = find(t, f->name);
        ns = time_of(t, e, f, now_sec);
        sec = ns / NS_PER_SEC;
        if (sec > f->base_sec && sec > t->floor_sec && sec <= now_sec + FILE_TIMES_AHEAD_SEC)
                *ret_floor = t->floor_sec = sec;
        if (f->name && !(e && e->hash == f->hash && e->mtime_ns == ns)) {
                struct entry new = { .name = f->name, .hash = f->hash, .mtime_ns = ns };

                new.check = check_of(&new);
                *(e ? e : place_for(t, f->name)) = new;
        }
        (void)pthread_mutex_unlock(&t->lock);
        return ns;
}

bool file_times_shown(struct file_times *t, const struct file_text *f, int64_t now_sec, int64_t *ret_ns)
{
        const struct entry *e;
        bool same;

        (void)pthread_mutex_lock(&t->lock);
        e = find(t, f->name);
        same = !e || e->hash == f->hash;
        if (same)
                *ret_ns = e ? e->mtime_ns : time_of(t, NULL, f, now_sec);
        (void)pthread_mutex_unlock(&t->lock);
        return same;
}
