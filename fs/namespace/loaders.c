/* SPDX-License-Identifier: MPL-2.0 */
/* loaders -- names that say which machine asks: pxelinux.cfg/, menu.lst.01.., boot.ipxe.01...
 *
 * What each loader asks for, in its order:
 *
 *   PXELINUX   pxelinux.cfg/<uuid>, 01-aa-bb-cc-dd-ee-ff, C0A80001, C0A8000, ... C, default
 *              (syslinux core/fs/pxe/pxe.c, pxe_open_config)
 *   pxegrub    menu.lst.01AABBCCDDEEFF, menu.lst.<DHCP's file name>, boot/grub/menu.lst
 *              (illumos-gate usr/src/grub/grub-0.97/stage2/builtins.c, solaris_config_file), and in front of them a file
 *              `default` beside the menu
 *   iPXE       boot.ipxe.01AABBCCDDEEFF, where Triton's DHCP says so (sdc-booter lib/menulst.js)
 *
 * Here any spelling of a MAC is understood that hosts/ understands, as long as it has the type 01 in front: one node
 * under several names is fine for files.
 *
 * A name with a MAC always resolves, as hosts/<mac> does: a machine nobody has entered gets its policy's text.  If it
 * did not, PXELINUX would go on to `default`, and a lost packet or a busy database would look the same as a machine
 * nobody knows.  So `default` is for whoever's own file could not be had, and boots nothing by itself
 * (render_pxelinux, anybody).
 *
 * A UUID is asked for first.  PXELINUX writes down the 16 bytes as the firmware gave them; dmidecode, iPXE and people
 * write the first three fields the other way round (SMBIOS 2.6, 7.2.1: they are little-endian).  Which of the two a
 * firmware means is not to be seen, so both are looked for.  A UUID or address that fits two hosts leads to neither.
 *
 * Absent names (shortened addresses, file names) cost no query.
 */
#include "namespace/loaders.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "inventory/plan/mac.h"

#define UUID_BYTES 36

/* Names that end in a MAC: "<prefix>01<mac>". */
static const struct mac_name {
        unsigned place;
        const char *prefix;
        enum text_kind what;
        const char *listed; /* how a listing writes them; NULL: not listed */
} mac_names[] = {
        { PLACE_PXELINUX, "", TEXT_PXELINUX, "01-%02x-%02x-%02x-%02x-%02x-%02x" },
        { PLACE_GRUB, "menu.lst.", TEXT_GRUB, "menu.lst.01%02X%02X%02X%02X%02X%02X" },
        { PLACE_ROOT, "menu.lst.", TEXT_GRUB, NULL },
        { PLACE_ROOT, "boot.ipxe.", TEXT_BOOT_IPXE, NULL },
};
#define N_MAC_NAMES (sizeof mac_names / sizeof mac_names[0])

/* Plain files that stand in a directory of ours: its path in the overlay. */
static const struct {
        unsigned place;
        const char *path[2];
} merged[] = {
        { PLACE_PXELINUX, { "pxelinux.cfg", NULL } },
        { PLACE_BOOT, { "boot", NULL } },
        { PLACE_GRUB, { "boot", "grub" } },
};

bool loader_place(unsigned place)
{
        return place == PLACE_PXELINUX || place == PLACE_BOOT || place == PLACE_GRUB;
}

void loader_name(unsigned place, uint64_t mac, char ret[LOADER_NAME_SIZE])
{
        ret[0] = '\0';
        for (size_t i = 0; i < N_MAC_NAMES; i++)
                if (mac_names[i].place == place && mac_names[i].listed) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* the table above */
                        (void)snprintf(ret, LOADER_NAME_SIZE, mac_names[i].listed,
                                (unsigned)(mac >> 40 & 0xff), (unsigned)(mac >> 32 & 0xff),
                                (unsigned)(mac >> 24 & 0xff), (unsigned)(mac >> 16 & 0xff),
                                (unsigned)(mac >> 8 & 0xff), (unsigned)(mac & 0xff));
#pragma GCC diagnostic pop
                        return;
                }
}

int loader_overlay(struct overlay *o, unsigned place, uint64_t *ret_hash)
{
        uint64_t hash = OVERLAY_TOP;

        for (size_t i = 0; i < sizeof merged / sizeof merged[0]; i++) {
                if (merged[i].place != place)
                        continue;
                for (size_t k = 0; k < 2 && merged[i].path[k]; k++) {
                        struct overlay_entry e;
                        int r = overlay_lookup(o, hash, merged[i].path[k], &e);

                        if (r < 0 || !e.is_dir)
                                return r < 0 ? r : -ENOENT;
                        hash = e.hash;
                }
                *ret_hash = hash;
                return 0;
        }
        return -ENOENT;
}

static int by_mac(unsigned place, const char *name, struct loader_file *ret)
{
        for (size_t i = 0; i < N_MAC_NAMES; i++) {
                size_t n = strlen(mac_names[i].prefix);
                uint64_t mac;

                if (mac_names[i].place == place && strncmp(name, mac_names[i].prefix, n) == 0 &&
                        strncmp(name + n, "01", 2) == 0 && strlen(name + n) >= 14 && strlen(name + n) != 17 &&
                        mac_parse(name + n, &mac, NULL) == 0) {
                        *ret = (struct loader_file) { mac_names[i].what, mac };
                        return 0;
                }
        }
        return -ENOENT;
}

static bool is_hex(const char *s, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (!s[i] || !strchr("0123456789abcdefABCDEF", s[i]))
                        return false;
        return true;
}

static bool is_uuid(const char *s)
{
        return strlen(s) == UUID_BYTES && s[8] == '-' && s[13] == '-' && s[18] == '-' && s[23] == '-' &&
               is_hex(s, 8) && is_hex(s + 9, 4) && is_hex(s + 14, 4) && is_hex(s + 19, 4) &&
               is_hex(s + 24, 12);
}

/* The bytes of the first three fields the other way round. */
static void swap_uuid(const char *uuid, char ret[UUID_BYTES + 1])
{
        static const unsigned char from[] = { 6, 4, 2, 0, 11, 9, 16, 14 },
                                   to[] = { 0, 2, 4, 6, 9, 11, 14, 16 };

        memcpy(ret, uuid, UUID_BYTES + 1);
        for (size_t i = 0; i < sizeof to; i++)
                memcpy(ret + to[i], uuid + from[i], 2);
}

static int by_uuid(struct inventory *inv, const char *uuid, struct loader_file *ret)
{
        char swapped[UUID_BYTES + 1];
        uint64_t mac = 0, other = 0;
        int r = inventory_mac_by_uuid(inv, uuid, &mac, NULL), s;

        swap_uuid(uuid, swapped);
        s = inventory_mac_by_uuid(inv, swapped, &other, NULL);
        if ((r < 0 && r != -ENOENT) || (s < 0 && s != -ENOENT))
                return r < 0 && r != -ENOENT ? r : s;
        if ((r == 0 && s == 0 && mac != other) || (r < 0 && s < 0))
                return -ENOENT;
        *ret = (struct loader_file) { TEXT_PXELINUX, r == 0 ? mac : other };
        return 0;
}

static int by_ip(struct inventory *inv, const char *hex, struct loader_file *ret)
{
        char ip[sizeof "255.255.255.255"];
        unsigned v[4] = { 0 };
        uint64_t mac;
        int r;

        if (sscanf(hex, "%2x%2x%2x%2x", &v[0], &v[1], &v[2], &v[3]) != 4)
                return -ENOENT;
        (void)snprintf(ip, sizeof ip, "%u.%u.%u.%u", v[0] & 255, v[1] & 255, v[2] & 255, v[3] & 255);
        r = inventory_mac_by_ip(inv, ip, &mac, NULL);
        *ret = (struct loader_file) { TEXT_PXELINUX, r < 0 ? 0 : mac };
        return r;
}

int loader_find(struct inventory *inv, unsigned place, const char *name, struct loader_file *ret)
{
        int r = by_mac(place, name, ret);

        if (r == -ENOENT && place == PLACE_PXELINUX && is_uuid(name))
                return by_uuid(inv, name, ret);
        if (r == -ENOENT && place == PLACE_PXELINUX && strlen(name) == 8 && is_hex(name, 8))
                return by_ip(inv, name, ret);
        return r;
}
