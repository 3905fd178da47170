/* SPDX-License-Identifier: MPL-2.0 */
/* cmd_set -- pxectl set: boot properties of a host or a profile. */
#include "ctl.h"

#include <string.h>

#include "inventory_sql.h"

const char set_usage[] = "usage: pxectl set host|profile NAME [PROPERTY=VALUE]... [--unset PROPERTY]...\n"
                         "                [--drop PROPERTY]...\n"
                         "PROPERTY=VALUE    sets it; a kernel flag is written -kd= or -m=milestone=none\n"
                         "--unset PROPERTY  takes away what would be inherited\n"
                         "--drop PROPERTY   forgets what was set or unset here: it is inherited again\n"
                         "The same in SQL (profile and profile.name likewise):\n"
                         "  INSERT INTO property (host, name, value) VALUES\n"
                         "    ((SELECT id FROM host WHERE hostname = 'db1'), 'console', 'ttyb')\n"
                         "    ON CONFLICT (host, name) DO UPDATE SET value = excluded.value;\n"
                         "  (value NULL unsets)\n"
                         "  DELETE FROM property WHERE name = 'console'\n"
                         "    AND host = (SELECT id FROM host WHERE hostname = 'db1');\n";

struct target {
        const char *about;
        bool is_host;
        int64_t id;
};

static int set_one(struct ctl *c, const struct target *t, const char *name, const char *value)
{
        return ctl_run(c, t->is_host ? inventory_q_ctl_host_property : inventory_q_ctl_profile_property,
                t->about, "iss", t->id, name, value);
}

static int drop_one(struct ctl *c, const struct target *t, const char *name)
{
        int64_t before = c->changed;
        int code = ctl_run(c,
                t->is_host ? inventory_q_ctl_host_property_drop : inventory_q_ctl_profile_property_drop,
                t->about, "is", t->id, name);

        if (code == CTL_OK && c->changed == before)
                return ctl_fail(CTL_NOT_FOUND,
                        "%s has no property %s of its own: SELECT * FROM host_property shows whose it is",
                        t->about, name);
        return code;
}

/* The words after the name. */
static int change(struct ctl *c, const struct target *t, int argc, char **argv)
{
        int code = CTL_OK;

        for (int i = 0; i < argc && code == CTL_OK; i++) {
                const char *name = NULL;
                char *value;

                if (ctl_option(argc, argv, &i, "--unset", &name))
                        code = set_one(c, t, name, NULL);
                else if (ctl_option(argc, argv, &i, "--drop", &name))
                        code = drop_one(c, t, name);
                else if (ctl_split(argv[i], &value))
                        code = set_one(c, t, argv[i], value);
        }
        return code;
}

/* Everything is looked at before the first row is written. */
static int check(int argc, char **argv)
{
        for (int i = 0; i < argc; i++) {
                const char *name = "";

                if (ctl_option(argc, argv, &i, "--unset", &name) ||
                        ctl_option(argc, argv, &i, "--drop", &name)) {
                        if (!name)
                                return ctl_fail(CTL_USAGE,
                                        "--unset and --drop want the name of a property: pxectl set --help");
                } else if (strncmp(argv[i], "--", 2) == 0 || !strchr(argv[i], '=') || argv[i][0] == '=') {
                        return ctl_fail(CTL_USAGE, "%s is not PROPERTY=VALUE: pxectl set --help", argv[i]);
                }
        }
        return CTL_OK;
}

int cmd_set(struct ctl *c, int argc, char **argv)
{
        AUTO_BUF struct buf about = BUF_INIT;
        struct target t = { 0 };
        int code;

        if (argc < 3 || (strcmp(argv[0], "host") != 0 && strcmp(argv[0], "profile") != 0))
                return ctl_fail(
                        CTL_USAGE, "set wants host or profile, a name, and what to set: pxectl set --help");
        code = check(argc - 2, argv + 2);
        if (code != CTL_OK)
                return code;
        t.is_host = strcmp(argv[0], "host") == 0;
        buf_printf(&about, "%s %s", argv[0], argv[1]);
        if (buf_error(&about) < 0)
                return ctl_fail(CTL_FAILED, "out of memory");
        t.about = about.data;
        code = ctl_begin(c);
        if (code == CTL_OK)
                code = t.is_host ? ctl_find_host(c, argv[1], &t.id) : ctl_find_profile(c, argv[1], &t.id);
        if (code == CTL_OK)
                code = change(c, &t, argc - 2, argv + 2);
        return code == CTL_OK ? ctl_commit(c) : code;
}
