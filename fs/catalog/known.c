/* SPDX-License-Identifier: MPL-2.0 */
/* known -- verdicts, object numbers and spool files, which live and die together; see known.h.
 *
 * Invariants
 *   1. Two known archives never have the same object number; nor has one that of a build still readable.
 *   2. Checkpoint states are kept in catalog.db as long as the archive is known or its build can be read.
 *   3. A spool file exists only for a known, ready, spooled archive (but for a moment while one is read, and
 *      after a crash: known_open sweeps).
 * A collision of 40 bits among a few dozen archives is a matter of 1 in 10^9, so the salt's dependence on
 * the order of arrival (two that collide, and a lost catalog) is accepted.
 *
 * Locks: none; the scanning thread only.
 */
#include "catalog/known_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive/checked.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "platform/layoutblob.h"

#define MAX_SALT 65536

void known_free(struct known *k)
{
        if (!k)
                return;
        build_unref(k->build);
        layout_free(k->tree);
        gzindex_free(k->index);
        blocksums_free(k->sums);
        free(k->file);
        free(k->reason);
        free(k);
}

int known_append(struct known_set *s, struct known *k)
{
        struct known **v = reallocarray(s->v, s->n + 1, sizeof(struct known *));

        if (!v)
                return -ENOMEM;
        s->v = v;
        v[s->n++] = k;
        return 0;
}

void known_close_builds(struct known_set *s)
{
        for (size_t i = 0; i < s->n; i++)
                build_unref(take_ptr(&s->v[i]->build));
}

void known_close(struct known_set *s)
{
        for (size_t i = 0; i < s->n; i++)
                known_free(s->v[i]);
        free(s->v);
        catalogdb_close(s->db);
        cleanup_close(&s->spool_dirfd);
        *s = (struct known_set) { .spool_dirfd = -1 };
}

/* ---- looking --------------------------------------------------------------------------------- */

struct known *known_by_identity(const struct known_set *s, const struct identity *id)
{
        for (size_t i = 0; i < s->n; i++)
                if (identity_equal(&s->v[i]->id, id))
                        return s->v[i];
        return NULL;
}

struct known *known_by_object(const struct known_set *s, uint64_t object)
{
        for (size_t i = 0; i < s->n; i++)
                if (object && s->v[i]->object == object)
                        return s->v[i];
        return NULL;
}

uint64_t known_spool_bytes(const struct known_set *s)
{
        uint64_t sum = 0;

        for (size_t i = 0; i < s->n; i++)
                if (s->v[i]->spooled)
                        sum += s->v[i]->raw_bytes;
        return sum;
}

static bool is_free(const struct known_set *s, const struct identity *id, const struct numbered *busy,
        size_t n, uint64_t object)
{
        for (size_t i = 0; i < s->n; i++)
                if (s->v[i]->object == object && !identity_equal(&s->v[i]->id, id))
                        return false;
        for (size_t i = 0; i < n; i++)
                if (busy[i].object == object && !identity_equal(&busy[i].id, id))
                        return false;
        return true;
}

int known_number(const struct known_set *s, const struct identity *id, const struct numbered *busy, size_t n,
        uint64_t *ret_salt, uint64_t *ret_object, struct err *err)
{
        const struct known *old = known_by_identity(s, id);

        if (old && old->object) { /* only its spool file was lost */
                *ret_salt = old->salt;
                *ret_object = old->object;
                return 0;
        }
        for (uint64_t salt = 0; salt < MAX_SALT; salt++) {
                uint64_t object;
                int r = identity_hash(id, salt, s->object_bits, &object);

                if (r < 0)
                        return no_memory(err);
                if (is_free(s, id, busy, n, object)) {
                        *ret_salt = salt;
                        *ret_object = object;
                        return 0;
                }
        }
        return err_set(err, -ENOSPC, "no object number is left");
}

void known_spool_name(uint64_t object, char *ret)
{
        (void)snprintf(ret, SPOOL_NAME_MAX, "%010" PRIx64 ".raw", object);
}

/* ---- changing -------------------------------------------------------------------------------- */

struct known *known_add(struct known_set *s, const struct identity *id, const char *file, uint64_t salt,
        uint64_t object, struct indexed *x, const char *reason)
{
        struct known *old = known_by_identity(s, id);
        AUTO_CLEAN(known_freep) struct known *k = calloc(1, sizeof *k);
        struct known *ret;

        if (!k || copy_string(file, &k->file) < 0 || copy_string(x ? x->warning : reason, &k->reason) < 0)
                return NULL;
        k->id = *id;
        k->ready = x != NULL;
        if (x) {
                struct build *b = calloc(1, sizeof *b);

                if (!b)
                        return NULL;
                atomic_init(&b->refs, 1);
                k->build = b;
                b->archive = strdup(file);
                if (!b->archive)
                        return NULL;
                b->tree = x->tree; /* lent, for its name */
                if (build_set_name(b, x->format == FORMAT_ISO) < 0) {
                        b->tree = NULL;
                        return NULL;
                }
                b->tree = NULL;
        }
        if (!old && known_append(s, k) < 0)
                return NULL;
        /* Nothing fails from here, so @x is either taken whole or left. */
        ret = take_ptr(&k);
        for (size_t i = 0; i < s->n; i++)
                if (s->v[i] == old && old) {
                        s->v[i] = ret;
                        known_free(old);
                }
        if (!x)
                return ret;
        ret->salt = salt;
        ret->object = object;
        ret->format = x->format;
        ret->raw_bytes = x->raw_bytes;
        ret->hash_checked = x->hash_checked;
        ret->spooled = x->spooled;
        ret->spool_id = x->spool_id;
        memcpy(ret->sha256, x->sha256, sizeof ret->sha256);
        ret->checkpoints = x->checkpoints;
        ret->build->id = *id;
        ret->build->object = object;
        ret->build->src = take_ptr(&x->src);
        ret->build->tree = take_ptr(&x->tree);
        build_set_time(ret->build, ret->sha256);
        return ret;
}

int known_move(struct known *k, const struct identity *id, const char *file)
{
        char *name = strdup(file);

        if (!name)
                return -ENOMEM;
        free(k->file);
        k->file = name;
        k->id = *id;
        k->changed = false;
        return 0;
}

int known_save(struct known_set *s, struct known *k, struct err *err)
{
        AUTO_BUF struct buf blob = BUF_INIT, index = BUF_INIT, packed = BUF_INIT;
        const struct gzindex *x = k->build ? source_gzip_index(k->build->src) : k->index;
        const struct blocksums *sums = k->build ? source_checked_sums(k->build->src) : k->sums;
        struct catalog_row row = { .id = k->id,
                .file = k->file,
                .reason = k->reason,
                .ready = k->ready,
                .quarantined = k->quarantined,
                .salt = k->salt,
                .object = k->object,
                .format = k->format,
                .raw_bytes = k->raw_bytes,
                .hash_checked = k->hash_checked,
                .spooled = k->spooled,
                .spool_id = k->spool_id,
                .sha256 = k->sha256[0] ? k->sha256 : NULL,
                .md5 = k->md5[0] ? k->md5 : NULL };
        int r;

        if (k->ready) {
                layout_pack(k->build ? k->build->tree : k->tree, &blob);
                if (buf_error(&blob) < 0)
                        return no_memory(err);
                row.layout = blob.data;
                row.layout_bytes = blob.len;
        }
        if (x) {
                gzindex_pack(x, &index);
                if (buf_error(&index) < 0)
                        return no_memory(err);
                row.decoder = s->env->kind->name();
                row.gzindex = index.data;
                row.gzindex_bytes = index.len;
                row.states = x->states;
                row.n_states = x->n_chunks;
        }
        if (sums) {
                blocksums_pack(sums, &packed);
                if (buf_error(&packed) < 0)
                        return no_memory(err);
                row.blocksums = packed.data;
                row.blocksums_bytes = packed.len;
        }
        r = catalogdb_put(s->db, &row, err);
        k->saved = r == 0;
        if (x && k->build && r == 0 && catalogdb_keeps(s->db))
                source_gzip_stored(k->build->src);
        return r;
}

int known_unsave(struct known_set *s, struct known *k, struct err *err)
{
        int r = k->saved ? catalogdb_drop(s->db, &k->id, err) : 0;

        k->saved = k->saved && r < 0;
        return r;
}

static void drop_spool(const struct known_set *s, const struct known *k)
{
        char name[SPOOL_NAME_MAX];

        if (!k->spooled || s->spool_dirfd < 0)
                return;
        known_spool_name(k->object, name);
        (void)unlinkat(s->spool_dirfd, name, 0); /* readers have it open */
}

int known_refuse(struct known_set *s, struct known *k, const char *reason, bool quarantined, struct err *err)
{
        char *text = strdup(reason);

        if (!text)
                return no_memory(err);
        free(k->reason);
        k->reason = text;
        k->ready = k->pending = k->reread = false;
        k->quarantined = quarantined;
        drop_spool(s, k);
        k->spooled = false;
        s->states_due |= k->checkpoints;
        k->checkpoints = false;
        k->raw_bytes = k->salt = k->object = 0;
        layout_free(take_ptr(&k->tree));
        gzindex_free(take_ptr(&k->index));
        blocksums_free(take_ptr(&k->sums));
        build_unref(take_ptr(&k->build));
        return known_save(s, k, err);
}

static int forget(struct known_set *s, struct known *k, struct err *err)
{
        drop_spool(s, k);
        s->states_due |= k->checkpoints;
        return known_unsave(s, k, err);
}

struct in_use {
        const struct known_set *set;
        struct build *const *busy;
        size_t n;
        bool *waits; /* there is one that will not be used for ever */
};

static bool states_used(const void *ctx, uint64_t object)
{
        const struct in_use *u = ctx;

        for (size_t i = 0; i < u->set->n; i++)
                if (u->set->v[i]->object == object)
                        return true;
        for (size_t i = 0; i < u->n; i++)
                if (u->busy[i]->object == object)
                        return *u->waits = true;
        return false;
}

int known_sweep(struct known_set *s, struct build *const *busy, size_t n, struct err *err)
{
        bool waits = false;
        size_t kept = 0;
        int r = 0, q;

        for (size_t i = 0; i < s->n; i++) {
                struct known *k = s->v[i];

                if (k->wanted) {
                        s->v[kept++] = k;
                        continue;
                }
                q = forget(s, k, err);
                r = q < 0 ? q : r;
                known_free(k);
        }
        s->n = kept;
        if (!s->states_due)
                return r;
        q = catalogdb_sweep_states(s->db, states_used, &(struct in_use) { s, busy, n, &waits }, err);
        s->states_due = waits;
        return q < 0 ? q : r;
}
