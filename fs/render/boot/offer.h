/* SPDX-License-Identifier: MPL-2.0 */
/* offer -- what one machine can be offered: a plan and the builds there are, checked.
 *
 * Rows become data here that may be printed: the base of URLs, the host's build, which entries there are, the
 * boot words and modules of each with their cost, and everything that was refused.  ipxe.c, pxelinux.c and
 * grub.c spell it for their loaders, why.c for a person, so that none of them can disagree.  Pure; borrows the
 * plan and the builds.
 */
#ifndef PXEFS_RENDER_BOOT_OFFER_H
#define PXEFS_RENDER_BOOT_OFFER_H

#include <stdbool.h>

#include "base/buf.h"
#include "inventory/plan/plan.h"
#include "platform/buildlist.h"
#include "render/boot/bootargs.h"
#include "render/boot/budget.h"
#include "render/boot/variant.h"

#define OFFER_MAX_OTHERS     30     /* other builds in the menu; the rest is counted */
#define OFFER_MAX_TIMEOUT_MS 999000 /* iPXE src/hci/tui/menu_ui.c has room for three digits of seconds */
#define OFFER_MAX_ENTRIES    (1 + OFFER_MAX_OTHERS + N_VARIANTS)
#define OFFER_MAX_FILES      PLAN_MODULES_MAX
#define OFFER_MAX_MODULES    (2 + 2 * OFFER_MAX_FILES)
#define OFFER_MAX_ITEMS      64
#define OFFER_MAX_ISOS       20

/* Where files of a build stand below smartos/<build>/. */
#define OFFER_KERNEL  "platform/i86pc/kernel/amd64/unix"
#define OFFER_ARCHIVE "platform/i86pc/amd64/boot_archive"
#define OFFER_MBOOT                                                                                          \
        "smartos/mboot.c32" /* PXELINUX' module for multiboot kernels, as the documentation has it */

/* How the kernel is told the hashes of the machine's own boot modules; for the loader's budget, see offer_entry_fit.
 * dboot takes either form, and in both compares before anything else is done (process_module, assign_module_hashes,
 * check_images in illumos-gate usr/src/uts/i86pc/dboot/dboot_startkern.c). */
enum offer_sums {
        SUMS_NONE,
        SUMS_MODULES, /* each a module of its own, as Triton has it: type=hash name=<module> */
        SUMS_WORDS    /* hash=<40 digits> behind the module itself: fewer bytes, half the modules */
};

/* A boot module of the machine's own: where its content and its hash stand, and the words behind each. */
#define OFFER_FILE_PATH   "hosts/aa-bb-cc-dd-ee-ff/m/0123456789abcdef.hash"
#define OFFER_FILE_WORDS  (sizeof "type=file name=" + PLAN_MODULE_NAME_MAX)
#define OFFER_FILE_HASHED (OFFER_FILE_WORDS + sizeof " hash=" + 40)
struct offer_file {
        const struct plan_module *module;
        char path[sizeof OFFER_FILE_PATH], hash_path[sizeof OFFER_FILE_PATH];
        char words[OFFER_FILE_WORDS], hash_words[OFFER_FILE_WORDS];
        char hashed_words[OFFER_FILE_HASHED]; /* of the module, for SUMS_WORDS */
};

/* What a machine is given in place of, or together with, entries. */
enum offer_kind {
        OFFER_BOOT,  /* entries */
        OFFER_LOCAL, /* leave for the local disk */
        OFFER_DENY   /* boot nothing, and say so */
};

struct offer {
        enum dialect dialect;
        enum offer_kind kind;
        const struct plan *plan;
        const struct build_list *builds;
        const struct budget_limits *limits;
        const char *wanted; /* name of the build that the plan asks for, or NULL: no release build yet */
        const struct build_info *build;                    /* that build; NULL if it is not there */
        const struct build_info *others[OFFER_MAX_OTHERS]; /* the rest, newest first, each name once */
        size_t n_others;
        size_t n_left_out;                              /* good builds beyond those */
        bool known_mac;                                 /* plan->mac may be printed */
        const struct plan_item *items[OFFER_MAX_ITEMS]; /* the operator's own, those that may be shown */
        size_t n_items;
        const char *isos[OFFER_MAX_ISOS]; /* names of /iso that may stand in a URL, if the plan wants them */
        size_t n_isos;
        struct offer_file files[OFFER_MAX_FILES]; /* boot modules */
        size_t n_files;
        struct buf base;   /* what stands before "/smartos/..." in URLs: "../.." or the base URL */
        size_t base_bytes; /* its length when the client has resolved it */
        unsigned timeout_ms;
        struct refusals refused; /* everything that was left out */
};

/* One item of the menu: a build, and the difference to what the host does anyway. */
struct offer_item {
        const char
                *label; /* "smartos", "ttya", ...; NULL: another build, whose label is its loader's affair */
        const char *text; /* for the menu; NULL: "Boot SmartOS (<build>)" */
        const struct build_info *build;
        const struct variant *variant; /* NULL: the host's own words */
};

/* A module of an entry: its file below smartos/<build>/, or for a boot module below the tree's root, and the words
 * behind it ("" for none). */
struct offer_module {
        const char *path, *words;
        bool at_root;
};

/* One way to boot one build. */
struct offer_entry {
        struct buf args;                                /* words after the kernel's URL; may be empty */
        struct offer_module modules[OFFER_MAX_MODULES]; /* what is loaded, in this order */
        bool hash;                                      /* boot_archive.hash goes with it */
        bool files;                                     /* the machine's boot modules go with it */
        enum offer_sums sums;                           /* and their hashes */
        bool hash_dropped;                              /* the build has a hash, but it did not fit */
        bool sums_dropped;                              /* likewise the hashes of boot modules */
        size_t used_bytes;                              /* what it costs */
        size_t wanted_bytes;                            /* what it costs with everything */
        unsigned wanted_modules;
        unsigned n_modules;
        const char *cannot; /* NULL, or why nothing may be booted */
};

/* Fills *@o; offer_fini in any case.  Returns 0 or -ENOMEM. */
int offer_init(struct offer *o, enum dialect dialect, const struct plan *p, const struct build_list *builds,
        const char *latest);
void offer_fini(struct offer *o);
#define AUTO_OFFER AUTO_CLEAN(offer_fini)

/* The entries there are, in the menu's order: the host's build, other builds newest first, variants of the host's
 * build.  Returns their number. */
size_t offer_items(const struct offer *o, struct offer_item ret[OFFER_MAX_ENTRIES]);

/* "Boot SmartOS (<build>)", or the item's own text; safe for every loader's screen. */
void offer_put_text(const struct offer_item *item, struct buf *out);

/* Makes the boot words of an entry: the host's own, changed by @v unless it is NULL.  Returns 0 or -ENOMEM. */
int offer_entry_init(const struct offer *o, const struct variant *v, struct offer_entry *e);
void offer_entry_fini(struct offer_entry *e);
#define OFFER_ENTRY_INIT                                                                                     \
        {                                                                                                    \
                .args = BUF_INIT                                                                             \
        }
#define AUTO_OFFER_ENTRY AUTO_CLEAN(offer_entry_fini)

/* Computes the rest of @e for build @b.  What does not fit has the hashes of boot modules as words (SUMS_WORDS), then loses
 * them, then boot_archive's; if that does not do, e->cannot says so. */
void offer_entry_fit(const struct offer *o, const struct build_info *b, struct offer_entry *e);

/* "smartos/<build>/<path>", or where a boot module stands. */
void offer_put_module(const struct build_info *b, const struct offer_module *m, struct buf *out);

/* The base of URLs for a base_url of the inventory.  Adds the text to @out and returns its resolved length; 0
 * if it is NULL or, with *@ret_why set, refused. */
size_t offer_put_base(const char *base_url, struct buf *out, const char **ret_why);

#endif
