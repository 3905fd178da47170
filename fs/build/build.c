/* SPDX-License-Identifier: MPL-2.0 */
/* build -- names and reference counting; see build.h.  Locks: none; the count is atomic, all else immutable. */
#include "build/build.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Longest first: ".tar.gz" before ".gz". */
static const char *const suffixes[] = { ".tar.gz", ".tar.xz", ".tar.zst", ".tar.bz2", ".iso.gz", ".iso.xz",
        ".iso.zst", ".iso.bz2", ".tgz", ".txz", ".tzst", ".tbz2", ".tbz", ".tar", ".iso" };

char *build_name_of_file(const char *file)
{
        size_t n = strlen(file);

        for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
                size_t k = strlen(suffixes[i]);

                if (n > k && strcasecmp(file + (n - k), suffixes[i]) == 0)
                        return strndup(file, n - k);
        }
        return strdup(file);
}

char *build_name_of_iso(const char *file)
{
        char *stem = build_name_of_file(file), *name = NULL;

        if (stem && asprintf(&name, "%s.iso", stem) < 0)
                name = NULL;
        free(stem);
        return name;
}

int build_set_name(struct build *b, bool iso)
{
        b->release = b->tree->release;
        b->image = b->tree->image;
        b->iso = iso;
        b->name = b->tree->name;
        if (!b->image)
                return 0;
        b->image_name = build_name_of_file(b->archive);
        b->name = b->image_name;
        return b->name ? 0 : -ENOMEM;
}

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
        free(b->image_name);
        free(b);
}
