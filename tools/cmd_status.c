/* SPDX-License-Identifier: MPL-2.0 */
/* cmd_status -- pxectl status: is all well, and if not, what is to be done.
 *
 * What is said comes from the daemon's own status.json; without a mount, from what its last run left in the cache
 * directory, made into the same text by the same function.  So there is one way from that text to the screen.
 *
 * A mount may be dead or hang: mounted.h.
 */
#include "ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "catalog/catalog.h"
#include "inventory/store/schema_id.h"
#include "mounted.h"
#include "render/status/status.h"

enum { STATUS_GOOD = 0, STATUS_ATTENTION = 1, STATUS_NOT_RUNNING = 2 };

const char status_usage[] = "usage: pxectl status [-x] [--json] [MOUNTPOINT | --cache DIR]\n"
                            "The first line says whether all is well, and if not, what to do. Then come\n"
                            "what is served and read, the inventory, the worker, and each archive that is\n"
                            "not served. Without MOUNTPOINT: of the one pxefs that is mounted; if there is\n"
                            "none, or with --cache, what its last run left in the cache directory.\n"
                            "  -x      the first line only\n"
                            "  --json  status.json as it is\n"
                            "It is safe with a mount that is dead or hangs: it waits 5 seconds at most.\n"
                            "Exit status: 0 all is well, 1 something needs attention, 2 pxefs is not\n"
                            "running or does not answer, or wrong usage.\n"
                            "This is observed, not configured, so it is not in the inventory:\n"
                            "  cat MOUNTPOINT/.pxefs/status.json   shows the same\n";

struct wanted {
        const char *mountpoint, *cache;
        bool line_only, json;
};

/* ---- without a mount --------------------------------------------------------------------------- */

static int from_cache(const char *cache, struct buf *ret)
{
        AUTO_CLOSE int fd = open(cache, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        struct catalog_view *v = NULL;
        struct err err = { "" };
        struct daemon_facts f;
        int r;

        if (fd < 0)
                return ctl_fail(STATUS_NOT_RUNNING,
                        "no pxefs is mounted, and cache directory %s: %s: name the mount point, or the "
                        "daemon's cache "
                        "directory with --cache",
                        cache, strerror(errno));
        r = catalog_peek(fd, &v, &err);
        if (r == -ENOENT)
                return ctl_fail(STATUS_NOT_RUNNING,
                        "no pxefs is mounted, and none has run with cache directory %s yet: mount first: "
                        "pxefs "
                        "BUILDS_DIR MOUNTPOINT",
                        cache);
        if (r < 0)
                return ctl_fail(STATUS_NOT_RUNNING, "cache directory %s: %s", cache, err.text);
        daemon_facts_init(&f, v);
        r = render_status(&f, ret);
        catalog_view_unref(v);
        return r < 0 ? ctl_fail(STATUS_NOT_RUNNING, "out of memory") : CTL_OK;
}

/* ---- from the text to the screen ---------------------------------------------------------------- */

/* Names and reasons may hold anything; JSON's escapes are undone by now. */
static void add_plain(struct buf *b, const char *s)
{
        for (; s && *s; s++)
                buf_add(b, (unsigned char)*s < ' ' || *s == 0x7f ? "?" : s, 1);
}

/* Each query gives lines; ?1 is the text. */
static const char first_line[] =
        "SELECT json_extract(?1, '$.verdict') || ifnull('; action: ' || json_extract(?1, '$.action'), '')";
static const char details[] =
        "SELECT '  version    ' || json_extract(?1, '$.version') WHERE json_extract(?1, '$.version') NOT "
        "NULL\n"
        "UNION ALL SELECT '  builds     ' || ifnull(json_extract(?1, '$.builds_total'), json_array_length(?1, '$.builds')) || ' served'\n"
        "  || ifnull(', latest ' || json_extract(?1, '$.latest'), '')\n"
        "UNION ALL SELECT '  reading    ' || json_extract(value, '$.file')\n"
        "  || ifnull(': ' || json_extract(value, '$.read_bytes') * 100 / json_extract(value, '$.size_bytes') "
        "|| ' %', '')\n"
        "  FROM json_each(?1, '$.reading')\n"
        "UNION ALL SELECT '  inventory  ' || json_extract(?1, '$.inventory.state')\n"
        "  || ifnull(', hosts: ' || json_extract(?1, '$.inventory.hosts'), '')\n"
        "  || ifnull(', NICs: ' || json_extract(?1, '$.inventory.nics'), '')\n"
        "  || CASE WHEN json_extract(?1, '$.inventory.schema') < " SCHEMA_TEXT " THEN ', schema '\n"
        "    || json_extract(?1, '$.inventory.schema') || ' (pxectl migrate makes it " SCHEMA_TEXT ")' ELSE '' END\n"
        "  || ifnull(', copy of ' || json_extract(?1, '$.inventory.copy_of'), '')\n"
        "  WHERE json_extract(?1, '$.inventory.state') <> 'unknown'\n"
        "UNION ALL SELECT '  worker     since ' || json_extract(?1, '$.worker.since')\n"
        "  || ifnull(', restarted: ' || json_extract(?1, '$.worker.restarts'), '')\n"
        "  || ifnull(', upgraded: ' || json_extract(?1, '$.worker.upgrades'), '')\n"
        "  WHERE json_extract(?1, '$.worker.since') NOT NULL\n"
        "UNION ALL SELECT '  note       ' || json_extract(?1, '$.note') WHERE json_extract(?1, '$.note') NOT "
        "NULL\n"
        "UNION ALL SELECT '  also       ' || json_extract(value, '$.what') || '; action: '\n"
        "  || json_extract(value, '$.action') FROM json_each(?1, '$.problems') WHERE key > 0\n"
        "UNION ALL SELECT '  ' || substr(json_extract(value, '$.state') || '         ', 1, 11)\n"
        "  || json_extract(value, '$.file') || ifnull(': ' || json_extract(value, '$.reason'), '')\n"
        "  FROM json_each(?1, '$.archives') WHERE json_extract(value, '$.state') <> 'ready'";

/* Adds the lines of @query about @text; a negative number if SQLite cannot make anything of it. */
static int add_lines(sqlite3 *db, const char *query, const struct buf *text, struct buf *out)
{
        sqlite3_stmt *s = NULL;
        int rc = sqlite3_prepare_v2(db, query, -1, &s, NULL);

        if (rc == SQLITE_OK)
                rc = sqlite3_bind_text(s, 1, text->data, (int)text->len, SQLITE_STATIC);
        while (rc == SQLITE_OK || rc == SQLITE_ROW) {
                rc = sqlite3_step(s);
                if (rc != SQLITE_ROW)
                        break;
                if (sqlite3_column_type(s, 0) == SQLITE_NULL)
                        continue;
                add_plain(out, (const char *)sqlite3_column_text(s, 0));
                buf_puts(out, "\n");
        }
        sqlite3_finalize(s);
        return rc == SQLITE_DONE ? 0 : -EINVAL;
}

static int number(sqlite3 *db, const char *query, const struct buf *text)
{
        sqlite3_stmt *s = NULL;
        int n = -1;

        if (sqlite3_prepare_v2(db, query, -1, &s, NULL) == SQLITE_OK &&
                sqlite3_bind_text(s, 1, text->data, (int)text->len, SQLITE_STATIC) == SQLITE_OK &&
                sqlite3_step(s) == SQLITE_ROW)
                n = sqlite3_column_int(s, 0);
        sqlite3_finalize(s);
        return n;
}

static int show(const struct wanted *w, const struct buf *text, const char *where)
{
        AUTO_BUF struct buf out = BUF_INIT;
        sqlite3 *db = NULL;
        int healthy = -1, running = 0, r = sqlite3_open(":memory:", &db) == SQLITE_OK ? 0 : -ENOMEM;

        if (r == 0 && text->len) {
                healthy = number(db, "SELECT json_extract(?1, '$.healthy') IS 1", text);
                running = number(db, "SELECT json_extract(?1, '$.running') IS 1", text);
        }
        if (r == 0 && healthy >= 0)
                r = add_lines(db, first_line, text, &out);
        if (r == 0 && !w->line_only && healthy >= 0) {
                buf_puts(&out, "  mount      ");
                add_plain(&out, where ? where : "none");
                buf_puts(&out, "\n");
                r = add_lines(db, details, text, &out);
        }
        sqlite3_close(db);
        if (r < 0 || healthy < 0 || out.len == 0)
                return ctl_fail(STATUS_NOT_RUNNING,
                        "%s/.pxefs/status.json is not what this pxectl understands: use the pxectl of the "
                        "same version",
                        where ? where : "cache directory");
        if (ctl_write(w->json ? text : &out) != CTL_OK)
                return STATUS_NOT_RUNNING;
        return running != 1 ? STATUS_NOT_RUNNING : healthy ? STATUS_GOOD : STATUS_ATTENTION;
}

static int parse(struct ctl *c, int argc, char **argv, struct wanted *w)
{
        for (int i = 0; i < argc; i++) {
                const char *option = argv[i];

                if (strcmp(option, "-x") == 0)
                        w->line_only = true;
                else if (strcmp(option, "--json") == 0)
                        w->json = true;
                else if (ctl_option(argc, argv, &i, "--cache", &w->cache)) {
                        if (!w->cache)
                                return ctl_fail(
                                        CTL_USAGE, "option --cache wants a directory: pxectl status --help");
                } else if (option[0] == '-' || w->mountpoint)
                        return ctl_fail(CTL_USAGE, "status takes no %s: pxectl status --help", option);
                else
                        w->mountpoint = option;
        }
        if (w->mountpoint && w->cache)
                return ctl_fail(
                        CTL_USAGE, "status takes a mount point or --cache, not both: pxectl status --help");
        w->json = w->json || c->json;
        return CTL_OK;
}

static int show_mount(const struct wanted *w, const char *mountpoint)
{
        AUTO_BUF struct buf text = BUF_INIT;
        AUTO_FREE char *path = NULL;
        int r;

        if (asprintf(&path, "%s/.pxefs/status.json", mountpoint) < 0)
                return ctl_fail(STATUS_NOT_RUNNING, "out of memory");
        r = mounted_read(path, &text);
        if (r == -ENOTCONN)
                return ctl_fail(STATUS_NOT_RUNNING,
                        "%s: the daemon is dead, its mount is left; action: start pxefs again, it takes the "
                        "mount's place",
                        mountpoint);
        if (r == -ETIMEDOUT)
                return ctl_fail(STATUS_NOT_RUNNING,
                        "%s: the daemon does not answer within %d s; action: look into its log; kill its "
                        "process, and "
                        "start pxefs again",
                        mountpoint, MOUNTED_LIMIT_MS / 1000);
        if (r < 0)
                return ctl_fail(
                        STATUS_NOT_RUNNING, "%s: %s; action: look into the daemon's log", path, strerror(-r));
        return show(w, &text, mountpoint);
}

int cmd_status(struct ctl *c, int argc, char **argv)
{
        AUTO_BUF struct buf text = BUF_INIT;
        AUTO_FREE char *mounted = NULL, *path = NULL;
        struct wanted w = { NULL, NULL, false, false };
        unsigned found = 0;
        int r = parse(c, argc, argv, &w);

        if (r != CTL_OK)
                return r;
        if (w.mountpoint) {
                path = mounted_name(w.mountpoint);
                if (!path || mounted_find(path, &mounted) == 0)
                        return ctl_fail(STATUS_NOT_RUNNING,
                                "no pxefs is mounted on %s; action: pxefs BUILDS_DIR %s", w.mountpoint,
                                w.mountpoint);
                return show_mount(&w, mounted);
        }
        if (!w.cache)
                found = mounted_find(NULL, &mounted);
        if (found > 1)
                return ctl_fail(CTL_USAGE, "%u pxefs are mounted, one of them on %s: name the mount point",
                        found, mounted);
        if (found == 1)
                return show_mount(&w, mounted);
        r = from_cache(w.cache ? w.cache : c->cache, &text);
        return r != CTL_OK ? r : show(&w, &text, NULL);
}
