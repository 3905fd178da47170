/* SPDX-License-Identifier: MPL-2.0 */
/* node -- packing and unpacking of node ids; the layout and the invariants are in node.h. */
#include "namespace/node.h"

#define BITS(n) ((UINT64_C(1) << (n)) - 1)

uint64_t node_encode(struct node n)
{
        uint64_t id = (uint64_t)n.kind << 60;

        switch (n.kind) {
        case NODE_FIXED:
                return id | (n.what & BITS(8));
        case NODE_ENTRY:
                return id | (n.object & BITS(40)) << 20 | (n.detail & BITS(20));
        case NODE_TEXT:
                return id | (uint64_t)(n.what & BITS(4)) << 56 | (n.object & BITS(24)) << 32 | n.detail;
        case NODE_HOSTDIR:
                return id | (uint64_t)(n.what & BITS(12)) << 48 | (n.object & BITS(48));
        case NODE_LINK:
                return id | (uint64_t)(n.what & BITS(8)) << 52 | (n.object & BITS(48));
        case NODE_OVERLAY:
                return id | (n.object & BITS(60));
        case NODE_OVERLAYDIR:
                return id | (uint64_t)(n.what & 1) << 59 | (n.object & BITS(59));
        case NODE_ISO:
                return id | (n.object & BITS(40));
        }
        return 0;
}

bool node_decode(uint64_t id, struct node *ret)
{
        struct node n = { .kind = (enum node_kind)(id >> 60) };

        switch (n.kind) {
        case NODE_FIXED:
                n.what = (unsigned)(id & BITS(8));
                break;
        case NODE_ENTRY:
                n.object = id >> 20 & BITS(40);
                n.detail = (uint32_t)(id & BITS(20));
                break;
        case NODE_TEXT:
                n.what = (unsigned)(id >> 56 & BITS(4));
                n.object = id >> 32 & BITS(24);
                n.detail = (uint32_t)id;
                break;
        case NODE_HOSTDIR:
                n.what = (unsigned)(id >> 48 & BITS(12));
                if (n.what >= HOSTDIRS)
                        return false;
                n.object = id & BITS(48);
                break;
        case NODE_LINK:
                n.what = (unsigned)(id >> 52 & BITS(8));
                n.object = id & BITS(48);
                break;
        case NODE_OVERLAY:
                n.object = id & BITS(60);
                break;
        case NODE_OVERLAYDIR:
                n.what = (unsigned)(id >> 59 & 1);
                n.object = id & BITS(59);
                break;
        case NODE_ISO:
                n.object = id & BITS(40);
                break;
        default:
                return false;
        }
        *ret = n;
        return id != 0 && node_encode(n) == id;
}

uint64_t node_fixed(enum fixed_place place)
{
        return node_encode((struct node) { .kind = NODE_FIXED, .what = place });
}

uint64_t node_entry(uint64_t object, uint32_t entry)
{
        return node_encode((struct node) { .kind = NODE_ENTRY, .object = object, .detail = entry });
}

uint64_t node_text(enum text_kind what, uint64_t host, uint32_t hash)
{
        return node_encode((struct node) { .kind = NODE_TEXT,
                .what = what,
                .object = host < NODE_HOST_MAX ? host : NODE_HOST_MAX,
                .detail = hash });
}

uint64_t node_hostdir(uint64_t mac, enum host_dir which)
{
        return node_encode((struct node) { .kind = NODE_HOSTDIR, .what = which, .object = mac });
}

uint64_t node_link(enum link_kind what, uint64_t argument)
{
        return node_encode((struct node) { .kind = NODE_LINK, .what = what, .object = argument });
}

uint64_t node_overlay(uint64_t hash)
{
        return node_encode((struct node) { .kind = NODE_OVERLAY, .object = hash });
}

uint64_t node_overlaydir(bool below_smartos, uint64_t hash)
{
        return node_encode((struct node) { .kind = NODE_OVERLAYDIR, .what = below_smartos, .object = hash });
}

uint64_t node_iso(uint64_t object)
{
        return node_encode((struct node) { .kind = NODE_ISO, .object = object });
}
