/* SPDX-License-Identifier: MPL-2.0 */
/* golden -- texts as they are to be, in tests/golden; PXEFS_GOLDEN_WRITE=1 writes them anew. */
#ifndef TESTS_RENDER_GOLDEN_H
#define TESTS_RENDER_GOLDEN_H

#include "base/buf.h"

/* Fails the test unless tests/golden/<name><suffix> holds @text, byte for byte. */
void golden_compare(const char *name, const char *suffix, const struct buf *text);

#endif
