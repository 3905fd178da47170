/* SPDX-License-Identifier: MPL-2.0 */
/* fuzz_members -- any bytes as a tar or ISO: what is found is inside the stream, in order, inside its file; and reading
 * through the extents gives what was observed. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "archive/members.h"
#include "archive/raw.h"
#include "fuzz.h"

static const struct members_limits limits = {
        .max_members = 10000, .max_total_bytes = 1u << 26, .max_name_bytes = 4096, .max_extents = 10000,
        .max_names_bytes = 1u << 20
};

/* Adler-like sums of what passed, by member. */
struct seen {
        uint32_t sum[64];
        uint64_t off[64];
};

static void add(uint32_t *sum, const unsigned char *p, size_t n)
{
        for (size_t i = 0; i < n; i++)
                *sum = *sum * 31 + p[i];
}

static int observe(void *ctx, size_t index, const struct member *m, uint64_t off_member, const void *data,
        size_t len, struct err *err)
{
        struct seen *s = ctx;

        (void)err;
        FUZZ_CHECK(m->kind == MEMBER_FILE && off_member + len <= m->size_bytes);
        if (index >= 64)
                return 0;
        FUZZ_CHECK(off_member >= s->off[index]);
        for (; m->size_bytes < 65536 && s->off[index] < off_member; s->off[index]++)
                s->sum[index] *= 31; /* a hole */
        add(&s->sum[index], data, len);
        s->off[index] = off_member + len;
        return 0;
}

static void check(const struct members *m, const struct seen *s, struct source *src, size_t size)
{
        static unsigned char buf[65536];

        for (size_t i = 0; i < m->n; i++) {
                const struct member *e = &m->v[i];
                const struct extent *x = e->n_extents ? m->extents + e->first_extent : NULL;
                uint64_t end = 0;

                FUZZ_CHECK(e->name && e->first_extent + e->n_extents <= m->n_extents);
                FUZZ_CHECK((e->link != NULL) == (e->kind == MEMBER_SYMLINK || e->kind == MEMBER_HARDLINK));
                for (size_t k = 0; k < e->n_extents; k++) {
                        FUZZ_CHECK(
                                x[k].off_member >= end && x[k].off_member + x[k].len_bytes <= e->size_bytes);
                        FUZZ_CHECK(x[k].off_raw + x[k].len_bytes <= size);
                        end = x[k].off_member + x[k].len_bytes;
                }
                if (i < 64 && e->kind == MEMBER_FILE && e->size_bytes < sizeof buf) {
                        uint32_t sum = 0;

                        FUZZ_CHECK(extents_pread(x, e->n_extents, e->size_bytes, src, buf, sizeof buf, 0) ==
                                   (ssize_t)e->size_bytes);
                        add(&sum, buf, (size_t)e->size_bytes);
                        FUZZ_CHECK(sum == s->sum[i]);
                }
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        int fd = fuzz_file(data, size), own = fcntl(fd, F_DUPFD_CLOEXEC, 0), r;
        struct seen seen = { { 0 }, { 0 } };
        struct raw_feed *f = NULL;
        struct source *src = NULL;
        struct members *m = NULL;
        struct err err = { "" };
        struct identity id;
        struct feed feed;

        FUZZ_CHECK(raw_feed_begin(fd, NULL, &f, NULL) == 0 && identity_of_fd(fd, &id) == 0);
        FUZZ_CHECK(source_open_raw(own, &id, &src, NULL) == 0);
        feed = raw_feed(f);
        if (size % 2 && size > 512) /* both ways: with seek, and as a filter gives it */
                feed.seek = NULL;
        r = members_read(&feed, &limits, observe, &seen, &m, &err);
        if (r == 0)
                check(m, &seen, src, size);
        else
                FUZZ_CHECK((r == -EBADMSG || r == -E2BIG || r == -ENOMEM || (r == -ESPIPE && !feed.seek)) &&
                           err.text[0]);
        if (r == 0)
                members_free(m);
        source_close(src);
        raw_feed_end(f);
        close(fd);
        return 0;
}
