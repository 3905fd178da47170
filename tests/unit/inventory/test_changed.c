/* SPDX-License-Identifier: MPL-2.0 */
/* changed: when a row changed last is kept with the host, profile or channel it belongs to, whatever the change was; and an
 * inventory of schema 1, which keeps no times, is served as before. */
#include "lab.h"

#include "base/buf.h"
#include "inventory/inventory.h"

#define LONG_AGO "1000"

/* Two hosts, two profiles, two channels, and one row of everything that hangs on the first of each. */
static const char rows[] =
        "INSERT INTO channel (name) VALUES ('stable'), ('edge'); INSERT INTO profile (name) VALUES "
        "('rack7'), ('rack8');"
        "INSERT INTO host (hostname, profile, channel) VALUES ('db1', 2, 1), ('db2', 3, 2);"
        "INSERT INTO nic (host, mac) VALUES (1, '020820abcd01'), (2, '020820abcd02');"
        "INSERT INTO property (host, name, value) VALUES (1, 'console', 'ttya');"
        "INSERT INTO property (profile, name, value) VALUES (2, 'console', 'ttyb');"
        "INSERT INTO setting (profile, key, value) VALUES (2, 'menu_timeout', '5');"
        "INSERT INTO menu_item (profile, key, label, body) VALUES (2, 'memtest', 'Memory test', 'chain "
        "memtest.efi');"
        "INSERT INTO module (host, name, content) VALUES (1, 'etc/system', 'x');"
        "INSERT INTO module (profile, name, content) VALUES (2, 'etc/system', 'x');"
        "INSERT INTO network (host, dns_domain) VALUES (1, 'example.com');"
        "INSERT INTO network (profile, dns_domain) VALUES (2, 'example.com');"
        "INSERT INTO route (host, destination, gateway) VALUES (1, '10.0.0.0/8', '192.0.2.1');"
        "INSERT INTO route (profile, destination, gateway) VALUES (2, '10.0.0.0/8', '192.0.2.1');";

/* "h1 p2": which rows have changed since LONG_AGO. */
static const char touched[] = "SELECT ifnull(group_concat(t, ' '), '') FROM ("
                              "SELECT 'h' || id AS t FROM host WHERE changed_at <> " LONG_AGO
                              " UNION ALL SELECT 'p' || id FROM profile WHERE changed_at <> " LONG_AGO
                              " UNION ALL SELECT 'c' || id FROM channel WHERE changed_at <> " LONG_AGO ")";

static void every_change_touches_the_rows_that_depend_on_it(void **state)
{
        static const struct {
                const char *sql, *touched;
        } t[] = {
                { "UPDATE host SET enabled = 0 WHERE id = 1", "h1" },
                { "UPDATE host SET hostname = 'db9' WHERE id = 1", "h1" },
                { "UPDATE host SET build = '20241010T000000Z', channel = NULL WHERE id = 1", "h1" },
                { "UPDATE host SET profile = 3 WHERE id = 1", "h1" },
                { "UPDATE host SET comment = 'x', serial = 'y', uuid = "
                  "'4c4c4544-0042-3010-8054-b4c04f4e5331' WHERE id = 2",
                        "h2" },
                { "UPDATE profile SET parent = 2 WHERE id = 3", "p3" },
                { "UPDATE channel SET build = '20241010T000000Z' WHERE id = 1", "c1" },
                { "UPDATE channel SET canary = '20241010T000000Z', canary_percent = 5 WHERE id = 2", "c2" },
                { "INSERT INTO nic (host, mac) VALUES (1, '02:08:20:ab:cd:03')", "h1" },
                { "UPDATE nic SET ip = '192.0.2.7' WHERE host = 1", "h1" },
                { "UPDATE nic SET host = 2 WHERE host = 1", "h1 h2" },
                /* A MAC that leaves is an unknown machine's from now on, which has the profile default. */
                { "UPDATE nic SET mac = '020820abcd04' WHERE host = 1", "h1 p1" },
                { "DELETE FROM nic WHERE host = 1", "h1 p1" },
                { "DELETE FROM host WHERE id = 1", "p1" },
                { "INSERT INTO property (host, name, value) VALUES (1, 'zpool', 'z')", "h1" },
                { "UPDATE property SET value = 'ttyc' WHERE host = 1", "h1" },
                { "UPDATE property SET host = 2 WHERE host = 1", "h1 h2" },
                { "UPDATE property SET host = NULL, profile = 3 WHERE host = 1", "h1 p3" },
                { "DELETE FROM property WHERE host = 1", "h1" },
                { "INSERT INTO property (profile, name, value) VALUES (2, 'zpool', 'z')", "p2" },
                { "UPDATE property SET value = 'ttyc' WHERE profile = 2", "p2" },
                { "DELETE FROM property WHERE profile = 2", "p2" },
                { "INSERT INTO setting (key, value) VALUES ('menu_timeout', '7')", "p1" },
                { "UPDATE setting SET value = '8' WHERE profile = 2", "p2" },
                { "DELETE FROM setting WHERE profile = 2", "p2" },
                { "INSERT INTO menu_item (key, label, body) VALUES ('x', 'X', 'exit')", "p1" },
                { "UPDATE menu_item SET position = 1", "p2" },
                { "DELETE FROM menu_item", "p2" },
                { "INSERT INTO module (host, name, content) VALUES (1, 'b', 'x')", "h1" },
                { "UPDATE module SET content = 'z' WHERE profile = 2", "p2" },
                { "DELETE FROM module WHERE host = 1", "h1" },
                { "UPDATE network SET dns_domain = '' WHERE host = 1", "h1" },
                { "DELETE FROM network WHERE profile = 2", "p2" },
                { "INSERT INTO network (profile, dns_domain) VALUES (3, 'example.com')", "p3" },
                { "UPDATE route SET gateway = NULL WHERE profile = 2", "p2" },
                { "DELETE FROM route WHERE host = 1", "h1" },
                { "INSERT INTO route (host, destination, gateway) VALUES (2, '10.0.0.0/8', '192.0.2.1')",
                        "h2" },
                { "UPDATE known_property SET secret = 1 WHERE name = 'zpool'", "p1" },
                { "DELETE FROM known_property WHERE name = 'zpool'", "p1" },
                { "INSERT INTO known_property (name) VALUES ('site')", "p1" },
                { "SELECT 1", "" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
                sqlite3 *db = lab_open(":memory:");
                const char *got;

                lab_do(db, rows);
                lab_do(db,
                        "UPDATE host SET changed_at = " LONG_AGO "; UPDATE profile SET changed_at = " LONG_AGO
                        "; UPDATE channel SET changed_at = " LONG_AGO);
                lab_do(db, t[i].sql);
                got = lab_text(db, touched);
                if (strcmp(got, t[i].touched) != 0)
                        fail_msg("%s\n  touches %s, not %s", t[i].sql, got, t[i].touched);
                assert_string_equal(
                        lab_text(
                                db, "SELECT count(*) FROM host WHERE changed_at > strftime('%s', 'now') + 1"),
                        "0");
                sqlite3_close(db);
        }
}

/* Whatever the clock does: a time stamp that went back would make an HTTP cache keep the old script. */
static void time_never_goes_back(void **state)
{
        sqlite3 *db = lab_open(":memory:");

        (void)state;
        lab_do(db, rows);
        lab_do(db, "UPDATE host SET changed_at = 4000000000; UPDATE profile SET changed_at = 4000000000;"
                   "UPDATE channel SET changed_at = 4000000000");
        lab_do(db, "UPDATE host SET enabled = 0; DELETE FROM nic; DELETE FROM property; UPDATE profile SET "
                   "comment = 'x';"
                   "UPDATE channel SET comment = 'x'; DELETE FROM setting; DELETE FROM module; DELETE FROM "
                   "menu_item");
        assert_string_equal(
                lab_text(db, "SELECT min(changed_at) FROM (SELECT changed_at FROM host UNION ALL "
                             "SELECT changed_at FROM profile UNION ALL SELECT changed_at FROM channel)"),
                "4000000000");
        sqlite3_close(db);
}

static void an_id_is_never_given_twice(void **state)
{
        static const char *const tables[] = { "host", "profile", "channel" };
        sqlite3 *db = lab_open(":memory:");

        (void)state;
        for (size_t i = 0; i < 3; i++) {
                char sql[200];
                const char *name = i == 0 ? "hostname" : "name";
                int first;

                (void)snprintf(
                        sql, sizeof sql, "INSERT INTO %s (%s) VALUES ('aa') RETURNING id", tables[i], name);
                first = atoi(lab_text(db, sql));
                (void)snprintf(sql, sizeof sql, "DELETE FROM %s WHERE %s = 'aa'", tables[i], name);
                lab_do(db, sql);
                (void)snprintf(
                        sql, sizeof sql, "INSERT INTO %s (%s) VALUES ('bb') RETURNING id", tables[i], name);
                assert_int_equal(atoi(lab_text(db, sql)), first + 1);
        }
        sqlite3_close(db);
}

/* ---- what the daemon reads ---- */

struct file {
        char path[60];
        sqlite3 *db;
};

static char *read_source(const char *name)
{
        const char *src = getenv("PXEFS_SRC");
        struct buf b = BUF_INIT;
        char path[500], part[4096];
        size_t n;
        FILE *f;

        (void)snprintf(path, sizeof path, "%s/%s", src ? src : ".", name);
        f = fopen(path, "r");
        assert_non_null(f);
        while ((n = fread(part, 1, sizeof part, f)) > 0)
                buf_add(&b, part, n);
        (void)fclose(f);
        return buf_take(&b, NULL);
}

static void make_file(struct file *f, const char *schema)
{
        int fd;

        (void)snprintf(f->path, sizeof f->path, "/dev/shm/pxefs-changed-XXXXXX");
        fd = mkstemp(f->path);
        assert_true(fd >= 0);
        (void)close(fd);
        assert_int_equal(sqlite3_open(f->path, &f->db), SQLITE_OK);
        lab_do(f->db, schema);
        lab_do(f->db, rows);
}

static void remove_file(struct file *f)
{
        char name[80];

        sqlite3_close(f->db);
        (void)unlink(f->path);
        (void)snprintf(name, sizeof name, "%s-wal", f->path);
        (void)unlink(name);
        (void)snprintf(name, sizeof name, "%s-shm", f->path);
        (void)unlink(name);
}

static int64_t changed_of(struct inventory *inv, uint64_t mac)
{
        struct plan *p = NULL;
        struct err err;
        int64_t sec;

        if (inventory_plan(inv, mac, &p, &err) < 0)
                fail_msg("%s", err.text);
        sec = p->changed_sec;
        plan_free(p);
        return sec;
}

static void a_plan_says_when_its_rows_changed(void **state)
{
        struct inventory *inv = NULL;
        struct file f;

        (void)state;
        make_file(&f, inventory_schema_sql);
        assert_int_equal(inventory_open(&(struct inventory_options) { .path = f.path }, &inv, NULL), 0);
        lab_do(f.db, "UPDATE profile SET changed_at = id * 10; UPDATE host SET changed_at = id * 100;"
                     "UPDATE channel SET changed_at = id * 1000");
        assert_int_equal(changed_of(inv, 0x020820abcd01), 1000);
        assert_int_equal(changed_of(inv, 0x020820abcd02), 2000);
        assert_int_equal(changed_of(inv, 0x020820abcd03), 10); /* nobody has it: the profile default */
        lab_do(f.db, "UPDATE host SET channel = NULL, changed_at = 5 WHERE id = 1; UPDATE host SET "
                     "changed_at = 5");
        assert_int_equal(changed_of(inv, 0x020820abcd01), 20);
        lab_do(f.db, "UPDATE profile SET changed_at = 30 WHERE id = 1");
        assert_int_equal(changed_of(inv, 0x020820abcd01), 30);
        lab_do(f.db, "PRAGMA ignore_check_constraints = 1; UPDATE profile SET changed_at = -1; UPDATE host "
                     "SET changed_at = -1");
        assert_int_equal(changed_of(inv, 0x020820abcd01), 0);
        inventory_close(inv);
        remove_file(&f);
}

static void schema_1_is_served_without_times(void **state)
{
        char *schema = read_source("schema/migrations/0001-version-1.sql");
        struct inventory_summary sum;
        struct inventory *inv = NULL;
        struct plan *p = NULL;
        struct file f;

        (void)state;
        make_file(&f, schema);
        free(schema);
        assert_int_equal(inventory_open(&(struct inventory_options) { .path = f.path }, &inv, NULL), 0);
        assert_int_equal(inventory_summary(inv, &sum, NULL), 0);
        assert_int_equal(sum.schema_version, 1);
        assert_int_equal(inventory_plan(inv, 0x020820abcd01, &p, NULL), 0);
        assert_string_equal(p->hostname, "db1");
        assert_int_equal(p->n_modules, 1);
        assert_int_equal(p->n_items, 1);
        assert_int_equal(p->n_problems, 0);
        assert_int_equal(p->changed_sec, 0);
        plan_free(p);
        inventory_close(inv);
        remove_file(&f);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_change_touches_the_rows_that_depend_on_it),
                cmocka_unit_test(time_never_goes_back),
                cmocka_unit_test(an_id_is_never_given_twice),
                cmocka_unit_test(a_plan_says_when_its_rows_changed),
                cmocka_unit_test(schema_1_is_served_without_times),
        };

        return cmocka_run_group_tests_name("changed", tests, NULL, NULL);
}
