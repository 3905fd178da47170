/* SPDX-License-Identifier: MPL-2.0 */
/* landlock -- see landlock.h.
 *
 * Raw system calls, and the constants once more: Debian 12's <linux/landlock.h> knows ABI 2, its backported kernels ABI 6
 * and later.  Numbers from Linux include/uapi/linux/landlock.h; what each ABI added from
 * Documentation/userspace-api/landlock.rst.
 *
 * Invariants
 *   1. All that the kernel can control is controlled; a right is given by name, in `given` below.
 *   2. A rule holds for the inode that the path leads to now.  Another directory moved to the same path is not reached:
 *      the process must be started anew.  A filesystem mounted over a directory that has a rule is not either, one
 *      mounted below it is (is_access_to_paths_allowed in security/landlock/fs.c goes up from the file and passes mount
 *      points over).
 *   3. stat, access, chdir, flock and the like are not controlled (the same document, "Limitations"): a name outside can
 *      be seen to exist.  Opening is what fails, with EACCES.
 * Locks: none.
 */
#include "sandbox/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

#define FS_EXECUTE     (UINT64_C(1) << 0)
#define FS_WRITE_FILE  (UINT64_C(1) << 1)
#define FS_READ_FILE   (UINT64_C(1) << 2)
#define FS_READ_DIR    (UINT64_C(1) << 3)
#define FS_REMOVE_DIR  (UINT64_C(1) << 4)
#define FS_REMOVE_FILE (UINT64_C(1) << 5)
#define FS_MAKE_DIR    (UINT64_C(1) << 7)
#define FS_MAKE_REG    (UINT64_C(1) << 8)
#define FS_REFER       (UINT64_C(1) << 13)
#define FS_TRUNCATE    (UINT64_C(1) << 14)
#define FS_IOCTL_DEV   (UINT64_C(1) << 15)
#define FS_OF_A_FILE   (FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV)

#define CREATE_VERSION    1u
#define RULE_PATH_BENEATH 1

struct ruleset_attr {
        uint64_t fs, net, scoped; /* a kernel that does not know the later ones takes them when they are 0 */
};

struct path_beneath_attr {
        uint64_t allowed;
        int32_t parent_fd;
} __attribute__((packed));

static const struct {
        int abi;
        uint64_t fs, net, scoped;
} added[] = {
        { 1, 0x1fff, 0, 0 },       /* execute, write, read, list, remove, make a file of each kind */
        { 2, FS_REFER, 0, 0 },     /* link and rename between directories */
        { 3, FS_TRUNCATE, 0, 0 },  /* */
        { 4, 0, 0x3, 0 },          /* TCP: bind, connect */
        { 5, FS_IOCTL_DEV, 0, 0 }, /* on devices opened afterwards */
        { 6, 0, 0, 0x3 },          /* abstract unix sockets, signals */
};

static const uint64_t given[] = {
        [LANDLOCK_READ] = FS_READ_FILE | FS_READ_DIR,
        [LANDLOCK_DATABASE] =
                FS_READ_FILE | FS_READ_DIR | FS_WRITE_FILE | FS_TRUNCATE | FS_MAKE_REG | FS_REMOVE_FILE,
        [LANDLOCK_CACHE] = FS_READ_FILE | FS_READ_DIR | FS_WRITE_FILE | FS_TRUNCATE | FS_MAKE_REG |
                           FS_REMOVE_FILE | FS_MAKE_DIR | FS_REMOVE_DIR | FS_REFER,
        [LANDLOCK_DEVICE] = FS_READ_FILE | FS_WRITE_FILE,
};

struct landlock_handled landlock_handled(int abi)
{
        struct landlock_handled h = { 0, 0, 0 };

        for (size_t i = 0; i < sizeof added / sizeof added[0] && added[i].abi <= abi; i++) {
                h.fs |= added[i].fs;
                h.net |= added[i].net;
                h.scoped |= added[i].scoped;
        }
        return h;
}

uint64_t landlock_rights(enum landlock_use use, bool is_dir, int abi)
{
        return given[use] & landlock_handled(abi).fs & (is_dir ? UINT64_MAX : FS_OF_A_FILE);
}

static int add_place(int ruleset, struct landlock_place *p, int abi, struct err *err)
{
        AUTO_CLOSE int fd = open(p->path, O_PATH | O_CLOEXEC);
        struct path_beneath_attr rule = { .parent_fd = fd };
        struct stat st;

        p->bound = false;
        if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM))
                return err_sys(
                        err, -errno, "%s", p->path); /* left out, it would be "may not be read" later */
        if (fd < 0)
                return 0; /* who opens it later is told */
        if (fstat(fd, &st) < 0)
                return err_sys(err, -errno, "%s", p->path);
        rule.allowed = landlock_rights(p->use, S_ISDIR(st.st_mode), abi);
        if (syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0) < 0)
                return err_sys(err, -errno, "Landlock: a rule for %s", p->path);
        p->bound = true;
        p->dev = st.st_dev;
        p->ino = st.st_ino;
        return 0;
}

int landlock_enter(struct landlock_place *places, size_t n, int *ret_abi, struct err *err)
{
        AUTO_CLOSE int ruleset = -1;
        struct landlock_handled h;
        struct ruleset_attr attr;
        int abi, r;

        abi = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_VERSION);
        if (abi < 0 && errno == EOPNOTSUPP)
                return err_set(err, -EOPNOTSUPP,
                        "the kernel has Landlock switched off: add landlock to lsm= at boot");
        if (abi < 0 && errno == ENOSYS)
                return err_set(err, -ENOSYS, "the kernel has no Landlock: Linux 5.13 or later has");
        if (abi < 0)
                return err_sys(err, -errno, "Landlock");
        h = landlock_handled(abi);
        attr = (struct ruleset_attr) { h.fs, h.net, h.scoped };
        ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
        if (ruleset < 0)
                return err_sys(err, -errno, "Landlock: make a ruleset of ABI %d", abi);
        for (size_t i = 0; i < n; i++) {
                r = add_place(ruleset, &places[i], abi, err);
                if (r < 0)
                        return r;
        }
        if (syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
                return err_sys(err, -errno, "Landlock: restrict this process");
        *ret_abi = abi;
        return 0;
}
