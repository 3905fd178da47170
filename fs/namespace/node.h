/* SPDX-License-Identifier: MPL-2.0 */
/* node -- a node id says what it names, so nobody has to remember it.
 *
 * The 64 bits, most significant first:
 *
 *   kind 4 | 60 bits that depend on the kind
 *   FIXED      0...0, place 8              a directory that is always there; the root is 1, as FUSE demands
 *   ENTRY      object 40, entry 20         an entry of a build or image (layout.h); entry 0 is its directory
 *   TEXT       what 4, host 24, hash 32    a generated file: whose it is, and a hash of its bytes
 *   HOSTDIR    which 12, mac 48            /hosts/<mac> and the directories in it
 *   LINK       what 8, 0 4, argument 48    a symbolic link: all its target depends on
 *   OVERLAY    hash 60                     a file of the overlay: path and identity
 *   OVERLAYDIR below smartos 1, hash 59    a directory of the overlay
 *   ISO        0 20, object 40             a whole ISO file, as a stream
 *
 * Invariants
 *   1. What the id of a file or a link names never changes: same id, same bytes, same size.  When a menu
 *      changes, its name leads to another id.  That is why the kernel may cache attributes and data for ever.
 *   2. An id is derived from what it names alone, so a process that never saw it can answer for it.
 *   3. An id that can no longer be answered is ESTALE, never other bytes.
 *   4. A directory has one id and one name (the kernel moves a directory about that appears under two).
 *
 * Limits: 2^20 entries an archive; hosts with an id of 2^24 - 1 or more share a number that is only found
 * in the text ring, so that their texts may become ESTALE sooner.  All functions are pure.
 */
#ifndef PXEFS_NAMESPACE_NODE_H
#define PXEFS_NAMESPACE_NODE_H

#include <stdbool.h>
#include <stdint.h>

enum node_kind {
        NODE_FIXED = 0,
        NODE_ENTRY = 1,
        NODE_TEXT = 2,
        NODE_HOSTDIR = 3,
        NODE_LINK = 4,
        NODE_OVERLAY = 5,
        NODE_OVERLAYDIR = 6,
        NODE_ISO = 7,
};

enum fixed_place {
        PLACE_ROOT = 1, /* FUSE_ROOT_ID */
        PLACE_HOSTS = 2,
        PLACE_BY_NAME = 3,
        PLACE_BY_IP = 4,
        PLACE_BY_UUID = 5,
        PLACE_SMARTOS = 6,
        PLACE_DAEMON = 7, /* /.pxefs */
        PLACE_IMAGES = 8,
        PLACE_ISO = 9,
        PLACE_PXELINUX = 32, /* /pxelinux.cfg */
        PLACE_BOOT = 33,     /* /boot */
        PLACE_GRUB = 34,     /* /boot/grub */
};

enum host_dir {
        HOSTDIR_TOP = 0,     /* hosts/<mac> */
        HOSTDIR_MODULES = 1, /* hosts/<mac>/modules: boot modules by name */
        HOSTDIR_M = 2,       /* hosts/<mac>/m: by what they hold */
        HOSTDIRS,            /* how many there are */
};

enum text_kind {
        TEXT_MENU = 0,       /* a host's menu.ipxe; host 0: the script of machines nobody knows */
        TEXT_WHY = 1,        /* likewise */
        TEXT_DISPATCHER = 2, /* /menu.ipxe */
        TEXT_STATUS = 3,     /* /.pxefs/status.json */
        TEXT_METRICS = 4,    /* /.pxefs/metrics */
        TEXT_INDEX = 5,      /* /.pxefs/index.html */
        TEXT_MODULE = 6,     /* a boot module of a host */
        TEXT_MODULE_HASH = 7, /* and its SHA-1 */
        TEXT_PXELINUX = 8,     /* a host's pxelinux.cfg/01-..; host 0: of machines nobody knows */
        TEXT_PXELINUX_ANY = 9, /* pxelinux.cfg/default */
        TEXT_GRUB = 10,        /* a host's menu.lst.01..; host 0: likewise */
        TEXT_GRUB_ANY = 11,    /* /menu.lst, /boot/grub/menu.lst */
        TEXT_BOOT_IPXE = 12,   /* /boot.ipxe.01.., of one MAC */
        TEXT_AUTOEXEC = 13,    /* /autoexec.ipxe */
};

enum link_kind {
        LINK_SPELLING = 0,         /* hosts/AA:BB:.. -> aa-bb-..; argument: MAC */
        LINK_HOST = 1,             /* by-name/x -> ../hosts/aa-bb-..; argument: MAC */
        LINK_BUILD = 2,            /* smartos/latest -> <build>; argument: object */
        LINK_OS = 3,               /* /os -> smartos */
        LINK_PLATFORM = 4,         /* /platform -> smartos/latest/platform */
        LINK_SMARTOS_PLATFORM = 5, /* /smartos/platform -> latest/platform */
};

#define NODE_OBJECT_BITS 40
#define NODE_HASH_BITS   32 /* of a text */
#define NODE_HOST_MAX    ((1u << 24) - 1) /* "a host whose id does not fit" */

struct node {
        enum node_kind kind;
        unsigned what; /* fixed_place, text_kind, link_kind, host_dir; OVERLAYDIR: 1 if below /smartos */
        uint64_t
                object; /* ENTRY and ISO: object; TEXT: host; HOSTDIR and LINK: MAC or object; OVERLAY*: hash */
        uint32_t detail; /* ENTRY: entry; TEXT: hash */
};

uint64_t node_encode(struct node n);

/* Returns false for a number no node has (the kernel only sends ids it was given; a test or a hostile
 * journal may not). */
bool node_decode(uint64_t id, struct node *ret);

uint64_t node_fixed(enum fixed_place place);
uint64_t node_entry(uint64_t object, uint32_t entry);
uint64_t node_text(enum text_kind what, uint64_t host, uint32_t hash);
uint64_t node_hostdir(uint64_t mac, enum host_dir which);
uint64_t node_link(enum link_kind what, uint64_t argument);
uint64_t node_overlay(uint64_t hash);
uint64_t node_iso(uint64_t object);
uint64_t node_overlaydir(bool below_smartos, uint64_t hash);

#endif
