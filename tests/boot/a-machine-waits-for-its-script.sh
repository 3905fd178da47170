#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# A machine that has the dispatcher but cannot have its own script, because the file is refused or the server is away,
# says so and asks again. It boots nothing else, not even its disk, and its own build once the script is there.
. "$PXEFS_TESTLIB"
. "$PXEFS_SRC/tests/boot/lab.sh"
lab_start
lab_build 20240101T000000Z
lab_host alpha 52:54:00:00:00:0a 20240101T000000Z
serve_tree
dhcp_isc

# A server that holds the dispatcher and nothing else.
mkdir "$DIR/bare"
cp "$MNT/menu.ipxe" "$DIR/bare/"
start_tftpd "$DIR/bare" "$SERVER"
machine_start alpha 52:54:00:00:00:0a
wait_for "$BOOT_SECONDS" console_says alpha "No such file" || lab_fail alpha "did not ask for its script"

# No server at all; in.tftpd's port stays silent, and iPXE gives up after some 17 s without a --timeout.
stop_group "$TFTPD_PID"
wait_for "$BOOT_SECONDS" console_says alpha "Connection timed out" || lab_fail alpha "did not ask again"
! console_says alpha LOCAL-DISK || lab_fail alpha "started its disk"

start_tftpd "$MNT" "$SERVER"
machine_wait alpha
expect_boot alpha "tftp://$SERVER" 20240101T000000Z '-B console=text,hostname=alpha,smartos=true'
