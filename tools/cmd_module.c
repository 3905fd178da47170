/* SPDX-License-Identifier: MPL-2.0 */
/* cmd_module -- pxectl module: files that a host, or the hosts of a profile, find below /system/boot. */
#include "ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "inventory_sql.h"

#define CONTENT_MAX 65536 /* as the schema says; one byte more is read, so that it refuses */

const char module_set_usage[] = "usage: pxectl module set HOST|--profile P NAME FILE|--unset [--secret]\n"
                                "FILE becomes NAME below /system/boot of the booted machine: answers.json,\n"
                                "etc/system, etc/ppt_aliases, ... FILE - is standard input. 64 KiB at most.\n"
                                "--unset   takes away what would be inherited under that name\n"
                                "--secret  the file is never listed; answers.json never is\n"
                                "The same in SQL (profile and profile.name likewise):\n"
                                "  INSERT INTO module (host, name, content) VALUES\n"
                                "    ((SELECT id FROM host WHERE hostname = 'db1'), 'etc/system',\n"
                                "    readfile('system'))\n"
                                "    ON CONFLICT (host, name) DO UPDATE SET content = excluded.content;\n";

const char module_list_usage[] = "usage: pxectl module list\n"
                                 "Every module with whose it is, its size, and whether it is a secret.\n"
                                 "The same in SQL:\n"
                                 "  SELECT host, profile, name, length(content), secret FROM module;\n";

const char module_delete_usage[] = "usage: pxectl module delete HOST|--profile P NAME\n"
                                   "Forgets it: what is inherited under that name holds again.\n"
                                   "The same in SQL (profile and profile.name likewise):\n"
                                   "  DELETE FROM module WHERE name = 'etc/system'\n"
                                   "    AND host = (SELECT id FROM host WHERE hostname = 'db1');\n";

struct words {
        const char *profile, *plain[3]; /* in order: host (unless --profile), module, file */
        int n;
        bool unset, secret;
};

static int parse(int argc, char **argv, const char *command, struct words *ret)
{
        *ret = (struct words) { .n = 0 };
        for (int i = 0; i < argc; i++) {
                if (ctl_option(argc, argv, &i, "--profile", &ret->profile)) {
                        if (!ret->profile)
                                return ctl_fail(CTL_USAGE, "--profile wants a name: pxectl module %s --help",
                                        command);
                } else if (strcmp(argv[i], "--unset") == 0) {
                        ret->unset = true;
                } else if (strcmp(argv[i], "--secret") == 0) {
                        ret->secret = true;
                } else if ((argv[i][0] == '-' && argv[i][1]) || ret->n == 3) {
                        return ctl_fail(CTL_USAGE, "%s is one word too many: pxectl module %s --help",
                                argv[i], command);
                } else {
                        ret->plain[ret->n++] = argv[i];
                }
        }
        return CTL_OK;
}

/* Finds whose module it is, in the transaction. */
static int find_owner(struct ctl *c, const struct words *w, int64_t *ret)
{
        return w->profile ? ctl_find_profile(c, w->profile, ret) : ctl_find_host(c, w->plain[0], ret);
}

static int read_file(const char *name, struct buf *out)
{
        AUTO_CLOSE int file = strcmp(name, "-") == 0 ? dup(STDIN_FILENO) : open(name, O_RDONLY | O_CLOEXEC);
        char chunk[4096];
        ssize_t n = -1;

        while (file >= 0 && out->len <= CONTENT_MAX && (n = read(file, chunk, sizeof chunk)) > 0)
                buf_add(out, chunk, (size_t)n);
        if (file < 0 || n < 0)
                return ctl_fail(CTL_FAILED, "%s: %s", name, strerror(errno));
        return buf_error(out) < 0 ? ctl_fail(CTL_FAILED, "out of memory") : CTL_OK;
}

int cmd_module_set(struct ctl *c, int argc, char **argv)
{
        AUTO_BUF struct buf content = BUF_INIT;
        struct words w;
        const char *name;
        int64_t owner;
        int first, code = parse(argc, argv, "set", &w);

        if (code != CTL_OK)
                return code;
        first = w.profile ? 0 : 1;
        if (w.n != first + (w.unset ? 1 : 2))
                return ctl_fail(CTL_USAGE, "module set wants a host or --profile P, a name, and a file or "
                                           "--unset: pxectl module set "
                                           "--help");
        name = w.plain[first];
        if (!w.unset)
                code = read_file(w.plain[first + 1], &content);
        if (code == CTL_OK)
                code = ctl_begin(c);
        if (code == CTL_OK)
                code = find_owner(c, &w, &owner);
        if (code == CTL_OK)
                code = ctl_run(c, w.profile ? inventory_q_ctl_profile_module : inventory_q_ctl_host_module,
                        name, "isbi", owner, name, w.unset ? NULL : &content, (int64_t)w.secret);
        return code == CTL_OK ? ctl_commit(c) : code;
}

int cmd_module_list(struct ctl *c, int argc, char **argv)
{
        sqlite3_stmt *s = NULL;
        int code;

        if (argc > 0)
                return ctl_fail(CTL_USAGE, "%s is one word too many: pxectl module list --help", argv[0]);
        code = ctl_open(c);
        if (code == CTL_OK)
                code = ctl_prepare(c, &s, c->inventory, inventory_q_ctl_module_list, "");
        return code == CTL_OK ? ctl_print_rows(c, s, "modules") : code;
}

int cmd_module_delete(struct ctl *c, int argc, char **argv)
{
        struct words w;
        const char *name, *whose;
        int64_t owner, before;
        int first, code = parse(argc, argv, "delete", &w);

        if (code != CTL_OK)
                return code;
        first = w.profile ? 0 : 1;
        if (w.n != first + 1 || w.unset || w.secret)
                return ctl_fail(CTL_USAGE,
                        "module delete wants a host or --profile P, and a name: pxectl module delete --help");
        name = w.plain[first];
        whose = w.profile ? w.profile : w.plain[0];
        code = ctl_begin(c);
        if (code == CTL_OK)
                code = find_owner(c, &w, &owner);
        before = c->changed;
        if (code == CTL_OK)
                code = ctl_run(c,
                        w.profile ? inventory_q_ctl_profile_module_drop : inventory_q_ctl_host_module_drop,
                        name, "is", owner, name);
        if (code == CTL_OK && c->changed == before)
                return ctl_fail(CTL_NOT_FOUND,
                        "%s %s has no module %s of its own: pxectl module list shows whose it is",
                        w.profile ? "profile" : "host", whose, name);
        return code == CTL_OK ? ctl_commit(c) : code;
}
