/* SPDX-License-Identifier: MPL-2.0 */
/* filter -- reading, and what stands between streams, for every library the same; gzip is gunzip.c's.
 *
 * libarchive's filters were tried first (3.6.2; each bit of a small file flipped, each prefix, trailing bytes, two
 * streams), decoding to a raw entry:
 *   xz     every flip and cut is an error; trailing garbage is an error, zeros are not
 *   zstd   with a checksum every flip and cut is an error; without one 95 of 100 flips give other bytes, and nobody says
 *   bzip2  every flip and cut of the first stream is an error; but what follows a stream and does not look like
 *          another is left out without a word, so a flip in the header of a later stream (pbzip2 writes one for each
 *          900 kB) is a shorter archive and no error
 *   all    a flip in the file's first bytes makes it "uncompressed", since a filter may match or not
 * So the libraries' own decoders are used, with one rule for what follows a stream: another of the same kind, padding
 * where the format has it, or the end.
 *
 * Invariants
 *   1. Bytes are handed on before their check sum was seen (it stands behind them): only the end is the proof.
 *   2. The end is reported only behind the end of a stream.
 * Limits: none on the output; the caller counts.  Memory: FILTER_MEMORY_BYTES and two chunks.
 * Locks: none; one thread at a time.
 */
#include "codec/filter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "codec/filter_impl.h"
#include "codec/gunzip.h"

#define CHUNK_BYTES (256u * 1024)

struct filter {
        const struct filter_codec *codec; /* NULL: gzip */
        struct gunzip *gunzip;            /* owned; gzip only */
        void *state;                      /* owned */
        int fd;                           /* borrowed */
        uint64_t off;                     /* of the next byte to read from the file */
        bool at_eof, in_stream;
        uint64_t n_zeros; /* of padding, since the last stream */
        struct filter_io io;
        unsigned char in[CHUNK_BYTES], out[CHUNK_BYTES];
};

static const struct {
        const char *magic;
        size_t len;
        const char *name;
} kinds[] = {
        [FILTER_NONE] = { "", 0, "none" },
        [FILTER_GZIP] = { "\x1f\x8b\x08", 3, "gzip" }, /* RFC 1952, section 2.3.1 */
        [FILTER_XZ] = { "\xfd"
                        "7zXZ\0",
                6, "xz" },                                 /* The .xz File Format, section 2.1.1.1 */
        [FILTER_ZSTD] = { "\x28\xb5\x2f\xfd", 4, "zstd" }, /* RFC 8878, section 3.1.1 */
        [FILTER_BZIP2] = { "BZh", 3, "bzip2" },
};

const char *filter_name(enum filter_kind kind)
{
        return kinds[kind].name;
}

/* "BZh" alone may begin a name in a tar: the level, and the mark of a block or of the end, must follow. */
static bool is_bzip2(const unsigned char *p, size_t len)
{
        return len >= 10 && p[3] >= '1' && p[3] <= '9' &&
               (memcmp(p + 4, "1AY&SY", 6) == 0 || memcmp(p + 4, "\x17\x72\x45\x38\x50\x90", 6) == 0);
}

enum filter_kind filter_of_bytes(const void *data, size_t len)
{
        const unsigned char *p = data;

        for (enum filter_kind k = FILTER_GZIP; k <= FILTER_BZIP2; k++)
                if (len >= kinds[k].len && memcmp(p, kinds[k].magic, kinds[k].len) == 0)
                        return k == FILTER_BZIP2 && !is_bzip2(p, len) ? FILTER_NONE : k;
        /* pzstd begins with a skippable frame: 0x184D2A50 to 0x184D2A5F, little endian. */
        if (len >= 4 && (p[0] & 0xf0) == 0x50 && memcmp(p + 1, "\x2a\x4d\x18", 3) == 0)
                return FILTER_ZSTD;
        return FILTER_NONE;
}

enum filter_kind filter_of(int fd)
{
        unsigned char h[16];
        ssize_t n = pread(fd, h, sizeof h, 0);

        return n > 0 ? filter_of_bytes(h, (size_t)n) : FILTER_NONE;
}

static const struct filter_codec *codec_of(enum filter_kind kind)
{
        switch ((int)kind) {
#if PXEFS_HAVE_XZ
        case FILTER_XZ:
                return &filter_codec_xz;
#endif
#if PXEFS_HAVE_ZSTD
        case FILTER_ZSTD:
                return &filter_codec_zstd;
#endif
#if PXEFS_HAVE_BZIP2
        case FILTER_BZIP2:
                return &filter_codec_bzip2;
#endif
        default:
                return NULL;
        }
}

static void filter_freep(struct filter **f)
{
        filter_free(*f);
}

int filter_new(int fd, enum filter_kind kind, struct filter **ret, struct err *err)
{
        AUTO_CLEAN(filter_freep) struct filter *f = malloc(sizeof *f);
        int r;

        if (!f)
                return err_set(err, -ENOMEM, "out of memory");
        memset(f, 0, offsetof(struct filter, in));
        f->fd = fd;
        if (kind == FILTER_GZIP) {
                r = gunzip_new(fd, &f->gunzip, err);
                if (r < 0)
                        return r;
        } else {
                f->codec = codec_of(kind);
                if (!f->codec)
                        return err_set(err, -EBADMSG,
                                "it is compressed with %s, which this pxefs was built without: recompress it "
                                "with "
                                "gzip",
                                filter_name(kind));
                f->state = calloc(1, f->codec->state_bytes);
                if (!f->state)
                        return err_set(err, -ENOMEM, "out of memory");
        }
        *ret = take_ptr(&f);
        return 0;
}

void filter_free(struct filter *f)
{
        if (!f)
                return;
        gunzip_free(f->gunzip);
        if (f->state)
                f->codec->end(f->state);
        free(f->state);
        free(f);
}

const char *filter_warning(const struct filter *f)
{
        return f->io.warning;
}

/* Where in the file the next undecoded byte is. */
static unsigned long long off_now(const struct filter *f)
{
        return f->off - f->io.in_len;
}

uint64_t filter_off_file(const struct filter *f)
{
        return f->gunzip ? gunzip_off_tgz(f->gunzip) : off_now(f);
}

/* Reads until there are @want bytes of input, or no more. */
static int fill(struct filter *f, size_t want, struct err *err)
{
        if (f->io.in_len < want && f->io.in_len > 0)
                f->io.in = memmove(f->in, f->io.in, f->io.in_len);
        while (f->io.in_len < want && !f->at_eof) {
                ssize_t n = pread(f->fd, f->in + f->io.in_len, sizeof f->in - f->io.in_len, (off_t)f->off);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return err_sys(err, -errno, "read at byte %llu", (unsigned long long)f->off);
                f->at_eof = n == 0;
                f->off += (uint64_t)n;
                f->io.in = f->in;
                f->io.in_len += (size_t)n;
        }
        return 0;
}

static bool stream_begins(const struct filter *f)
{
        const struct filter_codec *c = f->codec;

        if (f->io.in_len >= c->magic_len && memcmp(f->io.in, c->magic, c->magic_len) == 0)
                return true;
        return c->skip_magic && f->io.in_len >= 4 && (f->io.in[0] & 0xf0) == 0x50 &&
               memcmp(f->io.in + 1, c->skip_magic, 3) == 0;
}

/* Steps over padding and begins the next stream.  1: begun; 0: there is none; or a negative errno. */
static int between_streams(struct filter *f, struct err *err)
{
        for (;;) {
                int r = fill(f, f->codec->magic_len, err);

                if (r < 0)
                        return r;
                if (f->io.in_len == 0 || f->io.in[0] != 0)
                        break;
                while (f->io.in_len > 0 && *f->io.in == 0) {
                        f->io.in++;
                        f->io.in_len--;
                        f->n_zeros++;
                }
        }
        if (f->n_zeros && (f->codec->padding == 0 || f->n_zeros % f->codec->padding != 0))
                return err_set(err, -EBADMSG,
                        "byte %llu: zeros that %s does not allow follow the data; copy the archive again",
                        off_now(f), f->codec->name);
        if (f->io.in_len == 0)
                return 0;
        if (!stream_begins(f))
                return err_set(err, -EBADMSG,
                        "byte %llu: something that is not %s follows the %s data; copy the archive again",
                        off_now(f), f->codec->name, f->codec->name);
        f->n_zeros = 0;
        f->in_stream = true;
        return f->codec->begin(f->state) == STEP_MORE ? 1 : err_set(err, -ENOMEM, "out of memory");
}

static int step(struct filter *f, struct err *err)
{
        const char *why = "damaged";
        size_t in = f->io.in_len, out = f->io.out_len;
        const char *warned = f->io.warning;

        switch (f->codec->step(f->state, &f->io, &why)) {
        case STEP_END:
                f->in_stream = false;
                return 0;
        case STEP_MEMORY:
                return err_set(err, -ENOMEM, "out of memory");
        case STEP_BAD:
                return err_set(err, -EBADMSG, "byte %llu: %s: the data is damaged; copy the archive again",
                        off_now(f), why);
        case STEP_REFUSE:
                return err_set(err, -EBADMSG, "%s", why);
        case STEP_MORE:
                break;
        }
        /* Neither took nor gave, at the file's end: there is nothing left to hope for. */
        if (f->at_eof && f->io.in_len == in && f->io.out_len == out && f->io.warning == warned)
                return err_set(err, -EBADMSG,
                        "byte %llu: the %s data ends too early: the archive is not complete", off_now(f),
                        f->codec->name);
        return 0;
}

ssize_t filter_next(struct filter *f, const void **ret_data, struct err *err)
{
        if (f->gunzip)
                return gunzip_next(f->gunzip, ret_data, err);
        f->io.out = f->out;
        f->io.out_len = sizeof f->out;
        while (f->io.out_len > 0) {
                int r = f->in_stream ? fill(f, 1, err) : between_streams(f, err);

                if (r < 0)
                        return r;
                if (!f->in_stream)
                        break;
                r = step(f, err);
                if (r < 0)
                        return r;
        }
        *ret_data = f->out;
        return (ssize_t)(sizeof f->out - f->io.out_len);
}
