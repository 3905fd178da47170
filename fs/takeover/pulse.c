/* SPDX-License-Identifier: MPL-2.0 */
/* pulse -- see pulse.h.
 *
 * Without it a process that does not run at all (stopped, or out of its mind) would look like one that nobody asks
 * anything.  Locks: none.
 */
#include "takeover/pulse.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"

#define BEAT_MS 1000

struct pulse {
        struct journal *journal;
        int control_fd;
        int stop_fd; /* owned; eventfd */
        pthread_t thread;
};

static void *run(void *arg)
{
        struct pulse *p = arg;

        for (;;) {
                struct pollfd fds[] = { { .fd = p->stop_fd, .events = POLLIN },
                        { .fd = p->control_fd, .events = POLLIN } };
                int n;

                journal_beat(p->journal, clock_ms());
                clock_tick();
                n = poll(fds, 2, BEAT_MS);
                if (n < 0 && errno != EINTR) /* no memory: as if nothing had happened */
                        (void)nanosleep(&(struct timespec) { .tv_nsec = 250000000 }, NULL);
                if (n <= 0)
                        continue;
                if (fds[0].revents)
                        return NULL;
                if (fds[1].revents) /* it never says anything now: it is gone, and nobody holds the mount */
                        _exit(EXIT_FAILURE);
        }
}

struct pulse *pulse_start(struct journal *j, int control_fd)
{
        struct pulse *p = calloc(1, sizeof *p);

        if (!p)
                return NULL;
        *p = (struct pulse) { .journal = j, .control_fd = control_fd, .stop_fd = eventfd(0, EFD_CLOEXEC) };
        if (p->stop_fd >= 0 && pthread_create(&p->thread, NULL, run, p) == 0)
                return p;
        if (p->stop_fd >= 0)
                close(p->stop_fd);
        free(p);
        return NULL;
}

void pulse_stop(struct pulse *p)
{
        if (!p)
                return;
        (void)eventfd_write(p->stop_fd, 1);
        pthread_join(p->thread, NULL);
        close(p->stop_fd);
        free(p);
}
