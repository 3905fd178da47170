/* SPDX-License-Identifier: MPL-2.0 */
/* pxectl -- a convenience over the inventory.  Everything it does can be done with sqlite3: each command's
 * --help shows how.  This file finds the command in a table and runs it; each family of commands has a file
 * of its own. */
#include "ctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "version.h"

static const char usage[] = "usage: pxectl [-i INVENTORY] [-c CACHE] [--json] COMMAND ...\n"
                            "\n"
                            "  init                          make an inventory\n"
                            "  migrate [-n]                  one of an older schema becomes one of this\n"
                            "  host add NAME --mac MAC ...   enter a machine\n"
                            "  host list                     what each machine boots, and why\n"
                            "  host build NAME BUILD|CHANNEL what it boots from now on\n"
                            "  host enable|disable NAME      network, or its local disk\n"
                            "  host delete NAME              remove it\n"
                            "  host adopt MAC [NAME]         enter a machine that was seen\n"
                            "  nic add|set ...               further NICs, and networking.json\n"
                            "  seen                          who asked for a script and is not entered\n"
                            "  profile add NAME              what many machines share\n"
                            "  profile list\n"
                            "  set host|profile NAME ...     boot properties and kernel flags\n"
                            "  setting [KEY=VALUE ...]       how scripts look and behave\n"
                            "  module set HOST NAME FILE     a file for its /system/boot: answers.json, ...\n"
                            "  module list|delete ...\n"
                            "  channel set NAME BUILD        the build a group of machines boots\n"
                            "  channel list\n"
                            "  render MAC|HOSTNAME           the script that machine gets\n"
                            "  status [-x] [MOUNTPOINT]      is all well, and if not, what to do\n"
                            "  upgrade MOUNTPOINT            serve by the installed program, unnoticed\n"
                            "  builds                        the archives, and what became of each\n"
                            "  check ARCHIVE...              would pxefs accept it?\n"
                            "  verify [BUILD]                read all archives again and compare\n"
                            "  doctor [MOUNTPOINT]           is the mount as it should be? what mends it?\n"
                            "\n"
                            "  -i INVENTORY  default $PXEFS_INVENTORY, else /var/lib/pxefs/inventory.db\n"
                            "  -c CACHE      the daemon's cache directory; default $PXEFS_CACHE, else\n"
                            "                /var/cache/pxefs\n"
                            "  --json        one JSON document on standard output\n"
                            "\n"
                            "pxectl COMMAND --help tells more, and shows the same in SQL.\n"
                            "Exit status: 0 done, 1 failed, 2 wrong usage, 3 an archive is not good or\n"
                            "doctor found a fault, 4 not found.\n";

static const struct command commands[] = {
        { "init", NULL, cmd_init, init_usage },
        { "migrate", NULL, cmd_migrate, migrate_usage },
        { "host", "add", cmd_host_add, host_add_usage },
        { "host", "list", cmd_host_list, host_list_usage },
        { "host", "delete", cmd_host_delete, host_delete_usage },
        { "host", "enable", cmd_host_enable, host_enable_usage },
        { "host", "disable", cmd_host_disable, host_disable_usage },
        { "host", "build", cmd_host_build, host_build_usage },
        { "host", "adopt", cmd_host_adopt, host_adopt_usage },
        { "nic", "add", cmd_nic_add, nic_add_usage },
        { "nic", "set", cmd_nic_set, nic_set_usage },
        { "seen", NULL, cmd_seen, seen_usage },
        { "profile", "add", cmd_profile_add, profile_add_usage },
        { "profile", "list", cmd_profile_list, profile_list_usage },
        { "set", NULL, cmd_set, set_usage },
        { "setting", NULL, cmd_setting, setting_usage },
        { "module", "set", cmd_module_set, module_set_usage },
        { "module", "list", cmd_module_list, module_list_usage },
        { "module", "delete", cmd_module_delete, module_delete_usage },
        { "channel", "set", cmd_channel_set, channel_set_usage },
        { "channel", "list", cmd_channel_list, channel_list_usage },
        { "render", NULL, cmd_render, render_usage },
        { "status", NULL, cmd_status, status_usage },
        { "upgrade", NULL, cmd_upgrade, upgrade_usage },
        { "builds", NULL, cmd_builds, builds_usage },
        { "check", NULL, cmd_check, check_usage },
        { "verify", NULL, cmd_verify, verify_usage },
        { "doctor", NULL, cmd_doctor, doctor_usage },
};
#define N_COMMANDS (sizeof commands / sizeof commands[0])

/* The options before the command.  Returns the index of the command's first word, or a negative exit code
 * - 1. */
static int global_options(struct ctl *c, int argc, char **argv)
{
        int i = 1;

        for (; i < argc && argv[i][0] == '-'; i++) {
                const char *option = argv[i];

                if (strcmp(option, "--json") == 0) {
                        c->json = true;
                } else if (strcmp(option, "--help") == 0 || strcmp(option, "-h") == 0) {
                        fputs(usage, stdout);
                        return -CTL_OK - 1;
                } else if (strcmp(option, "--version") == 0) {
                        printf("pxectl %s\n", PXEFS_VERSION);
                        return -CTL_OK - 1;
                } else if (ctl_option(argc, argv, &i, "-i", &c->inventory) ||
                           ctl_option(argc, argv, &i, "-c", &c->cache)) {
                        if (!c->inventory || !c->cache)
                                return -ctl_fail(CTL_USAGE, "option %s wants an argument: pxectl --help",
                                               option) -
                                       1;
                } else {
                        return -ctl_fail(
                                       CTL_USAGE, "option %s is unknown: pxectl --help lists them", option) -
                               1;
                }
        }
        return i;
}

static const struct command *find(int argc, char **argv, bool *ret_family)
{
        *ret_family = false;
        for (size_t k = 0; k < N_COMMANDS; k++) {
                if (strcmp(commands[k].family, argv[0]) != 0)
                        continue;
                *ret_family = true;
                if (!commands[k].name || (argc > 1 && strcmp(commands[k].name, argv[1]) == 0))
                        return &commands[k];
        }
        return NULL;
}

/* `pxectl host --help`: all of the family. */
static int family_help(const char *family)
{
        for (size_t k = 0; k < N_COMMANDS; k++)
                if (strcmp(commands[k].family, family) == 0)
                        fputs(commands[k].usage, stdout);
        return CTL_OK;
}

static int run(struct ctl *c, int argc, char **argv)
{
        const struct command *k;
        bool family;
        int words;

        if (argc == 0)
                return ctl_fail(CTL_USAGE, "no command was given: pxectl --help lists them");
        k = find(argc, argv, &family);
        if (!k && family && argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
                return family_help(argv[0]);
        if (!k && family)
                return ctl_fail(CTL_USAGE,
                        "%s wants one of its commands after it: pxectl %s --help lists them", argv[0],
                        argv[0]);
        if (!k)
                return ctl_fail(CTL_USAGE, "command %s is unknown: pxectl --help lists them", argv[0]);
        words = k->name ? 2 : 1;
        for (int i = words; i < argc; i++)
                if (strcmp(argv[i], "--help") == 0) {
                        fputs(k->usage, stdout);
                        return CTL_OK;
                }
        return k->run(c, argc - words, argv + words);
}

int main(int argc, char **argv)
{
        const char *inventory = getenv("PXEFS_INVENTORY"), *cache = getenv("PXEFS_CACHE");
        struct ctl c = { .inventory = inventory && *inventory ? inventory : "/var/lib/pxefs/inventory.db",
                .cache = cache && *cache ? cache : "/var/cache/pxefs" };
        int first = global_options(&c, argc, argv), code;

        if (first < 0)
                return -first - 1;
        code = run(&c, argc - first, argv + first);
        sqlite3_close(c.db); /* rolls back what was not committed */
        return code;
}
