/* SPDX-License-Identifier: MPL-2.0 */
/* sanitizer -- whether this build has a sanitizer, whose own memory, calls and time would count against our limits. */
#ifndef PXEFS_BASE_SANITIZER_H
#define PXEFS_BASE_SANITIZER_H

#if defined(__has_feature)
#define SANITIZER_FEATURE(x) __has_feature(x)
#else
#define SANITIZER_FEATURE(x) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define WITH_SANITIZER 1
#else
#define WITH_SANITIZER                                                                                       \
        (SANITIZER_FEATURE(address_sanitizer) || SANITIZER_FEATURE(thread_sanitizer) ||                      \
                SANITIZER_FEATURE(memory_sanitizer))
#endif

#endif
