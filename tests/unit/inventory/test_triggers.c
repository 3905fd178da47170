/* SPDX-License-Identifier: MPL-2.0 */
/* triggers: spellings, references, the profile closure, the change log; all with foreign_keys and recursive_triggers as the
 * plain shell has them, off. */
#include "lab.h"

#include "inventory/plan/address.h"

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
        lab_do(db, "UPDATE nic SET mac = '02:08:20:AB:CD:0A', ip = '2001:db8::a' WHERE mac = '02-08-20-ab-cd-09'");
        assert_int_equal(sqlite3_changes(db), 1);
        assert_string_equal(lab_text(db, "SELECT mac || ip FROM nic WHERE ip IS NOT NULL"), "02-08-20-ab-cd-0a2001:db8::a");
        lab_do(db, "INSERT INTO host (hostname, uuid) VALUES ('u', '4C4C4544-0042-3010-8054-B4C04F4E5331')");
        assert_string_equal(lab_text(db, "SELECT hostname FROM host WHERE uuid = '4c4c4544-0042-3010-8054-b4c04f4e5331'"), "u");
        /* The log has each change once, in the spelling that is stored. */
        assert_string_equal(lab_text(db, "SELECT count(*) FROM change WHERE tab = 'nic' AND (old || new) GLOB '*AB*'"), "0");
        assert_string_equal(lab_text(db, "SELECT count(*) FROM change WHERE tab = 'nic' AND op = 'update'"), "4"); /* one of mac */
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
        lab_refused(db, "DELETE FROM profile WHERE name = 'top'", "profile: hosts use it");
        lab_refused(db, "DELETE FROM profile WHERE name = 'rack7'", "profile: others inherit from it");
        lab_refused(db, "DELETE FROM profile", "profile: default stays");
        lab_refused(db, "DELETE FROM channel", "channel: hosts follow it");
        lab_refused(db, "DELETE FROM known_setting WHERE key = 'menu_timeout'", "known_setting: it has values");
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


/* ---- schema 2 ---- */

static void junk_uuids_are_refused(void **state)
{
        static const char *const junk[] = { "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff",
                "FFFFFFFF-ffff-FFFF-ffff-ffffffffffff", "11111111-1111-1111-1111-111111111111",
                "03000200-0400-0500-0006-000700080009", "00020003-0004-0005-0006-000700080009",
                "12345678-1234-5678-90AB-CDDEEFAABBCC", "78563412-3412-7856-90ab-cddeefaabbcc" };
        static const char *const good[] = { "4c4c4544-0042-3010-8054-b4c04f4e5331", "00000000-0000-0000-0000-ac1f6b000001",
                "03000200-0400-0500-0006-00070008000a" };
        sqlite3 *db = lab_open(":memory:");
        char sql[200], lower[UUID_TEXT_SIZE];

        (void)state;
        for (size_t i = 0; i < sizeof junk / sizeof junk[0]; i++) {
                (void)snprintf(sql, sizeof sql, "INSERT INTO host (hostname, uuid) VALUES ('a', '%s')", junk[i]);
                lab_refused(db, sql, "uuid: boards whose maker set none");
                assert_int_equal(uuid_canonical(junk[i], lower), 0);
                assert_true(uuid_is_nobodys(lower));
        }
        for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
                (void)snprintf(sql, sizeof sql, "INSERT INTO host (hostname, uuid) VALUES ('a%zu', '%s')", i, good[i]);
                lab_do(db, sql);
                assert_false(uuid_is_nobodys(good[i]));
        }
        sqlite3_close(db);
}

/* What the schema takes is what ip_canonical makes of it. */
static void ip_has_one_spelling(void **state)
{
        static const struct {
                const char *text, *canonical; /* NULL: no address */
        } t[] = {
                { "192.0.2.7", "192.0.2.7" }, { "255.255.255.255", "255.255.255.255" }, { "2001:db8::7", "2001:db8::7" },
                { "2001:DB8::7", "2001:db8::7" }, { "2001:db8:0:0:0:0:0:7", "2001:db8::7" }, { "2001:0db8::0007", "2001:db8::7" },
                { "::", "::" }, { "::1", "::1" }, { "0:0:0:0:0:0:0:1", "::1" }, { "1::", "1::" }, { "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8" },
                { "1:0:3:4:5:6:7:8", "1:0:3:4:5:6:7:8" }, { "1:0:0:4:5:6:7:8", "1::4:5:6:7:8" }, { "fe80::1:2:3:4", "fe80::1:2:3:4" },
                { "1:0:0:4:0:0:0:8", "1:0:0:4::8" }, { "1:0:0:4:5:0:0:8", "1::4:5:0:0:8" }, { "1:2:3:4:5:6:0:0", "1:2:3:4:5:6::" },
                { "0:0:3:4:5:6:7:8", "::3:4:5:6:7:8" }, { "192.0.2.256", NULL }, { "192.0.2", NULL }, { "192.0.2.07", NULL },
                { "2001:db8::7/64", NULL }, { "fe80::1%eth0", NULL }, { "1::2::3", NULL }, { "12345::1", NULL }, { "1:2:3", NULL },
                { "", NULL }, { "db1", NULL }, { "1:2:3:4:5:6:7:8:9", NULL },
        };
        sqlite3 *db = lab_open(":memory:");
        char sql[200], got[IP_TEXT_SIZE];

        (void)state;
        lab_do(db, "INSERT INTO host (hostname) VALUES ('a'); INSERT INTO nic (host, mac) VALUES (1, '020820abcd01')");
        for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
                bool ok = ip_canonical(t[i].text, got) == 0;

                if (ok != (t[i].canonical != NULL))
                        fail_msg("'%s' is %san address", t[i].text, ok ? "" : "not ");
                (void)snprintf(sql, sizeof sql, "UPDATE nic SET ip = '%s'", t[i].text);
                if (!ok) {
                        lab_refused(db, sql, "ip: ");
                        continue;
                }
                assert_string_equal(got, t[i].canonical);
                if (strcmp(t[i].text, got) == 0)
                        lab_do(db, sql);
                else
                        lab_refused(db, sql, "short form");
                (void)snprintf(sql, sizeof sql, "UPDATE nic SET ip = '%s'", got);
                lab_do(db, sql);
        }
        sqlite3_close(db);
}

/* UPDATE OR REPLACE would take another row away, without any DELETE trigger. */
static void update_or_replace_takes_no_other_row_away(void **state)
{
        static const char *const t[] = {
                "UPDATE OR REPLACE host SET hostname = 'B' WHERE id = 1", "UPDATE OR REPLACE nic SET mac = '2:8:20:ab:cd:2' WHERE id = 1",
                "UPDATE OR REPLACE nic SET mac = '02-08-20-ab-cd-02' WHERE id = 1", "UPDATE OR REPLACE profile SET name = 'q' WHERE id = 2",
                "UPDATE OR REPLACE channel SET name = 'd' WHERE id = 1", "UPDATE OR REPLACE property SET name = 'zpools' WHERE host = 1 AND name = 'zpool'",
                "UPDATE OR REPLACE property SET host = 2 WHERE host = 1", "UPDATE OR REPLACE setting SET key = 'menu_title' WHERE key = 'menu_timeout'",
                "UPDATE OR REPLACE module SET name = 'n' WHERE name = 'm'", "UPDATE OR REPLACE answer SET key = 'ntp_host' WHERE key = 'hostname'",
                "UPDATE OR REPLACE network SET host = 2 WHERE host = 1", "UPDATE OR REPLACE route SET destination = '10.2.0.0/16'",
                "UPDATE OR REPLACE menu_item SET key = 'j' WHERE key = 'i'", "UPDATE OR REPLACE known_property SET name = 'zpools' WHERE name = 'zpool'",
                "UPDATE OR REPLACE host SET id = 2 WHERE id = 1", "UPDATE OR REPLACE nic SET id = 2 WHERE id = 1",
                "UPDATE OR REPLACE property SET id = 4 WHERE id = 3",
        };
        sqlite3 *db = lab_open(":memory:");
        const char *count = "SELECT (SELECT count(*) FROM host) || (SELECT count(*) FROM nic) || (SELECT count(*) FROM profile) || "
                            "(SELECT count(*) FROM channel) || (SELECT count(*) FROM property) || (SELECT count(*) FROM setting) || "
                            "(SELECT count(*) FROM module) || (SELECT count(*) FROM answer) || (SELECT count(*) FROM network) || "
                            "(SELECT count(*) FROM route) || (SELECT count(*) FROM menu_item) || (SELECT count(*) FROM known_property)";
        char before[2000];

        (void)state;
        lab_do(db, "INSERT INTO channel (name) VALUES ('c'), ('d'); INSERT INTO profile (name) VALUES ('p'), ('q');"
                   "INSERT INTO host (hostname) VALUES ('a'), ('b'); INSERT INTO nic (host, mac) VALUES (1, '020820abcd01'), (2, '020820abcd02');"
                   "INSERT INTO property (host, name, value) VALUES (1, 'zpool', 'x'), (1, 'zpools', 'x'), (2, 'zpool', 'y');"
                   "INSERT INTO setting (key, value) VALUES ('menu_timeout', '5'), ('menu_title', 'x');"
                   "INSERT INTO module (host, name, content) VALUES (1, 'm', 'x'), (1, 'n', 'x');"
                   "INSERT INTO answer (host, key, value) VALUES (1, 'hostname', 'x'), (1, 'ntp_host', 'x');"
                   "INSERT INTO network (host) VALUES (1), (2);"
                   "INSERT INTO route (host, destination) VALUES (1, '10.1.0.0/16'), (1, '10.2.0.0/16');"
                   "INSERT INTO menu_item (key, label, body) VALUES ('i', 'I', 'exit'), ('j', 'J', 'exit')");
        (void)snprintf(before, sizeof before, "%s", lab_text(db, count));
        for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
                if (sqlite3_exec(db, t[i], NULL, NULL, NULL) == SQLITE_OK)
                        fail_msg("%s\n  was accepted", t[i]);
                assert_string_equal(lab_text(db, count), before);
        }
        /* INSERT OR REPLACE tells of the row that goes. */
        lab_do(db, "DELETE FROM change; INSERT OR REPLACE INTO nic (host, mac) VALUES (1, '02:08:20:AB:CD:02');"
                   "INSERT OR REPLACE INTO property (host, name, value) VALUES (1, 'zpool', 'z');"
                   "INSERT OR REPLACE INTO setting (key, value) VALUES ('menu_title', 'y');"
                   "INSERT OR REPLACE INTO module (host, name, content) VALUES (1, 'm', 'y');"
                   "INSERT OR REPLACE INTO answer (host, key, value) VALUES (1, 'hostname', 'y');"
                   "INSERT OR REPLACE INTO network (host) VALUES (1);"
                   "INSERT OR REPLACE INTO route (host, destination) VALUES (1, '10.1.0.0/16');"
                   "INSERT OR REPLACE INTO menu_item (key, label, body) VALUES ('i', 'K', 'exit');"
                   "INSERT OR REPLACE INTO known_property (name) VALUES ('zpool')");
        assert_string_equal(lab_text(db, "SELECT group_concat(tab || ':' || op, ' ') FROM change WHERE op = 'replace'"),
                "nic:replace property:replace setting:replace module:replace answer:replace network:replace route:replace "
                "menu_item:replace known_property:replace");
        sqlite3_close(db);
}

static void the_log_keeps_no_secret_and_writes_none_back(void **state)
{
        sqlite3 *db = lab_open(":memory:");
        char sql[2100];

        (void)state;
        lab_do(db, "INSERT INTO host (hostname) VALUES ('a'); INSERT INTO property (host, name, value) VALUES (1, 'rabbitmq', 'u:hunter2:h:1');"
                   "UPDATE property SET name = 'rabbitx' WHERE name = 'rabbitmq'; UPDATE property SET name = 'rabbitmq' WHERE name = 'rabbitx';"
                   "UPDATE property SET value = 'u:hunter3:h:1' WHERE name = 'rabbitmq'; UPDATE property SET value = NULL WHERE name = 'rabbitmq';"
                   "UPDATE property SET value = 'u:hunter4:h:1' WHERE name = 'rabbitmq';"
                   "DELETE FROM property WHERE name = 'rabbitmq'; DELETE FROM known_property;"
                   "INSERT INTO property (host, name, value) VALUES (1, 'root_shadow', '$5$hunter$2')");
        assert_string_equal(lab_text(db, "SELECT count(*) FROM change WHERE ifnull(old, '') || ifnull(new, '') GLOB '*hunter*'"), "0");
        /* Taking a change back, as the table says: UPDATE ... SET <old>. */
        (void)snprintf(sql, sizeof sql, "UPDATE property SET %s WHERE host = 1",
                lab_text(db, "SELECT old FROM change WHERE tab = 'property' AND op = 'update' AND old GLOB '*secret*' LIMIT 1"));
        lab_refused(db, sql, "syntax error");
        sqlite3_close(db);
}

static void a_transaction_has_a_number_and_rows_have_names(void **state)
{
        sqlite3 *db = lab_open(":memory:");

        (void)state;
        lab_do(db, "BEGIN; UPDATE actor SET name = 'alice'; INSERT INTO host (hostname) VALUES ('a');"
                   "INSERT INTO nic (host, mac) VALUES (1, '020820abcd01'); UPDATE actor SET name = NULL; COMMIT;"
                   "BEGIN; UPDATE actor SET name = 'bob'; INSERT INTO property (profile, name, value) VALUES (1, 'zpool', 'x');"
                   "UPDATE actor SET name = NULL; COMMIT;"
                   "DELETE FROM host; UPDATE profile SET comment = 'x'");
        assert_string_equal(lab_text(db, "SELECT group_concat(ifnull(actor, '-') || ifnull(txn, '-') || ' ' || tab || ' ' || name || ' ' || op, ', ')"
                                         " FROM change"),
                "alice1 host host a insert, alice1 nic host a insert, bob2 property profile default insert, "
                "-- nic host a delete, -- host host a delete, -- profile profile default update");
        assert_string_equal(lab_text(db, "SELECT count(DISTINCT at) FROM change WHERE txn IS NULL AND op = 'delete'"), "1");
        lab_refused(db, "DELETE FROM actor", "this row stays");
        sqlite3_close(db);
}

static void rows_of_one_owner_have_a_limit(void **state)
{
        static const struct {
                const char *table, *columns, *values;
                int limit;
        } t[] = {
                { "property", "host, name, value", "1, 'p' || value, 'v'", 256 }, { "property", "profile, name, value", "2, 'p' || value, 'v'", 256 },
                { "nic", "host, mac", "1, printf('0200%08x', value)", 64 }, { "module", "host, name, content", "1, 'm' || value, 'x'", 64 },
                { "module", "profile, name, content", "2, 'm' || value, 'x'", 64 },
                { "route", "host, destination", "1, '10.0.' || value || '.0/24'", 64 },
                { "menu_item", "profile, key, label", "2, 'k' || value, 'x'", 64 }, { "known_property", "name", "'k' || value", 1000 },
        };
        sqlite3 *db = lab_open(":memory:");
        char sql[400];

        (void)state;
        lab_do(db, "INSERT INTO host (hostname) VALUES ('a'), ('b'); INSERT INTO profile (name) VALUES ('p')");
        for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
                bool known = strcmp(t[i].table, "known_property") == 0;
                int n = t[i].limit - (known ? atoi(lab_text(db, "SELECT count(*) FROM known_property")) : 0);

                for (int more = 1; more >= 0; more--) {
                        (void)snprintf(sql, sizeof sql,
                                "WITH RECURSIVE c (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM c WHERE value < %d) "
                                "INSERT INTO %s (%s) SELECT %s FROM c",
                                n + more, t[i].table, t[i].columns, t[i].values);
                        if (more)
                                lab_refused(db, sql, known ? "are the most" : "rows in this table, and has them");
                        else
                                lab_do(db, sql);
                }
        }
        lab_do(db, "INSERT INTO property (host, name, value) VALUES (2, 'other', 'v');"
                   "INSERT INTO property (host, name, value) VALUES (1, 'p1', 'w') ON CONFLICT (host, name) DO UPDATE SET value = excluded.value;"
                   "UPDATE property SET value = 'x' WHERE host = 1");
        lab_refused(db, "UPDATE property SET host = 1 WHERE host = 2", "rows in this table, and has them");
        sqlite3_close(db);
}

static void what_the_kernels_loader_stops_at_is_refused(void **state)
{
        static const char *const t[] = {
                "INSERT INTO host (hostname) VALUES ('multiboot1')", "INSERT INTO property (host, name, value) VALUES (1, 'note', 'see-multiboot2')",
                "INSERT INTO property (host, name, value) VALUES (1, 'multibootx', 'v')",
                "UPDATE host SET build = 'multiboot-20241010T000000Z'", "UPDATE profile SET build = 'multiboot-20241010T000000Z'",
                "INSERT INTO channel (name, build) VALUES ('s', 'multiboot-20241010T000000Z')",
                "INSERT INTO channel (name, canary) VALUES ('s', 'multiboot-20241010T000000Z')",
                "INSERT INTO setting (key, value) VALUES ('base_url', 'http://multiboot/')",
        };
        static const char *const derived[] = { "boot-args", "bootargs", "boot-file", "whoami", "mfg-name", "impl-arch-name", "stdout" };
        sqlite3 *db = lab_open(":memory:");
        char sql[200];

        (void)state;
        lab_do(db, "INSERT INTO host (hostname) VALUES ('a')");
        for (size_t i = 0; i < sizeof t / sizeof t[0]; i++)
                if (sqlite3_exec(db, t[i], NULL, NULL, NULL) == SQLITE_OK)
                        fail_msg("%s\n  was accepted", t[i]);
        for (size_t i = 0; i < sizeof derived / sizeof derived[0]; i++) {
                (void)snprintf(sql, sizeof sql, "INSERT INTO property (host, name, value) VALUES (1, '%s', 'x')", derived[i]);
                lab_refused(db, sql, "the kernel makes this property itself");
        }
        (void)snprintf(sql, sizeof sql, "INSERT INTO property (host, name, value) VALUES (1, '%050d', 'x')", 0);
        lab_refused(db, sql, "name: a property is letters");
        sqlite3_close(db);
}

/* Some builds of SQLite trust no schema: then every statement must work all the same. */
static void an_untrusted_schema_works(void **state)
{
        sqlite3 *db = lab_open(":memory:");

        (void)state;
        lab_do(db, "PRAGMA trusted_schema = OFF; INSERT INTO channel (name) VALUES ('c'); INSERT INTO profile (name) VALUES ('p');"
                   "INSERT INTO host (hostname, profile, channel) VALUES ('a', 2, 1); INSERT INTO nic (host, mac) VALUES (1, '2:8:20:ab:cd:1');"
                   "INSERT INTO property (host, name, value) VALUES (1, 'console', 'ttyb'); INSERT INTO setting (key, value) VALUES ('menu_timeout', '5');"
                   "INSERT INTO answer (host, key, value) VALUES (1, 'hostname', 'x'); INSERT INTO module (host, name, content) VALUES (1, 'm', 'x');"
                   "SELECT * FROM host_boot; SELECT * FROM host_property; SELECT * FROM host_answers; SELECT * FROM host_networking");
        lab_refused(db, "DELETE FROM channel", "channel: hosts follow it");
        lab_refused(db, "DELETE FROM profile WHERE id = 2", "profile: hosts use it");
        lab_do(db, "DELETE FROM host; DELETE FROM channel; DELETE FROM profile WHERE id = 2");
        sqlite3_close(db);
}

static void host_property_is_what_stands_on_the_line(void **state)
{
        const char *line = "SELECT group_concat(name || '=' || value, ' ') FROM (SELECT name, value FROM host_property WHERE host = 1"
                           " AND value IS NOT NULL ORDER BY name)";
        const char *boot = "SELECT properties FROM host_boot";
        sqlite3 *db = lab_open(":memory:");

        (void)state;
        lab_do(db, "INSERT INTO host (hostname) VALUES ('db1')");
        assert_string_equal(lab_text(db, line), "console=text hostname=db1 smartos=true");
        assert_string_equal(lab_text(db, boot), "console=text hostname=db1 smartos=true");
        lab_do(db, "INSERT INTO property (host, name, value) VALUES (1, 'console', 'ttyb')");
        assert_string_equal(lab_text(db, line), "console=ttyb hostname=db1 smartos=true ttyb-mode=115200,8,n,1,-");
        assert_string_equal(lab_text(db, boot), "console=ttyb hostname=db1 smartos=true ttyb-mode=115200,8,n,1,-");
        lab_do(db, "INSERT INTO property (profile, name, value) VALUES (1, 'ttyb-mode', '9600,8,n,1,-'), (1, 'hostname', NULL)");
        assert_string_equal(lab_text(db, line), "console=ttyb smartos=true ttyb-mode=9600,8,n,1,-");
        assert_string_equal(lab_text(db, boot), "console=ttyb smartos=true ttyb-mode=9600,8,n,1,-");
        sqlite3_close(db);
}

static void hostnames_have_no_case(void **state)
{
        sqlite3 *db = lab_open(":memory:");

        (void)state;
        lab_do(db, "INSERT INTO host (hostname) VALUES ('DB1')");
        lab_refused(db, "INSERT INTO host (hostname) VALUES ('db1')", "hostname: another host has this name");
        lab_do(db, "UPDATE host SET comment = 'x' WHERE hostname = 'db1'");
        assert_int_equal(sqlite3_changes(db), 1);
        lab_do(db, "UPDATE host SET hostname = 'db1' WHERE hostname = 'dB1'");
        assert_string_equal(lab_text(db, "SELECT hostname FROM host_boot WHERE hostname = 'DB1'"), "db1");
        assert_string_equal(lab_text(db, "SELECT count(*) FROM change WHERE op = 'update'"), "2");
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
                cmocka_unit_test(junk_uuids_are_refused),
                cmocka_unit_test(ip_has_one_spelling),
                cmocka_unit_test(update_or_replace_takes_no_other_row_away),
                cmocka_unit_test(the_log_keeps_no_secret_and_writes_none_back),
                cmocka_unit_test(a_transaction_has_a_number_and_rows_have_names),
                cmocka_unit_test(rows_of_one_owner_have_a_limit),
                cmocka_unit_test(what_the_kernels_loader_stops_at_is_refused),
                cmocka_unit_test(an_untrusted_schema_works),
                cmocka_unit_test(host_property_is_what_stands_on_the_line),
                cmocka_unit_test(hostnames_have_no_case),
        };

        return cmocka_run_group_tests_name("triggers", tests, NULL, NULL);
}
