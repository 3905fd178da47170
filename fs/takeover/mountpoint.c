/* SPDX-License-Identifier: MPL-2.0 */
/* mountpoint -- see mountpoint.h.
 *
 * mount(2) is called here rather than by libfuse, so that the descriptor can be handed to a process that
 * may not mount, and to its successor.  Options as the kernel parses them (Linux fs/fuse/inode.c,
 * fuse_fs_parameters): without default_permissions, because that would cost a GETATTR for each directory on
 * the way (fuse_permission), and there is nothing to protect: everything is readable, nothing writable.
 */
#include "takeover/mountpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <dirent.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"

#define FS_TYPE   "fuse.pxefs"
#define DYING_MS  1500
#define ENDING_MS 1000

bool path_is_below(const char *path, const char *dir)
{
        size_t n = strlen(dir);

        if (strcmp(dir, "/") == 0)
                return true;
        return strncmp(path, dir, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

/* Decodes mountinfo's \040 and the like in place (proc(5)). */
static void unescape(char *s)
{
        char *out = s;

        for (; *s; s++) {
                if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' && s[3] >= '0' &&
                        s[3] <= '7') {
                        *out++ = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 + (s[3] - '0'));
                        s += 3;
                } else {
                        *out++ = *s;
                }
        }
        *out = '\0';
}

struct mounted {
        unsigned major, minor;
        char type[32];    /* "fuse.pxefs", "tmpfs", ...; cut */
        const char *path; /* in the line */
};

static bool is_ours(const struct mounted *m)
{
        return strcmp(m->type, FS_TYPE) == 0;
}

/* One line of mountinfo, which is taken apart: id, parent, major:minor, root, mount point, ... - type source options
 * (proc_pid_mountinfo(5)).  False: it is none. */
static bool parse_mounted(char *line, struct mounted *ret)
{
        const char *dash = strstr(line, " - "), *device = NULL;
        char *save = NULL, *field = strtok_r(line, " ", &save);

        for (unsigned i = 1; field && i < 5; i++) {
                field = strtok_r(NULL, " ", &save);
                if (i == 2)
                        device = field;
        }
        if (!field || !device || !dash || sscanf(dash + 3, "%31s", ret->type) != 1 ||
                sscanf(device, "%u:%u", &ret->major, &ret->minor) != 2)
                return false;
        unescape(field);
        ret->path = field;
        return true;
}

/* The mount that is on top at @path, without ret->path.  -ENOENT if nothing is mounted there. */
static int top_mount(const char *path, struct mounted *ret)
{
        FILE *f = fopen("/proc/self/mountinfo", "re");
        AUTO_FREE char *line = NULL;
        struct mounted m;
        size_t cap = 0;
        int r = -ENOENT;

        if (!f)
                return -errno;
        while (getline(&line, &cap, f) >= 0) {
                if (!parse_mounted(line, &m) || strcmp(m.path, path) != 0)
                        continue;
                *ret = m;
                ret->path = NULL;
                r = 0; /* the last line is the topmost */
        }
        (void)fclose(f);
        return r;
}

int mountpoint_find(const char *mountinfo, unsigned major, unsigned minor, char **ret_path)
{
        FILE *f = fopen(mountinfo, "re");
        AUTO_FREE char *line = NULL;
        struct mounted m;
        size_t cap = 0;
        int r = -ENOENT;

        if (!f)
                return -errno;
        while (r == -ENOENT && getline(&line, &cap, f) >= 0) {
                if (!parse_mounted(line, &m) || !is_ours(&m) || m.major != major || m.minor != minor)
                        continue;
                *ret_path = strdup(m.path);
                r = *ret_path ? 0 : -ENOMEM;
        }
        (void)fclose(f);
        return r;
}

/* Nobody answers any more; or the last who could has let go just now, while he was asked (Linux fs/fuse/dev.c,
 * fuse_abort_conn). */
static bool is_dead(int error)
{
        return error == ENOTCONN || error == ECONNABORTED;
}

/* realpath of a directory that may be a dead mount: its parent's, and its own name. */
static char *absolute(const char *dir)
{
        AUTO_FREE char *copy = strdup(dir), *parent = NULL;
        char *slash, *path = NULL;
        size_t n;

        if (!copy)
                return NULL;
        for (n = strlen(copy); n > 1 && copy[n - 1] == '/'; n--)
                copy[n - 1] = '\0';
        slash = strrchr(copy, '/');
        if (!slash)
                parent = realpath(".", NULL);
        else if (slash == copy)
                parent = strdup("");
        else {
                *slash = '\0';
                parent = realpath(copy, NULL);
        }
        if (!parent || asprintf(&path, "%s/%s", strcmp(parent, "/") == 0 ? "" : parent,
                               slash ? slash + 1 : copy) < 0)
                return NULL;
        return path;
}

/* Nobody answers for it; or not any more, a moment later: who killed a daemon and starts the next one is quicker than the
 * kernel, which ends one process after the other. */
static bool dies(const char *path)
{
        int64_t until_ms = clock_ms() + DYING_MS;
        struct stat st;

        while (stat(path, &st) == 0) {
                if (clock_ms() >= until_ms)
                        return false;
                (void)nanosleep(&(struct timespec) { .tv_nsec = 20000000 }, NULL);
        }
        return is_dead(errno);
}

static bool is_empty(const char *path)
{
        AUTO_CLOSEDIR DIR *d = opendir(path);
        const struct dirent *de;

        while (d && (de = readdir(d)))
                if (strcmp(de->d_name, ".") != 0 && strcmp(de->d_name, "..") != 0)
                        return false;
        return true;
}

/* Somebody in user space or far away answers for it, or nobody does. */
static bool may_not_answer(const char *type)
{
        static const char *const types[] = { "nfs", "nfs4", "cifs", "smb3", "ceph", "9p", "afs" };

        for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
                if (strcmp(type, types[i]) == 0)
                        return true;
        return strncmp(type, "fuse", 4) == 0;
}

/* Detaches what dead pxefs left there.  All else that is mounted stays; what might not answer is not even asked whether it
 * lives.  An empty volume, dataset, or directory that a container was given was put there for us.  An autofs is the trigger
 * that may have started us (fstab, x-systemd.automount). */
static int clear(const char *path, struct err *err)
{
        struct mounted m;

        while (top_mount(path, &m) == 0 && strcmp(m.type, "autofs") != 0) {
                if (!is_ours(&m) && !may_not_answer(m.type) && is_empty(path))
                        return 0;
                if (!is_ours(&m))
                        return err_set(err, -EBUSY,
                                "mount point %s: a filesystem of type %s is mounted there, and stays: choose "
                                "another directory, or umount %s first",
                                path, m.type, path);
                if (!dies(path))
                        return err_set(err, -EBUSY,
                                "mount point %s: a pxefs is mounted there already; umount %s first", path,
                                path);
                if (umount2(path, MNT_DETACH) < 0)
                        return err_sys(
                                err, -errno, "mount point %s: detach the mount a dead pxefs left", path);
                log_info("mount point %s: detached the mount that a dead pxefs left", path);
        }
        return 0;
}

int mountpoint_prepare(const char *dir, struct mountpoint *ret, struct err *err)
{
        AUTO_FREE char *path = realpath(dir, NULL);
        struct stat st;
        int r;

        if (!path && is_dead(errno))
                path = absolute(dir);
        if (!path && errno == ENOENT)
                return err_set(err, -ENOENT, "mount point %s does not exist: mkdir -p %s", dir, dir);
        if (!path)
                return err_sys(err, -errno, "mount point %s", dir);
        r = clear(path, err);
        if (r < 0)
                return r;
        if (stat(path, &st) < 0)
                return err_sys(err, -errno, "mount point %s", path);
        if (!S_ISDIR(st.st_mode))
                return err_set(err, -ENOTDIR, "mount point %s is not a directory", path);
        *ret = (struct mountpoint) { .path = take_ptr(&path), .gone_fd = -1 };
        return 0;
}

/* A watch of the root, which tells that the filesystem has ended, wherever it was mounted (IN_UNMOUNT).  To set it the kernel
 * walks to the root and asks whether it may be read, and that it knows without us as long as default_permissions is off
 * (fs/fuse/dir.c, fuse_permission). */
static int watch_end(const char *path)
{
        int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

        if (fd >= 0 && inotify_add_watch(fd, path, IN_DELETE_SELF | IN_ONLYDIR) < 0)
                close(take_fd(&fd));
        return fd;
}

int mountpoint_mount(struct mountpoint *m, int *ret_fd, struct err *err)
{
        AUTO_CLOSE int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
        struct mounted top;
        char options[128];
        int r;

        if (fd < 0 && (errno == ENOENT || errno == ENODEV || errno == ENXIO))
                return err_set(
                        err, -errno, "/dev/fuse is not there: modprobe fuse (in a container: hand it in)");
        if (fd < 0 && geteuid() != 0)
                return err_sys(
                        err, -errno, "open /dev/fuse: run pxefs as root (it drops its rights by itself)");
        if (fd < 0 && errno == EPERM)
                return err_sys(err, -errno,
                        "open /dev/fuse: in a container, allow the device (docker --device /dev/fuse, "
                        "systemd "
                        "DeviceAllow=)");
        if (fd < 0)
                return err_sys(err, -errno, "open /dev/fuse");
        if (!is_empty(m->path))
                log_warn("mount point %s is not empty: what is in it is hidden while pxefs is mounted",
                        m->path);
        (void)snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", fd);
        if (mount("pxefs", m->path, FS_TYPE, MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, options) < 0) {
                r = -errno;
                if (r == -EPERM)
                        return err_set(err, r,
                                "mount on %s: not permitted; run pxefs as root (it drops its rights by "
                                "itself)",
                                m->path);
                return err_sys(err, r, "mount on %s", m->path);
        }
        r = top_mount(m->path, &top);
        if (r < 0) {
                (void)umount2(m->path, MNT_DETACH);
                return err_sys(err, r, "find the mount on %s in /proc/self/mountinfo", m->path);
        }
        m->major = top.major;
        m->minor = top.minor;
        m->gone_fd = watch_end(m->path);
        *ret_fd = take_fd(&fd);
        return 0;
}

void mountpoint_read_ahead(const struct mountpoint *m, unsigned kib)
{
        char path[96], text[16];
        int fd;

        (void)snprintf(path, sizeof path, "/sys/class/bdi/%u:%u/read_ahead_kb", m->major, m->minor);
        fd = open(path, O_WRONLY | O_CLOEXEC);
        if (fd < 0)
                return;
        (void)snprintf(text, sizeof text, "%u", kib);
        if (write(fd, text, strlen(text)) < 0)
                log_info("%s: %s: the kernel reads ahead less than it could", path, strerror(errno));
        close(fd);
}

uint64_t mountpoint_dev(const char *path)
{
        struct mounted top;

        return top_mount(path, &top) == 0 && is_ours(&top) ? makedev(top.major, top.minor) : 0;
}

static bool is_mounted(const struct mountpoint *m)
{
        struct mounted top;

        return top_mount(m->path, &top) == 0 && is_ours(&top) && top.major == m->major &&
               top.minor == m->minor;
}

/* With MNT_FORCE the kernel ends the connection at once (fs/fuse/inode.c, fuse_umount_begin), also when a worker that
 * cannot be killed still has the descriptor. */
void mountpoint_unmount(const struct mountpoint *m)
{
        if (is_mounted(m))
                (void)umount2(m->path, MNT_FORCE | MNT_DETACH);
}

/* The kernel tells it a moment after the error on /dev/fuse (fs/fuse/inode.c, fuse_kill_sb_anon: the connection ends, then
 * generic_shutdown_super).  Until then our device number is nobody else's. */
static bool has_ended(const struct mountpoint *m)
{
        struct pollfd fd = { .fd = m->gone_fd, .events = POLLIN };

        return m->gone_fd < 0 || poll(&fd, 1, ENDING_MS) != 0;
}

bool mountpoint_detach_dead(const struct mountpoint *m)
{
        return is_mounted(m) && !has_ended(m) && is_mounted(m) && umount2(m->path, MNT_DETACH) == 0;
}

void mountpoint_fini(struct mountpoint *m)
{
        cleanup_close(&m->gone_fd);
        m->gone_fd = -1;
        free(m->path);
        m->path = NULL;
}
