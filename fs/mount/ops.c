/* SPDX-License-Identifier: MPL-2.0 */
/* ops -- from FUSE requests to places and back.
 *
 * Nothing is kept per kernel object: no node table, no lookup counts, no open handles; a process that never
 * saw a node can answer for it.
 *
 *   OPEN     ENOSYS once; the kernel then never asks again and keeps its page cache across opens (Linux
 *            fs/fuse/file.c, fuse_file_open: no_open implies FOPEN_KEEP_CACHE).  Data is immutable by node id.
 *   OPENDIR  is answered, plainly: after ENOSYS the kernel caches listings for ever (FOPEN_CACHE_DIR).
 *   READDIR  offsets are the keys of place_list, so they mean the same to any process at any time.
 *   READLINK may be cached by the kernel (FUSE_CACHE_SYMLINKS): a link's target is immutable by node id too.
 *   ACCESS, FLUSH, GETXATTR  absent: libfuse answers ENOSYS once.
 */
#include "mount/ops.h"

#include <errno.h>
#include <fuse_lowlevel.h>
#include <limits.h>
#include <string.h>

#include "base/cleanup.h"
#include "namespace/list.h"

static const struct places *places_of(fuse_req_t req)
{
        return ((const struct ops *)fuse_req_userdata(req))->places;
}

/* Counted when it goes out of scope; then @req is answered and gone. */
static struct request_timer timed(fuse_req_t req, enum request_op op)
{
        return requests_begin(((const struct ops *)fuse_req_userdata(req))->requests, op);
}

static void op_init(void *userdata, struct fuse_conn_info *conn)
{
        const struct ops *ops = userdata;

        /* The custom descriptor has no splice (and replies are copied out of our own memory anyway). */
        conn->want &= ~(unsigned)(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE);
        conn->want |= conn->capable & FUSE_CAP_CACHE_SYMLINKS;
        if (ops->request_pages) /* libfuse tells it to the kernel as max_pages (lib/fuse_lowlevel.c, do_init) */
                conn->max_write = ops->request_pages * 4096;
        if (ops->on_init)
                ops->on_init(ops->on_init_ctx);
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
        AUTO_TIMED struct request_timer t = timed(req, REQUEST_LOOKUP);
        struct fuse_entry_param e = { 0 };
        struct place_entry child;
        struct node n;
        int r = node_decode(parent, &n) ? 0 : -ESTALE;

        if (r == 0 && strlen(name) > NAME_MAX) /* the kernel lets 1024 bytes through (fs/fuse/fuse_i.h, FUSE_NAME_MAX) */
                r = -ENAMETOOLONG;
        if (r == 0)
                r = place_lookup(places_of(req), &n, name, &child);

        t.error = r;
        if (r < 0 && (r != -ENOENT || child.name_sec <= 0)) {
                fuse_reply_err(req, -r);
                return;
        }
        e.entry_timeout = child.name_sec;
        if (r == 0) {
                e.ino = child.node;
                e.generation = child.generation;
                e.attr = child.st;
                e.attr_timeout = child.attr_sec;
        }
        fuse_reply_entry(req, &e); /* with ino 0: absent, and that may be believed for name_sec */
}

static void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
        AUTO_TIMED struct request_timer t = timed(req, REQUEST_GETATTR);
        struct place_entry e;
        struct node n;
        int r = node_decode(ino, &n) ? place_stat(places_of(req), &n, &e) : -ESTALE;

        (void)fi;
        t.error = r;
        if (r < 0)
                fuse_reply_err(req, -r);
        else
                fuse_reply_attr(req, &e.st, e.attr_sec);
}

static void op_readlink(fuse_req_t req, fuse_ino_t ino)
{
        AUTO_TIMED struct request_timer t = timed(req, REQUEST_READLINK);
        AUTO_FREE char *target = NULL;
        struct node n;
        int r = node_decode(ino, &n) ? place_readlink(places_of(req), &n, &target) : -ESTALE;

        t.error = r;
        if (r < 0)
                fuse_reply_err(req, -r);
        else
                fuse_reply_readlink(req, target);
}

/* Only on a kernel without no_open support (before 3.16), or for a caller that does not use it. */
static void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
        (void)ino;
        (void)fi;
        fuse_reply_err(req, ENOSYS);
}

/* Returns 0 or the negative errno it answered with. */
static int read_copied(fuse_req_t req, const struct node *n, size_t size, uint64_t off)
{
        AUTO_FREE char *buf = malloc(size);
        ssize_t got = buf ? place_read(places_of(req), n, buf, size, off) : -ENOMEM;

        if (got < 0)
                fuse_reply_err(req, (int)-got);
        else
                fuse_reply_buf(req, buf, (size_t)got);
        return got < 0 ? (int)got : 0;
}

/* A decoded chunk goes to the kernel from where it is. */
static void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
        AUTO_TIMED struct request_timer t = timed(req, REQUEST_READ);
        struct place_loan loan;
        struct node n;
        int r;

        (void)fi;
        if (off < 0 || !node_decode(ino, &n)) {
                t.error = off < 0 ? -EINVAL : -ESTALE;
                fuse_reply_err(req, -t.error);
                return;
        }
        r = place_borrow(places_of(req), &n, size, (uint64_t)off, &loan);
        if (r == 0) {
                fuse_reply_buf(req, loan.bytes.data, loan.bytes.len);
                place_loan_end(&loan);
        } else if (r == -EOPNOTSUPP) {
                t.error = read_copied(req, &n, size, (uint64_t)off);
        } else {
                t.error = r;
                fuse_reply_err(req, -r);
        }
}

static void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
        (void)ino;
        fuse_reply_open(req, fi);
}

struct listing {
        fuse_req_t req;
        char *buf;
        size_t size, used;
};

static bool add_name(void *ctx, const char *name, uint64_t node, mode_t type, uint64_t key)
{
        struct listing *l = ctx;
        struct stat st = { .st_ino = node, .st_mode = type };
        size_t need = fuse_add_direntry(l->req, l->buf + l->used, l->size - l->used, name, &st, (off_t)key);

        if (need > l->size - l->used)
                return false;
        l->used += need;
        return true;
}

static void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
        AUTO_TIMED struct request_timer t = timed(req, REQUEST_READDIR);
        AUTO_FREE char *buf = malloc(size);
        struct listing l = { .req = req, .buf = buf, .size = size };
        struct node n;
        int r = 0;

        (void)fi;
        if (!buf)
                r = -ENOMEM;
        else if (off < 0 || !node_decode(ino, &n))
                r = -ESTALE;
        else if ((off >= 1 || add_name(&l, ".", ino, S_IFDIR, 1)) &&
                 (off >= 2 || add_name(&l, "..", ino, S_IFDIR, 2)))
                r = place_list(places_of(req), &n, (uint64_t)off, add_name, &l);
        t.error = r;
        if (r < 0)
                fuse_reply_err(req, -r);
        else
                fuse_reply_buf(req, buf, l.used);
}

/* From memory alone: df on a boot server must not wait for a disk. */
static void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
        struct statvfs st = { .f_bsize = 4096, .f_frsize = 4096, .f_namemax = NAME_MAX, .f_flag = ST_RDONLY };

        (void)ino;
        fuse_reply_statfs(req, &st);
}

const struct fuse_lowlevel_ops ops_table = {
        .init = op_init,
        .lookup = op_lookup,
        .getattr = op_getattr,
        .readlink = op_readlink,
        .open = op_open,
        .read = op_read,
        .opendir = op_opendir,
        .readdir = op_readdir,
        .statfs = op_statfs,
};
