/* SPDX-License-Identifier: MPL-2.0 */
/* fixture -- see fixture.h. */
#include "fixture.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

char *fixture_text(const char *s)
{
        return (char *)(uintptr_t)s; /* plans own their strings; the tests' are literals and never freed */
}

void fixture_property(struct fixture *f, const char *name, const char *value, const char *layer, bool secret)
{
        f->properties[f->plan.n_properties++] = (struct plan_property) { fixture_text(name),
                fixture_text(value), fixture_text(layer), secret };
}

void fixture_unset(struct fixture *f, const char *name, const char *layer)
{
        f->unset[f->plan.n_unset++] =
                (struct plan_property) { fixture_text(name), fixture_text(""), fixture_text(layer), false };
}

void fixture_module(struct fixture *f, const char *name, const char *layer, bool secret)
{
        static unsigned char content[] = "hunter2";
        struct plan_module *m = &f->modules[f->plan.n_modules];
        int digit = "0123456789abcdef"[f->plan.n_modules % 16];

        *m = (struct plan_module) { .name = fixture_text(name),
                .content = content,
                .len = sizeof content - 1,
                .layer = fixture_text(layer),
                .secret = secret };
        memset(m->sha1, digit, sizeof m->sha1 - 1);
        memset(m->id, digit, sizeof m->id - 1);
        f->plan.n_modules++;
}

void fixture_setting(struct fixture *f, const char *key, const char *value, const char *layer)
{
        f->settings[f->plan.n_settings++] =
                (struct plan_setting) { fixture_text(key), fixture_text(value), fixture_text(layer) };
}

/* 2024-10-10 and then one a week or so, back to the summer of 2023. */
void fixture_builds(struct fixture *f, size_t n, bool has_hash)
{
        for (size_t i = 0; i < n; i++) {
                size_t week = 20 * 4 + 4 - i, month = week / 4, day = 10 + week % 4 * 6;

                (void)snprintf(f->names[i], sizeof f->names[i], "%zu%02zu%02zuT000000Z", 2023 + month / 12,
                        month % 12 + 1, i ? day : 10);
                f->info[i] = (struct build_info) { f->names[i], true, has_hash };
        }
        f->builds = (struct build_list) { .v = f->info, .n = n };
        f->latest = n ? f->names[0] : NULL;
}

void fixture_host(struct fixture *f)
{
        memset(f, 0, sizeof *f);
        f->plan = (struct plan) { .kind = PLAN_HOST,
                .unknown_policy = UNKNOWN_MENU,
                .mac = "02-08-20-ab-cd-01",
                .home = "02-08-20-ab-cd-01",
                .modules = f->modules,
                .host_id = 7,
                .hostname = fixture_text("db1"),
                .profile = fixture_text("rack7"),
                .build_why = fixture_text("latest (nothing else is set)"),
                .properties = f->properties,
                .unset = f->unset,
                .settings = f->settings,
                .menu_timeout_ms = 30000,
                .menu_title = fixture_text("SmartOS network boot"),
                .menu_style = MENU_FULL,
                .boot_form = FORM_MODULE,
                .loader = LOADER_STOCK,
                .problems = f->problems };
        fixture_property(f, "root_shadow", FIXTURE_HASH, "profile rack7", true);
        fixture_property(f, "smartos", "true", "profile default", false);
        fixture_builds(f, 3, true);
}
