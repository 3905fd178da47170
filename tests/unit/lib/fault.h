/* SPDX-License-Identifier: MPL-2.0 */
/* fault -- the n-th allocation fails, once; everything before and after it works.
 *
 * Link dep_fault: it puts wrappers around malloc, calloc, realloc, reallocarray, strdup, strndup, asprintf
 * and vasprintf of the objects linked into the test (-Wl,--wrap).  What a shared library allocates is not
 * counted: SQLite has its own hook, libarchive and libcrypto have none.  The count belongs to the calling
 * thread, so other threads are left alone.
 *
 *         unsigned nth = 0;
 *         bool fired;
 *
 *         do {
 *                 fault_arm(++nth);
 *                 int r = under_test(...);
 *                 fired = fault_fired();
 *                 fault_arm(0);                   (before asserts: cmocka allocates too)
 *                 assert_int_equal(r, fired ? -ENOMEM : 0);
 *         } while (fired);                        (until a run needs fewer than nth)
 */
#ifndef PXEFS_TESTS_FAULT_H
#define PXEFS_TESTS_FAULT_H

#include <stdbool.h>

/* From now on the @nth allocation of this thread (1 is the very next) returns NULL with ENOMEM, once; 0
 * disarms. Either way fault_fired() starts anew at false. */
void fault_arm(unsigned nth);

/* True if the allocation armed for has failed. */
bool fault_fired(void);

#endif
