/* SPDX-License-Identifier: MPL-2.0 */
/* catalogworld -- see catalogworld.h. */
#include "catalogworld.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct buf logged;

static void take_line(int priority, const char *line)
{
        (void)priority;
        buf_printf(&logged, "%s\n", line);
}

void open_catalog(struct world *w)
{
        struct err err = { "" };

        if (catalog_open(&w->opts, &w->c, &err) < 0)
                fail_msg("%s", err.text);
}

void close_catalog(struct world *w)
{
        catalog_view_unref(w->v);
        catalog_close(w->c);
        w->v = NULL;
        w->c = NULL;
}

/* Stands between the archives and the catalog: every byte pattern "ramdisk of" read is spoilt while this is not 0. */
static atomic_size_t rotten;

void rot_from_now(size_t on)
{
        atomic_store(&rotten, on);
}

#define MAX_HELD 4

static struct {
        pthread_mutex_t lock;
        pthread_cond_t changed;
        struct {
                ino_t ino; /* 0: free */
                off_t off, read_to;
                bool held;
        } v[MAX_HELD];
} held = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };
static atomic_uint n_watched; /* so that reads cost nothing where nobody holds */

static ino_t ino_of(const struct world *w, const char *name)
{
        struct stat st;

        assert_int_equal(fstatat(w->bfd, name, &st, 0), 0);
        return st.st_ino;
}

void hold(const struct world *w, const char *name, off_t off)
{
        ino_t ino = ino_of(w, name);
        size_t i = 0;

        pthread_mutex_lock(&held.lock);
        while (i < MAX_HELD - 1 && held.v[i].held && held.v[i].ino != ino)
                i++;
        held.v[i].ino = ino;
        held.v[i].off = off;
        held.v[i].read_to = 0;
        held.v[i].held = true;
        atomic_store(&n_watched, 1);
        pthread_mutex_unlock(&held.lock);
}

static void let_go_ino(ino_t ino)
{
        pthread_mutex_lock(&held.lock);
        for (size_t i = 0; i < MAX_HELD; i++)
                if (ino == 0 || held.v[i].ino == ino)
                        held.v[i].held = false;
        pthread_cond_broadcast(&held.changed);
        pthread_mutex_unlock(&held.lock);
}

void let_go(const struct world *w, const char *name)
{
        let_go_ino(name ? ino_of(w, name) : 0);
}

off_t read_to(const struct world *w, const char *name)
{
        ino_t ino = ino_of(w, name);
        off_t to = 0;

        pthread_mutex_lock(&held.lock);
        for (size_t i = 0; i < MAX_HELD; i++)
                if (held.v[i].ino == ino)
                        to = held.v[i].read_to;
        pthread_mutex_unlock(&held.lock);
        return to;
}

/* Small reads look what kind of file it is. */
static void wait_while_held(int fd, size_t n, off_t off)
{
        struct stat st;

        if (!atomic_load(&n_watched) || n < 4096 || fstat(fd, &st) < 0)
                return;
        pthread_mutex_lock(&held.lock);
        for (size_t i = 0; i < MAX_HELD; i++) {
                if (held.v[i].ino != st.st_ino)
                        continue;
                while (held.v[i].held && off >= held.v[i].off)
                        pthread_cond_wait(&held.changed, &held.lock);
                if (off + (off_t)n > held.v[i].read_to)
                        held.v[i].read_to = off + (off_t)n;
        }
        pthread_mutex_unlock(&held.lock);
}

static void forget_held(void)
{
        let_go_ino(0);
        pthread_mutex_lock(&held.lock);
        memset(held.v, 0, sizeof held.v);
        atomic_store(&n_watched, 0);
        pthread_mutex_unlock(&held.lock);
}

ssize_t __real_pread(int fd, void *p, size_t n, off_t off);
ssize_t __wrap_pread(int fd, void *p, size_t n, off_t off);
ssize_t __wrap_pread64(int fd, void *p, size_t n, off_t off);

ssize_t __wrap_pread(int fd, void *p, size_t n, off_t off)
{
        ssize_t got;
        char *at;

        wait_while_held(fd, n, off);
        got = __real_pread(fd, p, n, off);
        at = atomic_load(&rotten) && got > 0 ? memmem(p, (size_t)got, "ramdisk of ", 11) : NULL;
        if (at)
                *at ^= 1;
        return got;
}

ssize_t __wrap_pread64(int fd, void *p, size_t n, off_t off)
{
        return __wrap_pread(fd, p, n, off);
}

int set_up(void **state)
{
        struct world *w = calloc(1, sizeof *w);

        w->bfd = scratch_open(w->bpath);
        w->cfd = scratch_open(w->cpath);
        w->opts = (struct catalog_options) { .builds_dirfd = w->bfd,
                .cache_dirfd = w->cfd,
                .spool_max_bytes = 1 << 30,
                .object_bits = 40,
                .log = take_line };
        open_catalog(w);
        *state = w;
        return 0;
}

int tear_down(void **state)
{
        struct world *w = *state;

        let_go_ino(0);
        close_catalog(w);
        forget_held();
        buf_fini(&logged);
        scratch_close(w->bpath, w->bfd);
        scratch_close(w->cpath, w->cfd);
        free(w);
        return 0;
}

void scan_as(struct world *w, bool wait)
{
        struct err err = { "" };

        if (catalog_scan(w->c, wait, &w->more, &w->poll_ms, &err) < 0)
                fail_msg("%s", err.text);
        catalog_view_unref(w->v);
        w->v = catalog_view_get(w->c);
}

void scan(struct world *w)
{
        scan_as(w, true);
}

void step_until(struct world *w, bool (*done)(const struct world *w, const void *arg), const void *arg)
{
        for (int i = 0; i < 500; i++) {
                struct pollfd wake = { .fd = catalog_wake_fd(w->c), .events = POLLIN };
                struct catalog_todo todo;
                struct err err = { "" };

                if (catalog_step(w->c, false, &todo, &err) < 0)
                        fail_msg("%s", err.text);
                catalog_view_unref(w->v);
                w->v = catalog_view_get(w->c);
                if (done(w, arg))
                        return;
                (void)poll(&wake, 1, 10);
        }
        fail_msg("it did not come to this");
}

void restart(struct world *w)
{
        close_catalog(w);
        open_catalog(w);
}

void put_platform(
        const struct world *w, const char *file, const char *top, const char *stamp, bool gz, int age_sec)
{
        AUTO_BUF struct buf t = BUF_INIT, z = BUF_INIT;

        tar_platform(&t, top, stamp);
        tar_end(&t);
        if (gz)
                gz_add(&z, t.data, t.len, 6);
        scratch_put(w->bfd, file, gz ? z.data : t.data, gz ? z.len : t.len, age_sec);
}

const struct archive_status *status(const struct world *w, const char *file)
{
        for (size_t i = 0; i < w->v->n_archives; i++)
                if (strcmp(w->v->archives[i].file, file) == 0)
                        return &w->v->archives[i];
        fail_msg("%s is not listed", file);
        return NULL;
}

void assert_state(const struct world *w, const char *file, enum archive_state state, const char *why)
{
        const struct archive_status *a = status(w, file);

        if (a->state != state || (why && !(a->reason && strstr(a->reason, why))) || (!why && a->reason))
                fail_msg("%s is %s: %s", file, archive_state_name(a->state),
                        a->reason ? a->reason : "(no reason)");
}

void assert_reads(const struct build *b, const char *path, const char *want)
{
        char text[256];
        ssize_t n = layout_pread(b->tree, b->src, layout_by_path(b->tree, path), text, sizeof text, 0);

        assert_int_equal(n, strlen(want));
        assert_memory_equal(text, want, strlen(want));
}

unsigned spool_files(const struct world *w)
{
        int fd = openat(w->cfd, "spool", O_RDONLY | O_DIRECTORY);
        DIR *d = fdopendir(fd);
        const struct dirent *e;
        unsigned n = 0;

        assert_non_null(d);
        while ((e = readdir(d)))
                n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
        closedir(d);
        return n;
}

int sql(const struct world *w, const char *text)
{
        char path[96];
        sqlite3 *db = NULL;
        int rc;

        (void)snprintf(path, sizeof path, "/proc/self/fd/%d/catalog.db", w->cfd);
        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        rc = sqlite3_exec(db, text, NULL, NULL, NULL);
        (void)sqlite3_close(db);
        return rc;
}
