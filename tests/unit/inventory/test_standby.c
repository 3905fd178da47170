/* SPDX-License-Identifier: MPL-2.0 */
/* standby: whatever happens to the file, its last good copy answers, and the file itself again by the next call. */
#include "lab.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "base/buf.h"
#include "inventory/inventory.h"
#include "inventory/store/copy.h"
#include "inventory/store/trouble.h"

#define A UINT64_C(0x020820abcd01)
#define B UINT64_C(0x020820abcd02)

struct lab {
        char dir[64], db_dir[80], path[112], copy[112];
        sqlite3 *db; /* the operator's */
};

/* What the inventory's thread said; one inventory at a time. */
static struct {
        pthread_mutex_t lock;
        unsigned n;
        char last[1600];
} said = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void hear(int priority, const char *line)
{
        (void)priority;
        pthread_mutex_lock(&said.lock);
        said.n++;
        (void)snprintf(said.last, sizeof said.last, "%s", line);
        pthread_mutex_unlock(&said.lock);
}

static bool heard(const char *part)
{
        bool r;

        pthread_mutex_lock(&said.lock);
        r = strstr(said.last, part) != NULL;
        pthread_mutex_unlock(&said.lock);
        return r;
}

static unsigned lines_heard(void)
{
        unsigned n;

        pthread_mutex_lock(&said.lock);
        n = said.n;
        pthread_mutex_unlock(&said.lock);
        return n;
}

static int64_t now_ms(void)
{
        struct timespec ts;

        (void)clock_gettime(CLOCK_MONOTONIC, &ts);
        return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void doze(void)
{
        (void)nanosleep(&(struct timespec) { .tv_nsec = 1000000 }, NULL);
}

static int set_up(void **state)
{
        struct lab *lab = calloc(1, sizeof *lab);
        bool shm = access("/dev/shm", W_OK) == 0; /* no disk to wait for */

        said.n = 0;
        said.last[0] = '\0';
        (void)snprintf(lab->dir, sizeof lab->dir, "%s/pxefs-standby-XXXXXX", shm ? "/dev/shm" : "/tmp");
        assert_non_null(mkdtemp(lab->dir));
        assert_int_equal(chmod(lab->dir, 0755), 0);
        (void)snprintf(lab->db_dir, sizeof lab->db_dir, "%s/db", lab->dir);
        assert_int_equal(mkdir(lab->db_dir, 0755), 0);
        (void)snprintf(lab->path, sizeof lab->path, "%s/inventory.db", lab->db_dir);
        (void)snprintf(lab->copy, sizeof lab->copy, "%s/copy.db", lab->dir);
        lab->db = lab_open(lab->path);
        lab_do(lab->db, "INSERT INTO host (hostname, comment) VALUES ('db1', 'one'), ('db2', NULL);"
                        "INSERT INTO nic (host, mac) VALUES (1, '020820abcd01'), (2, '020820abcd02')");
        *state = lab;
        return 0;
}

static int tear_down(void **state)
{
        struct lab *lab = *state;
        char cmd[160];

        sqlite3_close(lab->db);
        (void)snprintf(cmd, sizeof cmd, "rm -rf %s", lab->dir);
        assert_int_equal(system(cmd), 0);
        free(lab);
        return 0;
}

static struct inventory *open_with_copy(const struct lab *lab)
{
        struct inventory *inv = NULL;
        struct err err = { "" };

        if (inventory_open(&(struct inventory_options) { .path = lab->path,
                                   .copy_path = lab->copy,
                                   .log = hear,
                                   .quiet_ms = 4,
                                   .every_ms = 8,
                                   .busy_ms = 20 },
                    &inv, &err) < 0)
                fail_msg("%s", err.text);
        return inv;
}

/* "comment" of a host, from wherever it is answered; an owned text. */
static const char *comment(struct inventory *inv, uint64_t mac)
{
        static char text[300];
        struct plan *p = NULL;
        struct err err = { "" };
        int r = inventory_plan(inv, mac, &p, &err);

        if (r < 0)
                (void)snprintf(text, sizeof text, "error %d: %s", r, err.text);
        else
                (void)snprintf(text, sizeof text, "%s",
                        p->comment             ? p->comment
                        : p->kind == PLAN_HOST ? "-"
                                               : "unknown");
        plan_free(p);
        return text;
}

/* Waits until the copy holds @want as comment of host A. */
static void await_copy(const struct lab *lab, const char *want)
{
        for (int64_t until = now_ms() + 5000; now_ms() < until; doze()) {
                sqlite3 *db = NULL;
                sqlite3_stmt *s = NULL;
                char uri[200];
                bool same = false;

                (void)snprintf(uri, sizeof uri, "file:%s?immutable=1", lab->copy);
                if (sqlite3_open_v2(uri, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL) == SQLITE_OK &&
                        sqlite3_prepare_v2(db, "SELECT comment FROM host WHERE id = 1", -1, &s, NULL) ==
                                SQLITE_OK &&
                        sqlite3_step(s) == SQLITE_ROW)
                        same = strcmp((const char *)sqlite3_column_text(s, 0), want) == 0;
                sqlite3_finalize(s);
                sqlite3_close(db);
                if (same)
                        return;
        }
        fail_msg("no copy with '%s' after 5 s", want);
}

static void sidecar(const char *path, const char *suffix, char ret[140])
{
        (void)snprintf(ret, 140, "%s%s", path, suffix);
}

static void write_over(const char *path, off_t at, const void *bytes, size_t n)
{
        int fd = open(path, O_WRONLY);

        assert_true(fd >= 0);
        assert_int_equal(pwrite(fd, bytes, n, at), (ssize_t)n);
        close(fd);
}

/* The operator's connection is closed and its sidecars are gone: the file is all there is. */
static void settle(struct lab *lab)
{
        char name[140];

        lab_do(lab->db, "PRAGMA wal_checkpoint(TRUNCATE)");
        sqlite3_close(lab->db);
        lab->db = NULL;
        for (int i = 0; i < 2; i++) {
                sidecar(lab->path, i ? "-shm" : "-wal", name);
                (void)unlink(name);
        }
}

/* ---- each trouble ---- */

static void make_gone(struct lab *lab)
{
        (void)lab;
}

static void make_directory(struct lab *lab)
{
        assert_int_equal(mkdir(lab->path, 0755), 0);
}

static void make_file(const char *path, size_t n, unsigned seed)
{
        FILE *f = fopen(path, "w");

        for (size_t i = 0; i < n; i++) {
                seed = seed * 1103515245 + 12345;
                (void)fputc((int)(seed >> 16 & 255), f);
        }
        assert_int_equal(fclose(f), 0);
}

static void make_empty(struct lab *lab)
{
        make_file(lab->path, 0, 0);
}

static void make_short(struct lab *lab)
{
        make_file(lab->path, 30, 3);
}

static void make_random(struct lab *lab)
{
        make_file(lab->path, 20000, 7);
}

static void make_truncated(struct lab *lab)
{
        char cmd[300];

        (void)snprintf(cmd, sizeof cmd, "head -c 10000 %s/aside >%s", lab->dir, lab->path);
        assert_int_equal(system(cmd), 0);
}

static void make_other_database(struct lab *lab)
{
        sqlite3 *db = NULL;

        assert_int_equal(sqlite3_open(lab->path, &db), SQLITE_OK);
        lab_do(db, "CREATE TABLE host (id)");
        sqlite3_close(db);
}

/* Made aside: the inventory's thread may open what stands at the path while it is made, and then holds it. */
static void make_newer(struct lab *lab)
{
        char aside[sizeof lab->path + 8];
        sqlite3 *db;

        (void)snprintf(aside, sizeof aside, "%s.newer", lab->path);
        db = lab_open(aside);
        lab_do(db, "PRAGMA user_version = 9; PRAGMA journal_mode = DELETE");
        sqlite3_close(db);
        assert_int_equal(rename(aside, lab->path), 0);
}

static void make_without_tables(struct lab *lab)
{
        sqlite3 *db = NULL;

        assert_int_equal(sqlite3_open(lab->path, &db), SQLITE_OK);
        lab_do(db, "PRAGMA application_id = 0x70786673; PRAGMA user_version = 1; CREATE TABLE host (id)");
        sqlite3_close(db);
}

static void make_dangling(struct lab *lab)
{
        assert_int_equal(symlink("/nowhere/at/all", lab->path), 0);
}

static const struct trouble {
        const char *name;
        void (*make)(struct lab *lab);
        const char *reason; /* a part of it */
} troubles[] = {
        { "gone", make_gone, "No such file or directory: put it back" },
        { "a directory", make_directory, "is no file: move away" },
        { "0 bytes", make_empty, "is an empty file" },
        { "30 bytes", make_short, "move it away and put a backup" },
        { "random bytes", make_random, "is not a database: move it away" },
        { "cut off", make_truncated, "malformed" },
        { "another database", make_other_database, "no inventory of pxefs" },
        { "a newer schema", make_newer, "has version 9 and this pxefs knows" },
        { "a table is missing", make_without_tables, "no such " },
        { "a dangling symlink", make_dangling, "name the file itself" },
};

static void each_trouble_is_answered_by_the_copy_and_ends_with_the_next_call(void **state)
{
        struct lab *lab = *state;
        struct inventory *inv = open_with_copy(lab);
        struct inventory_health h;
        char aside[120], cmd[300];

        await_copy(lab, "one");
        settle(lab);
        (void)snprintf(aside, sizeof aside, "%s/aside", lab->dir);
        for (size_t i = 0; i < sizeof troubles / sizeof troubles[0]; i++) {
                struct err text;

                assert_string_equal(comment(inv, A), "one");
                inventory_health(inv, &h);
                if (h.from != INVENTORY_LIVE)
                        fail_msg("before %s: %s", troubles[i].name, h.reason.text);
                assert_int_equal(rename(lab->path, aside), 0);
                troubles[i].make(lab);
                if (strcmp(comment(inv, A), "one") != 0)
                        fail_msg("%s: %s", troubles[i].name, comment(inv, A));
                assert_string_equal(comment(inv, B), "-");
                assert_string_equal(comment(inv, 0x020820ffffff), "unknown");
                inventory_health(inv, &h);
                inventory_health_text(&h, &text);
                assert_int_equal(h.from, INVENTORY_COPY);
                if (!strstr(h.reason.text, troubles[i].reason) ||
                        !strstr(text.text, "answering from the copy of 20"))
                        fail_msg("%s: %s", troubles[i].name, text.text);
                (void)snprintf(cmd, sizeof cmd, "rm -rf %s*", lab->path);
                assert_int_equal(system(cmd), 0);
                assert_int_equal(rename(aside, lab->path), 0);
                assert_string_equal(comment(inv, A), "one");
                inventory_health(inv, &h);
                if (i != 5 && i != 8 && h.from != INVENTORY_LIVE) /* those may have met only some questions */
                        fail_msg("after %s: %s", troubles[i].name, h.reason.text);
                if (h.from != INVENTORY_LIVE) {
                        inventory_close(inv);
                        inv = open_with_copy(lab);
                }
        }
        inventory_close(inv);
}

static void the_wal_of_a_replaced_file_keeps_the_new_one_out_and_the_copy_answers(void **state)
{
        struct lab *lab = *state;
        struct inventory *inv = open_with_copy(lab);
        struct inventory_health h;
        char other[140], wal[140];
        sqlite3 *db;

        await_copy(lab, "one");
        assert_string_equal(comment(inv, A), "one");
        (void)snprintf(other, sizeof other, "%s/new.db", lab->dir);
        db = lab_open(other);
        lab_do(db, "INSERT INTO host (hostname, comment) VALUES ('db1', 'new');"
                   "INSERT INTO nic (host, mac) VALUES (1, '020820abcd01');"
                   "PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE");
        sqlite3_close(db);
        assert_int_equal(rename(other, lab->path), 0);
        assert_string_equal(comment(inv, A), "one");
        inventory_health(inv, &h);
        assert_non_null(strstr(h.reason.text, "-wal file of the old one"));
        sidecar(lab->path, "-wal", wal);
        assert_int_equal(unlink(wal), 0);
        assert_string_equal(comment(inv, A), "new");
        await_copy(lab, "new"); /* never a mixture: quick_check would have told */
        inventory_close(inv);
}

/* ---- locks ---- */

static void a_lock_in_rollback_mode_delays_one_call_a_little_and_the_commit_is_seen_at_once(void **state)
{
        struct lab *lab = *state;
        struct inventory *inv;
        struct inventory_health h;
        int64_t start;

        lab_do(lab->db, "PRAGMA journal_mode = DELETE");
        inv = open_with_copy(lab);
        await_copy(lab, "one");
        (void)sqlite3_busy_timeout(lab->db, 2000); /* the copier may have a piece (copy.c, invariant 4) */
        lab_do(lab->db, "BEGIN EXCLUSIVE; UPDATE host SET comment = 'two' WHERE id = 1");
        start = now_ms();
        for (int i = 0; i < 300; i++)
                assert_string_equal(comment(inv, A), "one");
        if (now_ms() - start > 1500) /* 300 waits of 20 ms were six seconds */
                fail_msg("%lld ms", (long long)(now_ms() - start));
        inventory_health(inv, &h);
        assert_int_equal(h.from, INVENTORY_COPY);
        assert_non_null(strstr(h.reason.text, "locked"));
        assert_non_null(strstr(h.reason.text, "journal_mode = WAL"));
        lab_do(lab->db, "COMMIT");
        assert_string_equal(comment(inv, A), "two");
        inventory_health(inv, &h);
        assert_int_equal(h.from, INVENTORY_LIVE);
        inventory_close(inv);
}

static void a_lock_in_wal_mode_is_not_noticed(void **state)
{
        struct lab *lab = *state;
        struct inventory *inv = open_with_copy(lab);
        struct inventory_health h;

        await_copy(lab, "one");
        lab_do(lab->db, "UPDATE host SET comment = 'two' WHERE id = 1; BEGIN EXCLUSIVE; UPDATE host SET "
                        "comment = 'three'");
        assert_string_equal(comment(inv, A), "two");
        inventory_health(inv, &h);
        assert_int_equal(h.from, INVENTORY_LIVE);
        await_copy(lab, "two"); /* nor does the copy wait for it */
        lab_do(lab->db, "COMMIT");
        assert_string_equal(comment(inv, A), "three");
        inventory_close(inv);
}

static void without_a_copy_a_lock_is_waited_for(void **state)
{
        struct lab *lab = *state;
        struct inventory *inv = NULL;
        struct plan *p = NULL;
        struct err err = { "" };
        int64_t start;

        lab_do(lab->db, "PRAGMA journal_mode = DELETE");
        assert_int_equal(
                inventory_open(&(struct inventory_options) { .path = lab->path, .busy_ms = 5 }, &inv, &err),
                0);
        lab_do(lab->db, "BEGIN EXCLUSIVE");
        start = now_ms();
        assert_int_equal(inventory_plan(inv, A, &p, &err), -EBUSY);
        assert_true(now_ms() - start >= 30);
        lab_do(lab->db, "COMMIT");
        assert_string_equal(comment(inv, A), "one");
        inventory_close(inv);
}

/* ---- the copy itself ---- */

static void a_commit_is_seen_by_the_next_call_while_copies_are_made(void **state)
{
        struct lab *lab = *state;

        for (int mode = 0; mode < 2; mode++) {
                struct inventory *inv;
                char sql[100], want[20] = "";

                lab_do(lab->db, mode ? "PRAGMA journal_mode = DELETE; PRAGMA busy_timeout = 5000"
                                     : "PRAGMA journal_mode = WAL");
                inv = open_with_copy(lab);
                for (int i = 0; i < 300; i++) {
                        (void)snprintf(want, sizeof want, "%d.%d", mode, i);
                        (void)snprintf(sql, sizeof sql, "UPDATE host SET comment = '%s' WHERE id = 1", want);
                        lab_do(lab->db, sql);
                        assert_string_equal(comment(inv, A), want);
                }
                await_copy(lab, want);
                inventory_close(inv);
        }
}

static void the_copy_is_private_and_alone(void **state)
{
        struct lab *lab = *state;
        struct inventory *inv = open_with_copy(lab);
        struct stat st;
        struct dirent *e;
        unsigned n = 0;
        DIR *d;

        await_copy(lab, "one");
        inventory_close(inv);
        assert_int_equal(stat(lab->copy, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        d = opendir(lab->dir);
        while ((e = readdir(d)))
                n += e->d_name[0] != '.';
        closedir(d);
        assert_int_equal(n, 2); /* db/ and the copy */
}

static void the_copy_outlives_the_process_and_the_file(void **state)
{
        struct lab *lab = *state;
        struct inventory *inv = open_with_copy(lab), *other = NULL;
        struct err err = { "" };
        char cmd[200], elsewhere[120];

        await_copy(lab, "one");
        inventory_close(inv);
        settle(lab);
        (void)snprintf(cmd, sizeof cmd, "rm -rf %s", lab->db_dir);
        assert_int_equal(system(cmd), 0);
        inv = open_with_copy(lab);
        assert_true(heard("answering from the copy of")); /* said before anything is asked */
        assert_string_equal(comment(inv, A), "one");
        inventory_close(inv);
        (void)snprintf(elsewhere, sizeof elsewhere, "%s/none.db", lab->dir);
        assert_int_equal(
                inventory_open(&(struct inventory_options) { .path = lab->path, .copy_path = elsewhere },
                        &other, &err),
                -ENOENT);
        assert_non_null(strstr(err.text, "pxectl -i "));
}

static void each_path_has_a_copy_of_its_own(void **state)
{
        char a[COPY_NAME_SIZE], b[COPY_NAME_SIZE], again[COPY_NAME_SIZE];

        (void)state;
        assert_int_equal(copy_name("/var/lib/pxefs/inventory.db", a), 0);
        assert_int_equal(copy_name("/var/lib/pxefs/inventory.db2", b), 0);
        assert_int_equal(copy_name("/var/lib/pxefs/inventory.db", again), 0);
        assert_string_not_equal(a, b);
        assert_string_equal(a, again);
}

static void what_is_damaged_never_becomes_the_copy(void **state)
{
        struct lab *lab = *state;
        struct inventory *inv = open_with_copy(lab);
        struct inventory_health h = { 0 };
        char zeros[4096] = { 0 };
        struct stat before, after;
        int page;

        await_copy(lab, "one");
        lab_do(lab->db, "PRAGMA wal_checkpoint(TRUNCATE)");
        page = atoi(lab_text(lab->db, "SELECT rootpage FROM sqlite_schema WHERE name = 'known_property'"));
        assert_int_equal(stat(lab->copy, &before), 0);
        write_over(lab->path, (off_t)(page - 1) * 4096, zeros, sizeof zeros);
        lab_do(lab->db, "UPDATE host SET comment = 'two' WHERE id = 1");
        for (int64_t until = now_ms() + 5000; !h.copy_reason.text[0] && now_ms() < until; doze())
                inventory_health(inv, &h);
        if (!strstr(h.copy_reason.text, "quick_check"))
                fail_msg("%s", h.copy_reason.text);
        assert_int_equal(stat(lab->copy, &after), 0);
        assert_int_equal(before.st_ino, after.st_ino);
        for (int64_t until = now_ms() + 5000; !heard("no new copy can be made") && now_ms() < until;)
                doze();
        assert_true(heard("no new copy can be made"));
        inventory_close(inv);
}

static void what_lacks_a_table_never_becomes_the_copy(void **state)
{
        struct lab *lab = *state;
        struct inventory *inv = open_with_copy(lab);
        struct inventory_health h = { 0 };

        await_copy(lab, "one");
        lab_do(lab->db, "DROP TABLE setting");
        for (int64_t until = now_ms() + 5000; !h.copy_reason.text[0] && now_ms() < until; doze())
                inventory_health(inv, &h);
        assert_non_null(strstr(h.copy_reason.text, "no such table"));
        assert_string_equal(comment(inv, A), "one");
        inventory_health(inv, &h);
        assert_int_equal(h.from, INVENTORY_COPY);
        inventory_close(inv);
}

static void rows_that_break_the_schemas_rules_are_copied(void **state)
{
        struct lab *lab = *state;
        struct inventory *inv = open_with_copy(lab);

        lab_do(lab->db, "PRAGMA ignore_check_constraints = 1; PRAGMA writable_schema = 1;"
                        "UPDATE host SET enabled = 7, build = 'no build' WHERE id = 2;"
                        "UPDATE host SET comment = 'two' WHERE id = 1");
        await_copy(lab, "two");
        inventory_close(inv);
}

struct listed {
        unsigned n;
        uint64_t last;
};

static bool count_up(void *ctx, uint64_t key, const char *name)
{
        struct listed *l = ctx;

        (void)name;
        assert_true(l->n == 0 || key > l->last);
        l->last = key;
        l->n++;
        return true;
}

static void a_damaged_page_harms_only_who_needs_it_and_a_listing_goes_on_in_the_copy(void **state)
{
        struct lab *lab = *state;
        struct inventory *inv;
        struct inventory_health h;
        struct listed listed = { 0 };
        char zeros[4096] = { 0 };
        int page;

        lab_do(lab->db,
                "INSERT INTO property (host, name, value) VALUES (1, 'a', 'b');"
                "WITH RECURSIVE n (i) AS (SELECT 3 UNION ALL SELECT i + 1 FROM n WHERE i < 1500)"
                " INSERT INTO host (id, hostname) SELECT i, 'h' || i FROM n;"
                "INSERT INTO nic (host, mac) SELECT id, printf('02082000%04x', id) FROM host WHERE id > 2;"
                "PRAGMA wal_checkpoint(TRUNCATE)");
        inv = open_with_copy(lab);
        for (int64_t until = now_ms() + 5000; now_ms() < until; doze()) {
                struct stat st;

                if (stat(lab->copy, &st) == 0 && st.st_size > 200000)
                        break;
        }
        /* A leaf of the index on nic.mac, in its middle. */
        page = atoi(lab_text(lab->db,
                "SELECT pageno FROM dbstat WHERE name = 'sqlite_autoindex_nic_1' AND pagetype = 'leaf'"
                " ORDER BY path LIMIT 1 OFFSET 5"));
        inventory_close(inv);
        if (page == 0)
                skip(); /* a SQLite without dbstat */
        write_over(lab->path, (off_t)(page - 1) * 4096, zeros, sizeof zeros);
        inv = open_with_copy(lab);
        assert_int_equal(inventory_list_macs(inv, 0, count_up, &listed, NULL), 0);
        assert_int_equal(listed.n, 1500);
        inventory_health(inv, &h);
        assert_int_equal(h.from, INVENTORY_COPY);
        assert_string_equal(comment(inv, A), "one");
        inventory_close(inv);
}

static void neither_file_nor_copy_is_an_error_with_the_files_reason(void **state)
{
        struct lab *lab = *state;
        struct inventory *inv = open_with_copy(lab);
        struct inventory_health h;

        await_copy(lab, "one");
        settle(lab);
        assert_int_equal(unlink(lab->path), 0);
        assert_string_equal(comment(inv, A), "one");
        /* A copy under way of the file that was there may still come. */
        for (int64_t until = now_ms() + 5000; !strstr(comment(inv, A), "error") && now_ms() < until; doze())
                (void)unlink(lab->copy);
        assert_non_null(strstr(comment(inv, A), "put it back"));
        make_file(lab->copy, 20000, 9);
        assert_non_null(strstr(comment(inv, A), "put it back"));
        inventory_health(inv, &h);
        assert_int_equal(h.from, INVENTORY_NONE);
        inventory_close(inv);
}

static void a_copy_that_cannot_be_made_stops_nothing(void **state)
{
        struct lab *lab = *state;
        struct inventory_health h = { 0 };
        struct inventory *inv;

        (void)snprintf(lab->copy, sizeof lab->copy, "%s/no/such/copy.db", lab->dir);
        inv = open_with_copy(lab);
        for (int64_t until = now_ms() + 5000; !h.copy_reason.text[0] && now_ms() < until; doze())
                inventory_health(inv, &h);
        assert_non_null(strstr(h.copy_reason.text, "No such file or directory"));
        assert_string_equal(comment(inv, A), "one");
        inventory_close(inv);
}

static void the_log_hears_of_a_change_once(void **state)
{
        struct lab *lab = *state;
        struct inventory *inv = open_with_copy(lab);

        await_copy(lab, "one");
        settle(lab);
        assert_int_equal(lines_heard(), 0);
        assert_int_equal(unlink(lab->path), 0);
        for (int i = 0; i < 1000; i++)
                assert_string_equal(comment(inv, A), "one");
        for (int64_t until = now_ms() + 5000; lines_heard() == 0 && now_ms() < until;)
                doze();
        assert_true(heard("inventory: answering from the copy of 20"));
        assert_true(heard("because inventory "));
        for (int i = 0; i < 1000; i++)
                assert_string_equal(comment(inv, A), "one");
        assert_int_equal(lines_heard(), 1);
        inventory_close(inv);
}

/* ---- permissions: the exact command ---- */

static void each_missing_right_is_told_with_the_command_that_gives_it(void **state)
{
        static const struct {
                const char *break_it, *command;
        } t[] = {
                { "chmod 700 $D", "chmod a+x " },
                { "chmod 600 $P", "chown 65534 $P $D" },
                { "chown 65534 $D; chmod 000 $P", "chown 65534 $P && chmod u+rwX $P" },
                { "chown 65534 $D $P; : >$P-wal; chmod 600 $P-wal", "chown 65534 $P-wal" },
                { "chown 65534 $D $P; : >$P-shm; chmod 600 $P-shm", "chown 65534 $P-shm" },
                { "chmod 644 $P", "chown 65534 $D" },
                { "chown 65534 $D; chmod 500 $D", "chown 65534 $D && chmod u+rwX $D" },
                { "chmod 600 $P; : >$P-wal; chmod 600 $P-wal", "chown 65534 $P $P-wal $D" },
                { "echo hot >$P-journal; chmod 644 $P", "sqlite3 $P 'PRAGMA user_version'" },
        };
        struct lab *lab = *state;

        if (geteuid() != 0)
                skip(); /* only root can make files that are another's */
        settle(lab);
        for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
                char cmd[700], want[500];
                int status, ends[2];
                struct err err = { "" };
                pid_t pid;

                (void)snprintf(cmd, sizeof cmd,
                        "P=%s; D=%s; chown -R 0 $D; chmod 755 $D; rm -f $P-*; chmod 644 $P; %s", lab->path,
                        lab->db_dir, t[i].break_it);
                assert_int_equal(system(cmd), 0);
                (void)snprintf(cmd, sizeof cmd, "P=%s; D=%s; printf %%s \"%s\" >%s/want", lab->path,
                        lab->db_dir, t[i].command, lab->dir);
                assert_int_equal(system(cmd), 0);
                assert_int_equal(pipe(ends), 0);
                pid = fork();
                if (pid == 0) {
                        if (setresuid(65534, 65534, 65534) < 0)
                                _exit(9);
                        (void)trouble_explain(
                                lab->path, SQLITE_CANTOPEN, "unable to open database file", &err);
                        _exit(write(ends[1], err.text, sizeof err.text) != (ssize_t)sizeof err.text);
                }
                assert_int_equal(waitpid(pid, &status, 0), pid);
                assert_int_equal(status, 0);
                assert_int_equal(read(ends[0], err.text, sizeof err.text), (ssize_t)sizeof err.text);
                close(ends[0]);
                close(ends[1]);
                (void)snprintf(cmd, sizeof cmd, "%s/want", lab->dir);
                FILE *f = fopen(cmd, "r");
                want[fread(want, 1, sizeof want - 1, f)] = '\0';
                fclose(f);
                if (!strstr(err.text, want))
                        fail_msg("%s\n  wants: %s\n  got:   %s", t[i].break_it, want, err.text);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(
                        each_trouble_is_answered_by_the_copy_and_ends_with_the_next_call, set_up, tear_down),
                cmocka_unit_test_setup_teardown(
                        the_wal_of_a_replaced_file_keeps_the_new_one_out_and_the_copy_answers, set_up,
                        tear_down),
                cmocka_unit_test_setup_teardown(
                        a_lock_in_rollback_mode_delays_one_call_a_little_and_the_commit_is_seen_at_once,
                        set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_lock_in_wal_mode_is_not_noticed, set_up, tear_down),
                cmocka_unit_test_setup_teardown(without_a_copy_a_lock_is_waited_for, set_up, tear_down),
                cmocka_unit_test_setup_teardown(
                        a_commit_is_seen_by_the_next_call_while_copies_are_made, set_up, tear_down),
                cmocka_unit_test_setup_teardown(the_copy_is_private_and_alone, set_up, tear_down),
                cmocka_unit_test_setup_teardown(
                        the_copy_outlives_the_process_and_the_file, set_up, tear_down),
                cmocka_unit_test(each_path_has_a_copy_of_its_own),
                cmocka_unit_test_setup_teardown(what_is_damaged_never_becomes_the_copy, set_up, tear_down),
                cmocka_unit_test_setup_teardown(what_lacks_a_table_never_becomes_the_copy, set_up, tear_down),
                cmocka_unit_test_setup_teardown(
                        rows_that_break_the_schemas_rules_are_copied, set_up, tear_down),
                cmocka_unit_test_setup_teardown(
                        a_damaged_page_harms_only_who_needs_it_and_a_listing_goes_on_in_the_copy, set_up,
                        tear_down),
                cmocka_unit_test_setup_teardown(
                        neither_file_nor_copy_is_an_error_with_the_files_reason, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_copy_that_cannot_be_made_stops_nothing, set_up, tear_down),
                cmocka_unit_test_setup_teardown(the_log_hears_of_a_change_once, set_up, tear_down),
                cmocka_unit_test_setup_teardown(
                        each_missing_right_is_told_with_the_command_that_gives_it, set_up, tear_down),
        };

        return cmocka_run_group_tests_name("standby", tests, NULL, NULL);
}
