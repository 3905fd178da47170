/* SPDX-License-Identifier: MPL-2.0 */
/* settings -- one table: a new setting is a row here and a row in known_setting; see settings.h.  Pure. */
#include "inventory/plan/settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const struct setting_def setting_defs[] = {
        /* by key */
        { "allow_destructive", "0", "0|1", false },
        { "base_url", "", NULL, false },
        { "boot_form", "module", "module|initrd", false },
        { "grub_form", "plain", "plain|triton", false },
        { "iso_menu", "0", "0|1", false },
        { "loader", "stock", "stock|triton", false },
        { "menu_style", "full", "full|minimal", false },
        { "menu_timeout", "30", "0|999", true },
        { "menu_title", "SmartOS network boot", NULL, false },
        { "rescue_smartos", "0", "0|1", false },
        { "rescue_standalone", "0", "0|1", false },
        { "unknown_host", "menu", "menu|local|deny", false },
};
const size_t n_setting_defs = sizeof setting_defs / sizeof setting_defs[0];

static bool is_choice(const char *choices, const char *value)
{
        size_t len = strlen(value);

        for (const char *s = choices; *s;) {
                size_t n = strcspn(s, "|");

                if (n == len && memcmp(s, value, len) == 0)
                        return true;
                s += n + (s[n] == '|');
        }
        return false;
}

static bool is_number_in(const char *range, const char *value)
{
        unsigned long v, lo = strtoul(range, NULL, 10), hi = strtoul(strchr(range, '|') + 1, NULL, 10);

        if (*value == '\0' || strlen(value) > 9 || value[strspn(value, "0123456789")])
                return false;
        v = strtoul(value, NULL, 10);
        return v >= lo && v <= hi;
}

const char *setting_refuse(const struct setting_def *def, const char *value)
{
        if (!def->choices)
                return NULL;
        if (def->is_number)
                return is_number_in(def->choices, value) ? NULL : "it is no number in the range";
        return is_choice(def->choices, value) ? NULL : "it is none of the words";
}

const char *setting_value(const struct plan *p, const char *key)
{
        for (size_t i = 0; i < p->n_settings; i++)
                if (strcmp(p->settings[i].key, key) == 0)
                        return p->settings[i].value;
        return NULL;
}

static bool is(const struct plan *p, const char *key, const char *value)
{
        const char *v = setting_value(p, key);

        return v && strcmp(v, value) == 0;
}

static int dup_setting(const struct plan *p, const char *key, char **ret)
{
        const char *v = setting_value(p, key);

        if (!v || !*v)
                return 0;
        *ret = strdup(v);
        return *ret ? 0 : -ENOMEM;
}

int settings_apply(struct plan *p)
{
        const char *timeout = setting_value(p, "menu_timeout");

        p->unknown_policy = is(p, "unknown_host", "local")  ? UNKNOWN_LOCAL
                            : is(p, "unknown_host", "deny") ? UNKNOWN_DENY
                                                            : UNKNOWN_MENU;
        p->menu_style = is(p, "menu_style", "minimal") ? MENU_MINIMAL : MENU_FULL;
        p->boot_form = is(p, "boot_form", "initrd") ? FORM_INITRD : FORM_MODULE;
        p->loader = is(p, "loader", "triton") ? LOADER_TRITON : LOADER_STOCK;
        p->grub_form = is(p, "grub_form", "triton") ? GRUB_TRITON : GRUB_PLAIN;
        p->allow_destructive = is(p, "allow_destructive", "1");
        p->iso_menu = is(p, "iso_menu", "1");
        p->rescue_smartos = is(p, "rescue_smartos", "1");
        p->rescue_standalone = is(p, "rescue_standalone", "1");
        p->menu_timeout_ms = timeout ? (unsigned)strtoul(timeout, NULL, 10) * 1000 : 0;
        if (dup_setting(p, "base_url", &p->base_url) < 0)
                return -ENOMEM;
        return dup_setting(p, "menu_title", &p->menu_title);
}
