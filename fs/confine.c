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
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "sandbox/probe.h"
#include "sandbox/sandbox.h"

/* Builds, cache, inventory, and the two lists.  NULL if memory is short; the paths are the options', but for
 * *ret_inventory_dir, which the caller frees. */
static struct landlock_place *find_places(const struct options *o, size_t *ret_n, char **ret_inventory_dir)
{
        struct landlock_place *v = calloc(3 + o->n_static_dirs + o->n_links_to, sizeof *v);
        size_t n = 0;

        if (!v)
                return NULL;
        v[n++] = (struct landlock_place) { o->builds_dir, LANDLOCK_READ };
        v[n++] = (struct landlock_place) { o->cache_dir, LANDLOCK_CACHE };
        if (o->inventory) {
                size_t len = (size_t)(strrchr(o->inventory, '/') - o->inventory);

                *ret_inventory_dir = strndup(o->inventory, len ? len : 1);
                if (!*ret_inventory_dir) {
                        free(v);
                        return NULL;
                }
                v[n++] = (struct landlock_place) { *ret_inventory_dir, LANDLOCK_DATABASE };
        }
        for (size_t i = 0; i < o->n_static_dirs; i++)
                v[n++] = (struct landlock_place) { o->static_dirs[i], LANDLOCK_READ };
        for (size_t i = 0; i < o->n_links_to; i++)
                v[n++] = (struct landlock_place) { o->links_to[i], LANDLOCK_READ };
        *ret_n = n;
        return v;
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

static int enter(const struct options *o, struct sandbox_report *ret, struct err *err)
{
        AUTO_FREE char *inventory_dir = NULL;
        AUTO_FREE struct landlock_place *places = NULL;
        size_t n;

        if (o->no_sandbox) {
                (void)err_set(&ret->landlock_why, 0, "left out, for a test");
                ret->seccomp_why = ret->landlock_why;
                return 0;
        }
        places = find_places(o, &n, &inventory_dir);
        if (!places)
                return err_set(err, -ENOMEM, "out of memory");
        return sandbox_enter(&(struct sandbox_options) { .places = places,
                                     .n_places = n,
                                     .no_landlock = o->no_landlock,
                                     .no_seccomp = o->no_seccomp },
                ret, err);
}

int confine(const struct options *o, char **ret_json, bool *ret_whole, struct err *err)
{
        AUTO_BUF struct buf text = BUF_INIT;
        AUTO_BUF struct buf json = BUF_INIT;
        struct sandbox_report report = { .landlock_abi = 0 };
        int r = enter(o, &report, err);

        if (r < 0)
                return r;
        sandbox_report_text(&report, &text);
        sandbox_report_json(&report, &json);
        if (buf_error(&text) < 0 || buf_error(&json) < 0)
                return err_set(err, -ENOMEM, "out of memory");
        if (sandbox_is_whole(&report))
                log_debug("sandbox: %s", text.data);
        else
                log_warn("sandbox: %s", text.data);
        if (o->probe)
                try_out(o);
        *ret_whole = sandbox_is_whole(&report);
        *ret_json = buf_take(&json, NULL);
        return *ret_json ? 0 : err_set(err, -ENOMEM, "out of memory");
}
