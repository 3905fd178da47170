/* SPDX-License-Identifier: MPL-2.0 */
/* metrics -- Prometheus' text format, version 0.0.4.
 *
 * Most are a number each: a row in a table that says which.  The rest have labels and a function each.  Names: pxefs_,
 * base units, _total for what only grows ("metric and label naming", prometheus.io).  What is not known is left out,
 * with its HELP and TYPE.  Counters begin at 0 with each worker, but for those the keeper counts.
 *
 * Invariant: all series of one metric stand together, below one HELP and one TYPE.
 */
#include <inttypes.h>
#include <stddef.h>

#include "render/status/status.h"
#include "render/status/verdict.h"

static void head(struct buf *out, const char *name, const char *type, const char *help)
{
        buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

enum unit { PLAIN, MICROSECONDS };

static const struct row {
        const char *name, *type, *help;
        size_t at; /* of a uint64_t in struct daemon_facts */
        enum unit unit;
} rows[] = {
#define AT(field) offsetof(struct daemon_facts, field)
        { "pxefs_inventory_hosts", "gauge", "Hosts in the inventory.", AT(inventory.hosts), PLAIN },
        { "pxefs_inventory_nics", "gauge", "NICs in the inventory.", AT(inventory.nics), PLAIN },
        { "pxefs_worker_restarts_total", "counter", "Times the worker died and was replaced since the mount.",
                AT(process.restarts), PLAIN },
        { "pxefs_worker_upgrades_total", "counter",
                "Times the worker was replaced on request since the mount.", AT(process.upgrades), PLAIN },
        { "pxefs_requests_poisoned_total", "counter",
                "Requests answered EIO because each try killed a worker.", AT(process.poisoned), PLAIN },
        { "pxefs_log_lines_lost_total", "counter",
                "Lines of the log that were dropped because nobody took them in time.", AT(process.log_lost),
                PLAIN },
        { "pxefs_resident_memory_bytes", "gauge", "Resident memory of the worker.",
                AT(process.resident_bytes), PLAIN },
        { "pxefs_cpu_seconds_total", "counter", "CPU time of the worker, user and system.",
                AT(process.cpu_us), MICROSECONDS },
        { "pxefs_chunks_begun_total", "counter",
                "Times decoding, or reading, into the chunk cache was begun.", AT(engine.chunks_begun),
                PLAIN },
        { "pxefs_chunk_hits_total", "counter", "Reads that found all their bytes in the chunk cache.",
                AT(engine.chunk_hits), PLAIN },
        { "pxefs_decoded_bytes_total", "counter",
                "Bytes decoded, or read and compared with their sums, for the chunk cache.",
                AT(engine.decoded_bytes), PLAIN },
        { "pxefs_chunk_cache_bytes", "gauge", "Memory taken by decoded chunks and decoders at work.",
                AT(engine.cache_bytes), PLAIN },
        { "pxefs_chunk_cache_limit_bytes", "gauge", "Bound of pxefs_chunk_cache_bytes (memory=).",
                AT(engine.cache_limit_bytes), PLAIN },
        { "pxefs_archives_rotten_total", "counter", "Archives found damaged while they were served.",
                AT(engine.rotten), PLAIN },
        { "pxefs_text_ring_bytes", "gauge", "Memory taken by texts that were promised to machines.",
                AT(engine.ring_bytes), PLAIN },
        { "pxefs_text_ring_limit_bytes", "gauge", "Bound of pxefs_text_ring_bytes.",
                AT(engine.ring_limit_bytes), PLAIN },
        { "pxefs_text_ring_written_bytes_total", "counter", "Bytes of texts that were promised to machines.",
                AT(engine.ring_written_bytes), PLAIN },
#undef AT
};

static void put_rows(const struct daemon_facts *f, struct buf *out)
{
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                const struct row *r = &rows[i];
                uint64_t n = *(const uint64_t *)(const void *)((const char *)f + r->at);

                if (n == FACT_UNKNOWN)
                        continue;
                head(out, r->name, r->type, r->help);
                if (r->unit == MICROSECONDS)
                        buf_printf(out, "%s %" PRIu64 ".%06" PRIu64 "\n", r->name, n / 1000000, n % 1000000);
                else
                        buf_printf(out, "%s %" PRIu64 "\n", r->name, n);
        }
}

static void put_one(struct buf *out, const char *name, const char *help, uint64_t n)
{
        head(out, name, "gauge", help);
        buf_printf(out, "%s %" PRIu64 "\n", name, n);
}

static void put_time(struct buf *out, const char *name, const char *help, int64_t sec)
{
        if (sec > 0)
                put_one(out, name, help, (uint64_t)sec);
}

static void put_verdict(const struct daemon_facts *f, struct buf *out)
{
        struct verdict v;

        daemon_verdict(f, &v);
        put_one(out, "pxefs_healthy", "1 if nothing needs attention; what does is in status.json.",
                v.healthy);
        put_one(out, "pxefs_problems", "Kinds of problems that need attention.", v.n_problems);
        if (!f->version)
                return;
        head(out, "pxefs_build_info", "gauge", "The program's version.");
        buf_puts(out, "pxefs_build_info{version=");
        buf_label(out, f->version);
        buf_puts(out, "} 1\n");
}

static void put_archives(const struct catalog_view *v, struct buf *out)
{
        size_t n[ARCHIVE_STATES] = { 0 };

        for (size_t i = 0; i < v->n_archives; i++)
                n[v->archives[i].state]++;
        head(out, "pxefs_archives", "gauge", "Files of the builds directory, by what became of them.");
        for (size_t s = 0; s < ARCHIVE_STATES; s++)
                buf_printf(out, "pxefs_archives{state=\"%s\"} %zu\n",
                        archive_state_name((enum archive_state)s), n[s]);
        put_one(out, "pxefs_builds", "Builds that are served.", v->list.n);
        put_one(out, "pxefs_images", "Other archives that are served, in /images.", v->n_images);
        put_one(out, "pxefs_isos", "ISO files that are served whole, in /iso.", v->n_isos);
}

static void put_reading(
        const struct daemon_facts *f, const char *name, const char *help, size_t at, struct buf *out)
{
        bool said = false;

        for (size_t i = 0; i < f->n_reading; i++) {
                uint64_t n = *(const uint64_t *)(const void *)((const char *)&f->reading[i] + at);

                if (n == FACT_UNKNOWN)
                        continue;
                if (!said)
                        head(out, name, "gauge", help);
                said = true;
                buf_printf(out, "%s{archive=", name);
                buf_label(out, f->reading[i].file);
                buf_printf(out, "} %" PRIu64 "\n", n);
        }
}

static void put_inventory(const struct facts_inventory *inv, struct buf *out)
{
        if (inv->state != FACTS_INVENTORY_UNKNOWN) {
                head(out, "pxefs_inventory_state", "gauge",
                        "1 for what answers: the inventory itself (live), its last good copy, or none.");
                for (int s = FACTS_INVENTORY_LIVE; s <= FACTS_INVENTORY_NONE; s++)
                        buf_printf(out, "pxefs_inventory_state{state=\"%s\"} %d\n",
                                facts_inventory_name((enum facts_inventory_state)s), s == (int)inv->state);
        }
        put_time(out, "pxefs_inventory_copy_timestamp_seconds",
                "When the last good copy of the inventory was made.", inv->copy_sec);
}

static void put_requests(const struct facts_requests *q, struct buf *out)
{
        static const char *const ops[REQUEST_OPS] = { "lookup", "getattr", "readlink", "read", "readdir" };
        static const char *const errors[REQUEST_ERRORS] = { "absent", "stale", "io", "memory", "other" };
        static const char *const limits[REQUEST_BUCKETS] = { "0.0001", "0.001", "0.01", "0.1", "1", "10" };
        static const char name[] = "pxefs_request_duration_seconds";

        if (!q->known)
                return;
        head(out, name, "histogram",
                "Time to answer a request of the kernel; what it has cached it does not ask for.");
        for (size_t o = 0; o < REQUEST_OPS; o++) {
                uint64_t sum = 0;

                for (size_t b = 0; b < REQUEST_BUCKETS; b++) {
                        sum += q->op[o].bucket[b];
                        buf_printf(out, "%s_bucket{op=\"%s\",le=\"%s\"} %" PRIu64 "\n", name, ops[o],
                                limits[b], sum);
                }
                sum += q->op[o].bucket[REQUEST_BUCKETS];
                buf_printf(out, "%s_bucket{op=\"%s\",le=\"+Inf\"} %" PRIu64 "\n", name, ops[o], sum);
                buf_printf(out, "%s_sum{op=\"%s\"} %" PRIu64 ".%09" PRIu64 "\n", name, ops[o],
                        q->op[o].ns / 1000000000, q->op[o].ns % 1000000000);
                buf_printf(out, "%s_count{op=\"%s\"} %" PRIu64 "\n", name, ops[o], sum);
        }
        head(out, "pxefs_request_errors_total", "counter",
                "Requests answered with an error; absent: a name that is not there, which is no fault.");
        for (size_t e = 0; e < REQUEST_ERRORS; e++)
                buf_printf(out, "pxefs_request_errors_total{error=\"%s\"} %" PRIu64 "\n", errors[e],
                        q->errors[e]);
}

int render_metrics(const struct daemon_facts *f, struct buf *out)
{
        put_verdict(f, out);
        put_archives(f->catalog, out);
        put_reading(f, "pxefs_archive_read_bytes",
                "Bytes read of an archive that is being read for the first time.",
                offsetof(struct facts_reading, read_bytes), out);
        put_reading(f, "pxefs_archive_total_bytes",
                "Bytes to read of an archive that is being read for the first time: twice its size, as it is "
                "read twice.",
                offsetof(struct facts_reading, total_bytes), out);
        put_inventory(&f->inventory, out);
        put_time(out, "pxefs_mount_start_time_seconds", "When the mount began.", f->process.mount_sec);
        put_time(out, "pxefs_worker_start_time_seconds", "When this worker began.", f->process.worker_sec);
        if (f->sandbox.json)
                put_one(out, "pxefs_sandbox_complete", "1 if every part of its sandbox confines the worker.",
                        f->sandbox.complete);
        put_rows(f, out);
        put_requests(&f->requests, out);
        return buf_error(out);
}
