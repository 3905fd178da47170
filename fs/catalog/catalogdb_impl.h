/* SPDX-License-Identifier: MPL-2.0 */
/* catalogdb_impl -- what the files that read and write catalog.db share: catalogdb.c (opening), catalogrow.c
 * (verdicts), catalogstate.c (checkpoints) and cataloglist.c (the listing, for who looks from outside). */
#ifndef PXEFS_CATALOG_CATALOGDB_IMPL_H
#define PXEFS_CATALOG_CATALOGDB_IMPL_H

#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "catalog/catalogdb.h"

#define CATALOG_DB_NAME        "catalog.db"
#define CATALOG_SCHEMA_VERSION 9
#define CATALOG_BUSY_MS        2000

struct catalogdb {
        sqlite3 *db;     /* owned; the scanning thread's, but see @reader */
        sqlite3 *reader; /* owned; any thread's; NULL: @db is */
        bool read_only;
        bool in_memory; /* there was no room for a file: it is gone at the end */
        int dirfd;      /* owned; where the file is */
        atomic_bool damaged; /* it was found to be, and is not there any more: it ends when its last connection is closed */
};

static inline void stmt_finalizep(sqlite3_stmt **st)
{
        (void)sqlite3_finalize(*st);
}
#define AUTO_STMT AUTO_CLEAN(stmt_finalizep)

/* Opens catalog.db in @dirfd; an SQLite code, and *ret NULL after an error. */
int catalogdb_open_at(int dirfd, int flags, const char *query, sqlite3 **ret);
void catalogdb_close_file(struct catalogdb *db);
int catalogdb_version(struct catalogdb *db, int *ret, struct err *err);

int catalogdb_errno(int rc); /* negative, or 0 */

/* Returns @r.  If that means damage, the files are removed: what is known is in memory, and the next process that opens it finds none and
 * reads the archives anew, instead of the same damage.  From any thread. */
int catalogdb_noticed(struct catalogdb *db, int r);

/* These return 0 or a negative errno with a reason. */
int catalogdb_error(sqlite3 *db, int rc, struct err *err);
int catalogdb_prepare(struct catalogdb *db, const char *sql, sqlite3_stmt **ret, struct err *err);
int catalogdb_run(struct catalogdb *db, const char *sql, struct err *err);
int catalogdb_step_once(struct catalogdb *db, sqlite3_stmt *st, struct err *err);
/* Ends a transaction: commits if @r is 0, rolls back else, and after a commit that failed.  Returns @r or the commit's error. */
int catalogdb_end(struct catalogdb *db, int r, struct err *err);

/* The states of @row's checkpoints; inside a transaction. */
int catalogdb_put_states(struct catalogdb *db, const struct catalog_row *row, struct err *err);

/* Binds must all have worked: the first failure is kept in @rc. */
void catalogdb_bind_num(sqlite3_stmt *st, int i, uint64_t v, int *rc);
void catalogdb_bind_text(sqlite3_stmt *st, int i, const char *s, int *rc);

#endif
