/* SPDX-License-Identifier: MPL-2.0 */
/* catalogworld -- see catalogworld.h. */
#include "catalogworld.h"

#include <fcntl.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

ssize_t __real_pread(int fd, void *p, size_t n, off_t off);
ssize_t __wrap_pread(int fd, void *p, size_t n, off_t off);
ssize_t __wrap_pread64(int fd, void *p, size_t n, off_t off);

ssize_t __wrap_pread(int fd, void *p, size_t n, off_t off)
{
        ssize_t got = __real_pread(fd, p, n, off);
        char *at = atomic_load(&rotten) && got > 0 ? memmem(p, (size_t)got, "ramdisk of ", 11) : NULL;

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

        close_catalog(w);
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
