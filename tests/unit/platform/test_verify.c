/* SPDX-License-Identifier: MPL-2.0 */
/* verify: boot_archive.hash is believed in its own words, and only when it agrees. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "platform/indexer.h"
#include "tarmaker.h"

#define SHA1_ABC "a9993e364706816aba3e25717850c26c9cd0d89d"

static int judge(const char *hash, bool hash_first, bool *ret_checked, struct err *err)
{
        AUTO_BUF struct buf t = BUF_INIT;
        struct indexed x = { .hash_checked = false };
        struct identity id;
        int fd, r;

        if (hash_first)
                tar_file(&t, TOP "/i86pc/amd64/boot_archive.hash", hash);
        tar_file(&t, TOP "/i86pc/amd64/boot_archive", "abc");
        tar_file(&t, TOP "/other/boot_archive", "a decoy of that name");
        if (!hash_first)
                tar_file(&t, TOP "/i86pc/amd64/boot_archive.hash", hash);
        tar_file(&t, TOP "/i86pc/kernel/amd64/unix", "unix");
        tar_end(&t);
        fd = mem_file(t.data, t.len);
        assert_int_equal(identity_of_fd(fd, &id), 0);
        r = indexer_read(&(struct index_order) { .fd = fd, .id = &id, .spool_fd = -1 }, &x, err);
        *ret_checked = x.hash_checked;
        if (r == 0)
                indexed_fini(&x);
        close(fd);
        return r;
}

static void accepts_the_hash_in_either_case_wherever_it_stands(void **state)
{
        static const char *const hashes[] = { SHA1_ABC "\n", SHA1_ABC,
                "A9993E364706816ABA3E25717850C26C9CD0D89D\n", SHA1_ABC "  boot_archive\n" };

        (void)state;
        for (size_t i = 0; i < 8; i++) {
                bool checked = false;

                assert_int_equal(judge(hashes[i / 2], i % 2, &checked, NULL), 0);
                assert_true(checked);
        }
}

static void refuses_any_other_hash(void **state)
{
        static const struct {
                const char *hash, *why;
        } table[] = {
                { "b9993e364706816aba3e25717850c26c9cd0d89d\n", "says b9993e" },
                { "a9993e364706816aba3e25717850c26c9cd0d89\n", "40 hex digits" },
                { "", "40 hex digits" },
                { "\n", "40 hex digits" },
                { " " SHA1_ABC, "40 hex digits" },
                { "<html>404 Not Found                     ", "40 hex digits" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
                for (int first = 0; first < 2; first++) {
                        bool checked = false;
                        struct err err = { "" };

                        assert_int_equal(judge(table[i].hash, first, &checked, &err), -EBADMSG);
                        if (!strstr(err.text, table[i].why))
                                fail_msg("\"%s\" does not speak of \"%s\"", err.text, table[i].why);
                }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(accepts_the_hash_in_either_case_wherever_it_stands),
                cmocka_unit_test(refuses_any_other_hash),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
