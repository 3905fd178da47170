/* SPDX-License-Identifier: MPL-2.0 */
/* memory: whichever allocation of SQLite fails, a call says -ENOMEM (or succeeds without it), and the next call is right. */
#include "lab.h"

#include <errno.h>

#include "inventory/inventory.h"

static sqlite3_mem_methods real;
static long countdown; /* 0: nothing fails */
static bool fired;

static bool fails(void)
{
        if (countdown == 0 || --countdown > 0)
                return false;
        fired = true;
        return true;
}

static void *failing_malloc(int n)
{
        return fails() ? NULL : real.xMalloc(n);
}

static void *failing_realloc(void *p, int n)
{
        return fails() ? NULL : real.xRealloc(p, n);
}

static void every_failed_allocation_is_survived(void **state)
{
        char dir[] = "/tmp/pxefs-inventory-XXXXXX", path[60], cmd[80];
        struct inventory *inv = NULL;
        sqlite3 *db;
        long nth = 0;

        (void)state;
        assert_non_null(mkdtemp(dir));
        (void)snprintf(path, sizeof path, "%s/i.db", dir);
        db = lab_open(path);
        lab_do(db, "INSERT INTO host (hostname) VALUES ('db1'); INSERT INTO nic (host, mac) VALUES (1, '020820abcd01')");
        do {
                struct plan *p = NULL;
                struct err err = { "" };
                int r;

                fired = false;
                countdown = ++nth;
                r = inventory_open(&(struct inventory_options) { .path = path }, &inv, &err);
                if (r == 0)
                        r = inventory_plan(inv, 0x020820abcd01, &p, &err);
                countdown = 0;
                if (r < 0 && (!fired || (r != -ENOMEM && r != -EACCES && r != -EIO)))
                        fail_msg("allocation %ld: %d %s", nth, r, err.text);
                if (r == 0)
                        assert_string_equal(p->hostname, "db1");
                else
                        assert_true(err.text[0] != '\0');
                plan_free(p);
                p = NULL;
                if (inv) {
                        assert_int_equal(inventory_plan(inv, 0x020820abcd01, &p, &err), 0);
                        assert_int_equal(p->kind, PLAN_HOST);
                        plan_free(p);
                }
                inventory_close(inv);
                inv = NULL;
                if (nth > 60) /* the schema's parse has many alike: every one at first, then every 37th */
                        nth += 36;
        } while (fired);
        assert_true(nth > 300);
        sqlite3_close(db);
        (void)snprintf(cmd, sizeof cmd, "rm -rf %s", dir);
        assert_int_equal(system(cmd), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(every_failed_allocation_is_survived) };
        sqlite3_mem_methods mine;

        if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real) != SQLITE_OK)
                return 1;
        mine = real;
        mine.xMalloc = failing_malloc;
        mine.xRealloc = failing_realloc;
        if (sqlite3_config(SQLITE_CONFIG_MALLOC, &mine) != SQLITE_OK)
                return 1;
        return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
