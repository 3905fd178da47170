/* SPDX-License-Identifier: MPL-2.0 */
/* address -- IP addresses in their one spelling, and UUIDs that name nobody.  Pure, no allocation. */
#ifndef PXEFS_INVENTORY_PLAN_ADDRESS_H
#define PXEFS_INVENTORY_PLAN_ADDRESS_H

#include <stdbool.h>

#define IP_TEXT_SIZE   40 /* "ffff:...:ffff" and NUL */
#define UUID_TEXT_SIZE 37

/* Writes an address as nic.ip holds it: IPv4 as it is, IPv6 in its short form (RFC 5952: lower case, no leading zeros,
 * the first longest run of two or more zero groups as ::).  0, or -EINVAL if @text is no address. */
int ip_canonical(const char *text, char ret[IP_TEXT_SIZE]);

/* Writes the UUID in lower case.  0, or -EINVAL if @text is not 8-4-4-4-12 hex digits. */
int uuid_canonical(const char *text, char ret[UUID_TEXT_SIZE]);

/* Whether boards whose maker set none carry this UUID (in lower case, in either byte order): PXELINUX asks by UUID before
 * it asks by MAC, and one host with it would give its boot to every such board. */
bool uuid_is_nobodys(const char *uuid);

#endif
