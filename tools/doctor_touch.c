/* SPDX-License-Identifier: MPL-2.0 */
/* doctor_touch -- see doctor_touch.h.
 *
 * A process that waits for a dead FUSE daemon cannot always be killed, and waiting for it would hang us as well: the child
 * is sent SIGKILL and not waited for.  It answers through a pipe.
 */
#include "doctor_touch.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"

#define NOT_TRIED 255 /* exit status; others are errnos */

static bool go_there(pid_t pid, uid_t uid)
{
        const struct passwd *pw = uid == (uid_t)-1 ? NULL : getpwuid(uid);
        gid_t gid = pw ? pw->pw_gid : (gid_t)uid;
        char path[64];

        if (pid) {
                AUTO_CLOSE int ns = -1;
                AUTO_CLOSE int root = -1;

                (void)snprintf(path, sizeof path, "/proc/%d/ns/mnt", (int)pid);
                ns = open(path, O_RDONLY | O_CLOEXEC);
                (void)snprintf(path, sizeof path, "/proc/%d/root", (int)pid);
                root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
                if (ns < 0 || root < 0 || setns(ns, CLONE_NEWNS) < 0 || fchdir(root) < 0 || chroot(".") < 0)
                        return false;
        }
        if (uid == (uid_t)-1 || uid == geteuid())
                return true;
        return (pw ? initgroups(pw->pw_name, gid) : setgroups(0, NULL)) == 0 &&
               setresgid(gid, gid, gid) == 0 && setresuid(uid, uid, uid) == 0;
}

static int open_and_read(const char *path, char *buf, size_t size)
{
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        struct stat st;
        ssize_t n;

        if (fd < 0)
                return errno;
        if (fstat(fd, &st) < 0)
                return errno;
        if (S_ISDIR(st.st_mode)) {
                DIR *d = fdopendir(fd);

                errno = 0;
                return !d ? errno : readdir(d) ? 0 : errno;
        }
        n = read(fd, buf, size);
        if (n < 0)
                return errno;
        if ((size_t)n < size)
                buf[n] = '\0';
        return 0;
}

static enum doctor_touch touch(
        const char *path, pid_t pid, uid_t uid, int wait_ms, char *ret, size_t size, int *ret_errno)
{
        int ends[2], code;
        struct pollfd p;
        char text[8192];
        ssize_t n;
        pid_t child;

        if (pipe2(ends, O_CLOEXEC) < 0)
                return TOUCH_NOT_TRIED;
        child = fork();
        if (child == 0) {
                text[0] = '\0';
                code = go_there(pid, uid) ? open_and_read(path, text + 1, size ? sizeof text - 2 : 1)
                                          : NOT_TRIED;
                text[0] = (char)code;
                text[sizeof text - 1] = '\0';
                _exit(write(ends[1], text, 1 + (code || !size ? 0 : strlen(text + 1))) < 0);
        }
        close(ends[1]);
        p = (struct pollfd) { .fd = ends[0], .events = POLLIN };
        if (child < 0 || poll(&p, 1, wait_ms) <= 0) {
                if (child > 0)
                        (void)kill(child, SIGKILL);
                close(ends[0]);
                return child < 0 ? TOUCH_NOT_TRIED : TOUCH_HANGS;
        }
        n = read(ends[0], text,
                sizeof text - 1); /* less than PIPE_BUF would be certain; more is more than enough */
        close(ends[0]);
        (void)waitpid(child, NULL, 0);
        if (n < 1)
                return TOUCH_NOT_TRIED;
        code = (unsigned char)text[0];
        text[n] = '\0';
        if (size)
                (void)snprintf(ret, size, "%s", text + 1);
        *ret_errno = code;
        return code == 0 ? TOUCH_OK : code == NOT_TRIED ? TOUCH_NOT_TRIED : TOUCH_ERROR;
}

enum doctor_touch doctor_touch(const char *path, pid_t pid, uid_t uid, int wait_ms, int *ret_errno)
{
        return touch(path, pid, uid, wait_ms, NULL, 0, ret_errno);
}

enum doctor_touch doctor_read(const char *path, int wait_ms, char *ret, size_t size)
{
        int ignored;

        return touch(path, 0, (uid_t)-1, wait_ms, ret, size, &ignored);
}
