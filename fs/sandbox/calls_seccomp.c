/* SPDX-License-Identifier: MPL-2.0 */
/* calls_seccomp -- the policy as a kernel filter, by libseccomp.
 *
 * What is not allowed is answered EPERM rather than by the end of the process (docs/decisions/019): a library that asks
 * for something we did not foresee gets an error it can handle, and the kernel notes each such call in its log
 * (audit: type=1326).  Calls of another architecture's table (32-bit) end the process: nobody makes them by mistake.
 *
 * Four filters.  The kernel takes the sternest answer, and the newest filter's if they are equal (seccomp_run_filters in
 * kernel/seccomp.c):
 *
 *   quiet     answers the one call that every thread start tries in vain; first, since the others note what they refuse
 *   noting    the table, with what who stands by may do
 *   reader    for a process that reads one archive: far less, on top of the others
 *   narrow    when it is to serve: refuses these, and signals to others.  A filter can only take away; so the process id,
 *             which a successor does not share, and fork() stand here
 */
#include "sandbox/calls.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"

static void filter_release(scmp_filter_ctx *f)
{
        if (*f)
                seccomp_release(*f);
}
#define AUTO_FILTER AUTO_CLEAN(filter_release)

/* Its condition; false if it has none. */
static bool condition(const struct call_row *row, struct scmp_arg_cmp *ret)
{
        *ret = (struct scmp_arg_cmp) { .arg = row->arg };
        switch (row->test) {
        case CALL_ANY:
        case CALL_SELF: /* the narrow filter's */
                return false;
        case CALL_EQUALS:
                ret->op = SCMP_CMP_EQ;
                ret->datum_a = row->value;
                break;
        case CALL_HAS:
                ret->op = SCMP_CMP_MASKED_EQ;
                ret->datum_a = ret->datum_b = row->value;
                break;
        case CALL_LACKS:
                ret->op = SCMP_CMP_MASKED_EQ;
                ret->datum_a = row->value;
                ret->datum_b = 0;
                break;
        }
        return true;
}

static int add_row(scmp_filter_ctx f, uint32_t action, const struct call_row *row)
{
        int nr = seccomp_syscall_resolve_name(row->name);
        struct scmp_arg_cmp cmp;
        bool has;

        if (nr == __NR_SCMP_ERROR) /* newer than this libseccomp */
                return 0;
        has = condition(row, &cmp);
        return seccomp_rule_add_array(f, action, nr, has, has ? &cmp : NULL);
}

/* What a sanitizer asks for whole replaces the rows that allow a part of it. */
static bool counts(const struct call_row *rows, size_t n, size_t i)
{
        if (!calls_relaxed())
                return rows[i].who != CALL_SANITIZER;
        if (rows[i].who == CALL_SANITIZER)
                return true;
        for (size_t k = 0; k < n; k++)
                if (rows[k].who == CALL_SANITIZER && strcmp(rows[k].name, rows[i].name) == 0)
                        return false;
        return true;
}

static int quiet_filter(void)
{
        AUTO_FILTER scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
        int r;

        if (!f)
                return -ENOMEM;
        r = seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, 1);
        if (r == 0)
                r = seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
        return r < 0 ? r : seccomp_load(f);
}

static int noting_filter(unsigned *ret_n)
{
        AUTO_FILTER scmp_filter_ctx f = seccomp_init(SCMP_ACT_ERRNO(EPERM));
        size_t n;
        const struct call_row *rows = calls_policy(&n);
        int r;

        if (!f)
                return -ENOMEM;
        r = seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, 1);
        if (r == 0)
                r = seccomp_attr_set(f, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
        (void)seccomp_attr_set(f, SCMP_FLTATR_CTL_LOG, 1); /* only a note */
        if (r == 0)                                        /* the quiet filter has its own word on it */
                r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(clone3), 0);
        *ret_n = 0;
        for (size_t i = 0; r == 0 && i < n; i++) {
                if (!counts(rows, n, i))
                        continue;
                r = add_row(f, SCMP_ACT_ALLOW, &rows[i]);
                *ret_n += r == 0 && rows[i].who != CALL_STANDBY;
        }
        return r < 0 ? r : seccomp_load(f);
}

int calls_enter(unsigned *ret_n, struct err *err)
{
        unsigned n = 0;
        int r = quiet_filter();

        if (r == 0)
                r = noting_filter(&n);
        if (r == -EINVAL)
                return err_set(err, -ENOSYS, "the kernel has no seccomp filters (CONFIG_SECCOMP_FILTER)");
        if (r < 0)
                return err_sys(err, r, "seccomp");
        *ret_n = n;
        return 0;
}

static int refuse_others(scmp_filter_ctx f, const struct call_row *row)
{
        struct scmp_arg_cmp cmp = { .arg = row->arg, .op = SCMP_CMP_NE, .datum_a = (scmp_datum_t)getpid() };

        return seccomp_rule_add_array(
                f, SCMP_ACT_ERRNO(EPERM), seccomp_syscall_resolve_name(row->name), 1, &cmp);
}

int calls_narrow(struct err *err)
{
        AUTO_FILTER scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
        size_t n;
        const struct call_row *rows = calls_policy(&n);
        int r;

        if (!f)
                return err_set(err, -ENOMEM, "out of memory");
        r = seccomp_attr_set(
                f, SCMP_FLTATR_CTL_NNP, 0); /* it is set, and the noting filter refuses to set it */
        (void)seccomp_attr_set(f, SCMP_FLTATR_CTL_LOG, 1);
        for (size_t i = 0; r == 0 && i < n; i++) {
                if (!counts(rows, n, i))
                        continue;
                if (rows[i].who == CALL_STANDBY)
                        r = add_row(f, SCMP_ACT_ERRNO(EPERM), &rows[i]);
                else if (rows[i].test == CALL_SELF)
                        r = refuse_others(f, &rows[i]);
        }
        if (r == 0)
                r = seccomp_load(f);
        return r < 0 ? err_sys(err, r, "seccomp") : 0;
}

/* What is left of calls that can do more. */
static int allow_parts(scmp_filter_ctx f)
{
        const unsigned thread = CLONE_THREAD | CLONE_VM | CLONE_SIGHAND;
        int r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 2,
                SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0),
                SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_SHARED, 0)); /* the limit of memory is about private one */

        if (r == 0)
                r = seccomp_rule_add(
                        f, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
        if (r == 0)
                r = seccomp_rule_add(
                        f, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, SCMP_A0(SCMP_CMP_MASKED_EQ, thread, thread));
        return r == 0 ? seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) : r;
}

int calls_reader(void)
{
        AUTO_FILTER scmp_filter_ctx f = seccomp_init(SCMP_ACT_ERRNO(EPERM));
        int r;

        if (!f)
                return -ENOMEM;
        r = seccomp_attr_set(f, SCMP_FLTATR_CTL_NNP, 0); /* it is set */
        if (r == 0)
                r = seccomp_attr_set(f, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
        for (const char *const *name = calls_reader_policy(); r == 0 && *name; name++) {
                int nr = seccomp_syscall_resolve_name(*name);

                if (nr != __NR_SCMP_ERROR)
                        r = seccomp_rule_add(f, SCMP_ACT_ALLOW, nr, 0);
        }
        if (r == 0)
                r = allow_parts(f);
        if (r == 0)
                r = seccomp_load(f);
        return r == -EINVAL ? -ENOSYS : r; /* as calls_enter */
}
