/* SPDX-License-Identifier: MPL-2.0 */
/* catalog -- what all threads share: the newest view, and what readers report; and its beginning and end.
 *
 * catalog_files.c keeps the entries, catalog_scan.c looks and reads, judge.c asks the sums files, publish.c shows.
 *
 * What turns out to be damaged when it is read (sources compare what they give with what was verified) is reported by the
 * source, from whatever thread, and becomes a refusal in the next step.
 *
 * Invariants
 *   1. What is served was read whole and verified, under the identity it is served by.
 *   2. Memory for the view is had before the old one is let go: a failed scan leaves the last view.
 * Locks: catalog.mutex, for the view's pointer only; trouble_mutex, for the list of reports.  None is held while
 * another is taken.  Scanning is one thread's business.
 */
#include "catalog/catalog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "archive/gate.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "catalog/catalog_impl.h"

#define MEMORY_BYTES (64u << 20)

/* One job for so many bytes of memory= (indexpool.h, and some air): four with the default, so
 * that the daemon stays within 128 MiB when it reads, serves and holds its texts at once. */
#define JOB_SHARE_BYTES (16u << 20)

int64_t catalog_now_ms(void)
{
        struct timespec ts;

        (void)clock_gettime(CLOCK_MONOTONIC, &ts);
        return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void catalog_log(const struct catalog *c, int priority, const char *fmt, ...)
{
        char line[1024];
        va_list ap;

        if (!c->opts.log)
                return;
        va_start(ap, fmt);
        (void)vsnprintf(line, sizeof line, fmt, ap);
        va_end(ap);
        c->opts.log(priority, line);
}

/* ---- what sources ask and report; from any thread -------------------------------------------- */

static int load_state(void *ctx, uint64_t object, uint64_t n, struct buf *ret)
{
        return catalogdb_load_state(((struct catalog *)ctx)->set.db, object, n, ret);
}

static void take_report(void *ctx, uint64_t object, enum source_trouble what, const char *why)
{
        struct catalog *c = ctx;
        struct trouble t = { .object = object,
                .what = what == SOURCE_LOST      ? TROUBLE_LOST
                        : what == SOURCE_CHANGED ? TROUBLE_CHANGED
                                                 : TROUBLE_ROTTEN };

        (void)err_set(&t.why, 0, "%s", why);
        (void)pthread_mutex_lock(&c->trouble_mutex);
        c->rotten += t.what == TROUBLE_ROTTEN;
        if (c->n_troubles < MAX_TROUBLES) /* who reads it next reports it again */
                c->troubles[c->n_troubles++] = t;
        (void)pthread_mutex_unlock(&c->trouble_mutex);
        (void)eventfd_write(c->wake_fd, 1);
}

/* Once when it begins and once when it ends; readers meanwhile are told by their errors. */
static void say_storage(void *ctx, uint64_t dev, bool stalled)
{
        if (stalled)
                catalog_log(ctx, LOG_ERR,
                        "the filesystem of device %u:%u, which holds archives, does not answer: what is "
                        "cached is "
                        "served, other reads fail until it does",
                        major(dev), minor(dev));
        else
                catalog_log(ctx, LOG_INFO, "the filesystem of device %u:%u answers again", major(dev),
                        minor(dev));
}

static void take_trouble(struct catalog *c, const struct trouble *t)
{
        struct known *k = known_by_object(&c->set, t->object);
        struct err why, err = { "" };
        int r;

        if (!k || !k->ready)
                return;
        if (t->what == TROUBLE_CHANGED) { /* the next look finds another identity */
                k->changed = true;
                return;
        }
        if (t->what == TROUBLE_LOST) {
                catalog_log(c, LOG_WARNING,
                        "%s: %s: reading it is slow until it is read anew at the next start", k->file,
                        t->why.text);
                (void)known_unsave(&c->set, k, NULL);
                return;
        }
        (void)err_set(&why, 0, "it was good when it was verified, and is damaged now: %s; touch the file to have it read again",
                t->why.text);
        r = known_refuse(&c->set, k, why.text, true, &err);
        if (r < 0 && !c->db_trouble) {
                c->db_trouble = true;
                catalog_log(c, LOG_WARNING, "%s: what is found out is not kept over a restart", err.text);
        }
}

void catalog_take_troubles(struct catalog *c)
{
        struct trouble v[MAX_TROUBLES];
        eventfd_t told;
        size_t n;

        (void)eventfd_read(c->wake_fd, &told);
        (void)pthread_mutex_lock(&c->trouble_mutex);
        n = c->n_troubles;
        memcpy(v, c->troubles, n * sizeof *v);
        c->n_troubles = 0;
        (void)pthread_mutex_unlock(&c->trouble_mutex);
        for (size_t i = 0; i < n; i++)
                take_trouble(c, &v[i]);
}

int catalog_wake_fd(const struct catalog *c)
{
        return c->wake_fd;
}

static int open_chunks(struct catalog *c, struct err *err)
{
        int r;

        c->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (c->wake_fd < 0)
                return err_sys(err, -errno, "eventfd");
        r = chunkcache_new(c->opts.memory_bytes ? c->opts.memory_bytes : MEMORY_BYTES, GZIP_RUN_BYTES,
                GZIP_JOB_BYTES, c->opts.threads, &c->chunks, err);
        if (r < 0)
                return r;
        c->gates = gates_new(c->opts.readers, say_storage, c);
        if (!c->gates)
                return err_set(err, -ENOMEM, "out of memory");
        c->env = (struct source_env) { c->chunks, INFLATE_BEST, load_state, take_report, c, c->gates };
        return 0;
}

/* ---- opening --------------------------------------------------------------------------------- */

#define LOCK_FLAGS (O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY) /* it may be a pipe */

/* Also where the directory was replaced by another since that was locked. */
static bool is_locked_already(const struct catalog *c)
{
        struct stat have, there;

        return c->opts.lock_fd >= 0 && fstat(c->opts.lock_fd, &have) == 0 &&
               fstatat(c->opts.cache_dirfd, CATALOG_LOCK_NAME, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
               have.st_dev == there.st_dev && have.st_ino == there.st_ino;
}

static int take_lock(struct catalog *c, struct err *err)
{
        if (is_locked_already(c))
                return 0;
        c->lock_fd = openat(
                c->opts.cache_dirfd, CATALOG_LOCK_NAME, O_RDWR | O_CREAT | LOCK_FLAGS, 0600);
        if (c->lock_fd < 0)
                c->lock_fd =
                        openat(c->opts.cache_dirfd, CATALOG_LOCK_NAME, O_RDONLY | LOCK_FLAGS);
        if (c->lock_fd < 0)
                return 0; /* a read-only directory: nobody writes to it, catalogdb_open says so */
        if (flock(c->lock_fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
                return 0;
        return err_set(
                err, -EBUSY, "another pxefs uses this cache directory: give each one its own with cache=");
}

/* As many as there is room for beside the chunks. */
static unsigned job_count(size_t memory_bytes, unsigned jobs)
{
        size_t memory = memory_bytes ? memory_bytes : MEMORY_BYTES;
        size_t room = memory / JOB_SHARE_BYTES ? memory / JOB_SHARE_BYTES : 1;

        return jobs < room ? jobs : (unsigned)room;
}

unsigned catalog_slots(size_t memory_bytes, unsigned jobs)
{
        return indexpool_slots(job_count(memory_bytes, jobs));
}

static void catalog_closep(struct catalog **c)
{
        catalog_close(*c);
}

int catalog_open(const struct catalog_options *opts, struct catalog **ret, struct err *err)
{
        AUTO_CLEAN(catalog_closep) struct catalog *c = calloc(1, sizeof *c);
        struct err note = { "" };
        int r;

        if (!c)
                return err_set(err, -ENOMEM, "out of memory");
        c->opts = *opts;
        c->set.spool_dirfd = -1;
        c->lock_fd = -1;
        c->wake_fd = -1;
        r = pthread_mutex_init(&c->mutex, NULL);
        if (r != 0) {
                free(take_ptr(&c));
                return err_sys(err, -r, "mutex");
        }
        (void)pthread_mutex_init(&c->trouble_mutex, NULL);
        r = take_lock(c, err);
        if (r == 0)
                r = open_chunks(c, err);
        if (r == 0 && opts->n_condemned) {
                c->condemned = reallocarray(NULL, opts->n_condemned, sizeof *c->condemned);
                if (!c->condemned)
                        return err_set(err, -ENOMEM, "out of memory");
                memcpy(c->condemned, opts->condemned, opts->n_condemned * sizeof *c->condemned);
        }
        if (r == 0)
                r = known_open(&c->set, opts->cache_dirfd, opts->object_bits, &c->env, &note, err);
        c->set.opener = opts->opener;
        c->sums.wait_ms = -1;
        c->sums.required = opts->sums_required;
        if (r == 0)
                r = indexpool_new(job_count(opts->memory_bytes, opts->jobs), opts->archive_readers, &c->env,
                        c->set.spool_dirfd, c->wake_fd, &c->pool, err);
        if (r < 0)
                return r;
        if (note.text[0])
                catalog_log(c, LOG_WARNING, "%s", note.text);
        catalog_load_times(c);
        catalog_load_sums(c);
        r = catalog_publish(c, err); /* an empty one: nothing was looked at yet */
        if (r == 0)
                *ret = take_ptr(&c);
        return r;
}

void catalog_close(struct catalog *c)
{
        if (!c)
                return;
        indexpool_free(c->pool); /* first: what it read are sources over all the rest */
        for (size_t i = 0; i < c->n_entries; i++)
                catalog_entry_fini(&c->entries[i]);
        free(c->entries);
        free(c->condemned);
        sums_fini(&c->sums);
        free(c->shown);
        catalog_drop_retired(c, true);
        catalog_view_unref(c->view);
        known_close_builds(&c->set);
        chunkcache_free(c->chunks); /* before the database its threads read */
        gates_free(c->gates);
        known_close(&c->set);
        cleanup_close(&c->lock_fd);
        cleanup_close(&c->wake_fd);
        (void)pthread_mutex_destroy(&c->mutex);
        (void)pthread_mutex_destroy(&c->trouble_mutex);
        free(c);
}

struct catalog_view *catalog_view_get(struct catalog *c)
{
        struct catalog_view *v;

        (void)pthread_mutex_lock(&c->mutex);
        v = c->view;
        atomic_fetch_add_explicit(&v->refs, 1, memory_order_relaxed);
        (void)pthread_mutex_unlock(&c->mutex);
        return v;
}

int catalog_peek(int cache_dirfd, struct catalog_view **ret, struct err *err)
{
        return catalogdb_peek(cache_dirfd, ret, err);
}

void catalog_stop(struct catalog *c)
{
        atomic_store(&c->stop, true);
        indexpool_stop(c->pool);
        (void)eventfd_write(c->wake_fd, 1);
}

void catalog_progress(struct catalog *c, struct catalog_progress *ret)
{
        indexpool_progress(c->pool, ret);
}
