/* SPDX-License-Identifier: MPL-2.0 */
/* tarmaker -- ustar by hand (POSIX pax, "ustar Interchange Format"); see tarmaker.h. */
#include "tarmaker.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "base/digest.h"

#define BLOCK 512u

static void must(bool ok, const char *what)
{
        if (!ok) {
                perror(what);
                abort();
        }
}

/* An octal field of @n digits and a NUL. */
static void octal(char *field, size_t n, uint64_t v)
{
        for (; n-- > 0; v >>= 3)
                field[n] = (char)('0' + (v & 7));
}

void tar_checksum(char *block)
{
        unsigned sum = 0;

        memset(block + 148, ' ', 8);
        for (unsigned i = 0; i < BLOCK; i++)
                sum += (unsigned char)block[i];
        octal(block + 148, 6, sum);
        block[154] = '\0';
}

static void pad(struct buf *t)
{
        static const char zeros[BLOCK];

        buf_add(t, zeros, (BLOCK - t->len % BLOCK) % BLOCK);
}

void tar_add(struct buf *t, const struct tar_member *m)
{
        char h[BLOCK] = { 0 };
        size_t n = strlen(m->name), k = m->link ? strlen(m->link) : 0;

        must(n <= 100 && k <= 100, "tarmaker: name");
        memcpy(h, m->name, n);
        octal(h + 100, 7, m->mode ? m->mode : 0644);
        memcpy(h + 108, "0000000", 8);
        memcpy(h + 116, "0000000", 8);
        octal(h + 124, 11, m->size_bytes ? m->size_bytes : (uint64_t)m->len);
        octal(h + 136, 11, (uint64_t)(m->mtime_sec ? m->mtime_sec : 1704067200));
        h[156] = m->type ? m->type : '0';
        if (k)
                memcpy(h + 157, m->link, k);
        memcpy(h + 257, "ustar\00000", 8);
        tar_checksum(h);
        buf_add(t, h, sizeof h);
        buf_add(t, m->data ? m->data : "", m->data ? m->len : 0);
        pad(t);
}

void tar_file(struct buf *t, const char *name, const char *text)
{
        tar_add(t, &(struct tar_member) { .name = name, .data = text, .len = strlen(text) });
}

void tar_dir(struct buf *t, const char *name)
{
        tar_add(t, &(struct tar_member) { .name = name, .type = '5', .mode = 0755 });
}

void tar_link(struct buf *t, char type, const char *name, const char *to)
{
        tar_add(t, &(struct tar_member) { .name = name, .type = type, .link = to, .mode = 0777 });
}

void tar_pax(struct buf *t, const char *key, const void *value, size_t len)
{
        AUTO_BUF struct buf rec = BUF_INIT;
        size_t body = 1 + strlen(key) + 1 + len + 1, total = body + 1;
        char num[24];

        while ((size_t)snprintf(num, sizeof num, "%zu", total) + body != total)
                total = (size_t)snprintf(num, sizeof num, "%zu", total) + body;
        buf_printf(&rec, "%zu %s=", total, key);
        buf_add(&rec, value, len);
        buf_puts(&rec, "\n");
        tar_add(t, &(struct tar_member) {
                           .name = "PaxHeaders/x", .type = 'x', .data = rec.data, .len = rec.len });
}

void tar_end(struct buf *t)
{
        static const char zeros[2 * BLOCK];

        buf_add(t, zeros, sizeof zeros);
}

static void below(struct buf *t, const char *top, const char *name, const char *text, unsigned mode)
{
        char path[256];

        (void)snprintf(path, sizeof path, "%s/%s", top, name);
        tar_add(t, &(struct tar_member) { .name = path, .data = text, .len = strlen(text), .mode = mode });
}

void tar_minimum(struct buf *t, const char *top)
{
        below(t, top, "i86pc/kernel/amd64/unix", "unix", 0755);
        below(t, top, "i86pc/amd64/boot_archive", "ramdisk", 0644);
}

void tar_platform(struct buf *t, const char *top, const char *stamp)
{
        static const char *const dirs[] = { "", "/i86pc", "/i86pc/kernel", "/i86pc/kernel/amd64",
                "/i86pc/amd64" };
        AUTO_DIGEST struct digest *d = digest_new(DIGEST_SHA1);
        char path[256], ramdisk[64], hash[DIGEST_MAX_HEX + 1];

        for (size_t i = 0; i < sizeof dirs / sizeof dirs[0]; i++) {
                (void)snprintf(path, sizeof path, "%s%s", top, dirs[i]);
                tar_dir(t, path);
        }
        (void)snprintf(ramdisk, sizeof ramdisk, "ramdisk of %s\n", stamp);
        must(d && digest_add(d, ramdisk, strlen(ramdisk)) == 0 && digest_hex(d, hash) == 0, "digest");
        memcpy(hash + 40, "\n", 2);
        below(t, top, "i86pc/kernel/amd64/unix", "unix", 0755);
        below(t, top, "i86pc/amd64/boot_archive.gitstatus", "[]\n", 0644);
        below(t, top, "i86pc/amd64/boot_archive.manifest", "0  ./etc\n", 0644);
        below(t, top, "i86pc/amd64/boot_archive.hash", hash, 0644);
        below(t, top, "i86pc/amd64/boot_archive", ramdisk, 0644);
        below(t, top, "root.password", "secret\n", 0400);
        (void)snprintf(path, sizeof path, "%s\n", stamp);
        below(t, top, "etc/version/platform", path, 0644);
}

void gz_add(struct buf *out, const void *data, size_t len, int level)
{
        z_stream z = { 0 };
        size_t cap = len + len / 1000 + 1024;
        unsigned char *p = malloc(cap);

        must(p && deflateInit2(&z, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK, "deflate");
        z.next_in = (unsigned char *)(uintptr_t)data;
        z.avail_in = (unsigned)len;
        z.next_out = p;
        z.avail_out = (unsigned)cap;
        must(deflate(&z, Z_FINISH) == Z_STREAM_END, "deflate");
        buf_add(out, p, cap - z.avail_out);
        (void)deflateEnd(&z);
        free(p);
}

static void write_all(int fd, const char *p, size_t len)
{
        while (len > 0) {
                ssize_t n = write(fd, p, len);

                must(n > 0, "write");
                p += n;
                len -= (size_t)n;
        }
}

int mem_file(const void *data, size_t len)
{
        int fd = memfd_create("test", MFD_CLOEXEC);

        must(fd >= 0, "memfd_create");
        write_all(fd, data, len);
        return fd;
}

int scratch_open(char path[64])
{
        const char *tmp = getenv("TMPDIR");
        int fd;

        if (!tmp || strlen(tmp) > 40)
                tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm"
                                                    : "/tmp"; /* syncing costs nothing in memory */
        must((size_t)snprintf(path, 64, "%s/pxefs-test.XXXXXX", tmp) < 64, "scratch");
        must(mkdtemp(path) != NULL, "mkdtemp");
        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        must(fd >= 0, "open");
        return fd;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
        (void)st;
        (void)kind;
        (void)ftw;
        return remove(path);
}

void scratch_close(const char *path, int fd)
{
        if (fd >= 0)
                close(fd);
        (void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void scratch_put(int dirfd, const char *name, const void *data, size_t len, int age_sec)
{
        struct timespec t[2];
        int fd = openat(dirfd, ".put", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

        must(fd >= 0, "scratch_put");
        write_all(fd, data, len);
        (void)clock_gettime(CLOCK_REALTIME, &t[0]);
        t[0].tv_sec -= age_sec;
        t[1] = t[0];
        must(futimens(fd, t) == 0 && close(fd) == 0 && renameat(dirfd, ".put", dirfd, name) == 0,
                "scratch_put");
}
