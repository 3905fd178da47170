/* SPDX-License-Identifier: MPL-2.0 */
/* cmd_seen -- pxectl seen, host adopt: machines that asked for a script before anybody entered them. */
#include "ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "inventory/plan/mac.h"
#include "inventory_sql.h"
#include "namespace/seen.h"

const char seen_usage[] = "usage: pxectl seen\n"
                          "Machines that asked for their script and are not in the inventory, the last one\n"
                          "first: pxectl host adopt enters one. Read from the daemon's cache directory\n"
                          "(-c), which has the last 1024 of them, a few seconds late.\n"
                          "This is observed, not configured; what is in the inventory is left out by\n"
                          "  SELECT host FROM nic WHERE mac = '02-08-20-00-00-01';\n";

const char host_adopt_usage[] =
        "usage: pxectl host adopt MAC [NAME] [--profile P] [--force]\n"
        "Enters a machine that pxectl seen shows. Without NAME it is called by its MAC,\n"
        "pxe-020820000001. --force: also one that was not seen.\n"
        "The same in SQL:\n"
        "  INSERT INTO host (hostname) VALUES ('db1');\n"
        "  INSERT INTO nic (host, mac) VALUES\n"
        "    ((SELECT id FROM host WHERE hostname = 'db1'), '02:08:20:00:00:01');\n";

/* *ret_n machines; an absent file is none. */
static int read_seen(const struct ctl *c, struct seen_machine **ret, size_t *ret_n)
{
        AUTO_CLOSE int fd = open(c->cache, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        AUTO_FREE struct seen_machine *v = calloc(SEEN_MAX, sizeof *v);
        int n;

        if (fd < 0)
                return ctl_fail(CTL_FAILED, "cache directory %s: %s: name the daemon's with -c", c->cache,
                        strerror(errno));
        n = v ? seen_read(fd, v) : -ENOMEM;
        if (n < 0 && n != -ENOENT)
                return ctl_fail(CTL_FAILED, "%s/seen: %s", c->cache, strerror(-n));
        *ret_n = n > 0 ? (size_t)n : 0;
        *ret = take_ptr(&v);
        return CTL_OK;
}

/* The host that has a NIC with this MAC, in *ret; 0: none. */
static int find_by_mac(struct ctl *c, const char *mac, int64_t *ret)
{
        sqlite3_stmt *s = NULL;
        int code = ctl_prepare(c, &s, mac, inventory_q_ctl_host_by_mac, "s", mac), rc;

        *ret = 0;
        if (code != CTL_OK)
                return code;
        rc = sqlite3_step(s);
        if (rc == SQLITE_ROW)
                *ret = sqlite3_column_int64(s, 0);
        else if (rc != SQLITE_DONE)
                code = ctl_sql_error(c, mac);
        sqlite3_finalize(s);
        return code;
}

static void put_time(struct buf *b, time_t sec)
{
        char text[32] = "?";
        struct tm tm;

        if (gmtime_r(&sec, &tm))
                (void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
        buf_puts(b, text);
}

static void put_machine(struct buf *b, bool json, bool first, const struct seen_machine *m, const char *mac)
{
        if (json) {
                buf_printf(b, "%s{\"count\": %llu, \"first\": \"", first ? "" : ",\n  ",
                        (unsigned long long)m->count);
                put_time(b, m->first_sec);
                buf_puts(b, "\", \"last\": \"");
                put_time(b, m->last_sec);
                buf_printf(b, "\", \"mac\": \"%s\"}", mac);
                return;
        }
        buf_printf(b, "%s  ", mac);
        put_time(b, m->last_sec);
        buf_puts(b, "  ");
        put_time(b, m->first_sec);
        buf_printf(b, "  %llu\n", (unsigned long long)m->count);
}

int cmd_seen(struct ctl *c, int argc, char **argv)
{
        AUTO_FREE struct seen_machine *v = NULL;
        AUTO_BUF struct buf out = BUF_INIT;
        bool first = true;
        size_t n = 0;
        int code;

        if (argc > 0)
                return ctl_fail(CTL_USAGE, "seen takes no %s: pxectl seen --help", argv[0]);
        code = read_seen(c, &v, &n);
        if (code == CTL_OK)
                code = ctl_open(c);
        buf_puts(&out, c->json ? "{\"seen\": ["
                               : "MAC                LAST                  FIRST                 COUNT\n");
        for (size_t i = 0; i < n && code == CTL_OK; i++) {
                char mac[MAC_TEXT_SIZE];
                int64_t host = 0;

                mac_format(v[i].mac, mac);
                code = find_by_mac(c, mac, &host);
                if (host)
                        continue;
                put_machine(&out, c->json, first, &v[i], mac);
                first = false;
        }
        buf_puts(&out, c->json ? "]}\n" : "");
        return code == CTL_OK ? ctl_write(&out) : code;
}

struct adoption {
        const char *name, *profile;
        char mac[MAC_TEXT_SIZE], by_mac[32]; /* the name it has without one */
        uint64_t number;
        bool force;
};

static int parse(struct adoption *a, int argc, char **argv)
{
        const char *mac = NULL;

        for (int i = 0; i < argc; i++) {
                if (ctl_option(argc, argv, &i, "--profile", &a->profile)) {
                        if (!a->profile)
                                return ctl_fail(
                                        CTL_USAGE, "--profile wants an argument: pxectl host adopt --help");
                } else if (strcmp(argv[i], "--force") == 0) {
                        a->force = true;
                } else if (argv[i][0] == '-' || (mac && a->name)) {
                        return ctl_fail(
                                CTL_USAGE, "%s is one word too many: pxectl host adopt --help", argv[i]);
                } else if (!mac) {
                        mac = argv[i];
                } else {
                        a->name = argv[i];
                }
        }
        if (!mac || mac_parse(mac, &a->number, NULL) < 0)
                return ctl_fail(CTL_USAGE, "host adopt wants a MAC address, for example 02:08:20:ab:cd:01: "
                                           "pxectl host adopt --help");
        mac_format(a->number, a->mac);
        (void)snprintf(a->by_mac, sizeof a->by_mac, "pxe-%012llx", (unsigned long long)a->number);
        if (!a->name)
                a->name = a->by_mac;
        return CTL_OK;
}

static int check_seen(const struct ctl *c, const struct adoption *a)
{
        AUTO_FREE struct seen_machine *v = NULL;
        size_t n = 0;
        int code = a->force ? CTL_OK : read_seen(c, &v, &n);

        if (a->force || code != CTL_OK)
                return code;
        for (size_t i = 0; i < n; i++)
                if (v[i].mac == a->number)
                        return CTL_OK;
        return ctl_fail(CTL_NOT_FOUND,
                "%s has not asked for a script: pxectl seen shows those that have; --force enters it all the "
                "same",
                a->mac);
}

int cmd_host_adopt(struct ctl *c, int argc, char **argv)
{
        struct adoption a = { 0 };
        int64_t profile = 1, host = 0;
        int code = parse(&a, argc, argv);

        if (code == CTL_OK)
                code = check_seen(c, &a);
        if (code == CTL_OK)
                code = ctl_begin(c);
        if (code == CTL_OK)
                code = find_by_mac(c, a.mac, &host);
        if (code == CTL_OK && host)
                return ctl_fail(CTL_FAILED,
                        "%s is in the inventory already: pxectl render %s --why shows whose it is", a.mac,
                        a.mac);
        if (code == CTL_OK && a.profile)
                code = ctl_find_profile(c, a.profile, &profile);
        if (code == CTL_OK)
                code = ctl_run(
                        c, inventory_q_ctl_host_add, a.name, "ssi", a.name, (const char *)NULL, profile);
        if (code == CTL_OK)
                code = ctl_run(c, inventory_q_ctl_nic_add, a.name, "iss", sqlite3_last_insert_rowid(c->db),
                        a.mac, (const char *)NULL);
        return code == CTL_OK ? ctl_commit(c) : code;
}
