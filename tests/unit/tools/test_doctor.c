/* SPDX-License-Identifier: MPL-2.0 */
/* What the doctor thinks of facts: each table row is one fact changed in a machine where all is well. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "doctor.h"

static const struct doctor_facts well = {
        .mountpoint = "/tftpboot",
        .root = true,
        .fuse_known = true,
        .mounted = true,
        .allow_other = true,
        .read_only = true,
        .answers = TOUCH_OK,
        .keeper = 100,
        .worker = 101,
        .worker_uid = 990,
        .worker_user = "pxefs",
        .worker_no_caps = true,
        .worker_no_new_privs = true,
        .worker_seccomp = 2,
        .landlock_abi = 4,
        .worker_nofile = 65536,
        .unit = "pxefs.service",
        .kernel_major = 6,
        .kernel_minor = 1,
        .max_pages_limit = DOCTOR_UNKNOWN,
        .default_request_timeout = DOCTOR_UNKNOWN,
        .max_request_timeout = DOCTOR_UNKNOWN,
        .inotify_watches = 65536,
        .inotify_instances = 128,
        .now_sec = 1800000000,
        .inventory = "/var/lib/pxefs/inventory.db",
        .inventory_uid = 990,
        .inventory_dir_uid = 990,
        .inventory_mode = 0640,
        .inventory_wal = 'y',
        .inventory_version = 2,
        .known_version = 2,
        .cache = "/var/cache/pxefs",
        .cache_uid = 990,
        .cache_free_bytes = INT64_C(1) << 36,
        .builds = "/srv/builds",
        .builds_read = TOUCH_OK,
        .static_absent = 0,
        .servers = { { .program = "in.tftpd",
                .pid = 200,
                .uid = 101,
                .user = "tftp",
                .sees_mount = true,
                .reads = TOUCH_OK } },
        .n_servers = 1,
};

struct heard {
        unsigned n, warned, failed;
        struct doctor_finding last; /* that was not ok */
};

static void hear(void *ctx, const struct doctor_finding *f)
{
        struct heard *h = ctx;

        h->n++;
        assert_true(f->text[0] && !strchr(f->text, '\n') && !strchr(f->mend, '\n'));
        if (f->level == DOCTOR_OK) {
                assert_string_equal(f->mend, "");
                return;
        }
        h->warned += f->level == DOCTOR_WARN;
        h->failed += f->level == DOCTOR_FAIL;
        h->last = *f;
}

static struct heard judge(const struct doctor_facts *f)
{
        struct heard h = { .n = 0 };

        doctor_judge(f, hear, &h);
        return h;
}

static void nothing_is_found_where_all_is_well(void **state)
{
        struct heard h = judge(&well);

        (void)state;
        assert_int_equal(h.warned + h.failed, 0);
        assert_true(h.n >= 18);
}

/* Each changes one thing. */
#define CASE(name, change)                                                                                   \
        static void name(struct doctor_facts *f)                                                             \
        {                                                                                                    \
                change;                                                                                      \
        }
CASE(no_device, f->dev_fuse_errno = ENOENT)
CASE(no_module, (f->dev_fuse_errno = ENODEV, f->fuse_known = false))
CASE(device_denied, f->dev_fuse_errno = EPERM)
CASE(not_mounted, f->mounted = false)
CASE(hangs, f->answers = TOUCH_HANGS)
CASE(dead, (f->answers = TOUCH_ERROR, f->answers_errno = ENOTCONN))
CASE(broken, (f->answers = TOUCH_ERROR, f->answers_errno = EIO))
CASE(no_allow_other, f->allow_other = false)
CASE(writable, f->read_only = false)
CASE(hidden_by_the_unit, f->keeper_own_namespace = true)
CASE(hidden_without_a_unit, (f->keeper_own_namespace = true, f->unit[0] = '\0'))
CASE(worker_is_root, (f->worker_uid = 0, f->inventory_uid = f->inventory_dir_uid = f->cache_uid = 0))
CASE(worker_has_caps, f->worker_no_caps = false)
CASE(worker_may_gain, f->worker_no_new_privs = false)
CASE(no_worker, f->worker = 0)
CASE(no_seccomp,
        (f->worker_seccomp = 0, strcpy(f->seccomp_missing, "this pxefs was built without libseccomp")))
CASE(strict_seccomp, f->worker_seccomp = 1)
CASE(no_landlock, (f->landlock_abi = 0, strcpy(f->landlock_missing, "the kernel has no Landlock")))
CASE(landlock_unknown, f->landlock_abi = DOCTOR_UNKNOWN)
CASE(few_files, f->worker_nofile = 1024)
CASE(no_server, f->n_servers = 0)
CASE(server_blind, f->servers[0].sees_mount = false)
CASE(server_blind_in_its_unit, (f->servers[0].sees_mount = false, f->servers[0].own_namespace = true))
CASE(server_denied, (f->servers[0].reads = TOUCH_ERROR, f->servers[0].reads_errno = EACCES))
CASE(server_waits, f->servers[0].reads = TOUCH_HANGS)
CASE(server_not_tried, f->servers[0].reads = TOUCH_NOT_TRIED)
CASE(server_confined, strcpy(f->servers[0].confined, "AppArmor profile /usr/sbin/dnsmasq"))
CASE(builds_denied, (f->builds_read = TOUCH_ERROR, f->builds_errno = EACCES))
CASE(builds_hang, f->builds_read = TOUCH_HANGS)
CASE(static_absent, (f->static_absent = 1, strcpy(f->static_absent_first, "/srv/x: it leads into the mount")))
CASE(static_absents,
        (f->static_absent = 2, strcpy(f->static_absent_first, "/srv/x: it leads into the mount")))
CASE(cache_gone, f->cache_errno = ENOENT)
CASE(cache_of_another, f->cache_uid = 0)
CASE(cache_on_nfs, strcpy(f->cache_fs, "NFS"))
CASE(cache_full, f->cache_free_bytes = 1000)
CASE(no_inventory, f->inventory[0] = '\0')
CASE(inventory_gone, f->inventory_errno = ENOENT)
CASE(inventory_is_a_link, strcpy(f->inventory_link, "/srv/a.db"))
CASE(inventory_of_another, f->inventory_uid = 0)
CASE(inventory_dir_of_another, f->inventory_dir_uid = 0)
CASE(inventory_writable, f->inventory_mode = 0666)
CASE(inventory_readable, f->inventory_mode = 0644)
CASE(inventory_damaged, strcpy(f->inventory_broken, "damaged: row 3 missing from index"))
CASE(inventory_newer, f->inventory_version = 3)
CASE(inventory_older, f->inventory_version = 1)
CASE(inventory_unversioned, f->inventory_version = 0)
CASE(inventory_rollback, f->inventory_wal = 'n')
CASE(inventory_on_nfs, strcpy(f->inventory_fs, "NFS"))
CASE(old_kernel, (f->kernel_major = 5, f->kernel_minor = 9))
CASE(small_requests, f->max_pages_limit = 32)
CASE(timeout_long, f->default_request_timeout = 600)
CASE(timeout_short, f->default_request_timeout = 10)
CASE(timeout_capped, (f->default_request_timeout = 600, f->max_request_timeout = 20))
CASE(few_watches, f->inotify_watches = 8)
CASE(few_instances, f->inotify_instances = 1)
CASE(clock_of_1970, f->now_sec = 86400)

static const struct {
        void (*change)(struct doctor_facts *f);
        enum doctor_level level;
        const char *check, *text, *mend;
} cases[] = {
        { no_device, DOCTOR_FAIL, "device", "/dev/fuse: No such file", "modprobe fuse" },
        { no_module, DOCTOR_FAIL, "device", "the kernel has no fuse yet", "modprobe fuse" },
        { device_denied, DOCTOR_FAIL, "device", "not permitted", "DeviceAllow=" },
        { not_mounted, DOCTOR_FAIL, "mount", "no pxefs is mounted on /tftpboot",
                "pxefs BUILDS_DIR /tftpboot" },
        { hangs, DOCTOR_FAIL, "mount", "does not answer", "umount -l /tftpboot" },
        { dead, DOCTOR_FAIL, "mount", "is dead", "start pxefs again" },
        { broken, DOCTOR_FAIL, "mount", "menu.ipxe: Input/output error", "status.json" },
        { no_allow_other, DOCTOR_FAIL, "access", "allow_other is not", "umount /tftpboot" },
        { writable, DOCTOR_FAIL, "access", "not read-only", "umount" },
        { hidden_by_the_unit, DOCTOR_FAIL, "namespace", "pxefs.service gives pxefs a mount namespace",
                "systemctl edit pxefs.service: take PrivateTmp=" },
        { hidden_without_a_unit, DOCTOR_WARN, "namespace", "another mount namespace", "from the host" },
        { worker_is_root, DOCTOR_FAIL, "rights", "is root", "-o user=pxefs" },
        { worker_has_caps, DOCTOR_FAIL, "rights", "has capabilities", "as root" },
        { worker_may_gain, DOCTOR_FAIL, "rights", "no_new_privs", "as root" },
        { no_worker, DOCTOR_WARN, "rights", "was not found", "sudo pxectl doctor" },
        { no_seccomp, DOCTOR_WARN, "seccomp", "not filtered: this pxefs was built without libseccomp",
                "libseccomp-dev" },
        { strict_seccomp, DOCTOR_WARN, "seccomp", "not filtered", "libseccomp-dev" },
        { no_landlock, DOCTOR_WARN, "landlock", "whatever its user can: the kernel has no Landlock", "lsm=" },
        { landlock_unknown, DOCTOR_WARN, "landlock", "could not be learned",
                "cat /tftpboot/.pxefs/status.json" },
        { few_files, DOCTOR_WARN, "nofile", "1024 files", "LimitNOFILE=65536" },
        { no_server, DOCTOR_WARN, "servers", "no TFTP or HTTP server", "after the mount" },
        { server_blind, DOCTOR_FAIL, "servers", "in.tftpd (process 200) does not see the mount",
                "restart in.tftpd" },
        { server_blind_in_its_unit, DOCTOR_FAIL, "servers", "mount namespace from before",
                "RequiresMountsFor=/tftpboot" },
        { server_denied, DOCTOR_FAIL, "servers", "user tftp) cannot read the mount: Permission denied",
                "chmod o+x" },
        { server_waits, DOCTOR_FAIL, "servers", "no answer", "see above" },
        { server_not_tried, DOCTOR_WARN, "servers", "was not tried", "sudo" },
        { server_confined, DOCTOR_WARN, "servers", "AppArmor profile /usr/sbin/dnsmasq", "/tftpboot/**" },
        { builds_denied, DOCTOR_FAIL, "builds", "user pxefs: Permission denied", "chmod o+rx /srv/builds" },
        { builds_hang, DOCTOR_FAIL, "builds", "does not answer", "file server" },
        { static_absent, DOCTOR_FAIL, "static", "1 name in static= is not shown: /srv/x: it leads",
                "the reason" },
        { static_absents, DOCTOR_FAIL, "static",
                "2 names in static= are not shown: first /srv/x:", "the reason" },
        { cache_gone, DOCTOR_WARN, "cache", "is not there", "-c" },
        { cache_of_another, DOCTOR_FAIL, "cache", "does not belong to pxefs",
                "chown -R pxefs: /var/cache/pxefs" },
        { cache_on_nfs, DOCTOR_FAIL, "cache", "is on NFS", "cache=" },
        { cache_full, DOCTOR_WARN, "cache", "0 MiB are free", "make room" },
        { no_inventory, DOCTOR_WARN, "inventory", "default menu", "pxectl init" },
        { inventory_gone, DOCTOR_FAIL, "inventory", "is not there",
                "pxectl -i /var/lib/pxefs/inventory.db init" },
        { inventory_is_a_link, DOCTOR_FAIL, "inventory", "is a symbolic link", "name the file itself, /srv/a.db" },
        { inventory_of_another, DOCTOR_WARN, "inventory", "it does not belong to pxefs",
                "chown pxefs: /var/lib/pxefs /var/lib/pxefs/inventory.db*" },
        { inventory_dir_of_another, DOCTOR_WARN, "inventory", "its directory does not belong",
                "chown pxefs: /var/lib/pxefs " },
        { inventory_writable, DOCTOR_FAIL, "inventory", "everybody may write", "chmod o-w" },
        { inventory_readable, DOCTOR_WARN, "inventory", "may read the password hashes", "chmod o-r" },
        { inventory_damaged, DOCTOR_FAIL, "inventory-content", "row 3 missing", ".restore" },
        { inventory_newer, DOCTOR_FAIL, "inventory-content", "has schema 3, and this pxefs knows 2",
                "newer pxefs" },
        { inventory_unversioned, DOCTOR_FAIL, "inventory-content", "no schema version", "migrate" },
        { inventory_older, DOCTOR_WARN, "inventory-content", "is of schema 1: it is served", "db migrate" },
        { inventory_rollback, DOCTOR_WARN, "inventory-content", "no WAL database", "journal_mode = WAL" },
        { inventory_on_nfs, DOCTOR_FAIL, "inventory-place", "is on NFS", "local disk" },
        { old_kernel, DOCTOR_WARN, "kernel", "Linux 5.9", "6.1" },
        { small_requests, DOCTOR_WARN, "kernel", "max_pages_limit is 32", "sysctl" },
        { timeout_long, DOCTOR_WARN, "timeouts", "600 s", "default_request_timeout=0" },
        { timeout_short, DOCTOR_FAIL, "timeouts", "10 s", "default_request_timeout=0" },
        { timeout_capped, DOCTOR_FAIL, "timeouts", "20 s", "max_request_timeout=0" },
        { few_watches, DOCTOR_WARN, "inotify", "8 inotify watches", "max_user_watches" },
        { few_instances, DOCTOR_WARN, "inotify", "1 instances", "max_user_instances" },
        { clock_of_1970, DOCTOR_WARN, "clock", "before 2024", "set-ntp" },
};

static void one_fault_is_one_finding_with_its_way_out(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                struct doctor_facts f = well;
                struct heard h;

                cases[i].change(&f);
                h = judge(&f);
                if (h.warned + h.failed != 1 || h.last.level != cases[i].level ||
                        strcmp(h.last.check, cases[i].check) != 0 || !strstr(h.last.text, cases[i].text) ||
                        !strstr(h.last.mend, cases[i].mend))
                        fail_msg("case %zu (%s): %u findings, the last: %s: %s -> %s", i, cases[i].text,
                                h.warned + h.failed, h.last.check ? h.last.check : "-", h.last.text,
                                h.last.mend);
        }
}

static void without_root_what_cannot_be_seen_is_a_warning(void **state)
{
        struct doctor_facts f = well;
        struct heard h;

        (void)state;
        f.root = false;
        f.dev_fuse_errno = EACCES;
        f.inventory_errno = EACCES;
        h = judge(&f);
        assert_int_equal(h.failed, 0);
        assert_int_equal(h.warned, 2);
}

static void each_server_is_judged_by_itself(void **state)
{
        struct doctor_facts f = well;
        struct heard h;

        (void)state;
        f.n_servers = 3;
        f.servers[1] = f.servers[2] = f.servers[0];
        f.servers[0].sees_mount = false;
        f.servers[2].reads = TOUCH_ERROR;
        f.servers[2].reads_errno = EACCES;
        h = judge(&f);
        assert_int_equal(h.failed, 2);
}

static void a_path_of_any_length_is_told_whole(void **state)
{
        static struct doctor_facts f;
        static struct heard h;

        (void)state;
        f = well;
        memset(f.inventory, 'x', PATH_MAX - 1);
        f.inventory[0] = '/';
        f.inventory[PATH_MAX / 2] = '/';
        f.inventory_uid = 0;
        h = judge(&f);
        assert_non_null(strstr(h.last.mend, f.inventory));
        assert_int_equal(h.last.mend[strlen(h.last.mend) - 1], '*');
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(nothing_is_found_where_all_is_well),
                cmocka_unit_test(one_fault_is_one_finding_with_its_way_out),
                cmocka_unit_test(without_root_what_cannot_be_seen_is_a_warning),
                cmocka_unit_test(each_server_is_judged_by_itself),
                cmocka_unit_test(a_path_of_any_length_is_told_whole),
        };

        return cmocka_run_group_tests_name("doctor", tests, NULL, NULL);
}
