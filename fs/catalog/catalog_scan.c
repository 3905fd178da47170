/* SPDX-License-Identifier: MPL-2.0 */
/* catalog_scan -- look at the directory, decide what to read, have it read, take in what came out, publish.
 *
 * A file goes: seen -> (unchanged for a while) -> read -> verdict.  Notifications are hints only (rsync
 * renames, WinSCP links, NFS says nothing), so whoever calls may call as often as it likes; the proof that a
 * file is whole is a full verified read during which its identity did not change.
 *
 * Only reading is done by several threads (indexpool.c).  All that decides and all that is written down is done by the
 * thread that scans, so none of it needs a lock, catalog.db has one writer, and the outcome does not depend on which
 * reading ended first: which of two archives is served follows from the archives alone (publish.c).
 *
 * Order: what was seen last goes first, since somebody dropped it in and waits for it.  Of what was seen in one look,
 * as at the first start, the newest: by the stamp in the file's name, else by its mtime.  Modification times alone say
 * when an archive was built or downloaded by whoever had it first (rsync -t, cp -p keep them); change times say when it
 * came here, but after a copy of fifty they only say in which order they were copied.
 *
 * Invariants
 *   1. A file is read by one job at a time, whatever names it has.
 *   2. One job at a time may write into the spool: what is left there belongs to it.  It and what showed that it needs much
 *      memory may take more than all the other jobs, and are read one at a time.
 *   3. What was quarantined before the start is read again when nothing else is to be read, alone, and gives way.
 * Locks: none; the scanning thread only.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "catalog/catalog_impl.h"
#include "catalog/dirscan.h"
#include "codec/filter.h"
#include "platform/buildname.h"

#define POLL_MIN_MS 50
#define AGAIN_MS    2000 /* after a reader died */

/* ---- what is being read ---------------------------------------------------------------------- */

static const struct indexjob *job_on(const struct catalog *c, const struct identity *id)
{
        const struct indexjob *job;

        for (size_t i = 0; (job = indexpool_job(c->pool, i)); i++)
                if (identity_equal(&job->id, id))
                        return job;
        return NULL;
}

static const struct indexjob *large_job(const struct catalog *c)
{
        const struct indexjob *job;

        for (size_t i = 0; (job = indexpool_job(c->pool, i)); i++)
                if (job->large)
                        return job;
        return NULL;
}

/* The entry that @job reads for, as long as the file keeps name and identity. */
static struct entry *entry_of(const struct catalog *c, const struct indexjob *job)
{
        for (size_t i = 0; i < c->n_entries; i++)
                if (strcmp(c->entries[i].name, job->file) == 0 && identity_equal(&c->entries[i].id, &job->id))
                        return &c->entries[i];
        return NULL;
}

/* Nobody waits for what is read of a file that is gone. */
static void stop_orphans(struct catalog *c)
{
        const struct indexjob *job;

        for (size_t i = 0; (job = indexpool_job(c->pool, i)); i++)
                if (!entry_of(c, job))
                        indexpool_stop_one(c->pool, job);
}

/* ---- which is next --------------------------------------------------------------------------- */

/* True if @a is read before @b, which stands behind it in the directory's order. */
static bool goes_before(const struct entry *a, const struct entry *b)
{
        if (a->look != b->look)
                return a->look > b->look;
        return a->made_ns >= b->made_ns;
}

/* When @e may be read: now (0), in some milliseconds, or never as things are (-1). */
static int64_t due_ms(const struct catalog *c, const struct entry *e, bool wait)
{
        int64_t left = e->try_ms - catalog_now_ms();

        if (e->known || e->error || e->indexing || catalog_condemned(c, &e->id))
                return -1;
        if (e->need_bytes && e->need_bytes > catalog_spool_left(c))
                return -1;
        if (e->large && (large_job(c) || indexpool_room(c->pool, true) == ROOM_NONE))
                return -1; /* its end wakes us */
        if (!e->pending && job_on(c, &e->id))
                return -1; /* under another name */
        if (wait && !e->tried && !e->pending)
                return 0;
        return left > 0 ? left : 0;
}

/* The next archive that may be read now, or NULL; *ret_poll_ms when another one may, -1 for never. */
static struct entry *pick(struct catalog *c, bool wait, int64_t *ret_poll_ms)
{
        struct entry *best = NULL;

        *ret_poll_ms = -1;
        for (size_t i = 0; i < c->n_entries; i++) {
                struct entry *e = &c->entries[i];
                int64_t due = due_ms(c, e, wait);

                if (due == 0 && (!best || !goes_before(best, e)))
                        best = e;
                if (due > 0 && (*ret_poll_ms < 0 || due < *ret_poll_ms))
                        *ret_poll_ms = due;
        }
        return best;
}

/* One that was quarantined before the start, if nothing else is read (invariant 3). */
static struct entry *pick_again(struct catalog *c, int64_t *poll_ms)
{
        for (size_t i = 0; i < c->n_entries && !indexpool_job(c->pool, 0); i++) {
                struct entry *e = &c->entries[i];
                int64_t left = e->try_ms - catalog_now_ms();

                if (!e->known || !e->known->reread || e->error || e->indexing)
                        continue;
                if (left <= 0)
                        return e;
                if (*poll_ms < 0 || left < *poll_ms)
                        *poll_ms = left;
        }
        return NULL;
}

/* ---- having one read ------------------------------------------------------------------------- */

#define PATIENCE_MS       1000
#define FIRST_PATIENCE_MS 300 /* readers wait for a successor's first look */

int catalog_patience_ms(const struct catalog *c)
{
        return c->looked ? PATIENCE_MS : FIRST_PATIENCE_MS;
}

int catalog_open_file(const struct catalog *c, const char *name)
{
        struct stat st;
        int fd, r = path_opener_open(c->opts.opener, c->opts.builds_dirfd, name,
                        O_RDONLY | O_NONBLOCK | O_NOCTTY, catalog_patience_ms(c), &fd, &st);

        return r < 0 ? r == -EAGAIN ? -ETIMEDOUT : r : fd;
}

/* Modes let us read what the link leads to: what refuses it is the worker's sandbox, which does not mind O_PATH. */
static bool only_sandbox_refuses(const struct catalog *c, const char *name)
{
        AUTO_CLOSE int fd = -1;
        struct stat st;

        return path_opener_open(c->opts.opener, c->opts.builds_dirfd, name, O_PATH, catalog_patience_ms(c),
                       &fd, &st) == 0 &&
               faccessat(fd, "", R_OK, AT_EACCESS | AT_EMPTY_PATH) == 0;
}

static int open_archive(const struct catalog *c, const struct entry *e, struct err *err)
{
        int fd = catalog_open_file(c, e->name);

        if (fd == -EACCES && only_sandbox_refuses(c, e->name))
                return err_set(err, -EACCES,
                        "it is a link to a place that may not be read: put the file here itself, or mount "
                        "with -o links_to=DIRECTORY of what it leads to");
        if (fd == -EACCES)
                return err_set(err, -EACCES, "user id %u may not read it: chmod a+r", (unsigned)geteuid());
        return fd >= 0 ? fd : err_set(err, fd, "open: %s", path_opener_strerror(fd));
}

static int number(const struct catalog *c, struct indexjob *job, struct err *err)
{
        struct numbered busy[MAX_RETIRED + CATALOG_MAX_JOBS];
        const struct indexjob *other;
        size_t n = 0;

        for (size_t i = 0; i < c->n_retired; i++)
                busy[n++] = (struct numbered) { c->retired[i].build->id, c->retired[i].build->object };
        for (size_t i = 0; (other = indexpool_job(c->pool, i)); i++)
                busy[n++] = (struct numbered) { other->id, other->object };
        return known_number(&c->set, &job->id, busy, n, &job->salt, &job->object, err);
}

static void indexjob_freep(struct indexjob **job)
{
        indexjob_free(*job);
}

/* 0: it is being read, or waits for its turn (e->large). */
static int launch(struct catalog *c, struct entry *e, struct err *err)
{
        AUTO_CLEAN(indexjob_freep) struct indexjob *job = calloc(1, sizeof *job);
        enum filter_kind kind;
        int r;

        if (!job)
                return err_set(err, -ENOMEM, "out of memory");
        job->id = e->id;
        job->again = e->known != NULL;
        if (e->old && catalog_may_be(e->old, &e->id))
                memcpy(job->same, e->old->sha256, sizeof job->same);
        job->file = strdup(e->name);
        job->fd = open_archive(c, e, err);
        if (job->fd < 0)
                return job->fd;
        if (!job->file)
                return err_set(err, -ENOMEM, "out of memory");
        kind = filter_of(job->fd);
        e->spools |= kind != FILTER_NONE && kind != FILTER_GZIP;
        e->large |= e->spools;
        if (e->large && (large_job(c) || indexpool_room(c->pool, true) != ROOM_NOW))
                return 0;
        job->spools = e->spools;
        job->large = e->large;
        job->spool_max = catalog_spool_left(c);
        r = number(c, job, err);
        if (r < 0)
                return r;
        e->indexing = true;
        r = indexpool_start(c->pool, job, err);
        if (r < 0) {
                e->indexing = false;
                return r;
        }
        (void)take_ptr(&job);
        return 0;
}

static void begin(struct catalog *c, struct entry *e)
{
        struct err why = { "" };
        int r;

        if (e->pending) /* it was left alone since: the verdict counts */
                catalog_have_verdict(c, e, e->pending, false);
        else
                catalog_adopt(c, e); /* another name of the same file may have been read meanwhile */
        catalog_judge(c, e);
        if (e->pending || (e->known && !e->known->reread))
                return;
        r = launch(c, e, &why);
        if (r == 0 || r == -ECANCELED)
                return;
        if (e->known) /* quarantined */
                e->try_ms = catalog_now_ms() + CATALOG_TROUBLE_MS;
        else
                catalog_have_trouble(c, e, r, 0, &why);
}

/* Starts what there is room for. */
static void begin_some(struct catalog *c, bool wait)
{
        const struct indexjob *job = indexpool_job(c->pool, 0);
        struct entry *e = NULL;
        int64_t poll_ms;

        if (job && job->again && pick(c, wait, &poll_ms))
                indexpool_stop_one(c->pool, job);
        while (!atomic_load(&c->stop) && indexpool_room(c->pool, false) == ROOM_NOW) {
                e = pick(c, wait, &poll_ms);
                if (!e)
                        e = pick_again(c, &poll_ms);
                if (!e || (e->large && indexpool_room(c->pool, true) != ROOM_NOW))
                        break;
                begin(c, e);
                if (c->opts.jobs == 0) /* it was read: let it be taken in */
                        break;
        }
}

/* ---- what came out --------------------------------------------------------------------------- */

/* Nobody wants it: the file is gone or another one, or memory was short. */
static void throw_away(const struct catalog *c, struct indexjob *job)
{
        char name[SPOOL_NAME_MAX];

        if (!job->x.spooled)
                return;
        known_spool_name(job->object, name);
        (void)unlinkat(c->set.spool_dirfd, name, 0);
}

/* Its reader ended without a verdict.  That may have been the machine's fault, or it needs more memory than most: it is read
 * once more, with more.  False: that was done. */
static bool try_large(struct entry *e, const struct indexjob *job)
{
        if (job->large || (job->r != -ENOMEM && job->r != -EPROTO))
                return false;
        e->large = true;
        e->try_ms = catalog_now_ms() + (job->r == -EPROTO ? AGAIN_MS : 0);
        return true;
}

static void take_result(struct catalog *c, struct entry *e, struct indexjob *job)
{
        bool sound = job->r == 0, unsure = !sound || job->x.unsure;
        struct known *k;

        if (job->is_same) {
                catalog_have_same(c, e, job);
                return;
        }
        if (try_large(e, job))
                return;
        if (job->r == -EPROTO) {
                (void)err_prefix(&job->why, -EPROTO, "reading it failed twice");
                job->r = -EBADMSG;
        }
        if (!sound && job->r != -EBADMSG) {
                catalog_have_trouble(c, e, job->r, job->spool_max, &job->why);
                return;
        }
        k = known_add(
                &c->set, &job->id, job->file, job->salt, job->object, sound ? &job->x : NULL, job->why.text);
        if (k) {
                catalog_have_verdict(c, e, k, unsure);
                return;
        }
        throw_away(c, job);
        (void)err_set(&job->why, 0, "out of memory");
        catalog_have_trouble(c, e, -ENOMEM, job->spool_max, &job->why);
}

static void take_in(struct catalog *c, struct indexjob *job)
{
        struct entry *e = entry_of(c, job);

        if (!e) {
                throw_away(c, job);
                return;
        }
        e->indexing = false;
        if (job->r == -ESPIPE && !job->spools)
                e->spools = e->large = true; /* a gzip file with an ISO in it: again, into the spool */
        else if (job->r == -ECANCELED)
                return;
        else if (job->again)
                catalog_have_reread(c, e, job);
        else
                take_result(c, e, job);
}

static void take_in_all(struct catalog *c)
{
        struct indexjob *job;

        while ((job = indexpool_take(c->pool))) {
                take_in(c, job);
                indexjob_free(job);
        }
}

/* ---- look, step, scan ------------------------------------------------------------------------ */

static int by_file(const void *a, const void *b)
{
        return strcmp((*(struct known *const *)a)->file, (*(struct known *const *)b)->file);
}

/* What stands in the set of known archives as if it had been read from the directory: each name once. */
static int scan_known(const struct catalog *c, struct dirscan *d, struct err *err)
{
        AUTO_FREE struct known **v = reallocarray(NULL, c->set.n + 1, sizeof(struct known *));
        size_t n = 0;

        if (!v)
                return -ENOMEM;
        for (size_t i = 0; i < c->set.n; i++)
                if (c->set.v[i]->ready)
                        v[n++] = c->set.v[i];
        if (n)
                qsort(v, n, sizeof *v, by_file);
        for (size_t i = 0; i < n; i++) {
                const struct known *k = v[i];
                struct stat st;
                int r = 0;

                if (i > 0 && by_file(&v[i - 1], &v[i]) == 0)
                        continue;
                r = dirscan_look(c->opts.builds_dirfd, k->file, c->opts.opener, catalog_patience_ms(c), &st);
                if (r == 0)
                        r = dirscan_add(d, k->file, &st, 0, err);
                else if (r == -ENOENT)
                        r = 0;
                else if ((r = dirscan_add(d, k->file, NULL, r, err)) == 0) {
                        d->v[d->n - 1].id = k->id; /* what was spooled needs the file no more */
                        d->v[d->n - 1].error = 0;
                }
                if (r < 0)
                        return r;
        }
        dirscan_sort(d);
        return 0;
}

int catalog_look_known(struct catalog *c, struct err *err)
{
        struct dirscan d = { .v = NULL };
        int r = scan_known(c, &d, err);

        if (r == 0)
                r = catalog_merge(c, &d);
        dirscan_fini(&d);
        if (r < 0)
                return err_set(err, r, "out of memory");
        for (size_t i = 0; i < c->n_entries; i++)
                catalog_adopt(c, &c->entries[i]);
        catalog_adopt_moved(c);
        for (size_t i = 0; i < c->n_entries; i++)
                catalog_judge(c, &c->entries[i]);
        return catalog_publish(c, err);
}

/* Changes that cost no reading: files gone, known files back. */
int catalog_look(struct catalog *c, struct err *err)
{
        struct dirscan d;
        int r = dirscan_read(c->opts.builds_dirfd, c->opts.opener, catalog_patience_ms(c), &d, err);

        if (r < 0)
                return r;
        catalog_take_troubles(c);
        r = catalog_merge(c, &d);
        if (r == 0)
                stop_orphans(c);
        if (r == 0) {
                for (size_t i = 0; i < c->n_entries; i++)
                        catalog_adopt(c, &c->entries[i]);
                catalog_adopt_moved(c);
                r = catalog_look_sums(c, d.sums, d.n_sums);
        }
        dirscan_fini(&d);
        if (r < 0)
                return err_set(err, r, "out of memory");
        r = catalog_publish(c, err); /* before the sweep: the builds of gone archives retire */
        c->looked = true;
        if (r == 0)
                catalog_sweep(c);
        return r;
}

static void note_waiting(struct catalog *c)
{
        uint64_t bytes = 0;
        size_t n = 0;

        for (size_t i = 0; i < c->n_entries; i++) {
                const struct entry *e = &c->entries[i];

                if (e->known || e->pending || e->error || e->indexing || (e->trouble && !e->waits) ||
                        job_on(c, &e->id))
                        continue;
                n++;
                bytes += e->id.size_bytes;
        }
        indexpool_note_waiting(c->pool, n, bytes);
}

/* A view, and the listing of it, cost as much as there are archives, and each archive that was read would be a reason for them:
 * ten thousand would cost as much as their square.  So while archives are being read neither takes more than a part of the time:
 * what took 10 ms is not done again before 90 ms.  False: it is not yet time. */
static bool may_repeat(int64_t not_before_ms, bool busy)
{
        return !busy || catalog_now_ms() >= not_before_ms;
}

#define REST_FOR_WORK 9 /* times as long as it took */

static int64_t rest_until(int64_t began_ms)
{
        int64_t now_ms = catalog_now_ms();

        return now_ms + REST_FOR_WORK * (now_ms - began_ms);
}

/* The view, the listing, and what nobody needs any more.  What is put off is done when the next archive was read, or at the next
 * look. */
static int show(struct catalog *c, bool busy, struct err *err)
{
        int64_t began_ms = catalog_now_ms();
        int r;

        if (!may_repeat(c->publish_ms, busy))
                return 0;
        r = catalog_publish(c, err);
        if (r < 0)
                return r;
        c->publish_ms = rest_until(began_ms);
        catalog_sweep(c); /* what these files held before is retired now */
        began_ms = catalog_now_ms();
        if (!may_repeat(c->list_ms, busy))
                return 0;
        catalog_list(c);
        c->list_ms = rest_until(began_ms);
        return 0;
}

int catalog_step(struct catalog *c, bool wait, struct catalog_todo *ret, struct err *err)
{
        int64_t poll_ms, room_ms;
        bool more, awaits = false;
        int r;

        if (catalog_look_sums_again(c) < 0)
                return err_set(err, -ENOMEM, "out of memory");
        catalog_take_troubles(c);
        take_in_all(c);
        begin_some(c, wait);
        if (c->opts.jobs == 0)
                take_in_all(c);
        note_waiting(c);
        more = pick(c, wait, &poll_ms) || pick_again(c, &poll_ms);
        r = show(c, more || indexpool_job(c->pool, 0), err);
        if (r < 0)
                return r;
        if (c->sums_ms && (poll_ms < 0 || c->sums_ms - catalog_now_ms() < poll_ms))
                poll_ms = c->sums_ms > catalog_now_ms() ? c->sums_ms - catalog_now_ms() : 0;
        for (size_t i = 0; i < c->n_entries && !awaits; i++)
                awaits = c->entries[i].sums == SUMS_AWAITED;
        room_ms = more ? indexpool_room_ms(c->pool) : -1;
        if (room_ms >= 0 && (poll_ms < 0 || room_ms < poll_ms))
                poll_ms = room_ms;
        *ret = (struct catalog_todo) { .awaits = awaits, .busy = indexpool_job(c->pool, 0) != NULL,
                .more = more && indexpool_room(c->pool, false) == ROOM_NOW && !atomic_load(&c->stop),
                .poll_ms = poll_ms < 0             ? -1
                           : poll_ms < POLL_MIN_MS ? POLL_MIN_MS
                                                   : (int)poll_ms };
        return 0;
}

int catalog_scan(struct catalog *c, bool wait, bool *ret_more, int *ret_poll_ms, struct err *err)
{
        struct catalog_todo todo;
        int r = catalog_look(c, err);

        if (r < 0)
                return r;
        for (;;) {
                r = catalog_step(c, wait, &todo, err);
                if (r < 0)
                        return r;
                if (!wait || atomic_load(&c->stop) || (!todo.busy && !todo.more))
                        break;
                if (!todo.more)
                        (void)poll(&(struct pollfd) { .fd = c->wake_fd, .events = POLLIN }, 1, -1);
        }
        *ret_more = todo.more;
        *ret_poll_ms = todo.poll_ms;
        return 0;
}
