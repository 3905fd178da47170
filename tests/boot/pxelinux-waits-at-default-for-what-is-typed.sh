#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# A machine that could not have its own configuration comes to PXELINUX' `default`, which boots no build by itself
# (docs/decisions/022), and boots what is typed there: an entry of the menu, the console on a serial line.
. "$PXEFS_TESTLIB"
. "$PXEFS_SRC/tests/boot/lab.sh"
lab_start
lab_build 20240101T000000Z
sql "INSERT INTO property (profile, name, value) VALUES (1, '-v', '')"
serve_pxelinux
serve_tree

# A copy of the tree made by walking it: no name of an unknown machine is in a listing.
mkdir "$DIR/copy"
cp -r "$MNT/pxelinux.cfg" "$MNT/smartos" "$STATIC"/* "$DIR/copy/"
[ "$(ls "$DIR/copy/pxelinux.cfg")" = default ] || fail "pxelinux.cfg lists: $(ls "$DIR/copy/pxelinux.cfg")"
dhcp_isc pxelinux.0
start_tftpd "$DIR/copy" "$SERVER"

machine_start patient 52:54:00:00:00:0a
machine_start serial 52:54:00:00:00:0b
wait_for "$BOOT_SECONDS" console_says patient boot: || lab_fail patient "showed no prompt"
choose serial boot: t t y b ret
machine_wait serial
expect_boot serial '' 20240101T000000Z '-v -B console=ttyb,smartos=true,ttyb-mode="115200,8,n,1,-"'

# Meanwhile the other was fetched and started; the menu of a machine's own waits a second (serve_tree).
! console_says patient BOOT-STUB || lab_fail patient "booted by itself"
console_says patient "so nothing is booted by itself" || lab_fail patient "did not say why it waits"
press patient s m a r t o s ret
machine_wait patient
expect_boot patient '' 20240101T000000Z '-v -B console=text,smartos=true'
