#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# The DHCP configurations of docs/loaders/README.md, as they stand there: with each of the three servers a card whose ROM is not
# iPXE gets undionly.kpxe and boots, and UEFI firmware gets snponly.efi and comes to its host's menu.
. "$PXEFS_TESTLIB"
. "$PXEFS_SRC/tests/boot/lab.sh"
lab_start
[ -r /usr/share/ovmf/OVMF.fd ] || skip "no /usr/share/ovmf/OVMF.fd (package ovmf)"
lab_build 20240101T000000Z
lab_host bios 52:54:00:00:00:0a 20240101T000000Z
lab_host uefi 52:54:00:00:00:0b 20240101T000000Z
vendor_rom 52:54:00:00:00:0a
serve_tree
cp /usr/lib/ipxe/snponly.efi "$STATIC/"

# the_recipe NAME: into $DIR/NAME, with this lab's mount, interface and place for leases.
the_recipe()
{
        recipe docs/loaders/README.md "$1" |
                sed "s|/tftpboot|$MNT|; s|eth0|pxe0|; s|\"memfile\"|&, \"name\": \"$DIR/kea/leases.csv\"|" >"$DIR/$1"
}

# boots_both SERVER: with the DHCP server that was started last, which is stopped afterwards.
boots_both()
{
        _dhcp=$DAEMON_PID
        # shellcheck disable=SC2086 # a list of options
        machine_start bios 52:54:00:00:00:0a $VENDOR
        machine_start uefi 52:54:00:00:00:0b -m 256 -bios /usr/share/ovmf/OVMF.fd \
                -device virtio-net-pci,netdev=net,mac=52:54:00:00:00:0b,romfile=
        machine_wait bios
        console_says bios "/undionly.kpxe... ok" || lab_fail bios "never loaded undionly.kpxe ($1)"
        expect_boot bios "tftp://$SERVER" 20240101T000000Z '-B console=text,hostname=bios,smartos=true'
        wait_for "$BOOT_SECONDS" console_says uefi "This is host uefi" || lab_fail uefi "never came to its menu ($1)"
        console_says uefi "key u loads its snponly.efi" || lab_fail uefi "does not say what it needs ($1)"
        machine_stop uefi
        stop_group "$_dhcp"
        echo "seen with $1"
}

the_recipe dnsmasq.conf
run_dnsmasq
boots_both dnsmasq

start_tftpd "$MNT" "$SERVER"
the_recipe dhcpd.conf
run_dhcpd
boots_both "ISC dhcpd"

if ! find_kea; then
        echo "no kea-dhcp4: its recipe was not tried" >&2
        exit 0
fi
the_recipe kea-dhcp4.conf
run_kea
boots_both "Kea $(head -n 1 "$DIR/kea.version")"
