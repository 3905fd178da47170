/* SPDX-License-Identifier: MPL-2.0 */
/* spool -- decode once into a file of ours; see spool.h.
 *
 * The feed writes what it hands on, so decoding, verifying, spooling and reading the members is one pass.
 *
 * Who decodes has the file and not its directory: a decoder that was taken over must not reach the files of other archives.
 * So the file is made, and gets its name, in another process.
 *
 * Invariants
 *   1. A spool file has its final name only when it is whole, verified and synced.
 *   2. Until then it is called ".tmp-...": spool_drop removes it, and the catalog sweeps when it opens.
 *   3. After an error of the feed the writer can only be closed.
 *   4. Blocks of zeros are not written, so they take no room on the disk.  max_bytes counts them all the same: a bomb of
 *      zeros ends at the bound as any other does.
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
#include "base/cleanup.h"
#include "codec/filter.h"

/* Writeback is started this early, so that the sync at the end has little left to wait for. */
#define WRITEBACK_BYTES (8u * 1024 * 1024)

/* What is zero for a whole one of these is left out of the file: a block of common filesystems. */
#define HOLE_BYTES 4096u

struct spool_writer {
        int fd_tgz;            /* borrowed */
        int fd;                /* borrowed; the spool file */
        struct identity id;    /* of fd_tgz at the beginning */
        struct filter *filter; /* owned */
        uint64_t max_bytes, written_bytes, flushed_bytes;
        uint64_t data_end;      /* the file ends here so far; what was decoded behind it is zeros */
        struct blocksums *sums; /* owned; of what was written */
        bool done;              /* the feed reached its verified end */
};

/* ---- the file ----------------------------------------------------------------------------------- */

int spool_make(int dirfd, struct spool_file *ret, struct err *err)
{
        static atomic_uint n;
        struct spool_file f = { .dirfd = dirfd };

        (void)snprintf(f.tmp, sizeof f.tmp, ".tmp-%ld-%u", (long)getpid(), atomic_fetch_add(&n, 1));
        f.fd = openat(dirfd, f.tmp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (f.fd < 0)
                return err_sys(err, -errno, "cache directory: cannot make a spool file");
        *ret = f;
        return 0;
}

static int sync_fd(int fd, struct err *err)
{
        return fsync(fd) == 0 ? 0 : err_sys(err, -errno, "cache directory: cannot sync the spool file");
}

int spool_commit(struct spool_file *f, const char *name, struct identity *ret_id, struct err *err)
{
        struct identity id;
        int r = sync_fd(f->fd, err);

        if (r < 0)
                return r;
        if (renameat(f->dirfd, f->tmp, f->dirfd, name) < 0)
                return err_sys(err, -errno, "cache directory: cannot name the spool file");
        f->tmp[0] = '\0';
        r = sync_fd(f->dirfd, err);
        if (r < 0)
                return r;
        r = identity_of_fd(f->fd, &id); /* after the rename: it sets the ctime */
        if (r < 0)
                return err_sys(err, r, "spool %s", name);
        *ret_id = id;
        return 0;
}

void spool_drop(struct spool_file *f)
{
        if (f->fd < 0)
                return;
        if (f->tmp[0])
                (void)unlinkat(f->dirfd, f->tmp, 0);
        close(f->fd);
        *f = (struct spool_file)SPOOL_FILE_NONE;
}

/* ---- what goes into it ---------------------------------------------------------------------------- */

int spool_begin(int fd, int spool_fd, uint64_t max_bytes, struct spool_writer **ret, struct err *err)
{
        AUTO_CLEAN(spool_closep) struct spool_writer *w = calloc(1, sizeof *w);
        int r;

        if (!w)
                return err_set(err, -ENOMEM, "out of memory");
        w->fd_tgz = fd;
        w->fd = spool_fd;
        w->max_bytes = max_bytes;
        r = identity_of_fd(fd, &w->id);
        if (r < 0)
                return err_sys(err, r, "fstat");
        r = blocksums_new(0, BLOCKSUMS_BYTES, &w->sums);
        if (r < 0)
                return err_set(err, r, "out of memory");
        r = filter_new(fd, filter_of(fd), &w->filter, err);
        if (r < 0)
                return r;
        *ret = take_ptr(&w);
        return 0;
}

static int write_at(struct spool_writer *w, const char *p, size_t len, uint64_t off, struct err *err)
{
        while (len > 0) {
                ssize_t n = pwrite(w->fd, p, len, (off_t)off);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0) /* a quota on the disk is no bound of ours: -EDQUOT is spool_max's */
                        return err_sys(err, errno == EDQUOT ? -ENOSPC : -errno,
                                "cache directory: cannot write the spool file");
                p += n;
                len -= (size_t)n;
                off += (uint64_t)n;
                w->data_end = off;
        }
        return 0;
}

static bool is_zero(const char *p, size_t len)
{
        return p[0] == 0 && memcmp(p, p + 1, len - 1) == 0;
}

/* How many of @len bytes at offset @off of the file are within one block. */
static size_t block_part(size_t len, uint64_t off)
{
        size_t part = HOLE_BYTES - (size_t)(off % HOLE_BYTES);

        return part < len ? part : len;
}

/* Writes all of @p but the blocks of zeros: the file was empty, so what is not written reads as zeros. */
static int write_data(struct spool_writer *w, const char *p, size_t len, struct err *err)
{
        uint64_t off = w->written_bytes;

        while (len > 0) {
                size_t n = block_part(len, off);
                int r = 0;

                if (!is_zero(p, n)) {
                        while (n < len && !is_zero(p + n, block_part(len - n, off + n)))
                                n += block_part(len - n, off + n);
                        r = write_at(w, p, n, off, err);
                }
                if (r < 0)
                        return r;
                p += n;
                len -= n;
                off += n;
        }
        w->written_bytes = off;
        return 0;
}

static int keep(struct spool_writer *w, const char *p, size_t len, struct err *err)
{
        int r;

        if (len > w->max_bytes - w->written_bytes)
                return err_set(err, -EDQUOT,
                        "decoded it needs more than the %llu MiB that there are for it in the cache directory: "
                        "make room on its disk, raise spool_max= or remove other archives",
                        (unsigned long long)(w->max_bytes >> 20));
        r = write_data(w, p, len, err);
        if (r < 0)
                return r;
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

int spool_finish(struct spool_writer *w, struct blocksums **ret_sums, struct err *err)
{
        int r = 0;

        if (!w->done)
                return err_set(err, -EINVAL, "spool: finished before its end");
        if (w->data_end < w->written_bytes) /* it ends in a hole: the last byte gives the file its length */
                r = write_at(w, "", 1, w->written_bytes - 1, err);
        if (r == 0)
                r = sync_fd(w->fd, err);
        if (r == 0)
                *ret_sums = take_ptr(&w->sums);
        return r;
}

void spool_close(struct spool_writer *w)
{
        if (!w)
                return;
        filter_free(w->filter);
        blocksums_free(w->sums);
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
