/* SPDX-License-Identifier: MPL-2.0 */
/* indexpool -- several archives read at once, each by a process of its own (reader.h) and a thread that waits for it.
 *
 * Who chooses what to read, and what becomes of it, is another's business (catalog_scan.c): it starts jobs while there
 * is room, and takes them back when a descriptor says that one is done.
 *
 * A reader may take READER_SMALL_MIB, or, if it needs it, READER_LARGE_MIB: there is only one of these at a time.  All
 * together stay below INDEXPOOL_MIB, or READER_SMALL_MIB for each job if that is more.
 *
 * Threads: _start, _take, _free and the questions about jobs from one thread; _stop and _progress from any.
 */
#ifndef PXEFS_CATALOG_INDEXPOOL_H
#define PXEFS_CATALOG_INDEXPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "catalog/catalog_progress.h"
#include "catalog/known.h"
#include "catalog/reader.h"
#include "platform/indexer.h"

struct indexjob {
        char *file; /* owned; its name in the builds directory */
        int fd;     /* owned */
        struct identity id;
        uint64_t salt, object;
        bool spools;        /* it may use the spool; one job at a time */
        bool large;         /* it may take READER_LARGE_MIB; one job at a time; what spools is */
        uint64_t spool_max; /* bytes it may take there */
        bool again;         /* it was read before: after all others, and from the disk, not the page cache */
        char same[DIGEST_MAX_HEX]; /* "", or the SHA-256 it probably has: if so, it is not decoded */
        /* When it is done: what readers_read returned or keeping it, or, with is_same, 0 and no @x. */
        bool is_same;
        int r;
        struct err why;
        struct indexed x; /* owned; of r 0 */
};

void indexjob_free(struct indexjob *job); /* NULL is fine; ends @x, and leaves the spool file alone */

struct indexpool;
struct readers;

#define INDEXPOOL_MIB (READER_LARGE_MIB + READER_SMALL_MIB)

/* How many slots the readers of a pool of @n jobs have. */
unsigned indexpool_slots(unsigned n);

/* n            jobs at once, at most CATALOG_MAX_JOBS; 0: one, which runs inside indexpool_start.  One that takes long is not
 *              counted after a while: what is made to take long does not keep the others waiting
 * readers      borrowed; indexpool_slots(n) of them; NULL: jobs read by themselves, for tests
 * env          borrowed; what the sources work with
 * spool_dirfd  borrowed; -1: none
 * wake_fd      borrowed; an eventfd that is written to when a job is done
 *
 * Returns 0 or -ENOMEM. */
int indexpool_new(unsigned n, struct readers *readers, const struct source_env *env, int spool_dirfd,
        int wake_fd, struct indexpool **ret, struct err *err);
/* Stops all jobs, waits for them (some ms), and throws away what they found, with their spool files. */
void indexpool_free(struct indexpool *p); /* NULL is fine */

/* Runs @job, which is the pool's on success.  Only where there is room now.  0; -ECANCELED after indexpool_stop; or the
 * negative errno of starting a thread. */
int indexpool_start(struct indexpool *p, struct indexjob *job, struct err *err);
enum indexpool_room {
        ROOM_NONE, /* not before a job ends, or was read for long (indexpool_room_ms) */
        ROOM_SOON, /* when one that was begun just now ends, which is worth waiting for */
        ROOM_NOW,
};
enum indexpool_room indexpool_room(struct indexpool *p, bool large);

/* When there may be room although no job ended, in milliseconds; -1: not by the clock. */
int64_t indexpool_room_ms(struct indexpool *p);

/* A job that is done, the caller's from now on; NULL if there is none. */
struct indexjob *indexpool_take(struct indexpool *p);

/* The jobs that were not taken, done or not: the i-th, NULL behind the last.  Borrowed. */
const struct indexjob *indexpool_job(const struct indexpool *p, size_t i);

/* Makes one job, or all and those to come, end soon with -ECANCELED. */
void indexpool_stop_one(struct indexpool *p, const struct indexjob *job);
void indexpool_stop(struct indexpool *p);

/* What is still to be read, for who asks how far it is. */
void indexpool_note_waiting(struct indexpool *p, size_t archives, uint64_t bytes);
void indexpool_progress(struct indexpool *p, struct catalog_progress *ret);

#endif
