/* SPDX-License-Identifier: MPL-2.0 */
/* logwriter -- see logwriter.h.
 *
 * syslog(3) is not used: it waits in send(2) for a syslog daemon that hangs for as long as that lives, although another one
 * may have taken the path meanwhile.  Here an attempt takes SEND_MS at most, and each line that failed is tried once more over
 * a new connection.
 *
 * Locks: none; one thread.
 */
#include "base/logwriter.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#define CLEAR_LINE "\r\033[K" /* ECMA-48, EL: to the beginning, and erase to the end */
#define SEND_MS    1000

bool logwriter_has_terminal(void)
{
        const char *term = getenv("TERM");

        return isatty(STDERR_FILENO) && term && term[0] && strcmp(term, "dumb") != 0;
}

/* All of it, in one call where that is possible: lines of processes that share a terminal do not mix. */
static bool write_all(struct iovec *v, int n)
{
        while (n > 0) {
                ssize_t done = writev(STDERR_FILENO, v, n);

                if (done < 0 && errno == EINTR)
                        continue;
                if (done < 0)
                        return false;
                for (; n > 0 && (size_t)done >= v->iov_len; v++, n--)
                        done -= (ssize_t)v->iov_len;
                if (n > 0) {
                        v->iov_base = (char *)v->iov_base + done;
                        v->iov_len -= (size_t)done;
                }
        }
        return true;
}

static struct iovec piece(const char *text)
{
        return (struct iovec) { .iov_base = (void *)(uintptr_t)text, .iov_len = strlen(text) };
}

bool logwriter_stderr(const char *line, const char *status)
{
        struct iovec v[] = { piece(status[0] ? CLEAR_LINE : ""), piece("pxefs: "), piece(line), piece("\n"),
                piece(status) };

        return write_all(v, sizeof v / sizeof v[0]);
}

void logwriter_draw(const char *status)
{
        struct iovec v[] = { piece(CLEAR_LINE), piece(status) };

        (void)write_all(v, sizeof v / sizeof v[0]);
}

/* ---- syslog ---------------------------------------------------------------------------------- */

static struct {
        int fd; /* -1: not connected */
        bool stream;
} server = { .fd = -1 };

static int connect_to_server(int type)
{
        static const struct sockaddr_un path = { .sun_family = AF_UNIX, .sun_path = "/dev/log" };
        struct timeval limit = { SEND_MS / 1000, SEND_MS % 1000 * 1000 };
        int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0), r;

        if (fd < 0)
                return -errno;
        /* Also for connect(2), which waits while a stream's backlog is full. */
        if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) == 0 &&
                connect(fd, (const struct sockaddr *)&path, sizeof path) == 0)
                return fd;
        r = -errno;
        close(fd);
        return r;
}

/* Some daemons listen on a stream (RFC 3164 says nothing of it); then a NUL ends a message. */
static bool ensure_connected(void)
{
        if (server.fd >= 0)
                return true;
        server.stream = false;
        server.fd = connect_to_server(SOCK_DGRAM);
        if (server.fd == -EPROTOTYPE) {
                server.stream = true;
                server.fd = connect_to_server(SOCK_STREAM);
        }
        return server.fd >= 0;
}

static bool try_send(const char *message, size_t len)
{
        size_t want = len + server.stream;

        if (!ensure_connected())
                return false;
        if (send(server.fd, message, want, MSG_NOSIGNAL) == (ssize_t)want)
                return true;
        close(server.fd);
        server.fd = -1;
        return false;
}

bool logwriter_syslog(int priority, time_t when, const char *line)
{
        char message[1200], date[32] = "";
        struct tm tm;
        int n;

        if (localtime_r(&when, &tm))
                (void)strftime(
                        date, sizeof date, "%b %e %T", &tm); /* the locale is "C": nobody sets another */
        n = snprintf(message, sizeof message, "<%d>%s pxefs[%d]: %s", LOG_DAEMON | priority, date,
                (int)getpid(), line);
        if (n < 0)
                return false;
        if ((size_t)n >= sizeof message)
                n = sizeof message - 1;
        return try_send(message, (size_t)n) || try_send(message, (size_t)n);
}
