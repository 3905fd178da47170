/* SPDX-License-Identifier: MPL-2.0 */
/* dirscan -- see dirscan.h.
 *
 * The suffix only decides whether a file is looked at, never what it is: people keep check sums, notes and
 * USB images beside the archives, and a line "refused: README" for each would hide the ones that matter. 
 * Compressions that this version does not read are looked at all the same, to say so.
 *
 * Copying tools' temporary names are passed over: rsync (".x.tgz.Ab12Cd"), WinSCP (.filepart), browsers and
 * wget (.part, .partial, .tmp), editors ("~").
 * Locks: none.
 */
#include "catalog/dirscan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "catalog/sums.h"

static const char *const suffixes[] = { ".tar", ".tgz", ".tar.gz", ".iso", /* read */
        ".tar.xz", ".txz", ".tar.zst", ".tzst", ".tar.bz2", ".tbz2", ".tbz", ".iso.gz", ".iso.xz", ".iso.zst",
        ".iso.bz2", /* read */
        ".tar.lz4", ".tar.lz", ".tar.Z", ".zip", ".7z" /* refused */ };
static const char *const temporary[] = { "~", ".part", ".tmp", ".filepart", ".partial", ".aria2", ".crdownload" };
/* What stands beside archives, and is read by people and other programs. */
static const char *const beside[] = { ".sha256", ".sha256sum", ".sha512", ".sha1", ".md5", ".md5sum", ".sum", ".asc", ".sig", ".txt",
        ".json", ".html", ".log", ".pdf", ".manifest", ".imgmanifest", ".torrent" };

static bool ends_in(const char *name, const char *suffix)
{
        size_t n = strlen(name), k = strlen(suffix);

        return n > k && strcasecmp(name + (n - k), suffix) == 0;
}

#define ENDS_IN_ONE_OF(name, table) ends_in_one_of(name, table, sizeof(table) / sizeof(table)[0])

static bool ends_in_one_of(const char *name, const char *const *v, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (ends_in(name, v[i]))
                        return true;
        return false;
}

bool dirscan_wants(const char *name)
{
        if (name[0] == '.' || ENDS_IN_ONE_OF(name, temporary))
                return false;
        /* A download saved without a suffix. */
        return ENDS_IN_ONE_OF(name, suffixes) || (!strchr(name, '.') && strncmp(name, "platform-", 9) == 0);
}

/* "x.tgz.1": what wget makes of a file that is there already. */
static bool is_second_download(const char *name)
{
        const char *dot = strrchr(name, '.');
        AUTO_FREE char *first = dot && dot[1] ? strndup(name, (size_t)(dot - name)) : NULL;

        return first && dot[1 + strspn(dot + 1, "0123456789")] == '\0' && ENDS_IN_ONE_OF(first, suffixes);
}

const char *dirscan_passed_over(const char *name)
{
        if (name[0] == '.' || dirscan_wants(name) || ENDS_IN_ONE_OF(name, temporary) || ENDS_IN_ONE_OF(name, beside))
                return NULL;
        if (is_second_download(name))
                return "by its name it is the second download of a file: compare it with the first and remove one, or give it a "
                       "name that ends in .tgz, .tar.gz or .iso";
        if (strcasestr(name, "-usb.") || ends_in(name, ".img") || ends_in(name, ".img.gz") || ends_in(name, ".usb"))
                return "by its name it is a USB image, which no machine boots from the network: download "
                       "platform-<stamp>.tgz or smartos-<stamp>.iso";
        if (ends_in(name, ".gz") || ends_in(name, ".xz") || ends_in(name, ".zst") || ends_in(name, ".bz2"))
                return "by its name it is a compressed file and no tarball: if it is a platform image, or any other tarball, give it a "
                       "name that ends in .tar.gz, .tar.xz, .tar.zst or .tar.bz2";
        if (strcmp(name, "file") == 0 || strncasecmp(name, "platform-", 9) == 0 || strncasecmp(name, "smartos-", 8) == 0)
                return "its name ends in no archive's suffix: if it is one, give it a name that ends in .tgz, .tar.gz or .iso";
        return NULL;
}

static int by_name(const void *a, const void *b)
{
        return strcmp(((const struct dirscan_file *)a)->name, ((const struct dirscan_file *)b)->name);
}

int dirscan_add(struct dirscan *d, const char *name, const struct stat *st, int error, struct err *err)
{
        struct dirscan_file *v = reallocarray(d->v, d->n + 1, sizeof *v);

        if (!v)
                return err_set(err, -ENOMEM, "out of memory");
        d->v = v;
        v[d->n].name = strdup(name);
        if (!v[d->n].name)
                return err_set(err, -ENOMEM, "out of memory");
        v[d->n].passed_over = error == -ENOTSUP ? dirscan_passed_over(name) : NULL;
        v[d->n].id = error ? (struct identity) { 0 } : identity_of(st);
        v[d->n++].error = error;
        return 0;
}

void dirscan_sort(struct dirscan *d)
{
        if (d->n)
                qsort(d->v, d->n, sizeof *d->v, by_name);
}

/* A plain file is asked for here.  A link, or what is mounted on a name, may lead to where nobody answers. */
int dirscan_look(int dirfd, const char *name, struct path_opener *opener, int timeout_ms, struct stat *ret)
{
        uint64_t dev, here;
        mode_t type;
        int r = path_walk_dev(dirfd, &here, NULL);

        if (r == 0)
                r = path_walk_dev_at(dirfd, name, &dev, &type);
        if (r < 0)
                return r;
        if (dev == here && type != S_IFLNK)
                return fstatat(dirfd, name, ret, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
        r = path_opener_open(opener, dirfd, name, PATH_WALK_STAT, timeout_ms, NULL, ret);
        return r == -EAGAIN ? -ETIMEDOUT : r;
}

static int add_sums(struct dirscan *d, const char *name)
{
        char **v = reallocarray(d->sums, d->n_sums + 1, sizeof *v);

        if (!v)
                return -ENOMEM;
        d->sums = v;
        v[d->n_sums] = strdup(name);
        return v[d->n_sums] ? (d->n_sums++, 0) : -ENOMEM;
}

static int by_text(const void *a, const void *b)
{
        return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool has_archive(const struct dirscan *d, const char *sums)
{
        AUTO_FREE char *archive = strndup(sums, sums_about(sums));
        struct dirscan_file key = { .name = archive };

        return archive && d->n && bsearch(&key, d->v, d->n, sizeof *d->v, by_name);
}

/* Leaves those beside an archive. */
static void sort_sums(struct dirscan *d)
{
        size_t n = 0;

        for (size_t i = 0; i < d->n_sums; i++)
                if (has_archive(d, d->sums[i]))
                        d->sums[n++] = d->sums[i];
                else
                        free(d->sums[i]);
        d->n_sums = n;
        if (n)
                qsort(d->sums, n, sizeof *d->sums, by_text);
}

/* Asked without following a link: what is only named is not looked at. */
static bool is_plain(DIR *dir, const struct dirent *e)
{
        struct stat st;

        return e->d_type == DT_REG ||
               (e->d_type == DT_UNKNOWN && fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode));
}

static int read_entries(
        DIR *dir, struct path_opener *opener, int timeout_ms, struct dirscan *d, struct err *err)
{
        for (;;) {
                const struct dirent *e;
                struct stat st;
                int r;

                errno = 0;
                e = readdir(dir);
                if (!e)
                        return errno ? err_sys(err, -errno, "builds directory") : 0;
                if (sums_about(e->d_name) > 0 && add_sums(d, e->d_name) < 0)
                        return err_set(err, -ENOMEM, "out of memory");
                if (!dirscan_wants(e->d_name)) {
                        if (dirscan_passed_over(e->d_name) && is_plain(dir, e) &&
                                dirscan_add(d, e->d_name, NULL, -ENOTSUP, err) < 0)
                                return -ENOMEM;
                        continue;
                }
                r = dirscan_look(dirfd(dir), e->d_name, opener, timeout_ms, &st);
                if (r == -EISDIR ||
                        (r == -ENOENT && fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0))
                        continue; /* a link to a directory; gone meanwhile */
                if (r == 0 && !S_ISREG(st.st_mode))
                        continue;
                r = dirscan_add(d, e->d_name, &st, r, err);
                if (r < 0)
                        return r;
        }
}

int dirscan_read(int dirfd, struct path_opener *opener, int timeout_ms, struct dirscan *ret, struct err *err)
{
        struct dirscan d = { .v = NULL };
        AUTO_CLOSEDIR DIR *dir = NULL;
        int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;

        if (fd < 0)
                return err_sys(err, -errno, "builds directory");
        dir = fdopendir(fd);
        if (!dir) {
                r = err_sys(err, -errno, "builds directory");
                close(fd);
                return r;
        }
        r = read_entries(dir, opener, timeout_ms, &d, err);
        if (r < 0) {
                dirscan_fini(&d);
                return r;
        }
        dirscan_sort(&d);
        sort_sums(&d);
        *ret = d;
        return 0;
}

void dirscan_fini(struct dirscan *d)
{
        for (size_t i = 0; i < d->n; i++)
                free(d->v[i].name);
        free(d->v);
        for (size_t i = 0; i < d->n_sums; i++)
                free(d->sums[i]);
        free(d->sums);
        *d = (struct dirscan) { .v = NULL };
}
