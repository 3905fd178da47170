/* SPDX-License-Identifier: MPL-2.0 */
/* statebox -- a saved decoder state, compressed and with a checksum, for a database.  Pure; thread-safe. */
#ifndef PXEFS_ARCHIVE_STATEBOX_H
#define PXEFS_ARCHIVE_STATEBOX_H

#include <stdint.h>

#include "base/buf.h"

/* Adds a box with the @len bytes at @p to @out.  @seed is part of the checksum: a box is opened only with the
 * seed it was made with, so that no state is taken for another's.  Failure shows in buf_error(@out). */
void statebox_pack(uint64_t seed, const void *p, size_t len, struct buf *out);

/* Adds what is in the box to @out.  0; -EBADMSG: it is no box of this seed, or damaged, or made by a program
 * that had another compressor; -ENOMEM. */
int statebox_unpack(uint64_t seed, const void *box, size_t len, struct buf *out);

#endif
