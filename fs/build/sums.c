/* SPDX-License-Identifier: MPL-2.0 */
/* sums -- published digests of whole files; see sums.h.
 *
 * The gzip CRC tells damage from an accident; a published SHA-256 also tells that the file is the one the publisher
 * meant.  sha256sum -c reports each line that does not match, so of several lines with one name all must match here
 * too: an old line left above a new one is a contradiction that somebody should look at, not a choice for us.
 *
 * A line that cannot be read is left out: a publisher's signature block or a comment must not take builds away.  It is
 * spoken of, so that a digest cut short is not taken for agreement.
 *
 * Limits: MAX_BYTES a file.  Locks: none.
 */
#include "build/sums.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

#define MAX_BYTES (4u * 1024 * 1024) /* 40000 archives */
#define READ_MS   1000
#define MAX_NAME  255u /* NAME_MAX */

static const struct {
        const char *file;
        enum digest_kind digest;
        size_t hex;
        const char *what;
} kinds[SUMS_KINDS] = {
        [SUMS_SHA256] = { "sha256sums.txt", DIGEST_SHA256, 64, "SHA-256" },
        [SUMS_MD5] = { "md5sums.txt", DIGEST_MD5, 32, "MD5" },
};

const char *sums_file_name(enum sums_kind kind)
{
        return kinds[kind].file;
}

enum digest_kind sums_digest(enum sums_kind kind)
{
        return kinds[kind].digest;
}

/* ---- reading --------------------------------------------------------------------------------- */

/* The name in the @len bytes of a line, or NULL if it is none of "HASH name", "HASH  name", "HASH *name". */
static const char *name_of(const char *line, size_t len, size_t hex, size_t *ret_len)
{
        size_t i = 0;

        while (i < hex && i < len && isxdigit((unsigned char)line[i]))
                i++;
        if (i < hex || i == len || line[i] != ' ')
                return NULL;
        i++;
        if (i < len && (line[i] == ' ' || line[i] == '*'))
                i++;
        *ret_len = len - i;
        if (i == len || *ret_len > MAX_NAME || memchr(line + i, '/', *ret_len) ||
                memchr(line + i, '\0', *ret_len))
                return NULL;
        return line + i;
}

static int add_line(
        struct sums_file *f, const char *hash, size_t hex, const char *name, size_t len, size_t number)
{
        struct sums_line *v = reallocarray(f->v, f->n + 1, sizeof *v), *l;

        if (!v)
                return -ENOMEM;
        f->v = v;
        l = &v[f->n];
        *l = (struct sums_line) { .name = strndup(name, len), .number = number };
        if (!l->name)
                return -ENOMEM;
        for (size_t i = 0; i < hex; i++)
                l->hex[i] = (char)tolower((unsigned char)hash[i]);
        f->n++;
        return 0;
}

int sums_parse(const char *text, size_t len, enum sums_kind kind, struct sums_file *ret)
{
        size_t number = 0;

        while (len > 0) {
                const char *end = memchr(text, '\n', len);
                size_t whole = end ? (size_t)(end - text) : len, n = whole, name_len;
                const char *name;

                number++;
                if (n > 0 && text[n - 1] == '\r')
                        n--;
                name = name_of(text, n, kinds[kind].hex, &name_len);
                if (name) {
                        if (add_line(ret, text, kinds[kind].hex, name, name_len, number) < 0)
                                return -ENOMEM;
                } else if (n > 0 && text[0] != '#') {
                        if (ret->n_bad++ == 0)
                                ret->first_bad = number;
                }
                whole += end != NULL;
                text += whole;
                len -= whole;
        }
        return 0;
}

void sums_file_fini(struct sums_file *f)
{
        for (size_t i = 0; i < f->n; i++)
                free(f->v[i].name);
        free(f->v);
        *f = (struct sums_file) { 0 };
}

void sums_fini(struct sums *s)
{
        for (int k = 0; k < SUMS_KINDS; k++)
                sums_file_fini(&s->files[k]);
}

/* ---- the two files --------------------------------------------------------------------------- */

/* Takes what was read.  -ENOMEM; then f's lines are as before. */
static int take_text(
        struct sums_file *f, const char *text, size_t len, enum sums_kind kind, const struct identity *id)
{
        struct sums_file now = { .there = true, .id = *id };
        int r = sums_parse(text, len, kind, &now);

        if (r < 0) {
                sums_file_fini(&now);
                return r;
        }
        sums_file_fini(f);
        *f = now;
        return 0;
}

/* Reads the file anew.  -ENOMEM, or another error with the reason in f->trouble; then f's lines are as before. */
static int reread(struct sums_file *f, int dirfd, struct path_opener *opener, enum sums_kind kind)
{
        AUTO_FREE char *text = NULL;
        struct identity id;
        struct stat st;
        ssize_t n = path_opener_read(opener, dirfd, kinds[kind].file, MAX_BYTES + 1, 0, READ_MS, &text, &st);

        if (n == -ENOMEM)
                return -ENOMEM;
        if (n < 0)
                return err_set(&f->trouble, (int)n, "%s", path_opener_strerror((int)n));
        if ((size_t)n > MAX_BYTES)
                return err_set(&f->trouble, -EFBIG, "it is longer than %u MiB", MAX_BYTES >> 20);
        id = identity_of(&st);
        return take_text(f, text, (size_t)n, kind, &id);
}

/* Tells whether @f became another. */
static int refresh_one(
        struct sums_file *f, int dirfd, struct path_opener *opener, enum sums_kind kind, bool *ret_changed)
{
        struct err before = f->trouble;
        struct stat st;
        struct identity id;
        int r = path_opener_open(opener, dirfd, kinds[kind].file, PATH_WALK_STAT, READ_MS, NULL, &st);

        if (r == -ENOENT) {
                *ret_changed |= f->there || f->trouble.text[0];
                sums_file_fini(f);
                return 0;
        }
        if (r < 0) {
                (void)err_set(&f->trouble, r, "%s", path_opener_strerror(r));
        } else if (!S_ISREG(st.st_mode)) {
                (void)err_set(&f->trouble, 0, "it is not a regular file");
        } else {
                id = identity_of(&st);
                if (f->there && !f->trouble.text[0] && identity_equal(&f->id, &id))
                        return 0;
                r = reread(f, dirfd, opener, kind);
                if (r == -ENOMEM)
                        return r;
                *ret_changed |= r == 0;
        }
        *ret_changed |= strcmp(before.text, f->trouble.text) != 0;
        return 0;
}

int sums_refresh(struct sums *s, int dirfd, struct path_opener *opener, bool *ret_changed)
{
        int r = 0;

        *ret_changed = false;
        for (int k = 0; k < SUMS_KINDS && r == 0; k++)
                r = refresh_one(&s->files[k], dirfd, opener, (enum sums_kind)k, ret_changed);
        return r;
}

void sums_complain(const struct sums *s, struct buf *b)
{
        for (int k = 0; k < SUMS_KINDS; k++) {
                const struct sums_file *f = &s->files[k];

                if (f->trouble.text[0])
                        buf_printf(b, "%s%s: %s", b->len ? "; " : "", kinds[k].file, f->trouble.text);
                if (f->n_bad)
                        buf_printf(b, "%s%s: %zu %s \"HASH name\" and left out, the first is line %zu",
                                b->len ? "; " : "", kinds[k].file, f->n_bad,
                                f->n_bad == 1 ? "line is no" : "lines are no", f->first_bad);
        }
}

/* ---- judging --------------------------------------------------------------------------------- */

bool sums_find(const struct sums *s, const char *archive, enum sums_kind *ret)
{
        for (int k = 0; k < SUMS_KINDS; k++)
                for (size_t i = 0; i < s->files[k].n; i++)
                        if (strcmp(s->files[k].v[i].name, archive) == 0) {
                                *ret = (enum sums_kind)k;
                                return true;
                        }
        return false;
}

int sums_judge(
        const struct sums *s, const char *archive, enum sums_kind kind, const char *hex, struct err *err)
{
        const struct sums_file *f = &s->files[kind];

        for (size_t i = 0; i < f->n; i++)
                if (strcmp(f->v[i].name, archive) == 0 && strcmp(f->v[i].hex, hex) != 0)
                        return err_set(err, -EBADMSG,
                                "its %s is %s, line %zu of %s says %s: copy the archive again, or correct "
                                "the line",
                                kinds[kind].what, hex, f->v[i].number, kinds[kind].file, f->v[i].hex);
        return 0;
}
