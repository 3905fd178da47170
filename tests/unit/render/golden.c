/* SPDX-License-Identifier: MPL-2.0 */
/* golden -- see golden.h. */
#include "golden.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void golden_compare(const char *name, const char *suffix, const struct buf *text)
{
        char path[512], *whole;
        size_t n;
        FILE *file;

        (void)snprintf(path, sizeof path, "%s/%s%s", GOLDEN_DIR, name, suffix);
        if (getenv("PXEFS_GOLDEN_WRITE")) {
                file = fopen(path, "w");
                assert_non_null(file);
                assert_int_equal(fwrite(text->data, 1, text->len, file), text->len);
                assert_int_equal(fclose(file), 0);
                return;
        }
        file = fopen(path, "r");
        if (!file)
                print_message("%s is not there: see the first comment of this test\n", path);
        assert_non_null(file);
        whole = calloc(1, text->len + 2);
        assert_non_null(whole);
        n = fread(whole, 1, text->len + 1, file);
        (void)fclose(file);
        if (n != text->len || memcmp(whole, text->data, n) != 0)
                print_message("%s differs; now it is:\n%s", path, text->data);
        assert_int_equal(n, text->len);
        assert_memory_equal(whole, text->data, n);
        free(whole);
}
