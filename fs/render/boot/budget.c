/* SPDX-License-Identifier: MPL-2.0
 * PXELINUX 6.04 (syslinux com32/elflink/ldlinux): execute() refuses a command of MAX_CMDLINE_LEN (2048) bytes or
 * more ("cmdline too long"); the command is the label's kernel, a blank and its append.  A configuration's line
 * has room for 4095 (readconfig.c, MAX_LINE), so the command's limit comes first.  The words are split by
 * isspace(), whose table knows ISO 8859-1 and is asked with a signed char (core/elflink/load_env32.c,
 * create_args_and_load): what a byte above 127 does depends on what stands in front of the table in memory.
 *
 * GRUB 0.97 (illumos-gate usr/src/grub/grub-0.97/stage2): get_line_from_config() keeps NEW_HEAPSIZE (1500) bytes of
 * a line and drops the rest without a word.  kernel$ and module$ replace ${name}, $ISADIR and $ZFS-BOOTFS
 * (expand.c, expand_string); any other $ stands for itself, so "$5$salt$hash" passes.  dboot takes 99 modules.
 */
/* budget -- the loaders' limits, from their sources.
 *
 * iPXE src/arch/x86/image/multiboot.c: MB_MAX_CMDLINE is the size of mb_cmdlines[], MAX_MODULES that of
 * mbmodules[]. multiboot_add_cmdline() writes format_uri(image->uri), then snprintf " %s" of the arguments,
 * and leaves one NUL behind each line; the next begins after it.  The URL is the resolved one, since
 * imgdownload() makes it absolute before the image exists (src/usr/imgmgmt.c).  So a line costs strlen(url) +
 * 1 + strlen(args) + 1, and exactly MB_MAX_CMDLINE bytes still fit.  Triton's fork has 4096 and 16, and stops
 * with a message.
 *
 * Tried with Debian's iPXE 1.0.0+git-20190125: at 512 bytes all is whole; at 513 the last module's line ends
 * in "name=ramdis", so the hash belongs to nothing, is not checked, and the boot goes on as if all were well.
 */
#include "budget.h"

#include <string.h>

static const struct budget_limits ipxe_limits[] = {
        [LOADER_STOCK] = { "stock iPXE", 512, 8, BUDGET_SUM },
        [LOADER_TRITON] = { "Triton's iPXE", 4096, 16, BUDGET_SUM },
};

static const struct budget_limits other_limits[] = {
        [DIALECT_PXELINUX] = { "PXELINUX", 2047, 99, BUDGET_COMMAND },
        [DIALECT_GRUB] = { "pxegrub", 1500, 99, BUDGET_LINE },
        [DIALECT_GRUB_DOLLAR] = { "pxegrub", 1500, 99, BUDGET_LINE },
};

const struct budget_limits *budget_limits(enum dialect dialect, enum loader_kind loader)
{
        if (dialect != DIALECT_IPXE)
                return &other_limits[dialect];
        return &ipxe_limits[loader == LOADER_TRITON ? LOADER_TRITON
                                                    : LOADER_STOCK]; /* a row may hold any number */
}

/* What only some loaders cannot carry.  A rule that holds for all is in token.c. */
static const struct {
        enum dialect dialect;
        const char *text; /* NULL: any byte above 127 */
        const char *reason;
} refusals[] = {
        { DIALECT_PXELINUX, NULL, "it holds a byte above 127, where PXELINUX may or may not see a blank" },
        { DIALECT_GRUB_DOLLAR, "$ISADIR", "it holds $ISADIR, which kernel$ replaces" },
        { DIALECT_GRUB_DOLLAR, "$ZFS-BOOTFS", "it holds $ZFS-BOOTFS, which kernel$ replaces" },
};

static bool has_high_byte(const char *s)
{
        for (; *s; s++)
                if ((unsigned char)*s > 127)
                        return true;
        return false;
}

const char *dialect_refuse_value(enum dialect dialect, const char *value)
{
        for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
                if (refusals[i].dialect != dialect)
                        continue;
                if (refusals[i].text ? strstr(value, refusals[i].text) != NULL : has_high_byte(value))
                        return refusals[i].reason;
        }
        return NULL;
}

size_t budget_line(size_t url_bytes, size_t args_bytes)
{
        return url_bytes + (args_bytes ? 1 + args_bytes : 0) + 1;
}
