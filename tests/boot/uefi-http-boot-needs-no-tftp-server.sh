#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# UEFI firmware that boots by HTTP (architecture 16, vendor class HTTPClient) gets snponly.efi from nginx with each of the three
# DHCP configurations of docs/loaders/README.md, and that comes to its host's menu by HTTP: there is no TFTP server.
#
# Firmware boots by PXE first where it can: OVMF is told that it cannot (OvmfPkg/README, IPv4PXESupport).
. "$PXEFS_TESTLIB"
. "$PXEFS_SRC/tests/boot/lab.sh"
lab_start
uefi 52:54:00:00:00:0b
lab_build 20240101T000000Z
lab_host uefi 52:54:00:00:00:0b 20240101T000000Z
serve_tree
cp /usr/lib/ipxe/snponly.efi "$STATIC/"
start_nginx "$MNT" "" "$SERVER"

# the_recipe NAME: into $DIR/NAME, without its TFTP server, and with this lab's interface and place for leases; what iPXE is
# told to load comes by HTTP, too.
the_recipe()
{
        recipe docs/loaders/README.md "$1" |
                sed "/^enable-tftp/d; /^tftp-root/d; s|eth0|pxe0|; s|\"memfile\"|&, \"name\": \"$DIR/kea/leases.csv\"|
                        s|\"menu.ipxe\"|\"http://$SERVER/menu.ipxe\"|; s|ipxe,menu.ipxe|ipxe,http://$SERVER/menu.ipxe|" >"$DIR/$1"
}

# boots_by_http SERVER: with the DHCP server that was started last, which is stopped afterwards.
boots_by_http()
{
        _dhcp=$DAEMON_PID
        # shellcheck disable=SC2086 # a list of options
        machine_start uefi 52:54:00:00:00:0b $UEFI -fw_cfg name=opt/org.tianocore/IPv4PXESupport,string=n \
                -fw_cfg name=opt/org.tianocore/IPv6PXESupport,string=n
        wait_for "$BOOT_SECONDS" console_says uefi "This is host uefi" || lab_fail uefi "never came to its menu ($1)"
        machine_stop uefi
        stop_group "$_dhcp"
        echo "seen with $1"
}

the_recipe dnsmasq.conf
: >"$DIR/dnsmasq.leases"
run_dnsmasq
boots_by_http dnsmasq
the_recipe dhcpd.conf
run_dhcpd
boots_by_http "ISC dhcpd"
grep -q 'GET /smartos/snponly.efi' "$DIR/nginx-access.log" || fail "nginx was not asked for the loader"
if ! find_kea; then
        echo "no kea-dhcp4: its recipe was not tried" >&2
        exit 0
fi
the_recipe kea-dhcp4.conf
run_kea
boots_by_http "Kea $(head -n 1 "$DIR/kea.version")"
