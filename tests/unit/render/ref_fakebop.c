/* SPDX-License-Identifier: MPL-2.0 */
/* ref_fakebop -- the kernel's rules, one after the other:
 *
 *   1. Leading blanks are skipped; the first word is boot-file, and whoami is it from its first "/platform/"
 *   on.
 *   2. A blank, '-' and 'B' begin a group; any other character goes to boot-args.
 *   3. In a group a name reaches to the next '=', whatever stands between; none: the group ends.
 *   4. A value that starts with a quote runs over everything to the same quote, then on to a comma or blank
 *      like any other.
 *   5. An empty value is "true".  A value whose first and last characters are the same quote loses both.
 *   6. Commas after a value are skipped; a blank ends the group.
 */
#include "ref_fakebop.h"

#include <stdlib.h>
#include <string.h>

#define PAGE_BYTES 4096

static bool is_blank(char c)
{
        return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

static void add_prop(struct fakebop *k, const char *name, size_t name_len, const char *value, size_t len)
{
        if (k->n == FAKEBOP_MAX_PROPS || len + 1 > PAGE_BYTES) {
                k->overrun = true;
                return;
        }
        k->props[k->n].name = strndup(name, name_len);
        k->props[k->n].value = strndup(value, len);
        k->n++;
}

static size_t value_length(const char *v)
{
        size_t i = 0;

        if (v[0] == '\'' || v[0] == '"') {
                const char *end = strchr(v + 1, v[0]);

                if (!end)
                        return strlen(v);
                i = (size_t)(end - v) + 1;
        }
        while (v[i] && v[i] != ',' && !is_blank(v[i]))
                i++;
        return i;
}

static const char *parse_group(struct fakebop *k, const char *name)
{
        while (is_blank(*name))
                name++;
        while (*name && !is_blank(*name)) {
                const char *value = strchr(name, '=');
                size_t len;

                if (!value)
                        break;
                value++;
                len = value_length(value);
                if (len == 0)
                        add_prop(k, name, (size_t)(value - 1 - name), "true", 4);
                else if (len >= 2 && value[0] == value[len - 1] && (value[0] == '\'' || value[0] == '"'))
                        add_prop(k, name, (size_t)(value - 1 - name), value + 1, len - 2);
                else
                        add_prop(k, name, (size_t)(value - 1 - name), value, len);
                name = value + len;
                while (*name == ',')
                        name++;
        }
        return name;
}

void fakebop_parse(const char *line, struct fakebop *ret)
{
        size_t n = 0, args = 0;

        memset(ret, 0, sizeof *ret);
        while (is_blank(*line))
                line++;
        while (line[n] && !is_blank(line[n]))
                n++;
        ret->boot_file = strndup(line, n);
        ret->whoami = strdup(
                strstr(ret->boot_file, "/platform/") ? strstr(ret->boot_file, "/platform/") : ret->boot_file);
        ret->boot_args = calloc(1, strlen(line) + 1);
        for (const char *s = line + n; *s;) {
                if (is_blank(s[0]) && s[1] == '-' && s[2] == 'B') {
                        const char *end = parse_group(ret, s + 3);

                        if (*end &&
                                !is_blank(*end)) { /* a word without '=': the kernel goes on as boot-args */
                                ret->boot_args[args++] = *end++;
                        }
                        s = end;
                } else {
                        ret->boot_args[args++] = *s++;
                }
        }
}

void fakebop_fini(struct fakebop *k)
{
        free(k->boot_file);
        free(k->whoami);
        free(k->boot_args);
        for (size_t i = 0; i < k->n; i++) {
                free(k->props[i].name);
                free(k->props[i].value);
        }
        memset(k, 0, sizeof *k);
}

const char *fakebop_value(const struct fakebop *k, const char *name)
{
        for (size_t i = k->n; i-- > 0;)
                if (strcmp(k->props[i].name, name) == 0)
                        return k->props[i].value;
        return NULL;
}

size_t fakebop_count(const struct fakebop *k, const char *name)
{
        size_t n = 0;

        for (size_t i = 0; i < k->n; i++)
                n += strcmp(k->props[i].name, name) == 0;
        return n;
}

bool fakebop_has_flag(const struct fakebop *k, const char *words)
{
        size_t len = strlen(words);

        for (const char *s = k->boot_args; (s = strstr(s, words)); s++)
                if ((s == k->boot_args || s[-1] == ' ') && (s[len] == ' ' || s[len] == '\0'))
                        return true;
        return false;
}

/* The next word of @s, its length in *ret_len; NULL at the end. */
static const char *next_word(const char *s, size_t *ret_len)
{
        while (is_blank(*s))
                s++;
        for (*ret_len = 0; s[*ret_len] && !is_blank(s[*ret_len]);)
                ++*ret_len;
        return *ret_len ? s : NULL;
}

bool fakebop_reads_all_flags(const struct fakebop *k)
{
        size_t len;

        for (const char *w = k->boot_args; (w = next_word(w, &len)); w += len) {
                size_t takes = strcspn(w, "imO");

                if (w[0] != '-' || len < 2)
                        return false;
                if (takes + 1 != len)
                        continue; /* none of them, or the rest of this word is what it takes */
                w = next_word(w + len, &len);
                if (!w || w[0] == '-')
                        return false;
        }
        return true;
}

bool fakebop_early_console_agrees(const struct fakebop *k)
{
        size_t len;

        for (const char *w = k->boot_args; (w = next_word(w, &len)); w += len)
                if (w[0] == '-' && memchr(w, 'B', len))
                        return false;
        return true;
}
