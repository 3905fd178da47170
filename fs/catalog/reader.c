/* SPDX-License-Identifier: MPL-2.0 */
/* reader -- the process that reads one archive; see reader.h.
 *
 * Memory: RLIMIT_DATA, which counts what is private and writable, as malloc takes it (Linux mm/mmap.c, may_expand_vm, since
 * 4.7); shared memory it cannot make (lock_in).  Its libraries take an allocation that fails for an error, or end the process;
 * the waiting worker tells both.  What the process has already from the one it was forked from is part of the limit.
 *
 * Time: the kernel sends SIGXCPU for each second of processor time (kernel/time/posix-cpu-timers.c, check_process_timers).  A
 * reader that made no step for some of them ends itself.  One that belongs to its archive may not do that; the hard limit,
 * which grows with the file, ends it at last.
 *
 * Invariants
 *   1. No byte of the archive is looked at before lock_in.
 *   2. Nothing that was learned leaves but through the pipe and the file to decode into.
 * Locks: none.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "archive/chunkcache.h"
#include "archive/gzip.h"
#include "base/cleanup.h"
#include "base/sanitizer.h"
#include "catalog/reader_impl.h"
#include "catalog/report.h"

#define NICE       5
#define NICE_AGAIN 19

#define SPARE_BYTES  (UINT64_C(16) << 20) /* tells the limit from a machine without memory */
#define STACK_BYTES  (256u * 1024)        /* of its threads */
#define CACHE_BYTES  (4u << 20)
#define CPU_SEC      120        /* at most, */
#define CPU_SEC_BYTE (1u << 20) /* and one more for so many bytes of the file */
#define MAX_FILES    64

/* ---- what it has ---------------------------------------------------------------------------------- */

struct inputs {
        int fd, spool_fd; /* owned */
};

/* @name in the directory @dirfd, or if that is -1 in @dir. */
static int open_below(int at, const char *dir, const char *name, int flags)
{
        AUTO_CLOSE int dirfd =
                at >= 0 ? fcntl(at, F_DUPFD_CLOEXEC, 0) : open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
        int fd = dirfd < 0 ? -1 : openat(dirfd, name, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

        return fd < 0 ? -errno : fd;
}

static int open_inputs(
        const struct readers *r, const struct reader_ask *ask, struct inputs *in, struct err *err)
{
        struct identity now;
        int e;

        in->fd = open_below(r->builds_fd, r->o.builds_dir, ask->file, O_RDONLY);
        if (in->fd < 0)
                return err_sys(err, in->fd, "open");
        e = identity_of_fd(in->fd, &now);
        if (e < 0)
                return err_sys(err, e, "fstat");
        if (!identity_equal(&now, &ask->id))
                return err_set(err, -ESTALE, "it changed while it was read");
        if (ask->spool[0] == '\0')
                return 0;
        in->spool_fd = open_below(-1, r->o.spool_dir, ask->spool, O_RDWR | O_NOFOLLOW);
        return in->spool_fd < 0 ? err_sys(err, in->spool_fd, "cache directory: open the spool file") : 0;
}

/* The pages and descriptors of all others. */
static void let_go(const struct readers *r, const struct reader_slot *s, const struct inputs *in)
{
        int keep[] = { s->pipe[1], in->fd, in->spool_fd };

        for (unsigned i = 0; i < r->o.n; i++)
                if (&r->slots[i] != s)
                        (void)munmap(r->slots[i].reading, sizeof *s->reading);
        reader_close_others(keep, 3);
}

/* ---- its limits ----------------------------------------------------------------------------------- */

static struct reading *reading; /* for the signal handler */

static void on_cpu_second(int sig)
{
        static uint64_t last;
        static unsigned idle;
        uint64_t now = atomic_load_explicit(&reading->steps, memory_order_relaxed);

        (void)sig;
        idle = now == last ? idle + 1 : 0;
        last = now;
        if (idle >= READER_IDLE_CPU_SEC)
                _exit(READER_STUCK);
}

static uint64_t memory_bytes(const struct reader_ask *ask)
{
        return (uint64_t)(ask->large ? READER_LARGE_MIB : READER_SMALL_MIB) << 20;
}

static int set_limit(__rlimit_resource_t what, uint64_t soft, uint64_t hard)
{
        return setrlimit(what, &(struct rlimit) { soft, hard }) < 0 ? -errno : 0;
}

/* Not more than there may be. */
static int limit_files(void)
{
        struct rlimit now;
        rlim_t max;

        if (getrlimit(RLIMIT_NOFILE, &now) < 0)
                return -errno;
        max = now.rlim_max < MAX_FILES ? now.rlim_max : MAX_FILES;
        return set_limit(RLIMIT_NOFILE, max, max);
}

static int set_limits(const struct reader_ask *ask)
{
        const struct sigaction on_cpu = { .sa_handler = on_cpu_second, .sa_flags = SA_RESTART };
        uint64_t memory = memory_bytes(ask);
        pthread_attr_t attr;
        int r = WITH_SANITIZER ? 0 : set_limit(RLIMIT_DATA, memory, memory + SPARE_BYTES);

        if (r == 0)
                r = set_limit(RLIMIT_CPU, 1, CPU_SEC + ask->id.size_bytes / CPU_SEC_BYTE);
        if (r == 0)
                r = set_limit(RLIMIT_FSIZE, ask->spool_max, ask->spool_max);
        if (r == 0)
                r = limit_files();
        if (r == 0)
                r = set_limit(RLIMIT_CORE, 0, 0);
        if (r < 0 || sigaction(SIGXCPU, &on_cpu, NULL) < 0)
                return r < 0 ? r : -errno;
        /* Else each of its threads counts 8 MiB, and each arena of malloc 64. */
        if (pthread_attr_init(&attr) == 0) {
                (void)pthread_attr_setstacksize(&attr, STACK_BYTES);
                (void)pthread_setattr_default_np(&attr);
                (void)pthread_attr_destroy(&attr);
        }
        (void)mallopt(M_ARENA_MAX, 1);
        (void)setpriority(PRIO_PROCESS, 0, ask->again ? NICE_AGAIN : NICE);
        return 0;
}

/* Memory could not be had: is that our limit, and not the machine? */
static bool was_the_limit(const struct reader_ask *ask)
{
        uint64_t memory = memory_bytes(ask);
        void *p;

        (void)malloc_trim(0);
        if (set_limit(RLIMIT_DATA, memory + SPARE_BYTES, memory + SPARE_BYTES) < 0)
                return false;
        p = mmap(NULL, SPARE_BYTES / 2, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE,
                -1, 0);
        return p != MAP_FAILED;
}

/* ---- reading -------------------------------------------------------------------------------------- */

static void no_report(void *ctx, uint64_t object, enum source_trouble what, const char *why)
{
        (void)ctx;
        (void)object;
        (void)what;
        (void)why;
}

static int read_it(
        const struct reader_ask *ask, const struct inputs *in, struct indexed *ret, struct err *err)
{
        static struct source_env env = { .kind = INFLATE_BEST, .report = no_report };
        int r = chunkcache_new(CACHE_BYTES, GZ_CHUNK_BYTES, GZIP_JOB_BYTES, 0, &env.cache, err);

        if (r < 0)
                return r;
        if (ask->again) /* what rotted in memory is no verdict about the disk */
                (void)posix_fadvise(in->fd, 0, 0, POSIX_FADV_DONTNEED);
        return indexer_read(&(struct index_order) { .fd = in->fd,
                                    .id = &ask->id,
                                    .env = &env,
                                    .object = ask->object,
                                    .spool_fd = in->spool_fd,
                                    .spool_max = ask->spool_max,
                                    .reading = reading },
                ret, err);
}

static int needs_more(const struct reader_ask *ask, struct err *err)
{
        if (!was_the_limit(ask))
                return err_set(err, -EAGAIN, "out of memory: this machine has none left to read it");
        return err_set(err, ask->large ? -EBADMSG : -ENOMEM,
                "to read it takes more than the %u MiB of memory that one archive may take: it has very many "
                "members, or "
                "is made to need it; unpack it and make a smaller one",
                ask->large ? READER_LARGE_MIB : READER_SMALL_MIB);
}

_Noreturn void reader_main(const struct readers *r, const struct reader_slot *s, const struct reader_ask *ask)
{
        static struct indexed x;
        struct inputs in = { -1, -1 };
        struct err err = { "" };
        pid_t parent = getppid();
        sigset_t none;
        int e, sent;

        (void)prctl(PR_SET_NAME, "pxefs-reader", 0, 0, 0);
        if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != parent)
                _exit(EXIT_FAILURE);
        (void)signal(SIGXFSZ, SIG_IGN); /* write fails instead */
        (void)sigemptyset(&none);
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
        reading = s->reading;
        e = open_inputs(r, ask, &in, &err);
        let_go(r, s, &in);
        if (e == 0) {
                e = set_limits(ask);
                if (e == 0 && r->o.lock_in)
                        e = r->o.lock_in(r->o.ctx);
                if (e < 0)
                        (void)err_sys(&err, e, "its reader cannot be confined");
        }
        if (e == 0) {
                e = read_it(ask, &in, &x, &err);
                if (e == -ENOMEM)
                        e = needs_more(ask, &err);
        }
        sent = report_send(s->pipe[1], e, &err, &x);
        if (sent == -ENOMEM) {
                indexed_fini(&x);
                sent = report_send(s->pipe[1], needs_more(ask, &err), &err, &x);
        }
        _exit(sent < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}
