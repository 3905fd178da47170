/* SPDX-License-Identifier: MPL-2.0 */
/* catalog_scan -- look at the directory, decide what to read, read it, publish.
 *
 * A file goes: seen -> (unchanged for a while) -> read -> verdict.  Notifications are hints only (rsync
 * renames, WinSCP links, NFS says nothing), so whoever calls may call as often as it likes; the proof that a
 * file is whole is a full verified read during which its identity did not change.
 *
 * Locks: none; the scanning thread only.
 */
#include <errno.h>
#include <fcntl.h>
#include <syslog.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "build/catalog_impl.h"
#include "build/dirscan.h"

#define POLL_MIN_MS 50

/* ---- reading one ----------------------------------------------------------------------------- */

static int open_archive(const struct catalog *c, const struct entry *e, struct err *err)
{
        int fd = openat(c->opts.builds_dirfd, e->name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

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
        r = indexer_read(&(struct index_order) { .fd = fd,
                                 .id = &e->id,
                                 .gzip = &c->gzip,
                                 .object = object,
                                 .spool_dirfd = c->set.spool_dirfd,
                                 .spool_name = name,
                                 .spool_max = spool_max },
                &x, err);
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
        uint64_t spool_max = catalog_spool_left(c);
        struct err why = { "" };
        struct known *k = NULL;
        bool unsure = false;
        int r;

        if (e->pending) /* it was left alone since: the verdict counts */
                catalog_have_verdict(c, e, e->pending, false);
        else
                catalog_adopt(c, e); /* another name of the same file may have been read meanwhile */
        catalog_judge(c, e);
        if (e->known || e->pending)
                return catalog_publish(c, err);
        e->indexing = true;
        r = catalog_publish(c, err);
        if (r == 0) {
                r = read_archive(c, e, spool_max, &k, &unsure, &why);
                e->indexing = false;
                if (r == 0)
                        catalog_have_verdict(c, e, k, unsure);
                else
                        catalog_have_trouble(e, r, spool_max, &why);
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
        if (e->need_bytes > catalog_spool_left(c))
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

/* Changes that cost no reading: files gone, known files back. */
int catalog_look(struct catalog *c, struct err *err)
{
        struct dirscan d;
        bool changed;
        int r = dirscan_read(c->opts.builds_dirfd, &d, err);

        if (r < 0)
                return r;
        catalog_take_troubles(c);
        r = catalog_merge(c, &d);
        dirscan_fini(&d);
        if (r < 0)
                return err_set(err, r, "out of memory");
        if (sums_refresh(&c->sums, c->opts.builds_dirfd, &changed) < 0)
                return err_set(err, -ENOMEM, "out of memory");
        for (size_t i = 0; i < c->n_entries; i++) {
                catalog_adopt(c, &c->entries[i]);
                catalog_judge(c, &c->entries[i]);
        }
        r = catalog_publish(c, err); /* before the sweep: the builds of gone archives retire */
        c->looked = true;
        if (r == 0)
                catalog_sweep(c);
        return r;
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
                catalog_sweep(c); /* what this file held before is retired now */
                if (!wait)
                        break;
        }
        *ret_more = pick(c, false, &poll_ms) != NULL;
        *ret_poll_ms = poll_ms < 0 ? -1 : poll_ms < POLL_MIN_MS ? POLL_MIN_MS : (int)poll_ms;
        return 0;
}
