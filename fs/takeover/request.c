/* SPDX-License-Identifier: MPL-2.0 */
/* request -- see request.h.
 *
 * What a read-only mount is asked stands in one table, with the least length libfuse reads (lib/fuse_lowlevel.c, do_*)
 * and whether a name that ends in NUL follows.  Anything else gets the answer libfuse gives for an operation that the
 * filesystem does not have: ENOSYS.
 */
#include "takeover/request.h"

#include <errno.h>
#include <linux/fuse.h>
#include <string.h>
#include <unistd.h>

/* What INIT agrees on at most (libfuse lib/fuse_lowlevel.c, FUSE_MAX_MAX_PAGES); a page of the processor's, which may be 64 KiB. */
#define MAX_READ_PAGES 256

static const struct row {
        uint32_t opcode;
        uint32_t arg_bytes; /* behind the header */
        enum request_verdict verdict;
        enum {
                PLAIN,
                NAME,
                READS
        } form; /* NAME: a name follows; READS: the argument is a struct fuse_read_in */
} rows[] = {
        { FUSE_INIT, sizeof(struct fuse_init_in), REQUEST_FIT, PLAIN },
        { FUSE_LOOKUP, 1, REQUEST_FIT, NAME },
        { FUSE_GETATTR, sizeof(struct fuse_getattr_in), REQUEST_FIT, PLAIN },
        { FUSE_READLINK, 0, REQUEST_FIT, PLAIN },
        { FUSE_OPEN, sizeof(struct fuse_open_in), REQUEST_FIT, PLAIN },
        { FUSE_READ, sizeof(struct fuse_read_in), REQUEST_FIT, READS },
        { FUSE_STATFS, 0, REQUEST_FIT, PLAIN },
        { FUSE_RELEASE, sizeof(struct fuse_release_in), REQUEST_FIT, PLAIN },
        { FUSE_OPENDIR, sizeof(struct fuse_open_in), REQUEST_FIT, PLAIN },
        { FUSE_READDIR, sizeof(struct fuse_read_in), REQUEST_FIT, READS },
        { FUSE_RELEASEDIR, sizeof(struct fuse_release_in), REQUEST_FIT, PLAIN },
        { FUSE_FORGET, 0, REQUEST_SILENT, PLAIN },
        { FUSE_BATCH_FORGET, 0, REQUEST_SILENT, PLAIN },
        { FUSE_INTERRUPT, 0, REQUEST_SILENT, PLAIN },
        { FUSE_DESTROY, 0, REQUEST_SILENT, PLAIN },
        { FUSE_NOTIFY_REPLY, 0, REQUEST_SILENT, PLAIN },
};

enum request_verdict request_judge(const void *buf, size_t len, size_t *ret_len, int *ret_errno)
{
        struct fuse_in_header h;
        struct fuse_read_in in;
        const char *arg = (const char *)buf + sizeof h;

        *ret_errno = EIO;
        *ret_len = 0;
        if (len < sizeof h)
                return REQUEST_SILENT; /* nobody to answer */
        memcpy(&h, buf, sizeof h);
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                if (rows[i].opcode != h.opcode)
                        continue;
                if (rows[i].verdict == REQUEST_SILENT)
                        return REQUEST_SILENT;
                if (h.len > len || h.len < sizeof h + rows[i].arg_bytes)
                        return REQUEST_UNFIT;
                if (rows[i].form == NAME && !memchr(arg, '\0', h.len - sizeof h))
                        return REQUEST_UNFIT;
                if (rows[i].form == READS) {
                        memcpy(&in, arg, sizeof in);
                        if (in.size > (uint64_t)MAX_READ_PAGES * (uint64_t)sysconf(_SC_PAGESIZE))
                                return REQUEST_UNFIT;
                }
                *ret_len = h.len;
                return REQUEST_FIT;
        }
        *ret_errno = ENOSYS;
        return REQUEST_UNFIT;
}
