/* SPDX-License-Identifier: MPL-2.0 */
/* streams -- who reads on and on, told by requests that follow each other.
 *
 * Requests come without a name of the reader: two that lie close together are taken for one reader's.  Those of one reader
 * overtake each other a little, since the kernel has several on the way.
 *
 * Threads: none; the caller has a lock.  Nothing blocks or fails: further readers than there is room for push out the one
 * that was silent longest.
 */
#ifndef PXEFS_ARCHIVE_STREAMS_H
#define PXEFS_ARCHIVE_STREAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STREAMS_MAX 64

struct stream {
        const void *of; /* what is read; compared, never followed; NULL: nobody */
        uint64_t next;  /* off_raw where it will go on */
        uint64_t bytes; /* read in a row so far */
        int64_t seen_ms;
};

struct streams {
        struct stream v[STREAMS_MAX]; /* zeros at first */
};

/* Takes in a request for @len bytes of @of at @off.  Returns the reader it belongs to, who is a new one if nobody was near;
 * valid until the next call. */
const struct stream *streams_note(
        struct streams *s, const void *of, uint64_t off, size_t len, int64_t now_ms);

/* True if it has read enough in a row to go on, most likely. */
bool stream_is_steady(const struct stream *s);

/* How many steady readers asked for something lately. */
unsigned streams_active(const struct streams *s, int64_t now_ms);

/* Nobody reads @of any more. */
void streams_forget(struct streams *s, const void *of);

#endif
