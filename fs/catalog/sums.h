/* SPDX-License-Identifier: MPL-2.0 */
/* sums -- sha256sums.txt, SHA256SUMS, md5sums.txt and MD5SUMS beside the archives, and ARCHIVE.sha256, .sha256sum, .md5 and .md5sum
 * beside one: what an archive named there must be.
 *
 * A file is believed as an archive is, when it was left alone for a while: what is written in place is empty, and then half
 * there, for a moment, and until it has settled what was read before counts.  The caller may keep what was read (struct sums_keep)
 * and give it back after a restart (sums_restore): then it counts in the next process, too.
 *
 * Threads: one at a time.
 */
#ifndef PXEFS_CATALOG_SUMS_H
#define PXEFS_CATALOG_SUMS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/path_opener.h"
#include "catalog/sumslines.h"

#define SUMS_FILES 4

/* A file for one archive. */
struct sums_beside {
        char *name, *archive; /* owned */
        struct sums_file file;
};

/* Told of each file that was read, and of each that is gone. */
struct sums_keep {
        void (*put)(void *ctx, const char *name, const struct identity *id, const char *text, size_t len);
        void (*drop)(void *ctx, const char *name);
        void *ctx;
};

struct sums {
        struct sums_file files[SUMS_FILES];
        struct sums_beside *beside; /* owned; by name */
        size_t n_beside;
        const struct sums_keep *keep; /* borrowed; may be NULL */
        bool required; /* a file for many archives that is gone counts until it has been for a while: it may be rewritten */
        int wait_ms;   /* until something has settled; -1: nothing is awaited */
};

/* Length of the archive's name in the name of a file for one archive (x.tgz.sha256: 5); 0: it is none. */
size_t sums_about(const char *name);

#define SUMS_BESIDE 4
/* Names of all files that there may be for @archive alone, sorted.  Owned by the caller.  0 or -ENOMEM. */
int sums_names_beside(const char *archive, char *ret[SUMS_BESIDE]);

/* Looks whether the files in @dirfd changed, and reads what did.  A file that is there and cannot be read, or that has not
 * settled, keeps what was read of it before.
 *
 * beside, n    names of the files for one archive that may stand there, sorted; borrowed
 * settled      false: reads what stands there now
 * ret_changed  is set if anything may be judged otherwise now
 *
 * Returns 0 or -ENOMEM. */
int sums_refresh(struct sums *s, int dirfd, struct path_opener *opener, char *const *beside, size_t n,
        bool settled, bool *ret_changed);
void sums_fini(struct sums *s);

/* Takes what sums_keep was told of @name.  Before the first sums_refresh, in order of the names.  0 or -ENOMEM. */
int sums_restore(struct sums *s, const char *name, const struct identity *id, const char *text, size_t len);

/* True if a sums file names @archive; then *ret is the kind that decides: SHA-256, if one does. */
bool sums_find(const struct sums *s, const char *archive, enum sums_kind *ret);

/* Is @hex, the digest of the whole file @archive, what each line of that kind that names it says, in all files?  0, or -EBADMSG
 * with a reason that holds both digests. */
int sums_judge(
        const struct sums *s, const char *archive, enum sums_kind kind, const char *hex, struct err *err);

/* Of an archive that no line names: whether one may name it all the same. */
enum sums_doubt {
        SUMS_SURE,          /* none does */
        SUMS_BEING_WRITTEN, /* a file is being written, and was not read yet */
        SUMS_IN_DOUBT,      /* a file cannot be read, or not understood as a whole */
};
/* @why: of the last, names the file. */
enum sums_doubt sums_doubts(const struct sums *s, const char *archive, struct err *why);

/* Adds one line about what could not be read, or nothing. */
void sums_complain(const struct sums *s, struct buf *b);

#endif
