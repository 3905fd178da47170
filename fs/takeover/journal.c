/* SPDX-License-Identifier: MPL-2.0 */
/* journal -- see journal.h.
 *
 * The kernel itself writes the record: read(2) of /dev/fuse goes straight into a slot, so there is no moment at which a
 * request was taken and stands nowhere.  What a worker adds is only that it was answered.
 *
 * Invariants
 *   1. A request that was taken and not answered stands in exactly one slot: header.len > 0 and done != unique.
 *   2. A slot with owner 0 belongs to nobody; who wants it exchanges 0 for its thread id.
 *   3. Stores to a slot happen in the order written: a SIGKILL between any two leaves a slot that is either empty or
 *      holds a request that may be executed (again).
 *   4. The pages a request is read into are present: read(2) on /dev/fuse takes them by get_user_pages (Linux
 *      fs/fuse/dev.c, fuse_copy_fill), which for a page that must be faulted in gives up under a SIGKILL, and the request
 *      would end in EIO (fuse_dev_do_read).  journal_claim touches them.
 *   5. What outlives a worker is the keeper's: what it counts, and since when it knows of a request, stands in its own memory,
 *      beside the number (`unique`) of the request it is about.  The head of the memfd is what the keeper knows, too: it is
 *      written anew before each worker starts (restore), so what one has spoiled there ends with it.
 * Limits: JOURNAL_SLOTS threads.  Locks: none, the owner field is claimed by compare and exchange.
 */
#include "takeover/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "takeover/policy.h"

#define MAGIC UINT64_C(0x31306c6e6a787070) /* "ppxjnl01" */
#define PAGE  4096u

struct journal_slot {
        _Atomic uint32_t owner; /* thread id; 0: nobody (invariant 2) */
        _Atomic uint32_t waits; /* 1: its thread waits for a storage (base/atwork.h) */
        _Atomic int64_t taken_ms, started_ms;
        _Atomic uint64_t done;    /* unique of the request that was answered */
        _Atomic uint64_t archive; /* that the request names; 0: none, or nobody looked yet */
        unsigned char pad[64 - 2 * 4 - 4 * 8];
        _Alignas(64) unsigned char request
                [JOURNAL_REQUEST_BYTES]; /* struct fuse_in_header, and what belongs to it */
};

struct saved {
        _Atomic uint32_t len; /* written last; 0: none */
        unsigned char bytes[JOURNAL_INIT_BYTES];
};

/* A worker's last words. */
struct crash {
        _Atomic int32_t pid; /* written last; 0: none */
        _Atomic uint32_t number;
        _Atomic uint64_t archive;
};

struct head {
        uint64_t magic;
        uint32_t version, slots, slot_bytes;
        uint64_t slots_off, ring_off, ring_bytes; /* from the beginning of the memfd */
        _Atomic uint32_t generation;
        _Atomic uint32_t ready, ending;
        _Atomic int64_t heartbeat_ms;
        struct saved init, init_reply;
        struct crash crash;
        _Atomic uint32_t had_inventory;
        _Atomic uint32_t counters_seq; /* odd: they are being written */
        struct journal_counters counters;
};

/* What the keeper knows of the request in a slot (invariant 5). */
struct known {
        uint64_t unique; /* of the request it is about */
        uint32_t deaths, crashes, hangs;
        bool hung;          /* the worker that runs: it has a strike for that */
        bool refused;       /* it was answered while a worker was at it */
        bool asked;         /* and the kernel took that answer */
        int64_t taken_ms;   /* as it was claimed when it was seen first, or then */
        int64_t started_ms; /* likewise, by the worker that runs; 0: it is not at it */
};

/* What stands in the head of the memfd, as the keeper knows it. */
struct truth {
        uint32_t generation;
        bool ready, ending, had_inventory;
        unsigned char init[JOURNAL_INIT_BYTES], init_reply[JOURNAL_INIT_BYTES];
        size_t init_len, init_reply_len; /* 0: nobody answered it yet */
        struct journal_counters counters;
        int64_t beat, beat_ms; /* the heartbeat, and when it was seen to be another one */
};

struct journal {
        int fd;     /* owned; -1 in a worker */
        void *map;  /* owned */
        size_t len; /* bytes of map */
        struct head *head;
        struct journal_slot *slots;
        atomic_bool orphans; /* there may be requests that nobody executes */
        /* the keeper's */
        struct known known[JOURNAL_SLOTS];
        int64_t looked_ms; /* when it looked last: what it did not see then came later */
        struct truth truth;
};

_Static_assert(sizeof(struct journal_slot) == 16384, "a slot is whole pages");
_Static_assert(JOURNAL_REQUEST_BYTES >= FUSE_MIN_READ_BUFFER, "the kernel wants this much room");

static size_t slots_off(void)
{
        return (sizeof(struct head) + PAGE - 1) / PAGE * PAGE;
}

static size_t ring_off(void)
{
        return slots_off() + JOURNAL_SLOTS * sizeof(struct journal_slot);
}

void journal_close(struct journal *j)
{
        if (!j)
                return;
        if (j->map != MAP_FAILED)
                (void)munmap(j->map, j->len);
        if (j->fd >= 0)
                close(j->fd);
        free(j);
}

static void journal_closep(struct journal **j)
{
        journal_close(*j);
}

static struct journal *journal_new(void)
{
        struct journal *j = calloc(1, sizeof *j);

        if (j) {
                j->fd = -1;
                j->map = MAP_FAILED;
        }
        return j;
}

static int map(struct journal *j, int fd, size_t len, struct err *err)
{
        j->map = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (j->map == MAP_FAILED)
                return err_sys(err, -errno, "map the journal");
        j->len = len;
        j->head = j->map;
        j->slots = (void *)((char *)j->map + slots_off());
        return 0;
}

static void describe(struct journal *j)
{
        j->head->version = JOURNAL_VERSION;
        j->head->slots = JOURNAL_SLOTS;
        j->head->slot_bytes = sizeof(struct journal_slot);
        j->head->slots_off = slots_off();
        j->head->ring_off = ring_off();
        j->head->ring_bytes = j->len - ring_off();
        j->head->magic = MAGIC;
}

int journal_create(size_t ring_bytes, struct journal **ret, struct err *err)
{
        AUTO_CLEAN(journal_closep) struct journal *j = journal_new();
        size_t ring = (ring_bytes + PAGE - 1) / PAGE * PAGE;
        int r;

        if (!j)
                return err_set(err, -ENOMEM, "out of memory");
        j->fd = memfd_create("pxefs-journal", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        /* Sealed: a worker that cut it short would kill the keeper with SIGBUS. */
        if (j->fd < 0 || ftruncate(j->fd, (off_t)(ring_off() + ring)) < 0 ||
                fcntl(j->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
                return err_sys(err, -errno, "make the journal");
        r = map(j, j->fd, ring_off() + ring, err);
        if (r < 0)
                return r;
        describe(j);
        *ret = take_ptr(&j);
        return 0;
}

int journal_open(int fd, uint32_t version, struct journal **ret, struct err *err)
{
        AUTO_CLEAN(journal_closep) struct journal *j = journal_new();
        struct stat st;
        int r;

        if (!j)
                return err_set(err, -ENOMEM, "out of memory");
        if (fstat(fd, &st) < 0 || st.st_size < (off_t)ring_off())
                return err_set(err, -EPROTO, "descriptor %d is no journal of pxefs", fd);
        r = map(j, fd, (size_t)st.st_size, err);
        if (r < 0)
                return r;
        if (j->head->magic != MAGIC)
                return err_set(err, -EPROTO, "descriptor %d is no journal of pxefs", fd);
        if (j->head->version != version)
                return err_set(err, -EPROTO,
                        "its journal has version %u, the mount's has %u: it can be taken over by a new mount "
                        "only",
                        version, j->head->version);
        if (j->head->slots != JOURNAL_SLOTS || j->head->slot_bytes != sizeof(struct journal_slot) ||
                j->head->slots_off != slots_off() || j->head->ring_off != ring_off() ||
                j->head->ring_bytes != j->len - ring_off())
                return err_set(err, -EPROTO, "its journal has another shape than the mount's");
        atomic_init(&j->orphans, true);
        *ret = take_ptr(&j);
        return 0;
}

int journal_fd(const struct journal *j)
{
        return j->fd;
}

void *journal_ring(struct journal *j, size_t *ret_bytes)
{
        *ret_bytes = j->len - ring_off();
        return (char *)j->map + ring_off();
}

/* ---- slots ------------------------------------------------------------------------------------- */

static struct fuse_in_header *header_of(const struct journal_slot *s)
{
        return (struct fuse_in_header *)(uintptr_t)s->request;
}

/* The header's fields are written by the kernel and read by another process: one load each. */
static bool unanswered(const struct journal_slot *s, uint64_t *ret_unique)
{
        struct fuse_in_header *h = header_of(s);
        uint32_t len = __atomic_load_n(&h->len, __ATOMIC_ACQUIRE);

        *ret_unique = __atomic_load_n(&h->unique, __ATOMIC_ACQUIRE);
        return len >= sizeof *h && *ret_unique != 0 && *ret_unique != atomic_load(&s->done);
}

static bool take(struct journal_slot *s)
{
        uint32_t nobody = 0;

        return atomic_compare_exchange_strong(&s->owner, &nobody, (uint32_t)syscall(SYS_gettid));
}

/* Invariant 4. */
static struct journal_slot *touch(struct journal_slot *s)
{
        for (size_t off = 0; off < sizeof *s; off += PAGE)
                (void)__atomic_fetch_or((unsigned char *)s + off, 0, __ATOMIC_RELAXED);
        return s;
}

/* Who has waited longest is served first, so that nobody starves while one worker after the other dies. */
static struct journal_slot *oldest_orphan(struct journal *j)
{
        struct journal_slot *oldest = NULL;
        uint64_t unique;

        for (unsigned i = 0; i < JOURNAL_SLOTS; i++) {
                struct journal_slot *s = &j->slots[i];

                if (atomic_load(&s->owner) == 0 && unanswered(s, &unique) &&
                        (!oldest || atomic_load(&s->taken_ms) < atomic_load(&oldest->taken_ms)))
                        oldest = s;
        }
        return oldest;
}

struct journal_slot *journal_claim(struct journal *j)
{
        while (atomic_load(&j->orphans)) {
                struct journal_slot *s = oldest_orphan(j);

                if (!s)
                        atomic_store(&j->orphans, false);
                else if (take(s))
                        return touch(s);
        }
        for (unsigned i = 0; i < JOURNAL_SLOTS; i++)
                if (take(&j->slots[i]))
                        return touch(&j->slots[i]);
        return NULL;
}

void journal_release(struct journal *j, struct journal_slot *s)
{
        uint64_t unique;

        if (unanswered(s, &unique)) /* its thread was ended after the kernel gave it a request */
                atomic_store(&j->orphans, true);
        atomic_store(&s->owner, 0);
}

unsigned journal_slot_number(const struct journal *j, const struct journal_slot *s)
{
        return (unsigned)(s - j->slots);
}

bool journal_has_orphans(const struct journal *j)
{
        return atomic_load(&j->orphans);
}

bool journal_unanswered(const struct journal_slot *s, void *buf, size_t cap, size_t *ret_len)
{
        uint64_t unique;

        if (!unanswered(s, &unique))
                return false;
        *ret_len = cap < JOURNAL_REQUEST_BYTES ? cap : JOURNAL_REQUEST_BYTES;
        memcpy(buf, s->request, *ret_len);
        return true;
}

void *journal_arm(struct journal_slot *s)
{
        struct fuse_in_header *h = header_of(s);

        __atomic_store_n(&h->len, 0, __ATOMIC_SEQ_CST); /* first: empty from here on */
        __atomic_store_n(&h->unique, 0, __ATOMIC_SEQ_CST);
        atomic_store(&s->done, 0);
        atomic_store(&s->archive, 0);
        atomic_store(&s->taken_ms, 0);
        atomic_store(&s->started_ms, 0);
        atomic_store(&s->waits, 0);
        return s->request;
}

void journal_taken(struct journal_slot *s, int64_t now_ms, uint64_t archive)
{
        atomic_store(&s->archive, archive);
        if (atomic_load(&s->taken_ms) == 0)
                atomic_store(&s->taken_ms, now_ms);
        atomic_store(&s->started_ms, now_ms);
}

_Atomic uint32_t *journal_waits(struct journal_slot *s)
{
        return &s->waits;
}

bool journal_answered(struct journal_slot *s, uint64_t unique)
{
        bool its = __atomic_load_n(&header_of(s)->unique, __ATOMIC_RELAXED) == unique;

        if (its)
                atomic_store(&s->done, unique);
        return its;
}

void journal_crashed(struct journal *j, int32_t pid, uint64_t archive, uint32_t number)
{
        struct crash *c = &j->head->crash;

        atomic_store(&c->number, number);
        atomic_store(&c->archive, archive);
        atomic_store(&c->pid, pid);
}

/* ---- INIT -------------------------------------------------------------------------------------- */

static void save(struct saved *to, const void *bytes, size_t len)
{
        if (len > sizeof to->bytes)
                return; /* then there is none, and a successor says so */
        memcpy(to->bytes, bytes, len);
        atomic_store(&to->len, (uint32_t)len);
}

static size_t load(const struct saved *from, void *buf)
{
        size_t len = atomic_load(&from->len);

        if (len > sizeof from->bytes)
                return 0;
        memcpy(buf, from->bytes, len);
        return len;
}

void journal_save_init(struct journal *j, const void *request, size_t len)
{
        save(&j->head->init, request, len);
}

void journal_save_init_reply(struct journal *j, const void *reply, size_t len)
{
        save(&j->head->init_reply, reply, len);
}

size_t journal_init(const struct journal *j, void *buf)
{
        return load(&j->head->init, buf);
}

size_t journal_init_reply(const struct journal *j, void *buf)
{
        return load(&j->head->init_reply, buf);
}

/* ---- state ------------------------------------------------------------------------------------- */

void journal_beat(struct journal *j, int64_t now_ms)
{
        atomic_store(&j->head->heartbeat_ms, now_ms);
}

int64_t journal_heartbeat(struct journal *j, int64_t now_ms)
{
        int64_t beat = atomic_load(&j->head->heartbeat_ms);

        if (beat != j->truth.beat)
                j->truth.beat_ms = now_ms;
        j->truth.beat = beat;
        return j->truth.beat_ms;
}

uint32_t journal_generation(const struct journal *j)
{
        return j->fd >= 0 ? j->truth.generation : atomic_load(&j->head->generation);
}

void journal_set_ready(struct journal *j)
{
        j->truth.ready = true;
        atomic_store(&j->head->ready, 1);
}

bool journal_is_ready(const struct journal *j)
{
        return atomic_load(&j->head->ready);
}

void journal_set_ending(struct journal *j)
{
        j->truth.ending = true;
        atomic_store(&j->head->ending, 1);
}

bool journal_is_ending(const struct journal *j)
{
        return atomic_load(&j->head->ending);
}

void journal_set_inventory(struct journal *j)
{
        atomic_store(&j->head->had_inventory, 1);
}

bool journal_had_inventory(const struct journal *j)
{
        return atomic_load(&j->head->had_inventory);
}

/* ---- counters ---------------------------------------------------------------------------------- */

void journal_count_restart(struct journal_counters *c, int64_t now_sec)
{
        size_t i = (size_t)(now_sec / 60 % JOURNAL_MINUTES);

        c->restarts++;
        c->in_minute[i] = c->minute[i] == now_sec / 60 ? c->in_minute[i] + 1 : 1;
        c->minute[i] = now_sec / 60;
}

static struct journal_blamed *row_of(struct journal_counters *c, uint64_t archive)
{
        size_t i = 0;

        while (i < JOURNAL_BLAMED && c->blamed[i].archive && c->blamed[i].archive != archive)
                i++;
        if (i == JOURNAL_BLAMED) {
                for (i = 0; i < JOURNAL_BLAMED; i++)
                        if (!policy_condemns(c->blamed[i].crashes, c->blamed[i].hangs))
                                break;
                if (i == JOURNAL_BLAMED)
                        return NULL;
                memmove(&c->blamed[i], &c->blamed[i + 1], (JOURNAL_BLAMED - 1 - i) * sizeof c->blamed[0]);
                i = JOURNAL_BLAMED - 1;
                c->blamed[i] = (struct journal_blamed) { 0 };
        }
        c->blamed[i].archive = archive;
        return &c->blamed[i];
}

/* True, and noted, if one more may be condemned. */
static bool may_condemn(struct journal_counters *c, int64_t now_ms)
{
        size_t oldest = 0;

        for (size_t i = 1; i < JOURNAL_CONDEMN_MAX; i++)
                if (c->condemned_ms[i] < c->condemned_ms[oldest])
                        oldest = i;
        if (c->condemned_ms[oldest] != 0 && now_ms - c->condemned_ms[oldest] < JOURNAL_CONDEMN_MS)
                return false;
        c->condemned_ms[oldest] = now_ms;
        return true;
}

/* Raises a count of strikes; not to the last one, if that may not be. */
static const struct journal_blamed *blame(
        struct journal_counters *c, struct journal_blamed *b, uint32_t *count, uint32_t to, int64_t now_ms)
{
        if (!policy_condemns(b->crashes, b->hangs) && to >= POLICY_STRIKES && !may_condemn(c, now_ms))
                b->spared++;
        else
                *count = to;
        return b;
}

const struct journal_blamed *journal_blame_crash(struct journal_counters *c, uint64_t archive, int64_t now_ms)
{
        struct journal_blamed *b = row_of(c, archive);

        return b ? blame(c, b, &b->crashes, b->crashes + 1, now_ms) : NULL;
}

const struct journal_blamed *journal_blame_hangs(struct journal_counters *c, uint64_t archive, int64_t now_ms)
{
        struct journal_blamed *b = row_of(c, archive);

        return b ? blame(c, b, &b->hangs, POLICY_STRIKES, now_ms) : NULL;
}

bool journal_is_condemned(const struct journal_counters *c, uint64_t archive)
{
        for (size_t i = 0; archive && i < JOURNAL_BLAMED; i++)
                if (c->blamed[i].archive == archive)
                        return policy_condemns(c->blamed[i].crashes, c->blamed[i].hangs);
        return false;
}

uint64_t journal_restarts_last_hour(const struct journal_counters *c, int64_t now_sec)
{
        uint64_t n = 0;

        for (size_t i = 0; i < JOURNAL_MINUTES;
                i++) /* a clock that was set back shows none of what is to come */
                if (c->minute[i] > now_sec / 60 - JOURNAL_MINUTES && c->minute[i] <= now_sec / 60)
                        n += c->in_minute[i];
        return n;
}

/* One writer: a sequence lock.  A reader that finds it odd or changed reads again. */
static void write_counters(struct journal *j)
{
        uint32_t seq = atomic_load(&j->head->counters_seq) | 1; /* whatever a worker wrote there */

        atomic_store(&j->head->counters_seq, seq);
        memcpy(&j->head->counters, &j->truth.counters, sizeof j->head->counters);
        atomic_store(&j->head->counters_seq, seq + 1);
}

void journal_put_counters(struct journal *j, const struct journal_counters *c)
{
        j->truth.counters = *c;
        write_counters(j);
}

bool journal_get_counters(const struct journal *j, struct journal_counters *ret)
{
        for (int tries = 0; tries < 1000; tries++) {
                uint32_t seq = atomic_load(&j->head->counters_seq);

                if (seq & 1)
                        continue;
                memcpy(ret, &j->head->counters, sizeof *ret);
                atomic_thread_fence(memory_order_seq_cst);
                if (atomic_load(&j->head->counters_seq) != seq)
                        continue;
                ret->death.text[sizeof ret->death.text - 1] = '\0';
                ret->upgrade_refused.text[sizeof ret->upgrade_refused.text - 1] = '\0';
                return true;
        }
        return false;
}

/* ---- the keeper's end -------------------------------------------------------------------------- */

/* INIT is negotiated once, and never in another way: what was agreed on first stays. */
static void learn_init(struct journal *j)
{
        struct truth *t = &j->truth;

        if (t->init_reply_len > 0)
                return;
        t->init_len = load(&j->head->init, t->init);
        t->init_reply_len = t->init_len ? load(&j->head->init_reply, t->init_reply) : 0;
}

void journal_learn(struct journal *j)
{
        learn_init(j);
        j->truth.had_inventory |= atomic_load(&j->head->had_inventory) != 0;
}

/* A time that a worker claims, of something that was not there when we looked last. */
static int64_t plausible(const struct journal *j, int64_t claimed_ms, int64_t now_ms)
{
        return claimed_ms < j->looked_ms || claimed_ms > now_ms ? now_ms : claimed_ms;
}

/* What is known of request @unique in slot @i; new, if that slot had another one. */
static struct known *known_of(struct journal *j, unsigned i, uint64_t unique)
{
        if (j->known[i].unique != unique)
                j->known[i] = (struct known) { .unique = unique };
        return &j->known[i];
}

void journal_look(struct journal *j, int64_t now_ms)
{
        learn_init(j);
        for (unsigned i = 0; i < JOURNAL_SLOTS; i++) {
                struct journal_slot *s = &j->slots[i];
                int64_t taken_ms = atomic_load(&s->taken_ms), started_ms = atomic_load(&s->started_ms);
                struct known *k;
                uint64_t unique;

                if (!unanswered(s, &unique))
                        continue;
                k = known_of(j, i, unique);
                if (k->taken_ms == 0 && taken_ms != 0)
                        k->taken_ms = plausible(j, taken_ms, now_ms);
                if (k->started_ms == 0 && started_ms != 0)
                        k->started_ms = plausible(j, started_ms, now_ms);
        }
        j->looked_ms = now_ms;
}

bool journal_peek(const struct journal *j, unsigned i, struct journal_request *ret)
{
        static const struct known nothing;
        const struct journal_slot *s = &j->slots[i];
        const struct fuse_in_header *h = header_of(s);
        const struct known *k;
        uint64_t unique;

        if (!unanswered(s, &unique))
                return false;
        k = j->known[i].unique == unique ? &j->known[i] : &nothing;
        *ret = (struct journal_request) {
                .unique = unique,
                .node = __atomic_load_n(&h->nodeid, __ATOMIC_RELAXED),
                .archive = atomic_load(&s->archive),
                .opcode = __atomic_load_n(&h->opcode, __ATOMIC_RELAXED),
                .deaths = k->deaths,
                .crashes = k->crashes,
                .hangs = k->hangs,
                .thread = atomic_load(&s->owner),
                .waits = atomic_load(&s->waits) != 0,
                .refused = k->refused,
                .asked = k->asked,
                .taken_ms = k->taken_ms,
                .started_ms = k->started_ms,
        };
        /* The worker may have gone on to the next one meanwhile. */
        return __atomic_load_n(&h->unique, __ATOMIC_ACQUIRE) == unique;
}

void journal_refused(struct journal *j, unsigned i, uint64_t unique, bool asked)
{
        struct journal_slot *s = &j->slots[i];

        known_of(j, i, unique)->refused = true;
        known_of(j, i, unique)->asked = asked;
        if (atomic_load(&s->owner) == 0)
                (void)journal_answered(s, unique);
}

void journal_count_crash(struct journal *j, unsigned i, uint64_t unique)
{
        if (i < JOURNAL_SLOTS)
                known_of(j, i, unique)->crashes++;
}

bool journal_count_hang(struct journal *j, unsigned i, uint64_t unique)
{
        struct known *k = known_of(j, i, unique);

        if (k->hung)
                return false;
        k->hung = true;
        k->hangs++;
        return true;
}

bool journal_last_words(const struct journal *j, int32_t pid, struct journal_crash *ret)
{
        const struct crash *c = &j->head->crash;

        if (pid <= 0 || atomic_load(&c->pid) != pid)
                return false;
        *ret = (struct journal_crash) { .archive = atomic_load(&c->archive),
                .number = atomic_load(&c->number) };
        return true;
}

void journal_worker_ended(struct journal *j, int64_t now_ms)
{
        journal_look(j, now_ms); /* of what came since the last time, as it was claimed */
        for (unsigned i = 0; i < JOURNAL_SLOTS; i++) {
                struct journal_slot *s = &j->slots[i];
                struct known *k;
                uint64_t unique;

                atomic_store(&s->owner, 0);
                atomic_store(&s->started_ms, 0);
                atomic_store(&s->waits, 0);
                if (!unanswered(s, &unique))
                        continue;
                k = known_of(j, i, unique);
                if (k->refused) {
                        (void)journal_answered(s, unique);
                        continue;
                }
                k->deaths++;
                k->started_ms = 0;
                k->hung = false;
                if (k->taken_ms == 0) /* killed between the kernel's write and its own */
                        k->taken_ms = now_ms;
                atomic_store(&s->taken_ms, k->taken_ms); /* for the order in which they are executed again */
        }
}

static void write_saved(struct saved *to, const unsigned char *bytes, size_t len)
{
        memcpy(to->bytes, bytes, sizeof to->bytes);
        atomic_store(&to->len, (uint32_t)len);
}

/* Invariant 5. */
static void restore(struct journal *j)
{
        const struct truth *t = &j->truth;

        describe(j);
        atomic_store(&j->head->generation, t->generation);
        atomic_store(&j->head->ready, t->ready);
        atomic_store(&j->head->ending, t->ending);
        atomic_store(&j->head->had_inventory, t->had_inventory);
        if (t->init_reply_len > 0) { /* else a request that waits in a slot brings it */
                write_saved(&j->head->init, t->init, t->init_len);
                write_saved(&j->head->init_reply, t->init_reply, t->init_reply_len);
        }
        atomic_store(&j->head->crash.pid, 0);
        write_counters(j);
}

void journal_worker_starts(struct journal *j, int64_t now_ms)
{
        j->truth.generation++;
        restore(j);
        j->truth.beat = now_ms;
        j->truth.beat_ms = now_ms;
        atomic_store(&j->head->heartbeat_ms, now_ms);
}

void journal_forgive(struct journal *j, int64_t ms)
{
        for (unsigned i = 0; i < JOURNAL_SLOTS; i++) {
                struct known *k = &j->known[i];

                if (k->taken_ms)
                        k->taken_ms += ms;
                if (k->started_ms)
                        k->started_ms += ms;
        }
        j->looked_ms += ms;
        j->truth.beat_ms += ms;
}
