/* SPDX-License-Identifier: MPL-2.0 */
/* build -- reference counting; see build.h.  Locks: none; the count is atomic, all else immutable. */
#include "build/build.h"

#include <stdlib.h>

struct build *build_ref(struct build *b)
{
        atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
        return b;
}

void build_unref(struct build *b)
{
        if (!b || atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) != 1)
                return;
        source_close(b->src);
        layout_free(b->tree);
        free(b->archive);
        free(b);
}
