/* SPDX-License-Identifier: MPL-2.0 */
/* build -- names and reference counting; see build.h.  Locks: none; the count is atomic, all else immutable. */
#include "platform/build.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "platform/buildname.h"

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

/* The time that @b's name says; of an image: of its newest member. */
static int64_t own_sec(const struct build *b)
{
        struct tm tm = { 0 };
        int64_t newest = 0;

        if (!b->image)
                return strptime(buildname_stamp(b->name), "%Y%m%dT%H%M%SZ", &tm) ? (int64_t)timegm(&tm) : 0;
        for (size_t i = 0; i < b->tree->n; i++)
                if (b->tree->v[i].mtime_sec > newest)
                        newest = b->tree->v[i].mtime_sec;
        return newest;
}

void build_set_time(struct build *b, const char *sha256)
{
        char digits[13] = "";
        unsigned long long x;
        int64_t sec = own_sec(b);

        (void)snprintf(digits, sizeof digits, "%.12s", sha256);
        x = strtoull(digits, NULL, 16); /* 48 bits: 16 for seconds, 32 for what HTTP does not show */
        sec -= sec > 65536 ? (int64_t)(x >> 32) : -(int64_t)(x >> 32);
        b->mtime_ns = sec * 1000000000 + (int64_t)((x & 0xffffffff) % 1000000000);
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
