/* SPDX-License-Identifier: MPL-2.0 */
/* mac -- one MAC address in all its spellings.
 *
 * Loaders and people write it with '-', ':' or nothing, in either case, with or without the ARP type in
 * front ("01-", RFC 1700 hardware type 1, Ethernet); illumos leaves leading zeros out (2:8:20:ab:cd:1), and switches
 * print 0208.20ab.cd01.  The canonical spelling is the one iPXE prints for ${mac:hexhyp}.
 */
#ifndef PXEFS_INVENTORY_PLAN_MAC_H
#define PXEFS_INVENTORY_PLAN_MAC_H

#include <stdbool.h>
#include <stdint.h>

#define MAC_TEXT_SIZE 18 /* "aa-bb-cc-dd-ee-ff" and NUL */

/* Reads any spelling.  On success *ret is the address as a number (48 bits) and, if ret_canonical is not
 * NULL, tells whether @text was the canonical spelling.  Multicast addresses (which no NIC has) and zero
 * are refused. Separators must be all the same.  Returns 0 or -EINVAL. */
int mac_parse(const char *text, uint64_t *ret, bool *ret_canonical);

void mac_format(uint64_t mac, char ret[MAC_TEXT_SIZE]);

#endif
