/* SPDX-License-Identifier: MPL-2.0 */
/* gzstream -- a gzip file (RFC 1952) decoded from its beginning or from a place noted earlier.
 *
 * The framing and the check sums around inflate.h: several members in a row (pigz -i, bgzip, cat a.gz b.gz),
 * zeros behind the last one, nothing else.  CRC32 and ISIZE of each member are checked when its end is passed.
 *
 * Threads: each stream is one thread's at a time.
 */
#ifndef PXEFS_CODEC_GZSTREAM_H
#define PXEFS_CODEC_GZSTREAM_H

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "codec/inflate.h"

/* Where decoding can be taken up again, beside the decoder's own state. */
struct gzplace {
        uint64_t off_tgz;      /* in the file: where input goes on */
        uint64_t member_bytes; /* output of the member so far */
        uint32_t crc;          /* of these */
        uint32_t where;        /* in the framing; gzstream.c's own numbers */
};

/* where: nothing is kept that decoding could be taken up from. */
#define GZPLACE_NONE UINT32_MAX

struct gzstream;

/* As pread(2), but that it returns a negative errno, and never -EINTR. */
typedef ssize_t gzstream_pread_fn(void *ctx, int fd, void *buf, size_t len, uint64_t off);

/* Decodes what stands in a file.
 *
 * fd           borrowed until gzstream_free
 * read, ctx    how it is read; NULL: with pread(2)
 * whole_bytes  a gzstream_read of up to so many is given its input in one piece (0: as it comes), after which little is
 *              decoded ahead of the place reached, and what is saved there is small
 *
 * Returns NULL if memory is short. */
struct gzstream *gzstream_new(
        const struct inflate_kind *kind, int fd, gzstream_pread_fn *read, void *ctx, size_t whole_bytes);
void gzstream_free(struct gzstream *g); /* NULL is fine */

/* Goes on reading @fd from the beginning, or from @at with the decoder's @state. 0, or -EBADMSG: no such
 * state. */
void gzstream_rewind(struct gzstream *g, int fd);
int gzstream_resume(struct gzstream *g, int fd, const struct gzplace *at, const void *state, size_t len);

/* Decodes the next @len bytes.
 *
 * Returns @len; fewer only at the end of the last member, which was then verified, with the padding behind it;
 * -EBADMSG with the reason if the data is damaged or ends too early (nothing of this call's output is to be
 * believed then), -ENOMEM, or the negative errno of pread.  After an error: rewind, resume or free.
 */
ssize_t gzstream_read(struct gzstream *g, void *buf, size_t len, struct err *err);

/* Where the stream is, and (to @state, described in @ret_how) what gzstream_resume needs.  Only after a gzstream_read
 * that returned all it was asked for. */
void gzstream_save(struct gzstream *g, struct gzplace *ret, struct buf *state, struct inflate_saved *ret_how);

/* How much of the file was used: where the next byte of it is. */
uint64_t gzstream_off_tgz(const struct gzstream *g);

/* The running CRC32 of the member that the last byte given belongs to. */
uint32_t gzstream_crc(const struct gzstream *g);

#endif
