/* SPDX-License-Identifier: MPL-2.0 */
/* doctor_judge -- see doctor.h.  One row a question; a judge says one thing, or one for each server. */
#include "doctor.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* 2024-01-01: no pxefs ran before. */
#define EPOCH_SEC 1704067200
#define GIB       (INT64_C(1) << 30)

struct sink {
        doctor_found_fn *found;
        void *ctx;
        const char *check;
};

__attribute__((format(printf, 4, 5))) static void say(
        struct sink *s, enum doctor_level level, const char *mend, const char *fmt, ...)
{
        struct doctor_finding f = { .level = level, .check = s->check };
        va_list ap;

        va_start(ap, fmt);
        (void)vsnprintf(f.text, sizeof f.text, fmt, ap);
        va_end(ap);
        (void)snprintf(f.mend, sizeof f.mend, "%s", mend);
        s->found(s->ctx, &f);
}

/* A command with names in it, into the caller's buffer. */
__attribute__((format(printf, 2, 3))) static const char *with(
        char mend[DOCTOR_TEXT_MAX], const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        (void)vsnprintf(mend, DOCTOR_TEXT_MAX, fmt, ap);
        va_end(ap);
        return mend;
}

static void device(const struct doctor_facts *f, struct sink *s)
{
        if (f->dev_fuse_errno == 0)
                say(s, DOCTOR_OK, "", "/dev/fuse can be opened");
        else if (f->dev_fuse_errno == EACCES || f->dev_fuse_errno == EPERM)
                say(s, f->root ? DOCTOR_FAIL : DOCTOR_WARN,
                        f->root ? "in a container: allow the device (docker --device /dev/fuse, systemd "
                                  "DeviceAllow=)"
                                : "ask as root: sudo pxectl doctor",
                        "/dev/fuse: %s", strerror(f->dev_fuse_errno));
        else
                say(s, DOCTOR_FAIL, "modprobe fuse; in a container: hand the device in", "/dev/fuse: %s%s",
                        strerror(f->dev_fuse_errno), f->fuse_known ? "" : ", and the kernel has no fuse yet");
}

static void the_mount(const struct doctor_facts *f, struct sink *s)
{
        char mend[DOCTOR_TEXT_MAX];

        if (!f->mounted) {
                say(s, DOCTOR_FAIL, with(mend, "pxefs BUILDS_DIR %s", f->mountpoint),
                        "no pxefs is mounted on %s", f->mountpoint);
                return;
        }
        if (f->answers == TOUCH_HANGS)
                say(s, DOCTOR_FAIL,
                        with(mend, "umount -l %s; kill the pxefs that served it, and start it again",
                                f->mountpoint),
                        "the mount on %s does not answer", f->mountpoint);
        else if (f->answers == TOUCH_ERROR && f->answers_errno == ENOTCONN)
                say(s, DOCTOR_FAIL, "start pxefs again: it replaces the dead mount",
                        "the mount on %s is dead: its pxefs is gone", f->mountpoint);
        else if (f->answers == TOUCH_ERROR)
                say(s, DOCTOR_FAIL, with(mend, "cat %s/.pxefs/status.json", f->mountpoint),
                        "reading %s/menu.ipxe: %s", f->mountpoint, strerror(f->answers_errno));
        else if (f->answers == TOUCH_OK)
                say(s, DOCTOR_OK, "", "mounted on %s, and it answers", f->mountpoint);
        else
                say(s, DOCTOR_WARN, "", "mounted on %s; whether it answers was not tried", f->mountpoint);
}

static void others(const struct doctor_facts *f, struct sink *s)
{
        char mend[DOCTOR_TEXT_MAX];

        if (!f->mounted)
                return;
        if (!f->allow_other)
                say(s, DOCTOR_FAIL, with(mend, "umount %s, and mount with pxefs run by root", f->mountpoint),
                        "allow_other is not among the mount's options: servers of other users cannot read "
                        "it");
        else if (!f->read_only)
                say(s, DOCTOR_FAIL, with(mend, "umount %s, and mount anew", f->mountpoint),
                        "the mount is not read-only");
        else
                say(s, DOCTOR_OK, "",
                        "every user may read it (allow_other, which root needs no user_allow_other in "
                        "/etc/fuse.conf for)");
}

static void worker(const struct doctor_facts *f, struct sink *s)
{
        if (!f->mounted)
                return;
        if (!f->worker) {
                say(s, DOCTOR_WARN, "ask as root, in the namespace of pxefs: sudo pxectl doctor",
                        "the process that serves the mount was not found");
                return;
        }
        if (f->worker_uid == 0)
                say(s, DOCTOR_FAIL, "start pxefs with -o user=pxefs",
                        "process %d, which parses archives, is root", (int)f->worker);
        else if (!f->worker_no_caps || !f->worker_no_new_privs)
                say(s, DOCTOR_FAIL, "start pxefs again, as root: it drops its rights by itself",
                        "process %d, which parses archives, %s", (int)f->worker,
                        f->worker_no_caps ? "may gain privileges (no no_new_privs)"
                                          : "has capabilities, or could");
        else
                say(s, DOCTOR_OK, "",
                        "process %d parses archives as user %s, without capabilities or a way to any",
                        (int)f->worker, f->worker_user);
}

static void calls(const struct doctor_facts *f, struct sink *s)
{
        if (!f->worker)
                return;
        if (f->worker_seccomp == 2)
                say(s, DOCTOR_OK, "", "its system calls are filtered (seccomp)");
        else
                say(s, DOCTOR_WARN, "install libseccomp-dev and build pxefs again",
                        "its system calls are not filtered%s%s", f->seccomp_missing[0] ? ": " : "",
                        f->seccomp_missing);
}

static void files(const struct doctor_facts *f, struct sink *s)
{
        char mend[DOCTOR_TEXT_MAX];

        if (!f->worker)
                return;
        if (f->landlock_abi > 0)
                say(s, DOCTOR_OK, "", "it can open its own directories only (Landlock ABI %d)",
                        f->landlock_abi);
        else if (f->landlock_abi == 0)
                say(s, DOCTOR_WARN, "boot with landlock in lsm= (Linux 5.13 or later)",
                        "it can open whatever its user can%s%s", f->landlock_missing[0] ? ": " : "",
                        f->landlock_missing);
        else
                say(s, DOCTOR_WARN, with(mend, "cat %s/.pxefs/status.json", f->mountpoint),
                        "whether Landlock confines it could not be learned");
}

static void namespaces(const struct doctor_facts *f, struct sink *s)
{
        char mend[DOCTOR_TEXT_MAX];

        if (!f->keeper)
                return;
        if (!f->keeper_own_namespace)
                say(s, DOCTOR_OK, "", "pxefs mounts in the host's mount namespace");
        else if (f->unit[0])
                say(s, DOCTOR_FAIL,
                        with(mend,
                                "systemctl edit %s: take PrivateTmp=, ProtectSystem=, ProtectHome=, "
                                "PrivateDevices=, "
                                "ProtectKernel...=, ReadOnlyPaths= and the like out",
                                f->unit),
                        "%s gives pxefs a mount namespace of its own: nobody else sees the mount", f->unit);
        else
                say(s, DOCTOR_WARN, "start pxefs from the host, or run the servers in the same container",
                        "pxefs mounts in another mount namespace than process 1: the host does not see it");
}

static void open_files(const struct doctor_facts *f, struct sink *s)
{
        char mend[DOCTOR_TEXT_MAX];

        if (!f->worker || f->worker_nofile == DOCTOR_UNKNOWN)
                return;
        if (f->worker_nofile >= 4096)
                say(s, DOCTOR_OK, "", "%ld files may be open", f->worker_nofile);
        else
                say(s, DOCTOR_WARN,
                        f->unit[0] ? with(mend, "systemctl edit %s: LimitNOFILE=65536", f->unit)
                                   : "raise the hard limit where pxefs is started: ulimit -Hn 65536",
                        "%ld files may be open, and each archive is one", f->worker_nofile);
}

static void kernel(const struct doctor_facts *f, struct sink *s)
{
        if (f->kernel_major < 5 || (f->kernel_major == 5 && f->kernel_minor < 10))
                say(s, DOCTOR_WARN, "run Linux 6.1 or later", "Linux %d.%d was never tried with pxefs",
                        f->kernel_major, f->kernel_minor);
        else if (f->max_pages_limit != DOCTOR_UNKNOWN && f->max_pages_limit < 128)
                say(s, DOCTOR_WARN, "sysctl fs.fuse.max_pages_limit=256",
                        "fs.fuse.max_pages_limit is %ld: requests are small, reading is slow",
                        f->max_pages_limit);
        else
                say(s, DOCTOR_OK, "", "Linux %d.%d has what pxefs uses", f->kernel_major, f->kernel_minor);
}

static void timeouts(const struct doctor_facts *f, struct sink *s)
{
        long t = f->max_request_timeout > 0 ? f->max_request_timeout : f->default_request_timeout;

        if (t > 0)
                say(s, t < 60 ? DOCTOR_FAIL : DOCTOR_WARN,
                        "sysctl fs.fuse.default_request_timeout=0 fs.fuse.max_request_timeout=0, and mount "
                        "anew",
                        "the kernel ends a mount that does not answer for %ld s: a slow disk would be enough",
                        t);
        else
                say(s, DOCTOR_OK, "", "the kernel sets no time limit to a request");
}

static void inotify(const struct doctor_facts *f, struct sink *s)
{
        if (f->inotify_watches == DOCTOR_UNKNOWN)
                return;
        if (f->inotify_watches < 64 || f->inotify_instances < 16)
                say(s, DOCTOR_WARN,
                        "sysctl fs.inotify.max_user_watches=65536 fs.inotify.max_user_instances=128",
                        "%ld inotify watches and %ld instances for each user: new archives may be found by "
                        "looking only",
                        f->inotify_watches, f->inotify_instances);
        else
                say(s, DOCTOR_OK, "", "inotify has room (%ld watches, %ld instances for each user)",
                        f->inotify_watches, f->inotify_instances);
}

static void clock_sane(const struct doctor_facts *f, struct sink *s)
{
        if (f->now_sec < EPOCH_SEC)
                say(s, DOCTOR_WARN, "timedatectl set-ntp true", "the clock is wrong: it is before 2024");
        else
                say(s, DOCTOR_OK, "", "the clock is plausible");
}

/* "/a/b" of "/a/b/c". */
static int dir_len(const char *path)
{
        const char *slash = strrchr(path, '/');

        return slash && slash != path ? (int)(slash - path) : 1;
}

static void inventory_file(const struct doctor_facts *f, struct sink *s)
{
        char mend[DOCTOR_TEXT_MAX];

        if (!f->inventory[0]) {
                say(s, DOCTOR_WARN, "pxectl init; then mount anew",
                        "no inventory: every host gets the default menu");
                return;
        }
        if (f->inventory_errno == ENOENT)
                say(s, DOCTOR_FAIL, with(mend, "pxectl -i %s init, or put it back", f->inventory),
                        "inventory %s is not there", f->inventory);
        else if (f->inventory_errno)
                say(s, f->root ? DOCTOR_FAIL : DOCTOR_WARN, "ask as root: sudo pxectl doctor",
                        "inventory %s: %s", f->inventory, strerror(f->inventory_errno));
        else if (f->inventory_link[0])
                say(s, DOCTOR_FAIL, with(mend, "name the file itself, %s, where the link is named now", f->inventory_link),
                        "inventory %s is a symbolic link: pxefs and pxectl take none, since an edit and a machine could mean "
                        "different files when it is changed",
                        f->inventory);
        else if (f->worker && (f->inventory_uid != f->worker_uid || f->inventory_dir_uid != f->worker_uid))
                say(s, DOCTOR_WARN,
                        with(mend, "chown %s: %.*s %s*", f->worker_user, dir_len(f->inventory), f->inventory,
                                f->inventory),
                        "inventory %s: %s does not belong to %s, who reads it: WAL needs that", f->inventory,
                        f->inventory_uid != f->worker_uid ? "it" : "its directory", f->worker_user);
        else if (f->inventory_mode & 002)
                say(s, DOCTOR_FAIL, with(mend, "chmod o-w %s", f->inventory),
                        "inventory %s: everybody may write it", f->inventory);
        else if (f->inventory_mode & 004)
                say(s, DOCTOR_WARN, with(mend, "chmod o-r %s", f->inventory),
                        "inventory %s: every local user may read the password hashes in it", f->inventory);
        else
                say(s, DOCTOR_OK, "", "inventory %s: owner and mode are right", f->inventory);
}

static void inventory_content(const struct doctor_facts *f, struct sink *s)
{
        char mend[DOCTOR_TEXT_MAX];

        if (!f->inventory[0] || f->inventory_errno)
                return;
        if (f->inventory_broken[0])
                say(s, DOCTOR_FAIL,
                        with(mend, "put a copy back: sqlite3 %s '.restore COPY.db'", f->inventory),
                        "inventory %s: %s", f->inventory, f->inventory_broken);
        else if (f->inventory_version > f->known_version)
                say(s, DOCTOR_FAIL, "install the newer pxefs",
                        "inventory %s has schema %d, and this pxefs knows %d", f->inventory,
                        f->inventory_version, f->known_version);
        else if (f->inventory_version < 1)
                say(s, DOCTOR_FAIL,
                        with(mend, "pxectl -i %s migrate, if it came from a .dump", f->inventory),
                        "inventory %s has no schema version", f->inventory);
        else if (f->inventory_wal == 'n')
                say(s, DOCTOR_WARN, with(mend, "sqlite3 %s 'PRAGMA journal_mode = WAL'", f->inventory),
                        "inventory %s is no WAL database: edits meet \"database is locked\" while hosts boot",
                        f->inventory);
        else if (f->inventory_version < f->known_version)
                say(s, DOCTOR_WARN, with(mend, "pxectl -i %s migrate", f->inventory),
                        "inventory %s is of schema %d: it is served, without what schema %d has", f->inventory,
                        f->inventory_version, f->known_version);
        else
                say(s, DOCTOR_OK, "", "inventory %s is whole: schema %d", f->inventory, f->inventory_version);
}

static void inventory_place(const struct doctor_facts *f, struct sink *s)
{
        char mend[DOCTOR_TEXT_MAX];

        if (!f->inventory[0] || f->inventory_errno)
                return;
        if (f->inventory_fs[0])
                say(s, DOCTOR_FAIL,
                        with(mend, "move %s to a local disk, and copy it there with sqlite3 .backup",
                                f->inventory),
                        "inventory %s is on %s: WAL works on one machine's own disk only", f->inventory,
                        f->inventory_fs);
        else
                say(s, DOCTOR_OK, "", "inventory %s is on a local file system", f->inventory);
}

static void cache(const struct doctor_facts *f, struct sink *s)
{
        char mend[DOCTOR_TEXT_MAX];

        if (f->cache_errno == ENOENT)
                say(s, DOCTOR_WARN, "mount: pxefs makes it; or name the daemon's with -c",
                        "cache directory %s is not there", f->cache);
        else if (f->cache_errno)
                say(s, DOCTOR_WARN, "ask as root: sudo pxectl doctor", "cache directory %s: %s", f->cache,
                        strerror(f->cache_errno));
        else if (f->worker && f->cache_uid != f->worker_uid)
                say(s, DOCTOR_FAIL, with(mend, "chown -R %s: %s", f->worker_user, f->cache),
                        "cache directory %s does not belong to %s, who writes it", f->cache, f->worker_user);
        else if (f->cache_fs[0])
                say(s, DOCTOR_FAIL, "mount with -o cache= of a local disk",
                        "cache directory %s is on %s: catalog.db is a WAL database", f->cache, f->cache_fs);
        else if (f->cache_free_bytes < GIB)
                say(s, DOCTOR_WARN, "make room, or mount with -o cache= elsewhere",
                        "cache directory %s: %lld MiB are free, and an archive in xz or zstd needs its "
                        "uncompressed size",
                        f->cache, (long long)(f->cache_free_bytes >> 20));
        else
                say(s, DOCTOR_OK, "", "cache directory %s: %lld MiB free, owner is right", f->cache,
                        (long long)(f->cache_free_bytes >> 20));
}

static void static_names(const struct doctor_facts *f, struct sink *s)
{
        if (f->static_absent > 0)
                say(s, DOCTOR_FAIL, "do what the reason says; the log names them all",
                        "%ld name%s in static= %s not shown: %s%s", f->static_absent,
                        f->static_absent == 1 ? "" : "s", f->static_absent == 1 ? "is" : "are",
                        f->static_absent == 1 ? "" : "first ", f->static_absent_first);
        else if (f->static_absent == 0)
                say(s, DOCTOR_OK, "", "what is in static= leads to what can be had");
}

static void builds(const struct doctor_facts *f, struct sink *s)
{
        char mend[DOCTOR_TEXT_MAX];

        if (!f->builds[0] || f->builds_read == TOUCH_NOT_TRIED)
                return;
        if (f->builds_read == TOUCH_HANGS)
                say(s, DOCTOR_FAIL, "see to the file server or disk behind it",
                        "builds directory %s does not answer", f->builds);
        else if (f->builds_read == TOUCH_ERROR)
                say(s, DOCTOR_FAIL, with(mend, "chmod o+rx %s and the directories above it", f->builds),
                        "builds directory %s: user %s: %s", f->builds, f->worker_user,
                        strerror(f->builds_errno));
        else
                say(s, DOCTOR_OK, "", "builds directory %s can be read by %s", f->builds, f->worker_user);
}

static void server(const struct doctor_facts *f, const struct doctor_server *v, struct sink *s)
{
        char mend[DOCTOR_TEXT_MAX];

        if (!v->sees_mount) {
                say(s, DOCTOR_FAIL,
                        v->own_namespace
                                ? with(mend,
                                          "mkdir -p /etc/systemd/system/UNIT.service.d; write [Unit] "
                                          "RequiresMountsFor=%s "
                                          "After=pxefs.service into mount.conf there; systemctl "
                                          "daemon-reload; restart %s",
                                          f->mountpoint, v->program)
                                : with(mend, "restart %s: it was started before the mount", v->program),
                        "%s (process %d) does not see the mount%s", v->program, (int)v->pid,
                        v->own_namespace ? ": its unit has a mount namespace from before" : "");
                return;
        }
        if (v->reads == TOUCH_ERROR)
                say(s, DOCTOR_FAIL,
                        with(mend, "chmod o+x the directories above %s; namei -l shows which", f->mountpoint),
                        "%s (process %d, user %s) cannot read the mount: %s", v->program, (int)v->pid,
                        v->user, strerror(v->reads_errno));
        else if (v->reads == TOUCH_HANGS)
                say(s, DOCTOR_FAIL, "see above", "%s (process %d) gets no answer from the mount", v->program,
                        (int)v->pid);
        else if (v->reads == TOUCH_OK)
                say(s, DOCTOR_OK, "", "%s (process %d, user %s) sees and can read the mount", v->program,
                        (int)v->pid, v->user);
        else
                say(s, DOCTOR_WARN, "ask as root: sudo pxectl doctor",
                        "%s (process %d) sees the mount; whether user %s can read it was not tried",
                        v->program, (int)v->pid, v->user);
        if (v->confined[0])
                say(s, DOCTOR_WARN,
                        with(mend, "look for DENIED in the kernel's log; let the profile read %s/**",
                                f->mountpoint),
                        "%s (process %d) is confined by %s, which may deny it the mount", v->program,
                        (int)v->pid, v->confined);
}

static void servers(const struct doctor_facts *f, struct sink *s)
{
        if (!f->mounted)
                return;
        if (f->n_servers == 0)
                say(s, DOCTOR_WARN, "start the TFTP or HTTP server after the mount",
                        "no TFTP or HTTP server runs here");
        for (size_t i = 0; i < f->n_servers; i++)
                server(f, &f->servers[i], s);
}

static const struct {
        const char *check;
        void (*judge)(const struct doctor_facts *f, struct sink *s);
} rows[] = {
        { "device", device },
        { "mount", the_mount },
        { "access", others },
        { "namespace", namespaces },
        { "rights", worker },
        { "seccomp", calls },
        { "landlock", files },
        { "nofile", open_files },
        { "servers", servers },
        { "builds", builds },
        { "static", static_names },
        { "cache", cache },
        { "inventory", inventory_file },
        { "inventory-content", inventory_content },
        { "inventory-place", inventory_place },
        { "kernel", kernel },
        { "timeouts", timeouts },
        { "inotify", inotify },
        { "clock", clock_sane },
};

void doctor_judge(const struct doctor_facts *f, doctor_found_fn *found, void *ctx)
{
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                struct sink s = { found, ctx, rows[i].check };

                rows[i].judge(f, &s);
        }
}
