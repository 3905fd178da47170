/* SPDX-License-Identifier: MPL-2.0 */
/* known -- every archive there is a verdict about, in memory and in catalog.db; and its spool file.
 *
 * For catalog.c.  Threads: the scanning one.
 */
#ifndef PXEFS_CATALOG_KNOWN_H
#define PXEFS_CATALOG_KNOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "archive/identity.h"
#include "catalog/catalogdb.h"
#include "platform/build.h"
#include "platform/indexer.h"

/* One archive's verdict. */
struct known {
        struct identity id;
        char *file; /* owned; name it was read under */
        bool ready;
        char *reason;          /* owned; NULL if nothing is to be said */
        uint64_t salt, object; /* 0 if refused */
        enum archive_format format;
        uint64_t raw_bytes;
        bool hash_checked, spooled;
        bool checkpoints; /* a gzip archive, read from itself */
        struct identity spool_id;
        char sha256[DIGEST_MAX_HEX], md5[DIGEST_MAX_HEX]; /* of the file; "" while not known */
        struct layout *tree;                              /* owned; until @build takes it */
        struct gzindex *index;  /* owned; with checkpoints, until @build's source takes it */
        struct blocksums *sums; /* owned; without checkpoints, until @build's source takes it */
        struct build *build;    /* owned reference; NULL until opened */
        bool saved;             /* it is in catalog.db */
        bool quarantined;       /* refused because it rotted after it was verified */
        bool reread;            /* the same, before the start: it is to be read once more */
        bool pending;           /* it does not count yet: see entry.pending */
        bool wanted;            /* a mark of the scan */
        bool changed; /* a reader met other bytes: its file was written to, and the look has not seen it */
};

struct known_set {
        struct known **v; /* owned */
        size_t n;
        struct catalogdb *db;         /* owned */
        int spool_dirfd;              /* owned; -1: none */
        const struct source_env *env; /* borrowed; for sources */
        struct path_opener *opener;   /* borrowed; opens archives; NULL: nothing bounds it */
        bool states_due;              /* there may be checkpoint states of archives that are gone */
        unsigned object_bits;
};

/* Opens catalog.db and spool/ in @cache_dirfd, and removes spool files nobody knows.  @ret_note: see
 * catalogdb_open. */
int known_open(struct known_set *s, int cache_dirfd, unsigned object_bits, const struct source_env *env,
        struct err *ret_note, struct err *err);
/* Lets go of the builds; after this only known_close. */
void known_close_builds(struct known_set *s);
void known_close(struct known_set *s);

/* NULL if there is none. */
struct known *known_by_identity(const struct known_set *s, const struct identity *id);

struct known *known_by_object(const struct known_set *s, uint64_t object);

/* Bytes of all spool files. */
uint64_t known_spool_bytes(const struct known_set *s);

/* An archive's number. */
struct numbered {
        struct identity id;
        uint64_t object;
};

/* The object number of @id, which no other archive in the set and none of the @n in @busy has.
 * Returns 0, -ENOMEM, or -ENOSPC if there is none left. */
int known_number(const struct known_set *s, const struct identity *id, const struct numbered *busy, size_t n,
        uint64_t *ret_salt, uint64_t *ret_object, struct err *err);

/* Name of the spool file of @object; @ret has SPOOL_NAME_MAX bytes. */
#define SPOOL_NAME_MAX 32
void known_spool_name(uint64_t object, char *ret);

/* Takes in a verdict; @x (which is emptied) for a good one, NULL and @reason for a refusal.  An older one of
 * the same identity is replaced.  Not saved yet.  Returns NULL if memory is short. */
struct known *known_add(struct known_set *s, const struct identity *id, const char *file, uint64_t salt,
        uint64_t object, struct indexed *x, const char *reason);

/* Writes it to catalog.db.  An error costs only that the archive is read again after a restart. */
int known_save(struct known_set *s, struct known *k, struct err *err);

/* Opens what it needs to be served: the spool file, or @file in @builds_dirfd, which has the identity @id now: that of
 * @k, or one under which it may hold the same bytes.  0; -ENOENT or -ESTALE if that is not there any more as it was: the
 * archive must be read again; or a negative errno of this machine. */
int known_open_build(struct known_set *s, struct known *k, int builds_dirfd, const char *file,
        const struct identity *id, struct err *err);

/* The file that @k is about is called @file and has the identity @id now; number and bytes are what they were.  Not saved
 * yet.  0 or -ENOMEM. */
int known_move(struct known *k, const struct identity *id, const char *file);

/* The archive @k was good and is so no more: it becomes a refusal, and its spool file goes.  Views that hold its build
 * keep it.
 *
 * quarantined  its bytes changed on the disk: after a restart it is refused and read once more; else it is refused
 *              until the file changes
 *
 * 0, or -ENOMEM: it is as it was; or the error of catalog.db: only that it is forgotten at the end. */
int known_refuse(struct known_set *s, struct known *k, const char *reason, bool quarantined, struct err *err);

/* Takes it out of catalog.db only. */
int known_unsave(struct known_set *s, struct known *k, struct err *err);

/* Forgets those not marked wanted, and removes their spool files and the checkpoint states of all archives but these
 * and the @n builds in @busy.  0 or the last error of catalog.db. */
int known_sweep(struct known_set *s, struct build *const *busy, size_t n, struct err *err);

#endif
