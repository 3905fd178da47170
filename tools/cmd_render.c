/* SPDX-License-Identifier: MPL-2.0 */
/* cmd_render -- pxectl render: the text a machine gets, made by the same code as the mount's. */
#include "ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "catalog/catalog.h"
#include "inventory/inventory.h"
#include "inventory/plan/mac.h"
#include "inventory_sql.h"
#include "render/boot/render.h"

const char render_usage[] = "usage: pxectl render MAC|HOSTNAME [--why]\n"
                            "Prints the script that the mount serves as hosts/<mac>/menu.ipxe; with --why,\n"
                            "hosts/<mac>/why: which layer gave each value, and what was refused.\n"
                            "The builds there are come from the daemon's cache directory (-c).\n"
                            "In SQL:\n"
                            "  SELECT * FROM host_boot WHERE hostname = 'db1';\n"
                            "  SELECT * FROM host_property WHERE hostname = 'db1';\n";

static int get_plan(struct ctl *c, const char *who, struct plan **ret)
{
        struct inventory *inv = NULL;
        struct err err = { "" };
        uint64_t mac;
        int64_t id = 0;
        bool is_mac = mac_parse(who, &mac, NULL) == 0;
        int r, code = ctl_open(c);

        if (code == CTL_OK && !is_mac)
                code = ctl_find_host(c, who, &id);
        if (code != CTL_OK)
                return code;
        r = inventory_open(&(struct inventory_options) { .path = c->inventory }, &inv, &err);
        if (r == 0)
                r = is_mac ? inventory_plan(inv, mac, ret, &err) : inventory_plan_by_host(inv, id, ret, &err);
        inventory_close(inv);
        return r < 0 ? ctl_fail(r == -ENOENT ? CTL_NOT_FOUND : CTL_FAILED, "%s: %s", who, err.text) : CTL_OK;
}

/* What the daemon knows of builds; *ret stays NULL if it has left nothing yet. */
static void peek(const struct ctl *c, struct catalog_view **ret)
{
        AUTO_CLOSE int fd = open(c->cache, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        struct err err = { "" };
        int r;

        if (fd < 0) {
                fprintf(stderr,
                        "pxectl: cache directory %s: %s: the script is shown without any build (-c names "
                        "another)\n",
                        c->cache, strerror(errno));
                return;
        }
        r = catalog_peek(fd, ret, &err);
        if (r < 0)
                (void)ctl_fail(r, "cache directory %s: %s: the script is shown without any build", c->cache,
                        err.text);
}

/* The newest release, as the catalog chooses it. */
static const char *latest(const struct build_list *builds)
{
        for (size_t i = 0; i < builds->n; i++)
                if (builds->v[i].release)
                        return builds->v[i].name;
        return NULL;
}

static int print(const struct ctl *c, const struct plan *p, const struct catalog_view *v, bool why)
{
        static const struct build_list none = { .n = 0 };
        const struct build_list *builds = v ? &v->list : &none;
        AUTO_BUF struct buf text = BUF_INIT;
        AUTO_BUF struct buf doc = BUF_INIT;
        int r = why ? render_why(p, builds, latest(builds), &text)
                    : render_ipxe(p, builds, latest(builds), &text);

        if (r < 0 || buf_error(&text) < 0)
                return ctl_fail(CTL_FAILED, "out of memory");
        if (!c->json)
                return ctl_write(&text);
        buf_puts(&doc, "{\"text\": ");
        buf_json(&doc, text.data ? text.data : "");
        buf_puts(&doc, "}\n");
        return ctl_write(&doc);
}

int cmd_render(struct ctl *c, int argc, char **argv)
{
        AUTO_PLAN struct plan *p = NULL;
        struct catalog_view *v = NULL;
        const char *who = NULL;
        bool why = false;
        int code;

        for (int i = 0; i < argc; i++) {
                if (strcmp(argv[i], "--why") == 0)
                        why = true;
                else if (argv[i][0] == '-' || who)
                        return ctl_fail(CTL_USAGE, "%s is one word too many: pxectl render --help", argv[i]);
                else
                        who = argv[i];
        }
        if (!who)
                return ctl_fail(
                        CTL_USAGE, "render wants a MAC address or a host's name: pxectl render --help");
        code = get_plan(c, who, &p);
        if (code != CTL_OK)
                return code;
        peek(c, &v);
        code = print(c, p, v, why);
        if (v)
                catalog_view_unref(v);
        return code;
}
