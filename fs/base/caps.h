/* SPDX-License-Identifier: MPL-2.0 */
/* caps -- gives capabilities up for good. */
#ifndef PXEFS_BASE_CAPS_H
#define PXEFS_BASE_CAPS_H

#include <sys/prctl.h>

/* Empties the capability bounding set: no program this process becomes can gain any.  Needs CAP_SETPCAP, so it comes
 * before root's rights are dropped; without that right it does nothing.  Async-signal-safe. */
static inline void caps_empty_bounding_set(void)
{
        for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
                (void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
}

#endif
