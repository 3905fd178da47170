/* SPDX-License-Identifier: MPL-2.0 */
/* filter_impl -- what filter.c wants of each library.  For the files of this folder only. */
#ifndef PXEFS_CODEC_FILTER_IMPL_H
#define PXEFS_CODEC_FILTER_IMPL_H

#include <stdbool.h>
#include <stddef.h>

#include "codec/filter.h"

/* Input and output of one step: a codec moves the pointers on. */
struct filter_io {
        const unsigned char *in;
        size_t in_len;
        unsigned char *out;
        size_t out_len;
        const char *warning; /* static; what a codec found without check sums */
};

enum filter_step {
        STEP_MORE,   /* it wants input, or room */
        STEP_END,    /* a stream ended, and what it holds agreed with its check sums */
        STEP_BAD,    /* damaged: *ret_why (static) says how */
        STEP_REFUSE, /* sound perhaps, but not for us: *ret_why says why, and the way out */
        STEP_MEMORY, /* short of memory */
};

struct filter_codec {
        const char *name;
        /* Space is given by filter.c: the codec's state, zeroed. */
        size_t state_bytes;
        enum filter_step (*begin)(
                void *state); /* a stream: the first, or another; STEP_MORE or STEP_MEMORY */
        enum filter_step (*step)(void *state, struct filter_io *io, const char **ret_why);
        void (*end)(void *state); /* also of a state that never began */
        const char *magic;        /* what each stream begins with, whole, */
        size_t magic_len;         /* so that what follows a stream is judged by it */
        const char
                *skip_magic; /* NULL, or what a stream without content begins with, behind its first byte */
        unsigned padding;    /* zeros may follow a stream, in multiples of so many bytes; 0: none may */
};

extern const struct filter_codec filter_codec_xz, filter_codec_zstd, filter_codec_bzip2;

#endif
