/* SPDX-License-Identifier: MPL-2.0 */
/* sparse -- a saved decoder state without the history that nothing refers to.
 *
 * A state holds the last 32 KiB of output, because what follows may refer to them.  Mostly a quarter of them is
 * referred to.  The rest is made zero here, and then the state compresses to a third.
 *
 * Threads: each object is one thread's at a time.
 */
#ifndef PXEFS_ARCHIVE_SPARSE_H
#define PXEFS_ARCHIVE_SPARSE_H

#include "codec/inflate.h"

struct sparse;

struct sparse *sparse_new(const struct inflate_kind *kind); /* NULL if memory is short */
void sparse_free(struct sparse *t);                         /* NULL is fine */

static inline void sparse_freep(struct sparse **t)
{
        sparse_free(*t);
}

/* Makes the state in @state sparse, as kind->save left it and described it in @how.
 *
 * fd, off_tgz      where its input goes on
 * real, real_len   the output that follows the place: at least the first bytes of it
 *
 * Returns 0: made sparse, and proven: it decodes to the same bytes as the whole state; 1: left as it was, because
 * it could not be proven; -EBADMSG: even the whole state does not decode to what really follows: not to be used;
 * or the negative errno of pread.
 */
int sparse_make(struct sparse *t, int fd, uint64_t off_tgz, struct buf *state,
        const struct inflate_saved *how, const unsigned char *real, size_t real_len);

#endif
