/* SPDX-License-Identifier: MPL-2.0 */
/* inventory: plans are what the views say, live, and hostile rows cost themselves only. */
#include "lab.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "inventory/inventory.h"
#include "inventory/plan/mac.h"
#include "inventory/plan/settings.h"

#define A UINT64_C(0x020820abcd01)
#define B UINT64_C(0x020820abcd02)

struct lab {
        char dir[64], path[96];
        sqlite3 *db; /* the operator's connection */
};

static int set_up(void **state)
{
        struct lab *lab = calloc(1, sizeof *lab);

        (void)snprintf(lab->dir, sizeof lab->dir, "/tmp/pxefs-inventory-XXXXXX");
        assert_non_null(mkdtemp(lab->dir));
        (void)snprintf(lab->path, sizeof lab->path, "%s/inventory.db", lab->dir);
        lab->db = lab_open(lab->path);
        lab_do(lab->db, "INSERT INTO profile (name) VALUES ('rack7');"
                        "INSERT INTO host (hostname, profile) VALUES ('db1', 2), ('db2', 1);"
                        "INSERT INTO nic (host, mac, ip) VALUES (1, '02:08:20:ab:cd:01', '10.0.0.1'), (2, '020820ABCD02', NULL)");
        *state = lab;
        return 0;
}

static int tear_down(void **state)
{
        struct lab *lab = *state;
        char cmd[128];

        sqlite3_close(lab->db);
        (void)snprintf(cmd, sizeof cmd, "rm -rf %s", lab->dir);
        assert_int_equal(system(cmd), 0);
        free(lab);
        return 0;
}

static struct inventory *open_inventory(const char *path)
{
        struct inventory *inv = NULL;
        struct err err = { "" };

        if (inventory_open(&(struct inventory_options) { .path = path }, &inv, &err) < 0)
                fail_msg("%s", err.text);
        return inv;
}

static struct plan *plan_of(struct inventory *inv, uint64_t mac)
{
        struct plan *p = NULL;
        struct err err = { "" };

        if (inventory_plan(inv, mac, &p, &err) < 0)
                fail_msg("%s", err.text);
        return p;
}

/* "name=value (layer)" of an effective property; "" if there is none. */
static const char *property(const struct plan *p, const char *name)
{
        static char text[600];

        text[0] = '\0';
        for (size_t i = 0; i < p->n_properties; i++)
                if (strcmp(p->properties[i].name, name) == 0)
                        (void)snprintf(text, sizeof text, "%s (%s)%s", p->properties[i].value, p->properties[i].layer,
                                p->properties[i].secret ? " secret" : "");
        return text;
}

static bool has_problem(const struct plan *p, const char *part)
{
        for (size_t i = 0; i < p->n_problems; i++)
                if (strstr(p->problems[i], part))
                        return true;
        return false;
}

static void the_nearest_layer_wins_and_null_unsets(void **state)
{
        struct lab *lab = *state;
        struct inventory *inv = open_inventory(lab->path);
        struct plan *p;

        lab_do(lab->db, "INSERT INTO property (profile, name, value) VALUES (2, 'console', 'ttyb'), (2, 'noimport', 'true'),"
                        " (1, 'root_shadow', '$5$a$b'), (2, 'smartos', NULL);"
                        "INSERT INTO property (host, name, value) VALUES (1, 'noimport', NULL), (1, '-kd', '')");
        p = plan_of(inv, A);
        assert_int_equal(p->kind, PLAN_HOST);
        assert_string_equal(p->hostname, "db1");
        assert_string_equal(p->mac, "02-08-20-ab-cd-01");
        assert_string_equal(p->ip, "10.0.0.1");
        assert_string_equal(p->profile, "rack7");
        assert_string_equal(property(p, "console"), "ttyb (profile rack7)");
        assert_string_equal(property(p, "root_shadow"), "$5$a$b (profile default) secret");
        assert_string_equal(property(p, "-kd"), " (host db1)");
        assert_string_equal(property(p, "noimport"), "");
        assert_int_equal(p->n_properties, 3);
        assert_int_equal(p->n_unset, 2);
        assert_string_equal(p->unset[0].name, "noimport");
        assert_string_equal(p->unset[0].layer, "host db1");
        assert_string_equal(p->unset[1].layer, "profile rack7");
        assert_int_equal(p->n_problems, 0);
        plan_free(p);
        lab_do(lab->db, "UPDATE host SET enabled = 0 WHERE id = 1");
        p = plan_of(inv, A);
        assert_int_equal(p->kind, PLAN_DISABLED);
        plan_free(p);
        p = plan_of(inv, 0x020820ffffff);
        assert_int_equal(p->kind, PLAN_UNKNOWN);
        assert_null(p->hostname);
        assert_string_equal(p->profile, "default");
        assert_string_equal(property(p, "console"), "text (profile default)");
        plan_free(p);
        inventory_close(inv);
}

static void settings_come_with_their_layer(void **state)
{
        struct lab *lab = *state;
        struct inventory *inv = open_inventory(lab->path);
        struct plan *p;

        p = plan_of(inv, A);
        assert_null(p->base_url);
        assert_int_equal(p->menu_timeout_ms, 30000);
        assert_int_equal(p->unknown_policy, UNKNOWN_MENU);
        assert_int_equal(p->boot_form, FORM_MODULE);
        plan_free(p);
        lab_do(lab->db, "INSERT INTO setting (key, value) VALUES ('base_url', 'http://10.0.0.2/t'), ('unknown_host', 'deny'),"
                        " ('loader', 'triton'), ('menu_style', 'minimal'), ('boot_form', 'initrd'), ('menu_timeout', '5');"
                        "INSERT INTO setting (profile, key, value) VALUES (2, 'menu_timeout', '7'), (2, 'menu_style', NULL)");
        p = plan_of(inv, A);
        assert_string_equal(p->base_url, "http://10.0.0.2/t");
        assert_int_equal(p->menu_timeout_ms, 7000);
        assert_int_equal(p->unknown_policy, UNKNOWN_DENY);
        assert_int_equal(p->loader, LOADER_TRITON);
        assert_int_equal(p->boot_form, FORM_INITRD);
        assert_int_equal(p->menu_style, MENU_FULL); /* NULL: back to what is built in */
        assert_int_equal(p->n_settings, n_setting_defs);
        for (size_t i = 0; i < p->n_settings; i++) {
                const char *layer = p->settings[i].layer;

                if (strcmp(p->settings[i].key, "menu_timeout") == 0)
                        assert_string_equal(layer, "profile rack7");
                if (strcmp(p->settings[i].key, "base_url") == 0)
                        assert_string_equal(layer, "global");
                if (strcmp(p->settings[i].key, "menu_style") == 0)
                        assert_string_equal(layer, "built in");
        }
        plan_free(p);
        inventory_close(inv);
}

static void the_table_of_settings_is_the_schemas(void **state)
{
        struct lab *lab = *state;
        sqlite3_stmt *s = NULL;
        size_t i = 0;

        assert_int_equal(sqlite3_prepare_v2(lab->db, "SELECT key, built_in, choices, type = 'number' FROM known_setting ORDER BY key", -1,
                &s, NULL), SQLITE_OK);
        for (; sqlite3_step(s) == SQLITE_ROW; i++) {
                const char *choices = (const char *)sqlite3_column_text(s, 2);

                assert_true(i < n_setting_defs);
                assert_string_equal(setting_defs[i].key, sqlite3_column_text(s, 0));
                assert_string_equal(setting_defs[i].built_in, sqlite3_column_text(s, 1));
                assert_int_equal(!setting_defs[i].choices, !choices);
                if (choices)
                        assert_string_equal(setting_defs[i].choices, choices);
                assert_int_equal(setting_defs[i].is_number, sqlite3_column_int(s, 3));
        }
        assert_int_equal(i, n_setting_defs);
        sqlite3_finalize(s);
}

/* Compares each plan with the views, over many random rows. */
static void plans_say_what_the_views_say(void **state)
{
        struct lab *lab = *state;
        struct inventory *inv = open_inventory(lab->path);
        sqlite3_stmt *s = NULL;
        int n = 0;

        lab_do(lab->db, "INSERT INTO channel (name, build, canary, canary_percent) VALUES ('stable', '20241010T000000Z', '20241024T000000Z', 30),"
                        " ('edge', NULL, NULL, 0);"
                        "WITH RECURSIVE n (i) AS (SELECT 3 UNION ALL SELECT i + 1 FROM n WHERE i < 20)"
                        " INSERT INTO profile (id, name, parent, build, channel) SELECT i, 'p' || i, 1 + abs(i * 7919) % (i - 1),"
                        "  iif(i % 5 = 0, '20240101T000000Z', NULL), CASE i % 5 WHEN 1 THEN 1 WHEN 2 THEN 2 END FROM n;"
                        "WITH RECURSIVE n (i) AS (SELECT 3 UNION ALL SELECT i + 1 FROM n WHERE i < 200)"
                        " INSERT INTO host (id, hostname, profile, build, channel) SELECT i, 'h' || i, 1 + i % 20,"
                        "  iif(i % 7 = 0, 'x-20240202T000000Z', NULL), CASE i % 7 WHEN 1 THEN 1 WHEN 2 THEN 2 END FROM n;"
                        "INSERT INTO property (profile, name, value) SELECT id, 'k' || (id % 4), iif(id % 3, 'v' || id, NULL) FROM profile WHERE id > 2;"
                        "INSERT INTO property (host, name, value) SELECT id, 'k' || (id % 4), iif(id % 5, 'h' || id, NULL) FROM host WHERE id % 2;");
        assert_int_equal(sqlite3_prepare_v2(lab->db, "SELECT b.host, b.build, b.why, (SELECT group_concat(name || '=' || value || layer, '|') FROM"
                " (SELECT * FROM host_row_property WHERE host = b.host AND value IS NOT NULL ORDER BY name)),"
                " (SELECT count(*) FROM host_row_property WHERE host = b.host AND value IS NULL) FROM host_build b", -1, &s, NULL), SQLITE_OK);
        for (; sqlite3_step(s) == SQLITE_ROW; n++) {
                struct plan *p = NULL;
                struct buf all = BUF_INIT;
                const char *build = (const char *)sqlite3_column_text(s, 1);

                assert_int_equal(inventory_plan_by_host(inv, sqlite3_column_int64(s, 0), &p, NULL), 0);
                assert_string_equal(p->build ? p->build : "-", build ? build : "-");
                assert_string_equal(p->build_why, sqlite3_column_text(s, 2));
                for (size_t i = 0; i < p->n_properties; i++)
                        buf_printf(&all, "%s%s=%s%s", i ? "|" : "", p->properties[i].name, p->properties[i].value,
                                p->properties[i].layer);
                assert_string_equal(all.data, sqlite3_column_text(s, 3));
                assert_int_equal(p->n_unset, sqlite3_column_int(s, 4));
                assert_int_equal(p->n_problems, 0);
                buf_fini(&all);
                plan_free(p);
        }
        assert_int_equal(n, 200);
        sqlite3_finalize(s);
        inventory_close(inv);
}

static void destruction_needs_the_setting_at_boot_too(void **state)
{
        struct lab *lab = *state;
        struct inventory *inv = open_inventory(lab->path);
        struct plan *p;

        lab_do(lab->db, "INSERT INTO setting (key, value) VALUES ('allow_destructive', '1');"
                        "INSERT INTO property (host, name, value) VALUES (1, 'destroy_zpools', 'true')");
        p = plan_of(inv, A);
        assert_string_equal(property(p, "destroy_zpools"), "true (host db1)");
        plan_free(p);
        lab_do(lab->db, "UPDATE setting SET value = '0'");
        p = plan_of(inv, A);
        assert_string_equal(property(p, "destroy_zpools"), "");
        assert_true(has_problem(p, "destroys data"));
        plan_free(p);
        inventory_close(inv);
}

static void menu_items_are_inherited_like_properties(void **state)
{
        struct lab *lab = *state;
        struct inventory *inv = open_inventory(lab->path);
        struct plan *p;

        lab_do(lab->db, "INSERT INTO menu_item (key, label, body, position) VALUES ('b', 'B', 'boot', 100), ('a', 'A', 'exit', 100),"
                        "  ('z', 'Z', 'exit 1' || char(10) || 'boot', 5), ('gone', 'G', 'boot', 1);"
                        "INSERT INTO menu_item (profile, key, label, body) VALUES (2, 'a', 'A2', 'exit 2'), (2, 'gone', 'G', NULL)");
        lab_do(lab->db, "UPDATE host SET profile = 2 WHERE id = 1");
        p = plan_of(inv, A);
        assert_int_equal(p->n_items, 3);
        assert_string_equal(p->items[0].key, "z");
        assert_string_equal(p->items[0].body, "exit 1\nboot");
        assert_string_equal(p->items[1].label, "A2");
        assert_string_equal(p->items[1].layer, "profile rack7");
        assert_string_equal(p->items[2].key, "b");
        assert_string_equal(p->items[2].layer, "profile default");
        plan_free(p);
        lab_do(lab->db, "PRAGMA ignore_check_constraints = 1; UPDATE menu_item SET body = 'a' || char(0) || 'b' WHERE key = 'z';"
                        "INSERT INTO menu_item (key, label, body) VALUES ('x' || char(10), 'X', 'boot')");
        p = plan_of(inv, A);
        assert_int_equal(p->n_items, 2);
        assert_true(has_problem(p, "menu_item z (profile default"));
        assert_true(has_problem(p, "its key is no plain line"));
        plan_free(p);
        inventory_close(inv);
}

static void a_uuid_or_address_of_two_hosts_is_named_to_both(void **state)
{
        struct lab *lab = *state;
        struct inventory *inv = open_inventory(lab->path);
        uint64_t mac = 0;
        struct plan *p;

        lab_do(lab->db, "UPDATE host SET uuid = '4c4c4544-0042-3010-8054-b4c04f4e5331';"
                        "INSERT INTO nic (host, mac, ip) VALUES (1, '020820abcdf1', '10.0.0.8'), (2, '020820abcdf2', '10.0.0.8')");
        for (uint64_t m = 0x020820abcdf1; m <= 0x020820abcdf2; m++) {
                p = plan_of(inv, m);
                assert_true(has_problem(p, "uuid 4c4c4544-0042-3010-8054-b4c04f4e5331 is also that of host"));
                assert_true(has_problem(p, "ip 10.0.0.8 is also that of host"));
                plan_free(p);
        }
        assert_int_equal(inventory_mac_by_uuid(inv, "4c4c4544-0042-3010-8054-b4c04f4e5331", &mac, NULL), -ENOTUNIQ);
        inventory_close(inv);
}

/* Each row is written with checks and triggers off. */
static void rows_written_with_checks_off_cost_themselves_only(void **state)
{
        static const struct {
                const char *sql, *problem;
        } t[] = {
                { "INSERT INTO property (host, name, value) VALUES (1, 'evil', 'a' || char(10) || 'boot')", "property evil (host db1" },
                { "INSERT INTO property (host, name, value) VALUES (1, 'nul', 'a' || char(0) || 'b')", "property nul" },
                { "INSERT INTO property (host, name, value) VALUES (1, 'a' || char(10), 'b')", "its name is no plain line" },
                { "INSERT INTO property (host, name, value) VALUES (1, 'big', printf('%.*c', 100000, 'x'))", "property big" },
                { "INSERT INTO setting (profile, key, value) VALUES (2, 'menu_timeout', 'soon')", "setting menu_timeout of profile rack7" },
                { "INSERT INTO setting (profile, key, value) VALUES (2, 'wrong', 'soon')", "key that is unknown" },
                { "UPDATE host SET hostname = 'a' || char(10) WHERE id = 1", "hostname is no plain line" },
                { "UPDATE host SET comment = char(27) WHERE id = 1", "comment is no plain line" },
                { "UPDATE host SET profile = 99 WHERE id = 1", "profile 99 does not exist" },
                { "UPDATE host SET channel = 99 WHERE id = 1", "channel 99 does not exist" },
                { "UPDATE host SET build = 'a' || char(10) WHERE id = 1", "build is no plain line" },
                { "UPDATE profile SET parent = 77 WHERE id = 2", "profile 77 does not exist" },
                { "UPDATE profile SET parent = 2 WHERE id = 2", "profile 2 inherits from itself" },
                { "DELETE FROM profile_closure", "profile_closure" },
                { "INSERT INTO profile_closure VALUES (2, 2000, 5), (2, 2001, 5)", "profile_closure" },
                { "UPDATE profile_closure SET depth = 0", "profile_closure" },
        };
        struct lab *lab = *state;
        struct inventory *inv = open_inventory(lab->path);

        lab_do(lab->db, "PRAGMA ignore_check_constraints = ON");
        assert_int_equal(sqlite3_db_config(lab->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL), SQLITE_OK);
        for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
                struct plan *p;

                lab_do(lab->db, "BEGIN");
                lab_do(lab->db, t[i].sql);
                lab_do(lab->db, "COMMIT");
                p = plan_of(inv, A);
                if (!has_problem(p, t[i].problem))
                        fail_msg("%s\n  wants problem: %s\n  got: %s", t[i].sql, t[i].problem, p->n_problems ? p->problems[0] : "none");
                for (size_t k = 0; k < p->n_problems; k++)
                        assert_null(strpbrk(p->problems[k], "\n\r\t\033"));
                assert_string_equal(property(p, "smartos"), "true (profile default)"); /* the rest is good */
                if (strstr(t[i].sql, "build") || strstr(t[i].sql, "channel"))
                        assert_non_null(p->build); /* never silently the latest */
                plan_free(p);
                p = plan_of(inv, B);
                if (!strstr(t[i].sql, "closure"))
                        assert_int_equal(p->n_problems, 0); /* another host */
                plan_free(p);
                lab_do(lab->db, "DELETE FROM property WHERE host = 1; DELETE FROM setting; DELETE FROM profile_closure;"
                                "INSERT INTO profile_closure VALUES (1, 1, 0), (2, 2, 0), (2, 1, 1);"
                                "UPDATE profile SET parent = 1 WHERE id = 2;"
                                "UPDATE host SET hostname = 'db1', comment = NULL, profile = 2, channel = NULL, build = NULL WHERE id = 1");
        }
        /* A NIC without a host is an unknown machine; an unusable MAC is in no listing. */
        lab_do(lab->db, "INSERT INTO nic (host, mac) VALUES (99, '02-08-20-ab-cd-99'), (1, '../../etc'), (1, 'zz')");
        struct plan *p = plan_of(inv, 0x020820abcd99);

        assert_int_equal(p->kind, PLAN_UNKNOWN);
        plan_free(p);
        inventory_close(inv);
}

struct listed {
        char text[400];
        unsigned n, most;
        uint64_t last;
};

static bool collect(void *ctx, uint64_t key, const char *name)
{
        struct listed *l = ctx;

        assert_true(key > l->last || l->n == 0);
        if (l->n == l->most)
                return false;
        (void)snprintf(l->text + strlen(l->text), sizeof l->text - strlen(l->text), "%s ", name);
        l->last = key;
        l->n++;
        return true;
}

static void listings_resume_by_key_and_leave_out_what_cannot_be_a_name(void **state)
{
        struct lab *lab = *state;
        struct inventory *inv = open_inventory(lab->path);
        struct listed l = { .most = 1 };

        lab_do(lab->db, "INSERT INTO host (hostname, uuid) VALUES ('nonic', NULL), ('u1', '4c4c4544-0042-3010-8054-b4c04f4e5331'),"
                        " ('u2', '4c4c4544-0042-3010-8054-b4c04f4e5332'), ('u3', '4c4c4544-0042-3010-8054-b4c04f4e5332');"
                        "INSERT INTO nic (host, mac, ip) VALUES (4, '020820abcd04', '10.0.0.4'), (5, '020820abcd05', '10.0.0.5'), (6, '020820abcd00', '10.0.0.5');"
                        "INSERT INTO channel (name, build) VALUES ('stable', '20241010T000000Z'), ('edge', NULL)");
        lab_do(lab->db, "PRAGMA ignore_check_constraints = ON");
        assert_int_equal(sqlite3_db_config(lab->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL), SQLITE_OK);
        lab_do(lab->db, "INSERT INTO nic (host, mac, ip) VALUES (1, 'zz/../..', '../x'); INSERT INTO channel (name) VALUES ('a/b'), ('..')");
        assert_int_equal(inventory_list_macs(inv, 0, collect, &l, NULL), 0);
        assert_string_equal(l.text, "02-08-20-ab-cd-00 ");
        l = (struct listed){ .most = 100, .last = l.last };
        assert_int_equal(inventory_list_macs(inv, l.last, collect, &l, NULL), 0);
        assert_string_equal(l.text, "02-08-20-ab-cd-01 02-08-20-ab-cd-02 02-08-20-ab-cd-04 02-08-20-ab-cd-05 ");
        l = (struct listed){ .most = 100 };
        assert_int_equal(inventory_list_names(inv, 0, collect, &l, NULL), 0);
        assert_string_equal(l.text, "db1 db2 u1 u2 u3 ");
        l = (struct listed){ .most = 100 };
        assert_int_equal(inventory_list_ips(inv, 0, collect, &l, NULL), 0);
        assert_string_equal(l.text, "10.0.0.1 10.0.0.4 ");
        l = (struct listed){ .most = 100 };
        assert_int_equal(inventory_list_uuids(inv, 0, collect, &l, NULL), 0);
        assert_string_equal(l.text, "4c4c4544-0042-3010-8054-b4c04f4e5331 ");
        l = (struct listed){ .most = 100 };
        assert_int_equal(inventory_list_channels(inv, 0, collect, &l, NULL), 0);
        assert_string_equal(l.text, "stable edge ");
        inventory_close(inv);
}

static void hosts_are_found_by_name_ip_and_uuid(void **state)
{
        struct lab *lab = *state;
        struct inventory *inv = open_inventory(lab->path);
        struct inventory_summary sum;
        uint64_t mac = 0;
        char *build = NULL;

        lab_do(lab->db, "INSERT INTO nic (host, mac, ip) VALUES (1, '020820abcdff', '10.0.0.9'), (2, '020820abcdfe', '10.0.0.8'), (1, '020820abcdfd', '10.0.0.8');"
                        "UPDATE host SET uuid = '4C4C4544-0042-3010-8054-B4C04F4E5331' WHERE id = 1;"
                        "INSERT INTO channel (name, build) VALUES ('stable', '20241010T000000Z'), ('edge', NULL)");
        assert_int_equal(inventory_mac_by_name(inv, "DB1", &mac, NULL), 0);
        assert_int_equal(mac, A);
        mac = 0;
        assert_int_equal(inventory_mac_by_ip(inv, "10.0.0.9", &mac, NULL), 0);
        assert_int_equal(mac, A); /* the lowest NIC's */
        assert_int_equal(inventory_mac_by_ip(inv, "10.0.0.8", &mac, NULL), -ENOTUNIQ); /* two hosts have it */
        assert_int_equal(inventory_mac_by_uuid(inv, "4c4c4544-0042-3010-8054-B4C04F4E5331", &mac, NULL), 0);
        assert_int_equal(inventory_mac_by_name(inv, "nobody", &mac, NULL), -ENOENT);
        assert_int_equal(inventory_channel(inv, "stable", &build, NULL), 0);
        assert_string_equal(build, "20241010T000000Z");
        free(build);
        assert_int_equal(inventory_channel(inv, "edge", &build, NULL), 0);
        assert_string_equal(build, "latest");
        free(build);
        assert_int_equal(inventory_channel(inv, "none", &build, NULL), -ENOENT);
        assert_int_equal(inventory_summary(inv, &sum, NULL), 0);
        assert_int_equal(sum.hosts, 2);
        assert_int_equal(sum.nics, 5);
        assert_int_equal(sum.schema_version, 2);
        inventory_close(inv);
}

static void without_a_file_every_machine_is_unknown(void **state)
{
        struct inventory *inv = open_inventory(NULL);
        struct plan *p = plan_of(inv, A);

        (void)state;
        assert_int_equal(p->kind, PLAN_UNKNOWN);
        assert_string_equal(property(p, "smartos"), "true (profile default)");
        plan_free(p);
        inventory_close(inv);
}

static void a_file_that_is_replaced_by_rename_is_opened_anew(void **state)
{
        struct lab *lab = *state;
        struct inventory *inv = open_inventory(lab->path);
        struct err err = { "" };
        char other[120], wal[120];
        struct plan *p = plan_of(inv, A);
        sqlite3 *db;

        plan_free(p);
        (void)snprintf(other, sizeof other, "%s/new.db", lab->dir);
        db = lab_open(other);
        lab_do(db, "INSERT INTO host (hostname) VALUES ('other'); INSERT INTO nic (host, mac) VALUES (1, '020820abcd01');"
                   "PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE");
        sqlite3_close(db);
        sqlite3_close(lab->db);
        lab->db = NULL;
        assert_int_equal(rename(other, lab->path), 0);
        /* The old one's -wal would be mixed into the new file. */
        assert_int_equal(inventory_plan(inv, A, &p, &err), -ESTALE);
        assert_non_null(strstr(err.text, "-wal"));
        (void)snprintf(wal, sizeof wal, "%s-wal", lab->path);
        assert_int_equal(unlink(wal), 0);
        p = plan_of(inv, A);
        assert_string_equal(p->hostname, "other");
        plan_free(p);
        /* gone, and back */
        assert_int_equal(rename(lab->path, other), 0);
        assert_int_equal(inventory_plan(inv, A, &p, &err), -ENOENT);
        assert_non_null(strstr(err.text, "pxectl -i "));
        assert_int_equal(rename(other, lab->path), 0);
        p = plan_of(inv, A);
        assert_string_equal(p->hostname, "other");
        plan_free(p);
        inventory_close(inv);
}

static void what_is_no_inventory_is_refused_with_the_way_out(void **state)
{
        static const struct {
                const char *sql, *sentence;
        } t[] = {
                { "PRAGMA user_version = 3", "has version 3 and this pxefs knows 2" },
                { "PRAGMA user_version = 0", "inventory.db migrate" },
                { "PRAGMA application_id = 5", "no inventory of pxefs" },
                { "PRAGMA application_id = 0; PRAGMA user_version = 0", "pxectl -i FILE init" },
        };
        struct lab *lab = *state;
        struct inventory *inv = open_inventory(lab->path), *other = NULL;
        struct err err = { "" };
        struct plan *p = NULL;
        char path[120];
        FILE *f;

        for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
                lab_do(lab->db, t[i].sql);
                assert_int_equal(inventory_open(&(struct inventory_options) { .path = lab->path }, &other, &err), -EBADMSG);
                if (!strstr(err.text, t[i].sentence))
                        fail_msg("%s", err.text);
                if (i == 0) /* under a connection that is open already */
                        assert_int_equal(inventory_plan(inv, A, &p, &err), -EBADMSG);
                lab_do(lab->db, "PRAGMA user_version = 2; PRAGMA application_id = 0x70786673");
        }
        p = plan_of(inv, A);
        plan_free(p);
        inventory_close(inv);
        (void)snprintf(path, sizeof path, "%s/x", lab->dir);
        assert_int_equal(inventory_open(&(struct inventory_options) { .path = path }, &other, &err), -ENOENT);
        /* A successor opens it all the same; each question is an error then. */
        assert_int_equal(inventory_open(&(struct inventory_options) { .path = path, .open_later = true }, &other, &err), 0);
        assert_int_equal(inventory_plan(other, 1, &(struct plan *) { NULL }, &err), -ENOENT);
        inventory_close(other);
        f = fopen(path, "w");
        assert_int_equal(inventory_open(&(struct inventory_options) { .path = path }, &other, &err), -EBADMSG);
        assert_non_null(strstr(err.text, "empty file"));
        for (int i = 0; i < 1000; i++)
                (void)fputs("this is no database ", f);
        assert_int_equal(fclose(f), 0);
        assert_int_equal(inventory_open(&(struct inventory_options) { .path = path }, &other, &err), -EBADMSG);
}

/* ---- threads ---- */

struct reader {
        pthread_t thread;
        struct inventory *inv;
        atomic_int *stop;
        unsigned n;
};

static void *read_on(void *arg)
{
        struct reader *r = arg;

        while (!*r->stop) {
                struct plan *p = NULL;
                const char *a, *b;

                if (inventory_plan(r->inv, A, &p, NULL) < 0)
                        abort();
                a = p->comment;
                b = NULL;
                for (size_t i = 0; i < p->n_properties; i++)
                        if (strcmp(p->properties[i].name, "both") == 0)
                                b = p->properties[i].value;
                if (!a || !b || strcmp(a, b) != 0) /* written in one transaction, so seen together */
                        abort();
                plan_free(p);
                r->n++;
        }
        return NULL;
}

static void readers_see_whole_transactions_beside_a_writer(void **state)
{
        struct lab *lab = *state;
        struct reader r[12] = { 0 }; /* more than there are connections */
        atomic_int stop = 0;
        struct inventory *inv = open_inventory(lab->path);

        lab_do(lab->db, "UPDATE host SET comment = 'x0' WHERE id = 1; INSERT INTO property (host, name, value) VALUES (1, 'both', 'x0')");
        for (size_t i = 0; i < 12; i++) {
                r[i].inv = inv;
                r[i].stop = &stop;
                assert_int_equal(pthread_create(&r[i].thread, NULL, read_on, &r[i]), 0);
        }
        for (int i = 1; i <= 100; i++) {
                char sql[200];

                (void)snprintf(sql, sizeof sql, "BEGIN IMMEDIATE; UPDATE host SET comment = 'x%d' WHERE id = 1;"
                        "UPDATE property SET value = 'x%d' WHERE name = 'both'; COMMIT", i, i);
                lab_do(lab->db, sql);
        }
        stop = 1;
        for (size_t i = 0; i < 12; i++) {
                pthread_join(r[i].thread, NULL);
                assert_true(r[i].n > 0);
        }
        inventory_close(inv);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(the_nearest_layer_wins_and_null_unsets, set_up, tear_down),
                cmocka_unit_test_setup_teardown(settings_come_with_their_layer, set_up, tear_down),
                cmocka_unit_test_setup_teardown(the_table_of_settings_is_the_schemas, set_up, tear_down),
                cmocka_unit_test_setup_teardown(plans_say_what_the_views_say, set_up, tear_down),
                cmocka_unit_test_setup_teardown(destruction_needs_the_setting_at_boot_too, set_up, tear_down),
                cmocka_unit_test_setup_teardown(menu_items_are_inherited_like_properties, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_uuid_or_address_of_two_hosts_is_named_to_both, set_up, tear_down),
                cmocka_unit_test_setup_teardown(rows_written_with_checks_off_cost_themselves_only, set_up, tear_down),
                cmocka_unit_test_setup_teardown(listings_resume_by_key_and_leave_out_what_cannot_be_a_name, set_up, tear_down),
                cmocka_unit_test_setup_teardown(hosts_are_found_by_name_ip_and_uuid, set_up, tear_down),
                cmocka_unit_test(without_a_file_every_machine_is_unknown),
                cmocka_unit_test_setup_teardown(a_file_that_is_replaced_by_rename_is_opened_anew, set_up, tear_down),
                cmocka_unit_test_setup_teardown(what_is_no_inventory_is_refused_with_the_way_out, set_up, tear_down),
                cmocka_unit_test_setup_teardown(readers_see_whole_transactions_beside_a_writer, set_up, tear_down),
        };

        return cmocka_run_group_tests_name("inventory", tests, NULL, NULL);
}
