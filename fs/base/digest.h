/* SPDX-License-Identifier: MPL-2.0 */
/* digest -- SHA-1, SHA-256 and MD5 by libcrypto, and short hashes cut from them. */
#ifndef PXEFS_BASE_DIGEST_H
#define PXEFS_BASE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

enum digest_kind { DIGEST_SHA1, DIGEST_SHA256, DIGEST_MD5 };

#define DIGEST_MAX_BYTES 32
#define DIGEST_MAX_HEX   (2 * DIGEST_MAX_BYTES + 1) /* with NUL */

struct digest; /* one running computation; one thread at a time */

/* Returns NULL if memory is short. */
struct digest *digest_new(enum digest_kind kind);
void digest_free(struct digest *d);
/* 0 or -ENOMEM (libcrypto reports nothing finer). */
int digest_add(struct digest *d, const void *p, size_t len);
/* Writes lower-case hex and a NUL; ends the computation.  0 or -ENOMEM. */
int digest_hex(struct digest *d, char ret_hex[DIGEST_MAX_HEX]);

static inline void digest_freep(struct digest **d)
{
        digest_free(*d);
}
#define AUTO_DIGEST AUTO_CLEAN(digest_freep)

/* The first 16 bytes of SHA-256 over @seed (8 bytes, little endian) and @p, as two numbers.  No allocation
 * that can fail unseen: returns 0 or -ENOMEM.  Used for node ids: a collision must be found, not feared, so
 * callers compare. */
int digest_short(uint64_t seed, const void *p, size_t len, uint64_t ret[2]);

#endif
