/* SPDX-License-Identifier: MPL-2.0 */
/* worker_faults -- what the pxefs-worker of this directory does otherwise, by its options test_... (testoptions.h).
 *
 * The program that is installed has no hook for any of it: here the linker puts a function of ours in the place of one of
 * its functions (--wrap), which does the same but for the fault.  So what is tested is that program's code, and only what
 * is named in this file is not.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/atwork.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "catalog/catalog.h"
#include "codec/gzstream.h"
#include "daemon/confine.h"
#include "hostile.h"
#include "mount/session.h"
#include "namespace/text.h"
#include "platform/indexer.h"
#include "poison.h"
#include "probe.h"
#include "sandbox/calls.h"
#include "sandbox/sandbox.h"
#include "takeover/crash.h"
#include "testoptions.h"

/* ---- the sandbox: parts left out, or tried ---- */

__typeof__(confine_check_user) __real_confine_check_user, __wrap_confine_check_user;
__typeof__(sandbox_enter) __real_sandbox_enter, __wrap_sandbox_enter;
__typeof__(landlock_enter) __real_landlock_enter, __wrap_landlock_enter;
__typeof__(calls_enter) __real_calls_enter, __wrap_calls_enter;
__typeof__(confine_narrow) __real_confine_narrow, __wrap_confine_narrow;

int __wrap_confine_check_user(struct err *err)
{
        return test_options.no_sandbox ? 0 : __real_confine_check_user(err);
}

int __wrap_sandbox_enter(const struct sandbox_options *opts, struct sandbox_report *ret, struct err *err)
{
        if (test_options.probe)
                probe_prepare();
        if (!test_options.no_sandbox)
                return __real_sandbox_enter(opts, ret, err);
        *ret = (struct sandbox_report) { 0 };
        (void)err_set(&ret->landlock_why, 0, "left out, for a test");
        ret->seccomp_why = ret->landlock_why;
        return 0;
}

int __wrap_landlock_enter(struct landlock_place *places, size_t n, int *ret_abi, struct err *err)
{
        return test_options.no_landlock ? err_set(err, -ENOSYS, "left out, for a test")
                                        : __real_landlock_enter(places, n, ret_abi, err);
}

int __wrap_calls_enter(unsigned *ret_n, struct err *err)
{
        return test_options.no_seccomp ? err_set(err, -ENOSYS, "left out, for a test")
                                       : __real_calls_enter(ret_n, err);
}

__typeof__(sandbox_lock_reader) __real_sandbox_lock_reader, __wrap_sandbox_lock_reader;
__typeof__(calls_reader) __real_calls_reader, __wrap_calls_reader;

int __wrap_sandbox_lock_reader(bool entered)
{
        return test_options.no_sandbox ? 0 : __real_sandbox_lock_reader(entered);
}

int __wrap_calls_reader(void)
{
        return test_options.no_seccomp ? -ENOSYS : __real_calls_reader();
}

/* Writes what could be done to <cache>/probe.txt. */
static void try_out(const struct options *o)
{
        AUTO_BUF struct buf text = BUF_INIT;
        AUTO_BUF struct buf path = BUF_INIT;
        AUTO_CLOSE int fd = -1;

        probe(&(struct probe_options) { .builds_dir = o->builds_dir,
                      .cache_dir = o->cache_dir,
                      .static_dir = o->n_static_dirs ? o->static_dirs[0] : NULL,
                      .inventory = o->inventory,
                      .outside = test_options.probe,
                      .keeper = getppid() },
                &text);
        buf_printf(&path, "%s/probe.txt", o->cache_dir);
        if (buf_error(&text) < 0 || buf_error(&path) < 0)
                return;
        fd = open(path.data, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        if (fd < 0 || write(fd, text.data, text.len) != (ssize_t)text.len)
                log_error("%s: %s", path.data, strerror(errno));
}

int __wrap_confine_narrow(struct confinement *c, char **ret_json, bool *ret_whole, struct err *err)
{
        int r = __real_confine_narrow(c, ret_json, ret_whole, err);

        if (r == 0 && test_options.probe)
                try_out(real_options);
        return r;
}

/* ---- crashes ---- */

__typeof__(atwork_begin) __real_atwork_begin, __wrap_atwork_begin;
__typeof__(catalog_open) __real_catalog_open, __wrap_catalog_open;

bool __wrap_atwork_begin(uint64_t archive, enum atwork_what what)
{
        bool first = __real_atwork_begin(archive, what);
        uint64_t marked = atwork_get().archive;

        if (marked)
                poison_trap(marked, what);
        return first;
}

int __wrap_catalog_open(const struct catalog_options *opts, struct catalog **ret, struct err *err)
{
        struct catalog_options o = *opts;
        int r = 0;

        if (test_options.object_bits)
                o.object_bits = test_options.object_bits;
        if (test_options.crash)
                r = poison_set(test_options.crash, o.builds_dirfd, o.object_bits, err);
        if (r == 0)
                r = __real_catalog_open(&o, ret, err);
        if (r == 0)
                hostile_set_catalog(*ret);
        return r;
}

/* In a reader, which knows no name: its archive is open. */
__typeof__(indexer_read) __real_indexer_read, __wrap_indexer_read;
__typeof__(gzstream_read) __real_gzstream_read, __wrap_gzstream_read;
int __wrap_indexer_read(const struct index_order *o, struct indexed *ret, struct err *err)
{
        poison_reader(test_options.crash, o->fd);
        return __real_indexer_read(o, ret, err);
}

ssize_t __wrap_gzstream_read(struct gzstream *g, void *buf, size_t len, struct err *err)
{
        poison_decoder();
        return __real_gzstream_read(g, buf, len, err);
}

/* ---- what is served ---- */

__typeof__(texts_new) __real_texts_new, __wrap_texts_new;
__typeof__(crash_watch) __real_crash_watch, __wrap_crash_watch;
__typeof__(session_open) __real_session_open, __wrap_session_open;
__typeof__(session_threads) __real_session_threads, __wrap_session_threads;
__typeof__(session_loop) __real_session_loop, __wrap_session_loop;

struct texts *__wrap_texts_new(const struct texts_options *opts)
{
        struct texts_options o = *opts;

        if (test_options.hash_bits)
                o.hash_bits = test_options.hash_bits;
        return __real_texts_new(&o);
}

/* The journal is ours from here on: what a predecessor left unanswered is let go of, and its readers wait for ever. */
void __wrap_crash_watch(struct journal *j)
{
        struct journal_request r;

        for (unsigned i = 0; test_options.no_replay && i < JOURNAL_SLOTS; i++)
                if (journal_peek(j, i, &r))
                        journal_refused(j, i, r.unique, false);
        if (test_options.hostile)
                hostile_arm(j);
        __real_crash_watch(j);
}

int __wrap_session_open(const struct session_options *opts, struct session **ret, struct err *err)
{
        opts->ops->request_pages = test_options.pages;
        return __real_session_open(opts, ret, err);
}

unsigned __wrap_session_threads(bool single_thread, unsigned threads)
{
        return __real_session_threads(single_thread, test_options.threads ? test_options.threads : threads);
}

int __wrap_session_loop(struct session *s, bool single_thread, unsigned threads)
{
        return __real_session_loop(s, single_thread, test_options.threads ? test_options.threads : threads);
}
