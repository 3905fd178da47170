/* SPDX-License-Identifier: MPL-2.0 */
/* calls_none -- in place of calls_seccomp.c where libseccomp is not to be had. */
#include "sandbox/calls.h"

#include <errno.h>

int calls_enter(unsigned *ret_n, struct err *err)
{
        (void)ret_n;
        return err_set(err, -ENOSYS, "this pxefs was built without libseccomp");
}

int calls_narrow(struct err *err)
{
        unsigned none;

        return calls_enter(&none, err);
}

int calls_reader(void)
{
        return -ENOSYS;
}
