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
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define MAX_BYTES (4u * 1024 * 1024) /* 40000 archives */
#define READ_MS   1000
#define MAX_NAME  255u /* NAME_MAX */

#define SETTLE_MS 2000  /* after a change */
#define SHRUNK_MS 10000 /* after one that made it shorter: it may be on its way to what it was */

static const char *const file_names[SUMS_FILES] = { "sha256sums.txt", "SHA256SUMS", "md5sums.txt",
        "MD5SUMS" };

static const struct {
        enum digest_kind digest;
        const char *what;
} kinds[SUMS_KINDS] = {
        [SUMS_SHA256] = { DIGEST_SHA256, "SHA-256" },
        [SUMS_MD5] = { DIGEST_MD5, "MD5" },
};

enum digest_kind sums_digest(enum sums_kind kind)
{
        return kinds[kind].digest;
}

/* ---- one line -------------------------------------------------------------------------------- */

/* A piece of text. */
struct span {
        const char *p;
        size_t n;
};

/* What a list of Get-FileHash said so far. */
struct pending {
        struct span hash;
};

static struct span trim(struct span s)
{
        while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
                s = (struct span) { s.p + 1, s.n - 1 };
        while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
                s.n--;
        return s;
}

static struct span after(struct span s, size_t n)
{
        return (struct span) { s.p + n, s.n - n };
}

static size_t hex_len(struct span s)
{
        size_t n = 0;

        while (n < s.n && isxdigit((unsigned char)s.p[n]))
                n++;
        return n;
}

static bool is_word(struct span s, const char *word)
{
        return s.n == strlen(word) && strncasecmp(s.p, word, s.n) == 0;
}

enum answer { TAKEN, NO_LINE, OTHER_ALGORITHM, NOT_UNDERSTOOD };

/* What stands behind the last '/' or '\\', with coreutils' escapes taken back (src/digest.c, filename_unescape). */
static int add_name(struct sums_file *f, struct span name, bool escaped, struct span hash,
        enum sums_kind kind, size_t number)
{
        char text[MAX_NAME + 1];
        struct sums_line *v, *l;
        size_t n = 0, from = 0;

        for (size_t i = 0; i < name.n; i++)
                if (name.p[i] == '/' || (name.p[i] == '\\' && !escaped))
                        from = i + 1;
        for (size_t i = from; i < name.n; i++) {
                char c = name.p[i];

                if (escaped && c == '\\' && i + 1 < name.n)
                        c = name.p[++i] == 'n' ? '\n' : name.p[i] == 'r' ? '\r' : name.p[i];
                if (n == MAX_NAME || c == '\0' || c == '/')
                        return NOT_UNDERSTOOD;
                text[n++] = c;
        }
        if (n == 0)
                return NOT_UNDERSTOOD;
        v = reallocarray(f->v, f->n + 1, sizeof *v);
        if (!v)
                return -ENOMEM;
        f->v = v;
        l = &v[f->n];
        *l = (struct sums_line) { .name = strndup(text, n), .kind = kind, .number = number };
        if (!l->name)
                return -ENOMEM;
        for (size_t i = 0; i < hash.n; i++)
                l->hex[i] = (char)tolower((unsigned char)hash.p[i]);
        f->n++;
        return TAKEN;
}

/* By the digest's length, which no two algorithms in use that we compare share. */
static int add_pair(struct sums_file *f, struct span name, bool escaped, struct span hash, size_t number)
{
        if (hash.n == 0 || hex_len(hash) != hash.n || name.n == 0)
                return NOT_UNDERSTOOD;
        if (hash.n == 64 || hash.n == 32)
                return add_name(f, name, escaped, hash, hash.n == 64 ? SUMS_SHA256 : SUMS_MD5, number);
        return hash.n == 40 || hash.n == 56 || hash.n == 96 || hash.n == 128 ? OTHER_ALGORITHM
                                                                             : NOT_UNDERSTOOD;
}

/* True if a digest of so many digits is @algorithm's; other ones of that length (SHA3-256, BLAKE2s) are not compared. */
static bool is_compared(struct span algorithm, size_t digits)
{
        if (digits == 64)
                return is_word(algorithm, "SHA256") || is_word(algorithm, "SHA2-256") ||
                       is_word(algorithm, "SHA-256");
        return digits == 32 && is_word(algorithm, "MD5");
}

/* HASH, a blank, a blank or '*', the name. */
static int plain_line(struct sums_file *f, struct span line, bool escaped, size_t number)
{
        size_t n = hex_len(line);
        struct span hash = { line.p, n }, name = after(line, n);

        if (n < 32 || name.n < 2 || name.p[0] != ' ')
                return NOT_UNDERSTOOD;
        name = after(name, 1);
        if (name.p[0] == ' ' || name.p[0] == '*')
                name = after(name, 1);
        return add_pair(f, name, escaped, hash, number);
}

/* ALGORITHM (name) = HASH; openssl leaves out the blanks before '(' and '='. */
static int tagged_line(struct sums_file *f, struct span line, bool escaped, size_t number)
{
        const char *open = memchr(line.p, '(', line.n), *close = memrchr(line.p, ')', line.n);
        struct span algorithm, name, hash;

        if (!open || !close || close < open)
                return NOT_UNDERSTOOD;
        algorithm = trim((struct span) { line.p, (size_t)(open - line.p) });
        name = (struct span) { open + 1, (size_t)(close - open) - 1 };
        hash = trim(after(line, (size_t)(close - line.p) + 1));
        if (algorithm.n == 0 || hash.n == 0 || hash.p[0] != '=')
                return NOT_UNDERSTOOD;
        hash = trim(after(hash, 1));
        if (hash.n < 32 || hex_len(hash) != hash.n)
                return NOT_UNDERSTOOD;
        return is_compared(algorithm, hash.n) ? add_pair(f, name, escaped, hash, number) : OTHER_ALGORITHM;
}

static struct span next_word(struct span *rest)
{
        struct span s = trim(*rest), word = { s.p, 0 };

        while (word.n < s.n && s.p[word.n] != ' ' && s.p[word.n] != '\t')
                word.n++;
        *rest = trim(after(s, word.n));
        return word;
}

/* SHA256  HASH  PATH, of Get-FileHash's table.  A path that it cut ends in an ellipsis, and could be anybody's. */
static int table_line(struct sums_file *f, struct span line, size_t number)
{
        struct span rest = line, algorithm = next_word(&rest), hash = next_word(&rest);

        if ((is_word(algorithm, "Algorithm") && is_word(hash, "Hash")) ||
                (is_word(algorithm, "---------") && is_word(hash, "----")))
                return NO_LINE;
        if (hash.n < 32 || hex_len(hash) != hash.n || rest.n == 0)
                return NOT_UNDERSTOOD;
        if ((rest.n >= 3 && memcmp(rest.p + rest.n - 3, "...", 3) == 0) ||
                (rest.n >= 3 && memcmp(rest.p + rest.n - 3, "\xe2\x80\xa6", 3) == 0))
                return NOT_UNDERSTOOD;
        return is_compared(algorithm, hash.n) ? add_pair(f, rest, false, hash, number) : OTHER_ALGORITHM;
}

static bool next_field(struct span *rest, struct span *ret)
{
        const char *end;

        if (rest->n < 2 || rest->p[0] != '"' || !(end = memchr(rest->p + 1, '"', rest->n - 1)))
                return false;
        *ret = (struct span) { rest->p + 1, (size_t)(end - rest->p) - 1 };
        *rest = after(*rest, ret->n + 2);
        if (rest->n && rest->p[0] == ',')
                *rest = after(*rest, 1);
        return true;
}

/* "SHA256","HASH","PATH", of Export-Csv. */
static int csv_line(struct sums_file *f, struct span line, size_t number)
{
        struct span rest = line, algorithm, hash, path;

        if (!next_field(&rest, &algorithm) || !next_field(&rest, &hash) || !next_field(&rest, &path) ||
                rest.n)
                return NOT_UNDERSTOOD;
        if (is_word(algorithm, "Algorithm"))
                return NO_LINE;
        if (hash.n < 32 || hex_len(hash) != hash.n)
                return NOT_UNDERSTOOD;
        return is_compared(algorithm, hash.n) ? add_pair(f, path, false, hash, number) : OTHER_ALGORITHM;
}

/* Algorithm : SHA256, Hash : HASH, Path : PATH, of Format-List.  The digest's length tells the algorithm. */
static int list_line(struct sums_file *f, struct span line, struct pending *p, size_t number)
{
        const char *colon = memchr(line.p, ':', line.n);
        struct span key = trim((struct span) { line.p, colon ? (size_t)(colon - line.p) : 0 }), value;
        int r;

        if (!colon)
                return NOT_UNDERSTOOD;
        value = trim(after(line, (size_t)(colon - line.p) + 1));
        if (is_word(key, "Algorithm"))
                return is_word(value, "SHA256") || is_word(value, "MD5") || is_word(value, "SHA1") ||
                                       is_word(value, "SHA384") || is_word(value, "SHA512")
                               ? NO_LINE
                               : NOT_UNDERSTOOD;
        if (is_word(key, "Hash")) {
                if (hex_len(value) != value.n || value.n < 32)
                        return NOT_UNDERSTOOD;
                p->hash = value;
                return NO_LINE;
        }
        if (!is_word(key, "Path") || p->hash.n == 0)
                return NOT_UNDERSTOOD;
        r = add_pair(f, value, false, p->hash, number);
        p->hash.n = 0;
        return r;
}

static int take_line(struct sums_file *f, struct span line, struct pending *p, size_t number)
{
        bool escaped = line.n && line.p[0] == '\\';
        struct span bare = escaped ? after(line, 1) : line;
        int r;

        if (trim(line).n == 0 || line.p[0] == '#')
                return NO_LINE;
        if (line.p[0] == '"')
                return csv_line(f, line, number);
        r = plain_line(f, bare, escaped, number);
        if (r == NOT_UNDERSTOOD)
                r = tagged_line(f, bare, escaped, number);
        if (r == NOT_UNDERSTOOD)
                r = list_line(f, line, p, number);
        return r == NOT_UNDERSTOOD ? table_line(f, line, number) : r;
}

/* ---- all lines ------------------------------------------------------------------------------- */

/* In an OpenPGP signature (RFC 9580, 7), or before the text that it signs. */
static bool in_armor(struct span line, bool *inside)
{
        static const char begin[] = "-----BEGIN PGP ", end[] = "-----END PGP ";
        bool was = *inside;

        if (line.n > sizeof begin && memcmp(line.p, begin, sizeof begin - 1) == 0)
                *inside = true;
        else if (line.n > sizeof end && memcmp(line.p, end, sizeof end - 1) == 0)
                *inside = false;
        return was || *inside;
}

static int parse_lines(const char *text, size_t len, struct sums_file *ret)
{
        char end_char = len && memchr(text, '\0', len) ? '\0' : '\n'; /* -z */
        struct pending pending = { { NULL, 0 } };
        bool armor = false, signed_text = false;

        for (size_t number = 1; len > 0; number++) {
                const char *end = memchr(text, end_char, len);
                size_t whole = end ? (size_t)(end - text) : len;
                struct span line = { text, whole };
                int r;

                if (line.n && line.p[line.n - 1] == '\r')
                        line.n--;
                if (line.n > 20 && memcmp(line.p, "-----BEGIN PGP SIGNED", 21) == 0)
                        signed_text = true; /* headers follow, and a blank line */
                if (signed_text) {
                        signed_text = line.n != 0;
                        r = NO_LINE;
                } else {
                        r = in_armor(line, &armor) ? NO_LINE : take_line(ret, line, &pending, number);
                }
                if (r < 0)
                        return r;
                if (r == NOT_UNDERSTOOD && ret->n_bad++ == 0)
                        ret->first_bad = number;
                if (r == OTHER_ALGORITHM && ret->n_other++ == 0)
                        ret->first_other = number;
                whole += end != NULL;
                text += whole;
                len -= whole;
                if (len == 0 && (armor || pending.hash.n) &&
                        ret->n_bad++ == 0) /* what it said was not said to its end */
                        ret->first_bad = number;
        }
        return 0;
}

/* UTF-16 with a byte order mark; beyond Latin-1 a '?' stands for it, so no name of ours is made of it by chance. */
static char *from_utf16(const unsigned char *p, size_t len, size_t *ret_len)
{
        bool big = p[0] == 0xfe;
        char *text = malloc(len / 2 + 1);
        size_t n = 0;

        if (!text)
                return NULL;
        for (size_t i = 2; i + 1 < len; i += 2) {
                unsigned c = big ? (unsigned)p[i] << 8 | p[i + 1] : (unsigned)p[i + 1] << 8 | p[i];

                text[n++] = c < 0x80 ? (char)c : '?';
        }
        *ret_len = n;
        return text;
}

int sums_parse(const char *text, size_t len, struct sums_file *ret)
{
        const unsigned char *p = (const unsigned char *)text;
        AUTO_FREE char *narrow = NULL;

        if (len >= 2 && ((p[0] == 0xff && p[1] == 0xfe) || (p[0] == 0xfe && p[1] == 0xff))) {
                narrow = from_utf16(p, len, &len);
                return narrow ? parse_lines(narrow, len, ret) : -ENOMEM;
        }
        if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
                return parse_lines(text + 3, len - 3, ret);
        return parse_lines(text, len, ret);
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
        for (int i = 0; i < SUMS_FILES; i++)
                sums_file_fini(&s->files[i]);
}

/* ---- the files ------------------------------------------------------------------------------- */

/* Takes what was read.  -ENOMEM; then f's lines are as before. */
static int take_text(struct sums_file *f, const char *text, size_t len, const struct identity *id)
{
        struct sums_file now = { .there = true, .id = *id };
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
static int reread(struct sums_file *f, int dirfd, struct path_opener *opener, const char *name)
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
        return take_text(f, text, (size_t)n, &id);
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

static void wait_for(struct sums *s, struct sums_file *f, int64_t ms)
{
        if (s->wait_ms < 0 || ms < s->wait_ms)
                s->wait_ms = (int)ms;
        if (!f->there)
                (void)err_set(&f->trouble, 0, "it is being written");
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
                ms = settled ? unsettled_ms(f, &id) : 0;
                if (ms > 0) {
                        wait_for(s, f, ms);
                } else {
                        r = reread(f, dirfd, opener, name);
                        if (r == -ENOMEM)
                                return r;
                        *ret_changed |= r == 0;
                }
        }
        *ret_changed |= strcmp(before.text, f->trouble.text) != 0;
        return 0;
}

int sums_refresh(struct sums *s, int dirfd, struct path_opener *opener, bool settled, bool *ret_changed)
{
        int r = 0;

        *ret_changed = false;
        s->wait_ms = -1;
        for (int i = 0; i < SUMS_FILES && r == 0; i++)
                r = refresh_one(s, &s->files[i], dirfd, opener, file_names[i], settled, ret_changed);
        return r;
}

static void complain_lines(
        struct buf *b, const char *file, size_t n, size_t first, const char *one, const char *many)
{
        if (n)
                buf_printf(b, "%s%s: %zu %s, the first is line %zu", b->len ? "; " : "", file, n,
                        n == 1 ? one : many, first);
}

void sums_complain(const struct sums *s, struct buf *b)
{
        for (int i = 0; i < SUMS_FILES; i++) {
                const struct sums_file *f = &s->files[i];

                if (f->trouble.text[0])
                        buf_printf(b, "%s%s: %s", b->len ? "; " : "", file_names[i], f->trouble.text);
                complain_lines(b, file_names[i], f->n_bad, f->first_bad,
                        "line is not understood and left out", "lines are not understood and left out");
                complain_lines(b, file_names[i], f->n_other, f->first_other,
                        "line is of an algorithm that is not compared (SHA-256 and MD5 are)",
                        "lines are of algorithms that are not compared (SHA-256 and MD5 are)");
        }
}

/* ---- judging --------------------------------------------------------------------------------- */

static bool names(const struct sums *s, const char *archive, enum sums_kind kind)
{
        for (int i = 0; i < SUMS_FILES; i++)
                for (size_t n = 0; n < s->files[i].n; n++)
                        if (s->files[i].v[n].kind == kind && strcmp(s->files[i].v[n].name, archive) == 0)
                                return true;
        return false;
}

bool sums_find(const struct sums *s, const char *archive, enum sums_kind *ret)
{
        for (int k = 0; k < SUMS_KINDS; k++)
                if (names(s, archive, (enum sums_kind)k)) {
                        *ret = (enum sums_kind)k;
                        return true;
                }
        return false;
}

int sums_judge(
        const struct sums *s, const char *archive, enum sums_kind kind, const char *hex, struct err *err)
{
        for (int i = 0; i < SUMS_FILES; i++)
                for (size_t n = 0; n < s->files[i].n; n++) {
                        const struct sums_line *l = &s->files[i].v[n];

                        if (l->kind == kind && strcmp(l->name, archive) == 0 && strcmp(l->hex, hex) != 0)
                                return err_set(err, -EBADMSG,
                                        "its %s is %s, line %zu of %s says %s: copy the archive again, or "
                                        "correct the line",
                                        kinds[kind].what, hex, l->number, file_names[i], l->hex);
                }
        return 0;
}
