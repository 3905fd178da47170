/* SPDX-License-Identifier: MPL-2.0 */
/* filedigest -- one more pass over a file that was just read, so mostly out of the page cache.
 *
 * Hashing in the decoding pass was weighed: each decoder would have to show what it reads, also what it reads twice or
 * skips, to save reading from memory.
 *
 * Locks: none.  Limits: none.
 */
#include "platform/filedigest.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"

#define CHUNK_BYTES (256u * 1024)

int filedigest(int fd, const struct identity *id, enum digest_kind kind, struct reading *reading,
        char ret_hex[DIGEST_MAX_HEX], struct err *err)
{
        AUTO_DIGEST struct digest *d = digest_new(kind);
        AUTO_FREE char *chunk = malloc(CHUNK_BYTES);
        struct identity now;
        uint64_t off = 0;
        int r;

        if (!d || !chunk)
                return err_set(err, -ENOMEM, "out of memory");
        for (;;) {
                ssize_t n;

                r = reading_goes_on(reading, err);
                if (r < 0)
                        return r;
                n = pread(fd, chunk, CHUNK_BYTES, (off_t)off);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return err_sys(err, -errno, "read at byte %llu", (unsigned long long)off);
                if (n == 0)
                        break;
                if (digest_add(d, chunk, (size_t)n) < 0)
                        return err_set(err, -ENOMEM, "out of memory");
                off += (uint64_t)n;
                reading_reached(reading, (READING_PASSES - 1) * id->size_bytes + off);
                if (off > id->size_bytes)
                        break; /* it grows: see below */
        }
        r = identity_of_fd(fd, &now);
        if (r < 0)
                return err_sys(err, r, "fstat");
        if (!identity_equal(&now, id) || off != id->size_bytes)
                return err_set(err, -ESTALE, "it changed while it was read");
        return digest_hex(d, ret_hex) < 0 ? err_set(err, -ENOMEM, "out of memory") : 0;
}
