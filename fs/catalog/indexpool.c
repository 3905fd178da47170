/* SPDX-License-Identifier: MPL-2.0 */
/* indexpool -- see indexpool.h.
 *
 * A thread for each job, not a thread that takes one job after the other: a job lives for half a second and more, so the
 * thread is not what costs, and each has the priority of its own job.  An unprivileged thread can be made nicer and
 * never less nice again.
 *
 * Priority: readers and these threads are made nice, so that what a client waits for goes before what an operator waits for.
 * Linux keeps the nice value by thread (setpriority(2), "C library/kernel differences"), and a new thread has that of the
 * one that makes it.  5 gives a serving thread three times the time
 * of a job where both want a processor (sched(7): 1.25 to the power of the difference), and nothing is lost where none
 * does.  A job that reads again what was read before has 19.
 *
 * Room: @n jobs that were begun in the last SLOW_MS, some more that were begun before, and not more memory than all may
 * take together.
 *
 * What the thread itself does is not parsing: it makes the spool file and gives it its name, and takes the file's SHA-256,
 * which a sums file is compared with and which is therefore not the word of a process that parsed the archive.
 *
 * Invariants
 *   1. A slot's job is the thread's until done is set, and the owner's from then on.
 *   2. Slots change under the mutex, so that progress may look at them.
 * Locks: mutex; never held while something is read or waited for.
 */
#include "catalog/indexpool.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "archive/checked.h"
#include "archive/spool.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "catalog/report.h"
#include "platform/filedigest.h"

#define NICE       5
#define NICE_AGAIN 19

#define SLOW_MS    5000 /* longer than a platform image takes */
#define SLOW_SLOTS 3u   /* that slow ones may have beside the others */

struct slot {
        struct indexpool *pool;
        struct indexjob *job;         /* owned; NULL: free */
        struct reading own, *reading; /* its own, or the readers' */
        int64_t since_sec, since_ms;  /* since the epoch; monotonic */
        uint64_t order;               /* of the starts */
        pthread_t thread;
        bool threaded, done;
};

struct indexpool {
        unsigned n, jobs; /* slots in use, at least 1; jobs at once */
        bool inside;
        struct readers *readers;
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
        job->r = filedigest(job->fd, &job->id, DIGEST_SHA256, s->reading, hex, &job->why);
        job->is_same = job->r == 0 && strcmp(hex, job->same) == 0;
        return job->r < 0 || job->is_same;
}

/* By a process of its own. */
static int ask(struct slot *s, const struct spool_file *spool)
{
        struct indexpool *p = s->pool;
        struct indexjob *job = s->job;
        AUTO_FREE struct reader_ask *a = calloc(1, sizeof *a);

        if (!a)
                return err_set(&job->why, -EAGAIN, "out of memory");
        (void)snprintf(a->file, sizeof a->file, "%s", job->file);
        (void)snprintf(a->spool, sizeof a->spool, "%s", spool->tmp);
        a->id = job->id;
        a->object = job->object;
        a->spool_max = job->spools ? job->spool_max : 0;
        a->large = job->large;
        a->again = job->again;
        return readers_read(p->readers, (unsigned)(s - p->slots), a, &job->x, &job->why);
}

/* By the thread itself. */
static int read_inside(const struct slot *s, const struct spool_file *spool)
{
        struct indexjob *job = s->job;

        return indexer_read(&(struct index_order) { .fd = job->fd,
                                    .id = &job->id,
                                    .env = s->pool->env,
                                    .object = job->object,
                                    .spool_fd = spool->fd,
                                    .spool_max = job->spool_max,
                                    .reading = s->reading },
                &job->x, &job->why);
}

/* The sums that its source has: it is opened anew, since naming the file changed its ctime. */
static int take_sums(struct indexed *x, struct err *err)
{
        AUTO_BUF struct buf b = BUF_INIT;
        int r;

        if (!x->src)
                return 0;
        blocksums_pack(source_checked_sums(x->src), &b);
        r = buf_error(&b);
        if (r == 0)
                r = blocksums_unpack(b.data, b.len, &x->sums);
        source_close(take_ptr(&x->src));
        return r < 0 ? err_set(err, r, "out of memory") : 0;
}

/* What was learned becomes what can be served. */
static int finish(const struct slot *s, struct spool_file *spool)
{
        const struct indexpool *p = s->pool;
        struct indexjob *job = s->job;
        char name[SPOOL_NAME_MAX];
        int r = 0;

        known_spool_name(job->object, name);
        if (job->x.spooled) {
                r = take_sums(&job->x, &job->why);
                if (r == 0)
                        r = spool_commit(spool, name, &job->x.spool_id, &job->why);
        }
        if (r == 0 && !job->x.src)
                r = report_open(
                        &job->x, job->fd, &job->id, job->object, p->env, p->spool_dirfd, name, &job->why);
        return r == 0 ? indexed_digest(&job->x, job->fd, &job->id, s->reading, &job->why) : r;
}

static int make_spool(
        const struct indexpool *p, const struct indexjob *job, struct spool_file *ret, struct err *err)
{
        if (!job->spools)
                return 0;
        if (p->spool_dirfd < 0)
                return err_set(err, -EROFS,
                        "the cache directory cannot be written, and a compressed archive must be decoded "
                        "there");
        return spool_make(p->spool_dirfd, ret, err);
}

static void run(struct slot *s)
{
        struct indexpool *p = s->pool;
        struct indexjob *job = s->job;
        AUTO_CLEAN(spool_drop) struct spool_file spool = SPOOL_FILE_NONE;
        char name[SPOOL_NAME_MAX];
        int r = make_spool(p, job, &spool, &job->why);

        if (r == 0 && is_settled_by_digest(s, job))
                r = job->r;
        else if (r == 0)
                r = p->readers ? ask(s, &spool) : read_inside(s, &spool);
        if (r == 0 && !job->is_same) {
                r = finish(s, &spool);
                known_spool_name(job->object, name);
                if (r < 0 && job->x.spooled)
                        (void)unlinkat(p->spool_dirfd, name, 0);
                if (r < 0)
                        indexed_fini(&job->x);
        }
        job->r = r;
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

static unsigned bounded(unsigned n)
{
        return n == 0 ? 1 : n < CATALOG_MAX_JOBS ? n : CATALOG_MAX_JOBS;
}

unsigned indexpool_slots(unsigned n)
{
        return bounded(n) + SLOW_SLOTS < CATALOG_MAX_JOBS ? bounded(n) + SLOW_SLOTS : CATALOG_MAX_JOBS;
}

int indexpool_new(unsigned n, struct readers *readers, const struct source_env *env, int spool_dirfd,
        int wake_fd, struct indexpool **ret, struct err *err)
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
        p->jobs = bounded(n);
        p->n = p->inside ? 1 : indexpool_slots(n);
        p->readers = readers;
        for (unsigned i = 0; i < p->n; i++)
                p->slots[i].reading = readers ? readers_reading(readers, i) : &p->slots[i].own;
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

static unsigned mib_of(const struct indexjob *job)
{
        return job->large ? READER_LARGE_MIB : READER_SMALL_MIB;
}

struct load {
        unsigned mib;   /* of all that is read now */
        unsigned quick; /* jobs of these that were begun just now */
        int64_t ms;     /* until the first of them was not; -1: there are none */
};

static struct load load_of(const struct indexpool *p)
{
        struct load l = { .ms = -1 };
        int64_t now_ms = clock_ms();

        for (size_t i = 0; i < p->n; i++) {
                const struct slot *s = &p->slots[i];
                int64_t left_ms = s->since_ms + SLOW_MS - now_ms;

                if (!s->job)
                        continue;
                l.mib += mib_of(s->job);
                if (left_ms <= 0)
                        continue;
                l.quick++;
                if (l.ms < 0 || left_ms < l.ms)
                        l.ms = left_ms;
        }
        return l;
}

static unsigned bound_mib(const struct indexpool *p)
{
        return p->jobs * READER_SMALL_MIB > INDEXPOOL_MIB ? p->jobs * READER_SMALL_MIB : INDEXPOOL_MIB;
}

enum indexpool_room indexpool_room(struct indexpool *p, bool large)
{
        struct load l = load_of(p);

        if (l.quick >= p->jobs || !free_slot(p))
                return ROOM_NONE;
        if (l.mib + (large ? READER_LARGE_MIB : READER_SMALL_MIB) <= bound_mib(p))
                return ROOM_NOW;
        return l.quick ? ROOM_SOON : ROOM_NONE;
}

int64_t indexpool_room_ms(struct indexpool *p)
{
        struct load l = load_of(p);

        return l.quick >= p->jobs && free_slot(p) ? l.ms : -1;
}

/* Bytes that were read for it; its reader may say anything. */
static uint64_t read_of(const struct slot *s)
{
        uint64_t all = s->job->id.size_bytes * READING_PASSES, done = atomic_load(&s->reading->done_bytes);

        return done < all ? done : all;
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
        atomic_store(&s->reading->done_bytes, 0);
        atomic_store(&s->reading->stop, false);
        s->since_sec = (int64_t)time(NULL);
        s->since_ms = clock_ms();
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
        p->finished_bytes += read_of(s);
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
                        atomic_store(&p->slots[i].reading->stop, true);
}

void indexpool_stop(struct indexpool *p)
{
        (void)pthread_mutex_lock(&p->mutex);
        p->stopped = true;
        for (size_t i = 0; i < p->n; i++)
                if (p->slots[i].job)
                        atomic_store(&p->slots[i].reading->stop, true);
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
                r->done_bytes = read_of(v[i]);
                r->since_sec = v[i]->since_sec;
        }
        ret->waiting = p->waiting;
        ret->waiting_bytes = p->waiting_bytes;
        ret->finished = p->finished;
        ret->finished_bytes = p->finished_bytes;
        ret->round_ms = p->round_ms ? clock_ms() - p->round_ms : 0;
        (void)pthread_mutex_unlock(&p->mutex);
}
