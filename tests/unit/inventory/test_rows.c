/* SPDX-License-Identifier: MPL-2.0 */
/* rows: what was written with every check off harms its own host only, whose script and `why` tell. */
#include "lab.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "inventory/inventory.h"
#include "render/boot/render.h"

#define A UINT64_C(0x020820abcd01) /* db1, the one that is harmed */
#define B UINT64_C(0x020820abcd02) /* db2, the bystander */

#define ONE_BUILD "20240101T000000Z"

/* Without STRICT, without UNIQUE, as a restored dump may come. */
#define LOOSE(table, columns)                                                                                \
        "CREATE TABLE loose (" columns "); INSERT INTO loose SELECT * FROM " table "; DROP TABLE " table     \
        "; ALTER TABLE loose RENAME TO " table "; "
#define LOOSE_HOST LOOSE("host", "id INTEGER PRIMARY KEY, hostname, uuid, serial, profile, build, channel, comment, enabled, changed_at")
#define NIC_COLUMNS                                                                                          \
        "id INTEGER PRIMARY KEY, mac, host, ip, netmask, gateway, vlan, mtu, nic_tag, nic_tags_provided, aggr"
#define LOOSE_NIC  LOOSE("nic", NIC_COLUMNS)
#define LOOSE_PROFILE LOOSE("profile", "id INTEGER PRIMARY KEY, name, parent, build, channel, comment, changed_at")
#define LOOSE_PROPERTY LOOSE("property", "id INTEGER PRIMARY KEY, profile, host, name, value")

static const struct row {
        const char *sql;
        const char *why;    /* a part of db1's `why` */
        const char *screen; /* a part of its script beside "refused"; NULL: that is enough */
} rows[] = {
        /* control characters, line breaks, other bytes */
        { "UPDATE host SET hostname = 'a' || char(10) || 'shell' WHERE id = 1", "host 1: hostname is no plain line", NULL },
        { "UPDATE host SET hostname = 'a && shell' WHERE id = 1", "hostname a ?& shell (the host's row) is refused", NULL },
        { "UPDATE host SET comment = char(27) || '[31m' WHERE id = 1", "host 1: comment is no plain line", NULL },
        { "UPDATE host SET uuid = char(9) WHERE id = 1", "host 1: uuid is no plain line", NULL },
        { "INSERT INTO property (host, name, value) VALUES (1, 'x', 'a' || char(10) || 'shell')", "property x (host db1, property.id ", NULL },
        { "INSERT INTO property (host, name, value) VALUES (1, 'x', 'a' || char(0) || 'b')", "property x (host db1, property.id ", NULL },
        { "INSERT INTO property (host, name, value) VALUES (1, 'x', CAST(x'41ff42' AS TEXT))", "property x (host db1", NULL },
        { "INSERT INTO property (host, name, value) VALUES (1, 'x' || char(13), 'a')", "its name is no plain line", NULL },
        { "INSERT INTO property (host, name, value) VALUES (1, CAST(x'c3' AS TEXT), 'a')", "its name is no plain line", NULL },
        { "INSERT INTO property (host, name, value) VALUES (1, 'x', '${password}')", "property x (host db1)", NULL },
        { "INSERT INTO property (host, name, value) VALUES (1, '-B', 'a=b')", "flag -B (host db1)", NULL },
        { "INSERT INTO property (host, name, value) VALUES (1, '', 'b')", "is refused", NULL },
        { "INSERT INTO property (host, name, value) VALUES (1, 'x', 'a || shell')", "property x (host db1)", NULL },
        { "INSERT INTO property (host, name, value) VALUES (1, 'x', 'tail\\')", "property x (host db1)", NULL },
        /* size */
        { "INSERT INTO property (host, name, value) VALUES (1, 'x', printf('%.*c', 1000000, 'v'))", "property x (host db1", NULL },
        { "INSERT INTO property (host, name, value) VALUES (1, printf('%.*c', 1000000, 'n'), 'v')", "its name is no plain line", NULL },
        { "UPDATE host SET hostname = printf('%.*c', 1000000, 'h') WHERE id = 1", "host 1: hostname is no plain line", NULL },
        { "UPDATE host SET build = printf('%.*c', 1000000, 'b') WHERE id = 1", "host 1: build is no plain line", "is not on the boot server" },
        { "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)"
          " INSERT INTO property (host, name, value) SELECT 1, 'p' || i, 'v' FROM n", "too long for the loader", "bytes of boot line" },
        /* the chain of profiles */
        { "UPDATE profile SET parent = 2 WHERE id = 2", "profile 2 inherits from itself", NULL },
        { "INSERT INTO profile (id, name, parent) VALUES (3, 'p3', 2); UPDATE profile SET parent = 3 WHERE id = 2",
                "inherits from itself", NULL },
        { "UPDATE profile SET parent = NULL WHERE id = 2", "profile_closure", NULL },
        { "UPDATE profile SET parent = 77 WHERE id = 2", "profile 77 does not exist", NULL },
        { "UPDATE host SET profile = 99 WHERE id = 1", "profile 99 does not exist", NULL },
        { "DELETE FROM profile WHERE id = 2", "profile 2 does not exist", NULL },
        { "WITH RECURSIVE n (i) AS (SELECT 3 UNION ALL SELECT i + 1 FROM n WHERE i < 200)"
          " INSERT INTO profile (id, name, parent) SELECT i, 'p' || i, i - 1 FROM n; UPDATE host SET profile = 200 WHERE id = 1",
                "profiles in a row", NULL },
        { "DELETE FROM profile_closure WHERE descendant = 2", "profile_closure", NULL },
        { "INSERT INTO profile_closure VALUES (2, 2000, 5), (2, 2001, 5)", "profile_closure", NULL },
        { "UPDATE profile_closure SET depth = 0 WHERE descendant = 2", "profile_closure", NULL },
        { "UPDATE profile_closure SET ancestor = 7 WHERE descendant = 2 AND depth = 1", "profile_closure", NULL },
        { "UPDATE profile SET name = 'a' || char(10) || 'b' WHERE id = 2", "profile 2: name is no plain line", NULL },
        /* builds and channels */
        { "UPDATE host SET channel = 99 WHERE id = 1", "channel 99 does not exist", "is not on the boot server" },
        { "UPDATE host SET build = '../../etc' WHERE id = 1", "from host.build", "is not on the boot server" },
        { "UPDATE host SET build = '' WHERE id = 1", "from host.build", "is not on the boot server" },
        { "UPDATE host SET build = 'a' || char(10) WHERE id = 1", "build is no plain line", "is not on the boot server" },
        { "INSERT INTO channel (id, name, build) VALUES (5, 'c', char(1)); UPDATE host SET channel = 5 WHERE id = 1",
                "channel 5: build is no plain line", "is not on the boot server" },
        /* settings of its profile */
        { "INSERT INTO setting (profile, key, value) VALUES (2, 'menu_timeout', 'soon')", "setting menu_timeout of profile rack7", NULL },
        { "INSERT INTO setting (profile, key, value) VALUES (2, 'base_url', 'http://x/' || char(10))", "setting base_url of profile rack7", NULL },
        { "INSERT INTO setting (profile, key, value) VALUES (2, 'base_url', 'http://x/ && shell')", "base_url", NULL },
        { "INSERT INTO setting (profile, key, value) VALUES (2, 'none', '1')", "key that is unknown", NULL },
        /* types: STRICT is off */
        { LOOSE_HOST "UPDATE host SET hostname = NULL WHERE id = 1", "host-1", "host-1" },
        { LOOSE_HOST "UPDATE host SET hostname = x'00ff' WHERE id = 1", "host 1: hostname is no plain line", NULL },
        { LOOSE_HOST "UPDATE host SET hostname = 7 WHERE id = 1", "host 1: hostname is no plain line", NULL },
        { LOOSE_HOST "UPDATE host SET profile = 'rack7' WHERE id = 1", "profile is no number", NULL },
        { LOOSE_HOST "UPDATE host SET profile = NULL WHERE id = 1", "profile is no number", NULL },
        { LOOSE_HOST "UPDATE host SET channel = 'stable' WHERE id = 1", "channel is no number", "is not on the boot server" },
        { LOOSE_HOST "UPDATE host SET build = 20240101 WHERE id = 1", "host 1: build is no plain line", "is not on the boot server" },
        { LOOSE_HOST "UPDATE host SET enabled = 'no' WHERE id = 1", "enabled is neither 0 nor 1", NULL },
        { LOOSE_HOST "UPDATE host SET enabled = NULL WHERE id = 1", "enabled is neither 0 nor 1", NULL },
        { LOOSE_PROFILE "UPDATE profile SET parent = 'default' WHERE id = 2", "profile_closure", NULL },
        { LOOSE_PROFILE "UPDATE profile SET channel = 'stable' WHERE id = 2", "channel is no number", "is not on the boot server" },
        { LOOSE_PROPERTY "INSERT INTO property (host, name, value) VALUES (1, NULL, 'v')", "its name is no plain line", NULL },
        { LOOSE_PROPERTY "INSERT INTO property (host, name, value) VALUES (1, 'x', 7)", "property x (host db1", NULL },
        { LOOSE_PROPERTY "INSERT INTO property (host, name, value) VALUES (1, 'x', x'00')", "property x (host db1", NULL },
        { LOOSE_PROPERTY "INSERT INTO property (host, name, value) VALUES (1, 'x', 'a'), (1, 'x', 'b')", "more than one row", NULL },
        /* one MAC, two hosts: the index that forbids it was dropped */
        { LOOSE_NIC "INSERT INTO host (id, hostname) VALUES (3, 'db3'); INSERT INTO nic (mac, host) VALUES ('02-08-20-ab-cd-01', 3)",
                "is of two hosts", "is not on the boot server" },
        { LOOSE_NIC "UPDATE nic SET ip = x'07' WHERE host = 1", "ip is no plain line", NULL },
};

struct lab {
        char dir[64], fresh[96], path[96];
        char *bystander; /* db2's script and `why` with good rows; owned */
};

static void copy_file(const char *from, const char *to)
{
        char block[65536];
        int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        ssize_t n;

        assert_true(in >= 0 && out >= 0);
        while ((n = read(in, block, sizeof block)) > 0)
                assert_int_equal(write(out, block, (size_t)n), n);
        assert_int_equal(n, 0);
        close(in);
        close(out);
}

/* Script and `why` of a machine, one after the other. */
static void render(const char *path, uint64_t mac, struct buf *script, struct buf *why)
{
        static const struct build_info info = { .name = ONE_BUILD, .release = true, .has_hash = true };
        static const struct build_list builds = { .v = &info, .n = 1 };
        struct inventory *inv = NULL;
        struct plan *p = NULL;
        struct err err = { "" };

        if (inventory_open(&(struct inventory_options) { .path = path }, &inv, &err) < 0 || inventory_plan(inv, mac, &p, &err) < 0)
                fail_msg("%s", err.text);
        assert_int_equal(render_ipxe(p, &builds, ONE_BUILD, script), 0);
        assert_int_equal(render_why(p, &builds, ONE_BUILD, why), 0);
        plan_free(p);
        inventory_close(inv);
}

static int set_up(void **state)
{
        struct lab *lab = calloc(1, sizeof *lab);
        AUTO_BUF struct buf both = BUF_INIT;
        sqlite3 *db;

        (void)snprintf(lab->dir, sizeof lab->dir, "%s/pxefs-rows-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
        assert_non_null(mkdtemp(lab->dir));
        (void)snprintf(lab->fresh, sizeof lab->fresh, "%s/fresh.db", lab->dir);
        (void)snprintf(lab->path, sizeof lab->path, "%s/inventory.db", lab->dir);
        db = lab_open(lab->fresh);
        lab_do(db, "INSERT INTO profile (name) VALUES ('rack7');"
                   "INSERT INTO host (hostname, profile) VALUES ('db1', 2), ('db2', 1);"
                   "INSERT INTO nic (host, mac, ip) VALUES (1, '020820abcd01', '10.0.0.1'), (2, '020820abcd02', '10.0.0.2');"
                   "INSERT INTO property (host, name, value) VALUES (2, 'console', 'ttyb');"
                   "PRAGMA journal_mode = DELETE");
        sqlite3_close(db);
        render(lab->fresh, B, &both, &both);
        lab->bystander = buf_take(&both, &(size_t) { 0 });
        assert_non_null(strstr(lab->bystander, "console=ttyb"));
        *state = lab;
        return 0;
}

static int tear_down(void **state)
{
        struct lab *lab = *state;
        char cmd[128];

        (void)snprintf(cmd, sizeof cmd, "rm -rf %s", lab->dir);
        assert_int_equal(system(cmd), 0);
        free(lab->bystander);
        free(lab);
        return 0;
}

static void write_row(const struct lab *lab, const char *sql)
{
        sqlite3 *db = NULL;

        copy_file(lab->fresh, lab->path);
        assert_int_equal(sqlite3_open(lab->path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL), SQLITE_OK);
        lab_do(db, "PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF; PRAGMA ignore_check_constraints = 1;"
                   "PRAGMA legacy_alter_table = 1; BEGIN");
        lab_do(db, sql);
        lab_do(db, "COMMIT");
        sqlite3_close(db);
}

/* Nothing of a row is a line of its own, or a command. */
static void assert_harmless(const char *sql, const char *script)
{
        for (const char *s = script; *s; s++)
                if (((unsigned char)*s < ' ' && *s != '\n') || (unsigned char)*s > '~')
                        fail_msg("%s\n  byte 0x%02x in the script", sql, (unsigned)(unsigned char)*s);
        if (strstr(script, "&& shell") || strstr(script, "|| shell") || strstr(script, "\nshell\n") || strstr(script, "${password}"))
                fail_msg("%s\n  gives a command:\n%s", sql, script);
        if (strlen(script) > 20000)
                fail_msg("%s\n  gives a script of %zu bytes", sql, strlen(script));
}

/* cmocka cuts what it prints. */
static int complain(const char *sql, const char *where, const char *wants, const char *got)
{
        fprintf(stderr, "%.300s\n  wants in %s: %s\n  got: %.3000s\n", sql, where, wants, got ? got : "nothing");
        return 1;
}

static void a_row_harms_its_own_host_only_and_is_told_there(void **state)
{
        const struct lab *lab = *state;
        int bad = 0;

        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                AUTO_BUF struct buf script = BUF_INIT;
                AUTO_BUF struct buf why = BUF_INIT;
                AUTO_BUF struct buf both = BUF_INIT;

                write_row(lab, rows[i].sql);
                render(lab->path, A, &script, &why);
                assert_harmless(rows[i].sql, script.data);
                if (!strstr(why.data, rows[i].why) || strchr(why.data, '\033') || strstr(why.data, "\nshell"))
                        bad += complain(rows[i].sql, "why", rows[i].why, strstr(why.data, "\nbudget"));
                if (rows[i].screen ? !strstr(script.data, rows[i].screen)
                                   : !strstr(script.data, " refused: hosts/"))
                        bad += complain(rows[i].sql, "its script", rows[i].screen ? rows[i].screen : "refused",
                                script.data);
                render(lab->path, B, &both, &both);
                if (strcmp(both.data, lab->bystander) != 0)
                        bad += complain(rows[i].sql, "the other host's script", "what it was", both.data);
        }
        assert_int_equal(bad, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(a_row_harms_its_own_host_only_and_is_told_there, set_up, tear_down),
        };

        return cmocka_run_group_tests_name("rows", tests, NULL, NULL);
}
