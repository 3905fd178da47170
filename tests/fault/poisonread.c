/* SPDX-License-Identifier: MPL-2.0 */
/* poisonread -- preloaded into a program: it crashes when it reads from a file that has the sticky bit.
 *
 * What -o test_crash is for archives, this is for what has no archive to blame: a plain file.  The crash is a fault, in the
 * thread that executes the request.
 */
#include <dlfcn.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static int *volatile nowhere;

/* The name that <unistd.h> gives pread with 64 bits of offset. */
ssize_t pread64(int fd, void *buf, size_t len, off_t off)
{
        static ssize_t (*real)(int, void *, size_t, off_t);
        struct stat st;

        if (!real)
                *(void **)&real = dlsym(RTLD_NEXT, "pread64");
        if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_mode & S_ISVTX)
                *nowhere = 1;
        return real(fd, buf, len, off);
}
