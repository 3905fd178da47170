/* SPDX-License-Identifier: MPL-2.0 */
/* clockshift -- preloaded into a program: its wall clock is off by as many seconds as stand in a file, and jumps when they
 * change.
 *
 * No namespace lets a test set CLOCK_REALTIME, and setting the machine's would harm what runs beside it.  The file is
 * named by CLOCKSHIFT: one int64_t, mapped before main, as the worker's sandbox would not let it be opened later.  The kernel
 * goes on by its own clock: time stamps of files are as far from the program's as after a jump, not with it.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *shift;

__attribute__((constructor)) static void map_shift(void)
{
        const char *path = getenv("CLOCKSHIFT");
        int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        void *p = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *shift, PROT_READ, MAP_SHARED, fd, 0);

        if (fd >= 0)
                close(fd);
        if (p != MAP_FAILED)
                shift = p;
}

int clock_gettime(clockid_t id, struct timespec *ts)
{
        int r = (int)syscall(SYS_clock_gettime, id, ts);

        if (r == 0 && shift && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
                ts->tv_sec += *shift;
        return r;
}

time_t time(time_t *ret)
{
        struct timespec ts = { 0 };

        (void)clock_gettime(CLOCK_REALTIME, &ts);
        if (ret)
                *ret = ts.tv_sec;
        return ts.tv_sec;
}

int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
        struct timespec ts = { 0 };
        int r = clock_gettime(CLOCK_REALTIME, &ts);

        (void)zone;
        *tv = (struct timeval) { .tv_sec = ts.tv_sec, .tv_usec = ts.tv_nsec / 1000 };
        return r;
}
