/* SPDX-License-Identifier: MPL-2.0 */
/* tar_headers -- blocks of 512 bytes in, members out; see tar_headers.h.
 *
 * The rules are GNU tar's (1.34: src/list.c read_header, decode_header, from_header; src/sparse.c; src/extract.c), less
 * what only helps with damaged archives, and less what other readers take in another way:
 *   numbers   octal behind blanks up to a blank or NUL, or base 256 marked by 0x80 or 0xff; not base 64, not
 *             two's complement in octal
 *   sizes     of a hard link, directory, symbolic link or device count for nothing: no content follows
 *   realsize  at 483 counts in type 'S' only; libarchive 3.6.2 takes it from any GNU header
 *   sparse    a map must ascend, end at the file's size, and account for each byte stored.  A region of it that is no
 *             multiple of 512 must be the last: GNU tar begins each in a block of its own, the others do not
 *   'g'       gives a time; what gives all members one name or size is refused (tar_pax.c)
 *   'A'       Solaris' attributes of the file behind them; GNU tar unpacks them as a file of the same name, and then the file
 *   'V'       a volume's label is no member
 *
 * Invariants
 *   1. What comes out depends on the bytes, not on how they were cut into pushes (tests/fuzz/fuzz_tar_headers.c).
 *   2. Behind the first trouble nothing is read any more: a reader that lost its place would see headers in content.
 *   3. A member's extents ascend, do not overlap, lie inside its size, and account for all bytes stored for it.
 * Limits: MAX_TEXT for a name or pax header (libarchive's), MAX_REGIONS.  Memory: what was pushed and not yet taken.
 * Locks: none.
 */
#include "archive/tar_headers.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "archive/tar_pax.h"
#include "base/buf.h"
#include "base/cleanup.h"

#define BLOCK       512u
#define MAX_TEXT    1048576u
#define MAX_REGIONS ((size_t)1 << 18)

/* Where the fields are (POSIX ustar; GNU tar src/tar.h for the last three). */
enum { NAME = 0, SIZE = 124, MTIME = 136, CHECKSUM = 148, TYPE = 156, LINK = 157, MAGIC = 257, PREFIX = 345 };
enum { SPARSES = 386, EXTENDED = 482, REALSIZE = 483 };
#define SPARSES_IN_HEADER 4u
#define SPARSES_IN_BLOCK  21u
#define EXTENDED_IN_BLOCK 504u

/* A member as the headers have it, or, as the last, the trouble behind which nothing is read. */
struct entry {
        struct member m;
        struct extent *v;    /* owned */
        const char *trouble; /* static */
        bool knows_mtime;
        struct entry *next;
};

enum state {
        AT_HEADER,
        IN_TEXT,   /* a long name or pax header */
        IN_BLOCKS, /* GNU: more of a sparse map, in blocks behind the header */
        IN_MAP,    /* pax 1.0: a sparse map in decimal lines before the content */
        IN_BODY,   /* content and padding */
        AT_END,    /* a zero block was there, or trouble */
};

struct tar_headers {
        enum state state;
        uint64_t off; /* of the next byte in the stream */
        unsigned char block[BLOCK];
        size_t have;        /* bytes of the block so far */
        uint64_t left;      /* of a text or body, with its padding */
        uint64_t padding;   /* how much of it is padding */
        uint64_t stored;    /* of the member at hand: what its size says, without padding */
        struct buf text;    /* of the header at hand, with its padding */
        size_t text_bytes;  /* without padding */
        char text_type;     /* 'L', 'K', 'x', 'g' */
        char *name, *link;  /* owned; by L and K, for the next member */
        struct tar_pax pax; /* by x, for the next member; and its map, of whatever form */
        bool has_pax;
        bool has_attributes;             /* an 'A' stood before the next member, */
        unsigned char attributes[BLOCK]; /* whose header must give the same name */
        bool has_global_mtime;
        int64_t global_mtime_sec;
        size_t n_regions;                /* in the archive so far */
        struct entry *at;                /* owned; the member at hand, until its map is known */
        char line[24];                   /* IN_MAP */
        size_t line_bytes;               /* of the number at hand */
        uint64_t map_bytes;              /* so far */
        uint64_t map_count, map_numbers; /* regions it announces; numbers read */
        struct entry *first, **last;     /* owned; complete, not taken yet */
};

struct tar_headers *tar_headers_new(void)
{
        struct tar_headers *t = calloc(1, sizeof *t);

        if (t)
                t->last = &t->first;
        return t;
}

static void free_entry(struct entry *e)
{
        if (!e)
                return;
        free(e->m.name);
        free(e->m.link);
        free(e->v);
        free(e);
}

static void free_entryp(struct entry **e)
{
        free_entry(*e);
}

/* What was for one member only. */
static void forget_pending(struct tar_headers *t)
{
        free(t->name);
        free(t->link);
        t->name = t->link = NULL;
        tar_pax_fini(&t->pax);
        t->has_pax = t->has_attributes = false;
}

void tar_headers_free(struct tar_headers *t)
{
        if (!t)
                return;
        for (struct entry *e = t->first, *next; e; e = next) {
                next = e->next;
                free_entry(e);
        }
        free_entry(t->at);
        forget_pending(t);
        buf_fini(&t->text);
        free(t);
}

/* ---- numbers ----------------------------------------------------------------------------------- */

static bool is_octal(unsigned char c)
{
        return c >= '0' && c <= '7';
}

static bool number256(const unsigned char *p, size_t n, int64_t *ret)
{
        bool negative = p[0] == 0xff;
        uint64_t v = negative ? UINT64_MAX : 0;

        if (p[0] != 0x80 && !negative)
                return false;
        for (size_t i = 1; i < n; i++) {
                if (v >> 55 != (negative ? 0x1ffu : 0)) /* the next byte would push a digit out */
                        return false;
                v = v << 8 | p[i];
        }
        *ret = (int64_t)v;
        return (*ret < 0) == negative;
}

/* The field of @n bytes at @p; false: GNU tar would complain of it, or nobody writes it any more. */
static bool number(const unsigned char *p, size_t n, int64_t *ret)
{
        const unsigned char *end = p + n;
        uint64_t v = 0;

        if (*p & 0x80)
                return number256(p, n, ret);
        p += *p == '\0'; /* of an old tar whose number before this one ran over */
        while (p < end && isspace(*p))
                p++;
        if (p == end)
                return false;
        for (; p < end && is_octal(*p); p++)
                v = v << 3 | (uint64_t)(*p - '0'); /* 12 digits are 36 bits */
        *ret = (int64_t)v;
        return p == end || *p == '\0' || isspace(*p);
}

static bool size_field(const unsigned char *p, uint64_t *ret)
{
        int64_t v;

        if (!number(p, 12, &v) || v < 0)
                return false;
        *ret = (uint64_t)v;
        return true;
}

/* Sums of unsigned bytes (POSIX) and of signed ones (old Suns) are both in use. */
static bool checksum_holds(const unsigned char *b)
{
        int64_t want, sum = 0, sum_signed = 0;

        for (size_t i = 0; i < BLOCK; i++) {
                unsigned char c = i >= CHECKSUM && i < CHECKSUM + 8 ? ' ' : b[i];

                sum += c;
                sum_signed += c < 128 ? c : c - 256;
        }
        return !(b[CHECKSUM] & 0x80) && number(b + CHECKSUM, 8, &want) && (want == sum || want == sum_signed);
}

/* ---- what comes out ---------------------------------------------------------------------------- */

static void emit(struct tar_headers *t, struct entry *e)
{
        *t->last = e;
        t->last = &e->next;
}

/* Invariant 2. */
static int trouble(struct tar_headers *t, const char *why)
{
        struct entry *e = t->at ? take_ptr(&t->at) : calloc(1, sizeof *e);

        if (!e)
                return -ENOMEM;
        e->trouble = why;
        emit(t, e);
        t->state = AT_END;
        return 0;
}

static uint64_t padded(uint64_t bytes)
{
        return (bytes + BLOCK - 1) / BLOCK * BLOCK;
}

/* @bytes of content follow, and their padding. */
static void begin_body(struct tar_headers *t, uint64_t bytes)
{
        t->left = padded(bytes);
        t->padding = t->left - bytes;
        t->state = t->left ? IN_BODY : AT_HEADER;
}

/* Invariant 3: the extents out of the map in t->pax.  NULL, or what is wrong with it. */
static const char *place_map(struct tar_headers *t, struct entry *e, uint64_t stored)
{
        const struct extent *map = t->pax.map;
        uint64_t end = 0, used = 0;
        size_t n = 0;

        for (size_t i = 0; i < t->pax.n_map; i++) {
                uint64_t len = map[i].len_bytes;

                if (map[i].off_member < end || len > (uint64_t)INT64_MAX - map[i].off_member)
                        return "its sparse map is out of order";
                if (used % BLOCK != 0 && len > 0)
                        return "a region of its sparse map is no multiple of 512 bytes";
                end = map[i].off_member + len;
                used += len;
                if (len > 0 && n > 0 && e->v[n - 1].off_member + e->v[n - 1].len_bytes == map[i].off_member)
                        e->v[n - 1].len_bytes += len;
                else if (len > 0)
                        e->v[n++] = (struct extent) { map[i].off_member, t->off + used - len, len };
        }
        if (end != e->m.size_bytes)
                return "its sparse map ends elsewhere than the file";
        if (used != stored)
                return "its sparse map does not account for the bytes that are stored";
        e->m.n_extents = n;
        return NULL;
}

/* The member at hand is a sparse file whose map is known; @stored bytes of content follow. */
static int finish_sparse(struct tar_headers *t, uint64_t stored)
{
        const char *why;

        t->n_regions += t->pax.n_map;
        t->at->v = reallocarray(NULL, t->pax.n_map + 1, sizeof *t->at->v);
        if (!t->at->v)
                return -ENOMEM;
        why = place_map(t, t->at, stored);
        if (why)
                return trouble(t, why);
        emit(t, take_ptr(&t->at));
        forget_pending(t);
        begin_body(t, stored);
        return 0;
}

/* ---- sparse maps ------------------------------------------------------------------------------- */

/* Regions of GNU's own form: pairs of 12 bytes; one without a length ends the map.  1: ended; 0: it may go on; or a
 * negative errno. */
static int add_regions(struct tar_headers *t, const unsigned char *p, size_t n)
{
        for (; n > 0; n--, p += 24) {
                uint64_t off, len;
                int r;

                if (p[12] == '\0')
                        return 1;
                if (!size_field(p, &off) || !size_field(p + 12, &len))
                        return -EBADMSG;
                r = tar_pax_add_region(&t->pax, off, len, MAX_REGIONS - t->n_regions);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int on_gnu_map(struct tar_headers *t, const unsigned char *p, size_t n, bool goes_on)
{
        int r = add_regions(t, p, n);

        if (r == -EBADMSG || (r == 1 && goes_on))
                return trouble(t, "its sparse map is malformed");
        if (r < 0)
                return r;
        if (!goes_on)
                return finish_sparse(t, t->stored);
        t->state = IN_BLOCKS;
        return 0;
}

static int begin_text_map(struct tar_headers *t)
{
        t->line_bytes = 0;
        t->map_bytes = t->map_count = t->map_numbers = 0;
        t->state = IN_MAP;
        return 0;
}

/* A number of a pax 1.0 map is complete: first how many regions there are, then offset and length of each. */
static int on_map_number(struct tar_headers *t, uint64_t v)
{
        if (t->map_numbers++ == 0) {
                t->map_count = v;
                return 0;
        }
        if (t->map_numbers % 2 == 0)
                return tar_pax_add_region(&t->pax, v, 0, MAX_REGIONS - t->n_regions);
        t->pax.map[t->pax.n_map - 1].len_bytes = v;
        return 0;
}

/* Takes bytes of such a map up to its last number; its last block is filled up with anything. */
static int take_map(struct tar_headers *t, const unsigned char *p, size_t len, size_t *ret_used)
{
        size_t i = 0;

        while (i < len && t->state == IN_MAP) {
                unsigned char c = p[i++];
                uint64_t v;
                int r;

                if (++t->map_bytes > t->stored)
                        return trouble(t, "its sparse map is longer than what is stored");
                if (c != '\n') {
                        if (t->line_bytes == sizeof t->line - 1)
                                return trouble(t, "its sparse map is malformed");
                        t->line[t->line_bytes++] = (char)c;
                        continue;
                }
                t->line[t->line_bytes] = '\0';
                t->line_bytes = 0;
                if (!tar_pax_number(t->line, &v))
                        return trouble(t, "its sparse map is malformed");
                r = on_map_number(t, v);
                if (r < 0)
                        return r;
                if (t->map_count > MAX_REGIONS)
                        return -E2BIG;
                if (t->map_numbers != 2 * t->map_count + 1)
                        continue;
                t->off += i;
                *ret_used = i;
                if (padded(t->map_bytes) > t->stored)
                        return trouble(t, "its sparse map is longer than what is stored");
                t->off += padded(t->map_bytes) - t->map_bytes; /* where the content is */
                r = finish_sparse(t, t->stored - padded(t->map_bytes));
                t->off -= padded(t->map_bytes) - t->map_bytes;
                if (t->state != AT_END) { /* what fills up the block goes with the body */
                        t->left += padded(t->map_bytes) - t->map_bytes;
                        t->state = t->left ? IN_BODY : AT_HEADER;
                }
                return r;
        }
        t->off += i;
        *ret_used = i;
        return 0;
}

/* ---- headers ----------------------------------------------------------------------------------- */

static bool is_ustar(const unsigned char *b)
{
        return memcmp(b + MAGIC, "ustar", 6) == 0;
}

static bool is_gnu(const unsigned char *b)
{
        return memcmp(b + MAGIC, "ustar  ", 8) == 0;
}

/* star(1) keeps two times behind a shorter prefix; its sparse files are of a form of their own. */
static bool is_star(const unsigned char *b)
{
        return is_ustar(b) && b[475] == '\0' && is_octal(b[476]) && b[487] == ' ' && is_octal(b[488]) &&
               b[499] == ' ';
}

static char *name_of(struct tar_headers *t, const unsigned char *b)
{
        AUTO_BUF struct buf name = BUF_INIT;

        if (t->pax.sparse_name)
                return take_ptr(&t->pax.sparse_name);
        if (t->pax.path)
                return take_ptr(&t->pax.path);
        if (t->name)
                return take_ptr(&t->name);
        if (is_ustar(b) && b[PREFIX]) {
                buf_add(&name, b + PREFIX, strnlen((const char *)b + PREFIX, 155));
                buf_puts(&name, "/");
        }
        buf_add(&name, b + NAME, strnlen((const char *)b + NAME, 100));
        return buf_take(&name, NULL);
}

static char *link_of(struct tar_headers *t, const unsigned char *b)
{
        if (t->pax.link)
                return take_ptr(&t->pax.link);
        return t->link ? take_ptr(&t->link) : strndup((const char *)b + LINK, 100);
}

static enum member_kind kind_of(char type, const char *name)
{
        size_t n = strlen(name);

        switch (type) {
        case '1':
                return MEMBER_HARDLINK;
        case '2':
                return MEMBER_SYMLINK;
        case '3':
        case '4':
        case '6':
                return MEMBER_SPECIAL;
        case '5':
        case 'D': /* GNU: a directory, and what was in it */
                return MEMBER_DIR;
        case '\0':
        case '0':
        case '7': /* as tars did before there was a '5' */
                return n > 0 && name[n - 1] == '/' ? MEMBER_DIR : MEMBER_FILE;
        default:
                return MEMBER_FILE;
        }
}

static void set_mtime(struct tar_headers *t, struct entry *e, const unsigned char *b)
{
        e->knows_mtime = true;
        if (t->pax.has_mtime)
                e->m.mtime_sec = t->pax.mtime_sec;
        else if (t->has_global_mtime)
                e->m.mtime_sec = t->global_mtime_sec;
        else
                e->knows_mtime = number(b + MTIME, 12, &e->m.mtime_sec);
}

/* A regular file that its pax header calls sparse. */
static int begin_pax_sparse(struct tar_headers *t, const unsigned char *b)
{
        struct tar_pax *p = &t->pax;

        if (!is_ustar(b) || is_star(b) || !p->has_real || p->in_region)
                return trouble(t, "it is sparse by halves: its pax header and its own do not fit");
        t->at->m.size_bytes = p->real;
        if (p->has_version) {
                if (p->major != 1 || p->minor != 0 || p->n_map)
                        return trouble(t, "its sparse map is of an unknown version");
                return begin_text_map(t);
        }
        if (!p->has_blocks || p->blocks != p->n_map)
                return trouble(t, "its sparse map is malformed");
        return finish_sparse(t, t->stored);
}

static int begin_file(struct tar_headers *t, const unsigned char *b)
{
        struct entry *e = t->at;
        bool pax_sparse = t->pax.n_map || t->pax.has_version;

        if (b[TYPE] == 'S') {
                if (!is_gnu(b) || pax_sparse || t->pax.has_real)
                        return trouble(t, "it is sparse in another form than GNU tar's");
                if (!size_field(b + REALSIZE, &e->m.size_bytes))
                        return trouble(t, "its real size is no number");
                return on_gnu_map(t, b + SPARSES, SPARSES_IN_HEADER, b[EXTENDED] != 0);
        }
        /* What libarchive goes by (archive_read_support_format_tar.c, header_gnutar), whatever the type. */
        if (is_gnu(b) && (b[SPARSES] || b[REALSIZE]))
                return trouble(t, "it has fields of a sparse file in its header, and is none");
        if (pax_sparse)
                return begin_pax_sparse(t, b);
        if (t->pax.has_real)
                return trouble(t, "it has the real size of a sparse file, and no sparse map");
        e->m.size_bytes = t->stored;
        if (t->stored > 0) {
                e->v = malloc(sizeof *e->v);
                if (!e->v)
                        return -ENOMEM;
                *e->v = (struct extent) { 0, t->off, t->stored };
                e->m.n_extents = 1;
        }
        emit(t, take_ptr(&t->at));
        forget_pending(t);
        begin_body(t, t->stored);
        return 0;
}

static int begin_attributes(struct tar_headers *t, const unsigned char *b, uint64_t size)
{
        if (t->has_pax || t->name || t->link || t->has_attributes)
                return trouble(t, "special headers stand in an order that nobody writes");
        t->has_attributes = true;
        memcpy(t->attributes, b, BLOCK);
        begin_body(t, size);
        return 0;
}

static int begin_member(struct tar_headers *t, const unsigned char *b, uint64_t size)
{
        struct entry *e = t->at = calloc(1, sizeof *e);

        if (!e)
                return -ENOMEM;
        if (t->has_attributes && (memcmp(t->attributes + NAME, b + NAME, 100) != 0 ||
                                         memcmp(t->attributes + MAGIC, b + MAGIC, BLOCK - MAGIC) != 0))
                return trouble(t, "attributes of Solaris stand before another file than theirs");
        if (t->has_attributes && b[TYPE] == '1') /* GNU tar has unpacked the attributes under that name, and links to it */
                return trouble(t, "attributes of Solaris stand before a hard link");
        e->m.name = name_of(t, b);
        e->m.link = e->m.name ? link_of(t, b) : NULL;
        if (!e->m.link)
                return -ENOMEM;
        e->m.kind = kind_of((char)b[TYPE], e->m.name);
        set_mtime(t, e, b);
        t->stored = t->pax.has_size ? t->pax.size : size;
        if (t->stored > (uint64_t)INT64_MAX - BLOCK)
                return trouble(t, "its size is too large for any file");
        if (e->m.kind == MEMBER_FILE)
                return begin_file(t, b);
        if (e->m.kind == MEMBER_SYMLINK && !e->m.link[0]) /* GNU tar cannot make it, and leaves what had the name before */
                return trouble(t, "it is a symbolic link to nothing at all");
        if (t->pax.has_real || t->pax.n_map || t->pax.has_version ||
                (b[TYPE] != 'D' && t->pax.has_size && t->pax.size > 0) ||
                (e->m.kind == MEMBER_DIR && b[TYPE] != '5' && b[TYPE] != 'D' && t->stored > 0))
                return trouble(t, "it is no file, and has a file's content");
        if (b[TYPE] != 'D')
                t->stored = 0;
        emit(t, take_ptr(&t->at));
        forget_pending(t);
        begin_body(t, t->stored);
        return 0;
}

static int begin_text(struct tar_headers *t, char type, uint64_t size)
{
        if (size > MAX_TEXT)
                return trouble(t, "a name or pax header is longer than 1 MiB");
        if (type == 'x' && t->has_pax)
                return trouble(t, "two pax headers stand before one member");
        buf_fini(&t->text);
        t->text_type = type;
        t->text_bytes = (size_t)size;
        t->left = padded(size);
        t->state = IN_TEXT;
        return 0;
}

static int on_pax(struct tar_headers *t)
{
        struct tar_pax g = { 0 };
        const char *why;
        bool global = t->text_type == 'g';
        int r = tar_pax_read(
                global ? &g : &t->pax, t->text.data, t->text_bytes, global, MAX_REGIONS - t->n_regions, &why);

        if (global) {
                t->has_global_mtime = g.has_mtime; /* a global header replaces the one before */
                t->global_mtime_sec = g.mtime_sec;
                tar_pax_fini(&g);
        } else {
                t->has_pax = true;
        }
        return r == -EBADMSG ? trouble(t, why) : r;
}

static int on_text(struct tar_headers *t)
{
        char **to = t->text_type == 'L' ? &t->name : &t->link;

        t->state = AT_HEADER;
        buf_add(&t->text, "", 1);
        if (buf_error(&t->text) < 0)
                return -ENOMEM;
        if (t->text_type == 'x' || t->text_type == 'g')
                return on_pax(t);
        if (strlen(t->text.data) > t->text_bytes) /* GNU tar reads to the NUL, libarchive to the size */
                return trouble(t, "a long name goes on behind its size");
        free(*to);
        *to = strdup(t->text.data);
        return *to ? 0 : -ENOMEM;
}

static int on_header(struct tar_headers *t, const unsigned char *b)
{
        static const unsigned char zeros[BLOCK];
        uint64_t size = 0;

        if (memcmp(b, zeros, BLOCK) == 0) {
                t->state = AT_END;
                return 0;
        }
        if (!checksum_holds(b))
                return trouble(t, "what should be a header is none: its checksum does not hold");
        if (b[TYPE] != '1' && !size_field(b + SIZE, &size))
                return trouble(t, "a size in a header is no number");
        switch (b[TYPE]) {
        case 'L':
        case 'K':
        case 'x':
        case 'g':
                return begin_text(t, (char)b[TYPE], size);
        case 'X':
                return begin_text(t, 'x', size);
        case 'A':
                return begin_attributes(t, b, size);
        case 'V':
                return size > 0 || t->has_pax || t->name || t->link ? trouble(t, "a volume label has content")
                                                                    : 0;
        case 'M':
                return trouble(t, "it goes on from another volume: it is a part only");
        default:
                return begin_member(t, b, size);
        }
}

/* ---- the stream -------------------------------------------------------------------------------- */

static int on_block(struct tar_headers *t)
{
        if (t->state == AT_HEADER)
                return on_header(t, t->block);
        return on_gnu_map(t, t->block, SPARSES_IN_BLOCK, t->block[EXTENDED_IN_BLOCK] != 0);
}

/* Takes some of the bytes at @p, at least one; sets how many. */
static int take(struct tar_headers *t, const unsigned char *p, size_t len, size_t *ret_used)
{
        size_t n;

        switch (t->state) {
        case IN_MAP:
                return take_map(t, p, len, ret_used);
        case IN_BODY:
        case IN_TEXT:
                n = t->left < len ? (size_t)t->left : len;
                if (t->state == IN_TEXT)
                        buf_add(&t->text, p, n);
                t->left -= n;
                t->off += n;
                *ret_used = n;
                if (t->left > 0)
                        return buf_error(&t->text);
                if (t->state == IN_TEXT)
                        return on_text(t);
                t->state = AT_HEADER;
                return 0;
        case AT_HEADER:
        case IN_BLOCKS:
                n = BLOCK - t->have < len ? BLOCK - t->have : len;
                memcpy(t->block + t->have, p, n);
                t->have += n;
                t->off += n;
                *ret_used = n;
                if (t->have < BLOCK)
                        return 0;
                t->have = 0;
                return on_block(t);
        case AT_END:
                break;
        }
        *ret_used = len;
        return 0;
}

int tar_headers_push(struct tar_headers *t, const void *data, size_t len, struct err *err)
{
        const unsigned char *p = data;

        while (len > 0 && t->state != AT_END) {
                size_t used = 0;
                int r = t->state == IN_TEXT && t->left == 0 ? on_text(t) : take(t, p, len, &used);

                if (r == -E2BIG)
                        return err_set(err, r,
                                "its sparse files have more than %zu regions together: pack them as they are",
                                MAX_REGIONS);
                if (r < 0)
                        return err_set(err, r, "out of memory");
                p += used;
                len -= used;
        }
        return 0;
}

/* ---- the comparison ---------------------------------------------------------------------------- */

/* Whether two names are one: repeated and trailing slashes make no difference to anybody who unpacks. */
static bool same_name(const char *a, const char *b)
{
        for (;; a++, b++) {
                while (*a == '/' && a[1] == '/')
                        a++;
                while (*b == '/' && b[1] == '/')
                        b++;
                if (*a == '/' && a[1] == '\0')
                        a++;
                if (*b == '/' && b[1] == '\0')
                        b++;
                if (*a != *b)
                        return false;
                if (!*a)
                        return true;
        }
}

static const char *kind_name(enum member_kind kind)
{
        static const char *const names[] = { [MEMBER_FILE] = "file",
                [MEMBER_DIR] = "directory",
                [MEMBER_SYMLINK] = "symbolic link",
                [MEMBER_HARDLINK] = "hard link",
                [MEMBER_SPECIAL] = "device" };

        return names[kind];
}

static bool same_extents(const struct entry *e, const struct member *m, const struct extent *v)
{
        if (e->m.n_extents != m->n_extents)
                return false;
        for (size_t i = 0; i < m->n_extents; i++)
                if (e->v[i].off_member != v[m->first_extent + i].off_member ||
                        e->v[i].off_raw != v[m->first_extent + i].off_raw ||
                        e->v[i].len_bytes != v[m->first_extent + i].len_bytes)
                        return false;
        return true;
}

#define TWO_WAYS "the archive can be read in two ways; repack it with GNU tar"

static int compare(const struct entry *e, const struct member *m, const struct extent *v, struct err *err)
{
        if (!same_name(e->m.name, m->name))
                return err_set(
                        err, -EBADMSG, "%s: by its header it is called %s: " TWO_WAYS, m->name, e->m.name);
        if (e->m.kind != m->kind)
                return err_set(err, -EBADMSG, "%s: %s or %s: " TWO_WAYS, m->name, kind_name(e->m.kind),
                        kind_name(m->kind));
        if (m->link && strcmp(e->m.link, m->link) != 0)
                return err_set(
                        err, -EBADMSG, "%s: a link to %s or to %s: " TWO_WAYS, m->name, e->m.link, m->link);
        if (m->kind != MEMBER_FILE)
                return 0;
        if (e->m.size_bytes != m->size_bytes)
                return err_set(err, -EBADMSG, "%s: %llu bytes or %llu: " TWO_WAYS, m->name,
                        (unsigned long long)e->m.size_bytes, (unsigned long long)m->size_bytes);
        if (!same_extents(e, m, v))
                return err_set(
                        err, -EBADMSG, "%s: its content begins or ends at two places: " TWO_WAYS, m->name);
        return 0;
}

static struct entry *take_entry(struct tar_headers *t)
{
        struct entry *e = t->first;

        if (!e)
                return NULL;
        t->first = e->next;
        if (!t->first)
                t->last = &t->first;
        return e;
}

int tar_headers_agree(struct tar_headers *t, struct member *m, const struct extent *v, struct err *err)
{
        AUTO_CLEAN(free_entryp) struct entry *e = take_entry(t);
        int r;

        if (!e)
                return err_set(err, -EBADMSG, "%s: no header says that it is there: " TWO_WAYS, m->name);
        if (e->trouble)
                return err_set(err, -EBADMSG, "%s: %s: repack it with GNU tar",
                        e->m.name ? e->m.name : m->name, e->trouble);
        r = compare(e, m, v, err);
        if (r == 0 && e->knows_mtime)
                m->mtime_sec = e->m.mtime_sec;
        return r;
}

bool tar_headers_explain(const struct tar_headers *t, struct err *err)
{
        const struct entry *e = t->first;

        if (!e || !e->trouble)
                return false;
        (void)err_set(err, -EBADMSG, "%s%s%s: repack it with GNU tar", e->m.name ? e->m.name : "",
                e->m.name ? ": " : "", e->trouble);
        return true;
}

int tar_headers_end(struct tar_headers *t, struct err *err)
{
        const struct entry *e = t->first;

        if (tar_headers_explain(t, err))
                return -EBADMSG;
        if (e)
                return err_set(
                        err, -EBADMSG, "%s: it stands behind the end of the archive: " TWO_WAYS, e->m.name);
        if (t->state == AT_END || (t->state == AT_HEADER && t->have == 0) ||
                (t->state == IN_BODY && t->left <= t->padding))
                return 0;
        return err_set(
                err, -EBADMSG, "the tar ends inside a member: the archive is not complete; copy it again");
}

bool tar_headers_take(
        struct tar_headers *t, struct member *ret, struct extent **ret_extents, const char **ret_trouble)
{
        AUTO_CLEAN(free_entryp) struct entry *e = take_entry(t);

        if (!e)
                return false;
        *ret = e->m;
        *ret_extents = take_ptr(&e->v);
        *ret_trouble = e->trouble;
        e->m.name = e->m.link = NULL;
        return true;
}
