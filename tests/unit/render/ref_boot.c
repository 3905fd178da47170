/* SPDX-License-Identifier: MPL-2.0 */
/* ref_boot -- see ref_boot.h. */
#include "ref_boot.h"

#include <stdlib.h>
#include <string.h>

void ref_boot_fini(struct ref_boot *b)
{
        free(b->kernel_line);
        for (size_t i = 0; i < b->n_modules; i++)
                free(b->module_lines[i]);
        memset(b, 0, sizeof *b);
}
