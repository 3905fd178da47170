#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# With iso_menu the menu offers the ISOs of /iso, and iPXE starts one as a CD by reading it over HTTP through the mount.
. "$PXEFS_TESTLIB"
. "$PXEFS_SRC/tests/boot/lab.sh"
lab_start
need xorriso
lab_build 20240101T000000Z
lab_host alpha 52:54:00:00:00:0a 20240101T000000Z
mkdir "$DIR/cd"
cp "$PXEFS_CD" "$DIR/cd/boot.bin"
xorriso -as mkisofs -R -b boot.bin -no-emul-boot -boot-load-size 1 -o "$BUILDS/tiny.iso" "$DIR/cd" >"$DIR/xorriso.log" 2>&1 ||
        fail "$(cat "$DIR/xorriso.log")"
sql "INSERT INTO setting (key, value) VALUES ('iso_menu', '1')"
serve_tree
sql "UPDATE setting SET value = '0' WHERE key = 'menu_timeout'" # wait for a key
start_nginx "$MNT" "" "$SERVER"
dhcp_isc "$HTTP/menu.ipxe"

# The entry has no key of its own: from the default down over ttya, ttyb, kmdb and rescue.
machine_start alpha 52:54:00:00:00:0a
choose alpha "Exit (boot local disk)" down down down down down ret
machine_wait alpha
console_says alpha "Boot tiny.iso as a CD (sanboot, HTTP only)" || lab_fail alpha "was not offered the ISO"
console_says alpha "Booting tiny.iso as a CD" || lab_fail alpha "did not choose the ISO"
[ "$STATUS" -eq 71 ] || lab_fail alpha "left with status $STATUS, not 71 (the CD)"
console_says alpha CD-STARTED || lab_fail alpha "did not start the CD"
grep -q '"GET /iso/tiny.iso [^"]*" 206' "$NGINX_LOG" || fail "nobody read a part of the ISO: $(cat "$NGINX_LOG")"
