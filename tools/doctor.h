/* SPDX-License-Identifier: MPL-2.0 */
/* doctor -- facts about a running pxefs and its machine, and what to think of them.
 *
 * Gathering (doctor_gather.c) asks the machine; judging (doctor_judge.c) is pure: facts in, findings out, so that it is
 * tested with facts nobody has at hand.
 */
#ifndef PXECTL_DOCTOR_H
#define PXECTL_DOCTOR_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define DOCTOR_MAX_SERVERS 32
/* Two whole paths and words: a path that was cut would be another. */
#define DOCTOR_TEXT_MAX (2 * PATH_MAX + 1024)
#define DOCTOR_UNKNOWN  (-1) /* of each number that could not be had */

/* What came of touching something in a child that may be left behind. */
enum doctor_touch { TOUCH_NOT_TRIED, TOUCH_OK, TOUCH_HANGS, TOUCH_ERROR };

struct doctor_server {
        char program[32];
        pid_t pid;
        uid_t uid;
        char user[64];
        bool sees_mount;    /* it is in the process's mount namespace */
        bool own_namespace; /* which is not the keeper's */
        enum doctor_touch reads;
        int reads_errno;
        char confined[128]; /* by AppArmor or SELinux; "": not */
};

struct doctor_facts {
        char mountpoint[PATH_MAX];
        bool root; /* we are: without, much cannot be seen */

        int dev_fuse_errno; /* of opening /dev/fuse; 0: it opens */
        bool fuse_known;    /* in /proc/filesystems */
        bool mounted, allow_other, read_only;
        enum doctor_touch answers;
        int answers_errno;

        pid_t keeper, worker; /* 0: not found */
        uid_t worker_uid;
        char worker_user[64];
        bool worker_no_caps, worker_no_new_privs;
        int worker_seccomp; /* /proc/PID/status: 2 is a filter */
        int landlock_abi;   /* status.json; DOCTOR_UNKNOWN */
        char landlock_missing[256], seccomp_missing[256];
        long worker_nofile;
        bool keeper_own_namespace; /* not process 1's */
        char unit[128];            /* systemd's, "" if none */

        int kernel_major, kernel_minor;
        long max_pages_limit, default_request_timeout,
                max_request_timeout; /* fs.fuse.*; DOCTOR_UNKNOWN: not there */
        long inotify_watches, inotify_instances;
        int64_t now_sec;

        char inventory[PATH_MAX]; /* "": none is used */
        char inventory_link[PATH_MAX]; /* where it leads to, if it is a symbolic link; "": it is none */
        int inventory_errno;
        uid_t inventory_uid, inventory_dir_uid;
        mode_t inventory_mode;
        char inventory_wal; /* 'y', 'n', '?' */
        char inventory_broken[256];
        int inventory_version, known_version;
        char inventory_fs[16]; /* a network file system's name, "" */

        char cache[PATH_MAX];
        int cache_errno;
        uid_t cache_uid;
        int64_t cache_free_bytes;
        char cache_fs[16];

        char builds[PATH_MAX];
        enum doctor_touch builds_read; /* by the worker's user */
        int builds_errno;

        long static_absent; /* names that are not shown (status.json); DOCTOR_UNKNOWN */
        char static_absent_first[1024];

        struct doctor_server servers[DOCTOR_MAX_SERVERS];
        size_t n_servers;
};

enum doctor_level { DOCTOR_OK, DOCTOR_WARN, DOCTOR_FAIL };

struct doctor_finding {
        enum doctor_level level;
        const char *check; /* the table's name of it */
        char text[DOCTOR_TEXT_MAX];
        char mend[DOCTOR_TEXT_MAX]; /* "" for ok: the command, or what to write */
};

/* Calls @found with each finding, in the order of the table. */
typedef void doctor_found_fn(void *ctx, const struct doctor_finding *f);
void doctor_judge(const struct doctor_facts *f, doctor_found_fn *found, void *ctx);

/* Asks the machine about the pxefs on @mountpoint.  Never touches the mount itself but in a child that it leaves behind
 * after some seconds.  What it cannot learn stays unknown. */
void doctor_gather(
        const char *mountpoint, const char *inventory, const char *cache, struct doctor_facts *ret);

#endif
