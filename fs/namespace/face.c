/* SPDX-License-Identifier: MPL-2.0 */
/* face -- see face.h.
 *
 * Invariants
 *   1. Who finds the snapshot too old makes the next one, without the lock; there is one who makes.
 *   2. Nobody waits for it but who comes before there is a first one.
 *   3. What happened before a snapshot was begun is in it: `events` are counted first.
 * Lock: face->lock, for all fields but `touched`; held for a copy, never while something is gathered or rendered.
 */
#include "namespace/face.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "render/status/status.h"

#define SNAPSHOT_MS 1000

static const struct {
        enum text_kind what;
        int (*render)(const struct daemon_facts *f, struct buf *out);
} kinds[] = {
        { TEXT_STATUS, render_status },
        { TEXT_METRICS, render_metrics },
        { TEXT_INDEX, render_index },
};
#define N_KINDS (sizeof kinds / sizeof kinds[0])

struct snapshot {
        struct buf text[N_KINDS];  /* owned */
        int64_t made_ms, made_sec; /* monotonic; since the epoch */
        uint64_t serial;           /* of the catalog's view */
        unsigned events;
};

struct face {
        struct facts_sources sources;
        atomic_uint touched;
        pthread_mutex_t lock;
        pthread_cond_t made;
        bool making;
        struct snapshot *now; /* owned; NULL before the first */
};

static void snapshot_free(struct snapshot *s)
{
        if (!s)
                return;
        for (size_t i = 0; i < N_KINDS; i++)
                buf_fini(&s->text[i]);
        free(s);
}

struct face *face_new(const struct facts_sources *s)
{
        struct face *f = calloc(1, sizeof *f);

        if (!f)
                return NULL;
        f->sources = *s;
        pthread_mutex_init(&f->lock, NULL);
        pthread_cond_init(&f->made, NULL);
        return f;
}

void face_free(struct face *f)
{
        if (!f)
                return;
        snapshot_free(f->now);
        pthread_cond_destroy(&f->made);
        pthread_mutex_destroy(&f->lock);
        free(f);
}

bool face_has(enum text_kind what)
{
        for (size_t i = 0; i < N_KINDS; i++)
                if (kinds[i].what == what)
                        return true;
        return false;
}

void face_touch(struct face *f)
{
        atomic_fetch_add(&f->touched, 1);
}

/* Each makes the snapshot too old. */
static unsigned events(const struct face *f)
{
        return atomic_load(&f->touched) + inventory_changes(f->sources.inventory);
}

static struct snapshot *make(struct face *f)
{
        struct snapshot *s = calloc(1, sizeof *s);
        struct gathered g;
        int r = 0;

        if (!s)
                return NULL;
        s->events = events(f);
        facts_gather(&f->sources, &g);
        s->serial = g.view->serial;
        s->made_ms = clock_ms();
        s->made_sec = (int64_t)time(NULL);
        for (size_t i = 0; i < N_KINDS && r == 0; i++)
                r = kinds[i].render(&g.facts, &s->text[i]);
        facts_release(&g);
        if (r == 0)
                return s;
        snapshot_free(s);
        return NULL;
}

static uint64_t newest_serial(struct face *f)
{
        struct catalog_view *v = catalog_view_get(f->sources.catalog);
        uint64_t serial = v->serial;

        catalog_view_unref(v);
        return serial;
}

/* With the lock held: @f->now is good enough, or somebody is making a better one. */
static bool will_do(const struct face *f, uint64_t serial)
{
        const struct snapshot *s = f->now;

        return s && (f->making || (clock_ms() - s->made_ms < SNAPSHOT_MS && s->serial == serial &&
                                          s->events == events(f)));
}

int face_text(struct face *f, enum text_kind what, struct buf *out, int64_t *ret_made_sec)
{
        uint64_t serial = newest_serial(f);

        pthread_mutex_lock(&f->lock);
        while (f->making && !f->now)
                pthread_cond_wait(&f->made, &f->lock);
        if (!will_do(f, serial)) {
                struct snapshot *s, *old = NULL;

                f->making = true;
                pthread_mutex_unlock(&f->lock);
                s = make(f);
                pthread_mutex_lock(&f->lock);
                f->making = false;
                if (s) {
                        old = f->now;
                        f->now = s;
                }
                pthread_cond_broadcast(&f->made);
                snapshot_free(old);
                if (!s) {
                        pthread_mutex_unlock(&f->lock);
                        return -ENOMEM;
                }
        }
        for (size_t i = 0; i < N_KINDS; i++)
                if (kinds[i].what == what)
                        buf_add(out, f->now->text[i].data, f->now->text[i].len);
        *ret_made_sec = f->now->made_sec;
        pthread_mutex_unlock(&f->lock);
        return buf_error(out);
}
