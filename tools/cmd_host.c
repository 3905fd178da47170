/* SPDX-License-Identifier: MPL-2.0 */
/* cmd_host -- pxectl host add, host list. */
#include "ctl.h"

#include <string.h>

#include "inventory_sql.h"

#define NICS_MAX       32
#define PROPERTIES_MAX 64

const char host_add_usage[] = "usage: pxectl host add NAME --mac MAC [--mac MAC]... [--ip IP] [--uuid UUID]\n"
                              "                [--profile P] [--build BUILD | --channel C]\n"
                              "                [--set PROPERTY=VALUE]...\n"
                              "Enters a machine. MACs in any spelling; --ip goes to the first of them.\n"
                              "The same in SQL:\n"
                              "  INSERT INTO host (hostname) VALUES ('db1');\n"
                              "  INSERT INTO nic (host, mac) VALUES\n"
                              "    ((SELECT id FROM host WHERE hostname = 'db1'), '02:08:20:ab:cd:01');\n"
                              "  INSERT INTO property (host, name, value) VALUES\n"
                              "    ((SELECT id FROM host WHERE hostname = 'db1'), 'console', 'ttyb');\n";

const char host_list_usage[] = "usage: pxectl host list\n"
                               "One line a host: what it boots, which rule says so, its profile, NICs,\n"
                               "addresses and effective properties.\n"
                               "The same in SQL:\n"
                               "  SELECT * FROM host_boot;\n";

struct new_host {
        const char *name, *ip, *uuid, *profile, *build, *channel;
        const char *macs[NICS_MAX];
        size_t n_macs;
        char *properties[PROPERTIES_MAX]; /* "NAME=VALUE", checked to have both */
        size_t n_properties;
};

/* One option; CTL_OK, or what is wrong. */
static int host_option(struct new_host *h, int argc, char **argv, int *i)
{
        const struct {
                const char *name;
                const char **ret;
        } singles[] = { { "--ip", &h->ip }, { "--uuid", &h->uuid }, { "--profile", &h->profile },
                { "--build", &h->build }, { "--channel", &h->channel } };
        const char *option = argv[*i], *value = NULL;

        for (size_t k = 0; k < sizeof singles / sizeof singles[0]; k++)
                if (ctl_option(argc, argv, i, singles[k].name, &value)) {
                        *singles[k].ret = value;
                        return value ? CTL_OK
                                     : ctl_fail(CTL_USAGE, "%s wants an argument: pxectl host add --help",
                                               option);
                }
        if (ctl_option(argc, argv, i, "--mac", &value)) {
                if (!value || h->n_macs == NICS_MAX)
                        return ctl_fail(CTL_USAGE,
                                "--mac wants an address, %d times at most: pxectl host add --help", NICS_MAX);
                h->macs[h->n_macs++] = value;
                return CTL_OK;
        }
        if (ctl_option(argc, argv, i, "--set", &value)) {
                if (!value || !strchr(value, '=') || value[0] == '=' || h->n_properties == PROPERTIES_MAX)
                        return ctl_fail(CTL_USAGE,
                                "--set wants PROPERTY=VALUE, %d times at most: pxectl host add --help",
                                PROPERTIES_MAX);
                h->properties[h->n_properties++] =
                        strchr(option, '=') ? argv[*i] + strlen("--set=") : argv[*i];
                return CTL_OK;
        }
        return ctl_fail(CTL_USAGE, "option %s is unknown: pxectl host add --help", option);
}

static int parse(struct new_host *h, int argc, char **argv)
{
        for (int i = 0; i < argc; i++) {
                if (argv[i][0] != '-') {
                        if (h->name)
                                return ctl_fail(CTL_USAGE,
                                        "one host at a time, not %s and %s: pxectl host add --help", h->name,
                                        argv[i]);
                        h->name = argv[i];
                } else {
                        int code = host_option(h, argc, argv, &i);

                        if (code != CTL_OK)
                                return code;
                }
        }
        if (!h->name || h->n_macs == 0)
                return ctl_fail(
                        CTL_USAGE, "a host needs a NAME and at least one --mac: pxectl host add --help");
        if (h->build && h->channel)
                return ctl_fail(CTL_USAGE, "give --build or --channel, not both: pxectl host add --help");
        return CTL_OK;
}

static int insert_host(struct ctl *c, const struct new_host *h, const char *about, int64_t *ret_id)
{
        int64_t profile = 1, channel = 0;
        sqlite3_stmt *s = NULL;
        int code = h->profile ? ctl_find_profile(c, h->profile, &profile) : CTL_OK;

        if (code == CTL_OK && h->channel)
                code = ctl_find(c, inventory_q_ctl_channel_id, "channel", h->channel,
                        "pxectl channel list shows those there are", &channel);
        if (code == CTL_OK)
                code = ctl_prepare(
                        c, &s, about, inventory_q_ctl_host_add, "ssis", h->name, h->uuid, profile, h->build);
        if (code != CTL_OK)
                return code;
        if (channel) /* else it stays NULL */
                sqlite3_bind_int64(s, 5, channel);
        if (sqlite3_step(s) != SQLITE_DONE)
                code = ctl_sql_error(c, about);
        *ret_id = sqlite3_last_insert_rowid(c->db);
        c->changed++;
        sqlite3_finalize(s);
        return code;
}

int cmd_host_add(struct ctl *c, int argc, char **argv)
{
        struct new_host h = { 0 };
        AUTO_BUF struct buf about = BUF_INIT;
        int64_t id = 0;
        int code = parse(&h, argc, argv);

        if (code != CTL_OK)
                return code;
        buf_printf(&about, "host %s", h.name);
        if (buf_error(&about) < 0)
                return ctl_fail(CTL_FAILED, "out of memory");
        code = ctl_begin(c);
        if (code == CTL_OK)
                code = insert_host(c, &h, about.data, &id);
        for (size_t i = 0; i < h.n_macs && code == CTL_OK; i++)
                code = ctl_run(
                        c, inventory_q_ctl_nic_add, about.data, "iss", id, h.macs[i], i == 0 ? h.ip : NULL);
        for (size_t i = 0; i < h.n_properties && code == CTL_OK; i++) {
                char *value;

                ctl_split(h.properties[i], &value);
                code = ctl_run(
                        c, inventory_q_ctl_host_property, about.data, "iss", id, h.properties[i], value);
        }
        if (code == CTL_OK)
                code = ctl_commit(c);
        if (code == CTL_OK)
                ctl_note_build(c, h.build);
        return code;
}

int cmd_host_list(struct ctl *c, int argc, char **argv)
{
        sqlite3_stmt *s = NULL;
        int code = argc > 0 ? ctl_fail(CTL_USAGE, "host list takes no %s: pxectl host list --help", argv[0])
                            : ctl_open(c);

        if (code == CTL_OK)
                code = ctl_prepare(c, &s, c->inventory, inventory_q_ctl_host_list, "");
        return code == CTL_OK ? ctl_print_rows(c, s, "hosts") : code;
}
