/* SPDX-License-Identifier: MPL-2.0 */
/* sumslines -- the lines of one file of published digests.
 *
 * Lines as these write them, the digest in either case, ended by LF, CR LF or NUL (-z), in UTF-8 or, with
 * a byte order mark, UTF-16:
 *
 *   sha256sum, md5sum     HASH  name    HASH *name    HASH name    \HASH  na\nme
 *   the same with --tag, BSD sha256, openssl dgst      SHA256 (name) = HASH     MD5(name)= HASH     SHA2-256(name)= HASH
 *   Get-FileHash          a table, a list (Algorithm :, Hash :, Path :), CSV
 *   the digest alone      HASH, in a file for one archive
 *
 * A name stands for a file of the same directory, whatever directory stands before it: `./x`, `/srv/builds/x`, `C:\x`.  So a line
 * about another file of that name can refuse an archive, and says so; a line that is overlooked would let one pass.
 *
 * Blank lines, lines that begin with '#' and signatures are no lines.  A digest of another algorithm (SHA-1, SHA-512) is not
 * compared, and spoken of; so is any other line.  Never fatal.
 *
 * Threads: any.
 */
#ifndef PXEFS_CATALOG_SUMSLINES_H
#define PXEFS_CATALOG_SUMSLINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "archive/identity.h"
#include "base/digest.h"
#include "base/err.h"

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
        const char *about; /* borrowed; NULL, or the archive beside which it stands: a digest alone is that one's */
        bool there;
        struct identity id;  /* of what was read */
        struct sums_line *v; /* owned; by name, those of one name in file order */
        size_t n;
        size_t n_bad;         /* lines nobody understood */
        size_t first_bad;     /* number of the first of them */
        size_t n_other;       /* lines with a digest of another algorithm */
        size_t first_other;   /* number of the first of them */
        struct err trouble;   /* "" or why it cannot be read */
        struct identity seen; /* what stands there now, and has not settled, since */
        int64_t seen_ms;      /* monotonic; 0: it has */
        bool is_written;      /* it has changed, and was not left alone for long enough since */
        int64_t gone_ms;      /* monotonic; 0, or since when it is not there, though it was read */
};

enum digest_kind sums_digest(enum sums_kind kind);
const char *sums_kind_name(enum sums_kind kind); /* "SHA-256", "MD5" */

/* Reads @len bytes of a sums file into @ret, which must be empty.  Returns 0 or -ENOMEM. */
int sums_parse(const char *text, size_t len, struct sums_file *ret);
void sums_file_fini(struct sums_file *f);

#endif
