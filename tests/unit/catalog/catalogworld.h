/* SPDX-License-Identifier: MPL-2.0 */
/* catalogworld -- a node of our own: a builds directory, a cache directory, a catalog over both. */
#ifndef PXEFS_TESTS_CATALOGWORLD_H
#define PXEFS_TESTS_CATALOGWORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "catalog/catalog.h"
#include "tarmaker.h"

#define STAMP2 "20240202T000000Z"
#define STAMP3 "20230303T000000Z"

#define RAMDISK "platform/i86pc/amd64/boot_archive"

struct world {
        char bpath[64], cpath[64];
        int bfd, cfd;
        struct catalog_options opts;
        struct catalog *c;
        struct catalog_view *v; /* the newest; see scan() */
        bool more;
        int poll_ms;
};

extern struct buf logged; /* all lines since the test began */

/* For cmocka: *state is a struct world with an open catalog. */
int set_up(void **state);
int tear_down(void **state);

void open_catalog(struct world *w);
void close_catalog(struct world *w);
void restart(struct world *w);

/* One catalog_scan, and the view after it. */
void scan_as(struct world *w, bool wait);
void scan(struct world *w); /* with wait */

/* Stands between the archives and the catalog: every byte pattern "ramdisk of" read is spoilt while this is not 0. */
void rot_from_now(size_t on);

/* Reads of @name, from byte @off on, wait until let_go; what the scanning thread itself reads is let through.  Four
 * files at most. */
void hold(const struct world *w, const char *name, off_t off);
void let_go(const struct world *w, const char *name);
/* The end of what was read of @name since hold; 0: nothing. */
off_t read_to(const struct world *w, const char *name);

/* Steps, and waits for what is read meanwhile, until @done says so; fails after some seconds. */
void step_until(struct world *w, bool (*done)(const struct world *w, const void *arg), const void *arg);

/* A platform of @stamp below @top, as a tar or, if @gz, as a tgz. */
void put_platform(
        const struct world *w, const char *file, const char *top, const char *stamp, bool gz, int age_sec);

const struct archive_status *status(const struct world *w, const char *file);
/* @why: part of the reason; NULL: there is none. */
void assert_state(const struct world *w, const char *file, enum archive_state state, const char *why);
void assert_reads(const struct build *b, const char *path, const char *want);
unsigned spool_files(const struct world *w);
/* Writes to catalog.db behind everybody's back; SQLite's code. */
int sql(const struct world *w, const char *text);

#endif
