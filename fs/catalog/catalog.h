/* SPDX-License-Identifier: MPL-2.0 */
/* catalog -- every archive in the builds directory, and what became of it.
 *
 * The builds directory is read-only to us.  catalog.db and spool/ in the cache directory hold observed
 * state: deleting them costs one scan and nothing else.  A scan (catalog_scan) looks at each file, decides
 * by its identity what is known, has what is new decoded and verified by threads of its own, and publishes an
 * immutable view; readers hold a reference to a view and never wait for a scan.
 *
 * Threads: catalog_look, _step and _scan from one thread at a time; everything else from any.
 */
#ifndef PXEFS_CATALOG_CATALOG_H
#define PXEFS_CATALOG_CATALOG_H

#include <stdbool.h>
#include <stdint.h>

#include "archive/identity.h"
#include "base/err.h"
#include "base/path_opener.h"
#include "catalog/catalog_progress.h"
#include "platform/build.h"
#include "platform/buildlist.h"

enum archive_state {
        ARCHIVE_READY,    /* verified and served */
        ARCHIVE_INDEXING, /* being decoded now */
        ARCHIVE_WAITING,  /* still changing, or its turn has not come */
        ARCHIVE_REFUSED,  /* quarantined: see reason */
        ARCHIVE_SHADOWED, /* good, but another archive of the same build wins: see reason */
        ARCHIVE_PASSED_OVER, /* not looked at because of its name: see reason */
        ARCHIVE_STATES
};

/* What agreed, beside the check sums of the stream itself, which always do.  Bits. */
enum archive_verified {
        ARCHIVE_VERIFIED_HASH = 1,   /* boot_archive.hash */
        ARCHIVE_VERIFIED_SHA256 = 2, /* a sums file */
        ARCHIVE_VERIFIED_MD5 = 4,    /* a sums file */
        ARCHIVE_NOT_CHECKED = 8,     /* a sums file that may name it cannot be read, or not understood */
        ARCHIVE_VERIFIED_ALL = 16,   /* more than any of them together */
};

/* One file of the builds directory. */
struct archive_status {
        char *file;  /* name in the builds directory */
        char *build; /* NULL until known */
        char *iso;   /* its name in /iso; NULL: it is not there */
        enum archive_state state;
        char *reason;        /* why it is not served, or a warning; NULL if there is nothing to say */
        uint64_t size_bytes; /* of the file */
        uint64_t raw_bytes;  /* of the decompressed stream; 0 until known */
        bool image;          /* no SmartOS build; false until known */
        bool needs_room;     /* it waits for room in the cache directory */
        uint64_t served;   /* object number of the build that is served from it; 0: none, or not known here */
        unsigned verified; /* enum archive_verified; 0 until known */
};

struct iso_file {
        const char *name;    /* "<file>.iso"; owned by its archive_status */
        struct build *build; /* owned reference */
};

/* Immutable; all of it is valid until catalog_view_unref. */
struct catalog_view {
        atomic_uint refs;
        uint64_t serial;       /* grows with each published change */
        struct build **builds; /* served, newest stamp first (see buildlist.h) */
        size_t n_builds;
        struct build_info *infos;   /* the same, for renderers */
        const char **iso_names;     /* of @archives */
        struct build_list list;     /* over @infos and @iso_names */
        const struct build *latest; /* the newest release build, or NULL */
        struct build **images;      /* no SmartOS builds: in /images, and in no list of builds */
        size_t n_images;
        struct iso_file *isos; /* whole ISOs, whatever is in them: in /iso */
        size_t n_isos;
        struct build **retired; /* no longer listed, still readable by node id for a while */
        size_t n_retired;
        struct archive_status *archives; /* by file name */
        size_t n_archives;
        char *note;         /* owned; NULL, or what is wrong with a sums file */
        int64_t served_sec; /* when what is served changed last, seconds since the epoch; kept over restarts */
};

/* An archive that is not to be read, nor served: doing so ended the process before, or hung it, twice.  It is refused, which
 * is kept, until its file changes.  One that only hung may have been slow: once there is no row for it any more, it is
 * read once more when nothing else is to be read. */
struct catalog_condemned {
        uint64_t archive; /* as base/atwork.h numbers it */
        bool hung;
};

#define CATALOG_LOCK_NAME "lock" /* in the cache directory: flock(2) */

struct catalog_options {
        int builds_dirfd;   /* borrowed; open(O_RDONLY | O_DIRECTORY) */
        bool sums_required; /* an archive that no sums file names is refused */
        int cache_dirfd;  /* borrowed; writable by us */
        struct path_opener
                *opener; /* borrowed; of what links among the builds lead to; NULL: nothing bounds it */
        uint64_t spool_max_bytes; /* bound of the sum of spool files */
        size_t memory_bytes;      /* bound of what was decoded or checked and is kept; 0: 64 MiB */
        unsigned threads;         /* for reading ahead in them; 0: none, readers decode themselves */
        unsigned readers; /* threads that serve: a storage that does not answer holds half of them at most
                             (archive/gate.h); 0: any number */
        unsigned
                jobs; /* archives to read at once; fewer if memory_bytes has no room (indexpool.h), and at most
                          CATALOG_MAX_JOBS; 0: one, by the thread that scans (pxectl, tests) */
        struct readers *
                archive_readers; /* borrowed; catalog_slots() of them, who read archives (reader.h); NULL: this process
                                            does, which is for tests */
        unsigned object_bits; /* of build.object, 40; tests narrow it to provoke collisions */
        int lock_fd; /* borrowed: the file CATALOG_LOCK_NAME there, locked by the process that started us (cachelock.h); any other: it is locked here */
        const struct catalog_condemned *condemned; /* copied */
        size_t n_condemned;
        void (*log)(int priority,
                const char *line); /* one line an event (a build ready, refused, gone); may be NULL */
};

struct catalog;
struct readers;

/* How many slots opts->archive_readers must have, with these memory_bytes and jobs. */
unsigned catalog_slots(size_t memory_bytes, unsigned jobs);

/* Opens or makes catalog.db; one that is damaged or of another version is thrown away and rebuilt (that is
 * said in @err with return 0 only through opts->log).  Known builds are available at once through the first
 * view after catalog_scan.  A cache directory that cannot be written is said through opts->log too: known
 * builds and plain tars and ISOs go on, and nothing is kept.  Call it in the process that will use it, after
 * any fork (SQLite, and the lock).
 *
 * Returns 0, -EBUSY if another process has this cache directory, or a negative errno with the reason and the
 * way out. */
int catalog_open(const struct catalog_options *opts, struct catalog **ret, struct err *err);
void catalog_close(struct catalog *c);

/* Looks at the builds directory once, and reads.
 *
 * Files that begin with '.', end in '~', .part, .tmp, .filepart or .partial, directories, and files with a
 * suffix no archive has are passed over; checksum files too.  A file is taken only if a full verified read
 * succeeded during which its identity did not change.
 *
 * A file that was written to in the last second is not read yet, unless @wait; a refusal of a file written
 * to in the last three seconds is ARCHIVE_WAITING until it is older.  While a file that replaced a
 * compressed one waits or is read, the build that was read from the old one stays served.
 *
 * Order: what came last goes first; of what came together, the newest (catalog_scan.c).
 *
 * wait  true: index everything now, and return when that is done.  false: catalog_look and catalog_step.
 * ret_more   set if another call has work to do at once; only without jobs
 * ret_poll_ms  when to call again for a file that is still changing; -1 if nothing is pending
 *
 * Returns 0, or a negative errno if the directory itself cannot be read (the last view stays).
 */
int catalog_scan(struct catalog *c, bool wait, bool *ret_more, int *ret_poll_ms, struct err *err);

/* The part of a scan that reads no archive: files that are gone go, builds that are known come.
 * Returns as catalog_scan. */
int catalog_look(struct catalog *c, struct err *err);

/* In place of the first look, where the directory cannot be read: the archives that were good are taken to be there as
 * they were, and are served if they can be opened.  0 or -ENOMEM. */
int catalog_look_known(struct catalog *c, struct err *err);

struct catalog_todo {
        bool busy;   /* archives are being read: catalog_wake_fd tells when one is done */
        bool more;   /* another step has work to do at once; only without jobs */
        bool awaits; /* an archive was read and waits for a sums file that is being written: for the next look */
        int poll_ms; /* when one has, as things are; -1: never */
};

/* The other part: takes in what was read, and has more read.  Blocks for as long as it takes to write a verdict down,
 * some ms; without jobs, to read one archive.  0, or -ENOMEM: nothing is lost by it, and the next step goes on. */
int catalog_step(struct catalog *c, bool wait, struct catalog_todo *ret, struct err *err);

/* Ends what is being read, within some ms, and makes a scan in progress return; nothing more is read.  From any
 * thread. */
void catalog_stop(struct catalog *c);

/* A descriptor (eventfd) that becomes readable when a step is due: an archive was read, or a reader met trouble with a
 * build.  The step makes it unreadable.  Borrowed. */
int catalog_wake_fd(const struct catalog *c);

/* True if @object is of an archive in opts->condemned.  From any thread. */
bool catalog_has_condemned(const struct catalog *c, uint64_t object);

/* What is being read now.  Takes microseconds, and waits for nothing that takes longer. */
void catalog_progress(struct catalog *c, struct catalog_progress *ret);

/* The highest time that generated files were shown with for another reason than a row's or a view's (namespace/file_times.h),
 * seconds since the epoch: what was noted by this process or those before it; 0: nothing.  Noting it wakes the scanning
 * thread, which writes it down.  From any thread. */
int64_t catalog_shown_sec(const struct catalog *c);
void catalog_note_shown(struct catalog *c, int64_t sec);

/* Takes a reference to the newest view.  Never NULL, never blocks on a scan. */
struct catalog_view *catalog_view_get(struct catalog *c);
void catalog_view_unref(struct catalog_view *v);

/* NULL if there is none.  Borrowed from the view. */
const struct build *catalog_view_by_name(const struct catalog_view *v, const char *name);
const struct build *catalog_view_image(const struct catalog_view *v, const char *name);
const struct build *catalog_view_iso(const struct catalog_view *v, const char *name);
/* Served anywhere, or retired. */
const struct build *catalog_view_by_object(const struct catalog_view *v, uint64_t object);

const char *archive_state_name(enum archive_state s); /* "ready", "indexing", ... */

/* "", "hash", "sha256", "hash,sha256", ... */
const char *archive_verified_name(unsigned verified);

/* For pxectl: reads what a daemon left in @cache_dirfd, without locking it out.  The view holds no sources:
 * its builds array is empty, infos, list and archives are filled.  -ENOENT if there is no catalog.db. */
int catalog_peek(int cache_dirfd, struct catalog_view **ret, struct err *err);

#endif
