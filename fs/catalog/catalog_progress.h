/* SPDX-License-Identifier: MPL-2.0 */
/* catalog_progress -- what is being read: the answer of catalog_progress (catalog.h). */
#ifndef PXEFS_CATALOG_CATALOG_PROGRESS_H
#define PXEFS_CATALOG_CATALOG_PROGRESS_H

#include <stddef.h>
#include <stdint.h>

#define CATALOG_MAX_JOBS 16

/* One archive that is being read.  A file is read twice: decoded, then once more for its SHA-256. */
struct catalog_reading {
        char file[256];
        uint64_t done_bytes, total_bytes; /* of the file, both times; done only grows */
        int64_t since_sec;                /* since the epoch */
};

struct catalog_progress {
        size_t n; /* archives being read, in the order they were begun */
        struct catalog_reading v[CATALOG_MAX_JOBS];
        size_t waiting;         /* archives that are to be read and were not begun */
        uint64_t waiting_bytes; /* to read of them */
        /* Since something began to be read: */
        size_t finished;         /* archives */
        uint64_t finished_bytes; /* read of them */
        int64_t round_ms;        /* how long that is ago; 0 if nothing is read */
};

#endif
