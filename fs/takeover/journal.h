/* SPDX-License-Identifier: MPL-2.0 */
/* journal -- what a worker knows that its successor must know: the requests that are not answered yet.
 *
 * A sealed memfd that the keeper makes, and that keeper and worker map:
 *
 *   head     magic, version, sizes; the kernel's INIT and the answer to it; counters
 *   slots    one for each thread that serves: the request, as the kernel wrote it, and what became of it
 *   ring     memory of the text ring (namespace/textring.h)
 *
 * A worker may be taken over by a hostile archive and then write anything here.  The keeper therefore takes numbers from it
 * and nothing else: it compares them, and a time it believes only if it could be true.  What it counts of a request is its
 * own, beside the request's number.  A successor finds the head as the keeper knows it, checks each request before it is
 * executed (takeover/request.h), and each text before it is served (namespace/text.h).
 *
 * Threads: slot functions by the thread that claimed the slot; the keeper's functions while no worker runs, or,
 * where it says so, at any time.  Nothing here blocks.
 */
#ifndef PXEFS_TAKEOVER_JOURNAL_H
#define PXEFS_TAKEOVER_JOURNAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Raised with every change of what stands in the memfd, the text ring included; but for a field in what was padding, whose
 * 0 means what nobody said before. */
#define JOURNAL_VERSION 5
#define JOURNAL_SLOTS                                                                                        \
        64 /* libfuse has ten threads; each may leave a slot behind that waits for a successor */
/* The longest request of a read-only mount is a LOOKUP: header and name.  What is longer (many FORGETs in one) is
 * never executed again. */
#define JOURNAL_REQUEST_BYTES (16384 - 64)
#define JOURNAL_INIT_BYTES    256

struct journal;

/* Makes one with @ring_bytes for the text ring, for the keeper.  0 or a negative errno. */
int journal_create(size_t ring_bytes, struct journal **ret, struct err *err);

/* Maps the one behind @fd (borrowed), for a worker that was built for @version.  -EPROTO with the reason if it is of
 * another version or shape. */
int journal_open(int fd, uint32_t version, struct journal **ret, struct err *err);
void journal_close(struct journal *j);
int journal_fd(const struct journal *j); /* borrowed; of journal_create */

void *journal_ring(struct journal *j, size_t *ret_bytes); /* zeros at first; borrowed */

/* ---- slots, for workers ---- */

struct journal_slot;

/* A slot for the calling thread: the one with the oldest unanswered request that nobody executes, else an empty one.  NULL if all
 * are taken. */
struct journal_slot *journal_claim(struct journal *j);
void journal_release(struct journal *j, struct journal_slot *s);
unsigned journal_slot_number(const struct journal *j, const struct journal_slot *s);

/* True if requests may be waiting to be executed again. */
bool journal_has_orphans(const struct journal *j);

/* True if the slot holds a request without an answer; copies it to @buf (@cap bytes) and says how many there are, at most
 * JOURNAL_REQUEST_BYTES, whatever the request says of its own length. */
bool journal_unanswered(const struct journal_slot *s, void *buf, size_t cap, size_t *ret_len);

/* Empties the slot and returns where the next request may be read to: JOURNAL_REQUEST_BYTES. */
void *journal_arm(struct journal_slot *s);

/* Says that a request is being executed since @now_ms (by this worker), and which archive it names (base/atwork.h; 0:
 * none). */
void journal_taken(struct journal_slot *s, int64_t now_ms, uint64_t archive);

/* Where the slot's thread says that it waits for a storage (base/atwork.h). */
_Atomic uint32_t *journal_waits(struct journal_slot *s);

/* Says that the request @unique was answered, if it is the slot's; whether it is. */
bool journal_answered(struct journal_slot *s, uint64_t unique);

/* Last words: process @pid crashed while at work on @archive (0: none), executing the request in the slot with @number (or
 * JOURNAL_SLOTS: none).  Once in a worker's life.  Async-signal-safe. */
void journal_crashed(struct journal *j, int32_t pid, uint64_t archive, uint32_t number);

/* ---- INIT: kept, so that a successor can negotiate the same again ---- */

void journal_save_init(struct journal *j, const void *request, size_t len);
void journal_save_init_reply(struct journal *j, const void *reply, size_t len);
/* Copies; the lengths, or 0 if there is none yet.  @buf has JOURNAL_INIT_BYTES. */
size_t journal_init(const struct journal *j, void *buf);
size_t journal_init_reply(const struct journal *j, void *buf);

/* ---- state ---- */

void journal_beat(struct journal *j, int64_t now_ms); /* a worker: I am alive */
/* The keeper, every second or so: when it last saw that a worker had said so. */
int64_t journal_heartbeat(struct journal *j, int64_t now_ms);
uint32_t journal_generation(const struct journal *j); /* of the worker that runs; 1 is the first */

/* The mount was ready once: a worker that starts now is a successor. */
void journal_set_ready(struct journal *j);
bool journal_is_ready(const struct journal *j);
/* The keeper ends the mount: a worker told to end takes its time and closes all. */
void journal_set_ending(struct journal *j);
bool journal_is_ending(const struct journal *j);

/* An inventory was there, or a copy of it: a successor does not take its absence for a mount without one. */
void journal_set_inventory(struct journal *j);
bool journal_had_inventory(const struct journal *j);

/* An archive that workers crashed on, or were killed for (base/atwork.h says which). */
struct journal_blamed {
        uint64_t archive; /* 0: an empty row */
        uint32_t crashes, hangs;
        uint32_t spared; /* how often it would have been condemned, but for the limit */
};

/* What the keeper counts since the mount. */
#define JOURNAL_MINUTES 60
#define JOURNAL_BLAMED  64
/* That an archive crashes workers, or hangs them, is the workers' word.  One that was taken over may blame others: so many are
 * condemned in an hour at most, each by two workers' ends. */
#define JOURNAL_CONDEMN_MAX 8
#define JOURNAL_CONDEMN_MS  3600000
struct journal_counters {
        int64_t mount_sec;           /* since the epoch, as death_sec */
        uint64_t restarts, upgrades; /* a worker that ended in order is neither */
        uint64_t refusals;           /* of upgrades */
        uint64_t poisoned;           /* requests that were answered EIO because each try killed a worker */
        uint64_t log_lost;           /* lines of the log that nobody took in time */
        int64_t death_sec;           /* 0: none has died */
        struct err death;            /* what the last one died of */
        struct err upgrade_refused;  /* why the last upgrade was refused; "" once one was not */
        int64_t minute[JOURNAL_MINUTES];              /* since the epoch; place: modulo JOURNAL_MINUTES */
        uint64_t in_minute[JOURNAL_MINUTES];          /* restarts in it */
        struct journal_blamed blamed[JOURNAL_BLAMED]; /* in the order of their first blame */
        int64_t condemned_ms[JOURNAL_CONDEMN_MAX];    /* when the last ones were; 0: none */
};

/* Counts a death at @now_sec. */
void journal_count_restart(struct journal_counters *c, int64_t now_sec);
/* Counts a crash on @archive at @now_ms, or that it is condemned because a request for it hung again and again; if
 * JOURNAL_CONDEMN_MAX were condemned within an hour, only that it was spared.  The oldest row that is not condemned gives way to
 * a new one.  Returns the row; NULL if all 64 are condemned. */
const struct journal_blamed *journal_blame_crash(
        struct journal_counters *c, uint64_t archive, int64_t now_ms);
const struct journal_blamed *journal_blame_hangs(
        struct journal_counters *c, uint64_t archive, int64_t now_ms);
/* True if no worker is to read it any more: policy_condemns. */
bool journal_is_condemned(const struct journal_counters *c, uint64_t archive);
/* Of the hour before @now_sec, to the minute. */
uint64_t journal_restarts_last_hour(const struct journal_counters *c, int64_t now_sec);

/* The keeper, which has its own copy and never reads this one; a worker, at any time.  False: it could not be read
 * whole. */
void journal_put_counters(struct journal *j, const struct journal_counters *c);
bool journal_get_counters(const struct journal *j, struct journal_counters *ret);

/* ---- slots, for the keeper ---- */

/* One unanswered request, in numbers. */
struct journal_request {
        /* as the slot says */
        uint64_t unique, node;
        uint64_t archive; /* that it names */
        uint32_t opcode;
        uint32_t thread; /* of the worker that is at it; 0: none */
        bool waits;      /* for a storage */
        /* as the keeper knows */
        uint32_t deaths;         /* workers that ended with it unanswered, for whatever reason */
        uint32_t crashes, hangs; /* of these: it was what the worker crashed on, or was killed for */
        bool refused;            /* the keeper answered it, and a worker is still at it */
        bool asked;              /* and the kernel took that answer: somebody had asked */
        int64_t taken_ms,
                started_ms; /* when it came, when the running worker began it (0: it did not yet, that we know) */
};

/* Takes note of what stands in the slots at @now_ms, for the times that journal_peek tells.  A worker's claim of when a
 * request came, or was begun, counts if it is later than the last look and not later than this one; else it was now.  At any
 * time; every second or so. */
void journal_look(struct journal *j, int64_t now_ms);

/* Slot @i; false if there is nothing unanswered.  At any time. */
bool journal_peek(const struct journal *j, unsigned i, struct journal_request *ret);

/* Takes note that the keeper answered request @unique of slot @i, and whether the kernel took it; counts a crash of it, or that the worker hangs at it: once for
 * each worker, false if it was counted.  At any time. */
void journal_refused(struct journal *j, unsigned i, uint64_t unique, bool asked);
void journal_count_crash(struct journal *j, unsigned i, uint64_t unique);
bool journal_count_hang(struct journal *j, unsigned i, uint64_t unique);

/* A worker says that it serves, and has not begun: what it says of INIT and of the inventory is believed for ever. */
void journal_learn(struct journal *j);

/* What the worker @pid, which has ended, said of its crash.  False: nothing. */
struct journal_crash {
        uint64_t archive;
        uint32_t number; /* JOURNAL_SLOTS or more: no slot */
};
bool journal_last_words(const struct journal *j, int32_t pid, struct journal_crash *ret);

/* No worker runs any more: its slots are free or wait for the next. */
void journal_worker_ended(struct journal *j, int64_t now_ms);
/* Another one is about to start, and finds the head of the memfd as the keeper knows it, whatever was written there. */
void journal_worker_starts(struct journal *j, int64_t now_ms);

/* Nothing ran for @ms (a frozen container): that is nobody's fault.  Moves all times that the keeper knows. */
void journal_forgive(struct journal *j, int64_t ms);

#endif
