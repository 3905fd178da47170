/* SPDX-License-Identifier: MPL-2.0 */
/* catalog: what is offered, what is not and why, over changes of the directory, restarts and losses. */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/digest.h"
#include "build/catalog.h"
#include "build/dirscan.h"
#include "packer.h"
#include "tarmaker.h"

#define STAMP2 "20240202T000000Z"
#define STAMP3 "20230303T000000Z"

/* ---- a node of our own ----------------------------------------------------------------------- */

struct world {
        char bpath[64], cpath[64];
        int bfd, cfd;
        struct catalog_options opts;
        struct catalog *c;
        struct catalog_view *v; /* the newest; see scan() */
        bool more;
        int poll_ms;
};

static struct buf logged; /* all lines since the test began */

static void take_line(int priority, const char *line)
{
        (void)priority;
        buf_printf(&logged, "%s\n", line);
}

static void open_catalog(struct world *w)
{
        struct err err = { "" };

        if (catalog_open(&w->opts, &w->c, &err) < 0)
                fail_msg("%s", err.text);
}

static void close_catalog(struct world *w)
{
        catalog_view_unref(w->v);
        catalog_close(w->c);
        w->v = NULL;
        w->c = NULL;
}

/* Stands between the archives and the catalog: every byte pattern "ramdisk of" read is spoilt while this is not 0. */
static atomic_size_t rotten;

static void rot_from_now(size_t on)
{
        atomic_store(&rotten, on);
}

ssize_t __real_pread(int fd, void *p, size_t n, off_t off);
ssize_t __wrap_pread(int fd, void *p, size_t n, off_t off);
ssize_t __wrap_pread64(int fd, void *p, size_t n, off_t off);

ssize_t __wrap_pread(int fd, void *p, size_t n, off_t off)
{
        ssize_t got = __real_pread(fd, p, n, off);
        char *at = atomic_load(&rotten) && got > 0 ? memmem(p, (size_t)got, "ramdisk of ", 11) : NULL;

        if (at)
                *at ^= 1;
        return got;
}

ssize_t __wrap_pread64(int fd, void *p, size_t n, off_t off)
{
        return __wrap_pread(fd, p, n, off);
}

static int set_up(void **state)
{
        struct world *w = calloc(1, sizeof *w);

        w->bfd = scratch_open(w->bpath);
        w->cfd = scratch_open(w->cpath);
        w->opts = (struct catalog_options) { .builds_dirfd = w->bfd,
                .cache_dirfd = w->cfd,
                .spool_max_bytes = 1 << 30,
                .object_bits = 40,
                .log = take_line };
        open_catalog(w);
        *state = w;
        return 0;
}

static int tear_down(void **state)
{
        struct world *w = *state;

        close_catalog(w);
        buf_fini(&logged);
        scratch_close(w->bpath, w->bfd);
        scratch_close(w->cpath, w->cfd);
        free(w);
        return 0;
}

static void scan_as(struct world *w, bool wait)
{
        struct err err = { "" };

        if (catalog_scan(w->c, wait, &w->more, &w->poll_ms, &err) < 0)
                fail_msg("%s", err.text);
        catalog_view_unref(w->v);
        w->v = catalog_view_get(w->c);
}

static void scan(struct world *w)
{
        scan_as(w, true);
}

static void restart(struct world *w)
{
        close_catalog(w);
        open_catalog(w);
}

/* A platform of @stamp below @top, as a tar or, if @gz, as a tgz. */
static void put_platform(
        const struct world *w, const char *file, const char *top, const char *stamp, bool gz, int age_sec)
{
        AUTO_BUF struct buf t = BUF_INIT, z = BUF_INIT;

        tar_platform(&t, top, stamp);
        tar_end(&t);
        if (gz)
                gz_add(&z, t.data, t.len, 6);
        scratch_put(w->bfd, file, gz ? z.data : t.data, gz ? z.len : t.len, age_sec);
}

static const struct archive_status *status(const struct world *w, const char *file)
{
        for (size_t i = 0; i < w->v->n_archives; i++)
                if (strcmp(w->v->archives[i].file, file) == 0)
                        return &w->v->archives[i];
        fail_msg("%s is not listed", file);
        return NULL;
}

static void assert_state(const struct world *w, const char *file, enum archive_state state, const char *why)
{
        const struct archive_status *a = status(w, file);

        if (a->state != state || (why && !(a->reason && strstr(a->reason, why))) || (!why && a->reason))
                fail_msg("%s is %s: %s", file, archive_state_name(a->state),
                        a->reason ? a->reason : "(no reason)");
}

static void assert_reads(const struct build *b, const char *path, const char *want)
{
        char text[256];
        ssize_t n = layout_pread(b->tree, b->src, layout_by_path(b->tree, path), text, sizeof text, 0);

        assert_int_equal(n, strlen(want));
        assert_memory_equal(text, want, strlen(want));
}

static const char ramdisk[] = "platform/i86pc/amd64/boot_archive";

static unsigned spool_files(const struct world *w)
{
        int fd = openat(w->cfd, "spool", O_RDONLY | O_DIRECTORY);
        DIR *d = fdopendir(fd);
        const struct dirent *e;
        unsigned n = 0;

        assert_non_null(d);
        while ((e = readdir(d)))
                n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
        closedir(d);
        return n;
}

/* ---- what is offered ------------------------------------------------------------------------- */

static void offers_good_archives_newest_first(void **state)
{
        struct world *w = *state;

        put_platform(w, "a.tgz", "platform-" STAMP, STAMP, true, 60);
        put_platform(w, "b.tar", "platform-" STAMP2, STAMP2, false, 90);
        put_platform(w, "c.tgz", "platform-debug-" STAMP2, STAMP2, true, 80);
        scan(w);
        assert_int_equal(w->v->n_builds, 3);
        assert_string_equal(w->v->list.v[0].name, STAMP2);
        assert_string_equal(w->v->list.v[1].name, "debug-" STAMP2);
        assert_string_equal(w->v->list.v[2].name, STAMP);
        assert_true(w->v->list.v[0].release && !w->v->list.v[1].release && w->v->list.v[0].has_hash);
        assert_ptr_equal(w->v->latest, w->v->builds[0]);
        assert_reads(catalog_view_by_name(w->v, STAMP), ramdisk, "ramdisk of " STAMP "\n");
        assert_reads(catalog_view_by_name(w->v, STAMP2), ramdisk, "ramdisk of " STAMP2 "\n");
        assert_null(catalog_view_by_name(w->v, "20200101T000000Z"));
        for (size_t i = 0; i < 3; i++)
                assert_ptr_equal(catalog_view_by_object(w->v, w->v->builds[i]->object), w->v->builds[i]);
        assert_null(catalog_view_by_object(w->v, 1));
        assert_state(w, "a.tgz", ARCHIVE_READY, NULL);
        assert_false(w->more);
        assert_int_equal(w->poll_ms, -1);
}

static void a_branch_build_is_never_the_latest(void **state)
{
        struct world *w = *state;

        put_platform(w, "c.tgz", "platform-debug-" STAMP2, STAMP2, true, 80);
        scan(w);
        assert_int_equal(w->v->n_builds, 1);
        assert_null(w->v->latest);
}

static void a_refused_archive_hides_no_good_one(void **state)
{
        struct world *w = *state;
        AUTO_BUF struct buf t = BUF_INIT;

        put_platform(w, "good.tgz", "platform-" STAMP, STAMP, true, 60);
        tar_platform(&t, "platform-" STAMP, STAMP);
        tar_file(&t, "../x", "evil twin");
        tar_end(&t);
        scratch_put(w->bfd, "evil.tar", t.data, t.len, 60);
        scratch_put(w->bfd, "empty.tgz", "", 0, 60);
        scratch_put(w->bfd, "error.iso", "<html>404", 9, 60);
        scratch_put(w->bfd, "platform.tar.xz",
                "\xfd"
                "7zXZ\0",
                6, 60);
        scratch_put(w->bfd, "platform.tar.lz", "LZIP", 4, 60);
        scratch_put(w->bfd, "README", "not looked at", 13, 60);
        scratch_put(w->bfd, "sha256sums.txt", "", 0, 60);
        scan(w);
        assert_int_equal(w->v->n_builds, 1);
        assert_int_equal(w->v->n_archives, 6);
        assert_state(w, "evil.tar", ARCHIVE_REFUSED, "tries to leave");
        assert_state(w, "empty.tgz", ARCHIVE_REFUSED, "empty");
        assert_state(w, "error.iso", ARCHIVE_REFUSED, "web page");
        assert_state(
                w, "platform.tar.xz", ARCHIVE_REFUSED, pack_can(FILTER_XZ) ? "too early" : "built without");
        assert_state(w, "platform.tar.lz", ARCHIVE_REFUSED, "recompress it with gzip");
        assert_non_null(strstr(logged.data, "evil.tar: refused: "));
        assert_int_equal(spool_files(w), 0);
}

/* Any filter goes through the spool: decoded once, and known after a restart. */
static void other_compressions_are_served_too(void **state)
{
        static const struct {
                const char *file;
                enum filter_kind kind;
        } table[] = { { "a.tar.xz", FILTER_XZ }, { "a.tar.zst", FILTER_ZSTD },
                { "a.tar.bz2", FILTER_BZIP2 } };
        struct world *w = *state;

        for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
                AUTO_BUF struct buf t = BUF_INIT, z = BUF_INIT;
                struct stat before, after;
                char path[32];

                if (!pack_can(table[i].kind))
                        continue;
                tar_platform(&t, "platform-" STAMP, STAMP);
                tar_end(&t);
                pack_add(&z, table[i].kind, t.data, t.len, true);
                scratch_put(w->bfd, table[i].file, z.data, z.len, 60);
                scan(w);
                assert_state(w, table[i].file, ARCHIVE_READY, NULL);
                assert_reads(w->v->builds[0], ramdisk, "ramdisk of " STAMP "\n");
                (void)snprintf(
                        path, sizeof path, "spool/%010llx.raw", (unsigned long long)w->v->builds[0]->object);
                assert_int_equal(fstatat(w->cfd, path, &before, 0), 0);
                restart(w);
                scan(w);
                assert_reads(w->v->builds[0], ramdisk, "ramdisk of " STAMP "\n");
                assert_int_equal(fstatat(w->cfd, path, &after, 0), 0);
                assert_int_equal(before.st_ino, after.st_ino);
                assert_int_equal(unlinkat(w->bfd, table[i].file, 0), 0);
                scan(w);
                z.data[z.len / 2] ^= 0x20;
                scratch_put(w->bfd, table[i].file, z.data, z.len, 60);
                scan(w);
                assert_state(w, table[i].file, ARCHIVE_REFUSED, "");
                assert_int_equal(spool_files(w), 0);
                assert_int_equal(unlinkat(w->bfd, table[i].file, 0), 0);
        }
}

static void a_bomb_in_any_compression_stops_at_spool_max(void **state)
{
        static const enum filter_kind kinds[] = { FILTER_XZ, FILTER_ZSTD, FILTER_BZIP2 };
        struct world *w = *state;
        AUTO_FREE char *zeros = calloc(1, 4 << 20);
        AUTO_BUF struct buf t = BUF_INIT;

        tar_platform(&t, "platform-" STAMP, STAMP);
        tar_end(&t);
        buf_add(&t, zeros, 4 << 20);
        w->opts.spool_max_bytes = 1 << 20;
        restart(w);
        for (size_t i = 0; i < 3; i++) {
                AUTO_BUF struct buf z = BUF_INIT;

                if (!pack_can(kinds[i]))
                        continue;
                pack_add(&z, kinds[i], t.data, t.len, true);
                scratch_put(w->bfd, "bomb.tar.xz", z.data, z.len, 60); /* the suffix decides nothing */
                scan(w);
                assert_int_equal(spool_files(w), 0);
                assert_state(w, "bomb.tar.xz", ARCHIVE_REFUSED, "spool_max=");
                assert_int_equal(unlinkat(w->bfd, "bomb.tar.xz", 0), 0);
                scan(w);
        }
}

static void a_damaged_tgz_is_refused_and_leaves_no_spool_file(void **state)
{
        struct world *w = *state;
        AUTO_BUF struct buf t = BUF_INIT, z = BUF_INIT;

        tar_platform(&t, "platform-" STAMP, STAMP);
        tar_end(&t);
        gz_add(&z, t.data, t.len, 0);
        scratch_put(w->bfd, "short.tgz", z.data, z.len - 4, 60);
        z.data[z.len / 2] ^= 0x20;
        scratch_put(w->bfd, "flipped.tgz", z.data, z.len, 60);
        scan(w);
        assert_int_equal(w->v->n_builds, 0);
        assert_state(w, "short.tgz", ARCHIVE_REFUSED, "not complete");
        assert_state(w, "flipped.tgz", ARCHIVE_REFUSED, "");
        assert_int_equal(spool_files(w), 0);
}

static void put_image(const struct world *w, const char *file, const char *text)
{
        AUTO_BUF struct buf t = BUF_INIT, z = BUF_INIT;

        tar_file(&t, "linux", text);
        tar_end(&t);
        gz_add(&z, t.data, t.len, 6);
        scratch_put(w->bfd, file, z.data, z.len, 60);
}

static void images_are_in_no_list_of_builds(void **state)
{
        struct world *w = *state;

        put_image(w, "netboot.tar.gz", "one");
        put_image(w, "netboot.tgz", "two");
        put_image(w, STAMP2 ".tgz", "named like a build, and a newer one");
        put_platform(w, "a.tgz", "platform-" STAMP, STAMP, true, 60);
        for (int i = 0; i < 2; i++) { /* and so after a restart */
                scan(w);
                assert_int_equal(w->v->n_builds, 1);
                assert_int_equal(w->v->list.n, 1);
                assert_string_equal(w->v->latest->name, STAMP);
                assert_int_equal(w->v->n_images, 2);
                assert_int_equal(w->v->n_isos, 0);
                assert_null(catalog_view_by_name(w->v, "netboot"));
                assert_reads(catalog_view_image(w->v, "netboot"), "linux", "one");
                assert_state(w, "netboot.tgz", ARCHIVE_SHADOWED, "is image netboot too");
                assert_string_equal(status(w, STAMP2 ".tgz")->build, STAMP2);
                assert_true(status(w, STAMP2 ".tgz")->image);
                assert_ptr_equal(catalog_view_by_object(w->v, w->v->images[0]->object), w->v->images[0]);
                restart(w);
        }
        scan(w);
        assert_int_equal(unlinkat(w->bfd, "netboot.tar.gz", 0), 0);
        scan(w);
        assert_reads(catalog_view_image(w->v, "netboot"), "linux", "two");
        assert_int_equal(w->v->n_retired, 1);
}

static void names_of_images_and_isos_come_from_the_file(void **state)
{
        static const struct {
                const char *file, *image, *iso;
        } table[] = { { "netboot.tar.gz", "netboot", "netboot.iso" }, { "x.TGZ", "x", "x.iso" },
                { "memtest86+.iso", "memtest86+", "memtest86+.iso" },
                { "d-12.5.iso.xz", "d-12.5", "d-12.5.iso" },
                { "platform-latest", "platform-latest", "platform-latest.iso" },
                { "a.tar.tar", "a.tar", "a.tar.iso" } };

        (void)state;
        for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
                AUTO_FREE char *image = build_name_of_file(table[i].file),
                               *iso = build_name_of_iso(table[i].file);

                assert_string_equal(image, table[i].image);
                assert_string_equal(iso, table[i].iso);
        }
}

/* ---- sums files ------------------------------------------------------------------------------ */

/* The line of @file as a sums file would have it, by the library's own digest of the file's bytes. */
static void sum_line(
        const struct world *w, struct buf *b, const char *file, enum digest_kind kind, bool right)
{
        AUTO_DIGEST struct digest *d = digest_new(kind);
        AUTO_CLOSE int fd = openat(w->bfd, file, O_RDONLY);
        char chunk[4096], hex[DIGEST_MAX_HEX];
        ssize_t n;

        while ((n = read(fd, chunk, sizeof chunk)) > 0)
                assert_int_equal(digest_add(d, chunk, (size_t)n), 0);
        assert_int_equal(digest_hex(d, hex), 0);
        if (!right)
                hex[0] = hex[0] == '0' ? '1' : '0';
        buf_printf(b, "%s  %s\n", hex, file);
}

static void put_sums(
        const struct world *w, const char *name, const char *file, enum digest_kind kind, bool right)
{
        AUTO_BUF struct buf b = BUF_INIT;

        sum_line(w, &b, file, kind, right);
        scratch_put(w->bfd, name, b.data, b.len, 60);
}

static void a_sums_file_decides_about_what_it_names(void **state)
{
        static const struct {
                const char *name;
                enum digest_kind kind;
                unsigned flag;
        } files[] = { { "sha256sums.txt", DIGEST_SHA256, ARCHIVE_VERIFIED_SHA256 },
                { "md5sums.txt", DIGEST_MD5, ARCHIVE_VERIFIED_MD5 } };
        struct world *w = *state;

        put_platform(w, "a.tgz", "platform-" STAMP, STAMP, true, 60);
        put_platform(w, "b.tgz", "platform-" STAMP2, STAMP2, true, 60);
        for (size_t i = 0; i < 2; i++) {
                put_sums(w, files[i].name, "a.tgz", files[i].kind, false);
                scan(w);
                assert_state(w, "a.tgz", ARCHIVE_REFUSED, files[i].name);
                assert_state(w, "b.tgz", ARCHIVE_READY, NULL); /* not named */
                assert_int_equal(w->v->n_builds, 1);
                restart(w);
                scan(w);
                assert_state(w, "a.tgz", ARCHIVE_REFUSED, "says");
                put_sums(w, files[i].name, "a.tgz", files[i].kind, true);
                scan(w);
                assert_state(w, "a.tgz", ARCHIVE_READY, NULL);
                assert_true(status(w, "a.tgz")->verified & files[i].flag);
                assert_false(status(w, "b.tgz")->verified & files[i].flag);
                assert_int_equal(unlinkat(w->bfd, files[i].name, 0), 0);
                scan(w);
                assert_state(w, "a.tgz", ARCHIVE_READY, NULL);
                assert_int_equal(status(w, "a.tgz")->verified & files[i].flag, 0);
        }
}

static void sha256_goes_before_md5(void **state)
{
        struct world *w = *state;

        put_platform(w, "a.tgz", "platform-" STAMP, STAMP, true, 60);
        put_sums(w, "md5sums.txt", "a.tgz", DIGEST_MD5, false);
        put_sums(w, "sha256sums.txt", "a.tgz", DIGEST_SHA256, true);
        scan(w);
        assert_state(w, "a.tgz", ARCHIVE_READY, NULL);
        assert_int_equal(status(w, "a.tgz")->verified, ARCHIVE_VERIFIED_HASH | ARCHIVE_VERIFIED_SHA256);
        put_sums(w, "md5sums.txt", "a.tgz", DIGEST_MD5, true);
        put_sums(w, "sha256sums.txt", "a.tgz", DIGEST_SHA256, false);
        scan(w);
        assert_state(w, "a.tgz", ARCHIVE_REFUSED, "its SHA-256 is");
}

/* The spool file is still the one of the first reading. */
static void a_sums_file_that_comes_later_decodes_nothing(void **state)
{
        struct world *w = *state;
        struct stat before, after;
        AUTO_BUF struct buf t = BUF_INIT, z = BUF_INIT;
        char path[] = "spool/0000000000.raw";

        if (!pack_can(FILTER_XZ))
                skip();
        tar_platform(&t, "platform-" STAMP, STAMP);
        tar_end(&t);
        pack_add(&z, FILTER_XZ, t.data, t.len, true);
        scratch_put(w->bfd, "a.tar.xz", z.data, z.len, 60);
        scan(w);
        assert_int_equal(w->v->n_builds, 1);
        (void)snprintf(path, sizeof path, "spool/%010llx.raw", (unsigned long long)w->v->builds[0]->object);
        assert_int_equal(fstatat(w->cfd, path, &before, 0), 0);
        put_sums(w, "sha256sums.txt", "a.tar.xz", DIGEST_SHA256, false);
        scan(w);
        assert_int_equal(w->v->n_builds, 0);
        restart(w);
        put_sums(w, "sha256sums.txt", "a.tar.xz", DIGEST_SHA256, true);
        scan(w);
        assert_int_equal(w->v->n_builds, 1);
        assert_int_equal(fstatat(w->cfd, path, &after, 0), 0);
        assert_int_equal(before.st_ino, after.st_ino);
        assert_int_equal(before.st_ctim.tv_nsec, after.st_ctim.tv_nsec);
        assert_reads(w->v->builds[0], ramdisk, "ramdisk of " STAMP "\n");
}

static void a_bad_line_is_told_and_harms_nothing(void **state)
{
        struct world *w = *state;
        AUTO_BUF struct buf b = BUF_INIT;

        put_platform(w, "a.tgz", "platform-" STAMP, STAMP, true, 60);
        buf_puts(&b, "# checked by hand\n\nnonsense\n");
        sum_line(w, &b, "a.tgz", DIGEST_SHA256, true);
        scratch_put(w->bfd, "sha256sums.txt", b.data, b.len, 60);
        assert_int_equal(mkdirat(w->bfd, "md5sums.txt", 0755), 0);
        scan(w);
        assert_state(w, "a.tgz", ARCHIVE_READY, NULL);
        assert_non_null(strstr(
                w->v->note, "sha256sums.txt: 1 line is no \"HASH name\" and left out, the first is line 3"));
        assert_non_null(strstr(w->v->note, "md5sums.txt: it is not a regular file"));
        assert_non_null(strstr(logged.data, "sha256sums.txt: 1 line"));
        assert_int_equal(unlinkat(w->bfd, "md5sums.txt", AT_REMOVEDIR), 0);
        assert_int_equal(unlinkat(w->bfd, "sha256sums.txt", 0), 0);
        scan(w);
        assert_null(w->v->note);
}

/* A replaced file waits for its verdict behind what it held before; but not behind what was quarantined. */
static void what_was_quarantined_is_not_served_meanwhile(void **state)
{
        struct world *w = *state;

        put_platform(w, "a.tgz", "platform-" STAMP, STAMP, true, 60);
        put_sums(w, "sha256sums.txt", "a.tgz", DIGEST_SHA256, false);
        scan(w);
        put_platform(w, "a.tgz", "platform-" STAMP2, STAMP2, true, 0);
        scan_as(w, false);
        assert_int_equal(w->v->n_builds, 0);
        assert_int_equal(status(w, "a.tgz")->state, ARCHIVE_WAITING);
}

static void only_names_of_archives_are_looked_at(void **state)
{
        static const struct {
                const char *name;
                bool wanted;
        } table[] = {
                { "platform-x.tgz", true },
                { "x.tar", true },
                { "x.tar.gz", true },
                { "x.ISO", true },
                { "x.tar.xz", true },
                { "x.zip", true },
                { "platform-latest", true },
                { ".x.tgz.Ab12Cd", false },
                { ".x.tgz", false },
                { "x.tgz~", false },
                { "x.tgz.part", false },
                { "x.tgz.filepart", false },
                { "x.tgz.tmp", false },
                { "x.tgz.partial", false },
                { "md5sums.txt", false },
                { "sha256sums.txt", false },
                { "x.tgz.sha256", false },
                { "index.html", false },
                { "smartos-x-USB.img.gz", false },
                { "README", false },
                { ".tgz", false },
                { "platform-x.txt", false },
        };

        (void)state;
        for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
                if (dirscan_wants(table[i].name) != table[i].wanted)
                        fail_msg("%s", table[i].name);
}

/* ---- two archives of one build --------------------------------------------------------------- */

static void put_unhashed(const struct world *w, const char *file)
{
        AUTO_BUF struct buf t = BUF_INIT;

        tar_minimum(&t, "platform-" STAMP);
        tar_end(&t);
        scratch_put(w->bfd, file, t.data, t.len, 60);
}

static void of_two_the_one_with_a_checked_hash_wins(void **state)
{
        struct world *w = *state;

        put_unhashed(w, "a.tar");
        put_platform(w, "b.tgz", "platform-" STAMP, STAMP, true, 90);
        scan(w);
        assert_int_equal(w->v->n_builds, 1);
        assert_string_equal(w->v->builds[0]->archive, "b.tgz");
        assert_state(w, "a.tar", ARCHIVE_SHADOWED, "b.tgz is served: its boot_archive.hash was checked");
        assert_non_null(strstr(status(w, "a.tar")->reason, "a.tar"));
}

static void else_the_first_name_wins_and_the_other_takes_over(void **state)
{
        struct world *w = *state;
        uint64_t object;

        put_platform(w, "b.tgz", "platform-" STAMP, STAMP, true, 60);
        put_platform(w, "a.tgz", "platform-" STAMP, STAMP, true, 90);
        scan(w);
        assert_string_equal(w->v->builds[0]->archive, "a.tgz");
        assert_state(w, "b.tgz", ARCHIVE_SHADOWED, "a.tgz is served: its name is first");
        object = w->v->builds[0]->object;
        assert_int_equal(unlinkat(w->bfd, "a.tgz", 0), 0);
        scan(w);
        assert_int_equal(w->v->n_builds, 1);
        assert_string_equal(w->v->builds[0]->archive, "b.tgz");
        assert_reads(catalog_view_by_object(w->v, object), ramdisk,
                "ramdisk of " STAMP "\n"); /* open readers finish */
}

static void two_names_of_one_file_are_one_archive(void **state)
{
        struct world *w = *state;

        put_platform(w, "platform-" STAMP ".tgz", "platform-" STAMP, STAMP, true, 60);
        assert_int_equal(linkat(w->bfd, "platform-" STAMP ".tgz", w->bfd, "platform-latest.tgz", 0), 0);
        assert_int_equal(symlinkat("platform-latest.tgz", w->bfd, "z.tgz"), 0);
        assert_int_equal(symlinkat("nowhere.tgz", w->bfd, "dangling.tgz"), 0);
        scan(w);
        assert_int_equal(w->v->n_builds, 1);
        assert_int_equal(w->v->n_archives, 4);
        assert_state(w, "dangling.tgz", ARCHIVE_REFUSED, "cannot be looked at");
        assert_state(w, "platform-latest.tgz", ARCHIVE_SHADOWED, "the same file");
        assert_int_equal(spool_files(w), 0);
}

/* ---- over a restart -------------------------------------------------------------------------- */

static void a_second_open_decodes_nothing(void **state)
{
        struct world *w = *state;
        uint64_t a, b;

        put_platform(w, "a.tgz", "platform-" STAMP, STAMP, true, 60);
        put_platform(w, "b.tar", "platform-" STAMP2, STAMP2, false, 60);
        scratch_put(w->bfd, "bad.tgz", "x", 1, 60);
        scan(w);
        a = catalog_view_by_name(w->v, STAMP)->object;
        b = catalog_view_by_name(w->v, STAMP2)->object;
        restart(w);
        scan_as(w, false); /* one look: would read at most one archive, and say "more" */
        assert_int_equal(w->v->n_builds, 2);
        assert_false(w->more);
        assert_int_equal(catalog_view_by_name(w->v, STAMP)->object, a);
        assert_int_equal(catalog_view_by_name(w->v, STAMP2)->object, b);
        assert_state(w, "bad.tgz", ARCHIVE_REFUSED, "neither a tar");
        assert_int_equal(w->v->serial, 2); /* the empty view, and this one: nothing was "indexing" */
        assert_reads(catalog_view_by_name(w->v, STAMP), ramdisk, "ramdisk of " STAMP "\n");
}

static void a_lost_or_damaged_catalog_gives_the_same_numbers(void **state)
{
        static const char *const losses[] = { "gone", "damaged", "other" };
        struct world *w = *state;

        put_platform(w, "a.tgz", "platform-" STAMP, STAMP, true, 60);
        put_platform(w, "b.tar", "platform-" STAMP2, STAMP2, false, 60);
        scan(w);
        for (size_t i = 0; i < 3; i++) {
                uint64_t a = catalog_view_by_name(w->v, STAMP)->object,
                         b = catalog_view_by_name(w->v, STAMP2)->object;
                uint32_t unix_entry = w->v->builds[0]->tree->unix_entry;
                int fd;

                close_catalog(w);
                if (strcmp(losses[i], "gone") == 0) {
                        assert_int_equal(unlinkat(w->cfd, "catalog.db", 0), 0);
                } else {
                        fd = openat(w->cfd, "catalog.db", O_RDWR);
                        if (strcmp(losses[i], "damaged") == 0)
                                assert_int_equal(pwrite(fd, "nonsense", 8, 0), 8);
                        else
                                assert_int_equal(pwrite(fd, "\0\0\0\x63", 4, 60), 4); /* user_version 99 */
                        close(fd);
                }
                open_catalog(w);
                scan(w);
                assert_int_equal(w->v->n_builds, 2);
                assert_int_equal(catalog_view_by_name(w->v, STAMP)->object, a);
                assert_int_equal(catalog_view_by_name(w->v, STAMP2)->object, b);
                assert_int_equal(w->v->builds[0]->tree->unix_entry, unix_entry);
                assert_reads(catalog_view_by_name(w->v, STAMP), ramdisk, "ramdisk of " STAMP "\n");
                assert_int_equal(spool_files(w), 0);
        }
        assert_non_null(strstr(logged.data, "thrown away"));
}

static int sql(const struct world *w, const char *text)
{
        char path[96];
        sqlite3 *db = NULL;
        int rc;

        (void)snprintf(path, sizeof path, "/proc/self/fd/%d/catalog.db", w->cfd);
        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        rc = sqlite3_exec(db, text, NULL, NULL, NULL);
        (void)sqlite3_close(db);
        return rc;
}

static void old_spool_files_are_swept(void **state)
{
        struct world *w = *state;

        put_platform(w, "a.tgz", "platform-" STAMP, STAMP, true, 60);
        close_catalog(w);
        close(openat(w->cfd, "spool/0123456789.raw", O_RDWR | O_CREAT, 0600));
        close(openat(w->cfd, "spool/stray", O_RDWR | O_CREAT, 0600));
        open_catalog(w);
        scan(w);
        assert_int_equal(w->v->n_builds, 1);
        assert_int_equal(spool_files(w), 0);
}

/* A library update: what the old one saved is not shown to the new one. */
static void checkpoints_of_another_decoder_are_made_anew(void **state)
{
        struct world *w = *state;
        uint64_t object;

        put_platform(w, "a.tgz", "platform-" STAMP, STAMP, true, 60);
        scan(w);
        object = w->v->builds[0]->object;
        close_catalog(w);
        assert_int_equal(sql(w, "UPDATE archive SET decoder = decoder || '1'"), SQLITE_OK);
        open_catalog(w);
        scan_as(w, false);
        assert_int_equal(w->v->n_builds, 1);
        assert_int_equal(w->v->builds[0]->object, object);
        assert_true(w->v->serial > 2); /* it was read */
        assert_reads(w->v->builds[0], ramdisk, "ramdisk of " STAMP "\n");
}

static void colliding_numbers_are_salted_apart(void **state)
{
        struct world *w = *state;

        close_catalog(w);
        w->opts.object_bits = 3; /* seven numbers for six builds */
        open_catalog(w);
        for (int i = 0; i < 6; i++) {
                char file[32], top[64], stamp[32];

                (void)snprintf(stamp, sizeof stamp, "2024010%dT000000Z", i + 1);
                (void)snprintf(file, sizeof file, "%d.tar", i);
                (void)snprintf(top, sizeof top, "platform-%s", stamp);
                put_platform(w, file, top, stamp, i % 2, 60 + i);
        }
        for (int again = 0; again < 2; again++) {
                scan(w);
                assert_int_equal(w->v->n_builds, 6);
                for (size_t i = 0; i < 6; i++) {
                        char want[64];

                        (void)snprintf(want, sizeof want, "ramdisk of %s\n", w->v->builds[i]->name);
                        assert_in_range(w->v->builds[i]->object, 1, 7);
                        assert_ptr_equal(
                                catalog_view_by_object(w->v, w->v->builds[i]->object), w->v->builds[i]);
                        assert_reads(w->v->builds[i], ramdisk, want);
                }
                restart(w);
        }
}

static void a_second_daemon_on_one_cache_is_refused(void **state)
{
        struct world *w = *state;
        struct catalog *c = NULL;
        struct err err = { "" };

        assert_int_equal(catalog_open(&w->opts, &c, &err), -EBUSY);
        assert_non_null(strstr(err.text, "cache="));
}

static void pxectl_sees_what_the_daemon_shows(void **state)
{
        struct world *w = *state;
        struct catalog_view *v = NULL;
        struct err err = { "" };
        int empty;
        char path[64];

        put_platform(w, "a.tgz", "platform-" STAMP, STAMP, true, 60);
        put_platform(w, "b.tgz", "platform-debug-" STAMP2, STAMP2, true, 60);
        scratch_put(w->bfd, "bad.iso", "", 0, 60);
        scan(w);
        for (int running = 1; running >= 0; running--) {
                assert_int_equal(catalog_peek(w->cfd, &v, &err), 0);
                assert_int_equal(v->n_builds, 0);
                assert_int_equal(v->list.n, 2);
                assert_string_equal(v->list.v[0].name, "debug-" STAMP2);
                assert_true(v->list.v[1].release && v->list.v[1].has_hash);
                assert_int_equal(v->n_archives, 3);
                assert_string_equal(v->archives[1].file, "b.tgz");
                assert_int_equal(v->archives[2].state, ARCHIVE_REFUSED);
                assert_non_null(strstr(v->archives[2].reason, "empty"));
                catalog_view_unref(v);
                if (running)
                        close_catalog(w);
        }
        open_catalog(w);
        empty = scratch_open(path);
        assert_int_equal(catalog_peek(empty, &v, &err), -ENOENT);
        scratch_close(path, empty);
}

/* ---- files that come and go ------------------------------------------------------------------ */

static void a_fresh_file_is_left_alone_for_a_while(void **state)
{
        struct world *w = *state;

        put_platform(w, "a.tgz", "platform-" STAMP, STAMP, true, 0);
        scan_as(w, false);
        assert_state(w, "a.tgz", ARCHIVE_WAITING, NULL);
        assert_false(w->more);
        assert_in_range(w->poll_ms, 1, 1500);
        scan(w); /* "everything now" */
        assert_state(w, "a.tgz", ARCHIVE_READY, NULL);
}

static void a_new_archive_appears_within_five_seconds(void **state)
{
        struct world *w = *state;
        struct timespec begin, now;

        put_platform(w, "a.tgz", "platform-" STAMP, STAMP, true, 0);
        (void)clock_gettime(CLOCK_MONOTONIC, &begin);
        do {
                scan_as(w, false);
                if (w->poll_ms > 0)
                        (void)nanosleep(
                                &(struct timespec) { w->poll_ms / 1000, w->poll_ms % 1000 * 1000000L },
                                NULL); /* as told */
                (void)clock_gettime(CLOCK_MONOTONIC, &now);
        } while (w->v->n_builds == 0 && now.tv_sec - begin.tv_sec < 5);
        assert_int_equal(w->v->n_builds, 1);
}

static void a_young_refusal_waits_and_half_a_copy_is_never_served(void **state)
{
        struct world *w = *state;
        AUTO_BUF struct buf t = BUF_INIT, z = BUF_INIT;

        tar_platform(&t, "platform-" STAMP, STAMP);
        gz_add(&z, t.data, t.len, 6);
        for (size_t part = 1; part <= 4; part++) {
                scratch_put(w->bfd, "a.tgz", z.data, z.len * part / 5, 0);
                scratch_put(w->bfd, "b.tar", t.data, t.len * part / 5 / 512 * 512, 0);
                scan(w);
                assert_int_equal(w->v->n_builds, 0);
                assert_state(w, "a.tgz", ARCHIVE_WAITING, "still being copied");
                assert_int_equal(spool_files(w), 0);
        }
        scratch_put(w->bfd, "b.tar", t.data, t.len, 0); /* no end mark: might be half a copy */
        scan(w);
        assert_state(w, "b.tar", ARCHIVE_WAITING, "still being copied");
        assert_in_range(w->poll_ms, 1, 3000);
        tar_end(&t);
        scratch_put(w->bfd, "b.tar", t.data, t.len, 0);
        scan(w);
        assert_state(w, "b.tar", ARCHIVE_READY, NULL);
}

static void a_vanished_archive_retires(void **state)
{
        struct world *w = *state;
        const struct build *old;
        uint64_t object;

        put_platform(w, "a.tgz", "platform-" STAMP, STAMP, true, 60);
        put_platform(w, "b.tar", "platform-" STAMP2, STAMP2, false, 60);
        scan(w);
        object = catalog_view_by_name(w->v, STAMP)->object;
        assert_int_equal(unlinkat(w->bfd, "a.tgz", 0), 0);
        assert_int_equal(unlinkat(w->bfd, "b.tar", 0), 0);
        scan(w);
        assert_int_equal(w->v->n_builds, 0);
        assert_int_equal(w->v->n_archives, 0);
        assert_int_equal(w->v->n_retired, 2);
        assert_int_equal(spool_files(w), 0);
        old = catalog_view_by_object(w->v, object);
        assert_reads(old, ramdisk, "ramdisk of " STAMP "\n");
        assert_non_null(strstr(logged.data, "a.tgz: gone"));
        restart(w);
        scan(w);
        assert_int_equal(w->v->n_retired, 0);
}

static void no_more_than_sixty_four_retire(void **state)
{
        struct world *w = *state;

        for (int i = 0; i < 70; i++) {
                put_platform(w, "a.tar", "platform-" STAMP, STAMP, false, 60 + i);
                scan(w);
                assert_int_equal(w->v->n_builds, 1);
        }
        assert_int_equal(w->v->n_retired, 64);
}

/* The same identity and other bytes, as when a sector goes bad. */
static void a_build_that_rots_is_quarantined(void **state)
{
        struct world *w = *state;
        AUTO_BUF struct buf t = BUF_INIT, z = BUF_INIT;
        const struct build *b;
        char text[256];
        struct pollfd ready;
        uint64_t object;

        tar_platform(&t, "platform-" STAMP, STAMP);
        tar_end(&t);
        gz_add(&z, t.data, t.len, 0);
        scratch_put(w->bfd, "a.tgz", z.data, z.len, 60);
        put_platform(w, "b.tgz", "platform-" STAMP2, STAMP2, true, 60);
        scan(w);
        restart(w); /* with nothing decoded in memory */
        scan(w);
        b = catalog_view_by_name(w->v, STAMP);
        object = b->object;
        rot_from_now(strlen("ramdisk of "));
        assert_int_equal(
                layout_pread(b->tree, b->src, layout_by_path(b->tree, ramdisk), text, sizeof text, 0), -EIO);
        ready = (struct pollfd) { .fd = catalog_trouble_fd(w->c), .events = POLLIN };
        assert_int_equal(poll(&ready, 1, 0), 1);
        scan(w);
        rot_from_now(0);
        assert_int_equal(poll(&ready, 1, 0), 0);
        assert_state(w, "a.tgz", ARCHIVE_REFUSED, "is damaged now");
        assert_int_equal(w->v->n_builds, 1);
        assert_non_null(strstr(logged.data, "a.tgz: refused: it was good when it was verified"));
        assert_non_null(
                catalog_view_by_object(w->v, object)); /* retired: what is whole of it may be read on */
        assert_reads(catalog_view_by_name(w->v, STAMP2), ramdisk, "ramdisk of " STAMP2 "\n");
        restart(w); /* then it is read again: a cable may have been the trouble */
        scan(w);
        assert_state(w, "a.tgz", ARCHIVE_READY, NULL);
}

static void a_replaced_archive_is_another_object(void **state)
{
        struct world *w = *state;
        uint64_t object;

        put_platform(w, "a.tgz", "platform-" STAMP, STAMP, true, 60);
        scan(w);
        object = w->v->builds[0]->object;
        put_platform(w, "a.tgz", "platform-" STAMP2, STAMP2, true, 50);
        scan(w);
        assert_int_equal(w->v->n_builds, 1);
        assert_string_equal(w->v->builds[0]->name, STAMP2);
        assert_true(w->v->builds[0]->object != object);
        assert_reads(catalog_view_by_object(w->v, object), ramdisk, "ramdisk of " STAMP "\n");
}

static void what_was_read_is_served_until_there_is_a_new_verdict(void **state)
{
        struct world *w = *state;
        uint64_t object;

        put_platform(w, "a.tgz", "platform-" STAMP, STAMP, true, 60);
        scan(w);
        object = w->v->builds[0]->object;
        scratch_put(w->bfd, "a.tgz", "\x1f\x8b\x08 half a copy", 15, 0); /* over it, and slowly */
        scan_as(w, false);
        assert_int_equal(w->v->n_builds, 1);
        assert_int_equal(w->v->builds[0]->object, object);
        assert_state(w, "a.tgz", ARCHIVE_WAITING, "what it held before is served meanwhile");
        scratch_put(w->bfd, "a.tgz", "<html>", 6, 60);
        scan(w);
        assert_int_equal(w->v->n_builds, 1);
        assert_int_equal(unlinkat(w->bfd, "a.tgz", 0), 0);
        scan(w);
        assert_int_equal(w->v->n_builds, 0);
}

static void an_unchanged_directory_publishes_nothing(void **state)
{
        struct world *w = *state;
        uint64_t serial;

        put_platform(w, "a.tgz", "platform-" STAMP, STAMP, true, 60);
        scan(w);
        serial = w->v->serial;
        for (int i = 0; i < 5; i++)
                scan(w);
        assert_int_equal(w->v->serial, serial);
}

static void without_wait_one_archive_at_a_time_newest_first(void **state)
{
        struct world *w = *state;

        put_platform(w, "a.tar", "platform-" STAMP, STAMP, false, 300);
        put_platform(w, "b.tar", "platform-" STAMP2, STAMP2, false, 100);
        put_platform(w, "c.tar", "platform-" STAMP3, STAMP3, false, 200);
        scan_as(w, false);
        assert_int_equal(w->v->n_builds, 1);
        assert_string_equal(w->v->builds[0]->name, STAMP2);
        assert_true(w->more);
        assert_state(w, "a.tar", ARCHIVE_WAITING, NULL);
        scan_as(w, false);
        assert_non_null(catalog_view_by_name(w->v, STAMP3));
        assert_true(w->more);
        scan_as(w, false);
        assert_int_equal(w->v->n_builds, 3);
        assert_false(w->more);
}

/* ---- a cache directory in trouble ------------------------------------------------------------ */

/* sysfs takes no file, not even from root. */
static void a_cache_that_cannot_be_written_is_said_and_builds_are_served(void **state)
{
        struct world *w = *state;
        int sys = open("/sys/kernel", O_RDONLY | O_DIRECTORY);

        if (sys < 0)
                skip();
        put_platform(w, "a.tgz", "platform-" STAMP, STAMP, true, 60);
        put_platform(w, "b.tar", "platform-" STAMP2, STAMP2, false, 60);
        close_catalog(w);
        w->opts.cache_dirfd = sys;
        open_catalog(w);
        assert_non_null(strstr(logged.data, "forgotten at the end"));
        scan(w);
        assert_state(w, "a.tgz", ARCHIVE_READY, NULL);
        assert_state(w, "b.tar", ARCHIVE_READY, NULL);
        assert_reads(w->v->builds[1], ramdisk, "ramdisk of " STAMP "\n");
        assert_reads(w->v->builds[0], ramdisk, "ramdisk of " STAMP2 "\n");
        close(sys);
}

static void a_directory_that_cannot_be_read_keeps_the_last_view(void **state)
{
        struct world *w = *state;
        struct err err = { "" };
        int fd = open("/dev/null", O_RDONLY), saved;

        put_platform(w, "a.tgz", "platform-" STAMP, STAMP, true, 60);
        scan(w);
        saved = dup(w->bfd);
        assert_true(fd >= 0 && saved >= 0);
        assert_int_equal(dup2(fd, w->bfd), w->bfd);
        assert_true(catalog_scan(w->c, true, &w->more, &w->poll_ms, &err) < 0);
        assert_non_null(strstr(err.text, "builds directory"));
        assert_int_equal(dup2(saved, w->bfd), w->bfd);
        close(saved);
        close(fd);
        catalog_view_unref(w->v);
        w->v = catalog_view_get(w->c);
        assert_int_equal(w->v->n_builds, 1);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                T(offers_good_archives_newest_first),
                T(a_branch_build_is_never_the_latest),
                T(a_refused_archive_hides_no_good_one),
                T(other_compressions_are_served_too),
                T(a_bomb_in_any_compression_stops_at_spool_max),
                T(a_damaged_tgz_is_refused_and_leaves_no_spool_file),
                T(images_are_in_no_list_of_builds),
                cmocka_unit_test(names_of_images_and_isos_come_from_the_file),
                T(a_sums_file_decides_about_what_it_names),
                T(sha256_goes_before_md5),
                T(a_sums_file_that_comes_later_decodes_nothing),
                T(a_bad_line_is_told_and_harms_nothing),
                T(what_was_quarantined_is_not_served_meanwhile),
                cmocka_unit_test(only_names_of_archives_are_looked_at),
                T(of_two_the_one_with_a_checked_hash_wins),
                T(else_the_first_name_wins_and_the_other_takes_over),
                T(two_names_of_one_file_are_one_archive),
                T(a_second_open_decodes_nothing),
                T(a_lost_or_damaged_catalog_gives_the_same_numbers),
                T(old_spool_files_are_swept),
                T(checkpoints_of_another_decoder_are_made_anew),
                T(a_build_that_rots_is_quarantined),
                T(colliding_numbers_are_salted_apart),
                T(a_second_daemon_on_one_cache_is_refused),
                T(pxectl_sees_what_the_daemon_shows),
                T(a_fresh_file_is_left_alone_for_a_while),
                T(a_new_archive_appears_within_five_seconds),
                T(a_young_refusal_waits_and_half_a_copy_is_never_served),
                T(a_vanished_archive_retires),
                T(no_more_than_sixty_four_retire),
                T(a_replaced_archive_is_another_object),
                T(what_was_read_is_served_until_there_is_a_new_verdict),
                T(an_unchanged_directory_publishes_nothing),
                T(without_wait_one_archive_at_a_time_newest_first),
                T(a_cache_that_cannot_be_written_is_said_and_builds_are_served),
                T(a_directory_that_cannot_be_read_keeps_the_last_view),
        };

        (void)setlocale(LC_CTYPE, "C.UTF-8");
        return cmocka_run_group_tests(tests, NULL, NULL);
}
