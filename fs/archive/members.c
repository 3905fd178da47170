/* SPDX-License-Identifier: MPL-2.0 */
/* members -- libarchive reads the formats, we note where the bytes are.
 *
 * How a member's bytes are found: with no decompression filter, archive_filter_bytes(a, 0) counts the bytes
 * of our stream that libarchive has consumed, and its tar and ISO readers consume a block only at the next
 * call.  So right after archive_read_data_block returns, the count is the stream offset of the block's first
 * byte.  That is not promised anywhere; found so in libarchive 3.6.2, it is checked here for each block
 * (invariant 1) and by a test that compares with tar -xO for plain, GNU sparse, pax sparse and ISO members.
 *
 * Invariants
 *   1. A block is believed to be at an offset only if the stream's bytes there are the block's: the block's
 *      pointer lies in the chunk we handed out, at that offset, or the bytes compare equal.  A block that
 *      libarchive computed (an ISO file compressed by zisofs) fails this and the archive is refused.
 *   2. The extents of a member ascend, do not overlap and lie inside its size.
 *   3. Names and link targets are given byte for byte, whatever the process's locale: in a UTF-8 locale
 *      libarchive would normalise a pax name to NFC (two names could become one), in the C locale it finds
 *      that it cannot convert the name, says so with ARCHIVE_WARN and leaves it as it is.  So the C locale
 *      is the thread's while it works.
 *   4. A tar's headers say the same of each member to libarchive and to tar_headers.h, a reader of our own that follows
 *      GNU tar; else the archive is refused.
 * After the end mark the rest of the feed is pulled too: its verdict (CRC, length) covers the whole file.
 *
 * ISO: directory records are not in the order of the data, so libarchive seeks; entries come sorted by data
 * offset, and files that share their data come as hard links.  Without Rock Ridge the names are mangled
 * ("BOOT_ARC.;1"): refused.
 * Limits: struct members_limits.  Locks: none; one thread at a time.
 */
#include "archive/members.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "archive/sniff.h"
#include "archive/tar_headers.h"
#include "base/cleanup.h"

/* PVD: ECMA-119, section 8.4: at sector 16; the volume's size in blocks of 2048 bytes, little endian at byte
 * 80. */
#define ISO_PVD_OFF  32768u
#define ISO_BLOCK    2048u
#define ISO_SIZE_OFF (ISO_PVD_OFF + 80)
#define KEPT_BYTES   65536u /* of the stream before the current chunk, for invariant 1 */

struct reader {
        const struct feed *feed;
        const struct members_limits *limits;
        size_t names_bytes; /* so far */
        members_observe_fn *observe;
        void *observe_ctx;
        struct err *err;
        struct archive *a; /* owned */
        struct members *m; /* owned until done */
        int error;         /* of the feed, when libarchive had to be told "fatal" */
        /* The chunk libarchive has now. */
        const unsigned char *chunk;
        size_t chunk_len;
        uint64_t chunk_off; /* off_raw of its first byte */
        /* The stream just before it, as far as it is contiguous: libarchive copies what straddles two
         * chunks. */
        unsigned char *kept; /* owned; KEPT_BYTES */
        size_t kept_len;
        uint64_t total_bytes;
        size_t cap, extents_cap;
        struct tar_headers *headers; /* owned; invariant 4 */
        bool sought;                 /* the stream was not read in its order: an ISO */
        bool drained;                /* the archive is at its end */
        bool first;                  /* no chunk was pulled yet */
        bool end;                    /* the feed is at its end */
};

/* ---- the feed, as libarchive wants it -------------------------------------------------------- */

static void keep_tail(struct reader *rd)
{
        size_t n = rd->chunk_len < KEPT_BYTES ? rd->chunk_len : KEPT_BYTES;
        size_t old = KEPT_BYTES - n < rd->kept_len ? KEPT_BYTES - n : rd->kept_len;

        if (n == 0)
                return;
        memmove(rd->kept, rd->kept + (rd->kept_len - old), old);
        memcpy(rd->kept + old, rd->chunk + (rd->chunk_len - n), n);
        rd->kept_len = old + n;
}

static uint32_t le32(const unsigned char *p)
{
        return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* What can be said from the first chunk. */
static int look_at_start(struct reader *rd)
{
        const char *why = sniff_refuse(rd->chunk, rd->chunk_len, !rd->feed->seek);
        uint64_t want;

        if (why)
                return err_set(rd->err, -EBADMSG, "%s", why);
        if (rd->chunk_len < ISO_SIZE_OFF + 4 || memcmp(rd->chunk + ISO_PVD_OFF, "\1CD001", 6) != 0)
                return 0;
        if (!rd->feed->seek)
                return err_set(rd->err, -ESPIPE, "it is a compressed ISO: decompress it");
        want = (uint64_t)le32(rd->chunk + ISO_SIZE_OFF) * ISO_BLOCK;
        if (want > rd->feed->size_bytes)
                return err_set(rd->err, -EBADMSG,
                        "the ISO is %llu bytes long, its volume descriptor says %llu: it is not complete",
                        (unsigned long long)rd->feed->size_bytes, (unsigned long long)want);
        return 0;
}

/* Pulls the next chunk; its length, 0 at the end, or a negative errno that is kept in rd->error. */
static ssize_t pull(struct reader *rd)
{
        const void *data = NULL;
        ssize_t n;

        keep_tail(rd);
        rd->chunk_off += rd->chunk_len;
        rd->chunk_len = 0;
        if (rd->end)
                return 0;
        n = rd->feed->next(rd->feed->ctx, &data, rd->err);
        if (n >= 0) {
                rd->chunk = data;
                rd->chunk_len = (size_t)n;
                rd->end = n == 0;
        } else {
                rd->error = (int)n;
        }
        if (rd->first && n >= 0) {
                rd->first = false;
                rd->error = look_at_start(rd);
        }
        if (rd->error == 0 && n > 0 && !rd->sought && !rd->drained)
                rd->error = tar_headers_push(rd->headers, rd->chunk, rd->chunk_len, rd->err);
        return rd->error < 0 ? rd->error : n;
}

static la_ssize_t on_read(struct archive *a, void *ctx, const void **ret_data)
{
        struct reader *rd = ctx;
        ssize_t n = rd->error < 0 ? rd->error : pull(rd);

        if (n < 0) {
                archive_set_error(a, EIO, "feed");
                return ARCHIVE_FATAL;
        }
        *ret_data = rd->chunk;
        return n;
}

static la_int64_t on_seek(struct archive *a, void *ctx, la_int64_t offset, int whence)
{
        struct reader *rd = ctx;
        int64_t base = whence == SEEK_SET   ? 0
                       : whence == SEEK_CUR ? (int64_t)(rd->chunk_off + rd->chunk_len)
                                            : (int64_t)rd->feed->size_bytes;
        int r;

        if (offset < -base || (offset > 0 && base > INT64_MAX - offset)) {
                archive_set_error(a, EINVAL, "seek");
                return ARCHIVE_FATAL;
        }
        r = rd->feed->seek(rd->feed->ctx, (uint64_t)(base + offset), rd->err);
        if (r < 0) {
                rd->error = r;
                archive_set_error(a, EIO, "feed");
                return ARCHIVE_FATAL;
        }
        rd->chunk_off = (uint64_t)(base + offset);
        rd->chunk_len = rd->kept_len = 0;
        rd->end = false;
        rd->sought = true;
        return base + offset;
}

/* ---- errors ---------------------------------------------------------------------------------- */

/* Turns libarchive's last error into ours: the only place where its codes are looked at. */
static int errno_from_archive(struct reader *rd, const char *where)
{
        const char *text = archive_error_string(rd->a); /* may be NULL: a stream cut in a trailer */

        if (rd->error < 0)
                return rd->error; /* the feed has said why */
        /* Where a buffer cannot be had libarchive may go on to call the archive damaged (__archive_read_ahead, then whoever
         * called it: 3.6.2); malloc's own word is still there.  See read_all. */
        if (archive_errno(rd->a) == ENOMEM || errno == ENOMEM)
                return err_set(rd->err, -ENOMEM, "out of memory");
        if (text && strstr(text, "SUSP \"CE\""))
                return err_set(rd->err, -EBADMSG,
                        "long names stand where they cannot be read in order, as in an ISO of several "
                        "sessions: write "
                        "it anew in one session (%s)",
                        text);
        if (text && strstr(text, "Unrecognized archive format"))
                text = "neither a tar nor an ISO 9660 archive";
        else if (!rd->sought && tar_headers_explain(rd->headers, rd->err))
                return -EBADMSG;
        return err_set(rd->err, -EBADMSG, "%s%s%s", where ? where : "", where ? ": " : "",
                text ? text : "damaged archive");
}

/* What libarchive says of @m cannot be.  Where that comes from a header, the header's trouble is the reason. */
static int odd(struct reader *rd, const struct member *m, const char *what)
{
        if (!rd->sought && tar_headers_explain(rd->headers, rd->err))
                return -EBADMSG;
        return err_set(rd->err, -EBADMSG, "%s: %s: repack it with GNU tar", m->name, what);
}

static int no_memory(struct reader *rd)
{
        return err_set(rd->err, -ENOMEM, "out of memory");
}

/* ---- one member ------------------------------------------------------------------------------ */

static int grow(struct reader *rd, void **v, size_t *cap, size_t n, size_t item)
{
        size_t want = *cap ? *cap * 2 : 64;
        void *p;

        if (n < *cap)
                return 0;
        p = reallocarray(*v, want, item);
        if (!p)
                return no_memory(rd);
        *v = p;
        *cap = want;
        return 0;
}

/* The byte form is what the archive holds (invariant 3); the UTF-8 form only if libarchive has no other. */
static const char *raw_or_utf8(const char *raw, const char *utf8)
{
        return raw ? raw : utf8;
}

static enum member_kind kind_of(struct archive_entry *e, const char *hardlink)
{
        if (hardlink)
                return MEMBER_HARDLINK;
        switch (archive_entry_filetype(e)) {
        case AE_IFREG:
                return MEMBER_FILE;
        case AE_IFDIR:
                return MEMBER_DIR;
        case AE_IFLNK:
                return MEMBER_SYMLINK;
        default:
                return MEMBER_SPECIAL;
        }
}

static int copy_text(struct reader *rd, const char *what, const char *text, char **ret)
{
        if (strlen(text) > rd->limits->max_name_bytes)
                return err_set(rd->err, -E2BIG, "member %zu: its %s is longer than %zu bytes", rd->m->n, what,
                        rd->limits->max_name_bytes);
        rd->names_bytes += strlen(text) + 1;
        if (rd->names_bytes > rd->limits->max_names_bytes)
                return err_set(rd->err, -E2BIG, "member %zu: the names together are longer than %zu bytes",
                        rd->m->n, rd->limits->max_names_bytes);
        *ret = strdup(text);
        return *ret ? 0 : no_memory(rd);
}

static int check_size(struct reader *rd, struct member *m, struct archive_entry *e)
{
        int64_t size = archive_entry_size_is_set(e) ? archive_entry_size(e) : 0;

        if (size < 0)
                return odd(rd, m, "its size is negative");
        if ((uint64_t)size > rd->limits->max_total_bytes - rd->total_bytes)
                return err_set(rd->err, -E2BIG, "%s: with its %lld bytes the archive holds more than %llu",
                        m->name, (long long)size, (unsigned long long)rd->limits->max_total_bytes);
        rd->total_bytes += (uint64_t)size;
        m->size_bytes = (uint64_t)size;
        return 0;
}

static int add_member(struct reader *rd, struct archive_entry *e)
{
        const char *name = raw_or_utf8(archive_entry_pathname(e), archive_entry_pathname_utf8(e));
        const char *hard = raw_or_utf8(archive_entry_hardlink(e), archive_entry_hardlink_utf8(e));
        const char *sym = raw_or_utf8(archive_entry_symlink(e), archive_entry_symlink_utf8(e));
        struct members *ms = rd->m;
        struct member *m;
        int r;

        if (ms->n == rd->limits->max_members)
                return err_set(rd->err, -E2BIG, "it holds more than %zu members", ms->n);
        r = grow(rd, (void **)&ms->v, &rd->cap, ms->n, sizeof *ms->v);
        if (r < 0)
                return r;
        m = &ms->v[ms->n];
        *m = (struct member) { .kind = kind_of(e, hard),
                .mode = archive_entry_mode(e) & 07777,
                .mtime_sec = archive_entry_mtime(e),
                .first_extent = ms->n_extents };
        r = copy_text(rd, "name", name ? name : "", &m->name);
        if (r < 0)
                return r;
        ms->n++; /* members_free releases it from here */
        if (m->kind == MEMBER_FILE)
                return check_size(rd, m, e);
        if (m->kind == MEMBER_HARDLINK || m->kind == MEMBER_SYMLINK) {
                const char *link = m->kind == MEMBER_HARDLINK ? hard : sym;

                return copy_text(rd, "link target", link ? link : "", &m->link);
        }
        return 0;
}

/* Invariant 1. */
static bool is_at(const struct reader *rd, const unsigned char *data, size_t len, uint64_t off_raw)
{
        uint64_t chunk_end = rd->chunk_off + rd->chunk_len, kept_off = rd->chunk_off - rd->kept_len;

        if (off_raw < kept_off || off_raw > chunk_end || len > chunk_end - off_raw)
                return false;
        if (off_raw < rd->chunk_off) {
                size_t n = rd->chunk_off - off_raw < len ? (size_t)(rd->chunk_off - off_raw) : len;

                if (memcmp(data, rd->kept + (off_raw - kept_off), n) != 0)
                        return false;
                data += n;
                off_raw += n;
                len -= n;
        }
        return len == 0 || data == rd->chunk + (off_raw - rd->chunk_off) ||
               memcmp(data, rd->chunk + (off_raw - rd->chunk_off), len) == 0;
}

static int add_extent(struct reader *rd, struct member *m, uint64_t off_member, uint64_t off_raw, size_t len)
{
        struct members *ms = rd->m;
        struct extent *last = m->n_extents ? &ms->extents[ms->n_extents - 1] : NULL;
        int r;

        if ((last && off_member < last->off_member + last->len_bytes) || off_member > m->size_bytes ||
                len > m->size_bytes - off_member)
                return odd(rd, m, "its sparse map is out of order or larger than the file");
        if (last && off_member == last->off_member + last->len_bytes &&
                off_raw == last->off_raw + last->len_bytes) {
                last->len_bytes += len;
                return 0;
        }
        if (ms->n_extents == rd->limits->max_extents)
                return err_set(rd->err, -E2BIG,
                        "%s: with it the archive has more than %zu runs of bytes between holes", m->name,
                        ms->n_extents);
        r = grow(rd, (void **)&ms->extents, &rd->extents_cap, ms->n_extents, sizeof *ms->extents);
        if (r < 0)
                return r;
        ms->extents[ms->n_extents++] = (struct extent) { off_member, off_raw, len };
        m->n_extents++;
        return 0;
}

static int observe(
        struct reader *rd, const struct member *m, uint64_t off_member, const void *data, size_t len)
{
        if (!rd->observe)
                return 0;
        return rd->observe(rd->observe_ctx, rd->m->n - 1, m, off_member, data, len, rd->err);
}

/* Reads the member's data to its end.  Also for what is no file: libarchive steps over it here. */
static int read_data(struct reader *rd, struct member *m)
{
        const void *data;
        size_t len;
        la_int64_t off;
        int ar, r;

        errno = 0;
        while ((ar = archive_read_data_block(rd->a, &data, &len, &off)) == ARCHIVE_OK) {
                uint64_t off_raw = (uint64_t)archive_filter_bytes(rd->a, 0);

                if (len > 0 &&
                        m->kind ==
                                MEMBER_HARDLINK) /* POSIX pax, "linkdata"; GNU tar looks for a header there */
                        return err_set(rd->err, -EBADMSG,
                                "%s: a hard link with content, which GNU tar cannot read: repack it with GNU "
                                "tar",
                                m->name);
                if (len == 0 || m->kind != MEMBER_FILE)
                        continue;
                if (off < 0 || !is_at(rd, data, len, off_raw))
                        return err_set(rd->err, -EBADMSG,
                                "%s: its bytes do not stand in the archive as they are (zisofs?)", m->name);
                r = add_extent(rd, m, (uint64_t)off, off_raw, len);
                if (r < 0)
                        return r;
                r = observe(rd, m, (uint64_t)off, data, len);
                if (r < 0)
                        return r;
        }
        if (ar != ARCHIVE_EOF)
                return errno_from_archive(rd, m->name);
        return m->kind == MEMBER_FILE ? observe(rd, m, m->size_bytes, NULL, 0) : 0;
}

/* ---- the whole archive ----------------------------------------------------------------------- */

static int warn(struct reader *rd, const char *text)
{
        if (rd->m->warning)
                return 0; /* the first one tells enough */
        rd->m->warning = strdup(text);
        return rd->m->warning ? 0 : no_memory(rd);
}

/* Pulls what follows the archive. */
static int drain(struct reader *rd, uint64_t off_end)
{
        bool rest = false;

        rd->drained = true;
        for (;;) {
                size_t skip = off_end > rd->chunk_off ? (size_t)(off_end - rd->chunk_off) : 0;
                ssize_t n;

                for (size_t i = skip; i < rd->chunk_len && !rest; i++)
                        rest = rd->chunk[i] != 0;
                n = pull(rd);
                if (n < 0)
                        return (int)n;
                if (n == 0)
                        break;
        }
        return rest ? warn(rd, "something follows the end of the archive (a second one?) and is ignored") : 0;
}

static int note_format(struct reader *rd)
{
        const char *name = archive_format_name(rd->a);

        rd->m->format = (archive_format(rd->a) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_ISO9660
                                ? FORMAT_ISO
                                : FORMAT_TAR;
        if (rd->m->format == FORMAT_ISO && !(name && strstr(name, "Rockridge")))
                return err_set(rd->err, -EBADMSG,
                        "the ISO has no Rock Ridge names, so its file names are cut and in upper case: make "
                        "it with mkisofs -R");
        if (rd->m->format == FORMAT_TAR && rd->sought)
                return err_set(rd->err, -EBADMSG,
                        "it is a tar and an ISO 9660 image in one: pack it with tar alone");
        return 0;
}

static int read_member(struct reader *rd, struct archive_entry *e)
{
        struct member *m;
        int r = add_member(rd, e);

        if (r < 0)
                return r;
        m = &rd->m->v[rd->m->n - 1];
        r = read_data(rd, m);
        if (r == 0 && rd->m->format == FORMAT_TAR)
                r = tar_headers_agree(rd->headers, m, rd->m->extents, rd->err);
        return r;
}

static int read_all(struct reader *rd)
{
        uint64_t off_data_end = 0, off_end;
        int r;

        for (;;) {
                struct archive_entry *e;
                int ar;

                errno = 0;
                ar = archive_read_next_header(rd->a, &e);
                if (ar == ARCHIVE_EOF)
                        break;
                if (ar != ARCHIVE_OK && ar != ARCHIVE_WARN)
                        return errno_from_archive(rd, NULL);
                r = rd->m->n == 0 ? note_format(rd) : 0;
                if (r < 0)
                        return r;
                r = read_member(rd, e);
                if (r < 0)
                        return r;
                off_data_end = (uint64_t)archive_filter_bytes(rd->a, 0);
        }
        off_end = (uint64_t)archive_filter_bytes(rd->a, 0);
        if (rd->error < 0)
                return rd->error;
        if (rd->m->n == 0)
                return err_set(rd->err, -EBADMSG, "the archive holds nothing");
        if (rd->m->format == FORMAT_ISO)
                return 0; /* it has no end mark, and was read out of order */
        r = tar_headers_end(rd->headers, rd->err);
        if (r < 0)
                return r;
        if (off_end == off_data_end) {
                r = warn(
                        rd, "the tar has no end-of-archive blocks: it may have been cut between two members");
                if (r < 0)
                        return r;
        }
        return drain(rd, off_end);
}

static int open_archive(struct reader *rd)
{
        rd->a = archive_read_new();
        if (!rd->a)
                return no_memory(rd);
        /* No filter: what is compressed has been decoded, or is refused by its first bytes. */
        if (archive_read_support_format_tar(rd->a) != ARCHIVE_OK ||
                archive_read_support_format_iso9660(rd->a) != ARCHIVE_OK ||
                archive_read_set_read_callback(rd->a, on_read) != ARCHIVE_OK ||
                (rd->feed->seek && archive_read_set_seek_callback(rd->a, on_seek) != ARCHIVE_OK) ||
                archive_read_set_callback_data(rd->a, rd) != ARCHIVE_OK)
                return errno_from_archive(rd, NULL);
        errno = 0;
        return archive_read_open1(rd->a) == ARCHIVE_OK ? 0 : errno_from_archive(rd, NULL);
}

static int read_in_c_locale(struct reader *rd)
{
        locale_t c = newlocale(LC_CTYPE_MASK, "C", (locale_t)0), old;
        int r;

        if (c == (locale_t)0)
                return no_memory(rd);
        old = uselocale(c);
        r = open_archive(rd);
        if (r == 0)
                r = read_all(rd);
        if (rd->a)
                (void)archive_read_free(rd->a);
        (void)uselocale(old);
        freelocale(c);
        return r;
}

int members_read(const struct feed *feed, const struct members_limits *limits, members_observe_fn *observe_fn,
        void *observe_ctx, struct members **ret, struct err *err)
{
        struct reader rd = { .feed = feed,
                .limits = limits,
                .observe = observe_fn,
                .observe_ctx = observe_ctx,
                .err = err,
                .first = true };
        int r;

        rd.kept = malloc(KEPT_BYTES);
        rd.m = calloc(1, sizeof *rd.m);
        rd.headers = tar_headers_new();
        r = rd.kept && rd.m && rd.headers ? read_in_c_locale(&rd) : no_memory(&rd);
        free(rd.kept);
        tar_headers_free(rd.headers);
        if (r < 0)
                members_free(rd.m);
        else
                *ret = rd.m;
        return r;
}

void members_free(struct members *m)
{
        if (!m)
                return;
        for (size_t i = 0; i < m->n; i++) {
                free(m->v[i].name);
                free(m->v[i].link);
        }
        free(m->v);
        free(m->extents);
        free(m->warning);
        free(m);
}
