/* SPDX-License-Identifier: MPL-2.0 */
/* worker -- pxefs-worker: puts the parts together, and serves.
 *
 * The keeper (takeover/keeper.h) executes it, or its predecessor forks it, without rights already, with five descriptors:
 * /dev/fuse, the journal, two sockets, and the lock on the cache directory (takeover/child.h).  It shows first that it fits the mount, and opens nothing before it
 * is told that its predecessor is gone.  Parts are opened in the order in which they depend on each other and closed in the
 * opposite one.
 *
 * It serves when every build that was known before is there: what it answers for a predecessor must not be "no such file".
 * Ready is more: the kernel's INIT was answered and the builds directory looked at (with -o wait: all was read).  Two
 * threads bring these about; the one that comes last says so.
 */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/atwork.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/path_opener.h"
#include "catalog/catalog.h"
#include "catalog/reader.h"
#include "daemon/confine.h"
#include "daemon/options.h"
#include "daemon/renew.h"
#include "inventory/inventory.h"
#include "inventory/store/copy.h"
#include "mount/session.h"
#include "mount/watch.h"
#include "namespace/facts.h"
#include "namespace/file_times.h"
#include "namespace/overlay.h"
#include "namespace/overlay_check.h"
#include "namespace/place.h"
#include "namespace/text.h"
#include "sandbox/calls.h"
#include "sandbox/sandbox.h"
#include "takeover/child.h"
#include "takeover/crash.h"
#include "takeover/journal.h"
#include "takeover/mountpoint.h"
#include "takeover/policy.h"
#include "takeover/pulse.h"
#include "version.h"

#ifndef PXEFS_JOURNAL_VERSION /* another one: a program that tests a refusal */
#define PXEFS_JOURNAL_VERSION JOURNAL_VERSION
#endif

#define OPEN_MS 3000 /* for a directory that may not answer */
#define LOOK_MS 200  /* for the same while readers wait for a takeover; it is asked again later (renew.h) */

struct worker {
        const struct options *opts;
        struct journal *journal; /* owned */
        int builds_fd, cache_fd; /* owned */
        struct readers *readers; /* owned, as all below */
        struct catalog *catalog;
        struct inventory *inventory;
        uint64_t own_dev;           /* of the mount, as in stat(2) */
        struct path_opener *opener; /* closed after all that opens by it */
        struct overlay *overlay;
        struct overlay_check *check; /* NULL: no static= */
        struct seen *seen;
        struct textring *ring, *face_ring;
        void *times_mem;     /* borrowed from the journal, as what the rings are in */
        int64_t program_sec; /* since the epoch: when the program came here */
        struct texts *texts;
        struct places *places;
        struct requests requests;
        struct ops ops;
        struct session *session;
        struct watch *watch;
        struct pulse *pulse;
        struct confinement *confinement;
        struct renew *renew;
        int64_t started_sec; /* since the epoch: when it took its place */
        atomic_int awaited;  /* of the two things that make it ready */
        char *sandbox;       /* owned: the report of what confines us, as JSON */
        bool sandbox_whole;
        int statm_fd; /* owned; /proc/self/statm, from the keeper; -1: none */
};

/* Of the file that is executed: the inode's change time is when it was put there (dpkg restores the mtime, which is when it was
 * built).  0: not known. */
static int64_t installed_sec(void)
{
        struct stat st;

        return stat("/proc/self/exe", &st) == 0 ? (int64_t)st.st_ctim.tv_sec : 0;
}

/* It was executed without rights; here it sees to it that this is so, and that it ends with the keeper. */
static int check_rights(struct err *err)
{
        int r = confine_check_user(err);

        if (r < 0)
                return r;
        /* SIGKILL: what it was at would be answered by nobody anyway. */
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 ||
                prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
                return err_sys(err, -errno, "give up rights");
        (void)prctl(PR_SET_NAME, "pxefs-standby", 0, 0, 0);
        return 0;
}

/* Each build, served or not, is an open file. */
static void raise_open_files(void)
{
        struct rlimit limit;

        if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
                return;
        limit.rlim_cur = limit.rlim_max < 65536 ? limit.rlim_max : 65536;
        if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
                log_warn("open files stay as limited as they are (%s), and each archive takes one: raise "
                         "ulimit -n "
                         "if there are more",
                        strerror(errno));
}

/* The mount was ready once, and its readers have only this worker: what it cannot open now it does without, as a worker
 * that runs does without what is taken from it.  When it can be reached, the sandbox is renewed (renew.h), or it is
 * found at its path (mount/watch.c). */
static bool must_serve(const struct worker *w)
{
        return journal_is_ready(w->journal);
}

/* A successor gets what can be had: the directory to look names up in, or something that is none. */
static int open_dir(const struct worker *w, const char *path, const char *what, int *ret, struct err *err)
{
        const char *user = w->opts->user;

        struct stat st;
        int r = path_opener_open(w->opener, -1, path, O_RDONLY | O_DIRECTORY, OPEN_MS, ret, &st);

        if (r == 0)
                return 0;
        if (must_serve(w)) {
                log_warn("%s %s: %s: the mount goes on without it", what, path, path_opener_strerror(r));
                if (path_opener_open(w->opener, -1, path, O_PATH | O_DIRECTORY, OPEN_MS, ret, &st) < 0)
                        *ret = eventfd(0, EFD_CLOEXEC);
                return *ret < 0 ? err_sys(err, -errno, "%s %s", what, path) : 0;
        }
        if (r == -EACCES)
                return err_set(err, -EACCES,
                        "%s %s: user %s may not read it; give it r-x for others, or use -o user=", what, path,
                        user);
        return err_set(err, r, "%s %s: %s", what, path, path_opener_strerror(r));
}

static void log_event(int priority, const char *line)
{
        if (priority <= 3) /* LOG_ERR */
                log_error("%s", line);
        else if (priority == 4) /* LOG_WARNING */
                log_warn("%s", line);
        else
                log_info("%s", line);
}

/* One thread for each processor we may use: one sequential reader then has them all. */
static unsigned processors(void)
{
        cpu_set_t set;

        return sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0 ? (unsigned)CPU_COUNT(&set)
                                                                                  : 2;
}

/* Its copy is kept in the cache directory.  Without inventory and copy: an error, unless nobody named one.  A successor
 * opens it whatever its state: hosts' scripts are errors then, and machines ask again.  One that was there is not taken
 * for one that nobody made: every host would get the default menu. */
static int open_inventory(struct worker *w, struct err *err)
{
        const char *path = w->opts->inventory;
        AUTO_BUF struct buf copy = BUF_INIT;
        char name[COPY_NAME_SIZE];
        int e;

        if (copy_name(path, name) < 0)
                return err_set(err, -ENOMEM, "out of memory");
        buf_printf(&copy, "%s/%s", w->opts->cache_dir, name);
        if (buf_error(&copy) < 0)
                return err_set(err, -ENOMEM, "out of memory");
        e = access(path, F_OK) == 0 ? 0 : errno;
        if (e == ENOENT && access(copy.data, F_OK) < 0 && /* with a copy, the inventory itself says so */
                !journal_had_inventory(w->journal)) {
                if (strcmp(path, DEFAULT_INVENTORY) != 0)
                        return err_sys(err, -e, "inventory %s (pxectl -i %s init makes one)", path, path);
                log_info("no inventory (%s is not there): every host gets the default menu; pxectl init "
                         "makes one, and the next mount finds it",
                        path);
                path = NULL;
        }
        if (path)
                journal_set_inventory(w->journal);
        return inventory_open(&(struct inventory_options) { .path = path,
                                      .copy_path = path ? copy.data : NULL,
                                      .log = log_event,
                                      .open_later = path && must_serve(w) },
                &w->inventory, err);
}

/* A successor does without a directory of plain files that cannot be had now. */
static int open_static(struct worker *w, struct err *err)
{
        const struct options *o = w->opts;
        AUTO_FREE const char **dirs = calloc(o->n_static_dirs + 1, sizeof *dirs);

        if (!dirs)
                return err_set(err, -ENOMEM, "out of memory");
        for (size_t i = 0; i < o->n_static_dirs; i++)
                dirs[i] = o->static_dirs[i];
        return overlay_open(dirs, o->n_static_dirs, w->opener, must_serve(w), &w->overlay, err);
}

/* What the keeper found to end its workers. */
static size_t condemned(const struct worker *w, struct catalog_condemned *v)
{
        struct journal_counters c;
        size_t n = 0;

        if (!journal_get_counters(w->journal, &c))
                return 0;
        for (size_t i = 0; i < JOURNAL_BLAMED; i++)
                if (c.blamed[i].archive && policy_condemns(c.blamed[i].crashes, c.blamed[i].hangs))
                        v[n++] = (struct catalog_condemned) { c.blamed[i].archive,
                                c.blamed[i].crashes < POLICY_STRIKES };
        return n;
}

static int open_parts(struct worker *w, struct err *err)
{
        const struct options *o = w->opts;
        struct catalog_condemned bad[JOURNAL_BLAMED];
        size_t ring_bytes;
        char *ring;
        int r;

        w->opener = path_opener_new(w->own_dev);
        if (!w->opener)
                return err_set(err, -ENOMEM, "out of memory");
        r = open_dir(w, o->builds_dir, "builds directory", &w->builds_fd, err);
        if (r < 0)
                return r;
        r = open_dir(w, o->cache_dir, "cache directory", &w->cache_fd, err);
        if (r < 0)
                return r;
        r = catalog_open(&(struct catalog_options) { .builds_dirfd = w->builds_fd,
                                 .cache_dirfd = w->cache_fd,
                                 .opener = w->opener,
                                 .sums_required = o->sums_required,
                                 .spool_max_bytes = o->spool_max_bytes,
                                 .memory_bytes = (size_t)o->memory_bytes,
                                 .threads = processors(),
                                 .readers = session_threads(o->single_thread, 0),
                                 .jobs = processors(),
                                 .archive_readers = w->readers,
                                 .object_bits = NODE_OBJECT_BITS,
                                 .lock_fd = fcntl(CHILD_LOCK_FD, F_GETFD) < 0 ? -1 : CHILD_LOCK_FD,
                                 .condemned = bad,
                                 .n_condemned = condemned(w, bad),
                                 .log = log_event },
                &w->catalog, err);
        if (r < 0)
                return err_prefix(err, r, "cache directory %s (user %s)", o->cache_dir, o->user);
        r = open_inventory(w, err);
        if (r == 0)
                r = seen_open(w->cache_fd, 0, &w->seen, err);
        if (r < 0)
                return r;
        r = open_static(w, err);
        if (r < 0)
                return r;
        ring = journal_ring(w->journal, &ring_bytes);
        ring_bytes -= TEXT_FACE_BYTES + FILE_TIMES_BYTES;
        w->ring = textring_attach(ring, ring_bytes);
        w->face_ring = textring_attach(ring + ring_bytes, TEXT_FACE_BYTES);
        w->times_mem = ring + ring_bytes + TEXT_FACE_BYTES;
        return w->ring && w->face_ring ? 0 : -ENOMEM;
}

_Static_assert(OVERLAY_CHECK_SHOWN <= FACTS_ABSENT, "each has a place");

/* What the texts of /.pxefs say of this process. */
static void fill_facts(void *ctx, struct daemon_facts *f, struct facts_texts *texts)
{
        const struct worker *w = ctx;
        struct journal_counters c;

        if (journal_get_counters(w->journal, &c)) {
                f->process.mount_sec = c.mount_sec;
                f->process.restarts = c.restarts;
                f->process.restarts_last_hour = journal_restarts_last_hour(&c, f->now_sec);
                f->process.upgrades = c.upgrades;
                f->process.refusals = c.refusals;
                f->process.poisoned = c.poisoned;
                f->process.log_lost = c.log_lost + log_lost();
                f->process.death_sec = c.death_sec;
                texts->death = c.death;
                texts->upgrade_refused = c.upgrade_refused;
                f->process.death = c.death.text[0] ? texts->death.text : NULL;
                f->process.upgrade_refused = c.upgrade_refused.text[0] ? texts->upgrade_refused.text : NULL;
        }

        if (w->check) {
                overlay_check_get(w->check, &texts->absent);
                f->absent.n = texts->absent.n;
                for (size_t i = 0; i < OVERLAY_CHECK_SHOWN && texts->absent.v[i].text[0]; i++)
                        f->absent.named[i] = texts->absent.v[i].text;
        }
        f->process.worker_pid = (uint64_t)getpid();
        f->process.keeper_pid = (uint64_t)getppid();
        f->process.worker_sec = w->started_sec;
        f->sandbox = (struct facts_sandbox) { .json = w->sandbox, .complete = w->sandbox_whole };
}

static int make_tree(struct worker *w)
{
        const struct options *o = w->opts;

        w->texts = texts_new(&(struct texts_options) { .catalog = w->catalog,
                .inventory = w->inventory,
                .seen = w->seen,
                .version = PXEFS_VERSION,
                .requests = &w->requests,
                .fill = fill_facts,
                .fill_ctx = w,
                .statm_fd = w->statm_fd,
                .ring = w->ring,
                .face_ring = w->face_ring,
                .times_mem = w->times_mem,
                .program_sec = w->program_sec,
                .hash_bits = NODE_HASH_BITS });
        if (!w->texts)
                return -ENOMEM;
        w->places = places_new(&(struct places_options) { .catalog = w->catalog,
                .inventory = w->inventory,
                .overlay = w->overlay,
                .texts = w->texts,
                .uid = (uid_t)o->uid,
                .gid = (gid_t)o->gid,
                .nolist = o->nolist,
                .show_root_password = o->show_root_password });
        return w->places ? 0 : -ENOMEM;
}

/* One of the two things happened; after both the mount is ready. */
static void one_more(void *ctx)
{
        struct worker *w = ctx;

        if (atomic_fetch_sub(&w->awaited, 1) != 1)
                return;
        child_say(CHILD_READY, NULL);
}

/* While it stands by: what a takeover will do with SQLite is done once with a database in memory, so that the pages of code
 * and tables are there when readers wait.  Halves the time of a takeover; its result does not matter. */
static void rehearse(void)
{
        struct inventory *inv = NULL;
        struct plan *plan = NULL;

        if (inventory_open(&(struct inventory_options) { .path = NULL }, &inv, NULL) < 0)
                return;
        if (inventory_plan(inv, 0, &plan, NULL) == 0)
                plan_free(plan);
        inventory_close(inv);
}

/* With threads that are gone before another process is forked. */
static bool places_replaced(const struct worker *w)
{
        struct path_opener *opener = path_opener_new(w->own_dev);
        const char *which;
        bool r = opener && confine_replaced(w->confinement, opener, LOOK_MS, &which);

        path_opener_free(opener);
        return r;
}

static int close_sandbox(struct worker *w, struct err *err)
{
        struct path_opener *opener = path_opener_new(w->own_dev);
        int r = opener ? confine(w->opts, opener, &w->confinement, err)
                       : err_set(err, -ENOMEM, "out of memory");

        path_opener_free(opener);
        return r;
}

/* In the process that starts readers: the mount is none of its business. */
static void leave(void *ctx)
{
        struct worker *w = ctx;

        journal_close(w->journal); /* descriptors are closed after this */
}

static int lock_in(void *ctx)
{
        (void)ctx;
        return sandbox_lock_reader(true);
}

/* Forks the process that starts readers of archives: the last fork, since the serving worker may not. */
static int start_readers(struct worker *w, struct err *err)
{
        const struct options *o = w->opts;
        AUTO_FREE char *spool = NULL; /* read in the new process only, which has its own */

        if (asprintf(&spool, "%s/spool", o->cache_dir) < 0)
                return err_set(err, -ENOMEM, "out of memory");
        return readers_start(
                &(struct readers_options) { .n = catalog_slots((size_t)o->memory_bytes, processors()),
                        .builds_dir = o->builds_dir,
                        .spool_dir = spool,
                        .leave = leave,
                        .lock_in = lock_in,
                        .ctx = w },
                &w->readers, err);
}

/* Waits for its turn; in each generation the one that gets it leaves another here. */
static int stand_by(struct worker *w, struct err *err)
{
        int successor_fd;

        do {
                cleanup_close(&w->statm_fd); /* its predecessor's */
                w->statm_fd = -1;
                if (!child_wait_go(&w->statm_fd, &successor_fd))
                        return err_set(err, -ESRCH, "the keeper is gone");
                if (places_replaced(w)) /* the next one is bound to what is there */
                        _exit(EXIT_SUCCESS);
        } while (successor_fd >= 0 && child_fork(successor_fd));
        w->started_sec = (int64_t)time(NULL);
        return 0;
}

/* Shows that it fits the mount, and waits for its turn. */
static int take_place(struct worker *w, struct err *err)
{
        int r;

        w->ops = (struct ops) { .requests = &w->requests, .on_init = one_more, .on_init_ctx = w };
        r = session_open(&(struct session_options) { .ops = &w->ops,
                                 .fd = CHILD_FUSE_FD,
                                 .journal = w->journal,
                                 .processors = processors(),
                                 .debug = w->opts->debug },
                &w->session, err);
        if (r < 0)
                return r;
        child_say(CHILD_FITS, NULL);
        if (journal_is_ready(w->journal))
                rehearse();
        w->own_dev = mountpoint_dev(w->opts->mountpoint); /* the sandbox has no /proc */
        r = close_sandbox(w, err);
        if (r < 0)
                return r;
        r = stand_by(w, err);
        if (r == 0)
                r = session_check(w->session, err);
        if (r == 0)
                r = start_readers(w, err);
        if (r < 0)
                return r;
        r = confine_narrow(w->confinement, &w->sandbox, &w->sandbox_whole, err);
        if (r < 0)
                return r;
        crash_watch(w->journal); /* not before: another one's last words stand there */
        return 0;
}

static int no_thread(struct err *err)
{
        return err_set(
                err, -EAGAIN, "no thread can be had: too many threads, or open files (ulimit -u, ulimit -n)");
}

static int serve(struct worker *w, struct err *err)
{
        const struct options *o = w->opts;
        int r = catalog_look(w->catalog, err);

        if (r < 0 && must_serve(w)) { /* the watch says it to the log, and looks again */
                r = catalog_look_known(w->catalog, err);
                if (r < 0)
                        return err_prefix(err, r, "builds directory %s", o->builds_dir);
        }
        w->pulse = pulse_start(w->journal, CHILD_CONTROL_FD);
        if (!w->pulse)
                return no_thread(err);
        w->renew = renew_start(w->confinement, w->opener, w->readers);
        if (!w->renew)
                return no_thread(err);
        if (o->n_static_dirs)
                w->check = overlay_check_start(
                        (const char *const *)o->static_dirs, o->n_static_dirs, w->opener, log_event);
        if (o->n_static_dirs && !w->check)
                return no_thread(err);
        r = watch_start(&(struct watch_options) { .catalog = w->catalog,
                                .opener = w->opener,
                                .builds_dir = o->builds_dir,
                                .builds_fd = w->builds_fd,
                                .poll_ms = o->poll_ms,
                                .wait_for_all = o->wait && !journal_is_ready(w->journal),
                                .show_progress = o->foreground && log_has_terminal(),
                                .on_ready = one_more,
                                .on_ready_ctx = w },
                &w->watch, err);
        if (r < 0)
                return r;
        (void)prctl(PR_SET_NAME, "pxefs-serving", 0, 0, 0); /* for ps(1): until here it stood by */
        child_say(CHILD_SERVES, NULL);
        r = session_loop(w->session, o->single_thread, 0);
        if (r < 0)
                return err_sys(err, r, "the FUSE session ended");
        /* Asked to end while the mount goes on: a successor waits, and what this one knows is on disk. */
        if (!journal_is_ending(w->journal) && !session_mount_gone(w->session))
                _exit(EXIT_SUCCESS);
        return 0;
}

static void close_parts(struct worker *w)
{
        /* The keeper tells us to end when it sees that the mount is gone, as we did, and Ctrl-C may be typed twice. libfuse's
         * handlers end with the session; the catalog has to be closed after it, or a cache directory that is read-only at the
         * next start holds nothing. */
        for (size_t i = 0; i < 3; i++)
                (void)signal((int[]) { SIGTERM, SIGINT, SIGHUP }[i], SIG_IGN);
        renew_stop(w->renew);
        overlay_check_stop(w->check);
        watch_stop(w->watch);
        pulse_stop(w->pulse);
        session_close(w->session);
        places_free(w->places);
        texts_free(w->texts);
        seen_close(w->seen);
        free(w->sandbox);
        confinement_free(w->confinement);
        cleanup_close(&w->statm_fd);
        textring_free(w->ring);
        textring_free(w->face_ring);
        overlay_close(w->overlay);
        inventory_close(w->inventory);
        catalog_close(w->catalog);
        readers_stop(w->readers);
        path_opener_free(w->opener);
        if (w->cache_fd >= 0)
                close(w->cache_fd);
        if (w->builds_fd >= 0)
                close(w->builds_fd);
        journal_close(w->journal);
}

static int run(const struct options *o, struct err *err)
{
        struct worker w = { .opts = o,
                .builds_fd = -1,
                .cache_fd = -1,
                .awaited = 2,
                .statm_fd = -1,
                .program_sec = installed_sec() };
        int r = journal_open(CHILD_JOURNAL_FD, PXEFS_JOURNAL_VERSION, &w.journal, err);

        if (r == 0)
                r = check_rights(err);
        if (r == 0)
                r = take_place(&w, err);
        raise_open_files();
        if (r == 0)
                r = open_parts(&w, err);
        if (r == 0)
                r = make_tree(&w);
        if (r == 0) {
                w.ops.places = w.places;
                r = serve(&w, err);
        }
        close_parts(&w);
        return r;
}

static bool is_ours(int fd)
{
        int flags = fcntl(fd, F_GETFD);

        return flags >= 0 && fcntl(fd, F_SETFD, flags | FD_CLOEXEC) == 0;
}

int main(int argc, char **argv)
{
        struct options o;
        struct err err = { "" };
        int r = options_parse(argc, argv, &o, &err);

        if (!is_ours(CHILD_FUSE_FD) || !is_ours(CHILD_JOURNAL_FD) || !is_ours(CHILD_CONTROL_FD)) {
                log_error("pxefs-worker is started by pxefs, not by hand");
                options_fini(&o);
                return 2;
        }
        (void)setlocale(LC_CTYPE, "C.UTF-8"); /* libarchive converts pax names by it */
        if (is_ours(CHILD_LOG_FD)) /* not so: a keeper of another version, which journal_open says */
                log_to_keeper(CHILD_LOG_FD, calls_relaxed());
        (void)is_ours(CHILD_LOCK_FD);
        if (r == 0) {
                log_set_debug(o.debug);
                r = run(&o, &err);
        }
        if (r < 0) /* the keeper says it aloud */
                child_say(CHILD_REASON, err.text[0] ? err.text : strerror(-r));
        options_fini(&o);
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
