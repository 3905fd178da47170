/* SPDX-License-Identifier: MPL-2.0 */
/* doctor_gather -- see doctor.h.
 *
 * The running pxefs is found in /proc by its command line, which is read with the daemon's own parser; so the doctor looks
 * at the inventory, cache and builds that are really in use.
 */
#include "doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/utsname.h>
#include <time.h>

#include "daemon/options.h"
#include "doctor_proc.h"
#include "doctor_touch.h"
#include "inventory/store/conn.h"
#include "inventory/store/schema_id.h"

#define WAIT_MS 5000

static void copy(char *to, size_t size, const char *from)
{
        (void)snprintf(to, size, "%s", from ? from : "");
}

static void user_name(uid_t uid, char *ret, size_t size)
{
        const struct passwd *pw = getpwuid(uid);

        if (pw)
                copy(ret, size, pw->pw_name);
        else
                (void)snprintf(ret, size, "%u", uid);
}

/* Absolute, without asking for the last component itself: it may be a mount that does not answer. */
static void absolute(const char *path, char ret[PATH_MAX])
{
        AUTO_FREE char *copied = strdup(path), *parent = NULL;
        char *slash;

        copy(ret, PATH_MAX, path);
        if (!copied)
                return;
        for (size_t n = strlen(copied); n > 1 && copied[n - 1] == '/'; n--)
                copied[n - 1] = '\0';
        slash = strrchr(copied, '/');
        if (slash)
                *slash = '\0';
        parent = realpath(slash ? (slash == copied ? "/" : copied) : ".", NULL);
        if (parent)
                (void)snprintf(ret, PATH_MAX, "%s/%s", strcmp(parent, "/") == 0 ? "" : parent,
                        slash ? slash + 1 : copied);
}

/* ---- the daemon ---------------------------------------------------------------------------------------------------- */

struct daemon {
        struct doctor_facts *f;
        struct options o; /* of its command line */
        pid_t pid;        /* of the keeper */
        bool found;       /* a worker's options */
};

/* The options of process @pid, if it is a pxefs for our mount point. */
static bool its_options(pid_t pid, const char *mountpoint, struct options *ret)
{
        AUTO_BUF struct buf line = BUF_INIT;
        char path[64], place[PATH_MAX], *argv[256];
        int argc = 0;

        (void)snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
        if (proc_read(path, &line) < 0 || line.len == 0)
                return false;
        for (size_t at = 0; at < line.len && argc < 255; at += strlen(line.data + at) + 1)
                argv[argc++] = line.data + at;
        argv[argc] = NULL;
        optind = 0; /* glibc: begin anew */
        if (options_parse(argc, argv, ret, NULL) == 0 && ret->mountpoint) {
                absolute(ret->mountpoint, place);
                if (strcmp(place, mountpoint) == 0)
                        return true;
        }
        options_fini(ret);
        return false;
}

static bool is_child(pid_t pid, pid_t parent)
{
        char text[32];

        return proc_status(pid, "PPid", text, sizeof text) == 0 && (pid_t)strtol(text, NULL, 10) == parent;
}

/* A worker's command line has absolute paths; the keeper's is as it was given, to a process that has left that directory. */
static bool take_worker_options(pid_t pid, void *ctx)
{
        struct daemon *d = ctx;

        d->found = is_child(pid, d->pid) && its_options(pid, d->f->mountpoint, &d->o);
        return !d->found;
}

static bool find_keeper(pid_t pid, void *ctx)
{
        struct daemon *d = ctx;
        char comm[32], parent[32], parent_comm[32];

        proc_comm(pid, comm, sizeof comm);
        if (strcmp(comm, "pxefs") != 0 || proc_status(pid, "PPid", parent, sizeof parent) < 0)
                return true;
        proc_comm((pid_t)strtol(parent, NULL, 10), parent_comm, sizeof parent_comm);
        if (strcmp(parent_comm, "pxefs") == 0)
                return true;
        d->pid = pid;
        proc_each(take_worker_options, d);
        if (d->found || its_options(pid, d->f->mountpoint, &d->o))
                return false;
        d->pid = 0;
        return true;
}

static bool find_worker(pid_t pid, void *ctx)
{
        struct daemon *d = ctx;

        if (!is_child(pid, d->pid))
                return true;
        d->f->worker = pid;
        return false;
}

static bool empty_set(pid_t pid, const char *key)
{
        char value[64];

        return proc_status(pid, key, value, sizeof value) == 0 && strspn(value, "0") == strlen(value);
}

static void look_at_worker(struct doctor_facts *f)
{
        AUTO_BUF struct buf limits = BUF_INIT;
        char value[64], path[64];
        const char *line;

        f->worker_uid = proc_uid(f->worker);
        user_name(f->worker_uid, f->worker_user, sizeof f->worker_user);
        f->worker_no_caps = empty_set(f->worker, "CapEff") && empty_set(f->worker, "CapPrm") &&
                            empty_set(f->worker, "CapInh") && empty_set(f->worker, "CapBnd") &&
                            empty_set(f->worker, "CapAmb");
        f->worker_no_new_privs =
                proc_status(f->worker, "NoNewPrivs", value, sizeof value) == 0 && value[0] == '1';
        f->worker_seccomp = proc_status(f->worker, "Seccomp", value, sizeof value) == 0 ? atoi(value) : 0;
        (void)snprintf(path, sizeof path, "/proc/%d/limits", (int)f->worker);
        if (proc_read(path, &limits) == 0 && limits.data && (line = strstr(limits.data, "Max open files")))
                (void)sscanf(line + strlen("Max open files"), "%ld", &f->worker_nofile);
}

/* "0::/system.slice/pxefs.service" */
static void find_unit(struct doctor_facts *f)
{
        AUTO_BUF struct buf text = BUF_INIT;
        char path[64], *dot, *slash;

        (void)snprintf(path, sizeof path, "/proc/%d/cgroup", (int)f->keeper);
        if (proc_read(path, &text) < 0 || !text.data || !(dot = strstr(text.data, ".service")))
                return;
        dot[strlen(".service")] = '\0';
        slash = strrchr(text.data, '/');
        if (slash && strchr(slash, '.') == dot)
                copy(f->unit, sizeof f->unit, slash + 1);
}

/* ---- files --------------------------------------------------------------------------------------------------------- */

static void network_fs(const char *path, char *ret, size_t size)
{
        static const struct {
                unsigned magic; /* statfs(2) */
                const char *name;
        } known[] = { { 0x6969, "NFS" }, { 0xff534d42, "CIFS" }, { 0xfe534d42, "SMB" }, { 0x517b, "SMB" },
                { 0x01021997, "9p" }, { 0x00c36400, "Ceph" }, { 0x5346414f, "AFS" }, { 0x01161970, "GFS2" },
                { 0x7461636f, "OCFS2" }, { 0x65735546, "FUSE" } };
        struct statfs st;

        if (statfs(path, &st) < 0)
                return;
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
                if ((unsigned)st.f_type == known[i].magic)
                        copy(ret, size, known[i].name);
}

static int get(sqlite3 *db, const char *sql, char *ret, size_t size)
{
        sqlite3_stmt *s = NULL;
        int rc = sqlite3_prepare_v2(db, sql, -1, &s, NULL);

        if (rc == SQLITE_OK) {
                rc = sqlite3_step(s);
                if (rc == SQLITE_ROW)
                        copy(ret, size, (const char *)sqlite3_column_text(s, 0));
        }
        sqlite3_finalize(s);
        return rc == SQLITE_ROW ? 0 : -1;
}

static void look_into_inventory(struct doctor_facts *f)
{
        char value[sizeof f->inventory_broken] = "";
        sqlite3 *db = NULL;

        f->inventory_wal = '?';
        f->known_version = SCHEMA_VERSION;
        if (sqlite3_open_v2(f->inventory, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
                sqlite3_busy_timeout(db, 2000) == SQLITE_OK &&
                get(db, "PRAGMA quick_check(1)", value, sizeof value) == 0) {
                if (strcmp(value, "ok") != 0)
                        (void)snprintf(
                                f->inventory_broken, sizeof f->inventory_broken, "damaged: %.200s", value);
                if (schema_id(db, f->inventory, &f->inventory_version, NULL) < 0 && f->inventory_version >= SCHEMA_OLDEST &&
                        f->inventory_version <= f->known_version)
                        copy(f->inventory_broken, sizeof f->inventory_broken, "another program's database");
                if (get(db, "PRAGMA journal_mode", value, sizeof value) == 0)
                        f->inventory_wal = strcmp(value, "wal") == 0 ? 'y' : 'n';
        } else {
                copy(f->inventory_broken, sizeof f->inventory_broken,
                        db ? sqlite3_errmsg(db) : "out of memory");
        }
        sqlite3_close(db);
}

static void look_at_inventory(struct doctor_facts *f)
{
        AUTO_FREE char *real = realpath(f->inventory, NULL), *dir = NULL;
        struct stat st, dst;

        if (!real || stat(real, &st) < 0) {
                f->inventory_errno = errno;
                return;
        }
        if (lstat(f->inventory, &dst) == 0 && S_ISLNK(dst.st_mode))
                copy(f->inventory_link, sizeof f->inventory_link, real);
        dir = strdup(real);
        if (!dir)
                return;
        *(strrchr(dir, '/') + (strrchr(dir, '/') == dir)) = '\0';
        f->inventory_uid = st.st_uid;
        f->inventory_mode = st.st_mode;
        f->inventory_dir_uid = stat(dir, &dst) == 0 ? dst.st_uid : st.st_uid;
        /* who cannot search the directory cannot read it, whatever its mode */
        if (stat(dir, &dst) == 0 && !(dst.st_mode & 001))
                f->inventory_mode &= (mode_t)~007;
        network_fs(real, f->inventory_fs, sizeof f->inventory_fs);
        look_into_inventory(f);
}

static void look_at_cache(struct doctor_facts *f)
{
        struct stat st;
        struct statfs fs;

        if (stat(f->cache, &st) < 0) {
                f->cache_errno = errno;
                return;
        }
        f->cache_uid = st.st_uid;
        if (statfs(f->cache, &fs) == 0)
                f->cache_free_bytes = (int64_t)fs.f_bavail * (int64_t)fs.f_bsize;
        network_fs(f->cache, f->cache_fs, sizeof f->cache_fs);
}

/* ---- servers ------------------------------------------------------------------------------------------------------- */

static bool is_server(const char *comm)
{
        static const char *const names[] = { "in.tftpd", "atftpd", "tftpd", "opentftpd", "dnsmasq", "nginx",
                "apache2", "httpd", "lighttpd", "caddy", "darkhttpd", "h2o" };

        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
                if (strcmp(comm, names[i]) == 0)
                        return true;
        return false;
}

/* in.tftpd serves as --user, from a child for each transfer; the process that waits is root. */
static uid_t serving_uid(pid_t pid, const char *comm)
{
        AUTO_BUF struct buf line = BUF_INIT;
        const struct passwd *pw;
        const char *user = NULL;
        char path[64];
        uid_t uid = proc_uid(pid);

        if (uid != 0 || strcmp(comm, "in.tftpd") != 0)
                return uid;
        (void)snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
        if (proc_read(path, &line) < 0)
                return uid;
        for (size_t at = 0; at < line.len; at += strlen(line.data + at) + 1) {
                const char *word = line.data + at, *next = word + strlen(word) + 1;

                if ((strcmp(word, "--user") == 0 || strcmp(word, "-u") == 0) && next < line.data + line.len)
                        user = next;
                else if (strncmp(word, "--user=", 7) == 0)
                        user = word + 7;
        }
        pw = getpwnam(user ? user : "nobody"); /* its default */
        return pw ? pw->pw_uid : uid;
}

static void find_confinement(pid_t pid, char *ret, size_t size)
{
        static const char *const files[] = { "apparmor/current", "current" };

        for (size_t i = 0; i < 2 && !ret[0]; i++) {
                AUTO_BUF struct buf text = BUF_INIT;
                char path[64];

                (void)snprintf(path, sizeof path, "/proc/%d/attr/%s", (int)pid, files[i]);
                if (proc_read(path, &text) < 0 || !text.data)
                        continue;
                text.data[strcspn(text.data, "\n")] = '\0';
                if (strstr(text.data, "(enforce)"))
                        (void)snprintf(
                                ret, size, "AppArmor profile %.*s", (int)strcspn(text.data, " "), text.data);
                else if (strstr(text.data, ":s0") && !strstr(text.data, "unconfined_"))
                        (void)snprintf(ret, size, "SELinux as %.80s", text.data);
        }
}

static bool add_server(pid_t pid, void *ctx)
{
        struct doctor_facts *f = ctx;
        struct doctor_server v = { .pid = pid };
        char options[512], path[PATH_MAX + 16];

        proc_comm(pid, v.program, sizeof v.program);
        if (!is_server(v.program))
                return true;
        v.uid = serving_uid(pid, v.program);
        for (size_t i = 0; i < f->n_servers; i++)
                if (strcmp(f->servers[i].program, v.program) == 0 &&
                        proc_same_mounts(pid, f->servers[i].pid)) {
                        /* one of each is enough, and the one without root's rights is the one that serves */
                        if (f->servers[i].uid != 0 || v.uid == 0)
                                return true;
                        f->servers[i] = f->servers[--f->n_servers];
                        break;
                }
        user_name(v.uid, v.user, sizeof v.user);
        v.sees_mount = proc_pxefs_at(pid, f->mountpoint, options, sizeof options);
        v.own_namespace = f->keeper && !proc_same_mounts(pid, f->keeper);
        if (v.sees_mount) {
                (void)snprintf(path, sizeof path, "%s/menu.ipxe", f->mountpoint);
                v.reads = doctor_touch(path, pid, v.uid, WAIT_MS, &v.reads_errno);
        }
        find_confinement(pid, v.confined, sizeof v.confined);
        f->servers[f->n_servers++] = v;
        return f->n_servers < DOCTOR_MAX_SERVERS;
}

/* ---- all ----------------------------------------------------------------------------------------------------------- */

static void look_at_machine(struct doctor_facts *f)
{
        AUTO_BUF struct buf text = BUF_INIT;
        struct utsname u;
        int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

        f->dev_fuse_errno = fd < 0 ? errno : 0;
        if (fd >= 0)
                close(fd);
        f->fuse_known =
                proc_read("/proc/filesystems", &text) == 0 && text.data && strstr(text.data, "\tfuse\n");
        if (uname(&u) == 0)
                (void)sscanf(u.release, "%d.%d", &f->kernel_major, &f->kernel_minor);
        f->max_pages_limit = proc_number("/proc/sys/fs/fuse/max_pages_limit");
        f->default_request_timeout = proc_number("/proc/sys/fs/fuse/default_request_timeout");
        f->max_request_timeout = proc_number("/proc/sys/fs/fuse/max_request_timeout");
        f->inotify_watches = proc_number("/proc/sys/fs/inotify/max_user_watches");
        f->inotify_instances = proc_number("/proc/sys/fs/inotify/max_user_instances");
        f->now_sec = time(NULL);
}

/* "static_absent": 2, "static_absent_first": [
 *    "/srv/tftp/boot.ipxe: it leads ...", ...  (render/status/status.c; before anything that may be long) */
static void look_at_absent(struct doctor_facts *f, const char *status)
{
        const char *at = strstr(status, "\"static_absent\": ");
        char *text = f->static_absent_first;
        size_t n = 0;

        if (!at)
                return;
        f->static_absent = atol(at + strlen("\"static_absent\": "));
        at = f->static_absent > 0 ? strstr(at, "[\n    \"") : NULL;
        if (!at)
                return;
        for (at += strlen("[\n    \""); *at && *at != '"' && n + 1 < sizeof f->static_absent_first; at++)
                if (*at != '\\')
                        text[n++] = *at;
        text[n] = '\0';
}

/* A text value of the "sandbox" line of status.json, which the daemon writes on one line. */
static void json_text(const char *line, const char *key, char *ret, size_t size)
{
        char pattern[64];
        const char *at;
        size_t n = 0;

        (void)snprintf(pattern, sizeof pattern, "\"%s\": \"", key);
        at = strstr(line, pattern);
        if (!at)
                return;
        for (at += strlen(pattern); *at && *at != '"' && n + 1 < size; at++)
                if (*at != '\\')
                        ret[n++] = *at;
        ret[n] = '\0';
}

static void look_at_mount(struct doctor_facts *f)
{
        char options[512], path[PATH_MAX + 32], status[8192] = "";
        const char *line, *abi;

        f->mounted = proc_pxefs_at(getpid(), f->mountpoint, options, sizeof options);
        f->allow_other = f->mounted && strstr(options, "allow_other");
        f->read_only = f->mounted && strncmp(options, "ro", 2) == 0;
        if (!f->mounted)
                return;
        (void)snprintf(path, sizeof path, "%s/menu.ipxe", f->mountpoint);
        f->answers = doctor_touch(path, 0, (uid_t)-1, WAIT_MS, &f->answers_errno);
        if (f->answers != TOUCH_OK)
                return;
        (void)snprintf(path, sizeof path, "%s/.pxefs/status.json", f->mountpoint);
        if (doctor_read(path, WAIT_MS, status, sizeof status) != TOUCH_OK)
                return;
        look_at_absent(f, status);
        line = strstr(status, "\"sandbox\": {");
        if (!line)
                return;
        abi = strstr(line, "\"landlock_abi\": ");
        if (abi)
                f->landlock_abi = atoi(abi + strlen("\"landlock_abi\": "));
        json_text(line, "landlock_missing", f->landlock_missing, sizeof f->landlock_missing);
        json_text(line, "seccomp_missing", f->seccomp_missing, sizeof f->seccomp_missing);
}

void doctor_gather(const char *mountpoint, const char *inventory, const char *cache, struct doctor_facts *ret)
{
        struct doctor_facts *f = ret;
        struct daemon d = { .f = f };

        *f = (struct doctor_facts) { .root = geteuid() == 0,
                .landlock_abi = DOCTOR_UNKNOWN,
                .static_absent = DOCTOR_UNKNOWN,
                .worker_nofile = DOCTOR_UNKNOWN };
        absolute(mountpoint, f->mountpoint);
        look_at_machine(f);
        look_at_mount(f);
        proc_each(find_keeper, &d);
        copy(f->inventory, sizeof f->inventory, inventory);
        copy(f->cache, sizeof f->cache, cache);
        if (d.pid) {
                f->keeper = d.pid;
                f->keeper_own_namespace = !proc_same_mounts(d.pid, 1);
                find_unit(f);
                proc_each(find_worker, &d);
                if (f->worker)
                        look_at_worker(f);
                copy(f->cache, sizeof f->cache, d.o.cache_dir);
                copy(f->inventory, sizeof f->inventory,
                        d.o.inventory                                             ? d.o.inventory
                        : access(DEFAULT_INVENTORY, F_OK) == 0 || errno != ENOENT ? DEFAULT_INVENTORY
                                                                                  : "");
                copy(f->builds, sizeof f->builds, d.o.builds_dir);
                if (f->worker)
                        f->builds_read =
                                doctor_touch(f->builds, f->keeper, f->worker_uid, WAIT_MS, &f->builds_errno);
                options_fini(&d.o);
        }
        if (f->inventory[0])
                look_at_inventory(f);
        look_at_cache(f);
        if (f->mounted && f->answers != TOUCH_HANGS)
                proc_each(add_server, f);
}
