/* SPDX-License-Identifier: MPL-2.0 */
/* cmd_upgrade -- pxectl upgrade: the installed pxefs-worker takes the place of the one that serves.
 *
 * The keeper does it when it is sent SIGHUP (takeover/keeper.c).  Whom to send it to stands in status.json, which a worker
 * writes, and a worker may be taken over: so the process is looked at before it gets a signal.  What came of it is told by
 * the keeper's counters, there too.
 */
#include "ctl.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "mounted.h"

#define WAIT_MS 15000
#define LOOK_MS 100

const char upgrade_usage[] =
        "usage: pxectl upgrade MOUNTPOINT\n"
        "Lets the pxefs-worker that is installed now serve the mount, after a package\n"
        "update for example. No client notices: what the old one left unanswered is\n"
        "answered by the new one. A program that does not fit the mount (another version\n"
        "of what the two hand over) is refused with the reason, and the old one goes on:\n"
        "mount anew then, when no machine is booting. The keeper (pxefs itself) stays\n"
        "the one that was started; it is replaced by unmounting and mounting only.\n"
        "It needs root, waits 15 seconds at most, and is safe with a mount that hangs.\n"
        "Exit status: 0 upgraded, 1 refused or not possible, 2 wrong usage.\n"
        "The same by hand:\n"
        "  kill -HUP KEEPER_PID\n"
        "  grep -E 'keeper_pid|upgrade' MOUNTPOINT/.pxefs/status.json\n";

/* Of status.json. */
struct outcome {
        int64_t keeper_pid, worker_pid, upgrades, refusals; /* -1: not there */
        char reason[512];
};

static int64_t number_of(sqlite3_stmt *s, int col)
{
        return sqlite3_column_type(s, col) == SQLITE_INTEGER ? sqlite3_column_int64(s, col) : -1;
}

static int parse(sqlite3 *db, const struct buf *text, struct outcome *ret)
{
        static const char query[] =
                "SELECT json_extract(?1, '$.worker.keeper_pid'),"
                " json_extract(?1, '$.worker.pid'), json_extract(?1, '$.worker.upgrades'),"
                " json_extract(?1, '$.worker.upgrades_refused'),"
                " ifnull(json_extract(?1, '$.worker.upgrade_refused'), 'no reason is known')";
        sqlite3_stmt *s = NULL;
        int r = -EINVAL;

        if (text->len && sqlite3_prepare_v2(db, query, -1, &s, NULL) == SQLITE_OK &&
                sqlite3_bind_text(s, 1, text->data, (int)text->len, SQLITE_STATIC) == SQLITE_OK &&
                sqlite3_step(s) == SQLITE_ROW) {
                ret->keeper_pid = number_of(s, 0);
                ret->worker_pid = number_of(s, 1);
                ret->upgrades = number_of(s, 2);
                ret->refusals = number_of(s, 3);
                (void)snprintf(
                        ret->reason, sizeof ret->reason, "%s", (const char *)sqlite3_column_text(s, 4));
                for (unsigned char *c = (unsigned char *)ret->reason; *c; c++)
                        if (*c < 0x20 || *c == 0x7f)
                                *c = '?';
                r = ret->keeper_pid > 1 && ret->upgrades >= 0 && ret->refusals >= 0 ? 0 : -EINVAL;
        }
        sqlite3_finalize(s);
        return r;
}

static int look(sqlite3 *db, const char *mountpoint, struct outcome *ret)
{
        AUTO_BUF struct buf text = BUF_INIT;
        AUTO_FREE char *path = NULL;
        int r;

        if (asprintf(&path, "%s/.pxefs/status.json", mountpoint) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        r = mounted_read(path, &text);
        return r < 0 ? r : parse(db, &text, ret);
}

/* ---- is it the keeper? ------------------------------------------------------------------------- */

/* An argument as it was typed, perhaps relative to a directory that the daemon has left. */
static bool names(const char *arg, const char *mountpoint)
{
        AUTO_FREE char *real = arg[0] == '/' ? mounted_name(arg) : NULL;
        AUTO_FREE char *copy = strdup(arg);
        size_t n = copy ? strlen(copy) : 0;
        const char *last;

        if (arg[0] == '/')
                return real && strcmp(real, mountpoint) == 0;
        while (n > 1 && copy[n - 1] == '/')
                copy[--n] = '\0';
        last = copy && strrchr(copy, '/') ? strrchr(copy, '/') + 1 : copy;
        return last && (strcmp(last, ".") == 0 || strcmp(last, strrchr(mountpoint, '/') + 1) == 0);
}

static bool is_keeper(int64_t pid, const char *mountpoint)
{
        AUTO_BUF struct buf args = BUF_INIT;
        char path[64], comm[32] = "";
        FILE *f;
        int c;

        (void)snprintf(path, sizeof path, "/proc/%lld/comm", (long long)pid);
        f = fopen(path, "re");
        if (!f || !fgets(comm, sizeof comm, f))
                comm[0] = '\0';
        if (f)
                (void)fclose(f);
        (void)snprintf(path, sizeof path, "/proc/%lld/cmdline", (long long)pid);
        f = strcmp(comm, "pxefs\n") == 0 ? fopen(path, "re") : NULL;
        while (f && (c = getc(f)) != EOF && args.len < (1u << 20))
                buf_add(&args, &(char) { (char)c }, 1);
        if (f)
                (void)fclose(f);
        buf_add(&args, "", 1);
        if (buf_error(&args) < 0)
                return false;
        for (size_t at = strlen(args.data) + 1; at < args.len; at += strlen(args.data + at) + 1)
                if (args.data[at] && names(args.data + at, mountpoint))
                        return true;
        return false;
}

/* ---- the command ------------------------------------------------------------------------------- */

static int fail_look(int r, const char *mountpoint)
{
        if (r == -ETIMEDOUT)
                return ctl_fail(CTL_FAILED, "%s: the daemon does not answer within %d s: look into its log",
                        mountpoint, MOUNTED_LIMIT_MS / 1000);
        if (r == -EINVAL)
                return ctl_fail(CTL_FAILED,
                        "%s/.pxefs/status.json names no keeper that counts upgrades: its worker is of "
                        "another "
                        "version; send its pxefs process SIGHUP",
                        mountpoint);
        return ctl_fail(CTL_FAILED, "%s: %s: the mount is dead; umount -l %s, and start pxefs again",
                mountpoint, strerror(-r), mountpoint);
}

static int wait_for_outcome(sqlite3 *db, const char *mountpoint, const struct outcome *before)
{
        int64_t end_ms = clock_ms() + WAIT_MS;
        struct outcome now;

        while (clock_ms() < end_ms) {
                if (look(db, mountpoint, &now) == 0) {
                        if (now.upgrades > before->upgrades) {
                                printf("upgraded: worker %lld serves\n", (long long)now.worker_pid);
                                return CTL_OK;
                        }
                        if (now.refusals > before->refusals)
                                return ctl_fail(CTL_FAILED, "upgrade refused, the old worker goes on: %s",
                                        now.reason);
                }
                (void)nanosleep(&(struct timespec) { .tv_nsec = LOOK_MS * 1000000L }, NULL);
        }
        return ctl_fail(CTL_FAILED, "%s: nothing came of it within %d s: look into the daemon's log",
                mountpoint, WAIT_MS / 1000);
}

static int upgrade(sqlite3 *db, const char *mountpoint)
{
        struct outcome before;
        int r = look(db, mountpoint, &before);

        if (r < 0)
                return fail_look(r, mountpoint);
        if (!is_keeper(before.keeper_pid, mountpoint))
                return ctl_fail(CTL_FAILED,
                        "process %lld, the keeper by status.json, is no pxefs on %s here: the daemon runs in "
                        "another "
                        "process namespace (a container); run pxectl upgrade there",
                        (long long)before.keeper_pid, mountpoint);
        if (kill((pid_t)before.keeper_pid, SIGHUP) < 0)
                return ctl_fail(CTL_FAILED, "process %lld cannot be sent SIGHUP: %s%s",
                        (long long)before.keeper_pid, strerror(errno), errno == EPERM ? ": become root" : "");
        return wait_for_outcome(db, mountpoint, &before);
}

int cmd_upgrade(struct ctl *c, int argc, char **argv)
{
        AUTO_FREE char *mounted = NULL, *path = NULL;
        sqlite3 *db = NULL;
        int r;

        (void)c;
        if (argc != 1 || argv[0][0] == '-')
                return ctl_fail(CTL_USAGE, "upgrade wants one mount point: pxectl upgrade --help");
        path = mounted_name(argv[0]);
        if (!path || mounted_find(path, &mounted) == 0)
                return ctl_fail(
                        CTL_FAILED, "no pxefs is mounted on %s: findmnt -t fuse.pxefs lists them", argv[0]);
        r = sqlite3_open(":memory:", &db) == SQLITE_OK ? upgrade(db, mounted)
                                                       : ctl_fail(CTL_FAILED, "out of memory");
        sqlite3_close(db);
        return r;
}
