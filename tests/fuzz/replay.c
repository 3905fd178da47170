/* SPDX-License-Identifier: MPL-2.0 */
/* replay -- runs a target on each file of the directories that are named: the corpus, in every build. */
#include "fuzz.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"

static void run_file(int dirfd, const char *name)
{
        AUTO_CLOSE int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC);
        AUTO_FREE uint8_t *data = NULL;
        struct stat st;

        FUZZ_CHECK(fd >= 0 && fstat(fd, &st) == 0);
        if (!S_ISREG(st.st_mode))
                return;
        data = malloc((size_t)st.st_size + !st.st_size); /* exact, so that a byte too many is seen */
        FUZZ_CHECK(data && read(fd, data, (size_t)st.st_size) == st.st_size);
        (void)LLVMFuzzerTestOneInput(data, (size_t)st.st_size);
}

int main(int argc, char **argv)
{
        unsigned n = 0;

        for (int i = 1; i < argc; i++) {
                AUTO_CLOSEDIR DIR *d = opendir(argv[i]);
                const struct dirent *e;

                FUZZ_CHECK(d);
                while ((e = readdir(d)))
                        if (e->d_name[0] != '.') {
                                run_file(dirfd(d), e->d_name);
                                n++;
                        }
        }
        (void)printf("%u inputs\n", n);
        return n > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
