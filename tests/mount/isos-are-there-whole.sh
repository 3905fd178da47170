#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# /iso/<name>.iso is the ISO byte for byte, for sanboot; also one whose build a tarball serves, and one that came compressed.
. "$PXEFS_TESTLIB"
need bsdtar
need xz
mkbuild 20240101T000000Z -s 2
mkdir "$DIR/t"
tar -xf "$TGZ" -C "$DIR/t"
mv "$DIR/t/platform-20240101T000000Z" "$DIR/t/platform"
iso()           # DIR FILE
{
        bsdtar --format iso9660 --options '!joliet,rockridge' -cf "$2" -C "$1" .
}
iso "$DIR/t" "$BUILDS/smartos-20240101T000000Z.iso"
mkdir "$DIR/m"
head -c 100000 /dev/urandom >"$DIR/m/memtest"
iso "$DIR/m" "$DIR/memtest86+.iso"
xz -k "$DIR/memtest86+.iso"
mv "$DIR/memtest86+.iso.xz" "$BUILDS/"
mount_pxefs -o wait
[ "$(ls "$MNT/iso" | tr '\n' ' ')" = 'memtest86+.iso smartos-20240101T000000Z.iso ' ] || fail "iso/ lists: $(ls "$MNT/iso")"
cmp "$BUILDS/smartos-20240101T000000Z.iso" "$MNT/iso/smartos-20240101T000000Z.iso" || fail "the ISO differs"
cmp "$DIR/memtest86+.iso" "$MNT/iso/memtest86+.iso" || fail "the compressed ISO differs"
cmp "$DIR/m/memtest" "$MNT/images/memtest86+/memtest" || fail "the image in it differs"
[ "$(stat -c '%s %a' "$MNT/iso/smartos-20240101T000000Z.iso")" = \
        "$(stat -c '%s' "$BUILDS/smartos-20240101T000000Z.iso") 444" ] || fail attributes
at=$(stat -c %Y "$MNT/iso/smartos-20240101T000000Z.iso") stamp=$(date -u -d '2024-01-01 00:00:00' +%s)
[ "$at" -le "$stamp" ] && [ "$at" -gt $((stamp - 65536)) ] || fail "an ISO of the time $at"
ls "$MNT/images" | grep -qx 'memtest86+' || fail "images/ lists: $(ls "$MNT/images")"
! ls "$MNT/images" | grep -q smartos || fail "a build is an image"

# Written to in place: never other bytes under the name that was verified.
printf 'X' | dd of="$BUILDS/smartos-20240101T000000Z.iso" bs=1 seek=40000 conv=notrunc status=none
gone()
{
        [ ! -e "$MNT/iso/smartos-20240101T000000Z.iso" ] || cmp -s "$BUILDS/smartos-20240101T000000Z.iso" "$MNT/iso/smartos-20240101T000000Z.iso"
}
wait_for 10 gone || fail "an ISO that was written to is still shown as it was"
