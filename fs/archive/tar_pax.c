/* SPDX-License-Identifier: MPL-2.0 */
/* tar_pax -- see tar_pax.h; POSIX pax, "pax Extended Header"; GNU tar src/xheader.c and src/sparse.c for GNU.sparse.*.
 *
 * What each reader does with the same record was read in GNU tar 1.34 and libarchive 3.6.2.  They differ: GNU tar applies
 * global headers, libarchive does not look into them; libarchive applies SCHILY.realsize and SUN.holesdata, GNU tar does
 * not know them; an empty value deletes, sets to nothing, or is passed over.  SCHILY.realsize and unknown keys are left
 * out here like there: where they change what libarchive gives, tar_headers_agree sees it.
 *
 * Limits: the caller's, for text and regions.  Locks: none.
 */
#include "archive/tar_pax.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool tar_pax_number(const char *s, uint64_t *ret)
{
        uint64_t v = 0;

        if (!*s)
                return false;
        for (; *s >= '0' && *s <= '9'; s++) {
                if (v > (uint64_t)INT64_MAX / 10 || v * 10 > (uint64_t)INT64_MAX - (uint64_t)(*s - '0'))
                        return false;
                v = v * 10 + (uint64_t)(*s - '0');
        }
        *ret = v;
        return *s == '\0';
}

/* "-1.5" is -2: a file's time is counted upwards from a whole second. */
static bool read_time(const char *s, int64_t *ret)
{
        bool negative = *s == '-', fraction = false;
        char digits[24];
        size_t n;
        uint64_t v;

        s += negative;
        n = strcspn(s, ".");
        if (n >= sizeof digits)
                return false;
        memcpy(digits, s, n);
        digits[n] = '\0';
        if (!tar_pax_number(digits, &v))
                return false;
        for (s += n + (s[n] == '.'); *s >= '0' && *s <= '9'; s++)
                fraction |= *s != '0';
        *ret = negative ? -(int64_t)v - fraction : (int64_t)v;
        return *s == '\0' && v < (uint64_t)INT64_MAX;
}

int tar_pax_add_region(struct tar_pax *p, uint64_t off_member, uint64_t len_bytes, size_t max_regions)
{
        if (p->n_map >= max_regions)
                return -E2BIG;
        if (p->n_map == p->cap_map) {
                size_t cap = p->cap_map ? p->cap_map * 2 : 16;
                struct extent *v = reallocarray(p->map, cap, sizeof *v);

                if (!v)
                        return -ENOMEM;
                p->map = v;
                p->cap_map = cap;
        }
        p->map[p->n_map++] = (struct extent) { off_member, 0, len_bytes };
        return 0;
}

/* "0,512,4096,512": a region's offset and length, and the next one's. */
static int read_map(struct tar_pax *p, char *s, size_t max_regions)
{
        uint64_t off = 0, v;
        bool is_off = true;

        p->n_map = 0; /* the last map counts */
        for (char *next = s; next; is_off = !is_off) {
                int r;

                s = next;
                next = strchr(s, ',');
                if (next)
                        *next++ = '\0';
                if (!tar_pax_number(s, &v))
                        return -EBADMSG;
                if (is_off) {
                        off = v;
                        continue;
                }
                r = tar_pax_add_region(p, off, v, max_regions);
                if (r < 0)
                        return r;
        }
        return is_off ? 0 : -EBADMSG;
}

/* One of the keys that begin with "GNU.sparse.".  -EBADMSG: the value is none of its kind. */
static int read_sparse(struct tar_pax *p, const char *key, char *value, size_t max_regions)
{
        const struct {
                const char *key;
                uint64_t *number;
                bool *said;
        } numbers[] = {
                { "realsize", &p->real, &p->has_real },
                { "size", &p->real, &p->has_real },
                { "numblocks", &p->blocks, &p->has_blocks },
                { "major", &p->major, &p->has_version },
                { "minor", &p->minor, &p->has_version },
        };
        uint64_t v;

        if (strcmp(key, "map") == 0)
                return read_map(p, value, max_regions);
        for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
                if (strcmp(key, numbers[i].key) == 0)
                        return (*numbers[i].said = tar_pax_number(value, numbers[i].number)) ? 0 : -EBADMSG;
        if (strcmp(key, "offset") == 0) {
                if (p->in_region || !tar_pax_number(value, &v))
                        return -EBADMSG;
                p->in_region = true;
                return tar_pax_add_region(p, v, 0, max_regions);
        }
        if (strcmp(key, "numbytes") == 0) {
                if (!p->in_region || !tar_pax_number(value, &v))
                        return -EBADMSG;
                p->in_region = false;
                p->map[p->n_map - 1].len_bytes = v;
        }
        return 0;
}

static int keep_text(char **to, const char *value)
{
        free(*to);
        *to = strdup(value);
        return *to ? 0 : -ENOMEM;
}

static int read_one(struct tar_pax *p, const char *key, char *value, size_t max_regions)
{
        if (strcmp(key, "path") == 0)
                return keep_text(&p->path, value);
        if (strcmp(key, "linkpath") == 0)
                return keep_text(&p->link, value);
        if (strcmp(key, "GNU.sparse.name") == 0)
                return keep_text(&p->sparse_name, value);
        if (strcmp(key, "size") == 0)
                return (p->has_size = tar_pax_number(value, &p->size)) ? 0 : -EBADMSG;
        if (strcmp(key, "mtime") == 0)
                return (p->has_mtime = read_time(value, &p->mtime_sec)) ? 0 : -EBADMSG;
        if (strncmp(key, "GNU.sparse.", 11) == 0)
                return read_sparse(p, key + 11, value, max_regions);
        return 0;
}

/* Whether all members would get one name, size or link by it. */
static bool is_for_one(const char *key)
{
        return strcmp(key, "path") == 0 || strcmp(key, "linkpath") == 0 || strcmp(key, "size") == 0 ||
               strncmp(key, "GNU.sparse.", 11) == 0 || strcmp(key, "GNU.volume.filename") == 0;
}

/* Splits the record at @text into key and value, both made to end in a NUL.  Its length, or 0 if it is malformed. */
static size_t split(char *text, size_t len, char **ret_key, char **ret_value)
{
        size_t n = 0, i = 0;
        char *eq;

        for (; i < len && i < 8 && text[i] >= '0' && text[i] <= '9'; i++)
                n = n * 10 + (size_t)(text[i] - '0');
        if (i == 0 || i == len || text[i] != ' ' || n > len || n < i + 3 || text[n - 1] != '\n')
                return 0;
        *ret_key = text + i + 1;
        eq = memchr(*ret_key, '=', n - i - 2);
        if (!eq || eq == *ret_key || memchr(*ret_key, '\0', (size_t)(eq - *ret_key)))
                return 0;
        *eq = text[n - 1] = '\0';
        *ret_value = eq + 1;
        return n;
}

int tar_pax_read(
        struct tar_pax *p, char *text, size_t len, bool global, size_t max_regions, const char **ret_why)
{
        char *key, *value;

        for (size_t n; len > 0 && *text; text += n, len -= n) {
                int r;

                *ret_why = "its pax header is malformed";
                n = split(text, len, &key, &value);
                if (n == 0)
                        return -EBADMSG;
                if (global && is_for_one(key)) {
                        *ret_why = "a global pax header gives all members one name, size or link";
                        return -EBADMSG;
                }
                if (strcmp(key, "SUN.holesdata") == 0) {
                        *ret_why = "its holes are marked as only Solaris does (SUN.holesdata)";
                        return -EBADMSG;
                }
                r = read_one(p, key, value, max_regions);
                if (r < 0) {
                        *ret_why = r == -E2BIG ? "its sparse map is too long"
                                               : "a value in its pax header is malformed";
                        return r;
                }
        }
        return 0;
}

void tar_pax_fini(struct tar_pax *p)
{
        free(p->path);
        free(p->link);
        free(p->sparse_name);
        free(p->map);
        *p = (struct tar_pax) { 0 };
}
