/* SPDX-License-Identifier: MPL-2.0 */
/* gzindex: what is decoded from any checkpoint is what was decoded from the beginning, with both decoders; what is
 * not whole and sound gzip is refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "archive/gzindex.h"
#include "archive/statebox.h"
#include "base/cleanup.h"
#include "tarmaker.h"

#define CHUNK (64u * 1024)
#define MARK  (16u * 1024)
#define OBJ   UINT64_C(77)

static const struct inflate_kind *const kinds[] = {
        &inflate_zlib,
#ifdef HAVE_ISAL
        &inflate_isal,
#endif
};
#define N_KINDS (sizeof kinds / sizeof kinds[0])

static uint32_t seed = 1;

static uint32_t draw(void)
{
        return (seed = seed * 1664525 + 1013904223) >> 8;
}

/* Noise, text and runs in turn: stored, dynamic and fixed blocks, references near and far. */
static void fill(char *p, size_t n)
{
        size_t i = 0;

        while (i < n) {
                size_t len = 1 + draw() % 20000, kind = draw() % 4;

                for (size_t k = 0; k < len && i < n; k++, i++) {
                        if (kind == 0)
                                p[i] = (char)draw();
                        else if (kind == 1)
                                p[i] = (char)('a' + draw() % 16);
                        else if (kind == 2)
                                p[i] = 0;
                        else
                                p[i] = i > 30000 ? p[i - 20000 - draw() % 4] : 'x';
                }
        }
}

/* Indexes @fd and collects its output. */
static int index_as(int fd, const struct inflate_kind *kind, struct gzlayout layout, struct buf *out,
        struct gzindex **ret, struct err *err)
{
        AUTO_CLEAN(gzindexer_endp) struct gzindexer *w = NULL;
        struct feed feed;
        const void *p;
        ssize_t n;

        assert_int_equal(gzindexer_begin(fd, kind, layout, UINT64_C(1) << 40, OBJ, &w, err), 0);
        feed = gzindexer_feed(w);
        while ((n = feed.next(feed.ctx, &p, err)) > 0)
                buf_add(out, p, (size_t)n);
        assert_int_equal(feed.next(feed.ctx, &p, err), n); /* the end stays the end */
        if (n < 0) {
                assert_null(gzindexer_take(w));
                return (int)n;
        }
        *ret = gzindexer_take(w);
        assert_non_null(*ret);
        return 0;
}

static int index_fd(
        int fd, const struct inflate_kind *kind, struct buf *out, struct gzindex **ret, struct err *err)
{
        return index_as(fd, kind, (struct gzlayout) { CHUNK, MARK, 0 }, out, ret, err);
}

static int index_bytes(const struct buf *gz, const struct inflate_kind *kind, struct buf *out,
        struct gzindex **ret, struct err *err)
{
        AUTO_CLOSE int fd = mem_file(gz->data, gz->len);

        return index_fd(fd, kind, out, ret, err);
}

/* Every chunk from its checkpoint, in steps of odd sizes, equals @want; so do the CRCs. */
static void assert_resumes(const struct buf *gz, const struct inflate_kind *kind, const struct gzindex *x,
        const char *want, size_t len)
{
        AUTO_CLOSE int fd = mem_file(gz->data, gz->len);
        struct gzstream *g = gzstream_new(kind, fd, NULL, NULL, 0);
        static char got[CHUNK];

        assert_int_equal(x->raw_bytes, len);
        assert_int_equal(x->n_chunks, (len + CHUNK - 1) / CHUNK);
        assert_int_equal(x->n_marks, (len + MARK - 1) / MARK);
        for (size_t n = x->n_chunks; n-- > 0;) {
                size_t all = len - n * CHUNK < CHUNK ? len - n * CHUNK : CHUNK;

                if (n > 0) {
                        AUTO_BUF struct buf state = BUF_INIT;

                        assert_int_equal(statebox_unpack(gzindex_seed(OBJ, n), x->states[n].data,
                                                 x->states[n].len, &state),
                                0);
                        assert_int_equal(gzstream_resume(g, fd, &x->places[n], state.data, state.len), 0);
                } else {
                        gzstream_rewind(g, fd);
                }
                for (size_t done = 0; done < all;) {
                        size_t left = MARK - done % MARK, part = 1 + draw() % MARK;

                        part = part < left ? part : left;
                        part = part < all - done ? part : all - done;
                        assert_int_equal(gzstream_read(g, got + done, part, NULL), part);
                        done += part;
                        if (done % MARK == 0 || done == all)
                                assert_int_equal(gzstream_crc(g), x->crcs[(n * CHUNK + done - 1) / MARK]);
                }
                assert_memory_equal(got, want + n * CHUNK, all);
        }
        gzstream_free(g);
}

static void assert_indexes(const struct buf *gz, const char *want, size_t len)
{
        for (size_t k = 0; k < N_KINDS; k++) {
                AUTO_BUF struct buf out = BUF_INIT;
                struct gzindex *x = NULL;
                struct err err = { "" };

                if (index_bytes(gz, kinds[k], &out, &x, &err) < 0)
                        fail_msg("%s: %s", kinds[k]->name(), err.text);
                assert_int_equal(out.len, len);
                assert_memory_equal(out.data ? out.data : "", want, len);
                assert_resumes(gz, kinds[k], x, want, len);
                gzindex_free(x);
        }
}

static char big[20 * CHUNK + 4321];

/* ---- sparse states --------------------------------------------------------------------------- */

/* As inflate_zlib's, but what it saves as history is not what it decoded: it is damaged on the way. */
static void save_wrongly(struct inflate *z, struct buf *b, struct inflate_saved *ret)
{
        inflate_zlib.save(z, b, ret);
        for (size_t i = 0; i < ret->history; i += 16)
                b->data[b->len - 1 - i] ^= 1;
}

/* As inflate_zlib's, but of a sparse state one byte more is lost, that is referred to. */
static int resume_wrongly(struct inflate *z, const void *p, size_t len, uint64_t *ret_skip)
{
        AUTO_FREE char *other = malloc(len + 1);
        size_t zeros = 0, i = len > 32000 ? len - 32000 : len;

        memcpy(other, p, len);
        for (size_t k = i; k < len; k++)
                zeros += other[k] == 0;
        while (zeros > 4000 && i < len && other[i] == 0)
                i++;
        if (zeros > 4000 && i < len)
                other[i] = 0;
        return inflate_zlib.resume(z, other, len, ret_skip);
}

/* Checkpoints of @gz by @kind that are kept, and the bytes that are not zero in their states. */
static void count_kept(
        const struct buf *gz, const struct inflate_kind *kind, size_t *ret_kept, size_t *ret_bytes)
{
        AUTO_BUF struct buf out = BUF_INIT;
        AUTO_CLOSE int fd = mem_file(gz->data, gz->len);
        struct gzindex *x = NULL;

        *ret_kept = *ret_bytes = 0;
        /* With shorter marks igzip is ahead of them by much of the history. */
        assert_int_equal(index_as(fd, kind, (struct gzlayout) { CHUNK, CHUNK, 0 }, &out, &x, NULL), 0);
        for (size_t n = 1; n < x->n_chunks; n++) {
                AUTO_BUF struct buf st = BUF_INIT;

                assert_int_equal(x->places[n].where == GZPLACE_NONE, x->states[n].len == 0);
                if (x->states[n].len == 0)
                        continue;
                assert_int_equal(
                        statebox_unpack(gzindex_seed(OBJ, n), x->states[n].data, x->states[n].len, &st), 0);
                ++*ret_kept;
                for (size_t i = 0; i < st.len; i++)
                        *ret_bytes += st.data[i] != 0;
        }
        gzindex_free(x);
}

static void nothing_is_kept_that_nothing_refers_to(void **state)
{
        AUTO_BUF struct buf gz = BUF_INIT;
        size_t kept, bytes;

        (void)state;
        for (size_t i = 0; i < sizeof big; i++) /* noise: no byte is referred to */
                big[i] = (char)draw();
        gz_add(&gz, big, sizeof big, 6);
        for (size_t k = 0; k < N_KINDS; k++) {
                count_kept(&gz, kinds[k], &kept, &bytes);
                assert_int_equal(kept, sizeof big / CHUNK);
                assert_true(bytes < kept * 800);
        }
        gz.len = 0;
        for (size_t i = 0; i < sizeof big; i++) /* each byte is */
                big[i] = i < 30000 ? (char)(1 + draw() % 255) : big[i - 30000];
        gz_add(&gz, big, sizeof big, 6);
        for (size_t k = 0; k < N_KINDS; k++) {
                count_kept(&gz, kinds[k], &kept, &bytes);
                assert_int_equal(kept, sizeof big / CHUNK);
                if (kinds[k] != &inflate_zlib) /* there it is all one block, which has no place inside */
                        assert_true(bytes > kept * 25000);
        }
        assert_indexes(&gz, big, sizeof big);
}

static void a_byte_wrongly_cleared_is_caught(void **state)
{
        AUTO_BUF struct buf gz = BUF_INIT;
        struct inflate_kind lossy = inflate_zlib, wrong = inflate_zlib;
        size_t kept, bytes;

        (void)state;
        for (size_t i = 0; i < sizeof big; i++) /* half of it is referred to; no byte is zero */
                big[i] = i < 30000 || i / 100 % 2 ? (char)(1 + draw() % 255) : big[i - 30000];
        gz_add(&gz, big, sizeof big, 6);
        count_kept(&gz, &inflate_zlib, &kept, &bytes);
        assert_int_equal(kept, sizeof big / CHUNK);
        assert_true(bytes < kept * 24000);
        wrong.resume = resume_wrongly; /* then the whole states are kept */
        count_kept(&gz, &wrong, &kept, &bytes);
        assert_int_equal(kept, sizeof big / CHUNK);
        assert_true(bytes > kept * 32000);
        lossy.save = save_wrongly; /* then none: even the whole ones are wrong */
        count_kept(&gz, &lossy, &kept, &bytes);
        assert_int_equal(kept, 0);
}

static void what_is_kept_stays_below_its_bound(void **state)
{
        AUTO_BUF struct buf gz = BUF_INIT;
        AUTO_CLOSE int fd = -1;

        (void)state;
        fill(big, sizeof big);
        gz_add(&gz, big, sizeof big, 6);
        fd = mem_file(gz.data, gz.len);
        for (size_t k = 0; k < N_KINDS; k++) {
                AUTO_BUF struct buf out = BUF_INIT;
                struct gzindex *x = NULL;
                size_t all = 0, none = 0;

                assert_int_equal(
                        index_as(fd, kinds[k], (struct gzlayout) { CHUNK, MARK, 300 }, &out, &x, NULL), 0);
                for (size_t n = 1; n < x->n_chunks; n++) {
                        all += x->states[n].len;
                        none += x->places[n].where == GZPLACE_NONE;
                }
                assert_true(none > 0);
                assert_true(all <= (x->n_chunks + 8) * 300);
                gzindex_free(x);
        }
}

static void resumes_at_every_checkpoint(void **state)
{
        (void)state;
        fill(big, sizeof big);
        for (int level = 0; level <= 9; level += 3) {
                AUTO_BUF struct buf gz = BUF_INIT;

                gz_add(&gz, big, sizeof big, level);
                assert_indexes(&gz, big, sizeof big);
        }
}

static void members_end_anywhere(void **state)
{
        static const size_t steps[] = { 1, 777, MARK - 1, MARK, MARK + 1, CHUNK, CHUNK + 5, 3 * CHUNK };

        (void)state;
        fill(big, sizeof big);
        for (size_t s = 0; s < sizeof steps / sizeof steps[0]; s++) {
                size_t len = steps[s] == 1 ? 3000 : sizeof big;
                AUTO_BUF struct buf gz = BUF_INIT;

                for (size_t off = 0; off < len; off += steps[s]) {
                        gz_add(&gz, big + off, steps[s] < len - off ? steps[s] : len - off, (int)(off % 7));
                        if (draw() % 3 == 0)
                                gz_add(&gz, "", 0, 6); /* as bgzip ends its files */
                }
                assert_indexes(&gz, big, len);
                buf_add(&gz, (const char[3000]) { 0 }, 3000); /* tape blocks */
                assert_indexes(&gz, big, len);
                buf_add(&gz, "x", 1);
                for (size_t k = 0; k < N_KINDS; k++) {
                        AUTO_BUF struct buf out = BUF_INIT;
                        struct gzindex *x = NULL;
                        struct err err = { "" };

                        assert_int_equal(index_bytes(&gz, kinds[k], &out, &x, &err), -EBADMSG);
                        assert_non_null(strstr(err.text, "not gzip follows"));
                }
        }
}

/* RFC 1952, section 2.3.1: every optional field there is. */
static void headers_may_have_every_field(void **state)
{
        AUTO_BUF struct buf plain = BUF_INIT, gz = BUF_INIT;
        unsigned char h[64] = { 0x1f, 0x8b, 8, 2 | 4 | 8 | 16, 1, 2, 3, 4, 0, 3, 5, 0, 'e', 'x', 't', 'r',
                'a', 'n', 'a', 'm', 'e', 0, 'c', 0 };
        uint32_t sum = (uint32_t)crc32(0, h, 24);

        (void)state;
        h[24] = (unsigned char)sum;
        h[25] = (unsigned char)(sum >> 8);
        gz_add(&plain, "text", 4, 6);
        buf_add(&gz, h, 26);
        buf_add(&gz, plain.data + 10, plain.len - 10);
        assert_indexes(&gz, "text", 4);
        for (size_t i = 0; i < 26; i++)
                for (size_t k = 0; k < N_KINDS; k++) {
                        AUTO_BUF struct buf out = BUF_INIT;
                        struct gzindex *x = NULL;

                        gz.data[i] ^= 0x40;
                        assert_int_equal(index_bytes(&gz, kinds[k], &out, &x, NULL), -EBADMSG);
                        gz.data[i] ^= 0x40;
                }
}

static void a_cut_stream_is_refused(void **state)
{
        AUTO_BUF struct buf gz = BUF_INIT;
        size_t len = 3 * CHUNK + 100;

        (void)state;
        fill(big, len);
        gz_add(&gz, big, len, 6);
        for (unsigned i = 0; i < 64 + 9; i++)
                for (size_t k = 0; k < N_KINDS; k++) {
                        AUTO_BUF struct buf out = BUF_INIT;
                        struct buf cut = gz;
                        struct gzindex *x = NULL;

                        cut.len = i < 64 ? gz.len * i / 64 : gz.len - (i - 63);
                        if (i == 64 + 8)
                                cut.len = gz.len - 8; /* without any trailer */
                        assert_int_equal(index_bytes(&cut, kinds[k], &out, &x, NULL), -EBADMSG);
                }
}

/* One wrong bit: refused, or it did not matter (the header's time, padding of a stored block). */
static void a_flipped_bit_is_refused_or_harmless(void **state)
{
        AUTO_BUF struct buf gz = BUF_INIT;
        size_t len = CHUNK / 2 + 100;
        unsigned refused = 0, tries = 0;

        (void)state;
        seed = 20261123; /* bytes that do not compress to nothing, whatever was drawn before */
        fill(big, len);
        gz_add(&gz, big, len, 6);
        assert_true(gz.len > 4000);
        for (unsigned i = 0; i < 250; i++) {
                size_t bit = i < 144 ? i < 80 ? i : (gz.len - 8) * 8 + i - 80
                                     : (draw() << 10 ^ draw()) % (gz.len * 8);

                gz.data[bit / 8] = (char)(gz.data[bit / 8] ^ 1 << bit % 8);
                for (size_t k = 0; k < N_KINDS; k++, tries++) {
                        AUTO_BUF struct buf out = BUF_INIT;
                        struct gzindex *x = NULL;
                        int r = index_bytes(&gz, kinds[k], &out, &x, NULL);

                        if (r < 0) {
                                assert_int_equal(r, -EBADMSG);
                                refused++;
                                continue;
                        }
                        assert_int_equal(out.len, len);
                        assert_memory_equal(out.data, big, len);
                        gzindex_free(x);
                }
                gz.data[bit / 8] = (char)(gz.data[bit / 8] ^ 1 << bit % 8);
        }
        assert_true(refused > tries * 8 / 10);
}

static void a_bomb_and_a_changing_file_end_it(void **state)
{
        AUTO_BUF struct buf gz = BUF_INIT, out = BUF_INIT;
        AUTO_CLOSE int fd = -1;
        AUTO_CLEAN(gzindexer_endp) struct gzindexer *w = NULL;
        struct gzindex *x = NULL;
        struct feed feed;
        const void *p;
        ssize_t n;

        (void)state;
        memset(big, 0, sizeof big);
        gz_add(&gz, big, sizeof big, 9);
        fd = mem_file(gz.data, gz.len);
        assert_int_equal(
                gzindexer_begin(fd, INFLATE_BEST, (struct gzlayout) { CHUNK, MARK, 0 }, CHUNK, OBJ, &w, NULL),
                0);
        feed = gzindexer_feed(w);
        while ((n = feed.next(feed.ctx, &p, NULL)) > 0)
                ;
        assert_int_equal(n, -EFBIG);
        gzindexer_end(take_ptr(&w));
        assert_int_equal(gzindexer_begin(fd, INFLATE_BEST, (struct gzlayout) { CHUNK, MARK, 0 }, 1 << 30, OBJ,
                                 &w, NULL),
                0);
        feed = gzindexer_feed(w);
        assert_true(feed.next(feed.ctx, &p, NULL) > 0);    /* and is left while the thread waits for room */
        assert_int_equal(pwrite(fd, "\0", 1, 1 << 20), 1); /* zeros behind: still sound gzip */
        while ((n = feed.next(feed.ctx, &p, NULL)) > 0)
                ;
        assert_int_equal(n, -ESTALE);
        assert_null(gzindexer_take(w));
        (void)x;
        (void)out;
}

/* ---- more than 32 bits can count ------------------------------------------------------------- */

/* By arithmetic: a member that believes to have 4 GiB behind it ends well, by both decoders. */
static void isize_is_counted_modulo_2_to_the_32(void **state)
{
        AUTO_BUF struct buf gz = BUF_INIT;
        AUTO_CLOSE int fd = -1;

        (void)state;
        fill(big, sizeof big);
        gz_add(&gz, big, sizeof big, 6);
        fd = mem_file(gz.data, gz.len);
        for (size_t k = 0; k < N_KINDS; k++) {
                AUTO_BUF struct buf out = BUF_INIT, st = BUF_INIT;
                struct gzstream *g = gzstream_new(kinds[k], fd, NULL, NULL, 0);
                static char got[sizeof big];
                struct gzindex *x = NULL;
                struct gzplace at;

                assert_int_equal(index_bytes(&gz, kinds[k], &out, &x, NULL), 0);
                assert_int_equal(
                        statebox_unpack(gzindex_seed(OBJ, 9), x->states[9].data, x->states[9].len, &st), 0);
                at = x->places[9];
                at.member_bytes += UINT64_C(1) << 32;
                assert_int_equal(gzstream_resume(g, fd, &at, st.data, st.len), 0);
                assert_int_equal(gzstream_read(g, got, sizeof got, NULL), sizeof big - 9 * CHUNK);
                at.member_bytes += 1;
                assert_int_equal(gzstream_resume(g, fd, &at, st.data, st.len), 0);
                assert_int_equal(gzstream_read(g, got, sizeof got, NULL), -EBADMSG);
                gzindex_free(x);
                gzstream_free(g);
        }
}

#ifdef HAVE_ISAL /* zlib takes ten seconds over it */
/* Zeros, @n times @part bytes in one member: each part a full-flushed piece of deflate. */
static int zeros_file(unsigned n, size_t part, uint64_t *ret_len)
{
        static unsigned char zeros[1 << 20];
        unsigned char header[10] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3 }, end[2] = { 3, 0 }, t[8];
        size_t cap = part / 100 + 4096, len = 0;
        AUTO_FREE unsigned char *piece = malloc(cap);
        uint64_t all = (uint64_t)n * part;
        uLong crc = crc32(0, NULL, 0), one = crc;
        z_stream z = { 0 };
        int fd = memfd_create("zeros", MFD_CLOEXEC);

        assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY), Z_OK);
        z.next_out = piece;
        z.avail_out = (uInt)cap;
        for (size_t done = 0; done < part; done += sizeof zeros) {
                z.next_in = zeros;
                z.avail_in = sizeof zeros;
                assert_int_equal(deflate(&z, done + sizeof zeros < part ? Z_NO_FLUSH : Z_FULL_FLUSH), Z_OK);
                one = crc32(one, zeros, sizeof zeros);
        }
        len = cap - z.avail_out;
        (void)deflateEnd(&z);
        assert_int_equal(write(fd, header, 10), 10);
        for (unsigned i = 0; i < n; i++) {
                assert_int_equal(write(fd, piece, len), len);
                crc = crc32_combine(crc, one, (z_off_t)part);
        }
        for (unsigned i = 0; i < 4; i++) {
                t[i] = (unsigned char)(crc >> 8 * i);
                t[4 + i] = (unsigned char)(all >> 8 * i);
        }
        assert_int_equal(write(fd, end, 2), 2);
        assert_int_equal(write(fd, t, 8), 8);
        *ret_len = all;
        return fd;
}

static void more_than_4_gib_in_one_member(void **state)
{
        AUTO_CLEAN(gzindexer_endp) struct gzindexer *w = NULL;
        AUTO_BUF struct buf st = BUF_INIT;
        AUTO_FREE unsigned char *got = malloc(GZ_CHUNK_BYTES);
        struct gzindex *x;
        struct gzstream *g;
        struct feed feed;
        uint64_t len, seen = 0;
        AUTO_CLOSE int fd = zeros_file(275, 16 << 20, &len); /* 4.3 GiB */
        const void *p;
        ssize_t n;

        (void)state;
        assert_int_equal(gzindexer_begin(fd, INFLATE_BEST, GZ_LAYOUT, UINT64_C(1) << 40, OBJ, &w, NULL), 0);
        feed = gzindexer_feed(w);
        while ((n = feed.next(feed.ctx, &p, NULL)) > 0)
                seen += (uint64_t)n;
        assert_int_equal(n, 0);
        assert_int_equal(seen, len);
        x = gzindexer_take(w);
        assert_non_null(x);
        g = gzstream_new(INFLATE_BEST, fd, NULL, NULL, 0);
        for (size_t i = 1020; i < x->n_chunks;
                i += x->n_chunks - 1 - 1020) { /* before the turn, and the last */
                st.len = 0;
                assert_int_equal(
                        statebox_unpack(gzindex_seed(OBJ, i), x->states[i].data, x->states[i].len, &st), 0);
                assert_int_equal(gzstream_resume(g, fd, &x->places[i], st.data, st.len), 0);
                assert_int_equal(gzstream_read(g, got, GZ_CHUNK_BYTES, NULL), GZ_CHUNK_BYTES);
                assert_int_equal(gzstream_crc(g), x->crcs[(i + 1) * (GZ_CHUNK_BYTES / GZ_MARK_BYTES) - 1]);
                assert_int_equal(got[0] | got[GZ_CHUNK_BYTES - 1], 0);
        }
        assert_int_equal(gzstream_read(g, got, 1, NULL), 0); /* the trailer agrees: ISIZE modulo 2^32 */
        gzstream_free(g);
        gzindex_free(x);
}
#endif

/* ---- as bytes -------------------------------------------------------------------------------- */

static void survives_packing_and_believes_no_other_bytes(void **state)
{
        AUTO_BUF struct buf gz = BUF_INIT, out = BUF_INIT, packed = BUF_INIT;
        struct gzindex *x = NULL, *y = NULL;

        (void)state;
        fill(big, sizeof big);
        gz_add(&gz, big, sizeof big, 6);
        assert_int_equal(index_bytes(&gz, INFLATE_BEST, &out, &x, NULL), 0);
        gzindex_pack(x, &packed);
        assert_int_equal(gzindex_unpack(packed.data, packed.len, &y), 0);
        assert_int_equal(y->n_chunks, x->n_chunks);
        assert_memory_equal(y->places, x->places, x->n_chunks * sizeof *x->places);
        assert_memory_equal(y->crcs, x->crcs, x->n_marks * sizeof *x->crcs);
        gzindex_free(y);
        for (size_t len = 0; len < packed.len; len++)
                assert_int_equal(gzindex_unpack(packed.data, len, &y), -EBADMSG);
        for (size_t i = 0; i < 32; i++) { /* the head */
                packed.data[i] ^= 0x20;
                if (gzindex_unpack(packed.data, packed.len, &y) == 0) /* a length that rounds alike */
                        gzindex_free(y);
                packed.data[i] ^= 0x20;
        }
        gzindex_free(x);
}

static void a_box_opens_with_its_seed_only(void **state)
{
        AUTO_BUF struct buf box = BUF_INIT, out = BUF_INIT;

        (void)state;
        fill(big, 50000);
        statebox_pack(7, big, 50000, &box);
        assert_int_equal(buf_error(&box), 0);
        assert_int_equal(statebox_unpack(7, box.data, box.len, &out), 0);
        assert_int_equal(out.len, 50000);
        assert_memory_equal(out.data, big, 50000);
        assert_int_equal(statebox_unpack(8, box.data, box.len, &out), -EBADMSG);
        for (size_t i = 0; i < box.len; i += i < 64 ? 1 : 97) {
                box.data[i] ^= 1;
                assert_int_equal(statebox_unpack(7, box.data, box.len, &out), -EBADMSG);
                box.data[i] ^= 1;
                assert_int_equal(statebox_unpack(7, box.data, i, &out), -EBADMSG);
        }
}

static void a_state_of_nonsense_is_refused(void **state)
{
        AUTO_BUF struct buf gz = BUF_INIT;
        AUTO_CLOSE int fd = -1;
        static char noise[60000];

        (void)state;
        gz_add(&gz, "text", 4, 6);
        fd = mem_file(gz.data, gz.len);
        for (size_t k = 0; k < N_KINDS; k++) {
                struct gzstream *g = gzstream_new(kinds[k], fd, NULL, NULL, 0);

                for (unsigned i = 0; i < 200; i++) {
                        struct gzplace at = { 10, 0, 0, 1 };
                        size_t len = draw() % sizeof noise;

                        for (size_t j = 0; j < 100; j++)
                                noise[j] = (char)(draw() % 3 ? 0 : draw());
                        if (gzstream_resume(g, fd, &at, noise, len) == 0)
                                (void)gzstream_read(g, noise, 1000, NULL);
                }
                gzstream_free(g);
        }
}

/* A reference to before the stream's begin, in its last bytes: igzip 2.30 counted one byte more than it was given, and the
 * counts were taken for lengths (found by fuzz_gzindex). */
static void an_error_moves_nothing(void **state)
{
        static const unsigned char in[16] = { 0xa2, 0x11, 0, 0, 0x60, 0x39, 0x6a };
        unsigned char out[1024];

        (void)state;
        for (size_t k = 0; k < N_KINDS; k++) {
                struct inflate_io io = { .in = in, .in_len = sizeof in, .out = out, .out_len = sizeof out };
                struct inflate *z = kinds[k]->begin();

                assert_int_equal(kinds[k]->run(z, &io), -EBADMSG);
                assert_true(io.in >= in && io.in_len == (size_t)(in + sizeof in - io.in));
                assert_true(io.out >= out && io.out_len == (size_t)(out + sizeof out - io.out));
                kinds[k]->end(z);
        }
}

/* With an argument: what takes a second by itself (suite long). */
int main(int argc, char **argv)
{
#ifdef HAVE_ISAL /* zlib takes ten seconds over it */
        const struct CMUnitTest slow[] = {
                cmocka_unit_test(more_than_4_gib_in_one_member),
        };
#endif
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(resumes_at_every_checkpoint),
                cmocka_unit_test(members_end_anywhere),
                cmocka_unit_test(nothing_is_kept_that_nothing_refers_to),
                cmocka_unit_test(a_byte_wrongly_cleared_is_caught),
                cmocka_unit_test(what_is_kept_stays_below_its_bound),
                cmocka_unit_test(headers_may_have_every_field),
                cmocka_unit_test(a_cut_stream_is_refused),
                cmocka_unit_test(a_flipped_bit_is_refused_or_harmless),
                cmocka_unit_test(a_bomb_and_a_changing_file_end_it),
                cmocka_unit_test(isize_is_counted_modulo_2_to_the_32),
                cmocka_unit_test(survives_packing_and_believes_no_other_bytes),
                cmocka_unit_test(a_box_opens_with_its_seed_only),
                cmocka_unit_test(a_state_of_nonsense_is_refused),
                cmocka_unit_test(an_error_moves_nothing),
        };

        (void)argv;
#ifdef HAVE_ISAL
        if (argc > 1)
                return cmocka_run_group_tests(slow, NULL, NULL);
#endif
        return argc > 1 ? 77 : cmocka_run_group_tests(tests, NULL, NULL);
}
