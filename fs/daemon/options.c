/* SPDX-License-Identifier: MPL-2.0 */
/* options -- getopt_long for the letters, one table for what stands behind -o. */
#include "daemon/options.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"

const char options_help[] =
        "usage: pxefs [options] BUILDS_DIR MOUNTPOINT\n"
        "\n"
        "Presents the platform tarballs and ISOs in BUILDS_DIR, and a boot script for\n"
        "each host of the inventory, as a read-only /tftpboot on MOUNTPOINT.\n"
        "\n"
        "  -f              stay in the foreground\n"
        "  -d              print every FUSE request; implies -f\n"
        "  -s              one thread only\n"
        "  -h, --help      this text\n"
        "  -V, --version   the version\n"
        "  -o OPT[,OPT...] (a comma inside a value is written \\,)\n"
        "     inventory=FILE     the SQLite inventory; pxectl init makes one\n"
        "                        (default " DEFAULT_INVENTORY ", if it is there)\n"
        "     cache=DIR          what is learned about builds, decoded builds\n"
        "                        (default " DEFAULT_CACHE_DIR ")\n"
        "     static=DIR         plain files shown in / and /smartos: undionly.kpxe, ...;\n"
        "                        several times: the first that has a name wins\n"
        "     links_to=DIR       where links in BUILDS_DIR and static= may lead, if made\n"
        "                        after the start; several times\n"
        "     user=NAME          run as NAME (default pxefs if there is one, or nobody)\n"
        "     uid=N,gid=N        owner and group shown of all files (default root, and\n"
        "                        none: with gid= a remount,rw lets files be written)\n"
        "     spool_max=SIZE     bound of builds decoded to disk: xz, zstd, bzip2 (64G)\n"
        "     memory=SIZE        bound of what is decoded and not yet read (default 64M,\n"
        "                        at least 16M)\n"
        "     sums=require       refuse an archive that no sums file names, such as\n"
        "                        sha256sums.txt or ARCHIVE.sha256; sums=check (default):\n"
        "                        refuse one that differs\n"
        "     poll=SECONDS       look at BUILDS_DIR at least so often (default 2)\n"
        "     nolist             /hosts and /by-* list nothing; look-ups work\n"
        "     show_root_password show each build's root.password\n"
        "     wait               return only when all builds there are indexed\n"
        "     allow_other, ro, nosuid, nodev, noexec (always on), and mount(8)'s own\n"
        "                        words (nofail, noauto, _netdev, x-...) are accepted\n";

enum option_type {
        OPT_STRING,
        OPT_LIST,
        OPT_ID,
        OPT_SIZE,
        OPT_SECONDS,
        OPT_FLAG,
        OPT_SUMS,
        OPT_IGNORED, /* what we do anyway, or what mount(8) hands through */
        OPT_REFUSED,
};

static const struct option_row {
        const char *name;
        enum option_type type;
        size_t offset; /* in struct options */
} rows[] = {
        { "inventory", OPT_STRING, offsetof(struct options, inventory) },
        { "cache", OPT_STRING, offsetof(struct options, cache_dir) },
        { "static", OPT_LIST, offsetof(struct options, static_dirs) },
        { "links_to", OPT_LIST, offsetof(struct options, links_to) },
        { "user", OPT_STRING, offsetof(struct options, user) },
        { "uid", OPT_ID, offsetof(struct options, uid) },
        { "gid", OPT_ID, offsetof(struct options, gid) },
        { "spool_max", OPT_SIZE, offsetof(struct options, spool_max_bytes) },
        { "memory", OPT_SIZE, offsetof(struct options, memory_bytes) },
        { "sums", OPT_SUMS, offsetof(struct options, sums_required) },
        { "poll", OPT_SECONDS, offsetof(struct options, poll_ms) },
        { "nolist", OPT_FLAG, offsetof(struct options, nolist) },
        { "show_root_password", OPT_FLAG, offsetof(struct options, show_root_password) },
        { "wait", OPT_FLAG, offsetof(struct options, wait) },
        { "debug", OPT_FLAG, offsetof(struct options, debug) },
        { "allow_other", OPT_IGNORED, 0 },
        { "ro", OPT_IGNORED, 0 },
        { "nosuid", OPT_IGNORED, 0 },
        { "nodev", OPT_IGNORED, 0 },
        { "noexec", OPT_IGNORED, 0 },
        { "noatime", OPT_IGNORED, 0 },
        { "nodiratime", OPT_IGNORED, 0 },
        { "relatime", OPT_IGNORED, 0 },
        { "async", OPT_IGNORED, 0 },
        { "sync", OPT_IGNORED, 0 },
        { "dev", OPT_IGNORED, 0 },
        { "suid", OPT_IGNORED, 0 },
        { "exec", OPT_IGNORED, 0 },
        { "auto", OPT_IGNORED, 0 },
        { "noauto", OPT_IGNORED, 0 },
        { "nofail", OPT_IGNORED, 0 },
        { "_netdev", OPT_IGNORED, 0 },
        { "defaults", OPT_IGNORED, 0 },
        { "nouser", OPT_IGNORED, 0 },
        { "rw", OPT_REFUSED, 0 },
};

static int set_number(
        const char *name, const char *value, uint64_t max, const char *unit, uint64_t *ret, struct err *err)
{
        char *end;

        errno = 0;
        *ret = strtoumax(value, &end, 10);
        if (errno || end == value || *end || value[0] == '-' || *ret > max)
                return err_set(err, -EINVAL, "-o %s=%s: a number%s up to %" PRIu64 " is wanted", name, value,
                        unit, max);
        return 0;
}

static int set_size(const char *name, const char *value, uint64_t *ret, struct err *err)
{
        static const char units[] = "KMGT";
        AUTO_FREE char *digits = strdup(value);
        size_t n = strlen(value);
        const char *unit = n ? strchr(units, value[n - 1]) : NULL;
        unsigned shift = 0;
        int r;

        if (!digits)
                return -ENOMEM;
        if (unit && *unit) {
                shift = 10 * (unsigned)(unit - units + 1);
                digits[n - 1] = '\0';
        }
        r = set_number(name, digits, UINT64_MAX >> 1 >> shift, "", ret, NULL);
        if (r < 0)
                return err_set(err, r,
                        "-o %s=%s: a number of bytes is wanted, for example 20G (K, M, G or T)", name, value);
        *ret <<= shift;
        return 0;
}

static int set_string(char **field, const char *value)
{
        free(*field);
        *field = strdup(value);
        return *field ? 0 : -ENOMEM;
}

_Static_assert(
        offsetof(struct options, n_static_dirs) == offsetof(struct options, static_dirs) + sizeof(char **) &&
                offsetof(struct options, n_links_to) == offsetof(struct options, links_to) + sizeof(char **),
        "a list's count stands behind it");

static int add_to_list(char ***list, const char *value)
{
        size_t *n = (size_t *)(void *)(list + 1);
        char **v = reallocarray(*list, *n + 1, sizeof *v);

        if (!v)
                return -ENOMEM;
        *list = v;
        v[*n] = strdup(value);
        if (!v[*n])
                return -ENOMEM;
        (*n)++;
        return 0;
}

int options_add_link_place(struct options *o, const char *path)
{
        return add_to_list(&o->links_to, path);
}

static int apply(struct options *o, const struct option_row *row, const char *value, struct err *err)
{
        void *field = (char *)o + row->offset;
        uint64_t n;
        int r;

        if (row->type != OPT_FLAG && row->type != OPT_IGNORED && row->type != OPT_REFUSED &&
                (!value || !*value))
                return err_set(err, -EINVAL, "-o %s wants a value: %s=...", row->name, row->name);
        if (row->type == OPT_FLAG && value)
                return err_set(err, -EINVAL, "-o %s takes no value", row->name);
        switch (row->type) {
        case OPT_STRING:
                return set_string(field, value);
        case OPT_LIST:
                return add_to_list(field, value);
        case OPT_ID:
                r = set_number(row->name, value, UINT32_MAX - 1, "", &n, err);
                *(long *)field = (long)n;
                return r;
        case OPT_SIZE:
                return set_size(row->name, value, field, err);
        case OPT_SECONDS:
                r = set_number(row->name, value, 3600, " of seconds", &n, err);
                *(int *)field = (int)(n ? n * 1000 : 100);
                return r;
        case OPT_FLAG:
                *(bool *)field = true;
                return 0;
        case OPT_SUMS:
                *(bool *)field = strcmp(value, "require") == 0;
                return *(bool *)field || strcmp(value, "check") == 0
                               ? 0
                               : err_set(err, -EINVAL, "-o sums=%s: require or check is wanted", value);
        case OPT_REFUSED:
                return err_set(err, -EINVAL, "-o %s: a pxefs mount is read-only; leave it out", row->name);
        case OPT_IGNORED:
                break;
        }
        return 0;
}

static int one_option(struct options *o, char *text, struct err *err)
{
        char *value = strchr(text, '=');

        if (value)
                *value++ = '\0';
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
                if (strcmp(rows[i].name, text) == 0)
                        return apply(o, &rows[i], value, err);
        if (strncmp(text, "x-", 2) == 0 || strcmp(text, "fsname") == 0 || strcmp(text, "subtype") == 0)
                return 0;
        return err_set(err, -EINVAL, "-o %s: there is no such option; pxefs --help lists them", text);
}

/* Splits at commas that have no backslash before them. */
static int option_list(struct options *o, const char *list, struct err *err)
{
        AUTO_FREE char *copy = strdup(list);
        char *in = copy, *out = copy, *start = copy;
        int r = 0;

        if (!copy)
                return -ENOMEM;
        while (r == 0) {
                if (in[0] == '\\' && (in[1] == ',' || in[1] == '\\')) {
                        *out++ = in[1];
                        in += 2;
                        continue;
                }
                if (*in == ',' || *in == '\0') {
                        bool last = *in == '\0';

                        *out = '\0';
                        if (*start)
                                r = one_option(o, start, err);
                        if (last)
                                break;
                        start = out = ++in;
                        continue;
                }
                *out++ = *in++;
        }
        return r;
}

static int letters(struct options *o, int argc, char **argv, struct err *err)
{
        static const struct option longs[] = { { "help", no_argument, NULL, 'h' },
                { "version", no_argument, NULL, 'V' }, { NULL, 0, NULL, 0 } };
        int c, r = 0;

        opterr = 0;
        while (r == 0 && (c = getopt_long(argc, argv, ":fdshVo:", longs, NULL)) != -1) {
                switch (c) {
                case 'f':
                        o->foreground = true;
                        break;
                case 'd':
                        o->debug = true;
                        break;
                case 's':
                        o->single_thread = true;
                        break;
                case 'h':
                        o->help = true;
                        break;
                case 'V':
                        o->version = true;
                        break;
                case 'o':
                        r = option_list(o, optarg, err);
                        break;
                case ':':
                        return err_set(err, -EINVAL, "-%c wants a value; see pxefs --help", optopt);
                default:
                        if (optopt)
                                return err_set(err, -EINVAL, "-%c: there is no such option; see pxefs --help",
                                        optopt);
                        return err_set(err, -EINVAL, "%s: there is no such option; see pxefs --help",
                                argv[optind - 1]);
                }
        }
        return r;
}

int options_parse(int argc, char **argv, struct options *ret, struct err *err)
{
        int r;

        *ret = (struct options) { .spool_max_bytes = UINT64_C(64) << 30,
                .memory_bytes = 64 << 20,
                .gid = NO_GROUP,
                .poll_ms = 2000 };
        r = letters(ret, argc, argv, err);
        if (r < 0 || ret->help || ret->version)
                return r;
        if (argc - optind != 2)
                return err_set(err, -EINVAL,
                        "%s; usage: pxefs [options] BUILDS_DIR MOUNTPOINT (pxefs --help)",
                        argc - optind > 2 ? "too many arguments" : "BUILDS_DIR and MOUNTPOINT are wanted");
        if (set_string(&ret->builds_dir, argv[optind]) < 0 ||
                set_string(&ret->mountpoint, argv[optind + 1]) < 0)
                return -ENOMEM;
        if (ret->memory_bytes < 16 << 20)
                return err_set(err, -EINVAL, "-o memory=: at least 16M are needed");
        if (!ret->cache_dir && set_string(&ret->cache_dir, DEFAULT_CACHE_DIR) < 0)
                return -ENOMEM;
        ret->foreground |= ret->debug;
        return 0;
}

/* ---- and back ---- */

static void put_word(struct buf *b, const char *name, const char *value)
{
        if (b->len)
                buf_puts(b, ",");
        buf_puts(b, name);
        if (!value)
                return;
        buf_puts(b, "=");
        for (; *value; value++) {
                if (*value == ',' || *value == '\\')
                        buf_puts(b, "\\");
                buf_add(b, value, 1);
        }
}

static void put_number(struct buf *b, const char *name, uint64_t n)
{
        char text[24];

        (void)snprintf(text, sizeof text, "%" PRIu64, n);
        put_word(b, name, text);
}

static void put_row(struct buf *b, const struct options *o, const struct option_row *row)
{
        const void *field = (const char *)o + row->offset;

        switch (row->type) {
        case OPT_STRING:
                if (*(char *const *)field)
                        put_word(b, row->name, *(char *const *)field);
                break;
        case OPT_LIST:
                for (size_t i = 0; i < *(const size_t *)(const void *)((const char *)field + sizeof(char **));
                        i++)
                        put_word(b, row->name, (*(char *const *const *)field)[i]);
                break;
        case OPT_ID:
                if (*(const long *)field >= 0)
                        put_number(b, row->name, (uint64_t) * (const long *)field);
                break;
        case OPT_SIZE:
                put_number(b, row->name, *(const uint64_t *)field);
                break;
        case OPT_SECONDS: /* 0 s means 100 ms */
                put_number(b, row->name, (uint64_t)(*(const int *)field / 1000));
                break;
        case OPT_FLAG:
                if (*(const bool *)field)
                        put_word(b, row->name, NULL);
                break;
        case OPT_SUMS:
                put_word(b, row->name, *(const bool *)field ? "require" : "check");
                break;
        case OPT_IGNORED:
        case OPT_REFUSED:
                break;
        }
}

char **options_argv(const struct options *o, const char *name)
{
        AUTO_BUF struct buf b = BUF_INIT;
        char **v = calloc(9, sizeof *v);
        size_t n = 0;

        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
                put_row(&b, o, &rows[i]);
        if (!v || buf_error(&b) < 0) {
                free(v);
                return NULL;
        }
        v[n++] = strdup(name);
        if (o->foreground)
                v[n++] = strdup("-f");
        if (o->single_thread)
                v[n++] = strdup("-s");
        v[n++] = strdup("-o");
        v[n++] = buf_take(&b, NULL);
        v[n++] = strdup("--");
        v[n++] = strdup(o->builds_dir);
        v[n++] = strdup(o->mountpoint);
        for (size_t i = 0; i < n; i++)
                if (!v[i]) {
                        for (i = 0; i < n; i++)
                                free(v[i]);
                        free(v);
                        return NULL;
                }
        return v;
}

void options_argv_free(char **argv)
{
        for (char **p = argv; p && *p; p++)
                free(*p);
        free(argv);
}

void options_fini(struct options *o)
{
        free(o->builds_dir);
        free(o->mountpoint);
        free(o->inventory);
        free(o->cache_dir);
        free(o->user);
        for (size_t i = 0; i < o->n_static_dirs; i++)
                free(o->static_dirs[i]);
        free(o->static_dirs);
        for (size_t i = 0; i < o->n_links_to; i++)
                free(o->links_to[i]);
        free(o->links_to);
        *o = (struct options) { 0 };
}
