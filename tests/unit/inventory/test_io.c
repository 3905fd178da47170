/* SPDX-License-Identifier: MPL-2.0 */
/* io: whichever call of SQLite to the inventory's files fails, the answer is right or an error with its reason, never another;
 * with a copy it is always right; and the next call is right. */
#include "lab.h"

#include <errno.h>
#include <sys/stat.h>
#include <time.h>

#include "inventory/inventory.h"
#include "iofault.h"

#define MAC 0x020820abcd01

struct lab {
        char dir[40], path[60], copy[60];
        sqlite3 *db;
};

static int set_up(void **state)
{
        struct lab *lab = calloc(1, sizeof *lab);
        bool shm = access("/dev/shm", W_OK) == 0; /* no disk to wait for */

        (void)snprintf(lab->dir, sizeof lab->dir, "%s/pxefs-io-XXXXXX", shm ? "/dev/shm" : "/tmp");
        assert_non_null(mkdtemp(lab->dir));
        (void)snprintf(lab->path, sizeof lab->path, "%s/i.db", lab->dir);
        (void)snprintf(lab->copy, sizeof lab->copy, "%s/copy.db", lab->dir);
        lab->db = lab_open(lab->path);
        lab_do(lab->db, "INSERT INTO host (hostname) VALUES ('db1'); INSERT INTO nic (host, mac) VALUES (1, "
                        "'020820abcd01')");
        *state = lab;
        return 0;
}

static int tear_down(void **state)
{
        struct lab *lab = *state;
        char cmd[80];

        sqlite3_close(lab->db);
        (void)snprintf(cmd, sizeof cmd, "rm -rf %s", lab->dir);
        assert_int_equal(system(cmd), 0);
        free(lab);
        return 0;
}

static int open_it(const struct lab *lab, bool with_copy, struct inventory **ret, struct err *err)
{
        return inventory_open(&(struct inventory_options) { .path = lab->path,
                                      .copy_path = with_copy ? lab->copy : NULL,
                                      .quiet_ms = 1,
                                      .every_ms = 1,
                                      .busy_ms = 1 },
                ret, err);
}

static void make_copy(const struct lab *lab)
{
        struct inventory *inv = NULL;
        struct err err = { "" };
        struct stat st;

        assert_int_equal(open_it(lab, true, &inv, &err), 0);
        for (int i = 0; stat(lab->copy, &st) < 0; i++) {
                assert_true(i < 10000);
                (void)nanosleep(&(struct timespec) { .tv_nsec = 1000000 }, NULL);
        }
        inventory_close(inv);
}

static void check_right(struct inventory *inv, unsigned nth)
{
        struct plan *p = NULL;
        struct err err = { "" };

        if (inventory_plan(inv, MAC, &p, &err) < 0)
                fail_msg("after call %u failed: %s", nth, err.text);
        assert_int_equal(p->kind, PLAN_HOST);
        assert_string_equal(p->hostname, "db1");
        plan_free(p);
}

/* Every call of opening and of one answer, in turn.  @ret_fired: how many there were. */
static void fail_each(const struct lab *lab, bool with_copy, unsigned *ret_fired)
{
        const char *fired;
        unsigned nth = 0;

        do {
                struct inventory *inv = NULL;
                struct plan *p = NULL;
                struct err err = { "" };
                int r;

                iofault_arm(++nth);
                r = open_it(lab, with_copy, &inv, &err);
                if (r == 0)
                        r = inventory_plan(inv, MAC, &p, &err);
                fired = iofault_fired();
                iofault_arm(0);
                if (r < 0 && (!fired || with_copy || !err.text[0]))
                        fail_msg("call %u (%s): %d '%s'", nth, fired ? fired : "none failed", r, err.text);
                if (r == 0 && (p->kind != PLAN_HOST || strcmp(p->hostname, "db1") != 0))
                        fail_msg("call %u (%s): another answer", nth, fired);
                plan_free(p);
                if (inv)
                        check_right(inv, nth);
                inventory_close(inv);
                assert_true(nth < 5000);
        } while (fired);
        *ret_fired = nth - 1;
}

static void every_failed_call_is_survived(void **state)
{
        struct lab *lab = *state;
        unsigned n;

        fail_each(lab, false, &n);
        assert_true(n > 10);
        lab_do(lab->db, "PRAGMA journal_mode = DELETE");
        fail_each(lab, false, &n);
        assert_true(n > 10);
}

static void with_a_copy_no_failed_call_is_noticed(void **state)
{
        struct lab *lab = *state;
        unsigned n;

        make_copy(lab);
        fail_each(lab, true, &n);
        assert_true(n > 10);
}

/* A connection that is open already: its pages are in memory until the next commit. */
static void a_failed_call_after_a_commit_is_survived(void **state)
{
        struct lab *lab = *state;
        struct inventory *inv = NULL;
        struct err err = { "" };
        unsigned nth = 0;
        const char *fired;

        assert_int_equal(open_it(lab, false, &inv, &err), 0);
        do {
                struct plan *p = NULL;
                char want[20], sql[80];
                int r;

                (void)snprintf(want, sizeof want, "h%u", ++nth);
                (void)snprintf(sql, sizeof sql, "UPDATE host SET hostname = '%s'", want);
                lab_do(lab->db, sql);
                iofault_arm(nth);
                r = inventory_plan(inv, MAC, &p, &err);
                fired = iofault_fired();
                iofault_arm(0);
                if (r < 0 && (!fired || !err.text[0]))
                        fail_msg("call %u: %d '%s'", nth, r, err.text);
                if (r == 0)
                        assert_string_equal(p->hostname, want); /* never the one before */
                plan_free(p);
                p = NULL;
                assert_int_equal(inventory_plan(inv, MAC, &p, &err), 0);
                assert_string_equal(p->hostname, want);
                plan_free(p);
                assert_true(nth < 5000);
        } while (fired);
        assert_true(nth > 3);
        inventory_close(inv);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(every_failed_call_is_survived, set_up, tear_down),
                cmocka_unit_test_setup_teardown(with_a_copy_no_failed_call_is_noticed, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_failed_call_after_a_commit_is_survived, set_up, tear_down),
        };

        return iofault_install() ? cmocka_run_group_tests_name("io", tests, NULL, NULL) : 1;
}
