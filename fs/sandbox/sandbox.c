/* SPDX-License-Identifier: MPL-2.0 */
/* sandbox -- see sandbox.h.
 *
 * Best effort by parts, honest in the report: a kernel without Landlock still gets the filter of calls, a build without
 * libseccomp still gets Landlock.  What is there and fails ends the start.
 *
 * Invariants
 *   1. When sandbox_enter has returned 0 the process has no capability and cannot gain one.
 *   2. What a library would open or load later has been opened or loaded (warm_up): inside, /etc and /usr cannot be
 *      opened and no memory becomes executable.
 * Locks: none; one thread only.
 */
#include "sandbox/sandbox.h"

#include <dirent.h>
#include <errno.h>
#include <execinfo.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/digest.h"
#include "sandbox/calls.h"

/* Files of the system that libraries open as they go; each does without, but worse. */
static const struct landlock_place common[] = {
        { .path = "/dev/null", .use = LANDLOCK_DEVICE },  /* leaving the terminal */
        { .path = "/dev/urandom", .use = LANDLOCK_READ }, /* SQLite (unixRandomness) */
        { .path = "/sys/devices/system/cpu/online",
                .use = LANDLOCK_READ }, /* glibc: number of malloc's arenas */
        { .path = "/proc/sys/vm/overcommit_memory",
                .use = LANDLOCK_READ }, /* glibc: malloc, giving memory back */
};

#define N_COMMON (sizeof common / sizeof common[0])

static void warm_up(void)
{
        uint64_t hash[2];
        void *frame[1];

        tzset();                            /* /etc/localtime, for mktime(3) in libarchive */
        (void)digest_short(0, "", 0, hash); /* openssl.cnf, and the provider it may name */
        (void)backtrace(frame, 1);          /* libgcc_s.so.1, which glibc loads to end a thread */
}

/* More than one thread: Landlock would hold for the caller only. */
static bool has_threads(void)
{
        AUTO_CLOSEDIR DIR *d = opendir("/proc/self/task");
        const struct dirent *de;
        unsigned n = 0;

        while (d && (de = readdir(d)))
                n += de->d_name[0] != '.';
        return n > 1;
}

static int drop_capabilities(void)
{
        struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { { 0, 0, 0 }, { 0, 0, 0 } };

        (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
        return syscall(SYS_capset, &head, none) < 0 ? -errno : 0;
}

static bool has_capabilities(void)
{
        struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct d[_LINUX_CAPABILITY_U32S_3];

        if (syscall(SYS_capget, &head, d) < 0)
                return true;
        for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
                if (d[i].effective || d[i].permitted || d[i].inheritable)
                        return true;
        for (unsigned long cap = 0;; cap++) {
                int in = prctl(PR_CAPBSET_READ, cap, 0, 0, 0);

                if (in < 0)
                        return false; /* past the last one */
                if (in > 0 || prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0) > 0)
                        return true;
        }
}

/* The kernel or the build has it not, or who made this container does not allow it: that is told, and the rest holds.
 * Anything else is a failure of ours, and nothing hostile may be read. */
static bool is_missing(int r)
{
        return r == -ENOSYS || r == -EOPNOTSUPP || r == -EPERM;
}

static int enter_landlock(const struct sandbox_options *o, struct sandbox_report *ret, struct err *err)
{
        AUTO_FREE struct landlock_place *all = calloc(N_COMMON + 1 + o->n_places, sizeof *all);
        size_t n = 0;
        int abi, r;

        if (!all)
                return err_set(err, -ENOMEM, "out of memory");

        for (size_t i = 0; i < N_COMMON; i++)
                all[n++] = common[i];
        if (calls_relaxed())
                all[n++] = (struct landlock_place) { .path = "/proc", .use = LANDLOCK_READ };
        for (size_t i = 0; i < o->n_places; i++)
                all[n + i] = o->places[i];
        r = landlock_enter(all, n + o->n_places, &abi, &ret->landlock_why);
        for (size_t i = 0; i < o->n_places; i++)
                o->places[i] = all[n + i];
        if (r == 0)
                ret->landlock_abi = abi;
        return r == 0 || is_missing(r) ? 0 : err_set(err, r, "Landlock: %s", ret->landlock_why.text);
}

int sandbox_enter(const struct sandbox_options *opts, struct sandbox_report *ret, struct err *err)
{
        struct sandbox_report rep = { .relaxed = calls_relaxed() };
        int r;

        if (has_threads())
                return err_set(err, -EBUSY, "the sandbox must be closed before threads are started");
        warm_up();
        r = drop_capabilities();
        if (r < 0)
                return err_sys(err, r, "give up capabilities");
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                return err_sys(err, -errno, "no_new_privs");
        (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
        r = enter_landlock(opts, &rep, err);
        if (r < 0)
                return r;
        /* What follows must be asked before the filter: prctl is refused inside. */
        rep.no_new_privs = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
        rep.no_capabilities = !has_capabilities();
        r = calls_enter(&rep.calls, &rep.seccomp_why);
        if (r < 0 && !is_missing(r))
                return err_set(err, r, "%s", rep.seccomp_why.text);
        *ret = rep;
        return 0;
}

void sandbox_prepare_reader(void)
{
        uint64_t hash[2];
        void *frame[1];

        (void)digest_short(0, "", 0, hash); /* as warm_up */
        (void)backtrace(frame, 1);
}

/* What this machine does not have is no error. */
static int if_there(int r)
{
        return r == -ENOSYS || r == -EOPNOTSUPP ? 0 : r;
}

int sandbox_lock_reader(bool entered)
{
        int abi, r = 0;

        if (!entered) {
                r = drop_capabilities();
                if (r == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                        r = -errno;
        }
        if (r < 0 || calls_relaxed())
                return r;
        r = if_there(landlock_enter(NULL, 0, &abi, NULL));
        return r == 0 ? if_there(calls_reader()) : r;
}

void sandbox_narrow(struct sandbox_report *r)
{
        r->wide = r->calls > 0 && calls_narrow(&r->seccomp_why) < 0;
}

bool sandbox_is_whole(const struct sandbox_report *r)
{
        return r->landlock_abi > 0 && r->calls > 0 && !r->wide && r->no_new_privs && r->no_capabilities &&
               !r->relaxed;
}

void sandbox_report_text(const struct sandbox_report *r, struct buf *out)
{
        if (r->landlock_abi > 0)
                buf_printf(out, "Landlock ABI %d", r->landlock_abi);
        else
                buf_printf(out, "no Landlock (%s)", r->landlock_why.text);
        if (r->calls > 0)
                buf_printf(out, ", %u system calls", r->calls);
        else
                buf_printf(out, ", no filter of system calls (%s)", r->seccomp_why.text);
        if (r->wide)
                buf_printf(out, ", and fork and signals to others (%s)", r->seccomp_why.text);
        buf_puts(out, r->no_capabilities ? ", no capabilities" : ", capabilities can be regained");
        buf_puts(out, r->no_new_privs ? ", no_new_privs" : "");
        buf_puts(out, r->relaxed ? "; relaxed for a sanitizer" : "");
}

static void json_bool(struct buf *out, const char *key, bool value)
{
        buf_printf(out, ", \"%s\": %s", key, value ? "true" : "false");
}

static void json_reason(struct buf *out, const char *key, const struct err *why)
{
        buf_printf(out, ", \"%s\": ", key);
        buf_json(out, why->text[0] ? why->text : NULL);
}

void sandbox_report_json(const struct sandbox_report *r, struct buf *out)
{
        buf_printf(out, "{\"landlock_abi\": %d", r->landlock_abi);
        json_reason(out, "landlock_missing", &r->landlock_why);
        buf_printf(out, ", \"system_calls\": %u", r->calls);
        json_reason(out, "seccomp_missing", &r->seccomp_why);
        json_bool(out, "no_new_privs", r->no_new_privs);
        json_bool(out, "no_capabilities", r->no_capabilities);
        json_bool(out, "relaxed", r->relaxed);
        buf_puts(out, "}");
}
