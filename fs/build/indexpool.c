/* SPDX-License-Identifier: MPL-2.0 */
/* indexpool -- see indexpool.h.
 *
 * A thread for each job, not a thread that takes one job after the other: a job lives for half a second and more, so the
 * thread is not what costs, and each has the priority of its own job.  An unprivileged thread can be made nicer and
 * never less nice again.
 *
 * Priority: the threads are made nice, so that what a client waits for goes before what an operator waits for.  Linux
 * keeps the nice value by thread (setpriority(2), "C library/kernel differences"), and a new thread has that of the
 * one that makes it: the decoder of gzindexer.c is as nice as its job.  5 gives a serving thread three times the time
 * of a job where both want a processor (sched(7): 1.25 to the power of the difference), and nothing is lost where none
 * does.  A job that reads again what was read before has 19.
 *
 * Invariants
 *   1. A slot's job is the thread's until done is set, and the owner's from then on.
 *   2. Slots change under the mutex, so that progress may look at them.
 * Locks: mutex; never held while something is read or waited for.
 */
#include "build/indexpool.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/atwork.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "build/filedigest.h"

#define NICE       5
#define NICE_AGAIN 19

struct slot {
        struct indexpool *pool;
        struct indexjob *job; /* owned; NULL: free */
        struct reading reading;
        int64_t since_sec;
        uint64_t order; /* of the starts */
        pthread_t thread;
        bool threaded, done;
};

struct indexpool {
        unsigned n; /* slots in use, at least 1 */
        bool inside;
        const struct source_env *env;
        int spool_dirfd, wake_fd;
        pthread_mutex_t mutex; /* guards what follows */
        bool stopped;
        uint64_t started;
        /* A round begins when something is read, and ends when nothing is and nothing waits. */
        size_t finished;
        uint64_t finished_bytes; /* as reading.done_bytes */
        int64_t round_ms;        /* monotonic: when it began; 0: there is none */
        size_t waiting;
        uint64_t waiting_bytes;
        struct slot slots[CATALOG_MAX_JOBS];
};

void indexjob_free(struct indexjob *job)
{
        if (!job)
                return;
        indexed_fini(&job->x);
        if (job->fd >= 0)
                close(job->fd);
        free(job->file);
        free(job);
}

/* ---- one job --------------------------------------------------------------------------------- */

/* Known bytes under another identity: one pass tells.  True if that settles it, one way or another. */
static bool is_settled_by_digest(struct slot *s, struct indexjob *job)
{
        char hex[DIGEST_MAX_HEX];

        if (!job->same[0])
                return false;
        job->r = filedigest(job->fd, &job->id, DIGEST_SHA256, &s->reading, hex, &job->why);
        job->is_same = job->r == 0 && strcmp(hex, job->same) == 0;
        return job->r < 0 || job->is_same;
}

static void run(struct slot *s)
{
        struct indexpool *p = s->pool;
        struct indexjob *job = s->job;
        char spool_name[SPOOL_NAME_MAX];
        bool marked = atwork_begin(identity_atwork(&job->id), ATWORK_INDEX);

        known_spool_name(job->object, spool_name);
        if (job->again) /* what rotted in memory is no verdict about the disk */
                (void)posix_fadvise(job->fd, 0, 0, POSIX_FADV_DONTNEED);
        if (!is_settled_by_digest(s, job))
                job->r = indexer_read(&(struct index_order) { .fd = job->fd,
                                              .id = &job->id,
                                              .env = p->env,
                                              .object = job->object,
                                              .spool_dirfd = p->spool_dirfd,
                                              .spool_name = spool_name,
                                              .spool_max = job->spool_max,
                                              .no_spool = !job->spools,
                                              .reading = &s->reading },
                        &job->x, &job->why);
        atwork_end(marked);
        (void)pthread_mutex_lock(&p->mutex);
        s->done = true;
        (void)pthread_mutex_unlock(&p->mutex);
        (void)eventfd_write(p->wake_fd, 1);
}

static void *thread_main(void *arg)
{
        struct slot *s = arg;

        (void)setpriority(PRIO_PROCESS, (id_t)gettid(), s->job->again ? NICE_AGAIN : NICE);
        run(s);
        return NULL;
}

static int start_thread(struct slot *s)
{
        sigset_t all, old;
        int r;

        (void)sigfillset(&all);
        (void)pthread_sigmask(SIG_BLOCK, &all, &old);
        r = -pthread_create(&s->thread, NULL, thread_main, s);
        (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
        return r;
}

/* ---- all of them ----------------------------------------------------------------------------- */

static void indexpool_freep(struct indexpool **p)
{
        indexpool_free(*p);
}

int indexpool_new(unsigned n, const struct source_env *env, int spool_dirfd, int wake_fd,
        struct indexpool **ret, struct err *err)
{
        AUTO_CLEAN(indexpool_freep) struct indexpool *p = calloc(1, sizeof *p);
        int r;

        if (!p)
                return err_set(err, -ENOMEM, "out of memory");
        r = pthread_mutex_init(&p->mutex, NULL);
        if (r != 0) {
                free(take_ptr(&p));
                return err_sys(err, -r, "mutex");
        }
        p->inside = n == 0;
        p->n = n == 0 ? 1 : n < CATALOG_MAX_JOBS ? n : CATALOG_MAX_JOBS;
        p->env = env;
        p->spool_dirfd = spool_dirfd;
        p->wake_fd = wake_fd;
        *ret = take_ptr(&p);
        return 0;
}

void indexpool_free(struct indexpool *p)
{
        if (!p)
                return;
        indexpool_stop(p);
        for (size_t i = 0; i < p->n; i++) {
                struct slot *s = &p->slots[i];
                char name[SPOOL_NAME_MAX];

                if (!s->job)
                        continue;
                if (s->threaded)
                        (void)pthread_join(s->thread, NULL);
                known_spool_name(s->job->object, name);
                if (s->job->x.spooled)
                        (void)unlinkat(p->spool_dirfd, name, 0);
                indexjob_free(s->job);
        }
        (void)pthread_mutex_destroy(&p->mutex);
        free(p);
}

static struct slot *free_slot(struct indexpool *p)
{
        for (size_t i = 0; i < p->n; i++)
                if (!p->slots[i].job)
                        return &p->slots[i];
        return NULL;
}

bool indexpool_room(struct indexpool *p)
{
        return free_slot(p) != NULL;
}

static void clear(struct slot *s)
{
        s->job = NULL;
        s->threaded = s->done = false;
}

int indexpool_start(struct indexpool *p, struct indexjob *job, struct err *err)
{
        struct slot *s = free_slot(p);
        int r = 0;

        (void)pthread_mutex_lock(&p->mutex);
        if (p->stopped) {
                (void)pthread_mutex_unlock(&p->mutex);
                return err_set(err, -ECANCELED, "stopped");
        }
        s->pool = p;
        s->job = job;
        atomic_store(&s->reading.done_bytes, 0);
        atomic_store(&s->reading.stop, false);
        s->since_sec = (int64_t)time(NULL);
        s->order = p->started++;
        if (!p->round_ms)
                p->round_ms = clock_ms();
        (void)pthread_mutex_unlock(&p->mutex);
        if (p->inside)
                run(s);
        else
                r = start_thread(s);
        if (r == 0) {
                s->threaded = !p->inside;
                return 0;
        }
        (void)pthread_mutex_lock(&p->mutex);
        clear(s);
        (void)pthread_mutex_unlock(&p->mutex);
        return err_sys(err, r, "start a thread for reading");
}

struct indexjob *indexpool_take(struct indexpool *p)
{
        struct indexjob *job = NULL;
        struct slot *s = NULL;

        (void)pthread_mutex_lock(&p->mutex);
        for (size_t i = 0; i < p->n && !s; i++)
                if (p->slots[i].job && p->slots[i].done)
                        s = &p->slots[i];
        (void)pthread_mutex_unlock(&p->mutex);
        if (!s)
                return NULL;
        if (s->threaded)
                (void)pthread_join(s->thread, NULL); /* it is at its end */
        (void)pthread_mutex_lock(&p->mutex);
        job = s->job;
        p->finished++;
        p->finished_bytes += atomic_load(&s->reading.done_bytes);
        clear(s);
        (void)pthread_mutex_unlock(&p->mutex);
        return job;
}

const struct indexjob *indexpool_job(const struct indexpool *p, size_t i)
{
        for (size_t k = 0; k < p->n; k++)
                if (p->slots[k].job && i-- == 0)
                        return p->slots[k].job;
        return NULL;
}

void indexpool_stop_one(struct indexpool *p, const struct indexjob *job)
{
        for (size_t i = 0; i < p->n; i++)
                if (p->slots[i].job == job)
                        atomic_store(&p->slots[i].reading.stop, true);
}

void indexpool_stop(struct indexpool *p)
{
        (void)pthread_mutex_lock(&p->mutex);
        p->stopped = true;
        for (size_t i = 0; i < p->n; i++)
                if (p->slots[i].job)
                        atomic_store(&p->slots[i].reading.stop, true);
        (void)pthread_mutex_unlock(&p->mutex);
}

/* ---- how far it is --------------------------------------------------------------------------- */

void indexpool_note_waiting(struct indexpool *p, size_t archives, uint64_t bytes)
{
        (void)pthread_mutex_lock(&p->mutex);
        p->waiting = archives;
        p->waiting_bytes = bytes * READING_PASSES;
        if (archives == 0 && !indexpool_job(p, 0)) {
                p->finished = 0;
                p->finished_bytes = 0;
                p->round_ms = 0;
        }
        (void)pthread_mutex_unlock(&p->mutex);
}

static int by_start(const void *a, const void *b)
{
        const struct slot *x = *(const struct slot *const *)a, *y = *(const struct slot *const *)b;

        return (x->order > y->order) - (x->order < y->order);
}

void indexpool_progress(struct indexpool *p, struct catalog_progress *ret)
{
        const struct slot *v[CATALOG_MAX_JOBS];
        size_t n = 0;

        memset(ret, 0, sizeof *ret);
        (void)pthread_mutex_lock(&p->mutex);
        for (size_t i = 0; i < p->n; i++)
                if (p->slots[i].job && !p->slots[i].done)
                        v[n++] = &p->slots[i];
        qsort(v, n, sizeof v[0], by_start);
        for (size_t i = 0; i < n; i++) {
                struct catalog_reading *r = &ret->v[ret->n++];
                size_t len = strnlen(v[i]->job->file, sizeof r->file - 1);

                memcpy(r->file, v[i]->job->file, len);
                r->total_bytes = v[i]->job->id.size_bytes * READING_PASSES;
                r->done_bytes = atomic_load(&v[i]->reading.done_bytes);
                r->since_sec = v[i]->since_sec;
        }
        ret->waiting = p->waiting;
        ret->waiting_bytes = p->waiting_bytes;
        ret->finished = p->finished;
        ret->finished_bytes = p->finished_bytes;
        ret->round_ms = p->round_ms ? clock_ms() - p->round_ms : 0;
        (void)pthread_mutex_unlock(&p->mutex);
}
