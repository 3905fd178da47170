/* SPDX-License-Identifier: MPL-2.0 */
/* fixture -- plans and build lists for the render tests, from string literals.  Nothing is owned. */
#ifndef PXEFS_TESTS_FIXTURE_H
#define PXEFS_TESTS_FIXTURE_H

#include "inventory/plan/plan.h"
#include "platform/buildlist.h"

#define FIXTURE_MAX 64

struct fixture {
        struct plan plan;
        struct plan_property properties[FIXTURE_MAX], unset[FIXTURE_MAX];
        struct plan_setting settings[FIXTURE_MAX];
        struct build_info info[FIXTURE_MAX];
        char names[FIXTURE_MAX][40];
        struct build_list builds;
        const char *latest;
        char *problems[1];
        struct plan_module modules[FIXTURE_MAX];
};

/* A host db1 with the documentation's properties and three builds, of which the newest is latest. */
void fixture_host(struct fixture *f);

void fixture_property(struct fixture *f, const char *name, const char *value, const char *layer, bool secret);
void fixture_unset(struct fixture *f, const char *name, const char *layer);
void fixture_setting(struct fixture *f, const char *key, const char *value, const char *layer);
void fixture_builds(struct fixture *f, size_t n, bool has_hash);

/* A module whose digest is 40 times the hex digit of its number. */
void fixture_module(struct fixture *f, const char *name, const char *layer, bool secret);

/* Literals as the plan wants them. */
char *fixture_text(const char *s);

#define FIXTURE_HASH                                                                                         \
        "$5$2HOHRnK3$NvLlm.1KQBbB0WjoP7xcIwGnllhzp2HnT.mDO7DpxYA" /* the documentation's: "root" */

#endif
