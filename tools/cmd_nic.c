/* SPDX-License-Identifier: MPL-2.0 */
/* cmd_nic -- pxectl nic: further NICs of a machine, and what its networking.json says of each. */
#include "ctl.h"

#include <string.h>

#include "inventory/plan/mac.h"
#include "inventory_sql.h"

const char nic_add_usage[] = "usage: pxectl nic add HOST MAC [COLUMN=VALUE]...\n"
                             "Enters one more NIC of a machine; the columns are those of nic set.\n"
                             "The same in SQL:\n"
                             "  INSERT INTO nic (host, mac, ip, netmask, vlan, nic_tag) VALUES\n"
                             "    ((SELECT id FROM host WHERE hostname = 'db1'), '02:08:20:ab:cd:02',\n"
                             "    '198.51.100.7', '255.255.255.0', 100, 'external');\n";

const char nic_set_usage[] = "usage: pxectl nic set MAC COLUMN=VALUE...\n"
                             "Columns, all at once; an empty value takes away:\n"
                             "  ip=ADDRESS netmask=MASK gateway=ADDRESS vlan=N nic_tag=TAG   its address\n"
                             "  nic_tags_provided=TAG,TAG...   the networks this port leads to\n"
                             "  mtu=N   aggr=aggr0\n"
                             "All but ip become the machine's networking.json, which it gets if one port\n"
                             "provides the tag admin; DNS and routes: the tables network and route.\n"
                             "The same in SQL:\n"
                             "  UPDATE nic SET ip = '192.0.2.7', netmask = '255.255.255.0',\n"
                             "    nic_tag = 'admin', nic_tags_provided = 'admin,external'\n"
                             "    WHERE mac = '02-08-20-ab-cd-01';\n"
                             "  SELECT json FROM host_networking WHERE hostname = 'db1';\n";

/* In the order of the parameters of ctl_nic_set, from the third on; the second says which of them were given. */
static const char *const columns[] = { "ip", "netmask", "gateway", "vlan", "mtu", "nic_tag",
        "nic_tags_provided", "aggr" };
#define N_COLUMNS (sizeof columns / sizeof columns[0])

struct change {
        const char *value[N_COLUMNS]; /* NULL: to be taken away */
        int64_t given;                /* bit k: column k */
};

static int parse(int argc, char **argv, const char *command, struct change *ret)
{
        for (int i = 0; i < argc; i++) {
                char *value = NULL;
                size_t k = 0;

                if (!ctl_split(argv[i], &value))
                        return ctl_fail(
                                CTL_USAGE, "%s is not COLUMN=VALUE: pxectl nic %s --help", argv[i], command);
                while (k < N_COLUMNS && strcmp(columns[k], argv[i]) != 0)
                        k++;
                if (k == N_COLUMNS)
                        return ctl_fail(CTL_USAGE, "a NIC has no column %s to be set: pxectl nic set --help",
                                argv[i]);
                ret->value[k] = *value ? value : NULL;
                ret->given |= INT64_C(1) << k;
        }
        return CTL_OK;
}

/* In the transaction.  The canonical spelling is what the rows have. */
static int set(struct ctl *c, const char *mac, const struct change *w)
{
        char canonical[MAC_TEXT_SIZE];
        int64_t before = c->changed;
        uint64_t number;
        int code;

        if (mac_parse(mac, &number, NULL) < 0)
                return ctl_fail(CTL_USAGE, "%s is no MAC address, such as 02:08:20:ab:cd:01", mac);
        mac_format(number, canonical);
        code = ctl_run(c, inventory_q_ctl_nic_set, mac, "sissssssss", canonical, w->given, w->value[0],
                w->value[1], w->value[2], w->value[3], w->value[4], w->value[5], w->value[6], w->value[7]);
        if (code == CTL_OK && c->changed == before)
                return ctl_fail(
                        CTL_NOT_FOUND, "NIC %s does not exist: pxectl host list shows those there are", mac);
        return code;
}

int cmd_nic_add(struct ctl *c, int argc, char **argv)
{
        struct change w = { .given = 0 };
        int64_t host;
        int code = argc < 2 ? ctl_fail(CTL_USAGE, "nic add wants a host and a MAC: pxectl nic add --help")
                            : parse(argc - 2, argv + 2, "add", &w);

        if (code == CTL_OK)
                code = ctl_begin(c);
        if (code == CTL_OK)
                code = ctl_find_host(c, argv[0], &host);
        if (code == CTL_OK)
                code = ctl_run(c, inventory_q_ctl_nic_add, argv[1], "iss", host, argv[1], NULL);
        if (code == CTL_OK && w.given)
                code = set(c, argv[1], &w);
        return code == CTL_OK ? ctl_commit(c) : code;
}

int cmd_nic_set(struct ctl *c, int argc, char **argv)
{
        struct change w = { .given = 0 };
        int code = argc < 2
                           ? ctl_fail(CTL_USAGE, "nic set wants a MAC and what to set: pxectl nic set --help")
                           : parse(argc - 1, argv + 1, "set", &w);

        if (code == CTL_OK)
                code = ctl_begin(c);
        if (code == CTL_OK)
                code = set(c, argv[0], &w);
        return code == CTL_OK ? ctl_commit(c) : code;
}
