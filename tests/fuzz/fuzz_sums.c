/* SPDX-License-Identifier: MPL-2.0 */
/* fuzz_sums -- any bytes as a sums file: lines taken have plain names and whole digests, and say of themselves that they
 * match; written out again they are read the same. */
#include <ctype.h>
#include <string.h>

#include "catalog/sums.h"
#include "fuzz.h"

/* A name that needs coreutils' escapes. */
static void put_name(struct buf *b, const char *name)
{
        for (; *name; name++)
                if (*name == '\n')
                        buf_puts(b, "\\n");
                else if (*name == '\r')
                        buf_puts(b, "\\r");
                else if (*name == '\\')
                        buf_puts(b, "\\\\");
                else
                        buf_add(b, name, 1);
}

static void check(const struct sums *s)
{
        const struct sums_file *f = &s->files[0];
        AUTO_BUF struct buf b = BUF_INIT;
        struct sums_file again = { 0 };

        for (size_t i = 0; i < f->n; i++) {
                const struct sums_line *l = &f->v[i];
                enum sums_kind found;

                FUZZ_CHECK(*l->name && !strchr(l->name, '/') && strlen(l->name) <= 255);
                FUZZ_CHECK(strlen(l->hex) == (l->kind == SUMS_SHA256 ? 64 : 32));
                for (const char *p = l->hex; *p; p++)
                        FUZZ_CHECK(isxdigit((unsigned char)*p) && !isupper((unsigned char)*p));
                FUZZ_CHECK(i == 0 || strcmp(l->name, f->v[i - 1].name) > 0 ||
                           (strcmp(l->name, f->v[i - 1].name) == 0 && l->number > f->v[i - 1].number));
                FUZZ_CHECK(sums_find(s, l->name, &found) && found <= l->kind);
                FUZZ_CHECK(sums_judge(s, l->name, l->kind, "no digest", NULL) < 0);
                buf_printf(&b, "\\%s *", l->hex);
                put_name(&b, l->name);
                buf_puts(&b, "\r\n");
        }
        FUZZ_CHECK(b.len == 0 ||
                   (sums_parse(b.data, b.len, &again) == 0 && again.n == f->n && again.n_bad == 0));
        for (size_t i = 0; i < f->n; i++)
                FUZZ_CHECK(strcmp(again.v[i].name, f->v[i].name) == 0 &&
                           strcmp(again.v[i].hex, f->v[i].hex) == 0);
        sums_file_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct sums s = { 0 };
        AUTO_BUF struct buf b = BUF_INIT;

        FUZZ_CHECK(sums_parse((const char *)data, size, &s.files[0]) == 0);
        check(&s);
        sums_complain(&s, &b);
        FUZZ_CHECK((b.len > 0) == (s.files[0].n_bad + s.files[0].n_other > 0));
        sums_fini(&s);
        return 0;
}
