/* SPDX-License-Identifier: MPL-2.0 */
/* Boot modules as files: what a name leads to, before, between and after an UPDATE; and their place in the namespace. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "inventory_sql.h"
#include "namespace/list.h"
#include "namespace/place.h"

#define MAC      UINT64_C(0x020820000001)
#define STRANGER UINT64_C(0x020820000099)
#define OLD_SHA1 "a9993e364706816aba3e25717850c26c9cd0d89d" /* "abc", FIPS 180-1 */
#define OLD_ID   "a9993e364706816a"

static struct {
        char dir[64], db_path[96];
        int fd, builds_fd, cache_fd;
        sqlite3 *db; /* the operator's */
        struct catalog *catalog;
        struct inventory *inventory;
        struct overlay *overlay;
        struct textring *ring, *face_ring;
        struct texts *texts;
        struct places *places;
} w;

static void sql(const char *text)
{
        if (sqlite3_exec(w.db, text, NULL, NULL, NULL) != SQLITE_OK)
                fail_msg("%s: %s", text, sqlite3_errmsg(w.db));
}

/* Memory that outlives a process; NULL: each has its own. */
static void *shared;
#define SHARED_BYTES (1u << 20)

static void open_texts(unsigned hash_bits, bool nolist)
{
        w.ring = shared ? textring_attach(shared, SHARED_BYTES) : textring_new(1 << 20);
        w.face_ring = textring_new(1 << 16);
        w.texts = texts_new(&(struct texts_options) { .catalog = w.catalog,
                .inventory = w.inventory,
                .version = "1",
                .ring = w.ring,
                .face_ring = w.face_ring,
                .hash_bits = hash_bits });
        w.places = places_new(&(struct places_options) {
                .catalog = w.catalog, .inventory = w.inventory, .texts = w.texts, .nolist = nolist });
        assert_non_null(w.texts);
        assert_non_null(w.places);
}

static void close_texts(void)
{
        places_free(w.places);
        texts_free(w.texts);
        textring_free(w.face_ring);
        textring_free(w.ring);
}

static int set_up(void **state)
{
        (void)state;
        (void)snprintf(w.dir, sizeof w.dir, "%s/pxefs-modules.XXXXXX",
                access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
        assert_non_null(mkdtemp(w.dir));
        w.fd = open(w.dir, O_RDONLY | O_DIRECTORY);
        assert_int_equal(mkdirat(w.fd, "builds", 0755) + mkdirat(w.fd, "cache", 0755), 0);
        w.builds_fd = openat(w.fd, "builds", O_RDONLY | O_DIRECTORY);
        w.cache_fd = openat(w.fd, "cache", O_RDONLY | O_DIRECTORY);
        assert_int_equal(catalog_open(&(struct catalog_options) { .builds_dirfd = w.builds_fd,
                                              .cache_dirfd = w.cache_fd,
                                              .spool_max_bytes = 1 << 20,
                                              .object_bits = 40 },
                                 &w.catalog, NULL),
                0);
        (void)snprintf(w.db_path, sizeof w.db_path, "%s/inventory.db", w.dir);
        assert_int_equal(sqlite3_open(w.db_path, &w.db), SQLITE_OK);
        sql(inventory_schema_sql);
        sql("PRAGMA synchronous = OFF; INSERT INTO host (id, hostname) VALUES (1, 'db1'); INSERT INTO nic "
            "(mac, host)"
            " VALUES ('02:08:20:00:00:01', 1); INSERT INTO module (host, name, content, secret) VALUES"
            " (1, 'etc/system', 'abc', 0), (1, 'key', 'hunter2', 1)");
        assert_int_equal(
                inventory_open(&(struct inventory_options) { .path = w.db_path }, &w.inventory, NULL), 0);
        open_texts(32, false);
        return 0;
}

static int tear_down(void **state)
{
        char cmd[100];

        (void)state;
        close_texts();
        inventory_close(w.inventory);
        catalog_close(w.catalog);
        sqlite3_close(w.db);
        close(w.builds_fd);
        close(w.cache_fd);
        close(w.fd);
        (void)snprintf(cmd, sizeof cmd, "rm -rf %s", w.dir);
        return system(cmd);
}

/* The entry of hosts/<mac>/<dir>/<name>. */
static int find(uint64_t mac, const char *dir, const char *name, struct place_entry *ret)
{
        struct node n;
        int r;

        assert_true(node_decode(node_hostdir(mac, HOSTDIR_TOP), &n));
        r = place_lookup(w.places, &n, dir, ret);
        if (r < 0)
                return r;
        assert_true(S_ISDIR(ret->st.st_mode));
        assert_true(node_decode(ret->node, &n));
        return place_lookup(w.places, &n, name, ret);
}

static void expect_node(uint64_t id, const char *want)
{
        char got[200] = "";
        struct node n;
        ssize_t len;

        assert_true(node_decode(id, &n));
        len = place_read(w.places, &n, got, sizeof got - 1, 0);
        if (!want) {
                assert_int_equal(len, -ESTALE);
                return;
        }
        assert_int_equal(len, strlen(want));
        assert_string_equal(got, want);
}

static void expect(const char *dir, const char *name, const char *want)
{
        struct place_entry e;
        int r = find(MAC, dir, name, &e);

        if (!want) {
                assert_int_equal(r, -ENOENT);
                return;
        }
        assert_int_equal(r, 0);
        assert_int_equal(e.st.st_size, strlen(want));
        assert_true(e.name_sec == 0); /* the very next look-up asks again */
        expect_node(e.node, want);
}

static void names_lead_to_content_and_hash(void **state)
{
        static const char *const absent[] = { "etc", "etc/system", "system", "etc+", "etc+system.hash.hash",
                ".hash", "", "etc+syste", "etc+systemx", "ETC+SYSTEM", OLD_ID };
        struct place_entry e;

        (void)state;
        expect("modules", "etc+system", "abc");
        expect("modules", "etc+system.hash", OLD_SHA1 "\n");
        expect("modules", "key", "hunter2");
        expect("m", OLD_ID, "abc");
        expect("m", OLD_ID ".hash", OLD_SHA1 "\n");
        for (size_t i = 0; i < sizeof absent / sizeof absent[0]; i++)
                expect("modules", absent[i], NULL);
        expect("m", "etc+system", NULL);
        expect("m", "a9993e364706816A", NULL);
        expect("m", "a9993e36", NULL);
        expect("m", OLD_SHA1, NULL);
        assert_int_equal(find(STRANGER, "modules", "etc+system", &e), -ENOENT);
        assert_int_equal(find(STRANGER, "m", OLD_ID, &e), -ENOENT);
        assert_int_equal(find(MAC, "n", "x", &e), -ENOENT);
}

/* The design's promise: never the hash of one content with the bytes of another. */
static void an_update_leaves_the_old_pair_or_nothing(void **state)
{
        struct place_entry content, hash;

        (void)state;
        assert_int_equal(find(MAC, "m", OLD_ID, &content), 0);
        assert_int_equal(find(MAC, "m", OLD_ID ".hash", &hash), 0);
        /* another process, which never saw the ids: made again while the rows say so, else ESTALE */
        close_texts();
        open_texts(32, false);
        expect_node(content.node, "abc");
        expect_node(hash.node, OLD_SHA1 "\n");
        sql("UPDATE module SET content = 'abd' WHERE name = 'etc/system'"); /* of equal length */
        expect_node(content.node, "abc"); /* a reader that has it reads on */
        expect_node(hash.node, OLD_SHA1 "\n");
        expect("m", OLD_ID, NULL); /* whoever comes later gets nothing */
        expect("m", OLD_ID ".hash", NULL);
        expect("modules", "etc+system", "abd");
        expect("m", "cb4cc28df0fdbe0e", "abd");
        expect("m", "cb4cc28df0fdbe0e.hash", "cb4cc28df0fdbe0ecf9d9662e294b118092a5735\n");

        close_texts();
        open_texts(32, false);
        expect_node(content.node, NULL);
        expect_node(hash.node, NULL);
        sql("UPDATE module SET content = 'abc' WHERE name = 'etc/system'");
        expect("m", OLD_ID, "abc");
        sql("DELETE FROM host");
        close_texts();
        open_texts(32, false);
        expect_node(content.node, NULL);
}

/* With ids of 2 bits all collide: still each name leads to its own bytes, or the reader gets an error. */
static void ids_that_collide_give_no_other_bytes(void **state)
{
        (void)state;
        close_texts();
        open_texts(2, false);
        for (int i = 0; i < 40; i++) {
                char text[100], want[20];

                (void)snprintf(want, sizeof want, "content %d", i);
                (void)snprintf(
                        text, sizeof text, "UPDATE module SET content = '%s' WHERE name = 'key'", want);
                sql(text);
                expect("modules", "key", want);
                expect("modules", "etc+system", "abc");
                expect("modules", "etc+system.hash", OLD_SHA1 "\n");
        }
}

struct listing {
        char names[200];
        uint64_t last;
        unsigned room;
};

static bool add(void *ctx, const char *name, uint64_t node, mode_t type, uint64_t key)
{
        struct listing *l = ctx;

        (void)node;
        (void)type;
        if (l->room-- == 0)
                return false;
        assert_true(key > l->last && key >= PLACE_FIRST_KEY);
        l->last = key;
        (void)snprintf(l->names + strlen(l->names), sizeof l->names - strlen(l->names), "%s ", name);
        return true;
}

static void list(enum host_dir which, unsigned step, struct listing *ret)
{
        struct node n;
        uint64_t before;

        *ret = (struct listing) { .last = 0 };
        assert_true(node_decode(node_hostdir(MAC, which), &n));
        do {
                before = ret->last;
                ret->room = step;
                assert_int_equal(place_list(w.places, &n, before, add, ret), 0);
        } while (ret->last != before);
}

static void secrets_are_not_listed(void **state)
{
        struct listing whole, single;

        (void)state;
        sql("INSERT INTO module (host, name, content) VALUES (1, 'b', 'x')");
        list(HOSTDIR_TOP, 100, &whole);
        assert_string_equal(whole.names, "menu.ipxe why modules ");
        list(HOSTDIR_MODULES, 100, &whole);
        assert_non_null(strstr(whole.names, "etc+system "));
        assert_non_null(strstr(whole.names, "etc+system.hash "));
        assert_non_null(strstr(whole.names, "b.hash "));
        assert_null(strstr(whole.names, "key"));
        list(HOSTDIR_MODULES, 1, &single); /* one at a time: the same */
        assert_string_equal(single.names, whole.names);
        list(HOSTDIR_M, 100, &whole);
        assert_string_equal(whole.names, "");
        close_texts();
        open_texts(32, true);
        list(HOSTDIR_MODULES, 100, &whole);
        assert_string_equal(whole.names, "");
        expect("modules", "etc+system", "abc");
}

/* A predecessor's texts are served if they are what their ids say.  What it wrote over them is not: the text is made again, or
 * the reader gets an error. */
static void what_a_predecessor_changed_is_not_served(void **state)
{
        struct place_entry content, hash, key;
        unsigned char *patch;

        (void)state;
        close_texts();
        shared = aligned_alloc(4096, SHARED_BYTES);
        assert_non_null(shared);
        memset(shared, 0, SHARED_BYTES);
        open_texts(32, false);
        assert_int_equal(find(MAC, "m", OLD_ID, &content), 0);
        assert_int_equal(find(MAC, "m", OLD_ID ".hash", &hash), 0);
        assert_int_equal(find(MAC, "modules", "key", &key), 0);
        sql("UPDATE module SET content = 'abd' WHERE name = 'etc/system'"); /* cannot be made again */

        close_texts();
        open_texts(32, false);
        expect_node(content.node, "abc");
        expect_node(hash.node, OLD_SHA1 "\n");
        expect_node(key.node, "hunter2");

        patch = memmem(shared, SHARED_BYTES, "hunter2", 7);
        assert_non_null(patch);
        memcpy(patch, "hunted!", 7);
        patch = memmem(shared, SHARED_BYTES, OLD_SHA1, strlen(OLD_SHA1));
        assert_non_null(patch);
        patch[0] ^= 1;
        close_texts();
        open_texts(32, false);
        expect_node(content.node, "abc");
        expect_node(hash.node, NULL);
        expect_node(key.node, "hunter2"); /* the rows still say so */
        expect("modules", "key", "hunter2");
        close_texts();
        free(shared);
        shared = NULL;
        open_texts(32, false);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        static const struct CMUnitTest tests[] = {
                T(names_lead_to_content_and_hash),
                T(an_update_leaves_the_old_pair_or_nothing),
                T(ids_that_collide_give_no_other_bytes),
                T(secrets_are_not_listed),
                T(what_a_predecessor_changed_is_not_served),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
