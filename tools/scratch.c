/* SPDX-License-Identifier: MPL-2.0 */
/* scratch -- see scratch.h.  The spool file is unlinked as soon as it is open, so that an interrupted command leaves an
 * empty directory at most. */
#include "scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive/spool.h"
#include "base/cleanup.h"
#include "catalog/reader.h"
#include "codec/filter.h"
#include "ctl.h"
#include "sandbox/sandbox.h"

#define SPOOL_NAME "decoded.raw"
#define TRIES      2 /* as the daemon */

static void prepare(void *ctx)
{
        (void)ctx;
        sandbox_prepare_reader();
}

static int lock_in(void *ctx)
{
        (void)ctx;
        return sandbox_lock_reader(false);
}

static int start_readers(struct scratch *s)
{
        struct err err = { "" };

        if (readers_start(&(struct readers_options) { .n = 1,
                                  .builds_dir = ".",
                                  .spool_dir = s->path,
                                  .leave = prepare,
                                  .lock_in = lock_in },
                    &s->readers, &err) == 0)
                return CTL_OK;
        close(s->dirfd);
        (void)rmdir(s->path);
        return ctl_fail(CTL_FAILED, "%s", err.text);
}

int scratch_make(struct scratch *ret)
{
        const char *tmp = getenv("TMPDIR");
        int n = snprintf(ret->path, sizeof ret->path, "%s/pxectl-XXXXXX", tmp && *tmp ? tmp : "/var/tmp");

        if (n < 0 || (size_t)n >= sizeof ret->path || !mkdtemp(ret->path))
                return ctl_fail(CTL_FAILED, "temporary directory in %s: %s: name another with TMPDIR=",
                        tmp && *tmp ? tmp : "/var/tmp", strerror(errno));
        ret->dirfd = open(ret->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (ret->dirfd < 0) {
                n = errno;
                (void)rmdir(ret->path);
                return ctl_fail(CTL_FAILED, "temporary directory %s: %s", ret->path, strerror(n));
        }
        return start_readers(ret);
}

/* Opens what it was decoded to, and takes its name away. */
static int open_spool(const struct scratch *s, struct spool_file *spool, struct indexed *x, struct err *err)
{
        int r = spool_commit(spool, SPOOL_NAME, &x->spool_id, err);

        if (r == 0)
                r = spool_open(s->dirfd, SPOOL_NAME, &x->spool_id, NULL, &x->src, err);
        (void)unlinkat(s->dirfd, SPOOL_NAME, 0);
        return r;
}

static int read_once(
        const struct scratch *s, struct reader_ask *ask, bool spools, struct indexed *x, struct err *err)
{
        AUTO_CLEAN(spool_drop) struct spool_file spool = SPOOL_FILE_NONE;
        int r = spools ? spool_make(s->dirfd, &spool, err) : 0;

        if (r < 0)
                return r;
        (void)snprintf(ask->spool, sizeof ask->spool, "%s", spool.tmp);
        ask->spool_max = spools ? UINT64_MAX : 0;
        r = readers_read(s->readers, 0, ask, x, err);
        if (r < 0 || !x->spooled)
                return r;
        r = open_spool(s, &spool, x, err);
        if (r < 0)
                indexed_fini(x);
        return r;
}

int scratch_index(const struct scratch *s, const char *path, int fd, struct indexed *ret, struct err *err)
{
        AUTO_FREE struct reader_ask *ask = calloc(1, sizeof *ask);
        enum filter_kind kind = filter_of(fd);
        bool spools = kind != FILTER_NONE && kind != FILTER_GZIP;
        struct indexed x;
        int r;

        if (!ask || strlen(path) >= sizeof ask->file)
                return ask ? err_set(err, -ENAMETOOLONG, "its path is too long")
                           : err_set(err, -ENOMEM, "out of memory");
        (void)snprintf(ask->file, sizeof ask->file, "%s", path);
        ask->large = true;
        r = identity_of_fd(fd, &ask->id);
        if (r < 0)
                return err_sys(err, r, "fstat");
        r = read_once(s, ask, spools, &x, err);
        if (r == -ESPIPE && !spools)
                r = read_once(s, ask, true, &x, err); /* a gzip file with an ISO in it */
        for (unsigned i = 1; r == -EPROTO && i < TRIES; i++)
                r = read_once(s, ask, spools, &x, err);
        if (r == -EPROTO)
                r = err_prefix(err, -EBADMSG, "reading it failed twice");
        if (r < 0)
                return r;
        r = indexed_digest(&x, fd, &ask->id, NULL, err);
        if (r == 0)
                *ret = x;
        else
                indexed_fini(&x);
        return r;
}

void scratch_remove(struct scratch *s)
{
        readers_stop(s->readers);
        close(s->dirfd);
        (void)rmdir(s->path);
}
