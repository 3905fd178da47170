/* SPDX-License-Identifier: MPL-2.0 */
/* fuzz -- what the targets share.  A target is LLVMFuzzerTestOneInput; built with -Dfuzz=true it is searched by
 * libFuzzer, else it gets a main (replay.c) that runs the files it is given, as a unit test.
 *
 * A target aborts where a promise is broken (FUZZ_CHECK); sanitizers find the rest. */
#ifndef PXEFS_TESTS_FUZZ_H
#define PXEFS_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_CHECK(what)                                                                                     \
        do {                                                                                                 \
                if (!(what)) {                                                                               \
                        (void)fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #what);       \
                        abort();                                                                             \
                }                                                                                            \
        } while (0)

/* The input as a file in memory; the caller closes it. */
int fuzz_file(const uint8_t *data, size_t size);

#endif
