/* SPDX-License-Identifier: MPL-2.0 */
/* publish -- from the entries to a view: which of several archives of one build is served, what is said
 * about each.
 *
 * Invariants
 *   1. Of the archives of one build exactly one is served, by `better`, which looks at the archives only:
 *      the same directory gives the same choice on every server and after every restart.
 *   2. A build that leaves the list stays readable by its object number for a while (retired), so that a
 *      transfer that has begun ends.
 *   3. The listing in catalog.db and the log follow the view; neither is ever asked.
 * Locks: catalog.mutex for the exchange of the pointer.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "catalog/catalog_impl.h"
#include "platform/buildname.h"

#define RETIRED_MS (60 * 60 * 1000) /* a slow TFTP client takes many minutes for a boot archive */

static int no_memory(struct err *err)
{
        return err_set(err, -ENOMEM, "out of memory");
}

/* ---- which are served ------------------------------------------------------------------------ */

/* What an entry would serve: its own build, or the one that stood there before. */
static struct known *candidate(const struct entry *e)
{
        struct known *k = e->known ? e->known : e->old;

        if (e->known && e->sums > SUMS_UNCHECKED)
                return NULL;
        return k && k->ready && k->build && !k->changed ? k : NULL;
}

/* docs/layout.md, "Two archives of one build".  True if @a wins over @b. */
static bool better(const struct entry *a, const struct entry *b)
{
        const struct known *x = candidate(a), *y = candidate(b);

        if (x->hash_checked != y->hash_checked)
                return x->hash_checked;
        if (x->format != y->format)
                return x->format == FORMAT_TAR;
        return strcmp(a->name, b->name) < 0;
}

/* Candidates of one build stand together, the one that is served first. */
static int by_build(const void *a, const void *b)
{
        const struct entry *x = *(struct entry *const *)a, *y = *(struct entry *const *)b;
        const struct build *p = candidate(x)->build, *q = candidate(y)->build;
        int d = (int)p->image - (int)q->image; /* an image has a name of its own in /images */

        if (d == 0)
                d = strcmp(p->name, q->name);
        return d ? d : better(x, y) ? -1 : better(y, x);
}

/* Sets the winner of every entry: all of them in one go, as each would ask for all the others. */
static int choose(struct catalog *c)
{
        AUTO_FREE struct entry **v = reallocarray(NULL, c->n_entries + 1, sizeof(struct entry *));
        size_t n = 0;

        if (!v)
                return -ENOMEM;
        for (size_t i = 0; i < c->n_entries; i++) {
                c->entries[i].winner = NULL;
                if (candidate(&c->entries[i]))
                        v[n++] = &c->entries[i];
        }
        if (n)
                qsort(v, n, sizeof(struct entry *), by_build);
        for (size_t i = 0; i < n; i++) {
                const struct build *b = candidate(v[i])->build,
                                   *first = i ? candidate(v[i - 1])->build : NULL;
                bool same = first && first->image == b->image && strcmp(first->name, b->name) == 0;

                v[i]->winner = same ? v[i - 1]->winner : v[i];
        }
        return 0;
}

static int newest_first(const void *a, const void *b)
{
        const struct build *x = *(struct build *const *)a, *y = *(struct build *const *)b;
        int c = strcmp(buildname_stamp(y->name), buildname_stamp(x->name));

        if (c == 0)
                c = (int)y->release - (int)x->release;
        return c ? c : strcmp(x->name, y->name);
}

/* ---- what is said about each ----------------------------------------------------------------- */

static void describe(const struct entry *e, struct archive_status *st, struct buf *reason)
{
        const struct known *k = e->known, *shown = candidate(e);
        const struct entry *w = e->winner;

        st->size_bytes = e->id.size_bytes;
        st->raw_bytes = k ? k->raw_bytes : 0;
        st->served = w && w == e ? shown->build->object : 0;
        st->needs_room = !k && e->needs_room && !e->indexing;
        if (!k) {
                st->state = e->passed_over            ? ARCHIVE_PASSED_OVER
                            : e->indexing             ? ARCHIVE_INDEXING
                            : !e->trouble || e->waits ? ARCHIVE_WAITING
                                                      : ARCHIVE_REFUSED;
                if (e->indexing)
                        buf_puts(reason, "it is being read");
                if (e->trouble && !e->indexing)
                        buf_puts(reason, e->trouble);
                if (shown && w == e)
                        buf_printf(
                                reason, "%swhat it held before is served meanwhile", reason->len ? "; " : "");
        } else if (!k->ready) {
                st->state = ARCHIVE_REFUSED;
                buf_puts(reason, k->reason ? k->reason : "");
                if (k->reread)
                        buf_puts(reason, "; that was before the start: it is read once more");
        } else if (e->sums > SUMS_UNCHECKED) {
                st->state = e->sums == SUMS_AWAITED ? ARCHIVE_WAITING : ARCHIVE_REFUSED;
                buf_puts(reason, e->sums_why ? e->sums_why : "");
        } else if (!shown) {
                st->state = ARCHIVE_WAITING;
                buf_puts(reason, "it was written to: it is read again");
        } else if (w == e) {
                st->state = ARCHIVE_READY;
                if (k->reason)
                        buf_puts(reason, k->reason);
        } else {
                st->state = ARCHIVE_SHADOWED;
                buf_printf(reason, "%s is %s %s too, and %s is served: %s", e->name,
                        shown->build->image ? "image" : "build", shown->build->name, w->name,
                        identity_equal(&w->id, &e->id)                   ? "it is the same file"
                        : candidate(w)->hash_checked && !k->hash_checked ? "its boot_archive.hash was checked"
                        : candidate(w)->format != k->format              ? "a tarball goes before an ISO"
                                                                         : "its name is first in order");
        }
}

static int fill_archive(const struct entry *e, struct archive_status *st)
{
        const struct known *shown = candidate(e);
        AUTO_BUF struct buf reason = BUF_INIT;

        st->file = strdup(e->name);
        st->image = shown && shown->build->image;
        st->build = shown ? strdup(shown->build->name) : NULL;
        if (!st->file || (shown && !st->build))
                return -ENOMEM;
        if (e->known && e->known->ready) {
                st->verified = e->known->hash_checked ? ARCHIVE_VERIFIED_HASH : 0;
                if (e->sums == SUMS_AGREES)
                        st->verified |=
                                e->sums_kind == SUMS_SHA256 ? ARCHIVE_VERIFIED_SHA256 : ARCHIVE_VERIFIED_MD5;
                if (e->sums == SUMS_UNCHECKED)
                        st->verified |= ARCHIVE_NOT_CHECKED;
        }
        describe(e, st, &reason);
        if (buf_error(&reason) < 0)
                return -ENOMEM;
        if (reason.len) {
                st->reason = buf_take(&reason, NULL);
                if (!st->reason)
                        return -ENOMEM;
        }
        return 0;
}

/* ---- retired builds -------------------------------------------------------------------------- */

static void drop_retired(struct catalog *c, size_t i)
{
        build_unref(c->retired[i].build);
        memmove(&c->retired[i], &c->retired[i + 1], (c->n_retired - i - 1) * sizeof c->retired[0]);
        c->n_retired--;
}

void catalog_drop_retired(struct catalog *c, bool all)
{
        int64_t now = catalog_now_ms();

        for (size_t i = c->n_retired; i-- > 0;)
                if (all || c->retired[i].until_ms <= now)
                        drop_retired(c, i);
}

static int by_address(const void *a, const void *b)
{
        const struct build *x = *(struct build *const *)a, *y = *(struct build *const *)b;

        return (x > y) - (x < y);
}

/* Every build that a view serves, to be looked up in. */
struct served {
        struct build **v; /* owned; the builds are the view's */
        size_t n;
};

static void served_fini(struct served *s)
{
        free(s->v);
}

static int served_of(const struct catalog_view *v, struct served *ret)
{
        ret->v = reallocarray(NULL, v->n_builds + v->n_images + v->n_isos + 1, sizeof(struct build *));
        if (!ret->v)
                return -ENOMEM;
        for (size_t i = 0; i < v->n_builds; i++)
                ret->v[ret->n++] = v->builds[i];
        for (size_t i = 0; i < v->n_images; i++)
                ret->v[ret->n++] = v->images[i];
        for (size_t i = 0; i < v->n_isos; i++)
                ret->v[ret->n++] = v->isos[i].build;
        if (ret->n)
                qsort(ret->v, ret->n, sizeof(struct build *), by_address);
        return 0;
}

static bool is_served(const struct served *s, struct build *b)
{
        return s->n && bsearch(&b, s->v, s->n, sizeof(struct build *), by_address);
}

static bool is_retired(const struct catalog *c, const struct build *b)
{
        for (size_t i = 0; i < c->n_retired; i++)
                if (c->retired[i].build == b)
                        return true;
        return false;
}

static void retire_one(struct catalog *c, const struct served *now, struct build *b)
{
        const struct known *k = known_by_object(&c->set, b->object);

        if (is_served(now, b) || is_retired(c, b))
                return;
        if (c->n_retired == MAX_RETIRED)
                drop_retired(c, 0);
        c->retired[c->n_retired++] = (struct retired) { build_ref(b), catalog_now_ms() + RETIRED_MS,
                k && k->spooled ? k->raw_bytes : 0 };
}

/* What the last view served and @v does not. */
static int retire(struct catalog *c, const struct catalog_view *v)
{
        AUTO_CLEAN(served_fini) struct served now = { NULL, 0 };

        if (served_of(v, &now) < 0)
                return -ENOMEM;
        for (size_t i = c->n_retired; i-- > 0;)
                if (is_served(&now, c->retired[i].build))
                        drop_retired(c, i); /* it came back */
        for (size_t i = 0; i < c->view->n_builds; i++)
                retire_one(c, &now, c->view->builds[i]);
        for (size_t i = 0; i < c->view->n_images; i++)
                retire_one(c, &now, c->view->images[i]);
        for (size_t i = 0; i < c->view->n_isos; i++)
                retire_one(c, &now, c->view->isos[i].build);
        return 0;
}

/* ---- the view -------------------------------------------------------------------------------- */

static int fill_builds(struct catalog *c, struct catalog_view *v)
{
        v->builds = calloc(c->n_entries + 1, sizeof(struct build *));
        v->infos = calloc(c->n_entries + 1, sizeof *v->infos);
        if (!v->builds || !v->infos)
                return -ENOMEM;
        for (size_t i = 0; i < c->n_entries; i++)
                if (candidate(&c->entries[i]) && !candidate(&c->entries[i])->build->image &&
                        c->entries[i].winner == &c->entries[i])
                        v->builds[v->n_builds++] = build_ref(candidate(&c->entries[i])->build);
        qsort(v->builds, v->n_builds, sizeof(struct build *), newest_first);
        for (size_t i = 0; i < v->n_builds; i++) {
                const struct build *b = v->builds[i];

                v->infos[i] = (struct build_info) { b->name, b->release, b->tree->has_hash };
                if (b->release && !v->latest)
                        v->latest = b;
        }
        return 0;
}

static bool has_iso(const struct catalog_view *v, const struct build *b)
{
        for (size_t i = 0; i < v->n_isos; i++)
                if (v->isos[i].build == b)
                        return true;
        return false;
}

/* Images; and every good ISO whole, also one that a tarball shadows: it is asked for to be booted as it is.  After
 * fill_archives. */
static int fill_others(struct catalog *c, struct catalog_view *v)
{
        v->images = calloc(c->n_entries + 1, sizeof(struct build *));
        v->isos = calloc(c->n_entries + 1, sizeof *v->isos);
        v->iso_names = calloc(c->n_entries + 1, sizeof *v->iso_names);
        if (!v->images || !v->isos || !v->iso_names)
                return -ENOMEM;
        for (size_t i = 0; i < c->n_entries; i++) {
                const struct entry *e = &c->entries[i];
                struct known *k = candidate(e);
                char *name;

                if (k && k->build->image && e->winner == e)
                        v->images[v->n_images++] = build_ref(k->build);
                if (!k || !k->build->iso)
                        continue;
                name = build_name_of_iso(e->name);
                if (!name)
                        return -ENOMEM;
                if (catalog_view_iso(v, name) ||
                        has_iso(v, k->build)) /* x.iso and x.iso.xz; one file, two names */
                        free(name);
                else {
                        v->archives[i].iso = name;
                        v->iso_names[v->n_isos] = name;
                        v->isos[v->n_isos++] = (struct iso_file) { name, build_ref(k->build) };
                }
        }
        v->list = (struct build_list) { v->infos, v->n_builds, v->iso_names, v->n_isos };
        return 0;
}

static int fill_retired(const struct catalog *c, struct catalog_view *v)
{
        v->retired = calloc(MAX_RETIRED, sizeof(struct build *));
        if (!v->retired)
                return -ENOMEM;
        for (size_t i = 0; i < c->n_retired; i++)
                v->retired[v->n_retired++] = build_ref(c->retired[i].build);
        return 0;
}

/* What is wrong with a sums file is said once, and stays in the status. */
static int fill_note(struct catalog *c, struct catalog_view *v)
{
        AUTO_BUF struct buf b = BUF_INIT;

        sums_complain(&c->sums, &b);
        if (b.len == 0)
                return buf_error(&b);
        v->note = buf_take(&b, NULL);
        return v->note ? 0 : -ENOMEM;
}

static int fill_archives(const struct catalog *c, struct catalog_view *v)
{
        v->archives = calloc(c->n_entries + 1, sizeof *v->archives);
        if (!v->archives)
                return -ENOMEM;
        for (size_t i = 0; i < c->n_entries; i++) {
                v->n_archives++;
                if (fill_archive(&c->entries[i], &v->archives[i]) < 0)
                        return -ENOMEM;
        }
        return 0;
}

void catalog_add_served(const struct catalog_view *v, struct buf *b)
{
        for (size_t i = 0; i < v->n_builds; i++)
                buf_printf(b, "%s %llu\n", v->builds[i]->name, (unsigned long long)v->builds[i]->object);
        for (size_t i = 0; i < v->n_images; i++)
                buf_printf(
                        b, "image %s %llu\n", v->images[i]->name, (unsigned long long)v->images[i]->object);
        for (size_t i = 0; i < v->n_isos; i++)
                buf_printf(b, "iso %s %llu\n", v->isos[i].name, (unsigned long long)v->isos[i].build->object);
}

/* All that a view says, to compare it with the last one. */
static char *as_text(const struct catalog_view *v)
{
        struct buf b = BUF_INIT;
        char *text;

        catalog_add_served(v, &b);
        for (size_t i = 0; i < v->n_retired; i++)
                buf_printf(&b, "retired %llu\n", (unsigned long long)v->retired[i]->object);
        for (size_t i = 0; i < v->n_archives; i++) {
                const struct archive_status *a = &v->archives[i];

                buf_printf(&b, "%s/%s/%d/%s/%llu/%llu/%u\n", a->file, a->build ? a->build : "", (int)a->state,
                        a->reason ? a->reason : "", (unsigned long long)a->size_bytes,
                        (unsigned long long)a->raw_bytes, a->verified);
        }
        buf_puts(&b, v->note ? v->note : "");
        text = buf_take(&b, NULL);
        buf_fini(&b);
        return text;
}

/* One line for each archive whose state or reason is new; at the first look, one line for all good builds
 * known from before. */
static void say(struct catalog *c, const struct catalog_view *v)
{
        size_t from_before = 0;

        if (v->note && !(c->view && c->view->note && strcmp(c->view->note, v->note) == 0))
                catalog_log(c, LOG_WARNING, "%s", v->note);
        for (size_t i = 0; i < c->n_entries; i++) {
                const struct archive_status *a = &v->archives[i];
                struct entry *e = &c->entries[i];
                bool settled = a->state == ARCHIVE_READY || a->state == ARCHIVE_REFUSED ||
                               a->state == ARCHIVE_SHADOWED || a->state == ARCHIVE_PASSED_OVER || a->needs_room;

                if (!settled || (e->said_once && e->said == a->state &&
                                        strcmp(e->said_reason ? e->said_reason : "",
                                                a->reason ? a->reason : "") == 0))
                        continue;
                if (a->state == ARCHIVE_READY && !a->reason && !c->looked)
                        from_before++;
                else if (a->state == ARCHIVE_READY)
                        catalog_log(c, a->reason ? LOG_WARNING : LOG_INFO, "%s: ready, %s %s%s%s", a->file,
                                a->image ? "image" : "build", a->build, a->reason ? ": " : "",
                                a->reason ? a->reason : "");
                else
                        catalog_log(c, LOG_WARNING, "%s: %s: %s", a->file, archive_state_name(a->state),
                                a->reason ? a->reason : "");
                free(e->said_reason);
                e->said_reason = a->reason ? strdup(a->reason) : NULL;
                e->said = a->state;
                e->said_once = true;
        }
        if (from_before)
                catalog_log(c, LOG_INFO, "%zu builds are known from before", from_before);
}

static void exchange(struct catalog *c, struct catalog_view *v)
{
        struct catalog_view *old;

        (void)pthread_mutex_lock(&c->mutex);
        old = c->view;
        c->view = v;
        (void)pthread_mutex_unlock(&c->mutex);
        catalog_view_unref(old);
}

int catalog_publish(struct catalog *c, struct err *err)
{
        struct catalog_view *v = calloc(1, sizeof *v);
        AUTO_FREE char *text = NULL;

        if (!v)
                return no_memory(err);
        atomic_init(&v->refs, 1);
        catalog_drop_retired(c, false);
        if (choose(c) == 0 && fill_builds(c, v) == 0 && fill_archives(c, v) == 0 && fill_others(c, v) == 0 &&
                (!c->view || retire(c, v) == 0) && fill_retired(c, v) == 0 && fill_note(c, v) == 0)
                text = as_text(v);
        if (!text || (c->shown && strcmp(text, c->shown) == 0)) {
                catalog_view_unref(v);
                return text ? 0 : no_memory(err);
        }
        free(c->shown);
        c->shown = take_ptr(&text);
        v->serial = ++c->serial;
        v->served_sec = catalog_note_served(c, v);
        say(c, v);
        exchange(c, v);
        return 0;
}

void catalog_list(struct catalog *c)
{
        struct err why;

        catalog_keep_times(c);
        if (c->listed == c->serial)
                return;
        c->listed = c->serial;
        if (catalogdb_list(c->set.db, c->view, &why) < 0 && !c->db_trouble) {
                c->db_trouble = true;
                catalog_log(c, LOG_WARNING, "%s: what is found out is not kept over a restart", why.text);
        }
}
