/* SPDX-License-Identifier: MPL-2.0 */
/* spool -- decode once into a file of ours; see spool.h.
 *
 * The feed writes what it hands on, so decoding, verifying, spooling and reading the members is one pass.
 *
 * Invariants
 *   1. A spool file has its final name only when it is whole, verified and synced.
 *   2. An unnamed file (O_TMPFILE) is used where the filesystem has it; else a file called ".tmp-..." which
 *      spool_close removes and the catalog sweeps at start.
 *   3. After an error of the feed the writer can only be closed.
 * Limits: max_bytes of output; a write error (disk full) ends the feed with its errno.
 * Locks: none; one thread at a time.
 */
#include "archive/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive/checked.h"
#include "archive/filter.h"
#include "base/cleanup.h"

/* Writeback is started this early, so that the sync at the end has little left to wait for. */
#define WRITEBACK_BYTES (8u * 1024 * 1024)

struct spool_writer {
        int fd_tgz;            /* borrowed */
        int dirfd;             /* borrowed */
        int fd;                /* owned; the spool file */
        char tmp[64];          /* its name in dirfd, or "" while it has none */
        struct identity id;    /* of fd_tgz at the beginning */
        struct filter *filter; /* owned */
        uint64_t max_bytes, written_bytes, flushed_bytes;
        struct blocksums *sums; /* owned; of what was written */
        bool done;              /* the feed reached its verified end */
};

static void make_tmp_name(struct spool_writer *w)
{
        static atomic_uint n;

        (void)snprintf(w->tmp, sizeof w->tmp, ".tmp-%ld-%u", (long)getpid(), atomic_fetch_add(&n, 1));
}

/* A file without a name, or one with a temporary name. */
static int open_output(struct spool_writer *w, struct err *err)
{
        w->fd = openat(w->dirfd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        if (w->fd >= 0)
                return 0;
        if (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL || errno == ENOENT) {
                make_tmp_name(w);
                w->fd = openat(w->dirfd, w->tmp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
                if (w->fd >= 0)
                        return 0;
                w->tmp[0] = '\0';
        }
        return err_sys(err, -errno, "cache directory: cannot make a spool file");
}

int spool_begin(int fd, int dirfd, uint64_t max_bytes, struct spool_writer **ret, struct err *err)
{
        AUTO_CLEAN(spool_closep) struct spool_writer *w = calloc(1, sizeof *w);
        int r;

        if (!w)
                return err_set(err, -ENOMEM, "out of memory");
        w->fd_tgz = fd;
        w->dirfd = dirfd;
        w->fd = -1;
        w->max_bytes = max_bytes;
        r = identity_of_fd(fd, &w->id);
        if (r < 0)
                return err_sys(err, r, "fstat");
        r = blocksums_new(0, BLOCKSUMS_BYTES, &w->sums);
        if (r < 0)
                return err_set(err, r, "out of memory");
        r = open_output(w, err);
        if (r < 0)
                return r;
        r = filter_new(fd, filter_of(fd), &w->filter, err);
        if (r < 0)
                return r;
        *ret = take_ptr(&w);
        return 0;
}

static int keep(struct spool_writer *w, const char *p, size_t len, struct err *err)
{
        if (len > w->max_bytes - w->written_bytes)
                return err_set(err, -EDQUOT,
                        "decoded it needs more than the %llu MiB that spool_max= leaves in the cache "
                        "directory: raise "
                        "spool_max= or remove other archives",
                        (unsigned long long)(w->max_bytes >> 20));
        while (len > 0) {
                ssize_t n = pwrite(w->fd, p, len, (off_t)w->written_bytes);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return err_sys(err, -errno, "cache directory: cannot write the spool file");
                p += n;
                len -= (size_t)n;
                w->written_bytes += (uint64_t)n;
        }
        if (w->written_bytes - w->flushed_bytes >= WRITEBACK_BYTES) {
                /* Only a hint; its error comes back from fsync. */
                (void)sync_file_range(w->fd, (off_t)w->flushed_bytes,
                        (off_t)(w->written_bytes - w->flushed_bytes), SYNC_FILE_RANGE_WRITE);
                w->flushed_bytes = w->written_bytes;
        }
        return 0;
}

/* Of what was decoded, not of what the disk makes of it. */
static int add_sums(struct spool_writer *w, const void *p, size_t len, struct err *err)
{
        int r = blocksums_add(w->sums, p, len);

        return r == -EFBIG ? err_set(err, r, "decoded it is larger than %llu GiB",
                                     (unsigned long long)BLOCKSUMS_BYTES * BLOCKSUMS_MAX >> 30)
               : r < 0     ? err_set(err, r, "out of memory")
                           : 0;
}

static ssize_t spool_next(void *ctx, const void **ret_data, struct err *err)
{
        struct spool_writer *w = ctx;
        struct identity now;
        ssize_t n;
        int r;

        if (w->done)
                return 0;
        n = filter_next(w->filter, ret_data, err);
        if (n < 0)
                return n;
        if (n > 0) {
                r = keep(w, *ret_data, (size_t)n, err);
                if (r == 0)
                        r = add_sums(w, *ret_data, (size_t)n, err);
                return r < 0 ? r : n;
        }
        r = identity_of_fd(w->fd_tgz, &now);
        if (r < 0)
                return err_sys(err, r, "fstat");
        if (!identity_equal(&now, &w->id))
                return err_set(err, -ESTALE, "the file changed while it was read");
        w->done = true;
        return 0;
}

struct feed spool_feed(struct spool_writer *w)
{
        return (struct feed) { w, spool_next, NULL, 0 };
}

uint64_t spool_off_file(const struct spool_writer *w)
{
        return filter_off_file(w->filter);
}

const char *spool_warning(const struct spool_writer *w)
{
        return filter_warning(w->filter);
}

/* Gives the file a temporary name, if it has none: linkat does not replace, rename does. */
static int give_tmp_name(struct spool_writer *w, struct err *err)
{
        char proc[64];
        int r;

        if (w->tmp[0])
                return 0;
        make_tmp_name(w);
        (void)snprintf(proc, sizeof proc, "/proc/self/fd/%d", w->fd);
        if (linkat(AT_FDCWD, proc, w->dirfd, w->tmp, AT_SYMLINK_FOLLOW) == 0)
                return 0;
        r = -errno;
        /* Without /proc; this form wants CAP_DAC_READ_SEARCH. */
        if (linkat(w->fd, "", w->dirfd, w->tmp, AT_EMPTY_PATH) == 0)
                return 0;
        w->tmp[0] = '\0';
        return err_sys(err, r, "cache directory: cannot name the spool file");
}

static int sync_fd(int fd, struct err *err)
{
        return fsync(fd) == 0 ? 0 : err_sys(err, -errno, "cache directory: cannot sync the spool file");
}

int spool_commit(struct spool_writer *w, const char *name, struct identity *ret_id,
        struct blocksums **ret_sums, struct err *err)
{
        struct identity id;
        int r;

        if (!w->done)
                return err_set(err, -EINVAL, "spool %s: committed before its end", name);
        r = sync_fd(w->fd, err);
        if (r < 0)
                return r;
        r = give_tmp_name(w, err);
        if (r < 0)
                return r;
        if (renameat(w->dirfd, w->tmp, w->dirfd, name) < 0)
                return err_sys(err, -errno, "cache directory: cannot name the spool file");
        w->tmp[0] = '\0';
        r = sync_fd(w->dirfd, err);
        if (r < 0)
                return r;
        r = identity_of_fd(w->fd, &id); /* after the rename: it sets the ctime */
        if (r < 0)
                return err_sys(err, r, "spool %s", name);
        *ret_id = id;
        *ret_sums = take_ptr(&w->sums);
        return 0;
}

void spool_close(struct spool_writer *w)
{
        if (!w)
                return;
        filter_free(w->filter);
        blocksums_free(w->sums);
        if (w->tmp[0])
                (void)unlinkat(w->dirfd, w->tmp, 0);
        if (w->fd >= 0)
                close(w->fd);
        free(w);
}

int spool_open(int dirfd, const char *name, const struct identity *want, const struct spool_check *check,
        struct source **ret, struct err *err)
{
        AUTO_CLOSE int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        int r;

        if (fd < 0)
                return err_sys(err, -errno, "spool %s", name);
        r = check ? source_open_checked(fd, want, check->sums, check->object,
                            "its decoded copy in the cache directory", check->env, ret, err)
                  : source_open_raw(fd, want, ret, err);
        if (r < 0)
                return err_prefix(err, r, "spool %s", name);
        (void)take_fd(&fd);
        return 0;
}
