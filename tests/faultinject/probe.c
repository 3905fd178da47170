/* SPDX-License-Identifier: MPL-2.0 */
/* probe -- see probe.h.
 *
 * Each row must be possible for root outside of a sandbox on an ordinary kernel; the test runs it there, too, so that a
 * row that can only fail is found out.  Rows that need a second process make a child, and try on themselves or the keeper
 * where they may not.
 * Locks: none.
 */
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* Each returns 0 or a negative errno. */
typedef int probe_fn(const struct probe_options *o);

static int result(long r)
{
        return r < 0 ? -errno : 0;
}

static int open_path(const char *dir, const char *name, int flags)
{
        AUTO_BUF struct buf path = BUF_INIT;
        int fd, r;

        buf_printf(&path, "%s%s%s", dir, name ? "/" : "", name ? name : "");
        if (buf_error(&path) < 0)
                return -ENOMEM;
        fd = open(path.data, flags | O_CLOEXEC | O_NOCTTY, 0600);
        r = result(fd);
        if (fd < 0)
                return r;
        close(fd);
        if (flags & O_CREAT)
                (void)unlink(path.data);
        return 0;
}

static int shadow(const struct probe_options *o)
{
        (void)o;
        return open_path("/etc/shadow", NULL, O_RDONLY);
}
static int passwd(const struct probe_options *o)
{
        (void)o;
        return open_path("/etc/passwd", NULL, O_RDONLY);
}
static int proc_mem(const struct probe_options *o)
{
        (void)o;
        return open_path("/proc/1/mem", NULL, O_RDONLY);
}
static int own_mem(const struct probe_options *o)
{
        (void)o;
        return open_path("/proc/self/mem", NULL, O_RDWR);
}
static int read_outside(const struct probe_options *o)
{
        return open_path(o->outside, "file", O_RDONLY);
}
static int list_outside(const struct probe_options *o)
{
        return open_path(o->outside, NULL, O_RDONLY | O_DIRECTORY);
}
static int write_outside(const struct probe_options *o)
{
        return open_path(o->outside, "probe", O_WRONLY | O_CREAT);
}
static int truncate_outside(const struct probe_options *o)
{
        AUTO_BUF struct buf path = BUF_INIT;

        buf_printf(&path, "%s/file", o->outside);
        return result(truncate(path.data ? path.data : "", 0));
}
static int write_builds(const struct probe_options *o)
{
        return open_path(o->builds_dir, "probe", O_WRONLY | O_CREAT);
}
static int write_static(const struct probe_options *o)
{
        return o->static_dir ? open_path(o->static_dir, "probe", O_WRONLY | O_CREAT) : 0;
}
static int link_outside(const struct probe_options *o)
{
        AUTO_BUF struct buf from = BUF_INIT;
        AUTO_BUF struct buf to = BUF_INIT;
        int r;

        buf_printf(&from, "%s/file", o->outside);
        buf_printf(&to, "%s/probe", o->cache_dir);
        if (buf_error(&from) < 0 || buf_error(&to) < 0)
                return -ENOMEM;
        r = result(link(from.data, to.data));
        if (r == 0)
                (void)unlink(to.data);
        return r;
}
static int symlink_in_cache(const struct probe_options *o)
{
        AUTO_BUF struct buf to = BUF_INIT;
        int r;

        buf_printf(&to, "%s/probe", o->cache_dir);
        if (buf_error(&to) < 0)
                return -ENOMEM;
        r = result(symlink("/etc/passwd", to.data));
        if (r == 0)
                (void)unlink(to.data);
        return r;
}

static int a_socket(int family, int type)
{
        int fd = socket(family, type | SOCK_CLOEXEC, 0), r = result(fd);

        if (fd >= 0)
                close(fd);
        return r;
}
static int socket_inet(const struct probe_options *o)
{
        (void)o;
        return a_socket(AF_INET, SOCK_STREAM);
}
static int socket_inet6(const struct probe_options *o)
{
        (void)o;
        return a_socket(AF_INET6, SOCK_DGRAM);
}
static int socket_unix(const struct probe_options *o)
{
        (void)o;
        return a_socket(AF_UNIX, SOCK_STREAM);
}
static int socket_netlink(const struct probe_options *o)
{
        (void)o;
        return a_socket(AF_NETLINK, SOCK_RAW);
}
static int socket_packet(const struct probe_options *o)
{
        (void)o;
        return a_socket(AF_PACKET, SOCK_RAW);
}

/* A socket that the worker might have got; made before the sandbox is closed. */
static int ends[2] = { -1, -1 };

void probe_prepare(void)
{
        (void)socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends);
}

/* Our standard input to whoever listens at a path. */
static int send_descriptor(const struct probe_options *o)
{
        struct sockaddr_un to = { .sun_family = AF_UNIX };
        union {
                char room[CMSG_SPACE(sizeof(int))];
                struct cmsghdr align;
        } control = { .align = { .cmsg_len = CMSG_LEN(sizeof(int)),
                              .cmsg_level = SOL_SOCKET,
                              .cmsg_type = SCM_RIGHTS } };
        struct iovec iov = { (char[]) { "x" }, 1 };
        struct msghdr m = { .msg_name = &to,
                .msg_namelen = sizeof to,
                .msg_iov = &iov,
                .msg_iovlen = 1,
                .msg_control = &control,
                .msg_controllen = sizeof control };
        int r;

        memset(CMSG_DATA(&control.align), 0, sizeof(int));
        (void)snprintf(to.sun_path, sizeof to.sun_path, "%s/socket", o->outside);
        r = result(sendmsg(ends[0], &m, MSG_DONTWAIT));
        return r == -ENOENT ? 0 : r; /* we may, and nobody is there */
}

/* Runs @fn in a child; its errno is our answer.  Where there cannot be a child, -EPERM is the answer. */
static int in_child(int (*fn)(void))
{
        int status;
        pid_t pid = fork();

        if (pid < 0)
                return -errno;
        if (pid == 0) {
                int r = fn();

                _exit(r < 0 ? -r : 0);
        }
        if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
                return -ECHILD;
        return -WEXITSTATUS(status);
}

static int nothing(void)
{
        return 0;
}
static int run_true(void)
{
        char name[] = "true", *argv[] = { name, NULL }, *envp[] = { NULL };

        (void)execve("/bin/true", argv, envp);
        return -errno;
}
static int be_traced(void)
{
        return result(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}
static int new_user_namespace(void)
{
        return result(unshare(CLONE_NEWUSER));
}
static int new_mount_namespace(void)
{
        return result(unshare(CLONE_NEWNS));
}

static int start_a_process(const struct probe_options *o)
{
        (void)o;
        return in_child(nothing);
}
/* Where no child can be had, an empty name in our own place: ENOENT says that the call itself was let through. */
static int exec(const struct probe_options *o)
{
        char *none[] = { NULL };
        int r;

        (void)o;
        if (in_child(nothing) == 0)
                return in_child(run_true);
        r = result(execve("", none, none));
        return r == -ENOENT ? 0 : r;
}
static int trace(const struct probe_options *o)
{
        return in_child(nothing) == 0 ? in_child(be_traced)
                                      : result(ptrace(PTRACE_ATTACH, o->keeper, NULL, NULL));
}
static int user_namespace(const struct probe_options *o)
{
        (void)o;
        return in_child(nothing) == 0 ? in_child(new_user_namespace) : result(unshare(CLONE_NEWUSER));
}
static int mount_namespace(const struct probe_options *o)
{
        (void)o;
        return in_child(nothing) == 0 ? in_child(new_mount_namespace) : result(unshare(CLONE_NEWNS));
}

static int a_mount(const struct probe_options *o)
{
        int r = result(mount("none", o->outside, "tmpfs", 0, "size=4k"));

        if (r == 0)
                (void)umount2(o->outside, MNT_DETACH);
        return r;
}
static int become_root(const struct probe_options *o)
{
        (void)o;
        return result(setuid(0));
}
static int signal_keeper(const struct probe_options *o)
{
        return result(kill(o->keeper, 0));
}
static int read_keeper(const struct probe_options *o)
{
        char byte;
        struct iovec local = { &byte, 1 }, remote = { (void *)4096, 1 };
        int r = result(process_vm_readv(o->keeper, &local, 1, &remote, 1, 0));

        return r == -EFAULT ? 0 : r; /* we may, and nothing is there */
}
static int handle(const struct probe_options *o)
{
        struct {
                struct file_handle head;
                char room[128];
        } h = { .head.handle_bytes = 128 };
        int id, fd, r;

        if (name_to_handle_at(AT_FDCWD, o->cache_dir, &h.head, &id, 0) < 0)
                return -errno;
        fd = open(o->cache_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        r = fd < 0 ? -errno : result(open_by_handle_at(fd, &h.head, O_RDONLY | O_CLOEXEC));
        if (fd >= 0)
                close(fd);
        return r;
}
static int bpf_map(const struct probe_options *o)
{
        union bpf_attr attr = {
                .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1
        };
        long fd = syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof attr);
        int r = result(fd);

        (void)o;
        if (fd >= 0)
                close((int)fd);
        return r;
}
static int keyring(const struct probe_options *o)
{
        (void)o;
        return result(syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_PROCESS_KEYRING, 1));
}
static int kexec(const struct probe_options *o)
{
        (void)o;
        return result(syscall(SYS_kexec_load, 0UL, 0UL, NULL, 0UL)); /* unloads what is not loaded */
}
static int io_uring(const struct probe_options *o)
{
        char params[256] = { 0 };
        long fd = syscall(SYS_io_uring_setup, 1, params);
        int r = result(fd);

        (void)o;
        if (fd >= 0)
                close((int)fd);
        return r;
}
static int fault_handler(const struct probe_options *o)
{
        long fd = syscall(SYS_userfaultfd, O_CLOEXEC);
        int r = result(fd);

        (void)o;
        if (fd >= 0)
                close((int)fd);
        return r;
}
static int flags_of_fuse(const struct probe_options *o)
{
        int flags = fcntl(3, F_GETFL); /* takeover/child.h, CHILD_FUSE_FD */

        (void)o;
        return flags < 0 ? -errno : result(fcntl(3, F_SETFL, flags));
}
static int root_directory(const struct probe_options *o)
{
        (void)o;
        return result(chroot("/"));
}
static int executable_memory(const struct probe_options *o)
{
        void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        (void)o;
        if (p == MAP_FAILED)
                return -errno;
        (void)munmap(p, 4096);
        return 0;
}
static int own_mode(const struct probe_options *o)
{
        return result(chmod(o->cache_dir, 0755));
}
static int device_node(const struct probe_options *o)
{
        AUTO_BUF struct buf path = BUF_INIT;
        int r;

        buf_printf(&path, "%s/probe", o->cache_dir);
        if (buf_error(&path) < 0)
                return -ENOMEM;
        r = result(mknod(path.data, S_IFCHR | 0600, makedev(1, 3)));
        if (r == 0)
                (void)unlink(path.data);
        return r;
}
static int work_in_cache(const struct probe_options *o)
{
        return open_path(o->cache_dir, "probe", O_RDWR | O_CREAT);
}
static int work_in_builds(const struct probe_options *o)
{
        return open_path(o->builds_dir, NULL, O_RDONLY | O_DIRECTORY);
}
static int work_beside_inventory(const struct probe_options *o)
{
        AUTO_BUF struct buf path = BUF_INIT;

        if (!o->inventory)
                return 0;
        buf_printf(&path, "%s-probe", o->inventory);
        return buf_error(&path) < 0 ? -ENOMEM : open_path(path.data, NULL, O_RDWR | O_CREAT);
}

static const struct {
        const char *name;
        probe_fn *fn;
} rows[] = {
        /* what the worker needs */
        { "may:write-cache", work_in_cache },
        { "may:list-builds", work_in_builds },
        { "may:write-beside-inventory", work_beside_inventory },
        /* and what it does not */
        { "read:/etc/shadow", shadow },
        { "read:/etc/passwd", passwd },
        { "read:/proc/1/mem", proc_mem },
        { "write:/proc/self/mem", own_mem },
        { "read:outside", read_outside },
        { "list:outside", list_outside },
        { "write:outside", write_outside },
        { "truncate:outside", truncate_outside },
        { "write:builds", write_builds },
        { "write:static", write_static },
        { "link:outside-into-cache", link_outside },
        { "symlink:in-cache", symlink_in_cache },
        { "chmod:cache", own_mode },
        { "mknod:in-cache", device_node },
        { "socket:inet", socket_inet },
        { "socket:inet6", socket_inet6 },
        { "socket:unix", socket_unix },
        { "socket:netlink", socket_netlink },
        { "socket:packet", socket_packet },
        { "sendmsg:descriptor", send_descriptor },
        { "fcntl:flags-of-fuse", flags_of_fuse },
        { "fork", start_a_process },
        { "exec", exec },
        { "ptrace", trace },
        { "unshare:user", user_namespace },
        { "unshare:mount", mount_namespace },
        { "mount", a_mount },
        { "setuid:0", become_root },
        { "kill:keeper", signal_keeper },
        { "process_vm_readv:keeper", read_keeper },
        { "open_by_handle_at", handle },
        { "bpf", bpf_map },
        { "keyctl", keyring },
        { "kexec_load", kexec },
        { "io_uring", io_uring },
        { "userfaultfd", fault_handler },
        { "chroot", root_directory },
        { "mmap:executable", executable_memory },
};

void probe(const struct probe_options *opts, struct buf *out)
{
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                int r = rows[i].fn(opts);

                buf_printf(out, "%s %s\n", rows[i].name, r == 0 ? "done" : strerrorname_np(-r));
        }
}
