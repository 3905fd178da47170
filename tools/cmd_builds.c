/* SPDX-License-Identifier: MPL-2.0 */
/* cmd_builds -- pxectl builds: what the daemon made of each archive, read from what it left in its cache
 * directory. */
#include "ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "catalog/catalog.h"

const char builds_usage[] = "usage: pxectl builds\n"
                            "One line an archive of the builds directory: the build in it, whether it is\n"
                            "served, what agreed beside the archive's own check sums (hash: its\n"
                            "boot_archive.hash; sha256, md5: a line of a sums file; not checked: such a\n"
                            "file cannot be read or understood, and may name it),\n"
                            "and if it is not served, why. Read from the daemon's cache directory (-c).\n"
                            "This is observed, not configured, so it is not in the inventory:\n"
                            "  cat MOUNTPOINT/.pxefs/status.json   shows the same\n";

static void add_json(struct buf *b, const struct catalog_view *v)
{
        buf_puts(b, "{\"builds\": [");
        for (size_t i = 0; i < v->n_archives; i++) {
                const struct archive_status *a = &v->archives[i];

                buf_puts(b, i ? ",\n  {\"archive\": " : "{\"archive\": ");
                buf_json(b, a->file);
                buf_puts(b, ", \"reason\": ");
                buf_json(b, a->reason);
                buf_printf(b, ", \"size\": %llu, \"stamp\": ", (unsigned long long)a->size_bytes);
                buf_json(b, a->build);
                buf_puts(b, ", \"state\": ");
                buf_json(b, archive_state_name(a->state));
                buf_puts(b, ", \"verified\": ");
                buf_json(b, archive_verified_name(a->verified));
                buf_puts(b, "}");
        }
        buf_puts(b, "]}\n");
}

/* A file's name or a reason from an archive, for a terminal. */
static void add_plain(struct buf *b, const char *s, size_t width)
{
        size_t n = 0;

        for (; s && s[n]; n++)
                buf_printf(b, "%c", (unsigned char)s[n] < ' ' || s[n] == 0x7f ? '?' : s[n]);
        if (n == 0)
                buf_puts(b, "-");
        for (n = n ? n : 1; n < width; n++)
                buf_puts(b, " ");
}

static void add_table(struct buf *b, const struct catalog_view *v)
{
        size_t stamp = 5, file = 7;

        for (size_t i = 0; i < v->n_archives; i++) {
                size_t n = v->archives[i].build ? strlen(v->archives[i].build) : 1;

                stamp = n > stamp ? n : stamp;
                n = strlen(v->archives[i].file);
                file = n > file ? n : file;
        }
        add_plain(b, "STAMP", stamp + 2);
        buf_puts(b, "STATE        ");
        add_plain(b, "ARCHIVE", file + 2);
        buf_puts(b, "        SIZE  VERIFIED     REASON\n");
        for (size_t i = 0; i < v->n_archives; i++) {
                const struct archive_status *a = &v->archives[i];

                add_plain(b, a->build, stamp + 2);
                buf_printf(b, "%-11s  ", archive_state_name(a->state));
                add_plain(b, a->file, file + 2);
                buf_printf(b, "%12llu  ", (unsigned long long)a->size_bytes);
                add_plain(b, archive_verified_name(a->verified), 13);
                add_plain(b, a->reason, 0);
                buf_puts(b, "\n");
        }
}

void ctl_note_build(const struct ctl *c, const char *build)
{
        AUTO_CLOSE int fd = open(c->cache, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        struct catalog_view *v = NULL;
        bool served = false;

        if (!build || fd < 0 || catalog_peek(fd, &v, NULL) < 0)
                return;
        for (size_t i = 0; i < v->n_archives && !served; i++)
                served = v->archives[i].state == ARCHIVE_READY && v->archives[i].build &&
                         strcmp(v->archives[i].build, build) == 0;
        if (!served)
                (void)fprintf(stderr,
                        "pxectl: note: build %s is not served, and who is to boot it stops at its menu until "
                        "it is: "
                        "pxectl builds lists them\n",
                        build);
        catalog_view_unref(v);
}

int cmd_builds(struct ctl *c, int argc, char **argv)
{
        AUTO_BUF struct buf b = BUF_INIT;
        AUTO_CLOSE int fd = -1;
        struct catalog_view *v = NULL;
        struct err err = { "" };
        int r;

        if (argc > 0)
                return ctl_fail(CTL_USAGE, "builds takes no %s: pxectl builds --help", argv[0]);
        fd = open(c->cache, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return ctl_fail(CTL_FAILED, "cache directory %s: %s: name the daemon's with -c", c->cache,
                        strerror(errno));
        r = catalog_peek(fd, &v, &err);
        if (r == -ENOENT)
                return ctl_fail(CTL_FAILED,
                        "cache directory %s: no pxefs has run with it yet: mount first, or name the daemon's "
                        "with -c",
                        c->cache);
        if (r < 0)
                return ctl_fail(CTL_FAILED, "cache directory %s: %s", c->cache, err.text);
        if (c->json)
                add_json(&b, v);
        else
                add_table(&b, v);
        catalog_view_unref(v);
        return ctl_write(&b);
}
