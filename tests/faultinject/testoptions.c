/* SPDX-License-Identifier: MPL-2.0 */
/* testoptions -- see testoptions.h.
 *
 * The linker puts __wrap_F in the place of F for whoever calls it from another file (ld(1), --wrap), and __real_F is F.
 */
#include "testoptions.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

__typeof__(options_parse) __real_options_parse, __wrap_options_parse;
__typeof__(options_argv) __real_options_argv, __wrap_options_argv;

struct test_options test_options;
const struct options *real_options;
static char words[4096]; /* as they were written, each behind a comma */

static const struct {
        const char *name;
        enum { FLAG, NUMBER, TEXT } type;
        size_t offset;
} rows[] = {
        { "test_nosandbox", FLAG, offsetof(struct test_options, no_sandbox) },
        { "test_nolandlock", FLAG, offsetof(struct test_options, no_landlock) },
        { "test_noseccomp", FLAG, offsetof(struct test_options, no_seccomp) },
        { "test_no_replay", FLAG, offsetof(struct test_options, no_replay) },
        { "test_hostile", FLAG, offsetof(struct test_options, hostile) },
        { "test_probe", TEXT, offsetof(struct test_options, probe) },
        { "test_crash", TEXT, offsetof(struct test_options, crash) },
        { "test_object_bits", NUMBER, offsetof(struct test_options, object_bits) },
        { "test_hash_bits", NUMBER, offsetof(struct test_options, hash_bits) },
        { "test_pages", NUMBER, offsetof(struct test_options, pages) },
        { "test_threads", NUMBER, offsetof(struct test_options, threads) },
};

static int set(char *word, struct err *err)
{
        char *value = strchr(word, '=');

        if (value)
                *value++ = '\0';
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                void *field = (char *)&test_options + rows[i].offset;

                if (strcmp(rows[i].name, word) != 0 || (rows[i].type == FLAG) != !value)
                        continue;
                if (rows[i].type == FLAG)
                        *(bool *)field = true;
                else if (rows[i].type == NUMBER)
                        *(unsigned *)field = (unsigned)strtoul(value, NULL, 10);
                else
                        *(char **)field = strdup(value); /* for as long as the program runs */
                return 0;
        }
        return err_set(err, -EINVAL, "-o %s: there is no such test option, or not of this form", word);
}

/* Takes the words test_... out of @list, in its place.  An empty word that is left is none. */
static int take(char *list, struct err *err)
{
        char *in = list, *out = list;
        bool more = true;
        int r = 0;

        for (size_t n; more && r == 0; in += n + 1) {
                for (n = 0; in[n] && in[n] != ',';)
                        n += in[n] == '\\' && in[n + 1] ? 2 : 1;
                more = in[n] == ',';
                in[n] = '\0';
                if (strncmp(in, "test_", 5) == 0) {
                        if (strlen(words) + n + 2 > sizeof words)
                                return err_set(err, -E2BIG, "-o test_...: too long");
                        (void)strcat(strcat(words, ","), in);
                        r = set(in, err);
                } else {
                        if (out > list)
                                *out++ = ',';
                        memmove(out, in, n);
                        out += n;
                }
        }
        if (out == list && *list) /* "-o" alone would take the next word for its own */
                *out++ = ',';
        *out = '\0';
        return r;
}

int __wrap_options_parse(int argc, char **argv, struct options *ret, struct err *err)
{
        int taken = 0, r;

        for (int i = 1; i < argc && taken == 0 && strcmp(argv[i], "--") != 0; i++)
                if (strncmp(argv[i], "-o", 2) == 0 && argv[i][2])
                        taken = take(argv[i] + 2, err);
                else if (strcmp(argv[i], "-o") == 0 && i + 1 < argc)
                        taken = take(argv[++i], err);
        r = __real_options_parse(argc, argv, ret, taken < 0 ? NULL : err);
        real_options = ret;
        return taken < 0 ? taken : r;
}

char **__wrap_options_argv(const struct options *o, const char *name)
{
        char **v = __real_options_argv(o, name);

        for (char **p = v; p && *p; p++)
                if (strcmp(*p, "-o") == 0) {
                        struct buf b = BUF_INIT;

                        buf_printf(&b, "%s%s", p[1], words);
                        free(p[1]);
                        p[1] = buf_take(&b, NULL);
                        break;
                }
        return v;
}
