/* SPDX-License-Identifier: MPL-2.0 */
/* plan -- all a renderer needs to know about one machine: the inventory's answer, in memory.
 *
 * Renderers are pure: they read a plan and a build list, nothing else.  Values here come straight from
 * rows, which can be written with every check off: nothing in a plan is safe to print into a script until
 * its renderer has checked it.
 */
#ifndef PXEFS_INVENTORY_PLAN_PLAN_H
#define PXEFS_INVENTORY_PLAN_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum plan_kind {
        PLAN_HOST,    /* an enabled host of the inventory */
        PLAN_UNKNOWN, /* no row has this MAC: see unknown_policy */
        PLAN_DISABLED /* host.enabled = 0: the local disk script */
};

enum unknown_policy { UNKNOWN_MENU, UNKNOWN_LOCAL, UNKNOWN_DENY };
enum menu_style { MENU_FULL, MENU_MINIMAL };
enum boot_form {
        FORM_MODULE, /* module ... type=rootfs name=ramdisk, and the hash */
        FORM_INITRD  /* the documentation's: initrd .../boot_archive */
};
enum grub_form {
        GRUB_PLAIN, /* kernel, module: any GRUB 0.97 */
        GRUB_TRITON /* kernel$, module$, variable os_console, min_mem64: illumos' and Triton's */
};
enum loader_kind {
        LOADER_STOCK, /* upstream iPXE: 512 bytes, 8 modules */
        LOADER_TRITON /* Triton's fork: 4096 bytes, 16 modules */
};

/* One effective boot property (or, with a name that starts with '-', a kernel flag). */
struct plan_property {
        char *name;
        char *value; /* never NULL: unset ones are in plan.unset; of a flag without a word: "" or "true" */
        char *layer; /* who gave it: "host db1", "profile default" */
        bool secret; /* shown in why, status and lists only as "set, from <layer>" */
};

/* One effective row of menu_item. */
struct plan_item {
        char *key, *label, *body; /* nothing of it is checked */
        char *layer;
};

/* One effective boot module: a file the machine finds below /system/boot, with what belongs to this very content. */
#define PLAN_MODULES_MAX     16 /* as many as the most generous iPXE takes */
#define PLAN_MODULE_NAME_MAX 100
struct plan_module {
        char *name; /* "etc/system"; plan_refuse_module_name lets it pass */
        unsigned char *content;
        size_t len; /* bytes, 1 to 64 KiB */
        char *layer;
        bool secret;   /* never listed */
        char sha1[41]; /* of content, lower-case hex */
        char id[17];   /* the first 16 digits of it: what names the content in a script */
};

/* One effective setting, for why. */
struct plan_setting {
        char *key, *value;
        char *layer; /* "profile rack7", "global" (profile default), "built in" */
};

struct plan {
        enum plan_kind kind;
        enum unknown_policy unknown_policy;
        char mac[18];              /* "aa-bb-cc-dd-ee-ff"; "" in the plan of unknown machines in general */
        int64_t host_id;           /* host.id, 0 when unknown */
        char *hostname;            /* NULL when unknown */
        /* When a row that this plan is made of changed last: of the host, its profiles, its channel.  Unix time as the
         * writer's clock had it; 0: not known (an inventory of schema 1). */
        int64_t changed_sec;
        char *ip, *uuid, *profile; /* NULL if not given */
        char *comment;             /* NULL if not given */

        /* The build's name, or NULL for `latest`; where a row asks for one that cannot be read ("channel 9", which
         * has no row), a name that no build has: nothing else may be booted in its place. */
        char *build;
        char *build_why; /* one phrase: "host.build", "channel stable, from profile rack7", "latest (...)" */

        struct plan_property *properties; /* by name */
        size_t n_properties;
        struct plan_property *unset; /* value "": inherited ones that a NULL row unset, and the row's layer */
        size_t n_unset;
        struct plan_setting *settings; /* by key: every known key has one */
        size_t n_settings;
        struct plan_item *items; /* in the order of the menu */
        size_t n_items;
        struct plan_module *modules; /* by name, each once; none for unknown machines */
        size_t n_modules;
        char home
                [18]; /* MAC of the host's NIC with the lowest id: scripts of all its NICs find the modules there */

        /* The settings renderers use, parsed. */
        char *base_url; /* NULL: refer relative to the script */
        unsigned menu_timeout_ms;
        char *menu_title;
        enum menu_style menu_style;
        enum boot_form boot_form;
        enum loader_kind loader;
        enum grub_form grub_form;
        bool allow_destructive;                 /* properties that destroy data may be passed on */
        bool iso_menu;                          /* ISOs of /iso stand in the menu */
        bool rescue_smartos, rescue_standalone; /* what the rescue entry passes beside noimport=true */

        char **problems; /* rows that could not be used, one line each; the rest of the plan is good */
        size_t n_problems;
};

/* Why a module cannot have this name, or NULL.  Pure. */
const char *plan_refuse_module_name(const char *name);

/* Sets content, len, sha1 and id of @m, copying @content.  0 or -ENOMEM. */
int plan_module_fill(struct plan_module *m, const void *content, size_t len);

void plan_free(struct plan *p);

static inline void plan_freep(struct plan **p)
{
        plan_free(*p);
}
#define AUTO_PLAN AUTO_CLEAN(plan_freep)

#endif
