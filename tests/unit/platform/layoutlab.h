/* SPDX-License-Identifier: MPL-2.0 */
/* layoutlab -- one archive, judged as a daemon would: what tests of the layout share. */
#ifndef PXEFS_TESTS_LAYOUTLAB_H
#define PXEFS_TESTS_LAYOUTLAB_H

#include "base/buf.h"
#include "platform/indexer.h"
#include "tarmaker.h"

struct verdict {
        int r;
        struct err err;
        struct indexed x;
        int fd;
};

void done(struct verdict *v);

/* What becomes of the tar @t. */
struct verdict must_serve(const struct buf *t);
void assert_refuses(struct buf *t, const char *why);

/* What is in it: an entry's number, a file's text. */
uint32_t entry(const struct verdict *v, const char *path);
void assert_text(const struct verdict *v, const char *path, const char *want);

/* One platform with more entries put in by a function; what is expected of it. */
typedef void add_fn(struct buf *t);

struct verdict serve_with(add_fn *add);
void refuse_with(add_fn *add, const char *why);
/* @path is left out, and the reason says @why; everything else is there. */
void skip_with(add_fn *add, const char *path, const char *why);

#endif
