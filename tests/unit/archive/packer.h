/* SPDX-License-Identifier: MPL-2.0 */
/* packer -- bytes compressed in each way a filter reads, good and without check sums. */
#ifndef PXEFS_TESTS_PACKER_H
#define PXEFS_TESTS_PACKER_H

#include <stdbool.h>

#include "base/buf.h"
#include "codec/filter.h"

/* True if the program reads @kind, so that a test of it makes sense. */
bool pack_can(enum filter_kind kind);

/* Adds one stream of @data; without check sums (xz, zstd) if not @checked. */
void pack_add(struct buf *out, enum filter_kind kind, const void *data, size_t len, bool checked);

#endif
