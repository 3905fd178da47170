/* SPDX-License-Identifier: MPL-2.0 */
/* names -- see names.h. */
#include "namespace/names.h"

#include <stddef.h>
#include <string.h>

const struct fixed_name fixed_names[] = {
        { PLACE_ROOT, "menu.ipxe", USE_TEXT, TEXT_DISPATCHER, false, false },
        { PLACE_ROOT, "autoexec.ipxe", USE_TEXT, TEXT_AUTOEXEC, false, false },
        { PLACE_ROOT, "hosts", USE_DIR, PLACE_HOSTS, false, false },
        { PLACE_ROOT, "by-name", USE_DIR, PLACE_BY_NAME, false, false },
        { PLACE_ROOT, "by-ip", USE_DIR, PLACE_BY_IP, false, false },
        { PLACE_ROOT, "by-uuid", USE_DIR, PLACE_BY_UUID, false, false },
        { PLACE_ROOT, "smartos", USE_DIR, PLACE_SMARTOS, false, false },
        { PLACE_ROOT, "platform", USE_LINK, LINK_PLATFORM, true, false },
        { PLACE_ROOT, "os", USE_LINK, LINK_OS, false, false },
        { PLACE_ROOT, ".pxefs", USE_DIR, PLACE_DAEMON, false, false },
        { PLACE_SMARTOS, "latest", USE_LATEST, 0, true, false },
        { PLACE_SMARTOS, "platform", USE_LINK, LINK_SMARTOS_PLATFORM, true, false },
        { PLACE_DAEMON, "status.json", USE_TEXT, TEXT_STATUS, false, false },
        { PLACE_ROOT, "images", USE_DIR, PLACE_IMAGES, false, false },
        { PLACE_ROOT, "iso", USE_DIR, PLACE_ISO, false, false },
        { PLACE_DAEMON, "metrics", USE_TEXT, TEXT_METRICS, false, false },
        { PLACE_DAEMON, "index.html", USE_TEXT, TEXT_INDEX, false, false },
        { PLACE_ROOT, "pxelinux.cfg", USE_DIR, PLACE_PXELINUX, false, false },
        { PLACE_PXELINUX, "default", USE_TEXT, TEXT_PXELINUX_ANY, false, false },
        { PLACE_ROOT, "menu.lst", USE_TEXT, TEXT_GRUB_ANY, false, false },
        { PLACE_ROOT, "boot", USE_DIR, PLACE_BOOT, false, false },
        { PLACE_BOOT, "grub", USE_DIR, PLACE_GRUB, false, false },
        { PLACE_GRUB, "menu.lst", USE_TEXT, TEXT_GRUB_ANY, false, false },
};
const unsigned n_fixed_names = sizeof fixed_names / sizeof fixed_names[0];

const struct host_name host_names[] = {
        { "menu.ipxe", TEXT_MENU },
        { "why", TEXT_WHY },
};
const unsigned n_host_names = sizeof host_names / sizeof host_names[0];

const struct host_subdir host_subdirs[] = {
        { "modules", HOSTDIR_MODULES, true },
        { "m", HOSTDIR_M, false },
};
const unsigned n_host_subdirs = sizeof host_subdirs / sizeof host_subdirs[0];

const struct fixed_name *fixed_name_find(unsigned parent, const char *name)
{
        for (unsigned i = 0; i < n_fixed_names; i++)
                if (fixed_names[i].parent == parent && strcmp(fixed_names[i].name, name) == 0)
                        return &fixed_names[i];
        return NULL;
}
