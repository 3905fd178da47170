/* SPDX-License-Identifier: MPL-2.0 */
/* catalog_same -- archives that are known, and whose file has another identity now: touched, renamed, restored from a backup,
 * or on a filesystem that came back as another device.
 *
 * What is known was learned from bytes, and the bytes are most probably the same; but the identity is all that says so.
 * Two cases:
 *
 *   elsewhere  Name, inode number, length, mtime and ctime are equal and only the device number differs.  It is no property
 *              of a filesystem: NFS, btrfs and ZFS get another one with each mount, a disk when the order of disks changes;
 *              and after a restart another disk may as well have the old number.  So it never told one file from
 *              another, and the file is taken for the one it was, without reading it.  A file that was written to, or
 *              copied, has another ctime, which nobody can set.  Where times are whole seconds (FAT, some network
 *              filesystems) that says too little: then it is the other case.
 *   touched    Length and inode number are equal, or length, name and mtime.  Its build is served meanwhile.  One pass over
 *              the file compares its SHA-256 with the one that is known: equal, it is the same archive under another
 *              identity, with the number it had, so no reader and no name notices; else it is read as a new one.  (Where
 *              what is open is another file, which a copy was moved over or which lies below a mount, it is read as a new
 *              one at once: what is served then keeps no file that was removed.)
 *
 * Either way each byte that is served is compared with what was verified (archive/checked.c, archive/gzip.c).  A reader that
 * meets another one ends the waiting: the build is absent until there is a verdict (known.changed).
 *
 * Only what no entry has by its whole identity is given away, so that two files never share a verdict unless they are one
 * file.  Refusals are not: an operator who touches a refused archive wants it read again.
 *
 * Locks: none; the scanning thread only.
 */
#include <errno.h>
#include <string.h>

#include "catalog/catalog_impl.h"

#define NS_PER_SEC 1000000000

static bool is_fine_grained(const struct identity *id)
{
        return id->ctime_ns % NS_PER_SEC != 0;
}

static bool is_elsewhere(const struct known *k, const struct entry *e)
{
        return identity_equal_elsewhere(&k->id, &e->id) && is_fine_grained(&k->id) &&
               strcmp(k->file, e->name) == 0;
}

/* An image is called by its file's name, so what is said about it does not hold under another. */
static bool may_stand_for(const struct known *k, const struct entry *e)
{
        bool image = k->build ? k->build->image : k->tree && k->tree->image;
        bool same_ino = k->id.ino == e->id.ino, same_mtime = k->id.mtime_ns == e->id.mtime_ns;

        if (!k->sha256[0] || k->id.size_bytes != e->id.size_bytes)
                return false;
        return strcmp(k->file, e->name) == 0 ? same_ino || same_mtime : same_ino && same_mtime && !image;
}

/* What is open is the file itself, not one that was moved away or lies below a mount. */
static bool is_open_file(const struct known *k, const struct identity *id)
{
        return k->build && k->build->id.dev == id->dev && k->build->id.ino == id->ino;
}

bool catalog_may_be(const struct known *k, const struct identity *id)
{
        return k->ready && k->sha256[0] && k->id.size_bytes == id->size_bytes && is_open_file(k, id);
}

static bool is_open(const struct entry *e)
{
        return !e->error && !e->known && !e->pending && !e->old;
}

static void adopt_one(struct catalog *c, struct known *k, struct entry *e, bool elsewhere)
{
        if (known_open_build(&c->set, k, c->opts.builds_dirfd, e->name, &e->id, NULL) < 0)
                return; /* it is read */
        k->wanted = true;
        if (!elsewhere || !is_open_file(k, &e->id) || known_move(k, &e->id, e->name) < 0) {
                e->old = k;
                return;
        }
        e->sums = SUMS_UNNAMED; /* it is served already */
        catalog_settle_on(e, k);
        catalog_save(c, k);
}

/* True if it is some entry's by its whole identity; that one could not open it just now. */
static bool is_taken(const struct catalog *c, const struct known *k)
{
        for (size_t i = 0; i < c->n_entries; i++)
                if (identity_equal(&c->entries[i].id, &k->id))
                        return true;
        return false;
}

static void find_place(struct catalog *c, struct known *k)
{
        struct entry *best = NULL;

        for (size_t i = 0; i < c->n_entries; i++) {
                struct entry *e = &c->entries[i];

                if (!is_open(e) || catalog_condemned(c, &e->id))
                        continue;
                if (is_elsewhere(k, e)) {
                        adopt_one(c, k, e, true);
                        return;
                }
                if (may_stand_for(k, e) && (!best || strcmp(k->file, e->name) == 0))
                        best = e;
        }
        if (best)
                adopt_one(c, k, best, false);
}

void catalog_adopt_moved(struct catalog *c)
{
        for (size_t i = 0; i < c->set.n; i++)
                c->set.v[i]->wanted = false;
        for (size_t i = 0; i < c->n_entries; i++) {
                const struct entry *e = &c->entries[i];
                struct known *held[] = { e->known, e->pending, e->old };

                for (size_t k = 0; k < sizeof held / sizeof held[0]; k++)
                        if (held[k])
                                held[k]->wanted = true;
        }
        for (size_t i = 0; i < c->set.n; i++) {
                struct known *k = c->set.v[i];

                if (k->ready && !k->wanted && !k->changed && !catalog_has_condemned(c, k->object) &&
                        !is_taken(c, k))
                        find_place(c, k);
        }
}

void catalog_have_same(struct catalog *c, struct entry *e, const struct indexjob *job)
{
        struct known *k = e->old;

        if (!k || !k->ready || strcmp(k->sha256, job->same) != 0 || known_move(k, &job->id, e->name) < 0) {
                e->try_ms = catalog_now_ms(); /* it was refused meanwhile: read it */
                return;
        }
        if (!k->spooled)
                source_touched(k->build->src, &k->id);
        e->sums = SUMS_UNNAMED; /* it is served already */
        catalog_settle_on(e, k);
        catalog_save(c, k);
        catalog_judge(c, e);
}
