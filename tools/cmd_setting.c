/* SPDX-License-Identifier: MPL-2.0 */
/* cmd_setting -- pxectl setting: how scripts look and behave. */
#include "ctl.h"

#include <string.h>

#include "inventory_sql.h"

const char setting_usage[] = "usage: pxectl setting [--profile P] [KEY=VALUE]... [--drop KEY]...\n"
                             "Alone, lists all settings as they hold for P (or for default, that is\n"
                             "globally), with the layer that gave each. --drop forgets one: it is\n"
                             "inherited again, or built in.\n"
                             "The same in SQL:\n"
                             "  SELECT * FROM known_setting;\n"
                             "  INSERT INTO setting (profile, key, value) VALUES (1, 'menu_timeout', '10')\n"
                             "    ON CONFLICT (profile, key) DO UPDATE SET value = excluded.value;\n";

static int list(struct ctl *c, int64_t profile)
{
        sqlite3_stmt *s = NULL;
        int code = ctl_prepare(c, &s, c->inventory, inventory_q_ctl_setting_list, "i", profile);

        return code == CTL_OK ? ctl_print_rows(c, s, "settings") : code;
}

static int change(struct ctl *c, int64_t profile, int argc, char **argv)
{
        int code = CTL_OK;

        for (int i = 0; i < argc && code == CTL_OK; i++) {
                const char *word = NULL;
                char *value;

                if (ctl_option(argc, argv, &i, "--profile", &word))
                        continue;
                if (ctl_option(argc, argv, &i, "--drop", &word)) {
                        int64_t before = c->changed;

                        code = ctl_run(c, inventory_q_ctl_setting_drop, word, "is", profile, word);
                        if (code == CTL_OK && c->changed == before)
                                return ctl_fail(CTL_NOT_FOUND,
                                        "setting %s has no row there: pxectl setting shows which have", word);
                } else if (ctl_split(argv[i], &value)) {
                        code = ctl_run(c, inventory_q_ctl_setting, argv[i], "iss", profile, argv[i], value);
                }
        }
        return code;
}

int cmd_setting(struct ctl *c, int argc, char **argv)
{
        const char *profile = NULL, *word;
        int64_t id = 1;
        bool writes = false;
        int code;

        for (int i = 0; i < argc; i++) {
                word = "";
                if (ctl_option(argc, argv, &i, "--profile", &profile))
                        word = profile;
                else if (ctl_option(argc, argv, &i, "--drop", &word))
                        writes = true;
                else if (argv[i][0] != '-' && argv[i][0] != '=' && strchr(argv[i], '='))
                        writes = true;
                else
                        return ctl_fail(CTL_USAGE, "%s is not KEY=VALUE: pxectl setting --help", argv[i]);
                if (!word)
                        return ctl_fail(CTL_USAGE, "--profile and --drop want a name: pxectl setting --help");
        }
        code = writes ? ctl_begin(c) : ctl_open(c);
        if (code == CTL_OK && profile)
                code = ctl_find_profile(c, profile, &id);
        if (code != CTL_OK)
                return code;
        if (!writes)
                return list(c, id);
        code = change(c, id, argc, argv);
        return code == CTL_OK ? ctl_commit(c) : code;
}
