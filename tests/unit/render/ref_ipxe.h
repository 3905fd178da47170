/* SPDX-License-Identifier: MPL-2.0 */
/* ref_ipxe -- runs a script as iPXE does, written from its rules for the tests, not from our renderer.
 *
 * Knows the commands our scripts may use and no other: anything else is an error of the script, even where
 * iPXE would know it.  Nothing is fetched: a URL works unless the test says that it does not.
 */
#ifndef PXEFS_TESTS_REF_IPXE_H
#define PXEFS_TESTS_REF_IPXE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

#define REF_MAX_VARS   64
#define REF_MAX_IMAGES 48
#define REF_MAX_CARDS  3

enum ref_outcome {
        REF_RUNNING,
        REF_BOOTED,  /* boot with a kernel selected: see images */
        REF_EXIT,    /* exit: back to the firmware */
        REF_SANBOOT, /* the local disk took over */
        REF_CHAINED, /* chain --replace took place: see chained */
        REF_MENU,    /* at a choose that the test does not answer */
        REF_SHELL,   /* at a shell, and the test types nothing */
        REF_REBOOT,
        REF_FELL_OFF, /* the script ended, or failed, without any of these */
        REF_ENDLESS   /* 10 000 lines later still none */
};

struct ref_card {
        const char *mac, *ip; /* ip: of a lease, NULL if it has none; dhcp gives it one */
        bool answered;        /* dhcp finds a server */
        bool broken;          /* cannot be opened */
};

struct ref_ipxe {
        /* Set by the test. */
        const char *url; /* where the script came from */
        const char *mac, *server, *platform;
        const char *choice;              /* what choose gives the first time; NULL: nothing, REF_MENU */
        const char *failing;             /* fetching a URL that holds this fails; "boot": so does boot */
        bool key_pressed;                /* at a prompt */
        bool leave_shell;                /* shell ends at once, as if "exit" was typed */
        bool no_disk;                    /* sanboot fails */
        bool leftover;                   /* an image of some earlier attempt is registered already */
        size_t max_cmdline, max_modules; /* 0: 512 and 8 */
        size_t n_cards;                  /* 0: one, of mac, that is open */
        struct ref_card cards[REF_MAX_CARDS];
        int open; /* the card that is open when the script begins, -1: none; changes */

        /* Found out. */
        enum ref_outcome outcome;
        struct buf screen; /* all that echo, menu and item showed, line by line */
        struct buf errors; /* what a script of ours must never do; empty if all is well */
        int exit_code;     /* with REF_EXIT */
        char *timeout;     /* of the last choose */
        char *chosen_default;
        char *chained;     /* absolute */
        char *kernel_line; /* as multiboot hands it over, cut where iPXE would cut it */
        char *module_lines[REF_MAX_IMAGES];
        size_t n_modules;
        size_t cmdline_bytes; /* what it would have taken uncut */
        unsigned n_dhcp;      /* cards that were given to DHCP */

        /* Inside. */
        struct {
                char *name, *value;
        } vars[REF_MAX_VARS];
        size_t n_vars;
        struct {
                char *url, *args;
        } images[REF_MAX_IMAGES];
        size_t n_images;
        int selected; /* index of the kernel, -1 */
        const char *script;
        size_t len, offset;
        bool stop_command, stop_script;
};

/* Runs @script from its beginning; the fields that the test sets must be set. */
void ref_ipxe_run(struct ref_ipxe *x, const char *script, size_t len);
void ref_ipxe_fini(struct ref_ipxe *x);

/* Looks at every line without running any: commands on the allow-list, options known, goto and item labels
 * there, no label twice, no NUL, nothing but printable ASCII.  Adds what is wrong to @errors; returns true if
 * nothing is. */
bool ref_ipxe_check(const char *script, size_t len, struct buf *errors);

/* Splits a line into words as split_command() does, into at most @max; returns their number.  *@copy must be
 * freed. */
size_t ref_ipxe_split(const char *line, char **words, size_t max, char **copy);

#endif
