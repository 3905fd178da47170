/* SPDX-License-Identifier: MPL-2.0 */
/* path_opener, path_walk, bounded_call: where paths lead, and how long somebody waits for it.
 *
 * "Our own mount" is played by /proc, which is a filesystem of its own everywhere; what does not answer, by a function that
 * waits.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/bounded_call.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/path_opener.h"

struct world {
        char dir[64];
        int fd;
        uint64_t proc_dev;
        struct path_opener *opener;
};

static void write_file(int dirfd, const char *name, const char *text)
{
        AUTO_CLOSE int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static int set_up(void **state)
{
        struct world *w = calloc(1, sizeof *w);
        struct stat st;

        (void)snprintf(w->dir, sizeof w->dir, "/tmp/pxefs-unit.XXXXXX");
        assert_non_null(mkdtemp(w->dir));
        w->fd = open(w->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(w->fd >= 0);
        assert_int_equal(stat("/proc", &st), 0);
        w->proc_dev = st.st_dev;
        w->opener = path_opener_new(w->proc_dev);
        assert_non_null(w->opener);
        assert_int_equal(mkdirat(w->fd, "sub", 0755), 0);
        assert_int_equal(mkdirat(w->fd, "sub/deep", 0755), 0);
        write_file(w->fd, "file", "file");
        write_file(w->fd, "sub/file", "sub/file");
        *state = w;
        return 0;
}

static int tear_down(void **state)
{
        struct world *w = *state;
        char command[128];

        path_opener_free(w->opener);
        close(w->fd);
        (void)snprintf(command, sizeof command, "rm -r %s", w->dir);
        assert_int_equal(system(command), 0);
        free(w);
        return 0;
}

/* What opening @path and reading it says: the text, or NULL and the error in *ret_r. */
static const char *text_of(struct world *w, const char *path, int *ret_r)
{
        static char text[64];
        AUTO_FREE char *data = NULL;
        struct stat st;
        ssize_t n = path_opener_read(w->opener, w->fd, path, sizeof text - 1, 0, 5000, &data, &st);

        *ret_r = n < 0 ? (int)n : 0;
        if (n < 0)
                return NULL;
        memcpy(text, data, (size_t)n);
        text[n] = '\0';
        return text;
}

static void a_path_leads_where_the_kernel_says(void **state)
{
        struct world *w = *state;
        static const struct {
                const char *link, *to, *path, *text;
                int error;
        } table[] = {
                { NULL, NULL, "file", "file", 0 }, { NULL, NULL, "./file", "file", 0 },
                { NULL, NULL, "sub//file", "sub/file", 0 }, { NULL, NULL, "sub/../file", "file", 0 },
                { "l1", "file", "l1", "file", 0 }, { "l2", "./sub/../sub/file", "l2", "sub/file", 0 },
                { "sub/l3", "../file", "sub/l3", "file", 0 },
                { "l4", "sub/l3", "l4", "file", 0 },           /* a link to a link */
                { "l5", "sub", "l5/file", "sub/file", 0 },     /* through a link to a directory */
                { "l6", "%s/sub/file", "l6", "sub/file", 0 },  /* absolute */
                { "l7", "/../../..%s/file", "l7", "file", 0 }, /* above the root is the root */
                { NULL, NULL, "absent", NULL, -ENOENT }, { NULL, NULL, "file/x", NULL, -ENOTDIR },
                { "l8", "nowhere", "l8", NULL, -ENOENT }, { "l9", "l9", "l9", NULL, -ELOOP },
                { "la", "sub", "la", NULL, -EISDIR },                /* a link leads to a file or nowhere */
                { "lb", "/proc/self/status", "lb", NULL, -EDEADLK }, /* into our own */
                { "lc", "/proc", "lc", NULL, -EDEADLK },
                { "ld", "lb", "ld", NULL, -EDEADLK }, /* through another link */
                { "le", "/proc/../proc/version", "le", NULL, -EDEADLK },
                { "lf", "/proc/nothing/there", "lf", NULL,
                        -EDEADLK }, /* it is not even asked whether that is there */
                { "lg", "../../../../../../../../../proc/version", "lg", NULL, -EDEADLK },
                { "sub/lh", "../le", "sub/lh", NULL, -EDEADLK },
                { "li", "/proc/self/root%s/file", "li", NULL, -EDEADLK }, /* out again: no */
        };

        for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
                char to[256];
                const char *text;
                struct stat st;
                int r;

                if (table[i].link) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
                        (void)snprintf(to, sizeof to, table[i].to, w->dir);
#pragma GCC diagnostic pop
                        assert_int_equal(symlinkat(to, w->fd, table[i].link), 0);
                }
                assert_int_equal(
                        path_opener_open(w->opener, w->fd, table[i].path, PATH_WALK_STAT, 5000, NULL, &st),
                        table[i].error);
                assert_true(table[i].error || S_ISREG(st.st_mode));
                text = text_of(w, table[i].path, &r);
                if (r != table[i].error || (text && strcmp(text, table[i].text) != 0))
                        fail_msg("%s: %s (%d)", table[i].path, text ? text : strerror(-r), r);
        }
}

static void a_chain_of_links_ends_after_forty(void **state)
{
        struct world *w = *state;
        char name[32], to[32] = "file";
        int r;

        for (int i = 1; i <= 41; i++) {
                (void)snprintf(name, sizeof name, "c%d", i);
                assert_int_equal(symlinkat(to, w->fd, name), 0);
                (void)snprintf(to, sizeof to, "%s", name);
        }
        assert_string_equal(text_of(w, "c40", &r), "file");
        assert_null(text_of(w, "c41", &r));
        assert_int_equal(r, -ELOOP);
}

static void a_name_that_is_too_long_is_an_error(void **state)
{
        struct world *w = *state;
        char name[400];
        int r;

        memset(name, 'x', sizeof name);
        name[256] = '\0';
        (void)text_of(w, name, &r);
        assert_int_equal(r, -ENAMETOOLONG);
        memcpy(name + 256, "/file", 6);
        (void)text_of(w, name, &r);
        assert_int_equal(r, -ENAMETOOLONG);
}

static const struct path_name *find(const struct path_names *l, const char *name)
{
        for (size_t i = 0; i < l->n; i++)
                if (strcmp(l->v[i].name, name) == 0)
                        return &l->v[i];
        return NULL;
}

static void a_listing_says_what_may_lead_away(void **state)
{
        struct world *w = *state;
        struct path_names l = { NULL, 0 };

        assert_int_equal(symlinkat("/proc/version", w->fd, "link"), 0);
        assert_int_equal(mkfifoat(w->fd, "fifo", 0644), 0);
        write_file(w->fd, ".hidden", "");
        for (int i = 0; i < 100; i++) {
                char name[16];

                (void)snprintf(name, sizeof name, "n%d", i);
                write_file(w->fd, name, "");
        }
        assert_int_equal(path_opener_list(w->opener, w->fd, "", 5000, &l), 0);
        assert_int_equal(l.n, 103);
        assert_int_equal(find(&l, "file")->type, S_IFREG);
        assert_true(find(&l, "file")->readable);
        assert_int_equal(find(&l, "sub")->type, S_IFDIR);
        assert_int_equal(find(&l, "link")->type, S_IFLNK);
        assert_null(find(&l, "fifo"));
        assert_null(find(&l, ".hidden"));
        path_names_fini(&l);
        /* What is mounted in a directory is another filesystem, and may be our own. */
        assert_int_equal(path_opener_list(w->opener, -1, "/", 5000, &l), 0);
        assert_non_null(find(&l, "proc"));
        assert_true(find(&l, "proc")->own);
        path_names_fini(&l);
        assert_int_equal(path_opener_list(NULL, -1, "/", 5000, &l), 0);
        assert_non_null(find(&l, "proc"));
        assert_false(find(&l, "proc")->own);
        assert_int_equal(find(&l, "proc")->type, 0);
        path_names_fini(&l);
}

/* ---- waiting ---- */

struct door {
        pthread_mutex_t lock;
        pthread_cond_t opened;
        int open, inside, dropped, asked;
        uint64_t dev; /* it and those above do not answer while the door is shut */
};

struct visit {
        struct door *door;
        uint64_t dev;
};

static int go_in(struct bounded_call *call, void *arg)
{
        const struct visit *v = arg;
        struct door *d = v->door;
        int r = bounded_call_asks(call, v->dev);

        (void)pthread_mutex_lock(&d->lock);
        d->asked++;
        d->inside++;
        (void)pthread_cond_broadcast(&d->opened);
        while (r == 0 && !d->open && v->dev >= d->dev)
                (void)pthread_cond_wait(&d->opened, &d->lock);
        d->inside--;
        (void)pthread_mutex_unlock(&d->lock);
        return r;
}

static void dropped(void *arg)
{
        struct visit *v = arg;

        (void)pthread_mutex_lock(&v->door->lock);
        v->door->dropped++;
        (void)pthread_cond_broadcast(&v->door->opened);
        (void)pthread_mutex_unlock(&v->door->lock);
        free(v);
}

static int visit(struct bounded_calls *b, struct door *d, uint64_t dev, int ms)
{
        struct visit *v = malloc(sizeof *v);
        int r, taken;

        *v = (struct visit) { d, dev };
        r = bounded_call(b, go_in, dropped, v, ms, &taken);
        if (!taken)
                free(v);
        return r;
}

static void who_does_not_answer_is_waited_for_once(void **state)
{
        struct bounded_calls *b = bounded_calls_new();
        struct door d = { .lock = PTHREAD_MUTEX_INITIALIZER, .opened = PTHREAD_COND_INITIALIZER, .dev = 7 };
        int64_t begun_ms;

        (void)state;
        assert_int_equal(visit(b, &d, 5, 60000), 0); /* another filesystem answers */
        assert_int_equal(visit(b, &d, 7, 50), -ETIMEDOUT);
        begun_ms = clock_ms();
        for (int i = 0; i < 200; i++) { /* more than there are threads: each comes back */
                assert_int_equal(visit(b, &d, 7, 60000), -ETIMEDOUT);
                assert_int_equal(visit(b, &d, 5, 60000), 0);
        }
        assert_true(clock_ms() - begun_ms < 30000);
        (void)pthread_mutex_lock(&d.lock);
        assert_int_equal(d.inside, 1);
        assert_int_equal(d.dropped, 0);
        d.open = 1;
        (void)pthread_cond_broadcast(&d.opened);
        while (d.dropped < 1)
                (void)pthread_cond_wait(&d.opened, &d.lock);
        (void)pthread_mutex_unlock(&d.lock);
        while (visit(b, &d, 7, 60000) !=
                0) /* it answers again; the thread that came back may still tidy up */
                ;
        bounded_calls_free(b);
}

static void threads_are_bounded_and_nothing_is_lost(void **state)
{
        struct bounded_calls *b = bounded_calls_new();
        struct door d = { .lock = PTHREAD_MUTEX_INITIALIZER, .opened = PTHREAD_COND_INITIALIZER, .dev = 100 };
        int timeouts = 0;

        (void)state;
        /* One after the other they ask a filesystem of their own that does not answer, until there is no thread left. */
        for (uint64_t dev = 100; dev < 100 + BOUNDED_CALL_THREADS + 8; dev++)
                timeouts += visit(b, &d, dev, 5) == -ETIMEDOUT;
        assert_int_equal(timeouts, BOUNDED_CALL_THREADS + 8);
        bounded_calls_free(b); /* while they are inside */
        (void)pthread_mutex_lock(&d.lock);
        assert_true(d.asked <= BOUNDED_CALL_THREADS);
        d.open = 1;
        (void)pthread_cond_broadcast(&d.opened);
        while (d.dropped < BOUNDED_CALL_THREADS + 8)
                (void)pthread_cond_wait(&d.opened, &d.lock);
        (void)pthread_mutex_unlock(&d.lock);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(a_path_leads_where_the_kernel_says, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_chain_of_links_ends_after_forty, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_name_that_is_too_long_is_an_error, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_listing_says_what_may_lead_away, set_up, tear_down),
                cmocka_unit_test(who_does_not_answer_is_waited_for_once),
                cmocka_unit_test(threads_are_bounded_and_nothing_is_lost),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
