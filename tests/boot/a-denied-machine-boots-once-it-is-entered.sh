#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# With unknown_host = deny a machine that nobody has entered boots nothing, says its MAC, and goes on by itself as soon as
# the operator has entered it.
. "$PXEFS_TESTLIB"
. "$PXEFS_SRC/tests/boot/lab.sh"
lab_start
lab_build 20240101T000000Z
sql "INSERT INTO setting (key, value) VALUES ('unknown_host', 'deny')"
serve_tree
dhcp_isc
start_tftpd "$MNT" "$SERVER"
machine_start alpha 52:54:00:00:00:0a
wait_for "$BOOT_SECONDS" console_says alpha "52-54-00-00-00-0a is not in the inventory" ||
        lab_fail alpha "did not say who it is"
lab_host alpha 52:54:00:00:00:0a 20240101T000000Z
machine_wait alpha
expect_boot alpha "tftp://$SERVER" 20240101T000000Z '-B console=text,hostname=alpha,smartos=true'
