/* SPDX-License-Identifier: MPL-2.0 */
/* session -- see session.h.
 *
 * Each thread of libfuse's loop has a slot of the journal.  io_read, in place of read(2):
 *
 *   an unanswered request that nobody executes (of a predecessor)?  its slot becomes this thread's; that request
 *   else: the slot is emptied, and the kernel writes the next request into it
 *
 * (at first only as many at once as there are processors, and nothing of the kernel: takeover/turnstile.h)
 *
 * and io_writev marks the slot as answered when a reply with its number was written.  So replay needs no code of its
 * own: requests of a predecessor come to libfuse's threads as if the kernel had sent them, as many at once as there are
 * threads.  So does one of our own whose reply could not be written.  A request that was answered, but not marked, is
 * executed once more, and the kernel refuses the second reply with ENOENT (Linux fs/fuse/dev.c, fuse_dev_do_write:
 * request_find), which libfuse passes over.
 *
 * Invariants
 *   1. Every callback answers in the thread that took the request (ops.c), so a thread has one request at a time.
 *   2. A successor negotiates by the bytes of the kernel's INIT; its reply is compared with the one the kernel got,
 *      and not sent.
 *   3. clone_fd is off: requests that were read from a clone end with the process that has it open.
 */
#include "mount/session.h"

#include <errno.h>
#include <fuse_lowlevel.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/atwork.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "namespace/node.h"
#include "takeover/request.h"
#include "takeover/turnstile.h"

#define LIBFUSE_THREADS 10  /* lib/fuse_loop_mt.c, FUSE_LOOP_MT_DEF_MAX_THREADS */
#define REPLAY_MS       250 /* so long what was left unanswered goes before all else */

struct slot_ref {
        struct journal *journal;
        struct journal_slot *slot;
        bool inside; /* the turnstile: what it executes was a predecessor's */
};

struct session {
        struct ops *ops; /* borrowed */
        struct journal *journal;
        struct fuse_session *fuse; /* owned; closes the descriptor */
        pthread_key_t key;         /* each thread's struct slot_ref */
        bool have_key, signals;
        atomic_bool gone; /* the kernel said that there is no mount */
        unsigned processors;
        struct turnstile turnstile; /* from session_loop on */
        /* While INIT is negotiated once more: where its reply goes instead of the kernel. */
        bool feeding;
        unsigned char init[JOURNAL_INIT_BYTES], reply[JOURNAL_INIT_BYTES];
        size_t init_len, reply_len; /* 0: it was not negotiated */
};

static void slot_ref_free(void *arg)
{
        struct slot_ref *ref = arg;

        if (ref->slot)
                journal_release(ref->journal, ref->slot);
        free(ref);
}

/* This thread's; made when it asks first.  NULL with errno if that cannot be. */
static struct slot_ref *my_slot(struct session *s)
{
        struct slot_ref *ref = pthread_getspecific(s->key);

        if (!ref) {
                ref = calloc(1, sizeof *ref);
                if (!ref)
                        return NULL;
                ref->journal = s->journal;
                if (pthread_setspecific(s->key, ref) != 0) {
                        free(ref);
                        errno = ENOMEM;
                        return NULL;
                }
        }
        if (!ref->slot)
                ref->slot = journal_claim(s->journal);
        if (!ref->slot)
                errno = ENOMEM;
        return ref->slot ? ref : NULL;
}

/* The archive whose bytes @node stands for; 0: none. */
static uint64_t archive_of(uint64_t node)
{
        struct node n;

        return node_decode(node, &n) && (n.kind == NODE_ENTRY || n.kind == NODE_ISO) ? n.object : 0;
}

/* The request in @slot is this thread's work now, until it is answered (or until the next one, if nobody answers it). */
static void begin_work(const struct session *s, struct journal_slot *slot, const void *request, size_t len)
{
        const struct fuse_in_header *h = request;
        uint64_t archive = archive_of(h->nodeid);

        if (h->opcode == FUSE_INIT) /* also a predecessor's, which may have died before it kept it */
                journal_save_init(s->journal, request, len);
        journal_taken(slot, clock_ms(), archive);
        atwork_place(journal_slot_number(s->journal, slot) + 1);
        atwork_say_waits(journal_waits(slot));
        (void)atwork_begin(archive, ATWORK_REQUEST);
}

static void end_work(void)
{
        atwork_end(true);
        atwork_place(0);
        atwork_say_waits(NULL);
}

/* False if whoever asked still waits.  ENOENT: it was answered already, or nobody waits; ENODEV: the mount is gone. */
static bool answer_errno(int fd, uint64_t unique, int error)
{
        struct fuse_out_header out = { .len = sizeof out, .error = -error, .unique = unique };

        return write(fd, &out, sizeof out) == sizeof out || errno == ENOENT || errno == ENODEV;
}

/* A request of the slot that has no answer yet, ready for libfuse; 0 if there is none. */
static size_t replay(const struct session *s, int fd, struct journal_slot *slot, void *buf, size_t cap)
{
        const struct fuse_in_header *h = buf;
        size_t len;
        int error;

        if (!journal_unanswered(slot, buf, cap, &len))
                return 0;
        switch (request_judge(buf, len, &len, &error)) {
        case REQUEST_FIT:
                begin_work(s, slot, buf, len);
                return len;
        case REQUEST_UNFIT:
                (void)answer_errno(fd, h->unique, error);
                break;
        case REQUEST_SILENT:
                break;
        }
        (void)journal_answered(slot, h->unique);
        return 0;
}

/* Goes on to a slot with a request that is waiting, as long as there is one. */
static size_t next_orphan(struct session *s, int fd, struct slot_ref *ref, void *buf, size_t cap)
{
        for (;;) {
                size_t len = replay(s, fd, ref->slot, buf, cap);

                if (len > 0)
                        return len;
                if (!journal_has_orphans(s->journal))
                        return 0;
                journal_release(s->journal, ref->slot);
                ref->slot = journal_claim(s->journal);
                if (!ref->slot)
                        return 0;
        }
}

static ssize_t next_request(struct session *s, int fd, struct journal_slot *slot, void *buf, size_t len)
{
        unsigned char *request = journal_arm(slot);
        /* The kernel wants room for the longest request there could be; what does not fit into the slot goes where
         * libfuse wants it anyway. */
        struct iovec iov[] = { { request, JOURNAL_REQUEST_BYTES },
                { (char *)buf + JOURNAL_REQUEST_BYTES, len - JOURNAL_REQUEST_BYTES } };
        ssize_t n = readv(fd, iov, 2);

        if (n < 0 && errno == ENODEV)
                atomic_store(&s->gone, true);
        if (n <= 0)
                return n;
        memcpy(buf, request, n < JOURNAL_REQUEST_BYTES ? (size_t)n : JOURNAL_REQUEST_BYTES);
        begin_work(s, slot, buf, (size_t)n);
        return n;
}

/* The same, through the turnstile. */
static size_t next_in_turn(struct session *s, int fd, struct slot_ref *ref, void *buf, size_t cap)
{
        size_t n;

        if (ref->inside) {
                ref->inside = false;
                turnstile_leave(&s->turnstile);
        }
        if (!turnstile_enter(&s->turnstile))
                return next_orphan(s, fd, ref, buf, cap); /* of a thread that was ended */
        n = next_orphan(s, fd, ref, buf, cap);
        ref->inside = n > 0;
        if (n == 0)
                turnstile_leave_last(&s->turnstile);
        return n;
}

static ssize_t io_read(int fd, void *buf, size_t len, void *userdata)
{
        struct session *s = ((struct ops *)userdata)->session;
        struct slot_ref *ref = my_slot(s);
        size_t n;

        if (!ref)
                return -1;
        end_work();
        if (len <= JOURNAL_REQUEST_BYTES) {
                errno = EINVAL;
                return -1;
        }
        n = next_in_turn(s, fd, ref, buf, len);
        if (n > 0)
                return (ssize_t)n;
        if (!ref->slot) {
                errno = ENOMEM;
                return -1;
        }
        return next_request(s, fd, ref->slot, buf, len);
}

static size_t gather(const struct iovec *iov, int count, unsigned char *buf, size_t cap)
{
        size_t n = 0, copied = 0;

        for (int i = 0; i < count; i++) {
                size_t part = iov[i].iov_len < cap - copied ? iov[i].iov_len : cap - copied;

                memcpy(buf + copied, iov[i].iov_base, part);
                copied += part;
                n += iov[i].iov_len;
        }
        return n;
}

static bool answers_init(const struct journal *j, const struct fuse_out_header *out)
{
        unsigned char init[JOURNAL_INIT_BYTES];
        struct fuse_in_header h;

        if (journal_init(j, init) < sizeof h)
                return false;
        memcpy(&h, init, sizeof h);
        return h.unique == out->unique && out->error == 0;
}

static ssize_t io_writev(int fd, struct iovec *iov, int count, void *userdata)
{
        struct session *s = ((struct ops *)userdata)->session;
        const struct fuse_out_header *out = iov[0].iov_base;
        struct slot_ref *ref;
        ssize_t n;
        int error;

        if (s->feeding) {
                s->reply_len = gather(iov, count, s->reply, sizeof s->reply);
                return (ssize_t)s->reply_len;
        }
        n = writev(fd, iov, count);
        error = errno;
        /* Short of memory: an error beats no answer.  If that cannot be told either, the request stays unanswered in the
         * slot, and io_read executes it again, until it is answered or the keeper does (policy.h, patience). */
        if (n < 0 && error != ENOENT && error != ENODEV && !answer_errno(fd, out->unique, EIO)) {
                errno = error;
                return n;
        }
        if (answers_init(s->journal, out)) {
                unsigned char reply[JOURNAL_INIT_BYTES];
                size_t len = gather(iov, count, reply, sizeof reply);

                if (len <= sizeof reply)
                        journal_save_init_reply(s->journal, reply, len);
        }
        ref = pthread_getspecific(s->key);
        /* Not of an INTERRUPT, to which libfuse replies in a thread that has just begun something else (lib/fuse_lowlevel.c,
         * check_interrupt: EAGAIN): that goes on. */
        if (ref && ref->slot && journal_answered(ref->slot, out->unique))
                end_work();
        errno = error;
        return n;
}

/* Invariant 2. */
static int negotiate_again(struct session *s, struct err *err)
{
        unsigned char init[JOURNAL_INIT_BYTES], before[JOURNAL_INIT_BYTES];
        size_t len = journal_init(s->journal, init), before_len = journal_init_reply(s->journal, before),
               own_len;
        struct fuse_buf buf = { .mem = init };
        int error;

        if (before_len == 0)
                return 0; /* nobody answered yet: it comes from the slot, or from the kernel */
        if (request_judge(init, len, &own_len, &error) != REQUEST_FIT || own_len != len)
                return err_set(err, -EPROTO, "the INIT in the journal is damaged");
        memcpy(s->init, init, len);
        s->init_len = len;
        buf.size = len;
        s->feeding = true;
        fuse_session_process_buf(s->fuse, &buf);
        s->feeding = false;
        if (s->reply_len != before_len || memcmp(s->reply, before, before_len) != 0)
                return err_set(err, -EPROTO,
                        "it would agree on other things with the kernel than the mount did: it fits a new "
                        "mount only");
        return 0;
}

/* In place of printing to stderr, where a reader that hangs would keep a thread that serves. */
__attribute__((format(printf, 2, 0))) static void log_of_libfuse(
        enum fuse_log_level level, const char *fmt, va_list ap)
{
        char line[LOG_LINE_BYTES];

        (void)vsnprintf(line, sizeof line, fmt, ap);
        line[strcspn(line, "\n")] = '\0';
        if (level >= FUSE_LOG_INFO)
                log_debug("libfuse: %s", line);
        else
                log_warn("libfuse: %s", line);
}

int session_check(const struct session *s, struct err *err)
{
        unsigned char init[JOURNAL_INIT_BYTES], reply[JOURNAL_INIT_BYTES];
        size_t len = journal_init(s->journal, init), reply_len = journal_init_reply(s->journal, reply);

        if (reply_len == 0 && s->init_len == 0)
                return 0;
        if (len != s->init_len || reply_len != s->reply_len || memcmp(init, s->init, len) != 0 ||
                memcmp(reply, s->reply, reply_len) != 0)
                return err_set(err, -EPROTO,
                        "what it was told that the mount agreed on with the kernel is not what was agreed "
                        "on");
        return 0;
}

int session_open(const struct session_options *opts, struct session **ret, struct err *err)
{
        static const struct fuse_custom_io io = { .read = io_read, .writev = io_writev };
        char name[] = "pxefs", flag[] = "-d";
        char *argv[] = { name, flag, NULL };
        struct fuse_args args = { .argc = opts->debug ? 2 : 1, .argv = argv };
        struct session *s = calloc(1, sizeof *s);
        int r;

        if (!s)
                return err_set(err, -ENOMEM, "out of memory");
        fuse_set_log_func(log_of_libfuse);
        s->ops = opts->ops;
        s->ops->session = s;
        s->journal = opts->journal;
        s->processors = opts->processors;
        s->have_key = pthread_key_create(&s->key, slot_ref_free) == 0;
        s->fuse = fuse_session_new(&args, &ops_table, sizeof ops_table, s->ops);
        fuse_opt_free_args(&args);
        if (s->fuse && s->have_key && fuse_session_custom_io(s->fuse, &io, opts->fd) == 0) {
                r = negotiate_again(s, err);
        } else {
                close(opts->fd);
                r = err_set(err, -EINVAL, "libfuse makes no session");
        }
        if (r < 0) {
                session_close(s);
                return r;
        }
        *ret = s;
        return 0;
}

unsigned session_threads(bool single_thread, unsigned threads)
{
        return single_thread ? 1 : threads ? threads : LIBFUSE_THREADS;
}

int session_loop(struct session *s, bool single_thread, unsigned threads)
{
        struct fuse_loop_config *config;
        int r;

        if (fuse_set_signal_handlers(s->fuse) < 0)
                return -EINVAL;
        s->signals = true;
        turnstile_init(&s->turnstile, s->processors, REPLAY_MS);
        if (single_thread) {
                r = fuse_session_loop(s->fuse);
        } else {
                config = fuse_loop_cfg_create();
                if (!config)
                        return -ENOMEM;
                fuse_loop_cfg_set_clone_fd(config, 0); /* invariant 3 */
                if (threads)
                        fuse_loop_cfg_set_max_threads(config, threads);
                r = fuse_session_loop_mt(s->fuse, config);
                fuse_loop_cfg_destroy(config);
        }
        turnstile_fini(&s->turnstile);
        return r > 0 ? 0 : r; /* a positive value is the signal that ended the loop */
}

bool session_mount_gone(const struct session *s)
{
        return atomic_load(&s->gone);
}

void session_close(struct session *s)
{
        if (!s)
                return;
        if (s->signals)
                fuse_remove_signal_handlers(s->fuse);
        if (s->fuse)
                fuse_session_destroy(s->fuse);
        if (s->have_key) {
                struct slot_ref *ref = pthread_getspecific(s->key);

                if (ref) {
                        (void)pthread_setspecific(s->key, NULL);
                        slot_ref_free(ref);
                }
                pthread_key_delete(s->key);
        }
        s->ops->session = NULL;
        free(s);
}
