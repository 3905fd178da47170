/* SPDX-License-Identifier: MPL-2.0 */
/* cachelock -- see cachelock.h.
 *
 * Who holds a lock is the kernel's to say (/proc/locks).  Which mount that one serves it writes into the file itself, by its
 * device number; that is only looked for, since a worker could write there too.  The mount may be gone from here and live on in
 * another mount namespace, a container's for example, which keeps the holder alive: so every process' mounts are looked at.
 *
 * Locks: none; one thread.  Limits: NAMESPACES mount namespaces are looked at.
 */
#include "daemon/cachelock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define LOCK_NAME  "lock" /* catalog/catalog.h, CATALOG_LOCK_NAME */
#define WAIT_MS    6000   /* more than a keeper gives its worker to end (takeover/keeper.c, GRACE_MS) */
#define NAMESPACES 1024
#define FLAGS      (O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

/* ---- who holds it ---------------------------------------------------------------------------- */

struct holder {
        pid_t pid; /* 0: nobody that can be seen from here */
        unsigned major, minor;
        bool mounted; /* it said where */
};

/* "1: FLOCK  ADVISORY  WRITE 1234 08:01:56789 0 EOF" (proc_locks(5)); the device of some filesystems is not what stat(2) says,
 * so the inode's number decides. */
static pid_t locked_by(ino_t inode)
{
        FILE *f = fopen("/proc/locks", "re");
        char line[256];
        pid_t found = 0;

        while (f && fgets(line, sizeof line, f)) {
                unsigned long ino;
                int pid;

                if (sscanf(line, "%*s FLOCK %*s WRITE %d %*x:%*x:%lu", &pid, &ino) == 2 && ino == inode)
                        found = pid;
        }
        if (f)
                (void)fclose(f);
        return found;
}

static struct holder read_holder(int fd)
{
        struct holder h = { 0 };
        char text[64] = "";
        struct stat st;

        if (fstat(fd, &st) == 0)
                h.pid = locked_by(st.st_ino);
        if (pread(fd, text, sizeof text - 1, 0) > 0)
                h.mounted = sscanf(text, "%u:%u", &h.major, &h.minor) == 2;
        return h;
}

/* ---- where its mount is ---------------------------------------------------------------------- */

struct place {
        char *path; /* owned; NULL: nowhere */
        pid_t pid;  /* of a process in whose mount namespace it is; 0: ours */
        char name[32];
};

static void read_name(pid_t pid, char *ret, size_t cap)
{
        char path[64];
        FILE *f;

        (void)snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
        f = fopen(path, "re");
        if (f && fgets(ret, (int)cap, f))
                ret[strcspn(ret, "\n")] = '\0';
        if (f)
                (void)fclose(f);
}

/* True for a mount namespace that was not looked at yet. */
static bool is_new(pid_t pid, ino_t *seen, size_t *n)
{
        char path[64];
        struct stat st;

        (void)snprintf(path, sizeof path, "/proc/%d/ns/mnt", (int)pid);
        if (stat(path, &st) < 0 || *n == NAMESPACES)
                return false;
        for (size_t i = 0; i < *n; i++)
                if (seen[i] == st.st_ino)
                        return false;
        seen[(*n)++] = st.st_ino;
        return true;
}

/* Here first, then wherever else somebody lives. */
static void find_mount(const struct holder *h, struct place *ret)
{
        AUTO_CLOSEDIR DIR *proc = opendir("/proc");
        ino_t seen[NAMESPACES];
        const struct dirent *e;
        size_t n = 0;

        *ret = (struct place) { 0 };
        (void)is_new(getpid(), seen, &n);
        (void)mountpoint_find("/proc/self/mountinfo", h->major, h->minor, &ret->path);
        while (!ret->path && proc && (e = readdir(proc))) {
                pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);
                char path[64];

                if (pid <= 0 || !is_new(pid, seen, &n))
                        continue;
                (void)snprintf(path, sizeof path, "/proc/%d/mountinfo", (int)pid);
                if (mountpoint_find(path, h->major, h->minor, &ret->path) == 0) {
                        ret->pid = pid;
                        read_name(pid, ret->name, sizeof ret->name);
                }
        }
}

/* ---- refusing -------------------------------------------------------------------------------- */

#define OWN_CACHE "or give each its own with cache="

static int refuse(const char *dir, const struct holder *h, const struct place *where, struct err *err)
{
        int pid = (int)h->pid;

        if (pid == 0)
                return err_set(err, -EBUSY,
                        "cache directory %s: another pxefs uses it, which cannot be seen from here (a "
                        "container's): end "
                        "that, " OWN_CACHE,
                        dir);
        if (where->path && where->pid == 0)
                return err_set(err, -EBUSY,
                        "cache directory %s: another pxefs (process %d) uses it, and is mounted on %s: "
                        "umount that first, " OWN_CACHE,
                        dir, pid, where->path);
        if (where->path)
                return err_set(err, -EBUSY,
                        "cache directory %s: another pxefs (process %d) uses it; its mount is gone here, but "
                        "process %d "
                        "(%s) still has it, in a mount namespace of its own, on %s: kill %d, or end that "
                        "process",
                        dir, pid, (int)where->pid, where->name, where->path, pid);
        return err_set(err, -EBUSY,
                "cache directory %s: another pxefs (process %d) uses it, and %s: kill %d, " OWN_CACHE, dir,
                pid, h->mounted ? "its mount is gone, but it does not end" : "is starting", pid);
}

/* It will let go by itself: its keeper is gone, or its mount is. */
static bool is_ending(const struct holder *h, const struct place *where)
{
        return h->pid != 0 && ((kill(h->pid, 0) < 0 && errno == ESRCH) || (h->mounted && !where->path));
}

/* ---- taking it ------------------------------------------------------------------------------- */

/* The directory is the service user's, who must not have root open or make anything there. */
static int open_as_user(const char *dir, const struct child_plan *p)
{
        AUTO_CLOSE int dirfd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
        uid_t uid = geteuid();
        gid_t gid = getegid();
        int fd, e;

        if (dirfd < 0)
                return -errno;
        if (p->drop) {
                (void)setfsgid(p->gid);
                (void)setfsuid(p->uid);
        }
        fd = openat(
                dirfd, LOCK_NAME, O_RDWR | O_CREAT | FLAGS, 0600);
        e = errno;
        if (p->drop) {
                (void)setfsuid(uid);
                (void)setfsgid(gid);
        }
        if (fd < 0 && e == EACCES) { /* another user's, which keeps others out all the same */
                fd = openat(dirfd, LOCK_NAME, O_RDONLY | FLAGS);
                e = errno == ENOENT ? EACCES : errno;
        }
        return fd >= 0 ? fd : -e;
}

int cachelock_take(const char *cache_dir, const struct child_plan *plan, int *ret_fd, struct err *err)
{
        int64_t until_ms = clock_ms() + WAIT_MS;
        int fd = open_as_user(cache_dir, plan);
        struct holder holder;
        struct stat st;

        *ret_fd = -1;
        if (fd == -EACCES || fd == -EROFS || fd == -EPERM)
                return 0;
        if (fd == -ELOOP || (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)))) {
                cleanup_close(&fd);
                return err_set(err, -EINVAL,
                        "cache directory %s: " LOCK_NAME " is no plain file: rm %s/" LOCK_NAME, cache_dir,
                        cache_dir);
        }
        if (fd < 0)
                return err_sys(err, fd, "cache directory %s: open " LOCK_NAME, cache_dir);
        while (flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK) {
                struct place where;
                bool ending;
                int r;

                holder = read_holder(fd);
                find_mount(&holder, &where);
                ending = is_ending(&holder, &where);
                r = ending && clock_ms() < until_ms ? 0 : refuse(cache_dir, &holder, &where, err);
                free(where.path);
                if (r < 0) {
                        close(fd);
                        return r;
                }
                (void)nanosleep(&(struct timespec) { .tv_nsec = 20000000 }, NULL);
        }
        (void)!ftruncate(fd, 0);
        *ret_fd = fd;
        return 0;
}

void cachelock_tell_mount(int fd, const struct mountpoint *m)
{
        char text[64];
        int n = snprintf(text, sizeof text, "%u:%u\n", m->major, m->minor);

        if (fd >= 0)
                (void)!pwrite(fd, text, (size_t)n, 0);
}
