/* SPDX-License-Identifier: MPL-2.0 */
/* cmd_hostedit -- pxectl host delete, enable, disable, build: each one line of SQL. */
#include "ctl.h"

#include <string.h>

#include "inventory_sql.h"

const char host_delete_usage[] = "usage: pxectl host delete NAME\n"
                                 "Removes a machine, with its NICs, properties and modules.\n"
                                 "The same in SQL:\n"
                                 "  DELETE FROM host WHERE hostname = 'db1';\n";

const char host_enable_usage[] = "usage: pxectl host enable NAME\n"
                                 "Boots the machine over the network again.\n"
                                 "The same in SQL:\n"
                                 "  UPDATE host SET enabled = 1 WHERE hostname = 'db1';\n";

const char host_disable_usage[] = "usage: pxectl host disable NAME\n"
                                  "Leaves the machine to its local disk.\n"
                                  "The same in SQL:\n"
                                  "  UPDATE host SET enabled = 0 WHERE hostname = 'db1';\n";

const char host_build_usage[] =
        "usage: pxectl host build NAME BUILD|CHANNEL|latest\n"
        "What the machine boots: one build, or whatever a channel names; with latest,\n"
        "what its profile says, else the newest.\n"
        "The same in SQL:\n"
        "  UPDATE host SET build = '20241010T000000Z', channel = NULL\n"
        "    WHERE hostname = 'db1';\n"
        "  UPDATE host SET build = NULL,\n"
        "    channel = (SELECT id FROM channel WHERE name = 'stable')\n"
        "    WHERE hostname = 'db1';\n";

/* Finds the host that argv[0] names and begins the transaction; *about is for messages. */
static int begin(struct ctl *c, const char *command, int want, int argc, char **argv, struct buf *about,
        int64_t *ret_id)
{
        int code;

        if (argc != want || argv[0][0] == '-')
                return ctl_fail(CTL_USAGE, "host %s wants %s: pxectl host %s --help", command,
                        want == 1 ? "the name of one host" : "the name of one host and a build or channel",
                        command);
        buf_printf(about, "host %s", argv[0]);
        if (buf_error(about) < 0)
                return ctl_fail(CTL_FAILED, "out of memory");
        code = ctl_begin(c);
        return code == CTL_OK ? ctl_find_host(c, argv[0], ret_id) : code;
}

int cmd_host_delete(struct ctl *c, int argc, char **argv)
{
        AUTO_BUF struct buf about = BUF_INIT;
        int64_t id = 0;
        int code = begin(c, "delete", 1, argc, argv, &about, &id);

        if (code == CTL_OK)
                code = ctl_run(c, inventory_q_ctl_host_delete, about.data, "i", id);
        return code == CTL_OK ? ctl_commit(c) : code;
}

static int set_enabled(struct ctl *c, const char *command, int64_t enabled, int argc, char **argv)
{
        AUTO_BUF struct buf about = BUF_INIT;
        int64_t id = 0;
        int code = begin(c, command, 1, argc, argv, &about, &id);

        if (code == CTL_OK)
                code = ctl_run(c, inventory_q_ctl_host_enabled, about.data, "ii", id, enabled);
        return code == CTL_OK ? ctl_commit(c) : code;
}

int cmd_host_enable(struct ctl *c, int argc, char **argv)
{
        return set_enabled(c, "enable", 1, argc, argv);
}

int cmd_host_disable(struct ctl *c, int argc, char **argv)
{
        return set_enabled(c, "disable", 0, argc, argv);
}

/* A channel's name is lower-case and a build's ends in Z, so no word can be both. */
static bool looks_like_build(const char *word)
{
        size_t n = strlen(word);

        return n > 0 && word[n - 1] == 'Z';
}

int cmd_host_build(struct ctl *c, int argc, char **argv)
{
        AUTO_BUF struct buf about = BUF_INIT;
        const char *build = NULL;
        int64_t id = 0, channel = 0;
        int code = begin(c, "build", 2, argc, argv, &about, &id);

        if (code == CTL_OK && looks_like_build(argv[1]))
                build = argv[1];
        else if (code == CTL_OK && strcmp(argv[1], "latest") != 0)
                code = ctl_find(c, inventory_q_ctl_channel_id, "channel", argv[1],
                        "pxectl channel list shows those there are; a build's name ends in Z", &channel);
        if (code == CTL_OK)
                code = ctl_run(c, inventory_q_ctl_host_build, about.data, "isi", id, build, channel);
        if (code == CTL_OK)
                code = ctl_commit(c);
        if (code == CTL_OK)
                ctl_note_build(c, build);
        return code;
}
