/* SPDX-License-Identifier: MPL-2.0 */
/* poison -- mount option test_crash: an archive that ends the worker which reads it. */
#ifndef PXEFS_POISON_H
#define PXEFS_POISON_H

#include "base/atwork.h"
#include "base/err.h"

/* @spec is "WHEN:FILE", or "WHEN:FILE/FILE/...".  FILE stands in the builds directory @builds_fd (borrowed for ever), and is
 * poisonous as long as its sticky bit is set: what it is replaced by is not.  WHEN is what the worker crashes at, for it:
 *
 *   read      decoding bytes that a client asked for, in the thread that answers
 *   ahead     decoding ahead of a client, in a thread of the chunk cache
 *   abort     as read, by abort()
 *   hang      as read, but the thread stands still
 *
 * Or the process that reads it as a whole: any archive with a sticky bit, that one knows no names.
 *
 *   index     it crashes
 *   decode    the same, in its thread that decodes
 *   exit      it exits, as a library may
 *   memory    it takes all memory it can have, and goes on
 *   asleep    it stands still
 *
 * @object_bits as in struct catalog_options.  Before threads are started.  0, or -EINVAL with the reason. */
int poison_set(const char *spec, int builds_fd, unsigned object_bits, struct err *err);

/* The calling process is about to read the archive @fd as a whole: suffers it, if @spec (NULL: none) says so. */
void poison_reader(const char *spec, int fd);
void poison_decoder(void); /* the calling thread of that process decodes */

/* The calling thread, marked with @archive, begins @what (base/atwork.h): crashes if it is to. */
void poison_trap(uint64_t archive, enum atwork_what what);

#endif
