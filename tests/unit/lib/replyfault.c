/* SPDX-License-Identifier: MPL-2.0 */
/* replyfault -- see replyfault.h.
 *
 * Locks: one, as the thread that replies is not the one that arms; never held across the real call.
 */
#include "replyfault.h"

#include <errno.h>
#include <pthread.h>
#include <sys/uio.h>
#include <unistd.h>

static struct {
        pthread_mutex_t lock;
        int fd, error;
        unsigned countdown; /* until the first that fails; 0: disarmed or spent */
        unsigned failures;  /* to come, once it began */
        unsigned more;
        unsigned fired;
} armed = { .lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1 };

void replyfault_arm(int fd, unsigned nth, unsigned more, int error)
{
        pthread_mutex_lock(&armed.lock);
        armed.fd = fd;
        armed.error = error;
        armed.countdown = nth;
        armed.failures = 0;
        armed.more = more;
        armed.fired = 0;
        pthread_mutex_unlock(&armed.lock);
}

unsigned replyfault_fired(void)
{
        unsigned n;

        pthread_mutex_lock(&armed.lock);
        n = armed.fired;
        pthread_mutex_unlock(&armed.lock);
        return n;
}

/* The errno to fail with, or 0. */
static int fails(int fd)
{
        int error = 0;

        pthread_mutex_lock(&armed.lock);
        if (fd == armed.fd && armed.countdown > 0 && --armed.countdown == 0)
                armed.failures = 1 + armed.more;
        if (fd == armed.fd && armed.failures > 0) {
                armed.failures--;
                armed.fired++;
                error = armed.error;
        }
        pthread_mutex_unlock(&armed.lock);
        return error;
}

ssize_t __real_write(int fd, const void *buf, size_t n);
ssize_t __wrap_write(int fd, const void *buf, size_t n);
ssize_t __real_writev(int fd, const struct iovec *iov, int count);
ssize_t __wrap_writev(int fd, const struct iovec *iov, int count);

ssize_t __wrap_write(int fd, const void *buf, size_t n)
{
        int error = fails(fd);

        if (error == 0)
                return __real_write(fd, buf, n);
        errno = error;
        return -1;
}

ssize_t __wrap_writev(int fd, const struct iovec *iov, int count)
{
        int error = fails(fd);

        if (error == 0)
                return __real_writev(fd, iov, count);
        errno = error;
        return -1;
}
