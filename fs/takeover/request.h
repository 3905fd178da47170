/* SPDX-License-Identifier: MPL-2.0 */
/* request -- may these bytes be given to libfuse as a request?
 *
 * libfuse believes the kernel: it reads the argument an opcode has without asking how long the request is.  What
 * stands in the journal was written by the kernel, and could be written by a worker that an archive has taken over.
 * Pure.
 */
#ifndef PXEFS_TAKEOVER_REQUEST_H
#define PXEFS_TAKEOVER_REQUEST_H

#include <stddef.h>
#include <stdint.h>

enum request_verdict {
        REQUEST_FIT,    /* execute it */
        REQUEST_SILENT, /* it has no answer (FORGET), or none that anybody waits for (INTERRUPT): leave it */
        REQUEST_UNFIT,  /* answer it with *ret_errno */
};

/* Judges @buf, of which @len bytes can be read.  *ret_len is the request's own length, *ret_errno a positive errno. */
enum request_verdict request_judge(const void *buf, size_t len, size_t *ret_len, int *ret_errno);

#endif
