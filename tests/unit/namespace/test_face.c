/* SPDX-License-Identifier: MPL-2.0 */
/* The snapshot behind /.pxefs: shared within a second, made anew after an event, whole for everybody at once. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
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

#include "fault.h"
#include "namespace/face.h"
#include "namespace/text.h"

static struct {
        char dir[64];
        int fd, builds_fd, cache_fd;
        struct catalog *catalog;
        struct inventory *inventory;
        struct textring *ring;
        struct requests requests;
        unsigned asked; /* how often the inventory was */
} w;

static int set_up(void **state)
{
        (void)state;
        (void)snprintf(w.dir, sizeof w.dir, "%s/pxefs-face.XXXXXX",
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
        assert_int_equal(inventory_open(&(struct inventory_options) { 0 }, &w.inventory, NULL), 0);
        w.ring = textring_new(4096);
        assert_non_null(w.ring);
        w.asked = 0;
        return 0;
}

static void empty_dir(int at, const char *name)
{
        int fd = openat(at, name, O_RDONLY | O_DIRECTORY);
        DIR *d = fdopendir(fd);

        assert_non_null(d);
        for (const struct dirent *e; (e = readdir(d));)
                if (e->d_name[0] != '.' && unlinkat(fd, e->d_name, 0) < 0)
                        (void)unlinkat(fd, e->d_name, AT_REMOVEDIR);
        closedir(d);
        (void)unlinkat(at, name, AT_REMOVEDIR);
}

static int tear_down(void **state)
{
        (void)state;
        textring_free(w.ring);
        inventory_close(w.inventory);
        catalog_close(w.catalog);
        close(w.builds_fd);
        close(w.cache_fd);
        empty_dir(w.fd, "builds");
        empty_dir(w.fd, "cache");
        close(w.fd);
        return rmdir(w.dir);
}

static void asked(void *ctx, int r, const struct err *err)
{
        (void)ctx;
        (void)err;
        assert_int_equal(r, 0);
        __atomic_fetch_add(&w.asked, 1, __ATOMIC_RELAXED);
}

static struct face *new_face(void)
{
        struct face *f = face_new(&(struct facts_sources) { .catalog = w.catalog,
                .inventory = w.inventory,
                .ring = w.ring,
                .requests = &w.requests,
                .version = "1",
                .on_inventory = asked,
                .statm_fd = -1 });

        assert_non_null(f);
        return f;
}

static int64_t made_sec;

static char *text(struct face *f, enum text_kind what)
{
        struct buf b = BUF_INIT;

        assert_int_equal(face_text(f, what, &b, &made_sec), 0);
        return buf_take(&b, NULL);
}

static void count_one(void)
{
        struct request_timer t = requests_begin(&w.requests, REQUEST_READ);

        t.error = -EIO;
        requests_end(&t);
}

static void a_second_has_one_snapshot(void **state)
{
        struct face *f = new_face();
        char *a = text(f, TEXT_METRICS);

        (void)state;
        for (int i = 0; i < 100; i++) {
                char *b;

                count_one();
                b = text(f, TEXT_METRICS);
                if (w.asked == 1) /* else this machine was so slow that a second went by */
                        assert_string_equal(a, b);
                free(b);
                free(text(f, TEXT_STATUS));
                free(text(f, TEXT_INDEX));
        }
        assert_true(w.asked < 100);
        free(a);
        face_free(f);
}

static void an_event_is_in_the_next_text(void **state)
{
        struct face *f = new_face();
        char *a = text(f, TEXT_METRICS), *b;

        (void)state;
        count_one();
        face_touch(f);
        b = text(f, TEXT_METRICS);
        assert_string_not_equal(a, b);
        assert_non_null(strstr(b, "pxefs_request_errors_total{error=\"io\"}"));
        free(a);
        free(b);
        face_free(f);
}

static void a_change_of_the_catalog_is_in_the_next_text(void **state)
{
        struct face *f = new_face();
        char *a = text(f, TEXT_STATUS), *b;
        int fd = openat(w.builds_fd, "junk.tgz", O_WRONLY | O_CREAT, 0644);

        (void)state;
        assert_null(strstr(a, "junk.tgz"));
        assert_int_equal(write(fd, "x", 1), 1);
        close(fd);
        assert_int_equal(catalog_look(w.catalog, NULL), 0);
        b = text(f, TEXT_STATUS);
        assert_non_null(strstr(b, "junk.tgz"));
        free(a);
        free(b);
        face_free(f);
}

static void a_lasting_state_is_one_text(void **state)
{
        static const enum text_kind kinds[] = { TEXT_STATUS, TEXT_INDEX };
        struct face *f = new_face();

        (void)state;
        for (size_t i = 0; i < 2; i++) {
                char *a = text(f, kinds[i]), *b;

                count_one();
                face_touch(f);
                b = text(f, kinds[i]);
                assert_string_equal(a, b);
                free(a);
                free(b);
        }
        face_free(f);
}

static void troubles_are_told(void **state)
{
        struct face *f = new_face();
        char *a;

        (void)state;
        catalog_note_trouble(w.catalog, "it is <gone>");
        a = text(f, TEXT_INDEX);
        assert_non_null(strstr(a, "the builds directory cannot be read: it is &lt;gone&gt;"));
        free(a);
        catalog_note_trouble(w.catalog, "");
        face_touch(f);
        a = text(f, TEXT_INDEX);
        assert_null(strstr(a, "cannot be read"));
        free(a);
        face_free(f);
}

static void *ask(void *arg)
{
        struct face *f = arg;

        for (int i = 0; i < 40; i++) {
                char *s = text(f, TEXT_STATUS), *m = text(f, TEXT_METRICS);

                count_one();
                if (i % 20 == 0)
                        face_touch(f);
                assert_string_equal(s + strlen(s) - 2, "}\n");
                assert_memory_equal(m, "# HELP pxefs_healthy", 20);
                assert_null(strstr(m + 20, "# HELP pxefs_healthy")); /* one text, not two */
                free(s);
                free(m);
        }
        return NULL;
}

static void many_ask_at_once(void **state)
{
        struct face *f = new_face();
        pthread_t threads[4];

        (void)state;
        for (size_t i = 0; i < 4; i++)
                assert_int_equal(pthread_create(&threads[i], NULL, ask, f), 0);
        for (size_t i = 0; i < 4; i++)
                pthread_join(threads[i], NULL);
        assert_true(w.asked >= 1 && w.asked <= 4 * 2 + 60);
        face_free(f);
}

/* What is promised to machines is not pushed out, however often these are asked for. */
static void the_ring_of_menus_is_left_alone(void **state)
{
        struct textring *ring = textring_new(64 << 10), *face_ring = textring_new(1 << 20);
        struct texts *t = texts_new(&(struct texts_options) { .catalog = w.catalog,
                .statm_fd = -1,
                .inventory = w.inventory,
                .version = "1",
                .ring = ring,
                .face_ring = face_ring,
                .hash_bits = 32 });
        struct text_entry menu, e, again;
        struct node n;
        char buf[64];

        (void)state;
        assert_non_null(t);
        assert_int_equal(text_lookup(t, TEXT_WHY, UINT64_C(0x020820000001), &menu), 0);
        for (int i = 0; i < 50; i++) {
                assert_int_equal(text_lookup(t, TEXT_METRICS, 0, &e), 0);
                assert_int_equal(text_lookup(t, TEXT_STATUS, 0, &e), 0);
                assert_int_equal(text_lookup(t, TEXT_INDEX, 0, &e), 0);
        }
        assert_true(node_decode(menu.node, &n)); /* `why` cannot be made again from its id */
        assert_int_equal(text_read(t, &n, buf, sizeof buf, 0), sizeof buf);
        assert_true(node_decode(e.node, &n));
        assert_int_equal(text_stat(t, &n, &again), 0);
        assert_int_equal(again.size_bytes, e.size_bytes);
        assert_int_equal(again.mtime_ns, e.mtime_ns);
        texts_free(t);
        textring_free(face_ring);
        textring_free(ring);
}

static void memory_may_run_short(void **state)
{
        unsigned nth = 0;
        bool fired;

        (void)state;
        do {
                struct face *f = new_face();
                struct buf b = BUF_INIT;
                int r;

                fault_arm(++nth);
                r = face_text(f, TEXT_STATUS, &b, &made_sec);
                fired = fault_fired();
                fault_arm(0);
                assert_true(r == 0 || (fired && r == -ENOMEM));
                if (r < 0) { /* and works again */
                        buf_fini(&b);
                        assert_int_equal(face_text(f, TEXT_STATUS, &b, &made_sec), 0);
                }
                assert_non_null(strstr(b.data, "\"verdict\""));
                buf_fini(&b);
                face_free(f);
        } while (fired);
}

static void requests_are_counted_where_they_belong(void **state)
{
        struct requests q = { 0 };
        struct facts_requests f;
        static const struct {
                int error;
                enum request_error is;
        } errors[] = { { -ENOENT, REQUEST_ABSENT }, { -ESTALE, REQUEST_STALE }, { -EIO, REQUEST_IO },
                { -ENOMEM, REQUEST_MEMORY }, { -EISDIR, REQUEST_OTHER }, { -EINVAL, REQUEST_OTHER } };
        static const uint64_t limits[REQUEST_BUCKETS] = REQUEST_BUCKETS_NS;

        (void)state;
        for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
                struct request_timer t = requests_begin(&q, REQUEST_LOOKUP);

                t.error = errors[i].error;
                requests_end(&t);
                requests_read(&q, &f);
                assert_true(f.errors[errors[i].is] > 0);
        }
        assert_int_equal(f.errors[REQUEST_ABSENT], 1);
        assert_int_equal(f.errors[REQUEST_OTHER], 2);
        for (size_t b = 0; b <= REQUEST_BUCKETS; b++) {
                struct request_timer t = requests_begin(&q, REQUEST_READ);

                t.begun_ns -= b ? limits[b - 1] + 1 : 0;
                requests_end(&t);
                requests_read(&q, &f);
                assert_int_equal(f.op[REQUEST_READ].bucket[b], 1);
        }
        assert_true(f.op[REQUEST_READ].ns > limits[REQUEST_BUCKETS - 1]);
        requests_read(NULL, &f);
        assert_false(f.known);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(a_second_has_one_snapshot, set_up, tear_down),
                cmocka_unit_test_setup_teardown(an_event_is_in_the_next_text, set_up, tear_down),
                cmocka_unit_test_setup_teardown(
                        a_change_of_the_catalog_is_in_the_next_text, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_lasting_state_is_one_text, set_up, tear_down),
                cmocka_unit_test_setup_teardown(troubles_are_told, set_up, tear_down),
                cmocka_unit_test_setup_teardown(many_ask_at_once, set_up, tear_down),
                cmocka_unit_test_setup_teardown(the_ring_of_menus_is_left_alone, set_up, tear_down),
                cmocka_unit_test_setup_teardown(memory_may_run_short, set_up, tear_down),
                cmocka_unit_test(requests_are_counted_where_they_belong),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
