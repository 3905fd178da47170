/* SPDX-License-Identifier: MPL-2.0 */
/* trouble -- see trouble.h.
 *
 * SQLite has two sentences for a dozen arrangements of owners and modes ("unable to open database file", "attempt to
 * write a readonly database"), and none of them names a file.  So after a failure, never before, the files are
 * looked at one by one, and the first that explains it is named, with what to type.
 *
 * Locks: none.  Nothing here is asked again by who could rely on it: it is for people.
 */
#include "inventory/store/trouble.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "inventory/store/bounds.h"

static const char *const sidecars[] = { "-wal", "-shm", "-journal" };

/* The directory of @path: "/" and "." too. */
static int directory(const char *path, struct buf *ret)
{
        const char *slash = strrchr(path, '/');

        if (!slash)
                buf_puts(ret, ".");
        else
                buf_add(ret, path, slash == path ? 1 : (size_t)(slash - path));
        buf_add(ret, "", 1);
        return buf_error(ret);
}

/* The first directory on the way to @path that we may not enter; false if there is none. */
static bool closed_directory(const char *path, struct buf *ret)
{
        for (const char *s = strchr(path + 1, '/'); s; s = strchr(s + 1, '/')) {
                ret->len = 0;
                buf_add(ret, path, (size_t)(s - path));
                buf_add(ret, "", 1);
                if (buf_error(ret) < 0)
                        return false;
                if (euidaccess(ret->data, X_OK) < 0 && errno == EACCES)
                        return true;
        }
        return false;
}

/* The files that must be ours and are not, for chown, and for chmod if an owner could not do all with them either. */
struct wrong {
        struct buf files; /* owned */
        bool mode;
};

static void add_if_wrong(struct wrong *w, const char *file, int want)
{
        mode_t owner = want & X_OK ? 0700 : 0600;
        struct stat st;

        if (euidaccess(file, want) == 0 || errno != EACCES)
                return;
        buf_printf(&w->files, " %s", file);
        w->mode = w->mode || (stat(file, &st) == 0 && (st.st_mode & owner) != owner);
}

/* The database, its sidecars, its directory. */
static int find_wrong(const char *path, const char *dir, struct wrong *ret)
{
        AUTO_BUF struct buf name = BUF_INIT;

        add_if_wrong(ret, path, R_OK);
        for (size_t i = 0; i < sizeof sidecars / sizeof sidecars[0]; i++) {
                name.len = 0;
                buf_printf(&name, "%s%s", path, sidecars[i]);
                if (buf_error(&name) == 0)
                        add_if_wrong(ret, name.data, R_OK | W_OK);
        }
        add_if_wrong(ret, dir, R_OK | W_OK | X_OK);
        return buf_error(&ret->files) < 0 ? -ENOMEM : buf_error(&name);
}

static int explain_missing(const char *path, int r, struct err *err)
{
        if (r == -ENOENT)
                return err_set(err, r, "inventory %s: %s: put it back, or make one with pxectl -i %s init",
                        path, strerror(-r), path);
        return err_sys(err, r, "inventory %s", path);
}

static void wrong_fini(struct wrong *w)
{
        buf_fini(&w->files);
}

static int explain_rights(const char *path, const char *says, struct err *err)
{
        AUTO_BUF struct buf dir = BUF_INIT;
        AUTO_BUF struct buf closed = BUF_INIT;
        AUTO_CLEAN(wrong_fini) struct wrong w = { .files = BUF_INIT };
        unsigned uid = (unsigned)geteuid();

        if (closed_directory(path, &closed))
                return err_set(err, -EACCES,
                        "inventory %s: user %u may not enter the directory %s: chmod a+x %s", path, uid,
                        closed.data, closed.data);
        if (directory(path, &dir) < 0 || find_wrong(path, dir.data, &w) < 0)
                return err_set(err, -ENOMEM, "out of memory");
        if (w.files.len > 0)
                return err_set(err, -EACCES,
                        "inventory %s cannot be read (%s): what user %u reads must belong to it: chown "
                        "%u%s%s%s",
                        path, says, uid, uid, w.files.data, w.mode ? " && chmod u+rwX" : "",
                        w.mode ? w.files.data : "");
        return err_set(err, -EACCES,
                "inventory %s cannot be read (%s): as root, write sqlite3 %s 'PRAGMA "
                "wal_checkpoint(TRUNCATE)'",
                path, says, path);
}

/* A writer was killed in the middle, in rollback mode, and we may not finish for it. */
static bool has_hot_journal(const char *path)
{
        AUTO_BUF struct buf name = BUF_INIT;
        struct stat st;

        buf_printf(&name, "%s-journal", path);
        return buf_error(&name) == 0 && stat(name.data, &st) == 0 && st.st_size > 0;
}

/* SQLite says "unable to open" of this too.  It opens the file, -wal, -shm, and once more the file to see what it is; and has
 * closed by now what it could open. */
static bool descriptors_are_short(void)
{
        int fds[4], n = 0;
        bool r;

        while (n < 4 && (fds[n] = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0)) >= 0)
                n++;
        r = n < 4 && errno == EMFILE;
        while (n > 0)
                close(fds[--n]);
        return r;
}

int trouble_explain(const char *path, int rc, const char *says, struct err *err)
{
        struct stat st;
        int r = errno_from_sqlite(rc);

        if (r == -ENOMEM)
                return err_set(err, r, "out of memory");
        if (r == -EACCES && descriptors_are_short())
                return err_set(err, -EMFILE,
                        "inventory %s cannot be read (%s): too many open files: raise ulimit -n "
                        "(LimitNOFILE= in a unit)",
                        path, says);
        if (stat(path, &st) < 0 && errno != EACCES)
                return explain_missing(path, -errno, err);
        if (r == -EACCES && euidaccess(path, F_OK) == 0 && !S_ISREG(st.st_mode))
                return err_set(err, -EISDIR,
                        "inventory %s is no file: move away what stands there and put the inventory back",
                        path);
        if (r == -EACCES && has_hot_journal(path))
                return err_set(err, r,
                        "inventory %s: a writer was killed in the middle, and user %u may not write to take "
                        "its "
                        "half back: as root, write sqlite3 %s 'PRAGMA user_version'",
                        path, (unsigned)geteuid(), path);
        if (r == -EACCES)
                return explain_rights(path, says, err);
        if (r == -EBUSY)
                return err_set(err, r,
                        "inventory %s: %s: end the sqlite3 that holds it (fuser -v %s), or sqlite3 %s "
                        "'PRAGMA "
                        "journal_mode = WAL'",
                        path, says, path, path);
        if (r == -EBADMSG || (r == -EIO && st.st_size < 512))
                return err_set(err, -EBADMSG, "inventory %s: %s: move it away and put a backup in its place",
                        path, says);
        return err_set(err, r < 0 ? r : -EIO, "inventory %s: %s", path, says);
}
