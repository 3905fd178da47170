/* SPDX-License-Identifier: MPL-2.0 */
/* The verdict: one line for each state a daemon can be in, and what is no problem. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fixture.h"
#include "render/status/verdict.h"
#include "statusfix.h"

#define STAMP "20241010T000000Z"

static void two_builds(struct statusfix *x)
{
        statusfix_archive(x, "a.tgz", STAMP, ARCHIVE_READY, NULL);
        statusfix_archive(x, "b.tgz", "20240926T000000Z", ARCHIVE_READY, NULL);
}

static void one_build(struct statusfix *x)
{
        statusfix_archive(x, "a.tgz", STAMP, ARCHIVE_READY, NULL);
}

static void a_warning(struct statusfix *x)
{
        statusfix_archive(x, "a.tgz", STAMP, ARCHIVE_READY, "it carries no check sum");
}

static void a_line_nobody_understood(struct statusfix *x)
{
        two_builds(x);
        x->view.note = fixture_text("sha256sums.txt: line 3 is left out");
}

static void one_is_read(struct statusfix *x)
{
        two_builds(x);
        statusfix_archive(x, "c.tgz", NULL, ARCHIVE_INDEXING, NULL);
        statusfix_archive(x, "d.tgz", NULL, ARCHIVE_WAITING, "it still changes");
}

static void shadowed(struct statusfix *x)
{
        two_builds(x);
        statusfix_archive(x, "c.tgz", STAMP, ARCHIVE_SHADOWED, "a.tgz is served");
}

static void only_an_image(struct statusfix *x)
{
        statusfix_archive(x, "netboot.tar.gz", NULL, ARCHIVE_READY, NULL);
}

static void never_died(struct statusfix *x)
{
        two_builds(x);
        x->f.process.restarts = 7; /* long ago */
        x->f.process.restarts_last_hour = 0;
        x->f.process.upgrades = 2;
        x->f.process.poisoned = 0;
        x->f.engine.rotten = 1; /* its archive was replaced since, or it is refused */
}

static void nothing_there(struct statusfix *x)
{
        (void)x;
}

static void first_one_is_read(struct statusfix *x)
{
        statusfix_archive(x, "a.tgz", NULL, ARCHIVE_INDEXING, NULL);
}

static void two_are_waited_for(struct statusfix *x)
{
        first_one_is_read(x);
        statusfix_archive(x, "b.tgz", NULL, ARCHIVE_WAITING, NULL);
}

static void one_refused(struct statusfix *x)
{
        two_builds(x);
        statusfix_archive(x, "c.tgz", NULL, ARCHIVE_REFUSED, "byte 9: cut");
}

static void two_refused(struct statusfix *x)
{
        one_refused(x);
        statusfix_archive(x, "d.tgz", NULL, ARCHIVE_REFUSED, NULL);
}

static void the_only_one_refused(struct statusfix *x)
{
        statusfix_archive(x, "c.tgz", NULL, ARCHIVE_REFUSED, "byte 9: cut");
}

static void no_inventory(struct statusfix *x)
{
        one_refused(x);
        x->f.inventory.state = FACTS_INVENTORY_NONE;
        x->f.inventory.reason = "inventory /x/inventory.db: it is gone";
}

static void a_copy(struct statusfix *x)
{
        two_builds(x);
        x->f.inventory.state = FACTS_INVENTORY_COPY;
        x->f.inventory.copy_sec = 1795429860;
        x->f.inventory.reason = "inventory /x/inventory.db: it is gone";
}

static void a_copy_of_unknown_age(struct statusfix *x)
{
        a_copy(x);
        x->f.inventory.copy_sec = 0;
        x->f.inventory.reason = NULL;
}

static void restarted(struct statusfix *x)
{
        two_builds(x);
        x->f.process.restarts_last_hour = 3;
        x->f.process.death = "signal 11 (Segmentation fault)";
}

static void restarted_once(struct statusfix *x)
{
        two_builds(x);
        x->f.process.restarts_last_hour = 1;
}

static void was_poisoned(struct statusfix *x)
{
        two_builds(x);
        x->f.process.poisoned = 1;
}

static void no_directory(struct statusfix *x)
{
        two_builds(x);
        x->f.builds_trouble = "read: Input/output error";
}

static void no_cache(struct statusfix *x)
{
        two_builds(x);
        x->f.cache_trouble = true;
}

static void an_absent_name(struct statusfix *x)
{
        two_builds(x);
        x->f.absent = (struct facts_absent) { 1, { "/srv/x: it leads into the mount" } };
}

static void absent_names(struct statusfix *x)
{
        an_absent_name(x);
        x->f.absent.n = 20;
}

static void not_running(struct statusfix *x)
{
        one_refused(x);
        x->f.running = false;
}

static void no_copy_is_kept(struct statusfix *x)
{
        two_builds(x);
        x->f.inventory.copy_trouble = "open: No space left on device";
}

static const struct {
        void (*make)(struct statusfix *x);
        const char *line, *action; /* action NULL: healthy */
} cases[] = {
        { two_builds, "all 2 builds are served", NULL },
        { one_build, "the only build is served", NULL },
        { a_warning, "the only build is served", NULL },
        { one_is_read, "all 2 builds are served; 1 more being read", NULL },
        { shadowed, "all 2 builds are served", NULL },
        { only_an_image, "no builds; 1 other archive is served", NULL },
        { never_died, "all 2 builds are served", NULL },
        { nothing_there, "no build is served", "put a platform-*.tgz into the builds directory" },
        { first_one_is_read, "no build is served yet: 1 archive is to be read", "wait until they are read" },
        { two_are_waited_for, "no build is served yet: 2 archives are to be read",
                "wait until they are read" },
        { one_refused, "1 of 3 archives is refused: c.tgz: byte 9: cut", "wait if it is still being copied; otherwise copy it again, or remove it" },
        { two_refused, "2 of 4 archives are refused: first c.tgz: byte 9: cut",
                "wait for those still being copied; otherwise copy them again, or remove them" },
        { the_only_one_refused, "no build is served (and 1 more problem)",
                "put a platform-*.tgz into the builds directory" },
        { no_inventory,
                "the inventory cannot be read, and no host's script can be had: inventory /x/inventory.db: "
                "it is gone "
                "(and 1 more problem)",
                "do what the reason says, or put a copy back; machines that start wait for it" },
        { a_copy,
                "the inventory is answering from the copy of 2026-11-23T10:31:00Z: inventory "
                "/x/inventory.db: it is gone",
                "do what the reason says; changes made since are not seen until then" },
        { a_copy_of_unknown_age,
                "the inventory is answering from the copy of an unknown time: no reason is known",
                "do what the reason says; changes made since are not seen until then" },
        { restarted, "the worker was restarted 3 times in the last hour: signal 11 (Segmentation fault)",
                "look into the log for what it met: replace the archive if it names one, and report it" },
        { restarted_once, "the worker was restarted 1 time in the last hour: no reason is known",
                "look into the log for what it met: replace the archive if it names one, and report it" },
        { was_poisoned, "1 request killed the worker twice and was answered with an error",
                "replace the archive that the log names, and report it" },
        { no_directory, "the builds directory cannot be read: read: Input/output error",
                "give the daemon's user r-x on it, or mount it again" },
        { no_copy_is_kept, "no copy of the inventory is kept for bad times: open: No space left on device",
                "make room in the cache directory, or give it to the daemon's user" },
        { not_running, "pxefs is not running (and 1 more problem)", "start it: pxefs BUILDS_DIR MOUNTPOINT" },
        { a_line_nobody_understood,
                "what archives must be is not all understood: sha256sums.txt: line 3 is left out",
                "mend the file (chmod a+r, its lines), or remove it; what it does not name is not checked by "
                "it" },
        { an_absent_name, "1 name in static= is not shown: /srv/x: it leads into the mount",
                "do what the reason says; status.json and the log name them all" },
        { absent_names, "20 names in static= are not shown: first /srv/x: it leads into the mount",
                "do what the reason says; status.json and the log name them all" },
        { no_cache, "the cache directory cannot be written: what is found out is lost at the next start",
                "make room in it, or give it to the daemon's user; the log has the reason" },
};

static void each_state_has_its_line_and_its_action(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                AUTO_BUF struct buf line = BUF_INIT;
                struct statusfix x;
                struct verdict v;

                statusfix_init(&x);
                cases[i].make(&x);
                daemon_verdict(&x.f, &v);
                verdict_line(&v, &line);
                assert_string_equal(line.data, cases[i].line);
                assert_int_equal(v.healthy, cases[i].action == NULL);
                if (cases[i].action)
                        assert_string_equal(verdict_action(&v), cases[i].action);
                else
                        assert_null(verdict_action(&v));
        }
}

static void what_is_not_known_is_no_problem(void **state)
{
        struct statusfix x;
        struct verdict v;

        (void)state;
        statusfix_init(&x);
        two_builds(&x);
        daemon_facts_init(&x.f, &x.view);
        x.f.running = true;
        daemon_verdict(&x.f, &v);
        assert_true(v.healthy);
        assert_int_equal(v.n_problems, 0);
}

static void all_at_once_are_counted(void **state)
{
        AUTO_BUF struct buf line = BUF_INIT;
        struct statusfix x;
        struct verdict v;

        (void)state;
        statusfix_init(&x);
        the_only_one_refused(&x);
        x.f.inventory.state = FACTS_INVENTORY_NONE;
        x.f.builds_trouble = "gone";
        x.f.process.restarts_last_hour = x.f.process.poisoned = 1;
        x.f.cache_trouble = true;
        daemon_verdict(&x.f, &v);
        verdict_line(&v, &line);
        assert_int_equal(v.n_problems, 7); /* all but the copy: it is none, or a copy */
        assert_non_null(strstr(line.data, "(and 6 more problems)"));
}

static void a_name_is_one_line(void **state)
{
        struct statusfix x;
        struct verdict v;

        (void)state;
        statusfix_init(&x);
        two_builds(&x);
        statusfix_archive(&x, "c\nall is well\x1b[31m.tgz", NULL, ARCHIVE_REFUSED, "cut");
        daemon_verdict(&x.f, &v);
        assert_string_equal(v.problems[0].what, "1 of 3 archives is refused: c?all is well?[31m.tgz: cut");
}

static void a_long_reason_is_cut(void **state)
{
        struct statusfix x;
        struct verdict v;
        char reason[4096];

        (void)state;
        memset(reason, 'x', sizeof reason - 1);
        reason[sizeof reason - 1] = '\0';
        statusfix_init(&x);
        two_builds(&x);
        statusfix_archive(&x, "c.tgz", NULL, ARCHIVE_REFUSED, reason);
        daemon_verdict(&x.f, &v);
        assert_int_equal(strlen(v.problems[0].what), sizeof v.problems[0].what - 1);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_state_has_its_line_and_its_action),
                cmocka_unit_test(what_is_not_known_is_no_problem),
                cmocka_unit_test(all_at_once_are_counted),
                cmocka_unit_test(a_name_is_one_line),
                cmocka_unit_test(a_long_reason_is_cut),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
