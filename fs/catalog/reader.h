/* SPDX-License-Identifier: MPL-2.0 */
/* reader -- each archive is read by a process of its own, which has limits and dies alone.
 *
 *      worker      --- asks, one packet --->  pxefs-readers  --- fork --->  pxefs-reader, of one archive
 *          ^ ^----- how it ended ------------------'                              |
 *          '------- what it learned (report.h), and how far it is (reading.h) ----'
 *
 * Who serves may start no process, so one that may is forked before it begins: it parses nothing but these packets.  A
 * reader opens its archive, and the file that it may decode into; then it gives up everything else, and only then looks
 * at a byte.
 *
 * A reader is ended by the kernel if it takes more memory or processor time than it may, or if who started it ends; by itself,
 * if it works without getting anywhere; by the worker, if nobody wants to know any more, or if it does not even work.
 *
 * Threads: each slot is one thread's at a time.
 */
#ifndef PXEFS_CATALOG_READER_H
#define PXEFS_CATALOG_READER_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "archive/identity.h"
#include "base/err.h"
#include "platform/indexer.h"
#include "platform/reading.h"

/* Memory that a reader may take, in MiB: what is enough for a platform image; and for what needs much: the window of
 * zstd --long=27 or xz -9, some hundred thousand members.  docs/decisions/029 has what was measured. */
#define READER_SMALL_MIB 32u
#define READER_LARGE_MIB 144u

/* So long a reader may work without a step (reading.h) of processor time; and wait for its storage, of any time. */
#define READER_IDLE_CPU_SEC 5
#define READER_IDLE_SEC     45

struct readers_options {
        unsigned n;             /* slots: so many at once */
        const char *builds_dir; /* borrowed; names of archives are relative to it */
        const char *spool_dir;  /* borrowed; likewise of files to decode into */
        void (*leave)(
                void *ctx); /* in the new process, first: lets go of what it must not hold; NULL: nothing */
        int (*lock_in)(
                void *ctx); /* in each reader, before it looks at a byte: 0, or a negative errno; NULL: nothing */
        void *ctx;
};

struct readers;

/* Forks the process that starts readers.  One thread.  The options are used in that process only.  0, also if none could be
 * forked (readers_are_there), or a negative errno. */
int readers_start(const struct readers_options *o, struct readers **ret, struct err *err);
/* Ends it, and all readers.  No thread may be in readers_read.  NULL is fine. */
void readers_stop(struct readers *r);

unsigned readers_n(const struct readers *r);

/* False: it has ended, and nothing can be read any more. */
bool readers_are_there(const struct readers *r);

/* How far the reader of @slot is, and a way to stop it; as long as @r lives. */
struct reading *readers_reading(struct readers *r, unsigned slot);

/* What is to be read. */
struct reader_ask {
        char file[PATH_MAX];
        char spool[64]; /* the file to decode into; "": none */
        struct identity id;
        uint64_t object, spool_max;
        bool large; /* it may take READER_LARGE_MIB */
        bool again; /* it was read before: after all else, and from the disk */
};

/* Has @ask read in @slot, and fills @ret as report_unpack does.
 *
 * Returns as indexer_read, and -ENOMEM: it needs more memory than it may take (with @ask->large that is a verdict, -EBADMSG); -EPROTO: the reader ended without a
 * word; -ETIMEDOUT: its storage does not answer; -ECHILD: there is nobody to ask any more.  @err has the reason.
 * Blocking. */
int readers_read(
        struct readers *r, unsigned slot, const struct reader_ask *ask, struct indexed *ret, struct err *err);

#endif
