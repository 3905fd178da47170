/* SPDX-License-Identifier: MPL-2.0 */
/* members: where libarchive finds the bytes is where they are; and what is no sound archive is refused. */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "archive/members.h"
#include "archive/raw.h"
#include "base/cleanup.h"
#include "tarmaker.h"

static const struct members_limits limits = { 1000, 1 << 30, 4096, 1000, 1 << 20 };

/* ---- a feed from memory, in chunks of any size ----------------------------------------------- */

struct mem_feed {
        const struct buf *data;
        size_t off, chunk;
        char *copy; /* a fresh one each time, so that a use after the next call shows under ASan */
};

static ssize_t mem_next(void *ctx, const void **ret, struct err *err)
{
        struct mem_feed *f = ctx;
        size_t n = f->data->len - f->off < f->chunk ? f->data->len - f->off : f->chunk;

        (void)err;
        free(f->copy);
        f->copy = NULL;
        if (n == 0)
                return 0;
        f->copy = malloc(n);
        assert_non_null(f->copy);
        memcpy(f->copy, f->data->data + f->off, n);
        f->off += n;
        *ret = f->copy;
        return (ssize_t)n;
}

static int mem_seek(void *ctx, uint64_t off, struct err *err)
{
        struct mem_feed *f = ctx;

        (void)err;
        if (off > f->data->len)
                return -EBADMSG;
        f->off = (size_t)off;
        return 0;
}

static int read_chunks(const struct buf *data, size_t chunk, bool seek, const struct members_limits *lim,
        members_observe_fn *fn, void *ctx, struct members **ret, struct err *err)
{
        struct mem_feed f = { data, 0, chunk, NULL };
        struct feed feed = { &f, mem_next, seek ? mem_seek : NULL, seek ? data->len : 0 };
        int r = members_read(&feed, lim, fn, ctx, ret, err);

        free(f.copy);
        return r;
}

static struct members *must_read(const struct buf *data, size_t chunk, bool seek)
{
        struct members *m = NULL;
        struct err err = { "" };
        int r = read_chunks(data, chunk, seek, &limits, NULL, NULL, &m, &err);

        if (r < 0)
                fail_msg("chunk %zu: %s", chunk, err.text);
        return m;
}

static void assert_refused(const struct buf *data, bool seek, int want, const char *why)
{
        struct members *m = NULL;
        struct err err = { "" };
        int r;

        r = read_chunks(data, 65536, seek, &limits, NULL, NULL, &m, &err);
        if (r != want)
                fail_msg("%d, not refused with \"%s\"", r, why);
        assert_null(m);
        if (!strstr(err.text, why))
                fail_msg("\"%s\" does not speak of \"%s\"", err.text, why);
}

static const struct member *by_name(const struct members *m, const char *name)
{
        for (size_t i = 0; i < m->n; i++)
                if (strcmp(m->v[i].name, name) == 0)
                        return &m->v[i];
        fail_msg("no member %s", name);
        return NULL;
}

/* The file's bytes, read through its extents from the stream itself. */
static void assert_bytes(
        const struct buf *data, const struct members *m, const char *name, const void *want, size_t len)
{
        const struct member *f = by_name(m, name);
        AUTO_FREE char *got = malloc(len + 2);
        struct identity id;
        struct source *s = NULL;
        int fd = mem_file(data->data, data->len);

        assert_int_equal(identity_of_fd(fd, &id), 0);
        assert_int_equal(source_open_raw(fd, &id, &s, NULL), 0);
        assert_int_equal(f->size_bytes, len);
        assert_int_equal(
                extents_pread(m->extents + f->first_extent, f->n_extents, len, s, got, len + 2, 0), len);
        assert_memory_equal(got, want, len);
        for (size_t off = 0; off < len; off += len / 61 + 1) { /* and from anywhere */
                size_t n = len - off < 700 ? len - off : 700;

                assert_int_equal(
                        extents_pread(m->extents + f->first_extent, f->n_extents, len, s, got, 700, off), n);
                assert_memory_equal(got, (const char *)want + off, n);
        }
        source_close(s);
}

static char *noise(size_t len)
{
        char *p = malloc(len);
        uint32_t x = 7;

        assert_non_null(p);
        for (size_t i = 0; i < len; i++)
                p[i] = (char)((x = x * 1664525 + 1013904223) >> 24);
        return p;
}

/* ---- libarchive's writer, for what is hard by hand ------------------------------------------- */

static la_ssize_t to_buf(struct archive *a, void *ctx, const void *p, size_t n)
{
        (void)a;
        buf_add(ctx, p, n);
        return (la_ssize_t)n;
}

static struct archive *writer(struct buf *out, int (*format)(struct archive *), const char *options)
{
        struct archive *a = archive_write_new();

        assert_int_equal(format(a), ARCHIVE_OK);
        assert_int_equal(archive_write_add_filter_none(a), ARCHIVE_OK);
        assert_int_equal(archive_write_set_options(a, options), ARCHIVE_OK);
        assert_int_equal(archive_write_open(a, out, NULL, to_buf, NULL), ARCHIVE_OK);
        return a;
}

static void put(struct archive *a, const char *name, const void *data, size_t len, const int64_t (*runs)[2],
        size_t n_runs)
{
        struct archive_entry *e = archive_entry_new();

        archive_entry_set_pathname(e, name);
        archive_entry_set_filetype(e, AE_IFREG);
        archive_entry_set_perm(e, 0644);
        archive_entry_set_mtime(e, 1704067200, 0);
        archive_entry_set_size(e, (la_int64_t)len);
        for (size_t i = 0; i < n_runs; i++)
                archive_entry_sparse_add_entry(e, runs[i][0], runs[i][1]);
        assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
        assert_int_equal(archive_write_data(a, data, len), len);
        archive_entry_free(e);
}

/* ---- what is read ---------------------------------------------------------------------------- */

static void tells_kind_mode_time_and_links(void **state)
{
        AUTO_BUF struct buf t = BUF_INIT;
        AUTO_CLEAN(members_freep) struct members *m = NULL;

        (void)state;
        tar_dir(&t, "d/");
        tar_add(&t, &(struct tar_member) {
                            .name = "d/f", .mode = 04711, .mtime_sec = 12345, .data = "abc", .len = 3 });
        tar_link(&t, '2', "d/s", "f");
        tar_link(&t, '1', "d/h", "d/f");
        tar_add(&t, &(struct tar_member) { .name = "d/null", .type = '3' });
        tar_add(&t, &(struct tar_member) { .name = "d/fifo", .type = '6' });
        tar_end(&t);
        m = must_read(&t, 65536, false);
        assert_int_equal(m->format, FORMAT_TAR);
        assert_int_equal(m->n, 6);
        assert_null(m->warning);
        assert_int_equal(m->v[0].kind, MEMBER_DIR);
        assert_int_equal(m->v[1].kind, MEMBER_FILE);
        assert_int_equal(m->v[1].mode, 04711);
        assert_int_equal(m->v[1].mtime_sec, 12345);
        assert_int_equal(m->v[2].kind, MEMBER_SYMLINK);
        assert_string_equal(m->v[2].link, "f");
        assert_int_equal(m->v[3].kind, MEMBER_HARDLINK);
        assert_string_equal(m->v[3].link, "d/f");
        assert_int_equal(m->v[4].kind, MEMBER_SPECIAL);
        assert_int_equal(m->v[5].kind, MEMBER_SPECIAL);
        assert_bytes(&t, m, "d/f", "abc", 3);
}

static void finds_the_bytes_whatever_the_chunks(void **state)
{
        static const size_t chunks[] = { 1, 7, 511, 512, 513, 1000, 4096, 65536, 262144 };
        size_t len = 150001;
        AUTO_FREE char *data = noise(len);
        AUTO_BUF struct buf t = BUF_INIT;

        (void)state;
        tar_add(&t, &(struct tar_member) { .name = "a", .data = data, .len = 1 });
        tar_add(&t, &(struct tar_member) { .name = "b", .data = data, .len = len });
        tar_add(&t, &(struct tar_member) { .name = "c", .data = data + 9, .len = 512 });
        tar_end(&t);
        for (size_t i = 0; i < sizeof chunks / sizeof chunks[0]; i++) {
                AUTO_CLEAN(members_freep) struct members *m = must_read(&t, chunks[i], i % 2);

                assert_bytes(&t, m, "a", data, 1);
                assert_bytes(&t, m, "b", data, len);
                assert_bytes(&t, m, "c", data + 9, 512);
                assert_int_equal(m->n_extents, 3); /* merged */
        }
}

static void finds_the_bytes_of_pax_sparse_files(void **state)
{
        static const int64_t runs[][2] = { { 4096, 5120 }, { 100352, 512 }, { 262144, 60001 } },
                             none[][2] = { { 300000, 0 } };
        size_t len = 400000;
        AUTO_FREE char *data = noise(len), *zeros = calloc(1, len);
        AUTO_BUF struct buf t = BUF_INIT;
        AUTO_CLEAN(members_freep) struct members *m = NULL;
        struct archive *a = writer(&t, archive_write_set_format_pax, "");

        (void)state;
        for (size_t off = 0, i = 0; i <= 3; off = (size_t)(runs[i][0] + runs[i][1]), i++) {
                memset(data + off, 0, (i < 3 ? (size_t)runs[i][0] : len) - off);
                if (i == 3)
                        break;
        }
        put(a, "sparse", data, len, runs, 3);
        put(a, "plain", data, len, NULL, 0);
        put(a, "hole", zeros, 300000, none, 1);
        assert_int_equal(archive_write_free(a), ARCHIVE_OK);
        m = must_read(&t, 4096, false);
        assert_true(by_name(m, "sparse")->n_extents == 3);
        assert_int_equal(by_name(m, "hole")->n_extents, 0);
        assert_bytes(&t, m, "sparse", data, len);
        assert_bytes(&t, m, "plain", data, len);
        assert_bytes(&t, m, "hole", zeros, 300000);
}

/* GNU tar's old form: type 'S', the map in the header at 386, the real size at 483. */
static void add_gnu_sparse(
        struct buf *t, const char *name, const char *data, const unsigned (*runs)[2], size_t n, unsigned size)
{
        char h[512] = { 0 };
        size_t stored = 0;

        for (size_t i = 0; i < n; i++) {
                (void)snprintf(h + 386 + 24 * i, 12, "%011o", runs[i][0]);
                (void)snprintf(h + 386 + 24 * i + 12, 12, "%011o", runs[i][1]);
                stored += runs[i][1];
        }
        memcpy(h, name, strlen(name));
        memcpy(h + 100, "0000644", 8);
        (void)snprintf(h + 124, 12, "%011zo", stored);
        memcpy(h + 136, "00000000001", 12);
        h[156] = 'S';
        memcpy(h + 257, "ustar  ", 8);
        (void)snprintf(h + 483, 12, "%011o", size);
        tar_checksum(h);
        buf_add(t, h, 512);
        buf_add(t, data, stored);
        buf_add(t, (char[512]) { 0 }, (512 - stored % 512) % 512);
}

static void finds_the_bytes_of_gnu_sparse_files(void **state)
{
        static const unsigned runs[][2] = { { 1024, 512 }, { 5000, 3000 }, { 9000, 0 } },
                              hole[][2] = { { 104857600, 0 } };
        char want[9000] = { 0 };
        AUTO_FREE char *data = noise(4000);
        AUTO_BUF struct buf t = BUF_INIT;
        AUTO_CLEAN(members_freep) struct members *m = NULL;

        (void)state;
        add_gnu_sparse(&t, "gnu", data, runs, 3, 9000);
        add_gnu_sparse(&t, "onlyhole", data, hole, 1, 104857600);
        tar_file(&t, "after", "after");
        tar_end(&t);
        memcpy(want + 1024, data, 512);
        memcpy(want + 5000, data + 512, 3000);
        m = must_read(&t, 700, false);
        assert_bytes(&t, m, "gnu", want, sizeof want);
        assert_bytes(&t, m, "after", "after", 5);
        assert_int_equal(by_name(m, "onlyhole")->size_bytes, 104857600);
        assert_int_equal(by_name(m, "onlyhole")->n_extents, 0);
}

static void refuses_a_sparse_map_out_of_order_or_too_large(void **state)
{
        static const unsigned maps[][2][2] = { { { 5000, 512 }, { 1024, 512 } }, { { 0, 512 }, { 256, 512 } },
                { { 0, 512 }, { 8900, 512 } } };
        AUTO_FREE char *data = noise(4000);

        (void)state;
        for (size_t i = 0; i < 3; i++) {
                AUTO_BUF struct buf t = BUF_INIT;
                AUTO_CLEAN(members_freep) struct members *m = NULL;
                struct err err = { "" };
                int r;

                add_gnu_sparse(&t, "gnu", data, maps[i], 2, 9000);
                tar_end(&t);
                r = read_chunks(&t, 65536, false, &limits, NULL, NULL, &m, &err);
                if (r == 0) /* libarchive cut it to the size itself */
                        assert_true(m->extents[m->n_extents - 1].off_member +
                                            m->extents[m->n_extents - 1].len_bytes <=
                                    9000);
                else
                        assert_int_equal(r, -EBADMSG);
        }
}

static void finds_the_bytes_of_an_iso(void **state)
{
        size_t len = 300000;
        AUTO_FREE char *data = noise(len);
        AUTO_BUF struct buf iso = BUF_INIT;
        AUTO_CLEAN(members_freep) struct members *m = NULL;
        struct archive *a = writer(&iso, archive_write_set_format_iso9660, "rockridge=strict");

        (void)state;
        put(a, "platform/boot_archive.manifest", data, len, NULL, 0);
        put(a, "boot/loader", data + 5, 4096, NULL, 0);
        put(a, "boot/copy", data + 5, 4096, NULL, 0);
        assert_int_equal(archive_write_free(a), ARCHIVE_OK);
        m = must_read(&iso, 4096, true);
        assert_int_equal(m->format, FORMAT_ISO);
        assert_bytes(&iso, m, "platform/boot_archive.manifest", data, len);
        assert_bytes(&iso, m, "boot/loader", data + 5, 4096);
        assert_int_equal(by_name(m, "boot/loader")->mtime_sec, 1704067200);
}

struct seen {
        struct buf bytes;
        unsigned ends;
};

static int see(void *ctx, size_t index, const struct member *m, uint64_t off, const void *data, size_t len,
        struct err *err)
{
        struct seen *s = ctx;

        (void)index;
        (void)err;
        if (strcmp(m->name, "stop") == 0)
                return -ECANCELED;
        assert_true(off >= s->bytes.len);
        while (s->bytes.len < off)
                buf_add(&s->bytes, "", 1);
        buf_add(&s->bytes, data ? data : "", len);
        s->ends += len == 0;
        return 0;
}

static void an_observer_sees_each_file_whole_and_may_stop(void **state)
{
        static const unsigned runs[][2] = { { 1024, 512 }, { 2000, 0 } };
        AUTO_FREE char *data = noise(1000);
        AUTO_BUF struct buf t = BUF_INIT;
        struct members *m = NULL;
        struct seen s = { BUF_INIT, 0 };
        char want[2000] = { 0 };

        (void)state;
        add_gnu_sparse(&t, "gnu", data, runs, 2, 2000);
        memcpy(want + 1024, data, 512);
        tar_end(&t);
        assert_int_equal(read_chunks(&t, 100, false, &limits, see, &s, &m, NULL), 0);
        members_free(m);
        assert_int_equal(s.bytes.len, 2000);
        assert_memory_equal(s.bytes.data, want, 2000);
        assert_int_equal(s.ends, 1);
        buf_fini(&s.bytes);
        buf_fini(&t);
        tar_file(&t, "stop", "x");
        assert_int_equal(read_chunks(&t, 100, false, &limits, see, &s, &m, NULL), -ECANCELED);
}

static void gives_names_byte_for_byte(void **state)
{
        static const char *const names[] = { "gr\xc3\xbc\xc3\x9fz", "nfd-u\xcc\x88", "latin-\xfc",
                "\xe2\x98\x83/\xf0\x9f\x98\x80", "a\nb", "../x", "/abs", "a//b/./c" };

        (void)state;
        for (int loc = 0; loc < 2; loc++) {
                (void)setlocale(LC_CTYPE, loc ? "C.UTF-8" : "C");
                for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
                        for (int pax = 0; pax < 2; pax++) {
                                AUTO_BUF struct buf t = BUF_INIT;
                                AUTO_CLEAN(members_freep) struct members *m = NULL;

                                if (pax)
                                        tar_pax(&t, "path", names[i], strlen(names[i]));
                                tar_file(&t, pax ? "short" : names[i], "x");
                                tar_end(&t);
                                m = must_read(&t, 65536, false);
                                assert_string_equal(m->v[0].name, names[i]);
                        }
        }
}

/* ---- warnings -------------------------------------------------------------------------------- */

static void warns_of_a_missing_end_and_of_what_follows_it(void **state)
{
        static const struct {
                bool end;
                const char *tail;
                size_t len;
                const char *warning; /* NULL: none */
        } table[] = {
                { true, "", 0, NULL },
                { true, "\0\0\0", 3, NULL },
                { false, "", 0, "no end-of-archive" },
                { true, "x", 1, "something follows" },
                { true, "\0\0\0\0x", 5, "something follows" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
                for (size_t chunk = 64; chunk <= 65536; chunk *= 32) {
                        AUTO_BUF struct buf t = BUF_INIT;
                        AUTO_CLEAN(members_freep) struct members *m = NULL;

                        tar_file(&t, "f", "x");
                        if (table[i].end)
                                tar_end(&t);
                        buf_add(&t, table[i].tail, table[i].len);
                        m = must_read(&t, chunk, false);
                        if (!table[i].warning)
                                assert_null(m->warning);
                        else
                                assert_non_null(m->warning && strstr(m->warning, table[i].warning)
                                                        ? m->warning
                                                        : NULL);
                }
}

static void warns_of_a_second_archive_behind_the_first(void **state)
{
        AUTO_BUF struct buf t = BUF_INIT;
        AUTO_CLEAN(members_freep) struct members *m = NULL;

        (void)state;
        tar_file(&t, "first", "1");
        tar_end(&t);
        tar_file(&t, "second", "2");
        tar_end(&t);
        m = must_read(&t, 512, false);
        assert_int_equal(m->n, 1);
        assert_non_null(strstr(m->warning, "second"));
}

/* ---- refusals -------------------------------------------------------------------------------- */

static void refuses_what_is_no_archive(void **state)
{
        static const struct {
                const char *data;
                const char *why;
        } table[] = { { "", "empty" }, { "<html><title>404</title>", "web page" }, { "BZh91AY&SY", "bzip2" },
                { "hello", "neither a tar" } };

        (void)state;
        for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
                AUTO_BUF struct buf t = BUF_INIT;

                buf_puts(&t, table[i].data);
                assert_refused(&t, false, -EBADMSG, table[i].why);
                assert_refused(&t, true, -EBADMSG, table[i].why);
        }
}

static void refuses_a_tar_of_zeros_only(void **state)
{
        AUTO_BUF struct buf t = BUF_INIT;

        (void)state;
        for (int i = 0; i < 20; i++)
                tar_end(&t);
        assert_refused(&t, false, -EBADMSG, "nothing");
}

static void refuses_a_tar_cut_inside_a_member(void **state)
{
        AUTO_FREE char *data = noise(5000);
        AUTO_BUF struct buf t = BUF_INIT;
        size_t whole;

        (void)state;
        tar_file(&t, "a", "a");
        tar_add(&t, &(struct tar_member) { .name = "b", .data = data, .len = 5000 });
        whole = t.len - 120; /* 5000 bytes end 120 bytes before the block does */
        for (size_t n = 1025; n < whole; n += 61) {
                struct buf cut = { t.data, n, t.cap, 0 };

                assert_refused(&cut, false, -EBADMSG, "");
        }
}

static void refuses_a_damaged_header(void **state)
{
        AUTO_BUF struct buf t = BUF_INIT;

        (void)state;
        tar_file(&t, "a", "a");
        tar_file(&t, "b", "b");
        tar_end(&t);
        t.data[1024 + 3] ^= 1;
        assert_refused(&t, false, -EBADMSG, "");
}

/* Base-256 numbers (GNU): the high bit of the first byte set; all ones is negative. */
static void refuses_negative_and_huge_sizes(void **state)
{
        static const struct {
                unsigned char first, rest;
                int want;
        } table[] = { { 0xff, 0xff, -EBADMSG }, { 0xff, 0x00, -EBADMSG }, { 0x80, 0x7f, -E2BIG } };

        (void)state;
        for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
                AUTO_BUF struct buf t = BUF_INIT;
                struct members *m = NULL;
                struct err err = { "" };
                int r;

                tar_file(&t, "a", "a");
                t.data[124] = (char)table[i].first;
                memset(t.data + 125, table[i].rest, 11);
                tar_checksum(t.data);
                tar_end(&t);
                r = read_chunks(&t, 65536, false, &limits, NULL, NULL, &m, &err);
                if (r == 0) { /* libarchive 3.6.2 takes some for 0: then nothing is read */
                        assert_int_equal(m->v[0].size_bytes, 0);
                        members_free(m);
                } else {
                        assert_true(r == -EBADMSG || r == -E2BIG);
                }
        }
}

static void refuses_more_than_its_limits(void **state)
{
        AUTO_BUF struct buf t = BUF_INIT;
        struct members *m = NULL;
        struct members_limits members2 = limits, bytes = limits, name = limits, names = limits,
                              extents = limits;
        struct err err = { "" };

        (void)state;
        for (int i = 0; i < 3; i++)
                tar_file(&t, "name", "0123456789");
        tar_link(&t, '2', "l", "a-long-target");
        tar_end(&t);
        members2.max_members = 3;
        bytes.max_total_bytes = 29;
        name.max_name_bytes = 12;
        names.max_names_bytes = 15; /* three times "name" is 15 with the NULs, and a link comes */
        assert_int_equal(read_chunks(&t, 512, false, &members2, NULL, NULL, &m, &err), -E2BIG);
        assert_int_equal(read_chunks(&t, 512, false, &bytes, NULL, NULL, &m, &err), -E2BIG);
        assert_int_equal(read_chunks(&t, 512, false, &name, NULL, NULL, &m, &err), -E2BIG);
        assert_int_equal(read_chunks(&t, 512, false, &names, NULL, NULL, &m, &err), -E2BIG);
        extents.max_extents = 2; /* each file is one: its header stands before the next */
        assert_int_equal(read_chunks(&t, 512, false, &extents, NULL, NULL, &m, &err), -E2BIG);
        members2.max_members = 4;
        bytes.max_total_bytes = 30;
        name.max_name_bytes = 13;
        assert_int_equal(read_chunks(&t, 512, false, &members2, NULL, NULL, &m, &err), 0);
        members_free(m);
        assert_int_equal(read_chunks(&t, 512, false, &bytes, NULL, NULL, &m, &err), 0);
        members_free(m);
        assert_int_equal(read_chunks(&t, 512, false, &name, NULL, NULL, &m, &err), 0);
        members_free(m);
}

static void refuses_isos_it_cannot_show(void **state)
{
        AUTO_FREE char *zeros = calloc(1, 200000);
        static const struct {
                const char *options, *why;
                bool seek;
                bool cut; /* to a half */
        } table[] = {
                { "!rockridge,!joliet", "Rock Ridge", true, false },
                { "!rockridge,joliet", "Rock Ridge", true, false },
                { "rockridge,zisofs=direct", "zisofs", true, false },
                { "rockridge", "decompress", false, false },
                { "rockridge", "not complete", true, true },
        };

        (void)state;
        for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
                AUTO_BUF struct buf iso = BUF_INIT;
                struct archive *a = writer(&iso, archive_write_set_format_iso9660, table[i].options);

                put(a, "platform/boot_archive.manifest", zeros, 200000, NULL, 0);
                assert_int_equal(archive_write_free(a), ARCHIVE_OK);
                if (table[i].cut)
                        iso.len /= 2;
                assert_refused(&iso, table[i].seek, table[i].seek ? -EBADMSG : -ESPIPE, table[i].why);
        }
}

static ssize_t failing_next(void *ctx, const void **ret, struct err *err)
{
        (void)ctx;
        (void)ret;
        return err_set(err, -EIO, "the disk has failed");
}

/* xorriso -dev, a second session: the long names of old files stand before the directory. */
static void an_iso_with_its_names_out_of_order_names_the_way_out(void **state)
{
        char name[241] = { 0 };
        AUTO_BUF struct buf iso = BUF_INIT;
        struct archive *a = writer(&iso, archive_write_set_format_iso9660, "rockridge=strict");
        unsigned n = 0;

        (void)state;
        memset(name, 'n', sizeof name - 1);
        put(a, name, "x", 1, NULL, 0);
        assert_int_equal(archive_write_free(a), ARCHIVE_OK);
        for (size_t i = 0; i + 28 < iso.len; i++)
                if (memcmp(iso.data + i, "CE\x1c\1", 4) == 0) { /* its block, in both byte orders */
                        memcpy(iso.data + i + 4, "\1\0\0\0\0\0\0\1", 8);
                        n++;
                }
        assert_true(n > 0);
        assert_refused(&iso, true, -EBADMSG, "write it anew in one session");
}

static void hands_on_the_feeds_error(void **state)
{
        struct feed feed = { NULL, failing_next, NULL, 0 };
        struct members *m = NULL;
        struct err err = { "" };

        (void)state;
        assert_int_equal(members_read(&feed, &limits, NULL, NULL, &m, &err), -EIO);
        assert_string_equal(err.text, "the disk has failed");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(tells_kind_mode_time_and_links),
                cmocka_unit_test(finds_the_bytes_whatever_the_chunks),
                cmocka_unit_test(finds_the_bytes_of_pax_sparse_files),
                cmocka_unit_test(finds_the_bytes_of_gnu_sparse_files),
                cmocka_unit_test(refuses_a_sparse_map_out_of_order_or_too_large),
                cmocka_unit_test(finds_the_bytes_of_an_iso),
                cmocka_unit_test(an_observer_sees_each_file_whole_and_may_stop),
                cmocka_unit_test(gives_names_byte_for_byte),
                cmocka_unit_test(warns_of_a_missing_end_and_of_what_follows_it),
                cmocka_unit_test(warns_of_a_second_archive_behind_the_first),
                cmocka_unit_test(refuses_what_is_no_archive),
                cmocka_unit_test(refuses_a_tar_of_zeros_only),
                cmocka_unit_test(refuses_a_tar_cut_inside_a_member),
                cmocka_unit_test(refuses_a_damaged_header),
                cmocka_unit_test(refuses_negative_and_huge_sizes),
                cmocka_unit_test(refuses_more_than_its_limits),
                cmocka_unit_test(refuses_isos_it_cannot_show),
                cmocka_unit_test(an_iso_with_its_names_out_of_order_names_the_way_out),
                cmocka_unit_test(hands_on_the_feeds_error),
        };

        (void)setlocale(LC_CTYPE, "C.UTF-8");
        return cmocka_run_group_tests(tests, NULL, NULL);
}
