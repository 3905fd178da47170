/* SPDX-License-Identifier: MPL-2.0 */
/* policy -- when a worker is started, killed, or given up, and which request is answered with an error instead.
 *
 * Pure: what happened and the time go in, what to do comes out.  All times are milliseconds of one clock that nobody
 * sets.
 */
#ifndef PXEFS_TAKEOVER_POLICY_H
#define PXEFS_TAKEOVER_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#define POLICY_HANG_MS                                                                                       \
        10000 /* a request that takes longer: its worker is killed, unless it waits for a storage */
#define POLICY_PATIENCE_MS 20000 /* a request that waited longer, across workers: EIO */
#define POLICY_START_MS    8000  /* from exec to serving; longer: killed */
#define POLICY_HEALTHY_MS  25000 /* without a worker that serves, or with one that cannot be killed: despair */
#define POLICY_FAST_MS     1000  /* served for less, and failed by itself: as if it had not started */
#define POLICY_BACKOFF_MS  50    /* before the second of these; doubled for each further one, up to */
#define POLICY_BACKOFF_MAX 2000
#define POLICY_KILLED_MS   10 /* before the next start, after a worker was killed that had not served */
#define POLICY_STRIKES     2  /* crashes on a thing, or hangs, until it is condemned */

enum policy_phase { POLICY_DOWN, POLICY_STARTING, POLICY_SERVING };

/* How a worker ended. */
enum policy_end {
        POLICY_KILLED, /* SIGKILL, SIGTERM and the like, or by our own order, or of an archive or a request that will not be
                          tried again and again: it says nothing about the next one */
        POLICY_FAILED, /* any other crash, or an exit status other than 0 */
};

struct policy {
        enum policy_phase phase;
        int64_t since_ms;   /* in this phase */
        int64_t healthy_ms; /* when a worker served last, or the beginning */
        int64_t start_ms;   /* DOWN: not to be started before */
        unsigned fast;      /* failures in a row, none of which served for long */
};

enum policy_verdict {
        POLICY_WAIT,   /* nothing is to be done for *ret_wait_ms */
        POLICY_START,  /* start a worker */
        POLICY_KILL,   /* the one that runs does not get on: SIGKILL */
        POLICY_DESPAIR /* there will be no healthy worker: end the mount */
};

void policy_init(struct policy *p, int64_t now_ms);
void policy_started(struct policy *p, int64_t now_ms);
void policy_serves(struct policy *p, int64_t now_ms);
void policy_ended(struct policy *p, int64_t now_ms, enum policy_end how);

/* Nothing ran for @ms: moves all times. */
void policy_forgive(struct policy *p, int64_t ms);

/* @heartbeat_ms  when the worker was last seen alive; counts while it serves
 * ret_wait_ms    when to ask again at the latest */
enum policy_verdict policy_next(
        const struct policy *p, int64_t now_ms, int64_t heartbeat_ms, int64_t *ret_wait_ms);

/* One unanswered request. */
struct policy_request {
        int64_t taken_ms, started_ms; /* when it came; when the running worker began it, 0: not yet */
        unsigned crashes, hangs;      /* workers that died of it; that were killed for it */
        bool archive_condemned;       /* the archive it names is */
        int64_t waited_ms; /* when it was last seen to wait for a storage, which is no hang; 0: it was not */
};

enum policy_request_verdict {
        REQUEST_LEAVE,
        REQUEST_HANGS, /* if it waits for a storage: answer EIO, and look again in a while; else kill its worker and count it */
        REQUEST_REFUSE,  /* answer EIO: it waited too long, and nobody knows why */
        REQUEST_CONDEMN, /* answer EIO, and its archive is to blame */
};
/* True for a thing that so many workers crashed on, or were killed for. */
bool policy_condemns(unsigned crashes, unsigned hangs);
enum policy_request_verdict policy_judge(const struct policy_request *r, int64_t now_ms);

#endif
