/* SPDX-License-Identifier: MPL-2.0 */
/* layoutlab -- see layoutlab.h. */
#include "layoutlab.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* A plain tar of @t. */
static struct verdict judge(const struct buf *t)
{
        struct verdict v = { .err = { "" }, .fd = mem_file(t->data, t->len) };
        struct identity id;

        assert_int_equal(identity_of_fd(v.fd, &id), 0);
        v.r = indexer_read(&(struct index_order) { .fd = v.fd, .id = &id, .spool_fd = -1 }, &v.x, &v.err);
        return v;
}

void done(struct verdict *v)
{
        indexed_fini(&v->x);
        close(v->fd);
}

struct verdict must_serve(const struct buf *t)
{
        struct verdict v = judge(t);

        if (v.r < 0)
                fail_msg("refused: %s", v.err.text);
        return v;
}

void assert_refuses(struct buf *t, const char *why)
{
        struct verdict v = judge(t);

        if (v.r != -EBADMSG)
                fail_msg("not refused (\"%s\"): %d", why, v.r);
        if (!strstr(v.err.text, why))
                fail_msg("\"%s\" does not speak of \"%s\"", v.err.text, why);
        done(&v);
}

uint32_t entry(const struct verdict *v, const char *path)
{
        return layout_by_path(v->x.tree, path);
}

void assert_text(const struct verdict *v, const char *path, const char *want)
{
        char b[512];
        uint32_t e = entry(v, path);
        ssize_t n;

        if (e == LAYOUT_NONE)
                fail_msg("no %s", path);
        n = layout_pread(v->x.tree, v->x.src, e, b, sizeof b, 0);
        assert_int_equal(n, strlen(want));
        assert_int_equal(v->x.tree->v[e].size_bytes, n);
        assert_memory_equal(b, want, strlen(want));
}

struct verdict serve_with(add_fn *add)
{
        AUTO_BUF struct buf t = BUF_INIT;

        tar_platform(&t, TOP, STAMP);
        add(&t);
        tar_end(&t);
        return must_serve(&t);
}

void refuse_with(add_fn *add, const char *why)
{
        AUTO_BUF struct buf t = BUF_INIT;

        tar_platform(&t, TOP, STAMP);
        add(&t);
        tar_end(&t);
        assert_refuses(&t, why);
}

void skip_with(add_fn *add, const char *path, const char *why)
{
        struct verdict v = serve_with(add);

        if (path)
                assert_int_equal(entry(&v, path), LAYOUT_NONE);
        assert_true(v.x.tree->n_skipped > 0);
        if (!strstr(v.x.tree->skipped_why, why))
                fail_msg("\"%s\" does not speak of \"%s\"", v.x.tree->skipped_why, why);
        assert_text(&v, "platform/i86pc/kernel/amd64/unix", "unix");
        done(&v);
}
