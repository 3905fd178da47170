/* SPDX-License-Identifier: MPL-2.0 */
/* feed -- the decompressed stream, pulled once from its beginning: what the member index is read from.
 *
 * Whoever decodes implements it: in one pass it verifies what it decodes, keeps what it wants (a spool
 * file, checkpoints) and hands the bytes on.  Kinds: gzindex.h (gzip), spool.h (other compressions), raw.h (tar, ISO).
 */
#ifndef PXEFS_CODEC_FEED_H
#define PXEFS_CODEC_FEED_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct feed {
        void *ctx;
        /* Gives the next bytes of the stream, which stay valid until the next call.  Returns their number,
         * 0 at the verified end of the stream, or a negative errno with a reason in @err (-EBADMSG: the
         * data is damaged). */
        ssize_t (*next)(void *ctx, const void **ret_data, struct err *err);
        /* NULL, or moves to @off_raw (an ISO's directory records are not in order).  0 or a negative errno. */
        int (*seek)(void *ctx, uint64_t off_raw, struct err *err);
        uint64_t size_bytes; /* of the whole stream where seek is given, else 0 */
};

#endif
