/* SPDX-License-Identifier: MPL-2.0 */
/* confine -- see confine.h.
 *
 * The worker may open: builds, plain files, and the places that links in these lead to (links.h), to read; the cache
 * directory and the inventory's directory, to write (WAL makes files beside the database).
 * Locks: none; one thread.
 */
#include "confine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "sandbox/probe.h"
#include "sandbox/sandbox.h"

struct confinement {
        struct landlock_place *places; /* owned; the paths are the options', but for inventory_dir */
        bool *reached;                 /* owned; one for each place: it could be read when we were bound */
        size_t n;
        char *inventory_dir; /* owned */
        struct sandbox_report report;
};

void confinement_free(struct confinement *c)
{
        if (!c)
                return;
        free(c->places);
        free(c->reached);
        free(c->inventory_dir);
        free(c);
}

static void confinement_freep(struct confinement **c)
{
        confinement_free(*c);
}

static bool can_be_read(const char *path)
{
        return euidaccess(path, R_OK | X_OK) == 0;
}

bool confine_replaced(const struct confinement *c, const char **ret_path)
{
        for (size_t i = 0; i < c->n; i++) {
                const struct landlock_place *p = &c->places[i];
                struct stat now;

                if (!can_be_read(p->path) || stat(p->path, &now) < 0)
                        continue;
                if (p->bound && c->reached[i] && p->dev == now.st_dev && p->ino == now.st_ino)
                        continue;
                *ret_path = p->path;
                return true;
        }
        return false;
}

static void add(struct confinement *c, const char *path, enum landlock_use use)
{
        c->reached[c->n] = can_be_read(path);
        c->places[c->n++] = (struct landlock_place) { .path = path, .use = use };
}

/* Builds, cache, inventory, and the two lists.  NULL if memory is short. */
static struct confinement *find_places(const struct options *o)
{
        AUTO_CLEAN(confinement_freep) struct confinement *c = calloc(1, sizeof *c);
        size_t max = 3 + o->n_static_dirs + o->n_links_to;

        if (!c)
                return NULL;
        c->places = calloc(max, sizeof *c->places);
        c->reached = calloc(max, sizeof *c->reached);
        if (!c->places || !c->reached)
                return NULL;
        add(c, o->builds_dir, LANDLOCK_READ);
        add(c, o->cache_dir, LANDLOCK_CACHE);
        if (o->inventory) {
                size_t len = (size_t)(strrchr(o->inventory, '/') - o->inventory);

                c->inventory_dir = strndup(o->inventory, len ? len : 1);
                if (!c->inventory_dir)
                        return NULL;
                add(c, c->inventory_dir, LANDLOCK_DATABASE);
        }
        for (size_t i = 0; i < o->n_static_dirs; i++)
                add(c, o->static_dirs[i], LANDLOCK_READ);
        for (size_t i = 0; i < o->n_links_to; i++)
                add(c, o->links_to[i], LANDLOCK_READ);
        return take_ptr(&c);
}

/* Writes what could be done to <cache>/probe.txt. */
static void try_out(const struct options *o)
{
        AUTO_BUF struct buf text = BUF_INIT;
        AUTO_BUF struct buf path = BUF_INIT;
        AUTO_CLOSE int fd = -1;

        probe(&(struct probe_options) { .builds_dir = o->builds_dir,
                      .cache_dir = o->cache_dir,
                      .static_dir = o->n_static_dirs ? o->static_dirs[0] : NULL,
                      .inventory = o->inventory,
                      .outside = o->probe,
                      .keeper = getppid() },
                &text);
        buf_printf(&path, "%s/probe.txt", o->cache_dir);
        if (buf_error(&text) < 0 || buf_error(&path) < 0)
                return;
        fd = open(path.data, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        if (fd < 0 || write(fd, text.data, text.len) != (ssize_t)text.len)
                log_error("%s: %s", path.data, strerror(errno));
}

static int enter(const struct options *o, struct confinement *c, struct err *err)
{
        struct sandbox_report *report = &c->report;
        int r;

        if (o->no_sandbox) {
                (void)err_set(&report->landlock_why, 0, "left out, for a test");
                report->seccomp_why = report->landlock_why;
                c->n = 0;
                return 0;
        }
        r = sandbox_enter(&(struct sandbox_options) { .places = c->places,
                                  .n_places = c->n,
                                  .no_landlock = o->no_landlock,
                                  .no_seccomp = o->no_seccomp },
                report, err);
        if (report->landlock_abi == 0)
                c->n = 0;
        return r;
}

int confine(const struct options *o, struct confinement **ret, struct err *err)
{
        AUTO_CLEAN(confinement_freep) struct confinement *c = find_places(o);
        int r;

        if (!c)
                return err_set(err, -ENOMEM, "out of memory");
        r = enter(o, c, err);
        if (r == 0)
                *ret = take_ptr(&c);
        return r;
}

int confine_narrow(
        struct confinement *c, const struct options *o, char **ret_json, bool *ret_whole, struct err *err)
{
        AUTO_BUF struct buf text = BUF_INIT;
        AUTO_BUF struct buf json = BUF_INIT;

        sandbox_narrow(&c->report);
        sandbox_report_text(&c->report, &text);
        sandbox_report_json(&c->report, &json);
        if (buf_error(&text) < 0 || buf_error(&json) < 0)
                return err_set(err, -ENOMEM, "out of memory");
        if (sandbox_is_whole(&c->report))
                log_debug("sandbox: %s", text.data);
        else
                log_warn("sandbox: %s", text.data);
        if (o->probe)
                try_out(o);
        *ret_whole = sandbox_is_whole(&c->report);
        *ret_json = buf_take(&json, NULL);
        return *ret_json ? 0 : err_set(err, -ENOMEM, "out of memory");
}
