/* SPDX-License-Identifier: MPL-2.0 */
/* facts -- all that the daemon says about itself, as a plain struct: what status.json, metrics and index.html show, and
 * what the verdict is made from (verdict.h).
 *
 * One block for each source.  A new fact is a field here, a line in fs/namespace/facts.c that fills it, and a row in the table
 * of metrics.c or a line in status.c.  Who does not know a fact leaves it as daemon_facts_init made it: a number that is
 * FACT_UNKNOWN, a time that is 0, a text that is NULL; renderers then say null, or nothing.
 *
 * No secret and no host's data stands here: everything below /.pxefs is public to the boot network.  All pointers are
 * borrowed; all times are seconds since the epoch.
 */
#ifndef PXEFS_RENDER_STATUS_FACTS_H
#define PXEFS_RENDER_STATUS_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "catalog/catalog.h"

#define FACT_UNKNOWN UINT64_MAX

/* ---- the kernel's requests, counted by mount/ops.c through namespace/requests.h ---- */

enum request_op {
        REQUEST_LOOKUP,
        REQUEST_GETATTR,
        REQUEST_READLINK,
        REQUEST_READ,
        REQUEST_READDIR,
        REQUEST_OPS, /* how many there are */
};

/* What a request was answered with, if not with success. */
enum request_error {
        REQUEST_ABSENT, /* ENOENT: loaders ask for names that are not there; nothing is wrong */
        REQUEST_STALE,  /* ESTALE: what it names cannot be had any more */
        REQUEST_IO,     /* EIO: what is on disk is not what was verified, or the inventory does not answer */
        REQUEST_MEMORY, /* ENOMEM */
        REQUEST_OTHER,
        REQUEST_ERRORS, /* how many there are */
};

/* A request that took at most so long is counted in that bucket; one that took longer, in one more. */
#define REQUEST_BUCKETS 6
#define REQUEST_BUCKETS_NS                                                                                   \
        {                                                                                                    \
                100000, 1000000, 10000000, 100000000, 1000000000, 10000000000                                \
        }

struct facts_requests {
        bool known;
        struct {
                uint64_t bucket[REQUEST_BUCKETS + 1]; /* each request in one of them */
                uint64_t ns;                          /* that all took together */
        } op[REQUEST_OPS];
        uint64_t errors[REQUEST_ERRORS];
};

/* ---- the inventory ---- */

enum facts_inventory_state {
        FACTS_INVENTORY_UNKNOWN,
        FACTS_INVENTORY_LIVE, /* its rows answer, or there is none and the schema's defaults do */
        FACTS_INVENTORY_COPY, /* it cannot be read; the last good copy answers */
        FACTS_INVENTORY_NONE, /* neither can be had: the scripts of hosts cannot be made */
};

struct facts_inventory {
        enum facts_inventory_state state;
        uint64_t schema, hosts, nics;
        int64_t since_sec;        /* when this state began */
        int64_t copy_sec;         /* when the copy was made that answers, or would */
        const char *reason;       /* why it is not live */
        const char *copy_trouble; /* why the last attempt to make a copy failed */
};

/* ---- processes ---- */

struct facts_process {
        int64_t mount_sec, worker_sec;   /* when each began */
        uint64_t keeper_pid, worker_pid; /* in the daemon's own namespace */
        uint64_t restarts, upgrades;     /* of the worker since the mount; an upgrade is no restart */
        uint64_t restarts_last_hour;
        uint64_t refusals;           /* of upgrades */
        const char *upgrade_refused; /* why the last one was; NULL: it was not */
        uint64_t poisoned;           /* requests that were answered EIO because each try killed a worker */
        uint64_t log_lost;           /* lines of the log that nobody took in time */
        int64_t death_sec;           /* of the worker that died last */
        const char *death;           /* what it died of */
        uint64_t resident_bytes;     /* memory of the worker */
        uint64_t cpu_us;             /* that the worker has used, microseconds */
};

struct facts_sandbox {
        const char *json; /* the worker's report, a JSON object (sandbox/sandbox.h); NULL: unknown */
        bool complete;    /* every part is in force */
};

/* ---- the archive engine, and what is kept in memory ---- */

struct facts_engine {
        uint64_t chunks_begun; /* chunks of gzip archives that were begun to be decoded */
        uint64_t chunk_hits;   /* requests that found their bytes decoded */
        uint64_t decoded_bytes;
        uint64_t cache_bytes, cache_limit_bytes; /* decoded chunks and decoders at work */
        uint64_t rotten;                         /* archives that were found damaged while they were served */
        uint64_t ring_bytes, ring_limit_bytes;   /* texts that were promised to machines */
        uint64_t ring_written_bytes;
};

/* An archive that is being read for the first time. */
struct facts_reading {
        const char *file;
        uint64_t read_bytes, total_bytes; /* it is read twice: the total is twice the file's size */
        int64_t since_sec;
};

#define FACTS_READING CATALOG_MAX_JOBS

/* Names in static= that are not shown because of where they lead. */
#define FACTS_ABSENT 8
struct facts_absent {
        size_t n;                        /* more than are named here, perhaps */
        const char *named[FACTS_ABSENT]; /* "/srv/tftp/boot.ipxe: it leads ..."; NULL behind the last */
};

struct daemon_facts {
        const char *version;
        bool running; /* false: pxectl tells what a daemon left behind */
        int64_t now_sec; /* when these facts were gathered; shown nowhere, so that a state that lasts has one text */
        const struct catalog_view *catalog;
        const char *builds_trouble; /* why the builds directory cannot be read */
        bool cache_trouble; /* the cache directory cannot be written: nothing is kept over a restart */
        struct facts_reading reading[FACTS_READING];
        size_t n_reading;
        struct facts_absent absent;
        uint64_t queued; /* archives that are to be read, and were not begun */
        struct facts_inventory inventory;
        struct facts_process process;
        struct facts_sandbox sandbox;
        struct facts_engine engine;
        struct facts_requests requests;
};

/* Nothing is known but @catalog. */
void daemon_facts_init(struct daemon_facts *f, const struct catalog_view *catalog);

#define TIME_TEXT_SIZE 24
void format_time(int64_t sec, char out[TIME_TEXT_SIZE]); /* "2026-11-23T10:31:00Z" */

const char *facts_inventory_name(enum facts_inventory_state s); /* "live", "copy", "none", "unknown" */

#endif
