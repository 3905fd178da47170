/* SPDX-License-Identifier: MPL-2.0 */
/* doctor_touch -- opens what may never answer, in a child that is left behind if it does not. */
#ifndef PXECTL_DOCTOR_TOUCH_H
#define PXECTL_DOCTOR_TOUCH_H

#include "doctor.h"

/* Opens @path and reads a byte of it, or lists it if it is a directory.
 *
 * pid     in whose mount namespace and root directory; 0: ours
 * uid     as whom, with that user's groups; (uid_t)-1: as we are
 * wait_ms how long to wait for it
 *
 * *ret_errno is set with TOUCH_ERROR.  TOUCH_NOT_TRIED: we may not enter that namespace or become that user.
 */
enum doctor_touch doctor_touch(const char *path, pid_t pid, uid_t uid, int wait_ms, int *ret_errno);

/* The same; the first bytes of the file, as text, go to @ret. */
enum doctor_touch doctor_read(const char *path, int wait_ms, char *ret, size_t size);

#endif
