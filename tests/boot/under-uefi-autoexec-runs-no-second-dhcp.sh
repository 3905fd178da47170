#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# Under UEFI autoexec.ipxe leads a machine whose card is configured, here because DHCP named it to iPXE, to its host's menu,
# and runs DHCP no second time.
. "$PXEFS_TESTLIB"
. "$PXEFS_SRC/tests/boot/lab.sh"
uefi_lab autoexec.ipxe
wait_for "$BOOT_SECONDS" console_says alpha "This is host alpha" || lab_fail alpha "did not come to its host's menu"
acks=$(grep -c '^DHCPACK on' "$DIR/dhcpd.log")
[ "$acks" -eq 2 ] || lab_fail alpha "was given $acks leases: one is the firmware's, one iPXE's"
machine_stop alpha
