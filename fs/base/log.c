/* SPDX-License-Identifier: MPL-2.0 */
/* log -- see log.h.
 *
 * Locks: terminal.lock, around what is written to stderr: a log line and the status line below it are one thing.
 */
#include "log.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

static atomic_bool to_syslog;
static atomic_bool debug;

static struct {
        pthread_mutex_t lock; /* guards status, and the order of writes */
        char status[256];     /* "": none */
} terminal = { .lock = PTHREAD_MUTEX_INITIALIZER };
void log_prepare(void)
{
        openlog("pxefs", LOG_PID | LOG_NDELAY, LOG_DAEMON);
}

void log_to_syslog(void)
{
        log_prepare();
        atomic_store(&to_syslog, true);
}

void log_leave_terminal(void)
{
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);

        log_to_syslog();
        for (int fd = 0; null >= 0 && fd <= 2; fd++)
                (void)dup2(null, fd);
        if (null > 2)
                close(null);
}

void log_set_debug(bool on)
{
        atomic_store(&debug, on);
}

/* A file name in a message may hold anything: one event stays one line, and no terminal is driven by it. */
static void one_line(char *text)
{
        for (unsigned char *p = (unsigned char *)text; *p; p++)
                if (*p < 0x20 || *p == 0x7f)
                        *p = '?';
}

#define CLEAR_LINE "\r\033[K" /* ECMA-48, EL: to the beginning, and erase to the end */

bool log_has_terminal(void)
{
        const char *term = getenv("TERM");

        return isatty(STDERR_FILENO) && term && term[0] && strcmp(term, "dumb") != 0;
}

/* One write: lines of threads do not mix. */
static void to_stderr(const char *line)
{
        (void)pthread_mutex_lock(&terminal.lock);
        /* The status line may also be another process's: the keeper logs beside the worker. */
        (void)fprintf(stderr, "%spxefs: %s\n%s", log_has_terminal() ? CLEAR_LINE : "", line, terminal.status);
        (void)pthread_mutex_unlock(&terminal.lock);
}

__attribute__((format(printf, 2, 0))) static void emit(int priority, const char *fmt, va_list ap)
{
        char line[1024];

        (void)vsnprintf(line, sizeof line, fmt, ap);
        one_line(line);
        if (atomic_load(&to_syslog))
                syslog(priority, "%s", line);
        else
                to_stderr(line);
}

void log_status(const char *text)
{
        char line[sizeof terminal.status];

        (void)snprintf(line, sizeof line, "%s", text ? text : "");
        one_line(line);
        (void)pthread_mutex_lock(&terminal.lock);
        if (strcmp(line, terminal.status) != 0) {
                memcpy(terminal.status, line, sizeof line);
                (void)fprintf(stderr, CLEAR_LINE "%s", line);
        }
        (void)pthread_mutex_unlock(&terminal.lock);
}

#define DEFINE_LOG(name, priority)                                                                           \
        void name(const char *fmt, ...)                                                                      \
        {                                                                                                    \
                va_list ap;                                                                                  \
                                                                                                             \
                va_start(ap, fmt);                                                                           \
                emit(priority, fmt, ap);                                                                     \
                va_end(ap);                                                                                  \
        }

DEFINE_LOG(log_info, LOG_INFO)
DEFINE_LOG(log_warn, LOG_WARNING)
DEFINE_LOG(log_error, LOG_ERR)

void log_debug(const char *fmt, ...)
{
        va_list ap;

        if (!atomic_load(&debug))
                return;
        va_start(ap, fmt);
        emit(LOG_DEBUG, fmt, ap);
        va_end(ap);
}
