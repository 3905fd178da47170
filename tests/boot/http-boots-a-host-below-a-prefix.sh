#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# nginx serves the mount three directories deep, and the scripts, which refer relative to themselves, still find all.
. "$PXEFS_TESTLIB"
. "$PXEFS_SRC/tests/boot/lab.sh"
lab_start
lab_build 20240101T000000Z
lab_host alpha 52:54:00:00:00:0a 20240101T000000Z
serve_tree
start_nginx "$MNT" /a/b/root "$SERVER"
dhcp_isc "$HTTP/menu.ipxe"
boot alpha 52:54:00:00:00:0a
expect_boot alpha "$HTTP" 20240101T000000Z '-B console=text,hostname=alpha,smartos=true'
