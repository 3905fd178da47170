/* SPDX-License-Identifier: MPL-2.0 */
/* poison -- see poison.h.
 *
 * Each piece of work on an archive that is served passes atwork_begin, and who comes there with the archive's number is made
 * to crash.  An archive that is read as a whole is open in the process that does so (catalog/reader.h), which passes indexer_read.
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
        enum { SERVED, READER, DECODER } who;
        enum atwork_what what; /* of SERVED */
        enum { FAULT, ABORT, HANG, EXIT, MEMORY } how;
} whens[] = {
        { "read", SERVED, ATWORK_MAKE, FAULT },
        { "ahead", SERVED, ATWORK_AHEAD, FAULT },
        { "abort", SERVED, ATWORK_MAKE, ABORT },
        { "hang", SERVED, ATWORK_MAKE, HANG },
        { "index", READER, 0, FAULT },
        { "decode", DECODER, 0, FAULT },
        { "exit", READER, 0, EXIT },
        { "memory", READER, 0, MEMORY },
        { "asleep", READER, 0, HANG },
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
        return identity_hash(&id, 0, bits, &object) == 0 && archive == object;
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

static const struct when *find(const char *spec)
{
        const char *colon = strchr(spec, ':');

        for (size_t i = 0; colon && i < sizeof whens / sizeof whens[0]; i++)
                if (strncmp(spec, whens[i].name, (size_t)(colon - spec)) == 0 &&
                        whens[i].name[colon - spec] == '\0')
                        return &whens[i];
        return NULL;
}

/* A sanitizer would end it in its own way before the fault. */
__attribute__((no_sanitize("undefined"))) static void strike(void)
{
        switch (when->how) {
        case FAULT:
                *nowhere = 1;
                break;
        case ABORT:
                abort();
        case HANG:
                for (;;)
                        (void)pause();
        case EXIT:
                exit(EXIT_FAILURE);
        case MEMORY:
                for (char *p; (p = malloc(1 << 20));)
                        memset(p, 1, 1 << 20);
                errno = ENOMEM;
                break;
        }
}

void poison_trap(uint64_t archive, enum atwork_what what)
{
        if (files && when->who == SERVED && what == when->what && is_any(archive))
                strike();
}

static bool decoder_is_poisoned;

void poison_reader(const char *spec, int fd)
{
        struct stat st;

        when = spec ? find(spec) : NULL;
        if (!when || fstat(fd, &st) < 0 || !(st.st_mode & S_ISVTX))
                return;
        decoder_is_poisoned = when->who == DECODER;
        if (when->who == READER)
                strike();
}

void poison_decoder(void)
{
        if (decoder_is_poisoned)
                strike();
}

int poison_set(const char *spec, int builds_fd, unsigned object_bits, struct err *err)
{
        when = find(spec);
        if (!when)
                return err_set(err, -EINVAL,
                        "-o test_crash=%s: WHEN:FILE is wanted (tests/faultinject/poison.h)", spec);
        files = strchr(spec, ':') + 1;
        builds_dirfd = builds_fd;
        bits = object_bits;
        return 0;
}
