/* SPDX-License-Identifier: MPL-2.0 */
/* catalog -- look at the directory, decide what to read, read it, publish.
 *
 * A file goes: seen -> (unchanged for a while) -> read -> verdict.  Notifications are hints only (rsync
 * renames, WinSCP links, NFS says nothing), so whoever calls may call as often as it likes; the proof that a
 * file is whole is a full verified read during which its identity did not change.
 *
 *   settle    a file is not read before it was left alone for a second: decoding 300 MB ten times while they
 *             arrive helps nobody.  It is economy, not proof: a scan with `wait` skips it.
 *   back off  a file that was read in vain while it grew must rest longer, up to two seconds.
 *   young     a refusal of a file touched a moment ago may only mean "not complete yet": it is kept back
 *             until the file is three seconds old, then it counts without another reading.  So does a tar
 *             without an end mark.
 *   trouble   what this machine cannot do now (disk full, read error) is no verdict and is tried again later.
 *
 * A file that is overwritten or touched loses its identity.  If what was read from it is still whole (in the
 * spool; or in the old file, when the new one was moved over it), it is served until there is a verdict about the
 * new one.
 *
 * What turns out to be damaged when it is read (a gzip archive is decoded when it is asked for) is reported by the
 * source, from whatever thread, and becomes a refusal in the next scan.
 *
 * Invariants
 *   1. What is served was read whole and verified, under the identity it is served by.
 *   2. Ages are taken from the wall clock only to shorten a wait; every wait ends by the monotonic clock.
 *   3. Memory for the view is had before the old one is let go: a failed scan leaves the last view.
 * Locks: catalog.mutex, for the view's pointer only; trouble_mutex, for the list of reports.  Neither is held while the
 * other is taken.  Scanning is one thread's business.
 */
#include "build/catalog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "build/catalog_impl.h"
#include "build/dirscan.h"

#define SETTLE_MS     1000   /* left alone this long: worth reading */
#define SETTLE_MAX_MS 2000   /* after readings in vain; with the reading itself, 5 s until a build appears */
#define YOUNG_MS      3000   /* a refusal of a file younger than this waits */
#define TROUBLE_MS    30000  /* until another try */
#define NO_SPACE_MS   600000 /* a try fills the disk to the brim once more: seldom */
#define POLL_MIN_MS   50

#define MEMORY_BYTES (64u << 20)

int64_t catalog_now_ms(void)
{
        struct timespec ts;

        (void)clock_gettime(CLOCK_MONOTONIC, &ts);
        return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Milliseconds since the file was last written to, as its mtime says; 0 if that lies in the future
 * (invariant 2).  A tool that restores an old mtime does so when it is done: the next write would set it
 * again. */
static int64_t mtime_age_ms(const struct identity *id)
{
        struct timespec ts;
        int64_t now;

        (void)clock_gettime(CLOCK_REALTIME, &ts);
        now = (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
        return now > id->mtime_ns ? (now - id->mtime_ns) / 1000000 : 0;
}

/* How long @e was left alone, as far as is known.  A file seen to change counts from then: a server's clock
 * may lag. */
static int64_t age_ms(const struct entry *e)
{
        int64_t by_mtime = mtime_age_ms(&e->id), seen = catalog_now_ms() - e->seen_ms;

        return e->replaces && seen < by_mtime ? seen : by_mtime;
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

/* ---- what gzip sources ask and report; from any thread -------------------------------------------- */

static int load_state(void *ctx, uint64_t object, uint64_t n, struct buf *ret)
{
        return catalogdb_load_state(((struct catalog *)ctx)->set.db, object, n, ret);
}

static void take_report(void *ctx, uint64_t object, enum gzip_trouble what, const char *why)
{
        struct catalog *c = ctx;

        (void)pthread_mutex_lock(&c->trouble_mutex);
        if (c->n_troubles < MAX_TROUBLES) {
                struct trouble *t = &c->troubles[c->n_troubles++];

                t->object = object;
                t->what = what;
                (void)err_set(&t->why, 0, "%s", why);
        }
        (void)pthread_mutex_unlock(&c->trouble_mutex);
        (void)eventfd_write(c->trouble_fd, 1);
}

int catalog_trouble_fd(const struct catalog *c)
{
        return c->trouble_fd;
}

static int open_gzip(struct catalog *c, struct err *err)
{
        int r;

        c->trouble_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (c->trouble_fd < 0)
                return err_sys(err, -errno, "eventfd");
        r = chunkcache_new(c->opts.memory_bytes ? c->opts.memory_bytes : MEMORY_BYTES, GZ_CHUNK_BYTES,
                GZIP_JOB_BYTES, c->opts.threads, &c->chunks, err);
        c->gzip = (struct gzip_env) { c->chunks, INFLATE_BEST, load_state, take_report, c };
        return r;
}

/* ---- opening --------------------------------------------------------------------------------- */

static int take_lock(struct catalog *c, struct err *err)
{
        c->lock_fd = openat(c->opts.cache_dirfd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (c->lock_fd < 0)
                c->lock_fd = openat(c->opts.cache_dirfd, "lock", O_RDONLY | O_CLOEXEC);
        if (c->lock_fd < 0)
                return 0; /* a read-only directory: nobody writes to it, catalogdb_open says so */
        if (flock(c->lock_fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
                return 0;
        return err_set(
                err, -EBUSY, "another pxefs uses this cache directory: give each one its own with cache=");
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
        c->trouble_fd = -1;
        r = pthread_mutex_init(&c->mutex, NULL);
        if (r != 0) {
                free(take_ptr(&c));
                return err_sys(err, -r, "mutex");
        }
        (void)pthread_mutex_init(&c->trouble_mutex, NULL);
        r = take_lock(c, err);
        if (r == 0)
                r = open_gzip(c, err);
        if (r == 0)
                r = known_open(&c->set, opts->cache_dirfd, opts->object_bits, &c->gzip, &note, err);
        if (r < 0)
                return r;
        if (note.text[0])
                catalog_log(c, LOG_WARNING, "%s", note.text);
        r = catalog_publish(c, err); /* an empty one: nothing was looked at yet */
        if (r == 0)
                *ret = take_ptr(&c);
        return r;
}

static void entry_fini(struct entry *e)
{
        free(e->name);
        free(e->trouble);
        free(e->said_reason);
        free(e->sums_why);
}

void catalog_close(struct catalog *c)
{
        if (!c)
                return;
        for (size_t i = 0; i < c->n_entries; i++)
                entry_fini(&c->entries[i]);
        free(c->entries);
        sums_fini(&c->sums);
        free(c->shown);
        catalog_drop_retired(c, true);
        catalog_view_unref(c->view);
        known_close_builds(&c->set);
        chunkcache_free(c->chunks); /* before the database its threads read */
        known_close(&c->set);
        cleanup_close(&c->lock_fd);
        cleanup_close(&c->trouble_fd);
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

/* ---- what is there --------------------------------------------------------------------------- */

static int64_t settle_ms(unsigned tries)
{
        int64_t ms = SETTLE_MS << (tries < 4 ? tries : 4);

        return ms < SETTLE_MAX_MS ? ms : SETTLE_MAX_MS;
}

static struct entry *entry_by_name(struct entry *v, size_t n, const char *name)
{
        for (size_t i = 0; i < n; i++)
                if (v[i].name && strcmp(v[i].name, name) == 0)
                        return &v[i];
        return NULL;
}

static void set_trouble(struct entry *e, bool waits, const char *text)
{
        free(e->trouble);
        e->trouble = strdup(text); /* NULL only loses the text */
        e->waits = waits;
}

/* The entry of a file that is new, or not the one that had this name before (@was, may be NULL). */
static int new_entry(const struct dirscan_file *f, const struct entry *was, struct entry *ret)
{
        struct entry e = { .name = strdup(f->name),
                .id = f->id,
                .error = f->error,
                .replaces = was != NULL,
                .seen_ms = catalog_now_ms() };
        int64_t age, rest;

        if (!e.name)
                return -ENOMEM;
        if (was) {
                struct known *k = was->known ? was->known : was->old;

                e.tries = was->tries + (was->pending != NULL); /* read in vain */
                if (k && k->ready && k->build && was->sums < SUMS_DIFFERS && source_still(k->build->src) == 0)
                        e.old = k; /* else its bytes changed under it */
        }
        if (e.error) {
                char text[256];

                (void)snprintf(text, sizeof text, "cannot be looked at: %s%s", strerror(-e.error),
                        e.error == -EACCES ? " (the daemon's user must be able to reach and read it)" : "");
                set_trouble(&e, false, text);
                *ret = e;
                return 0;
        }
        age = age_ms(&e);
        rest = settle_ms(e.tries);
        e.try_ms = e.seen_ms + (age < rest ? rest - age : 0);
        *ret = e;
        return 0;
}

/* Takes the directory's files over into c->entries. */
static int merge(struct catalog *c, const struct dirscan *d)
{
        struct entry *v = calloc(d->n + 1, sizeof *v);
        size_t n = 0;

        if (!v)
                return -ENOMEM;
        for (; n < d->n; n++) {
                struct entry *was = entry_by_name(c->entries, c->n_entries, d->v[n].name);

                if (was && was->error == d->v[n].error && identity_equal(&was->id, &d->v[n].id)) {
                        v[n] = *was;
                        *was = (struct entry) { 0 };
                } else if (new_entry(&d->v[n], was, &v[n]) < 0) {
                        break;
                }
        }
        if (n < d->n) { /* put back what was moved */
                for (size_t i = 0; i < n; i++) {
                        struct entry *hole = NULL;

                        for (size_t k = 0; k < c->n_entries && !hole; k++)
                                hole = c->entries[k].name ? NULL : &c->entries[k];
                        if (hole && !entry_by_name(c->entries, c->n_entries, v[i].name))
                                *hole = v[i];
                        else
                                entry_fini(&v[i]);
                }
                free(v);
                return -ENOMEM;
        }
        for (size_t i = 0; i < c->n_entries; i++) {
                if (c->entries[i].name && !entry_by_name(v, n, c->entries[i].name))
                        catalog_log(c, LOG_INFO, "%s: gone", c->entries[i].name);
                entry_fini(&c->entries[i]);
        }
        free(c->entries);
        c->entries = v;
        c->n_entries = n;
        return 0;
}

static void settle_on(struct entry *e, struct known *k)
{
        e->known = k;
        e->pending = e->old = NULL;
        free(e->trouble);
        e->trouble = NULL;
}

/* The verdict @k counts when the file is old enough. */
static void keep_back(struct entry *e, struct known *k)
{
        int64_t age = age_ms(e);
        struct err text;

        e->pending = k;
        k->pending = true;
        e->try_ms = catalog_now_ms() + (age < YOUNG_MS ? YOUNG_MS - age : 0);
        (void)err_set(&text, 0, "%s; waiting whether it is still being copied",
                k->reason ? k->reason : "not complete");
        set_trouble(e, true, text.text);
}

/* Uses what is known about the file already. */
static void adopt(struct catalog *c, struct entry *e)
{
        struct known *k = known_by_identity(&c->set, &e->id);
        struct err err = { "" };
        int r;

        if (e->error || e->known || e->pending || !k)
                return;
        if (k->pending) { /* another name of the same file was read */
                keep_back(e, k);
                return;
        }
        r = k->ready ? known_open_build(&c->set, k, c->opts.builds_dirfd, e->name, &err) : 0;
        if (r == 0)
                settle_on(e, k);
        else if (r == -ENOENT || r == -ESTALE)
                e->try_ms = catalog_now_ms(); /* its spool file is lost: read it again */
        else
                set_trouble(e, false, err.text);
}

/* Forgets archives whose file is gone. */
static void sweep(struct catalog *c)
{
        struct build *busy[MAX_RETIRED];
        struct err err = { "" };

        for (size_t i = 0; i < c->set.n; i++)
                c->set.v[i]->wanted = false;
        for (size_t i = 0; i < c->n_entries; i++) {
                struct entry *e = &c->entries[i];
                struct known *keep[] = { e->known, e->pending, e->old, known_by_identity(&c->set, &e->id) };

                for (size_t k = 0; k < sizeof keep / sizeof keep[0]; k++)
                        if (keep[k])
                                keep[k]->wanted = true;
        }
        for (size_t i = 0; i < c->n_retired; i++)
                busy[i] = c->retired[i].build;
        if (known_sweep(&c->set, busy, c->n_retired, &err) < 0 && !c->db_trouble) {
                c->db_trouble = true;
                catalog_log(c, LOG_WARNING, "%s", err.text);
        }
}

/* ---- reading one ----------------------------------------------------------------------------- */

static uint64_t spool_left(const struct catalog *c)
{
        uint64_t used = known_spool_bytes(&c->set);

        return used < c->opts.spool_max_bytes ? c->opts.spool_max_bytes - used : 0;
}

static void save(struct catalog *c, struct known *k)
{
        struct err err;

        if (known_save(&c->set, k, &err) < 0 && !c->db_trouble) {
                c->db_trouble = true;
                catalog_log(c, LOG_WARNING, "%s: what is found out is not kept over a restart", err.text);
        }
}

/* A verdict: it counts at once, or when the file is old enough. */
static void have_verdict(struct catalog *c, struct entry *e, struct known *k, bool may_wait)
{
        if (may_wait && age_ms(e) < YOUNG_MS) {
                keep_back(e, k);
                return;
        }
        k->pending = false;
        settle_on(e, k);
        save(c, k);
        catalog_judge(c, e);
}

/* Reading it ended without a verdict. */
static void have_trouble(struct entry *e, int r, uint64_t spool_max, const struct err *err)
{
        bool changed = r == -ESTALE || r == -ENOENT;

        e->tried = true;
        e->tries += changed;
        set_trouble(e, changed, err->text);
        /* What found no room waits for room (due_ms), not for the clock. */
        e->need_bytes = r == -EDQUOT ? spool_max + 1 : 0;
        e->try_ms = catalog_now_ms() + (changed                ? settle_ms(e->tries)
                                               : e->need_bytes ? 0
                                               : r == -ENOSPC  ? NO_SPACE_MS
                                                               : TROUBLE_MS);
}

static int open_archive(const struct catalog *c, const struct entry *e, struct err *err)
{
        int fd = openat(c->opts.builds_dirfd, e->name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

        /* access() asks modes only; what else refuses is the worker's sandbox, which stands around the directory. */
        if (fd < 0 && errno == EACCES && faccessat(c->opts.builds_dirfd, e->name, R_OK, AT_EACCESS) == 0)
                return err_set(err, -EACCES,
                        "it is a link to a place that may not be read: put the file here itself, or mount "
                        "with "
                        "-o links_to=DIRECTORY of what it leads to");
        if (fd < 0 && errno == EACCES)
                return err_set(err, -EACCES, "user id %u may not read it: chmod a+r", (unsigned)geteuid());
        return fd >= 0 ? fd : err_sys(err, -errno, "open");
}

static int read_archive(struct catalog *c, struct entry *e, uint64_t spool_max, struct known **ret,
        bool *ret_unsure, struct err *err)
{
        AUTO_CLOSE int fd = open_archive(c, e, err);
        char name[SPOOL_NAME_MAX];
        uint64_t salt, object;
        struct indexed x;
        int r;

        if (fd < 0)
                return fd;
        r = known_number(&c->set, &e->id, c->view->retired, c->view->n_retired, &salt, &object, err);
        if (r < 0)
                return r;
        known_spool_name(object, name);
        r = indexer_read(fd, &e->id, &c->gzip, object, c->set.spool_dirfd, name, spool_max, &x, err);
        if (r < 0 && r != -EBADMSG)
                return r;
        *ret_unsure = r < 0 || x.unsure;
        *ret = known_add(&c->set, &e->id, e->name, salt, object, r == 0 ? &x : NULL, err->text);
        if (r == 0)
                indexed_fini(&x); /* empty if it was taken over */
        return *ret ? 0 : err_set(err, -ENOMEM, "out of memory");
}

/* Reads @e, with "indexing" shown meanwhile. */
static int index_entry(struct catalog *c, struct entry *e, struct err *err)
{
        uint64_t spool_max = spool_left(c);
        struct err why = { "" };
        struct known *k = NULL;
        bool unsure = false;
        int r;

        if (e->pending) /* it was left alone since: the verdict counts */
                have_verdict(c, e, e->pending, false);
        else
                adopt(c, e); /* another name of the same file may have been read meanwhile */
        catalog_judge(c, e);
        if (e->known || e->pending)
                return catalog_publish(c, err);
        e->indexing = true;
        r = catalog_publish(c, err);
        if (r == 0) {
                r = read_archive(c, e, spool_max, &k, &unsure, &why);
                e->indexing = false;
                if (r == 0)
                        have_verdict(c, e, k, unsure);
                else
                        have_trouble(e, r, spool_max, &why);
                r = catalog_publish(c, err);
        }
        e->indexing = false;
        return r;
}

/* ---- the scan -------------------------------------------------------------------------------- */

/* When @e may be read: now (0), in some milliseconds, or never as things are (-1). */
static int64_t due_ms(const struct catalog *c, const struct entry *e, bool wait)
{
        int64_t left = e->try_ms - catalog_now_ms();

        if (e->known || e->error)
                return -1;
        if (e->need_bytes > spool_left(c))
                return -1;
        if (wait && !e->tried && !e->pending)
                return 0;
        return left > 0 ? left : 0;
}

/* The newest archive that may be read now, or NULL; *ret_poll_ms when the next one may, -1 for never. */
static struct entry *pick(struct catalog *c, bool wait, int64_t *ret_poll_ms)
{
        struct entry *best = NULL;

        *ret_poll_ms = -1;
        for (size_t i = 0; i < c->n_entries; i++) {
                struct entry *e = &c->entries[i];
                int64_t due = due_ms(c, e, wait);

                if (due == 0 && (!best || e->id.mtime_ns > best->id.mtime_ns))
                        best = e;
                if (due > 0 && (*ret_poll_ms < 0 || due < *ret_poll_ms))
                        *ret_poll_ms = due;
        }
        return best;
}

/* What readers met since the last look.  A file that changed shows in the look itself. */
static void take_troubles(struct catalog *c)
{
        struct trouble v[MAX_TROUBLES];
        eventfd_t told;
        size_t n;

        (void)eventfd_read(c->trouble_fd, &told);
        (void)pthread_mutex_lock(&c->trouble_mutex);
        n = c->n_troubles;
        memcpy(v, c->troubles, n * sizeof *v);
        c->n_troubles = 0;
        (void)pthread_mutex_unlock(&c->trouble_mutex);
        for (size_t i = 0; i < n; i++) {
                struct known *k = known_by_object(&c->set, v[i].object);
                struct err why;

                if (!k || !k->ready || v[i].what == GZIP_CHANGED)
                        continue;
                if (v[i].what == GZIP_LOST) {
                        catalog_log(c, LOG_WARNING,
                                "%s: %s: reading it is slow until it is read anew at the next start", k->file,
                                v[i].why.text);
                        (void)known_unsave(&c->set, k, NULL);
                        continue;
                }
                (void)err_set(
                        &why, 0, "it was good when it was verified, and is damaged now: %s", v[i].why.text);
                (void)known_refuse(&c->set, k, why.text, NULL);
        }
}

/* Changes that cost no reading: files gone, known files back. */
int catalog_look(struct catalog *c, struct err *err)
{
        struct dirscan d;
        bool changed;
        int r = dirscan_read(c->opts.builds_dirfd, &d, err);

        if (r < 0)
                return r;
        take_troubles(c);
        r = merge(c, &d);
        dirscan_fini(&d);
        if (r < 0)
                return err_set(err, r, "out of memory");
        if (sums_refresh(&c->sums, c->opts.builds_dirfd, &changed) < 0)
                return err_set(err, -ENOMEM, "out of memory");
        for (size_t i = 0; i < c->n_entries; i++) {
                adopt(c, &c->entries[i]);
                catalog_judge(c, &c->entries[i]);
        }
        r = catalog_publish(c, err); /* before the sweep: the builds of gone archives retire */
        c->looked = true;
        if (r == 0)
                sweep(c);
        return r;
}

void catalog_stop(struct catalog *c)
{
        atomic_store(&c->stop, true);
}

int catalog_scan(struct catalog *c, bool wait, bool *ret_more, int *ret_poll_ms, struct err *err)
{
        struct entry *e;
        int64_t poll_ms;
        int r = catalog_look(c, err);

        if (r < 0)
                return r;
        while (!atomic_load(&c->stop) && (e = pick(c, wait, &poll_ms))) {
                r = index_entry(c, e, err);
                if (r < 0)
                        return r;
                sweep(c); /* what this file held before is retired now */
                if (!wait)
                        break;
        }
        *ret_more = pick(c, false, &poll_ms) != NULL;
        *ret_poll_ms = poll_ms < 0 ? -1 : poll_ms < POLL_MIN_MS ? POLL_MIN_MS : (int)poll_ms;
        return 0;
}
