#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# Somebody at the keyboard chooses "Exit (boot local disk)", and the machine leaves iPXE for its disk.
. "$PXEFS_TESTLIB"
. "$PXEFS_SRC/tests/boot/lab.sh"
lab_start
lab_build 20240101T000000Z
lab_host alpha 52:54:00:00:00:0a 20240101T000000Z
serve_tree
sql "UPDATE setting SET value = '0' WHERE key = 'menu_timeout'" # wait for a key
dhcp_isc
start_tftpd "$MNT" "$SERVER"
machine_start alpha 52:54:00:00:00:0a
wait_for "$BOOT_SECONDS" console_says alpha "Exit (boot local disk)" || lab_fail alpha "drew no menu"
press alpha x
machine_wait alpha
expect_local_disk alpha
