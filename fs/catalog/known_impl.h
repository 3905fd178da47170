/* SPDX-License-Identifier: MPL-2.0 */
/* known_impl -- the verdicts from inside: what known.c (keeping them) and known_open.c (getting them back) share. */
#ifndef PXEFS_CATALOG_KNOWN_IMPL_H
#define PXEFS_CATALOG_KNOWN_IMPL_H

#include <errno.h>
#include <string.h>

#include "catalog/known.h"

void known_free(struct known *k); /* NULL is fine */

static inline void known_freep(struct known **k)
{
        known_free(*k);
}

/* 0: the set owns @k; or -ENOMEM. */
int known_append(struct known_set *s, struct known *k);

static inline int no_memory(struct err *err)
{
        return err_set(err, -ENOMEM, "out of memory");
}

static inline int copy_string(const char *s, char **ret)
{
        *ret = s ? strdup(s) : NULL;
        return s && !*ret ? -ENOMEM : 0;
}

#endif
