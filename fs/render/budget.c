/* SPDX-License-Identifier: MPL-2.0 */
/* budget -- the loader's limits, from its source.
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

static const struct budget_limits limits[] = {
        [LOADER_STOCK] = { "stock iPXE", 512, 8 },
        [LOADER_TRITON] = { "Triton's iPXE", 4096, 16 },
};

const struct budget_limits *budget_limits(enum loader_kind loader)
{
        return &limits[loader == LOADER_TRITON ? LOADER_TRITON
                                               : LOADER_STOCK]; /* a row may hold any number */
}

size_t budget_line(size_t url_bytes, size_t args_bytes)
{
        return url_bytes + (args_bytes ? 1 + args_bytes : 0) + 1;
}
