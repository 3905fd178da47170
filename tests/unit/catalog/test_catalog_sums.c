/* SPDX-License-Identifier: MPL-2.0 */
/* catalog: sums files beside the archives decide too. */
#include <fcntl.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/digest.h"
#include "catalogworld.h"
#include "packer.h"

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
        assert_reads(w->v->builds[0], RAMDISK, "ramdisk of " STAMP "\n");
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
                w->v->note, "sha256sums.txt: 1 line is not understood and left out, the first is line 3"));
        assert_non_null(strstr(w->v->note, "md5sums.txt: it is not a regular file"));
        assert_non_null(strstr(logged.data, "sha256sums.txt: 1 line"));
        assert_int_equal(unlinkat(w->bfd, "md5sums.txt", AT_REMOVEDIR), 0);
        assert_int_equal(unlinkat(w->bfd, "sha256sums.txt", 0), 0);
        scan(w);
        assert_null(w->v->note);
}

/* `: >sha256sums.txt` is how `sha256sum * >sha256sums.txt` begins: the archive that it refused is not let pass. */
static void a_sums_file_that_is_being_rewritten_lets_nothing_pass(void **state)
{
        struct world *w = *state;

        put_platform(w, "a.tgz", "platform-" STAMP, STAMP, true, 60);
        put_sums(w, "SHA256SUMS", "a.tgz", DIGEST_SHA256, false);
        scan(w);
        assert_state(w, "a.tgz", ARCHIVE_REFUSED, "line 1 of SHA256SUMS says");
        scratch_put(w->bfd, "SHA256SUMS", "", 0, 0);
        scan(w);
        assert_state(w, "a.tgz", ARCHIVE_REFUSED, "line 1 of SHA256SUMS says");
        put_sums(w, "SHA256SUMS", "a.tgz", DIGEST_SHA256, true);
        scan(w);
        assert_state(w, "a.tgz", ARCHIVE_READY, NULL);
}

/* Text of a file for one archive: of the form of sha256sum, or the digest alone. */
static void put_beside(const struct world *w, const char *name, const char *archive, bool right, bool bare)
{
        enum digest_kind kind = strstr(name, ".md5") ? DIGEST_MD5 : DIGEST_SHA256;
        AUTO_BUF struct buf b = BUF_INIT;

        sum_line(w, &b, archive, kind, right);
        scratch_put(w->bfd, name, b.data, bare ? strcspn(b.data, " ") : b.len, 60);
}

static void a_file_beside_an_archive_decides_about_that_one(void **state)
{
        static const struct {
                const char *name;
                unsigned flag;
        } files[] = { { "a.tgz.sha256", ARCHIVE_VERIFIED_SHA256 }, { "a.tgz.sha256sum", ARCHIVE_VERIFIED_SHA256 },
                { "a.tgz.md5", ARCHIVE_VERIFIED_MD5 }, { "a.tgz.md5sum", ARCHIVE_VERIFIED_MD5 } };
        struct world *w = *state;

        put_platform(w, "a.tgz", "platform-" STAMP, STAMP, true, 60);
        put_platform(w, "b.tgz", "platform-" STAMP2, STAMP2, true, 60);
        for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
                for (int bare = 0; bare < 2; bare++) {
                        put_beside(w, files[i].name, "a.tgz", false, bare);
                        scan(w);
                        assert_state(w, "a.tgz", ARCHIVE_REFUSED, files[i].name);
                        assert_state(w, "b.tgz", ARCHIVE_READY, NULL);
                        put_beside(w, files[i].name, "a.tgz", true, bare);
                        scan(w);
                        assert_state(w, "a.tgz", ARCHIVE_READY, NULL);
                        assert_true(status(w, "a.tgz")->verified & files[i].flag);
                        assert_int_equal(status(w, "b.tgz")->verified, ARCHIVE_VERIFIED_HASH);
                        assert_int_equal(unlinkat(w->bfd, files[i].name, 0), 0);
                        scan(w);
                        assert_int_equal(status(w, "a.tgz")->verified, ARCHIVE_VERIFIED_HASH);
                }
        put_beside(w, "c.tgz.sha256", "a.tgz", false, false); /* beside nothing: its archive is gone */
        scan(w);
        assert_state(w, "a.tgz", ARCHIVE_READY, NULL);
        assert_null(w->v->note);
}

/* Files that say something, and not all of what they say is known. */
static const struct {
        const char *name, *text;
        bool all; /* archives are in doubt, not only its own */
} doubtful[] = {
        { "sha256sums.txt", "nonsense\n", true },
        { "MD5SUMS", "d41d8cd98f00b204e9800998ecf8427\n", true },
        { "a.tgz.sha256", "nonsense\n", false },
        { "a.tgz.sha256", "", false },
        { "a.tgz.md5", "d41d8cd98f00b204e9800998ecf8427e  b.tgz\n", false },
        { "a.tgz.sha256",
                "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
                "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e\n",
                false },
};

static void what_nobody_understood_leaves_archives_not_checked(void **state)
{
        struct world *w = *state;

        put_platform(w, "a.tgz", "platform-" STAMP, STAMP, true, 60);
        put_platform(w, "b.tgz", "platform-" STAMP2, STAMP2, true, 60);
        for (size_t i = 0; i < sizeof doubtful / sizeof doubtful[0]; i++) {
                scratch_put(w->bfd, doubtful[i].name, doubtful[i].text, strlen(doubtful[i].text), 60);
                for (int n = 0; n < 2; n++, restart(w)) {
                        scan(w);
                        assert_int_equal(w->v->n_builds, 2);
                        assert_int_equal(status(w, "a.tgz")->verified, ARCHIVE_VERIFIED_HASH | ARCHIVE_NOT_CHECKED);
                        if (!!(status(w, "b.tgz")->verified & ARCHIVE_NOT_CHECKED) != doubtful[i].all)
                                fail_msg("%s: b.tgz is %s", doubtful[i].name,
                                        archive_verified_name(status(w, "b.tgz")->verified));
                }
                assert_int_equal(unlinkat(w->bfd, doubtful[i].name, 0), 0);
                scan(w);
                assert_int_equal(status(w, "a.tgz")->verified, ARCHIVE_VERIFIED_HASH);
        }
}

static void where_sums_are_required_no_other_archive_is_served(void **state)
{
        struct world *w = *state;

        w->opts.sums_required = true;
        restart(w);
        put_platform(w, "a.tgz", "platform-" STAMP, STAMP, true, 60);
        put_platform(w, "b.tgz", "platform-" STAMP2, STAMP2, true, 60);
        put_sums(w, "sha256sums.txt", "a.tgz", DIGEST_SHA256, true);
        for (int n = 0; n < 2; n++, restart(w)) {
                scan(w);
                assert_state(w, "a.tgz", ARCHIVE_READY, NULL);
                assert_state(w, "b.tgz", ARCHIVE_REFUSED, "sha256sum b.tgz >>sha256sums.txt");
        }
        for (size_t i = 0; i < sizeof doubtful / sizeof doubtful[0]; i++) {
                if (strcmp(doubtful[i].name, "sha256sums.txt") == 0)
                        continue;
                scratch_put(w->bfd, doubtful[i].name, doubtful[i].text, strlen(doubtful[i].text), 60);
                scan(w);
                assert_state(w, "a.tgz", ARCHIVE_READY, NULL);
                assert_state(w, "b.tgz", ARCHIVE_REFUSED, "sums=require");
                assert_int_equal(unlinkat(w->bfd, doubtful[i].name, 0), 0);
        }
        put_beside(w, "b.tgz.md5", "b.tgz", true, true);
        scan(w);
        assert_int_equal(w->v->n_builds, 2);
        /* Gone for a moment: `rm sha256sums.txt; sha256sum * >sha256sums.txt` takes no build away. */
        assert_int_equal(unlinkat(w->bfd, "sha256sums.txt", 0), 0);
        scan(w);
        assert_int_equal(w->v->n_builds, 2);
        for (int tries = 0; w->v->n_builds == 2 && tries < 200; tries++, scan(w))
                (void)usleep(100000);
        assert_int_equal(w->v->n_builds, 1);
        assert_state(w, "a.tgz", ARCHIVE_REFUSED, "sums=require");
}

/* A directory stands where the file was: it cannot be read, and what it said counts in the next process, too. */
static void what_a_sums_file_refused_stays_refused_over_a_restart(void **state)
{
        static const char *const names[] = { "sha256sums.txt", "MD5SUMS", "a.tgz.sha256", "a.tgz.md5sum" };
        struct world *w = *state;

        put_platform(w, "a.tgz", "platform-" STAMP, STAMP, true, 60);
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
                put_sums(w, names[i], "a.tgz", strstr(names[i], "256") ? DIGEST_SHA256 : DIGEST_MD5, false);
                scan(w);
                assert_state(w, "a.tgz", ARCHIVE_REFUSED, names[i]);
                assert_int_equal(unlinkat(w->bfd, names[i], 0), 0);
                assert_int_equal(mkdirat(w->bfd, names[i], 0755), 0);
                for (int n = 0; n < 3; n++, restart(w)) {
                        scan(w);
                        assert_state(w, "a.tgz", ARCHIVE_REFUSED, names[i]);
                        assert_non_null(strstr(w->v->note, "it is not a regular file"));
                }
                assert_int_equal(unlinkat(w->bfd, names[i], AT_REMOVEDIR), 0);
                for (int n = 0; n < 2; n++, restart(w)) { /* it is gone, and forgotten */
                        scan(w);
                        assert_state(w, "a.tgz", ARCHIVE_READY, NULL);
                }
        }
}

/* The line that refuses it is on its way: nobody gets a byte of it meanwhile.  One that is served already goes on. */
static void a_new_archive_waits_for_a_sums_file_that_is_being_written(void **state)
{
        struct world *w = *state;

        put_platform(w, "b.tgz", "platform-" STAMP2, STAMP2, true, 60);
        scan(w);
        scratch_put(w->bfd, "sha256sums.txt", "", 0, 0);
        put_platform(w, "a.tgz", "platform-" STAMP, STAMP, true, 60);
        scan(w);
        assert_state(w, "a.tgz", ARCHIVE_WAITING, "a sums file is being written");
        assert_state(w, "b.tgz", ARCHIVE_READY, NULL);
        put_sums(w, "sha256sums.txt", "a.tgz", DIGEST_SHA256, false);
        scan(w);
        assert_state(w, "a.tgz", ARCHIVE_REFUSED, "its SHA-256 is");
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

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                T(a_sums_file_decides_about_what_it_names),
                T(sha256_goes_before_md5),
                T(a_sums_file_that_comes_later_decodes_nothing),
                T(a_bad_line_is_told_and_harms_nothing),
                T(a_sums_file_that_is_being_rewritten_lets_nothing_pass),
                T(a_file_beside_an_archive_decides_about_that_one),
                T(what_nobody_understood_leaves_archives_not_checked),
                T(where_sums_are_required_no_other_archive_is_served),
                T(what_a_sums_file_refused_stays_refused_over_a_restart),
                T(a_new_archive_waits_for_a_sums_file_that_is_being_written),
                T(what_was_quarantined_is_not_served_meanwhile),
        };

        (void)setlocale(LC_CTYPE, "C.UTF-8");
        return cmocka_run_group_tests(tests, NULL, NULL);
}
