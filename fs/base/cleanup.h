/* SPDX-License-Identifier: MPL-2.0 */
/* cleanup -- release at the end of a scope, and hand-over to the caller.
 *
 * A variable declared with one of these attributes is released when its scope ends, on every path.  To keep
 * what it holds, return take_ptr(&v) or take_fd(&v): both empty the variable first.
 */
#ifndef PXEFS_BASE_CLEANUP_H
#define PXEFS_BASE_CLEANUP_H

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_free(void *p)
{
        free(*(void **)p);
}

static inline void cleanup_close(const int *fd)
{
        if (*fd >= 0)
                close(*fd);
}

static inline void cleanup_closedir(DIR **d)
{
        if (*d)
                closedir(*d);
}

/* Takes the pointer out of *@p, which becomes NULL. */
#define take_ptr(p)                                                                                          \
        __extension__({                                                                                      \
                __auto_type take_ptr_ = *(p);                                                                \
                *(p) = NULL;                                                                                 \
                take_ptr_;                                                                                   \
        })

/* Takes the descriptor out of *@fd, which becomes -1. */
static inline int take_fd(int *fd)
{
        int v = *fd;

        *fd = -1;
        return v;
}

#define AUTO_CLEAN(fn) __attribute__((cleanup(fn)))
#define AUTO_FREE      AUTO_CLEAN(cleanup_free)
#define AUTO_CLOSE     AUTO_CLEAN(cleanup_close)
#define AUTO_CLOSEDIR  AUTO_CLEAN(cleanup_closedir)

#endif
