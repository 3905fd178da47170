/* SPDX-License-Identifier: MPL-2.0 */
/* statusfix -- made-up daemons for the tests of what pxefs says about itself. */
#ifndef TESTS_RENDER_STATUSFIX_H
#define TESTS_RENDER_STATUSFIX_H

#include "render/status/facts.h"

#define STATUSFIX_MAX 256

struct statusfix {
        struct daemon_facts f;
        struct catalog_view view;
        struct archive_status archives[STATUSFIX_MAX];
        struct build_info infos[STATUSFIX_MAX];
};

/* A daemon with nothing in its builds directory and a live inventory. */
void statusfix_init(struct statusfix *x);

/* Adds an archive; with @build, one that is served. */
void statusfix_archive(struct statusfix *x, const char *file, const char *build, enum archive_state state,
        const char *reason);

/* One where all numbers are known and several things are wrong. */
void statusfix_full(struct statusfix *x);

/* As statusfix_full, with names and reasons that try to break out of each format. */
void statusfix_hostile(struct statusfix *x);

#endif
