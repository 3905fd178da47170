/* SPDX-License-Identifier: MPL-2.0 */
/* bootargs -- the -B grammar of the illumos kernel.
 *
 * What the kernel does (illumos-gate usr/src/uts/i86pc/os/fakebop.c, build_boot_properties): the first word
 * is its own path.  After a blank and "-B", a name is everything up to the next '=', wherever that is; a
 * value whose first character is ' or " runs on through everything to the same quote and then to a comma or
 * blank, and loses the pair if it ends with it; any other value ends at a comma or blank; an empty one
 * becomes "true".  There is no escape.  Each value is copied to one page of 4096 bytes.  Whatever is not a -B
 * group stays in boot-args, where the flags are looked for.
 *
 * So a value is bare where it holds no comma and no blank and does not start with a quote; else it stands in
 * the kind of quote that it does not hold; empty is ''.  What holds both kinds and needs one cannot be
 * carried.
 *
 * What reads the line before and after that: dboot stops where "multiboot" stands anywhere in it
 * (i86pc/dboot/dboot_startkern.c, startup_kernel); the early console takes any word of '-' and letters with a B among
 * them for the beginning of the properties (i86pc/boot/boot_console.c, find_boot_line_prop); bootflags() (common/os/main.c)
 * knows the flags "abcdgGhi:km:O:rsvwx" and reads nothing behind a word that is no flag.  Later SmartOS' own scripts give
 * the values to a shell: bootargs_refuse_property().
 *
 * Invariants
 *   1. Each name is written once, with a '='.
 *   2. What is written passed token_refuse_value as a value and, encoded, again: quoting adds no blank, so
 *      the words of the whole line are the words of its parts with '-B name=', quotes and commas around them,
 *      none of which makes a forbidden word of a good one.
 *   3. A value never appears in a reason: it may be a secret.
 */
#include "bootargs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/put.h"
#include "render/boot/token.h"

#define MAX_VALUE_BYTES 4095 /* fakebop.c copies it and a NUL to one page, unchecked */
#define MAX_NAME_BYTES                                                                                       \
        49 /* get_boot_properties (i86pc ddi_impl.c) copies 49 and looks the shortened name up in vain */
#define MAX_FLAG_BYTES 255

const char bootargs_why_dboot_stops[] =
        "it holds the word multiboot, at which the kernel's loader stops, wherever it stands in the line";

static const char tty_mode[] = "115200,8,n,1,-"; /* the documentation's, for every port */

static const struct {
        const char *console, *mode;
} ttys[] = {
        { "ttya", "ttya-mode" },
        { "ttyb", "ttyb-mode" },
        { "ttyc", "ttyc-mode" },
        { "ttyd", "ttyd-mode" },
};

void refusals_fini(struct refusals *r)
{
        buf_fini(&r->lines);
        r->n = 0;
}

void refusals_add(struct refusals *refused, const char *what, const char *name, const char *layer,
        const char *why, const char *way_out)
{
        if (!refused)
                return;
        PUT(&refused->lines, what, " ");
        (void)token_put_display(&refused->lines, name, 80);
        if (layer) {
                buf_puts(&refused->lines, " (");
                (void)token_put_display(&refused->lines, layer, 80);
                buf_puts(&refused->lines, ")");
        }
        PUT(&refused->lines, " is refused: ", why, ". ", way_out, ".\n");
        refused->n++;
}

/* One property on its way to the line. */
struct arg {
        const char *name, *value, *layer; /* borrowed */
        size_t order;                     /* place in the plan: of two rows with one name the first counts */
        bool secret;
        bool own; /* a row of the plan, so refusing it is news */
};

struct args {
        struct arg *v; /* owned */
        size_t n;
};

static void args_fini(struct args *a)
{
        free(a->v);
}

static void args_add(struct args *a, const struct arg *arg)
{
        a->v[a->n] = *arg;
        a->v[a->n].order = a->n;
        a->n++;
}

static const struct arg *args_find(const struct args *a, const char *name)
{
        for (size_t i = 0; i < a->n; i++)
                if (strcmp(a->v[i].name, name) == 0)
                        return &a->v[i];
        return NULL;
}

static int by_name(const void *pa, const void *pb)
{
        const struct arg *a = pa, *b = pb;
        int c = strcmp(a->name, b->name);

        return c ? c : (a->order > b->order) - (a->order < b->order);
}

bool bootargs_is_secret(const struct plan_property *q)
{
        return q->secret || strcmp(q->name, "root_shadow") == 0; /* whatever the rows say */
}

const char *bootargs_value(const struct plan *p, const char *name)
{
        for (size_t i = 0; i < p->n_properties; i++)
                if (strcmp(p->properties[i].name, name) == 0)
                        return p->properties[i].value;
        return NULL;
}

bool bootargs_serial(const struct plan *p, unsigned *ret_unit, const char **ret_mode)
{
        const char *console = bootargs_value(p, "console");

        for (unsigned i = 0; console && i < sizeof ttys / sizeof ttys[0]; i++) {
                if (strcmp(console, ttys[i].console) != 0)
                        continue;
                *ret_unit = i;
                *ret_mode = bootargs_value(p, ttys[i].mode);
                if (!*ret_mode)
                        *ret_mode = tty_mode;
                return true;
        }
        return false;
}

/* SmartOS' own scripts read the properties by two ways (smartos-live src/lib/sdc/config.sh, run with bash; each effect was
 * seen):
 *   load_sdc_bootparams   for line in $(bootparams); fields=(${line//=/ }); eval "BOOT_key=\"${fields[1]}\""
 *   load_sdc_sysinfo      eval $(the lines Bootparam_key='value' that sysinfo -p printed), and sysinfo's JSON "key": "value"
 * The kernel has the whole value, whatever they make of it. */
static const struct {
        const char *bytes, *warning;
} shell_changes[] = {
        { "=", "SmartOS' own scripts lose what follows a = in a value (the kernel does not)" },
        { " ", "SmartOS' own scripts split a value at blanks, and take each further word for a property of "
               "its own "
               "(the kernel does not)" },
        { "$", "SmartOS' own scripts replace $NAME in BOOT_ variables (the kernel and sysinfo do not)" },
        { "\\", "a \\ in a value spoils the JSON that SmartOS' sysinfo prints (the kernel has it as it is)" },
        { "*?[", "SmartOS' own scripts expand * ? [ in a value as file names" },
};

const char *bootargs_warn(const char *name, const char *value)
{
        /* BOOT_root_shadow has no reader: smartdc-config takes sysinfo's, which keeps the $. */
        const char *harmless = strcmp(name, "root_shadow") == 0 ? "$" : "";

        if (name[0] == '-')
                return NULL; /* flags are not read by them */
        for (size_t i = 0; i < sizeof shell_changes / sizeof shell_changes[0]; i++)
                if (strpbrk(value, shell_changes[i].bytes) && strcmp(shell_changes[i].bytes, harmless) != 0)
                        return shell_changes[i].warning;
        /* '-' becomes '_' in both. */
        return strchr(name, '.') ? "SmartOS' own scripts have no BOOT_ variable for a name with a ." : NULL;
}

const char *bootargs_refuse_property(const char *name, const char *value)
{
        if (strpbrk(value, "'\"`"))
                return "it holds a quote or backtick, and SmartOS' own scripts hand values to a shell as "
                       "root: a ' leaves "
                       "every SYSINFO_ variable of the machine empty (root_shadow and hostname with it), and "
                       "what stands "
                       "behind it may be run";
        if (strstr(value, "$("))
                return "it holds $(, and SmartOS' own scripts hand values to a shell, which runs what "
                       "follows as root";
        if (strcmp(name, "root_shadow") == 0 && strchr(value, '='))
                return "it holds a = (as in rounds=), where SmartOS' sysinfo cuts it: nobody could log in as "
                       "root";
        return NULL;
}

bool bootargs_is_unset(const struct plan *p, const char *name)
{
        for (size_t i = 0; i < p->n_unset; i++)
                if (strcmp(p->unset[i].name, name) == 0)
                        return true;
        return false;
}

static bool is_changed(const struct bootargs_change *changes, size_t n, const char *name)
{
        for (size_t i = 0; i < n; i++)
                if (strcmp(changes[i].name, name) == 0)
                        return true;
        return false;
}

static const char *refuse_hostname(const char *name)
{
        if (!token_is_hostname(name))
                return "a name has letters, digits, '-' and '.', at most 63 between dots (RFC 1123)";
        return strstr(name, BOOTARGS_STOPS_DBOOT) ? bootargs_why_dboot_stops : NULL;
}

/* What console= says about a serial line, and the host's name. */
static void add_implied(
        const struct plan *p, const struct bootargs_change *changes, size_t n_changes, struct args *a)
{
        const struct arg *console = args_find(a, "console");

        for (size_t i = 0; console && i < sizeof ttys / sizeof ttys[0]; i++) {
                if (strcmp(console->value, ttys[i].console) != 0)
                        continue;
                if (!args_find(a, ttys[i].mode) && !bootargs_is_unset(p, ttys[i].mode))
                        args_add(a, &(struct arg) { .name = ttys[i].mode,
                                            .value = tty_mode,
                                            .layer = "console (implied)" });
                break;
        }
        if (p->hostname && !refuse_hostname(p->hostname) && !args_find(a, "hostname") &&
                !bootargs_is_unset(p, "hostname") && !is_changed(changes, n_changes, "hostname"))
                args_add(a, &(struct arg) {
                                    .name = "hostname", .value = p->hostname, .layer = "the host's row" });
}

static int args_collect(
        const struct plan *p, const struct bootargs_change *changes, size_t n_changes, struct args *a)
{
        bool sorted = true;

        a->v = calloc(p->n_properties + n_changes + 2, sizeof a->v[0]);
        if (!a->v)
                return -ENOMEM;
        for (size_t i = 0; i < p->n_properties; i++) {
                const struct plan_property *q = &p->properties[i];

                if (!is_changed(changes, n_changes, q->name))
                        args_add(a, &(struct arg) { .name = q->name,
                                            .value = q->value,
                                            .layer = q->layer,
                                            .secret = bootargs_is_secret(q),
                                            .own = true });
        }
        for (size_t i = 0; i < n_changes; i++)
                if (changes[i].value)
                        args_add(a, &(struct arg) { .name = changes[i].name, .value = changes[i].value });
        add_implied(p, changes, n_changes, a);
        for (size_t i = 1; i < a->n && sorted; i++)
                sorted = by_name(&a->v[i - 1], &a->v[i]) < 0;
        if (!sorted)
                qsort(a->v, a->n, sizeof a->v[0], by_name);
        return 0;
}

int bootargs_implied(const struct plan *p, bootargs_implied_fn *add, void *ctx)
{
        AUTO_CLEAN(args_fini) struct args a = { NULL, 0 };
        int r = args_collect(p, NULL, 0, &a);

        for (size_t i = 0; r == 0 && i < a.n; i++)
                if (!a.v[i].own)
                        add(ctx, a.v[i].name, a.v[i].value, a.v[i].layer);
        return r;
}

static bool is_letter(char c)
{
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* Properties that no row may give, or only where the plan's settings say so: the schema's triggers refuse them
 * too, but rows can be written with checks off (known_property: types derived and destructive). */
static const struct {
        const char *name; /* with a final '*': any that begins so */
        bool destructive;
} guarded[] = {
        { "boot-args",
                false }, /* this one and those like it: fakebop.c, build_boot_properties, sets them last */
        { "boot-file", false },
        { "bootargs", false },
        { "bootpath", false },
        { "destroy_zpools", true },
        { "impl-arch-name", false },
        { "input-device", false },
        { "mfg-name", false },
        { "module-*", false },
        { "output-device", false },
        { "ramdisk_end", false },
        { "ramdisk_start", false },
        { "stdout", false },
        { "whoami", false },
};

static const char *refuse_guarded(const struct plan *p, const char *name)
{
        for (size_t i = 0; i < sizeof guarded / sizeof guarded[0]; i++) {
                size_t n = strcspn(guarded[i].name, "*");

                if (strncmp(name, guarded[i].name, n) != 0 || (guarded[i].name[n] == '\0' && name[n] != '\0'))
                        continue;
                if (!guarded[i].destructive)
                        return "the kernel makes this property itself";
                if (!p->allow_destructive)
                        return "it destroys data at boot, and the setting allow_destructive is 0";
        }
        return NULL;
}

static const char *refuse_name(const struct plan *p, const char *name)
{
        size_t i;

        if (!is_letter(name[0]))
                return "a name starts with a letter";
        for (i = 1; name[i]; i++)
                if (!is_letter(name[i]) && !(name[i] >= '0' && name[i] <= '9') && !strchr("_.-", name[i]))
                        return "a name has only letters, digits, '_', '.' and '-'";
        if (i > MAX_NAME_BYTES)
                return "its name is longer than 49 bytes, and the kernel finds it under no name then";
        return refuse_guarded(p, name);
}

static bool is_flag_alone(const char *value)
{
        return value[0] == '\0' || strcmp(value, "true") == 0;
}

/* Only -i, -m and -O take a word: what stands behind them in the same word, or else the next word, whatever it is. */
static const char *refuse_flag_word(const char *name, const char *value)
{
        size_t takes = strcspn(name, "imO");

        if (name[takes] == '\0' || name[takes + 1] != '\0')
                return is_flag_alone(value)
                               ? NULL
                               : "only -i, -m and -O take a word; behind any other the kernel would read no "
                                 "further flags";
        return is_flag_alone(value) ? "it takes a word, and would take the next flag for it" : NULL;
}

static const char *refuse_flag(const char *name, const char *value)
{
        const char *why;
        size_t i;

        for (i = 1; name[i]; i++)
                if (!is_letter(name[i]))
                        return "a flag is '-' and letters";
        if (i < 2 || i > MAX_FLAG_BYTES)
                return "a flag is '-' and letters";
        if (strchr(name, 'B'))
                return "a B in a flag begins the properties for the kernel's early console";
        if (strcmp(value, "false") == 0)
                return "a flag is there or not; false would be handed to it as a word";
        why = refuse_flag_word(name, value);
        if (why)
                return why;
        if (value[0] == '-')
                return "its word starts with '-', so the kernel would take it for a flag";
        if (strpbrk(value, " '\",`") || strstr(value, "$("))
                return "a flag's word holds no blank, quote, backtick, comma or $(";
        return token_refuse_value(value);
}

const char *bootargs_encode_value(const char *value, struct buf *out)
{
        const char *why = token_refuse_value(value), *quote;

        if (why)
                return why;
        if (strlen(value) > MAX_VALUE_BYTES)
                return "it is longer than 4095 bytes, which overruns the kernel's page";
        if (value[0] != '\0' && value[0] != '\'' && value[0] != '"' && !strpbrk(value, ", ")) {
                buf_puts(out, value);
                return NULL;
        }
        if (value[0] == '\0')
                quote = "'";
        else
                quote = !strchr(value, '"') ? "\"" : !strchr(value, '\'') ? "'" : NULL;
        if (!quote)
                return "it needs quotes (for a comma, a blank or a quote in front) and holds both kinds";
        PUT(out, quote, value, quote);
        return NULL;
}

static const char way_out_value[] = "Write another value, or NULL to leave it out";
static const char way_out_name[] = "Rename the row or delete it";

/* Writes one kind of words: flags, or properties. */
static void put_args(const struct plan *p, const struct args *a, bool flags, unsigned options,
        struct buf *out, struct refusals *refused)
{
        size_t start = out->len;

        for (size_t i = 0; i < a->n; i++) {
                const struct arg *x = &a->v[i];
                bool first = out->len == start, masked = x->secret && (options & BOOTARGS_MASK_SECRETS);
                size_t before = out->len;
                const char *why, *way_out = way_out_value;

                if ((x->name[0] == '-') != flags)
                        continue;
                why = flags ? refuse_flag(x->name, x->value) : refuse_name(p, x->name);
                if (why && !flags)
                        way_out = way_out_name;
                if (!why && !flags)
                        why = bootargs_refuse_property(x->name, x->value);
                if (!why && (strstr(x->name, BOOTARGS_STOPS_DBOOT) || strstr(x->value, BOOTARGS_STOPS_DBOOT)))
                        why = bootargs_why_dboot_stops;
                if (!why && i > 0 && strcmp(a->v[i - 1].name, x->name) == 0) {
                        why = "the name comes twice, and the kernel takes the last";
                        way_out = "Delete one of the rows";
                }
                if (!why)
                        why = dialect_refuse_value((enum dialect)(options >> 8), x->value);
                if (!why && flags) {
                        bool word = !is_flag_alone(x->value);

                        PUT(out, first ? "" : " ", x->name, word ? " " : "",
                                !word    ? ""
                                : masked ? "<secret>"
                                         : x->value);
                } else if (!why) {
                        PUT(out, first ? "-B " : ",", x->name, "=");
                        why = bootargs_encode_value(x->value, out);
                        if (!why && masked) {
                                out->len = before;
                                PUT(out, first ? "-B " : ",", x->name, "=<secret>");
                        }
                }
                if (why) {
                        if (!out->error && out->data) {
                                out->len = before;
                                out->data[before] = '\0';
                        }
                        if (x->own)
                                refusals_add(refused, flags ? "flag" : "property", x->name, x->layer, why,
                                        way_out);
                }
        }
}

int bootargs_make(const struct plan *p, const struct bootargs_change *changes, size_t n_changes,
        unsigned options, struct buf *out, struct refusals *refused)
{
        AUTO_CLEAN(args_fini) struct args a = { NULL, 0 };
        size_t start = out->len;
        int r = args_collect(p, changes, n_changes, &a);

        if (r < 0)
                return r;
        put_args(p, &a, true, options, out, refused);
        if (out->len > start) {
                size_t flags_end = out->len;

                buf_puts(out, " ");
                put_args(p, &a, false, options, out, refused);
                if (!out->error && out->len == flags_end + 1)
                        out->data[--out->len] = '\0';
        } else {
                put_args(p, &a, false, options, out, refused);
        }
        if (p->hostname && refuse_hostname(p->hostname))
                refusals_add(refused, "hostname", p->hostname, "the host's row", refuse_hostname(p->hostname),
                        "Write another name");
        r = buf_error(out);
        return r < 0 || !refused ? r : buf_error(&refused->lines);
}
