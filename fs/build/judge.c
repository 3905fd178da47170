/* SPDX-License-Identifier: MPL-2.0 */
/* judge -- the verdict about an archive, against the sums files that lie beside it now.
 *
 * Kept apart from the verdict of the reading: that one is about bytes and lasts as long as the file, this one changes
 * with a text file.  The digests are kept in catalog.db, so a sums file that comes or changes later costs a comparison;
 * an MD5 is computed only when one is asked for, by reading the file without decoding it.
 *
 * Invariants
 *   1. An archive that a sums file names is served only if its digest is known and agrees.
 *   2. A verdict that did not change writes nothing and allocates nothing.
 * Locks: none; the scanning thread only.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "build/catalog_impl.h"
#include "build/filedigest.h"

#define RETRY_MS 30000

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

void catalog_judge(struct catalog *c, struct entry *e)
{
        struct err err = { "" };
        char *hex;
        int r = 0;

        if (!e->known || !e->known->ready || !sums_find(&c->sums, e->name, &e->sums_kind)) {
                decide(e, SUMS_UNNAMED, NULL);
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
