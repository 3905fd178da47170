/* SPDX-License-Identifier: MPL-2.0 */
/* catalog_impl -- the catalog from inside: what catalog.c, catalog_files.c, catalog_scan.c, judge.c and publish.c
 * share. */
#ifndef PXEFS_CATALOG_CATALOG_IMPL_H
#define PXEFS_CATALOG_CATALOG_IMPL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "catalog/catalog.h"
#include "catalog/indexpool.h"
#include "catalog/known.h"
#include "catalog/sums.h"

/* What the sums files say of an entry's verdict.  Up to SUMS_UNCHECKED it is served. */
enum sums_verdict {
        SUMS_UNASKED,   /* there is no verdict yet, or they were not asked */
        SUMS_UNNAMED,   /* nothing */
        SUMS_AGREES,    /* its digest is the one they name */
        SUMS_UNCHECKED, /* nothing, as far as they can be read: see sums_why */
        SUMS_AWAITED,   /* one is being written: not served until it was read */
        SUMS_DIFFERS,   /* refused: see sums_why, as for the next two */
        SUMS_UNREAD,    /* it is named, and its digest could not be had: not served until it can */
        SUMS_MISSING,   /* none names it, and one has to */
};

/* One file of the builds directory, as long as it keeps its name and identity. */
struct entry {
        char *name; /* owned */
        struct identity id;
        int error;             /* 0, or the negative errno of looking at it; then it is never read */
        struct known *known;   /* borrowed from the set; the verdict, NULL until there is one */
        struct known *pending; /* borrowed; a verdict about a file so young that it may still grow */
        struct known *old;     /* borrowed; see catalog_same.c; served until there is a verdict */
        bool indexing;         /* it is being read now */
        bool spools;           /* it is decoded into the spool: one such archive at a time */
        bool large;            /* it may need much memory: one such archive at a time */
        bool tried;            /* it was read, without a verdict */
        char *trouble;         /* owned; NULL, or why reading it failed for now */
        bool waits;            /* trouble is only that it still changes */
        unsigned tries;        /* readings of this file while it changed; carried over to its next identity */
        bool moved;            /* into the next list of entries: catalog_merge's alone */
        bool replaces;         /* it was another file, or this one shorter, at the last look */
        int64_t seen_ms;       /* monotonic: first seen with this identity */
        int64_t try_ms;        /* monotonic: not to be read before */
        uint64_t look;         /* number of the look that found it so: what came last is read first */
        int64_t made_ns;       /* by the stamp in its name, else by its mtime: of one look the newest is read first */
        const struct entry *winner; /* served under the name of its build; publish.c's, while it makes a view */
        enum sums_verdict sums; /* about @known */
        enum sums_kind sums_kind;
        char *sums_why;      /* owned */
        int64_t sums_ms;     /* monotonic: SUMS_UNREAD is not tried again before, SUMS_AWAITED ends then */
        uint64_t need_bytes; /* 0, or: it is not read before spool files may take so many */
        bool needs_room;     /* its trouble is that it found none; then it waits */
        bool passed_over;    /* its trouble is its name */
        /* What was last said about it. */
        enum archive_state said;
        char *said_reason; /* owned */
        bool said_once;
};

struct retired {
        struct build *build;  /* owned reference */
        int64_t until_ms;     /* monotonic */
        uint64_t spool_bytes; /* of its spool file, which takes room as long as it is open */
};

#define MAX_RETIRED 64

/* What a reader met, until the next step. */
struct trouble {
        uint64_t object;
        enum { TROUBLE_ROTTEN, TROUBLE_LOST, TROUBLE_CHANGED } what;
        struct err why;
};

#define MAX_TROUBLES 16 /* each source reports a kind once; more are lost, and met again after a restart */

struct catalog {
        struct catalog_options opts;
        int lock_fd;                   /* owned; -1 if the cache directory is read-only */
        struct chunkcache *chunks;     /* owned; of all sources */
        struct gates *gates;           /* owned; that their reads pass */
        struct source_env env;         /* what they share; over @chunks and @set */
        pthread_mutex_t trouble_mutex; /* guards what readers met; held for a copy's time */
        struct trouble troubles[MAX_TROUBLES];
        size_t n_troubles;
        uint64_t rotten;           /* archives that readers found damaged; guarded by it too, as the next */
        struct err builds_trouble; /* "" while the builds directory can be read */
        int wake_fd;               /* owned; eventfd */
        struct indexpool *pool;    /* owned */
        struct catalog_condemned *condemned; /* owned; opts.n_condemned; never changes */
        uint64_t n_looks;
        struct known_set set;
        struct entry *entries; /* owned; by name */
        size_t n_entries;
        struct sums sums;
        struct sums_keep sums_keep;
        int64_t sums_ms; /* monotonic; 0, or when they are looked at again without a look */
        struct retired retired[MAX_RETIRED]; /* oldest first */
        size_t n_retired;
        char *shown; /* owned; the last view as text: a view that says the same is not published */
        uint64_t serial, listed;    /* of the last view, and of the one that was written down last */
        int64_t publish_ms, list_ms; /* monotonic: neither is done before, while archives are being read (catalog_step) */
        atomic_bool stop;           /* set by catalog_stop, from any thread */
        bool looked;                /* at the directory, once: what is good now was known from before */
        atomic_bool db_trouble;     /* said once; read by catalog_stats */
        pthread_mutex_t mutex;      /* guards view, nothing else; held for a pointer's time */
        struct catalog_view *view;  /* owned reference */
        struct catalog_times times; /* the scanning thread's; as of the last view */
        bool times_due;             /* they are to be written down */
        _Atomic int64_t shown_sec;  /* see catalog_note_shown */
};

#define CATALOG_TROUBLE_MS 30000 /* until another try of what this machine could not do */

int64_t catalog_now_ms(void); /* monotonic */

__attribute__((format(printf, 3, 4))) void catalog_log(
        const struct catalog *c, int priority, const char *fmt, ...);

/* Opens @name in the builds directory for reading (O_NONBLOCK), whatever it leads to.  A descriptor, or a negative errno:
 * -EDEADLK and -ETIMEDOUT as in dirscan.h. */
int catalog_open_file(const struct catalog *c, const char *name);
/* For what it leads to, at a look. */
int catalog_patience_ms(const struct catalog *c);

struct dirscan;

/* Takes the directory's files over into c->entries.  0 or -ENOMEM. */
int catalog_merge(struct catalog *c, const struct dirscan *d);
void catalog_entry_fini(struct entry *e);

/* The row of opts.condemned by which the file is not to be read, or NULL. */
const struct catalog_condemned *catalog_condemned(const struct catalog *c, const struct identity *id);

/* Uses what is known about the file already. */
void catalog_adopt(struct catalog *c, struct entry *e);

/* catalog_same.c: archives that are probably known under another identity. */

/* True if what @k has open is this file, and it may well hold what it held: its digest is asked first. */
bool catalog_may_be(const struct known *k, const struct identity *id);
/* In a look, after catalog_adopt of each entry: what no entry has goes to one that may be it. */
void catalog_adopt_moved(struct catalog *c);
/* The digest of @e's file is the one of e->old: the verdict stands. */
void catalog_have_same(struct catalog *c, struct entry *e, const struct indexjob *job);

/* Writes the verdict to catalog.db; what goes wrong is logged once. */
void catalog_save(struct catalog *c, struct known *k);
/* @k is the verdict about @e. */
void catalog_settle_on(struct entry *e, struct known *k);

/* A verdict: it counts at once, or, if it @may_wait, when the file is old enough. */
void catalog_have_verdict(struct catalog *c, struct entry *e, struct known *k, bool may_wait);

/* The archive that was quarantined when a reader met its damage was read once more: @r and @job->x say what came out. */
void catalog_have_reread(struct catalog *c, struct entry *e, struct indexjob *job);

/* Reading it ended with @r and without a verdict. */
void catalog_have_trouble(
        const struct catalog *c, struct entry *e, int r, uint64_t spool_max, const struct err *err);

/* Bytes that spool files may still take: of spool_max=, and of the disk but for a reserve. */
uint64_t catalog_spool_left(const struct catalog *c);

/* Forgets archives whose file is gone. */
void catalog_sweep(struct catalog *c);

/* What readers met since the last step becomes refusals. */
void catalog_take_troubles(struct catalog *c);

/* Has what is read of sums files kept, and takes what was kept before; what cannot be read of that is not there. */
void catalog_load_sums(struct catalog *c);
/* Looks at the sums files, and asks them about every archive.  beside, n: as in sums_refresh.  0 or -ENOMEM. */
int catalog_look_sums(struct catalog *c, char *const *beside, size_t n);
/* The same with those that were there at the last look, if one of them should have settled by now. */
int catalog_look_sums_again(struct catalog *c);
/* Asks the sums files about @e, if there is a verdict about it.  Reads the archive only if its digest is not known. */
void catalog_judge(struct catalog *c, struct entry *e);

/* Makes a view of what is known now and publishes it, if it differs from the last.  0 or -ENOMEM. */
int catalog_publish(struct catalog *c, struct err *err);

/* Writes down what was published last, for who looks from outside, if that was not done.  Not in the way of a start: it may
 * wait for the disk. */
void catalog_list(struct catalog *c);

/* Adds what @v serves to @b, in words that differ when it does. */
struct buf;
void catalog_add_served(const struct catalog_view *v, struct buf *b);

/* catalog_times.c: when what is served changed last, @v being the newest; and writing that down, if it was not. */
int64_t catalog_note_served(struct catalog *c, const struct catalog_view *v);
void catalog_keep_times(struct catalog *c);
void catalog_load_times(struct catalog *c);

/* Lets go of retired builds whose time is over, or of all. */
void catalog_drop_retired(struct catalog *c, bool all);

#endif
