/* SPDX-License-Identifier: MPL-2.0 */
/* sums -- published digests of whole files; see sums.h.
 *
 * The gzip CRC tells damage from an accident; a published SHA-256 also tells that the file is the one the publisher
 * meant.  sha256sum -c reports each line that does not match, so of several lines with one name all must match here
 * too: an old line left above a new one is a contradiction that somebody should look at, not a choice for us.
 *
 * Limits: MAX_BYTES a file.  Locks: none.
 */
#include "catalog/sums.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define MAX_BYTES (4u * 1024 * 1024) /* 40000 archives */
#define READ_MS   1000
#define MAX_NAME  255u

#define SETTLE_MS 2000  /* after a change */
#define SHRUNK_MS 10000 /* after one that made it shorter: it may be on its way to what it was */

static const char *const file_names[SUMS_FILES] = { "sha256sums.txt", "SHA256SUMS", "md5sums.txt",
        "MD5SUMS" };

/* Of a file for one archive, behind the archive's name. */
static const char *const suffixes[SUMS_BESIDE] = { ".md5", ".md5sum", ".sha256", ".sha256sum" };
#define COMPLAINS 8 /* files that are complained of by name */

/* ---- the files ------------------------------------------------------------------------------- */

static void beside_fini(struct sums_beside *b)
{
        sums_file_fini(&b->file);
        free(b->name);
        free(b->archive);
}

void sums_fini(struct sums *s)
{
        for (int i = 0; i < SUMS_FILES; i++)
                sums_file_fini(&s->files[i]);
        for (size_t i = 0; i < s->n_beside; i++)
                beside_fini(&s->beside[i]);
        free(s->beside);
        s->beside = NULL;
        s->n_beside = 0;
}

/* Takes what was read.  -ENOMEM; then f's lines are as before. */
static int take_text(struct sums_file *f, const char *text, size_t len, const struct identity *id)
{
        struct sums_file now = { .about = f->about, .there = true, .id = *id };
        int r = sums_parse(text, len, &now);

        if (r < 0) {
                sums_file_fini(&now);
                return r;
        }
        sums_file_fini(f);
        *f = now;
        return 0;
}

/* Reads the file anew.  -ENOMEM, or another error with the reason in f->trouble; then f's lines are as before. */
static int reread(
        struct sums *s, struct sums_file *f, int dirfd, struct path_opener *opener, const char *name)
{
        AUTO_FREE char *text = NULL;
        struct identity id;
        struct stat st;
        ssize_t n = path_opener_read(opener, dirfd, name, MAX_BYTES + 1, 0, READ_MS, &text, &st);

        if (n == -ENOMEM)
                return -ENOMEM;
        if (n < 0)
                return err_set(&f->trouble, (int)n, "%s", path_opener_strerror((int)n));
        if ((size_t)n > MAX_BYTES)
                return err_set(&f->trouble, -EFBIG, "it is longer than %u MiB", MAX_BYTES >> 20);
        id = identity_of(&st);
        if (take_text(f, text, (size_t)n, &id) < 0)
                return -ENOMEM;
        if (s->keep)
                s->keep->put(s->keep->ctx, name, &id, text, (size_t)n);
        return 0;
}

/* How long @id must still be left alone; by its mtime, or by us if a clock is wrong. */
static int64_t unsettled_ms(struct sums_file *f, const struct identity *id)
{
        int64_t wait_ms = f->there && id->size_bytes < f->id.size_bytes ? SHRUNK_MS : SETTLE_MS;
        int64_t now_ms = clock_ms(), age_ms = 0, now_ns;
        struct timespec ts;

        if (f->seen_ms == 0 || !identity_equal(&f->seen, id)) {
                f->seen = *id;
                f->seen_ms = now_ms ? now_ms : 1;
        }
        (void)clock_gettime(CLOCK_REALTIME, &ts);
        now_ns = (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
        if (now_ns > id->mtime_ns)
                age_ms = (now_ns - id->mtime_ns) / 1000000;
        if (now_ms - f->seen_ms > age_ms)
                age_ms = now_ms - f->seen_ms;
        return age_ms < wait_ms ? wait_ms - age_ms : 0;
}

static void wait_for(struct sums *s, int64_t ms)
{
        if (s->wait_ms < 0 || ms < s->wait_ms)
                s->wait_ms = (int)ms;
}

/* It does not stand there.  Tells whether that counts. */
static bool is_gone(struct sums *s, struct sums_file *f, bool settled)
{
        int64_t now_ms = clock_ms();

        if (!s->required || !f->there || !settled)
                return true;
        if (f->gone_ms == 0)
                f->gone_ms = now_ms ? now_ms : 1;
        if (now_ms - f->gone_ms >= SETTLE_MS)
                return true;
        wait_for(s, SETTLE_MS - (now_ms - f->gone_ms));
        return false;
}

static void forget(struct sums *s, struct sums_file *f, const char *name, bool *ret_changed)
{
        *ret_changed |= f->there || f->trouble.text[0];
        if (f->there && s->keep)
                s->keep->drop(s->keep->ctx, name);
        sums_file_fini(f);
}

/* Tells whether @f became another. */
static int refresh_one(struct sums *s, struct sums_file *f, int dirfd, struct path_opener *opener,
        const char *name, bool settled, bool *ret_changed)
{
        struct err before = f->trouble;
        struct stat st;
        struct identity id;
        int64_t ms;
        int r = path_opener_open(opener, dirfd, name, PATH_WALK_STAT, READ_MS, NULL, &st);

        f->is_written = false;
        if (r == -ENOENT) {
                if (is_gone(s, f, settled))
                        forget(s, f, name, ret_changed);
                return 0;
        }
        f->gone_ms = 0;
        if (r < 0) {
                (void)err_set(&f->trouble, r, "%s", path_opener_strerror(r));
        } else if (!S_ISREG(st.st_mode)) {
                (void)err_set(&f->trouble, 0, "it is not a regular file");
        } else {
                id = identity_of(&st);
                if (f->there && !f->trouble.text[0] && identity_equal(&f->id, &id))
                        return 0;
                ms = settled ? unsettled_ms(f, &id) : 0;
                if (ms > 0) {
                        wait_for(s, ms);
                        f->is_written = true;
                        if (!f->there)
                                (void)err_set(&f->trouble, 0, "it is being written");
                } else {
                        r = reread(s, f, dirfd, opener, name);
                        if (r == -ENOMEM)
                                return r;
                        *ret_changed |= r == 0;
                }
        }
        *ret_changed |= strcmp(before.text, f->trouble.text) != 0;
        return 0;
}

size_t sums_about(const char *name)
{
        size_t n = strlen(name);

        for (int i = 0; i < SUMS_BESIDE; i++) {
                size_t k = strlen(suffixes[i]);

                if (n > k && strcmp(name + (n - k), suffixes[i]) == 0)
                        return n - k;
        }
        return 0;
}

static int new_beside(const char *name, struct sums_beside *ret)
{
        struct sums_beside b = { .name = strdup(name), .archive = strndup(name, sums_about(name)) };

        if (!b.name || !b.archive) {
                beside_fini(&b);
                return -ENOMEM;
        }
        b.file.about = b.archive;
        *ret = b;
        return 0;
}

int sums_names_beside(const char *archive, char *ret[SUMS_BESIDE])
{
        for (int i = 0; i < SUMS_BESIDE; i++)
                if (asprintf(&ret[i], "%s%s", archive, suffixes[i]) < 0) {
                        while (i-- > 0)
                                free(ret[i]);
                        return -ENOMEM;
                }
        return 0;
}

/* Makes s->beside those of @names, which is sorted as it is: what was read of them stays. */
static int take_names(struct sums *s, char *const *names, size_t n, bool *ret_changed)
{
        struct sums_beside *v = n ? calloc(n, sizeof *v) : NULL;
        size_t at = 0, made = 0;

        if (n && !v)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) { /* what can fail comes first */
                while (at < s->n_beside && strcmp(s->beside[at].name, names[i]) < 0)
                        at++;
                if ((at == s->n_beside || strcmp(s->beside[at].name, names[i]) != 0) &&
                        new_beside(names[i], &v[i]) < 0)
                        break;
                made++;
        }
        if (made < n) {
                for (size_t i = 0; i < made; i++)
                        beside_fini(&v[i]);
                free(v);
                return -ENOMEM;
        }
        at = 0;
        for (size_t i = 0; i <= n; i++) {
                for (; at < s->n_beside && (i == n || strcmp(s->beside[at].name, names[i]) < 0); at++) {
                        forget(s, &s->beside[at].file, s->beside[at].name, ret_changed);
                        beside_fini(&s->beside[at]);
                }
                if (i < n && !v[i].name)
                        v[i] = s->beside[at++];
        }
        free(s->beside);
        s->beside = v;
        s->n_beside = n;
        return 0;
}

int sums_refresh(struct sums *s, int dirfd, struct path_opener *opener, char *const *beside, size_t n,
        bool settled, bool *ret_changed)
{
        int r;

        *ret_changed = false;
        s->wait_ms = -1;
        r = take_names(s, beside, n, ret_changed);
        for (int i = 0; i < SUMS_FILES && r == 0; i++)
                r = refresh_one(s, &s->files[i], dirfd, opener, file_names[i], settled, ret_changed);
        for (size_t i = 0; i < s->n_beside && r == 0; i++)
                r = refresh_one(
                        s, &s->beside[i].file, dirfd, opener, s->beside[i].name, settled, ret_changed);
        return r;
}

int sums_restore(struct sums *s, const char *name, const struct identity *id, const char *text, size_t len)
{
        struct sums_beside *v;

        for (int i = 0; i < SUMS_FILES; i++)
                if (strcmp(name, file_names[i]) == 0)
                        return take_text(&s->files[i], text, len, id);
        if (sums_about(name) == 0 || (s->n_beside && strcmp(s->beside[s->n_beside - 1].name, name) >= 0))
                return 0;
        v = reallocarray(s->beside, s->n_beside + 1, sizeof *v);
        if (!v)
                return -ENOMEM;
        s->beside = v;
        if (new_beside(name, &v[s->n_beside]) < 0)
                return -ENOMEM;
        return take_text(&v[s->n_beside++].file, text, len, id);
}

static void complain_lines(
        struct buf *b, const char *file, size_t n, size_t first, const char *one, const char *many)
{
        if (n)
                buf_printf(b, "%s%s: %zu %s, the first is line %zu", b->len ? "; " : "", file, n,
                        n == 1 ? one : many, first);
}

static void complain_one(const struct sums_file *f, const char *name, struct buf *b)
{
        if (f->trouble.text[0])
                buf_printf(b, "%s%s: %s", b->len ? "; " : "", name, f->trouble.text);
        complain_lines(b, name, f->n_bad, f->first_bad, "line is not understood and left out",
                "lines are not understood and left out");
        complain_lines(b, name, f->n_other, f->first_other,
                "line is of an algorithm that is not compared (SHA-256 and MD5 are)",
                "lines are of algorithms that are not compared (SHA-256 and MD5 are)");
}

static bool is_in_trouble(const struct sums_file *f)
{
        return f->trouble.text[0] || f->n_bad || f->n_other;
}

void sums_complain(const struct sums *s, struct buf *b)
{
        size_t n = 0;

        for (int i = 0; i < SUMS_FILES; i++)
                complain_one(&s->files[i], file_names[i], b);
        for (size_t i = 0; i < s->n_beside; i++)
                if (is_in_trouble(&s->beside[i].file) && n++ < COMPLAINS)
                        complain_one(&s->beside[i].file, s->beside[i].name, b);
        if (n > COMPLAINS)
                buf_printf(b, "; and %zu more files for one archive each", n - COMPLAINS);
}

/* ---- judging --------------------------------------------------------------------------------- */

/* Files that may speak of one archive: those for many, and its own. */
#define PLACES (SUMS_FILES + SUMS_BESIDE)

static int name_order(const void *key, const void *at)
{
        return strcmp(key, ((const struct sums_beside *)at)->name);
}

/* The one at place @i, and its name; NULL if there is none. */
static const struct sums_file *file_about(
        const struct sums *s, const char *archive, int i, const char **ret_name)
{
        char name[MAX_NAME + 1];
        const struct sums_beside *b;

        if (i < SUMS_FILES) {
                *ret_name = file_names[i];
                return &s->files[i];
        }
        if (s->n_beside == 0 || (size_t)snprintf(name, sizeof name, "%s%s", archive,
                                        suffixes[i - SUMS_FILES]) >= sizeof name)
                return NULL;
        b = bsearch(name, s->beside, s->n_beside, sizeof *s->beside, name_order);
        if (!b)
                return NULL;
        *ret_name = b->name;
        return &b->file;
}

/* The first line about @archive, of @n. */
static const struct sums_line *lines_about(const struct sums_file *f, const char *archive, size_t *ret_n)
{
        size_t lo = 0, hi = f->n;

        while (lo < hi) {
                size_t mid = lo + (hi - lo) / 2;

                if (strcmp(f->v[mid].name, archive) < 0)
                        lo = mid + 1;
                else
                        hi = mid;
        }
        for (hi = lo; hi < f->n && strcmp(f->v[hi].name, archive) == 0; hi++)
                ;
        *ret_n = hi - lo;
        return hi > lo ? &f->v[lo] : NULL;
}

int sums_judge(
        const struct sums *s, const char *archive, enum sums_kind kind, const char *hex, struct err *err)
{
        for (int i = 0; i < PLACES; i++) {
                const char *name;
                const struct sums_file *f = file_about(s, archive, i, &name);
                size_t n = 0;
                const struct sums_line *l = f ? lines_about(f, archive, &n) : NULL;

                for (size_t k = 0; k < n; k++)
                        if (l[k].kind == kind && strcmp(l[k].hex, hex) != 0)
                                return err_set(err, -EBADMSG,
                                        "its %s is %s, line %zu of %s says %s: copy the archive again, or "
                                        "correct the line",
                                        sums_kind_name(kind), hex, l[k].number, name, l[k].hex);
        }
        return 0;
}

bool sums_find(const struct sums *s, const char *archive, enum sums_kind *ret)
{
        for (int k = 0; k < SUMS_KINDS; k++)
                if (sums_judge(s, archive, (enum sums_kind)k, "", NULL) < 0) { /* which no line says */
                        *ret = (enum sums_kind)k;
                        return true;
                }
        return false;
}

enum sums_doubt sums_doubts(const struct sums *s, const char *archive, struct err *why)
{
        enum sums_doubt doubt = SUMS_SURE;

        for (int i = 0; i < PLACES; i++) {
                const char *name;
                const struct sums_file *f = file_about(s, archive, i, &name);
                AUTO_BUF struct buf b = BUF_INIT;
                size_t n;

                if (!f)
                        continue;
                if (f->is_written)
                        return SUMS_BEING_WRITTEN;
                if (doubt == SUMS_IN_DOUBT)
                        continue;
                if (is_in_trouble(f)) {
                        complain_one(f, name, &b);
                        doubt = SUMS_IN_DOUBT;
                        (void)err_set(why, 0, "%s", b.len ? b.data : name);
                } else if (f->about && f->there && !lines_about(f, archive, &n)) {
                        doubt = SUMS_IN_DOUBT;
                        (void)err_set(why, 0, "%s does not name it", name);
                }
        }
        return doubt;
}
