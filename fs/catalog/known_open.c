/* SPDX-License-Identifier: MPL-2.0 */
/* known_open -- verdicts back from catalog.db, and what their builds are read from; see known.h.
 *
 * Nothing that is kept is trusted: a row that makes no sense, checkpoints of another decoder, a spool file that is not
 * the one that was made mean that the archive is read again.
 *
 * Locks: none; the scanning thread only.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/checked.h"
#include "archive/spool.h"
#include "base/cleanup.h"
#include "base/path_opener.h"
#include "catalog/known_impl.h"
#include "platform/layoutblob.h"

#define OPEN_MS 1000 /* for what a link among the archives leads to */

/* ---- from catalog.db ------------------------------------------------------------------------- */

/* What tells its bytes from others: the index of a gzip archive, or the sums of another.  -EBADMSG: of another decoder, or
 * damaged. */
static int take_index(const struct known_set *s, const struct catalog_row *row, struct known *k)
{
        int r;

        if (!row->decoder) {
                r = blocksums_unpack(row->blocksums, row->blocksums_bytes, &k->sums);
                return r == 0 && k->sums->raw_bytes != row->raw_bytes ? -EBADMSG : r;
        }
        if (strcmp(row->decoder, s->env->kind->name()) != 0)
                return -EBADMSG;
        k->checkpoints = true;
        r = gzindex_unpack(row->gzindex, row->gzindex_bytes, &k->index);
        return r == 0 && k->index->raw_bytes != row->raw_bytes ? -EBADMSG : r;
}

static int take_row(void *ctx, const struct catalog_row *row)
{
        struct known_set *s = ctx;
        AUTO_CLEAN(known_freep) struct known *k = calloc(1, sizeof *k);
        int r;

        if (!k || copy_string(row->file, &k->file) < 0 || copy_string(row->reason, &k->reason) < 0)
                return -ENOMEM;
        k->id = row->id;
        k->ready = row->ready;
        k->salt = row->salt;
        k->object = row->object;
        k->format = row->format;
        k->raw_bytes = row->raw_bytes;
        k->hash_checked = row->hash_checked;
        k->spooled = row->spooled;
        k->spool_id = row->spool_id;
        (void)snprintf(k->sha256, sizeof k->sha256, "%s", row->sha256 ? row->sha256 : "");
        (void)snprintf(k->md5, sizeof k->md5, "%s", row->md5 ? row->md5 : "");
        k->saved = true;
        k->quarantined = k->reread = row->quarantined;
        if (row->ready) {
                r = layout_unpack(row->layout, row->layout_bytes, row->raw_bytes, &k->tree);
                if (r == 0)
                        r = take_index(s, row, k);
                if (r == -EBADMSG)
                        return 0; /* never trust: read the archive again */
                if (r < 0)
                        return r;
        }
        r = known_append(s, k);
        if (r == 0)
                (void)take_ptr(&k);
        return r;
}

/* Removes spool files that no known archive has. */
static void sweep_spool(const struct known_set *s)
{
        AUTO_CLOSEDIR DIR *dir = NULL;
        int fd = openat(s->spool_dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        const struct dirent *e;

        dir = fd < 0 ? NULL : fdopendir(fd);
        if (!dir) {
                if (fd >= 0)
                        close(fd);
                return;
        }
        while ((e = readdir(dir))) {
                bool used = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0;

                for (size_t i = 0; i < s->n && !used; i++) {
                        char name[SPOOL_NAME_MAX];

                        known_spool_name(s->v[i]->object, name);
                        used = s->v[i]->spooled && strcmp(name, e->d_name) == 0;
                }
                if (!used)
                        (void)unlinkat(s->spool_dirfd, e->d_name, 0);
        }
}

static void forget(struct known_set *s)
{
        for (size_t i = 0; i < s->n; i++)
                known_free(s->v[i]);
        free(s->v);
        s->v = NULL;
        s->n = 0;
        catalogdb_close(s->db);
        s->db = NULL;
}

/* A catalog that cannot be read to its end costs reading the archives anew, and nothing else: a first start goes on, and so does
 * a takeover, whose readers have nobody but us.  It is removed, unless somebody only holds a lock on it; if the next one cannot
 * be had either, there is one in memory. */
static int read_catalog(struct known_set *s, int cache_dirfd, struct err *ret_note, struct err *err)
{
        struct err why = { "" };
        int r = catalogdb_open(cache_dirfd, &s->db, ret_note, &why);

        if (r == 0)
                r = catalogdb_each(s->db, take_row, s, &why);
        if (r == 0 || r == -ENOMEM)
                return r;
        forget(s);
        if (r != -EBUSY) {
                catalogdb_discard(cache_dirfd);
                r = catalogdb_open(cache_dirfd, &s->db, ret_note, &why);
        }
        if (r < 0 && r != -ENOMEM)
                r = catalogdb_open_in_memory(&s->db, err);
        (void)err_set(ret_note, 0, "%s: it is not used any more; all archives are read anew", why.text);
        return r;
}

int known_open(struct known_set *s, int cache_dirfd, unsigned object_bits, const struct source_env *env,
        struct err *ret_note, struct err *err)
{
        int r;

        *s = (struct known_set) {
                .spool_dirfd = -1, .object_bits = object_bits, .env = env, .states_due = true
        };
        r = read_catalog(s, cache_dirfd, ret_note, err);
        if (r == -ENOMEM)
                return no_memory(err);
        if (r < 0)
                return r;
        /* Where that fails the descriptor is -1, and each compressed archive says why it cannot be read. */
        (void)mkdirat(cache_dirfd, "spool", 0700);
        s->spool_dirfd = openat(cache_dirfd, "spool", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (s->spool_dirfd >= 0)
                sweep_spool(s);
        return 0;
}

/* ---- from the archive, or the spool ---------------------------------------------------------- */

/* A filesystem may come back as another device: the rest of the identity and the check sums tell whether it is the file. */
static void follow_device(const struct known_set *s, const char *name, struct identity *id)
{
        struct identity now;
        struct stat st;

        if (fstatat(s->spool_dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return;
        now = identity_of(&st);
        if (identity_equal_elsewhere(&now, id))
                id->dev = now.dev;
}

static int open_spool(struct known_set *s, struct known *k, struct source **ret, struct err *err)
{
        struct spool_check check = { k->sums, k->object, s->env };
        char name[SPOOL_NAME_MAX];
        int r;

        if (s->spool_dirfd < 0)
                return err_set(err, -ENOENT, "no spool directory");
        known_spool_name(k->object, name);
        follow_device(s, name, &k->spool_id);
        r = spool_open(s->spool_dirfd, name, &k->spool_id, &check, ret, err);
        if (r == 0)
                (void)take_ptr(&k->sums);
        return r;
}

static int open_source(struct known_set *s, struct known *k, int builds_dirfd, const char *file,
        const struct identity *id, struct source **ret, struct err *err)
{
        AUTO_CLOSE int fd = -1;
        struct stat st;
        int r;

        if (k->spooled)
                return open_spool(s, k, ret, err);
        r = path_opener_open(
                s->opener, builds_dirfd, file, O_RDONLY | O_NONBLOCK | O_NOCTTY, OPEN_MS, &fd, &st);
        if (r < 0)
                return err_set(err, r, "open: %s", path_opener_strerror(r));
        r = k->checkpoints ? source_open_gzip(fd, id, k->index, k->object, s->env, ret, err)
                           : source_open_checked(fd, id, k->sums, k->object, "the archive", s->env, ret, err);
        if (r < 0)
                return r;
        (void)take_fd(&fd);
        if (k->checkpoints)
                (void)take_ptr(&k->index);
        else
                (void)take_ptr(&k->sums);
        return 0;
}

int known_open_build(struct known_set *s, struct known *k, int builds_dirfd, const char *file,
        const struct identity *id, struct err *err)
{
        struct build *b;
        int r;

        if (k->build)
                return 0;
        b = calloc(1, sizeof *b);
        if (!b)
                return no_memory(err);
        atomic_init(&b->refs, 1);
        b->id = *id;
        b->object = k->object;
        r = copy_string(file, &b->archive) < 0 ? no_memory(err)
                                               : open_source(s, k, builds_dirfd, file, id, &b->src, err);
        if (r == 0 && source_size_bytes(b->src) != k->raw_bytes)
                r = err_set(err, -ESTALE, "the spool file is of another length");
        if (r < 0) {
                build_unref(b);
                return r;
        }
        b->tree = take_ptr(&k->tree);
        if (build_set_name(b, k->format == FORMAT_ISO) < 0) {
                k->tree = take_ptr(&b->tree);
                build_unref(b);
                return no_memory(err);
        }
        build_set_time(b, k->sha256);
        k->build = b;
        return 0;
}
