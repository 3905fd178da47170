/* SPDX-License-Identifier: MPL-2.0 */
/* filter -- an xz, zstd, bzip2 or gzip file decoded once from its beginning, every check sum checked. */
#ifndef PXEFS_CODEC_FILTER_H
#define PXEFS_CODEC_FILTER_H

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

enum filter_kind { FILTER_NONE, FILTER_GZIP, FILTER_XZ, FILTER_ZSTD, FILTER_BZIP2 };

/* What @fd begins with; FILTER_NONE: the file is the stream itself, or something we do not know. */
enum filter_kind filter_of(int fd);

/* The same of the first @len bytes of a stream. */
enum filter_kind filter_of_bytes(const void *data, size_t len);

const char *filter_name(enum filter_kind kind); /* "xz" */

struct filter;

/* @fd is borrowed until filter_free and used with pread only; it must be of @kind.  Returns 0, -ENOMEM, or -EBADMSG if
 * this program was built without that library. */
int filter_new(int fd, enum filter_kind kind, struct filter **ret, struct err *err);

/* The next decoded bytes, valid until the next call.  Returns their number, 0 at the verified end, or a negative errno
 * with a reason: -EBADMSG if the data is damaged, cut short, followed by something that does not belong to it, or wants
 * more memory than FILTER_MEMORY_BYTES; else that of pread.  After an error the next call is undefined.  Several streams
 * one after another (pixz, pzstd, pbzip2, cat a.xz b.xz) are one. */
ssize_t filter_next(struct filter *f, const void **ret_data, struct err *err);

/* NULL, or what the operator should know about what was decoded so far: that parts of it carry no check sum. */
const char *filter_warning(const struct filter *f);

/* How much of the file was used so far, in bytes. */
uint64_t filter_off_file(const struct filter *f);

void filter_free(struct filter *f); /* NULL is fine */

#define FILTER_MEMORY_BYTES (UINT64_C(256) << 20) /* xz -9 wants 65 MiB, zstd -22 128 MiB */

#endif
