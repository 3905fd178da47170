/* SPDX-License-Identifier: MPL-2.0 */
/* log -- see log.h. */
#include "log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <syslog.h>

static atomic_bool to_syslog;
static atomic_bool debug;

void log_to_syslog(void)
{
        openlog("pxefs", LOG_PID, LOG_DAEMON);
        atomic_store(&to_syslog, true);
}

void log_set_debug(bool on)
{
        atomic_store(&debug, on);
}

__attribute__((format(printf, 2, 0))) static void emit(int priority, const char *fmt, va_list ap)
{
        char line[1024];

        if (atomic_load(&to_syslog)) {
                vsyslog(priority, fmt, ap);
                return;
        }
        (void)vsnprintf(line, sizeof line, fmt, ap);
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
