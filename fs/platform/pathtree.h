/* SPDX-License-Identifier: MPL-2.0 */
/* pathtree -- an archive's member names as one tree, in the archive's own name space.
 *
 * Names are made canonical ("./a//b/" is a/b), hostile ones refused or skipped, duplicates and
 * contradictions settled, links resolved inside the tree.  docs/layout.md has one row for each case; the
 * rows cite the tests.
 */
#ifndef PXEFS_PLATFORM_PATHTREE_H
#define PXEFS_PLATFORM_PATHTREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "archive/members.h"
#include "platform/skips.h"

#define PATHTREE_MAX   (1u << 20) /* nodes */
#define PATHTREE_ROOT  0u
#define PATHTREE_NONE  UINT32_MAX
#define PATH_MAX_DEPTH 64u
#define PATH_MAX_NAME  255u /* NAME_MAX */
#define PATH_MAX_HOPS  40u  /* symbolic links followed in one path, as the kernel's MAXSYMLINKS */

#define PATHTREE_MAX_STEPS UINT64_C(10000000) /* of following links in one archive: a fraction of a second */

struct pathnode {
        const char *name; /* one component; not NUL-terminated; borrowed from the member */
        uint32_t len;
        uint32_t parent, first_child, next_sibling; /* PATHTREE_NONE: none */
        uint32_t
                named_by; /* the member of this name; PATHTREE_NONE: a directory that only longer names speak of */
        uint32_t
                member; /* whose content it is: the same, or for a hard link the file or symbolic link meant */
        bool is_dir;
        bool twice; /* a non-directory that stood in the archive more than once */
};

struct pathtree {
        const struct members *m; /* borrowed */
        struct pathnode *v;      /* owned; [0] is the archive's root */
        uint32_t n, cap;
        uint32_t *slots; /* owned; hash of (parent, name) -> node + 1 */
        uint32_t n_slots;
        uint64_t seed;
        uint64_t steps; /* names walked so far to follow links */
};

/* Reads all names of @m (borrowed until pathtree_fini).  Returns 0, -EBADMSG with the reason to refuse the
 * archive, or -ENOMEM.  In every case the caller ends @t with pathtree_fini. */
int pathtree_init(struct pathtree *t, const struct members *m, struct skips *skips, struct err *err);
void pathtree_fini(struct pathtree *t);

/* The child of directory @dir, or PATHTREE_NONE. */
uint32_t pathtree_child(const struct pathtree *t, uint32_t dir, const char *name, size_t len);

/* The node of a plain path below @dir (no links followed), or PATHTREE_NONE. */
uint32_t pathtree_walk(const struct pathtree *t, uint32_t dir, const char *path);

/* Follows the links at @node, where it is one; all links of an archive together may cost PATHTREE_MAX_STEPS.  Returns the file or directory it stands for, or PATHTREE_NONE with *ret_why
 * (static). */
uint32_t pathtree_resolve(struct pathtree *t, uint32_t node, const char **ret_why);

/* The member whose content a node has, never a hard link; NULL for a directory that no member names. */
const struct member *pathtree_member(const struct pathtree *t, uint32_t node);

/* The name of a node as archived, whole; NULL as above. */
const char *pathtree_full_name(const struct pathtree *t, uint32_t node);

#endif
