/* SPDX-License-Identifier: MPL-2.0 */
/* reader_impl -- what three sides share: the worker that asks (readers.c), the process that starts (readers_host.c), the one that reads (reader.c). */
#ifndef PXEFS_CATALOG_READER_IMPL_H
#define PXEFS_CATALOG_READER_IMPL_H

#include <sys/types.h>

#include "catalog/reader.h"

/* A packet to the process that starts readers. */
struct reader_packet {
        enum { READER_READ, READER_KILL } what;
        struct reader_ask ask; /* of READER_READ */
};

/* A packet from it: a reader has ended. */
struct reader_end {
        int status;        /* as waitpid gives it */
        uint64_t peak_kib; /* of its memory */
};

#define READER_STUCK 97 /* exit status: it worked, and got nowhere */

struct reader_slot {
        int control[2];          /* owned; a pair of sockets: the worker has [0] */
        int pipe[2];             /* owned; reports: the worker has [0] */
        struct reading *reading; /* owned; a page shared by all */
        pid_t pid;               /* in the process that starts readers: the reader, or 0 */
};

struct readers {
        struct readers_options o;
        struct reader_slot *slots; /* owned; o.n */
        int builds_fd;             /* owned; the builds directory, wherever it is moved to; -1: by its path */
};

/* Serves what is asked for until nobody can ask any more; in the process that readers_start forks. */
_Noreturn void readers_host(struct readers *r);

/* The reader of slot @s, from its first instruction to its last. */
_Noreturn void reader_main(
        const struct readers *r, const struct reader_slot *s, const struct reader_ask *ask);

/* Closes all descriptors above 2 but the @n in @keep, which it sorts. */
void reader_close_others(int *keep, size_t n);

#endif
