/* SPDX-License-Identifier: MPL-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <linux/fuse.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "takeover/request.h"

/* A request of @opcode that says it has @len bytes, of which @have are there; @arg behind the header. */
static enum request_verdict judge(
        uint32_t opcode, uint32_t len, size_t have, const void *arg, size_t arg_len, int *e)
{
        struct fuse_in_header h = { .len = len, .opcode = opcode, .unique = 2, .nodeid = 1 };
        unsigned char *exact = malloc(have ? have : 1), all[512] = { 0 };
        enum request_verdict v;
        size_t out;

        memset(all, 'x', sizeof all);
        memcpy(all, &h, sizeof h);
        if (arg)
                memcpy(all + sizeof h, arg, arg_len);
        memcpy(exact, all, have); /* a byte too many is seen by the sanitizer */
        v = request_judge(exact, have, &out, e);
        if (v == REQUEST_FIT)
                assert_int_equal(out, len);
        free(exact);
        return v;
}

#define H sizeof(struct fuse_in_header)

static void what_the_kernel_sends_fits(void **state)
{
        static const struct fuse_read_in read = { .size = 131072, .offset = UINT64_C(1) << 62 };
        static const struct {
                uint32_t opcode;
                size_t arg;
                const void *bytes;
        } v[] = {
                { FUSE_LOOKUP, 10, "menu.ipxe" },
                { FUSE_LOOKUP, 1, "" },
                { FUSE_GETATTR, sizeof(struct fuse_getattr_in), NULL },
                { FUSE_READLINK, 0, NULL },
                { FUSE_OPEN, sizeof(struct fuse_open_in), NULL },
                { FUSE_READ, sizeof read, &read },
                { FUSE_STATFS, 0, NULL },
                { FUSE_OPENDIR, sizeof(struct fuse_open_in), NULL },
                { FUSE_READDIR, sizeof read, &read },
                { FUSE_RELEASEDIR, sizeof(struct fuse_release_in), NULL },
                { FUSE_INIT, sizeof(struct fuse_init_in), NULL },
        };
        int e;

        (void)state;
        for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
                uint32_t len = (uint32_t)(H + v[i].arg);

                assert_int_equal(judge(v[i].opcode, len, len, v[i].bytes, v[i].arg, &e), REQUEST_FIT);
                assert_int_equal(judge(v[i].opcode, len, len + 64, v[i].bytes, v[i].arg, &e), REQUEST_FIT);
        }
}

/* The bytes of a page are the processor's to say; as many pages as libfuse agrees on. */
static long page_bytes = 4096;
__typeof__(sysconf) __wrap_sysconf;

long __wrap_sysconf(int name)
{
        (void)name;
        return page_bytes;
}

static void a_read_is_as_long_as_256_pages(void **state)
{
        struct fuse_read_in in = { .size = 0 };
        int e;

        (void)state;
        for (page_bytes = 4096; page_bytes <= 65536; page_bytes *= 4) {
                in.size = 256 * (uint32_t)page_bytes;
                assert_int_equal(judge(FUSE_READ, H + 40, H + 40, &in, sizeof in, &e), REQUEST_FIT);
                in.size++;
                assert_int_equal(judge(FUSE_READ, H + 40, H + 40, &in, sizeof in, &e), REQUEST_UNFIT);
        }
        page_bytes = 4096;
}

static void what_would_be_read_beyond_its_end_does_not(void **state)
{
        static const struct fuse_read_in big = { .size = (1 << 20) + 1 };
        static const struct {
                const char *name;
                uint32_t opcode, len;
                size_t have;
                const void *bytes;
                size_t n;
        } v[] = {
                { "READ without its argument", FUSE_READ, H, H, NULL, 0 },
                { "READ with half of it", FUSE_READ, H + 20, H + 20, NULL, 0 },
                { "READ that is longer than what is there", FUSE_READ, H + 40, H + 39, NULL, 0 },
                { "READ of more than the kernel asks for", FUSE_READ, H + 40, H + 40, &big, sizeof big },
                { "READDIR into more", FUSE_READDIR, H + 40, H + 40, &big, sizeof big },
                { "a name without an end", FUSE_LOOKUP, H + 4, H + 4, "name", 4 },
                { "a name that ends behind the request", FUSE_LOOKUP, H + 4, H + 5, "name\0", 5 },
                { "no name at all", FUSE_LOOKUP, H, H, NULL, 0 },
                { "longer than the slot", FUSE_LOOKUP, UINT32_MAX, H + 8, "name\0", 5 },
                { "shorter than its header", FUSE_READLINK, H - 1, H, NULL, 0 },
                { "length 0", FUSE_STATFS, 0, H, NULL, 0 },
                { "GETATTR without its argument", FUSE_GETATTR, H, H, NULL, 0 },
        };
        int e;

        (void)state;
        for (size_t i = 0; i < sizeof v / sizeof v[0]; i++)
                if (judge(v[i].opcode, v[i].len, v[i].have, v[i].bytes, v[i].n, &e) != REQUEST_UNFIT ||
                        e != EIO)
                        fail_msg("%s is taken", v[i].name);
}

static void what_a_read_only_mount_does_not_have_is_enosys(void **state)
{
        static const uint32_t v[] = { FUSE_WRITE, FUSE_SETATTR, FUSE_IOCTL, FUSE_SETXATTR, FUSE_LSEEK,
                FUSE_RENAME2, 0, 7, 4096, UINT32_MAX };
        int e;

        (void)state;
        for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
                assert_int_equal(judge(v[i], H, H, NULL, 0, &e), REQUEST_UNFIT);
                assert_int_equal(e, ENOSYS);
        }
}

static void what_nobody_waits_for_is_left(void **state)
{
        static const uint32_t v[] = { FUSE_FORGET, FUSE_BATCH_FORGET, FUSE_INTERRUPT, FUSE_DESTROY };
        int e;

        (void)state;
        for (size_t i = 0; i < sizeof v / sizeof v[0]; i++)
                assert_int_equal(judge(v[i], H + 16, H + 16, NULL, 0, &e), REQUEST_SILENT);
        for (size_t have = 0; have < H; have++)
                assert_int_equal(judge(FUSE_STATFS, H, have, NULL, 0, &e), REQUEST_SILENT);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_read_is_as_long_as_256_pages),
                cmocka_unit_test(what_the_kernel_sends_fits),
                cmocka_unit_test(what_would_be_read_beyond_its_end_does_not),
                cmocka_unit_test(what_a_read_only_mount_does_not_have_is_enosys),
                cmocka_unit_test(what_nobody_waits_for_is_left),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
