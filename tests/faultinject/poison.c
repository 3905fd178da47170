/* SPDX-License-Identifier: MPL-2.0 */
/* poison -- see poison.h.
 *
 * Each piece of work on an archive passes atwork_begin, and who comes there with the archive's number is made to crash.
 * Locks: none; everything is set before there are threads.
 */
#include "poison.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/identity.h"
#include "base/atwork.h"

static const struct when {
        const char *name;
        enum atwork_what what;
        bool whole; /* while it is read as a whole */
        enum { FAULT, ABORT, HANG } how;
} whens[] = {
        { "read", ATWORK_MAKE, false, FAULT },
        { "ahead", ATWORK_AHEAD, false, FAULT },
        { "index", ATWORK_INDEX, true, FAULT },
        { "decode", ATWORK_DECODE, true, FAULT },
        { "abort", ATWORK_MAKE, false, ABORT },
        { "hang", ATWORK_MAKE, false, HANG },
};

static const struct when *when;
static const char *files; /* borrowed from the command line */
static int builds_dirfd;
static unsigned bits;

static int *volatile nowhere;

static bool is_poisonous(const char *file, uint64_t archive)
{
        struct identity id;
        struct stat st;
        uint64_t object;

        if (fstatat(builds_dirfd, file, &st, 0) < 0 || !(st.st_mode & S_ISVTX))
                return false;
        id = identity_of(&st);
        return archive == identity_atwork(&id) ||
               (identity_hash(&id, 0, bits, &object) == 0 && archive == object);
}

static bool is_any(uint64_t archive)
{
        char file[256];

        for (const char *p = files; *p;) {
                size_t n = strcspn(p, "/");

                (void)snprintf(file, sizeof file, "%.*s", (int)n, p);
                if (is_poisonous(file, archive))
                        return true;
                p += n + (p[n] == '/');
        }
        return false;
}

/* A sanitizer would end it in its own way before the fault. */
__attribute__((no_sanitize("undefined"))) void poison_trap(uint64_t archive, enum atwork_what what)
{
        if (!when || what != when->what || !(archive & ATWORK_WHOLE) == when->whole || !is_any(archive))
                return;
        switch (when->how) {
        case FAULT:
                *nowhere = 1;
                break;
        case ABORT:
                abort();
        case HANG:
                for (;;)
                        (void)pause();
        }
}

int poison_set(const char *spec, int builds_fd, unsigned object_bits, struct err *err)
{
        const char *colon = strchr(spec, ':');

        for (size_t i = 0; colon && i < sizeof whens / sizeof whens[0]; i++)
                if (strncmp(spec, whens[i].name, (size_t)(colon - spec)) == 0 &&
                        whens[i].name[colon - spec] == '\0')
                        when = &whens[i];
        if (!when)
                return err_set(err, -EINVAL,
                        "-o test_crash=%s: WHEN:FILE is wanted (tests/faultinject/poison.h)", spec);
        files = colon + 1;
        builds_dirfd = builds_fd;
        bits = object_bits;
        return 0;
}
