/* SPDX-License-Identifier: MPL-2.0 */
/* indexer -- one archive read, verified and laid out. */
#ifndef PXEFS_PLATFORM_INDEXER_H
#define PXEFS_PLATFORM_INDEXER_H

#include <stdbool.h>
#include <stdint.h>

#include "archive/gzip.h"
#include "archive/identity.h"
#include "archive/members.h"
#include "archive/source.h"
#include "base/digest.h"
#include "base/err.h"
#include "platform/layout.h"
#include "platform/reading.h"

struct indexed {
        enum archive_format format;
        bool spooled;             /* it is read from its decoded copy in the spool */
        struct identity spool_id; /* of that, once it has its name (spool_commit) */
        bool checkpoints;   /* it is read from itself: src is a gzip source, with its states in memory */
        uint64_t raw_bytes; /* of the stream */
        bool hash_checked;  /* boot_archive.hash was there and agrees */
        bool unsure; /* it may have been cut at a place where that cannot be seen: wait and look again */
        const char *unchecked;       /* static; NULL, or what carried no check sums (filter_warning) */
        char *warning;               /* owned; NULL, or one line for the operator */
        struct source *src;          /* owned; NULL if another process read it, until report_open */
        struct gzindex *index;       /* owned; with checkpoints, until @src takes it */
        struct blocksums *sums;      /* owned; without checkpoints, likewise */
        struct layout *tree;         /* owned */
        char sha256[DIGEST_MAX_HEX]; /* of the archive's file as it lies there; "" until indexed_digest */
};

/* What is to be read; all borrowed. */
struct index_order {
        int fd;
        const struct identity *id; /* what fstat said when it was chosen */
        /* What its source will work with; outlives the source.  NULL, for tools: gzip is spooled too, and the source
         * gives what lies there, checked or not. */
        const struct source_env *env;
        uint64_t object; /* its number */
        int spool_fd; /* an empty file for what must be decoded to the disk; -1: such a one is not read, -ESPIPE */
        uint64_t spool_max;      /* bytes that it may take */
        struct reading *reading; /* NULL, or what is told how far it is and asked whether to go on */
};

/* Reads an archive once: decodes, verifies, keeps, lays out.
 *
 * ret  filled on success; end it with indexed_fini
 *
 * Returns 0; -EBADMSG: a verdict, the archive is refused; -ESTALE: it changed meanwhile, which is noticed within
 * some ms; -ECANCELED: see struct reading; -ESPIPE: see spool_fd; -EDQUOT: it needs more than spool_max; anything
 * else: a trouble of this machine (disk full, read error, memory), to be tried again.
 * @err has the reason.
 */
int indexer_read(const struct index_order *o, struct indexed *ret, struct err *err);

/* The second pass over the file @fd of identity @id: fills in sha256.  Returns as filedigest. */
int indexed_digest(
        struct indexed *x, int fd, const struct identity *id, struct reading *reading, struct err *err);

void indexed_fini(struct indexed *x);

#endif
