/* SPDX-License-Identifier: MPL-2.0 */
/* statusfix -- see statusfix.h. */
#include "statusfix.h"

#include <string.h>

#include "fixture.h"

#define T0 INT64_C(1795405860) /* 2026-11-23T03:51:00Z */

void statusfix_init(struct statusfix *x)
{
        memset(x, 0, sizeof *x);
        x->view.archives = x->archives;
        x->view.infos = x->infos;
        x->view.list.v = x->infos;
        daemon_facts_init(&x->f, &x->view);
        x->f.version = "0.1.0";
        x->f.running = true;
        x->f.now_sec = T0;
        x->f.inventory.state = FACTS_INVENTORY_LIVE;
}

void statusfix_archive(struct statusfix *x, const char *file, const char *build, enum archive_state state,
        const char *reason)
{
        x->archives[x->view.n_archives++] = (struct archive_status) { .file = fixture_text(file),
                .build = build ? fixture_text(build) : NULL,
                .state = state,
                .reason = reason ? fixture_text(reason) : NULL,
                .size_bytes = 257123456,
                .raw_bytes = build ? 456789012 : 0,
                .verified = build ? ARCHIVE_VERIFIED_HASH : 0 };
        if (build && state == ARCHIVE_READY)
                x->infos[x->view.list.n++] = (struct build_info) { build, build[0] == '2', true };
}

static void numbers(struct daemon_facts *f)
{
        f->inventory.schema = 1;
        f->inventory.hosts = 40;
        f->inventory.nics = 81;
        f->process = (struct facts_process) { .mount_sec = T0 - 86400,
                .worker_sec = T0 - 60,
                .keeper_pid = 100,
                .worker_pid = 173,
                .restarts = 4,
                .upgrades = 1,
                .restarts_last_hour = 3,
                .refusals = 2,
                .upgrade_refused = "its journal has version 9, the mount's has 2",
                .log_lost = 17,
                .poisoned = 1,
                .death_sec = T0 - 60,
                .death = "signal 11 (Segmentation fault)",
                .resident_bytes = 20828160,
                .cpu_us = 61000042 };
        f->sandbox = (struct facts_sandbox) {
                .json = "{\"landlock_abi\": 0, \"landlock_missing\": \"this kernel has none\"}"
        };
        f->engine = (struct facts_engine) { .chunks_begun = 1000,
                .chunk_hits = 99000,
                .decoded_bytes = UINT64_C(4194304000),
                .cache_bytes = 8388608,
                .cache_limit_bytes = 62849024,
                .rotten = 1,
                .ring_bytes = 700000,
                .ring_limit_bytes = 16777216,
                .ring_written_bytes = 700000 };
        f->requests.known = true;
        for (size_t o = 0; o < REQUEST_OPS; o++) {
                for (size_t b = 0; b <= REQUEST_BUCKETS; b++)
                        f->requests.op[o].bucket[b] = o * 10 + b;
                f->requests.op[o].ns = 1000000007 * o;
        }
        for (size_t e = 0; e < REQUEST_ERRORS; e++)
                f->requests.errors[e] = e;
}

void statusfix_full(struct statusfix *x)
{
        statusfix_init(x);
        numbers(&x->f);
        statusfix_archive(x, "platform-20241010T000000Z.tgz", "20241010T000000Z", ARCHIVE_READY, NULL);
        statusfix_archive(x, "platform-20240926T000000Z.tgz", "20240926T000000Z", ARCHIVE_READY,
                "2 entries of it are no files and are left out");
        statusfix_archive(x, "platform-latest.tgz", "20241010T000000Z", ARCHIVE_SHADOWED,
                "platform-latest.tgz is build 20241010T000000Z too");
        statusfix_archive(x, "platform-20241024T000000Z.tgz", NULL, ARCHIVE_INDEXING, NULL);
        statusfix_archive(x, "platform-20241107T000000Z.tgz", NULL, ARCHIVE_WAITING, NULL);
        statusfix_archive(x, "platform-20240912T000000Z.tgz", NULL, ARCHIVE_REFUSED,
                "byte 900000: the gzip data ends too early: the archive is not complete");
        x->f.reading[x->f.n_reading++] =
                (struct facts_reading) { "platform-20241024T000000Z.tgz", 90000000, 257123456, T0 - 5 };
        x->f.inventory.state = FACTS_INVENTORY_COPY;
        x->f.inventory.since_sec = T0 - 600;
        x->f.inventory.copy_sec = T0 - 1200;
        x->f.inventory.reason = "inventory /var/lib/pxefs/inventory.db: database disk image is malformed";
        x->view.note = fixture_text("sha256sums.txt: line 3 is no \"HASH name\" and is left out");
}

/* Each escapes from something: a JSON string, a tag, an attribute, a label, a line; and is no UTF-8 here and there. */
#define EVIL                                                                                                 \
        "</td><script>alert(1)</script>&amp;\"'\\\n# HELP pxefs_healthy x\npxefs_healthy "                   \
        "1\n\x1b[31m\xff\xc3(\xed\xa0\x80\xc2\x85}\",{"

void statusfix_hostile(struct statusfix *x)
{
        statusfix_full(x);
        statusfix_archive(x, EVIL "1", NULL, ARCHIVE_REFUSED, EVIL);
        statusfix_archive(x, EVIL "2", EVIL, ARCHIVE_READY, EVIL);
        x->f.reading[x->f.n_reading++] = (struct facts_reading) { EVIL "3", 1, 2, 0 };
        x->f.inventory.reason = EVIL;
        x->f.process.death = EVIL;
        x->f.builds_trouble = EVIL;
        x->f.version = EVIL;
        x->view.note = fixture_text(EVIL);
}
