/* SPDX-License-Identifier: MPL-2.0 */
/* sums -- sha256sums.txt and md5sums.txt beside the archives: what an archive named there must be.
 *
 * The format is what sha256sum(1) and md5sum(1) of coreutils write: HASH, a blank, a blank or '*' (binary mode; some
 * publishers leave this one out), the name, a line feed or CR LF.  Names stand for files of the same directory.  Blank
 * lines and lines that begin with '#' are comments.  Any other line is left out and spoken of, never fatal.
 *
 * Threads: one at a time.
 */
#ifndef PXEFS_BUILD_SUMS_H
#define PXEFS_BUILD_SUMS_H

#include <stdbool.h>
#include <stddef.h>

#include "archive/identity.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/path_opener.h"

/* In the order of preference: where both files name an archive, the first decides and the other is not asked. */
enum sums_kind { SUMS_SHA256, SUMS_MD5 };
#define SUMS_KINDS 2

struct sums_line {
        char *name;               /* owned */
        char hex[DIGEST_MAX_HEX]; /* lower case */
        size_t number;            /* in the file, from 1 */
};

struct sums_file {
        bool there;
        struct identity id;  /* of what was read */
        struct sums_line *v; /* owned; in file order */
        size_t n;
        size_t n_bad;       /* lines left out */
        size_t first_bad;   /* number of the first of them */
        struct err trouble; /* "" or why it cannot be read */
};

struct sums {
        struct sums_file files[SUMS_KINDS];
};

const char *sums_file_name(enum sums_kind kind); /* "sha256sums.txt" */
enum digest_kind sums_digest(enum sums_kind kind);

/* Reads @len bytes of a sums file into @ret, which must be empty.  Returns 0 or -ENOMEM. */
int sums_parse(const char *text, size_t len, enum sums_kind kind, struct sums_file *ret);
void sums_file_fini(struct sums_file *f);

/* Looks whether the two files in @dirfd changed, and reads what did.  A file that is there and cannot be read keeps
 * what was read of it before.  *ret_changed is set if anything may be judged otherwise now.  Returns 0 or -ENOMEM. */
int sums_refresh(struct sums *s, int dirfd, struct path_opener *opener, bool *ret_changed);
void sums_fini(struct sums *s);

/* True if a sums file names @archive; then *ret is the kind that decides. */
bool sums_find(const struct sums *s, const char *archive, enum sums_kind *ret);

/* Is @hex, the digest of the whole file @archive, what each line of that kind that names it says?  0, or -EBADMSG
 * with a reason that holds both digests. */
int sums_judge(
        const struct sums *s, const char *archive, enum sums_kind kind, const char *hex, struct err *err);

/* Adds one line about what could not be read, or nothing. */
void sums_complain(const struct sums *s, struct buf *b);

#endif
