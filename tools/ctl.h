/* SPDX-License-Identifier: MPL-2.0 */
/* ctl -- what the commands of pxectl share: arguments, one transaction, errors of one line, tables and JSON.
 *
 * Exit codes: 0 done, 1 failed, 2 wrong usage, 3 an archive is not good or doctor found a fault, 4 what was named does not exist.
 */
#ifndef PXECTL_CTL_H
#define PXECTL_CTL_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum { CTL_OK = 0, CTL_FAILED = 1, CTL_USAGE = 2, CTL_REFUSED = 3, CTL_NOT_FOUND = 4 };

struct ctl {
        const char *inventory; /* path of the database */
        const char *cache;     /* the daemon's cache directory */
        bool json;
        sqlite3 *db;     /* NULL until ctl_open */
        int64_t changed; /* rows this command wrote */
};

/* One command.  run gets the words after the command's own. */
struct command {
        const char *family, *name; /* "host", "add"; name NULL: the family is the whole command */
        int (*run)(struct ctl *c, int argc, char **argv);
        const char *usage; /* what --help prints; with the same in SQL */
};

int cmd_init(struct ctl *c, int argc, char **argv);
int cmd_migrate(struct ctl *c, int argc, char **argv);
int cmd_host_add(struct ctl *c, int argc, char **argv);
int cmd_host_list(struct ctl *c, int argc, char **argv);
int cmd_host_delete(struct ctl *c, int argc, char **argv);
int cmd_host_enable(struct ctl *c, int argc, char **argv);
int cmd_host_disable(struct ctl *c, int argc, char **argv);
int cmd_host_build(struct ctl *c, int argc, char **argv);
int cmd_nic_add(struct ctl *c, int argc, char **argv);
int cmd_nic_set(struct ctl *c, int argc, char **argv);
int cmd_host_adopt(struct ctl *c, int argc, char **argv);
int cmd_seen(struct ctl *c, int argc, char **argv);
int cmd_profile_add(struct ctl *c, int argc, char **argv);
int cmd_profile_list(struct ctl *c, int argc, char **argv);
int cmd_channel_set(struct ctl *c, int argc, char **argv);
int cmd_channel_list(struct ctl *c, int argc, char **argv);
int cmd_set(struct ctl *c, int argc, char **argv);
int cmd_setting(struct ctl *c, int argc, char **argv);
int cmd_module_set(struct ctl *c, int argc, char **argv);
int cmd_module_list(struct ctl *c, int argc, char **argv);
int cmd_module_delete(struct ctl *c, int argc, char **argv);
int cmd_builds(struct ctl *c, int argc, char **argv);
int cmd_render(struct ctl *c, int argc, char **argv);
int cmd_check(struct ctl *c, int argc, char **argv);
int cmd_verify(struct ctl *c, int argc, char **argv);
int cmd_doctor(struct ctl *c, int argc, char **argv);
int cmd_status(struct ctl *c, int argc, char **argv);
int cmd_upgrade(struct ctl *c, int argc, char **argv);
extern const char init_usage[], migrate_usage[], host_add_usage[], host_list_usage[], host_delete_usage[], host_enable_usage[],
        host_disable_usage[], host_build_usage[], nic_add_usage[], nic_set_usage[], host_adopt_usage[], seen_usage[], profile_add_usage[],
        profile_list_usage[], channel_set_usage[], channel_list_usage[], set_usage[], setting_usage[],
        module_set_usage[], module_list_usage[], module_delete_usage[], builds_usage[], render_usage[],
        check_usage[], verify_usage[], status_usage[], upgrade_usage[],
        doctor_usage[];

/* Prints "pxectl: ..." as one line on stderr; returns @code. */
__attribute__((format(printf, 2, 3))) int ctl_fail(int code, const char *fmt, ...);

/* If argv[*i] is the option @name, moves to its argument and puts it into *ret; *ret is NULL at the end of
 * the words. Returns whether it was. */
bool ctl_option(int argc, char **argv, int *i, const char *name, const char **ret);

/* Each returns an exit code; what failed has been said.  @about names the object: "host db1". */
int ctl_open_any(struct ctl *c); /* whatever its schema */
int ctl_open(struct ctl *c);     /* refuses what is no inventory, or of a newer schema */
int ctl_begin(struct ctl *c);
int ctl_commit(struct ctl *c);
int ctl_run(struct ctl *c, const char *sql, const char *about, const char *types, ...); /* see ctl_prepare */

/* Prepares @sql and binds: types has a letter for each parameter, 's' const char * (NULL is NULL), 'b'
 * const struct buf * as a BLOB (likewise), 'i' int64_t. */
int ctl_prepare(
        struct ctl *c, sqlite3_stmt **ret, const char *about, const char *sql, const char *types, ...);

/* The id a query with one text parameter finds; CTL_NOT_FOUND says "@what @name does not exist: @way_out". */
int ctl_find(struct ctl *c, const char *sql, const char *what, const char *name, const char *way_out,
        int64_t *ret);
int ctl_find_profile(struct ctl *c, const char *name, int64_t *ret);
int ctl_find_host(struct ctl *c, const char *name, int64_t *ret);

/* Says what SQLite said, without its noise. */
int ctl_sql_error(struct ctl *c, const char *about);

/* Prints all rows: a table, or {"@title": [{...}, ...]} with sorted keys.  Finalizes @s. */
int ctl_print_rows(struct ctl *c, sqlite3_stmt *s, const char *title);

/* "NAME=VALUE" cut in two; false if there is no '=' or no name.  The text is changed. */
bool ctl_split(char *word, char **ret_value);

/* A note on stderr, if the daemon's cache directory says what is served and @build (NULL: none) is not among it: a row may
 * name a build that comes later, and more often it is a slip. */
void ctl_note_build(const struct ctl *c, const char *build);

/* Writes @b to stdout; CTL_OK, or CTL_FAILED if memory or the disk was full. */
int ctl_write(const struct buf *b);

#endif
