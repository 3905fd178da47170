/* SPDX-License-Identifier: MPL-2.0 */
/* dirscan: which names of the builds directory are looked at, and which are told to be passed over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "catalog/dirscan.h"
#include "catalogworld.h"

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

static void what_may_be_meant_as_an_archive_is_named(void **state)
{
        static const struct {
                const char *name, *reason; /* NULL: no word about it */
        } table[] = {
                { "platform-20240101T000000Z.tgz.1", "second download" },
                { "smartos-20240101T000000Z.iso.12", "second download" },
                { "smartos-20240101T000000Z-USB.img.gz", "USB image" },
                { "smartos.img", "USB image" },
                { "d1b3ab0e-file.gz", "compressed file" },
                { "platform.xz", "compressed file" },
                { "file", "its name" },
                { "platform-20240101T000000Z.bin", "its name" },
                { "SmartOS-latest.download", "its name" },
                { "platform-20240101T000000Z.tgz", NULL }, /* it is looked at */
                { "platform-20240101T000000Z.tgz.part", NULL },
                { "platform-20240101T000000Z.tgz.aria2", NULL },
                { ".platform-20240101T000000Z.tgz.Ab12Cd", NULL },
                { "platform-20240101T000000Z.tgz.sha256", NULL },
                { "platform-20240101T000000Z.tgz.asc", NULL },
                { "smartos-changes.txt", NULL },
                { "README", NULL },
                { "notes.1", NULL },
                { "x.tgz.", NULL },
                { "x.tgz.1a", NULL },
                { ".1", NULL },
        };
        struct world *w = *state;

        for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
                const char *reason = dirscan_passed_over(table[i].name);

                if (!reason != !table[i].reason || (reason && !strstr(reason, table[i].reason)))
                        fail_msg("%s: %s", table[i].name, reason ? reason : "no word");
                scratch_put(w->bfd, table[i].name, "x", 1, 60);
        }
        scan(w);
        for (size_t i = 0; i < 9; i++)
                assert_state(w, table[i].name, ARCHIVE_PASSED_OVER, table[i].reason);
        assert_int_equal(w->v->n_archives, 10);
        assert_int_equal(w->v->n_builds, 0);

        /* It is one under another name. */
        put_platform(w, "file", "platform-" STAMP, STAMP, true, 60);
        scan(w);
        assert_state(w, "file", ARCHIVE_PASSED_OVER, "its name");
        assert_int_equal(renameat(w->bfd, "file", w->bfd, "file.tgz"), 0);
        scan(w);
        assert_state(w, "file.tgz", ARCHIVE_READY, NULL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(only_names_of_archives_are_looked_at),
                cmocka_unit_test_setup_teardown(what_may_be_meant_as_an_archive_is_named, set_up, tear_down),
        };

        return cmocka_run_group_tests_name("dirscan", tests, NULL, NULL);
}
