/* SPDX-License-Identifier: MPL-2.0 */
/* child -- a worker as its keeper sees it: a process with five descriptors, one of them of a pair of sockets.
 *
 * What is said, one packet each:
 *   worker to keeper   F  it fits the mount: the journal, and what it would answer to the kernel's INIT
 *                      S  it serves
 *                      R  it is ready: all that the mount was asked to wait for is there
 *                      X  followed by a line: why it ends
 *   keeper to worker   G  the place is yours: the predecessor is gone.  With it, as the packet says, /proc/PID/statm open,
 *                         which the sandbox keeps out of reach, and a socket for a successor
 *
 * A successor is not executed but forked: by who stood by, between G and all else, so that the two differ in nothing that a
 * boot server brought about.  It says F by the socket it was given, and the kernel says which process it is (unix(7),
 * SCM_CREDENTIALS).  It costs a millisecond, where the dynamic linker, the filter of system calls and a first use of
 * SQLite take fifty.  The keeper is its parent: the worker forks twice, and the process between ends (prctl(2),
 * PR_SET_CHILD_SUBREAPER).
 */
#ifndef PXEFS_TAKEOVER_CHILD_H
#define PXEFS_TAKEOVER_CHILD_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/* Where a worker finds its descriptors; the last one may be closed. */
enum {
        CHILD_FUSE_FD = 3,
        CHILD_JOURNAL_FD,
        CHILD_CONTROL_FD,
        CHILD_LOG_FD,  /* base/log.h, log_to_keeper */
        CHILD_LOCK_FD, /* the lock on the cache directory, which the keeper took */
        CHILD_FDS = CHILD_LOCK_FD - CHILD_FUSE_FD + 1
};

#define CHILD_FITS   'F'
#define CHILD_SERVES 'S'
#define CHILD_READY  'R'
#define CHILD_REASON 'X'
#define CHILD_GO     'G'

/* Whom it runs as, and what it is. */
struct child_plan {
        const char *path;  /* of the program */
        char *const *argv; /* borrowed */
        bool drop;         /* change to uid, gid and groups first */
        uid_t uid;
        gid_t gid;
        const gid_t *groups; /* borrowed */
        size_t n_groups;
        int oom_score_adj;                        /* what the keeper had before it lowered its own */
        int fuse_fd, journal_fd, log_fd, lock_fd; /* borrowed; lock_fd: -1 if there is none */
};

struct child {
        pid_t pid;         /* 0: there is none, or it has not said a word yet */
        int pid_fd;        /* owned; readable when it holds nothing any more; -1: cannot be had */
        int control_fd;    /* owned; -1 */
        struct err reason; /* "" until it gave one */
};

#define CHILD_NONE                                                                                           \
        {                                                                                                    \
                .pid = 0, .pid_fd = -1, .control_fd = -1                                                     \
        }

/* Opens the program to be executed.  The descriptor, owned by the caller, or a negative errno. */
int child_open_binary(const char *path, struct err *err);

/* Starts one from the program @binary_fd (borrowed).  0 or a negative errno. */
int child_start(const struct child_plan *plan, int binary_fd, const sigset_t *mask, struct child *ret,
        struct err *err);

/* Takes one packet; its letter, 0 if there is none, or -1: it says nothing any more, and never will. */
int child_hear(struct child *c);

/* True if it has ended, all its threads with it, although nobody could wait for it yet: a debugger that is attached holds the
 * dead one back from its parent (ptrace(2)).  It has no descriptor and no lock any more. */
bool child_is_dead(const struct child *c);

/* True if its end of the socket is closed and it was not waited for: it is dying, or a debugger holds its dead threads back, and
 * then no descriptor says when it is dead: child_is_dead() is to be asked again and again. */
static inline bool child_hung_up(const struct child *c)
{
        return c->pid != 0 && c->control_fd < 0;
}

/* Tells it to go on.  With @successor, which is none, it is asked to fork one first: that is awaited from then on. */
void child_go(const struct child *c, struct child *successor);

/* True if it was asked for, and neither has said a word nor is known not to come. */
static inline bool child_is_awaited(const struct child *c)
{
        return c->pid == 0 && c->control_fd >= 0;
}

static inline bool child_exists(const struct child *c)
{
        return c->pid != 0 || c->control_fd >= 0;
}

/* The calling process becomes the parent of what its children leave behind: once, before a worker is started. */
int child_adopt(struct err *err);

/* True if its thread @tid (0: any of its threads) waits where only a disk, or a server that plays one, can wake it (state D
 * in proc(5)). */
bool child_waits_for_disk(const struct child *c, uint32_t tid);

/* It has ended and was waited for: closes what belonged to it. */
void child_fini(struct child *c);

/* ---- in the worker ---- */

/* Sends one packet to the keeper.  @reason may be NULL. */
void child_say(char letter, const char *reason);

/* Waits until the keeper says go; false if it is gone.
 *
 * ret_statm_fd      receives /proc/self/statm, owned by the caller, or -1
 * ret_successor_fd  receives the socket for child_fork, or -1: nobody is to be forked */
bool child_wait_go(int *ret_statm_fd, int *ret_successor_fd);

/* Forks a successor with the control socket @successor_fd (owned by this function).  Returns true in the successor, which has
 * said that it fits, and is to wait for go; false in the caller, which goes on, also if nobody could be forked.  One
 * thread. */
bool child_fork(int successor_fd);

#endif
