/* SPDX-License-Identifier: MPL-2.0 */
/* path_opener -- what a thread of bounded_call.h is to open, with copies of all it needs; see path_opener.h.
 *
 * Most names lead nowhere but to local disks, and a thread for each would cost a takeover the time it has: as long as all
 * filesystems on the way are known to be local, the walk is made where it is asked for.  A filesystem becomes known when a
 * thread comes to it for the first time.
 *
 * Lock: o->lock, around the list of filesystems.
 */
#include "base/path_opener.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/bounded_call.h"
#include "base/cleanup.h"

#define MAX_KNOWN 16

struct path_opener {
        atomic_uint refs;
        uint64_t own_dev;
        struct bounded_calls *calls; /* owned */
        pthread_mutex_t lock;        /* guards known */
        struct {
                uint64_t dev; /* 0: free */
                bool local;
        } known[MAX_KNOWN]; /* filesystems, and whether a local disk or memory holds them */
};

struct ask {
        struct path_opener *opener; /* a reference; NULL: none */
        uint64_t own_dev;
        int dirfd, fd; /* owned; -1: none */
        char *path;    /* owned */
        int flags;
        enum { OPENS, READS, LISTS, TRIES } kind;
        bool trusted; /* links only that root made */
        int mode;     /* TRIES */
        size_t len;
        uint64_t off;
        char *data; /* owned */
        ssize_t n;
        struct path_names names;
        struct stat st;
};

void path_names_fini(struct path_names *l)
{
        for (size_t i = 0; i < l->n; i++)
                free(l->v[i].name);
        free(l->v);
        *l = (struct path_names) { NULL, 0 };
}

static struct path_opener *opener_ref(struct path_opener *o)
{
        if (o)
                (void)atomic_fetch_add(&o->refs, 1);
        return o;
}

/* A thread that does not come back keeps it. */
static void opener_unref(struct path_opener *o)
{
        if (!o || atomic_fetch_sub(&o->refs, 1) != 1)
                return;
        (void)pthread_mutex_destroy(&o->lock);
        free(o);
}

static void ask_fini(struct ask *a)
{
        cleanup_close(&a->dirfd);
        cleanup_close(&a->fd);
        free(a->path);
        free(a->data);
        path_names_fini(&a->names);
        opener_unref(a->opener);
}

static void ask_free(void *arg)
{
        ask_fini(arg);
        free(arg);
}

struct path_opener *path_opener_new(uint64_t own_dev)
{
        struct path_opener *o = calloc(1, sizeof *o);

        if (!o)
                return NULL;
        atomic_init(&o->refs, 1);
        o->own_dev = own_dev;
        (void)pthread_mutex_init(&o->lock, NULL);
        o->calls = bounded_calls_new();
        if (o->calls)
                return o;
        free(o);
        return NULL;
}

void path_opener_free(struct path_opener *o)
{
        if (!o)
                return;
        bounded_calls_free(o->calls);
        opener_unref(o);
}

bool path_opener_is_own(const struct path_opener *o, uint64_t dev)
{
        return o && o->own_dev && o->own_dev == dev;
}

const char *path_opener_strerror(int r)
{
        switch (r) {
        case -EDEADLK:
                return "it leads into the mount that this pxefs serves, which would wait for itself: remove "
                       "it, or put "
                       "the file itself there";
        case -ETIMEDOUT:
        case -EAGAIN:
                return "what it leads to does not answer";
        default:
                return strerror(-r);
        }
}

/* Then fstat once more: what was read is what it was afterwards, or the caller sees that it is not. */
static int read_some(struct ask *a)
{
        a->data = malloc(a->len ? a->len : 1);
        if (!a->data)
                return -ENOMEM;
        while ((size_t)a->n < a->len) {
                ssize_t n =
                        pread(a->fd, a->data + a->n, a->len - (size_t)a->n, (off_t)(a->off + (uint64_t)a->n));

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                a->n += n;
        }
        return fstat(a->fd, &a->st) < 0 ? -errno : 0;
}

static int add_name(struct path_names *l, const char *name, struct path_name what)
{
        struct path_name *v = l->n & (l->n + 1) ? l->v : reallocarray(l->v, 2 * l->n + 1, sizeof *v);

        if (!v)
                return -ENOMEM;
        l->v = v;
        v[l->n] = what;
        v[l->n].name = strdup(name);
        return v[l->n].name ? (l->n++, 0) : -ENOMEM;
}

/* Asks the directory's filesystem only: what is mounted in it may not answer. */
static int list_one(struct ask *a, int dirfd, const char *name)
{
        struct path_name what = { 0 };
        uint64_t dev;
        mode_t type;

        if (name[0] == '.' || path_walk_dev_at(dirfd, name, &dev, &type) < 0)
                return 0; /* gone meanwhile */
        what.own = a->own_dev && dev == a->own_dev;
        if (dev == a->st.st_dev) {
                what.type = type;
                if (type != S_IFREG && type != S_IFDIR && type != S_IFLNK)
                        return 0;
                if (type != S_IFLNK)
                        what.readable = faccessat(dirfd, name, R_OK, AT_EACCESS | AT_SYMLINK_NOFOLLOW) == 0;
        }
        return add_name(&a->names, name, what);
}

static int list_all(struct ask *a)
{
        AUTO_CLOSEDIR DIR *d = fdopendir(a->fd);
        const struct dirent *e;
        int r = 0;

        if (!d)
                return -errno;
        (void)take_fd(&a->fd);
        while (r == 0) {
                errno = 0;
                e = readdir(d);
                if (!e)
                        return -errno;
                r = list_one(a, dirfd(d), e->d_name);
        }
        return r;
}

/* Nobody far away, and no other process, answers for it.  (Linux include/uapi/linux/magic.h; ZFS: zfs_super.c.) */
static bool is_local_type(const struct statfs *fs)
{
        static const unsigned types[] = { EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC, TMPFS_MAGIC,
                RAMFS_MAGIC, F2FS_SUPER_MAGIC, OVERLAYFS_SUPER_MAGIC, SQUASHFS_MAGIC, ISOFS_SUPER_MAGIC,
                MSDOS_SUPER_MAGIC, 0x2fc12fc1 };

        for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
                if ((unsigned)fs->f_type == types[i])
                        return true;
        return false;
}

static int answer(struct ask *a, int (*asks)(void *ctx, uint64_t dev, int fd), void *ctx)
{
        const struct path_walk w = { .own_dev = a->own_dev,
                .trusted_links_only = a->trusted,
                .linked_files_only = a->dirfd >= 0,
                .asks = asks,
                .ctx = ctx };
        int r = path_walk(&w, a->dirfd, a->path, a->flags, &a->fd, &a->st);

        if (r < 0 || a->kind == OPENS)
                return r;
        if (a->kind == LISTS)
                return list_all(a);
        if (a->kind == TRIES)
                return faccessat(a->fd, "", a->mode, AT_EACCESS | AT_EMPTY_PATH) < 0 ? -errno : 0;
        return S_ISREG(a->st.st_mode) ? read_some(a) : -EINVAL;
}

/* True if it is known whether @dev is local; then *ret_local says so. */
static bool recall(struct path_opener *o, uint64_t dev, bool *ret_local)
{
        bool found = false;

        (void)pthread_mutex_lock(&o->lock);
        for (size_t i = 0; i < MAX_KNOWN && !found; i++) {
                found = o->known[i].dev == dev;
                *ret_local = found && o->known[i].local;
        }
        (void)pthread_mutex_unlock(&o->lock);
        return found;
}

static void remember(struct path_opener *o, uint64_t dev, bool local)
{
        (void)pthread_mutex_lock(&o->lock);
        for (size_t i = 0; i < MAX_KNOWN; i++)
                if (o->known[i].dev == 0 || o->known[i].dev == dev) {
                        o->known[i].dev = dev;
                        o->known[i].local = local;
                        break;
                }
        (void)pthread_mutex_unlock(&o->lock);
}

/* In the caller's thread. */
static int only_local(void *ctx, uint64_t dev, int fd)
{
        bool local;

        (void)fd;
        return recall(ctx, dev, &local) && local ? 0 : -EREMOTE;
}

struct thread_ctx {
        struct bounded_call *call;
        struct path_opener *o;
};

/* In a thread of its own. */
static int anything(void *ctx, uint64_t dev, int fd)
{
        const struct thread_ctx *t = ctx;
        int r = bounded_call_asks(t->call, dev);
        struct statfs fs;
        bool local;

        if (r == 0 && !recall(t->o, dev, &local) && fstatfs(fd, &fs) == 0)
                remember(t->o, dev, is_local_type(&fs));
        return r;
}

static int work(struct bounded_call *call, void *arg)
{
        struct ask *a = arg;
        struct thread_ctx t = { call, a->opener };

        return answer(a, anything, &t);
}

/* 0, and *@ret_ask has the answer; the caller frees it. */
static int have_answered(struct path_opener *o, const struct ask *want, int dirfd, const char *path,
        int timeout_ms, struct ask **ret_ask)
{
        struct ask *a = malloc(sizeof *a);
        int r, taken = 0;

        if (!a)
                return -ENOMEM;
        *a = *want;
        a->fd = -1;
        a->opener = opener_ref(o);
        a->own_dev = o ? o->own_dev : 0;
        a->dirfd = path[0] == '/' ? -1 : fcntl(dirfd, F_DUPFD_CLOEXEC, 0); /* the caller may close its own */
        a->path = strdup(path);
        if (!a->path || (a->dirfd < 0 && path[0] != '/'))
                r = a->path ? -errno : -ENOMEM;
        else if (!o || timeout_ms < 0)
                r = answer(a, NULL, NULL);
        else if ((r = answer(a, only_local, o)) == -EREMOTE)
                r = bounded_call(o->calls, work, ask_free, a, timeout_ms, &taken);
        if (r < 0 && !taken)
                ask_free(a);
        if (r == 0)
                *ret_ask = a;
        return r;
}

int path_opener_open(struct path_opener *o, int dirfd, const char *path, int flags, int timeout_ms,
        int *ret_fd, struct stat *ret_st)
{
        struct ask *a;
        int r = have_answered(o, &(struct ask) { .flags = flags }, dirfd, path, timeout_ms, &a);

        if (r < 0)
                return r;
        if (flags != PATH_WALK_STAT)
                *ret_fd = take_fd(&a->fd);
        *ret_st = a->st;
        ask_free(a);
        return 0;
}

ssize_t path_opener_read(struct path_opener *o, int dirfd, const char *path, size_t len, uint64_t off,
        int timeout_ms, char **ret_data, struct stat *ret_st)
{
        struct ask *a;
        ssize_t n;
        int r = have_answered(o,
                &(struct ask) {
                        .flags = O_RDONLY | O_NONBLOCK | O_NOCTTY, .kind = READS, .len = len, .off = off },
                dirfd, path, timeout_ms, &a);

        if (r < 0)
                return r;
        n = a->n;
        *ret_data = take_ptr(&a->data);
        *ret_st = a->st;
        ask_free(a);
        return n;
}

int path_opener_access(struct path_opener *o, const char *path, int mode, int timeout_ms, struct stat *ret_st)
{
        struct ask *a;
        int r = have_answered(
                o, &(struct ask) { .flags = O_PATH, .kind = TRIES, .mode = mode }, -1, path, timeout_ms, &a);

        if (r < 0)
                return r;
        *ret_st = a->st;
        ask_free(a);
        return 0;
}

int path_opener_resolve(struct path_opener *o, const char *path, bool trusted, int timeout_ms,
        char **ret_path, struct stat *ret_st)
{
        char name[64], text[PATH_MAX];
        struct ask *a;
        ssize_t n;
        int r = have_answered(
                o, &(struct ask) { .flags = O_PATH, .trusted = trusted }, -1, path, timeout_ms, &a);

        if (r < 0)
                return r;
        (void)snprintf(name, sizeof name, "/proc/self/fd/%d", a->fd); /* d_path: no filesystem is asked */
        n = readlink(name, text, sizeof text);
        r = n < 0 ? -errno : n == (ssize_t)sizeof text ? -ENAMETOOLONG : 0;
        *ret_st = a->st;
        ask_free(a);
        if (r < 0)
                return r;
        *ret_path = strndup(text, (size_t)n);
        return *ret_path ? 0 : -ENOMEM;
}

int path_opener_list(
        struct path_opener *o, int dirfd, const char *path, int timeout_ms, struct path_names *ret)
{
        struct ask *a;
        int r = have_answered(o, &(struct ask) { .flags = O_RDONLY | O_DIRECTORY, .kind = LISTS }, dirfd,
                path, timeout_ms, &a);

        if (r < 0)
                return r;
        *ret = a->names;
        a->names = (struct path_names) { NULL, 0 };
        ask_free(a);
        return 0;
}
