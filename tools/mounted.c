/* SPDX-License-Identifier: MPL-2.0 */
/* mounted -- see mounted.h.
 *
 * A mount may be dead or hang.  So it is looked for in mountinfo, which touches no file of it, and read by a child: if
 * that does not come back in time it is left behind, as a process that waits for a FUSE reply may not be killable.
 */
#include "mounted.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define MAX_BYTES (16u << 20) /* of a status.json */

/* ---- which mount ------------------------------------------------------------------------------ */

char *mounted_name(const char *path)
{
        AUTO_FREE char *copy = strdup(path), *parent = NULL;
        char *slash, *out = NULL;
        size_t n = copy ? strlen(copy) : 0;

        if (n == 0)
                return NULL;
        while (n > 1 && copy[n - 1] == '/')
                copy[--n] = '\0';
        slash = strrchr(copy, '/');
        if (slash)
                *slash = '\0';
        parent = realpath(!slash ? "." : slash == copy ? "/" : copy, NULL);
        if (!parent ||
                asprintf(&out, "%s/%s", strcmp(parent, "/") == 0 ? "" : parent, slash ? slash + 1 : copy) < 0)
                return NULL;
        return out;
}

/* \040 and the like, as mountinfo writes blanks (proc(5)). */
static void unescape(char *s)
{
        char *out = s;
        unsigned c;

        for (; *s; s++)
                if (*s == '\\' && sscanf(s, "\\%3o", &c) == 1 && strlen(s) >= 4) {
                        *out++ = (char)c;
                        s += 3;
                } else {
                        *out++ = *s;
                }
        *out = '\0';
}

unsigned mounted_find(const char *path, char **ret)
{
        FILE *f = fopen("/proc/self/mountinfo", "re");
        AUTO_FREE char *line = NULL;
        unsigned found = 0;
        size_t cap = 0;

        while (f && getline(&line, &cap, f) >= 0) {
                /* id, parent, major:minor, root, mount point, ... - type source options */
                const char *dash = strstr(line, " - ");
                char *save = NULL, *field = strtok_r(line, " ", &save);

                for (unsigned i = 1; field && i < 5; i++)
                        field = strtok_r(NULL, " ", &save);
                if (!field || !dash || strncmp(dash + 3, "fuse.pxefs ", 11) != 0)
                        continue;
                unescape(field);
                if ((path && strcmp(path, field) != 0) || (*ret && strcmp(*ret, field) == 0))
                        continue;
                free(*ret);
                *ret = strdup(field);
                found++;
        }
        if (f)
                (void)fclose(f);
        return found;
}

/* ---- reading it ------------------------------------------------------------------------------- */

/* In the child: its exit status is 0 or an errno. */
static int copy_out(const char *path, int out)
{
        static char block[65536];
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n;

        if (fd < 0)
                return errno;
        while ((n = read(fd, block, sizeof block)) > 0)
                for (ssize_t done = 0, w; done < n; done += w) {
                        w = write(out, block + done, (size_t)(n - done));
                        if (w < 0)
                                return errno;
                }
        return n < 0 ? errno : 0;
}

/* Reads until the child closes its end.  0 or -ETIMEDOUT or a negative errno. */
static int collect(int fd, int64_t end_ms, struct buf *ret)
{
        char block[4096];

        for (;;) {
                struct pollfd p = { .fd = fd, .events = POLLIN };
                int64_t left = end_ms - clock_ms();
                ssize_t n;

                if (left <= 0 || ret->len > MAX_BYTES)
                        return left <= 0 ? -ETIMEDOUT : -EFBIG;
                if (poll(&p, 1, (int)left) <= 0)
                        continue;
                n = read(fd, block, sizeof block);
                if (n <= 0)
                        return n < 0 ? -errno : 0;
                buf_add(ret, block, (size_t)n);
        }
}

int mounted_read(const char *path, struct buf *ret)
{
        int64_t end_ms = clock_ms() + MOUNTED_LIMIT_MS;
        int ends[2], r, status = 0;
        pid_t child;

        if (pipe2(ends, O_CLOEXEC) < 0)
                return -errno;
        child = fork();
        if (child == 0)
                _exit(copy_out(path, ends[1]));
        r = child < 0 ? -errno : 0;
        close(ends[1]);
        if (r == 0)
                r = collect(ends[0], end_ms, ret);
        close(ends[0]);
        if (child < 0)
                return r;
        if (r < 0) {
                (void)kill(child, SIGKILL);
                (void)waitpid(child, &status, WNOHANG); /* not longer: it may be stuck */
                return r;
        }
        if (waitpid(child, &status, 0) < 0 || !WIFEXITED(status))
                return -EIO;
        return WEXITSTATUS(status) ? -WEXITSTATUS(status) : buf_error(ret);
}
