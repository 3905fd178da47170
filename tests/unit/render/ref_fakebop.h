/* SPDX-License-Identifier: MPL-2.0 */
/* ref_fakebop -- what the illumos kernel makes of its command line, written from its rules for the tests
 * (illumos-gate usr/src/uts/i86pc/os/fakebop.c, build_boot_properties), not from our encoder. */
#ifndef PXEFS_TESTS_REF_FAKEBOP_H
#define PXEFS_TESTS_REF_FAKEBOP_H

#include <stdbool.h>
#include <stddef.h>

#define FAKEBOP_MAX_PROPS 256

struct fakebop {
        char *boot_file; /* the first word */
        char *whoami;    /* from its first "/platform/" on */
        char *boot_args; /* what is in no -B group */
        struct {
                char *name, *value;
        } props[FAKEBOP_MAX_PROPS];
        size_t n;
        bool overrun; /* a value did not fit the kernel's page, or there were too many for the test */
};

void fakebop_parse(const char *line, struct fakebop *ret);
void fakebop_fini(struct fakebop *k);

/* The last one wins; NULL if there is none. */
const char *fakebop_value(const struct fakebop *k, const char *name);

/* How often a name was given. */
size_t fakebop_count(const struct fakebop *k, const char *name);

/* Whether @words ("-kd", "-m milestone=none") stand in boot_args, between blanks or its ends. */
bool fakebop_has_flag(const struct fakebop *k, const char *words);

/* Whether the kernel reads boot_args to its end, with the word that each of -i, -m and -O takes being none that starts with
 * '-': common/os/main.c bootflags() and its getoptstr() stop at the first word that is neither flag nor taken. */
bool fakebop_reads_all_flags(const struct fakebop *k);

/* Whether the early console begins the properties where fakebop does: boot_console.c, find_boot_line_prop, takes any word of
 * '-' in which a B stands. */
bool fakebop_early_console_agrees(const struct fakebop *k);

#endif
