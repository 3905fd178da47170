/* SPDX-License-Identifier: MPL-2.0 */
/* overlay -- a table from hash to path, and the file system below it.
 *
 * Everything is looked up on disk when it is asked for; the only thing remembered is which path a hash
 * stands for, one record a path. A replaced file replaces its record, so the table is bounded by the number
 * of files (and by MAX_RECORDS, as nothing an operator serves beside builds comes near it).
 *
 * A process that took over was told no path yet, and its predecessor's readers go on with the ids they have: at the first
 * hash that is not known everything is looked up once.  That may take half of the table, the rest is for what is asked; and
 * WALK_MS, since who asks waits: what was not reached then is stale.
 *
 * What a name leads to is opened by path_opener.h, in a thread of its own: a link may lead to where nobody answers.
 *
 * Locks: walk_lock, then lock, which is around the table and never held while the disk is touched.
 */
#include "namespace/overlay.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <search.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "archive/identity.h"
#include "base/atwork.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/digest.h"

#define MAX_RECORDS 65536
#define MAX_WALKED  (MAX_RECORDS / 2)
#define MAX_DEPTH   64 /* of directories, for the walk */
#define WALK_MS     2000
#define READ_MS     5000

struct record {
        uint64_t hash; /* key of by_hash */
        char *path;    /* owned, key of by_path; relative to an overlay directory, "" is the top */
        bool is_dir;
        size_t layer;       /* file: the overlay directory it was found in */
        struct identity id; /* file */
};

struct layer {
        const char *dir; /* borrowed */
        atomic_int fd;   /* owned; -1: it could not be had yet */
};

struct overlay {
        struct layer *layers; /* owned */
        size_t n;
        struct path_opener *opener; /* borrowed */
        pthread_mutex_t walk_lock;  /* guards walked */
        bool walked;                /* everything that is there was looked up once */
        pthread_mutex_t lock;       /* guards the three below */
        void *by_hash, *by_path;    /* tsearch trees of struct record *; by_hash does not own */
        size_t n_records;
};

static int compare_hash(const void *a, const void *b)
{
        const struct record *x = a, *y = b;

        return (x->hash > y->hash) - (x->hash < y->hash);
}

static int compare_path(const void *a, const void *b)
{
        const struct record *x = a, *y = b;

        return strcmp(x->path, y->path);
}

static void record_free(void *p)
{
        struct record *rec = p;

        free(rec->path);
        free(rec);
}

static void keep(void *p)
{
        (void)p; /* by_path owns the records */
}

/* The descriptor of a layer's directory, or a negative errno. */
static int layer_fd(const struct overlay *o, size_t i)
{
        struct layer *l = &o->layers[i];
        int fd = atomic_load(&l->fd), none = -1, r;
        struct stat st;

        if (fd >= 0)
                return fd;
        r = path_opener_open(o->opener, -1, l->dir, O_RDONLY | O_DIRECTORY, OVERLAY_MS, &fd, &st);
        if (r < 0)
                return r;
        if (atomic_compare_exchange_strong(&l->fd, &none, fd))
                return fd;
        close(fd); /* somebody else had it opened meanwhile */
        return none;
}

int overlay_open(const char *const *dirs, size_t n, struct path_opener *opener, bool later,
        struct overlay **ret, struct err *err)
{
        struct overlay *o = calloc(1, sizeof *o);

        if (!o)
                return -ENOMEM;
        pthread_mutex_init(&o->lock, NULL);
        pthread_mutex_init(&o->walk_lock, NULL);
        o->opener = opener;
        o->layers = calloc(n ? n : 1, sizeof *o->layers);
        if (!o->layers) {
                overlay_close(o);
                return -ENOMEM;
        }
        for (size_t i = 0; i < n; i++) {
                int r;

                o->layers[i].dir = dirs[i];
                atomic_init(&o->layers[i].fd, -1);
                o->n++;
                r = layer_fd(o, i);
                if (r < 0 && !later) {
                        overlay_close(o);
                        return err_sys(err, r, "static directory %s", dirs[i]);
                }
        }
        *ret = o;
        return 0;
}

void overlay_close(struct overlay *o)
{
        if (!o)
                return;
        for (size_t i = 0; i < o->n; i++)
                if (atomic_load(&o->layers[i].fd) >= 0)
                        close(atomic_load(&o->layers[i].fd));
        tdestroy(o->by_hash, keep);
        tdestroy(o->by_path, record_free);
        pthread_mutex_destroy(&o->lock);
        pthread_mutex_destroy(&o->walk_lock);
        free(o->layers);
        free(o);
}

/* Puts the record in, in place of what its path or its hash had.  Called with the lock held; takes @rec. */
static int table_insert(struct overlay *o, struct record *rec)
{
        struct record **slot = tsearch(rec, &o->by_path, compare_path), *old, **other;

        if (!slot)
                goto no_memory;
        old = *slot;
        if (old != rec) {
                tdelete(old, &o->by_hash, compare_hash);
                free(rec->path); /* the key in the tree stays where it is; its record takes the new content */
                rec->path = old->path;
                *old = *rec;
                free(rec);
                rec = old;
        } else {
                o->n_records++;
        }
        other = tsearch(rec, &o->by_hash, compare_hash);
        if (!other)
                goto forget;
        /* Two paths with one 59-bit hash: the newer has it, the older is found again at its next lookup. */
        *other = rec;
        return 0;
forget:
        tdelete(rec, &o->by_path, compare_path);
        o->n_records--;
no_memory:
        record_free(rec);
        return -ENOMEM;
}

static int remember(struct overlay *o, uint64_t hash, const char *path, bool is_dir, size_t layer,
        const struct identity *id)
{
        struct record key = { .hash = hash };
        struct record *rec, **found;
        int r = 0;

        pthread_mutex_lock(&o->lock);
        found = tfind(&key, &o->by_hash, compare_hash);
        if (found && strcmp((*found)->path, path) == 0)
                goto unlock;
        if (o->n_records >= MAX_RECORDS) {
                r = -ENFILE;
                goto unlock;
        }
        rec = calloc(1, sizeof *rec);
        if (rec)
                rec->path = strdup(path);
        if (!rec || !rec->path) {
                free(rec);
                r = -ENOMEM;
                goto unlock;
        }
        rec->hash = hash;
        rec->is_dir = is_dir;
        rec->layer = layer;
        if (id)
                rec->id = *id;
        r = table_insert(o, rec);
unlock:
        pthread_mutex_unlock(&o->lock);
        return r;
}

/* Path (the caller frees it), layer and identity of a hash.  -ESTALE if it is not known. */
static int recall_known(struct overlay *o, uint64_t hash, bool is_dir, char **ret_path, size_t *ret_layer,
        struct identity *ret_id)
{
        struct record key = { .hash = hash }, **found;
        int r = -ESTALE;

        if (is_dir && hash == OVERLAY_TOP) {
                *ret_path = strdup("");
                return *ret_path ? 0 : -ENOMEM;
        }
        pthread_mutex_lock(&o->lock);
        found = tfind(&key, &o->by_hash, compare_hash);
        if (found && (*found)->is_dir == is_dir) {
                *ret_path = strdup((*found)->path);
                r = *ret_path ? 0 : -ENOMEM;
                if (ret_layer)
                        *ret_layer = (*found)->layer;
                if (ret_id)
                        *ret_id = (*found)->id;
        }
        pthread_mutex_unlock(&o->lock);
        return r;
}

/* Directories hash by their path, files by path and identity; each is found again by the same computation. */
static int hash_of(const char *path, const struct identity *id, uint64_t *ret)
{
        uint64_t h[2] = { 0 }, salt = id ? 1 : 0;
        int r;

        if (id) {
                r = identity_hash(id, 0, 60, &salt);
                if (r < 0)
                        return r;
        }
        r = digest_short(salt, path, strlen(path), h);
        if (r < 0)
                return r;
        *ret = h[0] >> (id ? 4 : 5);
        if (*ret == OVERLAY_TOP)
                *ret = 1;
        return 0;
}

static bool may_show(const char *name)
{
        return name[0] != '.' && name[0] != '\0' && !strchr(name, '/');
}

/* No answer, or none that says whether the name is there: a later directory must not take its place. */
static bool is_no_answer(int r)
{
        return r == -ETIMEDOUT || r == -EAGAIN || r == -EIO || r == -ENOMEM || r == -EMFILE || r == -ENFILE;
}

/* What overlay_lookup's @path is in one layer.  -ENOENT: absent, unreadable, a device, or it leads into our own mount. */
static int look_in(
        const struct overlay *o, size_t layer, const char *path, int timeout_ms, struct stat *ret_st)
{
        AUTO_CLOSE int fd = -1;
        int dirfd = layer_fd(o, layer), r = dirfd;

        if (r >= 0)
                r = path_opener_open(
                        o->opener, dirfd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, timeout_ms, &fd, ret_st);
        if (r < 0)
                return is_no_answer(r) ? -EIO : -ENOENT;
        return S_ISREG(ret_st->st_mode) || S_ISDIR(ret_st->st_mode) ? 0 : -ENOENT;
}

/* overlay_lookup, of @name in the directory with the path @parent. */
static int look_up(
        struct overlay *o, const char *parent, const char *name, int timeout_ms, struct overlay_entry *ret)
{
        AUTO_FREE char *path = NULL;

        if (asprintf(&path, "%s%s%s", parent, parent[0] ? "/" : "", name) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        for (size_t i = 0; i < o->n; i++) {
                struct stat st;
                struct identity id;
                int r = look_in(o, i, path, timeout_ms, &st);

                if (r == -ENOENT)
                        continue; /* the next directory may have it */
                if (r < 0)
                        return r;
                id = identity_of(&st);
                *ret = (struct overlay_entry) { .is_dir = S_ISDIR(st.st_mode),
                        .size_bytes = S_ISDIR(st.st_mode) ? 0 : id.size_bytes,
                        .mtime_ns = id.mtime_ns };
                r = hash_of(path, ret->is_dir ? NULL : &id, &ret->hash);
                return r < 0 ? r : remember(o, ret->hash, path, ret->is_dir, i, &id);
        }
        return -ENOENT;
}

struct name_key {
        uint64_t key;
        char *name; /* owned */
        bool is_dir;
};

struct name_list {
        struct name_key *v;
        size_t n, cap;
};

static void name_list_fini(struct name_list *l)
{
        for (size_t i = 0; i < l->n; i++)
                free(l->v[i].name);
        free(l->v);
}

static int name_list_add(struct name_list *l, const char *name, bool is_dir)
{
        uint64_t h[2] = { 0 };
        int r = digest_short(2, name, strlen(name), h);

        if (r < 0)
                return r;
        if (l->n == l->cap) {
                size_t cap = l->cap ? 2 * l->cap : 64;
                struct name_key *v = reallocarray(l->v, cap, sizeof *v);

                if (!v)
                        return -ENOMEM;
                l->v = v;
                l->cap = cap;
        }
        l->v[l->n] = (struct name_key) { .key = (h[0] >> 2) | 1, .name = strdup(name), .is_dir = is_dir };
        if (!l->v[l->n].name)
                return -ENOMEM;
        l->n++;
        return 0;
}

static int compare_key(const void *a, const void *b)
{
        const struct name_key *x = a, *y = b;

        return x->key != y->key ? (x->key > y->key) - (x->key < y->key) : strcmp(x->name, y->name);
}

/* A look-up finds it, as what it is. */
static bool can_be_found(const struct overlay *o, size_t layer, const char *dir, const struct path_name *n,
        int64_t until_ms, bool *ret_is_dir)
{
        AUTO_FREE char *path = NULL;
        int64_t left_ms = until_ms - clock_ms();
        struct stat st;

        *ret_is_dir = n->type == S_IFDIR;
        if (n->own)
                return false;
        if (n->type == S_IFREG || n->type == S_IFDIR)
                return n->readable;
        if (left_ms <= 0 || asprintf(&path, "%s%s%s", dir, dir[0] ? "/" : "", n->name) < 0) {
                path = NULL;
                return false;
        }
        if (look_in(o, layer, path, (int)left_ms, &st) < 0)
                return false;
        *ret_is_dir = S_ISDIR(st.st_mode);
        return true;
}

/* Adds the names of one layer's directory that can be had until @until_ms. */
static int list_layer(
        const struct overlay *o, size_t layer, const char *path, int64_t until_ms, struct name_list *l)
{
        struct path_names names = { NULL, 0 };
        int64_t left_ms = until_ms - clock_ms();
        int fd = layer_fd(o, layer), r = fd;

        if (r >= 0)
                r = path_opener_list(o->opener, fd, path, left_ms > 0 ? (int)left_ms : 0, &names);
        if (r < 0)
                return r == -ENOMEM ? r : 0; /* this layer has no such directory, or does not say so */
        for (size_t i = 0; r == 0 && i < names.n; i++) {
                bool is_dir;

                if (may_show(names.v[i].name) && can_be_found(o, layer, path, &names.v[i], until_ms, &is_dir))
                        r = name_list_add(l, names.v[i].name, is_dir);
        }
        path_names_fini(&names);
        return r;
}

/* Looks everything up in the directory @path and below.  What cannot be had is left out. */
static int walk(struct overlay *o, const char *path, unsigned depth, int64_t until_ms)
{
        AUTO_CLEAN(name_list_fini) struct name_list l = { 0 };
        int r = 0;

        for (size_t i = 0; r == 0 && i < o->n; i++)
                r = list_layer(o, i, path, until_ms, &l);
        for (size_t i = 0; r == 0 && i < l.n; i++) {
                struct overlay_entry e;
                int64_t left_ms = until_ms - clock_ms();
                AUTO_FREE char *below = NULL;
                bool full;

                pthread_mutex_lock(&o->lock);
                full = o->n_records >= MAX_WALKED;
                pthread_mutex_unlock(&o->lock);
                if (full || left_ms <= 0)
                        return 0;
                r = look_up(o, path, l.v[i].name, (int)left_ms, &e);
                if (r == 0 && e.is_dir && depth < MAX_DEPTH) {
                        if (asprintf(&below, "%s%s%s", path, path[0] ? "/" : "", l.v[i].name) < 0) {
                                below = NULL;
                                return -ENOMEM;
                        }
                        r = walk(o, below, depth + 1, until_ms);
                }
                if (r != -ENOMEM)
                        r = 0;
        }
        return r;
}

/* The same as recall_known, also of what a predecessor was asked for. */
static int recall(struct overlay *o, uint64_t hash, bool is_dir, char **ret_path, size_t *ret_layer,
        struct identity *ret_id)
{
        int r = recall_known(o, hash, is_dir, ret_path, ret_layer, ret_id);

        if (r != -ESTALE)
                return r;
        r = 0;
        atwork_wait(true); /* if it takes long, that is the storage */
        pthread_mutex_lock(&o->walk_lock);
        if (!o->walked) {
                r = walk(o, "", 0, clock_ms() + WALK_MS);
                o->walked = r == 0;
        }
        pthread_mutex_unlock(&o->walk_lock);
        atwork_wait(false);
        return r < 0 ? r : recall_known(o, hash, is_dir, ret_path, ret_layer, ret_id);
}

int overlay_lookup(struct overlay *o, uint64_t dir, const char *name, struct overlay_entry *ret)
{
        AUTO_FREE char *parent = NULL;
        int r;

        if (!may_show(name))
                return -ENOENT;
        r = recall(o, dir, true, &parent, NULL, NULL);
        return r < 0 ? r : look_up(o, parent, name, OVERLAY_MS, ret);
}

int overlay_stat(struct overlay *o, uint64_t hash, bool is_dir, struct overlay_entry *ret)
{
        AUTO_FREE char *path = NULL;
        struct identity id = { 0 };
        int r = recall(o, hash, is_dir, &path, NULL, &id);

        if (r < 0)
                return r;
        *ret = (struct overlay_entry) { .hash = hash,
                .is_dir = is_dir,
                .size_bytes = is_dir ? 0 : id.size_bytes,
                .mtime_ns = is_dir ? 0 : id.mtime_ns };
        return 0;
}

ssize_t overlay_pread(struct overlay *o, uint64_t hash, void *buf, size_t len, uint64_t off)
{
        AUTO_FREE char *path = NULL;
        AUTO_FREE char *data = NULL;
        struct identity id = { 0 }, now;
        struct stat st;
        size_t layer = 0;
        ssize_t n;
        int r = recall(o, hash, false, &path, &layer, &id);

        if (r < 0)
                return r;
        if (off >= id.size_bytes)
                return 0;
        if (len > id.size_bytes - off)
                len = (size_t)(id.size_bytes - off);
        n = layer_fd(o, layer);
        if (n >= 0)
                n = path_opener_read(o->opener, (int)n, path, len, off, READ_MS, &data, &st);
        if (n < 0)
                return is_no_answer((int)n) ? -EIO : -ESTALE;
        /* Compared after the read: what was read belongs to the file the hash names, or nobody gets it. */
        now = identity_of(&st);
        if (!identity_equal(&id, &now))
                return -ESTALE;
        memcpy(buf, data, (size_t)n);
        return n;
}

int overlay_list(struct overlay *o, uint64_t dir, uint64_t after, overlay_list_fn *add, void *ctx)
{
        AUTO_FREE char *path = NULL;
        AUTO_CLEAN(name_list_fini) struct name_list l = { 0 };
        int64_t until_ms = clock_ms() + OVERLAY_MS;
        int r = recall(o, dir, true, &path, NULL, NULL);

        for (size_t i = 0; r == 0 && i < o->n; i++)
                r = list_layer(o, i, path, until_ms, &l);
        if (r < 0)
                return r;
        if (l.n)
                qsort(l.v, l.n, sizeof *l.v, compare_key);
        for (size_t i = 0; i < l.n; i++) {
                if (l.v[i].key <= after || (i > 0 && l.v[i].key == l.v[i - 1].key))
                        continue; /* given already, or a later layer's file of the same name */
                if (!add(ctx, l.v[i].key, l.v[i].name, l.v[i].is_dir))
                        break;
        }
        return 0;
}
