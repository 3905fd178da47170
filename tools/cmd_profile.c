/* SPDX-License-Identifier: MPL-2.0 */
/* cmd_profile -- pxectl profile add, profile list. */
#include "ctl.h"

#include "inventory_sql.h"

const char profile_add_usage[] = "usage: pxectl profile add NAME [--parent P]\n"
                                 "Makes a profile that inherits from P, or from default.\n"
                                 "The same in SQL:\n"
                                 "  INSERT INTO profile (name) VALUES ('rack7');\n";

const char profile_list_usage[] = "usage: pxectl profile list\n"
                                  "The profiles, their parents, builds, channels and number of hosts.\n"
                                  "The same in SQL:\n"
                                  "  SELECT * FROM profile;\n";

int cmd_profile_add(struct ctl *c, int argc, char **argv)
{
        const char *name = NULL, *parent = NULL;
        int64_t parent_id = 1;
        int code;

        for (int i = 0; i < argc; i++) {
                if (ctl_option(argc, argv, &i, "--parent", &parent)) {
                        if (!parent)
                                return ctl_fail(
                                        CTL_USAGE, "--parent wants a profile: pxectl profile add --help");
                } else if (argv[i][0] == '-' || name) {
                        return ctl_fail(
                                CTL_USAGE, "%s is one word too many: pxectl profile add --help", argv[i]);
                } else {
                        name = argv[i];
                }
        }
        if (!name)
                return ctl_fail(CTL_USAGE, "a profile needs a NAME: pxectl profile add --help");
        code = ctl_begin(c);
        if (code == CTL_OK && parent)
                code = ctl_find_profile(c, parent, &parent_id);
        if (code == CTL_OK)
                code = ctl_run(c, inventory_q_ctl_profile_add, name, "si", name, parent_id);
        return code == CTL_OK ? ctl_commit(c) : code;
}

int cmd_profile_list(struct ctl *c, int argc, char **argv)
{
        sqlite3_stmt *s = NULL;
        int code = argc > 0 ? ctl_fail(CTL_USAGE, "profile list takes no %s: pxectl profile list --help",
                                      argv[0])
                            : ctl_open(c);

        if (code == CTL_OK)
                code = ctl_prepare(c, &s, c->inventory, inventory_q_ctl_profile_list, "");
        return code == CTL_OK ? ctl_print_rows(c, s, "profiles") : code;
}
