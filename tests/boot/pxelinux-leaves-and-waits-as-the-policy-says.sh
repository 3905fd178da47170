#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# Under PXELINUX a disabled host starts its local disk, and a denied machine waits, boots nothing, and goes on by itself
# once it is entered.
. "$PXEFS_TESTLIB"
. "$PXEFS_SRC/tests/boot/lab.sh"
lab_start
lab_build 20240101T000000Z
lab_host off 52:54:00:00:00:0d 20240101T000000Z
sql "UPDATE host SET enabled = 0; INSERT OR REPLACE INTO setting (key, value) VALUES ('unknown_host', 'deny')"
serve_pxelinux
serve_tree
dhcp_isc pxelinux.0
start_tftpd "$MNT" "$SERVER"

boot off 52:54:00:00:00:0d
expect_local_disk off
console_says off "disabled in the inventory" || lab_fail off "was not told why"

machine_start new 52:54:00:00:00:0e
wait_for "$BOOT_SECONDS" console_says new "not in the inventory" || lab_fail new "was not denied"
lab_host new 52:54:00:00:00:0e 20240101T000000Z
machine_wait new
expect_boot new '' 20240101T000000Z '-B console=text,hostname=new,smartos=true'
