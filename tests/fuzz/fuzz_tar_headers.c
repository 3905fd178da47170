/* SPDX-License-Identifier: MPL-2.0 */
/* fuzz_tar_headers -- any bytes as a tar: what the headers say is the same however the stream is cut, every member's
 * extents ascend, do not overlap, lie inside its size, and lie behind those of the members before; trouble comes last. */
#include <errno.h>
#include <string.h>

#include "archive/tar_headers.h"
#include "base/cleanup.h"
#include "fuzz.h"

struct seen {
        struct member m;
        struct extent *v;
        const char *trouble;
};

static void check(const struct seen *s, uint64_t *end_raw)
{
        uint64_t end = 0;

        FUZZ_CHECK(s->m.name && s->m.link);
        FUZZ_CHECK(s->m.kind == MEMBER_FILE || (s->m.n_extents == 0 && s->m.size_bytes == 0));
        for (size_t i = 0; i < s->m.n_extents; i++) {
                FUZZ_CHECK(s->v[i].len_bytes > 0 && s->v[i].off_member >= end);
                FUZZ_CHECK(s->v[i].off_raw >= *end_raw);
                end = s->v[i].off_member + s->v[i].len_bytes;
                *end_raw = s->v[i].off_raw + s->v[i].len_bytes;
                FUZZ_CHECK(end <= s->m.size_bytes);
        }
}

static void same(const struct seen *a, const struct seen *b)
{
        FUZZ_CHECK(a->trouble == b->trouble);
        if (a->trouble)
                return;
        FUZZ_CHECK(strcmp(a->m.name, b->m.name) == 0 && strcmp(a->m.link, b->m.link) == 0);
        FUZZ_CHECK(a->m.kind == b->m.kind && a->m.size_bytes == b->m.size_bytes);
        FUZZ_CHECK(a->m.mtime_sec == b->m.mtime_sec && a->m.n_extents == b->m.n_extents);
        for (size_t i = 0; i < a->m.n_extents; i++)
                FUZZ_CHECK(memcmp(&a->v[i], &b->v[i], sizeof a->v[i]) == 0);
}

static bool take(struct tar_headers *t, struct seen *s)
{
        *s = (struct seen) { 0 };
        return tar_headers_take(t, &s->m, &s->v, &s->trouble);
}

static void forget(struct seen *s)
{
        free(s->m.name);
        free(s->m.link);
        free(s->v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct tar_headers *whole = tar_headers_new(), *cut = tar_headers_new();
        struct err err = { "" }, err2 = { "" };
        uint64_t end_raw = 0;
        struct seen a, b;
        size_t step = size ? 1 + data[size / 2] * 3u : 1;
        int r, r2 = 0;

        FUZZ_CHECK(whole && cut);
        r = tar_headers_push(whole, data, size, &err);
        for (size_t i = 0; r2 == 0 && i < size; i += step)
                r2 = tar_headers_push(cut, data + i, size - i < step ? size - i : step, &err2);
        FUZZ_CHECK(r == r2 && (r == 0 || r == -E2BIG));
        while (r == 0 && take(whole, &a)) {
                FUZZ_CHECK(take(cut, &b));
                if (!a.trouble)
                        check(&a, &end_raw);
                same(&a, &b);
                FUZZ_CHECK(!a.trouble || tar_headers_end(whole, &err) == 0); /* nothing behind it */
                forget(&a);
                forget(&b);
        }
        if (r == 0) {
                FUZZ_CHECK(!take(cut, &b));
                FUZZ_CHECK(tar_headers_end(whole, &err) == tar_headers_end(cut, &err2));
        }
        tar_headers_free(whole);
        tar_headers_free(cut);
        return 0;
}
