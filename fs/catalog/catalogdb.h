/* SPDX-License-Identifier: MPL-2.0 */
/* catalogdb -- catalog.db: what was learned about archives, kept over a restart.
 *
 * Threads: one at a time; catalogdb_load_state from any.
 */
#ifndef PXEFS_CATALOG_CATALOGDB_H
#define PXEFS_CATALOG_CATALOGDB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "archive/identity.h"
#include "archive/members.h"
#include "base/buf.h"
#include "base/err.h"

struct catalog_view;

/* One archive; all pointers are borrowed by the calls below. */
struct catalog_row {
        struct identity id;
        const char *file;
        const char *reason; /* may be NULL */
        bool ready;
        bool quarantined; /* not ready: it was, and rotted */
        uint64_t salt;
        uint64_t object; /* this and what follows: 0 or NULL unless ready */
        enum archive_format format;
        uint64_t raw_bytes;
        bool hash_checked;
        bool spooled;
        struct identity spool_id; /* if spooled */
        const void *layout;
        size_t layout_bytes;
        const char *sha256;  /* of the archive's file, hex; NULL if it never was good */
        const char *md5;     /* likewise; NULL if nobody asked for it yet */
        const char *decoder; /* NULL, or: it is read by checkpoints */
        const void *gzindex; /* with @decoder */
        size_t gzindex_bytes;
        const void *blocksums; /* without @decoder */
        size_t blocksums_bytes;
        const struct buf *states; /* of the checkpoints, to be put too; NULL when read, or kept already */
        size_t n_states;
};

struct catalogdb;

/* Opens catalog.db in @dirfd, or makes it.
 *
 * ret_note  a line for the log if it was thrown away (damaged, another version) or cannot be written (a
 *           read-only directory: then it is read as it is, or there is an empty one in memory); else ""
 *
 * Returns 0 or a negative errno with the reason and the way out.
 */
int catalogdb_open(int dirfd, struct catalogdb **ret, struct err *ret_note, struct err *err);
/* The same with nothing on disk: for one whose file cannot be used, whatever is done. */
int catalogdb_open_in_memory(struct catalogdb **ret, struct err *err);
void catalogdb_close(struct catalogdb *db); /* NULL is fine */

/* Removes the file in @dirfd and what stands beside it. */
void catalogdb_discard(int dirfd);

/* Calls @fn for each row whose checksum agrees; a negative return of it ends the reading.  Returns 0, that
 * number, or the negative errno of reading. */
int catalogdb_each(struct catalogdb *db, int (*fn)(void *ctx, const struct catalog_row *row), void *ctx,
        struct err *err);

/* As catalogdb_each, from outside and beside a daemon that writes.  -ENOENT if there is no catalog.db. */
int catalogdb_peek_each(
        int dirfd, int (*fn)(void *ctx, const struct catalog_row *row), void *ctx, struct err *err);

/* One transaction each.  0 (also where the catalog cannot be written and that was said) or a negative errno.
 * */
int catalogdb_put(struct catalogdb *db, const struct catalog_row *row, struct err *err);
int catalogdb_drop(struct catalogdb *db, const struct identity *id, struct err *err);
int catalogdb_list(struct catalogdb *db, const struct catalog_view *view, struct err *err);

/* What outlives restarts so that times do not go backwards. */
#define CATALOG_SERVED_BYTES 16
struct catalog_times {
        unsigned char served[CATALOG_SERVED_BYTES]; /* digest of what is served */
        int64_t served_sec;                         /* when that changed last */
        int64_t shown_sec;                          /* see catalog_shown_sec */
};
/* Zeros if there are none, or they make no sense.  0 or a negative errno. */
int catalogdb_get_times(struct catalogdb *db, struct catalog_times *ret, struct err *err);
int catalogdb_put_times(struct catalogdb *db, const struct catalog_times *times, struct err *err);

/* Sums files as they were last read (sums.h, struct sums_keep).  @each is called in order of the names; a negative return of it
 * ends the reading.  0, that number, or a negative errno. */
int catalogdb_put_sums(struct catalogdb *db, const char *name, const struct identity *id, const char *text,
        size_t len, struct err *err);
int catalogdb_drop_sums(struct catalogdb *db, const char *name, struct err *err);
int catalogdb_each_sums(struct catalogdb *db,
        int (*each)(void *ctx, const char *name, const struct identity *id, const char *text, size_t len),
        void *ctx, struct err *err);

/* False: what is put is forgotten at once, as the catalog cannot be written. */
bool catalogdb_keeps(const struct catalogdb *db);

/* Whether it is there at the next start: it is a file, and may be written. */
bool catalogdb_lasts(const struct catalogdb *db);

/* Adds the state of checkpoint @n of archive @object to @ret.  0, -ENOENT, or a negative errno. */
int catalogdb_load_state(struct catalogdb *db, uint64_t object, uint64_t n, struct buf *ret);

/* Drops the states of each archive of which @keep says false. */
int catalogdb_sweep_states(struct catalogdb *db, bool (*keep)(const void *ctx, uint64_t object),
        const void *ctx, struct err *err);

/* See catalog_peek. */
int catalogdb_peek(int dirfd, struct catalog_view **ret, struct err *err);

#endif
