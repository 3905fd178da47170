/* SPDX-License-Identifier: MPL-2.0 */
/* sums -- sha256sums.txt, SHA256SUMS, md5sums.txt and MD5SUMS beside the archives: what an archive named there must be.
 *
 * Lines as these write them, in any of the files, the digest in either case, ended by LF, CR LF or NUL (-z), in UTF-8 or, with
 * a byte order mark, UTF-16:
 *
 *   sha256sum, md5sum     HASH  name    HASH *name    HASH name    \HASH  na\nme
 *   the same with --tag, BSD sha256, openssl dgst      SHA256 (name) = HASH     MD5(name)= HASH     SHA2-256(name)= HASH
 *   Get-FileHash          a table, a list (Algorithm :, Hash :, Path :), CSV
 *
 * A name stands for a file of the same directory, whatever directory stands before it: `./x`, `/srv/builds/x`, `C:\x`.  So a line
 * about another file of that name can refuse an archive, and says so; a line that is overlooked would let one pass.
 *
 * Blank lines, lines that begin with '#' and signatures are no lines.  A digest of another algorithm (SHA-1, SHA-512) is not
 * compared, and spoken of; so is any other line.  Never fatal.
 *
 * A file is believed as an archive is, when it was left alone for a while: what is written in place is empty, and then half
 * there, for a moment, and until it has settled what was read before counts.
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
        enum sums_kind kind;
        size_t number; /* in the file, from 1 */
};

struct sums_file {
        bool there;
        struct identity id;  /* of what was read */
        struct sums_line *v; /* owned; in file order */
        size_t n;
        size_t n_bad;         /* lines nobody understood */
        size_t first_bad;     /* number of the first of them */
        size_t n_other;       /* lines with a digest of another algorithm */
        size_t first_other;   /* number of the first of them */
        struct err trouble;   /* "" or why it cannot be read */
        struct identity seen; /* what stands there now, and has not settled, since */
        int64_t seen_ms;      /* monotonic; 0: it has */
};

#define SUMS_FILES 4

struct sums {
        struct sums_file files[SUMS_FILES];
        int wait_ms; /* until something has settled; -1: nothing is awaited */
};

enum digest_kind sums_digest(enum sums_kind kind);

/* Reads @len bytes of a sums file into @ret, which must be empty.  Returns 0 or -ENOMEM. */
int sums_parse(const char *text, size_t len, struct sums_file *ret);
void sums_file_fini(struct sums_file *f);

/* Looks whether the files in @dirfd changed, and reads what did.  A file that is there and cannot be read, or that has not
 * settled, keeps what was read of it before.
 *
 * settled      false: reads what stands there now
 * ret_changed  is set if anything may be judged otherwise now
 *
 * Returns 0 or -ENOMEM. */
int sums_refresh(struct sums *s, int dirfd, struct path_opener *opener, bool settled, bool *ret_changed);
void sums_fini(struct sums *s);

/* True if a sums file names @archive; then *ret is the kind that decides: SHA-256, if one does. */
bool sums_find(const struct sums *s, const char *archive, enum sums_kind *ret);

/* Is @hex, the digest of the whole file @archive, what each line of that kind that names it says, in all files?  0, or -EBADMSG
 * with a reason that holds both digests. */
int sums_judge(
        const struct sums *s, const char *archive, enum sums_kind kind, const char *hex, struct err *err);

/* Adds one line about what could not be read, or nothing. */
void sums_complain(const struct sums *s, struct buf *b);

#endif
