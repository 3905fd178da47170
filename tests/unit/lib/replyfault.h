/* SPDX-License-Identifier: MPL-2.0 */
/* replyfault -- the n-th write to the kernel fails, once; everything before and after it works.
 *
 * Link dep_replyfault: it puts wrappers around write and writev of the objects linked into the test (-Wl,--wrap), and
 * counts those to one descriptor, of whatever thread: libfuse's threads reply, the test arms.
 */
#ifndef PXEFS_TESTS_REPLYFAULT_H
#define PXEFS_TESTS_REPLYFAULT_H

#include <stdbool.h>

/* From now on calls to @fd are counted, and the @nth (1 is the very next) fails with @error; so do the @more calls that
 * follow it.  @nth 0 disarms.  Either way replyfault_fired() starts anew at 0. */
void replyfault_arm(int fd, unsigned nth, unsigned more, int error);

/* How many have failed. */
unsigned replyfault_fired(void);

#endif
