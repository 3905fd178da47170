/* SPDX-License-Identifier: MPL-2.0 */
/* modules: boot modules and answers.json, from what the schema refuses to what a plan holds. */
#include "lab.h"

#include "base/cleanup.h"
#include "inventory/inventory.h"

#define MAC UINT64_C(0x020820abcd01) /* db1, profile leaf, whose parent is mid, whose parent is default */

static char path[] = "/tmp/pxefs-modules-XXXXXX";
static sqlite3 *db;
static struct inventory *inv;

static int setup(void **state)
{
        (void)state;
        close(mkstemp(path));
        db = lab_open(path);
        lab_do(db, "INSERT INTO profile (id, name, parent) VALUES (2, 'mid', 1), (3, 'leaf', 2);"
                   "INSERT INTO host (id, hostname, profile) VALUES (1, 'db1', 3), (2, 'db2', 1);"
                   "INSERT INTO nic (mac, host) VALUES ('02:08:20:ab:cd:01', 1), ('02:08:20:ab:cd:02', 2),"
                   " ('02:08:20:ab:cd:03', 1)");
        return inventory_open(&(struct inventory_options) { .path = path }, &inv, NULL);
}

static int teardown(void **state)
{
        char side[sizeof path + 8];

        (void)state;
        inventory_close(inv);
        sqlite3_close(db);
        unlink(path);
        (void)snprintf(side, sizeof side, "%s-wal", path);
        unlink(side);
        (void)snprintf(side, sizeof side, "%s-shm", path);
        unlink(side);
        memcpy(path + sizeof path - 7, "XXXXXX", 6);
        return 0;
}

static struct plan *plan(uint64_t mac)
{
        struct plan *p = NULL;
        struct err err = { "" };

        if (inventory_plan(inv, mac, &p, &err) < 0)
                fail_msg("%s", err.text);
        return p;
}

/* "name=content@layer ..." of db1, secrets with a * behind. */
static void expect(const char *want)
{
        AUTO_PLAN struct plan *p = plan(MAC);
        char got[1000] = "";
        size_t n = 0;

        for (size_t i = 0; i < p->n_modules; i++) {
                const struct plan_module *m = &p->modules[i];

                n += (size_t)snprintf(got + n, sizeof got - n, "%s%s=%s@%s%s", i ? " | " : "", m->name,
                        (const char *)m->content, m->layer, m->secret ? "*" : "");
        }
        assert_string_equal(got, want);
}

static void expect_problem(const char *part)
{
        AUTO_PLAN struct plan *p = plan(MAC);

        for (size_t i = 0; i < p->n_problems; i++)
                if (strstr(p->problems[i], part))
                        return;
        fail_msg("no problem says '%s', the first of %zu: %s", part, p->n_problems,
                p->n_problems ? p->problems[0] : "");
}

static void the_schema_refuses_in_one_sentence(void **state)
{
        static const struct {
                const char *sql, *sentence;
        } rows[] = {
                { "(1, 'a.hash', 'x')", "name: what ends in .hash is computed from the module itself" },
                { "(1, 'etc/x.hash', 'x')", "name: what ends in .hash is computed" },
                { "(1, 'ramdisk', 'x')", "name: ramdisk is what boot_archive is called" },
                { "(1, '../x', 'x')", "name: a relative path" },
                { "(1, 'a/../x', 'x')", "name: a relative path" },
                { "(1, '/etc/system', 'x')", "name: a relative path" },
                { "(1, 'a//b', 'x')", "name: a relative path" },
                { "(1, 'a/', 'x')", "name: a relative path" },
                { "(1, 'a b', 'x')", "name: a relative path" },
                { "(1, 'a+b', 'x')", "name: a relative path" },
                { "(1, '---', 'x')", "name: a relative path" },
                { "(1, '', 'x')", "name: a relative path" },
                { "(1, 'a' || char(10), 'x')", "name: a relative path" },
                { "(1, printf('%.*c', 101, 'n'), 'x')", "name: a relative path" },
                { "(1, 'a', '')", "content: text, or a BLOB" },
                { "(1, 'a', zeroblob(65537))", "content: text, or a BLOB" },
                { "(1, 'a', 7)", "content: text, or a BLOB" },
                { "(9, 'a', 'x')", "host: no such host" },
                { "(NULL, 'a', 'x')", "host, profile: give exactly one" },
        };
        static const struct {
                const char *column, *value, *sentence;
        } answers[] = {
                { "config_console", "2", "config_console: 1 for true, 0 to leave it out" },
                { "skip_ntp_check", "-1", "skip_ntp_check: 1 for true" },
                { "admin_mac", "'52:54:00:2f:61'", "admin_mac: six pairs" },
                { "admin_mac", "'52-54-00-2f-61-34'", "admin_mac: six pairs" },
                { "admin_ip", "'10.0.0'", "admin_ip: dhcp, or four numbers" },
                { "admin_ip", "'10.0.0.256'", "admin_ip: dhcp, or four numbers" },
                { "admin_ip", "'10.0.0.1/24'", "admin_ip: dhcp, or four numbers" },
                { "admin_ip", "'DHCP'", "admin_ip: dhcp, or four numbers" },
                { "admin_netmask", "'24'", "admin_netmask: four numbers" },
                { "headnode_default_gateway", "'dhcp'", "headnode_default_gateway: none, or four" },
                { "dns_resolver1", "'dns'", "dns_resolver1: four numbers" },
                { "dns_resolver2", "'08.8.8.8'", "dns_resolver2: four numbers" },
                { "dns_search", "'a..b'", "dns_search: a domain" },
                { "dns_search", "'-a'", "dns_search: a domain" },
                { "ntp_host", "'a b'", "ntp_host: a name" },
                { "zpool_layout", "'raidz9'", "zpool_layout: default, mirror" },
                { "zpool_confirm_layout", "'true'", "zpool_confirm_layout: yes or no" },
                { "bootpool", "'a/b'", "bootpool: none, zones" },
                { "install_pkgsrc", "'maybe'", "install_pkgsrc: yes or no" },
                { "root_password", "'a' || char(10)", "root_password: one line" },
                { "root_password", "'a' || char(0) || 'b'", "root_password: one line" },
                { "root_password", "printf('%.*c', 201, 'p')", "root_password: one line" },
                { "hostname", "'a_b'", "hostname: letters, digits" },
        };
        char sql[300];

        (void)state;
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                (void)snprintf(
                        sql, sizeof sql, "INSERT INTO module (host, name, content) VALUES %s", rows[i].sql);
                lab_refused(db, sql, rows[i].sentence);
        }
        for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
                (void)snprintf(sql, sizeof sql, "INSERT INTO answer (host, %s) VALUES (1, %s)",
                        answers[i].column, answers[i].value);
                lab_refused(db, sql, answers[i].sentence);
        }
        lab_refused(db, "INSERT INTO answer (hostname) VALUES ('x')", "host, profile: give exactly one");
        lab_refused(db, "INSERT INTO answer (host, hostname) VALUES (9, 'x')", "host: no such host");
        lab_refused(db, "INSERT INTO answer (profile, hostname) VALUES (9, 'x')", "profile: no such profile");
        lab_do(db, "INSERT INTO module (host, name, content) VALUES (1, 'a', zeroblob(65536))");
}

static void the_nearest_row_counts_and_null_takes_away(void **state)
{
        (void)state;
        lab_do(db, "INSERT INTO module (profile, name, content) VALUES (1, 'etc/system', 'root'), (1, 'b', "
                   "'b1'),"
                   " (2, 'b', 'b2'), (3, 'z', CAST('z3' AS BLOB));"
                   "INSERT INTO module (host, name, content, secret) VALUES (1, 'a', 'own', 1)");
        expect("a=own@host db1* | b=b2@profile mid | etc/system=root@profile default | z=z3@profile leaf");
        lab_do(db,
                "UPDATE module SET content = NULL WHERE profile = 2; INSERT INTO module (host, name, content)"
                " VALUES (1, 'etc/system', 'mine')");
        expect("a=own@host db1* | etc/system=mine@host db1 | z=z3@profile leaf");
        lab_do(db, "DELETE FROM host WHERE id = 1; INSERT INTO host (id, hostname, profile) VALUES (1, "
                   "'db1', 1);"
                   "INSERT INTO nic (mac, host) VALUES ('02:08:20:ab:cd:01', 1)");
        expect("b=b1@profile default | etc/system=root@profile default"); /* its own went with it */
}

static void a_digest_is_of_the_content(void **state)
{
        AUTO_PLAN struct plan *p = NULL;

        (void)state;
        lab_do(db, "INSERT INTO module (host, name, content) VALUES (1, 'a', 'abc'), (1, 'nul', x'610062')");
        p = plan(UINT64_C(0x020820abcd03)); /* by its second NIC */
        assert_string_equal(p->modules[0].sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"); /* FIPS 180-1 */
        assert_string_equal(p->modules[0].id, "a9993e364706816a");
        assert_int_equal(p->modules[1].len, 3);
        assert_memory_equal(p->modules[1].content, "a\0b", 3);
        assert_string_equal(p->mac, "02-08-20-ab-cd-03");
        assert_string_equal(p->home, "02-08-20-ab-cd-01");
}

static void unknown_machines_get_none(void **state)
{
        AUTO_PLAN struct plan *p = NULL;

        (void)state;
        lab_do(db, "INSERT INTO module (profile, name, content) VALUES (1, 'a', 'x');"
                   "INSERT INTO answer (profile, root_password) VALUES (1, 'hunter2')");
        p = plan(UINT64_C(0x020820abcd99));
        assert_int_equal(p->kind, PLAN_UNKNOWN);
        assert_int_equal(p->n_modules, 0);
}

static void answers_come_from_the_nearest_row_that_has_each(void **state)
{
        (void)state;
        lab_do(db,
                "INSERT INTO answer (profile, config_console, skip_instructions, admin_ip, "
                "headnode_default_gateway,"
                " root_password, ntp_host) VALUES (1, 1, 1, 'dhcp', 'none', 'say \"\\hi\"', 'pool.ntp.org');"
                "INSERT INTO answer (profile, ntp_host, dns_search) VALUES (3, '', 'example.com');"
                "INSERT INTO answer (host, admin_mac, skip_instructions) VALUES (1, '52:54:00:2f:61:34', 0)");
        expect("answers.json={\n"
               "  \"admin_ip\": \"dhcp\",\n"
               "  \"admin_mac\": \"52:54:00:2f:61:34\",\n"
               "  \"config_console\": true,\n"
               "  \"dns_search\": \"example.com\",\n"
               "  \"headnode_default_gateway\": \"none\",\n"
               "  \"root_password\": \"say \\\"\\\\hi\\\"\"\n"
               "}\n@host db1*");
        assert_string_equal(lab_text(db, "SELECT json_valid(json) FROM host_answers WHERE host = 1"), "1");
        assert_string_equal(
                lab_text(db, "SELECT json_extract(json, '$.root_password') FROM host_answers WHERE host = 1"),
                "say \"\\hi\"");
        assert_string_equal(lab_text(db, "SELECT json_extract(json, '$.admin_mac') FROM host_answers"
                                         " WHERE hostname = 'db2'"),
                "(null)");
        /* a module of that name takes its place, whatever it says */
        lab_do(db, "INSERT INTO module (profile, name, content) VALUES (2, 'answers.json', '{}')");
        expect("answers.json={}@profile mid*");
        lab_do(db, "UPDATE module SET content = NULL");
        expect("");
}

/* Both say the same for every column; the last one has all characters that JSON could trip over. */
static void the_view_and_the_daemon_agree(void **state)
{
        static const char *const rows[] = { "(1, 1, 'dhcp', 'a')", "(1, 0, '', '')",
                "(1, 1, '10.0.0.1', 'ä€😀')", "(1, NULL, NULL, NULL)",
                "(1, 0, '10.255.0.1', '\"\\/''{}[],:\\n\\u0041 ')" };
        char sql[200];

        (void)state;
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                AUTO_PLAN struct plan *p = NULL;

                (void)snprintf(sql, sizeof sql,
                        "INSERT OR REPLACE INTO answer (host, config_console, admin_ip, root_password) "
                        "VALUES %s",
                        rows[i]);
                lab_do(db, sql);
                p = plan(MAC);
                assert_string_equal(p->n_modules ? (const char *)p->modules[0].content : "(null)",
                        lab_text(db, "SELECT json FROM host_answers WHERE host = 1"));
                assert_string_equal(
                        lab_text(db,
                                "SELECT json IS NULL OR json_valid(json) FROM host_answers WHERE host = 1"),
                        "1");
        }
}

static void the_log_keeps_no_password(void **state)
{
        (void)state;
        lab_do(db, "INSERT INTO answer (host, root_password) VALUES (1, 'hunter2'); UPDATE answer SET "
                   "root_password ="
                   " 'hunter22'; INSERT OR REPLACE INTO answer (host, root_password) VALUES (1, 'hunter23'); "
                   "DELETE FROM"
                   " answer; INSERT INTO module (host, name, content) VALUES (1, 'a', 'hunter2')");
        assert_string_equal(lab_text(db, "SELECT count(*) FROM change WHERE old || new GLOB '*hunter2*'"
                                         " OR old GLOB '*hunter2*' OR new GLOB '*hunter2*'"),
                "0");
        assert_string_equal(lab_text(db, "SELECT group_concat(op) FROM change WHERE tab = 'answer'"),
                "insert,update,replace,insert,delete");
}

static void rows_written_with_checks_off_cost_themselves(void **state)
{
        static const struct {
                const char *sql, *problem;
        } rows[] = {
                { "(1, 1, NULL, '../x', 'x', 0)", "module ../x (host db1, module.id 1) was left out" },
                { "(1, 1, NULL, 'ramdisk', 'x', 0)", "ramdisk is what boot_archive is called" },
                { "(1, 1, NULL, 'b.hash', 'x', 0)", "what ends in .hash is computed" },
                { "(1, 1, NULL, 'a b', 'x', 0)", "a name is letters" },
                { "(1, 1, NULL, 'a' || char(10), 'x', 0)", "its name is no plain line of text" },
                { "(1, 1, NULL, NULL, 'x', 0)", "its name is no plain line of text" },
                { "(1, 1, NULL, 'n', 7, 0)", "neither text nor a BLOB" },
                { "(1, 1, NULL, 'n', '', 0)", "empty, or more than 64 KiB" },
                { "(1, 1, NULL, 'n', zeroblob(65537), 0)", "empty, or more than 64 KiB" },
                { "(1, 1, NULL, 'n', zeroblob(10485760), 0)", "empty, or more than 64 KiB" },
        };
        char sql[300];

        (void)state;
        lab_do(db,
                "PRAGMA legacy_alter_table = ON; CREATE TABLE loose (id INTEGER PRIMARY KEY, host, profile, "
                "name, content, secret);"
                "DROP TABLE module; ALTER TABLE loose RENAME TO module;"
                "INSERT INTO module VALUES (9, 1, NULL, 'good', 'g', 0), (8, NULL, 1, 'n', 'inherited', 0)");
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                (void)snprintf(sql, sizeof sql, "INSERT INTO module VALUES %s", rows[i].sql);
                lab_do(db, sql);
                expect_problem(rows[i].problem);
                /* an unusable row does not bring back what it was to replace */
                expect(strstr(rows[i].sql, "'n'") ? "good=g@host db1"
                                                  : "good=g@host db1 | n=inherited@profile default");
                lab_do(db, "DELETE FROM module WHERE id = 1");
        }
        lab_do(db, "WITH RECURSIVE c (i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM c WHERE i < 119)"
                   " INSERT INTO module SELECT i, 1, NULL, 'm' || i, 'x', 0 FROM c");
        expect_problem("a machine may have 16");
        lab_do(db, "DELETE FROM module; CREATE TABLE l2 AS SELECT * FROM answer; DROP TABLE answer;"
                   "ALTER TABLE l2 RENAME TO answer; INSERT INTO answer (id, host, admin_ip, config_console, "
                   "hostname)"
                   " VALUES (1, 1, 'a' || char(10), 7, 'db1')");
        expect_problem("answer 1: admin_ip is none that setup takes");
        expect_problem("answer 1: config_console is none");
        expect("answers.json={\n  \"hostname\": \"db1\"\n}\n@host db1*");
}

/* Made before there were answers: no reason to serve nothing. */
static void an_inventory_without_the_table_answer_is_read(void **state)
{
        (void)state;
        lab_do(db, "INSERT INTO module (host, name, content) VALUES (1, 'a', 'x');"
                   "DROP VIEW host_answers; DROP VIEW host_answer; DROP TABLE answer");
        expect("a=x@host db1");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        static const struct CMUnitTest tests[] = {
                T(the_schema_refuses_in_one_sentence),
                T(the_nearest_row_counts_and_null_takes_away),
                T(a_digest_is_of_the_content),
                T(unknown_machines_get_none),
                T(answers_come_from_the_nearest_row_that_has_each),
                T(the_view_and_the_daemon_agree),
                T(the_log_keeps_no_password),
                T(rows_written_with_checks_off_cost_themselves),
                T(an_inventory_without_the_table_answer_is_read),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
