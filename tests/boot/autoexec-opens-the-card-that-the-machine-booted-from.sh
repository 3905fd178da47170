#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# iPXE that runs autoexec.ipxe before it has opened a card, as it does under UEFI, comes to its host's build: by DHCP if
# there is no lease, by the lease if there is one, though another card's network has a DHCP server too and comes first.
# Debian's iPXE does not ask for autoexec.ipxe; handed over as an initrd, the script runs at the same point.
. "$PXEFS_TESTLIB"
. "$PXEFS_SRC/tests/boot/lab.sh"
lab_start
[ -r /usr/lib/ipxe/ipxe.lkrn ] || skip "no /usr/lib/ipxe/ipxe.lkrn (package ipxe)"
lab_build 20240101T000000Z
lab_host alpha 52:54:00:00:00:0a 20240101T000000Z
serve_tree
dhcp_isc
start_tftpd "$MNT" "$SERVER"

# wake NAME SCRIPT FIRST: starts a machine whose first card is at FIRST and whose second is at the servers'.
wake()
{
        machine_start "$1" 52:54:00:00:00:0a -kernel /usr/lib/ipxe/ipxe.lkrn -initrd "$2" \
                -netdev "$3,id=other" -device e1000,netdev=other,mac=52:54:00:00:00:99,romfile=,addr=8 \
                -device e1000,netdev=net,mac=52:54:00:00:00:0a,romfile=,addr=9
}

# boots NAME: it comes to alpha's build.
boots()
{
        machine_wait "$1"
        expect_boot "$1" "tftp://$SERVER" 20240101T000000Z '-B console=text,hostname=alpha,smartos=true'
}

# acks: how many leases were given.
acks()
{
        grep -c '^DHCPACK on' "$DIR/dhcpd.log"
}

cp "$MNT/autoexec.ipxe" "$DIR/"
wake alpha "$DIR/autoexec.ipxe" hubport,hubid=1
boots alpha
[ "$(acks)" -eq 1 ] || lab_fail alpha "was given $(acks) leases, not 1"

# What a lease of the firmware looks like: an address, and the card closed. QEMU's own network answers DHCP on the first card.
cat >"$DIR/leased.ipxe" <<END
#!ipxe
dhcp net1
imgfetch tftp://$SERVER/autoexec.ipxe
ifclose
isset \${netX/mac} || echo No card is open.
isset \${ip} && echo There is a lease.
chain autoexec.ipxe
END
wake beta "$DIR/leased.ipxe" user
boots beta
for words in "No card is open." "There is a lease."; do
        console_says beta "$words" || lab_fail beta "did not say: $words"
done
[ "$(acks)" -eq 2 ] || lab_fail beta "was given $(($(acks) - 1)) leases, not 1"

# Without the lease it would have been the first card's.
cat >"$DIR/office.ipxe" <<END
#!ipxe
dhcp
echo The first to answer is \${net0/ip}.
END
wake gamma "$DIR/office.ipxe" user
wait_for "$BOOT_SECONDS" console_says gamma "The first to answer is 10.0.2.15." ||
        lab_fail gamma "has no other network on its first card"
machine_stop gamma
