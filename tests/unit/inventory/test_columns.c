/* SPDX-License-Identifier: MPL-2.0 */
/* columns: what plain sqlite3 may store in each column, and what it is told when it may not. */
#include "lab.h"

#define STAMP "20241010T000000Z"

/* One value for a column: @sql has a %s for the value as SQL. */
struct value {
        const char *sql;      /* as written in SQL, quotes included */
        const char *sentence; /* NULL: accepted */
};

static void try_all(const char *insert, const char *undo, const struct value *v, size_t n)
{
        sqlite3 *db = lab_open(":memory:");
        char *sql;

        lab_do(db, "INSERT INTO host (hostname) VALUES ('h1'); INSERT INTO profile (name) VALUES ('rack7')");
        for (size_t i = 0; i < n; i++) {
                sql = sqlite3_mprintf(insert, v[i].sql);
                if (v[i].sentence) {
                        lab_refused(db, sql, v[i].sentence);
                } else {
                        lab_do(db, sql);
                        lab_do(db, undo);
                }
                sqlite3_free(sql);
        }
        sqlite3_close(db);
}
#define TRY(insert, undo, v) try_all(insert, undo, v, sizeof v / sizeof v[0])

#define L63 "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabc"

static void hostname_is_rfc_1123(void **state)
{
        static const struct value v[] = {
                { "'db1'", NULL }, { "'DB-1.rack7.example.org'", NULL }, { "'3com'", NULL }, { "'a'", NULL },
                { "'" L63 "'", NULL }, { "'" L63 "." L63 "." L63 ".abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghij'", NULL },
                { "'" L63 "d'", "hostname: letters" }, { "''", "hostname: letters" }, { "'-a'", "hostname: letters" },
                { "'a-'", "hostname: letters" }, { "'a.-b'", "hostname: letters" }, { "'a-.b'", "hostname: letters" },
                { "'.a'", "hostname: letters" }, { "'a.'", "hostname: letters" }, { "'a..b'", "hostname: letters" },
                { "'a_b'", "hostname: letters" }, { "'a b'", "hostname: letters" }, { "' a'", "hostname: letters" },
                { "'a/b'", "hostname: letters" }, { "'..'", "hostname: letters" }, { "'a' || char(10)", "hostname: letters" },
                { "'a' || char(0) || 'b'", "hostname: letters" }, { "'m\303\274nchen'", "hostname: letters" },
                { "'a$b'", "hostname: letters" }, { "'${net0/ip}'", "hostname: letters" },
                { "'10.0.0.1'", "hostname: this is an IP address" },
                { "'" L63 "." L63 "." L63 "." L63 "'", "hostname: letters" },
                { "'H1'", "hostname: another host has this name" }, { "'h1'", "hostname: another host has this name" },
                { "NULL", "hostname" }, { "x'41'", "hostname" },
        };

        (void)state;
        TRY("INSERT INTO host (hostname) VALUES (%s)", "DELETE FROM host WHERE id > 1", v);
}

static void a_build_is_named_by_its_stamp(void **state)
{
        static const struct value v[] = {
                { "NULL", NULL }, { "'" STAMP "'", NULL }, { "'master-" STAMP "'", NULL }, { "'release-20241010-" STAMP "'", NULL },
                { "'v1.2_3+x-" STAMP "'", NULL },
                { "''", "build: a build" }, { "'latest'", "build: a build" }, { "'2024'", "build: a build" },
                { "'20241310T000000Z'", "build: a build" }, { "'20240010T000000Z'", "build: a build" },
                { "'20241032T000000Z'", "build: a build" }, { "'20241000T000000Z'", "build: a build" },
                { "'20241010T240000Z'", "build: a build" }, { "'20241010T006000Z'", "build: a build" },
                { "'20241010t000000z'", "build: a build" }, { "'20241010T000000'", "build: a build" },
                { "'-" STAMP "'", "build: a build" }, { "'x" STAMP "'", "build: a build" },
                { "'../" STAMP "'", "build: a build" }, { "'a/b-" STAMP "'", "build: a build" },
                { "'.a-" STAMP "'", "build: a build" }, { "'a b-" STAMP "'", "build: a build" },
                { "'" STAMP " '", "build: a build" }, { "' " STAMP "'", "build: a build" },
                { "'" STAMP "' || char(10)", "build: a build" }, { "'platform-" STAMP ".tgz'", "build: a build" },
                { "'" STAMP "' || char(0) || '" STAMP "'", "build: a build" },
        };

        (void)state;
        TRY("INSERT INTO host (hostname, build) VALUES ('h2', %s)", "DELETE FROM host WHERE id > 1", v);
        TRY("INSERT INTO profile (name, build) VALUES ('p2', %s)", "DELETE FROM profile WHERE id > 2", v);
        TRY("INSERT INTO channel (name, build) VALUES ('c2', %s)", "DELETE FROM channel", v);
}

static void ip_is_an_address(void **state)
{
        static const struct value v[] = {
                { "NULL", NULL }, { "'10.0.0.1'", NULL }, { "'192.0.2.255'", NULL }, { "'0.0.0.0'", NULL },
                { "'250.249.199.99'", NULL }, { "'2001:db8::7'", NULL }, { "'::1'", NULL }, { "'fe80::'", NULL },
                { "'1:2:3:4:5:6:7:8'", NULL }, { "'2001:DB8::A'", "short form" }, { "'2001:0db8::a'", "short form" }, { "'2001:db8:0:0:1:2:3:4'", "short form" },
                { "''", "ip: " }, { "'10.0.0'", "ip: " }, { "'10.0.0.0.1'", "ip: " }, { "'10.0.0.256'", "ip: " },
                { "'10.0.0.300'", "ip: " }, { "'10.0.0.1000'", "ip: " }, { "'10.0.0.01'", "ip: " }, { "'10..0.1'", "ip: " },
                { "'.10.0.0.1'", "ip: " }, { "'10.0.0.1.'", "ip: " }, { "'10.0.0.1/24'", "ip: " }, { "'10.0.0.1 '", "ip: " },
                { "'ten'", "ip: " }, { "'dhcp'", "ip: " }, { "':::'", "ip: " }, { "'1::2::3'", "ip: " },
                { "'1:2:3:4:5:6:7'", "ip: " }, { "'1:2:3:4:5:6:7:8:9'", "ip: " }, { "'12345::'", "ip: " },
                { "':1:2:3:4:5:6:7'", "ip: " }, { "'1:2:3:4:5:6:7:'", "ip: " }, { "'fe80::1%eth0'", "ip: " },
                { "'2001:db8::7/64'", "ip: " }, { "'g::1'", "ip: " }, { "'10.0.0.1' || char(10)", "ip: " },
                { "'10.0.0.1' || char(0)", "ip: " },
        };

        (void)state;
        TRY("INSERT INTO nic (host, mac, ip) VALUES (1, '020820abcd01', %s)", "DELETE FROM nic", v);
}

static void uuid_serial_comment_enabled_and_id(void **state)
{
        static const struct value uuid[] = {
                { "NULL", NULL }, { "'4c4c4544-0042-3010-8054-b4c04f4e5331'", NULL },
                { "'4C4C4544-0042-3010-8054-B4C04F4E5331'", NULL }, { "''", "uuid: " },
                { "'4c4c454400423010-8054-b4c04f4e5331--'", "uuid: " }, { "'4c4c4544004230108054b4c04f4e5331'", "uuid: " },
                { "'{4c4c4544-0042-3010-8054-b4c04f4e5331}'", "uuid: " },
                { "'4c4c4544-0042-3010-8054-b4c04f4e533g'", "uuid: " },
        };
        static const struct value line[] = {
                { "NULL", NULL }, { "''", NULL }, { "'rack 7, \"top\" \303\274'", NULL }, { "'a' || char(10) || 'b'", "no control" },
                { "'a' || char(9)", "no control" }, { "char(127)", "no control" }, { "char(133)", "no control" },
                { "char(27) || '[2J'", "no control" }, { "'a' || char(0) || 'b'", "no control" },
                { "printf('%1001d', 1)", "at most" },
        };
        static const struct value enabled[] = { { "0", NULL }, { "1", NULL }, { "2", "enabled: " }, { "-1", "enabled: " } };
        static const struct value id[] = { { "16777214", NULL }, { "0", "id: " }, { "-5", "id: " }, { "16777215", "id: " } };

        (void)state;
        TRY("INSERT INTO host (hostname, uuid) VALUES ('h2', %s)", "DELETE FROM host WHERE id > 1", uuid);
        TRY("INSERT INTO host (hostname, comment) VALUES ('h2', %s)", "DELETE FROM host WHERE id > 1", line);
        TRY("INSERT INTO host (hostname, serial) VALUES ('h2', %s)", "DELETE FROM host WHERE id > 1", line);
        TRY("INSERT INTO profile (name, comment) VALUES ('p2', %s)", "DELETE FROM profile WHERE id > 2", line);
        TRY("INSERT INTO channel (name, comment) VALUES ('c2', %s)", "DELETE FROM channel", line);
        TRY("INSERT INTO host (hostname, enabled) VALUES ('h2', %s)", "DELETE FROM host WHERE id > 1", enabled);
        TRY("INSERT INTO host (hostname, id) VALUES ('h2', %s)", "DELETE FROM host WHERE id > 1", id);
}

static void property_values_are_what_every_loader_can_carry(void **state)
{
        static const struct value v[] = {
                { "NULL", NULL }, { "''", NULL }, { "'true'", NULL }, { "'a b c'", NULL }, { "'a,b=c'", NULL }, { "'$5$salt$h'", NULL },
                { "'a$b'", NULL }, { "'$[1]'", NULL }, { "'a(b)'", NULL }, { "'a#b'", NULL }, { "'a||b'", NULL },
                { "'a---b'", NULL }, { "'a;b'", NULL }, { "'a\\b'", NULL }, { "'--'", NULL }, { "'$'", NULL }, { "'{x}'", NULL },
                { "printf('%.*c', 1000, 'x')", NULL },
                { "printf('%.*c', 1001, 'x')", "1000 bytes" },
                { "'a' || char(10) || 'b'", "control" }, { "'a' || char(13)", "control" }, { "char(9) || 'a'", "control" },
                { "char(127)", "control" }, { "'a' || char(0)", "control" }, { "char(155)", "control" }, { "char(31)", "control" },
                { "' a'", "blank" }, { "'a '", "blank" }, { "'a  b'", "blank" }, { "' '", "blank" },
                { "'${net0/mac}'", "${" }, { "'a${'", "${" }, { "'$${x}'", "${" },
                { "'#a'", "#" }, { "'a #b'", "#" }, { "'#'", "#" },
                { "'||'", "||" }, { "'a || b'", "||" }, { "'a &&'", "&&" }, { "'&& a'", "&&" }, { "'a ; b'", ";" }, { "';'", ";" },
                { "'a --- b'", "---" }, { "'---'", "---" },
                { "'a\\'", "\\" }, { "'\\'", "\\" },
                { "'it''s'", "no quotes" }, { "'say \"x\"'", "no quotes" }, { "'''a'''", "no quotes" }, { "'\"'", "no quotes" },
                { "'`id`'", "no backtick" }, { "'a`'", "no backtick" }, { "'$(id)'", "$(" }, { "'a$(b'", "$(" },
        };

        (void)state;
        TRY("INSERT INTO property (profile, name, value) VALUES (1, 'x', %s)", "DELETE FROM property WHERE name = 'x'", v);
        TRY("INSERT INTO property (host, name, value) VALUES (1, 'x', %s)", "DELETE FROM property WHERE name = 'x'", v);
        TRY("UPDATE property SET name = 'x', value = %s WHERE id = 1", "SELECT 1", v);
}

static void property_names(void **state)
{
        static const struct value v[] = {
                { "'a'", NULL }, { "'ttya-mode'", "line mode" }, { "'disable-ahci'", NULL }, { "'a_b.c-d'", NULL }, { "'Zz9'", NULL },
                { "'-x'", NULL }, { "'-Zq'", NULL },
                { "''", "name: " }, { "'9a'", "name: " }, { "'_a'", "name: " }, { "'a b'", "name: " }, { "'a=b'", "name: " },
                { "'a,b'", "name: " }, { "'-'", "name: " }, { "'--a'", "name: " }, { "'-1'", "name: " }, { "'-a-b'", "name: " },
                { "'a''b'", "name: " }, { "'a$b'", "name: " }, { "'a' || char(10)", "name: " }, { "'-B'", "no B in a flag" },
                { "'-kB'", "no B in a flag" }, { "'-Bx'", "no B in a flag" }, { "'B'", NULL }, { "'aB-B'", NULL },
                { "'a\303\274'", "name: " }, { "'a' || char(0)", "name: " }, { "NULL", "name" },
                { "'module-size-0'", "kernel makes" }, { "'bootpath'", "kernel makes" },
                { "printf('%.*c', 61, 'x')", "name: " },
        };

        (void)state;
        TRY("INSERT INTO property (host, name, value) VALUES (1, %s, 'true')", "DELETE FROM property WHERE host = 1", v);
}

/* Known properties: "name value" pairs. */
static void known_properties_have_types(void **state)
{
        static const struct {
                const char *name, *value, *sentence;
        } t[] = {
                { "smartos", "true", NULL }, { "smartos", "false", NULL }, { "smartos", "yes", "true or false" },
                { "smartos", "", "true or false" }, { "noimport", "TRUE", "true or false" }, { "noimport", "1", "true or false" },
                { "console", "text", NULL }, { "console", "graphics", NULL }, { "console", "ttyd", NULL },
                { "console", "ttyS0", "console is" }, { "console", "ttye", "console is" }, { "console", "vga", "console is" },
                { "ttyb-mode", "115200,8,n,1,-", NULL }, { "ttya-mode", "9600,7,e,2,h", NULL },
                { "ttya-mode", "115200", "line mode" }, { "ttya-mode", "\"115200,8,n,1,-\"", "no quotes" },
                { "ttya-mode", "115200,9,n,1,-", "line mode" }, { "ttyd-mode", "1x,8,n,1,-", "line mode" },
                { "ttyd-mode", "115200,8,n,1,", "line mode" }, { "ttye-mode", "whatever", NULL },
                { "root_shadow", "$5$2HOHRnK3$NvLlm.1KQBbB0WjoP7xcIwGnllhzp2HnT.mDO7DpxYA", NULL },
                { "root_shadow", "$2b$12$abcdefghijklmnopqrstuv", NULL }, { "root_shadow", "secret", "never the password" },
                { "root_shadow", "$5$a$b|c", "never the password" }, { "root_shadow", "$5$a$b&c", "never the password" },
                { "root_shadow", "$5$$", "never the password" }, { "root_shadow", "", "never the password" },
                { "root_shadow", "$5$a$b\\c", "never the password" }, { "root_shadow", "root:$5$a$b:", "never the password" },
                { "root_shadow", "$6$rounds=5000$a$b", "rounds=" }, { "root_shadow", "$5$a$b;c", "never the password" },
                { "hostname", "db1.example.org", NULL }, { "hostname", "db_1", "host name" }, { "hostname", "-a", "host name" },
                { "admin_ip", "10.0.0.1", NULL }, { "admin_ip", "dhcp", NULL }, { "admin_ip", "10.0.0.1/24", "address" },
                { "admin_ip", "auto", "address" }, { "admin_ip6", "2001:db8::1", NULL },
                { "admin_nic", "02:08:20:ab:cd:01", NULL }, { "external_nic", "aggr0", NULL }, { "admin_nic", "a b", "MAC address" },
                { "override_uuid", "4c4c4544-0042-3010-8054-b4c04f4e5331", NULL }, { "override_uuid", "4c4c", "UUID" },
                { "physmem", "0x40000", NULL }, { "physmem", "262144", NULL }, { "physmem", "4G", "number" }, { "physmem", "", "number" },
                { "boot-ncpus", "4", NULL }, { "x86-max-ncpus", "many", "number" },
                { "-kd", "", NULL }, { "-v", "true", NULL }, { "-kd", "yes", "takes no word" }, { "-m", "milestone=none", NULL },
                { "-m", "", "one word" }, { "-m", "a b", "one word" }, { "-q", "a,b", "kernel flag" }, { "-q", "a", NULL },
                { "destroy_zpools", "true", "allow_destructive" }, { "destroy_zpools", "false", "allow_destructive" },
                { "input-device", "x", "kernel makes" },
        };
        sqlite3 *db = lab_open(":memory:");

        (void)state;
        lab_do(db, "INSERT INTO host (hostname) VALUES ('h1'); DELETE FROM property");
        for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
                char *sql = sqlite3_mprintf("INSERT INTO property (host, name, value) VALUES (1, %Q, %Q)", t[i].name, t[i].value);
                char *upd = sqlite3_mprintf("INSERT INTO property (host, name) VALUES (1, %Q); UPDATE property SET value = %Q",
                        t[i].name, t[i].value);

                if (t[i].sentence)
                        lab_refused(db, sql, t[i].sentence);
                else
                        lab_do(db, sql);
                lab_do(db, "DELETE FROM property");
                if (t[i].sentence)
                        lab_refused(db, upd, t[i].sentence);
                else
                        lab_do(db, upd);
                lab_do(db, "DELETE FROM property");
                sqlite3_free(sql);
                sqlite3_free(upd);
        }
        /* By the column's own rule, also where the triggers are gone. */
        lab_do(db, "DROP TRIGGER property_check_insert; CREATE TRIGGER property_check_insert INSTEAD OF INSERT ON property_check BEGIN SELECT 1; END");
        lab_refused(db, "INSERT INTO property (host, name, value) VALUES (1, 'root_shadow', 'secret')", "root_shadow: a crypt hash");
        lab_do(db, "INSERT INTO setting (key, value) VALUES ('allow_destructive', '1')");
        lab_do(db, "INSERT INTO property (host, name, value) VALUES (1, 'destroy_zpools', 'true')");
        sqlite3_close(db);
}

static void settings_are_judged_by_their_key(void **state)
{
        static const struct value v[] = {
                { "'base_url', 'http://192.0.2.1/tftpboot'", NULL }, { "'base_url', 'tftp://${next-server}'", NULL },
                { "'base_url', 'https://boot.example.org:8443/a/b'", NULL }, { "'base_url', NULL", NULL },
                { "'base_url', 'http://[2001:db8::1]/x'", NULL },
                { "'base_url', 'ftp://x'", "begins with http" }, { "'base_url', '192.0.2.1'", "begins with http" },
                { "'base_url', 'http://'", "begins with http" }, { "'base_url', ''", "begins with http" },
                { "'base_url', 'http:///x'", "names no server" },
                { "'base_url', 'http://x/platform/y'", "/platform/" }, { "'base_url', 'http://x/platform'", "/platform/" },
                { "'base_url', 'http://${net0/ip}'", "next-server" }, { "'base_url', 'http://x/$y'", "next-server" },
                { "'base_url', 'http://x y'", "blanks" }, { "'base_url', 'http://x#y'", "blanks" },
                { "'base_url', 'http://x/?a'", "blanks" }, { "'base_url', 'http://x' || char(10)", "control" },
                { "'menu_timeout', '0'", NULL }, { "'menu_timeout', '999'", NULL }, { "'menu_timeout', '1000'", "not a number in the range" },
                { "'menu_timeout', '-1'", "not a number in the range" }, { "'menu_timeout', '5s'", "not a number in the range" },
                { "'menu_timeout', ''", "not a number in the range" }, { "'menu_style', 'full'", NULL }, { "'menu_style', 'none'", "not one of the words" },
                { "'boot_form', 'initrd'", NULL }, { "'boot_form', 'multiboot'", "not one of the words" }, { "'loader', 'triton'", NULL },
                { "'loader', 'grub'", "not one of the words" }, { "'unknown_host', 'deny'", NULL }, { "'unknown_host', 'refuse'", "not one of the words" },
                { "'allow_destructive', '1'", NULL }, { "'allow_destructive', 'yes'", "one of the words" },
                { "'rescue_smartos', '1'", NULL }, { "'rescue_smartos', 'true'", "one of the words" },
                { "'grub_form', 'triton'", NULL }, { "'grub_form', 'grub2'", "one of the words" },
                { "'iso_menu', '1'", NULL }, { "'iso_menu', '2'", "one of the words" },
                { "'rescue_standalone', '1'", NULL }, { "'rescue_standalone', '2'", "one of the words" },
                { "'menu_title', 'Rack 7, row \"B\"'", NULL }, { "'menu_title', 'a ${b}'", "iPXE would act" },
                { "'menu_title', 'a #b'", "iPXE would act" }, { "'menu_title', 'a || reboot'", "iPXE would act" },
                { "'menu_title', 'a  b'", "blank" },
                { "'menutimeout', '5'", "known_setting" }, { "'', '5'", "known_setting" }, { "NULL, '5'", "key" },
        };

        (void)state;
        TRY("INSERT INTO setting (key, value) VALUES (%s)", "DELETE FROM setting", v);
        TRY("INSERT INTO setting (profile, key, value) VALUES (1, %s)", "DELETE FROM setting", v);
}

static void names_of_profiles_channels_modules_and_items(void **state)
{
        static const struct value profile[] = {
                { "'rack8'", NULL }, { "'R-1_b.c'", NULL }, { "'rack7'", "name: another profile has this name" }, { "''", "name: " }, { "'a b'", "name: " },
                { "'.a'", "name: " }, { "'a/b'", "name: " }, { "'a' || char(10)", "name: " },
        };
        static const struct value channel[] = {
                { "'stable'", NULL }, { "'latest'", "taken" }, { "'platform'", "taken" }, { "'os'", "taken" }, { "'Stable'", "name: " },
                { "'20241010T000000Z'", "name: " }, { "'a/b'", "name: " }, { "'..'", "name: " }, { "''", "name: " },
        };
        static const struct value module[] = {
                { "'answers.json'", NULL }, { "'etc/system'", NULL }, { "'../x'", "name: " }, { "'/etc'", "name: " },
                { "'a//b'", "name: " }, { "'a/.b'", "name: " }, { "'a/'", "name: " }, { "''", "name: " }, { "'a b'", "name: " },
        };
        static const struct value item[] = {
                { "'memtest', 'Memory test', 'chain x' || char(10)", NULL }, { "'a', 'b', NULL", NULL }, { "'A', 'b', 'c'", "key: " },
                { "'a:b', 'b', 'c'", "key: " }, { "'a', '', 'c'", "label: " }, { "'a', '${x}', 'c'", "label: " },
                { "'a', 'x || y', 'c'", "label: " }, { "'a', 'b' || char(10), 'c'", "label: " },
                { "'a', 'b', 'c' || char(27)", "body: " },
                { "'a', 'b', ':item-a-x' || char(10) || 'goto item-a-x'", NULL },
                { "'a', 'b', 'c' || char(10) || '  :item-a-x' || char(10) || ':item-a-y'", NULL },
                { "'a', 'b', ':menu'", "body: a label" }, { "'a', 'b', ':item-b-x'", "body: a label" },
                { "'a', 'b', 'c' || char(10) || '  :smartos'", "body: a label" },
                { "'a', 'b', ':item-a-x' || char(10) || char(9) || ':menu'", "body: a label" },
                { "'a', 'b', 'c \\'", "body: no \\ at its end" },
                { "'a', 'b', 'c \\' || char(10) || ' ' || char(10)", "body: no \\ at its end" },
                { "'a', 'b', 'c \\' || char(10) || 'd'", NULL },
        };

        (void)state;
        TRY("INSERT INTO profile (name) VALUES (%s)", "DELETE FROM profile WHERE id > 2", profile);
        TRY("INSERT INTO channel (name) VALUES (%s)", "DELETE FROM channel", channel);
        TRY("INSERT INTO module (host, name, content) VALUES (1, %s, '{}')", "DELETE FROM module", module);
        TRY("INSERT INTO menu_item (key, label, body) VALUES (%s)", "DELETE FROM menu_item", item);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(hostname_is_rfc_1123),
                cmocka_unit_test(a_build_is_named_by_its_stamp),
                cmocka_unit_test(ip_is_an_address),
                cmocka_unit_test(uuid_serial_comment_enabled_and_id),
                cmocka_unit_test(property_values_are_what_every_loader_can_carry),
                cmocka_unit_test(property_names),
                cmocka_unit_test(known_properties_have_types),
                cmocka_unit_test(settings_are_judged_by_their_key),
                cmocka_unit_test(names_of_profiles_channels_modules_and_items),
        };

        return cmocka_run_group_tests_name("columns", tests, NULL, NULL);
}
