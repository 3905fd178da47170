#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# Under UEFI autoexec.ipxe leads a machine whose card is configured, here because DHCP named it to iPXE, to its host's menu,
# and runs DHCP no second time.
. "$PXEFS_TESTLIB"
. "$PXEFS_SRC/tests/boot/lab.sh"
lab_start
[ -r /usr/share/ovmf/OVMF.fd ] || skip "no /usr/share/ovmf/OVMF.fd (package ovmf)"
lab_build 20240101T000000Z
lab_host alpha 52:54:00:00:00:0a 20240101T000000Z
serve_tree
cp /usr/lib/ipxe/snponly.efi "$STATIC/"
dhcp_isc autoexec.ipxe snponly.efi
start_tftpd "$MNT" "$SERVER"

machine_start alpha 52:54:00:00:00:0a -m 256 -bios /usr/share/ovmf/OVMF.fd \
        -device virtio-net-pci,netdev=net,mac=52:54:00:00:00:0a,romfile=
wait_for "$BOOT_SECONDS" console_says alpha "This is host alpha" || lab_fail alpha "did not come to its host's menu"
acks=$(grep -c '^DHCPACK on' "$DIR/dhcpd.log")
[ "$acks" -eq 2 ] || lab_fail alpha "was given $acks leases: one is the firmware's, one iPXE's"
machine_stop alpha
