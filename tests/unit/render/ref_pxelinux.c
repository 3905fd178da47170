/* SPDX-License-Identifier: MPL-2.0 */
/* ref_pxelinux -- PXELINUX' rules, each with the file of syslinux 6.04 it is from:
 *
 *   com32/elflink/ldlinux/readconfig.c  lines of at most 4095 bytes, what is beyond is the next line; leading blanks
 *                                       are skipped, a directive is a word of any case; a label's name is one word;
 *                                       "append -" is an empty one; say is printed at once
 *   com32/elflink/ldlinux/ldlinux.c     of two labels of one name the first counts; what the first word of the
 *                                       command ends in says what it is
 *   com32/elflink/ldlinux/execute.c     a command of 2048 bytes or more is not run
 *   core/elflink/load_env32.c           words at isspace(), which a byte above 127 may or may not be: an error here
 *   com32/mboot/mboot.c                 options, then files; a word "---" begins the next file; words are joined by
 *                                       one blank
 */
#include "ref_pxelinux.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void complain(struct ref_pxelinux *x, const char *what, const char *line)
{
        buf_printf(&x->errors, "%s: %s\n", what, line);
}

static char *skip(char *s)
{
        while (*s && (unsigned char)*s <= ' ')
                s++;
        return s;
}

/* The rest of the line if it begins with the word @name. */
static char *directive(char *line, const char *name)
{
        size_t n = strlen(name);

        return strncasecmp(line, name, n) == 0 && (unsigned char)line[n] <= ' ' ? line + n : NULL;
}

static void replace(char **s, const char *value)
{
        free(*s);
        *s = strdup(value);
}

static void begin_label(struct ref_pxelinux *x, char *rest)
{
        struct ref_pxelinux_label *l;

        rest = skip(rest);
        rest[strcspn(rest, " \t")] = '\0';
        if (x->n_labels == REF_PXELINUX_LABELS) {
                complain(x, "too many labels", rest);
                return;
        }
        for (size_t i = 0; i < x->n_labels; i++)
                if (strcmp(x->labels[i].name, rest) == 0)
                        complain(x, "a second label", rest);
        l = &x->labels[x->n_labels++];
        l->name = strdup(rest);
        l->kernel = strdup(rest);
}

static void read_line(struct ref_pxelinux *x, char *line)
{
        struct ref_pxelinux_label *l = x->n_labels ? &x->labels[x->n_labels - 1] : NULL;
        char *rest;

        line[strcspn(line, "\r")] = '\0';
        line[strcspn(line, "\n")] = '\0';
        line = skip(line);
        if (!*line || *line == '#')
                return;
        if ((rest = directive(line, "label"))) {
                begin_label(x, rest);
        } else if ((rest = directive(line, "default"))) {
                replace(&x->default_label, skip(rest));
        } else if ((rest = directive(line, "prompt"))) {
                x->prompt = atoi(skip(rest));
        } else if ((rest = directive(line, "timeout"))) {
                x->timeout_decisec = atoi(skip(rest));
        } else if ((rest = directive(line, "say"))) {
                buf_printf(&x->screen, "%s\n", *rest ? rest + 1 : "");
        } else if (directive(line, "serial")) {
                ;
        } else if (l && (rest = directive(line, "kernel"))) {
                replace(&l->kernel, skip(rest));
        } else if (l && (rest = directive(line, "append"))) {
                replace(&l->append, skip(rest));
        } else if (l && directive(line, "localboot")) {
                l->local = true;
        } else {
                complain(x, "unknown directive", line);
        }
}

void ref_pxelinux_read(struct ref_pxelinux *x, const char *text, size_t len)
{
        memset(x, 0, sizeof *x);
        if (memchr(text, '\0', len))
                complain(x, "NUL", "");
        for (size_t i = 0; i < len;) {
                char line[4096];
                size_t n = 0;

                while (i < len && n < sizeof line - 1) {
                        line[n++] = text[i++];
                        if (line[n - 1] == '\n')
                                break;
                }
                line[n] = '\0';
                if (n == sizeof line - 1 && line[n - 1] != '\n')
                        complain(x, "a line of more than 4095 bytes", "");
                read_line(x, line);
        }
}

void ref_pxelinux_fini(struct ref_pxelinux *x)
{
        for (size_t i = 0; i < x->n_labels; i++) {
                free(x->labels[i].name);
                free(x->labels[i].kernel);
                free(x->labels[i].append);
        }
        free(x->default_label);
        buf_fini(&x->screen);
        buf_fini(&x->errors);
}

static bool ends_in(const char *word, const char *suffix)
{
        size_t n = strlen(word), m = strlen(suffix);

        return n >= m && strcmp(word + n - m, suffix) == 0;
}

/* mboot.c32 with these words. */
static void mboot(struct ref_pxelinux *x, char **words, size_t n, struct ref_boot *ret)
{
        bool aout = false, first = true;
        size_t i = 1;

        for (; i < n && (strcmp(words[i], "-aout") == 0 || strcmp(words[i], "-solaris") == 0 ||
                                strncmp(words[i], "-no", 3) == 0);
                i++)
                aout = aout || strcmp(words[i], "-aout") == 0;
        if (!aout)
                complain(x, "without -aout dboot misses its first page", i < n ? words[i] : "");
        while (i < n) {
                AUTO_BUF struct buf line = BUF_INIT;

                for (size_t start = i; i < n && strcmp(words[i], "---") != 0; i++) {
                        buf_puts(&line, i > start ? " " : "");
                        buf_puts(&line, words[i]);
                }
                if (i < n)
                        i++;
                if (first)
                        ret->kernel_line = buf_take(&line, NULL);
                else if (ret->n_modules < REF_BOOT_MODULES)
                        ret->module_lines[ret->n_modules++] = buf_take(&line, NULL);
                first = false;
        }
        ret->how = first ? REF_BOOT_FAILS : REF_BOOT_KERNEL;
}

static void execute(struct ref_pxelinux *x, const char *command, struct ref_boot *ret)
{
        char *copy = strdup(command), *words[1024];
        size_t n = 0;

        if (strlen(command) >= 2048) {
                complain(x, "cmdline too long", "");
                free(copy);
                return;
        }
        for (const char *s = command; *s; s++)
                if ((unsigned char)*s > 127)
                        complain(x, "a byte above 127 may be a blank", command);
        for (char *s = skip(copy); *s && n < 1024; s = skip(s)) {
                words[n++] = s;
                while ((unsigned char)*s > ' ')
                        s++;
                if (*s)
                        *s++ = '\0';
        }
        if (n && ends_in(words[0], "mboot.c32"))
                mboot(x, words, n, ret);
        else if (n && ends_in(words[0], ".0"))
                ret->how = REF_BOOT_AGAIN;
        else
                complain(x, "what is this kernel", command);
        free(copy);
}

void ref_pxelinux_boot(struct ref_pxelinux *x, const char *label, struct ref_boot *ret)
{
        memset(ret, 0, sizeof *ret);
        if (!label)
                label = x->default_label;
        if (!label) {
                complain(x, "no default", "");
                return;
        }
        for (size_t i = 0; i < x->n_labels; i++) {
                const struct ref_pxelinux_label *l = &x->labels[i];
                AUTO_BUF struct buf command = BUF_INIT;

                if (strcmp(l->name, label) != 0)
                        continue;
                if (l->local) {
                        ret->how = REF_BOOT_LOCAL;
                        return;
                }
                buf_puts(&command, l->kernel);
                if (l->append && strcmp(l->append, "-") != 0 && l->append[0]) {
                        buf_puts(&command, " ");
                        buf_puts(&command, l->append);
                }
                execute(x, command.data, ret);
                return;
        }
        complain(x, "no such label", label);
}
