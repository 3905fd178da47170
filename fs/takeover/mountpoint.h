/* SPDX-License-Identifier: MPL-2.0 */
/* mountpoint -- the privileged end: checks, mount(2), umount2(2).  Never touches the mount path once it is
 * mounted (who serves a mount and walks into it waits for itself); what is mounted where is read from
 * /proc/self/mountinfo.
 */
#ifndef PXEFS_TAKEOVER_MOUNTPOINT_H
#define PXEFS_TAKEOVER_MOUNTPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct mountpoint {
        char *path;            /* owned; absolute, without symbolic links */
        unsigned major, minor; /* of the mounted filesystem */
        int gone_fd; /* owned; inotify(7): tells that this filesystem has ended; -1: cannot be had */
};

/* True if @path is @dir or lies below it.  Both absolute, without symbolic links. */
bool path_is_below(const char *path, const char *dir);

/* Finds the directory to mount on.  A dead pxefs mount (its daemon was killed) is detached first; a live
 * one is refused, and so is any other filesystem that is mounted there (but autofs), dead or alive. Returns 0 or a negative errno with the reason and the way out.  The caller frees it with
 * mountpoint_fini. */
int mountpoint_prepare(const char *dir, struct mountpoint *ret, struct err *err);

/* Opens /dev/fuse and mounts it: read-only, nosuid, nodev, noexec, allow_other.  Needs CAP_SYS_ADMIN.
 * *ret_fd is owned by the caller. */
int mountpoint_mount(struct mountpoint *m, int *ret_fd, struct err *err);

/* Lets the kernel read ahead up to @kib in files of the mount; after its INIT, which sets it too.  Best effort: there may
 * be no /sys, or no right to write there. */
void mountpoint_read_ahead(const struct mountpoint *m, unsigned kib);

/* Where a filesystem of pxefs with that device number is mounted, as the file @mountinfo says (proc_pid_mountinfo(5)).  0 with
 * a path that the caller frees, -ENOENT if nowhere, or another negative errno. */
int mountpoint_find(const char *mountinfo, unsigned major, unsigned minor, char **ret_path);

/* The device number (as in stat(2)) of the pxefs that is mounted on @path, from /proc/self/mountinfo; 0: there is none, or it
 * cannot be found out. */
uint64_t mountpoint_dev(const char *path);

/* Ends the connection and detaches the mount, if it is still ours: whoever waits for an answer gets an error. */
void mountpoint_unmount(const struct mountpoint *m);

/* For one whose connection is gone: detaches the mount if it is still there.  Returns whether it was.  The mount that is there
 * may be another pxefs's, with the same device number, which is left alone and asked nothing.  Waits for the kernel, a second at
 * most. */
bool mountpoint_detach_dead(const struct mountpoint *m);

void mountpoint_fini(struct mountpoint *m);

#endif
