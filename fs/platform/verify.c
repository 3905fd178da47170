/* SPDX-License-Identifier: MPL-2.0 */
/* verify -- SHA-1 of boot_archive against boot_archive.hash.
 *
 * smartos-live's tools/build_live writes `digest -a sha1` of the ramdisk into boot_archive.hash: 40 hex
 * digits and a line feed.  The kernel compares them when the loader gives it the hash, and panics minutes
 * into the boot; here it costs nothing, since the bytes pass by anyway.
 *
 * Which member will be boot_archive is known only when the layout is made.  So each file called
 * .../boot_archive is digested as it passes (holes as zeros), and found again by where its bytes are.  What
 * did not pass under that name (it is a link to another) is read once more.
 *
 * Limits: the first MAX_CANDIDATES files of that name.  Locks: none; one thread at a time.
 */
#include "platform/verify.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/digest.h"

#define MAX_CANDIDATES 4
#define CHUNK_BYTES    (256u * 1024)
#define SHA1_HEX       40

struct candidate {
        size_t first_extent; /* tells a file of the archive from any other that has bytes */
        char hex[DIGEST_MAX_HEX];
};

struct verify {
        struct digest *running; /* owned; of the file that passes now, or NULL */
        uint64_t off_member;    /* how far it is */
        struct candidate v[MAX_CANDIDATES];
        size_t n;
};

struct verify *verify_new(void)
{
        return calloc(1, sizeof(struct verify));
}

void verify_free(struct verify *v)
{
        if (!v)
                return;
        digest_free(v->running);
        free(v);
}

static bool is_boot_archive(const char *name)
{
        size_t n = strlen(name), k = strlen("boot_archive");

        return n >= k && strcmp(name + (n - k), "boot_archive") == 0 && (n == k || name[n - k - 1] == '/');
}

static int add_zeros(struct digest *d, uint64_t n)
{
        static const char zeros[65536];
        int r = 0;

        while (r == 0 && n > 0) {
                size_t k = n < sizeof zeros ? (size_t)n : sizeof zeros;

                r = digest_add(d, zeros, k);
                n -= k;
        }
        return r;
}

int verify_observe(void *ctx, size_t index, const struct member *m, uint64_t off_member, const void *data,
        size_t len, struct err *err)
{
        struct verify *v = ctx;
        int r = 0;

        (void)index;
        if (!is_boot_archive(m->name) || m->n_extents == 0 || v->n == MAX_CANDIDATES)
                return 0;
        if (!v->running) {
                v->running = digest_new(DIGEST_SHA1);
                v->off_member = 0;
                if (!v->running)
                        return err_set(err, -ENOMEM, "out of memory");
        }
        r = add_zeros(v->running, off_member - v->off_member);
        if (r == 0 && len > 0)
                r = digest_add(v->running, data, len);
        v->off_member = off_member + len;
        if (r == 0 && len == 0) {
                v->v[v->n].first_extent = m->first_extent;
                r = digest_hex(v->running, v->v[v->n].hex);
                v->n += r == 0;
                digest_free(v->running);
                v->running = NULL;
        }
        return r < 0 ? err_set(err, r, "out of memory") : 0;
}

/* Reads the entry once more and digests it. */
static int digest_entry(
        const struct layout *l, struct source *src, uint32_t entry, char hex[DIGEST_MAX_HEX], struct err *err)
{
        AUTO_DIGEST struct digest *d = digest_new(DIGEST_SHA1);
        AUTO_FREE char *chunk = malloc(CHUNK_BYTES);
        uint64_t off = 0;
        ssize_t n;

        if (!d || !chunk)
                return err_set(err, -ENOMEM, "out of memory");
        while ((n = layout_pread(l, src, entry, chunk, CHUNK_BYTES, off)) > 0) {
                if (digest_add(d, chunk, (size_t)n) < 0)
                        return err_set(err, -ENOMEM, "out of memory");
                off += (uint64_t)n;
        }
        if (n < 0)
                return err_sys(err, (int)n, "boot_archive");
        return digest_hex(d, hex) < 0 ? err_set(err, -ENOMEM, "out of memory") : 0;
}

static int digest_of(struct verify *v, const struct layout *l, struct source *src, char hex[DIGEST_MAX_HEX],
        struct err *err)
{
        const struct layout_entry *e = &l->v[l->boot_archive_entry];

        for (size_t i = 0; i < v->n; i++)
                if (e->n_extents > 0 && v->v[i].first_extent == e->first_extent) {
                        memcpy(hex, v->v[i].hex, DIGEST_MAX_HEX);
                        return 0;
                }
        return digest_entry(l, src, l->boot_archive_entry, hex, err);
}

int verify_finish(
        struct verify *v, const struct layout *l, struct source *src, bool *ret_checked, struct err *err)
{
        char want[SHA1_HEX + 1] = "", hex[DIGEST_MAX_HEX];
        uint32_t hash = layout_by_path(l, "platform/i86pc/amd64/boot_archive.hash");
        ssize_t n;
        int r;

        *ret_checked = false;
        if (!l->has_hash)
                return 0;
        n = layout_pread(l, src, hash, want, SHA1_HEX, 0);
        if (n < 0)
                return err_sys(err, (int)n, "boot_archive.hash");
        for (size_t i = 0; i < SHA1_HEX; i++) {
                if (!isxdigit((unsigned char)want[i]))
                        return err_set(err, -EBADMSG,
                                "boot_archive.hash does not begin with the 40 hex digits of a SHA-1");
                want[i] = (char)tolower((unsigned char)want[i]);
        }
        r = digest_of(v, l, src, hex, err);
        if (r < 0)
                return r;
        if (strcmp(want, hex) != 0)
                return err_set(err, -EBADMSG,
                        "SHA-1 of boot_archive is %s, boot_archive.hash says %s: the image is damaged", hex,
                        want);
        *ret_checked = true;
        return 0;
}
