/* SPDX-License-Identifier: MPL-2.0 */
/* modules: boot modules, answers.json and networking.json, from what the schema refuses to what a plan holds. */
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

/* How many modules it has. */
static size_t n_modules(uint64_t mac)
{
        AUTO_PLAN struct plan *p = plan(mac);

        return p->n_modules;
}

/* "name=content@layer ..." of db1, secrets with a * behind. */
static void expect(const char *want)
{
        AUTO_PLAN struct plan *p = plan(MAC);
        char got[2000] = "";
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
                const char *key, *value, *sentence;
        } answers[] = {
                { "config_console", "'1'", "value: this answer is true" },
                { "skip_ntp_check", "'false'", "value: this answer is true" },
                { "admin_nic", "'52:54:00:2f:61'", "value: six pairs" },
                { "admin_nic", "'52-54-00-2f-61-34'", "value: six pairs" },
                { "admin_mac", "'52:54:00:2f:61:34'", "key: there is no such answer" },
                { "admin_ip", "'10.0.0'", "value: four numbers" },
                { "admin_ip", "'10.0.0.256'", "value: four numbers" },
                { "admin_ip", "'10.0.0.1/24'", "value: four numbers" },
                { "admin_ip", "'DHCP'", "value: four numbers" },
                { "admin_netmask", "'24'", "value: four numbers" },
                { "headnode_default_gateway", "'dhcp'", "value: four numbers" },
                { "dns_resolver1", "'dns'", "value: four numbers" },
                { "dns_resolver2", "'08.8.8.8'", "value: four numbers" },
                { "dns_search", "'a..b'", "value: a name" },
                { "dns_search", "'-a'", "value: a name" },
                { "ntp_host", "'a b'", "value: a name" },
                { "zpool_layout", "'raidz9'", "value: not one of the words" },
                { "zpool_layout", "'default|mirror'", "value: not one of the words" },
                { "zpool_confirm_layout", "'true'", "value: not one of the words" },
                { "bootpool", "'a/b'", "value: a pool's name" },
                { "install_pkgsrc", "'maybe'", "value: not one of the words" },
                { "root_password", "'a' || char(10)", "value: one line" },
                { "root_password", "'a' || char(0) || 'b'", "value: one line" },
                { "root_password", "printf('%.*c', 256, 'p')", "value: one line" },
                { "root_password", "''", "value: one line" },
                { "hostname", "'a_b'", "value: a name" },
        };
        char sql[300];

        (void)state;
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                (void)snprintf(
                        sql, sizeof sql, "INSERT INTO module (host, name, content) VALUES %s", rows[i].sql);
                lab_refused(db, sql, rows[i].sentence);
        }
        for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
                (void)snprintf(sql, sizeof sql, "INSERT INTO answer (host, key, value) VALUES (1, '%s', %s)",
                        answers[i].key, answers[i].value);
                lab_refused(db, sql, answers[i].sentence);
        }
        lab_refused(db, "INSERT INTO answer (key, value) VALUES ('hostname', 'x')", "host, profile: give exactly one");
        lab_refused(db, "INSERT INTO answer (host, key, value) VALUES (9, 'hostname', 'x')", "host: no such host");
        lab_refused(db, "INSERT INTO answer (profile, key, value) VALUES (9, 'hostname', 'x')", "profile: no such profile");
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
                   "INSERT INTO answer (profile, key, value) VALUES (1, 'root_password', 'hunter2')");
        p = plan(UINT64_C(0x020820abcd99));
        assert_int_equal(p->kind, PLAN_UNKNOWN);
        assert_int_equal(p->n_modules, 0);
}

static void answers_come_from_the_nearest_row_that_has_each(void **state)
{
        (void)state;
        lab_do(db,
                "INSERT INTO answer (profile, key, value) VALUES (1, 'config_console', 'true'), (1, 'skip_instructions', 'true'),"
                "(1, 'admin_ip', 'dhcp'), (1, 'headnode_default_gateway', 'none'), (1, 'root_password', 'say \"\\hi\"'),"
                "(1, 'ntp_host', 'pool.ntp.org'), (3, 'ntp_host', NULL), (3, 'dns_search', 'example.com');"
                "INSERT INTO answer (host, key, value) VALUES (1, 'admin_nic', '52:54:00:2F:61:34'), (1, 'skip_instructions', NULL)");
        expect("answers.json={\n"
               "  \"admin_ip\": \"dhcp\",\n"
               "  \"admin_mac\": \"52:54:00:2f:61:34\",\n"
               "  \"admin_nic\": \"52:54:00:2f:61:34\",\n"
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
        static const char *const rows[] = { "'config_console', 'true'", "'config_console', NULL", "'admin_ip', '10.0.0.1'",
                "'root_password', 'ä€😀'", "'admin_ip', NULL", "'admin_nic', '52:54:00:2F:61:34'", "'pisource', 'media'",
                "'root_password', '\"\\/''{}[],:\\n\\u0041 '", "'root_password', NULL" };
        char sql[200];

        (void)state;
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                AUTO_PLAN struct plan *p = NULL;

                (void)snprintf(sql, sizeof sql, "INSERT OR REPLACE INTO answer (host, key, value) VALUES (1, %s)", rows[i]);
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
        lab_do(db, "INSERT INTO answer (host, key, value) VALUES (1, 'root_password', 'hunter2');"
                   "UPDATE answer SET value = 'hunter22';"
                   "INSERT OR REPLACE INTO answer (host, key, value) VALUES (1, 'root_password', 'hunter23'); DELETE FROM answer;"
                   "INSERT INTO module (host, name, content) VALUES (1, 'a', 'hunter2')");
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
                { "(1, 1, NULL, 'n', zeroblob(1000000), 0)", "empty, or more than 64 KiB" },
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
                   "ALTER TABLE l2 RENAME TO answer; INSERT INTO answer (id, host, key, value) VALUES "
                   "(1, 1, 'admin_ip', 'a' || char(10)), (2, 1, 'config_console', 7), (3, 1, 'hostname', 'db1'), (4, 1, 'x\"y', 'z'),"
                   "(5, 1, NULL, 'z')");
        expect_problem("answer 1: admin_ip is none that setup takes");
        expect_problem("answer 2: config_console is none");
        expect_problem("answer 4: its key is no word");
        expect_problem("answer 5: its key is no word");
        expect("answers.json={\n  \"hostname\": \"db1\"\n}\n@host db1*");
}

/* ---- networking.json ---- */

static void a_network_is_typed_by_its_columns(void **state)
{
        static const struct {
                const char *column, *value, *sentence; /* sentence NULL: accepted */
        } nic[] = {
                { "netmask", "'255.255.255.0'", NULL },
                { "netmask", "'255.255.255.255'", NULL },
                { "netmask", "'128.0.0.0'", NULL },
                { "netmask", "'255.255.192.0'", NULL },
                { "netmask", "'255.254.0.0'", NULL },
                { "netmask", "'24'", "netmask: four numbers" },
                { "netmask", "'255.255.255.1'", "netmask: four numbers" },
                { "netmask", "'255.0.255.0'", "netmask: four numbers" },
                { "netmask", "'0.0.0.0'", "netmask: four numbers" },
                { "netmask", "'255.255.255'", "netmask: four numbers" },
                { "netmask", "'/24'", "netmask: four numbers" },
                { "netmask", "'255.255.255.0 '", "netmask: four numbers" },
                { "netmask", "'255.255.255.0' || char(0) || '\"'", "netmask: four numbers" },
                { "netmask", "'ffffff00'", "netmask: four numbers" },
                { "gateway", "'192.0.2.1'", NULL },
                { "gateway", "'192.0.2.256'", "gateway: four numbers" },
                { "gateway", "'192.0.2.01'", "gateway: four numbers" },
                { "gateway", "'none'", "gateway: four numbers" },
                { "gateway", "'2001:db8::1'", "gateway: four numbers" },
                { "gateway", "'192.0.2.1$(reboot)'", "gateway: four numbers" },
                { "vlan", "4094", NULL },
                { "vlan", "0", "vlan: a number from 1 to 4094" },
                { "vlan", "4095", "vlan: a number from 1 to 4094" },
                { "vlan", "'five'", "INTEGER" }, /* SQLite's own words */
                { "mtu", "9000", NULL },
                { "mtu", "1499", "mtu: a number from 1500 to 9000" },
                { "mtu", "9001", "mtu: a number from 1500 to 9000" },
                { "nic_tag", "'external'", NULL },
                { "nic_tag", "'a-b'", "nic_tag: letters" },
                { "nic_tag", "'a,b'", "nic_tag: letters" },
                { "nic_tag", "''", "nic_tag: letters" },
                { "nic_tag", "'a\"b'", "nic_tag: letters" },
                { "nic_tag", "'a' || char(10)", "nic_tag: letters" },
                { "nic_tag", "printf('%.*c', 31, 't')", "nic_tag: letters" },
                { "nic_tags_provided", "'admin,external,storage_2'", NULL },
                { "nic_tags_provided", "printf('%.*c', 30, 't')", NULL },
                { "nic_tags_provided", "'admin, external'", "nic_tags_provided: NIC tags" },
                { "nic_tags_provided", "'admin,,external'", "nic_tags_provided: NIC tags" },
                { "nic_tags_provided", "',admin'", "nic_tags_provided: NIC tags" },
                { "nic_tags_provided", "'admin,'", "nic_tags_provided: NIC tags" },
                { "nic_tags_provided", "''", "nic_tags_provided: NIC tags" },
                { "nic_tags_provided", "'a\\'", "nic_tags_provided: NIC tags" },
                { "nic_tags_provided", "'a,' || printf('%.*c', 31, 't')", "nic_tags_provided: NIC tags" },
                { "aggr", "'aggr0'", NULL },
                { "aggr", "'aggr42'", NULL },
                { "aggr", "'aggr'", "aggr: aggr and a number" },
                { "aggr", "'aggr01'", "aggr: aggr and a number" },
                { "aggr", "'bond0'", "aggr: aggr and a number" },
                { "aggr", "'aggr0' || char(0)", "aggr: aggr and a number" },
                { "ip", "NULL", "netmask: it goes with an IPv4 address" },
                { "ip", "'2001:db8::7'", "netmask: it goes with an IPv4 address" },
                { "nic_tag", "NULL", "netmask: it goes with an IPv4 address" },
                { "netmask", "NULL", "gateway, vlan: they go with an address" },
        }, network[] = {
                { "admin_tag", "'mgmt'", NULL },
                { "admin_tag", "''", NULL },
                { "admin_tag", "'a b'", "admin_tag: letters" },
                { "dns_domain", "'example.com'", NULL },
                { "dns_domain", "'a..b'", "dns_domain: a domain" },
                { "dns_domain", "'a\"b'", "dns_domain: a domain" },
                { "dns_resolver1", "'192.0.2.53'", NULL },
                { "dns_resolver1", "'dns'", "dns_resolver1: four numbers" },
                { "dns_resolver2", "'192.0.2.53,192.0.2.54'", "dns_resolver2: four numbers" },
                { "dns_resolver3", "'192.0.2'", "dns_resolver3: four numbers" },
                { "etherstubs", "'stub0,stub1'", NULL },
                { "etherstubs", "'stub'", "etherstubs: names" },
                { "etherstubs", "'0,stub1'", "etherstubs: names" },
                { "etherstubs", "'stub0,'", "etherstubs: names" },
                { "etherstubs", "'stub0 stub1'", "etherstubs: names" },
                { "lacp_mode", "'passive'", NULL },
                { "lacp_mode", "'on'", "lacp_mode: off, active" },
        }, route[] = {
                { "destination", "'10.0.0.0/8'", NULL },
                { "destination", "'10.0.0.0/32'", NULL },
                { "destination", "'10.0.0.0/0'", NULL },
                { "destination", "'10.0.0.7'", NULL },
                { "destination", "'10.0.0.0/33'", "destination: an IPv4 address" },
                { "destination", "'10.0.0.0/08'", "destination: an IPv4 address" },
                { "destination", "'10.0.0.0/'", "destination: an IPv4 address" },
                { "destination", "'10.0.0.0/8/8'", "destination: an IPv4 address" },
                { "destination", "'/8'", "destination: an IPv4 address" },
                { "destination", "'default'", "destination: an IPv4 address" },
                { "destination", "'10.0.0/8'", "destination: an IPv4 address" },
                { "gateway", "'here'", "gateway: four numbers" },
                { "gateway", "NULL", NULL },
        };
        char sql[300];

        (void)state;
        lab_do(db, "UPDATE nic SET ip = '192.0.2.7', netmask = '255.255.255.0', gateway = '192.0.2.1', "
                   "nic_tag = 'admin'"
                   " WHERE host = 2; INSERT INTO network (host) VALUES (1);"
                   "INSERT INTO route (host, destination) VALUES (1, '10.9.0.0/16')");
#define TRY_ALL(table, rows, where)                                                                          \
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {                                          \
                (void)snprintf(sql, sizeof sql, "BEGIN; UPDATE " table " SET %s = %s WHERE " where,          \
                        rows[i].column, rows[i].value);                                                      \
                if (rows[i].sentence)                                                                        \
                        lab_refused(db, sql, rows[i].sentence);                                              \
                else                                                                                         \
                        lab_do(db, sql);                                                                     \
                lab_do(db, "ROLLBACK");                                                                      \
        }
        TRY_ALL("nic", nic, "host = 2")
        TRY_ALL("network", network, "1")
        TRY_ALL("route", route, "1")
#undef TRY_ALL
        lab_refused(db, "INSERT INTO network (dns_domain) VALUES ('x')", "host, profile: give exactly one");
        lab_refused(db, "INSERT INTO network (profile) VALUES (9)", "profile: no such profile");
        lab_refused(
                db, "INSERT INTO route (host, destination) VALUES (9, '10.0.0.0/8')", "host: no such host");
        lab_refused(db, "INSERT INTO nic (host, mac, vlan) VALUES (1, '020820abcd0f', 5)",
                "gateway, vlan: they go with an address");
}

#define ADMIN                                                                                                \
        "UPDATE nic SET ip = '192.0.2.7', netmask = '255.255.255.0', nic_tag = 'admin', nic_tags_provided "  \
        "= 'admin'"                                                                                          \
        " WHERE mac = '02-08-20-ab-cd-01';"

static void networking_is_made_of_columns(void **state)
{
        (void)state;
        lab_do(db, "UPDATE nic SET ip = '192.0.2.7' WHERE mac = '02-08-20-ab-cd-01';"
                   "INSERT INTO network (profile, dns_domain, dns_resolver1) VALUES (1, 'example.com', "
                   "'192.0.2.53')");
        expect(""); /* an address alone asks for nothing */
        lab_do(db, ADMIN
                "UPDATE nic SET aggr = 'aggr1', nic_tags_provided = 'storage,backup', mtu = 9000 WHERE mac ="
                " '02-08-20-ab-cd-03';"
                "INSERT INTO nic (host, mac, ip, netmask, gateway, vlan, nic_tag) VALUES"
                " (1, '02:08:20:ab:cd:05', '198.51.100.7', '255.255.254.0', '198.51.100.1', 100, 'external'),"
                " (1, '02:08:20:ab:cd:04', NULL, NULL, NULL, NULL, NULL);"
                "UPDATE nic SET aggr = 'aggr1' WHERE mac = '02-08-20-ab-cd-04';"
                "INSERT INTO network (host, dns_resolver3, etherstubs, lacp_mode) VALUES"
                " (1, '192.0.2.54', 'stub0,stub1', 'active');"
                "INSERT INTO network (profile, dns_resolver1) VALUES (3, '');"
                "INSERT INTO route (profile, destination, gateway) VALUES (1, '10.0.0.0/8', '192.0.2.254'),"
                " (1, '10.2.0.0/16', '192.0.2.254'), (3, '10.2.0.0/16', '192.0.2.253');"
                "INSERT INTO route (host, destination) VALUES (1, '10.0.0.0/8')");
        expect("networking.json={\n"
               "  \"admin_tag\": \"admin\",\n"
               "  \"aggregations\": [\n"
               "    {\"name\": \"aggr1\", \"macs\": [\"02:08:20:ab:cd:03\", \"02:08:20:ab:cd:04\"], "
               "\"lacp_mode\": \"active\"}\n"
               "  ],\n"
               "  \"dns_domain\": \"example.com\",\n"
               "  \"etherstubs\": [\"stub0\", \"stub1\"],\n"
               "  \"hostname\": \"db1\",\n"
               "  \"nictags\": [\n"
               "    {\"name\": \"admin\", \"mac\": \"02:08:20:ab:cd:01\"},\n"
               "    {\"name\": \"storage\", \"mac\": \"aggr1\", \"mtu\": 9000},\n"
               "    {\"name\": \"backup\", \"mac\": \"aggr1\", \"mtu\": 9000}\n"
               "  ],\n"
               "  \"resolvers\": [\"192.0.2.54\"],\n"
               "  \"routes\": {\n"
               "    \"10.2.0.0/16\": \"192.0.2.253\"\n"
               "  },\n"
               "  \"vnics\": [\n"
               "    {\"nic_tag\": \"admin\", \"ip\": \"192.0.2.7\", \"netmask\": \"255.255.255.0\", \"mac\": "
               "\"02:08:20:ab:cd:01\"},\n"
               "    {\"nic_tag\": \"external\", \"ip\": \"198.51.100.7\", \"netmask\": \"255.255.254.0\", "
               "\"gateway\": "
               "\"198.51.100.1\", \"mac\": \"02:08:20:ab:cd:05\", \"vlan_id\": 100}\n"
               "  ]\n"
               "}\n@host db1");
        assert_string_equal(
                lab_text(db, "SELECT ifnull(json, 'none') FROM host_networking WHERE hostname = 'db2'"),
                "none");
        assert_string_equal(
                lab_text(db, "SELECT group_concat(destination || ' ' || ifnull(gateway, '-') || ' ' || layer)"
                             " FROM host_route WHERE host = 1"),
                "10.0.0.0/8 - host db1,10.2.0.0/16 192.0.2.253 profile leaf");
        /* a module of that name takes its place */
        lab_do(db, "INSERT INTO module (profile, name, content) VALUES (2, 'networking.json', '{}')");
        expect("networking.json={}@profile mid");
        lab_do(db, "UPDATE module SET content = NULL");
        expect("");
        lab_do(db, "DELETE FROM host WHERE id = 1"); /* its own goes with it */
        assert_string_equal(
                lab_text(db,
                        "SELECT (SELECT count(*) FROM network WHERE host = 1) || (SELECT count(*) FROM route"
                        " WHERE host = 1) || (SELECT count(*) FROM nic WHERE host = 1)"),
                "000");
}

/* What the log has of a NIC, a network and a route is what an UPDATE wants after SET to take the change back. */
static void the_log_takes_a_network_back(void **state)
{
        static const char *const changes[] = {
                "UPDATE nic SET netmask = '255.0.0.0', gateway = '192.0.2.9', vlan = 9, mtu = 1600, aggr = "
                "'aggr7' WHERE id = 1",
                "UPDATE nic SET nic_tag = 'other', nic_tags_provided = 'admin,other' WHERE id = 1",
                "UPDATE network SET admin_tag = 'x', dns_domain = 'y', dns_resolver1 = '1.1.1.1', "
                "dns_resolver2 = '2.2.2.2'",
                "UPDATE network SET dns_resolver3 = '3.3.3.3', etherstubs = 'stub7', lacp_mode = 'off'",
                "UPDATE route SET destination = '10.3.0.0/16'",
                "UPDATE route SET gateway = '192.0.2.8'",
        };
        char before[3000], undo[2100];

        (void)state;
        lab_do(db, ADMIN
                "INSERT INTO network (host) VALUES (1);"
                "INSERT INTO route (host, destination, gateway) VALUES (1, '10.2.0.0/16', '192.0.2.254')");
#define NOW                                                                                                  \
        lab_text(db, "SELECT group_concat(s, ' ') FROM (SELECT quote(ip) || quote(netmask) || "              \
                     "quote(gateway) || quote(vlan) ||"                                                      \
                     " quote(mtu) || quote(nic_tag) || quote(nic_tags_provided) || quote(aggr) AS s FROM "   \
                     "nic UNION ALL"                                                                         \
                     " SELECT quote(admin_tag) || quote(dns_domain) || quote(dns_resolver1) || "             \
                     "quote(dns_resolver2) ||"                                                               \
                     " quote(dns_resolver3) || quote(etherstubs) || quote(lacp_mode) FROM network UNION ALL" \
                     " SELECT destination || quote(gateway) FROM route)")
        (void)snprintf(before, sizeof before, "%s", NOW);
        for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
                lab_do(db, changes[i]);
                assert_string_not_equal(NOW, before);
                (void)snprintf(undo, sizeof undo, "UPDATE %s SET ",
                        i < 2   ? "nic"
                        : i < 4 ? "network"
                                : "route");
                strcat(undo,
                        lab_text(db,
                                "SELECT old || ' WHERE id = ' || row FROM change ORDER BY id DESC LIMIT 1"));
                lab_do(db, undo);
                assert_string_equal(NOW, before);
        }
#undef NOW
        lab_do(db, "DELETE FROM change; DELETE FROM network; DELETE FROM route");
        assert_string_equal(lab_text(db, "SELECT group_concat(tab || ' ' || op) FROM (SELECT tab, op FROM "
                                         "change ORDER BY id)"),
                "network delete,route delete");
}

static void without_the_admin_tag_there_is_no_networking(void **state)
{
        (void)state;
        lab_do(db, ADMIN "UPDATE nic SET nic_tags_provided = 'external,badmin,admin2' WHERE host = 1");
        expect("");
        expect_problem("networking.json was left out: no NIC of the host has admin in nic_tags_provided");
        assert_string_equal(lab_text(db, "SELECT json FROM host_networking WHERE host = 1"), "(null)");
        lab_do(db, "INSERT INTO network (profile, admin_tag) VALUES (1, 'external')");
        assert_non_null(strstr(lab_text(db, "SELECT json FROM host_networking WHERE host = 1"),
                "\"admin_tag\": \"external\""));
}

static unsigned random_state;

static unsigned random_below(size_t n)
{
        random_state = random_state * 1103515245u + 12345u;
        return (random_state >> 16 & 0x7fff) % (unsigned)n;
}

/* Random rows that the schema lets pass: both make the same text, and it is JSON whose parts are what was stored. */
static void the_networking_view_and_the_daemon_agree(void **state)
{
        static const char *const ips[] = { "NULL", "'192.0.2.7'", "'10.255.0.1'" };
        static const char *const masks[] = { "NULL", "'255.255.255.0'", "'255.255.240.0'", "'254.0.0.0'" };
        static const char *const tags[] = { "NULL", "'admin'", "'external'", "'mgmt'" };
        static const char *const lists[] = { "NULL", "'admin'", "'external,admin'", "'mgmt,storage_2,admin'",
                "'admin2'" };
        static const char *const aggrs[] = { "NULL", "NULL", "'aggr0'", "'aggr10'", "'aggr2'" };
        static const char *const stubs[] = { "NULL", "''", "'stub0'", "'stub0,s_1,t9'" };
        static const char *const resolvers[] = { "NULL", "''", "'192.0.2.53'", "'192.0.2.54'" };
        static const char *const modes[] = { "NULL", "''", "'off'", "'active'" };
        unsigned made = 0;

        (void)state;
        random_state = 2026;
#define PICK(v) v[random_below(sizeof v / sizeof v[0])]
        for (int round = 0; round < 150; round++) {
                char sql[400];

                lab_do(db, "DELETE FROM nic; DELETE FROM network; DELETE FROM route");
                for (unsigned i = 0, n = 1 + random_below(4); i < n; i++) {
                        (void)snprintf(sql, sizeof sql,
                                "INSERT OR IGNORE INTO nic (host, mac, ip, netmask, nic_tag, "
                                "nic_tags_provided, aggr, mtu, vlan,"
                                " gateway) SELECT 1, printf('020820abcd%%02x', (%u * 7 + 1) %% 16), ip, "
                                "iif(ip IS NULL OR tag IS NULL, NULL, mask),"
                                " tag, %s, %s, %s, iif(ip IS NULL OR tag IS NULL OR mask IS NULL, NULL, %s), "
                                "NULL"
                                " FROM (SELECT %s AS ip, %s AS mask, %s AS tag)",
                                i, PICK(lists), PICK(aggrs), random_below(2) ? "9000" : "NULL",
                                random_below(2) ? "7" : "NULL", PICK(ips), PICK(masks), PICK(tags));
                        lab_do(db, sql);
                }
                for (int k = 0; k < 3; k++) {
                        (void)snprintf(sql, sizeof sql,
                                "INSERT INTO network (%s, admin_tag, dns_domain, dns_resolver1, "
                                "dns_resolver2, dns_resolver3,"
                                " etherstubs, lacp_mode) VALUES (%d, %s, %s, %s, %s, %s, %s, %s)",
                                k ? "profile" : "host", k ? k : 1, k == 2 ? PICK(tags) : "NULL",
                                random_below(2) ? "'example.com'" : "NULL", PICK(resolvers), PICK(resolvers),
                                PICK(resolvers), PICK(stubs), PICK(modes));
                        lab_do(db, sql);
                        (void)snprintf(sql, sizeof sql,
                                "INSERT OR IGNORE INTO route (%s, destination, gateway) VALUES (%d, "
                                "'10.%u.0.0/16', %s),"
                                " (%d, '10.%u.0.0/%u', '192.0.2.%u')",
                                k ? "profile" : "host", k ? k : 1, random_below(4), PICK(ips), k ? k : 1,
                                random_below(4), 8 + random_below(4), random_below(256));
                        lab_do(db, sql);
                }
                lab_do(db, "INSERT INTO nic (host, mac) VALUES (1, '02:08:20:ab:cd:f1')");
                AUTO_PLAN struct plan *p = plan(UINT64_C(0x020820abcdf1));
                const char *view = lab_text(db, "SELECT json FROM host_networking WHERE host = 1");

                assert_string_equal(p->n_modules ? (const char *)p->modules[0].content : "(null)", view);
                made += p->n_modules > 0;
                assert_string_equal(lab_text(db, "SELECT json IS NULL OR json_valid(json) FROM "
                                                 "host_networking WHERE host = 1"),
                        "1");
                if (p->n_modules == 0)
                        continue;
                assert_string_equal(
                        lab_text(db, "SELECT (SELECT count(*) FROM nic WHERE netmask IS NOT NULL) = "
                                     "ifnull(json_array_length(json, '$.vnics'), 0) AND (SELECT "
                                     "count(DISTINCT aggr) FROM nic) ="
                                     " ifnull(json_array_length(json, '$.aggregations'), 0) FROM "
                                     "host_networking WHERE host = 1"),
                        "1");
        }
#undef PICK
        assert_in_range(made, 30, 149); /* both kinds were tried */
}

static void a_network_written_with_checks_off_costs_the_file(void **state)
{
        static const struct {
                const char *sql, *problem;
        } rows[] = {
                { "UPDATE nic SET netmask = '255.0.255.0'", "nic 1 has an unusable netmask" },
                { "UPDATE nic SET netmask = '0.0.0.0'", "nic 1 has an unusable netmask" },
                { "UPDATE nic SET gateway = '1.2.3.4; reboot'", "nic 1 has an unusable gateway" },
                { "UPDATE nic SET nic_tag = 'a\"b'", "nic 1 has an unusable nic_tag" },
                { "UPDATE nic SET nic_tag = NULL", "nic 1 has an unusable netmask (it goes with" },
                { "UPDATE nic SET nic_tags_provided = 'admin,$(x)'",
                        "nic 1 has an unusable nic_tags_provided" },
                { "UPDATE nic SET nic_tags_provided = 'admin,'", "nic 1 has an unusable nic_tags_provided" },
                { "UPDATE nic SET nic_tags_provided = 'admin' || char(10)",
                        "nic 1 has an unusable nic_tags_provided" },
                { "UPDATE nic SET aggr = 'aggr00'", "nic 1 has an unusable aggr" },
                { "UPDATE nic SET vlan = 5000", "nic 1 has an unusable vlan" },
                { "UPDATE nic SET mtu = 'big'", "nic 1 has an unusable mtu" },
                { "UPDATE nic SET mac = '02-08-20-AB-CD-01' WHERE id = 9", "nic 9 has an unusable mac" },
                { "INSERT INTO network (id, host, dns_domain) VALUES (4, 1, 'a b')",
                        "network 4 has an unusable dns_domain" },
                { "INSERT INTO network (id, host, etherstubs) VALUES (4, 1, 'stub')",
                        "network 4 has an unusable etherstubs" },
                { "INSERT INTO network (id, host, lacp_mode) VALUES (4, 1, 'on')",
                        "network 4 has an unusable lacp_mode" },
                { "INSERT INTO network (id, host, dns_resolver2) VALUES (4, 1, 7)",
                        "network 4 has an unusable dns_resolver2" },
                { "INSERT INTO route VALUES (5, NULL, 1, '10.0.0.0/33', '1.2.3.4')",
                        "route 5 has an unusable destination" },
                { "INSERT INTO route VALUES (5, NULL, 1, NULL, '1.2.3.4')",
                        "route 5 has an unusable destination" },
                { "INSERT INTO route VALUES (5, NULL, 1, '10.0.0.0/8', 'x')",
                        "route 5 has an unusable gateway" },
        };

        (void)state;
        lab_do(db, ADMIN "CREATE TABLE n2 AS SELECT * FROM nic; CREATE TABLE w2 AS SELECT * FROM network;"
                         "CREATE TABLE r2 AS SELECT * FROM route; PRAGMA legacy_alter_table = ON;"
                         "DROP TABLE nic; DROP TABLE network; DROP TABLE route; ALTER TABLE n2 RENAME TO nic;"
                         "ALTER TABLE w2 RENAME TO network; ALTER TABLE r2 RENAME TO route;"
                         "DELETE FROM nic WHERE id > 1; INSERT INTO nic (id, mac, host) VALUES (9, "
                         "'02-08-20-ab-cd-09', 1);"
                         "CREATE TABLE good AS SELECT * FROM nic");
        {
                AUTO_PLAN struct plan *p = plan(MAC);

                assert_int_equal(p->n_modules, 1);
                assert_int_equal(p->n_problems, 0);
        }
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                lab_do(db, rows[i].sql);
                expect("");
                expect_problem(rows[i].problem);
                lab_do(db, "DELETE FROM nic; INSERT INTO nic SELECT * FROM good; DELETE FROM network; DELETE "
                           "FROM route");
        }
        lab_do(db, "WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 65)"
                   " INSERT INTO route (id, host, destination, gateway) SELECT i, 1, '10.0.0.' || i, "
                   "'1.2.3.4' FROM c");
        expect_problem("a machine's layers may have 64 routes");
        lab_do(db, "DELETE FROM route; WITH RECURSIVE c (i) AS (SELECT 16 UNION ALL SELECT i + 1 FROM c "
                   "WHERE i < 99)"
                   " INSERT INTO nic (id, host, mac) SELECT i, 1, printf('02-08-20-ab-00-%02x', i) FROM c");
        expect_problem("a host may have 64 NICs");
}

/* Made before there were answers or networks: no reason to serve nothing. */
static void an_older_inventory_is_read(void **state)
{
        (void)state;
        lab_do(db,
                "INSERT INTO module (host, name, content) VALUES (1, 'a', 'x');"
                "DROP VIEW host_answers; DROP VIEW host_answer; DROP TABLE answer; DROP VIEW host_networking;"
                "DROP VIEW host_route; DROP VIEW host_network; DROP TABLE network; DROP TABLE route;"
                "CREATE TABLE n2 AS SELECT id, mac, host, ip FROM nic; PRAGMA legacy_alter_table = ON; DROP "
                "TABLE nic;"
                "ALTER TABLE n2 RENAME TO nic");
        expect("a=x@host db1");
}

/* Columns, but neither table: as far as they go. */
static void networking_needs_no_table_but_nic(void **state)
{
        (void)state;
        lab_do(db, ADMIN
                "DROP VIEW host_networking; DROP VIEW host_route; DROP VIEW host_network; DROP TABLE network;"
                "DROP TABLE route");
        assert_int_equal(n_modules(MAC), 1);
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
                T(a_network_is_typed_by_its_columns),
                T(networking_is_made_of_columns),
                T(the_log_takes_a_network_back),
                T(without_the_admin_tag_there_is_no_networking),
                T(the_networking_view_and_the_daemon_agree),
                T(a_network_written_with_checks_off_costs_the_file),
                T(an_older_inventory_is_read),
                T(networking_needs_no_table_but_nic),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
