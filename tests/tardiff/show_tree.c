/* SPDX-License-Identifier: MPL-2.0 */
/* show_tree -- prints what is made of archives, for run.py: one process for thousands of them.
 *
 * For each path on standard input, one a line: "served", or "refused REASON"; then for each entry below the root "d" or
 * "f", mtime, size, hex of its path, hex of SHA-256 of its content ("-" for a directory, or for more than BIG bytes); then
 * ".".
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/digest.h"
#include "platform/indexer.h"

#define BIG (64u << 20)

static void die(const char *what)
{
        perror(what);
        exit(2);
}

static void put_path(const struct layout *l, uint32_t entry)
{
        if (entry == 0)
                return;
        put_path(l, l->v[entry].parent);
        if (l->v[entry].parent != 0)
                (void)printf("%02x", '/');
        for (const char *p = l->v[entry].name; *p; p++)
                (void)printf("%02x", (unsigned char)*p);
}

static void put_digest(const struct indexed *x, uint32_t entry)
{
        static unsigned char b[65536];
        AUTO_DIGEST struct digest *d = digest_new(DIGEST_SHA256);
        char hex[DIGEST_MAX_HEX];
        uint64_t off = 0;
        ssize_t n;

        if (!d)
                die("digest");
        while ((n = layout_pread(x->tree, x->src, entry, b, sizeof b, off)) > 0) {
                digest_add(d, b, (size_t)n);
                off += (uint64_t)n;
        }
        if (n < 0 || off != x->tree->v[entry].size_bytes || digest_hex(d, hex) < 0)
                die("a file cannot be read, or not to its size");
        (void)fputs(hex, stdout);
}

static void show(const char *path)
{
        AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
        struct indexed x = { 0 };
        struct err err = { "" };
        struct identity id;
        int r;

        if (fd < 0 || identity_of_fd(fd, &id) < 0)
                die(path);
        r = indexer_read(&(struct index_order) { .fd = fd, .id = &id, .spool_fd = -1 }, &x, &err);
        if (r < 0) {
                (void)printf("refused %s\n.\n", err.text);
                return;
        }
        (void)puts("served");
        for (uint32_t i = 1; i < x.tree->n; i++) {
                const struct layout_entry *e = &x.tree->v[i];

                (void)printf(
                        "%c %" PRId64 " %" PRIu64 " ", e->is_dir ? 'd' : 'f', e->mtime_sec, e->size_bytes);
                put_path(x.tree, i);
                (void)putchar(' ');
                if (e->is_dir || e->size_bytes > BIG)
                        (void)putchar('-');
                else
                        put_digest(&x, i);
                (void)putchar('\n');
        }
        (void)puts(".");
        indexed_fini(&x);
}

int main(void)
{
        char path[4096];

        while (fgets(path, sizeof path, stdin)) {
                path[strcspn(path, "\n")] = '\0';
                show(path);
                (void)fflush(stdout);
        }
        return 0;
}
