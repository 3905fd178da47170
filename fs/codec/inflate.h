/* SPDX-License-Identifier: MPL-2.0 */
/* inflate -- a raw deflate stream (RFC 1951) decoded in steps, whose state can be saved and taken up again.
 *
 * Two kinds behind one table of calls: ISA-L's igzip, and zlib for builds without it.  What one kind of one
 * version saved means nothing to another: `name` says both, and whoever keeps saved states keeps it beside
 * them.
 *
 * Threads: each decoder is one thread's at a time; the kinds are constant.
 */
#ifndef PXEFS_CODEC_INFLATE_H
#define PXEFS_CODEC_INFLATE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct inflate; /* one decoder */

/* What a call of run() has to work with, and what it left. */
struct inflate_io {
        const unsigned char *in; /* moved on by what was consumed */
        size_t in_len;
        unsigned char *out; /* moved on by what was written */
        size_t out_len;     /* below 2^31 */
        size_t unread;      /* set with INFLATE_END: how many bytes before @in were taken too many */
};

/* What save() says of what it added. */
struct inflate_saved {
        size_t back; /* bytes of input before the place reached that the resumed decoder must be given again */
        size_t history; /* so many of the last bytes are output that what comes may refer to */
        size_t kept;    /* so many of these are still to be given out */
        uint64_t skip;  /* bytes of output between the history's end and the place reached */
};

enum { INFLATE_MORE = 0, INFLATE_END = 1 };

struct inflate_kind {
        const char *(*name)(void); /* library, version, and the size of what is saved; static */

        /* A decoder at the beginning of a stream; NULL if memory is short.  reset: the same, in place. */
        struct inflate *(*begin)(void);
        void (*reset)(struct inflate *z);
        void (*end)(struct inflate *z); /* NULL is fine */

        /* Decodes until the output is full, the input is used up, or the stream ends.  INFLATE_MORE;
         * INFLATE_END; -EBADMSG if the data is not deflate; -ENOMEM. */
        int (*run)(struct inflate *z, struct inflate_io *io);

        /* Adds the state after the last run() to @b, as plain bytes (failure shows in buf_error).  Only
         * after INFLATE_MORE. */
        void (*save)(struct inflate *z, struct buf *b, struct inflate_saved *ret);
        /* @z becomes what was saved: the next run() goes on with the same output.  With @ret_skip it goes on
         * where the history ends, which may be before the place saved: *ret_skip bytes of output come first.
         * 0, or -EBADMSG if that is no saved state of this kind (then @z can only be reset, resumed or ended). */
        int (*resume)(struct inflate *z, const void *p, size_t len, uint64_t *ret_skip);

        uint32_t (*crc32)(uint32_t crc, const void *p, size_t len); /* RFC 1952, section 8; from 0 */
};

extern const struct inflate_kind inflate_zlib;
#ifdef HAVE_ISAL
extern const struct inflate_kind inflate_isal;
#define INFLATE_BEST (&inflate_isal)
#else
#define INFLATE_BEST (&inflate_zlib)
#endif

#endif
