/* SPDX-License-Identifier: MPL-2.0 */
/* cataloglist -- the listing in catalog.db: written by the daemon with each change, read by who looks from outside.
 *
 * The daemon never reads it.  A peek opens the file read-only, beside a daemon that writes (WAL); where there
 * are no sidecars and no right to make them nobody writes either, and it is opened as immutable.
 *
 * Locks: SQLite's own.  Limits: none.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "catalog/catalog.h"
#include "catalog/catalogdb_impl.h"
#include "catalog_sql.h"

/* ---- the listing ----------------------------------------------------------------------------- */

/* A served build and its place among them. */
struct placed {
        uint64_t object;
        int place;
};

static int by_object(const void *a, const void *b)
{
        uint64_t x = ((const struct placed *)a)->object, y = ((const struct placed *)b)->object;

        return (x > y) - (x < y);
}

/* The place of @a among the served builds, which are @n; -1 if it is not served. */
static int place_of(const struct placed *v, size_t n, const struct archive_status *a)
{
        const struct placed key = { .object = a->served };
        const struct placed *p = n ? bsearch(&key, v, n, sizeof *v, by_object) : NULL;

        return p ? p->place : -1;
}

static int list_one(struct catalogdb *db, sqlite3_stmt *st, const struct catalog_view *v,
        const struct archive_status *a, int place, struct err *err)
{
        int rc = sqlite3_reset(st);

        if (rc == SQLITE_OK)
                rc = sqlite3_clear_bindings(st);
        catalogdb_bind_text(st, 1, a->file, &rc);
        catalogdb_bind_text(st, 2, place >= 0 ? v->builds[place]->name : a->build, &rc);
        catalogdb_bind_text(st, 3, archive_state_name(a->state), &rc);
        catalogdb_bind_text(st, 4, a->reason, &rc);
        catalogdb_bind_num(st, 5, a->size_bytes, &rc);
        catalogdb_bind_num(st, 6, a->raw_bytes, &rc);
        if (place >= 0)
                catalogdb_bind_num(st, 7, (uint64_t)place, &rc);
        catalogdb_bind_num(st, 8, place >= 0 && v->infos[place].release, &rc);
        catalogdb_bind_num(st, 9, place >= 0 && v->infos[place].has_hash, &rc);
        catalogdb_bind_text(st, 10, archive_verified_name(a->verified), &rc);
        catalogdb_bind_text(st, 11, a->iso, &rc);
        return rc == SQLITE_OK ? catalogdb_step_once(db, st, err) : catalogdb_error(db->db, rc, err);
}

static int list_all(struct catalogdb *db, const struct catalog_view *v, struct err *err)
{
        AUTO_STMT sqlite3_stmt *st = NULL;
        AUTO_FREE struct placed *placed = reallocarray(NULL, v->n_builds + 1, sizeof *placed);
        int r;

        if (!placed)
                return err_set(err, -ENOMEM, "out of memory");
        for (size_t i = 0; i < v->n_builds; i++)
                placed[i] = (struct placed) { v->builds[i]->object, (int)i };
        if (v->n_builds)
                qsort(placed, v->n_builds, sizeof *placed, by_object);
        r = catalogdb_run(db, catalog_q_listing_clear, err);
        if (r == 0)
                r = catalogdb_prepare(db, catalog_q_listing_put, &st, err);
        for (size_t i = 0; r == 0 && i < v->n_archives; i++)
                r = list_one(db, st, v, &v->archives[i], place_of(placed, v->n_builds, &v->archives[i]), err);
        return r;
}

int catalogdb_list(struct catalogdb *db, const struct catalog_view *view, struct err *err)
{
        int r;

        if (db->read_only)
                return 0;
        r = catalogdb_run(db, catalog_q_begin, err);
        if (r < 0)
                return r;
        r = list_all(db, view, err);
        return catalogdb_end(db, r, err);
}

static const char *column_string(sqlite3_stmt *st, int i)
{
        return (const char *)sqlite3_column_text(st, i);
}

/* ---- looking from outside -------------------------------------------------------------------- */

static int text_dup(sqlite3_stmt *st, int i, char **ret)
{
        const char *s = column_string(st, i);

        *ret = s ? strdup(s) : NULL;
        return s && !*ret ? -ENOMEM : 0;
}

static enum archive_state state_by_name(const char *name)
{
        for (int s = 0; s < ARCHIVE_STATES; s++)
                if (name && strcmp(name, archive_state_name((enum archive_state)s)) == 0)
                        return (enum archive_state)s;
        return ARCHIVE_REFUSED;
}

static unsigned verified_by_name(const char *name)
{
        for (unsigned v = 0; v < ARCHIVE_VERIFIED_ALL; v++)
                if (name && strcmp(name, archive_verified_name(v)) == 0)
                        return v;
        return 0;
}

/* A build that is served, as the listing places it among the others. */
struct peeked {
        int place;
        struct build_info info;
};

static int by_place(const void *a, const void *b)
{
        const struct peeked *x = a, *y = b;

        return (x->place > y->place) - (x->place < y->place);
}

static int peek_one(sqlite3_stmt *st, struct archive_status *a)
{
        *a = (struct archive_status) { .state = state_by_name(column_string(st, 2)),
                .size_bytes = (uint64_t)sqlite3_column_int64(st, 4),
                .raw_bytes = (uint64_t)sqlite3_column_int64(st, 5),
                .verified = verified_by_name(column_string(st, 6)) };
        return text_dup(st, 0, &a->file) < 0 || text_dup(st, 1, &a->build) < 0 ||
                               text_dup(st, 3, &a->reason) < 0 || text_dup(st, 7, &a->iso) < 0
                       ? -ENOMEM
                       : 0;
}

static int peek_rows(struct catalogdb *db, struct catalog_view *v, struct peeked **served, struct err *err)
{
        AUTO_STMT sqlite3_stmt *st = NULL;
        int r = catalogdb_prepare(db, catalog_q_listing, &st, err), rc;

        while (r == 0 && (rc = sqlite3_step(st)) == SQLITE_ROW) {
                struct archive_status *p = reallocarray(v->archives, v->n_archives + 1, sizeof *p), *a;
                struct peeked *s = reallocarray(*served, v->list.n + 1, sizeof *s);

                v->archives = p ? p : v->archives;
                *served = s ? s : *served;
                a = p ? &p[v->n_archives++] : NULL;
                if (!s || !a || peek_one(st, a) < 0)
                        return err_set(err, -ENOMEM, "out of memory");
                if (a->build && sqlite3_column_type(st, 8) == SQLITE_INTEGER)
                        s[v->list.n++] = (struct peeked) { sqlite3_column_int(st, 8),
                                { a->build, sqlite3_column_int(st, 9), sqlite3_column_int(st, 10) } };
                v->list.n_isos += a->iso != NULL;
        }
        return r < 0 || rc == SQLITE_DONE ? r : catalogdb_error(db->db, rc, err);
}

static int peek_listing(struct catalogdb *db, struct catalog_view *v, struct err *err)
{
        AUTO_FREE struct peeked *served = NULL;
        int r = peek_rows(db, v, &served, err);
        size_t n = 0;

        if (r < 0)
                return r;
        v->infos = calloc(v->list.n + 1, sizeof *v->infos);
        v->iso_names = calloc(v->list.n_isos + 1, sizeof *v->iso_names);
        if (!v->infos || !v->iso_names)
                return err_set(err, -ENOMEM, "out of memory");
        if (v->list.n)
                qsort(served, v->list.n, sizeof *served, by_place);
        for (size_t i = 0; i < v->list.n; i++)
                v->infos[i] = served[i].info;
        for (size_t i = 0; i < v->n_archives; i++)
                if (v->archives[i].iso)
                        v->iso_names[n++] = v->archives[i].iso;
        v->list = (struct build_list) { v->infos, v->list.n, v->iso_names, n };
        return 0;
}

static int open_for_peek(struct catalogdb *db, int dirfd, struct err *err)
{
        int version = 0, rc, r;

        if (faccessat(dirfd, CATALOG_DB_NAME, F_OK, 0) < 0)
                return err_sys(err, -errno, "catalog.db");
        db->read_only = true;
        rc = catalogdb_open_at(dirfd, SQLITE_OPEN_READONLY, "", &db->db);
        r = rc == SQLITE_OK ? catalogdb_version(db, &version, err) : catalogdb_error(NULL, rc, err);
        if (r == -EROFS || r == -ENOENT ||
                r == -EIO) { /* no sidecars and no right to make them: nobody is writing either */
                catalogdb_close_file(db);
                rc = catalogdb_open_at(dirfd, SQLITE_OPEN_READONLY, "?immutable=1", &db->db);
                r = rc == SQLITE_OK ? catalogdb_version(db, &version, err) : catalogdb_error(NULL, rc, err);
        }
        if (r == 0 && version == 0)
                r = err_set(err, -EBADMSG,
                        "catalog.db: it is empty: the daemon could not write it (is the disk full?), or "
                        "begins just "
                        "now; MOUNTPOINT/.pxefs/status.json has what is served");
        else if (r == 0 && version != CATALOG_SCHEMA_VERSION)
                r = err_set(err, -EBADMSG, "catalog.db: it is of version %d, this program's is %d", version,
                        CATALOG_SCHEMA_VERSION);
        if (r == 0)
                (void)sqlite3_busy_timeout(db->db, CATALOG_BUSY_MS);
        return r;
}

int catalogdb_peek(int dirfd, struct catalog_view **ret, struct err *err)
{
        struct catalogdb db = { .read_only = true };
        struct catalog_view *v = calloc(1, sizeof *v);
        int r;

        if (!v)
                return err_set(err, -ENOMEM, "out of memory");
        atomic_init(&v->refs, 1);
        r = open_for_peek(&db, dirfd, err);
        if (r == 0)
                r = peek_listing(&db, v, err);
        catalogdb_close_file(&db);
        if (r == 0)
                *ret = v;
        else
                catalog_view_unref(v);
        return r;
}

int catalogdb_peek_each(
        int dirfd, int (*fn)(void *ctx, const struct catalog_row *row), void *ctx, struct err *err)
{
        struct catalogdb db = { .read_only = true };
        int r = open_for_peek(&db, dirfd, err);

        if (r == 0)
                r = catalogdb_each(&db, fn, ctx, err);
        catalogdb_close_file(&db);
        return r;
}
