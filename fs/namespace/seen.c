/* SPDX-License-Identifier: MPL-2.0 */
/* seen -- see seen.h.
 *
 * A thousand machines are a small array: a request scans it.  A text file that is replaced whole needs no schema, no
 * lock against pxectl, and no second writer in catalog.db.
 *
 * Invariants
 *   1. Nothing is written on the path of a lookup, and nothing at all while nobody is seen.
 *   2. The file is whole at any time: written under another name and renamed.  It is not synced: it may be lost.
 *
 * Locks: seen->lock, never across a system call but the condition's.
 */
#include "namespace/seen.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "inventory/plan/mac.h"

#define FILE_NAME      "seen"
#define NEW_NAME       "seen.new"
#define EVERY_MS       5000
#define FILE_MAX_BYTES (SEEN_MAX * 128)

struct seen {
        int dirfd; /* borrowed */
        unsigned every_ms;
        pthread_t thread;
        pthread_mutex_t lock;
        pthread_cond_t changed;
        /* guarded by lock */
        struct seen_machine v[SEEN_MAX];
        size_t n;
        bool dirty, stop;
};

/* ---- the file ---- */

static int newest_first(const void *a, const void *b)
{
        const struct seen_machine *x = a, *y = b;

        return x->last_sec != y->last_sec ? (x->last_sec < y->last_sec ? 1 : -1)
                                          : (x->mac > y->mac) - (x->mac < y->mac);
}

static bool parse_line(const char *line, struct seen_machine *ret)
{
        char mac[MAC_TEXT_SIZE];
        int64_t first, last;
        bool canonical;

        if (strnlen(line, MAC_TEXT_SIZE) < MAC_TEXT_SIZE || line[MAC_TEXT_SIZE - 1] != ' ')
                return false;
        if (sscanf(line, "%17s %" SCNd64 " %" SCNd64 " %" SCNu64, mac, &first, &last, &ret->count) != 4 ||
                mac_parse(mac, &ret->mac, &canonical) < 0 || !canonical)
                return false;
        ret->first_sec = first;
        ret->last_sec = last;
        return true;
}

int seen_read(int cache_dirfd, struct seen_machine ret[SEEN_MAX])
{
        int fd = openat(cache_dirfd, FILE_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        AUTO_FREE char *text = calloc(1, FILE_MAX_BYTES + 1);
        size_t len = 0;
        ssize_t got = 0;
        int n = 0;

        if (fd < 0)
                return -errno;
        while (text && len < FILE_MAX_BYTES && (got = read(fd, text + len, FILE_MAX_BYTES - len)) > 0)
                len += (size_t)got;
        got = got < 0 ? -errno : 0;
        close(fd);
        if (!text || got < 0)
                return !text ? -ENOMEM : (int)got;
        for (char *line = text, *end; n < SEEN_MAX && (end = strchr(line, '\n')); line = end + 1) {
                *end = '\0';
                n += parse_line(line, &ret[n]);
        }
        qsort(ret, (size_t)n, sizeof *ret, newest_first);
        return n;
}

static int write_all(int fd, const char *p, size_t len)
{
        while (len > 0) {
                ssize_t n = write(fd, p, len);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                p += n;
                len -= (size_t)n;
        }
        return 0;
}

/* Invariant 2. */
static int write_file(int dirfd, const struct buf *text)
{
        int fd = openat(dirfd, NEW_NAME, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0640), r;

        if (fd < 0)
                return -errno;
        r = write_all(fd, text->data, text->len);
        if (close(fd) < 0 && r == 0)
                r = -errno;
        if (r == 0 && renameat(dirfd, NEW_NAME, dirfd, FILE_NAME) < 0)
                r = -errno;
        if (r < 0)
                (void)unlinkat(dirfd, NEW_NAME, 0);
        return r;
}

/* ---- the thread ---- */

/* Writes the list if there is something new; called with the lock, which is released meanwhile. */
static void flush(struct seen *s)
{
        AUTO_BUF struct buf text = BUF_INIT;

        if (!s->dirty)
                return;
        s->dirty = false;
        for (size_t i = 0; i < s->n; i++) {
                char mac[MAC_TEXT_SIZE];

                mac_format(s->v[i].mac, mac);
                buf_printf(&text, "%s %" PRId64 " %" PRId64 " %" PRIu64 "\n", mac, (int64_t)s->v[i].first_sec,
                        (int64_t)s->v[i].last_sec, s->v[i].count);
        }
        pthread_mutex_unlock(&s->lock);
        if (buf_error(&text) == 0 && text.len > 0)
                (void)write_file(s->dirfd, &text);
        pthread_mutex_lock(&s->lock);
}

/* Until stop, or for every_ms. */
static void rest(struct seen *s)
{
        struct timespec until;

        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += s->every_ms / 1000;
        until.tv_nsec += (long)(s->every_ms % 1000) * 1000000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        while (!s->stop && pthread_cond_timedwait(&s->changed, &s->lock, &until) == 0)
                ;
}

static void *thread_main(void *arg)
{
        struct seen *s = arg;

        pthread_mutex_lock(&s->lock);
        while (!s->stop) {
                while (!s->stop && !s->dirty)
                        (void)pthread_cond_wait(&s->changed, &s->lock);
                flush(s);
                rest(s);
        }
        flush(s);
        pthread_mutex_unlock(&s->lock);
        return NULL;
}

/* ---- the list ---- */

/* The machine's place: its own, a new one, or that of the one that was silent longest. */
static struct seen_machine *find_place(struct seen *s, uint64_t mac)
{
        size_t oldest = 0;

        for (size_t i = 0; i < s->n; i++) {
                if (s->v[i].mac == mac)
                        return &s->v[i];
                if (s->v[i].last_sec < s->v[oldest].last_sec)
                        oldest = i;
        }
        if (s->n < SEEN_MAX)
                oldest = s->n++;
        s->v[oldest] = (struct seen_machine) { .mac = mac };
        return &s->v[oldest];
}

void seen_note(struct seen *s, uint64_t mac)
{
        struct seen_machine *m;
        time_t now = time(NULL);

        if (!s || mac == 0)
                return;
        pthread_mutex_lock(&s->lock);
        m = find_place(s, mac);
        if (m->count == 0)
                m->first_sec = now;
        m->last_sec = now;
        m->count++;
        if (!s->dirty) {
                s->dirty = true;
                pthread_cond_signal(&s->changed);
        }
        pthread_mutex_unlock(&s->lock);
}

/* ---- life ---- */

static void seen_free(struct seen *s)
{
        pthread_cond_destroy(&s->changed);
        pthread_mutex_destroy(&s->lock);
        free(s);
}

int seen_open(int cache_dirfd, unsigned every_ms, struct seen **ret, struct err *err)
{
        struct seen *s = calloc(1, sizeof *s);
        pthread_condattr_t attr;
        sigset_t all, old;
        int r;

        if (!s)
                return err_set(err, -ENOMEM, "out of memory");
        s->dirfd = cache_dirfd;
        s->every_ms = every_ms ? every_ms : EVERY_MS;
        (void)pthread_mutex_init(&s->lock, NULL);
        (void)pthread_condattr_init(&attr);
        (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
        (void)pthread_cond_init(&s->changed, &attr);
        (void)pthread_condattr_destroy(&attr);
        r = seen_read(cache_dirfd, s->v);
        s->n = r > 0 ? (size_t)r : 0;
        (void)sigfillset(&all); /* signals are the main thread's */
        (void)pthread_sigmask(SIG_BLOCK, &all, &old);
        r = -pthread_create(&s->thread, NULL, thread_main, s);
        (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
        if (r < 0) {
                seen_free(s);
                return err_sys(err, r, "a thread for the machines that were seen");
        }
        *ret = s;
        return 0;
}

void seen_close(struct seen *s)
{
        if (!s)
                return;
        pthread_mutex_lock(&s->lock);
        s->stop = true;
        pthread_cond_broadcast(&s->changed);
        pthread_mutex_unlock(&s->lock);
        (void)pthread_join(s->thread, NULL);
        seen_free(s);
}
