/* SPDX-License-Identifier: MPL-2.0 */
/* catalog_files -- one entry for each file of the builds directory: when it may be read, and what became of it.
 *
 *   settle    a file is not read before it was left alone for a second: decoding 300 MB ten times while they
 *             arrive helps nobody.  It is economy, not proof: a scan with `wait` skips it.
 *   back off  a file that was read in vain while it grew must rest longer, up to two seconds.
 *   young     a refusal of a file touched a moment ago may only mean "not complete yet": it is kept back
 *             until the file is three seconds old, then it counts without another reading.  So does a tar
 *             without an end mark.
 *   trouble   what this machine cannot do now (disk full, read error) is no verdict and is tried again later.
 *
 * A file that is overwritten or touched loses its identity.  What was read from it is served until there is a verdict about
 * the new one, unless its bytes are gone: the file has another length, or a reader met other bytes in it.  So `chmod`, `touch`
 * and a file moved over it interrupt nothing and move no name (catalog_same.c).
 *
 * Invariants
 *   1. Ages are taken from the wall clock only to shorten a wait; every wait ends by the monotonic clock.
 *   2. An entry lives as long as its file keeps name and identity.
 * Locks: none; the scanning thread only.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "catalog/catalog_impl.h"
#include "catalog/dirscan.h"
#include "platform/buildname.h"

#define SETTLE_MS     1000   /* left alone this long: worth reading */
#define SETTLE_MAX_MS 2000   /* after readings in vain; with the reading itself, 5 s until a build appears */
#define YOUNG_MS      3000   /* a refusal of a file younger than this waits */
#define NO_SPACE_MS   30000  /* somebody else filled the disk while it was decoded */

/* Of the disk of the cache directory: what spool files leave to the catalog, the inventory's copy and everybody else. */
#define RESERVE_PART 20
#define RESERVE_MAX  (UINT64_C(1) << 30)

void catalog_entry_fini(struct entry *e)
{
        free(e->name);
        free(e->trouble);
        free(e->said_reason);
        free(e->sums_why);
}

/* Milliseconds since the file was last written to, as its mtime says; 0 if that lies in the future
 * (invariant 1).  A tool that restores an old mtime does so when it is done: the next write would set it
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

static int64_t settle_ms(unsigned tries)
{
        int64_t ms = SETTLE_MS << (tries < 4 ? tries : 4);

        return ms < SETTLE_MAX_MS ? ms : SETTLE_MAX_MS;
}

static void set_trouble(struct entry *e, bool waits, const char *text)
{
        free(e->trouble);
        e->trouble = strdup(text); /* NULL only loses the text */
        e->needs_room = false;
        e->waits = waits;
}

/* The time the stamp in a file's name says, seconds since the epoch; -1: there is none. */
static int64_t stamp_sec(const char *name)
{
        for (const char *p = name; strlen(p) >= STAMP_LEN; p++) {
                struct tm tm = { 0 };

                if (stamp_is_valid(p, STAMP_LEN) && strptime(p, "%Y%m%dT%H%M%SZ", &tm))
                        return (int64_t)timegm(&tm);
        }
        return -1;
}

static int64_t made_ns(const struct dirscan_file *f)
{
        int64_t sec = stamp_sec(f->name);

        return sec >= 0 ? sec * 1000000000 : f->id.mtime_ns;
}

/* The entry of a file that is new, or not the one that had this name before (@was, may be NULL). */
static int new_entry(const struct dirscan_file *f, const struct entry *was, uint64_t look, struct entry *ret)
{
        struct entry e = { .name = strdup(f->name),
                .id = f->id,
                .error = f->error,
                .replaces = was != NULL,
                .look = look,
                .made_ns = made_ns(f),
                .seen_ms = catalog_now_ms() };
        int64_t age, rest;

        if (!e.name)
                return -ENOMEM;
        if (was) {
                struct known *k = was->known ? was->known : was->old;

                e.tries = was->tries + (was->pending != NULL); /* read in vain */
                if (k && k->ready && k->build && !k->changed && was->sums <= SUMS_UNCHECKED &&
                        source_still(k->build->src) == 0)
                        e.old = k; /* else its bytes changed under it */
        }
        if (e.error && f->passed_over) {
                set_trouble(&e, false, f->passed_over);
                e.passed_over = true;
                *ret = e;
                return 0;
        }
        if (e.error) {
                char text[256];

                (void)snprintf(text, sizeof text, "cannot be looked at: %s%s", path_opener_strerror(e.error),
                        e.error == -EACCES ? " (the daemon's user must be able to reach and read it)" : "");
                set_trouble(&e, e.error == -ETIMEDOUT, text);
                *ret = e;
                return 0;
        }
        age = age_ms(&e);
        rest = settle_ms(e.tries);
        e.try_ms = e.seen_ms + (age < rest ? rest - age : 0);
        *ret = e;
        return 0;
}

/* Nothing tells that the file is another one than at the last look: what it leads to does not answer. */
static bool is_as_it_was(const struct entry *was, const struct dirscan_file *f)
{
        if (f->error == -ETIMEDOUT && !was->error)
                return true;
        return was->error == f->error && identity_equal(&was->id, &f->id);
}

/* At the first look of a successor: what was good is taken to be as it was, until it answers. */
static struct dirscan_file as_known(const struct catalog *c, const struct dirscan_file *f)
{
        struct dirscan_file now = *f;

        for (size_t i = 0; f->error == -ETIMEDOUT && i < c->set.n; i++)
                if (c->set.v[i]->ready && strcmp(c->set.v[i]->file, f->name) == 0) {
                        now.id = c->set.v[i]->id;
                        now.error = 0;
                }
        return now;
}

/* The entry of @name, from *at on, or NULL.  Both lists are sorted: *at only moves on, over names that are gone. */
static struct entry *next_by_name(struct catalog *c, size_t *at, const char *name)
{
        int d = -1;

        while (*at < c->n_entries && (d = strcmp(c->entries[*at].name, name)) < 0)
                (*at)++;
        return d == 0 ? &c->entries[*at] : NULL;
}

static void say_gone(const struct catalog *c, const struct dirscan *d)
{
        size_t at = 0;

        for (size_t i = 0; i < c->n_entries; i++) {
                while (at < d->n && strcmp(d->v[at].name, c->entries[i].name) < 0)
                        at++;
                if (at == d->n || strcmp(d->v[at].name, c->entries[i].name) != 0)
                        catalog_log(c, LOG_INFO, "%s: gone", c->entries[i].name);
        }
}

/* Takes the directory's files over into c->entries.  What can fail comes first: nothing was moved then. */
int catalog_merge(struct catalog *c, const struct dirscan *d)
{
        struct entry *v = calloc(d->n + 1, sizeof *v);
        size_t n = 0, at = 0;

        if (!v)
                return -ENOMEM;
        for (; n < d->n; n++) {
                struct entry *was = next_by_name(c, &at, d->v[n].name);
                struct dirscan_file f = was ? d->v[n] : as_known(c, &d->v[n]);

                if (!(was && is_as_it_was(was, &f)) && new_entry(&f, was, c->n_looks + 1, &v[n]) < 0)
                        break;
        }
        if (n < d->n) {
                while (n > 0)
                        catalog_entry_fini(&v[--n]);
                free(v);
                return -ENOMEM;
        }
        say_gone(c, d);
        at = 0;
        for (size_t i = 0; i < d->n; i++) {
                struct entry *was = v[i].name ? NULL : next_by_name(c, &at, d->v[i].name);

                if (was) {
                        v[i] = *was;
                        was->moved = true;
                }
        }
        for (size_t i = 0; i < c->n_entries; i++)
                if (!c->entries[i].moved)
                        catalog_entry_fini(&c->entries[i]);
        free(c->entries);
        c->entries = v;
        c->n_entries = n;
        c->n_looks++;
        return 0;
}

void catalog_save(struct catalog *c, struct known *k)
{
        struct err err;

        if (known_save(&c->set, k, &err) < 0 && !c->db_trouble) {
                c->db_trouble = true;
                catalog_log(c, LOG_WARNING, "%s: what is found out is not kept over a restart", err.text);
        }
}

void catalog_settle_on(struct entry *e, struct known *k)
{
        e->known = k;
        e->pending = e->old = NULL;
        free(e->trouble);
        e->trouble = NULL;
        e->needs_room = false;
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

/* An archive is found by its number while there is a verdict about it.  Without one (catalog.db cannot be written, or is
 * lost) by the number it most probably had: salt 0. */
const struct catalog_condemned *catalog_condemned(const struct catalog *c, const struct identity *id)
{
        const struct known *k;
        uint64_t object;

        if (c->opts.n_condemned == 0)
                return NULL;
        k = known_by_identity(&c->set, id);
        if (k && k->object)
                object = k->object;
        else if (identity_hash(id, 0, c->opts.object_bits, &object) < 0 || known_by_object(&c->set, object))
                return NULL;
        for (size_t i = 0; i < c->opts.n_condemned; i++)
                if (c->condemned[i].archive == object)
                        return &c->condemned[i];
        return NULL;
}

bool catalog_has_condemned(const struct catalog *c, uint64_t object)
{
        for (size_t i = 0; i < c->opts.n_condemned; i++)
                if (c->condemned[i].archive == object)
                        return true;
        return false;
}

/* Where memory is short it stays without a verdict, and is not read either: due_ms. */
static void condemn(struct catalog *c, struct entry *e, const struct catalog_condemned *row)
{
        const char *why =
                row->hung ? "reading it hung two workers: it is left alone; touch the file to have it "
                            "read again, or restart the daemon"
                          : "reading it crashed two workers: it is left alone; touch the file to have "
                            "it read again";
        struct known *k = known_by_identity(&c->set, &e->id);

        if (k && k->ready) {
                if (known_refuse(&c->set, k, why, row->hung, NULL) == -ENOMEM)
                        return;
        } else if (!k || k->pending) {
                k = known_add(&c->set, &e->id, e->name, 0, 0, NULL, why);
                if (!k)
                        return;
                catalog_save(c, k);
        }
        k->reread = false;
        catalog_settle_on(e, k);
}

/* Uses what is known about the file already. */
void catalog_adopt(struct catalog *c, struct entry *e)
{
        const struct catalog_condemned *row;
        struct err err = { "" };
        struct known *k;
        int r;

        if (e->error || e->known || e->pending)
                return;
        k = known_by_identity(&c->set, &e->id);
        row = catalog_condemned(c, &e->id);
        if (row)
                condemn(c, e, row);
        if (e->known || !k)
                return;
        if (k->pending) { /* another name of the same file was read */
                keep_back(e, k);
                return;
        }
        r = k->ready ? known_open_build(&c->set, k, c->opts.builds_dirfd, e->name, &e->id, &err) : 0;
        if (r == 0)
                catalog_settle_on(e, k);
        else if (r == -ENOENT || r == -ESTALE)
                e->try_ms = catalog_now_ms(); /* its spool file is lost: read it again */
        else
                set_trouble(e, r == -ETIMEDOUT, err.text);
}

/* Forgets archives whose file is gone. */
void catalog_sweep(struct catalog *c)
{
        struct build *busy[MAX_RETIRED];
        struct err err = { "" };

        for (size_t i = 0; i < c->set.n; i++)
                c->set.v[i]->wanted = false;
        for (size_t i = 0; i < c->n_entries; i++) {
                struct entry *e = &c->entries[i];
                bool same = e->known && identity_equal(&e->known->id, &e->id);
                struct known *keep[] = { e->known, e->pending, e->old,
                        same ? NULL : known_by_identity(&c->set, &e->id) };

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

/* ---- what became of it ------------------------------------------------------------------------ */

static uint64_t least(uint64_t a, uint64_t b)
{
        return a < b ? a : b;
}

uint64_t catalog_spool_left(const struct catalog *c)
{
        uint64_t used = known_spool_bytes(&c->set), left, room, reserve;
        struct statvfs fs;

        for (size_t i = 0; i < c->n_retired; i++)
                if (!known_by_object(&c->set, c->retired[i].build->object))
                        used += c->retired[i].spool_bytes;
        left = used < c->opts.spool_max_bytes ? c->opts.spool_max_bytes - used : 0;
        if (fstatvfs(c->set.spool_dirfd, &fs) < 0)
                return left;
        reserve = least((uint64_t)fs.f_blocks * fs.f_frsize / RESERVE_PART, RESERVE_MAX);
        room = (uint64_t)fs.f_bavail * fs.f_frsize;
        return least(left, room > reserve ? room - reserve : 0);
}

/* A verdict: it counts at once, or when the file is old enough. */
void catalog_have_verdict(struct catalog *c, struct entry *e, struct known *k, bool may_wait)
{
        if (may_wait && age_ms(e) < YOUNG_MS) {
                keep_back(e, k);
                return;
        }
        k->pending = false;
        catalog_settle_on(e, k);
        catalog_save(c, k);
        catalog_judge(c, e);
}

/* Reading it ended without a verdict. */
void catalog_have_trouble(
        const struct catalog *c, struct entry *e, int r, uint64_t spool_max, const struct err *err)
{
        bool changed = r == -ESTALE || r == -ENOENT;
        /* One that all of spool_max= does not hold is refused. */
        bool no_room = r == -ENOSPC || (r == -EDQUOT && spool_max < c->opts.spool_max_bytes);
        uint64_t more = 0;

        e->tried = true;
        e->tries += changed;
        set_trouble(e, changed || r == -ETIMEDOUT || no_room, err->text);
        e->needs_room = no_room;
        /* What found no room waits for room (due_ms), not for the clock: for a sixteenth more than it found, since each try writes
         * all there is, and for no more than can ever be. */
        if (r == -EDQUOT)
                more = spool_max + (no_room ? least(spool_max / 16, c->opts.spool_max_bytes - spool_max - 1) : 0) + 1;
        e->need_bytes = r == -ENOSPC ? e->id.size_bytes : more;
        e->try_ms = catalog_now_ms() + (changed                  ? settle_ms(e->tries)
                                               : r == -ENOSPC    ? NO_SPACE_MS
                                               : e->need_bytes   ? 0
                                               : r == -ETIMEDOUT ? SETTLE_MAX_MS
                                                                 : CATALOG_TROUBLE_MS);
}

/* The bytes were verified anew.  Other names of the same file hold the verdict that is replaced. */
static void release(struct catalog *c, struct known *was, struct indexjob *job)
{
        struct known *k;

        for (size_t i = 0; i < c->n_entries; i++)
                if (c->entries[i].known == was)
                        c->entries[i].known = NULL;
        k = known_add(&c->set, &job->id, job->file, job->salt, job->object, &job->x, NULL);
        if (k)
                catalog_save(c, k);
        for (size_t i = 0; i < c->n_entries; i++) /* without memory for it: what it was, once more */
                if (!c->entries[i].known) {
                        catalog_adopt(c, &c->entries[i]);
                        catalog_judge(c, &c->entries[i]);
                }
}

void catalog_have_reread(struct catalog *c, struct entry *e, struct indexjob *job)
{
        struct known *k = e->known;
        struct err why = { "" };

        if (!k || !k->quarantined)
                return;
        if (job->r == 0 && (!k->sha256[0] || strcmp(k->sha256, job->x.sha256) == 0)) {
                release(c, k, job);
        } else if (job->r == 0 || job->r == -EBADMSG) {
                (void)err_set(&why, 0,
                        "it was good once, and is damaged: %s; touch the file to have it read again",
                        job->r == 0 ? "its SHA-256 is another; copy the archive again" : job->why.text);
                (void)known_refuse(&c->set, k, why.text, false, NULL);
        } else { /* no verdict: what it was stands */
                e->try_ms = catalog_now_ms() + CATALOG_TROUBLE_MS;
        }
}
