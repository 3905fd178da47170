/* SPDX-License-Identifier: MPL-2.0 */
/* doctor_proc -- what /proc says about processes, for doctor_gather.c. */
#ifndef PXECTL_DOCTOR_PROC_H
#define PXECTL_DOCTOR_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"

/* Reads a small file whole, NUL bytes included.  0 or a negative errno. */
int proc_read(const char *path, struct buf *out);

/* The text behind "@key:" in /proc/@pid/status, blanks before it removed.  0, -ENOENT or another negative errno. */
int proc_status(pid_t pid, const char *key, char *ret, size_t size);

/* The effective user of a process, or (uid_t)-1. */
uid_t proc_uid(pid_t pid);

/* A number from a file of /proc/sys, or -1. */
long proc_number(const char *path);

/* Whether the two have the same mount namespace; true if it cannot be told. */
bool proc_same_mounts(pid_t a, pid_t b);

/* The mount on top at @path as process @pid sees it: @ret_options gets its own and its superblock's, with a comma between.
 * True if it is a pxefs. */
bool proc_pxefs_at(pid_t pid, const char *path, char *ret_options, size_t size);

/* Calls @fn for each process until it returns false. */
void proc_each(bool (*fn)(pid_t pid, void *ctx), void *ctx);

/* The name a command goes by (/proc/PID/comm); "" if it is gone. */
void proc_comm(pid_t pid, char *ret, size_t size);

#endif
