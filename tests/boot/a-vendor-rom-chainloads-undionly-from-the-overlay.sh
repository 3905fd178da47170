#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# A card whose ROM is not iPXE loads undionly.kpxe from the overlay of plain files, and iPXE then its menu: the two steps
# of the documentation's DHCP conditional.
. "$PXEFS_TESTLIB"
. "$PXEFS_SRC/tests/boot/lab.sh"
lab_start
vendor_rom 52:54:00:00:00:0a
lab_build 20240101T000000Z
lab_host alpha 52:54:00:00:00:0a 20240101T000000Z
serve_tree
dhcp_isc
start_tftpd "$MNT" "$SERVER"

# shellcheck disable=SC2086 # a list of options
boot alpha 52:54:00:00:00:0a $VENDOR
console_says alpha "/undionly.kpxe... ok" || lab_fail alpha "never loaded undionly.kpxe"
expect_boot alpha "tftp://$SERVER" 20240101T000000Z '-B console=text,hostname=alpha,smartos=true'
