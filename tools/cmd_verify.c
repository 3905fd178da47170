/* SPDX-License-Identifier: MPL-2.0 */
/* cmd_verify -- pxectl verify: a scrub.  Each archive that the daemon's catalog holds as good is read again from the
 * builds directory and compared with what was recorded when it was indexed: the digest of the file, the tree that comes
 * out of it, and the spool file byte for byte.  Nothing is changed; the daemon may run.
 */
#include "ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "archive/spool.h"
#include "catalog/catalogdb.h"
#include "catalog/dirscan.h"
#include "catalog/known.h"
#include "catalog/sums.h"
#include "platform/layoutblob.h"
#include "scratch.h"

#define CHUNK_BYTES (256u * 1024)

const char verify_usage[] = "usage: pxectl verify [--builds DIR] [BUILD]\n"
                            "Reads all archives again, or those of BUILD, and compares them with what the\n"
                            "daemon recorded when it indexed them: the file's SHA-256, the tree in it, the\n"
                            "decoded copy in the cache (-c), and sums files beside it (sha256sums.txt, ...).\n"
                            ".tar.xz, .zst, .bz2 need their uncompressed size in $TMPDIR (or /var/tmp).\n"
                            "  --builds DIR  the builds directory; default $PXEFS_BUILDS, else /srv/builds\n"
                            "Exit status: 0 all agree, 3 one does not, 4 there is no such build.\n"
                            "What is known:  sqlite3 CACHE/catalog.db 'SELECT file, sha256 FROM archive'\n";

struct archive {
        struct identity id, spool_id;
        char *file; /* owned, as are the others */
        char *sha256;
        char *name; /* of the build, or the archive's file name */
        void *layout;
        size_t layout_bytes;
        uint64_t object, raw_bytes;
        bool spooled;
        struct err reason; /* "" if all agrees */
};

#define LINK_MS 1000 /* for a link to say where it leads */

struct verify_run {
        struct archive *v; /* owned */
        size_t n;
        const char *build; /* NULL: all */
        const char *builds_dir;
        int builds_fd, spool_fd;
        struct sums sums;
};

/* ---- what is known --------------------------------------------------------------------------- */

static void archive_fini(struct archive *a)
{
        free(a->file);
        free(a->sha256);
        free(a->name);
        free(a->layout);
}

static int copy_row(const struct catalog_row *row, const struct layout *l, struct archive *ret)
{
        struct archive a = { .id = row->id,
                .spool_id = row->spool_id,
                .file = strdup(row->file),
                .sha256 = strdup(row->sha256 ? row->sha256 : ""),
                .name = strdup(l->image ? row->file : l->name),
                .layout = malloc(row->layout_bytes),
                .layout_bytes = row->layout_bytes,
                .object = row->object,
                .raw_bytes = row->raw_bytes,
                .spooled = row->spooled };

        if (!a.file || !a.sha256 || !a.name || !a.layout) {
                archive_fini(&a);
                return -ENOMEM;
        }
        memcpy(a.layout, row->layout, row->layout_bytes);
        *ret = a;
        return 0;
}

static int take_row(void *ctx, const struct catalog_row *row)
{
        struct verify_run *run = ctx;
        struct layout *l = NULL;
        struct archive *v;
        int r;

        if (!row->ready)
                return 0;
        r = layout_unpack(row->layout, row->layout_bytes, row->raw_bytes, &l);
        if (r < 0)
                return r == -EBADMSG ? 0 : r; /* as the daemon: not there */
        if (!run->build || strcmp(run->build, l->image ? row->file : l->name) == 0) {
                v = reallocarray(run->v, run->n + 1, sizeof *v);
                r = -ENOMEM;
                if (v) {
                        run->v = v;
                        r = copy_row(row, l, &v[run->n]);
                        run->n += r == 0;
                }
        }
        layout_free(l);
        return r;
}

/* ---- comparing ------------------------------------------------------------------------------- */

static int compare_spool(const struct verify_run *run, struct archive *a, struct source *want)
{
        AUTO_FREE char *x = malloc(CHUNK_BYTES), *y = malloc(CHUNK_BYTES);
        struct source *s = NULL;
        char name[SPOOL_NAME_MAX];
        uint64_t off = 0;
        ssize_t n = 0, m = 0;
        int r;

        if (!x || !y)
                return err_set(&a->reason, -ENOMEM, "out of memory");
        known_spool_name(a->object, name);
        r = spool_open(run->spool_fd, name, &a->spool_id, NULL, &s, &a->reason);
        if (r < 0)
                return err_prefix(
                        &a->reason, r, "its decoded copy in the cache is not the one that was verified");
        do {
                off += (uint64_t)n;
                n = source_pread(want, x, CHUNK_BYTES, off);
                m = source_pread(s, y, CHUNK_BYTES, off);
        } while (n > 0 && n == m && memcmp(x, y, (size_t)n) == 0);
        source_close(s);
        if (n == 0 && m == 0)
                return 0;
        return err_set(&a->reason, -EBADMSG,
                "spool/%s differs from the archive within %u bytes of byte %llu: stop the daemon, delete it, "
                "start again",
                name, CHUNK_BYTES, (unsigned long long)off);
}

static int compare_tree(const struct verify_run *run, struct archive *a, const struct scratch *tmp, int fd)
{
        AUTO_BUF struct buf blob = BUF_INIT;
        struct indexed x;
        AUTO_FREE char *path = NULL;
        int r = asprintf(&path, "%s/%s", run->builds_dir, a->file) < 0
                        ? err_set(&a->reason, -ENOMEM, "out of memory")
                        : 0;

        if (r == 0)
                r = scratch_index(tmp, path, fd, &x, &a->reason);

        if (r < 0)
                return err_prefix(&a->reason, r, "it is not accepted any more");
        layout_pack(x.tree, &blob);
        if (buf_error(&blob) < 0)
                r = err_set(&a->reason, -ENOMEM, "out of memory");
        else if (x.raw_bytes != a->raw_bytes || blob.len != a->layout_bytes ||
                 memcmp(blob.data, a->layout, blob.len) != 0)
                r = err_set(&a->reason, -EBADMSG, "another tree comes out of it than the one in catalog.db");
        else if (a->spooled)
                r = compare_spool(run, a, x.src);
        indexed_fini(&x);
        return r;
}

static int compare_digests(const struct verify_run *run, struct archive *a, int fd)
{
        char hex[DIGEST_MAX_HEX];
        enum sums_kind kind;
        int r = filedigest(fd, &a->id, DIGEST_SHA256, NULL, hex, &a->reason);

        if (r == 0 && strcmp(hex, a->sha256) != 0)
                r = err_set(&a->reason, -EBADMSG,
                        "its SHA-256 is %s, when it was indexed it was %s: the disk is rotten, or somebody "
                        "wrote past "
                        "the filesystem",
                        hex, a->sha256);
        if (r < 0 || !sums_find(&run->sums, a->file, &kind))
                return r;
        if (kind == SUMS_MD5)
                r = filedigest(fd, &a->id, DIGEST_MD5, NULL, hex, &a->reason);
        return r < 0 ? r : sums_judge(&run->sums, a->file, kind, hex, &a->reason);
}

static int compare(const struct verify_run *run, struct archive *a, const struct scratch *tmp)
{
        AUTO_CLOSE int fd = openat(run->builds_fd, a->file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        struct identity now;
        int r;

        if (fd < 0)
                return err_sys(&a->reason, -errno, "open");
        r = identity_of_fd(fd, &now);
        if (r < 0)
                return err_sys(&a->reason, r, "fstat");
        if (!identity_equal(&now, &a->id))
                return err_set(&a->reason, -ESTALE,
                        "it is another file than the one that was indexed, or was written to");
        r = compare_digests(run, a, fd);
        return r < 0 ? r : compare_tree(run, a, tmp, fd);
}

/* ---- the command ----------------------------------------------------------------------------- */

static int print(const struct ctl *c, const struct verify_run *run)
{
        AUTO_BUF struct buf b = BUF_INIT;

        buf_puts(&b, c->json ? "{\"archives\": [" : "");
        for (size_t i = 0; i < run->n; i++) {
                const struct archive *a = &run->v[i];
                const char *why = a->reason.text[0] ? a->reason.text : NULL;

                if (c->json) {
                        buf_puts(&b, i ? ",\n  {\"archive\": " : "{\"archive\": ");
                        buf_json(&b, a->file);
                        buf_printf(&b, ", \"good\": %s, \"reason\": ", why ? "false" : "true");
                        buf_json(&b, why);
                        buf_puts(&b, ", \"stamp\": ");
                        buf_json(&b, a->name);
                        buf_puts(&b, "}");
                } else {
                        buf_printf(&b, "%s: %s: %s\n", a->file, a->name, why ? why : "good");
                }
        }
        buf_puts(&b, c->json ? "]}\n" : "");
        return ctl_write(&b);
}

static int open_dirs(const struct ctl *c, const char *builds, struct verify_run *run)
{
        AUTO_CLOSE int cache = open(c->cache, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        struct err err = { "" };
        struct dirscan d;
        bool changed;
        int r;

        if (cache < 0)
                return ctl_fail(CTL_FAILED, "cache directory %s: %s: name the daemon's with -c", c->cache,
                        strerror(errno));
        run->builds_dir = builds;
        run->builds_fd = open(builds, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (run->builds_fd < 0)
                return ctl_fail(CTL_FAILED, "builds directory %s: %s: name the daemon's with --builds",
                        builds, strerror(errno));
        run->spool_fd = openat(cache, "spool", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        r = catalogdb_peek_each(cache, take_row, run, &err);
        if (r < 0)
                return ctl_fail(CTL_FAILED,
                        "cache directory %s: %s: has a daemon run with it? -c names another", c->cache,
                        err.text[0] ? err.text : strerror(-r));
        if (run->n == 0 && run->build)
                return ctl_fail(CTL_NOT_FOUND, "build %s does not exist: pxectl builds shows those there are",
                        run->build);
        r = dirscan_read(run->builds_fd, NULL, LINK_MS, &d, &err);
        if (r < 0)
                return ctl_fail(CTL_FAILED, "%s", err.text);
        r = sums_refresh(&run->sums, run->builds_fd, NULL, d.sums, d.n_sums, false, &changed);
        dirscan_fini(&d);
        return r == 0 ? CTL_OK : ctl_fail(CTL_FAILED, "out of memory");
}

static int compare_all(struct ctl *c, struct verify_run *run)
{
        struct scratch tmp;
        int code = scratch_make(&tmp), r;

        if (code != CTL_OK)
                return code;
        for (size_t i = 0; i < run->n; i++)
                if (compare(run, &run->v[i], &tmp) < 0)
                        code = CTL_REFUSED;
        scratch_remove(&tmp);
        r = print(c, run);
        return r == CTL_OK ? code : r;
}

int cmd_verify(struct ctl *c, int argc, char **argv)
{
        const char *env = getenv("PXEFS_BUILDS"), *builds = env && *env ? env : "/srv/builds";
        struct verify_run run = { .builds_fd = -1, .spool_fd = -1 };
        int code;

        for (int i = 0; i < argc; i++) {
                if (ctl_option(argc, argv, &i, "--builds", &builds)) {
                        if (!builds)
                                return ctl_fail(
                                        CTL_USAGE, "--builds wants a directory: pxectl verify --help");
                } else if (argv[i][0] == '-' || run.build) {
                        return ctl_fail(
                                CTL_USAGE, "verify takes one build, no %s: pxectl verify --help", argv[i]);
                } else {
                        run.build = argv[i];
                }
        }
        code = open_dirs(c, builds, &run);
        if (code == CTL_OK)
                code = compare_all(c, &run);
        for (size_t i = 0; i < run.n; i++)
                archive_fini(&run.v[i]);
        free(run.v);
        sums_fini(&run.sums);
        cleanup_close(&run.builds_fd);
        cleanup_close(&run.spool_fd);
        return code;
}
