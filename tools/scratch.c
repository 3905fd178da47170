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

#include "ctl.h"

#define SPOOL_NAME "decoded.raw"

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
        return CTL_OK;
}

int scratch_index(const struct scratch *s, int fd, struct indexed *ret, struct err *err)
{
        struct identity id;
        int r = identity_of_fd(fd, &id);

        if (r < 0)
                return err_sys(err, r, "fstat");
        r = indexer_read(&(struct index_order) { .fd = fd,
                                 .id = &id,
                                 .spool_dirfd = s->dirfd,
                                 .spool_name = SPOOL_NAME,
                                 .spool_max = UINT64_MAX },
                ret, err);
        if (r == 0)
                (void)unlinkat(s->dirfd, SPOOL_NAME, 0);
        return r;
}

void scratch_remove(struct scratch *s)
{
        close(s->dirfd);
        (void)rmdir(s->path);
}
