/* SPDX-License-Identifier: MPL-2.0 */
/* bounds: whatever hangs on one host, or lies in one cell, costs that host; another one is answered as before. */
#include "lab.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "inventory/inventory.h"
#include "inventory/store/pool.h"

#define A UINT64_C(0x020820abcd01) /* db1, on which it hangs */
#define B UINT64_C(0x020820abcd02) /* db2, the bystander */

#define ROWS     "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) "
#define FIVE_MIB "printf('%.*c', 5242880, 'x')"

struct lab {
        char dir[64], path[96], copy[96];
        sqlite3 *db;
};

static int set_up(void **state)
{
        struct lab *lab = calloc(1, sizeof *lab);

        (void)snprintf(lab->dir, sizeof lab->dir, "%s/pxefs-bounds-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
        assert_non_null(mkdtemp(lab->dir));
        (void)snprintf(lab->path, sizeof lab->path, "%s/inventory.db", lab->dir);
        (void)snprintf(lab->copy, sizeof lab->copy, "%s/copy.db", lab->dir);
        lab->db = lab_open(lab->path);
        lab_do(lab->db, "INSERT INTO profile (name) VALUES ('rack7'), ('rack8');"
                        "INSERT INTO host (hostname, profile, comment) VALUES ('db1', 2, 'one'), ('db2', 3, 'two');"
                        "INSERT INTO nic (host, mac, ip) VALUES (1, '020820abcd01', '10.0.0.1'), (2, '020820abcd02', '10.0.0.2');"
                        "INSERT INTO property (host, name, value) VALUES (2, 'console', 'ttyb')");
        assert_int_equal(sqlite3_db_config(lab->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL), SQLITE_OK);
        lab_do(lab->db, "PRAGMA ignore_check_constraints = 1; PRAGMA cache_size = -200000");
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

static struct inventory *open_it(const struct lab *lab)
{
        struct inventory *inv = NULL;
        struct err err = { "" };

        if (inventory_open(&(struct inventory_options) { .path = lab->path }, &inv, &err) < 0)
                fail_msg("%s", err.text);
        return inv;
}

static int64_t cpu_us(void)
{
        struct timespec ts;

        (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
        return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static bool has_problem(const struct plan *p, const char *part)
{
        for (size_t i = 0; i < p->n_problems; i++)
                if (strstr(p->problems[i], part))
                        return true;
        return false;
}

static const char *value_of(const struct plan *p, const char *name)
{
        for (size_t i = 0; i < p->n_properties; i++)
                if (strcmp(p->properties[i].name, name) == 0)
                        return p->properties[i].value;
        return NULL;
}

static void assert_bystander(struct inventory *inv)
{
        struct plan *p = NULL;
        struct err err = { "" };

        if (inventory_plan(inv, B, &p, &err) < 0)
                fail_msg("the other host: %s", err.text);
        assert_string_equal(p->comment, "two");
        assert_string_equal(value_of(p, "console"), "ttyb");
        assert_int_equal(p->n_problems, 0);
        plan_free(p);
}

static const struct many {
        const char *sql, *problem; /* NULL: none is needed */
} many[] = {
        { ROWS "INSERT INTO property (host, name, value) SELECT 1, printf('p%06d', i), 'v' FROM n", "those after it were passed over" },
        { ROWS "INSERT INTO property (profile, name, value) SELECT 2, printf('p%06d', i), 'v' FROM n", "those after it were passed over" },
        { ROWS "INSERT INTO setting (profile, key, value) SELECT 2, printf('p%06d', i), 'v' FROM n", "has a key that is unknown" },
        { ROWS "INSERT INTO menu_item (profile, key, label, body) SELECT 2, printf('k%06d', i), 'l', 'echo' FROM n", "was passed over" },
        { ROWS "INSERT INTO module (host, name, content) SELECT 1, printf('m%06d', i), 'c' FROM n", "was passed over" },
        { ROWS "INSERT INTO module (profile, name, content) SELECT 2, printf('m%06d', i), 'c' FROM n", "was passed over" },
        { ROWS "INSERT INTO nic (host, mac, ip) SELECT 1, printf('02-08-21-%02x-%02x-%02x', i >> 16, i >> 8 & 255, i & 255), printf('11.%d.%d.%d', i >> 16, i >> 8 & 255, i & 255) FROM n",
                "networking.json was left out" },
        { ROWS "INSERT INTO route (host, destination, gateway) SELECT 1, printf('r%06d', i), '10.0.0.1' FROM n", NULL },
        { ROWS "INSERT INTO profile_closure (descendant, ancestor, depth) SELECT 2, i + 10, i + 1 FROM n", "profile_closure does not hold" },
};

/* Microseconds of processor time that a plan took, and whether it was quick enough never to leave the quick lane. */
static void three_hundred_thousand_rows_cost_a_host_no_more_than_those_that_count(void **state)
{
        struct lab *lab = *state;

        for (size_t i = 0; i < sizeof many / sizeof many[0]; i++) {
                struct inventory *inv;
                struct plan *p = NULL;
                struct err err = { "" };
                int64_t us;

                lab_do(lab->db, "BEGIN");
                lab_do(lab->db, many[i].sql);
                lab_do(lab->db, "COMMIT");
                inv = open_it(lab);
                assert_bystander(inv); /* reads the schema, too */
                us = cpu_us();
                if (inventory_plan(inv, A, &p, &err) < 0)
                        fail_msg("%s\n  %s", many[i].sql, err.text);
                us = cpu_us() - us;
                assert_string_equal(p->hostname, "db1");
                if (many[i].problem && !has_problem(p, many[i].problem))
                        fail_msg("%s\n  no problem says: %s", many[i].sql, many[i].problem);
                if (us > POOL_QUICK_MS * 1000)
                        fail_msg("%s\n  took %lld us", many[i].sql, (long long)us);
                plan_free(p);
                assert_bystander(inv);
                inventory_close(inv);
                lab_do(lab->db, "DELETE FROM property WHERE host = 1 OR profile = 2; DELETE FROM setting; DELETE FROM menu_item;"
                                "DELETE FROM module; DELETE FROM nic WHERE id > 2; DELETE FROM route;"
                                "DELETE FROM profile_closure WHERE ancestor > 3");
        }
}

/* What was passed over may have been meant to override: it hides what is inherited. */
static void a_layer_that_was_cut_brings_nothing_inherited_back(void **state)
{
        struct lab *lab = *state;
        struct inventory *inv;
        struct plan *p = NULL;

        lab_do(lab->db, "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 257)"
                        " INSERT INTO property (host, name, value) SELECT 1, printf('p%06d', i), 'v' FROM n;"
                        "INSERT INTO property (profile, name, value) VALUES (2, 'a', 'before'), (2, 'zz', 'after'), (1, 'zzz', 'after')");
        inv = open_it(lab);
        assert_int_equal(inventory_plan(inv, A, &p, NULL), 0);
        assert_string_equal(value_of(p, "a"), "before");
        assert_string_equal(value_of(p, "p000256"), "v");
        assert_null(value_of(p, "p000257"));
        assert_null(value_of(p, "zz"));
        assert_null(value_of(p, "zzz"));
        assert_true(has_problem(p, "property"));
        plan_free(p);
        inventory_close(inv);
        lab_do(lab->db, "DELETE FROM property WHERE name = 'p000257'"); /* 256 are none too many */
        inv = open_it(lab);
        assert_int_equal(inventory_plan(inv, A, &p, NULL), 0);
        assert_string_equal(value_of(p, "zz"), "after");
        assert_int_equal(p->n_problems, 0);
        plan_free(p);
        inventory_close(inv);
}

static const char *const cells[] = {
        "INSERT INTO property (host, name, value) VALUES (1, 'x', " FIVE_MIB ")",
        "INSERT INTO property (profile, name, value) VALUES (2, 'x', " FIVE_MIB ")",
        "INSERT INTO setting (profile, key, value) VALUES (2, 'base_url', " FIVE_MIB ")",
        "INSERT INTO menu_item (profile, key, label, body) VALUES (2, 'k', 'l', " FIVE_MIB ")",
        "INSERT INTO module (host, name, content) VALUES (1, 'm', " FIVE_MIB ")",
        "UPDATE host SET comment = " FIVE_MIB " WHERE id = 1",
        "UPDATE host SET hostname = " FIVE_MIB " WHERE id = 1",
        "UPDATE profile SET build = " FIVE_MIB " WHERE id = 2",
};

static void a_cell_of_megabytes_costs_its_host_and_says_so(void **state)
{
        struct lab *lab = *state;

        for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++) {
                struct inventory *inv;
                struct plan *p = NULL;
                struct err err = { "" };
                int r;

                lab_do(lab->db, "BEGIN");
                lab_do(lab->db, cells[i]);
                lab_do(lab->db, "COMMIT");
                inv = open_it(lab);
                r = inventory_plan(inv, A, &p, &err);
                if (r != -EIO || !strstr(err.text, "1 MiB"))
                        fail_msg("%s\n  %d %s", cells[i], r, err.text);
                assert_bystander(inv);
                inventory_close(inv);
                lab_do(lab->db, "DELETE FROM property WHERE host = 1 OR profile = 2; DELETE FROM setting; DELETE FROM menu_item;"
                                "DELETE FROM module; UPDATE host SET hostname = 'db1', comment = 'one' WHERE id = 1;"
                                "UPDATE profile SET build = NULL WHERE id = 2");
        }
}

static const char *comment(struct inventory *inv, uint64_t mac)
{
        static char text[1024];
        struct plan *p = NULL;
        struct err err = { "" };
        int r = inventory_plan(inv, mac, &p, &err);

        (void)snprintf(text, sizeof text, "%s", r < 0 ? err.text : p->comment ? p->comment : "(none)");
        plan_free(p);
        return text;
}

/* A search meets the key of a neighbour: the hosts behind it are answered by the copy from before, which is kept. */
static void a_key_in_the_way_of_others_is_answered_around_by_the_copy(void **state)
{
        struct lab *lab = *state;
        struct inventory_options opts = { .path = lab->path, .copy_path = lab->copy, .quiet_ms = 100, .every_ms = 100 };
        struct inventory_health h = { 0 };
        struct inventory *inv = NULL;
        struct stat before, after;
        char text[1024];

        assert_int_equal(inventory_open(&opts, &inv, NULL), 0);
        for (int tries = 0; stat(lab->copy, &before) < 0 && tries < 2000; tries++)
                (void)usleep(10000);
        lab_do(lab->db, "BEGIN; DROP INDEX \"mac: another NIC has this address, perhaps in another spelling; UPDATE that row, or DELETE it first\";"
                        "INSERT INTO nic (host, mac) VALUES (1, '02-08-20-ab-cd-01' || " FIVE_MIB ");"
                        "UPDATE host SET comment = 'new' WHERE id = 2; COMMIT");
        for (int tries = 0; !h.copy_reason.text[0] && tries < 2000; tries++) {
                (void)usleep(10000);
                inventory_health(inv, &h);
        }
        assert_non_null(strstr(h.copy_reason.text, "a cell of table nic"));
        assert_non_null(strstr(h.copy_reason.text, "rowid > 2"));
        assert_int_equal(stat(lab->copy, &after), 0);
        assert_int_equal(before.st_ino, after.st_ino); /* the one from before was kept */
        assert_string_equal(comment(inv, B), "two");
        assert_string_equal(comment(inv, A), "one");
        inventory_health(inv, &h);
        assert_int_equal(h.from, INVENTORY_COPY);
        assert_non_null(strstr(h.reason.text, "1 MiB"));
        lab_do(lab->db, "DELETE FROM nic WHERE id > 2");
        (void)snprintf(text, sizeof text, "%s", comment(inv, B));
        assert_string_equal(text, "new");
        inventory_close(inv);
}

/* ---- time ------------------------------------------------------------------------------------ */

struct asking {
        struct inventory *inv;
        uint64_t mac;
        atomic_uint failed;
        atomic_bool stop;
};

static void *ask_always(void *arg)
{
        struct asking *a = arg;

        while (!atomic_load(&a->stop)) {
                struct plan *p = NULL;

                if (inventory_plan(a->inv, a->mac, &p, NULL) < 0)
                        atomic_fetch_add(&a->failed, 1);
                plan_free(p);
        }
        return NULL;
}

/* The address of each NIC of db1 is that of 300 000 others of its own, and all are looked at for one of another host. */
static void a_question_that_takes_long_leaves_connections_to_the_others(void **state)
{
        struct lab *lab = *state;
        static struct asking bad; /* the threads go on with it when an assertion ends the test */
        pthread_t t[12];

        lab_do(lab->db, "BEGIN");
        lab_do(lab->db, ROWS "INSERT INTO nic (host, mac, ip) SELECT 1, printf('02-08-21-%02x-%02x-%02x', i >> 16, i >> 8 & 255,"
                             " i & 255), '10.9.9.9' FROM n");
        lab_do(lab->db, "COMMIT");
        bad = (struct asking){ .mac = A, .inv = open_it(lab) };
        for (size_t i = 0; i < sizeof t / sizeof t[0]; i++)
                assert_int_equal(pthread_create(&t[i], NULL, ask_always, &bad), 0);
        for (int i = 0; i < 200; i++) {
                int64_t us = cpu_us();

                assert_bystander(bad.inv);
                assert_true(cpu_us() - us < 100000);
        }
        atomic_store(&bad.stop, true);
        for (size_t i = 0; i < sizeof t / sizeof t[0]; i++)
                (void)pthread_join(t[i], NULL);
        assert_true(atomic_load(&bad.failed) > 0);
        inventory_close(bad.inv);
}

struct waiting {
        struct pool *pool;
        atomic_int tid;
        atomic_bool was_served;
};

static void *borrow_once(void *arg)
{
        struct waiting *w = arg;
        struct conn *c = NULL;

        atomic_store(&w->tid, gettid());
        if (pool_borrow(w->pool, 0, &c, NULL) == 0) {
                atomic_store(&w->was_served, true);
                pool_give_back(w->pool, c);
        }
        return NULL;
}

/* Until thread @tid of ours sleeps: in the pool, which has nothing else to sleep for. */
static void await_sleep(const atomic_int *tid)
{
        char path[64], line[128] = "";

        for (int tries = 0; tries < 10000; tries++) {
                FILE *f;

                (void)snprintf(path, sizeof path, "/proc/self/task/%d/stat", atomic_load(tid));
                f = atomic_load(tid) ? fopen(path, "re") : NULL;
                if (f) {
                        assert_non_null(fgets(line, sizeof line, f));
                        (void)fclose(f);
                        if (strstr(line, ") S "))
                                return;
                }
                (void)usleep(1000);
        }
        fail_msg("the thread does not wait: %s", line);
}

/* All connections are out, and a thread waits for one: another that gives one back and asks again at once comes after it. */
static void connections_are_lent_in_the_order_in_which_they_were_asked_for(void **state)
{
        struct lab *lab = *state;
        struct conn *c[POOL_MAX];
        static struct waiting w;

        assert_int_equal(pool_new(lab->path, false, &w.pool, NULL), 0);
        for (size_t i = 0; i < POOL_MAX; i++)
                assert_int_equal(pool_borrow(w.pool, 0, &c[i], NULL), 0);
        for (int round = 0; round < 50; round++) {
                pthread_t t;

                atomic_store(&w.tid, 0);
                atomic_store(&w.was_served, false);
                assert_int_equal(pthread_create(&t, NULL, borrow_once, &w), 0);
                await_sleep(&w.tid);
                pool_give_back(w.pool, c[0]);
                assert_int_equal(pool_borrow(w.pool, 0, &c[0], NULL), 0);
                assert_true(atomic_load(&w.was_served));
                assert_int_equal(pthread_join(t, NULL), 0);
        }
        for (size_t i = 0; i < POOL_MAX; i++)
                pool_give_back(w.pool, c[i]);
        pool_free(w.pool);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
                TEST(three_hundred_thousand_rows_cost_a_host_no_more_than_those_that_count),
                TEST(a_layer_that_was_cut_brings_nothing_inherited_back),
                TEST(a_cell_of_megabytes_costs_its_host_and_says_so),
                TEST(a_key_in_the_way_of_others_is_answered_around_by_the_copy),
                TEST(connections_are_lent_in_the_order_in_which_they_were_asked_for),
                TEST(a_question_that_takes_long_leaves_connections_to_the_others),
        };

        return cmocka_run_group_tests_name("bounds", tests, NULL, NULL);
}
