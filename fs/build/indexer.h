/* SPDX-License-Identifier: MPL-2.0 */
/* indexer -- one archive read, verified and laid out. */
#ifndef PXEFS_BUILD_INDEXER_H
#define PXEFS_BUILD_INDEXER_H

#include <stdbool.h>
#include <stdint.h>

#include "archive/gzip.h"
#include "archive/identity.h"
#include "archive/members.h"
#include "archive/source.h"
#include "base/digest.h"
#include "base/err.h"
#include "build/layout.h"

struct indexed {
        enum archive_format format;
        bool spooled;
        struct identity spool_id; /* if spooled */
        bool checkpoints;   /* it is read from itself: src is a gzip source, with its states in memory */
        uint64_t raw_bytes; /* of the stream */
        bool hash_checked;  /* boot_archive.hash was there and agrees */
        bool unsure; /* it may have been cut at a place where that cannot be seen: wait and look again */
        const char *unchecked;       /* static; NULL, or what carried no check sums (filter_warning) */
        char *warning;               /* owned; NULL, or one line for the operator */
        struct source *src;          /* owned */
        struct layout *tree;         /* owned */
        char sha256[DIGEST_MAX_HEX]; /* of the archive's file as it lies there */
};

/* Reads the archive @fd once: decodes, verifies, keeps, lays out.
 *
 * fd          borrowed
 * id          what fstat said when it was chosen
 * gzip        what its source will work with, if it is a gzip archive; outlives @ret->src; NULL: it is spooled
 * object      its number
 * spool_dirfd borrowed; -1: there is none, and a compressed archive is refused with @spool_err
 * spool_name  name of its spool file, if it needs one
 * spool_max   bytes that the spool may still take
 * ret         filled on success; end it with indexed_fini
 *
 * Returns 0; -EBADMSG: a verdict, the archive is refused; -ESTALE: it changed meanwhile; -EDQUOT: it needs
 * more than @spool_max; anything else: a trouble of this machine (disk full, read error, memory), to be
 * tried again.
 * @err has the reason.  No spool file is left behind unless it returns 0.
 */
int indexer_read(int fd, const struct identity *id, const struct gzip_env *gzip, uint64_t object,
        int spool_dirfd, const char *spool_name, uint64_t spool_max, struct indexed *ret, struct err *err);

void indexed_fini(struct indexed *x);

#endif
