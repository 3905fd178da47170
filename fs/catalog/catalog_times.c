/* SPDX-License-Identifier: MPL-2.0 */
/* catalog_times -- times that outlive the process, so that no file's time goes backwards (namespace/file_times.h).
 *
 * When what is served changed last is part of the time of each script.  A process that starts finds the same builds again and
 * must not call that a change, so a digest of what is served is kept beside its time.  Before the first look nothing is
 * known, and nothing changes.
 *
 * Locks: none; the scanning thread only, but for the two functions about shown times.
 */
#include <string.h>
#include <sys/eventfd.h>
#include <syslog.h>
#include <time.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/digest.h"
#include "catalog/catalog_impl.h"

#define AHEAD_SEC 60 /* a clock that runs so far ahead of what was kept was wrong, or is */

/* @sec, but never before @last_sec: unless the clock was wrong then. */
static int64_t not_before(int64_t last_sec, int64_t sec)
{
        return last_sec > sec && last_sec <= sec + AHEAD_SEC ? last_sec : sec;
}

int64_t catalog_note_served(struct catalog *c, const struct catalog_view *v)
{
        AUTO_BUF struct buf served = BUF_INIT;
        int64_t now_sec = (int64_t)time(NULL);
        uint64_t digest[2];

        catalog_add_served(v, &served);
        if (c->n_looks > 0 && buf_error(&served) == 0 &&
                digest_short(0, served.data ? served.data : "", served.len, digest) == 0 &&
                memcmp(digest, c->times.served, sizeof digest) != 0) {
                memcpy(c->times.served, digest, sizeof digest);
                c->times.served_sec = not_before(c->times.served_sec, now_sec);
                c->times_due = true;
        }
        return c->times.served_sec ? c->times.served_sec : now_sec;
}

void catalog_keep_times(struct catalog *c)
{
        int64_t shown_sec = atomic_load(&c->shown_sec);
        struct err why;

        if (shown_sec > c->times.shown_sec) {
                c->times.shown_sec = shown_sec;
                c->times_due = true;
        }
        if (!c->times_due)
                return;
        c->times_due = false;
        if (catalogdb_put_times(c->set.db, &c->times, &why) < 0 && !c->db_trouble) {
                c->db_trouble = true;
                catalog_log(c, LOG_WARNING, "%s: what is found out is not kept over a restart", why.text);
        }
}

/* What cannot be read is not there.  A time that lies far ahead was kept when the clock was wrong. */
void catalog_load_times(struct catalog *c)
{
        int64_t now_sec = (int64_t)time(NULL);

        if (catalogdb_get_times(c->set.db, &c->times, NULL) < 0)
                c->times = (struct catalog_times) { .served_sec = 0 };
        if (c->times.served_sec > now_sec + AHEAD_SEC)
                c->times.served_sec = now_sec;
        if (c->times.shown_sec > now_sec + AHEAD_SEC)
                c->times.shown_sec = now_sec;
        atomic_store(&c->shown_sec, c->times.shown_sec);
}

int64_t catalog_shown_sec(const struct catalog *c)
{
        return atomic_load(&c->shown_sec);
}

void catalog_note_shown(struct catalog *c, int64_t sec)
{
        int64_t last = atomic_load(&c->shown_sec);

        while (sec > last)
                if (atomic_compare_exchange_weak(&c->shown_sec, &last, sec)) {
                        (void)eventfd_write(c->wake_fd, 1);
                        return;
                }
}
