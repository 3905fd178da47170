/* SPDX-License-Identifier: MPL-2.0 */
/* mountpoint -- see mountpoint.h.
 *
 * mount(2) is called here rather than by libfuse, so that the descriptor can be handed to a process that
 * may not mount, and to its successor.  Options as the kernel parses them (Linux fs/fuse/inode.c,
 * fuse_fs_parameters): without default_permissions, because that would cost a GETATTR for each directory on
 * the way (fuse_permission), and there is nothing to protect: everything is readable, nothing writable.
 */
#include "mount/mountpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <dirent.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"

#define FS_TYPE "fuse.pxefs"

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

/* The mount that is on top at @path: its device and whether it is a pxefs.  -ENOENT if nothing is mounted
 * there. */
static int top_mount(const char *path, unsigned *ret_major, unsigned *ret_minor, bool *ret_pxefs)
{
        FILE *f = fopen("/proc/self/mountinfo", "re");
        AUTO_FREE char *line = NULL;
        size_t cap = 0;
        int r = -ENOENT;

        if (!f)
                return -errno;
        while (getline(&line, &cap, f) >= 0) {
                const char *dash = strstr(line, " - "), *device = NULL;
                char *save = NULL, *field = strtok_r(line, " ", &save);

                /* id, parent, major:minor, root, mount point, ... - type source options
                 * (proc_pid_mountinfo(5)) */
                bool is_pxefs = dash && strncmp(dash + 3, FS_TYPE " ", sizeof FS_TYPE) == 0;

                for (unsigned i = 1; field && i < 5; i++) {
                        field = strtok_r(NULL, " ", &save);
                        if (i == 2)
                                device = field;
                }
                if (!field || !device)
                        continue;
                unescape(field);
                if (strcmp(field, path) != 0 || sscanf(device, "%u:%u", ret_major, ret_minor) != 2)
                        continue;
                *ret_pxefs = is_pxefs;
                r = 0; /* the last line is the topmost */
        }
        (void)fclose(f);
        return r;
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

static int detach_dead(const char *dir, struct err *err)
{
        AUTO_FREE char *path = absolute(dir);
        unsigned major, minor;
        bool ours = false;

        if (!path)
                return err_sys(err, -ENOMEM, "mount point %s", dir);
        if (top_mount(path, &major, &minor, &ours) < 0 || !ours)
                return err_set(err, -ENOTCONN,
                        "mount point %s: a dead mount of another filesystem is there; umount it first", dir);
        if (umount2(path, MNT_DETACH) < 0)
                return err_sys(err, -errno, "mount point %s: detach the mount a dead pxefs left", dir);
        log_info("mount point %s: detached the mount that a dead pxefs left", path);
        return 0;
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

int mountpoint_prepare(const char *dir, struct mountpoint *ret, struct err *err)
{
        AUTO_FREE char *path = realpath(dir, NULL);
        struct stat st;
        unsigned major, minor;
        bool ours = false;
        int r;

        if (!path && errno == ENOTCONN) {
                r = detach_dead(dir, err);
                if (r < 0)
                        return r;
                path = realpath(dir, NULL);
        }
        if (!path && errno == ENOENT)
                return err_set(err, -ENOENT, "mount point %s does not exist: mkdir -p %s", dir, dir);
        if (!path)
                return err_sys(err, -errno, "mount point %s", dir);
        if (stat(path, &st) < 0) {
                r = -errno;
                if (r != -ENOTCONN)
                        return err_sys(err, r, "mount point %s", path);
                r = detach_dead(path, err);
                if (r < 0)
                        return r;
        } else if (!S_ISDIR(st.st_mode)) {
                return err_set(err, -ENOTDIR, "mount point %s is not a directory", path);
        }
        if (top_mount(path, &major, &minor, &ours) == 0 && ours)
                return err_set(err, -EBUSY,
                        "mount point %s: a pxefs is mounted there already; umount %s first", path, path);
        *ret = (struct mountpoint) { .path = take_ptr(&path) };
        return 0;
}

int mountpoint_mount(struct mountpoint *m, int *ret_fd, struct err *err)
{
        AUTO_CLOSE int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
        char options[128];
        bool ours;
        int r;

        if (fd < 0 && (errno == ENOENT || errno == ENODEV || errno == ENXIO))
                return err_set(
                        err, -errno, "/dev/fuse is not there: modprobe fuse (in a container: hand it in)");
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
        r = top_mount(m->path, &m->major, &m->minor, &ours);
        if (r < 0) {
                (void)umount2(m->path, MNT_DETACH);
                return err_sys(err, r, "find the mount on %s in /proc/self/mountinfo", m->path);
        }
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

bool mountpoint_is_mounted(const struct mountpoint *m)
{
        unsigned major, minor;
        bool ours;

        return top_mount(m->path, &major, &minor, &ours) == 0 && ours && major == m->major &&
               minor == m->minor;
}

/* With MNT_FORCE the kernel ends the connection at once (fs/fuse/inode.c, fuse_umount_begin), also when a worker that
 * cannot be killed still has the descriptor. */
void mountpoint_unmount(const struct mountpoint *m)
{
        if (mountpoint_is_mounted(m))
                (void)umount2(m->path, MNT_FORCE | MNT_DETACH);
}

void mountpoint_fini(struct mountpoint *m)
{
        free(m->path);
        m->path = NULL;
}
