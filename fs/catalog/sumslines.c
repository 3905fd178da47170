/* SPDX-License-Identifier: MPL-2.0 */
/* sumslines -- see sumslines.h.
 *
 * A line that cannot be read is left out: a publisher's signature block or a comment must not take builds away.  It is
 * counted, so that a digest cut short is not taken for agreement.
 */
#include "catalog/sumslines.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"

#define MAX_NAME 255u /* NAME_MAX */

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

const char *sums_kind_name(enum sums_kind kind)
{
        return kinds[kind].what;
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
        if (f->about && hex_len(trim(line)) == trim(line).n)
                return add_pair(f, (struct span) { f->about, strlen(f->about) }, false, trim(line), number);
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

static int by_name(const void *a, const void *b)
{
        const struct sums_line *x = a, *y = b;
        int d = strcmp(x->name, y->name);

        return d ? d : (x->number > y->number) - (x->number < y->number);
}

static int parse_text(const char *text, size_t len, struct sums_file *ret)
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

int sums_parse(const char *text, size_t len, struct sums_file *ret)
{
        int r = parse_text(text, len, ret);

        if (r == 0 && ret->n)
                qsort(ret->v, ret->n, sizeof *ret->v, by_name);
        return r;
}

void sums_file_fini(struct sums_file *f)
{
        for (size_t i = 0; i < f->n; i++)
                free(f->v[i].name);
        free(f->v);
        *f = (struct sums_file) { .about = f->about };
}

