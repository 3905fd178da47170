/* SPDX-License-Identifier: MPL-2.0 */
/* file_times -- the modification times of generated files: real times, other ones for other bytes, never backwards.
 *
 * HTTP caches, wget -N and rsync -u take Last-Modified for a time: the older it is, the longer they believe a copy, and an older
 * one is no news.  What can have made a text (rows, builds, the program) changed at some time; that is its base.  It is not
 * enough: two changes fall into one second, an older inventory is restored, a row is written with triggers off.  So the last text
 * of each name and the time it was shown with are remembered, in memory that outlives the process.
 *
 *   the text is the one that was shown last  its time, or its base if that is later
 *   it is another one                        its base if that is later than the last time; else now, and at least a
 *                                            second after the last time
 *
 * Whole seconds are what HTTP shows.  More changes of one name than there are seconds would lead into the future, so the
 * time runs ahead by FILE_TIMES_AHEAD_SEC at most; after that texts of one second differ in nanoseconds only.  Once the clock was
 * set back by more than a minute, a name goes on from where it was, a second for each change.
 *
 * The table is bounded (65536 names); the one shown the longest time ago gives way.  A name that is not in it has its base, or
 * the floor if that is later: the highest time ever shown that was not some base (of a clock that was not set back since),
 * which the caller keeps over restarts.
 *
 * Thread-safe; holds one mutex for a look.
 */
#ifndef PXEFS_NAMESPACE_FILE_TIMES_H
#define PXEFS_NAMESPACE_FILE_TIMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FILE_TIMES_BYTES     (2u << 20)
#define FILE_TIMES_AHEAD_SEC 10

struct file_times;

/* Over FILE_TIMES_BYTES at @mem, borrowed, aligned to 8: zeros at first; entries that make no sense are not there.  NULL:
 * memory of its own.  NULL if memory is short. */
struct file_times *file_times_new(void *mem);
void file_times_free(struct file_times *t); /* NULL is fine */

/* Whole seconds since the epoch, before which no name that is not in the table was changed. */
void file_times_set_floor(struct file_times *t, int64_t sec);

/* One name, and the text that is to be shown under it now. */
struct file_text {
        uint64_t name;    /* a hash of it; 0: it is not remembered */
        uint64_t hash;    /* of the text */
        int64_t base_sec; /* since the epoch; one that lies in the future counts as now */
        bool holds;       /* the same text keeps its time, though its base is later */
};

/* The time to show, in nanoseconds since the epoch, which is remembered.  *ret_floor: 0, or a floor that is to be kept over a
 * restart from now on. */
int64_t file_times_show(struct file_times *t, const struct file_text *f, int64_t now_sec, int64_t *ret_floor);

/* The time that was shown for this very text last, without remembering anything.  False if there is none, or the name was
 * shown with another text since. */
bool file_times_shown(struct file_times *t, const struct file_text *f, int64_t now_sec, int64_t *ret_ns);

#endif
