/* SPDX-License-Identifier: MPL-2.0 */
/* text -- generated files: made at lookup, promised, and found again at read.
 *
 * A lookup renders the text from one snapshot of the inventory and one of the catalog, finds the time it is of, derives its
 * node id from time and bytes, keeps both in the ring, and only then answers.  A read finds it there; or, when the ring
 * has turned, renders it again and serves it only if it is still the same text.  Thread-safe; blocks for
 * SQLite.
 */
#ifndef PXEFS_NAMESPACE_TEXT_H
#define PXEFS_NAMESPACE_TEXT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "catalog/catalog.h"
#include "inventory/inventory.h"
#include "namespace/node.h"
#include "namespace/seen.h"
#include "namespace/textring.h"
#include "render/status/facts.h"

/* Bytes of the ring for /.pxefs: some thousands of archives in one text. */
#define TEXT_FACE_BYTES (4u << 20)

struct requests;
struct texts;
struct facts_texts;

struct texts_options {
        struct catalog *catalog;         /* borrowed */
        struct inventory *inventory;     /* borrowed */
        struct seen *seen;               /* borrowed; NULL: nobody wants to know who asks */
        const char *version;             /* of pxefs, for status; borrowed */
        const struct requests *requests; /* for metrics; borrowed; NULL: not counted */
        void (*fill)(void *ctx, struct daemon_facts *f,
                struct facts_texts *
                        texts); /* as in namespace/facts.h: adds what only the caller knows of itself; may be NULL */
        void *fill_ctx;
        int statm_fd;          /* /proc/self/statm, open; borrowed; -1: none */
        struct textring *ring; /* what machines ask for; borrowed; 16 MiB */
        struct textring *
                face_ring; /* what the daemon says of itself, which changes each second and must not push out what
                                     * machines were promised; borrowed; a text may have a quarter: TEXT_FACE_BYTES */
        void *times_mem; /* FILE_TIMES_BYTES that outlive the process, borrowed (namespace/file_times.h); NULL: they do not */
        int64_t program_sec; /* when the program was installed, seconds since the epoch: texts may differ from then on */
        unsigned hash_bits; /* of a text's hash in its node id, 32; tests narrow it to provoke collisions */
};

struct texts *texts_new(const struct texts_options *opts); /* NULL if memory is short */
void texts_free(struct texts *t);

struct text_entry {
        uint64_t node;
        uint32_t
                generation; /* 32 further bits of the hash: where ids collide, the kernel's old inode turns bad */
        uint64_t size_bytes;
        int64_t mtime_ns; /* see namespace/file_times.h */
};

/* Renders the text of @what for the machine @mac (ignored for the dispatchers and the texts of /.pxefs) and keeps it.
 * 0, or a negative errno; an inventory that cannot be read is logged once per change of its state. */
int text_lookup(struct texts *t, enum text_kind what, uint64_t mac, struct text_entry *ret);

/* A boot module of the machine @mac, as @name in hosts/<mac>/modules or, @by_content, in hosts/<mac>/m; with ".hash"
 * behind it, its SHA-1 in hex and a line break.  -ENOENT if the machine has no such module at this moment. */
int text_lookup_module(
        struct texts *t, uint64_t mac, const char *name, bool by_content, struct text_entry *ret);

/* Lists the files of hosts/<mac>/modules: no secret ones.  @add gets a key that stays with its name and grows, for those
 * greater than @after, until it returns false. */
typedef bool text_list_fn(void *ctx, uint64_t key, const char *name);
int text_list_modules(struct texts *t, uint64_t mac, uint64_t after, text_list_fn *add, void *ctx);

/* Attributes of a text node.  -ESTALE if it can no longer be made. */
int text_stat(struct texts *t, const struct node *n, struct text_entry *ret);

/* Reads; fewer than @len bytes only at the end.  -ESTALE as above. */
ssize_t text_read(struct texts *t, const struct node *n, void *buf, size_t len, uint64_t off);

#endif
