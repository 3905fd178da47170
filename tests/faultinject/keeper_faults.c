/* SPDX-License-Identifier: MPL-2.0 */
/* keeper_faults -- what the pxefs of this directory does otherwise: with test_nosandbox the worker stays root. */
#include "takeover/keeper.h"
#include "testoptions.h"

__typeof__(keeper_run) __real_keeper_run, __wrap_keeper_run;

int __wrap_keeper_run(struct mountpoint *m, const struct keeper_options *opts, struct err *err)
{
        struct keeper_options o = *opts;

        o.plan.drop = o.plan.drop && !test_options.no_sandbox;
        return __real_keeper_run(m, &o, err);
}
