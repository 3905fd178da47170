#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# pxectl render gives the bytes that the mount serves: menu.ipxe and why, under each setting and each value of it, and under rows
# drawn at random, for hosts of several kinds and for a machine that nobody entered.
. "$PXEFS_TESTLIB"
need python3 bsdtar
mkbuild 20240101T000000Z -s 1
mkbuild 20240201T000000Z -s 1
mkbuild joyent-20240301T000000Z -s 1
# An ISO that is a build, and one that is none; the menu offers both.
mkdir "$DIR/t" "$DIR/m"
tar -xf "$TGZ" -C "$DIR/t"
mv "$DIR/t/$TOP" "$DIR/t/platform"
head -c 100000 /dev/urandom >"$DIR/m/memtest"
bsdtar --format iso9660 --options '!joliet,rockridge' -cf "$BUILDS/installer-2.iso" -C "$DIR/t" .
bsdtar --format iso9660 --options '!joliet,rockridge' -cf "$BUILDS/memtest.iso" -C "$DIR/m" .
make_inventory
mount_pxefs -o wait
[ "$(ls "$MNT/iso" | wc -l)" -eq 2 ] || fail "there are no ISOs: $(ls "$MNT/iso")"
python3 "$PXEFS_SRC/tests/mount/rendered.py" "$PXECTL" "$INVENTORY" "$CACHE" "$MNT"
