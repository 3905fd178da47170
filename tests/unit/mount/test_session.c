/* SPDX-License-Identifier: MPL-2.0 */
/* A session whose kernel is this test, at the other end of a socket that keeps packets apart: what becomes of a request
 * whose reply cannot be written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fuse_lowlevel.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/atwork.h"
#include "base/clock.h"
#include "catalogworld.h"
#include "mount/ops.h"
#include "mount/session.h"
#include "namespace/place.h"
#include "replyfault.h"
#include "takeover/journal.h"

#define STAMP    "20240101T000000Z"
#define PATH     "smartos/" STAMP "/" RAMDISK
#define READ_MAX 65536u

/* What is served, and what a worker is. */
static struct lab {
        struct inventory *inventory;
        struct overlay *overlay;
        struct textring *ring, *face_ring;
        struct texts *texts;
        struct places *places;
        struct journal *of_keeper, *journal; /* of one mount, and as its present worker maps it */
        struct ops ops;
        struct session *session;
        pthread_t thread;
        int kernel, fuse_fd; /* the two ends; the second is the session's */
        uint64_t unique;
} lab;

/* ---- the kernel's side ---- */

struct reply {
        int error; /* 0 or a negative errno */
        size_t len;
        unsigned char bytes[READ_MAX];
};

static void send_request(uint32_t opcode, uint64_t node, const void *arg, size_t arg_len)
{
        unsigned char packet[sizeof(struct fuse_in_header) + 512];
        struct fuse_in_header h = { .len = (uint32_t)(sizeof h + arg_len),
                .opcode = opcode,
                .unique = lab.unique += 2,
                .nodeid = node };

        memcpy(packet, &h, sizeof h);
        if (arg_len)
                memcpy(packet + sizeof h, arg, arg_len);
        assert_int_equal(send(lab.kernel, packet, h.len, 0), h.len);
}

/* The next that comes must answer the request sent last: a second answer to another one is seen here. */
static void take_reply(struct reply *ret)
{
        unsigned char packet[sizeof(struct fuse_out_header) + READ_MAX];
        struct fuse_out_header h;
        ssize_t n = recv(lab.kernel, packet, sizeof packet, 0);

        if (n < (ssize_t)sizeof h)
                fail_msg("request %llu has no answer", (unsigned long long)lab.unique);
        memcpy(&h, packet, sizeof h);
        assert_int_equal(h.len, n);
        assert_int_equal(h.unique, lab.unique);
        ret->error = h.error;
        ret->len = (size_t)n - sizeof h;
        memcpy(ret->bytes, packet + sizeof h, ret->len);
}

static void ask_once(uint32_t opcode, uint64_t node, const void *arg, size_t arg_len, struct reply *ret)
{
        send_request(opcode, node, arg, arg_len);
        take_reply(ret);
}

static unsigned io_errors; /* of this round */

/* As a client that tries again, once. */
static void ask(uint32_t opcode, uint64_t node, const void *arg, size_t arg_len, struct reply *ret)
{
        ask_once(opcode, node, arg, arg_len, ret);
        if (ret->error != -EIO)
                return;
        io_errors++;
        assert_int_equal(ret->len, 0);
        ask_once(opcode, node, arg, arg_len, ret);
        assert_int_not_equal(ret->error, -EIO);
}

static void negotiate(struct reply *ret)
{
        struct fuse_init_in in = { .major = FUSE_KERNEL_VERSION,
                .minor = FUSE_KERNEL_MINOR_VERSION,
                .max_readahead = 131072,
                .flags = FUSE_ASYNC_READ | FUSE_CACHE_SYMLINKS | FUSE_MAX_PAGES };

        ask_once(FUSE_INIT, 0, &in, sizeof in, ret);
}

static uint64_t find(const char *path)
{
        uint64_t node = FUSE_ROOT_ID;
        char copy[200], *save = NULL;
        struct fuse_entry_out e;
        static struct reply r;

        (void)snprintf(copy, sizeof copy, "%s", path);
        for (char *name = strtok_r(copy, "/", &save); name; name = strtok_r(NULL, "/", &save)) {
                ask(FUSE_LOOKUP, node, name, strlen(name) + 1, &r);
                if (r.error)
                        fail_msg("%s in %s: %s", name, path, strerror(-r.error));
                memcpy(&e, r.bytes, sizeof e);
                node = e.nodeid;
        }
        return node;
}

static void read_some(uint64_t node, uint64_t off, struct reply *ret)
{
        struct fuse_read_in in = { .offset = off, .size = READ_MAX };

        ask(FUSE_READ, node, &in, sizeof in, ret);
}

/* One request of each kind, and what it is answered, one behind the other. */
static void visit(struct buf *out)
{
        static const char menu[] = "hosts/02-08-20-00-00-01/menu.ipxe";
        struct fuse_read_in list = { .size = 4096 };
        struct fuse_getattr_in getattr = { 0 };
        struct fuse_open_in open = { 0 };
        static struct reply r;
        const struct {
                uint32_t opcode;
                uint64_t node;
                const void *arg;
                size_t arg_len;
                int error;
        } v[] = {
                { FUSE_GETATTR, find(menu), &getattr, sizeof getattr, 0 },
                { FUSE_READLINK, find("smartos/latest"), NULL, 0, 0 },
                { FUSE_OPENDIR, FUSE_ROOT_ID, &open, sizeof open, 0 },
                { FUSE_READDIR, FUSE_ROOT_ID, &list, sizeof list, 0 },
                { FUSE_OPEN, find(menu), &open, sizeof open, -ENOSYS },
                { FUSE_LOOKUP, FUSE_ROOT_ID, "absent", 7, -ENOENT },
                { FUSE_GETATTR, UINT64_MAX, &getattr, sizeof getattr, -ESTALE },
        };

        for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
                ask(v[i].opcode, v[i].node, v[i].arg, v[i].arg_len, &r);
                assert_int_equal(r.error, v[i].error);
                buf_add(out, r.bytes, r.len);
        }
        read_some(find(menu), 0, &r);
        assert_memory_equal(r.bytes, "#!ipxe", 6);
        buf_add(out, r.bytes, r.len);
        read_some(find(PATH), 0, &r);
        assert_memory_equal(r.bytes, "ramdisk of " STAMP, 11 + sizeof STAMP - 1);
        buf_add(out, r.bytes, r.len);
}

/* ---- the worker's side ---- */

__typeof__(place_borrow) __real_place_borrow, __wrap_place_borrow;
static struct atwork reading; /* the mark of the thread that answered the last READ, while it did */

int __wrap_place_borrow(
        const struct places *p, const struct node *n, size_t len, uint64_t off, struct place_loan *ret)
{
        reading = atwork_get();
        return __real_place_borrow(p, n, len, off, ret);
}

ssize_t __real_readv(int fd, const struct iovec *iov, int count);
ssize_t __wrap_readv(int fd, const struct iovec *iov, int count);

/* The end of the other side is what the kernel says of a mount that is gone. */
ssize_t __wrap_readv(int fd, const struct iovec *iov, int count)
{
        ssize_t n = __real_readv(fd, iov, count);

        if (n != 0)
                return n;
        errno = ENODEV;
        return -1;
}

static void *loop(void *arg)
{
        assert_int_equal(session_loop(arg, true, 0), 0);
        return NULL;
}

/* Opens a session over a new socket, on the journal of the mount. */
static void worker_starts(void)
{
        struct timeval patience = { .tv_sec = 20 };
        int ends[2], bytes = 1 << 20;

        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
        lab.kernel = ends[0];
        lab.fuse_fd = ends[1];
        (void)setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
        (void)setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        journal_worker_starts(lab.of_keeper, clock_ms());
        assert_int_equal(journal_open(journal_fd(lab.of_keeper), JOURNAL_VERSION, &lab.journal, NULL), 0);
        lab.ops = (struct ops) { .places = lab.places };
        assert_int_equal(
                session_open(
                        &(struct session_options) { .ops = &lab.ops, .fd = ends[1], .journal = lab.journal },
                        &lab.session, NULL),
                0);
}

static void worker_serves(void)
{
        assert_int_equal(pthread_create(&lab.thread, NULL, loop, lab.session), 0);
}

static void worker_closes(void)
{
        session_close(lab.session);
        journal_close(lab.journal);
        journal_worker_ended(lab.of_keeper, clock_ms());
}

static void worker_ends(void)
{
        replyfault_arm(-1, 0, 0, 0);
        close(lab.kernel);
        pthread_join(lab.thread, NULL);
        worker_closes();
}

static void mount_begins(void)
{
        assert_int_equal(journal_create(4096, &lab.of_keeper, NULL), 0);
        lab.unique = 0;
        io_errors = 0;
        worker_starts();
}

static void mount_ends(void)
{
        struct journal_request r;

        worker_ends();
        for (unsigned i = 0; i < JOURNAL_SLOTS; i++)
                assert_false(journal_peek(lab.of_keeper, i, &r));
        journal_close(lab.of_keeper);
}

static int set_up_lab(void **state)
{
        struct world *w;
        int r = set_up(state);

        if (r != 0)
                return r;
        w = *state;
        put_platform(w, "a.tgz", "platform-" STAMP, STAMP, true, 100);
        scan(w);
        assert_int_equal(
                inventory_open(&(struct inventory_options) { .path = NULL }, &lab.inventory, NULL), 0);
        assert_int_equal(overlay_open(NULL, 0, NULL, false, &lab.overlay, NULL), 0);
        lab.ring = textring_new(1 << 20);
        lab.face_ring = textring_new(1 << 16);
        lab.texts = texts_new(&(struct texts_options) { .catalog = w->c,
                .inventory = lab.inventory,
                .version = "1",
                .statm_fd = -1,
                .ring = lab.ring,
                .face_ring = lab.face_ring,
                .hash_bits = 32 });
        lab.places = places_new(&(struct places_options) {
                .catalog = w->c, .inventory = lab.inventory, .overlay = lab.overlay, .texts = lab.texts });
        assert_non_null(lab.texts);
        assert_non_null(lab.places);
        return 0;
}

static int tear_down_lab(void **state)
{
        places_free(lab.places);
        texts_free(lab.texts);
        textring_free(lab.face_ring);
        textring_free(lab.ring);
        overlay_close(lab.overlay);
        inventory_close(lab.inventory);
        return tear_down(state);
}

/* ---- what is true ---- */

/* All answers, when nothing fails. */
static void undisturbed(struct buf *out)
{
        static struct reply init;

        mount_begins();
        worker_serves();
        negotiate(&init);
        visit(out);
        mount_ends();
        assert_int_equal(io_errors, 0);
}

/* The same while the @nth write and @more behind it fail; io_errors says how many requests had to be asked again.  How many
 * writes failed. */
static unsigned disturbed(unsigned nth, unsigned more, int error, const struct buf *want)
{
        AUTO_BUF struct buf got = BUF_INIT;
        static struct reply init;
        unsigned fired;

        mount_begins();
        worker_serves();
        negotiate(&init);
        assert_int_equal(init.error, 0);
        replyfault_arm(lab.fuse_fd, nth, more, error);
        visit(&got);
        fired = replyfault_fired();
        mount_ends();
        assert_int_equal(got.len, want->len);
        assert_memory_equal(got.data, want->data, want->len);
        return fired;
}

/* Every request gets one answer: the right one, or EIO if that could not be written; asked again, the right one. */
static void survives_every_failed_reply(void **state)
{
        static const int errors[] = { ENOMEM, EINTR, EFAULT };
        AUTO_BUF struct buf want = BUF_INIT;
        unsigned nth = 0, fired;

        (void)state;
        undisturbed(&want);
        do {
                nth++;
                fired = disturbed(nth, 0, errors[nth % 3], &want);
                assert_int_equal(io_errors, fired);
        } while (fired); /* until a visit needs fewer */
        assert_true(nth > 20);
}

/* Memory that is short for the answer is often short for the error too: then the request is executed again, and its reader
 * does not wait for ever. */
static void an_error_that_cannot_be_told_either_is_no_answer(void **state)
{
        AUTO_BUF struct buf want = BUF_INIT;
        unsigned nth = 0, fired;

        (void)state;
        undisturbed(&want);
        do {
                nth++;
                fired = disturbed(nth, 1 + nth % 4 * 2, ENOMEM, &want); /* two, four, six or eight */
                assert_int_equal(io_errors, 0);
        } while (fired);
        assert_true(nth > 20);
}

/* Then the kernel has an error of the mount, rather than a mount that waits for ever. */
static void an_init_that_cannot_be_answered_is_an_error(void **state)
{
        static struct reply init;

        (void)state;
        mount_begins();
        replyfault_arm(lab.fuse_fd, 1, 0, ENOMEM);
        worker_serves();
        negotiate(&init);
        assert_int_equal(init.error, -EIO);
        mount_ends();
}

/* ENOENT: whoever asked does not wait any more.  Nothing is written in its place, and the next is answered. */
static void who_was_killed_gets_no_answer(void **state)
{
        AUTO_BUF struct buf want = BUF_INIT;
        AUTO_BUF struct buf got = BUF_INIT;
        static struct reply r;

        (void)state;
        undisturbed(&want);
        mount_begins();
        worker_serves();
        negotiate(&r);
        for (int i = 0; i < 3; i++) {
                replyfault_arm(lab.fuse_fd, 1, 0, ENOENT);
                send_request(FUSE_STATFS, FUSE_ROOT_ID, NULL, 0);
                ask(FUSE_STATFS, FUSE_ROOT_ID, NULL, 0, &r);
                assert_int_equal(r.error, 0);
                assert_int_equal(replyfault_fired(), 1);
        }
        visit(&got);
        mount_ends();
        assert_int_equal(io_errors, 0);
        assert_memory_equal(got.data, want.data, want.len);
}

/* A request that a predecessor left unanswered is answered by the successor, also when its reply fails at first. */
static void what_was_left_is_answered_also_then(void **state)
{
        static const struct fuse_in_header left = {
                .len = sizeof left, .opcode = FUSE_STATFS, .unique = 1000, .nodeid = FUSE_ROOT_ID
        };

        (void)state;
        for (unsigned fail = 0; fail < 2; fail++) {
                struct journal_slot *slot;
                static struct reply r;

                mount_begins();
                worker_serves();
                negotiate(&r);
                worker_ends();
                slot = journal_claim(lab.of_keeper);
                memcpy(journal_arm(slot), &left, sizeof left);
                journal_taken(slot, clock_ms(), 0);
                journal_worker_ended(lab.of_keeper, clock_ms());

                worker_starts();
                replyfault_arm(lab.fuse_fd, fail, 0, ENOMEM);
                worker_serves();
                lab.unique = left.unique;
                take_reply(&r);
                assert_int_equal(r.error, fail ? -EIO : 0);
                ask(FUSE_STATFS, FUSE_ROOT_ID, NULL, 0, &r);
                assert_int_equal(r.error, 0);
                mount_ends();
        }
}

/* libfuse answers an INTERRUPT that finds nothing to interrupt when the next request has come, in its thread: that is at
 * work all the same, and a crash of it has an archive and a request. */
static void an_interrupt_takes_no_mark_off_the_next_request(void **state)
{
        struct fuse_interrupt_in interrupt = { .unique = 4711 };
        struct fuse_read_in in = { .size = READ_MAX };
        static struct reply r;
        uint64_t node;

        (void)state;
        mount_begins();
        worker_serves();
        negotiate(&r);
        node = find(PATH);
        send_request(FUSE_INTERRUPT, 0, &interrupt, sizeof interrupt);
        send_request(FUSE_READ, node, &in, sizeof in);
        lab.unique -= 2;
        take_reply(&r);
        assert_int_equal(r.error, -EAGAIN);
        lab.unique += 2;
        take_reply(&r);
        assert_memory_equal(r.bytes, "ramdisk of " STAMP, 11 + sizeof STAMP - 1);
        assert_int_not_equal(reading.archive, 0);
        assert_int_not_equal(reading.place, 0);
        mount_ends();
}

/* What a predecessor wrote over the INIT of the mount while this one stood by is found out when that is gone. */
static void a_session_by_another_init_is_refused(void **state)
{
        struct err err = { "" };
        static struct reply r;

        (void)state;
        mount_begins();
        assert_int_equal(session_check(lab.session, NULL), 0); /* nothing was agreed on yet */
        worker_serves();
        negotiate(&r);
        worker_ends();

        worker_starts();
        assert_int_equal(session_check(lab.session, NULL), 0);
        journal_save_init_reply(lab.journal, "x", 1);
        assert_int_equal(session_check(lab.session, &err), -EPROTO);
        assert_non_null(strstr(err.text, "agreed on"));
        journal_worker_starts(lab.of_keeper, clock_ms()); /* the keeper knows better */
        assert_int_equal(session_check(lab.session, NULL), 0);
        journal_save_init(lab.journal, "x", 1);
        assert_int_equal(session_check(lab.session, NULL), -EPROTO);
        worker_serves();
        mount_ends();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(survives_every_failed_reply, set_up_lab, tear_down_lab),
                cmocka_unit_test_setup_teardown(
                        an_error_that_cannot_be_told_either_is_no_answer, set_up_lab, tear_down_lab),
                cmocka_unit_test_setup_teardown(
                        an_init_that_cannot_be_answered_is_an_error, set_up_lab, tear_down_lab),
                cmocka_unit_test_setup_teardown(who_was_killed_gets_no_answer, set_up_lab, tear_down_lab),
                cmocka_unit_test_setup_teardown(
                        an_interrupt_takes_no_mark_off_the_next_request, set_up_lab, tear_down_lab),
                cmocka_unit_test_setup_teardown(
                        a_session_by_another_init_is_refused, set_up_lab, tear_down_lab),
                cmocka_unit_test_setup_teardown(
                        what_was_left_is_answered_also_then, set_up_lab, tear_down_lab),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
