/* SPDX-License-Identifier: MPL-2.0 */
/* seen -- machines that asked for their script and that nobody has entered: what `pxectl seen` shows.
 *
 * Observed state: kept in memory, written now and then to the file `seen` in the cache directory, one line a
 * machine.  Losing it costs nothing but that.  Thread-safe.
 */
#ifndef PXEFS_NAMESPACE_SEEN_H
#define PXEFS_NAMESPACE_SEEN_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/err.h"

#define SEEN_MAX 1024 /* machines; the one that was silent longest goes first */

struct seen_machine {
        uint64_t mac;
        time_t first_sec, last_sec; /* wall clock */
        uint64_t count;             /* requests */
};

struct seen;

/* Reads what is there and starts the thread that writes.  cache_dirfd is borrowed.  every_ms 0: at most one write in
 * 5 s.  A file that cannot be read or written is none: then what is seen is kept in memory only.  0 or a negative
 * errno (memory, thread). */
int seen_open(int cache_dirfd, unsigned every_ms, struct seen **ret, struct err *err);

/* Writes what is new, and ends. */
void seen_close(struct seen *s);

/* The machine asked for its script.  Never blocks for longer than a copy of the list takes; NULL is fine. */
void seen_note(struct seen *s, uint64_t mac);

/* The machines of the file, by the last time, newest first: at most SEEN_MAX into @ret.  Returns how many, -ENOENT if there
 * is no file, or another negative errno.  Lines that are none are passed over. */
int seen_read(int cache_dirfd, struct seen_machine ret[SEEN_MAX]);

#endif
