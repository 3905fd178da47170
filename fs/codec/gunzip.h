/* SPDX-License-Identifier: MPL-2.0 */
/* gunzip -- a gzip file decoded once from its beginning, every check sum checked. */
#ifndef PXEFS_CODEC_GUNZIP_H
#define PXEFS_CODEC_GUNZIP_H

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct gunzip;

/* @fd is borrowed until gunzip_free and used with pread only.  Returns 0 or -ENOMEM. */
int gunzip_new(int fd, struct gunzip **ret, struct err *err);

/* The next decoded bytes, valid until the next call.  Returns their number, 0 at the verified end, -EBADMSG
 * if the data is damaged, cut short, or followed by something else than zeros or another gzip member, or the
 * negative errno of pread.  After an error the next call is undefined. */
ssize_t gunzip_next(struct gunzip *g, const void **ret_data, struct err *err);

/* How much of the file was used so far, in bytes. */
uint64_t gunzip_off_tgz(const struct gunzip *g);

void gunzip_free(struct gunzip *g); /* NULL is fine */

#endif
