/* SPDX-License-Identifier: MPL-2.0 */
/* atwork -- what the calling thread is at work on, so that a crash can say whom to blame.
 *
 * A mark is a number: of the archive whose bytes are looked at, and of the place where the request stands that the thread
 * executes.  Who begins something sets it, and a handler of fatal signals reads it (takeover/crash.h).
 *
 * Threads: each has its own; all functions are about the calling one.  Nothing blocks.
 */
#ifndef PXEFS_BASE_ATWORK_H
#define PXEFS_BASE_ATWORK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* An archive has the number that stands in its node ids. */
enum atwork_what {
        ATWORK_REQUEST, /* somebody asks for something of the archive */
        ATWORK_MAKE,    /* bytes of it are decoded for who asks */
        ATWORK_AHEAD,   /* the same, before anybody asks */
};

struct atwork {
        uint64_t archive;      /* 0: none */
        uint32_t place;        /* of the request, counted from 1; 0: none */
        enum atwork_what what; /* that is done with it; if there is one */
};

/* The mark.  Async-signal-safe. */
struct atwork atwork_get(void);

/* Sets the request's place; it stays until it is set again. */
void atwork_place(uint32_t place);

/* From here on the thread is at work on @archive (0: nothing to note).  A mark that is there already stays: who gave the
 * order is to blame for what it takes.  Returns whether it was set, for atwork_end.
 *
 * The first mark of a thread makes it ready for the handler: the fatal signals are let through (one that is blocked would
 * end the process without a word: Linux kernel/signal.c, force_sig_info_to_task), and it has a stack of its own if the
 * thread's is used up. */
bool atwork_begin(uint64_t archive, enum atwork_what what);
void atwork_end(bool begun);

/* Where the thread says whether it waits for a storage, as 1 or 0, so that nobody takes it for one that hangs; NULL: nowhere.
 * Borrowed until it is set again. */
void atwork_say_waits(_Atomic uint32_t *to);
/* A call that only a disk, or a server that plays one, can end is about to begin, or has ended. */
void atwork_wait(bool begins);

/* The signals a thread dies of by its own doing; ends with 0. */
extern const int atwork_signals[];

#endif
