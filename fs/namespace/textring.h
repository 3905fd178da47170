/* SPDX-License-Identifier: MPL-2.0 */
/* textring -- generated files that were promised to somebody, kept until the space is needed.
 *
 * A text is put here before the LOOKUP that names it is answered; a READ that comes later finds the very
 * bytes, even if the inventory says something else by then.  Thread-safe; holds one mutex for the length of
 * a copy.
 */
#ifndef PXEFS_NAMESPACE_TEXTRING_H
#define PXEFS_NAMESPACE_TEXTRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct textring;

/* @size_bytes is the bound of everything it holds; the largest text may have a quarter of it. */
struct textring *textring_new(size_t size_bytes);

/* A ring in memory that outlives the process: what another process has put there, however it ended, is found; if there is
 * nothing (zeros), or it is damaged, the ring is empty.  One process at a time.
 *
 * mem  borrowed, aligned to 16
 *
 * Returns NULL if memory is short, or @bytes are too few (the index alone takes 64 KiB). */
struct textring *textring_attach(void *mem, size_t bytes);
void textring_free(struct textring *r);

/* Says whether @text may be what @id names. */
typedef bool textring_check_fn(void *ctx, uint64_t id, const void *text, size_t len);

/* From here on a text that another process has put into the ring is there only if @check says so, each time it is looked at:
 * whoever held the memory before may have changed it.  Before threads are started.  Called with the ring's mutex held. */
void textring_set_check(struct textring *r, textring_check_fn *check, void *ctx);

/* What the ring knows of an id. */
enum textring_state {
        TEXTRING_ABSENT, /* nothing */
        TEXTRING_SAME,   /* this very text */
        TEXTRING_OTHER,  /* another text under the same id: a collision */
};
enum textring_state textring_peek(struct textring *r, uint64_t id, const void *text, size_t len);

/* Keeps @text (copied) under @id; what was there under that id is forgotten.  0, or -EFBIG. */
int textring_put(struct textring *r, uint64_t id, const void *text, size_t len);

/* Copies up to @len bytes from @off.  Returns their number (0 at or past the end), or -ENOENT if the ring
 * has no such text. */
ssize_t textring_read(struct textring *r, uint64_t id, void *buf, size_t len, uint64_t off);

/* Size of the text in bytes, or -ENOENT. */
int64_t textring_size(struct textring *r, uint64_t id);

struct textring_stats {
        uint64_t held_bytes, limit_bytes;
        uint64_t written_bytes; /* since the beginning */
};
void textring_stats(struct textring *r, struct textring_stats *ret);

#endif
