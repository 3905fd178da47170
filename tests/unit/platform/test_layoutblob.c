/* SPDX-License-Identifier: MPL-2.0 */
/* layoutblob: what was packed comes back; what is damaged is refused or harmless. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "platform/indexer.h"
#include "platform/layoutblob.h"
#include "tarmaker.h"

/* A packed layout, and the length of its stream. */
static uint64_t pack_one(struct buf *blob)
{
        AUTO_BUF struct buf t = BUF_INIT;
        struct indexed x;
        struct identity id;
        uint64_t raw;
        int fd;

        tar_platform(&t, "platform-debug-" STAMP, STAMP);
        tar_link(&t, '2', "platform-debug-" STAMP "/out", "/etc/passwd");
        tar_end(&t);
        fd = mem_file(t.data, t.len);
        assert_int_equal(identity_of_fd(fd, &id), 0);
        assert_int_equal(
                indexer_read(&(struct index_order) { .fd = fd, .id = &id, .spool_fd = -1 }, &x, NULL), 0);
        layout_pack(x.tree, blob);
        assert_int_equal(buf_error(blob), 0);
        raw = x.raw_bytes;
        indexed_fini(&x);
        close(fd);
        return raw;
}

static void gives_back_what_was_packed(void **state)
{
        AUTO_BUF struct buf blob = BUF_INIT, again = BUF_INIT;
        uint64_t raw = pack_one(&blob);
        struct layout *l = NULL;

        (void)state;
        assert_int_equal(layout_unpack(blob.data, blob.len, raw, &l), 0);
        assert_string_equal(l->name, "debug-" STAMP);
        assert_false(l->release);
        assert_true(l->has_hash);
        assert_int_equal(l->n_skipped, 1);
        assert_non_null(strstr(l->skipped_why, "leaves the archive"));
        assert_true(l->v[layout_by_path(l, "platform/root.password")].hidden);
        assert_int_equal(layout_by_path(l, "platform/i86pc/kernel/amd64/unix"), l->unix_entry);
        layout_pack(l, &again);
        assert_int_equal(again.len, blob.len);
        assert_memory_equal(again.data, blob.data, blob.len);
        layout_free(l);
}

/* Walks everything, as a server would. */
static void use(const struct layout *l, uint64_t raw)
{
        for (uint32_t i = 0; i < l->n; i++) {
                const struct layout_entry *e = &l->v[i];

                assert_true(strlen(e->name) < 4096 && e->parent <= i);
                for (uint32_t c = 0; c < e->n_children; c++)
                        assert_int_equal(l->v[e->first_child + c].parent, i);
                for (size_t k = 0; k < e->n_extents; k++) {
                        const struct extent *x = &l->extents[e->first_extent + k];

                        assert_true(x->off_raw + x->len_bytes <= raw &&
                                    x->off_member + x->len_bytes <= e->size_bytes);
                }
        }
}

static void a_flipped_bit_anywhere_is_refused_or_harmless(void **state)
{
        AUTO_BUF struct buf blob = BUF_INIT;
        uint64_t raw = pack_one(&blob);

        (void)state;
        for (size_t bit = 0; bit < blob.len * 8; bit++) {
                struct layout *l = NULL;
                int r;

                blob.data[bit / 8] ^= (char)(1 << (bit % 8));
                r = layout_unpack(blob.data, blob.len, raw, &l);
                blob.data[bit / 8] ^= (char)(1 << (bit % 8));
                assert_true(r == 0 || r == -EBADMSG);
                if (r == 0)
                        use(l, raw);
                layout_free(l);
        }
}

static void a_blob_of_any_other_length_is_refused(void **state)
{
        AUTO_BUF struct buf blob = BUF_INIT;
        uint64_t raw = pack_one(&blob);
        struct layout *l = NULL;

        (void)state;
        for (size_t n = 0; n < blob.len; n++) {
                char *exact = malloc(n + 1); /* ASan sees a byte too many */

                memcpy(exact, blob.data, n);
                exact[n] = '\0';
                assert_int_equal(layout_unpack(exact, n, raw, &l), -EBADMSG);
                free(exact);
        }
        assert_int_equal(
                layout_unpack(blob.data, blob.len, 100, &l), -EBADMSG); /* extents behind the stream's end */
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(gives_back_what_was_packed),
                cmocka_unit_test(a_flipped_bit_anywhere_is_refused_or_harmless),
                cmocka_unit_test(a_blob_of_any_other_length_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
