/* SPDX-License-Identifier: MPL-2.0 */
/* gzip -- the source over a gzip file with checkpoints: any part of the stream, decoded when it is asked for. */
#ifndef PXEFS_ARCHIVE_GZIP_H
#define PXEFS_ARCHIVE_GZIP_H

#include "archive/chunkcache.h"
#include "archive/gzindex.h"
#include "archive/source.h"

/* Decoded at a stretch, from one checkpoint: for chunkcache_new. */
#define GZIP_RUN_BYTES (4u * 1024 * 1024)
/* Memory a decoder at work takes beside its chunk: for chunkcache_new. */
#define GZIP_JOB_BYTES (288u * 1024)

/* @fd     borrowed on error, owned by the source on success
 * want    the identity the file had when it was verified
 * index   owned by the source on success; its states, if any, are used until source_gzip_stored
 *
 * Returns 0, -ESTALE if the file is no longer the one in @want, -ENOMEM or the negative errno of fstat. */
int source_open_gzip(int fd, const struct identity *want, struct gzindex *index, uint64_t object,
        const struct source_env *env, struct source **ret, struct err *err);

/* The index, borrowed; NULL if @s is no gzip source.  Its states: only for the thread that calls
 * source_gzip_stored. */
const struct gzindex *source_gzip_index(const struct source *s);

/* The states can be had by env->load from now on: lets go of those in memory. */
void source_gzip_stored(struct source *s);

#endif
