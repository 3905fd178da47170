/* SPDX-License-Identifier: MPL-2.0 */
/* cmd_init -- pxectl init: an inventory that the service can read in WAL mode.
 *
 * WAL keeps two files beside the database, and whoever reads must be able to make them: so the file and its
 * directory belong to the user the daemon runs as.  root's sqlite3 keeps that owner for the sidecars by
 * itself. The password hashes in it are nobody else's business: 0640 and 0750.
 */
#include "ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "inventory_sql.h"

const char init_usage[] = "usage: pxectl [-i INVENTORY] init [--user NAME]\n"
                          "Makes an inventory with its defaults, in WAL mode. It belongs to the user the\n"
                          "daemon runs as: NAME, else pxefs if there is such a user, else nobody; a\n"
                          "directory that is missing is made and belongs to it too. Never overwrites.\n"
                          "The same by hand (the schema is installed beside the documentation):\n"
                          "  install -d -o pxefs -m 0750 /var/lib/pxefs\n"
                          "  sqlite3 /var/lib/pxefs/inventory.db < schema/inventory.sql\n"
                          "  chown pxefs /var/lib/pxefs/inventory.db*\n";

struct owner {
        const char *name;
        uid_t uid;
        gid_t gid;
};

static int find_owner(const char *name, struct owner *ret)
{
        const struct passwd *pw = NULL;

        if (name)
                pw = getpwnam(name);
        else if (geteuid() != 0)
                pw = getpwuid(geteuid());
        else if (!(pw = getpwnam("pxefs")))
                pw = getpwnam("nobody");
        if (!pw)
                return ctl_fail(name ? CTL_NOT_FOUND : CTL_FAILED,
                        "user %s does not exist: adduser --system pxefs, or name another "
                        "with --user",
                        name ? name : "nobody");
        *ret = (struct owner) { name, pw->pw_uid, pw->pw_gid };
        if (geteuid() != 0 && geteuid() != pw->pw_uid)
                return ctl_fail(CTL_FAILED,
                        "only root can make an inventory for user %s: run pxectl init as root", name);
        return CTL_OK;
}

/* Makes the directories above the file that are missing; the last one is the owner's. */
static int make_directory(const char *path, const struct owner *o)
{
        AUTO_FREE char *dir = strdup(path);
        char *slash = dir ? strrchr(dir, '/') : NULL;
        struct stat st;

        if (!dir)
                return ctl_fail(CTL_FAILED, "out of memory");
        if (!slash || slash == dir)
                return CTL_OK;
        *slash = '\0';
        for (char *s = strchr(dir + 1, '/'); s; s = strchr(s + 1, '/')) {
                *s = '\0';
                if (mkdir(dir, 0755) < 0 && errno != EEXIST)
                        return ctl_fail(CTL_FAILED, "directory %s: %s", dir, strerror(errno));
                *s = '/';
        }
        if (mkdir(dir, 0750) == 0)
                return chown(dir, o->uid, o->gid) == 0
                               ? CTL_OK
                               : ctl_fail(CTL_FAILED, "directory %s: %s", dir, strerror(errno));
        if (errno != EEXIST || stat(dir, &st) < 0)
                return ctl_fail(CTL_FAILED, "directory %s: %s", dir, strerror(errno));
        if (st.st_uid != o->uid && !(st.st_mode & S_IWOTH))
                fprintf(stderr,
                        "pxectl: directory %s belongs to user %u: for WAL the daemon must be able to write "
                        "there: chown %u %s\n",
                        dir, (unsigned)st.st_uid, (unsigned)o->uid, dir);
        return CTL_OK;
}

static int fill(struct ctl *c)
{
        if (sqlite3_open_v2(c->inventory, &c->db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK ||
                sqlite3_exec(c->db, inventory_schema_sql, NULL, NULL, NULL) != SQLITE_OK)
                return ctl_sql_error(c, c->inventory);
        return CTL_OK;
}

int cmd_init(struct ctl *c, int argc, char **argv)
{
        AUTO_CLOSE int fd = -1;
        const char *user = NULL;
        struct owner o = { 0 };
        int code;

        for (int i = 0; i < argc; i++)
                if (!ctl_option(argc, argv, &i, "--user", &user) || !user)
                        return ctl_fail(CTL_USAGE, "init takes --user NAME only: pxectl init --help");
        code = find_owner(user, &o);
        if (code == CTL_OK)
                code = make_directory(c->inventory, &o);
        if (code != CTL_OK)
                return code;
        fd = open(c->inventory, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
        if (fd < 0 && errno == EEXIST)
                return ctl_fail(CTL_FAILED,
                        "%s is there already and stays as it is: name another with -i, or move it away",
                        c->inventory);
        if (fd < 0)
                return ctl_fail(CTL_FAILED, "inventory %s: %s", c->inventory, strerror(errno));
        if (fchown(fd, o.uid, o.gid) < 0)
                code = ctl_fail(CTL_FAILED, "inventory %s: chown: %s", c->inventory, strerror(errno));
        close(take_fd(&fd)); /* before SQLite opens it: closing a descriptor drops POSIX locks */
        if (code == CTL_OK)
                code = fill(c);
        if (code != CTL_OK)
                (void)unlink(c->inventory);
        else if (c->json)
                printf("{\"changed\": 1}\n");
        return code;
}
