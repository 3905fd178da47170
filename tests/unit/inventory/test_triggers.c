/* SPDX-License-Identifier: MPL-2.0 */
/* triggers: spellings, references, the profile closure, the change log; all with foreign_keys and recursive_triggers as the
 * plain shell has them, off. */
#include "lab.h"

#define STAMP "20241010T000000Z"

static void one_mac_in_two_spellings_is_one_mac(void **state)
{
        sqlite3 *db = lab_open(":memory:");

        (void)state;
        lab_do(db, "INSERT INTO host (hostname) VALUES ('a'), ('b'); INSERT INTO nic (host, mac) VALUES (1, '020820ABCD01')");
        assert_int_equal(sqlite3_changes(db), 1);
        lab_refused(db, "INSERT INTO nic (host, mac) VALUES (2, '02:08:20:ab:cd:01')", "mac: another NIC has this address");
        lab_refused(db, "INSERT INTO nic (host, mac) VALUES (2, '02-08-20-ab-cd-01')", "mac: another NIC has this address");
        lab_do(db, "INSERT INTO nic (host, mac) VALUES (2, '020820abcd02')");
        lab_refused(db, "UPDATE nic SET mac = '01-02-08-20-AB-CD-01' WHERE host = 2", "mac: another NIC has this address");
        lab_do(db, "INSERT INTO nic (host, mac) VALUES (2, '02:08:20:AB:CD:01') ON CONFLICT DO NOTHING");
        assert_string_equal(lab_text(db, "SELECT host FROM nic WHERE mac = '02-08-20-ab-cd-01'"), "1");
        lab_do(db, "INSERT INTO nic (host, mac) VALUES (2, '02:08:20:AB:CD:01') ON CONFLICT DO UPDATE SET host = excluded.host");
        assert_int_equal(sqlite3_changes(db), 1);
        assert_string_equal(lab_text(db, "SELECT host FROM nic WHERE mac = '02-08-20-ab-cd-01'"), "2");
        lab_do(db, "INSERT INTO nic (host, mac) VALUES (1, '02-08-20-ab-cd-01') ON CONFLICT (mac) DO UPDATE SET host = excluded.host");
        assert_string_equal(lab_text(db, "SELECT host FROM nic WHERE mac = '02-08-20-ab-cd-01'"), "1");
        lab_do(db, "INSERT OR REPLACE INTO nic (host, mac) VALUES (2, '020820ABCD01')");
        assert_string_equal(lab_text(db, "SELECT group_concat(host || mac) FROM nic WHERE mac LIKE '%01'"), "202-08-20-ab-cd-01");
        assert_string_equal(lab_text(db, "INSERT INTO nic (host, mac) VALUES (1, '020820abcd09') RETURNING host"), "1");
        lab_do(db, "UPDATE nic SET mac = '02:08:20:AB:CD:0A', ip = '2001:DB8::A' WHERE mac = '02-08-20-ab-cd-09'");
        assert_int_equal(sqlite3_changes(db), 1);
        assert_string_equal(lab_text(db, "SELECT mac || ip FROM nic WHERE ip IS NOT NULL"), "02-08-20-ab-cd-0a2001:db8::a");
        lab_do(db, "INSERT INTO host (hostname, uuid) VALUES ('u', '4C4C4544-0042-3010-8054-B4C04F4E5331')");
        assert_string_equal(lab_text(db, "SELECT uuid FROM host WHERE hostname = 'u'"), "4c4c4544-0042-3010-8054-b4c04f4e5331");
        /* The log has each change once, in the spelling that is stored. */
        assert_string_equal(lab_text(db, "SELECT count(*) FROM change WHERE tab = 'nic' AND (old || new) GLOB '*AB*'"), "0");
        assert_string_equal(lab_text(db, "SELECT count(*) FROM change WHERE tab = 'nic' AND op = 'update'"), "3");
        sqlite3_close(db);
}

static void references_hold_without_foreign_keys(void **state)
{
        sqlite3 *db = lab_open(":memory:");

        (void)state;
        lab_do(db, "INSERT INTO channel (name, build) VALUES ('stable', '" STAMP "'); INSERT INTO profile (name) VALUES ('rack7');"
                   "INSERT INTO profile (name, parent) VALUES ('top', 2);"
                   "INSERT INTO host (hostname, profile, channel) VALUES ('a', 3, 1);"
                   "INSERT INTO nic (host, mac) VALUES (1, '020820abcd01');"
                   "INSERT INTO property (host, name, value) VALUES (1, 'console', 'ttya');"
                   "INSERT INTO module (host, name, content) VALUES (1, 'x', 'y');"
                   "INSERT INTO property (profile, name, value) VALUES (3, 'console', 'ttyb');"
                   "INSERT INTO setting (profile, key, value) VALUES (3, 'menu_timeout', '5')");
        lab_refused(db, "INSERT INTO host (hostname, profile) VALUES ('b', 99)", "profile: no such profile");
        lab_refused(db, "INSERT INTO host (hostname, profile) VALUES ('b', 'rack7')", "host.profile"); /* SQLite's own words */
        lab_refused(db, "INSERT INTO host (hostname, profile) VALUES ('b', (SELECT id FROM profile WHERE name = 'rck7'))",
                "profile: no such profile");
        lab_refused(db, "UPDATE host SET profile = 99", "profile: no such profile");
        lab_refused(db, "UPDATE host SET channel = 99", "channel: no such channel");
        lab_refused(db, "INSERT INTO nic (host, mac) VALUES (99, '020820abcd09')", "host: no such host");
        lab_refused(db, "INSERT INTO nic (host, mac) VALUES ('a', '020820abcd09')", "nic.host");
        lab_refused(db, "INSERT INTO nic (host, mac) VALUES ((SELECT id FROM host WHERE hostname = 'zz'), '020820abcd09')",
                "host: no such host");
        lab_refused(db, "INSERT INTO property (host, name, value) VALUES ((SELECT id FROM host WHERE hostname = 'zz'), 'a', 'b')",
                "host, profile: give exactly one");
        lab_refused(db, "INSERT INTO property (host, profile, name, value) VALUES (1, 1, 'a', 'b')", "give exactly one");
        lab_refused(db, "INSERT INTO setting (profile, key, value) VALUES (99, 'loader', 'stock')", "profile: no such profile");
        lab_refused(db, "INSERT INTO menu_item (profile, key, label) VALUES (99, 'a', 'b')", "profile: no such profile");
        lab_refused(db, "INSERT INTO profile (name, parent) VALUES ('x', 99)", "parent: no such profile");
        lab_refused(db, "INSERT INTO profile (name, parent) VALUES ('x', NULL)", "parent: only the profile default");
        lab_refused(db, "UPDATE host SET id = 7", "id: it never changes");
        lab_refused(db, "UPDATE host SET build = '" STAMP "'", "one of the two");
        /* A delete of something in use names a user. */
        lab_refused(db, "DELETE FROM profile WHERE name = 'top'", "profile top is used by host a, write first: UPDATE host SET profile = 2");
        lab_refused(db, "DELETE FROM profile WHERE name = 'rack7'", "profile rack7 is the parent of profile top");
        lab_refused(db, "DELETE FROM profile", "profile: default stays");
        lab_refused(db, "DELETE FROM channel", "channel stable is used by host a");
        lab_refused(db, "DELETE FROM known_setting WHERE key = 'menu_timeout'", "known_setting menu_timeout has values");
        lab_refused(db, "UPDATE profile SET name = 'base' WHERE id = 1", "name: the profile default keeps its name");
        /* REPLACE must not pull a row from under those who refer to it. */
        lab_refused(db, "INSERT OR REPLACE INTO host (hostname) VALUES ('a')", "INSERT OR REPLACE");
        lab_refused(db, "INSERT OR REPLACE INTO profile (name) VALUES ('rack7')", "INSERT OR REPLACE");
        lab_refused(db, "INSERT OR REPLACE INTO channel (name) VALUES ('stable')", "INSERT OR REPLACE");
        lab_do(db, "INSERT INTO host (hostname) VALUES ('b')");
        lab_refused(db, "UPDATE OR REPLACE host SET hostname = 'A' WHERE hostname = 'b'", "hostname: another host");
        lab_refused(db, "UPDATE OR REPLACE profile SET name = 'top' WHERE name = 'rack7'", "name: another profile");
        /* What belongs to a row goes with it. */
        lab_do(db, "DELETE FROM host WHERE hostname = 'a'");
        assert_int_equal(sqlite3_changes(db), 1);
        assert_string_equal(lab_text(db, "SELECT (SELECT count(*) FROM nic) || (SELECT count(*) FROM property WHERE host = 1) || "
                                         "(SELECT count(*) FROM module)"), "000");
        lab_do(db, "DELETE FROM profile WHERE name = 'top'");
        assert_string_equal(lab_text(db, "SELECT (SELECT count(*) FROM property WHERE profile = 3) || (SELECT count(*) FROM setting) || "
                                         "(SELECT count(*) FROM profile_closure WHERE descendant = 3 OR ancestor = 3)"), "000");
        assert_string_equal(lab_text(db, "SELECT count(*) FROM pragma_foreign_key_check"), "0");
        sqlite3_close(db);
}

static void foreign_keys_and_recursive_triggers_may_be_on(void **state)
{
        sqlite3 *db = lab_open(":memory:");

        (void)state;
        lab_do(db, "PRAGMA foreign_keys = ON; PRAGMA recursive_triggers = ON;"
                   "INSERT INTO host (hostname, uuid) VALUES ('a', '4C4C4544-0042-3010-8054-B4C04F4E5331');"
                   "INSERT INTO nic (host, mac) VALUES (1, '020820ABCD01');"
                   "UPDATE nic SET mac = '020820ABCD02';"
                   "INSERT OR REPLACE INTO nic (host, mac) VALUES (1, '02:08:20:AB:CD:02');"
                   "INSERT INTO property (host, name, value) VALUES (1, 'a', 'b');"
                   "INSERT OR REPLACE INTO property (host, name, value) VALUES (1, 'a', 'c')");
        assert_string_equal(lab_text(db, "SELECT group_concat(op, ' ') FROM (SELECT op FROM change WHERE tab = 'property' ORDER BY id)"),
                "insert delete insert");
        lab_do(db, "DELETE FROM host");
        assert_string_equal(lab_text(db, "SELECT count(*) FROM nic"), "0");
        sqlite3_close(db);
}

/* ---- the closure ---- */

#define CLOSURE_BY_RECURSION                                                                                      \
        "WITH RECURSIVE c (d, a, n) AS (SELECT id, id, 0 FROM profile UNION ALL "                                  \
        "SELECT d, parent, n + 1 FROM c JOIN profile ON id = a WHERE parent IS NOT NULL AND n < 40) "

static unsigned next_random(unsigned *x)
{
        *x = *x * 1103515245u + 12345u;
        return *x >> 16 & 0x7fff;
}

static void the_closure_is_what_recursion_finds(void **state)
{
        sqlite3 *db = lab_open(":memory:");
        unsigned x = 2026, refused = 0;

        (void)state;
        for (int i = 0; i < 12; i++) {
                char sql[100];

                (void)snprintf(sql, sizeof sql, "INSERT INTO profile (name, parent) VALUES ('p%d', %u)", i,
                        1 + next_random(&x) % (unsigned)(i + 1));
                lab_do(db, sql);
        }
        for (int i = 0; i < 300; i++) {
                char sql[160];
                unsigned a = 2 + next_random(&x) % 12, b = 1 + next_random(&x) % 13;

                if (i % 7 == 0)
                        (void)snprintf(sql, sizeof sql, "INSERT OR REPLACE INTO profile (id, name, parent) VALUES (%u, 'q%d', %u)",
                                a, i, b);
                else if (i % 11 == 0)
                        (void)snprintf(sql, sizeof sql, "DELETE FROM profile WHERE id = %u", a);
                else if (i % 11 == 1)
                        (void)snprintf(sql, sizeof sql, "INSERT OR IGNORE INTO profile (id, name, parent) VALUES (%u, 'r%d', %u)",
                                a, i, b);
                else
                        (void)snprintf(sql, sizeof sql, "UPDATE profile SET parent = %u WHERE id = %u", b, a);
                refused += sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK;
                assert_string_equal(lab_text(db, CLOSURE_BY_RECURSION
                        "SELECT (SELECT count(*) FROM (SELECT d, a, n FROM c EXCEPT SELECT descendant, ancestor, depth FROM profile_closure)) || ' ' "
                        "|| (SELECT count(*) FROM (SELECT descendant, ancestor, depth FROM profile_closure EXCEPT SELECT d, a, n FROM c))"),
                        "0 0");
        }
        assert_true(refused > 20 && refused < 280); /* both cases were tried */
        lab_refused(db, "UPDATE profile SET parent = id WHERE id > 1", "parent: a profile cannot inherit from itself");
        lab_refused(db, "UPDATE profile SET parent = 2 WHERE id = 1", "parent: ");
        sqlite3_close(db);
}

static void inheritance_has_a_depth(void **state)
{
        sqlite3 *db = lab_open(":memory:");
        char sql[100];

        (void)state;
        for (int i = 2; i <= 21; i++) {
                (void)snprintf(sql, sizeof sql, "INSERT INTO profile (id, name, parent) VALUES (%d, 'p%d', %d)", i, i, i - 1);
                lab_do(db, sql);
        }
        lab_refused(db, "INSERT INTO profile (name, parent) VALUES ('x', 21)", "at most 20 steps");
        sqlite3_close(db);
}

/* ---- the log ---- */

static void every_change_is_logged_with_its_actor(void **state)
{
        sqlite3 *db = lab_open(":memory:");

        (void)state;
        assert_string_equal(lab_text(db, "SELECT count(*) FROM change"), "0");
        lab_do(db, "BEGIN; UPDATE actor SET name = 'alice'; INSERT INTO host (hostname) VALUES ('a'); UPDATE actor SET name = NULL; COMMIT");
        assert_string_equal(lab_text(db, "SELECT id || actor || tab || row || op FROM change"), "1alicehost1insert");
        lab_do(db, "UPDATE host SET comment = 'it''s here'");
        assert_string_equal(lab_text(db, "SELECT ifnull(actor, '-') || op FROM change WHERE id = 2"), "-update");
        assert_non_null(strstr(lab_text(db, "SELECT new FROM change WHERE id = 2"), "comment = 'it''s here'"));
        assert_non_null(strstr(lab_text(db, "SELECT old FROM change WHERE id = 2"), "comment = NULL"));
        lab_do(db, "UPDATE host SET comment = 'it''s here'"); /* nothing changed */
        assert_string_equal(lab_text(db, "SELECT count(*) FROM change"), "2");
        /* old is what an UPDATE wants after SET */
        char undo[2100];

        (void)snprintf(undo, sizeof undo, "UPDATE host SET %s WHERE id = 1", lab_text(db, "SELECT old FROM change WHERE id = 2"));
        lab_do(db, undo);
        assert_string_equal(lab_text(db, "SELECT comment FROM host"), "(null)");
        lab_refused(db, "UPDATE change SET actor = 'bob'", "history is not edited");
        lab_do(db, "DELETE FROM change");
        lab_do(db, "DELETE FROM host");
        assert_string_equal(lab_text(db, "SELECT tab || op FROM change"), "hostdelete");
        sqlite3_close(db);
}

static void replaced_rows_are_logged_and_ignored_ones_are_not(void **state)
{
        sqlite3 *db = lab_open(":memory:");

        (void)state;
        lab_do(db, "INSERT INTO host (id, hostname) VALUES (5, 'a'); INSERT INTO property (host, name, value) VALUES (5, 'x', 'old');"
                   "DELETE FROM change");
        lab_do(db, "INSERT OR REPLACE INTO property (host, name, value) VALUES (5, 'x', 'new')");
        assert_string_equal(lab_text(db, "SELECT group_concat(op, ' ') FROM (SELECT op FROM change ORDER BY id)"), "replace insert");
        assert_non_null(strstr(lab_text(db, "SELECT old FROM change WHERE op = 'replace'"), "value = 'old'"));
        lab_do(db, "DELETE FROM change; INSERT OR REPLACE INTO host (id, hostname, comment) VALUES (5, 'a', 'c')");
        assert_string_equal(lab_text(db, "SELECT group_concat(tab || op, ' ') FROM (SELECT tab, op FROM change ORDER BY id)"),
                "hostreplace hostinsert");
        lab_do(db, "DELETE FROM change; INSERT OR IGNORE INTO host (hostname) VALUES ('a');"
                   "INSERT INTO host (hostname) VALUES ('a') ON CONFLICT DO NOTHING");
        assert_string_equal(lab_text(db, "SELECT count(*) FROM change"), "0");
        lab_do(db, "INSERT INTO host (hostname) VALUES ('a') ON CONFLICT (hostname) DO UPDATE SET comment = 'd'");
        assert_string_equal(lab_text(db, "SELECT group_concat(op) FROM change"), "update");
        lab_do(db, "DELETE FROM change; INSERT INTO host (hostname) VALUES ('b')");
        assert_string_equal(lab_text(db, "SELECT group_concat(op) FROM change"), "insert");
        sqlite3_close(db);
}

static void secrets_do_not_stay_in_the_log(void **state)
{
        sqlite3 *db = lab_open(":memory:");

        (void)state;
        lab_do(db, "INSERT INTO property (profile, name, value) VALUES (1, 'root_shadow', '$5$one$hash');"
                   "UPDATE property SET value = '$5$two$hash' WHERE name = 'root_shadow';"
                   "INSERT OR REPLACE INTO property (profile, name, value) VALUES (1, 'root_shadow', '$5$three$hash');"
                   "DELETE FROM property WHERE name = 'root_shadow';"
                   "INSERT INTO module (profile, name, content, secret) VALUES (1, 'answers.json', '$5$one$hash', 1)");
        assert_string_equal(lab_text(db, "SELECT count(*) FROM change WHERE ifnull(old, '') || ifnull(new, '') LIKE '%$hash%'"), "0");
        assert_string_equal(lab_text(db, "SELECT count(*) FROM change WHERE tab = 'property'"), "5");
        assert_null(strstr(lab_text(db, "SELECT properties FROM host_boot"), "$5$"));
        sqlite3_close(db);
}

/* ---- the views ---- */

static void a_canary_is_a_stable_share_of_the_hosts(void **state)
{
        sqlite3 *db = lab_open(":memory:");

        (void)state;
        lab_do(db, "INSERT INTO channel (name, build) VALUES ('stable', '" STAMP "'), ('edge', NULL);"
                   "CREATE TEMP TABLE was AS SELECT 0 AS host WHERE 0;"
                   "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)"
                   "  INSERT INTO host (hostname, channel) SELECT 'h' || i, 1 FROM n;");
        lab_refused(db, "UPDATE channel SET canary_percent = 10 WHERE id = 1", "canary: name the build");
        lab_refused(db, "UPDATE channel SET canary = '" STAMP "', canary_percent = 101 WHERE id = 1", "0 to 100");
        lab_do(db, "UPDATE channel SET canary = '20241024T000000Z' WHERE id = 1");
        for (int percent = 0; percent <= 100; percent += 20) {
                char sql[200];
                int n;

                (void)snprintf(sql, sizeof sql, "UPDATE channel SET canary_percent = %d WHERE id = 1", percent);
                lab_do(db, sql);
                n = atoi(lab_text(db, "SELECT count(*) FROM host_build WHERE build = '20241024T000000Z' AND why LIKE 'canary of%'"));
                assert_in_range(n, percent * 10 - 20 < 0 ? 0 : percent * 10 - 20, percent * 10 + 20);
                assert_string_equal(lab_text(db, "SELECT count(*) FROM was WHERE host NOT IN "
                                                 "(SELECT host FROM host_build WHERE build = '20241024T000000Z')"), "0");
                lab_do(db, "DELETE FROM was; INSERT INTO was SELECT host FROM host_build WHERE build = '20241024T000000Z'");
        }
        lab_do(db, "UPDATE host SET channel = 2");
        assert_string_equal(lab_text(db, "SELECT count(*) FROM host_build WHERE build IS NULL AND why = 'channel edge, from the host'"),
                "1000");
        sqlite3_close(db);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(one_mac_in_two_spellings_is_one_mac),
                cmocka_unit_test(references_hold_without_foreign_keys),
                cmocka_unit_test(foreign_keys_and_recursive_triggers_may_be_on),
                cmocka_unit_test(the_closure_is_what_recursion_finds),
                cmocka_unit_test(inheritance_has_a_depth),
                cmocka_unit_test(every_change_is_logged_with_its_actor),
                cmocka_unit_test(replaced_rows_are_logged_and_ignored_ones_are_not),
                cmocka_unit_test(secrets_do_not_stay_in_the_log),
                cmocka_unit_test(a_canary_is_a_stable_share_of_the_hosts),
        };

        return cmocka_run_group_tests_name("triggers", tests, NULL, NULL);
}
