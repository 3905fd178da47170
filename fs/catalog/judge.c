/* SPDX-License-Identifier: MPL-2.0 */
/* judge -- the verdict about an archive, against the sums files that lie beside it now.
 *
 * Kept apart from the verdict of the reading: that one is about bytes and lasts as long as the file, this one changes
 * with a text file.  The digests are kept in catalog.db, so a sums file that comes or changes later costs a comparison;
 * an MD5 is computed only when one is asked for, by reading the file without decoding it.
 *
 * Invariants
 *   1. An archive that a sums file names is served only if its digest is known and agrees.
 *   2. One that is new is not served while a sums file that may name it is being written, for AWAIT_MS at most.  What is served
 *      already goes on: what was read of the file before counts.
 *   3. With opts.sums_required one that none names is not served.
 *   4. A verdict that did not change writes nothing and allocates nothing.
 * Locks: none; the scanning thread only.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "catalog/catalog_impl.h"
#include "platform/filedigest.h"

#define RETRY_MS 30000
#define AWAIT_MS 30000 /* a file that is written to for ever */

static int digest_now(struct catalog *c, struct entry *e, enum sums_kind kind, char *hex, struct err *err)
{
        AUTO_CLOSE int fd = catalog_open_file(c, e->name);
        struct err why;
        int r;

        if (fd < 0)
                return err_set(err, fd, "open: %s", path_opener_strerror(fd));
        r = filedigest(fd, &e->id, sums_digest(kind), NULL, hex, err);
        if (r == 0 && known_save(&c->set, e->known, &why) < 0 && !c->db_trouble) {
                c->db_trouble = true;
                catalog_log(c, LOG_WARNING, "%s: what is found out is not kept over a restart", why.text);
        }
        return r;
}

static void decide(struct entry *e, enum sums_verdict v, const char *why)
{
        e->sums = v;
        if (why && e->sums_why && strcmp(why, e->sums_why) == 0)
                return;
        free(e->sums_why);
        e->sums_why = why ? strdup(why) : NULL; /* NULL only loses the text */
}

/* No line that was read names it. */
static void judge_unnamed(const struct catalog *c, struct entry *e)
{
        struct err why = { "" }, text = { "" };
        enum sums_doubt doubt = sums_doubts(&c->sums, e->name, &why);
        bool is_new = c->looked && (e->sums == SUMS_UNASKED || e->sums == SUMS_AWAITED);

        if (doubt == SUMS_BEING_WRITTEN && is_new) {
                if (e->sums == SUMS_UNASKED)
                        e->sums_ms = catalog_now_ms() + AWAIT_MS;
                if (catalog_now_ms() < e->sums_ms) {
                        decide(e, SUMS_AWAITED, "a sums file is being written, and may name it");
                        return;
                }
                (void)err_set(&why, 0, "a sums file beside it is written to again and again");
        } else if (doubt == SUMS_BEING_WRITTEN && e->sums != SUMS_UNASKED && e->sums != SUMS_AGREES) {
                return;
        }
        if (c->opts.sums_required) {
                (void)err_set(&text, 0,
                        "no sums file names it, and sums=require is set: in the builds directory, sha256sum "
                        "%s >>sha256sums.txt%s%s",
                        e->name, why.text[0] ? "; " : "", why.text);
                decide(e, SUMS_MISSING, text.text);
        } else if (doubt != SUMS_SURE) {
                decide(e, SUMS_UNCHECKED, why.text);
        } else {
                decide(e, SUMS_UNNAMED, NULL);
        }
}

void catalog_judge(struct catalog *c, struct entry *e)
{
        struct err err = { "" };
        char *hex;
        int r = 0;

        if (!e->known || !e->known->ready) {
                decide(e, SUMS_UNASKED, NULL);
                return;
        }
        if (!sums_find(&c->sums, e->name, &e->sums_kind)) {
                judge_unnamed(c, e);
                return;
        }
        hex = e->sums_kind == SUMS_SHA256 ? e->known->sha256 : e->known->md5;
        if (!hex[0]) {
                if (e->sums == SUMS_UNREAD && catalog_now_ms() < e->sums_ms)
                        return;
                r = digest_now(c, e, e->sums_kind, hex, &err);
        }
        if (r < 0) {
                (void)err_prefix(&err, r, "a sums file names it, and its digest cannot be computed");
                e->sums_ms = catalog_now_ms() + RETRY_MS;
                decide(e, SUMS_UNREAD, err.text);
        } else if (sums_judge(&c->sums, e->name, e->sums_kind, hex, &err) < 0) {
                decide(e, SUMS_DIFFERS, err.text);
        } else {
                decide(e, SUMS_AGREES, NULL);
        }
}

int catalog_look_sums(struct catalog *c, char *const *beside, size_t n)
{
        bool changed;
        int r = sums_refresh(
                &c->sums, c->opts.builds_dirfd, c->opts.opener, beside, n, true, &changed);

        if (r < 0)
                return r;
        c->sums_ms = c->sums.wait_ms < 0 ? 0 : catalog_now_ms() + c->sums.wait_ms;
        for (size_t i = 0; i < c->n_entries; i++)
                catalog_judge(c, &c->entries[i]);
        return 0;
}

int catalog_look_sums_again(struct catalog *c)
{
        AUTO_FREE char **names = NULL;

        if (c->sums_ms == 0 || catalog_now_ms() < c->sums_ms)
                return 0;
        names = reallocarray(NULL, c->sums.n_beside + 1, sizeof *names);
        if (!names)
                return -ENOMEM;
        for (size_t i = 0; i < c->sums.n_beside; i++)
                names[i] = c->sums.beside[i].name; /* each stays, so its name does */
        return catalog_look_sums(c, names, c->sums.n_beside);
}

/* ---- over restarts --------------------------------------------------------------------------- */

static void lose(struct catalog *c, const struct err *why)
{
        if (c->db_trouble)
                return;
        c->db_trouble = true;
        catalog_log(c, LOG_WARNING, "%s: what is found out is not kept over a restart", why->text);
}

static void keep_sums(void *ctx, const char *name, const struct identity *id, const char *text, size_t len)
{
        struct catalog *c = ctx;
        struct err why;

        if (catalogdb_put_sums(c->set.db, name, id, text, len, &why) < 0)
                lose(c, &why);
}

static void drop_sums(void *ctx, const char *name)
{
        struct catalog *c = ctx;
        struct err why;

        if (catalogdb_drop_sums(c->set.db, name, &why) < 0)
                lose(c, &why);
}

static int restore(void *ctx, const char *name, const struct identity *id, const char *text, size_t len)
{
        return sums_restore(&((struct catalog *)ctx)->sums, name, id, text, len);
}

void catalog_load_sums(struct catalog *c)
{
        c->sums_keep = (struct sums_keep) { keep_sums, drop_sums, c };
        c->sums.keep = &c->sums_keep;
        (void)catalogdb_each_sums(c->set.db, restore, c, NULL);
}
