/* SPDX-License-Identifier: MPL-2.0 */
/* stallfs -- a filesystem that shows a directory, and stops to answer when it is told to: a network filesystem whose server
 * is away.
 *
 *   stallfs [-D] DIRECTORY CONTROL MOUNTPOINT      -D: reads pass the kernel's page cache by (direct_io)
 *
 * It stays in the foreground.  As long as CONTROL is there, each getattr, open, read and readdir waits; once it is gone, what
 * waited goes on.  If CONTROL says `EIO` or `ESTALE`, they fail so at once instead.  Each that begins to wait adds a byte to
 * CONTROL.waiting.  Names and attributes are cached by nobody.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *dir, *control;
static bool direct;

static void note_waiting(void)
{
        char name[4096];
        int fd;

        (void)snprintf(name, sizeof name, "%s.waiting", control);
        fd = open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        (void)!write(fd, ".", 1);
        close(fd);
}

/* 0, when it may go on, or what it fails with. */
static int pass(void)
{
        bool waits = false;

        for (;;) {
                char says[16] = "";
                int fd = open(control, O_RDONLY | O_CLOEXEC);

                if (fd < 0)
                        return 0;
                (void)!read(fd, says, sizeof says - 1);
                close(fd);
                if (strncmp(says, "EIO", 3) == 0)
                        return -EIO;
                if (strncmp(says, "ESTALE", 6) == 0)
                        return -ESTALE;
                if (!waits)
                        note_waiting();
                waits = true;
                (void)usleep(50000);
        }
}

static void real(const char *path, char name[4096])
{
        (void)snprintf(name, 4096, "%s%s", dir, path);
}

static void *op_init(struct fuse_conn_info *conn, struct fuse_config *cfg)
{
        (void)conn;
        cfg->use_ino = 1;
        cfg->attr_timeout = cfg->entry_timeout = cfg->negative_timeout = 0;
        return NULL;
}

static int op_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
        char name[4096];
        int r = pass();

        if (r < 0)
                return r;
        if (fi)
                return fstat((int)fi->fh, st) < 0 ? -errno : 0;
        real(path, name);
        return lstat(name, st) < 0 ? -errno : 0;
}

static int op_open(const char *path, struct fuse_file_info *fi)
{
        char name[4096];
        int r = pass(), fd;

        if (r < 0)
                return r;
        real(path, name);
        fd = open(name, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        fi->fh = (uint64_t)fd;
        fi->direct_io = direct;
        return 0;
}

static int op_read(const char *path, char *buf, size_t len, off_t off, struct fuse_file_info *fi)
{
        int r = pass();
        ssize_t n = r < 0 ? r : pread((int)fi->fh, buf, len, off);

        (void)path;
        return r < 0 ? r : n < 0 ? -errno : (int)n;
}

static int op_release(const char *path, struct fuse_file_info *fi)
{
        (void)path;
        close((int)fi->fh);
        return 0;
}

static int op_readdir(const char *path, void *buf, fuse_fill_dir_t fill, off_t off, struct fuse_file_info *fi,
        enum fuse_readdir_flags flags)
{
        const struct dirent *e;
        char name[4096];
        int r = pass();
        DIR *d;

        (void)off;
        (void)fi;
        (void)flags;
        if (r < 0)
                return r;
        real(path, name);
        d = opendir(name);
        if (!d)
                return -errno;
        while ((e = readdir(d)))
                (void)fill(buf, e->d_name, NULL, 0, 0);
        closedir(d);
        return 0;
}

int main(int argc, char **argv)
{
        static const struct fuse_operations ops = {
                .init = op_init,
                .getattr = op_getattr,
                .open = op_open,
                .read = op_read,
                .release = op_release,
                .readdir = op_readdir,
        };
        char options[] = "allow_other,ro,fsname=stallfs", flag_o[] = "-o", flag_f[] = "-f";

        direct = argc == 5 && strcmp(argv[1], "-D") == 0;
        if (argc != 4 + direct) {
                (void)fprintf(stderr, "usage: stallfs [-D] DIRECTORY CONTROL MOUNTPOINT\n");
                return 2;
        }
        dir = argv[1 + direct];
        control = argv[2 + direct];
        return fuse_main(
                5, ((char *[]) { argv[0], flag_f, flag_o, options, argv[3 + direct], NULL }), &ops, NULL);
}
