#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# A machine that nobody has entered boots the newest build with the default profile's properties, or leaves for its own
# disk and says why. The third policy is in a-denied-machine-boots-once-it-is-entered.
. "$PXEFS_TESTLIB"
. "$PXEFS_SRC/tests/boot/lab.sh"
lab_start
lab_build 20240101T000000Z
lab_build 20240202T000000Z
lab_host alpha 52:54:00:00:00:0a 20240101T000000Z -v ''
sql "INSERT INTO property (profile, name, value) VALUES (1, 'rack', 'r7,u3')"
serve_tree
dhcp_isc
start_tftpd "$MNT" "$SERVER"

boot stranger 52:54:00:00:00:0b
expect_boot stranger "tftp://$SERVER" 20240202T000000Z '-B console=text,rack="r7,u3",smartos=true'
console_says stranger "machine 52-54-00-00-00-0b, which is not in the inventory" || lab_fail stranger "did not say who it is"

sql "INSERT INTO setting (key, value) VALUES ('unknown_host', 'local')"
boot stranger 52:54:00:00:00:0b
expect_local_disk stranger
console_says stranger "52-54-00-00-00-0b is not in the inventory" || lab_fail stranger "was not told why"
