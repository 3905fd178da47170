/* SPDX-License-Identifier: MPL-2.0 */
/* conn -- a connection to the inventory that can do nothing but read; see conn.h and pool.h.
 *
 * The file is the operator's and may be locked, damaged or written with all checks off.  A connection is
 * opened read-write only because WAL needs its sidecar files (a reader creates and locks -shm), and then tied
 * down: query_only, an authorizer that knows reading only, no triggers, no views, no trusted schema.
 *
 * Closing never touches the sidecars: after a rename they are the new file's (sqlite.org/howtocorrupt.html,
 * "unlinking or renaming a database file while in use").
 *
 * Locks: none; a connection belongs to one thread at a time.
 */
#include "inventory/store/conn.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "inventory/store/schema_id.h"
#include "inventory/store/trouble.h"
#include "inventory_sql.h"

static const char *const query_text[QUERIES] = {
#define POOL_TEXT(name) [Q_##name] = inventory_q_##name,
        POOL_QUERIES(POOL_TEXT)
#undef POOL_TEXT
};

static int conn_fail(struct conn *c, int rc, struct err *err, const char *what)
{
        int r = errno_from_sqlite(rc);

        if (r == -ENOMEM && bounds_were_met())
                r = -EFBIG;
        if (r == -EFBIG)
                return err_set(err, r,
                        "%s: a cell of more than 1 MiB is in the way, which no rule of the schema lets in: "
                        "DELETE its "
                        "row (copy_trouble in status.json names it)",
                        what);
        if (r == -ETIME)
                return err_set(err, r,
                        "%s: one question took more than %u ms of processor time: is an index missing "
                        "(pxectl doctor)?",
                        what, c->bounds.cpu_ms);
        return err_set(err, r < 0 ? r : -EIO, "%s: %s", what,
                r == -ENOMEM ? "out of memory" : sqlite3_errmsg(c->db));
}

void conn_close(struct conn *c)
{
        if (!c)
                return;
        for (int i = 0; i < QUERIES; i++)
                sqlite3_finalize(c->stmt[i]);
        sqlite3_close(c->db);
        free(c);
}

static void conn_closep(struct conn **c)
{
        conn_close(*c);
}

/* Pragmas that only tell something when they get no argument. */
static bool is_question(const char *pragma)
{
        static const char *const questions[] = { "user_version", "data_version", "journal_mode" };

        for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++)
                if (strcmp(questions[i], pragma) == 0)
                        return true;
        return false;
}

/* What a connection may do once it is set up. */
static int only_reading(
        void *ctx, int action, const char *a, const char *b, const char *db, const char *trigger)
{
        (void)ctx, (void)db, (void)trigger;
        switch (action) {
        case SQLITE_SELECT:
        case SQLITE_READ:
        case SQLITE_TRANSACTION:
        case SQLITE_FUNCTION:
                return SQLITE_OK;
        case SQLITE_PRAGMA:
                return !b && is_question(a) ? SQLITE_OK : SQLITE_DENY;
        default:
                return SQLITE_DENY;
        }
}

/* Whether "<path><suffix>" is there. */
static bool has_sidecar(const char *path, const char *suffix)
{
        AUTO_BUF struct buf name = BUF_INIT;
        struct stat st;

        buf_printf(&name, "%s%s", path, suffix);
        return buf_error(&name) == 0 && stat(name.data, &st) == 0;
}

/* Without locks and sidecars. */
static int open_immutable(const char *path, sqlite3 **ret)
{
        AUTO_BUF struct buf uri = BUF_INIT;

        buf_puts(&uri, "file:");
        for (const char *s = path; *s; s++) {
                if (strchr("%?#", *s))
                        buf_printf(&uri, "%%%02X", (unsigned)(unsigned char)*s);
                else
                        buf_add(&uri, s, 1);
        }
        buf_puts(&uri, "?immutable=1");
        if (buf_error(&uri) < 0)
                return SQLITE_NOMEM;
        return sqlite3_open_v2(
                uri.data, ret, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI, NULL);
}

/* On a read-only filesystem a WAL database without sidecars cannot be opened otherwise, as -shm cannot be made.
 * With a -wal SQLite finds its way, and a -journal may have to be rolled back: neither may be passed over.
 * The filesystem may be writable elsewhere (a read-only bind mount): hence conn_is_current. */
static bool wants_immutable(const char *path)
{
        struct statvfs fs;

        return statvfs(path, &fs) == 0 && (fs.f_flag & ST_RDONLY) && !has_sidecar(path, "-wal") &&
               !has_sidecar(path, "-journal");
}

static int open_file(struct conn *c, const char *path, bool is_copy)
{
        c->immutable = is_copy || wants_immutable(path);
        if (c->immutable)
                return open_immutable(path, &c->db);
        /* SQLite falls back to reading by itself where it may not write. */
        return sqlite3_open_v2(path, &c->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
        return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool conn_is_current(const struct conn *c, const char *path, const struct stat *st)
{
        if (c->st.st_dev != st->st_dev || c->st.st_ino != st->st_ino)
                return false;
        if (!c->immutable)
                return true;
        return c->st.st_size == st->st_size && same_time(&c->st.st_mtim, &st->st_mtim) &&
               same_time(&c->st.st_ctim, &st->st_ctim) && !has_sidecar(path, "-wal") &&
               !has_sidecar(path, "-journal");
}

static int open_memory(sqlite3 **ret)
{
        int rc = sqlite3_open_v2(
                ":memory:", ret, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);

        return rc == SQLITE_OK ? sqlite3_exec(*ret, inventory_schema_sql, NULL, NULL, NULL) : rc;
}

#define STRING_(x) #x
#define STRING(x)  STRING_(x)

static int tie_down(struct conn *c)
{
        static const struct {
                int op, value;
        } configs[] = {
                { SQLITE_DBCONFIG_DEFENSIVE, 1 }, { SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
                { SQLITE_DBCONFIG_ENABLE_TRIGGER, 0 }, { SQLITE_DBCONFIG_ENABLE_VIEW, 0 },
                { SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1 }, /* pool.c, invariant 2 */
        };
        int rc = SQLITE_OK;

        for (size_t i = 0; rc == SQLITE_OK && i < sizeof configs / sizeof configs[0]; i++)
                rc = sqlite3_db_config(c->db, configs[i].op, configs[i].value, NULL);
        if (rc == SQLITE_OK)
                rc = sqlite3_exec(c->db,
                        "PRAGMA query_only = 1; PRAGMA cell_size_check = 1; PRAGMA temp_store = MEMORY;",
                        NULL, NULL, NULL);
        if (rc == SQLITE_OK)
                rc = sqlite3_exec(c->db,
                        c->large ? "PRAGMA cache_size = -" STRING(LARGE_KIB)
                                 : "PRAGMA cache_size = -" STRING(SMALL_KIB),
                        NULL, NULL, NULL);
        return rc == SQLITE_OK ? sqlite3_set_authorizer(c->db, only_reading, NULL) : rc;
}

/* Whether this is an inventory, before anything is asked of it. */
static int check_identity(struct conn *c, const char *path, const struct stat *st, struct err *err)
{
        struct err why = { "" };
        int r;

        if (path && st->st_size == 0)
                return err_set(err, -EBADMSG,
                        "inventory %s is an empty file: remove it and write pxectl -i %s init", path, path);
        r = schema_id(c->db, path ? path : "in memory", &c->version, &why);
        if (r < 0 && why.text[0])
                return err_set(err, r, "%s", why.text);
        if (r < 0)
                r = path ? trouble_explain(path, sqlite3_extended_errcode(c->db), sqlite3_errmsg(c->db), err)
                         : conn_fail(c, sqlite3_errcode(c->db), err, "inventory");
        return r;
}

bool conn_wal_head(const char *path, ino_t *ret_ino, unsigned char head[WAL_HEAD_BYTES])
{
        AUTO_BUF struct buf name = BUF_INIT;
        AUTO_CLOSE int fd = -1;
        struct stat st;

        *ret_ino = 0;
        buf_printf(&name, "%s-wal", path);
        if (buf_error(&name) < 0)
                return false;
        fd = open(name.data, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0)
                return false;
        *ret_ino = st.st_ino;
        return pread(fd, head, WAL_HEAD_BYTES, 0) == WAL_HEAD_BYTES;
}

void conn_set_patience(struct conn *c, unsigned busy_ms)
{
        (void)sqlite3_busy_timeout(c->db, (int)busy_ms);
}

int conn_open(
        const char *path, bool is_copy, bool large, unsigned busy_ms, struct conn **ret, struct err *err)
{
        unsigned char head[WAL_HEAD_BYTES];
        AUTO_CLEAN(conn_closep) struct conn *c = calloc(1, sizeof *c);
        struct stat after = { 0 };
        int rc, r;

        if (!c)
                return err_set(err, -ENOMEM, "out of memory");
        r = path ? schema_id_path(path, err) : 0;
        if (r < 0)
                return r;
        if (path && stat(path, &c->st) < 0)
                return trouble_explain(path, SQLITE_CANTOPEN, "", err);
        rc = path ? open_file(c, path, is_copy) : open_memory(&c->db);
        if (rc == SQLITE_OK)
                rc = sqlite3_extended_result_codes(c->db, 1);
        if (rc == SQLITE_OK)
                rc = bounds_apply(c->db, &c->bounds);
        if (rc != SQLITE_OK)
                return path ? trouble_explain(path, rc, sqlite3_errmsg(c->db), err)
                            : conn_fail(c, rc, err, "inventory");
        conn_set_patience(c, busy_ms);
        c->large = large;
        r = check_identity(c, path, &c->st, err);
        if (r < 0)
                return r;
        rc = tie_down(c);
        if (rc != SQLITE_OK)
                return conn_fail(c, rc, err, path ? path : "inventory");
        if (path && (stat(path, &after) < 0 || after.st_dev != c->st.st_dev || after.st_ino != c->st.st_ino))
                return err_set(err, -EAGAIN, "inventory %s: replaced while it was being opened", path);
        /* The schema is read here, so that no question pays for it; whether it can be is told to the first one. */
        (void)sqlite3_exec(c->db, "SELECT 1 FROM sqlite_schema LIMIT 0", NULL, NULL, NULL);
        if (path && !c->immutable)
                (void)conn_wal_head(
                        path, &c->wal_ino, head); /* it was made by the first read at the latest */
        *ret = take_ptr(&c);
        return 0;
}

int conn_begin(struct conn *c, const char *path, struct err *err)
{
        sqlite3_stmt *s;
        int r = conn_query(c, Q_begin, &s, err);

        if (r == 0) {
                r = conn_step(c, s, err);
                sqlite3_reset(s);
        }
        if (r == 0)
                r = conn_query(c, Q_version, &s, err);
        if (r == 0) {
                r = conn_step(c, s, NULL); /* the first that touches the file */
                if (r < 0 && path)
                        r = trouble_explain(
                                path, sqlite3_extended_errcode(c->db), sqlite3_errmsg(c->db), err);
                c->version = r > 0 ? sqlite3_column_int(s, 0) : 0;
                sqlite3_reset(s);
                r = r < 0 ? r : schema_id_version(c->version, path ? path : "in memory", err);
        }
        return r;
}

bool conn_end(struct conn *c)
{
        sqlite3_stmt *s;

        return conn_query(c, Q_end, &s, NULL) == 0 && conn_step(c, s, NULL) == 0 &&
               sqlite3_reset(s) == SQLITE_OK && sqlite3_get_autocommit(c->db);
}

/* What an inventory of schema 1 is asked in place of a query; QUERIES: nothing. */
static const struct {
        enum query now, v1;
} differ[] = {
        { Q_host_answers, Q_host_answers_v1 },
        { Q_profile_answers, Q_profile_answers_v1 },
        { Q_mac_by_name, Q_mac_by_name_v1 },
        { Q_changed, QUERIES },
};

bool conn_asks(const struct conn *c, enum query q)
{
        for (size_t i = 0; i < sizeof differ / sizeof differ[0]; i++)
                if (c->version == 1 ? differ[i].now == q : differ[i].v1 == q)
                        return false;
        return true;
}

static enum query of_version(const struct conn *c, enum query q)
{
        for (size_t i = 0; c->version == 1 && i < sizeof differ / sizeof differ[0]; i++)
                if (differ[i].now == q && differ[i].v1 != QUERIES)
                        return differ[i].v1;
        return q;
}

int conn_query(struct conn *c, enum query q, sqlite3_stmt **ret, struct err *err)
{
        int rc;

        q = of_version(c, q);

        if (!c->stmt[q]) {
                rc = sqlite3_prepare_v3(
                        c->db, query_text[q], -1, SQLITE_PREPARE_PERSISTENT, &c->stmt[q], NULL);
                if (rc != SQLITE_OK)
                        return conn_fail(c, rc, err, "inventory");
        }
        *ret = c->stmt[q];
        return 0;
}

int conn_step(struct conn *c, sqlite3_stmt *s, struct err *err)
{
        int rc = sqlite3_step(s);

        if (rc == SQLITE_ROW)
                return 1;
        return rc == SQLITE_DONE ? 0 : conn_fail(c, rc, err, "inventory");
}

int conn_schema_version(const struct conn *c)
{
        return c->version;
}

int conn_text(sqlite3_stmt *s, int col, size_t max_bytes, const char **ret)
{
        const unsigned char *t;
        size_t n;

        if (sqlite3_column_type(s, col) == SQLITE_NULL)
                return -ENODATA;
        if (sqlite3_column_type(s, col) != SQLITE_TEXT)
                return -EILSEQ;
        t = sqlite3_column_text(s, col);
        if (!t)
                return -ENOMEM;
        n = (size_t)sqlite3_column_bytes(s, col);
        if (n > max_bytes)
                return -EILSEQ;
        for (size_t i = 0, len; i < n; i += len) {
                len = utf8_is_control(t + i) ? 0 : utf8_len(t + i);
                if (len == 0)
                        return -EILSEQ;
        }
        *ret = (const char *)t;
        return 0;
}
