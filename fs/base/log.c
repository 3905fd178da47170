/* SPDX-License-Identifier: MPL-2.0 */
/* log -- see log.h. */
#include "log.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <syslog.h>
#include <unistd.h>

static atomic_bool to_syslog;
static atomic_bool debug;

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

__attribute__((format(printf, 2, 0))) static void emit(int priority, const char *fmt, va_list ap)
{
        char line[1024];

        (void)vsnprintf(line, sizeof line, fmt, ap);
        one_line(line);
        if (atomic_load(&to_syslog))
                syslog(priority, "%s", line);
        else
                (void)fprintf(stderr, "pxefs: %s\n", line); /* one write: lines of threads do not mix */
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
