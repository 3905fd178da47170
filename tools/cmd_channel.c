/* SPDX-License-Identifier: MPL-2.0 */
/* cmd_channel -- pxectl channel set, channel list. */
#include "ctl.h"

#include <stdlib.h>
#include <string.h>

#include "inventory_sql.h"

const char channel_set_usage[] = "usage: pxectl channel set NAME BUILD [--canary BUILD --percent N]\n"
                                 "Makes the channel, or gives it another build: every host that follows it\n"
                                 "boots that from now on. BUILD may be latest. With --canary, N percent of\n"
                                 "those hosts, always the same ones, boot that build instead.\n"
                                 "The same in SQL:\n"
                                 "  UPDATE channel SET build = '20241010T000000Z' WHERE name = 'stable';\n"
                                 "  UPDATE channel SET canary = '20241024T000000Z', canary_percent = 10\n"
                                 "    WHERE name = 'stable';\n";

const char channel_list_usage[] = "usage: pxectl channel list\n"
                                  "The channels, their builds and number of hosts.\n"
                                  "The same in SQL:\n"
                                  "  SELECT * FROM channel;\n";

int cmd_channel_set(struct ctl *c, int argc, char **argv)
{
        const char *words[2] = { NULL, NULL }, *canary = NULL, *percent = NULL;
        char *end = NULL;
        long n_percent;
        size_t n = 0;
        int code;

        for (int i = 0; i < argc; i++) {
                if (ctl_option(argc, argv, &i, "--canary", &canary) ||
                        ctl_option(argc, argv, &i, "--percent", &percent))
                        continue;
                if (argv[i][0] == '-' || n == 2)
                        return ctl_fail(
                                CTL_USAGE, "%s is one word too many: pxectl channel set --help", argv[i]);
                words[n++] = argv[i];
        }
        if (n != 2 || !canary != !percent)
                return ctl_fail(CTL_USAGE,
                        "a channel needs a NAME and a BUILD, a canary a build and a percentage: "
                        "pxectl channel set --help");
        n_percent = percent ? strtol(percent, &end, 10) : 0;
        if (percent && (end == percent || *end))
                return ctl_fail(CTL_USAGE, "--percent wants a number from 0 to 100, not %s", percent);
        code = ctl_begin(c);
        if (code == CTL_OK)
                code = ctl_run(c, inventory_q_ctl_channel, words[0], "ss", words[0],
                        strcmp(words[1], "latest") == 0 ? NULL : words[1]);
        if (code == CTL_OK && canary)
                code = ctl_run(c, inventory_q_ctl_channel_canary, words[0], "ssi", words[0], canary,
                        (int64_t)n_percent);
        if (code == CTL_OK)
                code = ctl_commit(c);
        if (code == CTL_OK && strcmp(words[1], "latest") != 0)
                ctl_note_build(c, words[1]);
        if (code == CTL_OK)
                ctl_note_build(c, canary);
        return code;
}

int cmd_channel_list(struct ctl *c, int argc, char **argv)
{
        sqlite3_stmt *s = NULL;
        int code = argc > 0 ? ctl_fail(CTL_USAGE, "channel list takes no %s: pxectl channel list --help",
                                      argv[0])
                            : ctl_open(c);

        if (code == CTL_OK)
                code = ctl_prepare(c, &s, c->inventory, inventory_q_ctl_channel_list, "");
        return code == CTL_OK ? ctl_print_rows(c, s, "channels") : code;
}
