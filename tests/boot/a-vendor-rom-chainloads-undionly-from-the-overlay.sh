#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# A card whose ROM is not iPXE loads undionly.kpxe from the overlay of plain files, and iPXE then its menu: the two steps
# of the documentation's DHCP conditional.
. "$PXEFS_TESTLIB"
. "$PXEFS_SRC/tests/boot/lab.sh"
lab_start
[ -r /usr/lib/ipxe/ipxe.lkrn ] || skip "no /usr/lib/ipxe/ipxe.lkrn (package ipxe)"
lab_build 20240101T000000Z
lab_host alpha 52:54:00:00:00:0a 20240101T000000Z
serve_tree
dhcp_isc
start_tftpd "$MNT" "$SERVER"

# QEMU has no other ROM than iPXE's, so ipxe.lkrn plays the vendor's: it asks with another user class and offers PXE to
# what it loads. The override is cleared before that: undionly.kpxe inherits the settings of the one below it (it reads
# the cached DHCP packet) and would be handed undionly.kpxe for ever.
cat >"$DIR/vendor.ipxe" <<END
#!ipxe
set user-class Vendor
dhcp
clear user-class
chain tftp://\${next-server}/\${filename}
END
boot alpha 52:54:00:00:00:0a -device e1000,netdev=net,mac=52:54:00:00:00:0a,romfile= \
        -kernel /usr/lib/ipxe/ipxe.lkrn -initrd "$DIR/vendor.ipxe"
console_says alpha "/undionly.kpxe... ok" || lab_fail alpha "never loaded undionly.kpxe"
expect_boot alpha "tftp://$SERVER" 20240101T000000Z '-B console=text,hostname=alpha,smartos=true'
