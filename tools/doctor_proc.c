/* SPDX-License-Identifier: MPL-2.0 */
/* doctor_proc -- see doctor_proc.h.  Names no path on the mount. */
#include "doctor_proc.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int proc_read(const char *path, struct buf *out)
{
        AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
        char part[4096];
        ssize_t n;

        if (fd < 0)
                return -errno;
        while ((n = read(fd, part, sizeof part)) > 0)
                buf_add(out, part, (size_t)n);
        return n < 0 ? -errno : buf_error(out);
}

int proc_status(pid_t pid, const char *key, char *ret, size_t size)
{
        AUTO_BUF struct buf text = BUF_INIT;
        char path[64], *save = NULL;
        int r;

        (void)snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
        r = proc_read(path, &text);
        if (r < 0)
                return r;
        for (char *line = strtok_r(text.data, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
                size_t n = strlen(key);

                if (strncmp(line, key, n) != 0 || line[n] != ':')
                        continue;
                for (line += n + 1; isspace((unsigned char)*line); line++)
                        ;
                (void)snprintf(ret, size, "%s", line);
                return 0;
        }
        return -ENOENT;
}

uid_t proc_uid(pid_t pid)
{
        unsigned real, effective;
        char line[128];

        if (proc_status(pid, "Uid", line, sizeof line) < 0 || sscanf(line, "%u %u", &real, &effective) != 2)
                return (uid_t)-1;
        return effective;
}

long proc_number(const char *path)
{
        AUTO_BUF struct buf text = BUF_INIT;

        if (proc_read(path, &text) < 0 || !text.data)
                return -1;
        return strtol(text.data, NULL, 10);
}

bool proc_same_mounts(pid_t a, pid_t b)
{
        char path[64];
        struct stat x, y;

        (void)snprintf(path, sizeof path, "/proc/%d/ns/mnt", (int)a);
        if (stat(path, &x) < 0)
                return true;
        (void)snprintf(path, sizeof path, "/proc/%d/ns/mnt", (int)b);
        return stat(path, &y) < 0 || (x.st_dev == y.st_dev && x.st_ino == y.st_ino);
}

/* Decodes mountinfo's \040 and the like in place (proc_pid_mountinfo(5)). */
static void unescape(char *s)
{
        char *out = s;

        for (; *s; s++) {
                unsigned c;

                if (s[0] == '\\' && sscanf(s + 1, "%3o", &c) == 1) {
                        *out++ = (char)c;
                        s += 3;
                } else {
                        *out++ = *s;
                }
        }
        *out = '\0';
}

bool proc_pxefs_at(pid_t pid, const char *path, char *ret_options, size_t size)
{
        AUTO_BUF struct buf text = BUF_INIT;
        char name[64], *save = NULL;
        bool pxefs = false;

        (void)snprintf(name, sizeof name, "/proc/%d/mountinfo", (int)pid);
        if (proc_read(name, &text) < 0 || !text.data)
                return false;
        for (char *line = strtok_r(text.data, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
                char *dash = strstr(line, " - "), *field[6], *tail[3], *rest = NULL;
                size_t n = 0;

                if (!dash)
                        continue;
                *dash = '\0';
                for (char *w = strtok_r(line, " ", &rest); w && n < 6; w = strtok_r(NULL, " ", &rest))
                        field[n++] = w;
                if (n < 6)
                        continue;
                unescape(field[4]);
                if (strcmp(field[4], path) != 0)
                        continue;
                n = 0;
                for (char *w = strtok_r(dash + 3, " ", &rest); w && n < 3; w = strtok_r(NULL, " ", &rest))
                        tail[n++] = w;
                pxefs = n == 3 && strcmp(tail[0], "fuse.pxefs") == 0; /* the last line is the topmost */
                if (pxefs)
                        (void)snprintf(ret_options, size, "%s,%s", field[5], tail[2]);
        }
        return pxefs;
}

void proc_each(bool (*fn)(pid_t pid, void *ctx), void *ctx)
{
        AUTO_CLOSEDIR DIR *d = opendir("/proc");
        const struct dirent *de;

        while (d && (de = readdir(d)))
                if (isdigit((unsigned char)de->d_name[0]) && !fn((pid_t)strtol(de->d_name, NULL, 10), ctx))
                        return;
}

void proc_comm(pid_t pid, char *ret, size_t size)
{
        AUTO_BUF struct buf text = BUF_INIT;
        char path[64];

        (void)snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
        ret[0] = '\0';
        if (proc_read(path, &text) == 0 && text.data)
                (void)snprintf(ret, size, "%.*s", (int)strcspn(text.data, "\n"), text.data);
}
