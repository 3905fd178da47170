/* SPDX-License-Identifier: MPL-2.0 */
/* cmd_check -- pxectl check: would a daemon accept this archive?  By the daemon's own code: the archive is decoded and
 * laid out whole, in a temporary directory if it must be spooled.  No daemon, cache or inventory is asked. */
#include "ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/sums.h"
#include "scratch.h"

const char check_usage[] = "usage: pxectl check ARCHIVE...\n"
                           "Would pxefs accept it? Decodes each archive to its end, verifies it and lays it\n"
                           "out as the daemon does, also against sums files beside it (sha256sums.txt, ...).\n"
                           ".tar.xz, .zst, .bz2 need their uncompressed size in $TMPDIR (or /var/tmp).\n"
                           "Prints the build's name, or why it would be refused.\n"
                           "Exit status: 0 all would be accepted, 3 one would not, 1 it could not be read.\n"
                           "There is no SQL for this. By hand: gzip -t, tar -tf, sha256sum -c.\n";

/* What came of one archive. */
struct checked {
        bool accepted, judged; /* judged: accepted or refused; else it could not be read */
        const char *verified;
        struct err reason;
        struct indexed x; /* if accepted */
};

/* Against the sums files of the archive's directory. */
static int check_sums(const char *path, int fd, struct checked *c)
{
        const char *slash = strrchr(path, '/');
        AUTO_FREE char *dir = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
        AUTO_CLOSE int dirfd = dir ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
        char md5[DIGEST_MAX_HEX];
        const char *hex = c->x.sha256;
        const char *name = slash ? slash + 1 : path;
        char *beside[SUMS_BESIDE];
        struct sums sums = { 0 };
        enum sums_kind kind;
        struct identity id;
        struct err why;
        bool changed;
        int r;

        c->verified = archive_verified_name(c->x.hash_checked ? ARCHIVE_VERIFIED_HASH : 0);
        if (dirfd < 0 || sums_names_beside(name, beside) < 0)
                return 0;
        r = sums_refresh(&sums, dirfd, NULL, beside, SUMS_BESIDE, false, &changed);
        for (int i = 0; i < SUMS_BESIDE; i++)
                free(beside[i]);
        if (r < 0)
                return 0;
        if (sums_find(&sums, name, &kind)) {
                if (kind == SUMS_MD5) {
                        r = identity_of_fd(fd, &id);
                        if (r == 0)
                                r = filedigest(fd, &id, DIGEST_MD5, NULL, md5, &c->reason);
                        hex = md5;
                }
                if (r == 0)
                        r = sums_judge(&sums, name, kind, hex, &c->reason);
                if (r == 0)
                        c->verified = archive_verified_name(
                                (c->x.hash_checked ? ARCHIVE_VERIFIED_HASH : 0) |
                                (kind == SUMS_MD5 ? ARCHIVE_VERIFIED_MD5 : ARCHIVE_VERIFIED_SHA256));
        } else if (sums_doubts(&sums, name, &why) != SUMS_SURE) {
                c->verified = archive_verified_name(
                        (c->x.hash_checked ? ARCHIVE_VERIFIED_HASH : 0) | ARCHIVE_NOT_CHECKED);
        }
        sums_fini(&sums);
        return r;
}

static void check_one(const char *path, const struct scratch *tmp, struct checked *c)
{
        AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        struct stat st;
        int r;

        *c = (struct checked) { .verified = "" };
        if (fd < 0 || fstat(fd, &st) < 0) {
                (void)err_set(&c->reason, 0, "%s", strerror(errno));
                return;
        }
        if (!S_ISREG(st.st_mode)) {
                (void)err_set(&c->reason, 0, "it is not a regular file");
                return;
        }
        r = scratch_index(tmp, path, fd, &c->x, &c->reason);
        if (r == 0) {
                r = check_sums(path, fd, c);
                if (r < 0)
                        indexed_fini(&c->x);
        }
        c->accepted = r == 0;
        c->judged = r == 0 || r == -EBADMSG;
}

static void add_json(struct buf *b, const char *path, const struct checked *c, const char *sep)
{
        bool image = c->accepted && c->x.tree->image;

        buf_printf(b, "%s{\"accepted\": %s, \"archive\": ", sep, c->accepted ? "true" : "false");
        buf_json(b, path);
        buf_puts(b, ", \"entries\": ");
        if (c->accepted)
                buf_printf(b, "%u", c->x.tree->n);
        else
                buf_puts(b, "null");
        buf_puts(b, ", \"kind\": ");
        buf_json(b, !c->accepted ? NULL : image ? "image" : "build");
        buf_puts(b, ", \"reason\": ");
        buf_json(b, c->accepted ? c->x.warning : c->reason.text);
        buf_puts(b, ", \"stamp\": ");
        buf_json(b, c->accepted && !image ? c->x.tree->name : NULL);
        buf_puts(b, ", \"verified\": ");
        buf_json(b, c->verified);
        buf_puts(b, "}");
}

static void add_plain(struct buf *b, const char *path, const struct checked *c)
{
        if (!c->accepted) {
                buf_printf(b, "%s: %s: %s\n", path, c->judged ? "refused" : "cannot be read", c->reason.text);
                return;
        }
        if (c->x.tree->image)
                buf_printf(b, "%s: no SmartOS build, will be in /images", path);
        else
                buf_printf(b, "%s: build %s", path, c->x.tree->name);
        buf_printf(b, ", %u entries%s%s", c->x.tree->n, c->verified[0] ? ", verified by " : "", c->verified);
        buf_printf(b, "%s%s\n", c->x.warning ? "\n  warning: " : "", c->x.warning ? c->x.warning : "");
}

int cmd_check(struct ctl *c, int argc, char **argv)
{
        AUTO_BUF struct buf b = BUF_INIT;
        struct scratch tmp;
        int code = CTL_OK, r;

        if (argc == 0)
                return ctl_fail(CTL_USAGE, "check wants the archives after it: pxectl check --help");
        for (int i = 0; i < argc; i++)
                if (argv[i][0] == '-')
                        return ctl_fail(CTL_USAGE, "check has no option %s: pxectl check --help", argv[i]);
        r = scratch_make(&tmp);
        if (r != CTL_OK)
                return r;
        buf_puts(&b, c->json ? "{\"archives\": [" : "");
        for (int i = 0; i < argc; i++) {
                struct checked x;

                check_one(argv[i], &tmp, &x);
                if (c->json)
                        add_json(&b, argv[i], &x, i ? ",\n  " : "");
                else
                        add_plain(&b, argv[i], &x);
                if (!x.judged)
                        code = CTL_FAILED;
                else if (!x.accepted && code == CTL_OK)
                        code = CTL_REFUSED;
                if (x.accepted)
                        indexed_fini(&x.x);
        }
        scratch_remove(&tmp);
        buf_puts(&b, c->json ? "]}\n" : "");
        r = ctl_write(&b);
        return r == CTL_OK ? code : r;
}
