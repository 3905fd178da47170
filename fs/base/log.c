/* SPDX-License-Identifier: MPL-2.0 */
/* log -- see log.h.
 *
 * Invariants
 *   1. After log_start, or log_to_keeper, no function here calls into the kernel in a way that can wait: lines are copied into
 *      a queue, or sent with MSG_DONTWAIT.
 *   2. The lock is held for copies only, never while something is written.
 *   3. A line that was dropped is counted in lost, once; its process tells it on the next line that gets through.
 * Locks: queue.lock, for all of struct queue.
 * Limits: QUEUE_LINES lines wait in the keeper; what waits in a worker's socket is bounded by its send buffer.
 */
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/logwriter.h"
#include "base/utf8.h"

#define QUEUE_LINES  256
#define STATUS_BYTES 256
#define STATUS       (LOG_DEBUG + 1)     /* in the place of a priority: it is no line, but the status line */
#define STACK_BYTES  (256 * 1024)        /* for strftime and a terminal's name; malloc's arena is not used */
#define MAX_LOST     (UINT32_C(1) << 20) /* that a worker is believed to have dropped at a time */

struct entry {
        time_t when;
        int priority;
        char text[LOG_LINE_BYTES];
};

static struct {
        pthread_mutex_t lock;
        pthread_cond_t work, done;
        struct entry v[QUEUE_LINES];
        unsigned first, n; /* the first one stays until it is written */
        bool to_syslog;
        char status[STATUS_BYTES]; /* "": none */
} queue = { .lock = PTHREAD_MUTEX_INITIALIZER, .work = PTHREAD_COND_INITIALIZER };

static atomic_bool debug, running /* the thread */, terminal;
static atomic_int keeper_fd = -1;
static atomic_uint_fast64_t lost,
        untold; /* untold: of these, that the log (in a worker: the keeper) does not know of yet */

/* ---- packets of a worker --------------------------------------------------------------------- */

struct packet {
        uint32_t lost; /* lines before this one */
        int32_t priority;
        char text[LOG_LINE_BYTES];
};
#define PACKET_HEAD offsetof(struct packet, text)

int log_make_socket(int ends[2], struct err *err)
{
        return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0
                       ? 0
                       : err_sys(err, -errno, "make a socket for the log");
}

static void send_to_keeper(int fd, int priority, const char *text)
{
        uint64_t before = atomic_exchange(&untold, 0);
        struct packet p = { .lost = before < MAX_LOST ? (uint32_t)before : MAX_LOST, .priority = priority };
        size_t len = strnlen(text, sizeof p.text - 1);

        memcpy(p.text, text, len);
        if (send(fd, &p, PACKET_HEAD + len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
                atomic_fetch_add(&untold, before + (priority != STATUS));
}

/* ---- the queue ------------------------------------------------------------------------------- */

static void count_lost(uint64_t n)
{
        atomic_fetch_add(&lost, n);
        atomic_fetch_add(&untold, n);
}

static void put_in_queue(int priority, const char *text)
{
        struct entry *e;

        (void)pthread_mutex_lock(&queue.lock);
        if (queue.n < QUEUE_LINES) {
                e = &queue.v[(queue.first + queue.n++) % QUEUE_LINES];
                e->when = time(NULL);
                e->priority = priority;
                (void)snprintf(e->text, sizeof e->text, "%s", text);
                (void)pthread_cond_signal(&queue.work);
        } else if (priority != STATUS) {
                count_lost(1);
        }
        (void)pthread_mutex_unlock(&queue.lock);
}

static bool write_line(bool to_syslog, const struct entry *e)
{
        return to_syslog ? logwriter_syslog(e->priority, e->when, e->text)
                         : logwriter_stderr(e->text, queue.status);
}

/* Before a line that can be written again, those that could not are told. */
static void tell_lost(bool to_syslog)
{
        struct entry e = { .when = time(NULL), .priority = LOG_WARNING };
        uint64_t n = atomic_exchange(&untold, 0);

        if (n == 0)
                return;
        (void)snprintf(e.text, sizeof e.text, "%llu line%s of this log %s lost: nobody took %s in time",
                (unsigned long long)n, n == 1 ? "" : "s", n == 1 ? "was" : "were", n == 1 ? "it" : "them");
        if (!write_line(to_syslog, &e))
                atomic_fetch_add(&untold, n);
}

/* queue.status is this thread's while it runs. */
static void write_entry(const struct entry *e, bool to_syslog)
{
        if (e->priority == STATUS) {
                if (to_syslog || strncmp(e->text, queue.status, STATUS_BYTES - 1) == 0)
                        return;
                (void)snprintf(queue.status, sizeof queue.status, "%.*s", STATUS_BYTES - 1, e->text);
                logwriter_draw(queue.status);
                return;
        }
        tell_lost(to_syslog);
        if (!write_line(to_syslog, e))
                count_lost(1);
}

static void *write_queue(void *arg)
{
        static struct entry e;

        (void)arg;
        (void)pthread_mutex_lock(&queue.lock);
        for (;;) {
                bool to_syslog;

                while (queue.n == 0)
                        (void)pthread_cond_wait(&queue.work, &queue.lock);
                e = queue.v[queue.first];
                to_syslog = queue.to_syslog;
                (void)pthread_mutex_unlock(&queue.lock);
                write_entry(&e, to_syslog);
                (void)pthread_mutex_lock(&queue.lock);
                queue.first = (queue.first + 1) % QUEUE_LINES;
                queue.n--;
                (void)pthread_cond_broadcast(&queue.done);
        }
        return NULL;
}

int log_start(struct err *err)
{
        pthread_attr_t attr;
        pthread_t thread;
        sigset_t all, old;
        int r;

        if (atomic_load(&running))
                return 0;
        (void)clock_cond_init(&queue.done);
        (void)pthread_attr_init(&attr);
        (void)pthread_attr_setstacksize(&attr, STACK_BYTES);
        (void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
        (void)sigfillset(&all); /* signals are the main thread's */
        (void)pthread_sigmask(SIG_BLOCK, &all, &old);
        r = pthread_create(&thread, &attr, write_queue, NULL);
        (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
        (void)pthread_attr_destroy(&attr);
        if (r != 0)
                return err_sys(err, -r, "start the thread that writes the log");
        atomic_store(&running, true);
        return 0;
}

void log_flush(int ms)
{
        struct timespec until = clock_after(ms);

        if (!atomic_load(&running))
                return;
        (void)pthread_mutex_lock(&queue.lock);
        while (queue.n > 0 && pthread_cond_timedwait(&queue.done, &queue.lock, &until) == 0)
                ;
        (void)pthread_mutex_unlock(&queue.lock);
}

unsigned log_forward(int fd, unsigned max)
{
        unsigned n = 0;

        for (; n < max; n++) {
                struct packet p = { 0 };
                ssize_t len = recv(fd, &p, sizeof p - 1, MSG_DONTWAIT);

                if (len < 0)
                        break;
                if ((size_t)len < PACKET_HEAD)
                        continue;
                p.text[(size_t)len - PACKET_HEAD] = '\0';
                utf8_one_line(p.text);
                count_lost(p.lost < MAX_LOST ? p.lost : MAX_LOST);
                if (p.priority < LOG_EMERG || p.priority > STATUS)
                        p.priority = LOG_INFO;
                put_in_queue(p.priority, p.text);
        }
        return n;
}

/* ---- the callers ----------------------------------------------------------------------------- */

static void to_null(int from)
{
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);

        for (int fd = 0; null >= 0 && fd <= from; fd++)
                (void)dup2(null, fd);
        if (null > STDERR_FILENO)
                close(null);
}

void log_leave_terminal(void)
{
        log_flush(1000);
        (void)pthread_mutex_lock(&queue.lock);
        queue.to_syslog = true;
        (void)pthread_mutex_unlock(&queue.lock);
        to_null(STDERR_FILENO);
}

void log_to_keeper(int fd, bool keep_stderr)
{
        atomic_store(&terminal, logwriter_has_terminal());
        atomic_store(&keeper_fd, fd);
        to_null(keep_stderr ? STDOUT_FILENO : STDERR_FILENO);
}

bool log_has_terminal(void)
{
        return atomic_load(&keeper_fd) >= 0 ? atomic_load(&terminal) : logwriter_has_terminal();
}

void log_set_debug(bool on)
{
        atomic_store(&debug, on);
}

uint64_t log_lost(void)
{
        return atomic_load(atomic_load(&keeper_fd) < 0 ? &lost : &untold);
}

static void put(int priority, char *text)
{
        int fd = atomic_load(&keeper_fd);

        utf8_one_line(text);
        if (fd >= 0)
                send_to_keeper(fd, priority, text);
        else if (atomic_load(&running))
                put_in_queue(priority, text);
        else if (priority != STATUS)
                (void)logwriter_stderr(text, "");
}

__attribute__((format(printf, 2, 0))) static void emit(int priority, const char *fmt, va_list ap)
{
        char line[LOG_LINE_BYTES];

        (void)vsnprintf(line, sizeof line, fmt, ap);
        put(priority, line);
}

void log_status(const char *text)
{
        char line[STATUS_BYTES];

        (void)snprintf(line, sizeof line, "%s", text ? text : "");
        put(STATUS, line);
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
