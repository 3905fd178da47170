/* SPDX-License-Identifier: MPL-2.0 */
/* verify -- is boot_archive the one its maker hashed?
 *
 * The SHA-1 is computed while the members are read, so the archive is read once.
 */
#ifndef PXEFS_PLATFORM_VERIFY_H
#define PXEFS_PLATFORM_VERIFY_H

#include <stdbool.h>

#include "archive/members.h"
#include "platform/layout.h"

struct verify;

/* NULL if memory is short. */
struct verify *verify_new(void);
void verify_free(struct verify *v); /* NULL is fine */

/* A members_observe_fn; @ctx is the struct verify. */
int verify_observe(void *ctx, size_t index, const struct member *m, uint64_t off_member, const void *data,
        size_t len, struct err *err);

/* The verdict.
 *
 * l, src       the layout made from the same members, and what reads it
 * ret_checked  true if there was a boot_archive.hash and it agrees; false if there was none
 *
 * Returns 0, -EBADMSG if the hash does not agree or is none, -ENOMEM, or the error of reading.
 */
int verify_finish(
        struct verify *v, const struct layout *l, struct source *src, bool *ret_checked, struct err *err);

static inline void verify_freep(struct verify **v)
{
        verify_free(*v);
}

#endif
