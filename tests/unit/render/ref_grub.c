/* SPDX-License-Identifier: MPL-2.0 */
/* ref_grub -- GRUB's rules, each with the file of illumos-gate usr/src/grub/grub-0.97/stage2 it is from:
 *
 *   stage2.c    get_line_from_config: CR vanishes, a tab is a blank, '\' and the line's end are a blank, leading
 *               blanks and lines that begin with '#' are passed over, at most 1500 bytes are kept;
 *               cmain: lines before the first title are run, the others belong to their title
 *   cmdline.c   find_command: a name ends at a blank or '='; skip_to: the argument begins behind blanks and '='
 *   builtins.c  kernel and module take their argument as it is; a boot follows by itself
 *   expand.c    kernel$ and module$: ${name} (unknown: an error), $ISADIR; in 1600 bytes
 */
#include "ref_grub.h"

#include <stdlib.h>
#include <string.h>

#define KEPT_BYTES     1500 /* NEW_HEAPSIZE */
#define EXPANDED_BYTES 1600 /* MAX_CMDLINE */

static void complain(struct ref_grub *x, const char *what, const char *line)
{
        buf_printf(&x->errors, "%s: %s\n", what, line);
}

/* The next line with something in it, or NULL at the end. */
static char *next_line(struct ref_grub *x, const char *text, size_t len, size_t *at)
{
        AUTO_BUF struct buf line = BUF_INIT;
        bool literal = false, comment = false;

        while (*at < len) {
                char c = text[(*at)++];

                if (c == '\r')
                        continue;
                if (c == '\t')
                        c = ' ';
                if (literal && c == '\n') {
                        complain(x, "a line is joined", line.data ? line.data : "");
                        c = ' ';
                }
                literal = c == '\\' && !literal;
                if (comment) {
                        comment = c != '\n';
                } else if (line.len == 0) {
                        comment = c == '#';
                        if (!comment && c != ' ' && c != '\n')
                                buf_add(&line, &c, 1);
                } else if (c == '\n') {
                        break;
                } else if (line.len < KEPT_BYTES) {
                        buf_add(&line, &c, 1);
                } else {
                        complain(x, "a line is cut", line.data);
                }
        }
        return line.len ? buf_take(&line, NULL) : NULL;
}

static bool is_command(const char *line, const char *name)
{
        size_t n = strcspn(line, " =");

        return strlen(name) == n && strncmp(line, name, n) == 0;
}

static const char *argument(const char *line)
{
        line += strcspn(line, " =");
        return line + strspn(line, " =");
}

static void set_variable(struct ref_grub *x, const char *arg)
{
        size_t n = strcspn(arg, " ");
        const char *value = arg + n + strspn(arg + n, " ");

        if (n >= sizeof x->variable || strlen(value) >= sizeof x->value) {
                complain(x, "the variable does not fit", arg);
                return;
        }
        memcpy(x->variable, arg, n);
        strcpy(x->value, value);
}

static void run_global(struct ref_grub *x, const char *line)
{
        if (is_command(line, "default"))
                x->default_entry = atoi(argument(line));
        else if (is_command(line, "timeout"))
                x->timeout_sec = atoi(argument(line));
        else if (is_command(line, "variable"))
                set_variable(x, argument(line));
        else if (!is_command(line, "min_mem64") && !is_command(line, "serial") &&
                 !is_command(line, "terminal"))
                complain(x, "unknown command", line);
}

static const char *const entry_commands[] = { "kernel", "kernel$", "module", "module$", "pause", "reboot",
        "rootnoverify", "chainloader" };

void ref_grub_read(struct ref_grub *x, const char *text, size_t len)
{
        struct ref_grub_entry *e = NULL;
        size_t at = 0;
        char *line;

        memset(x, 0, sizeof *x);
        x->timeout_sec = -1;
        if (memchr(text, '\0', len))
                complain(x, "NUL", "");
        while ((line = next_line(x, text, len, &at))) {
                bool known = false;

                if (is_command(line, "title")) {
                        if (e && e->n_commands == 0)
                                complain(x, "an entry without commands is none", e->title);
                        if (x->n_entries == REF_GRUB_ENTRIES) {
                                complain(x, "too many entries", line);
                                free(line);
                                return;
                        }
                        e = &x->entries[x->n_entries++];
                        e->title = strdup(argument(line));
                        free(line);
                        continue;
                }
                if (!e) {
                        run_global(x, line);
                        free(line);
                        continue;
                }
                for (size_t i = 0; i < sizeof entry_commands / sizeof entry_commands[0]; i++)
                        known = known || is_command(line, entry_commands[i]);
                if (!known || e->n_commands == REF_GRUB_COMMANDS) {
                        complain(x, "unknown command, or too many", line);
                        free(line);
                        continue;
                }
                e->commands[e->n_commands++] = line;
        }
        if (!e || e->n_commands == 0)
                complain(x, "the last entry has no commands", "");
        if (x->default_entry < 0 || (size_t)x->default_entry >= x->n_entries)
                complain(x, "the default is no entry", "");
}

void ref_grub_fini(struct ref_grub *x)
{
        for (size_t i = 0; i < x->n_entries; i++) {
                free(x->entries[i].title);
                for (size_t k = 0; k < x->entries[i].n_commands; k++)
                        free(x->entries[i].commands[k]);
        }
        buf_fini(&x->errors);
}

static char *expand(struct ref_grub *x, const char *s)
{
        AUTO_BUF struct buf out = BUF_INIT;

        while (*s) {
                size_t n = strlen(x->variable);

                if (strncmp(s, "$ISADIR", 7) == 0) {
                        buf_puts(&out, "amd64");
                        s += 7;
                } else if (strncmp(s, "${", 2) == 0 && strchr(s, '}')) {
                        if (n == 0 || strncmp(s + 2, x->variable, n) != 0 || s[2 + n] != '}')
                                complain(x, "no such variable", s);
                        buf_puts(&out, x->value);
                        s = strchr(s, '}') + 1;
                } else {
                        buf_add(&out, s++, 1);
                }
        }
        if (out.len >= EXPANDED_BYTES)
                complain(x, "the expanded line does not fit", "");
        return buf_take(&out, NULL);
}

void ref_grub_boot(struct ref_grub *x, size_t i, struct ref_boot *ret)
{
        const struct ref_grub_entry *e = &x->entries[i];

        memset(ret, 0, sizeof *ret);
        for (size_t k = 0; k < e->n_commands; k++) {
                const char *c = e->commands[k], *arg = argument(c);

                if (is_command(c, "pause"))
                        return;
                if (is_command(c, "reboot"))
                        ret->how = REF_BOOT_AGAIN;
                else if (is_command(c, "chainloader"))
                        ret->how = REF_BOOT_LOCAL;
                else if (is_command(c, "kernel") || is_command(c, "kernel$"))
                        ret->kernel_line = c[6] == '$' ? expand(x, arg) : strdup(arg);
                else if ((is_command(c, "module") || is_command(c, "module$")) &&
                         ret->n_modules < REF_BOOT_MODULES)
                        ret->module_lines[ret->n_modules++] = c[6] == '$' ? expand(x, arg) : strdup(arg);
        }
        if (ret->kernel_line)
                ret->how = REF_BOOT_KERNEL;
}
