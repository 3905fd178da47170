/* SPDX-License-Identifier: MPL-2.0 */
/* filedigest -- the digest of a whole file as it lies there, compressed or not. */
#ifndef PXEFS_PLATFORM_FILEDIGEST_H
#define PXEFS_PLATFORM_FILEDIGEST_H

#include "archive/identity.h"
#include "base/digest.h"
#include "base/err.h"
#include "platform/reading.h"

/* Reads all of @fd (borrowed; pread only) and writes its digest as hex.
 *
 * id       what the file must be before and after
 * reading  NULL, or what is told how far it is, as the second pass
 *
 * Returns 0, -ESTALE if it is or became another file, -ECANCELED, -ENOMEM, or the negative errno of reading, with a reason.
 * Blocking: about 0.6 s a GiB for SHA-256, 1.5 s for MD5, if the file is in the page cache. */
int filedigest(int fd, const struct identity *id, enum digest_kind kind, struct reading *reading,
        char ret_hex[DIGEST_MAX_HEX], struct err *err);

#endif
