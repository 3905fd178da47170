/* SPDX-License-Identifier: MPL-2.0 */
/* ref_ipxe -- iPXE's rules, each with the file it is from:
 *
 *   src/image/script.c     lines end at LF, a CR before it is dropped, a final '\' joins; blanks, then ':'
 *                          make a label; the script ends at the first line that fails, or at a stop
 *   src/core/exec.c        words at blanks; '#' at a word's start ends the line; "||", "&&", ";" end a
 *                          command; then ${} is expanded in each word; arguments are joined with one blank;
 *                          an empty command succeeds
 *   src/core/settings.c    the last "${" before the first "}" is replaced, again and again; unknown: empty
 *   src/core/getopt.c      options stand before the first other word; "--" ends them
 *   src/net/netdev_settings.c
 *                          netX is the open card, nothing while there is none; unnamed settings are looked for in netX
 *                          first, then from net0 on
 *   src/hci/commands/ifmgmt_cmd.c
 *                          dhcp stops at the first card that is answered, and closes the others
 *   src/net/ipv4.c         without an open card nothing can be fetched
 *   src/usr/imgmgmt.c      URLs are resolved against the script's; an image of that name is taken first
 *   src/arch/x86/image/multiboot.c
 *                          every other image is a module; URL, blank, arguments, NUL, in one array, cut
 */
#include "ref_ipxe.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_WORDS 1024
#define MAX_LINES 10000

static bool is_space(char c)
{
        return c == ' ' || c == '\f' || c == '\n' || c == '\r' || c == '\t' || c == '\v';
}

__attribute__((format(printf, 2, 3))) static void complain(struct buf *errors, const char *fmt, ...)
{
        char text[512];
        va_list ap;

        va_start(ap, fmt);
        (void)vsnprintf(text, sizeof text, fmt, ap);
        va_end(ap);
        buf_puts(errors, text);
        buf_puts(errors, "\n");
}

size_t ref_ipxe_split(const char *line, char **words, size_t max, char **copy)
{
        size_t n = 0;

        *copy = strdup(line);
        for (char *s = *copy;;) {
                while (is_space(*s))
                        *s++ = '\0';
                if (!*s || n == max)
                        return n;
                words[n++] = s;
                while (*s && !is_space(*s))
                        s++;
        }
}

/* ---- settings ------------------------------------------------------------------------------------------ */

static void set_var(struct ref_ipxe *x, const char *name, const char *value)
{
        for (size_t i = 0; i < x->n_vars; i++)
                if (strcmp(x->vars[i].name, name) == 0) {
                        free(x->vars[i].value);
                        x->vars[i].value = strdup(value);
                        return;
                }
        if (x->n_vars == REF_MAX_VARS) {
                complain(&x->errors, "more than %d settings", REF_MAX_VARS);
                return;
        }
        x->vars[x->n_vars].name = strdup(name);
        x->vars[x->n_vars++].value = strdup(value);
}

/* "net1" is 1, "netX" the open one, -1 if there is no such card; @rest is what stands behind it. */
static int card_by_name(const struct ref_ipxe *x, const char *name, const char **rest)
{
        char *end;
        long i;

        if (strncmp(name, "netX", 4) == 0) {
                *rest = name + 4;
                return x->open;
        }
        i = strtol(name + 3, &end, 10);
        *rest = end;
        return strncmp(name, "net", 3) == 0 && end != name + 3 && (size_t)i < x->n_cards ? (int)i : -1;
}

static const char *card_setting(const struct ref_ipxe *x, const char *name)
{
        const char *rest;
        int i = card_by_name(x, name, &rest);

        if (i < 0)
                return "";
        if (strcmp(rest, "/mac") == 0)
                return x->cards[i].mac;
        return strcmp(rest, "/ip") == 0 && x->cards[i].ip ? x->cards[i].ip : "";
}

static const char *get_var(const struct ref_ipxe *x, const char *name)
{
        if (strcmp(name, "mac:hexhyp") == 0)
                return x->cards[x->open < 0 ? 0 : x->open].mac;
        if (strncmp(name, "net", 3) == 0 && strchr(name, '/'))
                return card_setting(x, name);
        for (size_t i = 0; i < x->n_vars; i++)
                if (strcmp(x->vars[i].name, name) == 0)
                        return x->vars[i].value;
        return "";
}

static char *expand(const struct ref_ipxe *x, const char *word)
{
        char *s = strdup(word);

        for (;;) {
                char *start = NULL, *end = NULL, *next = NULL;

                for (char *c = s; *c && !end; c++) {
                        if (c[0] == '$' && c[1] == '{')
                                start = c;
                        if (start && c[0] == '}')
                                end = c;
                }
                if (!end)
                        return s;
                *start = *end = '\0';
                if (asprintf(&next, "%s%s%s", s, get_var(x, start + 2), end + 1) < 0)
                        abort();
                free(s);
                s = next;
        }
}

/* ---- URLs and images ----------------------------------------------------------------------------------- */

static char *resolve(const char *base, const char *url)
{
        AUTO_BUF struct buf out = BUF_INIT;
        const char *host_end, *dir_end;

        if (strstr(url, "://"))
                return strdup(url);
        host_end = strstr(base, "://") ? strchr(strstr(base, "://") + 3, '/') : strchr(base, '/');
        if (!host_end)
                host_end = base + strlen(base);
        dir_end = strrchr(base, '/') ? strrchr(base, '/') + 1 : base;
        if (url[0] == '/')
                dir_end = host_end;
        buf_add(&out, base, (size_t)(dir_end - base));
        while (strncmp(url, "../", 3) == 0 || strncmp(url, "./", 2) == 0) {
                bool up = url[1] == '.';

                url += up ? 3 : 2;
                if (up && out.len > (size_t)(host_end - base) + 1) {
                        out.len--;
                        while (out.data[out.len - 1] != '/')
                                out.len--;
                        out.data[out.len] = '\0';
                }
        }
        buf_puts(&out, url);
        return buf_take(&out, NULL);
}

static void free_images(struct ref_ipxe *x)
{
        for (size_t i = 0; i < x->n_images; i++) {
                free(x->images[i].url);
                free(x->images[i].args);
        }
        x->n_images = 0;
        x->selected = -1;
}

/* Index of the new image, or -1. */
static int fetch(struct ref_ipxe *x, const char *url, char *args)
{
        char *whole = resolve(x->url, url);

        if (x->open < 0 || (x->failing && strstr(whole, x->failing))) {
                free(whole);
                free(args);
                return -1;
        }
        if (x->n_images == REF_MAX_IMAGES) {
                complain(&x->errors, "more than %d images", REF_MAX_IMAGES);
                free(whole);
                free(args);
                return -1;
        }
        x->images[x->n_images].url = whole;
        x->images[x->n_images].args = args;
        return (int)x->n_images++;
}

static char *add_cmdline(struct ref_ipxe *x, size_t i, size_t limit)
{
        char *line = NULL;
        size_t used = x->cmdline_bytes < limit ? x->cmdline_bytes : limit;

        if (asprintf(&line, x->images[i].args ? "%s %s" : "%s%s", x->images[i].url,
                    x->images[i].args ? x->images[i].args : "") < 0)
                abort();
        x->cmdline_bytes += strlen(line) + 1;
        if (strlen(line) + 1 > limit - used)
                line[limit - used > 0 ? limit - used - 1 : 0] = '\0';
        return line;
}

static int boot(struct ref_ipxe *x)
{
        size_t limit = x->max_cmdline ? x->max_cmdline : 512, modules = x->max_modules ? x->max_modules : 8;

        if (x->selected < 0) {
                complain(&x->errors, "boot without a kernel");
                return -1;
        }
        if (x->failing && strcmp(x->failing, "boot") == 0)
                return -1;
        x->kernel_line = add_cmdline(x, (size_t)x->selected, limit);
        for (size_t i = 0; i < x->n_images; i++)
                if ((int)i != x->selected && x->n_modules < modules)
                        x->module_lines[x->n_modules++] = add_cmdline(x, i, limit);
        x->outcome = REF_BOOTED;
        x->stop_command = x->stop_script = true;
        return 0;
}

/* ---- commands: one row each; nothing else is allowed --------------------------------------------------- */

struct call {
        const char *options[8]; /* "--key", ... */
        const char *values[8];
        size_t n_options;
        char **args; /* after the options */
        size_t n;
};

static char *concat(char **args, size_t n)
{
        AUTO_BUF struct buf out = BUF_INIT;

        for (size_t i = 0; i < n; i++) {
                buf_puts(&out, i ? " " : "");
                buf_puts(&out, args[i]);
        }
        return buf_take(&out, NULL);
}

static const char *option(const struct call *c, const char *name)
{
        for (size_t i = 0; i < c->n_options; i++)
                if (strcmp(c->options[i], name) == 0)
                        return c->values[i] ? c->values[i] : "";
        return NULL;
}

static int show(struct ref_ipxe *x, const struct call *c, size_t from)
{
        char *text = concat(c->args + from, c->n > from ? c->n - from : 0);

        buf_puts(&x->screen, text);
        buf_puts(&x->screen, "\n");
        free(text);
        return 0;
}

static int do_set(struct ref_ipxe *x, const struct call *c)
{
        char *text = concat(c->args + 1, c->n - 1), *type = strchr(c->args[0], ':');

        if (type && strcmp(type, ":int32") == 0)
                *type = '\0';
        set_var(x, c->args[0], text);
        free(text);
        return 0;
}

static int do_inc(struct ref_ipxe *x, const struct call *c)
{
        char text[24];

        (void)snprintf(text, sizeof text, "%ld", strtol(get_var(x, c->args[0]), NULL, 10) + 1);
        set_var(x, c->args[0], text);
        return 0;
}

static int do_ifopen(struct ref_ipxe *x, const struct call *c)
{
        const char *rest;
        int i = card_by_name(x, c->args[0], &rest);

        if (i < 0 || *rest || x->cards[i].broken)
                return -1;
        x->open = i;
        return 0;
}

static int do_dhcp(struct ref_ipxe *x, const struct call *c)
{
        (void)c;
        for (size_t i = 0; i < x->n_cards; i++) {
                x->open = -1; /* the one before was closed */
                x->n_dhcp++;
                if (x->cards[i].answered && !x->cards[i].broken) {
                        x->cards[i].ip = "10.99.99.211";
                        x->open = (int)i;
                        return 0;
                }
        }
        return -1;
}

static int do_echo(struct ref_ipxe *x, const struct call *c)
{
        return show(x, c, 0);
}

static int do_item(struct ref_ipxe *x, const struct call *c)
{
        return show(x, c, option(c, "--gap") ? 0 : 1);
}

static int do_choose(struct ref_ipxe *x, const struct call *c)
{
        free(x->timeout);
        free(x->chosen_default);
        x->timeout = strdup(option(c, "--timeout") ? option(c, "--timeout") : "");
        x->chosen_default = strdup(option(c, "--default") ? option(c, "--default") : "");
        if (!x->choice) {
                x->outcome = REF_MENU;
                x->stop_command = x->stop_script = true;
                return 0;
        }
        set_var(x, c->args[0], x->choice);
        x->choice = NULL;
        return 0;
}

static const char *next_line(const char *script, size_t len, size_t *offset, char **ret);

static int do_goto(struct ref_ipxe *x, const struct call *c)
{
        for (size_t offset = 0; offset < x->len;) {
                size_t start = offset;
                char *line = NULL;
                const char *label = next_line(x->script, x->len, &offset, &line);
                bool found = label && strcmp(label, c->args[0]) == 0;

                free(line);
                if (found) {
                        x->offset = start;
                        x->stop_command = true;
                        return 0;
                }
        }
        complain(&x->errors, "goto %s: no such label", c->args[0]);
        return -1;
}

static int do_isset(struct ref_ipxe *x, const struct call *c)
{
        (void)x;
        return c->args[0][0] ? 0 : -1;
}

static int do_iseq(struct ref_ipxe *x, const struct call *c)
{
        (void)x;
        return strcmp(c->args[0], c->args[1]) == 0 ? 0 : -1;
}

static int do_imgfree(struct ref_ipxe *x, const struct call *c)
{
        (void)c;
        free_images(x);
        return 0;
}

static int do_kernel(struct ref_ipxe *x, const struct call *c)
{
        int i = fetch(x, c->args[0], c->n > 1 ? concat(c->args + 1, c->n - 1) : NULL);

        if (i < 0)
                return -1;
        x->selected = i;
        return 0;
}

static int do_module(struct ref_ipxe *x, const struct call *c)
{
        return fetch(x, c->args[0], c->n > 1 ? concat(c->args + 1, c->n - 1) : NULL) < 0 ? -1 : 0;
}

static int do_boot(struct ref_ipxe *x, const struct call *c)
{
        (void)c;
        return boot(x);
}

static int do_chain(struct ref_ipxe *x, const struct call *c)
{
        size_t len = strlen(c->args[0]);
        bool binary = len > 4 && strcmp(c->args[0] + len - 4, ".efi") == 0;

        if ((!binary && !option(c, "--replace")) || !option(c, "--autofree"))
                complain(&x->errors, "chain without --replace --autofree");
        if (x->n_images)
                complain(&x->errors, "chain with images still there");
        if (fetch(x, c->args[0], NULL) < 0)
                return -1;
        x->chained = strdup(x->images[0].url);
        x->outcome = REF_CHAINED;
        x->stop_command = x->stop_script = true;
        return 0;
}

static int stop_with(struct ref_ipxe *x, enum ref_outcome outcome)
{
        x->outcome = outcome;
        x->stop_command = x->stop_script = true;
        return 0;
}

static int do_exit(struct ref_ipxe *x, const struct call *c)
{
        x->exit_code = c->n ? (int)strtol(c->args[0], NULL, 0) : 0;
        return stop_with(x, REF_EXIT);
}

static int do_sanboot(struct ref_ipxe *x, const struct call *c)
{
        if (c->n) {
                x->chained = resolve(x->url, c->args[0]);
                return x->failing && strstr(x->chained, x->failing) ? -1 : stop_with(x, REF_SANBOOT);
        }
        return x->no_disk ? -1 : stop_with(x, REF_SANBOOT);
}

static int do_shell(struct ref_ipxe *x, const struct call *c)
{
        (void)c;
        return x->leave_shell ? 0 : stop_with(x, REF_SHELL);
}

static int do_reboot(struct ref_ipxe *x, const struct call *c)
{
        (void)c;
        return stop_with(x, REF_REBOOT);
}

static int do_prompt(struct ref_ipxe *x, const struct call *c)
{
        (void)show(x, c, 0);
        return x->key_pressed ? 0 : -1;
}

static int do_sleep(struct ref_ipxe *x, const struct call *c)
{
        (void)x;
        (void)c;
        return 0;
}

/* Options ending in '=' take a word.  All of them are in iPXE of 2019. */
static const struct command {
        const char *name;
        const char *options[6];
        size_t min, max;
        int (*run)(struct ref_ipxe *x, const struct call *c);
} commands[] = {
        { "boot", { NULL }, 0, 0, do_boot },
        { "chain", { "--replace", "--autofree" }, 1, 1, do_chain },
        { "choose", { "--default=", "--timeout=" }, 1, 1, do_choose },
        { "dhcp", { NULL }, 0, 0, do_dhcp },
        { "echo", { NULL }, 0, MAX_WORDS, do_echo },
        { "exit", { NULL }, 0, 1, do_exit },
        { "goto", { NULL }, 1, 1, do_goto },
        { "ifopen", { NULL }, 1, 1, do_ifopen },
        { "imgfree", { NULL }, 0, 0, do_imgfree },
        { "inc", { NULL }, 1, 1, do_inc },
        { "initrd", { NULL }, 1, MAX_WORDS, do_module },
        { "iseq", { NULL }, 2, 2, do_iseq },
        { "isset", { NULL }, 1, 1, do_isset },
        { "item", { "--gap", "--key=" }, 0, MAX_WORDS, do_item },
        { "kernel", { NULL }, 1, MAX_WORDS, do_kernel },
        { "menu", { NULL }, 0, MAX_WORDS, do_echo },
        { "module", { NULL }, 1, MAX_WORDS, do_module },
        { "prompt", { "--timeout=" }, 0, MAX_WORDS, do_prompt },
        { "reboot", { NULL }, 0, 0, do_reboot },
        { "sanboot", { "--no-describe", "--drive=" }, 0, 1, do_sanboot },
        { "set", { NULL }, 1, MAX_WORDS, do_set },
        { "shell", { NULL }, 0, 0, do_shell },
        { "sleep", { NULL }, 1, 1, do_sleep },
};

static const struct command *command_by_name(const char *name)
{
        for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
                if (strcmp(commands[i].name, name) == 0)
                        return &commands[i];
        return NULL;
}

static bool known_option(const struct command *cmd, const char *word, bool *ret_takes_word)
{
        size_t len = strlen(word);

        for (size_t i = 0; i < 6 && cmd->options[i]; i++) {
                const char *o = cmd->options[i];

                if (strncmp(o, word, len) == 0 && (o[len] == '\0' || strcmp(o + len, "=") == 0)) {
                        *ret_takes_word = o[len] == '=';
                        return true;
                }
        }
        return false;
}

static bool parse_call(const struct command *cmd, char **words, size_t n, struct call *c, struct buf *errors)
{
        size_t i = 1;

        memset(c, 0, sizeof *c);
        for (; i < n && words[i][0] == '-'; i++) {
                bool takes_word = false;

                if (strcmp(words[i], "--") == 0) {
                        i++;
                        break;
                }
                if (!known_option(cmd, words[i], &takes_word) || c->n_options == 8 ||
                        (takes_word && i + 1 == n)) {
                        complain(errors, "%s: bad option %s", cmd->name, words[i]);
                        return false;
                }
                c->options[c->n_options] = words[i];
                c->values[c->n_options++] = takes_word ? words[++i] : NULL;
        }
        c->args = words + i;
        c->n = n - i;
        if (c->n < cmd->min || c->n > cmd->max) {
                complain(errors, "%s: %zu arguments", cmd->name, c->n);
                return false;
        }
        return true;
}

/* ---- lines --------------------------------------------------------------------------------------------- */

/* The next line, joined; *@ret is its memory.  Returns the label or NULL; the command is in *@ret behind it,
 * and line_command() finds it. */
static const char *next_line(const char *script, size_t len, size_t *offset, char **ret)
{
        AUTO_BUF struct buf line = BUF_INIT;
        char *s;

        buf_puts(&line, "");
        while (*offset < len) {
                const char *start = script + *offset, *eol = memchr(start, '\n', len - *offset);
                size_t n = eol ? (size_t)(eol - start) : len - *offset;

                buf_add(&line, start, n);
                *offset += n + 1;
                if (line.len && line.data[line.len - 1] == '\r')
                        line.data[--line.len] = '\0';
                if (!line.len || line.data[line.len - 1] != '\\')
                        break;
                line.data[--line.len] = '\0';
        }
        *ret = buf_take(&line, NULL);
        for (s = *ret; is_space(*s); s++)
                ;
        if (*s != ':')
                return NULL;
        for (char *e = s; *e; e++)
                if (is_space(*e)) {
                        *e = '\0';
                        break;
                }
        return s + 1;
}

static const char *line_command(const char *line, const char *label)
{
        /* Our scripts have nothing behind a label; what is there would run, so the check refuses it. */
        return label ? "" : line;
}

enum end { END_LINE, END_OR, END_AND, END_ALWAYS };

static size_t command_end(char **words, size_t from, size_t n, enum end *ret)
{
        for (size_t i = from; i < n; i++) {
                *ret = strcmp(words[i], "||") == 0   ? END_OR
                       : strcmp(words[i], "&&") == 0 ? END_AND
                       : strcmp(words[i], ";") == 0  ? END_ALWAYS
                                                     : END_LINE;
                if (words[i][0] == '#' || *ret != END_LINE)
                        return i;
        }
        *ret = END_LINE;
        return n;
}

static int run_command(struct ref_ipxe *x, char **words, size_t n)
{
        const struct command *cmd;
        struct call c;
        char *argv[MAX_WORDS];
        int r = -1;

        if (n == 0)
                return 0;
        for (size_t i = 0; i < n; i++)
                argv[i] = expand(x, words[i]);
        cmd = command_by_name(argv[0]);
        if (!cmd)
                complain(&x->errors, "%s: command not found", argv[0]);
        else if (parse_call(cmd, argv, n, &c, &x->errors))
                r = cmd->run(x, &c);
        for (size_t i = 0; i < n; i++)
                free(argv[i]);
        return r;
}

static int run_line(struct ref_ipxe *x, const char *line)
{
        char *words[MAX_WORDS], *copy = NULL;
        size_t n = ref_ipxe_split(line, words, MAX_WORDS, &copy);
        bool process = true;
        int r = 0;

        x->stop_command = false;
        for (size_t from = 0;;) {
                enum end end;
                size_t to = command_end(words, from, n, &end);

                if (process)
                        r = run_command(x, words + from, to - from);
                if (x->stop_command || end == END_LINE)
                        break;
                process = end == END_ALWAYS || (end == END_OR ? r != 0 : r == 0);
                from = to + 1;
        }
        free(copy);
        return r;
}

void ref_ipxe_run(struct ref_ipxe *x, const char *script, size_t len)
{
        unsigned lines = 0;

        x->script = script;
        x->len = len;
        x->offset = 0;
        x->selected = -1;
        x->outcome = REF_RUNNING;
        x->stop_script = false;
        if (x->leftover) {
                x->images[0].url = strdup("http://leftover/menu.ipxe");
                x->n_images = 1;
        }
        if (!x->n_cards) {
                x->cards[0].mac = x->mac;
                x->n_cards = 1;
                x->open = 0;
        }
        set_var(x, "next-server", x->server);
        set_var(x, "platform", x->platform);
        while (x->offset < len && x->outcome == REF_RUNNING) {
                char *line = NULL;
                const char *label = next_line(script, len, &x->offset, &line);
                int r = run_line(x, line_command(line, label));

                free(line);
                if (r != 0 && x->outcome == REF_RUNNING) {
                        complain(&x->errors, "the script ended at a failed line before byte %zu", x->offset);
                        x->outcome = REF_FELL_OFF;
                }
                if (++lines > MAX_LINES)
                        x->outcome = REF_ENDLESS;
        }
        if (x->outcome == REF_RUNNING)
                x->outcome = REF_FELL_OFF;
}

void ref_ipxe_fini(struct ref_ipxe *x)
{
        free_images(x);
        for (size_t i = 0; i < x->n_vars; i++) {
                free(x->vars[i].name);
                free(x->vars[i].value);
        }
        for (size_t i = 0; i < x->n_modules; i++)
                free(x->module_lines[i]);
        buf_fini(&x->screen);
        buf_fini(&x->errors);
        free(x->timeout);
        free(x->chosen_default);
        free(x->chained);
        free(x->kernel_line);
        memset(x, 0, sizeof *x);
}

/* ---- the look at every line ---------------------------------------------------------------------------- */

static size_t count_label(const char *script, size_t len, const char *name)
{
        size_t n = 0;

        for (size_t offset = 0; offset < len;) {
                char *line = NULL;
                const char *label = next_line(script, len, &offset, &line);

                n += label && strcmp(label, name) == 0;
                free(line);
        }
        return n;
}

static void check_call(const char *script, size_t len, char **words, size_t n, struct buf *errors)
{
        const struct command *cmd = command_by_name(words[0]);
        const char *label = NULL;
        struct call c;

        if (!cmd) {
                complain(errors, "command not on the list: %s", words[0]);
                return;
        }
        if (!parse_call(cmd, words, n, &c, errors))
                return;
        if (strcmp(cmd->name, "goto") == 0)
                label = c.args[0];
        if (strcmp(cmd->name, "item") == 0 && !option(&c, "--gap") && c.n > 0)
                label = c.args[0];
        if (strcmp(cmd->name, "choose") == 0)
                label = option(&c, "--default");
        if (label && label[0] != '$' && count_label(script, len, label) != 1)
                complain(errors, "%s %s: the label is there %zu times", cmd->name, label,
                        count_label(script, len, label));
}

static void check_line(const char *script, size_t len, const char *line, struct buf *errors)
{
        char *words[MAX_WORDS], *copy = NULL;
        size_t n = ref_ipxe_split(line, words, MAX_WORDS, &copy), from = 0;

        if (n > 64 + 2 && words[0][0] != '#')
                complain(errors, "a line of %zu words", n);
        while (from < n) {
                enum end end;
                size_t to = command_end(words, from, n, &end);

                if (to > from)
                        check_call(script, len, words + from, to - from, errors);
                if (end == END_LINE)
                        break;
                from = to + 1;
        }
        free(copy);
}

bool ref_ipxe_check(const char *script, size_t len, struct buf *errors)
{
        size_t before = errors->len;

        if (strncmp(script, "#!ipxe\n", 7) != 0)
                complain(errors, "does not begin with #!ipxe");
        for (size_t i = 0; i < len; i++)
                if (script[i] == '\0' || (script[i] != '\n' && (unsigned char)script[i] < 0x20) ||
                        script[i] == 0x7f)
                        complain(errors, "byte %02x at %zu", (unsigned char)script[i], i);
        if (len == 0 || script[len - 1] != '\n' || (len > 1 && script[len - 2] == '\\'))
                complain(errors, "does not end with a line");
        for (size_t offset = 0; offset < len;) {
                char *line = NULL;
                size_t start = offset;
                const char *label = next_line(script, len, &offset, &line);

                if (memchr(script + start, '\n', len - start) != script + offset - 1)
                        complain(errors, "a line is joined at byte %zu", start);
                if (label && (label != line + 1 || strlen(line) != offset - start - 1 || !*label))
                        complain(errors, "odd label at byte %zu", start);
                if (!label)
                        check_line(script, len, line, errors);
                free(line);
        }
        return errors->len == before;
}
