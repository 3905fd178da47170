#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# dnsmasq as the only server, DHCP and TFTP, boots a host from the mount.
. "$PXEFS_TESTLIB"
. "$PXEFS_SRC/tests/boot/lab.sh"
lab_start
lab_build 20240101T000000Z
lab_host alpha 52:54:00:00:00:0a 20240101T000000Z
serve_tree
dhcp_dnsmasq "$MNT"
boot alpha 52:54:00:00:00:0a
expect_boot alpha "tftp://$SERVER" 20240101T000000Z '-B console=text,hostname=alpha,smartos=true'
