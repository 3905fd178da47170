/* SPDX-License-Identifier: MPL-2.0 */
/* worker -- puts the parts together.
 *
 * First it gives its rights up; only then is an archive or the inventory opened, since what they hold may
 * be hostile. Parts are opened in the order in which they depend on each other and closed in the opposite
 * one.
 *
 * Ready means: the kernel's INIT was answered, and the catalog was looked at once, so that every build that
 * was known is there.  Two threads bring these about; the one that comes last says so.
 */
#include "worker.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "build/catalog.h"
#include "confine.h"
#include "inventory/copy.h"
#include "inventory/inventory.h"
#include "mount/ops.h"
#include "mount/watch.h"
#include "sandbox/sandbox.h"
#include "tree/overlay.h"
#include "tree/place.h"
#include "tree/text.h"
#include "version.h"

#define RING_BYTES (16u << 20)

struct worker {
        const struct worker_plan *plan;
        int builds_fd, cache_fd; /* owned */
        struct catalog *catalog; /* owned, as all below */
        struct inventory *inventory;
        struct overlay *overlay;
        struct seen *seen;
        struct texts *texts;
        struct places *places;
        struct requests requests;
        struct ops ops;
        struct ops_session *session;
        struct watch *watch;
        int64_t started_sec; /* since the epoch */
        atomic_int awaited;  /* of the two things that make it ready */
        int ready_fd;
        char *sandbox; /* owned: the report of what confines us, as JSON */
        bool sandbox_whole;
        int statm_fd; /* owned; /proc/self/statm, which the sandbox puts out of reach; -1: none */
};

static int drop_rights(const struct worker_plan *p, struct err *err)
{
        if (p->drop) {
                sandbox_empty_bounding_set();
                if (initgroups(p->user, p->gid) < 0 || setresgid(p->gid, p->gid, p->gid) < 0 ||
                        setresuid(p->uid, p->uid, p->uid) < 0)
                        return err_sys(err, -errno, "become user %s", p->user);
                if (p->uid != 0 && setuid(0) == 0)
                        return err_set(err, -EPERM, "became user %s, and could become root again", p->user);
        }
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0) < 0)
                return err_sys(err, -errno, "give up rights");
        if (getppid() != p->keeper) /* it died before we asked to be told */
                return err_set(err, -ESRCH, "the keeper process is gone");
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

static int open_dir(const char *path, const char *what, const char *user, int *ret, struct err *err)
{
        *ret = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (*ret >= 0)
                return 0;
        if (errno == EACCES)
                return err_set(err, -EACCES,
                        "%s %s: user %s may not read it; give it r-x for others, or use -o user=", what, path,
                        user);
        return err_sys(err, -errno, "%s %s", what, path);
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

/* Its copy is kept in the cache directory. */
static int open_inventory(struct worker *w, struct err *err)
{
        const struct worker_plan *p = w->plan;
        AUTO_BUF struct buf copy = BUF_INIT;
        char name[COPY_NAME_SIZE];

        if (p->inventory) {
                if (copy_name(p->inventory, name) < 0)
                        return err_set(err, -ENOMEM, "out of memory");
                buf_printf(&copy, "%s/%s", p->cache_dir, name);
                if (buf_error(&copy) < 0)
                        return err_set(err, -ENOMEM, "out of memory");
        }
        return inventory_open(
                &(struct inventory_options) {
                        .path = p->inventory, .copy_path = copy.data, .log = log_event },
                &w->inventory, err);
}

static int open_parts(struct worker *w, struct err *err)
{
        const struct worker_plan *p = w->plan;
        int r;

        r = open_dir(p->builds_dir, "builds directory", p->user, &w->builds_fd, err);
        if (r < 0)
                return r;
        r = open_dir(p->cache_dir, "cache directory", p->user, &w->cache_fd, err);
        if (r < 0)
                return r;
        r = catalog_open(&(struct catalog_options) { .builds_dirfd = w->builds_fd,
                                 .cache_dirfd = w->cache_fd,
                                 .spool_max_bytes = p->opts->spool_max_bytes,
                                 .memory_bytes = (size_t)p->opts->memory_bytes,
                                 .threads = processors(),
                                 .jobs = processors(),
                                 .object_bits = p->opts->object_bits,
                                 .log = log_event },
                &w->catalog, err);
        if (r < 0)
                return err_prefix(err, r, "cache directory %s (user %s)", p->cache_dir, p->user);
        r = open_inventory(w, err);
        if (r == 0)
                r = seen_open(w->cache_fd, 0, &w->seen, err);
        if (r < 0)
                return r;
        return overlay_open(
                (const char *const *)p->opts->static_dirs, p->opts->n_static_dirs, &w->overlay, err);
}

/* What the texts of /.pxefs say of this process. */
static void fill_facts(void *ctx, struct daemon_facts *f)
{
        const struct worker *w = ctx;

        f->process.worker_pid = (uint64_t)getpid();
        f->process.keeper_pid = (uint64_t)w->plan->keeper;
        f->process.worker_sec = w->started_sec;
        f->sandbox = (struct facts_sandbox) { .json = w->sandbox, .complete = w->sandbox_whole };
}

static int make_tree(struct worker *w)
{
        const struct options *o = w->plan->opts;

        w->texts = texts_new(&(struct texts_options) { .catalog = w->catalog,
                .inventory = w->inventory,
                .seen = w->seen,
                .version = PXEFS_VERSION,
                .requests = &w->requests,
                .fill = fill_facts,
                .fill_ctx = w,
                .statm_fd = w->statm_fd,
                .ring_bytes = RING_BYTES,
                .hash_bits = o->hash_bits });
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
        if (!w->plan->opts->foreground)
                log_leave_terminal();
        while (write(w->ready_fd, "R", 1) < 0 && errno == EINTR)
                ;
        close(w->ready_fd);
        w->ready_fd = -1;
}

static int serve(struct worker *w, int *fuse_fd, struct err *err)
{
        const struct options *o = w->plan->opts;
        int r;

        w->ops = (struct ops) {
                .places = w->places, .requests = &w->requests, .on_init = one_more, .on_init_ctx = w
        };
        r = ops_session_open(&w->ops, *fuse_fd, o->debug, &w->session);
        if (r < 0)
                return err_sys(err, r, "start a FUSE session");
        *fuse_fd = -1; /* the session's now */
        r = watch_start(&(struct watch_options) { .catalog = w->catalog,
                                .builds_dir = w->plan->builds_dir,
                                .builds_fd = w->builds_fd,
                                .poll_ms = o->poll_ms,
                                .wait_for_all = o->wait,
                                .show_progress = o->foreground && log_has_terminal(),
                                .on_ready = one_more,
                                .on_ready_ctx = w },
                &w->watch, err);
        if (r < 0)
                return r;
        r = ops_session_loop(w->session, o->single_thread);
        return r < 0 ? err_sys(err, r, "the FUSE session ended") : 0;
}

static void close_parts(struct worker *w)
{
        watch_stop(w->watch);
        ops_session_close(w->session);
        places_free(w->places);
        texts_free(w->texts);
        seen_close(w->seen);
        free(w->sandbox);
        cleanup_close(&w->statm_fd);
        overlay_close(w->overlay);
        inventory_close(w->inventory);
        catalog_close(w->catalog);
        if (w->cache_fd >= 0)
                close(w->cache_fd);
        if (w->builds_fd >= 0)
                close(w->builds_fd);
        if (w->ready_fd >= 0)
                close(w->ready_fd);
}

int worker_run(const struct worker_plan *plan, int fuse_fd, int ready_fd)
{
        struct worker w = { .plan = plan,
                .builds_fd = -1,
                .cache_fd = -1,
                .started_sec = (int64_t)time(NULL),
                .awaited = 2,
                .statm_fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC),
                .ready_fd = ready_fd };
        struct err err = { "" };
        int r = drop_rights(plan, &err);

        raise_open_files();
        if (r == 0)
                r = confine(plan, &w.sandbox, &w.sandbox_whole, &err);
        if (r == 0)
                r = open_parts(&w, &err);
        if (r == 0)
                r = make_tree(&w);
        if (r == 0)
                r = serve(&w, &fuse_fd, &err);
        if (r < 0)
                log_error("%s", err.text[0] ? err.text : strerror(-r));
        if (fuse_fd >= 0)
                close(fuse_fd);
        close_parts(&w);
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
