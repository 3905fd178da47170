/* SPDX-License-Identifier: MPL-2.0 */
/* facts -- what is not known; see facts.h. */
#include "render/status/facts.h"

#include <string.h>
#include <time.h>

void daemon_facts_init(struct daemon_facts *f, const struct catalog_view *catalog)
{
        *f = (struct daemon_facts) {
                .catalog = catalog,
                .queued = FACT_UNKNOWN,
                .inventory = { .schema = FACT_UNKNOWN, .hosts = FACT_UNKNOWN, .nics = FACT_UNKNOWN },
                .process = { .keeper_pid = FACT_UNKNOWN,
                        .worker_pid = FACT_UNKNOWN,
                        .restarts = FACT_UNKNOWN,
                        .upgrades = FACT_UNKNOWN,
                        .restarts_last_hour = FACT_UNKNOWN,
                        .refusals = FACT_UNKNOWN,
                        .poisoned = FACT_UNKNOWN,
                        .log_lost = FACT_UNKNOWN,
                        .resident_bytes = FACT_UNKNOWN,
                        .cpu_us = FACT_UNKNOWN },
                .engine = { .chunks_begun = FACT_UNKNOWN,
                        .chunk_hits = FACT_UNKNOWN,
                        .decoded_bytes = FACT_UNKNOWN,
                        .cache_bytes = FACT_UNKNOWN,
                        .cache_limit_bytes = FACT_UNKNOWN,
                        .rotten = FACT_UNKNOWN,
                        .ring_bytes = FACT_UNKNOWN,
                        .ring_limit_bytes = FACT_UNKNOWN,
                        .ring_written_bytes = FACT_UNKNOWN },
        };
}

const char *facts_inventory_name(enum facts_inventory_state s)
{
        static const char *const names[] = {
                [FACTS_INVENTORY_UNKNOWN] = "unknown",
                [FACTS_INVENTORY_LIVE] = "live",
                [FACTS_INVENTORY_COPY] = "copy",
                [FACTS_INVENTORY_NONE] = "none",
        };

        return names[s];
}

void format_time(int64_t sec, char out[TIME_TEXT_SIZE])
{
        time_t t = (time_t)sec;
        struct tm tm;

        if (!gmtime_r(&t, &tm) || strftime(out, TIME_TEXT_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
                memcpy(out, "?", 2); /* a year beyond 9999 */
}
