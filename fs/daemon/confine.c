/* SPDX-License-Identifier: MPL-2.0 */
/* confine -- see confine.h.
 *
 * The worker may open: builds, plain files, and the places that links in these lead to (links.h), to read; the cache
 * directory and the inventory's directory, to write (WAL makes files beside the database).
 * Locks: none; one thread.
 */
#include "daemon/confine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/log.h"
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

bool confine_replaced(
        const struct confinement *c, struct path_opener *opener, int timeout_ms, const char **ret_path)
{
        for (size_t i = 0; i < c->n; i++) {
                const struct landlock_place *p = &c->places[i];
                struct stat now;

                if (path_opener_access(opener, p->path, R_OK | X_OK, timeout_ms, &now) < 0)
                        continue;
                if (p->bound && c->reached[i] && p->dev == now.st_dev && p->ino == now.st_ino)
                        continue;
                *ret_path = p->path;
                return true;
        }
        return false;
}

static void add(struct confinement *c, struct path_opener *opener, const char *path, enum landlock_use use)
{
        struct stat st;

        c->reached[c->n] = path_opener_access(opener, path, R_OK | X_OK, -1, &st) == 0;
        c->places[c->n++] = (struct landlock_place) { .path = path, .use = use };
}

/* Builds, cache, inventory, and the two lists.  NULL if memory is short. */
static struct confinement *find_places(const struct options *o, struct path_opener *opener)
{
        AUTO_CLEAN(confinement_freep) struct confinement *c = calloc(1, sizeof *c);
        size_t max = 3 + o->n_static_dirs + o->n_links_to;

        if (!c)
                return NULL;
        c->places = calloc(max, sizeof *c->places);
        c->reached = calloc(max, sizeof *c->reached);
        if (!c->places || !c->reached)
                return NULL;
        add(c, opener, o->builds_dir, LANDLOCK_READ);
        add(c, opener, o->cache_dir, LANDLOCK_CACHE);
        if (o->inventory) {
                size_t len = (size_t)(strrchr(o->inventory, '/') - o->inventory);

                c->inventory_dir = strndup(o->inventory, len ? len : 1);
                if (!c->inventory_dir)
                        return NULL;
                add(c, opener, c->inventory_dir, LANDLOCK_DATABASE);
        }
        for (size_t i = 0; i < o->n_static_dirs; i++)
                add(c, opener, o->static_dirs[i], LANDLOCK_READ);
        for (size_t i = 0; i < o->n_links_to; i++)
                add(c, opener, o->links_to[i], LANDLOCK_READ);
        return take_ptr(&c);
}

int confine_check_user(struct err *err)
{
        if (geteuid() == 0 || getuid() == 0 || (setuid(0) == 0 && getuid() == 0))
                return err_set(
                        err, -EPERM, "it is root, and must not be: pxefs starts it as the service user");
        return 0;
}

int confine(const struct options *o, struct path_opener *opener, struct confinement **ret, struct err *err)
{
        AUTO_CLEAN(confinement_freep) struct confinement *c = find_places(o, opener);
        int r;

        if (!c)
                return err_set(err, -ENOMEM, "out of memory");
        r = sandbox_enter(
                &(struct sandbox_options) { .places = c->places, .n_places = c->n }, &c->report, err);
        if (r < 0)
                return r;
        if (c->report.landlock_abi == 0)
                c->n = 0;
        *ret = take_ptr(&c);
        return 0;
}

int confine_narrow(struct confinement *c, char **ret_json, bool *ret_whole, struct err *err)
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
        *ret_whole = sandbox_is_whole(&c->report);
        *ret_json = buf_take(&json, NULL);
        return *ret_json ? 0 : err_set(err, -ENOMEM, "out of memory");
}
