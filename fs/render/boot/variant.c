/* SPDX-License-Identifier: MPL-2.0 */
/* variant -- what the documentation offers to add to its menu: "variations of SmartOS that use ttya or ttyb
 * for serial redirection, load KMDB, etc.", and its rescue entry, as one table.
 */
#include "variant.h"

#include <string.h>

/* Rescue: no pool is imported, so there is no /usbkey/shadow to take a password from, and root_shadow must
 * count.  With smartos= set to anything, SmartOS stops before it applies root_shadow (smartdc-config), hence
 * smartos is left out rather than set to false; see the documentation's lines on smartos= and root_shadow=.
 * Its PXELINUX example has both, and there the password has no effect; the settings rescue_smartos and
 * rescue_standalone give that form.  Boot modules (etc/system, driver files) are left out, as in sdc-booter's rescue entry
 * (lib/menulst.js). */
const struct variant variants[N_VARIANTS] = {
        { "ttya", "a", "Boot with the console on ttya (COM1)", { { "console", "ttya" } }, 1, false, "console",
                "ttya" },
        { "ttyb", "b", "Boot with the console on ttyb (COM2)", { { "console", "ttyb" } }, 1, false, "console",
                "ttyb" },
        { "text", "t", "Boot with the console on the screen", { { "console", "text" } }, 1, false, "console",
                "text" },
        { "kmdb", "k", "Boot with the kernel debugger (-kd)", { { "-kd", "" }, { "-k", NULL } }, 2, false,
                "-kd", NULL },
        { "rescue", "e", "Rescue: import no pool (noimport=true)",
                { { "noimport", "true" }, { "smartos", NULL }, { "standalone", "true" } }, 3, true, NULL,
                NULL },
};

bool variant_is_wanted(const struct plan *p, const struct variant *v)
{
        const char *has = v->property ? bootargs_value(p, v->property) : NULL;

        if (strcmp(v->label, "text") == 0 && !has)
                return false; /* the kernel's default */
        return !has || (v->value && strcmp(has, v->value) != 0);
}

/* Only rescue has changes that settings switch: each is one of the documentation's words. */
size_t variant_changes(
        const struct plan *p, const struct variant *v, struct bootargs_change ret[VARIANT_MAX_CHANGES])
{
        bool rescue = strcmp(v->label, "rescue") == 0;
        size_t n = 0;

        for (size_t i = 0; i < v->n_changes; i++) {
                const struct bootargs_change *c = &v->changes[i];

                if (rescue && strcmp(c->name, "standalone") == 0 && !p->rescue_standalone)
                        continue;
                if (rescue && strcmp(c->name, "smartos") == 0 && p->rescue_smartos)
                        ret[n++] = (struct bootargs_change) { "smartos", "true" };
                else
                        ret[n++] = *c;
        }
        return n;
}
