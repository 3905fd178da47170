/* SPDX-License-Identifier: MPL-2.0 */
/* Each allocation of the one pass fails once: a clean error each time, nothing lost, success at the end. */
#include <errno.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/digest.h"
#include "catalog/catalog.h"
#include "fault.h"
#include "platform/indexer.h"
#include "platform/layoutblob.h"
#include "tarmaker.h"

static void make(struct buf *t)
{
        tar_platform(t, TOP, STAMP);
        tar_link(t, '2', TOP "/out", "/etc/passwd");
        tar_link(t, '1', TOP "/hard", TOP "/root.password");
        for (int i = 0; i < 70; i++) {
                char name[] = TOP "/many00";

                name[sizeof name - 3] = (char)('0' + i / 10);
                name[sizeof name - 2] = (char)('0' + i % 10);
                tar_file(t, name, "x");
        }
        tar_end(t);
}

static void reading_an_archive_survives_every_failed_allocation(void **state)
{
        AUTO_BUF struct buf t = BUF_INIT;
        struct identity id;
        unsigned nth = 0;
        bool fired;
        int fd;

        (void)state;
        make(&t);
        fd = mem_file(t.data, t.len);
        assert_int_equal(identity_of_fd(fd, &id), 0);
        do {
                struct indexed x;
                struct err err = { "" };
                int r;

                fault_arm(++nth);
                r = indexer_read(&(struct index_order) { .fd = fd, .id = &id, .spool_fd = -1 }, &x, &err);
                fired = fault_fired();
                fault_arm(0);
                assert_int_equal(r, fired ? -ENOMEM : 0);
                if (r == 0)
                        indexed_fini(&x);
                else
                        assert_true(err.text[0]);
        } while (fired);
        assert_true(nth > 50);
        close(fd);
}

static void unpacking_survives_every_failed_allocation(void **state)
{
        AUTO_BUF struct buf t = BUF_INIT, blob = BUF_INIT;
        struct identity id;
        struct indexed x;
        unsigned nth = 0;
        bool fired;
        int fd;

        (void)state;
        make(&t);
        fd = mem_file(t.data, t.len);
        assert_int_equal(identity_of_fd(fd, &id), 0);
        assert_int_equal(
                indexer_read(&(struct index_order) { .fd = fd, .id = &id, .spool_fd = -1 }, &x, NULL), 0);
        layout_pack(x.tree, &blob);
        do {
                struct layout *l = NULL;
                int r;

                fault_arm(++nth);
                r = layout_unpack(blob.data, blob.len, x.raw_bytes, &l);
                fired = fault_fired();
                fault_arm(0);
                assert_int_equal(r, fired ? -ENOMEM : 0);
                layout_free(l);
        } while (fired);
        indexed_fini(&x);
        close(fd);
}

/* A scan may fail, or hold one archive back; the next one makes it good, and the view is never half. */
static void a_scan_survives_every_failed_allocation(void **state)
{
        AUTO_BUF struct buf t = BUF_INIT, gz = BUF_INIT, i = BUF_INIT, image = BUF_INIT, sums = BUF_INIT;
        AUTO_DIGEST struct digest *d = digest_new(DIGEST_SHA256);
        char hex[DIGEST_MAX_HEX];
        unsigned nth = 0;
        bool fired;

        (void)state;
        tar_platform(&t, TOP, STAMP);
        tar_end(&t);
        gz_add(&gz, t.data, t.len, 1);
        tar_file(&i, "linux", "x");
        tar_end(&i);
        gz_add(&image, i.data, i.len, 1);
        assert_true(digest_add(d, gz.data, gz.len) == 0 && digest_hex(d, hex) == 0);
        buf_printf(&sums, "%s  a.tgz\nnonsense\n", hex);
        do {
                char bpath[64], cpath[64];
                int bfd = scratch_open(bpath), cfd = scratch_open(cpath), poll_ms, r;
                struct catalog_options o = {
                        .builds_dirfd = bfd, .cache_dirfd = cfd, .spool_max_bytes = 1 << 30, .object_bits = 40
                };
                struct catalog_view *v;
                struct catalog *c = NULL;
                struct err err = { "" };
                bool more;

                scratch_put(bfd, "a.tgz", gz.data, gz.len, 60);
                scratch_put(bfd, "b.zip", "PK\3\4 is no tarball", 18, 60);
                scratch_put(bfd, "netboot.tgz", image.data, image.len, 60);
                scratch_put(bfd, "sha256sums.txt", sums.data, sums.len, 60);
                fault_arm(++nth);
                r = catalog_open(&o, &c, &err);
                if (r == 0)
                        r = catalog_scan(c, true, &more, &poll_ms, &err);
                fired = fault_fired();
                fault_arm(0);
                assert_true(r == 0 || (fired && r == -ENOMEM));
                if (c) {
                        v = catalog_view_get(c);
                        assert_true(v->n_builds <= 1);
                        catalog_view_unref(v);
                        assert_int_equal(catalog_scan(c, true, &more, &poll_ms, &err), 0);
                        v = catalog_view_get(c);
                        assert_int_equal(v->n_archives, 3);
                        if (!fired)
                                assert_true(v->n_builds == 1 && v->n_images == 1 && v->note);
                        catalog_view_unref(v);
                }
                catalog_close(c);
                scratch_close(bpath, bfd);
                scratch_close(cpath, cfd);
        } while (fired);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(reading_an_archive_survives_every_failed_allocation),
                cmocka_unit_test(unpacking_survives_every_failed_allocation),
                cmocka_unit_test(a_scan_survives_every_failed_allocation),
        };

        (void)setlocale(LC_CTYPE, "C.UTF-8");
        return cmocka_run_group_tests(tests, NULL, NULL);
}
